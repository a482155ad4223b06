"""Convert a bill's units, such as `1K`, `1M Tokens` or `1 Hour`, to the units in which meters count."""

import re
from fractions import Fraction

from voicebill.billing.meters import Meter
from voicebill.billing.recent_texts import cache_while_reading

BILLED_UNIT = re.compile(
    r"^(?P<count>\d[\d,.]*)?\s*(?P<scale>k|m|b|thousand|million|billion)?\s*(?P<word>[a-z]*)s?$", re.IGNORECASE
)
SCALES = {"": 1, "k": 10**3, "thousand": 10**3, "m": 10**6, "million": 10**6, "b": 10**9, "billion": 10**9}
BILLED_MILLISECONDS = {
    **dict.fromkeys(("ms", "millisecond"), 1),
    **dict.fromkeys(("s", "sec", "second"), 1_000),
    **dict.fromkeys(("min", "minute"), 60_000),
    **dict.fromkeys(("h", "hr", "hour"), 3_600_000),
}
COUNT_WORDS = {"token": ("token", "unit", "count", ""), "character": ("character", "char", "unit", "count", "")}
"""The words for one of what a meter counts, by its unit. Azure's unit of tokens is often only `1K`."""


@cache_while_reading(4096)
def units_per_billed_unit(text: str, meter: Meter) -> Fraction | None:
    """The number of a meter's units in one unit of a bill; None if the bill's unit counts something else.

    >>> audio = Meter("audio_in", "audio in", "token", 10**6, "/M", "in", "audio")
    >>> time = Meter("audio_ms", "audio", "ms", 60_000, "/min", "in", "audio")
    >>> [units_per_billed_unit(*case) for case in (("1K", audio), ("1M Tokens", audio), ("1 Hour", time), ("1 Hour", audio))]
    [Fraction(1000, 1), Fraction(1000000, 1), Fraction(3600000, 1), None]
    """
    match = BILLED_UNIT.match(text.strip().removeprefix("per ").replace("/", " ").strip())
    if match is None:
        return None
    count = Fraction((match["count"] or "1").replace(",", "").rstrip(".") or "1") * SCALES[(match["scale"] or "").lower()]
    word = match["word"].lower()
    return _of_word(word.removesuffix("s") if len(word) > 1 and word != "ms" else word, count, meter)


def _of_word(word: str, count: Fraction, meter: Meter) -> Fraction | None:
    if meter.unit == "ms":
        return count * BILLED_MILLISECONDS[word] if word in BILLED_MILLISECONDS else None
    return count if word in COUNT_WORDS.get(meter.unit, (meter.unit, "")) else None
