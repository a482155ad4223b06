"""Calculate the tokens and requests of one conversation that count toward a limit, minute by minute as the context grows.

A response counts at the moment when the user stops speaking: its whole input is read then, and its output may be reserved.
The minutes of a call begin with the call, but the minutes of a vendor's limit do not, so that each of them overlaps concurrent
calls at different positions.
"""

from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from math import floor, sqrt
from statistics import NormalDist

from voicebill.answers.estimates.counted_conversation import CountedConversation
from voicebill.billing.quotas import RequestUnit
from voicebill.conversation import token_counting
from voicebill.conversation.context import Response, duration_ms
from voicebill.conversation.history import Tokens

MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class QuotaCounting:
    """How a limit counts: whether cached tokens count, and what a request is.

    `reserved_output_tokens` count for each response if it generates fewer; None: only generated tokens count.
    """

    cached_tokens: bool = True
    request_unit: RequestUnit = "response"
    reserved_output_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class RequestEvent:
    """One response at a time after the start of its call: the tokens and requests that count, and its cached input tokens."""

    at_ms: int
    tokens: int
    cached_tokens: int
    requests: int


@dataclass(frozen=True, slots=True)
class MinuteDemand:
    """The tokens and requests of one minute of a call. The first minute has the number 1."""

    number: int
    tokens: int
    requests: int


@dataclass(frozen=True, slots=True)
class LimitLoad:
    """The load of calls on one limit, in tokens or requests.

    `per_call` is the load of a whole call, and `heaviest` the load of its heaviest 60 seconds, wherever these begin. `squares`
    is the sum of the squared loads of all minutes that overlap a call, averaged over the times at which minutes can begin; the
    variance of many calls follows from it. `edges` is the load within a minute of the start or the end of a call, weighted by
    half the square of the part of a minute (0 to 1) that can reach beyond the call.
    """

    per_call: Fraction
    heaviest: int
    squares: Fraction
    edges: Fraction = Fraction(0)

    @classmethod
    def weighted_mean(cls, weighted_loads: Sequence[tuple[int, "LimitLoad"]]) -> "LimitLoad":
        """The weighted mean of the loads of several kinds of calls; the heaviest minute is the maximum of theirs."""
        total_weight = sum(weight for weight, _ in weighted_loads)
        return cls(
            sum((weight * load.per_call for weight, load in weighted_loads), Fraction(0)) / total_weight,
            max(load.heaviest for _, load in weighted_loads),
            max(Fraction(0), sum((weight * load.squares for weight, load in weighted_loads), Fraction(0)) / total_weight),
            max(Fraction(0), sum((weight * load.edges for weight, load in weighted_loads), Fraction(0)) / total_weight),
        )

    def mean(self, calls_per_minute: Fraction) -> Fraction:
        """The mean load per minute of calls that begin at a rate."""
        return calls_per_minute * self.per_call

    def percentile(self, calls_per_minute: Fraction, exceedance: float) -> float:
        """The load per minute that is exceeded only in a share of the minutes, if calls begin at random at a rate.

        The load is shot noise. By Campbell's theorem its mean is rate × `per_call` and its variance rate × `squares`, exactly.
        """
        return gamma_percentile(float(self.mean(calls_per_minute)), float(calls_per_minute * self.squares), exceedance)

    def busy_channel_variance(self, duration_minutes: Fraction) -> Fraction:
        """The variance of the load per minute of a channel that is always busy with calls of a mean duration.

        This is the mean square minus the square of the mean. Calls before and after one count with their mean load.
        """
        mean = self.per_call / duration_minutes
        return max(Fraction(0), (self.squares + mean * self.edges) / duration_minutes - mean * mean)


NO_LOAD = LimitLoad(Fraction(0), 0, Fraction(0))
"""The load of a call that reaches nobody."""


@dataclass(frozen=True, slots=True)
class CallDemand:
    """The demand of one conversation: its responses in order, its length, and its load on tokens and on requests."""

    events: tuple[RequestEvent, ...]
    length_ms: int
    tokens: LimitLoad
    requests: LimitLoad

    @property
    def cached_tokens(self) -> int:
        """Cached input tokens of the whole call, in the expected cache scenario."""
        return sum(event.cached_tokens for event in self.events)

    @property
    def minutes(self) -> tuple[MinuteDemand, ...]:
        """The demand by minute from the start of the call; the last minute may be incomplete."""
        count = max(1, -(-self.length_ms // MINUTE_MS))
        tokens, requests = [0] * count, [0] * count
        for event in self.events:
            index = min(event.at_ms // MINUTE_MS, count - 1)
            tokens[index] += event.tokens
            requests[index] += event.requests
        return tuple(MinuteDemand(index + 1, tokens[index], requests[index]) for index in range(count))


def call_demand(conversation: CountedConversation, quota_counting: QuotaCounting) -> CallDemand:
    """The demand of a counted conversation on a vendor's limits."""
    events, starts = _events(conversation, quota_counting)
    tokens, requests = _limit_loads(events, starts[-1:])
    return CallDemand(tuple(event for event, _ in events), starts[-1], tokens[0], requests[0])


def loads_by_turn(conversation: CountedConversation, quota_counting: QuotaCounting) -> list[tuple[LimitLoad, LimitLoad]]:
    """The load on tokens and on requests of the calls that end after each turn of a counted conversation."""
    events, starts = _events(conversation, quota_counting)
    return list(zip(*_limit_loads(events, starts[1:]), strict=True))


def _events(
    conversation: CountedConversation, quota_counting: QuotaCounting
) -> tuple[list[tuple[RequestEvent, int]], list[int]]:
    """The responses in order, each with its turn, and the times at which turns begin and the last one ends."""
    rules, turns = conversation.rules, conversation.script.turns
    durations = [duration_ms(turn, rules) for turn in turns]
    starts = list(accumulate(durations, initial=0))
    speech_ends = [
        starts[index] + token_counting.user_audio(turn, rules) * rules.user_audio_ms_per_token
        for index, turn in enumerate(turns)
    ]
    events = []
    session = -1
    for response, hit in zip(conversation.responses, conversation.hits, strict=True):
        is_request = quota_counting.request_unit == "response" or response.session != session
        session = response.session
        event = _request_event(response, hit, speech_ends[response.turn - 1], quota_counting, requests=int(is_request))
        events.append((event, response.turn))
    return events, starts


def _request_event(
    response: Response, hit: Tokens, at_ms: int, quota_counting: QuotaCounting, *, requests: int
) -> RequestEvent:
    cached_tokens = hit.text + hit.audio + hit.image
    output_tokens = response.text_out + response.audio_out
    if quota_counting.reserved_output_tokens is not None and any(response.input):
        output_tokens = max(output_tokens, quota_counting.reserved_output_tokens)
    input_tokens = (
        response.input.text
        + response.input.audio
        + response.input.image
        - (0 if quota_counting.cached_tokens else cached_tokens)
    )
    return RequestEvent(at_ms, input_tokens + output_tokens, cached_tokens, requests)


def _limit_loads(events: Sequence[tuple[RequestEvent, int]], ends_ms: Sequence[int]) -> tuple[list[LimitLoad], list[LimitLoad]]:
    """The loads on tokens and on requests of the calls that end at some times, the latest one after all turns."""
    times_ms, turns = [event.at_ms for event, _ in events], [turn for _, turn in events]
    skipped = (turns[-1] if turns else 0) - len(ends_ms)
    counts = [bisect(turns, skipped + number) for number in range(1, len(ends_ms) + 1)]
    ends = list(zip(counts, ends_ms, strict=True))
    tokens, requests = [event.tokens for event, _ in events], [event.requests for event, _ in events]
    return list(_loads_at(times_ms, tokens, ends)), list(_loads_at(times_ms, requests, ends))


def _loads_at(times_ms: Sequence[int], amounts: Sequence[int], ends: Sequence[tuple[int, int]]) -> Iterator[LimitLoad]:
    """The load of the first events in order of time, for every number of events with the length of the call in ms.

    Two events that are less than a minute apart share some of the minutes: the closer they are, the more. So each pair adds
    twice its product to the squares, times the share of a minute that is left after the time between them.
    """
    heaviest = in_window = first = overlaps = total = start_edges = counted = 0
    for count, length_ms in ends:
        for index in range(counted, count):
            ms, amount = times_ms[index], amounts[index]
            in_window += amount
            while times_ms[first] <= ms - MINUTE_MS:
                in_window -= amounts[first]
                first += 1
            heaviest = max(heaviest, in_window)
            total += amount
            overlaps += amount * (amount * MINUTE_MS)
            overlaps += (
                2 * amount * sum(amounts[earlier] * (MINUTE_MS - ms + times_ms[earlier]) for earlier in range(first, index))
            )
            start_edges += amount * _squared_reach_ms(ms)
        counted = count
        latest = range(bisect(times_ms, length_ms - MINUTE_MS, hi=count), count)
        end_edges = sum(amounts[index] * _squared_reach_ms(length_ms - times_ms[index]) for index in latest)
        yield LimitLoad(
            Fraction(total), heaviest, Fraction(overlaps, MINUTE_MS), Fraction(start_edges + end_edges, 2 * MINUTE_MS**2)
        )


def _squared_reach_ms(ms: int) -> int:
    """The squared time, in ms², by which a minute with an event can reach beyond an edge of the call that is `ms` away."""
    return max(0, MINUTE_MS - max(0, ms)) ** 2


def max_concurrent_calls(load: LimitLoad, duration_minutes: Fraction, limit: int, exceedance: float) -> tuple[int, int, int]:
    """The concurrent calls that a limit per minute allows: on average, in all but a share of the minutes, and always.

    >>> max_concurrent_calls(LimitLoad(Fraction(12_000), 4_000, Fraction(30_000_000)), Fraction(6), 100_000, 0.01)
    (50, 42, 25)
    """
    if not load.per_call:
        return limit, limit, limit
    mean = load.per_call / duration_minutes
    on_average = floor(limit / mean)
    always = min(limit // load.heaviest, on_average)
    channel_mean, variance = float(mean), float(load.busy_channel_variance(duration_minutes))

    def too_many(calls: int) -> bool:
        return gamma_percentile(calls * channel_mean, calls * variance, exceedance) > limit

    return on_average, always + bisect(range(always + 1, on_average + 1), False, key=too_many), always


def gamma_percentile(mean: float, variance: float, exceedance: float) -> float:
    """The value that a sum of non-negative parts exceeds in a share of cases.

    Its tail is approximated by a gamma distribution with the same mean and variance (Wilson and Hilferty's cube, 1931), which
    is skewed to the right as such sums are. In a simulation of calls of all lengths over 60,000 minutes, a quota for an
    exceedance of 1% was exceeded in 1.03% of the minutes with 81 concurrent calls and in 0.5% with five; with one call more, in
    1.7% and 2.2%.

    >>> round(gamma_percentile(100, 400, 0.01), 1), gamma_percentile(100, 0, 0.01)
    (152.3, 100.0)
    """
    correction = variance / (9 * mean * mean) if mean else 0.0
    deviations = -NormalDist().inv_cdf(exceedance)  # of a normal variable, above its mean
    return mean * float(max(0.0, 1 - correction + deviations * sqrt(correction)) ** 3)
