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


class Comparison(Shape):
    """One plan against every offer, the cheapest first."""

    voicebill: str
    offers: list[Candidate]


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


class CostReading(Shape):
    """What reading the log has met."""

    sources: dict[str, str]
    lines: int
    records: int
    repeated: int
    broken: int
    first_broken: list[str]
    other_lines: int
    notes: list[str]


class CostCounts(Shape):
    """How many records there were, and how they are to be taken; `unnamed` counts those that do not name a field."""

    billed: int
    unpriced: int
    without_usage: int
    bounded: int
    inconsistent: int
    unnamed: dict[str, int]
    all: int


class Between(Shape):
    """Two amounts, equal where nothing is left open."""

    low: Dollars
    high: Dollars


class CostAmount(Shape):
    """What something did cost: exact, a range, only a part (the rest has no price), unpriced, or nothing was counted."""

    records: int
    status: Literal["exact", "range", "partial", "unpriced", "nothing"]
    dollars: Dollars | None
    low: Dollars | None
    high: Dollars | None
    disputed: Between | None
    unpriced_quantities: int


class CostGroup(CostAmount):
    """A group's amount, with its fields by name."""

    keys: dict[str, str | int | None]


class Rival(Shape):
    """Another price that a source gives, for the meter's unit."""

    dollars: str
    source: str


class CostLine(Line):
    """A line of the bill; quantity and dollars are null where the counts leave them open."""

    quantity: int | None  # type: ignore[assignment]
    named: str
    since: str
    quantities: list[int]
    low: Dollars
    high: Dollars
    disputed: list[Rival]


class CostUnpriced(Shape):
    """Quantities that no price is known for, and why; from the fewest to the most that the counts allow."""

    provider: str
    model: str | None
    deployment: str
    region: str | None
    meter: str
    quantities: list[int]
    why: str


class CostDays(Shape):
    """The first and the last day of what was costed."""

    first: Day | None
    last: Day | None


class PerCall(Shape):
    """What calls did cost, over those whose every quantity has a price."""

    calls: int
    mean: Between
    percentiles: dict[str, Between]
    timed_calls: int
    minutes: str
    per_minute: dict[str, Between]


class CostFacts(Shape):
    """The prices that an answer stands on, by their digest."""

    prices: str


class Cost(Shape):
    """What the conversations of a log did cost."""

    voicebill: str
    read: CostReading
    records: CostCounts
    days: CostDays
    total: CostAmount
    by: list[str]
    groups: list[CostGroup]
    others: CostAmount | None
    lines: list[CostLine]
    unpriced: list[CostUnpriced]
    per_call: PerCall | None
    cache_hit_share: float | None
    reread_share: float | None
    warnings: list[str]
    assumptions: list[str]
    facts: CostFacts


class BusyHour(Shape):
    """The busiest hour: its calls, their mean length, and the load that they are."""

    conversations: str | None
    busy_hour_share: float | None
    days: Annotated[float | None, Field(description="days a month on which calls come; null: not needed")]
    calls: float
    minutes: float
    erlangs: Annotated[float, Field(description="calls held at once on average, if none is refused")]


class Refusing(Shape):
    """Room for so many calls at once, where calls that find none are refused (Erlang B)."""

    target: Annotated[float, Field(description="share of calls that may be refused")]
    channels: int
    refused: float


class Waiting(Shape):
    """Room for so many calls at once, where calls that find none wait (Erlang C)."""

    target: Annotated[float, Field(description="share of calls to be answered in time")]
    within_seconds: float
    channels: int
    waiting: Annotated[float, Field(description="share of calls that wait")]
    mean_wait_seconds: Annotated[float, Field(description="over all calls, those that need not wait among them")]
    answered: Annotated[float, Field(description="share of calls answered in time")]


class CallMinute(Shape):
    """One minute of a call, the first being 1."""

    minute: int
    tokens: int
    requests: int


class Call(Shape):
    """What the call that the plan describes asks of a limit as its context grows."""

    tokens: int
    cached_tokens: Annotated[int, Field(description="of the input, found in the cache as expected")]
    requests: int
    heaviest_minute_tokens: int
    heaviest_minute_requests: int
    minutes: list[CallMinute]


class CallsOfAllLengths(Shape):
    """What calls of all lengths ask on average, and in the heaviest minute of any of them."""

    length_spread: Annotated[float | None, Field(description="standard deviation over mean; null: as counted")]
    cap_minutes: Annotated[float | None, Field(description="longer calls count as so long")]
    tokens: float
    requests: float
    heaviest_minute_tokens: int
    heaviest_minute_requests: int


class Counted(Shape):
    """How a limit counts."""

    cached_tokens: bool
    request_is: Literal["response", "session"]
    reserved_output_tokens: int | None


class Carries(Shape):
    """Calls at once that one quota carries: on average, in all but a few minutes, and always."""

    on_average: int
    seldom_over: int
    always: int


class CapacityLimit(Shape):
    """What the calls that are not refused ask of one limit a minute (of sessions: at once), and what one quota carries."""

    limit: Literal["tokens", "requests", "sessions"]
    mean: float
    seldom_over: Annotated[float, Field(description="exceeded in the share minutes_over of the minutes only")]
    worst: Annotated[int, Field(description="all calls in the heaviest minute of the longest at once")]
    quota: Annotated[int | None, Field(description="of one deployment or project; null: not known")]
    stated: Annotated[bool, Field(description="whether the quota was stated in the question")]
    carries: Carries | None


class PublishedQuota(Shape):
    """A quota as a vendor publishes it."""

    tier: str
    tokens_per_minute: int | None
    requests_per_minute: int | None
    sessions: int | None
    since: str
    checked: Day
    source: str


class QuotaStep(Shape):
    """What so many quotas carry together, and the share of calls refused then."""

    quotas: int
    calls_at_once: int
    refused: float


class QuotaNeeded(Shape):
    """What one quota carries, and how many it takes; null where a single call asks for more than one."""

    per: Annotated[str, Field(description="what has a quota of its own", examples=["deployment"])]
    binds: Literal["tokens", "requests", "sessions"]
    calls_at_once: int
    refused_with_one: float
    together: Annotated[int | None, Field(description="where calls go wherever there is room")]
    apart: Annotated[int | None, Field(description="where calls are spread blindly")]
    steps: list[QuotaStep]


class Capacity(StandsOn):
    """How many calls are held at once, what they ask of limits a minute, and how much quota that takes."""

    in_currency: None = None
    busy_hour: BusyHour
    refusing: Refusing
    waiting: Waiting
    call: Call
    calls: CallsOfAllLengths
    counted: Counted
    minutes_over: float
    limits: list[CapacityLimit]
    quota: PublishedQuota | None
    needed: Annotated[QuotaNeeded | None, Field(description="null: no limit is known")]
    plan: dict[str, Any]


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
