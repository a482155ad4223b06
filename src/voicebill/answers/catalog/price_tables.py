"""Define the prices of other price tables: a vendor's list of meters, and third parties' tables of models."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from voicebill.billing.meters import Meter
from voicebill.billing.offers import DEFAULT_DEPLOYMENT, Kind

PriceTableName = Literal["azure-retail", "litellm", "genai-prices"]
"""The price tables that are read, the vendor's own first."""

TABLE_TITLES: Mapping[PriceTableName, str] = {
    "azure-retail": "Azure's retail prices",
    "litellm": "litellm's model prices",
    "genai-prices": "genai-prices",
}

KIND_WORDS: Mapping[str, Kind] = {
    r"realtime-?translat|live-?translat": "translation",
    r"transcri|whisper|speech.to.text|\bstt\b|scribe": "transcription",
    r"\btts|text.to.speech|neural|custom voice": "speech",
    r"realtime|\brt\b|voice live|native-audio|gpt-latest": "realtime",
    r"\blive\b": "live",
    r"speech|voice": "speech",
    r"audio|\baud\b": "audio-chat",
}
"""Words in the names of meters and models, and the kind of service that they stand for; the first one decides."""

DECIMALS = 12
"""A price in the price book has at most so many decimals."""


def kind_of_name(name: str) -> Kind:
    """The kind of service that the name of a meter or a model suggests.

    >>> [kind_of_name(name) for name in ("gpt-realtime-whisper", "gpt-4o-rt-aud-1217 Inp glbl Tokens", "gpt-5.2")]
    ['transcription', 'realtime', 'text']
    """
    return next((kind for words, kind in KIND_WORDS.items() if re.search(words, name, re.IGNORECASE)), "text")


@dataclass(frozen=True, slots=True)
class VendorPrice:
    """The price of a vendor's meter in one region: `dollars` for `per` units, or for `per` milliseconds if `is_time`.

    `unit` is the same as the vendor writes it: `1K`, `1M`, `1 Hour`. `since` is the first day of the price.
    """

    meter_name: str
    unit: str
    dollars: Decimal
    per: int
    is_time: bool
    region: str
    since: date | None = None
    product: str = ""

    def price_of(self, meter: Meter) -> Decimal | None:
        """The price per price unit of one of our meters, to twelve decimals; None if one is of time and the other is not."""
        if self.is_time is not (meter.unit == "ms"):
            return None
        return to_price(Fraction(self.dollars) * meter.priced_per / self.per)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPrices:
    """The prices of a model in a third party's table: `unit_prices` are dollars per price unit, by our meters.

    `key` is the table's own name of the model, `since` the first day of the prices, if the table gives it. `tolerances` are by
    how much less than this a price may differ and be the same, where it was listed rounded: a third of a cent by the second.
    """

    key: str
    provider: str
    model: str
    kind: Kind
    unit_prices: Mapping[str, Decimal]
    deployment: str = DEFAULT_DEPLOYMENT
    zone: str = ""
    tier: str = "standard"
    since: date | None = None
    tolerances: Mapping[str, Decimal] = field(default_factory=dict)

    def is_price(self, listed_meter: str, price: Decimal) -> bool:
        """Whether a price is the listed one of a meter, as exactly as that is listed."""
        difference = abs(self.unit_prices[listed_meter] - price)
        return not difference or difference < self.tolerances.get(listed_meter, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedPriceTable:
    """The content of one table, which may be saved in several files.

    `skipped` counts entries that are not compared, by reason. `malformed` names entries that cannot be read. A table that is
    not complete has further pages that were not saved: what is not in it may still be sold.
    """

    name: PriceTableName
    files: tuple[str, ...]
    vendor_prices: tuple[VendorPrice, ...] = ()
    models: tuple[ModelPrices, ...] = ()
    skipped: Mapping[str, int] = field(default_factory=dict)
    malformed: tuple[str, ...] = ()
    is_complete: bool = True

    @property
    def title(self) -> str:
        """The table's name for people."""
        return TABLE_TITLES[self.name]


MIN_ROUNDED_DIGITS = 4
"""A price by the second with fewer significant digits was not rounded: `0.0001` is exact, `0.00007167` is not."""


def rounding_of(listed: Decimal, factor: Fraction) -> Decimal:
    """One unit of the last digit of a listed price by time, times a factor; 0 if it has few digits and is exact.

    >>> rounding_of(Decimal("0.000833333333"), Fraction(60)), rounding_of(Decimal("0.0001"), Fraction(60))
    (Decimal('6E-11'), Decimal('0'))
    """
    digits, exponent = listed.as_tuple().digits, listed.as_tuple().exponent
    if len(digits) < MIN_ROUNDED_DIGITS or not isinstance(exponent, int):
        return Decimal(0)
    return to_price(Fraction(10) ** exponent * factor)


def to_price(price: Fraction) -> Decimal:
    """A price as a decimal, rounded half even to the twelve decimals that a price may have.

    >>> to_price(Fraction(2, 120)), to_price(Fraction(32))
    (Decimal('0.016666666667'), Decimal('32'))
    """
    scaled = Decimal(round(price * 10**DECIMALS)).scaleb(-DECIMALS)
    return scaled.to_integral_value() if scaled == scaled.to_integral_value() else scaled.normalize()
