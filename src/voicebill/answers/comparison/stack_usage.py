"""Count the usage of one conversation for every kind of model: by tokens, by time, by characters. Counts are cached."""

from collections.abc import Callable
from functools import cached_property

from voicebill.answers.estimates.costing import cache_scenarios, count_conversation, usage_for_cache
from voicebill.billing.offers import Rates
from voicebill.billing.usage import Usage
from voicebill.conversation import live_session, pipeline
from voicebill.conversation.context import responses
from voicebill.conversation.plan import Plan, script
from voicebill.conversation.rules import Rules
from voicebill.conversation.script import DEFAULT_TRANSPORT, Script

Usages = tuple[Usage, Usage, Usage]
"""Usage in the best, expected and worst cache scenario."""


class StackUsage:
    """The conversation of a plan. `rules` convert speech to tokens, independent of the model."""

    def __init__(self, plan: Plan, rules: Rules) -> None:
        self.plan = plan
        self.rules = rules
        self._llm_usages: dict[tuple[Rules, bool], Usages] = {}
        self._usages: dict[tuple[object, ...], Usage] = {}

    @cached_property
    def script(self) -> Script:
        """The conversation turn by turn, spoken."""
        return script(self.plan, self.rules)

    @cached_property
    def as_text(self) -> Script:
        """The same conversation with text in place of speech."""
        return pipeline.as_text_conversation(self.script, self.rules)

    @property
    def duration_ms(self) -> int:
        """The length of the conversation in milliseconds, silence included."""
        return round(self.plan.minutes * 60_000)

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
            best, expected, worst = (usage_for_cache(behaviour, conversation) for behaviour in cache_scenarios(conversation))
            self._llm_usages[key] = best, expected, worst
        return self._llm_usages[key]

    def transcription(self, rates: Rates, rules: Rules) -> Usage:
        """The usage of a transcription model, by the meters of its rates; a stream is billed for silence, too."""
        by_time = rates["audio_ms"] is not None
        if by_time and rules.bills_silence:
            return self.stream(1)
        return self._cached(("heard", by_time), lambda: pipeline.transcription_usage(self.script, self.rules, by_time=by_time))

    def speech(self, rates: Rates, rules: Rules) -> Usage:
        """The usage of a TTS model in characters or tokens; a realtime model receives each reply as a message."""
        if rates.offer.kind == "realtime":
            return self._cached(("read", rules), lambda: pipeline.read_aloud_usage(self.script, rules))
        if rates["characters_in"] is not None:
            return self._cached(("characters", rules), lambda: pipeline.spoken_characters(self.script, rules))
        return self._cached(("spoken", rules), lambda: pipeline.spoken_tokens(self.script, rules))

    def _cached(self, key: tuple[object, ...], count: Callable[[], Usage]) -> Usage:
        if key not in self._usages:
            self._usages[key] = count()
        return self._usages[key]

    def stream(self, streams: int) -> Usage:
        """The usage of streams that run for the whole conversation."""
        return Usage({"audio_ms": streams * self.duration_ms})

    def live_session(self, rates: Rates, rules: Rules) -> Usage:
        """The usage of a live session: over WebRTC its creation is billed, and a part may be on standby if that has a price."""
        webrtc = (self.plan.transport or DEFAULT_TRANSPORT) == "webrtc"
        has_standby = webrtc and rates["standby_ms"] is not None
        return live_session.session_usage(
            self.duration_ms,
            standby_ms=round(self.duration_ms * rules.standby_share) if has_standby else 0,
            creation_ms=rules.session_creation_ms if webrtc else 0,
        )
