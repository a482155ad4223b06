"""Define the prices of other price tables: a vendor's list of meters, and third parties' tables of models."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Literal, NamedTuple

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


MIN_ROUNDED_DIGITS = 4
"""A price by the second with fewer significant digits was not rounded: `0.0001` is exact, `0.00007167` is not."""


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


class PriceField(NamedTuple):
    """What a field of a table is the price of: one of our meters, and the factor from its unit to our price unit."""

    meter: str
    factor: Fraction = Fraction(1)
    is_time: bool = False


@dataclass(frozen=True, slots=True)
class ListedPrice:
    """A price as a third party lists it, with the field that it is from."""

    dollars: Decimal
    field: PriceField

    @property
    def price(self) -> Decimal:
        """Dollars per price unit of the meter."""
        return to_price(Fraction(self.dollars) * self.field.factor)

    def is_equal(self, price: Decimal) -> bool:
        """Whether a price is the listed one. A price of time with many digits was rounded, and is the same to its last one.

        >>> five_cents_a_minute = ListedPrice(Decimal("0.000833333333"), PriceField("session_ms", Fraction(60), is_time=True))
        >>> five_cents_a_minute.is_equal(Decimal("0.05")), five_cents_a_minute.is_equal(Decimal("0.051"))
        (True, False)
        """
        digits, exponent = self.dollars.as_tuple().digits, self.dollars.as_tuple().exponent
        is_rounded = self.field.is_time and len(digits) >= MIN_ROUNDED_DIGITS and isinstance(exponent, int)
        last_digit = Fraction(10) ** int(exponent) * self.field.factor if is_rounded else 0
        return self.price == price or abs(Fraction(self.dollars) * self.field.factor - Fraction(price)) < last_digit


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPrices:
    """The prices of a model in a third party's table, by our meters.

    `key` is the table's own name of the model, `since` the first day of the prices and `ends` the day on which the model is
    shut down, if the table gives them.
    """

    key: str
    provider: str
    model: str
    kind: Kind
    prices: Mapping[str, ListedPrice]
    deployment: str = DEFAULT_DEPLOYMENT
    zone: str = ""
    tier: str = "standard"
    since: date | None = None
    ends: date | None = None

    @property
    def unit_prices(self) -> dict[str, Decimal]:
        """Dollars per price unit, by our meters."""
        return {meter: listed.price for meter, listed in self.prices.items()}


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


def to_price(price: Fraction) -> Decimal:
    """A price as a decimal, rounded half even to the twelve decimals that a price may have.

    >>> to_price(Fraction(2, 120)), to_price(Fraction(32))
    (Decimal('0.016666666667'), Decimal('32'))
    """
    scaled = Decimal(round(price * 10**DECIMALS)).scaleb(-DECIMALS)
    return scaled.to_integral_value() if scaled == scaled.to_integral_value() else scaled.normalize()
