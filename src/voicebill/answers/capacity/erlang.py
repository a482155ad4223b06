"""Erlang's formulas: how many calls are refused, or wait, when so many channels carry so much load.

Load is in erlangs: calls an hour × mean minutes / 60, the calls that would be held at once on average if none was refused.
Calls arrive at random (Poisson). Of a call's length B needs the mean alone, whatever the lengths' distribution; C takes
lengths as exponential. A. K. Erlang, "Solution of some problems in the theory of probabilities of significance in
automatic telephone exchanges", 1917.
"""

import math

from voicebill.billing.errors import InvalidInput

MAX_ERLANGS = 10_000_000
"""Beyond this nobody plans; the sums below stay exact to ten digits up to here."""

MAX_INVERSE = 1e300
"""One in so many is never."""


def erlang_b(erlangs: float, channels: int) -> float:
    """The share of calls that find all channels busy and are refused (Erlang B).

    The inverse is summed as 1 + N/A + N(N-1)/A² + ..., terms that are all positive: no factorial, nothing that cancels. As
    many terms count as a few square roots of the load, however many channels there are.

    >>> round(erlang_b(4.461, 10), 4), round(erlang_b(84.06, 100), 4), erlang_b(10, 0)
    (0.01, 0.01, 1.0)

    Raises:
        InvalidInput: the load is negative or beyond any use, or there are fewer than no channels.
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
    """The fewest channels that refuse at most a share of the calls (Erlang B).

    >>> channels_for_blocking(10, 0.02), channels_for_blocking(33.333, 0.01), channels_for_blocking(100_000, 0.01)
    (17, 45, 99092)

    Raises:
        InvalidInput: the share is 0 or less, which no number of channels achieves, or the load cannot be meant.
    """
    if not 0 < target <= 1:
        raise InvalidInput(
            f"the share refused must be more than 0 and at most 1, not {target}: no number of channels refuses none"
        )
    _validate(erlangs, 0)
    channels = max(0, math.ceil(erlangs * (1 - target)) - 1)  # fewer cannot do: they would carry more than a call each
    blocking = erlang_b(erlangs, channels)
    while blocking > target:
        channels += 1
        blocking = erlangs * blocking / (channels + erlangs * blocking)
    return channels


def load_for_blocking(channels: int, target: float) -> float:
    """The load in erlangs of which so many channels refuse just a share (Erlang B), as traffic tables give it.

    >>> round(load_for_blocking(50, 0.01), 2), round(load_for_blocking(20, 0.02), 2)
    (37.9, 13.18)
    """
    _validate(0, channels)
    if not 0 < target < 1:
        raise InvalidInput(f"the share refused must be between 0 and 1, not {target}")
    low, high = 0.0, min(float(MAX_ERLANGS), (channels + 1) / (1 - target))
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (low, middle) if erlang_b(middle, channels) > target else (middle, high)
    return low


def erlang_c(erlangs: float, channels: int) -> float:
    """The share of calls that have to wait because all channels are busy, where none is refused or gives up (Erlang C).

    1 where the channels are no more than the load: then the queue grows without end.

    >>> round(erlang_c(10, 14), 3), erlang_c(10, 10)
    (0.174, 1.0)
    """
    blocking = erlang_b(erlangs, channels)
    return 1.0 if channels <= erlangs else blocking / (1 - erlangs / channels * (1 - blocking))


def mean_wait(erlangs: float, channels: int, mean_seconds: float) -> float:
    """Seconds that a call waits on average, those that need not wait among them; infinite where the queue grows.

    >>> round(mean_wait(10, 14, 180), 1)
    7.8
    """
    return math.inf if channels <= erlangs else erlang_c(erlangs, channels) * mean_seconds / (channels - erlangs)


def service_level(erlangs: float, channels: int, mean_seconds: float, seconds: float) -> float:
    """The share of calls that wait at most so many seconds: the service level.

    >>> round(service_level(10, 14, 180, 20), 3)
    0.888
    """
    if channels <= erlangs:
        return 0.0
    return 1 - erlang_c(erlangs, channels) * math.exp(-(channels - erlangs) * seconds / mean_seconds)


def channels_for_service_level(erlangs: float, mean_seconds: float, target: float, seconds: float) -> int:
    """The fewest channels that answer a share of the calls within so many seconds (Erlang C).

    >>> channels_for_service_level(10, 180, 0.80, 20)
    14

    Raises:
        InvalidInput: the share is 1, which no number of channels achieves, or the load cannot be meant.
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
        raise InvalidInput(f"a load must be between 0 and {MAX_ERLANGS:,} erlangs (calls held at once), not {erlangs:,.10g}")
    if channels < 0:
        raise InvalidInput(f"channels must be 0 or more, not {channels}")
