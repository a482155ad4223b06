"""Define the JSON models of responses for the OpenAPI document; tests validate responses against them.

Dollars are exact decimal strings; counts are integers. The command line's `--json` prints the same objects.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Dollars = Annotated[str, Field(description="dollars, an exact decimal", examples=["0.8372544"], pattern=r"^-?\d+(\.\d+)?$")]
Ratio = Annotated[str, Field(description="a ratio with four decimals", examples=["0.1247"], pattern=r"^-?\d+(\.\d+)?$")]
DayText = Annotated[str, Field(description="a day", examples=["2026-11-22"])]


class JsonObject(BaseModel):
    """A JSON object with these keys and no others."""

    model_config = ConfigDict(extra="forbid")


class ScenariosJson(JsonObject):
    """An amount in the cache scenarios all (best), expected, and none (worst)."""

    best: Dollars
    expected: Dollars
    worst: Dollars


class LineJson(JsonObject):
    """A line of a bill: a metered quantity at its rate."""

    offer: str | None
    meter: Annotated[str, Field(examples=["audio_in"])]
    label: str
    unit: Annotated[str, Field(description="unit of the quantity", examples=["token"])]
    quantity: int
    rate: Annotated[str | None, Field(examples=["$32.00/M"])]
    unit_price: Annotated[str | None, Field(description="dollars for `per` units")]
    per: int
    dollars: Dollars | None
    sources: list[str]


class CostComponentJson(JsonObject):
    """A component of the cost breakdown."""

    component: Annotated[str, Field(examples=["reread_history"])]
    label: str
    dollars: Dollars


class PercentileJson(JsonObject):
    """A percentile of call length, with the cost of a call of that length."""

    percent: int
    minutes: float
    dollars: Dollars


class CallMixJson(JsonObject):
    """Average cost over calls of different lengths."""

    call_length_cv: Annotated[
        str | None, Field(description="coefficient of variation of the call lengths; null if observed lengths are used")
    ]
    mean: ScenariosJson
    mean_minutes: float
    length_uplift: Annotated[
        Ratio, Field(description="mean cost over all lengths / cost of the call of average length, minus 1")
    ]
    cap_minutes: float | None
    cap_by: Literal["session", "context"] | None
    percentiles: list[PercentileJson]


class OfferJson(JsonObject):
    """An offer: a model of a provider in a deployment."""

    id: Annotated[str, Field(examples=["openai/gpt-realtime-1.5"])]
    provider: str
    model: str
    version: str | None
    deployment: str
    region: str | None
    tier: str


class OfferWithRegionsJson(OfferJson):
    """An offer with the regions of its price."""

    regions: list[str]


class RuleJson(JsonObject):
    """The value of a rule, with its evidence."""

    value: Any
    evidence: str
    basis: str
    disputed: list[Any]


class RulesJson(JsonObject):
    """The rules in use."""

    name: Annotated[str, Field(examples=["recorded-2026-11"])]
    digest: str
    evidence: dict[str, RuleJson]


class PricesJson(JsonObject):
    """The prices in use."""

    digest: str
    since: Annotated[str, Field(description="first day of the prices; may be a month or year if the day is not known")]
    checked: DayText
    sources: list[str]
    contract: list[str]


class ProvenanceJson(JsonObject):
    """The prices, rules and offers on which a result is based."""

    voicebill: Annotated[str, Field(description="version of voicebill")]
    day: DayText
    currency: Literal["USD"]
    offer: OfferJson
    transcription_offer: OfferJson | None
    prices: PricesJson
    rules: RulesJson
    in_currency: Annotated[
        dict[str, Any] | None, Field(description="the amounts in another currency, if an exchange rate is configured")
    ]
    warnings: list[str]
    assumptions: list[str]


class SensitivityEndJson(JsonObject):
    """A low or high value, and the change of the expected cost per conversation; null if the provider rejects the value."""

    value: str
    delta: Dollars | None


class SensitivityParameterJson(JsonObject):
    """Sensitivity of the expected cost to one assumption; both values are simulated."""

    name: str
    label: str
    low: SensitivityEndJson
    high: SensitivityEndJson
    basis: str


class RecommendationJson(JsonObject):
    """A change that makes the plan cheaper."""

    change: str
    savings: Dollars
    trade_off: str


class CallFeeJson(JsonObject):
    """The fee of a carrier or platform for one conversation."""

    offer: str
    billed_seconds: str | None
    dollars: Dollars
    per_month: Annotated[Dollars, Field(description="fixed monthly fee in addition")]
    lines: list[LineJson]


class MillisecondsJson(JsonObject):
    """A range of milliseconds."""

    low: int
    high: int


class ConnectionJson(JsonObject):
    """The connection between the caller and the model."""

    name: str
    title: str
    codec: str
    bytes_sent: int
    bytes_received: int
    latency_ms: Annotated[MillisecondsJson | None, Field(description="null if it depends on the carrier")]
    best_for: str
    setup: str
    needs: str
    truncation: str
    usage_visibility: str
    egress: Annotated[Dollars | None, Field(description="null if no price per GB is given")]
    fees: list[CallFeeJson]
    dollars: Dollars
    per_month: Dollars | None
    assumptions: list[str]
    warnings: list[str]
    source: str


class TotalWithConnectionJson(JsonObject):
    """Model cost plus connection fees."""

    per_conversation: ScenariosJson
    per_month: ScenariosJson | None


class EstimateJson(ProvenanceJson):
    """Expected cost of a planned conversation."""

    per_conversation: ScenariosJson
    per_minute: ScenariosJson
    per_month: ScenariosJson | None
    per_year: ScenariosJson | None
    call_mix: CallMixJson | None
    lines: Annotated[list[LineJson], Field(description="the expected bill of one conversation")]
    breakdown: Annotated[list[CostComponentJson], Field(description="cost breakdown; adds up to the expected amount")]
    plan: dict[str, Any]
    responses: Annotated[int, Field(description="charged model calls in one conversation")]
    connection: Annotated[ConnectionJson | None, Field(description="null if no transport and no fee is given")]
    total_with_connection: Annotated[TotalWithConnectionJson, Field(description="model cost plus connection fees")]
    sensitivity: list[SensitivityParameterJson] = []
    recommendations: list[RecommendationJson] = []


class ResponseJson(JsonObject):
    """One charged model call."""

    turn: int
    kind: Literal["reply", "tool-call"]
    status: Literal["completed", "cancelled"]
    interrupted: bool
    session: int
    dropped_items: int
    usage: dict[str, int]
    dollars: Dollars
    lines: list[LineJson]


class TranscribedTurnJson(JsonObject):
    """The transcription of one turn."""

    turn: int
    usage: dict[str, int]
    dollars: Dollars
    lines: list[LineJson]


class TranscriptionJson(JsonObject):
    """The transcription of the user's speech."""

    offer: str
    turns: list[TranscribedTurnJson]
    dollars: Dollars


class TotalJson(JsonObject):
    """Total of the conversation."""

    dollars: Dollars
    usage: dict[str, int]
    lines: list[LineJson]


class SimulationJson(ProvenanceJson):
    """A scripted conversation, billed response by response."""

    responses: list[ResponseJson]
    transcription: TranscriptionJson | None
    total: TotalJson
    cache: str
    scenarios: ScenariosJson


class DisputeJson(JsonObject):
    """A different price that another source gives."""

    meter: str
    list_price: str
    source: str


class PriceRowJson(JsonObject):
    """Prices of one period."""

    since: str
    until: str | None
    list_prices: Annotated[dict[str, str], Field(description="dollars per price unit of the meter, such as a million tokens")]
    disputed: list[DisputeJson]
    checked: DayText
    confidence: str
    sources: list[str]
    note: str


class OfferHistoryJson(OfferWithRegionsJson):
    """An offer with its complete price history."""

    kind: str
    example: bool
    prices: list[PriceRowJson]


class PriceListJson(JsonObject):
    """The price book, or a part of it."""

    voicebill: str
    digest: str
    currency: Literal["USD"]
    offers: list[OfferHistoryJson]


class ModelRulesJson(RulesJson):
    """The rules for a model on a day."""

    voicebill: str
    offer: str
    day: DayText


class FieldErrorJson(JsonObject):
    """An error and its field; null if it concerns the whole request."""

    field: str | None
    detail: str


class ProblemJson(JsonObject):
    """A problem (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldErrorJson]


class HealthJson(JsonObject):
    """Status of the site, and the prices and rules that it uses."""

    status: Literal["ok"]
    voicebill: str
    prices: str
    rules: list[str]
