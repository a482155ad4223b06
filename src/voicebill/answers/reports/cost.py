"""Report the actual cost of the conversations in a log. Dollars are exact; a status says how an amount is to be read."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal

from voicebill.answers.recorded.filters import FieldValue
from voicebill.answers.recorded.result import Cost, CostGroup, CostLine, PerCall, RecordCounts, UnpricedLine
from voicebill.answers.recorded.unread_usage import UnreadUsage
from voicebill.answers.reports.bill_lines import line_values
from voicebill.answers.reports.report import DayText, Dollars, Report, dollars_or_null, package_version
from voicebill.answers.reports.table_cells import AmountStatus, amount_status
from voicebill.billing.money import Amount, format_dollars

Completeness = Literal["complete", "incomplete"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogInputReport(Report):
    """Counts and errors from reading a log."""

    sources: Mapping[str, str]
    """Format of each file."""
    lines: int
    """Lines read."""
    records: int
    """Records read: charged model calls, transcriptions and sessions."""
    repeated: int
    """Records that the log contains more than once, and that are counted once."""
    error_count: int
    """Lines that could not be read."""
    first_errors: tuple[str, ...]
    """The first errors, each with its line."""
    other_lines: int
    """Lines that are not events of the log's format."""
    skipped_files: int
    """Files and folders in the named folders that were not read."""
    first_skipped_files: tuple[str, ...]
    """The first of them, each with the reason."""
    notes: tuple[str, ...]
    """What to know about how the log was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadUsageReport(Report):
    """Usage that the logs show and that was not read: what is missing from the amounts."""

    items: int
    """Number of lines, rows or spans with such usage."""
    source: str
    """File of the example."""
    line: int
    """Line of the example; of Parquet, its row."""
    counts: Mapping[str, int | float]
    """Counts of the example by name; empty for a usage object without a known count."""

    @classmethod
    def of(cls, unread: UnreadUsage) -> "UnreadUsageReport":
        """The number of items, with the example."""
        return cls(items=unread.items, source=unread.source, line=unread.line_number, counts=dict(unread.counts))


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordCountsReport(Report):
    """Number of records by treatment: each is billed, unpriced or without usage."""

    all: int
    """All records."""
    billed: int
    """Records of which everything has a price."""
    unpriced: int
    """Records of which something has no price."""
    without_usage: int
    """Records for which the log gives no usage."""
    ambiguous: int
    """Records whose counts can be read in more than one way."""
    inconsistent: int
    """Records whose counts contradict each other."""
    unattributed: Mapping[str, int]
    """By field, the number of records that do not name it."""

    @classmethod
    def of(cls, counts: RecordCounts) -> "RecordCountsReport":
        """The records of a log."""
        return cls(
            all=counts.records,
            billed=counts.billed,
            unpriced=counts.unpriced,
            without_usage=counts.without_usage,
            ambiguous=counts.ambiguous,
            inconsistent=counts.inconsistent,
            unattributed={name: count for name, count in counts.unattributed.items() if count},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AmountRangeReport(Report):
    """A range of amounts; both are equal if the amount is exact."""

    low: Dollars
    """Lowest possible dollars."""
    high: Dollars
    """Highest possible dollars."""

    @classmethod
    def of(cls, amounts: tuple[Amount, Amount]) -> "AmountRangeReport":
        """A lowest and a highest amount."""
        return cls(low=format_dollars(amounts[0]), high=format_dollars(amounts[1]))


@dataclass(frozen=True, slots=True, kw_only=True)
class CostAmountReport(Report):
    """An amount: exact, a range, partial (some usage is unpriced), unpriced, nothing counted, or incomplete (not all read)."""

    records: int
    """Records in the amount."""
    status: AmountStatus | Literal["incomplete"]
    """How the amount is to be read; incomplete if usage was not read."""
    dollars: Dollars | None
    """Dollars; null unless the amount is exact."""
    low: Dollars | None
    """Dollars in the cheapest reading of the counts; null if nothing has a price."""
    high: Dollars | None
    """Dollars in the dearest reading of the counts; null if nothing has a price."""
    disputed: AmountRangeReport | None
    """Dollars at the lowest and highest prices that sources give; null if no price is disputed."""
    unpriced_quantities: int
    """Quantities without a price, one for each record and meter."""

    @classmethod
    def of(cls, group: CostGroup) -> "CostAmountReport":
        """An amount without its keys."""
        return cls(**_amount_values(group))


@dataclass(frozen=True, slots=True, kw_only=True)
class CostGroupReport(Report):
    """The amount of a group, with the values of its fields."""

    keys: Mapping[str, str | int | None]
    """The group's value of each field; null where records do not name one."""
    records: int
    """Records in the amount."""
    status: AmountStatus
    """How the amount is to be read."""
    dollars: Dollars | None
    """Dollars; null unless the amount is exact."""
    low: Dollars | None
    """The group's dollars in the cheapest reading of the whole log; null if nothing has a price."""
    high: Dollars | None
    """The group's dollars in the dearest reading of the whole log; null if nothing has a price."""
    disputed: AmountRangeReport | None
    """Dollars at the lowest and highest prices that sources give; null if no price is disputed."""
    unpriced_quantities: int
    """Quantities without a price, one for each record and meter."""

    @classmethod
    def of(cls, group: CostGroup, by: tuple[str, ...]) -> "CostGroupReport":
        """A group of records by some fields."""
        keys = {name: _key_json(key) for name, key in zip(by, group.keys, strict=True)}
        return cls(keys=keys, **_amount_values(group))


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputedPriceReport(Report):
    """A different price from another source, per price unit of the meter."""

    dollars: str
    """Dollars, an exact decimal."""
    source: str
    """The other source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLineReport(Report):
    """A line of the bill: a meter of an offer over the days of one price."""

    offer: str | None
    """Id of the offer, such as `openai/gpt-realtime-1.5`."""
    meter: str
    """Name of the meter, such as `audio_in`."""
    label: str
    """Name of the meter as people read it."""
    unit: str
    """Unit of the quantity, such as token."""
    quantity: int | None
    """Quantity in this unit; null where the log's counts are ambiguous."""
    rate: str | None
    """The rate as text, such as `$32.00/M`."""
    unit_price: str | None
    """Dollars for `per` units, an exact decimal."""
    per: int
    """Number of units to which `unit_price` applies."""
    dollars: Dollars | None
    """The amount in dollars; null where the log's counts are ambiguous."""
    sources: tuple[str, ...]
    """Where the price was read."""
    logged_model: str
    """The model as the log names it."""
    since: str
    """First day of the price; may be a month or year if the day is not known."""
    quantities: tuple[int, int]
    """Quantity in the cheapest and in the dearest reading."""
    low: Dollars
    """Dollars in the cheapest reading."""
    high: Dollars
    """Dollars in the dearest reading."""
    disputed: tuple[DisputedPriceReport, ...]
    """Other prices that sources give."""

    @classmethod
    def of(cls, line: CostLine) -> "CostLineReport":
        """A line, with what its counts leave open."""
        quote = line.period.quote
        assert quote is not None
        rate = line.line.rate
        report = cls(
            **line_values(line.line, quote),
            logged_model=line.period.sku.model,
            since=quote.rates.row.since.text,
            quantities=(line.line.quantity, line.high.quantity),
            low=format_dollars(line.low_amount),
            high=format_dollars(line.high_amount),
            disputed=tuple(
                DisputedPriceReport(dollars=str(dispute.price), source=dispute.source)
                for dispute in (rate.disputes if rate else ())
            ),
        )
        is_exact = line.line.quantity == line.high.quantity
        return report if is_exact else replace(report, quantity=None, dollars=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpricedUsageReport(Report):
    """Quantities without a price, and the reason."""

    provider: str
    """Provider."""
    model: str | None
    """Model as the log names it; null if it names none."""
    deployment: str
    """Deployment."""
    region: str | None
    """Region; null if the log names none."""
    meter: str
    """Name of the meter."""
    quantities: tuple[int, int]
    """Lowest and highest possible quantity."""
    reason: str
    """Why there is no price."""

    @classmethod
    def of(cls, line: UnpricedLine) -> "UnpricedUsageReport":
        """Quantities without a price."""
        return cls(
            provider=line.sku.provider,
            model=line.sku.model or None,
            deployment=line.sku.deployment,
            region=line.sku.region or None,
            meter=line.meter,
            quantities=(line.low, line.high),
            reason=line.reason,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CostDaysReport(Report):
    """First and last day of the records."""

    first: DayText | None
    """First day; null if no record has a day."""
    last: DayText | None
    """Last day; null if no record has a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PerCallReport(Report):
    """Cost per call, over calls with all quantities priced."""

    calls: int
    """Number of calls."""
    mean: AmountRangeReport
    """Mean dollars of a call."""
    percentiles: Mapping[str, AmountRangeReport]
    """Dollars of a call by percentile, such as p90."""
    timed_calls: int
    """Number of calls whose length the log shows."""
    minutes: str
    """Total minutes of these, a decimal."""
    per_minute: Mapping[str, AmountRangeReport]
    """Dollars per minute of these by percentile."""

    @classmethod
    def of(cls, calls: PerCall) -> "PerCallReport":
        """What calls cost."""
        return cls(
            calls=calls.sessions,
            mean=AmountRangeReport.of(calls.mean),
            percentiles={f"p{percent}": AmountRangeReport.of(amounts) for percent, amounts in calls.percentiles.items()},
            timed_calls=calls.timed,
            minutes=str(round(float(calls.minutes), 3)),
            per_minute={f"p{percent}": AmountRangeReport.of(amounts) for percent, amounts in calls.per_minute.items()},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CostFactsReport(Report):
    """The prices in use."""

    prices: str
    """Digest of the price book."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostReport(Report):
    """The actual cost of a log's conversations."""

    voicebill: str
    """Version of voicebill."""
    status: Completeness
    """Whether all usage that the logs show was read: complete or incomplete."""
    unread_usage: UnreadUsageReport | None
    """Usage that was not read, and that every amount lacks; null if the answer is complete."""
    input: LogInputReport | None
    """What was read; null if the records come from a ledger or from Python."""
    records: RecordCountsReport
    """Number of records by treatment."""
    days: CostDaysReport
    """First and last day of the records."""
    total: CostAmountReport
    """The cost of all records."""
    by: tuple[str, ...]
    """Fields by which the groups are formed."""
    groups: tuple[CostGroupReport, ...]
    """The groups; empty unless requested."""
    remainder: CostAmountReport | None
    """The total minus the groups shown; null if all are shown."""
    lines: tuple[CostLineReport, ...]
    """The bill."""
    unpriced: tuple[UnpricedUsageReport, ...]
    """Usage without a price, which is not part of the total."""
    per_call: PerCallReport | None
    """Cost per call; null unless requested, or if there is none."""
    cache_hit_share: float | None
    """Cached input tokens / all input tokens, of the models that reply: not of transcription, nor of models that the log does
    not name. Null without such input, where ambiguous counts leave it open, and where no input is reported as cached, since the
    logs may not say which was."""
    cache_hit_share_low: float | None
    """The lowest such share that the counts allow; null if none is known."""
    cache_hit_share_high: float | None
    """The highest such share that the counts allow; null if none is known."""
    repeated_input_cost_share: float | None
    """Share of the cost that is input sent again in its session; null if unknown."""
    warnings: tuple[str, ...]
    """What may make the figures wrong."""
    assumptions: tuple[str, ...]
    """What was assumed."""
    facts: CostFactsReport
    """The prices in use."""

    @classmethod
    def of(cls, answer: Cost, log_input: LogInputReport | None = None) -> "CostReport":
        """The cost of records, with what was read."""
        cache_hit_shares = answer.cache_hit_share_range or (None, None)
        return cls(
            voicebill=package_version(),
            status=completeness(answer.unread_usage),
            unread_usage=UnreadUsageReport.of(answer.unread_usage) if answer.unread_usage else None,
            input=log_input,
            records=RecordCountsReport.of(answer.counts),
            days=CostDaysReport(first=_day(answer.first), last=_day(answer.last)),
            total=_total(answer),
            by=answer.query.by,
            groups=tuple(CostGroupReport.of(group, answer.query.by) for group in answer.groups),
            remainder=CostAmountReport.of(answer.remainder) if answer.remainder else None,
            lines=tuple(CostLineReport.of(line) for line in answer.lines),
            unpriced=tuple(UnpricedUsageReport.of(line) for line in answer.unpriced),
            per_call=PerCallReport.of(answer.per_call) if answer.per_call else None,
            cache_hit_share=_share(answer.cache_hit_share),
            cache_hit_share_low=_share(cache_hit_shares[0]),
            cache_hit_share_high=_share(cache_hit_shares[1]),
            repeated_input_cost_share=_share(answer.repeated_input_cost_share),
            warnings=answer.warnings,
            assumptions=answer.assumptions,
            facts=CostFactsReport(prices=answer.prices.digest),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingReport(Report):
    """What was recorded in a ledger."""

    voicebill: str
    """Version of voicebill."""
    ledger: str
    """Folder of the ledger."""
    input: int
    """Records read."""
    added: int
    """Records that the ledger did not have."""
    corrected: int
    """Records that replaced an earlier version."""
    repeated: int
    """Records that the ledger had already."""
    skipped: int
    """Records that were left out, because the ledger has a better version of them."""
    days: tuple[DayText, ...]
    """Days that were changed."""
    set_aside: tuple[str, ...]
    """Files of the ledger that ledger.json did not name; they were moved to its folder set-aside."""
    error_count: int
    """Lines that could not be read."""
    status: Completeness
    """Whether all usage that the logs show was recorded: complete or incomplete."""
    unread_usage: UnreadUsageReport | None
    """Usage that was not read; null if there is none."""
    warnings: tuple[str, ...]
    """What to know about how the logs were read."""


@dataclass(frozen=True, slots=True)
class LedgerProblemReport(Report):
    """A file of a ledger, and what is wrong with it."""

    path: str
    """The file, in the ledger's folder."""
    problem: str
    """What is wrong with it."""


@dataclass(frozen=True, slots=True)
class LedgerCheckReport(Report):
    """The check or the repair of a ledger."""

    voicebill: str
    """Version of voicebill."""
    ledger: str
    """Folder of the ledger."""
    status: Literal["intact", "damaged", "repaired"]
    """Whether anything was wrong, and whether it was repaired."""
    recordings: int | None
    """Number of recordings; null if it is unknown."""
    files: int
    """Files that count, damaged ones included."""
    records: int
    """Records in them."""
    problems: tuple[LedgerProblemReport, ...]
    """All that was wrong."""
    set_aside: tuple[str, ...]
    """Files that the repair moved to the folder set-aside."""
    restored: tuple[str, ...]
    """Files that the repair took back from the folder set-aside."""
    record_again: tuple[str, ...]
    """Which records are lost from the ledger, by day, and the logs that have them."""


def completeness(unread: UnreadUsage | None) -> Completeness:
    """Whether all usage was read."""
    return "incomplete" if unread else "complete"


def _total(answer: Cost) -> CostAmountReport:
    """The total; without exact dollars if usage is missing from it."""
    total = CostAmountReport.of(answer.total)
    return replace(total, status="incomplete", dollars=None) if answer.unread_usage else total


def _amount_values(group: CostGroup) -> dict[str, Any]:
    """The fields of an amount that all its reports have."""
    status = amount_status(group)
    return {
        "records": group.records,
        "status": status,
        "dollars": dollars_or_null(group.low) if status in ("exact", "nothing") else None,
        "low": dollars_or_null(group.low),
        "high": dollars_or_null(group.high),
        "disputed": AmountRangeReport.of(group.disputed) if group.disputed else None,
        "unpriced_quantities": group.unpriced,
    }


def _share(share: Fraction | None) -> float | None:
    return None if share is None else round(float(share), 6)


def _day(day: object) -> str | None:
    return str(day) if day else None


def _key_json(key: FieldValue) -> str | int | None:
    return key if key is None or isinstance(key, int) else str(key)
