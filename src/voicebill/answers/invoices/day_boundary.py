"""Find at which hour of UTC the days of a bill begin, by what was used on each of them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from fractions import Fraction

from voicebill.answers.invoices.cells import BillDays
from voicebill.answers.invoices.placed_charges import PlacedCharge
from voicebill.answers.invoices.recorded_usage import EPOCH_DAY, SLOTS_PER_DAY, RecordedQuantity

OFFSETS = range(-24, 29)
"""From UTC-12 to UTC+14, in half hours."""
MAX_REMAINDER = 0.6
"""Another offset must leave at most this share of the difference that UTC leaves."""
MIN_BOUNDARY_DAYS = 3
MIN_REMAINDER_DAYS = 7
"""On fewer days another offset leaves less of the differences by chance: then only equal sums show it."""
MIN_SCALED_DAYS = 3
"""Days between the first and the last of a meter, for its sums to be compared but for a factor: one fits any factor."""
FITTING_SHARE = 0.98
"""If so many of the days' sums are equal in UTC, the bill's days are those: with few calls, most are in any time zone."""
LEAST_EXACT = 0.05
"""If fewer of the days' sums are equal whatever the offset, quantities that money implies are of other prices."""
CLEARLY_MORE = 0.05
"""If so much larger a share of the days' sums is equal with another offset, it need not leave much less of the differences:
sums are not equal by chance."""
MIN_SCALED_SHARE = 0.5
"""So many of the days' sums must be equal but for a common factor: a factor also hides missing usage."""
EQUAL_SHARE = 1e-6
"""Sums that differ by less than this share are equal."""

SeriesKey = tuple[int | str, str]
QuantitySeries = dict[SeriesKey, dict[int, float]]
"""By model and meter: quantities by number of the day, or of the half hour, since 1970."""


def day_offset(charges: Sequence[PlacedCharge], rows: Sequence[RecordedQuantity]) -> int:
    """How many half hours the bill's days are ahead of UTC; 0 if another offset does not fit clearly better.

    An offset fits by the share of the days' sums that are then equal, and by what it leaves of the differences. Where money
    implies the quantities, and none are equal, they are compared but for a common factor.
    """
    billed = _billed(charges)
    length = max((len(days) for days in billed.values()), default=0)
    if length < MIN_BOUNDARY_DAYS:
        return 0
    recorded, weights = _recorded(rows, billed)
    implied = {(charge.model.number, charge.meter) for charge in charges if charge.is_implied}
    fits = {offset: _fit(billed, recorded, weights, offset, ()) for offset in OFFSETS}
    if implied and max(exact for exact, _ in fits.values()) < LEAST_EXACT:
        fits = {offset: _fit(billed, recorded, weights, offset, implied) for offset in OFFSETS}
        if max(exact for exact, _ in fits.values()) < MIN_SCALED_SHARE:
            return 0
    best = min(OFFSETS, key=lambda offset: (-round(fits[offset][0], 3), fits[offset][1], abs(offset)))
    (exact, rest), (utc_exact, utc_rest) = fits[best], fits[0]
    is_more = exact > utc_exact + CLEARLY_MORE and rest < utc_rest
    is_closer = length >= MIN_REMAINDER_DAYS and exact >= utc_exact and rest < MAX_REMAINDER * utc_rest
    return best if is_more or is_closer else 0


def fits_utc(charges: Iterable[PlacedCharge], rows: Sequence[RecordedQuantity]) -> bool:
    """Whether almost all of the bill's sums are what was recorded on the same days in UTC."""
    billed = _billed(charges)
    sums: QuantitySeries = {}
    for row in rows:
        days = sums.setdefault((row.model.number, row.meter), {})
        number = (row.day - EPOCH_DAY).days
        days[number] = days.get(number, 0.0) + row.low
    pairs = [
        (quantity, sums.get(key, {}).get(number, 0.0)) for key, days in billed.items() for number, quantity in days.items()
    ]
    equal = sum(abs(quantity - recorded) <= EQUAL_SHARE * quantity for quantity, recorded in pairs)
    return equal >= FITTING_SHARE * len(pairs)


def _billed(charges: Iterable[PlacedCharge]) -> QuantitySeries:
    series: QuantitySeries = {}
    for charge in charges:
        if charge.day is not None:
            days = series.setdefault((charge.model.number, charge.meter), {})
            number = (charge.day - EPOCH_DAY).days
            days[number] = days.get(number, 0.0) + float(charge.quantity)
    return series


def _recorded(
    rows: Sequence[RecordedQuantity], billed: QuantitySeries
) -> tuple[QuantitySeries, dict[tuple[int | str, str], float]]:
    """Recorded quantities in half hours of the billed meters, and the price of each."""
    series: QuantitySeries = {}
    weights: dict[tuple[int | str, str], float] = {}
    for row in rows:
        key = (row.model.number, row.meter)
        if key in billed and row.slot is not None:
            slots = series.setdefault(key, {})
            slots[row.slot] = slots.get(row.slot, 0.0) + row.low
            if row.low and row.amount:
                weights[key] = float(Fraction(row.amount) / row.low)
    return series, weights


def _fit(
    billed: QuantitySeries,
    recorded: QuantitySeries,
    weights: Mapping[SeriesKey, float],
    offset: int,
    scaled: Collection[SeriesKey],
) -> tuple[float, float]:
    """The share of the days' sums that are equal, and the money by which the others differ.

    The first and the last day of the bill are left out: there the log may lack hours. Quantities that are `scaled` may all be
    too large or too small; with a few days they say nothing.
    """
    equal, total, rest = 0, 0, 0.0
    for key, days in billed.items():
        sums: dict[int, float] = {}
        for slot, quantity in recorded.get(key, {}).items():
            number = (slot + offset) // SLOTS_PER_DAY
            sums[number] = sums.get(number, 0.0) + quantity
        inner = sorted(days)[1:-1]
        if key in scaled and len(inner) < MIN_SCALED_DAYS:
            continue
        total_recorded = sum(sums.get(number, 0.0) for number in inner) if key in scaled else 0.0
        scale = sum(days[number] for number in inner) / total_recorded if total_recorded else 1.0
        for number in inner:
            difference = abs(days[number] - scale * sums.get(number, 0.0))
            total += 1
            is_equal = difference <= EQUAL_SHARE * days[number]
            equal += is_equal
            rest += 0.0 if is_equal else difference * weights.get(key, 0.0)
    return (equal / total if total else 0.0), rest


def offset_text(offset: int) -> str:
    """A time zone as text, and at which time of UTC its days begin.

    >>> offset_text(-16), offset_text(11)
    ("UTC-8, so that the bill's days begin at 08:00 UTC", "UTC+5:30, so that the bill's days begin at 18:30 UTC")
    """
    hours, half = divmod(abs(offset), 2)
    begin_hours, begin_half = divmod(-offset % SLOTS_PER_DAY, 2)
    zone = f"UTC{'-' if offset < 0 else '+'}{hours}{':30' if half else ''}"
    return f"{zone}, so that the bill's days begin at {begin_hours:02}:{'30' if begin_half else '00'} UTC"


def bill_days(charges: Iterable[PlacedCharge], offset: int, *, are_compared: bool) -> BillDays:
    """The days of a bill: from the first of its first charge to the last of its last one."""
    days = [(charge.day, charge.day + timedelta(days=max(0, charge.days - 1))) for charge in charges if charge.day is not None]
    first, last = min((day for day, _ in days), default=None), max((day for _, day in days), default=None)
    return BillDays(first, last, offset, are_compared)
