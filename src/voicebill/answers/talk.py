"""One conversation as every kind of model counts it: by tokens of text, by time, by characters. Each count is made once."""

from collections.abc import Callable
from functools import cached_property

from voicebill.answers.costing import behaviours, held_of, usage_under
from voicebill.billing.offers import Rates
from voicebill.billing.usage import Usage
from voicebill.conversation import live, pipeline
from voicebill.conversation.context import responses
from voicebill.conversation.plan import Plan, script
from voicebill.conversation.rules import Rules
from voicebill.conversation.script import Script

Usages = tuple[Usage, Usage, Usage]
"""What is used under the best, the expected and the worst cache behaviour."""


class Talk:
    """A plan's conversation. `rules` are those by which talk becomes tokens, whatever model is asked."""

    def __init__(self, plan: Plan, rules: Rules) -> None:
        self.plan = plan
        self.rules = rules
        self._answered: dict[tuple[Rules, bool], Usages] = {}
        self._counted: dict[tuple[object, ...], Usage] = {}

    @cached_property
    def script(self) -> Script:
        """The conversation turn by turn, spoken."""
        return script(self.plan, self.rules)

    @cached_property
    def in_writing(self) -> Script:
        """The same conversation, typed."""
        return pipeline.written(self.script, self.rules)

    @property
    def lasts_ms(self) -> int:
        """How long it lasts, silence included."""
        return round(self.plan.minutes * 60_000)

    def answered(self, rules: Rules, *, as_backend: bool) -> Usages:
        """What a text model uses that answers in writing: every turn, or as a live model's backend those handed to it.

        Raises:
            ContextOverflow: the history does not fit, and may not be cut.
        """
        key = (rules, as_backend)
        if key not in self._answered:
            read = responses(self.in_writing, rules)
            if as_backend:
                read = live.delegated(read, live.delegated_turns(self.script, rules))
            held = held_of(self.in_writing, rules, tuple(read))
            best, expected, worst = (usage_under(behaviour, held) for behaviour in behaviours(held))
            self._answered[key] = best, expected, worst
        return self._answered[key]

    def heard(self, rates: Rates, rules: Rules) -> Usage:
        """What a transcription model uses, by the meters that its rates have; a stream hears silence, too."""
        by_time = rates["audio_ms"] is not None
        if by_time and rules.hears_silence:
            return self.streamed(1)
        return self._once(("heard", by_time), lambda: pipeline.heard(self.script, self.rules, by_time=by_time))

    def spoken(self, rates: Rates, rules: Rules) -> Usage:
        """What a model uses that speaks the replies: characters or tokens; a realtime model is given each as a message."""
        if rates.offer.kind == "realtime":
            return self._once(("read", rules), lambda: pipeline.read_aloud(self.script, rules))
        if rates["characters_in"] is not None:
            return self._once(("characters", rules), lambda: pipeline.spoken_characters(self.script, rules))
        return self._once(("spoken", rules), lambda: pipeline.spoken_tokens(self.script, rules))

    def _once(self, key: tuple[object, ...], count: Callable[[], Usage]) -> Usage:
        if key not in self._counted:
            self._counted[key] = count()
        return self._counted[key]

    def streamed(self, streams: int) -> Usage:
        """What so many streams use that hear the conversation from beginning to end."""
        return Usage({"audio_ms": streams * self.lasts_ms})

    def in_session(self, rates: Rates, rules: Rules) -> Usage:
        """What a live session uses: over WebRTC its creation counts, and a part may be on standby if that is sold."""
        webrtc = self.plan.transport in (None, "webrtc")
        pauses = webrtc and rates["standby_ms"] is not None
        return live.session(
            self.lasts_ms,
            standby_ms=round(self.lasts_ms * rules.standby_share) if pauses else 0,
            create_ms=rules.create_ms if webrtc else 0,
        )
