"""Count the usage of conversations for every kind of model: by tokens, by time, by characters. Counts are cached."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TypeVar

from voicebill.answers.estimates.counted_conversation import cache_scenarios, count_conversation, usage_for_cache
from voicebill.billing.errors import ContextOverflow
from voicebill.billing.offers import Rates
from voicebill.billing.usage import Usage, weighted_usage
from voicebill.conversation import live_session, pipeline
from voicebill.conversation.call_lengths import LengthBucket
from voicebill.conversation.call_population import CallPopulation, planned_minutes, session_cap
from voicebill.conversation.context import responses
from voicebill.conversation.plan import Plan, greeting_turns, script
from voicebill.conversation.rules import Rules
from voicebill.conversation.script import DEFAULT_TRANSPORT, Script, TransportName

Usages = tuple[Usage, Usage, Usage]
"""Usage in the best, expected and worst cache scenario."""

Figures = TypeVar("Figures")


class ConversationUsage(ABC):
    """What conversations use of every kind of model; `rules` convert speech to tokens for all of them.

    All usages are sums over calls, each multiplied by its weight.
    """

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._llm_usages: dict[tuple[Rules, bool], Usages] = {}
        self._llm_requests: dict[tuple[Rules, bool], int] = {}
        self._usages: dict[tuple[object, ...], Usage] = {}

    @property
    @abstractmethod
    def script(self) -> Script:
        """The longest conversation turn by turn, spoken; the others are its beginnings."""

    @property
    @abstractmethod
    def turn_weights(self) -> Sequence[int]:
        """How often each turn counts."""

    @property
    @abstractmethod
    def call_turns(self) -> Sequence[tuple[int, int]]:
        """The number of turns of the script that each call has, and its weight."""

    @property
    @abstractmethod
    def durations_ms(self) -> Sequence[tuple[int, int]]:
        """The length of each call in milliseconds, silence included, with its weight."""

    @property
    @abstractmethod
    def transport(self) -> TransportName:
        """How the client is connected."""

    @abstractmethod
    def single_calls(self) -> Iterator[tuple["ConversationUsage", int]]:
        """Each call by itself, with its weight: for what is rounded call by call."""

    @cached_property
    def as_text(self) -> Script:
        """The same conversation with text in place of speech."""
        return pipeline.as_text_conversation(self.script, self.rules)

    def llm(self, rules: Rules, *, as_backend: bool) -> Usages:
        """The usage of a text model: for every turn, or as a live model's backend for the turns that are delegated to it.

        Raises:
            ContextOverflow: the history does not fit, and may not be truncated.
        """
        key = (rules, as_backend)
        if key not in self._llm_usages:
            text_responses = responses(self.as_text, rules)
            if as_backend:
                text_responses = live_session.backend_responses(text_responses, live_session.backend_turns(self.script, rules))
            conversation = count_conversation(self.as_text, rules, tuple(text_responses))
            best, expected, worst = (
                usage_for_cache(behaviour, conversation, self.turn_weights) for behaviour in cache_scenarios(conversation)
            )
            self._llm_usages[key] = best, expected, worst
            self._llm_requests[key] = sum(self.turn_weights[response.turn - 1] for response in conversation.responses)
        return self._llm_usages[key]

    def llm_requests(self, rules: Rules) -> int:
        """The number of requests to a text model: one for every reply, and one for every tool call.

        Raises:
            ContextOverflow: the history does not fit, and may not be truncated.
        """
        self.llm(rules, as_backend=False)
        return self._llm_requests[rules, False]

    def transcription(self, rates: Rates, rules: Rules) -> Usage:
        """The usage of a transcription model, by the meters of its rates; a stream is billed for silence, too."""
        by_time = rates["audio_ms"] is not None
        if by_time and rules.bills_silence:
            return self.stream(1)
        return self._cached(
            ("heard", by_time),
            lambda: pipeline.transcription_usage(self.script, self.rules, self.turn_weights, by_time=by_time),
        )

    def speech(self, rates: Rates, rules: Rules) -> Usage:
        """The usage of a TTS model in characters or tokens; a realtime model receives each reply as a message."""
        if rates.offer.kind == "realtime":
            return self._cached(
                ("read", rules), lambda: pipeline.read_aloud_usage(self.script, rules, self.rules, self.turn_weights)
            )
        if rates["characters_in"] is not None:
            return self._cached(
                ("characters", rules),
                lambda: pipeline.spoken_characters(self.script, self.rules, self.call_turns, rules.characters_per_token),
            )
        return self._cached(("spoken",), lambda: pipeline.spoken_tokens(self.script, self.rules, self.turn_weights))

    def _cached(self, key: tuple[object, ...], count: Callable[[], Usage]) -> Usage:
        if key not in self._usages:
            self._usages[key] = count()
        return self._usages[key]

    def stream(self, streams: int) -> Usage:
        """The usage of streams that run for the whole conversation."""
        return Usage({"audio_ms": streams * sum(ms * weight for ms, weight in self.durations_ms)})

    def live_session(self, rates: Rates, rules: Rules) -> Usage:
        """The usage of a live session: over WebRTC its creation is billed, and a part may be on standby if that has a price."""
        webrtc = self.transport == "webrtc"
        has_standby = webrtc and rates["standby_ms"] is not None
        return weighted_usage(
            (
                live_session.session_usage(
                    ms,
                    standby_ms=round(ms * rules.standby_share) if has_standby else 0,
                    creation_ms=rules.session_creation_ms if webrtc else 0,
                ),
                weight,
            )
            for ms, weight in self.durations_ms
        )


class StackUsage(ConversationUsage):
    """The conversation of a plan, or calls of all lengths around it.

    Of calls of all lengths, one pass over the longest call gives the sums, each turn weighted with the calls that reach it;
    `total_weight` is their number. `call` is a single call of another length than the plan's.
    """

    def __init__(self, plan: Plan, rules: Rules, calls: CallPopulation | None = None, call: LengthBucket | None = None) -> None:
        super().__init__(rules)
        self.plan = plan
        self.calls = calls
        self.call = call
        self.total_weight = 1 if calls is None else calls.total_weight

    @cached_property
    def script(self) -> Script:
        """The conversation turn by turn, spoken.

        Stacks have no session limit of their own: a planned call ends only with a session that the plan gives. Calls of a
        month already have the turns after which they end.
        """
        longest = self.call.turns if self.call else self.calls.longest_turns if self.calls else None
        ends = self.plan.calls_end_with_session and self.plan.session_minutes is not None and longest is None
        return script(replace(self.plan, calls_end_with_session=ends), self.rules, longest)

    def single_calls(self) -> Iterator[tuple[ConversationUsage, int]]:
        """Each call by itself, with its weight."""
        if self.calls is None:
            yield self, 1
            return
        for bucket, (_, weight) in zip(self.calls.buckets, self.calls.weights, strict=True):
            yield StackUsage(self.plan, self.rules, call=bucket), weight

    @cached_property
    def turn_weights(self) -> list[int]:
        """The weight of every turn."""
        return [1] * len(self.script.turns) if self.calls is None else self.calls.turn_weights

    @property
    def call_turns(self) -> list[tuple[int, int]]:
        """The number of turns of the script that each call has, and its weight."""
        greeting = greeting_turns(self.plan)
        if self.calls is None:
            return [(len(self.script.turns), 1)]
        return [(greeting + turns, weight) for turns, weight in self.calls.weights]

    @property
    def durations_ms(self) -> list[tuple[int, int]]:
        """The length of each call in milliseconds, silence included, with its weight."""
        if self.calls is None:
            cap = session_cap(self.plan, self.plan.session_minutes)
            return [(round((self.call.minutes if self.call else planned_minutes(self.plan, cap)) * 60_000), 1)]
        return [
            (round(bucket.minutes * 60_000), weight)
            for bucket, (_, weight) in zip(self.calls.buckets, self.calls.weights, strict=True)
        ]

    @property
    def transport(self) -> TransportName:
        """That of the plan."""
        return self.plan.transport or DEFAULT_TRANSPORT


class CallUsage(ConversationUsage):
    """One call, given turn by turn, which lasts `duration_ms`."""

    def __init__(self, call: Script, rules: Rules, duration_ms: int) -> None:
        super().__init__(rules)
        self._call = call
        self._duration_ms = duration_ms

    @property
    def script(self) -> Script:
        """The call."""
        return self._call

    @property
    def turn_weights(self) -> Sequence[int]:
        """Once each."""
        return [1] * len(self._call.turns)

    @property
    def call_turns(self) -> Sequence[tuple[int, int]]:
        """All of them, once."""
        return [(len(self._call.turns), 1)]

    @property
    def durations_ms(self) -> Sequence[tuple[int, int]]:
        """The length of the call."""
        return [(self._duration_ms, 1)]

    @property
    def transport(self) -> TransportName:
        """That of the script."""
        return self._call.transport or DEFAULT_TRANSPORT

    def single_calls(self) -> Iterator[tuple[ConversationUsage, int]]:
        """The call itself."""
        yield self, 1


def count_all_lengths(
    calls: CallPopulation, usage_of: Callable[[CallPopulation], StackUsage], count: Callable[[StackUsage], Figures]
) -> tuple[StackUsage, Figures]:
    """Count calls of all lengths; where the context of a text model cannot be truncated, calls end when it is full.

    Raises:
        ContextOverflow: not even the first turn fits.
    """
    stack_usage = usage_of(calls)
    try:
        return stack_usage, count(stack_usage)
    except ContextOverflow as error:
        fitting = (error.turn or 0) - greeting_turns(calls.plan) - 1
        if fitting < 1:
            raise
        return count_all_lengths(calls.ending_at_turn(fitting), usage_of, count)
