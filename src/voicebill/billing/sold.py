"""Names as logs write them, and the rates that each has had: the spans of days over which nothing changed.

A log of a month names a handful of models many million times. What each name means, and costs, is found once per span.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from voicebill.billing.dated import Dated
from voicebill.billing.errors import VoicebillError
from voicebill.billing.price_book import Found, PriceBook

A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class Sold:
    """A model and how it was bought, as a log names them. An empty model is one that the log does not name."""

    provider: str
    model: str
    deployment: str
    region: str
    tier: str

    def __str__(self) -> str:
        beside = [each for each in (self.deployment, self.region, self.tier) if each not in ("", "global", "standard")]
        return f"{self.model or 'a model that is not named'} at {self.provider}" + (f" ({', '.join(beside)})" if beside else "")


@dataclass(frozen=True, slots=True)
class Span:
    """The days from `since` (inclusive) until `until` (exclusive) on which a name had the same rates, or none and `why`."""

    sold: Sold
    since: date
    until: date
    found: Found | None
    why: str = ""


def plain(said: str | None) -> str:
    """A name as it is compared: whoever writes it in capitals, or with a `|`, means the same.

    >>> plain(" GPT-Realtime "), plain(None)
    ('gpt-realtime', '')
    """
    return said.strip().lower().replace("|", "/") if said else ""


def spans(prices: PriceBook, sold: Sold, first: date, last: date) -> list[Span]:
    """What a name meant and cost from a first to a last day, inclusive: spans without gaps, in their order.

    >>> from voicebill.facts import load
    >>> name = Sold("openai", "gpt-4o-realtime-preview-2024-10-01", "global", "", "standard")
    >>> [(str(each.since), each.found is not None) for each in spans(load().prices, name, date(2024, 9, 1), date(2024, 12, 31))]
    [('2024-09-01', False), ('2024-10-01', True), ('2024-10-30', True)]
    """
    joined: list[Span] = []
    for since, until in pairwise(_turning_days(prices, sold, first, last)):
        span = _span(prices, sold, since, until)
        before = joined[-1] if joined else None
        if before and _same(before, span):
            joined[-1] = Span(sold, before.since, until, span.found, span.why)
        else:
            joined.append(span)
    return joined


def _span(prices: PriceBook, sold: Sold, since: date, until: date) -> Span:
    """A span as it is on its last day: what is to be feared then includes what was before."""
    if not sold.model:
        return Span(
            sold, since, until, None, "no model is named; say it with --model, or --transcription-model for what hears the user"
        )
    try:
        found = prices.find(
            sold.model,
            day=until - A_DAY,
            provider=sold.provider,
            deployment=sold.deployment,
            region=sold.region or None,
            tier=sold.tier,
        )
    except VoicebillError as error:
        return Span(sold, since, until, None, str(error))
    return Span(sold, since, until, found)


def _same(one: Span, other: Span) -> bool:
    if one.found is None or other.found is None:
        return one.found is other.found
    return one.found.rates.offer is other.found.rates.offer and one.found.rates.row == other.found.rates.row


def _turning_days(prices: PriceBook, sold: Sold, first: date, last: date) -> list[date]:
    """The first day, every day on which the price of the name may change, and the day after the last."""
    try:
        offers = prices.named(sold.model, sold.provider)
    except VoicebillError:
        return [first, last + A_DAY]
    dated: list[Dated] = [*prices.adjustments, *(each for each in prices.aliases if each.provider == sold.provider)]
    for offer in offers:
        dated += [*offer.rows, *prices.negotiated.get(offer.id, ())]
    inside = sorted({day for day in _ends(dated) if first < day <= last})
    return [first, *inside, last + A_DAY]


def _ends(rows: Iterable[Dated]) -> Iterator[date]:
    for row in rows:
        yield row.since.first
        if row.until is not None:
            yield row.until.first
            yield row.until.last + A_DAY
