"""Usage: how much of each meter a response, a session or a month has used.

A guess and a measurement are the same thing here: a simulated conversation, a log and a live session all give `Usage`,
and from there one path prices it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from voicebill.billing.checks import of_type, one_of
from voicebill.billing.errors import InvalidInput

Status = Literal["exact", "bounded", "inconsistent", "none"]
"""How far the counts can be trusted: as reported, only within bounds, contradicting each other, or missing."""

_WORST_FIRST: tuple[Status, ...] = ("inconsistent", "none", "bounded", "exact")


@dataclass(frozen=True, slots=True)
class Usage:
    """Quantity per meter: whole numbers, none negative. A meter that counted nothing is left out.

    Token meters are disjoint: what was cached is not part of what was fresh.

    >>> usage = Usage.tokens(text_in=55, text_in_cached=64) + Usage.tokens(text_in=5)
    >>> dict(usage.items())
    {'text_in': 60, 'text_in_cached': 64}
    """

    quantities: Mapping[str, int] = field(default_factory=dict)
    status: Status = "exact"

    def __post_init__(self) -> None:
        of_type("quantities", self.quantities, Mapping)
        counted = {}
        for meter, quantity in self.quantities.items():
            if type(quantity) is not int:
                raise InvalidInput(f"{meter} must be a whole number, not {quantity!r}")
            if quantity < 0:
                raise InvalidInput(f"{meter} cannot be negative: {quantity}")
            if quantity:
                counted[meter] = quantity
        one_of("status", self.status, _WORST_FIRST)
        object.__setattr__(self, "quantities", counted)

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
        """The usage of a token-billed response. `…_in` is the fresh part only.

        Raises:
            InvalidInput: a count is negative or not whole.
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
        """Each meter that counted anything, with its quantity."""
        return iter(self.quantities.items())

    def __add__(self, other: "Usage") -> "Usage":
        return total_usage((self, other))


def total_usage(usages: Iterable[Usage]) -> Usage:
    """The sum of many usages; its status is the least trustworthy one among them."""
    sums: dict[str, int] = {}
    seen: set[Status] = set()
    for usage in usages:
        seen.add(usage.status)
        for meter, quantity in usage.items():
            sums[meter] = sums.get(meter, 0) + quantity
    return Usage(sums, next((status for status in _WORST_FIRST if status in seen), "exact"))
