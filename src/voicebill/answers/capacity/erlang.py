"""Calculate Erlang's formulas: the share of calls that are blocked (Erlang B) or that wait (Erlang C), by load and channels.

The load is in erlangs: calls per hour × mean minutes / 60. It is the mean number of concurrent calls if none is blocked.
Calls arrive at random (Poisson). Erlang B depends only on the mean of the call lengths, whatever their distribution; Erlang C
assumes that they are exponential. A. K. Erlang, "Solution of some problems in the theory of probabilities of significance in
automatic telephone exchanges", 1917.
"""

import math

from voicebill.billing.errors import InvalidInput

MAX_ERLANGS = 10_000_000
"""The maximum load, far above any plan; up to here the sums below are exact to ten digits."""

MAX_INVERSE = 1e300
"""A blocking probability below one in this many counts as 0."""


def erlang_b(erlangs: float, channels: int) -> float:
    """The blocking probability: the share of calls that find all channels busy (Erlang B).

    Its inverse is the sum 1 + N/A + N(N-1)/A² + ... of positive terms: without factorials, and without cancellation. However
    many channels there are, the number of terms that matter is a small multiple of the square root of the load.

    >>> round(erlang_b(4.461, 10), 4), round(erlang_b(84.06, 100), 4), erlang_b(10, 0)
    (0.01, 0.01, 1.0)

    Raises:
        InvalidInput: the load is negative or above `MAX_ERLANGS`, or the number of channels is negative.
    """
    _validate(erlangs, channels)
    if not erlangs:
        return 0.0 if channels else 1.0
    total = term = 1.0
    for channel in range(channels, 0, -1):
        term *= channel / erlangs
        total += term
        if term < total * 1e-18 or total > MAX_INVERSE:
            break
    return 0.0 if total > MAX_INVERSE else 1 / total


def channels_for_blocking(erlangs: float, target: float) -> int:
    """The fewest channels that block at most a share of the calls (Erlang B).

    >>> channels_for_blocking(10, 0.02), channels_for_blocking(33.333, 0.01), channels_for_blocking(100_000, 0.01)
    (17, 45, 99092)

    Raises:
        InvalidInput: the share is above 1 or not above 0 (no number of channels achieves 0), or the load is not possible.
    """
    if not 0 < target <= 1:
        raise InvalidInput(
            f"the share blocked must be more than 0 and at most 1, not {target}: no number of channels blocks no calls"
        )
    _validate(erlangs, 0)
    channels = max(0, math.ceil(erlangs * (1 - target)) - 1)  # with fewer, each would carry more than one erlang
    blocking = erlang_b(erlangs, channels)
    while blocking > target:
        channels += 1
        blocking = erlangs * blocking / (channels + erlangs * blocking)
    return channels


def load_for_blocking(channels: int, target: float) -> float:
    """The load in erlangs of which a number of channels blocks exactly a share (Erlang B), as in traffic tables.

    >>> round(load_for_blocking(50, 0.01), 2), round(load_for_blocking(20, 0.02), 2)
    (37.9, 13.18)

    Raises:
        InvalidInput: the share is not between 0 and 1, or the number of channels is negative.
    """
    _validate(0, channels)
    if not 0 < target < 1:
        raise InvalidInput(f"the share blocked must be between 0 and 1, not {target}")
    low, high = 0.0, min(float(MAX_ERLANGS), (channels + 1) / (1 - target))
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (low, middle) if erlang_b(middle, channels) > target else (middle, high)
    return low


def erlang_c(erlangs: float, channels: int) -> float:
    """The share of calls that wait because all channels are busy, if no call is blocked or abandoned (Erlang C).

    It is 1 if there are no more channels than erlangs: then the queue grows without limit.

    >>> round(erlang_c(10, 14), 3), erlang_c(10, 10)
    (0.174, 1.0)

    Raises:
        InvalidInput: the load is negative or above `MAX_ERLANGS`, or the number of channels is negative.
    """
    blocking = erlang_b(erlangs, channels)
    return 1.0 if channels <= erlangs else blocking / (1 - erlangs / channels * (1 - blocking))


def mean_wait(erlangs: float, channels: int, mean_seconds: float) -> float:
    """The mean wait in seconds over all calls, also those that do not wait; infinite if the queue grows without limit.

    >>> round(mean_wait(10, 14, 180), 1)
    7.8
    """
    return math.inf if channels <= erlangs else erlang_c(erlangs, channels) * mean_seconds / (channels - erlangs)


def service_level(erlangs: float, channels: int, mean_seconds: float, seconds: float) -> float:
    """The service level: the share of calls that wait at most a number of seconds (Erlang C).

    >>> round(service_level(10, 14, 180, 20), 3)
    0.888
    """
    if channels <= erlangs:
        return 0.0
    return 1 - erlang_c(erlangs, channels) * math.exp(-(channels - erlangs) * seconds / mean_seconds)


def channels_for_service_level(erlangs: float, mean_seconds: float, target: float, seconds: float) -> int:
    """The fewest channels that answer a share of the calls within a number of seconds (Erlang C).

    >>> channels_for_service_level(10, 180, 0.80, 20)
    14

    Raises:
        InvalidInput: the share is negative or not below 1 (no number of channels achieves 1), or the load is not possible.
    """
    if not 0 <= target < 1:
        raise InvalidInput(
            f"the share answered must be at least 0 and less than 1, not {target}: no number of channels is never busy"
        )
    channels = math.floor(erlangs) + 1
    blocking = erlang_b(erlangs, channels)
    while 1 - target < blocking / (1 - erlangs / channels * (1 - blocking)) * math.exp(
        -(channels - erlangs) * seconds / mean_seconds
    ):
        channels += 1
        blocking = erlangs * blocking / (channels + erlangs * blocking)
    return channels


def _validate(erlangs: float, channels: int) -> None:
    if not 0 <= erlangs <= MAX_ERLANGS:
        raise InvalidInput(f"a load must be between 0 and {MAX_ERLANGS:,} erlangs (concurrent calls), not {erlangs:,.10g}")
    if channels < 0:
        raise InvalidInput(f"channels must be 0 or more, not {channels}")
