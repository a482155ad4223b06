"""Estimate parameters from sums over calls, with their standard errors: means, and smooth functions of means."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import exp, log, sqrt

from voicebill.answers.sessions.session_sums import SessionSums

SIZE = len(SessionSums._fields)
CONFIDENCE_Z = 2.5758293035489
"""The two-sided 99% quantile of the normal distribution."""
RELATIVE_STEP = 1e-4
"""Derivatives are taken over this share of a mean."""


@dataclass(slots=True)
class Moments:
    """The number of calls, the sums of what was summed up in each, and the sums of all products of two of these."""

    count: int = 0
    sums: list[float] = field(default_factory=lambda: [0.0] * SIZE)
    products: list[list[float]] = field(default_factory=lambda: [[0.0] * (index + 1) for index in range(SIZE)])

    def add(self, values: SessionSums) -> None:
        """Add a call."""
        self.count += 1
        for index, value in enumerate(values):
            if value:
                self.sums[index] += value
                row = self.products[index]
                for other in range(index + 1):
                    row[other] += value * values[other]

    def __add__(self, other: "Moments") -> "Moments":
        """The moments of the calls of both."""
        products = [[a + b for a, b in zip(*rows, strict=True)] for rows in zip(self.products, other.products, strict=True)]
        return Moments(self.count + other.count, [a + b for a, b in zip(self.sums, other.sums, strict=True)], products)

    @property
    def means(self) -> SessionSums:
        """The means over the calls."""
        return SessionSums(*(total / max(1, self.count) for total in self.sums))

    def covariance(self, index: int, other: int) -> float:
        """The covariance of two sums over the calls."""
        first, second = max(index, other), min(index, other)
        mean_product = self.sums[first] * self.sums[second] / self.count
        return (self.products[first][second] - mean_product) / max(1, self.count - 1)

    def standard_error(self, function: Callable[[SessionSums], float]) -> float:
        """The standard error of a function of the means, by the delta method: its slopes, and the covariance of the sums."""
        slopes = list(self._slopes(function))
        variance = sum(
            slope * other_slope * self.covariance(index, other) for index, slope in slopes for other, other_slope in slopes
        )
        return sqrt(max(0.0, variance) / self.count)

    def _slopes(self, function: Callable[[SessionSums], float]) -> Iterable[tuple[int, float]]:
        means = self.means
        for index, mean in enumerate(means):
            if mean:
                step = RELATIVE_STEP * abs(mean)
                above, below = (list(means) for _ in range(2))
                above[index] += step
                below[index] -= step
                slope = (function(SessionSums(*above)) - function(SessionSums(*below))) / (2 * step)
                if slope:
                    yield index, slope


def t_quantile(count: int) -> float:
    """The two-sided 99% quantile of Student's t for a number of calls, by its expansion around the normal one.

    >>> round(t_quantile(31), 2), round(t_quantile(1_000_000), 3)
    (2.75, 2.576)
    """
    z, degrees = CONFIDENCE_Z, max(1, count - 1)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / degrees + second / degrees**2 + third / degrees**3


def positive_interval(value: float, error: float, count: int) -> tuple[float, float]:
    """The 99% interval of a quantity that is positive: symmetric in its logarithm."""
    if value <= 0:
        return value, value
    factor = exp(t_quantile(count) * error / value)
    return value / factor, value * factor


def share_interval(value: float, error: float, count: int) -> tuple[float, float]:
    """The 99% interval of a share: symmetric, between 0 and 1."""
    half_width = t_quantile(count) * error
    return max(0.0, value - half_width), min(1.0, value + half_width)


def count_interval(cases: int, count: int) -> tuple[float, float]:
    """The 99% interval of the share that some of a number of calls are (Wilson's).

    >>> [round(end, 3) for end in count_interval(10, 200)]
    [0.023, 0.106]
    """
    z2 = CONFIDENCE_Z**2
    share = cases / count
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half_width = CONFIDENCE_Z / (1 + z2 / count) * sqrt(share * (1 - share) / count + z2 / (4 * count**2))
    return max(0.0, middle - half_width), min(1.0, middle + half_width)


def variation(lengths: Iterable[tuple[float, int]]) -> tuple[float, float]:
    """The coefficient of variation of lengths, given with the number of calls of each, and its standard error."""
    pairs = [(length, count) for length, count in lengths if count]
    count = sum(number for _, number in pairs)
    mean = sum(length * number for length, number in pairs) / count
    if count < 2 or mean <= 0:
        return 0.0, 0.0
    variance = sum((length - mean) ** 2 * number for length, number in pairs) / (count - 1)
    deviation = sqrt(variance)
    if not deviation:
        return 0.0, 0.0
    influences = (
        (((length - mean) ** 2 - variance) / (2 * deviation * mean) - deviation * (length - mean) / mean**2, number)
        for length, number in pairs
    )
    return deviation / mean, sqrt(sum(influence**2 * number for influence, number in influences)) / count


def log_variation(lengths: Iterable[tuple[float, int]]) -> tuple[float, float]:
    """The coefficient of variation of lognormal lengths, given with the number of calls of each, and its standard error."""
    pairs = [(log(length), count) for length, count in lengths if count and length > 0]
    count = sum(number for _, number in pairs)
    if count < 2:
        return 0.0, 0.0
    mean = sum(value * number for value, number in pairs) / count
    variance = sum((value - mean) ** 2 * number for value, number in pairs) / (count - 1)
    coefficient = sqrt(exp(variance) - 1)
    slope = exp(variance) / (2 * coefficient) if coefficient else 0.0
    return coefficient, slope * variance * sqrt(2 / count)
