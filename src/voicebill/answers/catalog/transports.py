"""Define transports to the model, with their codecs and what the vendor says of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from voicebill.billing.price_book import PriceBook

BYTES_PER_MB = 10**6


@dataclass(frozen=True, slots=True)
class Codec:
    """An audio codec with its bytes per minute in one direction."""

    name: str
    bytes_per_minute: int
    note: str

    @property
    def megabytes_per_minute(self) -> float:
        """Megabytes (10^6 bytes) per minute in one direction."""
        return self.bytes_per_minute / BYTES_PER_MB


@dataclass(frozen=True, slots=True)
class TransportProfile:
    """A transport to the model. The latency is that of the network, in ms per turn, and None where it varies."""

    name: str
    title: str
    best_for: str
    setup: str
    needs: str
    truncation: str
    usage_visibility: str
    low_ms: int | None
    high_ms: int | None
    codecs: tuple[Codec, ...]
    checked: date
    source: str

    @property
    def latency(self) -> str:
        """The latency range as text."""
        return "varies with the carrier" if self.low_ms is None else f"{self.low_ms} to {self.high_ms} ms"


@dataclass(frozen=True, slots=True)
class TransportCatalog:
    """All transports, and the prices of carriers and platforms."""

    transports: Mapping[str, TransportProfile]
    book: PriceBook = field(repr=False)
