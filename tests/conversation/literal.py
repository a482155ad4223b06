"""Define the context literally: the whole history written out for every response and compared item by item.

Slow and plain on purpose. The engine keeps running sums instead; the tests hold the two against each other.
"""

from dataclasses import dataclass, replace
from fractions import Fraction

from voicebill.conversation import token_counting
from voicebill.conversation.context import duration_ms, fixed_tokens, stable_tokens
from voicebill.conversation.rules import Rules
from voicebill.conversation.script import Script, Turn

ShownItem = tuple[int, str, int, int, int]
"""An item as the model reads it: its number, its state, and its text, audio and image tokens."""


@dataclass
class HistoryItem:
    """An item of the history, with its content in every state."""

    number: int
    full: tuple[int, int, int]
    shrunk: tuple[int, int, int] | None = None
    written: tuple[int, int, int] | None = None
    carryover_tokens: int = 0
    message: bool = False
    seen: bool = False

    def render(self, *, small: bool) -> ShownItem:
        """The item as the next response reads it."""
        if small and self.shrunk is not None:
            return (self.number, "shrunk", *self.shrunk)
        return (self.number, "full", *self.full)

    def as_written(self) -> ShownItem:
        """The item as the response generated it."""
        return (self.number, "written", *self.written) if self.written else (self.number, "full", *self.full)


@dataclass(frozen=True)
class ReferenceResponse:
    """The input of a response, its common prefix with the previous response, what is previously seen, and what is unseen."""

    turn: int
    input: tuple[int, int, int]
    unseen: tuple[int, int, int]
    common_prefix: tuple[int, int, int]
    previously_seen: tuple[int, int, int]


class ReferenceContext:
    """A conversation under some rules, response by response."""

    def __init__(self, script: Script, rules: Rules) -> None:
        self.script, self.rules = script, rules
        self.fixed = fixed_tokens(script, rules)
        self.history: list[HistoryItem] = []
        self.previous: list[ShownItem] | None = None
        self.read_before = 0
        self.warm_cache = script.warm_cache
        self.number = 0
        self.stable: int | None = None
        """How many tokens of the instructions are as they were, if they have changed since the response before."""

    def responses(self) -> list[ReferenceResponse]:
        """Everything that is read, in order."""
        responses: list[ReferenceResponse] = []
        limit = 60_000 * (self.script.session_minutes or self.rules.session_minutes)
        elapsed = 0
        session = 0
        for number, turn in enumerate(self.script.turns, start=1):
            lasts = duration_ms(turn, self.rules)
            middle = Fraction(elapsed) + Fraction(lasts, 2)
            if limit and middle // limit > session:
                session = int(middle // limit)
                if number > 1:
                    self._reconnect()
            elapsed += lasts
            self._delete(turn.deleted_items)
            if turn.instructions_tokens is not None:
                self._change_instructions(turn.instructions_tokens)
            self._user(turn)
            for call in turn.tool_calls:
                responses.append(self._respond(number))
                self._add((call.arguments_tokens + self.rules.tool_call_item_tokens, 0, 0), output=True, carries_over=True)
                self._add((call.result_tokens + self.rules.tool_result_item_tokens, 0, 0), carries_over=True)
            if not turn.cancelled:
                responses.append(self._respond(number))
                self._reply(turn)
        return responses

    def _add(self, full: tuple[int, int, int], *, output: bool = False, carries_over: bool = False) -> HistoryItem:
        self.number += 1
        item = HistoryItem(self.number, full, carryover_tokens=full[0] if carries_over else 0, seen=output)
        self.history.append(item)
        if output and self.previous is not None:
            self.previous.append(item.as_written())
        return item

    def _delete(self, places: tuple[int, ...]) -> None:
        self.history = [item for place, item in enumerate(self.history, start=1) if place not in places]

    def _change_instructions(self, tokens: int) -> None:
        """Other instructions: their stable part is as it was, whatever comes after it is not."""
        old = stable_tokens(self.script, self.rules)
        kept = self.script.stable_instructions_tokens
        stable = None if kept is None else min(kept, tokens)
        self.script = replace(self.script, instructions_tokens=tokens, stable_instructions_tokens=stable)
        unchanged = self.fixed if self.stable is None else self.stable
        self.fixed = fixed_tokens(self.script, self.rules)
        self.stable = min(old, stable_tokens(self.script, self.rules), unchanged)

    def _user(self, turn: Turn) -> None:
        for tokens in turn.image_tokens:
            self._add((self.rules.image_item_tokens, 0, tokens))
        if turn.user_text_tokens:
            self._add((self.rules.user_text_item_tokens + turn.user_text_tokens, 0, 0), carries_over=True)
        audio = token_counting.user_audio(turn, self.rules)
        transcript = token_counting.user_transcript(turn, audio, self.rules) if audio else 0
        count = turn.user_messages if audio else 0
        parts = [(tokens * index // count) for tokens in (audio, transcript) for index in range(count + 1)] if count else []
        for index in range(count):
            spoken, transcribed = (parts[start + index + 1] - parts[start + index] for start in (0, count + 1))
            item = self._add((self.rules.user_audio_item_tokens, spoken, 0))
            item.carryover_tokens = self.rules.user_text_item_tokens + transcribed
            if self.rules.user_speech == "transcript":
                item.shrunk = (item.carryover_tokens + self.rules.transcript_item_tokens, 0, 0)

    def _reply(self, turn: Turn) -> None:
        audio = token_counting.reply_audio(turn, self.rules)
        text, transcript = token_counting.reply_text(turn, audio, self.rules)
        shown = text + self.rules.assistant_item_tokens
        item = self._add((shown, audio, 0))
        item.message = item.seen = True
        item.carryover_tokens = transcript + self.rules.assistant_item_tokens
        if turn.played_ms is not None:
            played = turn.played_ms // self.rules.reply_audio_ms_per_token
            item.written = item.full
            item.full = (self.rules.truncated_item_tokens, played if self.rules.truncated_reply == "audio" else 0, 0)
            item.carryover_tokens = self.rules.assistant_item_tokens + (transcript * played // audio)
        elif audio:
            transcript_item = (item.carryover_tokens + self.rules.transcript_item_tokens, 0, 0)
            if self.rules.newest_reply == "transcript":
                item.written, item.full = item.full, transcript_item
            elif self.rules.older_replies == "transcript":
                item.shrunk = transcript_item
        assert self.previous is not None
        self.previous.append(item.as_written())

    def _shown_items(self) -> list[ShownItem]:
        newest = max((item.number for item in self.history if item.message), default=0)
        return [item.render(small=item.number < newest) for item in self.history]

    def _respond(self, turn: int) -> ReferenceResponse:
        truncated = self._truncate()
        shown = self._shown_items()
        unseen = [rendered for rendered, item in zip(shown, self.history, strict=True) if not item.seen]
        for item in self.history:
            item.seen = True
        common_prefix = previously_seen = (0, 0, 0)
        if self.previous is not None:
            same = 0
            comparable = len(self.previous) if self.rules.cache_includes_output else self.read_before
            while same < min(len(shown), comparable) and shown[same] == self.previous[same]:
                same += 1
            truncated = truncated or self.stable is not None
            numbers = {item[0] for item in self.previous}
            common_prefix = self._with_fixed([] if truncated else shown[:same])
            previously_seen = self._with_fixed([] if truncated else [item for item in shown if item[0] in numbers])
        elif self.warm_cache:
            common_prefix = previously_seen = (self.fixed, 0, 0)
        if self.stable is not None and any((*common_prefix, *previously_seen)):
            common_prefix = previously_seen = (self.stable, 0, 0)
        self.stable = None
        self.previous, self.read_before = shown, len(shown)
        return ReferenceResponse(turn, self._with_fixed(shown), _total(unseen), common_prefix, previously_seen)

    def _truncate(self) -> bool:
        room = self.rules.input_limit_tokens - self.fixed if self.rules.input_limit_tokens else 10**12
        if self.script.truncation.post_instructions_tokens:
            room = min(room, self.script.truncation.post_instructions_tokens)
        tokens = sum(sum(item[2:]) for item in self._shown_items())
        if tokens <= room:
            return False
        keep = int(self.script.truncation.retention_ratio * room)
        while len(self.history) > 1 and sum(sum(item[2:]) for item in self._shown_items()) > keep:
            self.history.pop(0)
        return True

    def _with_fixed(self, shown: list[ShownItem]) -> tuple[int, int, int]:
        text, audio, image = _total(shown)
        return (self.fixed + text, audio, image)

    def _reconnect(self) -> None:
        carries_over = (self.script.session_carryover or self.rules.session_carryover) == "text"
        kept = [item for item in self.history if item.carryover_tokens] if carries_over else []
        self.history = []
        self.previous = None
        self.warm_cache = False
        for item in kept:
            self._add((item.carryover_tokens, 0, 0), carries_over=True).seen = item.seen


def _total(shown: list[ShownItem]) -> tuple[int, int, int]:
    return (sum(item[2] for item in shown), sum(item[3] for item in shown), sum(item[4] for item in shown))
