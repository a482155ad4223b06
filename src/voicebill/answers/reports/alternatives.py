"""Report alternatives to build the same agent."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from voicebill.answers.catalog.latency import ResponseLatency
from voicebill.answers.catalog.stacks import Architecture
from voicebill.answers.comparison.alternatives import Alternative, Alternatives, Component
from voicebill.answers.comparison.choices import LABELS
from voicebill.answers.reports.bill_lines import LineReport, ScenariosReport
from voicebill.answers.reports.connection import ConnectionReport, TotalWithConnectionReport
from voicebill.answers.reports.report import DayText, Dollars, Ratio, Report, format_decimal, package_version
from voicebill.billing.money import format_dollars
from voicebill.billing.quotas import Evidence

RankedBy = Literal["month", "conversation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyPartReport(Report):
    """A part of the response latency, as others measured or published it."""

    part: str
    """The part: transcriber, llm, tts, live or speech-to-speech."""
    low_ms: int
    """Milliseconds in a typical case."""
    high_ms: int
    """Milliseconds in a slow case."""
    evidence: Evidence
    """Kind of evidence; `measured` only for the model itself."""
    basis: str
    """What was measured, or what the figure is assumed to resemble."""
    source: str
    """Where the figure was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseLatencyReport(Report):
    """From the end of the user's speech to the first sound of the reply."""

    low_ms: int
    """Milliseconds in a typical case."""
    high_ms: int
    """Milliseconds in a slow case."""
    parts: tuple[LatencyPartReport, ...]
    """The parts, which add up to the latency."""

    @classmethod
    def of(cls, latency: ResponseLatency) -> "ResponseLatencyReport":
        """A response latency with its parts."""
        return cls(
            low_ms=latency.low_ms,
            high_ms=latency.high_ms,
            parts=tuple(
                LatencyPartReport(
                    part=row.part,
                    low_ms=row.low_ms,
                    high_ms=row.high_ms,
                    evidence=row.evidence,
                    basis=row.basis,
                    source=row.source,
                )
                for row in latency.rows
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentReport(Report):
    """A component of an alternative, with its lines of the expected bill."""

    role: str
    """The role: transcriber, llm, tts, live, translator or connection."""
    offer: str
    """Id of the offer."""
    dollars: Dollars
    """Expected dollars per conversation."""
    lines: tuple[LineReport, ...]
    """The component's lines of the expected bill."""

    @classmethod
    def of(cls, component: Component) -> "ComponentReport":
        """A model or a fee in an alternative."""
        offer = component.quote.offer
        return cls(
            role=component.role or ("live" if offer.kind == "realtime" else "connection"),
            offer=offer.id,
            dollars=format_dollars(component.amount),
            lines=LineReport.all_of(component.lines, component.quote),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AlternativeReport(Report):
    """An alternative: one architecture with its models."""

    name: str
    """Name of the stack, or id of the offer."""
    title: str
    """Name as people read it."""
    architecture: Architecture
    """The architecture."""
    label: str
    """The architecture as people read it."""
    models: str
    """The models, in the order of processing."""
    per_conversation: ScenariosReport
    """Dollars per conversation."""
    per_minute: ScenariosReport
    """Dollars per minute of conversation."""
    mean_per_conversation: ScenariosReport | None
    """Mean dollars per conversation, over calls of all lengths, without monthly fees; `per_month` is computed from it. Null
    without a volume."""
    per_month: ScenariosReport | None
    """Dollars per month, over calls of all lengths, monthly fees included; null without a volume."""
    total_with_connection: TotalWithConnectionReport
    """The amounts with connection fees, if it is a conversational agent."""
    ratio_to_cheapest: Ratio | None
    """Expected cost / expected cost of the cheapest conversational agent that does not end within 90 days, both per
    `ranked_by` and with connection fees."""
    latency: ResponseLatencyReport | None
    """Response latency; null if it is unknown."""
    ends: DayText | None
    """Earliest day on which one of the models ends, by the sources that are used; null if none is known."""
    ending_soon: bool
    """Whether that is within 90 days of the day. Unless `include_ending`, such alternatives follow all others."""
    description: str
    """What the alternative is."""
    components: tuple[ComponentReport, ...]
    """The models and fees."""
    warnings: tuple[str, ...]
    """What may make the figures wrong."""
    assumptions: tuple[str, ...]
    """What was assumed."""

    @classmethod
    def of(cls, alternative: Alternative, answer: Alternatives) -> "AlternativeReport":
        """A possible alternative, compared with the others."""
        assert alternative.per_conversation is not None
        ratio = answer.ratio_to_cheapest(alternative)
        return cls(
            name=alternative.name,
            title=alternative.title,
            architecture=alternative.architecture,
            label=LABELS[alternative.architecture],
            models=alternative.models,
            per_conversation=ScenariosReport.of(alternative.per_conversation),
            per_minute=ScenariosReport.of(alternative.per_minute(answer.plan)),
            mean_per_conversation=ScenariosReport.or_null(alternative.mean),
            per_month=ScenariosReport.or_null(alternative.per_month),
            total_with_connection=alternative_totals(alternative, answer),
            ratio_to_cheapest=None if ratio is None else format_decimal(ratio),
            latency=ResponseLatencyReport.of(alternative.latency) if alternative.latency else None,
            ends=alternative.ends.isoformat() if alternative.ends else None,
            ending_soon=alternative.ending_soon,
            description=alternative.description,
            components=tuple(ComponentReport.of(component) for component in alternative.components),
            warnings=alternative.warnings,
            assumptions=alternative.assumptions,
        )

    @classmethod
    def all_of(cls, alternatives: Iterable[Alternative], answer: Alternatives) -> "tuple[AlternativeReport, ...]":
        """Some possible alternatives."""
        return tuple(cls.of(alternative, answer) for alternative in alternatives)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpossibleAlternativeReport(Report):
    """An alternative that cannot serve the plan."""

    name: str
    """Name of the stack, or id of the offer."""
    title: str
    """Name as people read it."""
    architecture: Architecture
    """The architecture."""
    reason: str | None
    """Why it cannot serve the plan."""

    @classmethod
    def all_of(cls, answer: Alternatives) -> "tuple[ImpossibleAlternativeReport, ...]":
        """The alternatives that are not possible."""
        return tuple(
            cls(
                name=alternative.name,
                title=alternative.title,
                architecture=alternative.architecture,
                reason=alternative.reason,
            )
            for alternative in answer.not_possible
        )


def alternative_totals(alternative: Alternative, answer: Alternatives) -> TotalWithConnectionReport:
    """The amounts of a possible alternative with connection fees."""
    total = answer.total(alternative)
    assert total is not None
    return TotalWithConnectionReport.of(total, answer.total_mean(alternative), answer.total_per_month(alternative))


def ranked_by(answer: Alternatives) -> RankedBy:
    """The amount by which alternatives are ranked."""
    return "month" if answer.by_month else "conversation"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlternativesReport(Report):
    """The alternatives for one plan, the cheapest first."""

    voicebill: str
    """Version of voicebill."""
    ranked_by: RankedBy
    """The amount that determines order and ratio."""
    include_ending: bool
    """Whether those that end within 90 days are ranked with the others; if not, they follow the others."""
    alternatives: tuple[AlternativeReport, ...]
    """Conversational agents."""
    partial_alternatives: tuple[AlternativeReport, ...]
    """Alternatives that do only a part, such as transcription."""
    not_possible: tuple[ImpossibleAlternativeReport, ...]
    """Alternatives that cannot serve the plan."""
    connection: ConnectionReport | None
    """The connection, which every conversational agent needs in addition; null if no transport and no fee is given."""

    @classmethod
    def of(cls, answer: Alternatives) -> "AlternativesReport":
        """Ranked alternatives."""
        return cls(
            voicebill=package_version(),
            ranked_by=ranked_by(answer),
            include_ending=answer.include_ending,
            alternatives=AlternativeReport.all_of(answer.conversational, answer),
            partial_alternatives=AlternativeReport.all_of(answer.partial, answer),
            not_possible=ImpossibleAlternativeReport.all_of(answer),
            connection=ConnectionReport.of(answer.connection) if answer.connection else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelinesReport(Report):
    """The cheapest pipelines for one plan, the cheapest first."""

    count: int
    """Number of pipelines that meet the requirements; only the cheapest are listed."""
    ranked_by: RankedBy
    """The amount that determines order and ratio."""
    include_ending: bool
    """Whether those that end within 90 days are ranked with the others; if not, they follow the others."""
    alternatives: tuple[AlternativeReport, ...]
    """The pipelines."""
    partial_alternatives: tuple[AlternativeReport, ...]
    """Always empty."""
    not_possible: tuple[ImpossibleAlternativeReport, ...]
    """Always empty."""

    @classmethod
    def of(cls, answer: Alternatives, count: int) -> "PipelinesReport":
        """The cheapest of `count` pipelines."""
        return cls(
            count=count,
            ranked_by=ranked_by(answer),
            include_ending=answer.include_ending,
            alternatives=AlternativeReport.all_of(answer.conversational, answer),
            partial_alternatives=AlternativeReport.all_of(answer.partial, answer),
            not_possible=ImpossibleAlternativeReport.all_of(answer),
        )
