"""Report what other tools say that recorded calls cost, beside what they cost."""

from dataclasses import dataclass

from voicebill.answers.invoices.verify import CauseTotal, ComparedCost, ToolTotal, Verification
from voicebill.answers.reports.report import Dollars, Ratio, Report, dollars_or_null, format_decimal, package_version
from voicebill.billing.money import format_dollars


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolTotalReport(Report):
    """The amounts of one tool."""

    tool: str
    """Log format of the tool, or the source if the tool is not known."""
    amounts: int
    """Amounts of the tool that are compared."""
    dollars: Dollars
    """What we compute for the same usage, without what has no price here."""
    reported_dollars: Dollars
    """What the tool says."""
    digits: int
    """Decimals of a dollar that the tool writes: amounts agree if they are equal when rounded to these."""

    @classmethod
    def of(cls, total: ToolTotal) -> "ToolTotalReport":
        """One tool."""
        return cls(
            tool=total.tool,
            amounts=total.amounts,
            dollars=format_dollars(total.ours),
            reported_dollars=format_dollars(total.reported),
            digits=total.digits,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseTotalReport(Report):
    """The amounts whose difference has the same explanation."""

    cause: str
    """The explanation; several that are all possible are joined with "or"."""
    codes: tuple[tuple[str, ...], ...]
    """Stable names of the causes: any of the lists may be right, and the causes in a list apply at once."""
    amounts: int
    """Amounts of tools."""
    records: int
    """Records that they cover."""
    calls: int
    """Calls of these records, as far as the log names sessions."""
    dollars: Dollars
    """What we compute; 0 without a price."""
    reported_dollars: Dollars
    """What the tools say."""
    difference_dollars: Dollars
    """What the tools say beyond ours."""
    examples: tuple[str, ...]
    """Files and lines of the largest differences."""

    @classmethod
    def of(cls, total: CauseTotal) -> "CauseTotalReport":
        """One explanation."""
        return cls(
            cause=total.text,
            codes=tuple(tuple(cause.code for cause in causes) for causes in total.causes),
            amounts=total.amounts,
            records=total.records,
            calls=total.calls,
            dollars=format_dollars(total.ours),
            reported_dollars=format_dollars(total.reported),
            difference_dollars=format_dollars(total.reported - round(total.ours)),
            examples=total.examples,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedCostReport(Report):
    """One amount of a tool beside ours."""

    place: str
    """File and line."""
    record: str
    """Key of the record, the first one if the amount covers several."""
    tool: str
    """Tool that the amount is from."""
    model: str | None
    """Model as it is recorded."""
    session: str | None
    """Call, if the log names it."""
    dollars: Dollars | None
    """What we compute: of a range, the amount nearest to the tool's; null without a price."""
    reported_dollars: Dollars
    """What the tool says."""
    cause: str
    """The explanation of the difference."""

    @classmethod
    def of(cls, cost: ComparedCost) -> "ComparedCostReport":
        """One amount."""
        record = cost.records[0]
        return cls(
            place=cost.place,
            record=record.key,
            tool=cost.tool,
            model=record.model,
            session=record.session,
            dollars=dollars_or_null(cost.ours),
            reported_dollars=format_dollars(cost.reported),
            cause=cost.text,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationReport(Report):
    """What other tools say that recorded calls cost, beside what they cost."""

    voicebill: str
    """Version of voicebill."""
    amounts: int
    """Amounts of tools that are compared."""
    dollars: Dollars
    """What we compute for the same usage, without what has no price here."""
    reported_dollars: Dollars
    """What the tools say."""
    difference_dollars: Dollars
    """What the tools say beyond ours: the sum of the differences by cause, up to rounding to a picodollar."""
    difference_share: Ratio | None
    """The difference in relation to ours; null if ours is nothing."""
    tools: tuple[ToolTotalReport, ...]
    """The sums by tool."""
    causes: tuple[CauseTotalReport, ...]
    """The sums by cause of the difference, the largest first; what agrees comes last."""
    largest: tuple[ComparedCostReport, ...]
    """The three largest differences."""
    records_without_cost: int
    """Records that no amount of a tool covers: they are in no sum."""
    range_amounts: int
    """Amounts beside which ours is a range, because the log leaves something open."""
    cut_amounts: int
    """Amounts that also cover records which the query leaves out: they are in no sum."""
    warnings: tuple[str, ...]
    """What to know about how the log was read."""

    @classmethod
    def of(cls, answer: Verification) -> "VerificationReport":
        """A comparison."""
        return cls(
            voicebill=package_version(),
            amounts=answer.amounts,
            dollars=format_dollars(answer.ours),
            reported_dollars=format_dollars(answer.reported),
            difference_dollars=format_dollars(answer.reported - round(answer.ours)),
            difference_share=None if answer.ratio is None else format_decimal(answer.ratio),
            tools=tuple(map(ToolTotalReport.of, answer.tools)),
            causes=tuple(map(CauseTotalReport.of, answer.causes)),
            largest=tuple(map(ComparedCostReport.of, answer.largest)),
            records_without_cost=answer.records_without_cost,
            range_amounts=answer.range_amounts,
            cut_amounts=answer.cut_amounts,
            warnings=answer.warnings,
        )
