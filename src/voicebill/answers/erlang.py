"""Erlang's formulas: how many calls are refused, or wait, when so many channels carry so much load.

Load is in erlangs: calls an hour × mean minutes / 60, the calls that would be held at once on average if none was refused.
Calls arrive at random (Poisson). Of a call's length B needs the mean alone, whatever the lengths' distribution; C takes
lengths as exponential. A. K. Erlang, "Solution of some problems in the theory of probabilities of significance in
automatic telephone exchanges", 1917.
"""

import math

from voicebill.billing.errors import InvalidInput

MOST_ERLANGS = 10_000_000
"""Beyond this nobody plans; the sums below stay exact to ten digits up to here."""

NEVER = 1e300
"""One in so many is never."""


def refused(erlangs: float, channels: int) -> float:
    """The share of calls that find all channels busy and are refused (Erlang B).

    The inverse is summed as 1 + N/A + N(N-1)/A² + ..., terms that are all positive: no factorial, nothing that cancels. As
    many terms count as a few square roots of the load, however many channels there are.

    >>> round(refused(4.461, 10), 4), round(refused(84.06, 100), 4), refused(10, 0)
    (0.01, 0.01, 1.0)

    Raises:
        InvalidInput: the load is negative or beyond any use, or there are fewer than no channels.
    """
    _check(erlangs, channels)
    if not erlangs:
        return 0.0 if channels else 1.0
    whole = term = 1.0
    for left in range(channels, 0, -1):
        term *= left / erlangs
        whole += term
        if term < whole * 1e-18 or whole > NEVER:
            break
    return 0.0 if whole > NEVER else 1 / whole


def channels_for(erlangs: float, share: float) -> int:
    """The fewest channels that refuse at most a share of the calls (Erlang B).

    >>> channels_for(10, 0.02), channels_for(33.333, 0.01), channels_for(100_000, 0.01)
    (17, 45, 99092)

    Raises:
        InvalidInput: the share is 0 or less, which no number of channels achieves, or the load cannot be meant.
    """
    if not 0 < share <= 1:
        raise InvalidInput(
            f"the share refused must be more than 0 and at most 1, not {share}: no number of channels refuses none"
        )
    _check(erlangs, 0)
    channels = max(0, math.ceil(erlangs * (1 - share)) - 1)  # fewer cannot do: they would carry more than a call each
    found = refused(erlangs, channels)
    while found > share:
        channels += 1
        found = erlangs * found / (channels + erlangs * found)
    return channels


def load_for(channels: int, share: float) -> float:
    """The load in erlangs of which so many channels refuse just a share (Erlang B), as traffic tables give it.

    >>> round(load_for(50, 0.01), 2), round(load_for(20, 0.02), 2)
    (37.9, 13.18)
    """
    _check(0, channels)
    if not 0 < share < 1:
        raise InvalidInput(f"the share refused must be between 0 and 1, not {share}")
    low, high = 0.0, min(float(MOST_ERLANGS), (channels + 1) / (1 - share))
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (low, middle) if refused(middle, channels) > share else (middle, high)
    return low


def waiting(erlangs: float, channels: int) -> float:
    """The share of calls that have to wait because all channels are busy, where none is refused or gives up (Erlang C).

    1 where the channels are no more than the load: then the queue grows without end.

    >>> round(waiting(10, 14), 3), waiting(10, 10)
    (0.174, 1.0)
    """
    lost = refused(erlangs, channels)
    return 1.0 if channels <= erlangs else lost / (1 - erlangs / channels * (1 - lost))


def mean_wait(erlangs: float, channels: int, mean_seconds: float) -> float:
    """Seconds that a call waits on average, those that need not wait among them; infinite where the queue grows.

    >>> round(mean_wait(10, 14, 180), 1)
    7.8
    """
    return math.inf if channels <= erlangs else waiting(erlangs, channels) * mean_seconds / (channels - erlangs)


def answered_within(erlangs: float, channels: int, mean_seconds: float, seconds: float) -> float:
    """The share of calls that wait at most so many seconds: the service level.

    >>> round(answered_within(10, 14, 180, 20), 3)
    0.888
    """
    if channels <= erlangs:
        return 0.0
    return 1 - waiting(erlangs, channels) * math.exp(-(channels - erlangs) * seconds / mean_seconds)


def channels_to_answer(erlangs: float, mean_seconds: float, share: float, seconds: float) -> int:
    """The fewest channels that answer a share of the calls within so many seconds (Erlang C).

    >>> channels_to_answer(10, 180, 0.80, 20)
    14

    Raises:
        InvalidInput: the share is 1, which no number of channels achieves, or the load cannot be meant.
    """
    if not 0 <= share < 1:
        raise InvalidInput(
            f"the share answered must be at least 0 and less than 1, not {share}: no number of channels is never busy"
        )
    channels = math.floor(erlangs) + 1
    lost = refused(erlangs, channels)
    while 1 - share < lost / (1 - erlangs / channels * (1 - lost)) * math.exp(-(channels - erlangs) * seconds / mean_seconds):
        channels += 1
        lost = erlangs * lost / (channels + erlangs * lost)
    return channels


def _check(erlangs: float, channels: int) -> None:
    if not 0 <= erlangs <= MOST_ERLANGS:
        raise InvalidInput(f"a load must be between 0 and {MOST_ERLANGS:,} erlangs (calls held at once), not {erlangs:,.10g}")
    if channels < 0:
        raise InvalidInput(f"channels must be 0 or more, not {channels}")
