"""The JSON models of the cost of a log, for the OpenAPI document."""

from typing import Literal

from voicebill.web.shapes import DayText, Dollars, JsonObject, LineJson


class LogInputJson(JsonObject):
    """What reading the log has met."""

    sources: dict[str, str]
    lines: int
    records: int
    repeated: int
    error_count: int
    first_errors: list[str]
    other_lines: int
    notes: list[str]


class RecordCountsJson(JsonObject):
    """How many records there were, and how they are to be taken; `unnamed` counts those that do not name a field."""

    billed: int
    unpriced: int
    without_usage: int
    ambiguous: int
    inconsistent: int
    unattributed: dict[str, int]
    all: int


class AmountRangeJson(JsonObject):
    """Two amounts, equal where nothing is left open."""

    low: Dollars
    high: Dollars


class CostAmountJson(JsonObject):
    """An amount: exact, a range, partial (the rest has no price), unpriced, or nothing counted."""

    records: int
    status: Literal["exact", "range", "partial", "unpriced", "nothing"]
    dollars: Dollars | None
    low: Dollars | None
    high: Dollars | None
    disputed: AmountRangeJson | None
    unpriced_quantities: int


class CostGroupJson(CostAmountJson):
    """A group's amount, with its fields by name."""

    keys: dict[str, str | int | None]


class DisputedPriceJson(JsonObject):
    """Another price that a source gives, for the meter's unit."""

    dollars: str
    source: str


class CostLineJson(LineJson):
    """A line of the bill; quantity and dollars are null where the counts leave them open."""

    quantity: int | None  # type: ignore[assignment]
    logged_model: str
    since: str
    quantities: list[int]
    low: Dollars
    high: Dollars
    disputed: list[DisputedPriceJson]


class UnpricedUsageJson(JsonObject):
    """Quantities that no price is known for, and why; from the fewest to the most that the counts allow."""

    provider: str
    model: str | None
    deployment: str
    region: str | None
    meter: str
    quantities: list[int]
    reason: str


class CostDaysJson(JsonObject):
    """The first and the last day of what was costed."""

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
    """The prices that an answer stands on, by their digest."""

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
