"""Define the JSON models of a PTU sizing for the OpenAPI document."""

from typing import Annotated, Literal

from pydantic import Field

from voicebill.web.models.shapes import DayText, Dollars, JsonObject, Ratio


class PtuLoadJson(JsonObject):
    """The load; numbers are decimal strings."""

    calls_per_minute: Annotated[str, Field(description="in the peak hour")]
    average_calls_per_minute: str
    prompt_tokens: str
    response_tokens: str
    cache_rate: str
    profile: Annotated[list[str] | None, Field(description="calls per minute by hour; null if constant")]


class PtuThroughputJson(JsonObject):
    """Throughput of a PTU, and the numbers of PTUs that can be deployed."""

    input_tpm_per_ptu: int
    output_to_input_ratio: int
    minimum: int
    increment: int
    max_calls_per_minute: Annotated[str | None, Field(description="maximum that the bought PTUs serve")]
    checked: DayText
    source: str


class PtuAmountsJson(JsonObject):
    """An amount per average hour, month of 730 hours and year of 8,760 hours; null if a part has no price."""

    hour: Dollars | None
    month: Dollars | None
    year: Dollars | None


class PtuMixJson(JsonObject):
    """A number of PTUs for the load, with spillover to pay as you go."""

    ptus: int
    spillover_share: Annotated[Ratio, Field(description="share of all calls")]
    provisioned: PtuAmountsJson
    spillover: PtuAmountsJson
    total: PtuAmountsJson


class PtuBreakEvenJson(JsonObject):
    """Average load around the clock from which the PTUs cost less than pay as you go."""

    calls_per_minute: str
    share_of_peak: Ratio


class CommitmentOptionJson(PtuAmountsJson):
    """The bought PTUs under one commitment."""

    commitment: Literal["hourly", "month", "year"]
    label: str
    per_ptu: PtuAmountsJson
    break_even: Annotated[PtuBreakEvenJson | None, Field(description="null if they never break even")]
    with_spillover: PtuMixJson
    cheapest: Annotated[
        PtuMixJson | None, Field(description="mix with the cheapest number of PTUs; 0 means pay as you go only")
    ]
    checked: DayText
    source: str


class PayAsYouGoJson(PtuAmountsJson):
    """Cost of the same load with pay as you go."""

    offer: str
    call: Dollars
    hour_at_peak: Dollars
    since: str
    checked: DayText
    sources: list[str]


class UtilizationJson(JsonObject):
    """Utilization of the bought PTUs."""

    peak: Ratio
    average: Ratio


class HoursJson(JsonObject):
    """Hours per month and year."""

    month: int
    year: int


class PtuSizingJson(JsonObject):
    """PTUs for a load, their prices, and their break-even."""

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
    ptus: Annotated[int, Field(description="required in the peak hour")]
    bought_ptus: int
    utilization: UtilizationJson
    throughput: PtuThroughputJson
    prices: list[CommitmentOptionJson]
    pay_as_you_go: PayAsYouGoJson | None
    pay_as_you_go_missing: Annotated[str | None, Field(description="reason why there is no such price")]
    hours: HoursJson
    digest: Annotated[str, Field(description="digest of the facts about provisioned throughput")]
    warnings: list[str]
    assumptions: list[str]
