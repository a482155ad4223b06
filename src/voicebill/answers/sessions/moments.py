"""Estimate parameters from sums over calls, with their standard errors: means, and smooth functions of means."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import exp, log, sqrt

from voicebill.answers.sessions.session_sums import CallSums

SIZE = len(CallSums._fields)
CONFIDENCE_Z = 2.5758293035489
"""The two-sided 99% quantile of the normal distribution."""
ABSENCE_PROBABILITY = 0.005
RELATIVE_STEP = 1e-4
"""Derivatives are taken over this share of a mean."""


@dataclass(slots=True)
class Moments:
    """The number of calls, the sums of what was summed up in each, and the sums of all products of two of these.

    `played_cubes` are the sums of the products of three of `played_tokens` and `interrupted_tokens`, by how often the latter
    is one of them: long replies that are interrupted early make the share that is played skewed.
    """

    count: int = 0
    sums: list[float] = field(default_factory=lambda: [0.0] * SIZE)
    products: list[list[float]] = field(default_factory=lambda: [[0.0] * (index + 1) for index in range(SIZE)])
    played_cubes: list[float] = field(default_factory=lambda: [0.0] * 4)

    def add(self, values: CallSums) -> None:
        """Add a call."""
        self.count += 1
        played, generated = values.played_tokens, values.interrupted_tokens
        if generated:
            cubes = (played**3, played**2 * generated, played * generated**2, generated**3)
            self.played_cubes = [a + b for a, b in zip(self.played_cubes, cubes, strict=True)]
        counted = [(place, value) for place, value in enumerate(values) if value]
        for number, (place, value) in enumerate(counted, start=1):
            self.sums[place] += value
            products = self.products[place]
            for other_place, other in counted[:number]:
                products[other_place] += value * other

    def __add__(self, other: "Moments") -> "Moments":
        """The moments of the calls of both."""
        products = [[a + b for a, b in zip(*rows, strict=True)] for rows in zip(self.products, other.products, strict=True)]
        sums = [a + b for a, b in zip(self.sums, other.sums, strict=True)]
        cubes = [a + b for a, b in zip(self.played_cubes, other.played_cubes, strict=True)]
        return Moments(self.count + other.count, sums, products, cubes)

    @property
    def played_skewness(self) -> float:
        """The skewness of what calls contribute to the error of the share that is played; negative with a few long replies."""
        played, generated = (CallSums._fields.index(name) for name in ("played_tokens", "interrupted_tokens"))
        if not self.sums[generated]:
            return 0.0
        share = self.sums[played] / self.sums[generated]
        cubes = self.played_cubes
        third = (cubes[0] - 3 * share * cubes[1] + 3 * share**2 * cubes[2] - share**3 * cubes[3]) / self.count
        high, low = max(played, generated), min(played, generated)
        mixed = self.products[high][low]
        second = self.products[played][played] - 2 * share * mixed + share**2 * self.products[generated][generated]
        return third / sqrt(second / self.count) ** 3 if second > 0 else 0.0

    @property
    def means(self) -> CallSums:
        """The means over the calls."""
        return CallSums(*(total / max(1, self.count) for total in self.sums))

    def effective_calls(self, name: str) -> int:
        """The number of calls with equal sums of a name that would say as much as these with their different ones (Kish)."""
        index = CallSums._fields.index(name)
        square = self.products[index][index]
        return max(2, round(self.sums[index] ** 2 / square)) if square else self.count

    def covariance(self, index: int, other: int) -> float:
        """The covariance of two sums over the calls."""
        first, second = max(index, other), min(index, other)
        mean_product = self.sums[first] * self.sums[second] / self.count
        return (self.products[first][second] - mean_product) / max(1, self.count - 1)

    def standard_error(self, function: Callable[[CallSums], float]) -> float:
        """The standard error of a function of the means, by the delta method: its slopes, and the covariance of the sums."""
        slopes = list(self._slopes(function))
        variance = sum(
            slope * other_slope * self.covariance(index, other) for index, slope in slopes for other, other_slope in slopes
        )
        return sqrt(max(0.0, variance) / self.count)

    def _slopes(self, function: Callable[[CallSums], float]) -> Iterable[tuple[int, float]]:
        means = self.means
        for index, mean in enumerate(means):
            if mean:
                step = RELATIVE_STEP * abs(mean)
                above, below = (list(means) for _ in range(2))
                above[index] += step
                below[index] -= step
                slope = (function(CallSums(*above)) - function(CallSums(*below))) / (2 * step)
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


def share_interval(value: float, error: float, count: int, skewness: float = 0.0) -> tuple[float, float]:
    """The 99% interval of a share between 0 and 1: symmetric, but wider on the side from which few calls contribute much.

    By the Edgeworth expansion, the quantiles of a studentized mean of skewed values lie farther out on one side.
    """
    quantile = t_quantile(count)
    shift = skewness * (2 * CONFIDENCE_Z**2 + 1) / (6 * sqrt(count))
    low, high = value - (quantile + max(0.0, -shift)) * error, value + (quantile + max(0.0, shift)) * error
    return min(1.0, max(0.0, low)), min(1.0, high)


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


def absence_limit(cases: float) -> float:
    """The largest share of what occurred in none of a number of cases, with 99.5% confidence.

    >>> round(absence_limit(100), 3)
    0.052
    """
    return 1 - exp(log(ABSENCE_PROBABILITY) / max(1.0, cases))


def variation(lengths: Iterable[tuple[float, int]]) -> tuple[float, float]:
    """The coefficient of variation of lengths, given with the number of calls of each, and its standard error.

    The error is that of the lengths as they are, or of lognormal ones if that is larger: few calls say little of the longest.
    """
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
    coefficient = deviation / mean
    observed = sqrt(sum(influence**2 * number for influence, number in influences)) / count
    return coefficient, max(observed, _lognormal_error(coefficient, count))


def _lognormal_error(coefficient: float, count: int) -> float:
    """The standard error of the coefficient of variation of so many lognormal lengths, by their skewness and kurtosis."""
    base = 1 + coefficient**2
    skewness, kurtosis = coefficient**3 + 3 * coefficient, base**4 + 2 * base**3 + 3 * base**2 - 3
    return coefficient * sqrt(((kurtosis - 1) / 4 - skewness * coefficient + coefficient**2) / count)
