"""The shapes of a sizing of provisioned throughput, for the OpenAPI document."""

from typing import Annotated, Literal

from pydantic import Field

from voicebill.web.shapes import DayText, Dollars, JsonObject, Ratio


class PtuLoadJson(JsonObject):
    """The load that was sized; numbers are decimal strings."""

    calls_per_minute: Annotated[str, Field(description="in the busiest hour")]
    average_calls_per_minute: str
    prompt_tokens: str
    response_tokens: str
    cache_rate: str
    profile: Annotated[list[str] | None, Field(description="calls a minute hour by hour; null: always the same")]


class PtuThroughputJson(JsonObject):
    """What units serve, and which numbers of them can be deployed."""

    input_tpm_per_ptu: int
    output_to_input_ratio: int
    minimum: int
    increment: int
    max_calls_per_minute: Annotated[str | None, Field(description="what the bought units serve at most")]
    checked: DayText
    source: str


class PtuAmountsJson(JsonObject):
    """An amount for an average hour, a month of 730 hours and a year of 8,760; null where a part of it has no price."""

    hour: Dollars | None
    month: Dollars | None
    year: Dollars | None


class PtuMixJson(JsonObject):
    """So many units over the whole load, with what spills over to pay as you go."""

    ptus: int
    spillover_share: Annotated[Ratio, Field(description="of all calls")]
    provisioned: PtuAmountsJson
    spillover: PtuAmountsJson
    total: PtuAmountsJson


class PtuBreakEvenJson(JsonObject):
    """What the units must serve on average, day and night, to cost less than pay as you go."""

    calls_per_minute: str
    share_of_peak: Ratio


class CommitmentOptionJson(PtuAmountsJson):
    """The bought units under one commitment."""

    commitment: Literal["hourly", "month", "year"]
    label: str
    per_ptu: PtuAmountsJson
    break_even: Annotated[PtuBreakEvenJson | None, Field(description="null: no load that they serve is enough")]
    with_spillover: PtuMixJson
    cheapest: Annotated[PtuMixJson | None, Field(description="with the cheapest number of units; 0: pay as you go alone")]
    checked: DayText
    source: str


class PayAsYouGoJson(PtuAmountsJson):
    """The same load, pay as you go."""

    offer: str
    call: Dollars
    hour_at_peak: Dollars
    since: str
    checked: DayText
    sources: list[str]


class UtilizationJson(JsonObject):
    """The share of the bought units that is used."""

    peak: Ratio
    average: Ratio


class HoursJson(JsonObject):
    """How many hours are counted."""

    month: int
    year: int


class PtuSizingJson(JsonObject):
    """Units of provisioned throughput for a load, their prices, and when they pay."""

    voicebill: str
    model: str
    deployment: Literal["global", "data-zone", "regional"]
    region: str | None
    day: DayText
    currency: Literal["USD"]
    load: PtuLoadJson
    input_tpm: int
    output_tpm: int
    normalized_tpm: int
    raw_ptus: Annotated[str, Field(description="before rounding up", examples=["76.4706"])]
    ptus: Annotated[int, Field(description="what the busiest hour needs")]
    bought_ptus: int
    utilization: UtilizationJson
    throughput: PtuThroughputJson
    prices: list[CommitmentOptionJson]
    pay_as_you_go: PayAsYouGoJson | None
    pay_as_you_go_missing: Annotated[str | None, Field(description="why there is no such price")]
    hours: HoursJson
    digest: Annotated[str, Field(description="of the facts about provisioned throughput")]
    warnings: list[str]
    assumptions: list[str]
