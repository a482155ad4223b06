"""The shapes of a sizing of provisioned throughput, for the OpenAPI document."""

from typing import Annotated, Literal

from pydantic import Field

from voicebill.web.shapes import Day, Dollars, Ratio, Shape


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
