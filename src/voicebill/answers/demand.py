"""What one conversation asks of a limit: tokens and requests, minute by minute as the context grows.

A response counts at the moment at which the user has finished speaking: it reads the whole context then, and a limit on
its output is reserved. A call's minutes begin with the call; those of a vendor's limit do not, so that a minute of many
calls holds pieces of any of theirs.
"""

from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from math import erfc, floor, sqrt

from voicebill.answers.costing import Conversation
from voicebill.billing.errors import InvalidInput
from voicebill.billing.quotas import RequestIs
from voicebill.conversation import counting
from voicebill.conversation.context import Response, duration_ms
from voicebill.conversation.history import Tokens

MINUTE_MS = 60_000
SHOWN_MINUTES = 10


@dataclass(frozen=True, slots=True)
class Counted:
    """How a limit counts: cached tokens or not, what a request is, and output tokens reserved (None: those generated)."""

    cached_tokens: bool = True
    request_is: RequestIs = "response"
    reserved_output_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """One response on the clock of its call: tokens that count, how many of its input were cached, and requests."""

    at_ms: int
    tokens: int
    cached: int
    requests: int


@dataclass(frozen=True, slots=True)
class Minute:
    """One minute of a call, the first being 1."""

    number: int
    tokens: int
    requests: int


@dataclass(frozen=True, slots=True)
class Load:
    """What calls ask of one limit: `each` in a whole call, `heaviest` in the heaviest minute, wherever that begins.

    `squares` is the sum, over the minutes that touch a call, of what it asks in each squared, averaged over where the
    minutes begin: what the spread of many calls at random phases comes from. `edges` is what it asks so close to its
    beginning or end that a minute reaches beyond, weighed by half the square of how far.
    """

    each: Fraction
    heaviest: int
    squares: Fraction
    edges: Fraction = Fraction(0)

    @classmethod
    def over(cls, weighed: Sequence[tuple[int, "Load"]]) -> "Load":
        """What calls of several kinds ask, each counting as much as its weight; their heaviest minute is any one's."""
        whole = sum(weight for weight, _ in weighed)
        return cls(
            sum((weight * load.each for weight, load in weighed), Fraction(0)) / whole,
            max(load.heaviest for _, load in weighed),
            max(Fraction(0), sum((weight * load.squares for weight, load in weighed), Fraction(0)) / whole),
            max(Fraction(0), sum((weight * load.edges for weight, load in weighed), Fraction(0)) / whole),
        )

    def mean(self, calls_a_minute: Fraction) -> Fraction:
        """What calls that begin at such a rate ask in a minute, on average."""
        return calls_a_minute * self.each

    def exceeded_seldom(self, calls_a_minute: Fraction, share: float) -> float:
        """What is exceeded in a share of the minutes alone, where calls begin at random at such a rate.

        Of a sum of calls at random phases (shot noise) mean and variance are exact by Campbell's theorem, rate × sum and
        rate × sum of squares.
        """
        return exceeded(float(self.mean(calls_a_minute)), float(calls_a_minute * self.squares), share)

    def variance_of_a_channel(self, lasts_minutes: Fraction) -> Fraction:
        """How far the minutes of a channel spread that is always busy, one call after the other, so many minutes on average.

        The mean square of a minute less the square of its mean; the calls before and after are taken at their mean.
        """
        mean = self.each / lasts_minutes
        return max(Fraction(0), (self.squares + mean * self.edges) / lasts_minutes - mean * mean)


@dataclass(frozen=True, slots=True)
class Demand:
    """What one conversation asks, with its moments in order."""

    moments: tuple[Moment, ...]
    lasts_ms: int
    tokens: Load
    requests: Load

    @property
    def cached(self) -> int:
        """Tokens that are found in the cache, as expected, in a whole call."""
        return sum(moment.cached for moment in self.moments)

    @property
    def minutes(self) -> tuple[Minute, ...]:
        """Minute by minute from the call's beginning; the last one may be begun only."""
        count = max(1, -(-self.lasts_ms // MINUTE_MS))
        tokens, requests = [0] * count, [0] * count
        for moment in self.moments:
            at = min(moment.at_ms // MINUTE_MS, count - 1)
            tokens[at] += moment.tokens
            requests[at] += moment.requests
        return tuple(Minute(at + 1, tokens[at], requests[at]) for at in range(count))


def shown_minutes(minutes: tuple[Minute, ...]) -> Iterator[Minute | None]:
    """The minutes of a call as far as a table has room for them; None where some are left out.

    >>> found = [Minute(number, 0, 0) for number in range(1, 61)]
    >>> [each.number if each else "..." for each in shown_minutes(tuple(found))]
    [1, 2, 3, 4, 5, '...', 57, 58, 59, 60]
    """
    if len(minutes) <= SHOWN_MINUTES:
        yield from minutes
        return
    yield from minutes[: SHOWN_MINUTES // 2]
    yield None
    yield from minutes[1 - SHOWN_MINUTES // 2 :]


def demand(held: Conversation, counted: Counted) -> Demand:
    """What a conversation that was run asks of a vendor's limits.

    Raises:
        InvalidInput: so many output tokens cannot be reserved.
    """
    reserved = counted.reserved_output_tokens
    if reserved is not None and reserved < 0:
        raise InvalidInput(f"reserved_output_tokens must be 0 or more, not {reserved}")
    rules, turns = held.rules, held.script.turns
    lasting = [duration_ms(turn, rules) for turn in turns]
    begun = list(accumulate(lasting, initial=0))
    spoken = [begun[at] + counting.user_audio(turn, rules) * rules.user_audio_ms_per_token for at, turn in enumerate(turns)]
    moments = []
    session = -1
    for response, hit in zip(held.responses, held.hits, strict=True):
        fresh = counted.request_is == "response" or response.session != session
        session = response.session
        moments.append(_moment(response, hit, spoken[response.turn - 1], counted, requests=int(fresh)))
    clock = [each.at_ms for each in moments]
    tokens, requests = [each.tokens for each in moments], [each.requests for each in moments]
    return Demand(tuple(moments), begun[-1], _load(clock, tokens, begun[-1]), _load(clock, requests, begun[-1]))


def _moment(response: Response, hit: Tokens, at_ms: int, counted: Counted, *, requests: int) -> Moment:
    cached = hit.text + hit.audio + hit.image
    out = response.text_out + response.audio_out
    if counted.reserved_output_tokens is not None and any(response.input):
        out = max(out, counted.reserved_output_tokens)
    read = response.input.text + response.input.audio + response.input.image - (0 if counted.cached_tokens else cached)
    return Moment(at_ms, read + out, cached, requests)


def _load(clock: Sequence[int], asked: Sequence[int], lasts_ms: int) -> Load:
    """The sum, the most within any minute, and the mean square: two responses share a minute as far as they are close."""
    heaviest = within = first = overlaps = 0
    for at, ms in enumerate(clock):
        within += asked[at]
        while clock[first] <= ms - MINUTE_MS:
            within -= asked[first]
            first += 1
        heaviest = max(heaviest, within)
        overlaps += asked[at] * (asked[at] * MINUTE_MS)
        overlaps += 2 * asked[at] * sum(asked[near] * (MINUTE_MS - ms + clock[near]) for near in range(first, at))
    reach = sum(asks * (_beyond(ms) + _beyond(lasts_ms - ms)) for ms, asks in zip(clock, asked, strict=True))
    return Load(Fraction(sum(asked)), heaviest, Fraction(overlaps, MINUTE_MS), Fraction(reach, 2 * MINUTE_MS**2))


def _beyond(ms: int) -> int:
    """The square of how far a minute that begins so close to an edge reaches over it, in milliseconds."""
    return max(0, MINUTE_MS - max(0, ms)) ** 2


def most_calls(load: Load, lasts_minutes: Fraction, limit: int, share: float) -> tuple[int, int, int]:
    """How many calls at once a limit of so much a minute carries: on average, in all but a share of minutes, and always.

    >>> most_calls(Load(Fraction(12_000), 4_000, Fraction(30_000_000)), Fraction(6), 100_000, 0.01)
    (50, 42, 25)
    """
    if not load.each:
        return limit, limit, limit
    mean = load.each / lasts_minutes
    on_average = floor(limit / mean)
    always = min(limit // load.heaviest, on_average)
    asked, variance = float(mean), float(load.variance_of_a_channel(lasts_minutes))

    def too_many(calls: int) -> bool:
        return exceeded(calls * asked, calls * variance, share) > limit

    return on_average, always + bisect(range(always + 1, on_average + 1), False, key=too_many), always


def exceeded(mean: float, variance: float, share: float) -> float:
    """What a sum of pieces that are none of them negative exceeds in a share of cases.

    Its tail is taken as that of a gamma distribution of the same mean and variance (by Wilson and Hilferty's cube, 1931),
    which leans to the right as such sums do. Simulated with calls of all lengths over 60,000 minutes, the quota that is to be
    exceeded in 1% of them was so in 1.03% with 81 calls at once, in 0.5% with five, and with one call more in 1.7% and 2.2%.

    >>> round(exceeded(100, 400, 0.01), 1), exceeded(100, 0, 0.01)
    (152.3, 100.0)
    """
    bend = variance / (9 * mean * mean) if mean else 0.0
    return mean * float(max(0.0, 1 - bend + normal_quantile(share) * sqrt(bend)) ** 3)


def normal_quantile(share: float) -> float:
    """How many standard deviations above its mean a normal figure lies in a share of cases.

    >>> round(normal_quantile(0.01), 4), round(normal_quantile(0.5), 4)
    (2.3263, 0.0)
    """
    low, high = 0.0, 40.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if erfc(middle / sqrt(2)) / 2 < share else (middle, high)
    return (low + high) / 2
