"""The shapes of what a log did cost, for the OpenAPI document."""

from typing import Literal

from voicebill.web.shapes import Day, Dollars, Line, Shape


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
