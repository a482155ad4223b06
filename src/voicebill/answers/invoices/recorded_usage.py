"""Sum recorded usage as a bill does: by hour, account, billed model and meter."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property

from voicebill.answers.invoices.billed_models import BilledModel, BilledModels
from voicebill.answers.recorded.engine import CountedQuery, QuantityTotals
from voicebill.answers.recorded.price_table import PriceTable
from voicebill.answers.recorded.query import CostQuery
from voicebill.billing.meters import Meter
from voicebill.billing.money import Amount
from voicebill.billing.offers import Offer, Rate, Rates
from voicebill.billing.price_book import PriceBook

MINUTES_PER_SLOT = 30
SLOTS_PER_DAY = 24 * 60 // MINUTES_PER_SLOT
EPOCH_DAY = date(1970, 1, 1)
RepeatedSums = Mapping[tuple[date, str | None, int | str, str], int]
"""Quantities of responses that were recorded twice, by the bill's day, account, model and meter."""


@dataclass(frozen=True, slots=True)
class RecordedQuantity:
    """What was counted of a meter in half an hour: its quantity (low and high, if the log leaves it open) and what it costs.

    `slot` is the number of half hours since 1970, in UTC; None if the log gives only the day. `records` is the number of
    responses and other records, each in one row only; `meter` is empty of those without usage. Without a price `amount` is
    None.
    """

    account: str | None
    model: BilledModel
    offer: Offer | None
    day: date
    slot: int | None
    meter: str
    low: int
    high: int
    records: int
    amount: Amount | None

    def day_with(self, offset: int) -> date:
        """The day of a time zone that is so many half hours ahead of UTC."""
        return self.day if self.slot is None else EPOCH_DAY + timedelta(days=(self.slot + offset) // SLOTS_PER_DAY)


@dataclass(frozen=True)
class RecordedUsage:
    """The usage that a bill is compared with. `fixed_rates` are those of meters that no offer has."""

    rows: Sequence[RecordedQuantity]
    prices: PriceBook
    fixed_rates: Mapping[str, Rate] = field(default_factory=dict)

    @property
    def meters(self) -> Mapping[str, Meter]:
        """All meters, by name."""
        return {**self.prices.meters, **{name: rate.meter for name, rate in self.fixed_rates.items()}}

    @cached_property
    def models(self) -> Mapping[int | str, BilledModel]:
        """The models that occur, by number."""
        return {row.model.number: row.model for row in self.rows}

    @cached_property
    def main_offers(self) -> Mapping[int | str, Offer]:
        """Of each model the offer with the highest cost."""
        amounts: dict[tuple[int | str, str], Amount] = {}
        offers: dict[str, Offer] = {}
        for row in self.rows:
            if row.offer is not None:
                key = (row.model.number, row.offer.id)
                offers[row.offer.id] = row.offer
                amounts[key] = amounts.get(key, 0) + (row.amount or 0)
        return {number: offers[name] for (number, name), _ in sorted(amounts.items(), key=lambda entry: entry[1])}

    @cached_property
    def main_models(self) -> Mapping[int | str, BilledModel]:
        """Of each family of deployments the model with the highest cost."""
        amounts: dict[int | str, Amount] = {}
        for row in self.rows:
            amounts[row.model.number] = amounts.get(row.model.number, 0) + (row.amount or 0)
        ordered = sorted(amounts, key=lambda number: amounts[number])
        return {self.models[number].family: self.models[number] for number in ordered}

    @cached_property
    def accounts(self) -> frozenset[str]:
        """The names of the projects or customers that occur."""
        return frozenset(row.account for row in self.rows if row.account is not None)

    @cached_property
    def _rates(self) -> dict[tuple[str, date], Rates | None]:
        return {}

    def rate_of(self, offer: Offer, meter: str, day: date) -> Rate | None:
        """The rate of a meter in an offer on a day; None without a price."""
        if (rate := self.fixed_rates.get(meter)) is not None:
            return rate
        key = (offer.id, day)
        if key not in self._rates:
            row = self.prices.price_row(offer, day)
            self._rates[key] = None if row is None else Rates.from_row(offer, row, self.prices.meters)
        rates = self._rates[key]
        return None if rates is None else rates[meter]

    def rate(self, model: BilledModel, meter: str, day: date) -> Rate | None:
        """The rate of a meter of a recorded model on a day; None without a price."""
        offer = self.main_offers.get(model.number)
        return None if offer is None else self.rate_of(offer, meter, day)


def bill_query(query: CostQuery, first: date | None, last: date | None) -> CostQuery:
    """The query of the records of a bill's days.

    A bill's days may begin at another hour than those of UTC, so that the days around them belong to it, too.
    """
    since = query.since if first is None else first - timedelta(days=1)
    until = query.until if last is None else last + timedelta(days=2)
    return replace(query, by=(), since=since, until=until, top=None, calls=False)


def recorded_usage(
    counted_query: CountedQuery, price_table: PriceTable, models: BilledModels, prices: PriceBook, *, has_accounts: bool
) -> RecordedUsage:
    """The usage that an engine counted, by account, if there are any, and half hour, if it was counted by it."""
    totals = counted_query.quantities(price_table)
    return RecordedUsage(list(_rows(totals, price_table, models, has_accounts=has_accounts)), prices)


def _rows(
    totals: Iterable[QuantityTotals], price_table: PriceTable, models: BilledModels, *, has_accounts: bool
) -> Iterator[RecordedQuantity]:
    for entry in totals:
        if entry.day is None:
            continue
        account = entry.keys[0] if has_accounts else None
        moment = entry.keys[-1] if len(entry.keys) > int(has_accounts) else None
        period = price_table.period_on(entry.sku, entry.day)
        quote = price_table.periods[period].quote if period >= 0 else None
        rate = quote.rates[entry.meter] if quote and entry.meter else None
        yield RecordedQuantity(
            account=None if account is None else str(account),
            model=models.of_offer(quote.offer) if quote else models.unpriced(entry.sku.provider, entry.sku.model),
            offer=quote.offer if quote else None,
            day=entry.day,
            slot=None if moment is None else slot_of(datetime.fromisoformat(str(moment)).replace(tzinfo=UTC)),
            meter=entry.meter,
            low=entry.low,
            high=entry.high,
            records=entry.records,
            amount=rate.amount(entry.low) if rate else (0 if not entry.meter else None),
        )


def slot_of(moment: datetime) -> int:
    """The number of a time's half hour since 1970."""
    return int(moment.timestamp()) // (60 * MINUTES_PER_SLOT)
