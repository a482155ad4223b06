"""The answers' shapes for the OpenAPI document: what the command line's `--json` prints. Tests hold them against answers.

Dollars are exact decimal strings; counts are whole numbers.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Dollars = Annotated[str, Field(description="dollars, an exact decimal", examples=["0.8372544"], pattern=r"^-?\d+(\.\d+)?$")]
Ratio = Annotated[str, Field(description="a ratio with four decimals", examples=["0.1247"], pattern=r"^-?\d+(\.\d+)?$")]
Day = Annotated[str, Field(description="a day", examples=["2026-11-22"])]


class Shape(BaseModel):
    """A JSON object with these keys and no others."""

    model_config = ConfigDict(extra="forbid")


class Scenarios(Shape):
    """An amount under the cache behaviours all (best), the expected one, and none (worst)."""

    best: Dollars
    expected: Dollars
    worst: Dollars


class Line(Shape):
    """A metered quantity at its rate."""

    offer: str | None
    meter: Annotated[str, Field(examples=["audio_in"])]
    label: str
    unit: Annotated[str, Field(description="what the quantity counts", examples=["token"])]
    quantity: int
    rate: Annotated[str | None, Field(examples=["$32.00/M"])]
    usd: Annotated[str | None, Field(description="dollars for `per` units")]
    per: int
    dollars: Dollars | None
    sources: list[str]


class Part(Shape):
    """One of the places where the money goes."""

    part: Annotated[str, Field(examples=["reread_history"])]
    label: str
    dollars: Dollars


class Percentile(Shape):
    """A call that is at least as long as so many per cent of all."""

    percent: int
    minutes: float
    dollars: Dollars


class Population(Shape):
    """What calls of all lengths cost on average."""

    spread: Annotated[str | None, Field(description="standard deviation of the lengths over their mean; null: as counted")]
    mean: Scenarios
    mean_minutes: float
    surcharge: Annotated[Ratio, Field(description="how much more the mean call costs than the call of average length")]
    cap_minutes: float | None
    cap_by: Literal["session", "context"] | None
    percentiles: list[Percentile]


class Offer(Shape):
    """A model as sold."""

    id: Annotated[str, Field(examples=["openai/gpt-realtime-1.5"])]
    provider: str
    model: str
    version: str | None
    deployment: str
    region: str | None
    tier: str


class ListedOffer(Offer):
    """A model as sold, with the regions of its price."""

    regions: list[str]


class Rule(Shape):
    """A parameter's value and what speaks for it."""

    value: Any
    evidence: str
    basis: str
    disputed: list[Any]


class Rules(Shape):
    """The rules that an answer used."""

    name: Annotated[str, Field(examples=["recorded-2026-11"])]
    digest: str
    evidence: dict[str, Rule]


class Prices(Shape):
    """The prices that an answer used."""

    digest: str
    since: Annotated[str, Field(description="first day of the price row, as precisely as known")]
    checked: Day
    sources: list[str]
    contract: list[str]


class StandsOn(Shape):
    """Which facts an answer stands on."""

    voicebill: Annotated[str, Field(description="version of voicebill")]
    day: Day
    currency: Literal["USD"]
    offer: Offer
    transcription_offer: Offer | None
    prices: Prices
    rules: Rules
    in_currency: Annotated[dict[str, Any] | None, Field(description="the amounts in another currency, where a rate was stated")]
    warnings: list[str]
    assumptions: list[str]


class Moved(Shape):
    """One end of a knob, and what it adds to a conversation's expected amount; null: refused by the provider."""

    at: str
    adds: Dollars | None


class Knob(Shape):
    """What an assumption moves, by re-runs."""

    name: str
    label: str
    low: Moved
    high: Moved
    basis: str


class Advice(Shape):
    """A change that makes the plan cheaper."""

    change: str
    saves: Dollars
    at_the_cost_of: str


class Toll(Shape):
    """What a carrier or platform takes for the minutes of one conversation."""

    offer: str
    billed_seconds: str | None
    dollars: Dollars
    per_month: Annotated[Dollars, Field(description="beside, for a month")]
    lines: list[Line]


class Milliseconds(Shape):
    """A range of milliseconds."""

    low: int
    high: int


class Transport(Shape):
    """How a conversation reaches the model."""

    name: str
    title: str
    codec: str
    bytes_up: int
    bytes_down: int
    latency_ms: Annotated[Milliseconds | None, Field(description="null: varies with the carrier")]
    best_for: str
    setup: str
    needs: str
    truncates: str
    usage_seen: str
    egress: Annotated[Dollars | None, Field(description="null: no price of it was stated")]
    tolls: list[Toll]
    dollars: Dollars
    per_month: Dollars | None
    assumptions: list[str]
    warnings: list[str]
    source: str


class Altogether(Shape):
    """The models' amounts with what is paid on the way."""

    per_conversation: Scenarios
    per_month: Scenarios | None


class Estimate(StandsOn):
    """What a planned conversation costs."""

    per_conversation: Scenarios
    per_minute: Scenarios
    per_month: Scenarios | None
    per_year: Scenarios | None
    population: Population | None
    lines: Annotated[list[Line], Field(description="the expected bill of one conversation")]
    where: Annotated[list[Part], Field(description="where the money goes; adds up to the expected amount")]
    plan: dict[str, Any]
    responses: Annotated[int, Field(description="charged model calls in one conversation")]
    transport: Annotated[Transport | None, Field(description="where one is named, or something is paid on the way")]
    altogether: Annotated[Altogether, Field(description="with what is paid on the way")]
    knobs: list[Knob] = []
    advice: list[Advice] = []


class Response(Shape):
    """One charged model call."""

    turn: int
    kind: Literal["reply", "tool-call"]
    status: Literal["completed", "cancelled"]
    interrupted: bool
    session: int
    dropped_items: int
    usage: dict[str, int]
    dollars: Dollars
    lines: list[Line]


class HeardTurn(Shape):
    """The transcription of one turn."""

    turn: int
    usage: dict[str, int]
    dollars: Dollars
    lines: list[Line]


class Transcription(Shape):
    """The transcription of the user's speech."""

    offer: str
    turns: list[HeardTurn]
    dollars: Dollars


class Total(Shape):
    """The whole conversation."""

    dollars: Dollars
    usage: dict[str, int]
    lines: list[Line]


class Simulation(StandsOn):
    """A scripted conversation, billed response by response."""

    responses: list[Response]
    transcription: Transcription | None
    total: Total
    cache: str
    scenarios: Scenarios


class Dispute(Shape):
    """Another figure that a source gives."""

    meter: str
    usd: str
    source: str


class PriceRow(Shape):
    """Prices from one day until another."""

    since: str
    until: str | None
    usd: Annotated[dict[str, str], Field(description="dollars for the meter's price unit, such as a million tokens")]
    disputed: list[Dispute]
    checked: Day
    confidence: str
    sources: list[str]
    note: str


class PricedOffer(ListedOffer):
    """An offer with its whole history of prices."""

    kind: str
    example: bool
    prices: list[PriceRow]


class PriceList(Shape):
    """The price book, or a part of it."""

    voicebill: str
    digest: str
    currency: Literal["USD"]
    offers: list[PricedOffer]


class RulesAnswer(Rules):
    """The rules for a model on a day."""

    voicebill: str
    offer: str
    day: Day


class Error(Shape):
    """What is wrong, and with which field."""

    field: str | None
    detail: str


class Problem(Shape):
    """Why there is no answer (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[Error]


class Health(Shape):
    """That the site answers, and by which facts."""

    status: Literal["ok"]
    voicebill: str
    prices: str
    rules: list[str]
