"""The shapes of a comparison for the OpenAPI document: offers, alternatives, and their break-even."""

from typing import Annotated, Any, Literal

from pydantic import Field

from voicebill.web.shapes import (
    ConnectionJson,
    DayText,
    Dollars,
    JsonObject,
    LineJson,
    OfferJson,
    OfferWithRegionsJson,
    Ratio,
    ScenariosJson,
)


class OfferEstimateJson(JsonObject):
    """An offer with what the plan costs there, or why it cannot serve it."""

    offer: OfferJson | OfferWithRegionsJson
    per_conversation: ScenariosJson | None
    per_minute: ScenariosJson | None
    per_month: ScenariosJson | None
    in_currency: dict[str, Any] | None
    ratio_to_cheapest: Ratio | None
    ends: DayText | None
    availability_unconfirmed: bool
    history_assumed: bool
    warnings: list[str]
    reason: str | None


class LatencyPartJson(JsonObject):
    """A part of the wait, as others measured or claim it."""

    part: str
    low_ms: int
    high_ms: int
    evidence: str
    basis: str
    source: str


class ResponseLatencyJson(JsonObject):
    """From the end of the user's speech to the first sound of the answer: a middle case and a bad one."""

    low_ms: int
    high_ms: int
    parts: list[LatencyPartJson]


class ComponentJson(JsonObject):
    """One model's part in an alternative, and its lines of the expected bill."""

    role: Annotated[str, Field(description="hears, answers, speaks, talks, translates or carries")]
    offer: str
    dollars: Dollars
    lines: list[LineJson]


class AlternativeJson(JsonObject):
    """One way to build the agent."""

    name: str
    title: str
    architecture: str
    label: str
    models: str
    per_conversation: ScenariosJson
    per_minute: ScenariosJson
    per_month: ScenariosJson | None
    ratio_to_cheapest: Annotated[Ratio | None, Field(description="of the cheapest conversational agent")]
    latency: ResponseLatencyJson | None
    ends: DayText | None
    description: str
    components: list[ComponentJson]
    warnings: list[str]
    assumptions: list[str]


class ImpossibleAlternativeJson(JsonObject):
    """A way that cannot be, and why."""

    name: str
    title: str
    architecture: str
    reason: str


class BreakEvenJson(JsonObject):
    """Between two neighbouring values the order of two ways changes."""

    below: str
    above: str
    estimate: str
    cheaper_below: str
    cheaper_above: str


class PairComparisonJson(JsonObject):
    """Two ways along a range."""

    first: str
    second: str
    break_evens: list[BreakEvenJson]
    cheaper_throughout: str | None


class SweepPointJson(JsonObject):
    """What the ways are expected to cost at one value; null where one has no answer."""

    value: str
    dollars: dict[str, Dollars | None]


class BreakEvenCurveJson(JsonObject):
    """Break-even along a range."""

    axis: str
    unit: str
    from_: Annotated[str, Field(alias="from")]
    to: str
    values: int
    pairs: list[PairComparisonJson]
    missing: list[str]
    points: list[SweepPointJson]


class ComparisonJson(JsonObject):
    """One plan against every way to build it, the cheapest first."""

    voicebill: str
    day: DayText
    prices: Annotated[str, Field(description="digest of the price book")]
    connection: Annotated[ConnectionJson | None, Field(description="where one is named, or something is fee")]
    ranked_by: Annotated[Literal["month", "conversation"], Field(description="what cheapest and times mean")]
    offers: Annotated[list[OfferEstimateJson], Field(description="realtime models")]
    alternatives: Annotated[list[AlternativeJson], Field(description="conversational agents")]
    partial_alternatives: Annotated[list[AlternativeJson], Field(description="partial alternatives")]
    not_possible: list[ImpossibleAlternativeJson]
    break_even: Annotated[list[BreakEvenCurveJson], Field(description="where break_even, alternative or range is given")]
