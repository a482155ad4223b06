"""Reconcile recorded usage with a vendor's bill: by how much they differ, and why.

Both are laid side by side in cells of a day, an account, a model and a meter. A difference in quantity is worth our price; a
difference in price holds for the billed quantity. Causes are named from what the bill shows, several together if it cannot
tell them apart, and what is left is "not explained". So the sum closes exactly:

    recorded + causes + not explained = billed
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache

from voicebill.answers.invoices.all_models import COST_METER, COST_RATE, is_of_all_models, sum_models, sum_repeated_models
from voicebill.answers.invoices.billed_models import BilledModel, BilledModels
from voicebill.answers.invoices.billed_usage import BilledUsage
from voicebill.answers.invoices.causes import Cause
from voicebill.answers.invoices.cells import BillDays, CellKey, MeterCell, ReconciledCell, build_cells, recorded_quantities
from voicebill.answers.invoices.charge import Charge
from voicebill.answers.invoices.day_boundary import bill_days, day_offset, fits_utc
from voicebill.answers.invoices.implied_quantities import RecordedQuantityKey, imply_quantities
from voicebill.answers.invoices.line_groups import ReconciledLine
from voicebill.answers.invoices.placed_charges import OutsideCharge, PlacedCharges, place_charges
from voicebill.answers.invoices.price_causes import explain_prices
from voicebill.answers.invoices.quantity_causes import Coverage, QuantityQuestion, Steps, explain_quantities
from voicebill.answers.invoices.reconciliation import Reconciliation, causes_of_lines
from voicebill.answers.invoices.recorded_usage import RecordedUsage, RepeatedSums, bill_query, recorded_usage
from voicebill.answers.invoices.repeated_usage import FindRepeated, sum_repeated
from voicebill.answers.invoices.request import ReconcileRequest
from voicebill.answers.recorded.engine import Engine
from voicebill.answers.recorded.price_table import PriceTable, build_price_table
from voicebill.answers.recorded.query import CostQuery
from voicebill.billing.errors import InvalidInput
from voicebill.billing.price_book import PriceBook


def reconcile(
    engine: Engine,
    query: CostQuery,
    charges: Iterable[Charge],
    prices: PriceBook,
    request: ReconcileRequest,
    *,
    find_repeated: FindRepeated,
) -> Reconciliation:
    """The difference between the records that a query matches and a bill, and its causes.

    Raises:
        InvalidInput: the bill has no charge, amounts of several currencies, or a currency whose rate nothing tells; a price is
            too high for exact totals.
    """
    models = BilledModels(prices)
    billed = BilledUsage(prices, models, request.exchange_rates)
    billed.add(charge for charge in charges if request.covers(charge))
    if not billed.sums:
        raise InvalidInput("the bill has no charges" + (" on these days" if request.since or request.until else ""))
    counts = _Counts(
        engine, bill_query(query, *billed.days), models, prices, request.account_field, has_only_sums=billed.has_only_sums()
    )
    return _reconciliation(billed, counts, request, find_repeated)


@dataclass
class _Counts:
    """The recorded usage of a bill's days: by day, or by half hour where the bill's days begin at another hour.

    Where the bill `has_only_sums`, it is that of all models together. `by_model` is the last one that was counted, by model.
    """

    engine: Engine
    query: CostQuery
    models: BilledModels
    prices: PriceBook
    account_field: str | None
    has_only_sums: bool = False
    price_table: PriceTable | None = None
    by_model: RecordedUsage | None = None

    def by_day(self) -> RecordedUsage:
        """The usage of accounts by day in UTC."""
        return self._count(self.account_field)

    def by_half_hour(self, account_field: str | None) -> RecordedUsage:
        """The usage by half hour, of accounts if their field is given."""
        return self._count(account_field, "half_hour")

    def _count(self, account_field: str | None, *by: str) -> RecordedUsage:
        query = replace(self.query, by=(*([account_field] if account_field else []), *by))
        counted_query = self.engine.count(query)
        self.price_table = build_price_table(counted_query.overview().names, self.prices)
        has_accounts = account_field is not None
        usage = recorded_usage(counted_query, self.price_table, self.models, self.prices, has_accounts=has_accounts)
        self.by_model = usage
        if not self.has_only_sums:
            return usage
        return RecordedUsage(list(sum_models(usage.rows)), self.prices, {COST_METER.name: COST_RATE})

    def repeated(self, find_repeated: FindRepeated, days: BillDays) -> RepeatedSums:
        """What was recorded twice, by the bill's day, account, model and meter."""
        assert self.price_table is not None
        assert self.by_model is not None
        meters = sorted({row.meter for row in self.by_model.rows if row.meter})
        quantities = find_repeated(self.query, self.account_field, meters)
        repeated = sum_repeated(quantities, days, self.price_table, self.models)
        return sum_repeated_models(repeated, self.by_model) if self.has_only_sums else repeated


def _reconciliation(
    billed: BilledUsage, counts: _Counts, request: ReconcileRequest, find_repeated: FindRepeated
) -> Reconciliation:
    recorded = counts.by_day()
    inferred = _infer_rate(billed, recorded)
    placed = place_charges(billed, recorded)
    offset = 0 if placed.has_periods else _offset(placed, recorded, counts)
    if offset:
        recorded = counts.by_half_hour(counts.account_field)
    days = bill_days(placed.inside, offset, are_compared=not placed.has_periods)
    repeated = cache(lambda: counts.repeated(find_repeated, days))
    cells = _cells(placed, recorded, billed.money_step, days, repeated)
    explain_quantities(_question(cells, days, billed, recorded, repeated))
    explain_prices(cells, recorded.prices, billed.money_step)
    lines = tuple(_lines(cells, placed.outside))
    recorded_amount = sum((line.recorded_amount for line in lines), start=0)
    billed_amount = sum((line.billed_amount for line in lines), start=0)
    is_foreign = billed.currency != "USD"
    face = sum(total.face for total in billed.sums.values()) if is_foreign else billed_amount
    on_days = (row.amount or 0 for row in recorded.rows if days.covers(row.day))
    return Reconciliation(
        recorded=recorded_amount,
        billed=billed_amount,
        face=face,
        currency=billed.currency,
        days=days,
        account_field=placed.account_field,
        lines=lines,
        causes=causes_of_lines(lines, face - billed_amount, _currency_cause(billed, inferred)),
        elsewhere=sum(on_days, start=0) - recorded_amount,
        rows=billed.rows,
        has_money=bool(billed.currencies),
        assumptions=tuple(_assumptions(billed, placed, inferred, request)),
        warnings=tuple(_warnings(billed, placed, recorded)),
        prices=recorded.prices,
        by=request.by,
    )


def _question(
    cells: Mapping[CellKey, ReconciledCell],
    days: BillDays,
    billed: BilledUsage,
    recorded: RecordedUsage,
    repeated: Callable[[], RepeatedSums],
) -> QuantityQuestion:
    recorded_days = [row.day for row in recorded.rows]
    coverage = Coverage(min(recorded_days, default=None), max(recorded_days, default=None))
    steps = Steps(max(billed.quantity_steps.values(), default=Fraction(0)), billed.money_step)
    return QuantityQuestion(cells, days, coverage, steps, recorded.meters, repeated)


def _offset(placed: PlacedCharges, recorded: RecordedUsage, counts: _Counts) -> int:
    """How many half hours the bill's days are ahead of UTC; the hours are only counted if days in UTC do not fit."""
    if fits_utc(placed.inside, recorded.rows):
        return 0
    return day_offset(placed.inside, counts.by_half_hour(None).rows)


def _cells(
    placed: PlacedCharges,
    recorded: RecordedUsage,
    money_step: Fraction,
    days: BillDays,
    repeated: Callable[[], RepeatedSums],
) -> dict[CellKey, ReconciledCell]:
    """The cells of the bill's days, after ratios of prices are told from quantities where the bill has none."""
    has_accounts = placed.account_field is not None
    families = {charge.model.family for charge in placed.inside}
    providers = {charge.model.provider for charge in placed.inside}
    rows = [row for row in recorded.rows if row.model.provider in providers or row.model.family in families]
    quantities = recorded_quantities(rows, days, has_accounts=has_accounts)
    if any(charge.is_implied for charge in placed.inside):
        quantities = _less_repeated(quantities, repeated(), days, has_accounts=has_accounts)
    charges = imply_quantities(placed.inside, quantities, money_step)
    return build_cells(charges, replace(recorded, rows=rows), days, has_accounts=has_accounts)


def _less_repeated(
    quantities: Mapping[RecordedQuantityKey, int], repeated: RepeatedSums, days: BillDays, *, has_accounts: bool
) -> Mapping[RecordedQuantityKey, int]:
    """Recorded quantities without what was recorded twice, which a ratio of the bill's money to it would hide."""
    rest = dict(quantities)
    for (day, account, model, meter), quantity in repeated.items():
        key = (days.key_day(day), account if has_accounts else None, model, meter)
        if key in rest:
            rest[key] -= quantity
    return rest


def _lines(cells: Mapping[CellKey, ReconciledCell], outside: Sequence[OutsideCharge]) -> Iterable[ReconciledLine]:
    for key, cell in cells.items():
        for name, meter in cell.meters.items():
            yield _line(key, cell.model, name, meter)
    for charge in outside:
        cause = Cause(charge.causes, charge.detail)
        parts = ((cause, charge.dollars),) if charge.dollars else ()
        yield ReconciledLine(charge.day, charge.account, charge.name, "", 0, 0, 0, charge.dollars, parts)


def _line(key: CellKey, model: BilledModel, name: str, meter: MeterCell) -> ReconciledLine:
    has_quantity = not is_of_all_models(model)
    return ReconciledLine(
        day=key.day,
        account=key.account,
        model=model.label,
        meter=name if has_quantity else "",
        recorded=meter.recorded if has_quantity else 0,
        billed=meter.billed if has_quantity else 0,
        recorded_amount=meter.utc_amount,
        billed_amount=meter.billed_amount,
        parts=tuple(meter.parts),
    )


def _infer_rate(billed: BilledUsage, recorded: RecordedUsage) -> Fraction | None:
    """The exchange rate of a bill that has none, from its prices and ours; None if it is not needed.

    Its list prices tell it, if it has them: then a discount can be seen. Otherwise it is what its quantities were charged at.

    Raises:
        InvalidInput: the bill has no quantities either.
    """
    if not billed.lacks_rate:
        return None
    face, value = Fraction(0), Fraction(0)
    for key, total in billed.sums.items():
        rate = recorded.rate_of(total.offer, key.meter, key.day) if total.offer and key.day else None
        if rate and total.has_quantity and total.rows:
            face += total.listed if total.listed_rows == total.rows else total.face
            value += total.charged * Fraction(rate.picodollars, rate.per)
    if not value or not face:
        code = billed.currency
        raise InvalidInput(f"the bill is in {code} and has no exchange rate: give one, as in EUR=0.86", field="exchange_rate")
    per_dollar = round(face / value, 6)
    for total in billed.sums.values():
        total.dollars = round(total.face / per_dollar)
        total.listed = round(total.listed / per_dollar)
    return per_dollar


def _currency_cause(billed: BilledUsage, inferred: Fraction | None) -> Cause:
    if inferred is not None:
        return Cause(
            ("currency", "negotiated-rate"), f"{billed.currency}, at about {float(inferred):.6g} per dollar by its prices"
        )
    return Cause(("currency",), billed.currency)


def _assumptions(
    billed: BilledUsage, placed: PlacedCharges, inferred: Fraction | None, request: ReconcileRequest
) -> Iterable[str]:
    if inferred is not None:
        yield (
            f"the bill is in {billed.currency} and has no exchange rate: {float(inferred):.6g} per dollar makes its prices "
            "equal to ours, so that a discount on all of them would not be seen"
        )
    if placed.account_field is not None:
        yield f"the log's {request.account}s are the bill's {placed.account_field.replace('_', ' ')}"
    if billed.has_only_sums():
        yield "the bill has only sums, which name no models: they are compared with the cost of all models"
    elif any(charge.is_implied for charge in placed.inside):
        yield "the bill has no quantities for some charges: they are what the money buys at our prices"


def _warnings(billed: BilledUsage, placed: PlacedCharges, recorded: RecordedUsage) -> Iterable[str]:
    if not placed.inside and recorded.rows:
        names = sorted({row.model.provider for row in recorded.rows})
        yield (
            f"no charge is for what was recorded, of {' and '.join(names)}: if the log does not name its provider, give the "
            "bill's (--provider azure)"
        )
    if not recorded.rows and billed.days[0] is not None:
        yield f"nothing was recorded on the days of the bill, from {billed.days[0]} to {billed.days[1]}"
    if placed.has_periods:
        yield "the bill has charges of more than a day each, or without a day: days are not compared"
    for unit, count in billed.unknown_units.items():
        yield f"{count:,} rows have quantities in {unit!r}, which is not a unit of their meter: only their money is compared"
