"""Define volumes: numbers of conversations per period."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property

from voicebill.billing.errors import InvalidInput, UnknownName
from voicebill.billing.validation import Between, format_value, to_decimal_between

HOURS_PER_DAY, HOURS_PER_WEEK, DAYS_PER_YEAR = 24, 168, 365
MONTHS_PER_YEAR = 12
HOURS_PER_YEAR = HOURS_PER_DAY * DAYS_PER_YEAR
HOURS_PER_MONTH = Fraction(HOURS_PER_YEAR, MONTHS_PER_YEAR)
"""730: a twelfth of 365 days."""
PER_YEAR: dict[str, Fraction] = {
    "hour": Fraction(HOURS_PER_YEAR),
    "day": Fraction(DAYS_PER_YEAR),
    "week": Fraction(DAYS_PER_YEAR, 7),
    "month": Fraction(MONTHS_PER_YEAR),
    "year": Fraction(1),
}


DEFAULT_PERIOD = "month"
"""The period of a volume that names none."""

VOLUME_BOUNDS = Between(0, 10**12, above=True, text="10^12")


@dataclass(frozen=True)
class Volume:
    """A number of conversations per period."""

    conversations: Decimal
    period: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "conversations", to_decimal_between("conversations", self.conversations, VOLUME_BOUNDS))
        if self.period not in PER_YEAR:
            raise UnknownName("period", self.period, PER_YEAR, field="conversations")

    @cached_property
    def per_month(self) -> Fraction:
        """Conversations per month of a twelfth of 365 days."""
        return self.per_year / MONTHS_PER_YEAR

    @cached_property
    def per_year(self) -> Fraction:
        """Conversations per year of 365 days."""
        return Fraction(self.conversations) * PER_YEAR[self.period]

    def __str__(self) -> str:
        return f"{self.conversations:,}/{self.period}"


def require_volume(volume: object) -> None:
    """Check that a volume, if there is one, is a `Volume`.

    Raises:
        InvalidInput: it is something else, such as a number or a text.
    """
    if volume is not None and not isinstance(volume, Volume):
        raise InvalidInput(
            f"must be a Volume, such as Volume(Decimal(30000), 'month'), not {format_value(volume)}", field="volume"
        )
