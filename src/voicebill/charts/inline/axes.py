"""Choose the ticks of axes, and place labels: in steps of 1, 2 or 5, and with room between them."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

NARROW_LABELS = ((3, 5), (6, 4), (99, 3))
"""How many labels of at most so many characters a horizontal axis has room for in a chart that is 300 pixels wide."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A label of an axis, with its position in percent; `is_coarse` labels are also shown where there is little room."""

    position: str
    label: str
    is_zero: bool = False
    is_coarse: bool = True


@dataclass(frozen=True, slots=True)
class Scale:
    """What an axis shows, from its first to its last value."""

    low: float
    high: float

    def share(self, value: float) -> float:
        """Where a value is on the axis, from 0 to 1."""
        return (value - self.low) / (self.high - self.low)

    def across(self, value: float) -> str:
        """Where a value is from the left, in percent."""
        return percent(self.share(value))

    def down(self, value: float) -> str:
        """Where a value is from the top, in percent."""
        return percent(1 - self.share(value))


def percent(share: float) -> str:
    """A share in percent, to the hundredth, without the sign.

    >>> percent(0.375), percent(1 / 3), percent(1), percent(-0.0000001)
    ('37.5', '33.33', '100', '0')
    """
    text = f"{100 * share:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def nice_step(length: float, intervals: int) -> float:
    """The smallest step of 1, 2 or 5 times a power of ten that divides a length into at most so many intervals.

    >>> nice_step(20, 4), nice_step(0.034, 4), nice_step(7, 7)
    (5.0, 0.01, 1.0)
    """
    exponent = math.floor(math.log10(length / intervals))
    steps = (float(f"{factor}e{power}") for power in (exponent, exponent + 1) for factor in (1, 2, 5))
    return next(step for step in steps if length / step <= intervals * (1 + 1e-9))


def multiples(step: float, low: float, high: float) -> list[float]:
    """The multiples of a step from `low` to `high`.

    >>> multiples(0.1, 0, 0.3), multiples(5, 1, 20)
    ([0.0, 0.1, 0.2, 0.3], [5.0, 10.0, 15.0, 20.0])
    """
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{index * step:.12g}") for index in range(first, last + 1)]


def dollar_axis(values: Iterable[float], intervals: int = 4) -> tuple[Scale, tuple[float, ...], float]:
    """The scale that contains zero and all values and begins and ends at a tick, its ticks, and their step.

    >>> dollar_axis([0.034, 0.012])
    (Scale(low=0.0, high=0.04), (0.0, 0.01, 0.02, 0.03, 0.04), 0.01)
    """
    everything = (0.0, *values)
    low, high = min(everything), max(everything)
    if low == high:
        return Scale(0.0, 1.0), (0.0,), 1.0
    step = nice_step(high - low, intervals)
    first, last = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
    ticks = tuple(multiples(step, first, last))
    return Scale(ticks[0], ticks[-1]), ticks, step


def dollar_label(dollars: float, step: float, *, signed: bool = False) -> str:
    """The label of a tick, with the decimals that the step needs, and never one.

    >>> dollar_label(0.5, 0.5), dollar_label(0.03, 0.01), dollar_label(1500, 500), dollar_label(2e6, 1e6), dollar_label(0, 1)
    ('$0.50', '$0.03', '$1,500', '$2M', '$0')
    >>> dollar_label(-0.0002, 0.0001), dollar_label(20, 10, signed=True)
    ('−$0.0002', '+$20')
    """
    if dollars == 0:
        return "$0"
    sign = "−" if dollars < 0 else "+" if signed else ""
    if step >= 1_000_000:
        return f"{sign}${abs(dollars) / 1_000_000:,.0f}M"
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return f"{sign}${abs(dollars):,.{2 if decimals == 1 else decimals}f}"


def short_amount(dollars: float) -> str:
    """An amount at a mark, with three significant digits like `format_amount`, which takes exact amounts and longer.

    >>> short_amount(0.8372544), short_amount(-0.02), short_amount(28312), short_amount(0)
    ('$0.837', '−$0.0200', '$28,300', '$0')
    """
    if dollars == 0:
        return "$0"
    rounded = f"{abs(dollars):.2e}"
    decimals = max(2 - int(rounded.partition("e")[2]), 0)
    return f"{'−' if dollars < 0 else ''}${float(rounded):,.{decimals}f}"


def short_number(number: float) -> str:
    """A number at a mark, with three significant digits.

    >>> short_number(12345.6), short_number(2.5), short_number(0)
    ('12,300', '2.5', '0')
    """
    return f"{float(f'{number:.3g}'):,.10g}"


def down_ticks(scale: Scale, ticks: Iterable[float], step: float, *, in_dollars: bool = True) -> tuple[Tick, ...]:
    """The labels of a vertical axis in dollars, or in numbers."""
    labels = [(tick, dollar_label(tick, step) if in_dollars else f"{tick:,.10g}") for tick in ticks]
    return tuple(Tick(scale.down(tick), label, is_zero=tick == 0) for tick, label in labels)


def number_ticks(scale: Scale, low: float, high: float, *, integers_only: bool = False) -> tuple[Tick, ...]:
    """The labels of a horizontal axis of numbers between two values; `integers_only`: such as turns.

    >>> [tick.label for tick in number_ticks(Scale(0, 20), 1, 20, integers_only=True)]
    ['5', '10', '15', '20']
    """
    step = nice_step(high - low, 6) if high > low else 1
    step = max(step, 1) if integers_only else step
    values = multiples(step, low, high)
    labels = [(scale.across(value), f"{value:,.10g}") for value in values]
    return labelled_ticks(labels, [round(value / step) for value in values])


def labelled_ticks(labels: Sequence[tuple[str, str]], indexes: Sequence[int]) -> tuple[Tick, ...]:
    """The labels of a horizontal axis; those whose index is a multiple of 1, 2, 5 or 10 are coarse, so that few enough are."""
    longest = max((len(label) for _, label in labels), default=0)
    room = next(count for characters, count in NARROW_LABELS if longest <= characters)
    divisor = next((n for n in (1, 2, 5, 10, 20, 50) if sum(index % n == 0 for index in indexes) <= room), 100)
    return tuple(
        Tick(position, label, is_zero=index == 0, is_coarse=index % divisor == 0)
        for (position, label), index in zip(labels, indexes, strict=True)
    )


def widest(labels: Iterable[str]) -> str:
    """The label with the most characters: room is made for it."""
    return max(labels, key=len, default="")


def spread(positions: Sequence[float], gap: float, low: float = 0.0, high: float = 1.0) -> list[float]:
    """Positions in ascending order, moved as little as possible so that they are a gap apart and between two values.

    >>> [round(position, 2) for position in spread([0.5, 0.5, 0.9], 0.1)]
    [0.45, 0.55, 0.9]
    >>> [round(position, 2) for position in spread([0.98, 1.0], 0.1)]
    [0.9, 1.0]
    """
    groups: list[list[float]] = []
    for index, position in enumerate(positions):
        groups.append([position - index * gap])
        while len(groups) > 1 and fmean(groups[-2]) > fmean(groups[-1]):
            last = groups.pop()
            groups[-1] += last
    highest = high - (len(positions) - 1) * gap
    places = [min(max(fmean(group), low), highest) for group in groups for _ in group]
    return [place + index * gap for index, place in enumerate(places)]


def sampled(count: int, maximum: int) -> list[int]:
    """At most so many indexes of a sequence, evenly spaced, the first and the last among them.

    >>> sampled(5, 10), sampled(1000, 5)
    ([0, 1, 2, 3, 4], [0, 250, 500, 749, 999])
    """
    if count <= maximum:
        return list(range(count))
    return [round(index * (count - 1) / (maximum - 1)) for index in range(maximum)]
