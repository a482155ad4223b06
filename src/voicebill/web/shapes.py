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
    offers: Annotated[list[Candidate], Field(description="realtime models")]
    alternatives: Annotated[list[Alternative], Field(description="every way that holds the conversation")]
    others: Annotated[list[Alternative], Field(description="what does less, or something else")]
    refused: list[NoAlternative]
    flips: Annotated[list[Ranking], Field(description="where flip, one, two or range is given")]


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


class PtuLoad(Shape):
    """The load that was sized; numbers are decimal strings."""

    calls_per_minute: Annotated[str, Field(description="in the busiest hour")]
    average_calls_per_minute: str
    prompt_tokens: str
    response_tokens: str
    cache_rate: str
    profile: Annotated[list[str] | None, Field(description="calls a minute hour by hour; null: always the same")]


class PtuServes(Shape):
    """What units serve, and which numbers of them can be deployed."""

    input_tpm_per_ptu: int
    output_to_input_ratio: int
    minimum: int
    increment: int
    calls_per_minute: Annotated[str | None, Field(description="what the bought units serve at most")]
    checked: Day
    source: str


class PtuTerms(Shape):
    """An amount for an average hour, a month of 730 hours and a year of 8,760; null where a part of it has no price."""

    hour: Dollars | None
    month: Dollars | None
    year: Dollars | None


class PtuHeld(Shape):
    """So many units over the whole load, with what spills over to pay as you go."""

    ptus: int
    spilled_share: Annotated[Ratio, Field(description="of all calls")]
    provisioned: PtuTerms
    spilled: PtuTerms
    total: PtuTerms


class PtuBreakEven(Shape):
    """What the units must serve on average, day and night, to cost less than pay as you go."""

    calls_per_minute: str
    share_of_peak: Ratio


class PtuPrice(PtuTerms):
    """The bought units under one commitment."""

    commitment: Literal["hourly", "month", "year"]
    label: str
    per_ptu: PtuTerms
    break_even: Annotated[PtuBreakEven | None, Field(description="null: no load that they serve is enough")]
    with_spill: PtuHeld
    cheapest: Annotated[PtuHeld | None, Field(description="with the cheapest number of units; 0: pay as you go alone")]
    checked: Day
    source: str


class PtuAsYouGo(PtuTerms):
    """The same load, pay as you go."""

    offer: str
    call: Dollars
    hour_at_peak: Dollars
    since: str
    checked: Day
    sources: list[str]


class PtuUse(Shape):
    """The share of the bought units that is used."""

    at_peak: Ratio
    average: Ratio


class PtuHours(Shape):
    """How many hours are counted."""

    month: int
    year: int


class PtuSizing(Shape):
    """Units of provisioned throughput for a load, their prices, and when they pay."""

    voicebill: str
    model: str
    deployment: Literal["global", "data-zone", "regional"]
    region: str | None
    day: Day
    currency: Literal["USD"]
    load: PtuLoad
    input_tpm: int
    output_tpm: int
    normalized_tpm: int
    raw_ptus: Annotated[str, Field(description="before rounding up", examples=["76.4706"])]
    ptus: Annotated[int, Field(description="what the busiest hour needs")]
    bought_ptus: int
    utilization: PtuUse
    serves: PtuServes
    prices: list[PtuPrice]
    pay_as_you_go: PtuAsYouGo | None
    pay_as_you_go_missing: Annotated[str | None, Field(description="why there is no such price")]
    hours: PtuHours
    digest: Annotated[str, Field(description="of the facts about provisioned throughput")]
    warnings: list[str]
    assumptions: list[str]


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
