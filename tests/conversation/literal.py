"""The context as its definition reads: the whole history written out for every response and compared item by item.

Slow and plain on purpose. The engine keeps running sums instead; the tests hold the two against each other.
"""

from dataclasses import dataclass
from fractions import Fraction

from voicebill.conversation import counting
from voicebill.conversation.context import duration_ms, fixed_tokens
from voicebill.conversation.rules import Rules
from voicebill.conversation.script import Script, Turn

Shown = tuple[int, str, int, int, int]
"""An item as the model is shown it: its number, its state, and its text, audio and image tokens."""


@dataclass
class Said:
    """An item of the history, and how it looks in every state that it can be in."""

    number: int
    full: tuple[int, int, int]
    shrunk: tuple[int, int, int] | None = None
    written: tuple[int, int, int] | None = None
    carried: int = 0
    message: bool = False

    def looks(self, *, small: bool) -> Shown:
        """The item as it is shown."""
        if small and self.shrunk is not None:
            return (self.number, "shrunk", *self.shrunk)
        return (self.number, "full", *self.full)

    def as_written(self) -> Shown:
        """The item as the response gave it out."""
        return (self.number, "written", *self.written) if self.written else (self.number, "full", *self.full)


@dataclass(frozen=True)
class Read:
    """What a response reads, what it has in common with the one before, and what is left of that."""

    turn: int
    input: tuple[int, int, int]
    common: tuple[int, int, int]
    known: tuple[int, int, int]


class Literal:
    """A conversation under some rules, response by response."""

    def __init__(self, script: Script, rules: Rules) -> None:
        self.script, self.rules = script, rules
        self.fixed = fixed_tokens(script, rules)
        self.history: list[Said] = []
        self.previous: list[Shown] | None = None
        self.read_before = 0
        self.warm = script.warm
        self.number = 0

    def reads(self) -> list[Read]:
        """Everything that is read, in order."""
        found: list[Read] = []
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
            self._user(turn)
            for call in turn.tool_calls:
                found.append(self._respond(number))
                self._add((call.arguments_tokens + self.rules.tool_call_item_tokens, 0, 0), output=True, carried=True)
                self._add((call.result_tokens + self.rules.tool_result_item_tokens, 0, 0), carried=True)
            if not turn.cancelled:
                found.append(self._respond(number))
                self._reply(turn)
        return found

    def _add(self, full: tuple[int, int, int], *, output: bool = False, carried: bool = False) -> Said:
        self.number += 1
        item = Said(self.number, full, carried=full[0] if carried else 0)
        self.history.append(item)
        if output and self.previous is not None:
            self.previous.append(item.as_written())
        return item

    def _user(self, turn: Turn) -> None:
        for tokens in turn.image_tokens:
            self._add((self.rules.image_item_tokens, 0, tokens))
        if turn.user_text_tokens:
            self._add((self.rules.user_text_item_tokens + turn.user_text_tokens, 0, 0), carried=True)
        audio = counting.user_audio(turn, self.rules)
        if audio:
            item = self._add((self.rules.user_audio_item_tokens, audio, 0))
            item.carried = self.rules.user_text_item_tokens + counting.user_transcript(turn, audio, self.rules)

    def _reply(self, turn: Turn) -> None:
        audio = counting.reply_audio(turn, self.rules)
        text, transcript = counting.reply_text(turn, audio, self.rules)
        shown = text + self.rules.assistant_item_tokens
        item = self._add((shown, audio, 0))
        item.message = True
        item.carried = transcript + self.rules.assistant_item_tokens
        if turn.heard_ms is not None:
            heard = turn.heard_ms // self.rules.reply_audio_ms_per_token
            item.written = item.full
            item.full = (self.rules.truncated_item_tokens, heard, 0)
            item.carried = self.rules.assistant_item_tokens + (transcript * heard // audio)
        elif audio:
            item.shrunk = (item.carried + self.rules.transcript_item_tokens, 0, 0)
        assert self.previous is not None
        self.previous.append(item.as_written())

    def _shown(self) -> list[Shown]:
        keep_all = self.rules.history == "keep-all"
        newest = max((item.number for item in self.history if item.message), default=0)
        return [item.looks(small=not keep_all and item.message and item.number != newest) for item in self.history]

    def _respond(self, turn: int) -> Read:
        cut = self._cut()
        shown = self._shown()
        common = known = (0, 0, 0)
        if self.previous is not None:
            same = 0
            comparable = len(self.previous) if self.rules.cache_knows_output else self.read_before
            while same < min(len(shown), comparable) and shown[same] == self.previous[same]:
                same += 1
            numbers = {item[0] for item in self.previous}
            common = self._with_fixed([] if cut else shown[:same])
            known = self._with_fixed([] if cut else [item for item in shown if item[0] in numbers])
        elif self.warm:
            common = known = (self.fixed, 0, 0)
        self.previous, self.read_before = shown, len(shown)
        return Read(turn, self._with_fixed(shown), common, known)

    def _cut(self) -> bool:
        room = self.rules.input_limit_tokens - self.fixed if self.rules.input_limit_tokens else 10**12
        if self.script.truncation.post_instructions_tokens:
            room = min(room, self.script.truncation.post_instructions_tokens)
        held = sum(sum(item[2:]) for item in self._shown())
        if held <= room:
            return False
        keep = int(self.script.truncation.retention_ratio * room)
        newest = max((item.number for item in self.history if item.message), default=0)
        while len(self.history) > 1 and sum(sum(item[2:]) for item in self._shown()) > keep:
            gone = self.history.pop(0)
            if gone.number == newest:  # what stood before it has shrunk already
                for item in self.history:
                    item.message = item.message and item.number > newest
        return True

    def _with_fixed(self, shown: list[Shown]) -> tuple[int, int, int]:
        text, audio, image = sum(item[2] for item in shown), sum(item[3] for item in shown), sum(item[4] for item in shown)
        return (self.fixed + text, audio, image)

    def _reconnect(self) -> None:
        carried = (self.script.carry or self.rules.session_carry) == "text"
        kept = [item for item in self.history if item.carried] if carried else []
        self.history = []
        self.previous = None
        self.warm = False
        for item in kept:
            self._add((item.carried, 0, 0), carried=True)
