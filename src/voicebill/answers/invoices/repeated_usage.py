"""Find responses that were recorded twice under different identifiers: with the same usage at the same time.

Two tools that write down the same calls name them differently. A response of several meters with hundreds of tokens has hardly
ever a twin by chance in the same moment.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from voicebill.answers.invoices.billed_models import BilledModels
from voicebill.answers.invoices.cells import BillDays
from voicebill.answers.invoices.recorded_usage import EPOCH_DAY, SLOTS_PER_DAY, RepeatedSums, slot_of
from voicebill.answers.recorded.price_table import PriceTable
from voicebill.answers.recorded.python_engine import epoch_milliseconds, sku_of
from voicebill.answers.recorded.query import CostQuery
from voicebill.billing.record import Record
from voicebill.billing.sku_periods import Sku

SAME_MOMENT_MS = 120_000
"""Two tools write down the same response at most so many milliseconds apart."""
MIN_METERS = 2
"""A response of fewer meters may have a twin by chance."""


class RepeatedQuantity(NamedTuple):
    """A quantity of responses that were recorded before: `slot` is the number of the half hour since 1970."""

    account: str | None
    sku: Sku
    day: date
    slot: int
    meter: str
    quantity: int


FindRepeated = Callable[[CostQuery, str | None, Sequence[str]], Iterable[RepeatedQuantity]]
"""Find the responses that a query counts twice, by the field of their accounts, in some meters."""


def sum_repeated(
    quantities: Iterable[RepeatedQuantity], days: BillDays, price_table: PriceTable, models: BilledModels
) -> RepeatedSums:
    """Repeated quantities by the bill's day, account, model and meter."""
    sums: dict[tuple[date, str | None, int | str, str], int] = defaultdict(int)
    for entry in quantities:
        period = price_table.period_on(entry.sku, entry.day)
        quote = price_table.periods[period].quote if period >= 0 else None
        if quote is not None:
            day = EPOCH_DAY + timedelta(days=(entry.slot + days.offset) // SLOTS_PER_DAY)
            sums[day, entry.account, models.of_offer(quote.offer).number, entry.meter] += entry.quantity
    return sums


def repeated_records(records: Sequence[Record]) -> FindRepeated:
    """Find repeated responses among records in memory."""

    def find(query: CostQuery, account_field: str | None, meters: Sequence[str]) -> Iterable[RepeatedQuantity]:
        for record in _repeated(records, query):
            account = getattr(record, account_field) if account_field else None
            for meter in meters:
                quantity = record.usage.quantities.get(meter, 0)
                if quantity and record.day is not None and record.time is not None:
                    yield RepeatedQuantity(account, sku_of(record, query), record.day, slot_of(record.time), meter, quantity)

    return find


def _repeated(records: Sequence[Record], query: CostQuery) -> Iterator[Record]:
    last: dict[tuple[object, ...], int] = {}
    timed = [record for record in records if record.time is not None and len(record.usage.quantities) >= MIN_METERS]
    for record in sorted(timed, key=lambda entry: (entry.time, entry.key)):
        assert record.time is not None
        ms = epoch_milliseconds(record.time)
        content = (sku_of(record, query), *sorted(record.usage.items()))
        previous = last.get(content)
        last[content] = ms
        if previous is not None and ms - previous <= SAME_MOMENT_MS:
            yield record
