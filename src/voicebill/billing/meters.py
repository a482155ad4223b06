"""Meters: the things that are counted and priced.

A meter is a row, so tokens, milliseconds and characters take the same path, and what a provider sells next needs a row
and no code.
"""

from dataclasses import dataclass
from typing import Literal

Unit = Literal["token", "ms", "character", "call", "month"]
"""What one of a meter's quantities is. Time is counted in milliseconds, so that it is a whole number."""


@dataclass(frozen=True, slots=True)
class Meter:
    """One thing that is counted and priced.

    `priced_per` is how many units the price is quoted for (a million tokens, 60,000 ms) and `price_unit` how that is
    written behind a price ("/M", "/min"). `fresh` names the meter whose rate stands in where a cached one has none.
    """

    name: str
    label: str
    unit: Unit
    priced_per: int
    price_unit: str
    direction: Literal["in", "out", "session"]
    modality: str
    fresh: str | None = None

    @property
    def cached(self) -> bool:
        """Whether the provider had what is counted here in its cache."""
        return self.fresh is not None

    def counted(self, quantity: int) -> str:
        """A quantity as people read it.

        >>> Meter("audio_ms", "audio", "ms", 60_000, "/min", "in", "audio").counted(12_500)
        '12.5 s'
        """
        if self.unit == "ms":
            return f"{quantity / 1000:,.12g} s"
        return f"{quantity:,}"
