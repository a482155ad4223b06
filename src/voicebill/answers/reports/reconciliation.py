"""Report the difference between recorded usage and a vendor's bill, and its causes."""

from dataclasses import dataclass
from fractions import Fraction

from voicebill.answers.invoices.causes import CauseName, CauseSum
from voicebill.answers.invoices.line_groups import LineGroup
from voicebill.answers.invoices.reconciliation import Reconciliation
from voicebill.answers.reports.report import DayText, Dollars, Ratio, Report, format_decimal, package_version
from voicebill.billing.money import Amount, format_dollars


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceCauseReport(Report):
    """A cause of the difference, or several that the bill cannot tell apart."""

    names: tuple[CauseName, ...]
    """Name of the cause; several are candidates of which the bill cannot tell one."""
    title: str
    """The cause in words."""
    detail: str
    """What shows it."""
    dollars: Dollars
    """What it adds to the bill beyond what was recorded; negative if it makes the bill less."""
    moved_dollars: Dollars
    """The sum of its amounts whatever their signs: usage that is on another day of the same bill adds nothing to `dollars`."""
    days: int
    """Number of the bill's days on which it was seen."""
    first_day: DayText | None
    """The first of them."""
    last_day: DayText | None
    """The last of them."""
    models: tuple[str, ...]
    """Models, or charges, that it concerns."""
    accounts: tuple[str, ...]
    """Projects or resources that it concerns, if they are compared."""

    @classmethod
    def of(cls, total: CauseSum) -> "DifferenceCauseReport":
        """One cause."""
        return cls(
            names=total.cause.names,
            title=total.cause.title,
            detail=total.cause.detail,
            dollars=format_dollars(total.amount),
            moved_dollars=format_dollars(total.moved),
            days=len(total.days),
            first_day=str(min(total.days)) if total.days else None,
            last_day=str(max(total.days)) if total.days else None,
            models=tuple(sorted(total.models)),
            accounts=tuple(sorted(total.accounts)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LinePartReport(Report):
    """A part of the difference of a line."""

    names: tuple[CauseName, ...]
    """Name of the cause, or of several candidates."""
    dollars: Dollars
    """The part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconciledLineReport(Report):
    """What was recorded and billed in a group of lines, by the fields that are asked for; the others are null."""

    day: DayText | None
    """Day of the bill."""
    account: str | None
    """Project or resource."""
    model: str | None
    """Model; of charges for anything else their name."""
    meter: str | None
    """Meter; empty for charges for anything else."""
    recorded_quantity: str | None
    """Recorded quantity in the meter's unit (tokens, ms, characters); null for several meters."""
    billed_quantity: str | None
    """Billed quantity; without one on the bill, what the money buys."""
    quantity_difference: str | None
    """Billed quantity beyond the recorded one."""
    recorded_dollars: Dollars
    """Recorded cost."""
    billed_dollars: Dollars
    """Billed cost in dollars; of a count of usage without money, its value at our prices."""
    difference_dollars: Dollars
    """Billed cost beyond the recorded one."""
    causes: tuple[LinePartReport, ...]
    """Parts of the difference, by cause."""
    not_explained_dollars: Dollars
    """The rest."""

    @classmethod
    def of(cls, group: LineGroup, by: tuple[str, ...]) -> "ReconciledLineReport":
        """A group of lines."""
        keys = dict(zip(by, group.keys, strict=True))
        meter = keys.get("meter")
        has_quantity = bool(meter)
        return cls(
            day=None if keys.get("day") is None else str(keys["day"]),
            account=_text(keys.get("account")),
            model=_text(keys.get("model")),
            meter=_text(meter),
            recorded_quantity=str(group.recorded) if has_quantity else None,
            billed_quantity=_quantity(group.billed) if has_quantity else None,
            quantity_difference=_quantity(group.billed - group.recorded) if has_quantity else None,
            recorded_dollars=format_dollars(group.recorded_amount),
            billed_dollars=format_dollars(group.billed_amount),
            difference_dollars=format_dollars(group.difference),
            causes=tuple(
                LinePartReport(names=cause.names, dollars=format_dollars(amount)) for cause, amount in group.parts.items()
            ),
            not_explained_dollars=format_dollars(group.unexplained),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconciliationReport(Report):
    """Recorded usage beside a vendor's bill. `recorded_dollars` + causes + `not_explained_dollars` = `billed`."""

    voicebill: str
    """Version of voicebill."""
    first_day: DayText | None
    """First day of the bill's charges for models."""
    last_day: DayText | None
    """Last day of them."""
    day_offset_minutes: int
    """How many minutes the bill's days are ahead of UTC, as the usage of its days shows."""
    recorded_dollars: Dollars
    """Recorded cost of the same days in UTC, at our prices."""
    billed: Dollars
    """Sum of the bill in its own currency."""
    currency: str
    """Currency of the bill."""
    billed_dollars: Dollars
    """Sum of the bill in dollars."""
    difference: Dollars
    """The bill's number less the recorded dollars."""
    difference_share: Ratio | None
    """The difference as a share of the recorded cost; null if that is nothing."""
    causes: tuple[DifferenceCauseReport, ...]
    """Causes with their amounts, the largest first."""
    not_explained_dollars: Dollars
    """The rest of the difference, to which no cause is known."""
    lines: tuple[ReconciledLineReport, ...]
    """Recorded and billed side by side, by the fields that are asked for."""
    not_on_bill_dollars: Dollars
    """Recorded cost of these days at providers that are not on the bill: it is not compared."""
    has_money: bool
    """Whether the bill has amounts; a mere count of usage is valued at our prices."""
    bill_rows: int
    """Rows of the bill."""
    account_field: str | None
    """Field of the bill that names the log's projects or tenants; null if these are not compared."""
    assumptions: tuple[str, ...]
    """Assumptions."""
    warnings: tuple[str, ...]
    """What to know about how the bill and the log were read."""
    prices_digest: str
    """Fingerprint of the prices."""

    @classmethod
    def of(cls, answer: Reconciliation) -> "ReconciliationReport":
        """A reconciliation."""
        return cls(
            voicebill=package_version(),
            first_day=_text(answer.days.first),
            last_day=_text(answer.days.last),
            day_offset_minutes=30 * answer.days.offset,
            recorded_dollars=format_dollars(answer.recorded),
            billed=format_dollars(answer.face),
            currency=answer.currency,
            billed_dollars=format_dollars(answer.billed),
            difference=format_dollars(answer.difference),
            difference_share=None if answer.ratio is None else format_decimal(answer.ratio),
            causes=tuple(map(DifferenceCauseReport.of, answer.causes)),
            not_explained_dollars=format_dollars(answer.unexplained),
            lines=tuple(ReconciledLineReport.of(group, answer.by) for group in answer.groups),
            not_on_bill_dollars=format_dollars(answer.elsewhere),
            has_money=answer.has_money,
            bill_rows=answer.rows,
            account_field=answer.account_field,
            assumptions=answer.assumptions,
            warnings=answer.warnings,
            prices_digest=answer.prices.digest,
        )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _quantity(quantity: Amount) -> str:
    """A quantity: a whole number, or one with four decimals."""
    return format_decimal(Fraction(quantity))
