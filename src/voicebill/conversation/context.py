"""The context: what the model is shown for every response, and how much of it the cache may know.

Each response is sent instructions, tools and the whole history again. The history changes shape on the way: under
`last-assistant-audio` every reply but the newest shrinks to its transcript; an interrupted reply keeps what was heard;
what no longer fits is dropped from the front. Where it changes, the common prefix with the previous response ends, and
with it what a cache can reuse.
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import Literal, NamedTuple

from voicebill.billing.errors import ContextOverflow, InvalidInput
from voicebill.conversation import counting
from voicebill.conversation.history import NOTHING, History, Item, Sum, Tokens
from voicebill.conversation.rules import Rules
from voicebill.conversation.script import Script, Setup, Turn


class Response(NamedTuple):
    """One charged model call: its input, what of that is new or reusable, and its output.

    `input` is everything the model reads. `new` are the items that no response has read or written before. `common` is
    the longest common prefix, item by item, with the previous response's input and output; `known` all that is left of
    these, wherever it stands. `images` are the image items in order, since the cache takes only whole ones.
    `reasoning` is part of `text_out`.
    """

    turn: int
    kind: Literal["reply", "tool-call"]
    status: Literal["completed", "cancelled"]
    input: Tokens
    new: Tokens
    common: Tokens
    known: Tokens
    images: tuple[int, ...]
    text_out: int
    audio_out: int
    reasoning: int
    session: int
    dropped: int


def responses(script: Script, rules: Rules) -> Iterator[Response]:
    """Every response of a conversation in order, tool rounds before the reply they serve.

    A turn belongs to the session in which its middle falls.

    Raises:
        ContextOverflow: the provider would answer with an error, because the input does not fit and cannot be cut.
    """
    room = Room(script, rules)
    history = History(room.fixed, warm=script.warm)
    limit_ms = 60_000 * (rules.session_minutes if script.session_minutes is None else script.session_minutes)
    lasting = [duration_ms(turn, rules) for turn in script.turns]
    continues = 0 < limit_ms < sum(lasting)
    carry_text = (script.carry or rules.session_carry) == "text"
    begun_ms = session = 0
    for number, (turn, lasts_ms) in enumerate(zip(script.turns, lasting, strict=True), start=1):
        if continues and (now := (2 * begun_ms + lasts_ms) // (2 * limit_ms)) > session:
            session = now
            if number > 1:
                history = history.continued(carry_text=carry_text)
        begun_ms += lasts_ms
        _hear(turn, history, rules, words=continues)
        if turn.tool_calls:
            yield from _tool_rounds(number, turn, history, room, rules)
        yield _reply(number, turn, history, room, rules)


def duration_ms(turn: Turn, rules: Rules) -> int:
    """How long a turn lasts: what was committed of the user's audio, what was heard of the reply, and silence."""
    speech = counting.user_audio(turn, rules) * rules.user_audio_ms_per_token
    heard = counting.reply_audio(turn, rules) * rules.reply_audio_ms_per_token if turn.heard_ms is None else turn.heard_ms
    return speech + heard + turn.silence_ms


def fixed_tokens(script: Setup, rules: Rules) -> int:
    """Text tokens that stand before all items: instructions, tool schemas, and what the provider adds."""
    if not rules.counts_instructions:
        return rules.conversation_tokens
    extra = rules.tools_extra_tokens if script.tools_tokens else 0
    return rules.conversation_tokens + script.instructions_tokens + script.tools_tokens + extra


class Room:
    """How many tokens of history fit after the instructions, and what is kept when they no longer do."""

    def __init__(self, script: Setup, rules: Rules) -> None:
        self.fixed = fixed_tokens(script, rules)
        self.limit = min((limit for limit in (rules.input_limit_tokens, rules.context_tokens) if limit), default=0)
        self.cuts = rules.truncation_honoured and script.truncation.mode == "auto"
        self.why = "truncation is disabled" if rules.truncation_honoured else "this provider ignores the truncation setting"
        after = script.truncation.post_instructions_tokens if rules.truncation_honoured else None
        room = self.limit - self.fixed if self.limit else 10**12
        if room <= 0:
            raise ContextOverflow(
                f"instructions and tools ({self.fixed:,} tokens) leave no room in an input of {self.limit:,} tokens"
            )
        self.tokens = min(room, after) if after and self.cuts else room
        self.keep = int(self.tokens * Fraction(script.truncation.retention_ratio)) if self.cuts else self.tokens

    def fit(self, history: History, turn: int) -> int:
        """Make the history fit; how many items that cost."""
        held = sum(history.sum)
        if held <= self.tokens:
            return 0
        if not self.cuts:
            raise ContextOverflow(
                f"turn {turn}: the input reaches {held + self.fixed:,} tokens, more than the {self.limit:,} that the model "
                f"takes, and {self.why}: the provider answers with an error; shorten the conversation or the session"
            )
        newest = sum(history.items[-1][:3])
        if newest > self.tokens:
            raise ContextOverflow(
                f"turn {turn}: one message of {newest:,} tokens is more than the {self.tokens:,} that fit after "
                f"instructions and tools ({self.fixed:,} tokens): the provider answers with an error; shorten the message"
            )
        return history.cut(self.keep)


def _hear(turn: Turn, history: History, rules: Rules, *, words: bool) -> None:
    """What the user shows, types and says; `words`: what is said will be needed as text in another session."""
    for tokens in turn.image_tokens:
        history.add(Item(rules.image_item_tokens, 0, tokens, 0))
    if turn.user_text_tokens:
        text = rules.user_text_item_tokens + turn.user_text_tokens
        history.add(Item(text, 0, 0, text))
    audio = counting.user_audio(turn, rules)
    if audio:
        said = counting.user_transcript(turn, audio, rules) if words else 0
        history.add(Item(rules.user_audio_item_tokens, audio, 0, rules.user_text_item_tokens + said))


def _tool_rounds(number: int, turn: Turn, history: History, room: Room, rules: Rules) -> Iterator[Response]:
    for call in turn.tool_calls:
        dropped = room.fit(history, number)
        yield _response(number, "tool-call", history, dropped, (call.arguments_tokens, 0, turn.reasoning_tokens))
        text = call.arguments_tokens + rules.tool_call_item_tokens
        history.wrote(Item(text, 0, 0, text), as_written=rules.cache_knows_output)
        text = call.result_tokens + rules.tool_result_item_tokens
        history.add(Item(text, 0, 0, text))


def _reply(number: int, turn: Turn, history: History, room: Room, rules: Rules) -> Response:
    if turn.cancelled:
        return Response(number, "reply", "cancelled", NOTHING, NOTHING, NOTHING, NOTHING, (), 0, 0, 0, history.session, 0)
    dropped = room.fit(history, number)
    audio = counting.reply_audio(turn, rules)
    text, transcript = counting.reply_text(turn, audio, rules)
    response = _response(number, "reply", history, dropped, (text, audio, turn.reasoning_tokens))
    shown = text + rules.assistant_item_tokens
    carried = transcript + rules.assistant_item_tokens
    shrinking = rules.history == "last-assistant-audio"
    if turn.heard_ms is None:
        whole = Item(shown, audio, 0, carried)
        shrunk = Item(carried + rules.transcript_item_tokens, 0, 0, carried) if audio else whole
        history.spoke(whole, shrunk, as_written=rules.cache_knows_output, shrinking=shrinking)
        return response
    heard = turn.heard_ms // rules.reply_audio_ms_per_token
    if heard > audio:
        lasts_ms = audio * rules.reply_audio_ms_per_token
        raise InvalidInput(f"turn {number}: {turn.heard_ms / 1000:g} s heard are more than the reply's {lasts_ms / 1000:g} s")
    carried = rules.assistant_item_tokens + (transcript * heard // audio if audio else 0)
    cut = Item(rules.truncated_item_tokens, heard, 0, carried)
    history.spoke(cut, cut, as_written=False, shrinking=shrinking)
    return response._replace(status="cancelled")


def _response(
    turn: int, kind: Literal["reply", "tool-call"], history: History, dropped: int, output: tuple[int, int, int]
) -> Response:
    """The response to what stands in the history now; its status is set by who knows how it ended.

    `output`: text without reasoning, audio, and reasoning.
    """
    fixed, cold = history.fixed, history.cold
    text, audio, reasoning = output
    return Response(
        turn,
        kind,
        "completed",
        _with(history.sum, fixed),
        _with(history.new, 0),
        NOTHING if cold else _with(history.common, fixed),
        NOTHING if cold else _with(history.known, fixed),
        tuple(item.image for item in history.items if item.image) if history.sum[2] else (),
        text + reasoning,
        audio,
        reasoning,
        history.session,
        dropped,
    )


def _with(tokens: Sum, fixed: int) -> Tokens:
    """Tokens with the fixed text in front; made as a named tuple makes itself, in half the time."""
    return tuple.__new__(Tokens, (tokens[0] + fixed, tokens[1], tokens[2]))
