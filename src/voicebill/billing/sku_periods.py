"""Find the periods over which a logged SKU had the same rates.

A month of logs names a few models many million times. The offer and the rates of each name are looked up once per period.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from voicebill.billing.errors import InvalidInput, VoicebillError
from voicebill.billing.price_book import PriceBook, Quote
from voicebill.billing.validity import EffectiveDated

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class Sku:
    """A model and its terms of sale, as logged. An empty model means that the log does not name one."""

    provider: str
    model: str
    deployment: str
    region: str
    tier: str

    def __str__(self) -> str:
        qualifiers = [part for part in (self.deployment, self.region, self.tier) if part not in ("", "global", "standard")]
        return f"{self.model or 'an unnamed model'} at {self.provider}" + (f" ({', '.join(qualifiers)})" if qualifiers else "")


@dataclass(frozen=True, slots=True)
class PricePeriod:
    """A period from `since` (inclusive) until `until` (exclusive) with the same rates, or without rates because of an error."""

    sku: Sku
    since: date
    until: date
    quote: Quote | None
    error: VoicebillError | None = None

    @property
    def reason(self) -> str:
        """Why there are no rates; empty if there are."""
        return "" if self.error is None else str(self.error)


def normalize_name(name: str | None) -> str:
    """A name normalized for comparison: lower case, no surrounding blanks, `/` for `|`.

    >>> normalize_name(" GPT-Realtime "), normalize_name(None)
    ('gpt-realtime', '')
    """
    return name.strip().lower().replace("|", "/") if name else ""


def price_periods(prices: PriceBook, sku: Sku, first: date, last: date) -> list[PricePeriod]:
    """The consecutive price periods of a SKU from a first to a last day, inclusive, without gaps.

    >>> from voicebill.facts import load_facts
    >>> sku = Sku("openai", "gpt-4o-realtime-preview-2024-10-01", "global", "", "standard")
    >>> periods = price_periods(load_facts().prices, sku, date(2024, 9, 1), date(2024, 12, 31))
    >>> [(str(period.since), period.quote is not None) for period in periods]
    [('2024-09-01', False), ('2024-10-01', True), ('2024-10-30', True)]
    """
    periods: list[PricePeriod] = []
    for since, until in pairwise(_change_days(prices, sku, first, last)):
        period = _price_period(prices, sku, since, until)
        previous = periods[-1] if periods else None
        if previous and _has_same_rates(previous, period):
            periods[-1] = PricePeriod(sku, previous.since, until, period.quote, period.error)
        else:
            periods.append(period)
    return periods


def _price_period(prices: PriceBook, sku: Sku, since: date, until: date) -> PricePeriod:
    """A period quoted on its last day, when its warnings include those of the days before."""
    if not sku.model:
        error = InvalidInput("the log names no model: give a model, or a transcription model for transcriptions")
        return PricePeriod(sku, since, until, None, error)
    try:
        quote = prices.quote(
            sku.model,
            day=until - ONE_DAY,
            provider=sku.provider,
            deployment=sku.deployment,
            region=sku.region or None,
            tier=sku.tier,
        )
    except VoicebillError as refusal:
        return PricePeriod(sku, since, until, None, refusal.with_traceback(None))
    return PricePeriod(sku, since, until, quote)


def _has_same_rates(one: PricePeriod, other: PricePeriod) -> bool:
    if one.quote is None or other.quote is None:
        return one.quote is other.quote
    return one.quote.rates.offer is other.quote.rates.offer and one.quote.rates.row == other.quote.rates.row


def _change_days(prices: PriceBook, sku: Sku, first: date, last: date) -> list[date]:
    """The first day, every day on which the price may change, and the day after the last day."""
    try:
        offers = prices.offers_named(sku.model, sku.provider)
    except VoicebillError:
        return [first, last + ONE_DAY]
    rows: list[EffectiveDated] = []
    for offer in offers:
        rows += [*offer.rows, *prices.contracted.get(offer.id, ()), *prices.adjustments_of(offer), *prices.aliases_of(offer)]
    changes = sorted({day for day in _boundaries(rows) if first < day <= last})
    return [first, *changes, last + ONE_DAY]


def _boundaries(rows: Iterable[EffectiveDated]) -> Iterator[date]:
    for row in rows:
        yield row.since.first
        if row.until is not None:
            yield row.until.first
            yield row.until.last + ONE_DAY
