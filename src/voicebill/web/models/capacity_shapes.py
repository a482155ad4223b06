"""Define the JSON models of a capacity plan for the OpenAPI document."""

from typing import Annotated, Any, Literal

from pydantic import Field

from voicebill.web.models.shapes import DayText, JsonObject, ProvenanceJson


class BusyHourJson(JsonObject):
    """The busy hour: number of calls, mean length, and load in erlangs."""

    conversations: str | None
    busy_hour_share: float | None
    days: Annotated[float | None, Field(description="days per month with calls; null if not needed")]
    calls: float
    minutes: float
    erlangs: Annotated[float, Field(description="mean number of concurrent calls without blocking")]


class ErlangBJson(JsonObject):
    """Channels for the blocking probability (Erlang B: calls without a free channel are blocked)."""

    target: Annotated[float, Field(description="share of calls that may be blocked")]
    channels: int
    blocking_probability: float


class ErlangCJson(JsonObject):
    """Channels for the service level (Erlang C: calls without a free channel wait)."""

    target: Annotated[float, Field(description="share of calls to answer within `within_seconds`")]
    within_seconds: float
    channels: int
    wait_probability: Annotated[float, Field(description="share of calls that wait")]
    mean_wait_seconds: Annotated[float, Field(description="over all calls, including those that do not wait")]
    service_level: Annotated[float, Field(description="share of calls answered within `within_seconds`")]


class CallMinuteJson(JsonObject):
    """One minute of a call; the first is 1."""

    minute: int
    tokens: int
    requests: int


class PlannedCallJson(JsonObject):
    """Tokens and requests of the planned call, as its context grows."""

    tokens: int
    cached_tokens: Annotated[int, Field(description="cached input in the expected scenario")]
    requests: int
    heaviest_minute_tokens: int
    heaviest_minute_requests: int
    minutes: list[CallMinuteJson]


class AverageLoadJson(JsonObject):
    """Tokens and requests of calls of all lengths: the average, and the heaviest minute of any call."""

    call_length_cv: Annotated[
        float | None, Field(description="coefficient of variation of the call lengths; null if observed lengths are used")
    ]
    cap_minutes: Annotated[float | None, Field(description="calls are cut at this length")]
    tokens: float
    requests: float
    heaviest_minute_tokens: int
    heaviest_minute_requests: int


class QuotaCountingJson(JsonObject):
    """What counts towards the limits."""

    cached_tokens: bool
    request_unit: Literal["response", "session"]
    reserved_output_tokens: int | None


class CallsPerQuotaJson(JsonObject):
    """Concurrent calls that fit into one quota: on average, at the percentile, and in the worst case."""

    on_average: int
    percentile: int
    always: int


class LimitUsageJson(JsonObject):
    """Usage of one limit per minute (sessions: concurrently) by the calls that are not blocked, and the calls per quota."""

    limit: Literal["tokens", "requests", "sessions"]
    mean: float
    percentile: Annotated[float, Field(description="exceeded in at most the share `exceedance` of minutes")]
    worst: Annotated[int, Field(description="all concurrent calls in the heaviest minute of the longest call")]
    quota: Annotated[int | None, Field(description="of one deployment or project; null if unknown")]
    is_override: Annotated[bool, Field(description="whether the request contains the quota")]
    calls_per_quota: CallsPerQuotaJson | None


class PublishedQuotaJson(JsonObject):
    """A quota that a vendor publishes."""

    tier: str
    tokens_per_minute: int | None
    requests_per_minute: int | None
    sessions: int | None
    since: str
    checked: DayText
    source: str


class QuotaStepJson(JsonObject):
    """Concurrent calls and blocking probability with a number of quotas."""

    quotas: int
    calls_at_once: int
    blocking_probability: float


class QuotaRequirementJson(JsonObject):
    """Calls per quota and number of quotas required; null where one call needs more than one quota."""

    per: Annotated[str, Field(description="what each quota belongs to", examples=["deployment"])]
    binding_limit: Literal["tokens", "requests", "sessions"]
    calls_at_once: int
    blocking_with_one: float
    pooled: Annotated[int | None, Field(description="quotas required if each call is routed to free capacity")]
    partitioned: Annotated[int | None, Field(description="quotas required without pooling")]
    steps: list[QuotaStepJson]


class CapacityJson(ProvenanceJson):
    """Concurrent calls, their tokens and requests per minute, and the quota that they need."""

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
    quota_requirement: Annotated[QuotaRequirementJson | None, Field(description="null if no limit is known")]
    plan: dict[str, Any]
