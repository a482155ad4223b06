"""The shapes of a capacity, for the OpenAPI document."""

from typing import Annotated, Any, Literal

from pydantic import Field

from voicebill.web.shapes import DayText, JsonObject, ProvenanceJson


class BusyHourJson(JsonObject):
    """The busiest hour: its calls, their mean length, and the load that they are."""

    conversations: str | None
    busy_hour_share: float | None
    days: Annotated[float | None, Field(description="days a month on which calls come; null: not needed")]
    calls: float
    minutes: float
    erlangs: Annotated[float, Field(description="calls held at once on average, if none is refused")]


class ErlangBJson(JsonObject):
    """Room for so many calls at once, where calls that find none are refused (Erlang B)."""

    target: Annotated[float, Field(description="share of calls that may be refused")]
    channels: int
    blocking_probability: float


class ErlangCJson(JsonObject):
    """Room for so many calls at once, where calls that find none wait (Erlang C)."""

    target: Annotated[float, Field(description="share of calls to be answered in time")]
    within_seconds: float
    channels: int
    wait_probability: Annotated[float, Field(description="share of calls that wait")]
    mean_wait_seconds: Annotated[float, Field(description="over all calls, those that need not wait among them")]
    service_level: Annotated[float, Field(description="share of calls answered in time")]


class CallMinuteJson(JsonObject):
    """One minute of a call, the first being 1."""

    minute: int
    tokens: int
    requests: int


class PlannedCallJson(JsonObject):
    """What the call that the plan describes asks of a limit as its context grows."""

    tokens: int
    cached_tokens: Annotated[int, Field(description="of the input, found in the cache as expected")]
    requests: int
    heaviest_minute_tokens: int
    heaviest_minute_requests: int
    minutes: list[CallMinuteJson]


class AverageLoadJson(JsonObject):
    """What calls of all lengths ask on average, and in the heaviest minute of any of them."""

    call_length_cv: Annotated[float | None, Field(description="standard deviation over mean; null: as counted")]
    cap_minutes: Annotated[float | None, Field(description="longer calls count as so long")]
    tokens: float
    requests: float
    heaviest_minute_tokens: int
    heaviest_minute_requests: int


class QuotaCountingJson(JsonObject):
    """How a limit counts."""

    cached_tokens: bool
    request_unit: Literal["response", "session"]
    reserved_output_tokens: int | None


class CallsPerQuotaJson(JsonObject):
    """Calls at once that one quota carries: on average, in all but a few minutes, and always."""

    on_average: int
    percentile: int
    always: int


class LimitUsageJson(JsonObject):
    """What the calls that are not refused ask of one limit a minute (of sessions: at once), and what one quota carries."""

    limit: Literal["tokens", "requests", "sessions"]
    mean: float
    percentile: Annotated[float, Field(description="exceeded in the share exceedance of the minutes only")]
    worst: Annotated[int, Field(description="all calls in the heaviest minute of the longest at once")]
    quota: Annotated[int | None, Field(description="of one deployment or project; null: not known")]
    is_override: Annotated[bool, Field(description="whether the quota was stated in the question")]
    calls_per_quota: CallsPerQuotaJson | None


class PublishedQuotaJson(JsonObject):
    """A quota as a vendor publishes it."""

    tier: str
    tokens_per_minute: int | None
    requests_per_minute: int | None
    sessions: int | None
    since: str
    checked: DayText
    source: str


class QuotaStepJson(JsonObject):
    """What so many quotas carry together, and the share of calls refused then."""

    quotas: int
    calls_at_once: int
    blocking_probability: float


class QuotaRequirementJson(JsonObject):
    """What one quota carries, and how many it takes; null where a single call asks for more than one."""

    per: Annotated[str, Field(description="what has a quota of its own", examples=["deployment"])]
    binding_limit: Literal["tokens", "requests", "sessions"]
    calls_at_once: int
    blocking_with_one: float
    pooled: Annotated[int | None, Field(description="where calls go wherever there is room")]
    partitioned: Annotated[int | None, Field(description="where calls are without pooling")]
    steps: list[QuotaStepJson]


class CapacityJson(ProvenanceJson):
    """How many calls are held at once, what they ask of limits a minute, and how much quota that takes."""

    in_currency: None = None
    busy_hour: BusyHourJson
    erlang_b: ErlangBJson
    erlang_c: ErlangCJson
    planned_call: PlannedCallJson
    average_call: AverageLoadJson
    quota_counting: QuotaCountingJson
    exceedance: float
    limits: list[LimitUsageJson]
    quota: PublishedQuotaJson | None
    quota_requirement: Annotated[QuotaRequirementJson | None, Field(description="null: no limit is known")]
    plan: dict[str, Any]
