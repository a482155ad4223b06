"""Compute the input of every response, and how much of it a cache can reuse.

Each response is sent the instructions, the tools and the whole history again. The history changes over time: by the
model's history policy replies are replaced by their transcripts, and an interrupted reply keeps what was played or nothing;
the oldest items are dropped when the history no longer fits; instructions may change. The common prefix with the previous
response, and with it what a cache can reuse, ends at the first change.
"""

import itertools
from collections.abc import Iterator
from fractions import Fraction
from typing import Literal, NamedTuple

from voicebill.billing.errors import ContextOverflow, InvalidInput
from voicebill.conversation import token_counting
from voicebill.conversation.history import NOTHING, History, Item, Sum, Tokens
from voicebill.conversation.rules import Rules
from voicebill.conversation.script import ConversationSettings, Script, Turn
from voicebill.conversation.work import checked


class Response(NamedTuple):
    """One billed model call: its input, the new and the reusable part of it, and its output.

    `input` is everything that the model reads. `unseen` are the items that no response has read or written before.
    `common_prefix` is the longest common prefix, item by item, with the previous response's input and output;
    `previously_seen` is everything of these that is still in the history, at any position. `images` are the image items in
    order, because only whole images are cached. `reasoning` is part of `text_out`.
    """

    turn: int
    kind: Literal["reply", "tool-call"]
    status: Literal["completed", "cancelled"]
    input: Tokens
    unseen: Tokens
    common_prefix: Tokens
    previously_seen: Tokens
    images: tuple[int, ...]
    text_out: int
    audio_out: int
    reasoning: int
    session: int
    dropped: int


def responses(script: Script, rules: Rules) -> Iterator[Response]:
    """Every response of a conversation in order; the tool calls of a turn come before its reply.

    A turn belongs to the session in which its midpoint falls.

    Raises:
        ContextOverflow: the provider would return an error, because the input does not fit and cannot be truncated.
    """
    budget = ContextBudget(script, rules)
    if not script.instructions_change:
        yield from _responses(script, rules, budget)
        return
    changes = changed_responses(script)
    stable = NOTHING._replace(text=stable_tokens(script, rules))
    for response, changed in zip(_responses(script, rules, budget), changes, strict=False):
        is_cold = not any(response.previously_seen)
        yield response if is_cold or not changed else response._replace(common_prefix=stable, previously_seen=stable)


def changed_responses(settings: ConversationSettings) -> Iterator[bool]:
    """Whether each response, without end, has other instructions than the one before it: spread evenly."""
    share = Fraction(settings.instructions_change)
    marks = (int(share * number) for number in itertools.count())
    return (low < high for low, high in itertools.pairwise(marks))


def stable_tokens(settings: ConversationSettings, rules: Rules) -> int:
    """Text tokens at the start of the input that stay the same when the instructions change."""
    if not rules.counts_instructions:
        return rules.conversation_tokens
    if settings.stable_instructions_tokens is not None:
        return rules.conversation_tokens + settings.stable_instructions_tokens
    return int((rules.conversation_tokens + settings.instructions_tokens) * Fraction(rules.stable_instructions_share))


def _responses(script: Script, rules: Rules, budget: "ContextBudget") -> Iterator[Response]:
    settings: ConversationSettings = script
    history = History(budget.fixed, warm_cache=script.warm_cache)
    limit_ms = session_limit_ms(script, rules)
    durations = [duration_ms(turn, rules) for turn in script.turns]
    spans_sessions = 0 < limit_ms < sum(durations)
    carry_text = (script.session_carryover or rules.session_carryover) == "text"
    elapsed_ms = session = 0
    for number, (turn, turn_ms) in enumerate(checked(list(zip(script.turns, durations, strict=True))), start=1):
        if spans_sessions and (next_session := (2 * elapsed_ms + turn_ms) // (2 * limit_ms)) > session:
            session = next_session
            if number > 1:
                history = history.carry_over(carry_text=carry_text)
        elapsed_ms += turn_ms
        if turn.deleted_items:
            history.delete(turn.deleted_items)
        if turn.instructions_tokens is not None:
            changed = _with_instructions(settings, turn.instructions_tokens)
            budget = ContextBudget(changed, rules)
            history.change_fixed(budget.fixed, min(stable_tokens(settings, rules), stable_tokens(changed, rules)))
            settings = changed
        user_tokens = token_counting.user_audio(turn, rules)
        silence_tokens = token_counting.listening(turn_ms, user_tokens, rules) if rules.bills_silence else 0
        in_history = silence_tokens if rules.silence_in_history else 0
        _add_user_items(turn, history, rules, needs_transcript=spans_sessions, silence_tokens=in_history)
        if turn.tool_calls:
            yield from _tool_rounds(number, turn, history, budget, rules)
        reply = _reply(number, turn, history, budget, rules)
        transcripts = 0
        if rules.transcript_output != "none":
            transcripts = token_counting.output_transcripts(user_tokens, reply.audio_out, rules)
        yield _with_listening(reply, silence_tokens - in_history, transcripts)


def _with_instructions(settings: ConversationSettings, tokens: int) -> ConversationSettings:
    """The settings of which the context depends, with other instructions."""
    stable = settings.stable_instructions_tokens
    return ConversationSettings(
        instructions_tokens=tokens,
        tools_tokens=settings.tools_tokens,
        stable_instructions_tokens=None if stable is None else min(stable, tokens),
        truncation=settings.truncation,
    )


def _with_listening(reply: Response, audio: int, transcripts: int) -> Response:
    """A reply with audio tokens that only it reads, and with transcripts among its output."""
    if not (audio or transcripts):
        return reply
    added = Tokens(0, audio, 0)
    return reply._replace(
        input=Tokens(*map(sum, zip(reply.input, added, strict=True))),
        unseen=Tokens(*map(sum, zip(reply.unseen, added, strict=True))),
        text_out=reply.text_out + transcripts,
    )


def session_limit_ms(settings: ConversationSettings, rules: Rules) -> int:
    """The longest session in milliseconds; 0: no limit."""
    return 60_000 * (rules.session_minutes if settings.session_minutes is None else settings.session_minutes)


def duration_ms(turn: Turn, rules: Rules) -> int:
    """The duration of a turn: the committed user audio, the played part of the reply, and silence."""
    user_ms = token_counting.user_audio(turn, rules) * rules.user_audio_ms_per_token
    reply_ms = (
        token_counting.reply_audio(turn, rules) * rules.reply_audio_ms_per_token if turn.played_ms is None else turn.played_ms
    )
    return user_ms + reply_ms + turn.silence_ms


def fixed_tokens(settings: ConversationSettings, rules: Rules) -> int:
    """Text tokens before all items: instructions, tool schemas, and what the provider adds."""
    if not rules.counts_instructions:
        return rules.conversation_tokens
    tools = 0
    if settings.tools_tokens:
        tools = int(settings.tools_tokens * Fraction(rules.tools_billed_share)) + rules.tools_extra_tokens
    return rules.conversation_tokens + settings.instructions_tokens + tools


class ContextBudget:
    """How many tokens of history fit after the instructions, and how many are kept when the history is truncated."""

    def __init__(self, settings: ConversationSettings, rules: Rules) -> None:
        self.fixed = fixed_tokens(settings, rules)
        self.limit = min((limit for limit in (rules.input_limit_tokens, rules.context_tokens) if limit), default=0)
        self.can_truncate = rules.supports_truncation and settings.truncation.mode == "auto"
        trigger, target = rules.compression_trigger_tokens, rules.compression_target_tokens
        self.reason = "truncation is disabled" if rules.supports_truncation else "this provider ignores the truncation setting"
        post_instructions = settings.truncation.post_instructions_tokens if rules.supports_truncation else None
        available = self.limit - self.fixed if self.limit else 10**12
        if available <= 0:
            raise ContextOverflow(
                f"instructions and tools ({self.fixed:,} tokens) leave no room in an input of {self.limit:,} tokens",
                field="instructions_tokens",
                is_sentence=True,
            )
        if trigger:
            self.can_truncate = True
            self.tokens = max(1, min(available, trigger - self.fixed))
            self.target_tokens = max(1, min(self.tokens, target - self.fixed))
            return
        self.tokens = min(available, post_instructions) if post_instructions and self.can_truncate else available
        self.target_tokens = (
            int(self.tokens * Fraction(settings.truncation.retention_ratio)) if self.can_truncate else self.tokens
        )

    def truncate_to_fit(self, history: History, turn: int) -> int:
        """Truncate the history if it does not fit; return the number of dropped items.

        Raises:
            ContextOverflow: the history does not fit and cannot be truncated, or its newest item alone does not fit.
        """
        tokens = sum(history.sum)
        if tokens <= self.tokens:
            return 0
        if not self.can_truncate:
            raise ContextOverflow.at_turn(
                turn,
                f"the input reaches {tokens + self.fixed:,} tokens, more than the model's limit of {self.limit:,}, and "
                f"{self.reason}: the provider returns an error; shorten the conversation or the session",
            )
        newest = sum(history.items[-1][:3])
        if newest > self.tokens:
            raise ContextOverflow.at_turn(
                turn,
                f"one message of {newest:,} tokens is more than the {self.tokens:,} that fit after instructions and tools "
                f"({self.fixed:,} tokens): the provider returns an error; shorten the message",
            )
        return history.truncate(self.target_tokens)


def _add_user_items(turn: Turn, history: History, rules: Rules, *, needs_transcript: bool, silence_tokens: int) -> None:
    """Add the user's images, text and audio, `silence_tokens` of silence included.

    `needs_transcript`: the audio may be carried into another session as text.
    """
    for tokens in turn.image_tokens:
        history.add(Item(rules.image_item_tokens, 0, tokens, 0))
    if turn.user_text_tokens:
        text = rules.user_text_item_tokens + turn.user_text_tokens
        history.add(Item(text, 0, 0, text))
    audio = token_counting.user_audio(turn, rules)
    if audio:
        becomes_transcript = rules.user_speech == "transcript"
        transcript = token_counting.user_transcript(turn, audio, rules) if needs_transcript or becomes_transcript else 0
        if turn.user_messages == 1:
            _add_speech(audio + silence_tokens, transcript, history, rules)
            return
        for number in range(turn.user_messages):
            silence = silence_tokens if number == turn.user_messages - 1 else 0
            _add_speech(_part(audio, number, turn) + silence, _part(transcript, number, turn), history, rules)
    elif silence_tokens:
        history.add(Item(0, silence_tokens, 0, 0))


def _part(tokens: int, number: int, turn: Turn) -> int:
    """The tokens of one of a turn's spoken messages, of which there are about as many in each."""
    return tokens * (number + 1) // turn.user_messages - tokens * number // turn.user_messages


def _add_speech(audio: int, transcript: int, history: History, rules: Rules) -> None:
    carryover = rules.user_text_item_tokens + transcript
    transcript_item = None
    if rules.user_speech == "transcript":
        transcript_item = Item(carryover + rules.transcript_item_tokens, 0, 0, carryover)
    history.add(Item(rules.user_audio_item_tokens, audio, 0, carryover), once_read=transcript_item)


def _tool_rounds(number: int, turn: Turn, history: History, budget: ContextBudget, rules: Rules) -> Iterator[Response]:
    for call in checked(list(turn.tool_calls)):
        dropped = budget.truncate_to_fit(history, number)
        yield _response(number, "tool-call", history, dropped, (call.arguments_tokens, 0, turn.reasoning_tokens))
        text = call.arguments_tokens + rules.tool_call_item_tokens
        history.append_output(Item(text, 0, 0, text), as_written=rules.cache_includes_output)
        text = call.result_tokens + rules.tool_result_item_tokens
        history.add(Item(text, 0, 0, text))


def _reply(number: int, turn: Turn, history: History, budget: ContextBudget, rules: Rules) -> Response:
    if turn.cancelled:
        return Response(number, "reply", "cancelled", NOTHING, NOTHING, NOTHING, NOTHING, (), 0, 0, 0, history.session, 0)
    dropped = budget.truncate_to_fit(history, number)
    audio = token_counting.reply_audio(turn, rules)
    text, transcript = token_counting.reply_text(turn, audio, rules)
    response = _response(number, "reply", history, dropped, (text, audio, turn.reasoning_tokens))
    carryover = transcript + rules.assistant_item_tokens
    if turn.played_ms is None:
        written = Item(text + rules.assistant_item_tokens, audio, 0, carryover)
        as_transcript = Item(carryover + rules.transcript_item_tokens, 0, 0, carryover) if audio else written
        newest = written if rules.newest_reply == "audio" else as_transcript
        older = written if rules.older_replies == "audio" else as_transcript
        history.append_reply(newest, older, as_written=rules.cache_includes_output and newest is written)
        return response
    played = turn.played_ms // rules.reply_audio_ms_per_token
    if played > audio:
        lasts_ms = audio * rules.reply_audio_ms_per_token
        raise InvalidInput(f"turn {number}: {turn.played_ms / 1000:g} s played are more than the reply's {lasts_ms / 1000:g} s")
    carryover = rules.assistant_item_tokens + (transcript * played // audio if audio else 0)
    kept = played if rules.truncated_reply == "audio" else 0
    truncated = Item(rules.truncated_item_tokens, kept, 0, carryover)
    history.append_reply(truncated, truncated, as_written=False)
    return response._replace(status="cancelled")


def _response(
    turn: int, kind: Literal["reply", "tool-call"], history: History, dropped: int, output: tuple[int, int, int]
) -> Response:
    """The response to the current history, as completed; the caller changes the status of an interrupted reply.

    `output`: text without reasoning, audio, and reasoning tokens.
    """
    fixed, reusable, cold = history.fixed, history.reusable_fixed, history.is_cold
    text, audio, reasoning = output
    return Response(
        turn,
        kind,
        "completed",
        _add_fixed(history.sum, fixed),
        _add_fixed(history.unseen, 0),
        NOTHING if cold else _add_fixed(history.common_prefix, reusable),
        NOTHING if cold else _add_fixed(history.previously_seen, reusable),
        tuple(history.images),
        text + reasoning,
        audio,
        reasoning,
        history.session,
        dropped,
    )


def _add_fixed(tokens: Sum, fixed: int) -> Tokens:
    """Tokens plus the fixed text tokens. `tuple.__new__` takes half the time of the named tuple's constructor."""
    return tuple.__new__(Tokens, (tokens[0] + fixed, tokens[1], tokens[2]))
