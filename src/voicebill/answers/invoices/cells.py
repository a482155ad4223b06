"""Lay recorded and billed quantities side by side: by day, account, model and meter."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from voicebill.answers.invoices.billed_models import BilledModel
from voicebill.answers.invoices.causes import Cause
from voicebill.answers.invoices.placed_charges import PlacedCharge
from voicebill.answers.invoices.recorded_usage import RecordedQuantity, RecordedUsage
from voicebill.billing.money import Amount
from voicebill.billing.offers import Offer, Rate


class CellKey(NamedTuple):
    """A day of the bill (None: all of its days), an account (None: accounts are not compared), and a model by its number."""

    day: date | None
    account: str | None
    model: int | str


@dataclass(slots=True)
class MeterCell:
    """One meter of a cell.

    `utc_amount` is the recorded cost on the same days in UTC, and `recorded` the quantity on the bill's days, `recorded_high`
    its upper end. `offer` is the one that the bill names; of several, one that was not recorded. `at_offer` is what the billed
    quantity costs at its price, `dollars` what was charged (None: the bill has no money). `parts` are the causes with their
    amounts.
    """

    rate: Rate | None
    utc_amount: Amount = 0
    recorded: int = 0
    recorded_high: int = 0
    unpriced: int = 0
    billed: Amount = 0
    at_offer: Amount = 0
    offer: Offer | None = None
    dollars: int | None = None
    listed: int | None = None
    rows: int = 0
    is_implied: bool = False
    parts: list[tuple[Cause, Amount]] = field(default_factory=list)

    @property
    def difference(self) -> Amount:
        """The billed quantity beyond the recorded one."""
        return self.billed - self.recorded

    @property
    def billed_amount(self) -> Amount:
        """What was charged; of a count without money, its value at the recorded rate."""
        return self.value(self.billed) if self.dollars is None else self.dollars

    @property
    def unexplained(self) -> Amount:
        """The part of the difference that no cause explains."""
        return self.billed_amount - self.utc_amount - sum(amount for _, amount in self.parts)

    def value(self, quantity: Amount) -> Amount:
        """A quantity at the recorded rate; 0 without a rate."""
        if self.rate is None:
            return 0
        amount = Fraction(quantity) * self.rate.picodollars / self.rate.per
        return amount.numerator if amount.denominator == 1 else amount

    def explain(self, cause: Cause, amount: Amount) -> None:
        """Name a cause of a part of the difference."""
        if amount:
            self.parts.append((cause, amount))


@dataclass(slots=True)
class ReconciledCell:
    """The meters of a model on a day in an account, and numbers of responses: `billed_requests` is None if not on the bill."""

    model: BilledModel
    meters: dict[str, MeterCell] = field(default_factory=dict)
    billed_requests: int | None = None
    records: int = 0
    without_usage: int = 0


@dataclass(frozen=True, slots=True)
class BillDays:
    """The days that a bill covers, from `first` to `last`, and how many half hours its days are ahead of UTC.

    `are_compared`: each day on its own; otherwise only their sum.
    """

    first: date | None
    last: date | None
    offset: int = 0
    are_compared: bool = True

    def key_day(self, day: date) -> date | None:
        """The day of a cell."""
        return day if self.are_compared else None

    def covers(self, day: date) -> bool:
        """Whether the bill is of a day, too; of a bill without days, whatever the day."""
        return self.first is None or self.last is None or self.first <= day <= self.last


def build_cells(
    charges: Iterable[PlacedCharge], recorded: RecordedUsage, days: BillDays, *, has_accounts: bool
) -> dict[CellKey, ReconciledCell]:
    """The cells of a bill, with the recorded usage of its days."""
    cells: dict[CellKey, ReconciledCell] = {}
    for charge in charges:
        key = CellKey(days.key_day(charge.day) if charge.day else None, charge.account, charge.model.number)
        _add_charge(_cell(cells, key, charge.model), charge, recorded, days)
    for row in recorded.rows:
        _add_recorded(cells, row, recorded, days, has_accounts=has_accounts)
    return cells


def _cell(cells: dict[CellKey, ReconciledCell], key: CellKey, model: BilledModel) -> ReconciledCell:
    cell = cells.get(key)
    if cell is None:
        cell = cells[key] = ReconciledCell(model)
    return cell


def _add_charge(cell: ReconciledCell, charge: PlacedCharge, recorded: RecordedUsage, days: BillDays) -> None:
    day = charge.day or days.first or date.max
    meter = _meter(cell, charge.meter, recorded, day)
    is_own_offer = charge.offer in charge.model.offers
    rate = meter.rate if is_own_offer else recorded.rate_of(charge.offer, charge.meter, day)
    meter.billed += charge.quantity
    meter.at_offer += charge.quantity * Fraction(rate.picodollars, rate.per) if rate else 0
    meter.offer = charge.offer if meter.offer is None or not is_own_offer else meter.offer
    meter.rows += charge.rows
    meter.is_implied |= charge.is_implied
    if charge.dollars is not None:
        has_list = charge.listed is not None and (meter.dollars is None or meter.listed is not None)
        meter.listed = (meter.listed or 0) + (charge.listed or 0) if has_list else None
        meter.dollars = (meter.dollars or 0) + charge.dollars
    if charge.requests is not None:
        cell.billed_requests = (cell.billed_requests or 0) + charge.requests


def _add_recorded(
    cells: dict[CellKey, ReconciledCell], row: RecordedQuantity, recorded: RecordedUsage, days: BillDays, *, has_accounts: bool
) -> None:
    account = row.account if has_accounts else None
    if row.meter and days.covers(row.day):
        meter = _meter(
            _cell(cells, CellKey(days.key_day(row.day), account, row.model.number), row.model), row.meter, recorded, row.day
        )
        meter.utc_amount += row.amount or 0
        meter.unpriced += row.low if row.amount is None else 0
    day = row.day_with(days.offset)
    if not days.covers(day):
        return
    cell = _cell(cells, CellKey(days.key_day(day), account, row.model.number), row.model)
    cell.records += row.records
    if not row.meter:
        cell.without_usage += row.records
        return
    meter = _meter(cell, row.meter, recorded, day)
    meter.recorded += row.low
    meter.recorded_high += row.high


def _meter(cell: ReconciledCell, name: str, recorded: RecordedUsage, day: date) -> MeterCell:
    meter = cell.meters.get(name)
    if meter is None:
        meter = cell.meters[name] = MeterCell(recorded.rate(cell.model, name, day))
    return meter


def recorded_quantities(
    rows: Sequence[RecordedQuantity], days: BillDays, *, has_accounts: bool
) -> Mapping[tuple[date | None, str | None, int | str, str], int]:
    """Recorded quantities by the bill's day, account, model and meter."""
    sums: dict[tuple[date | None, str | None, int | str, str], int] = {}
    for row in rows:
        key = (days.key_day(row.day_with(days.offset)), row.account if has_accounts else None, row.model.number, row.meter)
        sums[key] = sums.get(key, 0) + row.low
    return sums
