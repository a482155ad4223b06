"""Describe meters: the quantities that are counted and priced.

A meter is a row of data, so tokens, milliseconds and characters are handled alike, and a new billable quantity needs a
new row and no code.
"""

from dataclasses import dataclass
from typing import Literal

Unit = Literal["token", "ms", "character", "call", "month", "message"]
"""The unit of a meter's quantity. Time is counted in milliseconds, so that it is a whole number."""


@dataclass(frozen=True, slots=True)
class Meter:
    """One quantity that is counted and priced.

    `priced_per` is the number of units that a price is quoted for (a million tokens, 60,000 ms), and `price_unit` how that
    is written after a price ("/M", "/min"). `uncached_meter` is set for a cached meter: the uncached meter's rate is used if
    the cached meter has no rate of its own.
    """

    name: str
    label: str
    unit: Unit
    priced_per: int
    price_unit: str
    direction: Literal["in", "out", "session"]
    modality: str
    uncached_meter: str | None = None

    @property
    def is_cached(self) -> bool:
        """Whether the meter counts input that the provider read from its cache."""
        return self.uncached_meter is not None

    @property
    def price_basis(self) -> str:
        """What a price is for, in words.

        >>> Meter("audio_ms", "audio", "ms", 60_000, "/min", "in", "audio").price_basis
        'minute'
        """
        words = {("ms", 60_000): "minute", ("token", 10**6): "1M tokens", ("character", 10**6): "1M characters"}
        return words.get((self.unit, self.priced_per), self.price_unit.removeprefix("/"))

    def format_quantity(self, quantity: int) -> str:
        """A quantity formatted for people: times in seconds, everything else with thousands separators.

        >>> Meter("audio_ms", "audio", "ms", 60_000, "/min", "in", "audio").format_quantity(12_500)
        '12.5 s'
        """
        if self.unit == "ms":
            return f"{quantity / 1000:,.12g} s"
        return f"{quantity:,}"
