"""The shapes of a comparison for the OpenAPI document: offers, alternatives, and where their ranking flips."""

from typing import Annotated, Any, Literal

from pydantic import Field

from voicebill.web.shapes import Day, Dollars, Line, ListedOffer, Offer, Ratio, Scenarios, Shape, Transport


class Candidate(Shape):
    """An offer with what the plan costs there, or why it cannot serve it."""

    offer: Offer | ListedOffer
    per_conversation: Scenarios | None
    per_minute: Scenarios | None
    per_month: Scenarios | None
    in_currency: dict[str, Any] | None
    times_cheapest: Ratio | None
    ends: Day | None
    availability_unproven: bool
    history_assumed: bool
    warnings: list[str]
    refusal: str | None


class WaitPart(Shape):
    """A part of the wait, as others measured or claim it."""

    part: str
    low_ms: int
    high_ms: int
    evidence: str
    basis: str
    source: str


class Wait(Shape):
    """From the end of the user's speech to the first sound of the answer: a middle case and a bad one."""

    low_ms: int
    high_ms: int
    parts: list[WaitPart]


class Leg(Shape):
    """One model's part in an alternative, and its lines of the expected bill."""

    does: Annotated[str, Field(description="hears, answers, speaks, talks, translates or carries")]
    offer: str
    dollars: Dollars
    lines: list[Line]


class Alternative(Shape):
    """One way to build the agent."""

    name: str
    title: str
    architecture: str
    label: str
    models: str
    per_conversation: Scenarios
    per_minute: Scenarios
    per_month: Scenarios | None
    times_cheapest: Annotated[Ratio | None, Field(description="of the cheapest way that holds the conversation")]
    wait: Wait | None
    ends: Day | None
    differs: str
    legs: list[Leg]
    warnings: list[str]
    assumptions: list[str]


class NoAlternative(Shape):
    """A way that cannot be, and why."""

    name: str
    title: str
    architecture: str
    refusal: str


class Crossing(Shape):
    """Between two neighbouring values the order of two ways changes."""

    below: str
    above: str
    near: str
    cheaper_below: str
    cheaper_above: str


class RankedPair(Shape):
    """Two ways along a range."""

    first: str
    second: str
    crossings: list[Crossing]
    cheaper_throughout: str | None


class RankedPoint(Shape):
    """What the ways are expected to cost at one value; null where one has no answer."""

    at: str
    dollars: dict[str, Dollars | None]


class Ranking(Shape):
    """Where the ranking flips along a range."""

    along: str
    unit: str
    from_: Annotated[str, Field(alias="from")]
    to: str
    values: int
    pairs: list[RankedPair]
    gaps: list[str]
    points: list[RankedPoint]


class Comparison(Shape):
    """One plan against every way to build it, the cheapest first."""

    voicebill: str
    day: Day
    prices: Annotated[str, Field(description="digest of the price book")]
    transport: Annotated[Transport | None, Field(description="where one is named, or something is paid on the way")]
    ranked_by: Annotated[Literal["month", "conversation"], Field(description="what cheapest and times mean")]
    offers: Annotated[list[Candidate], Field(description="realtime models")]
    alternatives: Annotated[list[Alternative], Field(description="every way that holds the conversation")]
    others: Annotated[list[Alternative], Field(description="what does less, or something else")]
    refused: list[NoAlternative]
    flips: Annotated[list[Ranking], Field(description="where flip, one, two or range is given")]
