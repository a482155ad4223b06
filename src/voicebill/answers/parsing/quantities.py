"""Parse and format quantities as people write them: "45%", "1,500", "2k", "5 min", "30000/month"."""

import re
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from voicebill.billing.errors import InvalidInput
from voicebill.billing.validation import is_reasonable
from voicebill.conversation.volume import DEFAULT_PERIOD, HOURS_PER_DAY, HOURS_PER_WEEK, Volume

_FACTORS = {"": 1, "k": 1_000, "m": 1_000_000}
_MINUTES = {
    "": Fraction(1),
    **dict.fromkeys(("s", "sec", "second", "seconds"), Fraction(1, 60)),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), Fraction(1)),
    **dict.fromkeys(("h", "hour", "hours"), Fraction(60)),
}


def parse_number(text: str) -> Decimal:
    """Parse a non-negative number: `1,500`, `2k`, `1.5m`.

    >>> parse_number("1,500"), parse_number("2k")
    (Decimal('1500'), Decimal('2000'))

    Raises:
        InvalidInput: the text is not a number, is negative, or may mean two numbers.
    """
    match = re.fullmatch(r"([^a-zA-Z]*[0-9.])\s*([a-zA-Z]?)", text.strip())
    try:
        if match is None or match[2].lower() not in _FACTORS:
            raise InvalidOperation
        digits = match[1].strip()
        if "," in digits and not re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", digits):
            raise InvalidOperation
        value = Decimal(digits.replace(",", "").replace("_", "")) * _FACTORS[match[2].lower()]
    except InvalidOperation:
        raise InvalidInput(f"{text!r} is not a number: write 1500, 1,500 or 1.5k, with a point for decimals") from None
    if value < 0:
        raise InvalidInput(f"cannot be negative: {text}", is_predicate=True)
    if re.search(r"\.000$", digits):
        raise InvalidInput(f"{text} may mean two numbers: write 1,000 for a thousand, 1 for one")
    if not is_reasonable(value):
        raise InvalidInput(f"{text if len(text) <= 40 else text[:37] + '...'} is out of range")
    return value if value % 1 else Decimal(int(value))


def parse_count(text: str) -> int:
    """Parse a non-negative whole number.

    Raises:
        InvalidInput: the text is not a whole number.
    """
    value = parse_number(text)
    if value % 1:
        raise InvalidInput(f"{text} is not a whole number")
    return int(value)


def parse_share(text: str) -> Decimal:
    """Parse a share: up to 1 it is a share, above 1 and up to 100 it is in percent; `%` always means percent.

    >>> [str(parse_share(text)) for text in ("0.45", "45%", "45", "0.5%", "1")]
    ['0.45', '0.45', '0.45', '0.005', '1']

    Raises:
        InvalidInput: the text is not a number, or is more than 100%.
    """
    if not re.search(r"\d", text):
        raise InvalidInput(f"{text.strip().removesuffix('%')!r} is not a share: write 45%, 45 or 0.45")
    value = parse_number(text.strip().removesuffix("%"))
    if value > 100:
        raise InvalidInput(f"{text.strip()!r} is more than 100%: write a share as 45%, 45 or 0.45")
    return value / 100 if value > 1 or text.strip().endswith("%") else value


def parse_minutes(text: str) -> Decimal:
    """Parse a duration to minutes: `10`, `5 min`, `90s`, `1.5h`.

    >>> parse_minutes("90s"), parse_minutes("1.5h")
    (Decimal('1.5'), Decimal('90'))

    Raises:
        InvalidInput: the text is not a duration.
    """
    match = re.fullmatch(r"([+-]?[\d.,_]+)\s*([a-zA-Z]*)", text.strip())
    unit = match[2].lower() if match else "?"
    if match is None or unit not in _MINUTES:
        raise InvalidInput(f"{text!r} is not a duration: write 10, 5 min, 90s or 1.5h")
    exact_minutes = Fraction(parse_number(match[1])) * _MINUTES[unit]
    value = round(Decimal(exact_minutes.numerator) / Decimal(exact_minutes.denominator), 9).normalize()
    return value if value % 1 else Decimal(int(value))


def parse_volume(text: str) -> Volume:
    """Parse a number of conversations per period: `30000/month`, `1,000 per day`; without a period it is per month.

    >>> str(parse_volume("1000 per day")), str(parse_volume("30k"))
    ('1,000/day', '30,000/month')

    Raises:
        InvalidInput: the text is not a number, or its number may mean two numbers.
        UnknownName: the period is unknown.
    """
    number_text, separator, period = re.match(r"(?s)(.*?)\s*(/|\bper\b|\ba\b|$)\s*(.*)", text.strip()).groups()  # type: ignore[union-attr]
    period = period.strip().lower() if separator else DEFAULT_PERIOD
    if re.fullmatch(r"\d{1,3}\.\d{3}", number_text.strip()):
        thousands, number = number_text.strip().replace(".", ","), f"{float(number_text):g}"
        raise InvalidInput(f"{text!r} may mean two numbers: write {thousands}/{period} or {number}/{period}")
    return Volume(parse_number(number_text), period)


def parse_load_profile(text: str) -> tuple[Decimal, ...]:
    """Parse a load per hour: numbers separated by commas, blanks or line breaks.

    >>> len(parse_load_profile("0,0,0,0,0,0,2,5,9,10,10,9,8,9,10,9,7,4,2,1,1,0,0,0"))
    24

    Raises:
        InvalidInput: one of them is not a number, or there are not 24 (a day) or 168 (a week).
    """
    words = [word for word in re.split(r"[\s,;]+", text.strip()) if word]
    if len(words) not in (HOURS_PER_DAY, HOURS_PER_WEEK):
        raise InvalidInput(f"a load by the hour has 24 numbers, or 168 for a week, with commas between them, not {len(words)}")
    return tuple(parse_number(word) for word in words)


def pluralize(number: object, noun: str) -> str:
    """A number with its noun, in the plural unless the number is 1.

    >>> pluralize(1, "turn"), pluralize(1200, "turn")
    ('1 turn', '1,200 turns')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def format_number(count: Fraction) -> str:
    """Format a number of calls: whole, or with one decimal.

    >>> format_number(Fraction(30_000)), format_number(Fraction(18_250, 12))
    ('30,000', '1,520.8')
    """
    return f"{float(count):,.1f}".removesuffix(".0")


def format_monthly_calls(volume: Volume) -> str:
    """Format the calls of a month, with the volume if it is that of another period.

    >>> format_monthly_calls(parse_volume("30000/month")), format_monthly_calls(parse_volume("50/day"))
    ('30,000', '1,520.8 (50/day)')
    """
    calls = format_number(volume.per_month)
    return calls if volume.period == DEFAULT_PERIOD else f"{calls} ({volume})"


def format_exact_percent(share: float | Decimal) -> str:
    """Format a share that people gave as a percentage, with all digits that matter.

    >>> format_exact_percent(Decimal("0.4")), format_exact_percent(Decimal("0.125"))
    ('40%', '12.5%')
    """
    return f"{100 * float(share):.4g}%"


def format_percent(value: float) -> str:
    """Format a share as a percentage with a few digits; a share that is not 0 is never shown as 0%.

    >>> format_percent(0.01), format_percent(0.00953), format_percent(0.6821), format_percent(1)
    ('1%', '0.95%', '68%', '100%')
    """
    hundredths = 100 * value
    return f"{hundredths:.2g}%" if hundredths < 99.5 else f"{hundredths:.4g}%"
