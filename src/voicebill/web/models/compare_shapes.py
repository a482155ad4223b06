"""Define the JSON models of a comparison for the OpenAPI document: offers, alternatives, break-even."""

from typing import Annotated, Any, Literal

from pydantic import Field

from voicebill.web.models.shapes import (
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
    """The cost of the plan with one offer, or the reason why the offer cannot serve it."""

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
    """A part of the response latency, as others measured or published it."""

    part: str
    low_ms: int
    high_ms: int
    evidence: str
    basis: str
    source: str


class ResponseLatencyJson(JsonObject):
    """From the end of the user's speech to the first sound of the reply: a typical and a slow case."""

    low_ms: int
    high_ms: int
    parts: list[LatencyPartJson]


class ComponentJson(JsonObject):
    """A component of an alternative, with its lines of the expected bill."""

    role: Annotated[str, Field(description="transcriber, llm, tts, live, translator or connection")]
    offer: str
    dollars: Dollars
    lines: list[LineJson]


class AlternativeJson(JsonObject):
    """An alternative: one architecture with its models."""

    name: str
    title: str
    architecture: str
    label: str
    models: str
    per_conversation: ScenariosJson
    per_minute: ScenariosJson
    per_month: ScenariosJson | None
    ratio_to_cheapest: Annotated[Ratio | None, Field(description="cost / cost of the cheapest conversational agent")]
    latency: ResponseLatencyJson | None
    ends: DayText | None
    description: str
    components: list[ComponentJson]
    warnings: list[str]
    assumptions: list[str]


class ImpossibleAlternativeJson(JsonObject):
    """An alternative that cannot serve the plan, and the reason."""

    name: str
    title: str
    architecture: str
    reason: str


class BreakEvenJson(JsonObject):
    """A break-even between two neighbouring values, where the cheaper alternative changes."""

    below: str
    above: str
    estimate: str
    cheaper_below: str
    cheaper_above: str


class PairComparisonJson(JsonObject):
    """Two alternatives over the range."""

    first: str
    second: str
    break_evens: list[BreakEvenJson]
    cheaper_throughout: str | None


class SweepPointJson(JsonObject):
    """Expected cost of the alternatives at one value; null where an alternative cannot serve it."""

    value: str
    dollars: dict[str, Dollars | None]


class BreakEvenCurveJson(JsonObject):
    """Break-even over a range of the axis."""

    axis: str
    unit: str
    from_: Annotated[str, Field(alias="from")]
    to: str
    values: int
    pairs: list[PairComparisonJson]
    missing: list[str]
    points: list[SweepPointJson]


class ComparisonJson(JsonObject):
    """One plan with every alternative, the cheapest first."""

    voicebill: str
    day: DayText
    prices: Annotated[str, Field(description="digest of the price book")]
    connection: Annotated[ConnectionJson | None, Field(description="null if no transport and no fee is given")]
    ranked_by: Annotated[Literal["month", "conversation"], Field(description="the amount that determines order and ratio")]
    offers: Annotated[list[OfferEstimateJson], Field(description="realtime models")]
    alternatives: Annotated[list[AlternativeJson], Field(description="conversational agents")]
    partial_alternatives: Annotated[list[AlternativeJson], Field(description="partial alternatives")]
    not_possible: list[ImpossibleAlternativeJson]
    break_even: Annotated[list[BreakEvenCurveJson], Field(description="empty unless break_even, alternative or range is given")]
