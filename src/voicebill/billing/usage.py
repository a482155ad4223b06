"""Represent usage: the quantity of each meter that a response, a session or a month has used.

Estimates and measurements have the same form: a simulated conversation, a log and a live session all give a `Usage`,
and all are priced by the same code.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from voicebill.billing.errors import InvalidInput
from voicebill.billing.validation import format_value, require_choice, require_type

Status = Literal["exact", "ambiguous", "inconsistent", "missing"]
"""How reliable the counts are: exact as reported, known only within bounds, contradictory, or missing."""

_INT_ONLY = {int}
_WORST_FIRST: tuple[Status, ...] = ("inconsistent", "missing", "ambiguous", "exact")


@dataclass(frozen=True, slots=True)
class Usage:
    """Quantities per meter: whole numbers, none negative. Meters with a quantity of zero are left out.

    Token meters are disjoint: cached tokens are not part of the uncached ones.

    >>> usage = Usage.tokens(text_in=55, text_in_cached=64) + Usage.tokens(text_in=5)
    >>> dict(usage.items())
    {'text_in': 60, 'text_in_cached': 64}
    """

    quantities: Mapping[str, int] = field(default_factory=dict)
    status: Status = "exact"

    def __post_init__(self) -> None:
        quantities = self.quantities
        if type(quantities) is not dict:
            require_type("quantities", quantities, Mapping)
        counts = quantities.values()
        if not _INT_ONLY.issuperset(map(type, counts)) or min(counts, default=0) < 0:
            _refuse_counts(quantities)
        if self.status != "exact":
            require_choice("status", self.status, _WORST_FIRST)
        object.__setattr__(self, "quantities", {meter: quantity for meter, quantity in quantities.items() if quantity})

    @classmethod
    def tokens(
        cls,
        *,
        text_in: int = 0,
        text_in_cached: int = 0,
        text_in_cache_write: int = 0,
        audio_in: int = 0,
        audio_in_cached: int = 0,
        image_in: int = 0,
        image_in_cached: int = 0,
        text_out: int = 0,
        audio_out: int = 0,
    ) -> "Usage":
        """The usage of a token-billed response. `…_in` is the uncached part only.

        Raises:
            InvalidInput: a count is negative or not a whole number.
        """
        return cls(
            {
                "text_in": text_in,
                "text_in_cached": text_in_cached,
                "text_in_cache_write": text_in_cache_write,
                "audio_in": audio_in,
                "audio_in_cached": audio_in_cached,
                "image_in": image_in,
                "image_in_cached": image_in_cached,
                "text_out": text_out,
                "audio_out": audio_out,
            }
        )

    def __getitem__(self, meter: str) -> int:
        return self.quantities.get(meter, 0)

    def items(self) -> Iterator[tuple[str, int]]:
        """Each meter with a non-zero quantity, and that quantity."""
        return iter(self.quantities.items())

    def __add__(self, other: "Usage") -> "Usage":
        return total_usage((self, other))


def _refuse_counts(quantities: Mapping[str, int]) -> None:
    """Say which of some quantities is no count."""
    for meter, quantity in quantities.items():
        if type(quantity) is not int:
            raise InvalidInput(f"{meter} must be a whole number, not {format_value(quantity)}")
        if quantity < 0:
            raise InvalidInput(f"{meter} cannot be negative: {quantity}")


def total_usage(usages: Iterable[Usage]) -> Usage:
    """The sum of many usages; its status is the least reliable one among them."""
    sums: dict[str, int] = {}
    seen: set[Status] = set()
    for usage in usages:
        seen.add(usage.status)
        for meter, quantity in usage.items():
            sums[meter] = sums.get(meter, 0) + quantity
    return Usage(sums, next((status for status in _WORST_FIRST if status in seen), "exact"))


def weighted_usage(weighted: Iterable[tuple[Usage, int]]) -> Usage:
    """The sum of usages, each multiplied by its weight.

    >>> dict(weighted_usage([(Usage({"audio_ms": 100}), 2), (Usage({"audio_ms": 40}), 1)]).items())
    {'audio_ms': 240}
    """
    sums: dict[str, int] = {}
    for usage, weight in weighted:
        for meter, quantity in usage.items():
            sums[meter] = sums.get(meter, 0) + weight * quantity
    return Usage(sums)
