"""Define the JSON models of the cost of a log for the OpenAPI document."""

from typing import Literal

from voicebill.web.models.shapes import DayText, Dollars, JsonObject, LineJson


class LogInputJson(JsonObject):
    """Counts and errors from reading the log."""

    sources: dict[str, str]
    lines: int
    records: int
    repeated: int
    error_count: int
    first_errors: list[str]
    other_lines: int
    notes: list[str]


class RecordCountsJson(JsonObject):
    """Number of records by treatment; `unattributed` counts records that do not name a field."""

    billed: int
    unpriced: int
    without_usage: int
    ambiguous: int
    inconsistent: int
    unattributed: dict[str, int]
    all: int


class AmountRangeJson(JsonObject):
    """A range of amounts; both are equal if the amount is exact."""

    low: Dollars
    high: Dollars


class CostAmountJson(JsonObject):
    """An amount: exact, a range, partial (some usage is unpriced), unpriced, or nothing counted."""

    records: int
    status: Literal["exact", "range", "partial", "unpriced", "nothing"]
    dollars: Dollars | None
    low: Dollars | None
    high: Dollars | None
    disputed: AmountRangeJson | None
    unpriced_quantities: int


class CostGroupJson(CostAmountJson):
    """The amount of a group, with the values of its fields."""

    keys: dict[str, str | int | None]


class DisputedPriceJson(JsonObject):
    """A different price from another source, per price unit of the meter."""

    dollars: str
    source: str


class CostLineJson(LineJson):
    """A line of the bill; quantity and dollars are null where the log's counts are ambiguous."""

    quantity: int | None  # type: ignore[assignment]
    logged_model: str
    since: str
    quantities: list[int]
    low: Dollars
    high: Dollars
    disputed: list[DisputedPriceJson]


class UnpricedUsageJson(JsonObject):
    """Quantities without a price, and the reason; `quantities` has the lowest and highest possible value."""

    provider: str
    model: str | None
    deployment: str
    region: str | None
    meter: str
    quantities: list[int]
    reason: str


class CostDaysJson(JsonObject):
    """First and last day of the priced records."""

    first: DayText | None
    last: DayText | None


class PerCallJson(JsonObject):
    """Cost per call, over calls with all quantities priced."""

    calls: int
    mean: AmountRangeJson
    percentiles: dict[str, AmountRangeJson]
    timed_calls: int
    minutes: str
    per_minute: dict[str, AmountRangeJson]


class CostFactsJson(JsonObject):
    """The digest of the prices in use."""

    prices: str


class CostJson(JsonObject):
    """The actual cost of a log's conversations."""

    voicebill: str
    input: LogInputJson
    records: RecordCountsJson
    days: CostDaysJson
    total: CostAmountJson
    by: list[str]
    groups: list[CostGroupJson]
    remainder: CostAmountJson | None
    lines: list[CostLineJson]
    unpriced: list[UnpricedUsageJson]
    per_call: PerCallJson | None
    cache_hit_share: float | None
    repeated_input_cost_share: float | None
    warnings: list[str]
    assumptions: list[str]
    facts: CostFactsJson
