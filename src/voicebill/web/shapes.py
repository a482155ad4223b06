"""The answers' shapes for the OpenAPI document: what the command line's `--json` prints. Tests hold them against answers.

Dollars are exact decimal strings; counts are whole numbers.
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
    """An amount under the cache behaviours all (best), the expected one, and none (worst)."""

    best: Dollars
    expected: Dollars
    worst: Dollars


class LineJson(JsonObject):
    """A metered quantity at its rate."""

    offer: str | None
    meter: Annotated[str, Field(examples=["audio_in"])]
    label: str
    unit: Annotated[str, Field(description="what the quantity counts", examples=["token"])]
    quantity: int
    rate: Annotated[str | None, Field(examples=["$32.00/M"])]
    unit_price: Annotated[str | None, Field(description="dollars for `per` units")]
    per: int
    dollars: Dollars | None
    sources: list[str]


class CostComponentJson(JsonObject):
    """One of the places where the money goes."""

    component: Annotated[str, Field(examples=["reread_history"])]
    label: str
    dollars: Dollars


class PercentileJson(JsonObject):
    """A call that is at least as long as so many per cent of all."""

    percent: int
    minutes: float
    dollars: Dollars


class CallMixJson(JsonObject):
    """What calls of all lengths cost on average."""

    call_length_cv: Annotated[
        str | None, Field(description="standard deviation of the lengths over their mean; null: as counted")
    ]
    mean: ScenariosJson
    mean_minutes: float
    length_uplift: Annotated[Ratio, Field(description="how much more the mean call costs than the call of average length")]
    cap_minutes: float | None
    cap_by: Literal["session", "context"] | None
    percentiles: list[PercentileJson]


class OfferJson(JsonObject):
    """A model as sold."""

    id: Annotated[str, Field(examples=["openai/gpt-realtime-1.5"])]
    provider: str
    model: str
    version: str | None
    deployment: str
    region: str | None
    tier: str


class OfferWithRegionsJson(OfferJson):
    """A model as sold, with the regions of its price."""

    regions: list[str]


class RuleJson(JsonObject):
    """A parameter's value and what speaks for it."""

    value: Any
    evidence: str
    basis: str
    disputed: list[Any]


class RulesJson(JsonObject):
    """The rules that an answer used."""

    name: Annotated[str, Field(examples=["recorded-2026-11"])]
    digest: str
    evidence: dict[str, RuleJson]


class PricesJson(JsonObject):
    """The prices that an answer used."""

    digest: str
    since: Annotated[str, Field(description="first day of the price row, as precisely as known")]
    checked: DayText
    sources: list[str]
    contract: list[str]


class ProvenanceJson(JsonObject):
    """Which facts an answer stands on."""

    voicebill: Annotated[str, Field(description="version of voicebill")]
    day: DayText
    currency: Literal["USD"]
    offer: OfferJson
    transcription_offer: OfferJson | None
    prices: PricesJson
    rules: RulesJson
    in_currency: Annotated[dict[str, Any] | None, Field(description="the amounts in another currency, where a rate was stated")]
    warnings: list[str]
    assumptions: list[str]


class SensitivityEndJson(JsonObject):
    """One end of a knob, and what it adds to a conversation's expected amount; null: refused by the provider."""

    value: str
    delta: Dollars | None


class SensitivityParameterJson(JsonObject):
    """What an assumption moves, by re-runs."""

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
    """What a carrier or platform takes for the minutes of one conversation."""

    offer: str
    billed_seconds: str | None
    dollars: Dollars
    per_month: Annotated[Dollars, Field(description="beside, for a month")]
    lines: list[LineJson]


class MillisecondsJson(JsonObject):
    """A range of milliseconds."""

    low: int
    high: int


class ConnectionJson(JsonObject):
    """How a conversation reaches the model."""

    name: str
    title: str
    codec: str
    bytes_sent: int
    bytes_received: int
    latency_ms: Annotated[MillisecondsJson | None, Field(description="null: varies with the carrier")]
    best_for: str
    setup: str
    needs: str
    truncation: str
    usage_visibility: str
    egress: Annotated[Dollars | None, Field(description="null: no price of it was stated")]
    fees: list[CallFeeJson]
    dollars: Dollars
    per_month: Dollars | None
    assumptions: list[str]
    warnings: list[str]
    source: str


class TotalWithConnectionJson(JsonObject):
    """The models' amounts with what is fee."""

    per_conversation: ScenariosJson
    per_month: ScenariosJson | None


class EstimateJson(ProvenanceJson):
    """What a planned conversation costs."""

    per_conversation: ScenariosJson
    per_minute: ScenariosJson
    per_month: ScenariosJson | None
    per_year: ScenariosJson | None
    call_mix: CallMixJson | None
    lines: Annotated[list[LineJson], Field(description="the expected bill of one conversation")]
    breakdown: Annotated[list[CostComponentJson], Field(description="where the money goes; adds up to the expected amount")]
    plan: dict[str, Any]
    responses: Annotated[int, Field(description="charged model calls in one conversation")]
    connection: Annotated[ConnectionJson | None, Field(description="where one is named, or something is fee")]
    total_with_connection: Annotated[TotalWithConnectionJson, Field(description="with what is fee")]
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
    """The whole conversation."""

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
    """Another figure that a source gives."""

    meter: str
    list_price: str
    source: str


class PriceRowJson(JsonObject):
    """Prices from one day until another."""

    since: str
    until: str | None
    list_prices: Annotated[dict[str, str], Field(description="dollars for the meter's price unit, such as a million tokens")]
    disputed: list[DisputeJson]
    checked: DayText
    confidence: str
    sources: list[str]
    note: str


class OfferHistoryJson(OfferWithRegionsJson):
    """An offer with its whole history of prices."""

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
    """What is wrong, and with which field."""

    field: str | None
    detail: str


class ProblemJson(JsonObject):
    """Why there is no answer (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldErrorJson]


class HealthJson(JsonObject):
    """That the site answers, and by which facts."""

    status: Literal["ok"]
    voicebill: str
    prices: str
    rules: list[str]
