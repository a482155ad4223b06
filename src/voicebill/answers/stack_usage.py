"""One conversation as every kind of model counts it: by tokens of text, by time, by characters. Each count is made once."""

from collections.abc import Callable
from functools import cached_property

from voicebill.answers.costing import cache_scenarios, count_conversation, usage_for_cache
from voicebill.billing.offers import Rates
from voicebill.billing.usage import Usage
from voicebill.conversation import live_session, pipeline
from voicebill.conversation.context import responses
from voicebill.conversation.plan import Plan, script
from voicebill.conversation.rules import Rules
from voicebill.conversation.script import Script

Usages = tuple[Usage, Usage, Usage]
"""What is used under the best, the expected and the worst cache behaviour."""


class StackUsage:
    """A plan's conversation. `rules` are those by which talk becomes tokens, whatever model is asked."""

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
        """The same conversation, typed."""
        return pipeline.as_text_conversation(self.script, self.rules)

    @property
    def duration_ms(self) -> int:
        """How long it lasts, silence included."""
        return round(self.plan.minutes * 60_000)

    def llm(self, rules: Rules, *, as_backend: bool) -> Usages:
        """What a text model uses that answers in writing: every turn, or as a live model's backend those handed to it.

        Raises:
            ContextOverflow: the history does not fit, and may not be cut.
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
        """What a transcription model uses, by the meters that its rates have; a stream hears silence, too."""
        by_time = rates["audio_ms"] is not None
        if by_time and rules.bills_silence:
            return self.stream(1)
        return self._cached(("heard", by_time), lambda: pipeline.transcription_usage(self.script, self.rules, by_time=by_time))

    def speech(self, rates: Rates, rules: Rules) -> Usage:
        """What a model uses that speaks the replies: characters or tokens; a realtime model is given each as a message."""
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
        """What so many streams use that hear the conversation from beginning to end."""
        return Usage({"audio_ms": streams * self.duration_ms})

    def live_session(self, rates: Rates, rules: Rules) -> Usage:
        """What a live session uses: over WebRTC its creation counts, and a part may be on standby if that is sold."""
        webrtc = self.plan.transport in (None, "webrtc")
        has_standby = webrtc and rates["standby_ms"] is not None
        return live_session.session_usage(
            self.duration_ms,
            standby_ms=round(self.duration_ms * rules.standby_share) if has_standby else 0,
            creation_ms=rules.session_creation_ms if webrtc else 0,
        )
