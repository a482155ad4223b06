"""Infer the turns of a recorded session: the inverse of how a conversation becomes input.

From one response to the next, the input grows by the last reply as the history holds it, less what an older reply shrinks by,
and by what the user said. The counts give most of that: the audio of both sides, and the text of replies. What the rest must
have been follows from the rules: the transcript that a reply shrank to, a tool's result, typed text, other instructions,
deleted items.

Where the counts leave two explanations open, events decide (`ResponseDetails`); without events the likelier one is taken, and
the range of what stays open is kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from statistics import median
from typing import Any, Literal, NamedTuple

from voicebill.answers.sessions.recorded_session import RecordedResponse, TokenQuantities
from voicebill.answers.sessions.removed_items import MirroredItem, Observed, likeliest_removal
from voicebill.billing.record import NO_DETAILS, ResponseDetails
from voicebill.conversation import token_counting
from voicebill.conversation.rules import Rules
from voicebill.conversation.script import ToolCall

TRANSCRIPT_TOLERANCE_TOKENS = 10
TRANSCRIPT_TOLERANCE_SHARE = 0.6
"""A transcript may differ from what the rules expect by so many tokens and this share of it; more has another cause."""
MAX_UNSEEN_MESSAGES = 3
"""Without events, speech is taken to be at most so many messages."""
COUNT_ERROR = 3
"""Residuals of so few tokens are errors of the rules, and explained by nothing."""
SPEECH_SEEN = 20
"""What the user said in an interruption is taken to be the median of so many messages before."""
PROMPT_SHARE = 0.68
"""If at most this share of the prompt was cached, and nothing after it, the prompt is taken to have changed."""
MIN_USUAL_SHARE = Decimal("0.5")
"""A cache that has less than this share of the prefix misses at random; what it has is then all that is as before."""
MAX_SILENCE_MS = 60 * 60 * 1000
"""A longer pause counts as one of this length: scripts last a day at most."""

InputChange = Literal["prompt", "instructions", "deletion", "typed"]
"""What changed an input other than talk: another prompt, as events show; instructions of another length, by the counts; items
that are gone; typed text."""
Outcome = Literal["complete", "interrupted"]
Removed = Literal["all", "oldest", "others"]


class Interval(NamedTuple):
    """What a quantity of a turn (from 1) may be at least and at most, by the name of the turn's field."""

    turn: int
    quantity: str
    low: int
    high: int


class ScriptPlace(NamedTuple):
    """Where a recorded response stands in the script: its turn, from 1; and what changed before it other than by talk.

    `removed` says which items are gone: all of them, the oldest, or others.
    """

    turn: int
    changes: tuple[InputChange, ...]
    removed: Removed | None = None


class _Content(NamedTuple):
    """Tokens that were added to an input, by modality; negative where some are gone."""

    text: int
    audio: int
    image: int


class _Explanation(NamedTuple):
    """How a reply ended, what was added to the input beside it, and how much text of that talk does not explain.

    Of an interrupted reply, the audio that was played is part of what was added.
    """

    outcome: Outcome
    added: _Content
    residual: int


@dataclass(eq=False, slots=True)
class _PendingTranscript:
    """A reply whose transcript is not known: its turn and item, the transcript that the rules expect, and its maximum.

    If it is not known how much of its text was reasoning (`is_open`), the transcript may be anything up to the maximum.
    """

    turn: dict[str, Any]
    item: MirroredItem
    expected: int
    maximum: int
    is_open: bool

    def allows(self, correction: int) -> bool:
        """Whether the transcript may differ from the expected one by some tokens."""
        tolerance = TRANSCRIPT_TOLERANCE_TOKENS + TRANSCRIPT_TOLERANCE_SHARE * self.expected
        is_likely = -tolerance <= correction and (correction <= tolerance or self.is_open)
        return is_likely and 0 <= self.expected + correction <= self.maximum


class _ToolRound(NamedTuple):
    """A tool call: its output, of which some was reasoning (None: not known); its arguments and result together; its items."""

    output: int
    reasoning: int | None
    both: int
    call: MirroredItem
    result: MirroredItem


@dataclass(eq=False)
class TurnInference:
    """The turns of a session, inferred from one response to the next.

    `turns` are the fields of each turn, `places` says where each response stands in them, and `intervals` what stays open.
    `prompt_tokens` are those before all items at the start of the session: instructions and tools. `unexplained_tokens` are
    changes of an input that are taken for other instructions only because nothing else explains them.
    """

    rules: Rules
    turns: list[dict[str, Any]] = field(default_factory=list)
    places: list[ScriptPlace] = field(default_factory=list)
    intervals: list[Interval] = field(default_factory=list)
    prompt_tokens: int = 0
    unexplained_tokens: int = 0

    def __post_init__(self) -> None:
        self._items: list[MirroredItem] = []
        self._pending: _PendingTranscript | None = None
        self._reply_item = MirroredItem(0)
        self._rounds: list[_ToolRound] = []
        self._changes: list[InputChange] = []
        self._removed: Removed | None = None
        self._prompt_now = 0
        self._prompt: str | None = None
        self._spoken: list[int] = []

    def run(self, responses: Sequence[RecordedResponse]) -> None:
        """Infer the turns of responses in order, each of which has tokens."""
        self._begin(responses[0])
        for response, following in pairwise(responses):
            self._add_place()
            self._advance(response, following)
        self._add_place()
        self._end(responses[-1])

    def _add_place(self) -> None:
        self.places.append(ScriptPlace(len(self.turns), tuple(self._changes), self._removed))
        self._changes, self._removed = [], None

    def _begin(self, first: RecordedResponse) -> None:
        self.turns.append({})
        details = first.details or NO_DETAILS
        self._prompt = details.prompt
        self._add_user(first.tokens.audio, first.tokens.image, _messages(first.tokens.audio, details))
        self.prompt_tokens = self._prompt_now = max(0, first.tokens.text - sum(item.text for item in self._items))

    def _advance(self, response: RecordedResponse, following: RecordedResponse) -> None:
        details = following.details or NO_DETAILS
        growth = _growth(response.tokens, following.tokens)
        if self._calls_tool(response, growth):
            self._add_tool_round(response, following.tokens, growth, details)
            return
        explanation = self._likeliest(response, growth, details)
        residual = self._close_with_reply(response, explanation, details)
        self.turns.append({})
        self._open_turn(explanation._replace(residual=residual), response, following.tokens, details)

    def _end(self, last: RecordedResponse) -> None:
        if self._calls_tool(last, _Content(0, 0, 0)):
            self._rounds.append(_tool_round(last, 0))
            self._set_tool_calls(self.turns[-1])
            self.turns[-1]["cancelled"] = True
        else:
            self._set_reply(last)

    # --- what a response put out ------------------------------------------------------------------------------------------

    def _calls_tool(self, response: RecordedResponse, growth: _Content) -> bool:
        """Whether a response called a tool and did nothing else. Without events: if its text is followed by text alone."""
        tokens, details = response.tokens, response.details or NO_DETAILS
        if details.tool_calls is not None:
            return details.tool_calls > 0 and not tokens.audio_out and not details.reply_messages
        is_spoken = self._pending is not None or any(item.audio for item in self._items)
        if tokens.audio_out or not tokens.text_out or not is_spoken or growth.audio or growth.image:
            return False
        arguments = 0 if self.rules.is_reasoning_model else tokens.text_out
        return growth.text >= arguments + self.rules.tool_call_item_tokens + self.rules.tool_result_item_tokens

    def _add_tool_round(
        self, response: RecordedResponse, following: TokenQuantities, growth: _Content, details: ResponseDetails
    ) -> None:
        """Add a tool call: its arguments and the tool's result are read next, and perhaps what the user said meanwhile.

        The turn ends with it where something else changes: a script has that at the start of turns only.
        """
        rules = self.rules
        messages = _messages(growth.audio, details)
        framing = rules.tool_call_item_tokens + rules.tool_result_item_tokens + messages * rules.user_audio_item_tokens
        both = growth.text - framing - self._image_framing(growth)
        new_prompt = self._is_new_prompt(details)
        self._add_round(_tool_round(response, max(0, both)))
        if growth.audio < 0 or details.deleted_items or (both < response.tokens.text_out // 2 and not new_prompt):
            self._remove_after_tool_call(response, following, details)
        elif both < 0 or new_prompt or growth.audio or growth.image:
            self._close_without_reply()
            self._change_prompt(min(0, both), is_new=new_prompt)
            self._add_user(growth.audio, growth.image, messages)

    def _add_round(self, tool_round: "_ToolRound") -> None:
        self._rounds.append(tool_round)
        self._items += [tool_round.call, tool_round.result]
        self._set_tool_calls(self.turns[-1])

    def _close_without_reply(self) -> None:
        """End a turn with its tool calls, and begin another."""
        self.turns[-1]["cancelled"] = True
        self._rounds = []
        self.turns.append({})

    def _remove_after_tool_call(self, response: RecordedResponse, following: TokenQuantities, details: ResponseDetails) -> None:
        """Take away the items that left the history with a tool call's result: what is then unexplained is the result."""
        output = response.tokens.text_out - ((response.details or NO_DETAILS).reasoning_tokens or 0)
        tool_round = self._rounds.pop()._replace(both=output)
        del self._items[-2:]
        self._add_round(tool_round)
        self._close_without_reply()
        removal = self._removal(following, details)
        if removal is None:
            return
        audio, residual, image = removal
        if residual > 0:
            self._rounds = [tool_round._replace(both=output + residual)]
            self._set_tool_calls(self.turns[-2])
            self._rounds = []
            residual = 0
        self._change_prompt(residual, is_new=False)
        self._add_user(audio, max(0, image), _messages(audio, details))

    def _set_tool_calls(self, turn: dict[str, Any], reply: RecordedResponse | None = None) -> int:
        """Set a turn's tool calls and its reasoning, which all its responses have in common; return the reasoning.

        Arguments and result are known as a sum. All output that is not reasoning is arguments, as far as the sum allows.
        """
        rules, rounds = self.rules, self._rounds
        outputs = [entry.output for entry in rounds]
        reasoning = [entry.reasoning or 0 for entry in rounds]
        if reply is not None:
            outputs.append(reply.tokens.text_out)
            reasoning.append((reply.details or NO_DETAILS).reasoning_tokens or 0)
        common = 0
        if rules.is_reasoning_model and outputs:
            needed = max((entry.output - entry.both for entry in rounds), default=0)
            common = min(max(needed, min(reasoning)), *outputs)
        calls = []
        for entry in rounds:
            arguments = min(entry.output - common, entry.both)
            entry.call.text = arguments + rules.tool_call_item_tokens
            entry.result.text = entry.both - arguments + rules.tool_result_item_tokens
            calls.append(ToolCall(arguments, entry.both - arguments))
        if calls:
            turn["tool_calls"] = tuple(calls)
        turn["reasoning_tokens"] = common
        return common

    def _set_reply(self, response: RecordedResponse) -> None:
        turn, tokens = self.turns[-1], response.tokens
        reasoning = self._set_tool_calls(turn, response)
        self._rounds = []
        turn["reply_audio_tokens"] = tokens.audio_out
        turn["reply_text_tokens"] = tokens.text_out - reasoning

    def _reply_size(self, response: RecordedResponse, outcome: Outcome, details: ResponseDetails) -> tuple[int, int]:
        """Text and audio tokens of a reply as the next response reads it; of an interrupted one, the audio that events show."""
        rules, tokens = self.rules, response.tokens
        if outcome == "interrupted":
            played = self._played_tokens(response, details) or 0
            return rules.truncated_item_tokens, played if rules.truncated_reply == "audio" else 0
        if tokens.audio_out and rules.newest_reply == "transcript":
            return self._expected_transcript(response) + rules.assistant_item_tokens + rules.transcript_item_tokens, 0
        return _text_without_reasoning(response) + rules.assistant_item_tokens, tokens.audio_out

    def _played_tokens(self, response: RecordedResponse, details: ResponseDetails) -> int | None:
        """The audio tokens of a reply that were played, if events show that."""
        if details.played_ms is None:
            return None
        return min(response.tokens.audio_out, details.played_ms // self.rules.reply_audio_ms_per_token)

    def _expected_transcript(self, response: RecordedResponse) -> int:
        """The transcript that the rules expect of a reply: from its text, or from its audio if its reasoning is not known."""
        all_text = response.tokens.text_out
        text = None if self._has_open_reasoning(response) else _text_without_reasoning(response)
        transcript = self._transcript_in(all_text, response)
        return transcript if text == all_text else min(transcript, self._transcript_in(text, response))

    def _transcript_in(self, text: int | None, response: RecordedResponse) -> int:
        """The transcript in so many text tokens of a reply; in those that the rules expect of its audio, if that is None."""
        return token_counting.text_and_transcript(text, None, response.tokens.audio_out, self.rules)[1]

    def _has_open_reasoning(self, response: RecordedResponse) -> bool:
        return self.rules.is_reasoning_model and (response.details or NO_DETAILS).reasoning_tokens is None

    def _transcript_of(self, response: RecordedResponse, turn: dict[str, Any], item: MirroredItem) -> _PendingTranscript:
        is_open, text = self._has_open_reasoning(response), response.tokens.text_out
        maximum = self._transcript_in(text, response) if is_open else text
        return _PendingTranscript(turn, item, self._expected_transcript(response), maximum, is_open)

    # --- how a reply became input -----------------------------------------------------------------------------------------

    def _likeliest(self, response: RecordedResponse, growth: _Content, details: ResponseDetails) -> _Explanation:
        """The likelier of two explanations of a reply: it was played to its end, or interrupted."""
        if details.played_ms is not None and response.tokens.audio_out:
            return self._explanation("interrupted", response, growth, details)
        complete = self._explanation("complete", response, growth, details)
        if not response.tokens.audio_out or details.user_messages is not None or self._is_plain(complete, response):
            return complete
        interrupted = self._explanation("interrupted", response, growth, details)
        if interrupted.added.audio < 0:
            return complete
        is_likelier = complete.added.audio < 0 or abs(interrupted.residual) < abs(complete.residual)
        return interrupted if is_likelier else complete

    def _is_plain(self, complete: _Explanation, response: RecordedResponse) -> bool:
        """Whether a reply that was played to its end explains the next input, so that nothing else is tried."""
        if complete.added.audio < 0 or response.outcome == "cancelled":
            return False
        return self._may_be_transcript(complete.residual, response)

    def _may_be_transcript(self, residual: int, response: RecordedResponse) -> bool:
        """Whether the transcript that this step brings into the history may differ from the expected one by a residual."""
        pending = self._pending
        if self.rules.newest_reply == "transcript":
            pending = self._transcript_of(response, {}, MirroredItem(0))
        return abs(residual) <= COUNT_ERROR if pending is None else pending.allows(residual)

    def _explanation(
        self, outcome: Outcome, response: RecordedResponse, growth: _Content, details: ResponseDetails
    ) -> _Explanation:
        rules, pending = self.rules, self._pending
        text, audio = self._reply_size(response, outcome, details)
        if pending is not None:
            text += pending.expected + rules.assistant_item_tokens + rules.transcript_item_tokens - pending.item.text
            audio -= pending.item.audio
        added = _Content(growth.text - text, growth.audio - audio, growth.image)
        framing = _messages(added.audio, details) * rules.user_audio_item_tokens + self._image_framing(growth)
        return _Explanation(outcome, added, added.text - framing)

    def _image_framing(self, growth: _Content) -> int:
        return self.rules.image_item_tokens if growth.image > 0 else 0

    def _close_with_reply(self, response: RecordedResponse, explanation: _Explanation, details: ResponseDetails) -> int:
        """End a turn with its reply, and shrink the reply before it; return the text that stays unexplained."""
        turn, rules, residual = self.turns[-1], self.rules, explanation.residual
        self._set_reply(response)
        item = MirroredItem(*self._reply_size(response, explanation.outcome, details))
        transcript, self._pending = self._pending, None
        if response.tokens.audio_out and explanation.outcome == "complete":
            own = self._transcript_of(response, turn, item)
            if rules.newest_reply == "transcript":
                transcript = own
            elif rules.older_replies == "transcript":
                self._pending = own
        if transcript is not None:
            is_free = explanation.added.audio >= 0 and not details.text_messages and not details.tool_results
            is_silent = explanation.added.audio == 0 and details.user_messages is None
            allowed = abs(residual) <= COUNT_ERROR if is_silent else transcript.allows(residual)
            correction = residual if is_free and allowed else 0
            _settle(transcript, correction, rules)
            residual -= correction
        elif not response.tokens.audio_out and rules.is_reasoning_model and 0 < -residual <= turn["reply_text_tokens"]:
            residual = self._take_as_reasoning(turn, item, residual)
        self._items.append(item)
        self._reply_item = item
        return residual

    @staticmethod
    def _take_as_reasoning(turn: dict[str, Any], item: MirroredItem, residual: int) -> int:
        """Take text of a written reply that is not read again as reasoning; return what of the residual stays.

        All responses of a turn have the same reasoning: as much less of the output of tool calls was arguments.
        """
        calls: tuple[ToolCall, ...] = turn.get("tool_calls", ())
        if any(call.arguments_tokens < -residual for call in calls):
            return residual
        if calls:
            turn["tool_calls"] = tuple(
                ToolCall(call.arguments_tokens + residual, call.result_tokens - residual) for call in calls
            )
        turn["reply_text_tokens"] += residual
        turn["reasoning_tokens"] -= residual
        item.text += residual
        return 0

    # --- what came before the next response -------------------------------------------------------------------------------

    def _open_turn(
        self, explanation: _Explanation, response: RecordedResponse, following: TokenQuantities, details: ResponseDetails
    ) -> None:
        """Begin a turn with what was added before its first response."""
        audio, image, residual = explanation.added.audio, explanation.added.image, explanation.residual
        new_prompt = self._is_new_prompt(details)
        share = float(self.rules.cache_reuse_share) if self.rules.cache_reuse_share >= MIN_USUAL_SHARE else 1.0
        is_prompt = new_prompt or (details.prompt is None and ends_in_prompt(following, self._prompt_now, share))
        if self._is_removal(audio, residual, following, details, is_prompt=is_prompt):
            removal = self._removal(following, details)
            if removal is not None:
                audio, residual, image = removal
        messages = _messages(audio, details)
        user_audio = audio
        if explanation.outcome == "interrupted" and self._reply_item in self._items:
            user_audio = self._split_interrupted(audio, response, details)
            if audio and not user_audio:
                residual += messages * self.rules.user_audio_item_tokens
        framing = self.rules.user_audio_item_tokens
        if user_audio and details.user_messages is None and framing and residual > 0 and residual % framing == 0:
            unseen = min(residual // framing, MAX_UNSEEN_MESSAGES - 1)
            messages, residual = messages + unseen, residual - unseen * framing
        typed = self._typed(residual, details, new_prompt=new_prompt)
        self._change_prompt(residual - typed, is_new=new_prompt, is_likely=is_prompt)
        self._add_user(max(0, user_audio), max(0, image), messages if user_audio > 0 else 0, typed)

    def _is_new_prompt(self, details: ResponseDetails) -> bool:
        """Whether events show that instructions or tools are others than before."""
        before, self._prompt = self._prompt, details.prompt or self._prompt
        return details.prompt is not None and before is not None and before != details.prompt

    def _is_removal(
        self, audio: int, residual: int, following: TokenQuantities, details: ResponseDetails, *, is_prompt: bool
    ) -> bool:
        """Whether items must have left the history: more is gone than talk and other instructions explain.

        Where the cache has more than the prompt, none of the oldest items can be gone.
        """
        if details.deleted_items or audio < 0:
            return True
        if details.user_audio_ms is not None and details.played_ms is None:
            spoken = details.user_audio_ms // self.rules.user_audio_ms_per_token
            if audio < spoken - (details.user_messages or 1):
                return True
        finds_items = following.audio_in_cached > 0 or following.text_in_cached > self._prompt_now
        return residual < -TRANSCRIPT_TOLERANCE_TOKENS and not is_prompt and not finds_items

    def _removal(self, following: TokenQuantities, details: ResponseDetails) -> tuple[int, int, int] | None:
        """Take the items away that must have left; return the user's audio, the residual and new images."""
        rules = self.rules
        spoken = None if details.user_audio_ms is None else details.user_audio_ms // rules.user_audio_ms_per_token
        if spoken is None and details.user_messages == 0:
            spoken = 0
        messages = _messages(1, details) or 1
        observed = Observed(
            following.text - self._prompt_now,
            following.audio,
            following.image,
            messages * rules.user_audio_item_tokens,
            spoken,
        )
        removal = likeliest_removal(self._items, observed, details.deleted_items or None)
        if removal is None or (not details.deleted_items and abs(removal.residual) > max(40, self._prompt_now // 2)):
            return None
        gone = set(removal.places)
        self._removed = "all" if len(gone) == len(self._items) else "oldest" if 1 in gone else "others"
        self._items = [item for place, item in enumerate(self._items, start=1) if place not in gone]
        if self._pending is not None and self._pending.item not in self._items:
            self._pending = None
        self.turns[-1]["deleted_items"] = removal.places
        self._changes.append("deletion")
        images = following.image - sum(item.image for item in self._items)
        return removal.user_audio, removal.residual, images

    def _split_interrupted(self, audio: int, response: RecordedResponse, details: ResponseDetails) -> int:
        """Split audio into what was played of an interrupted reply and what the user said; return the latter.

        If events show what was played, all of the audio is the user's.
        """
        turn, generated = self.turns[-2], response.tokens.audio_out
        ms_per_token = self.rules.reply_audio_ms_per_token
        played = self._played_tokens(response, details)
        if played is not None:
            turn["played_ms"] = played * ms_per_token
            return audio
        number = len(self.turns) - 1
        if self.rules.truncated_reply == "nothing":
            turn["played_ms"] = generated // 2 * ms_per_token
            self.intervals.append(Interval(number, "played_ms", 0, generated * ms_per_token))
            return audio
        least, most = max(0, audio - generated), max(0, audio)
        likely = median(self._spoken[-SPEECH_SEEN:]) if self._spoken else audio // 2
        user_audio = min(most, max(least, int(likely)))
        self.intervals.append(Interval(number + 1, "user_audio_tokens", least, most))
        self.intervals.append(Interval(number, "played_ms", 0, min(most, generated) * ms_per_token))
        self._reply_item.audio = most - user_audio
        turn["played_ms"] = (most - user_audio) * ms_per_token
        return user_audio

    def _typed(self, residual: int, details: ResponseDetails, *, new_prompt: bool) -> int:
        """How much of a residual is typed text, or text that the client put in."""
        if residual <= max(COUNT_ERROR, self.rules.user_text_item_tokens):
            return 0
        if details.text_messages or details.tool_results:
            return residual
        if new_prompt or details.text_messages is not None:
            return 0
        return residual

    def _change_prompt(self, tokens: int, *, is_new: bool, is_likely: bool = False) -> None:
        """Give the newest turn other instructions, larger or smaller by some tokens.

        Unless events show them (`is_new`) or the cache does (`is_likely`), these tokens are explained by nothing else.
        """
        if is_new or abs(tokens) > COUNT_ERROR:
            self.unexplained_tokens += 0 if is_new or is_likely else abs(tokens)
            self._prompt_now = max(0, self._prompt_now + tokens)
            self.turns[-1]["instructions_tokens"] = max(0, self._prompt_now - self.rules.conversation_tokens)
            self._changes.append("prompt" if is_new else "instructions")

    def _add_user(self, audio: int, image: int, messages: int, typed: int = 0) -> None:
        """Add what the user sent to the newest turn and to the items. `typed` includes its framing."""
        rules, turn = self.rules, self.turns[-1]
        if image > 0:
            turn["image_tokens"] = (image,)
            self._items.append(MirroredItem(rules.image_item_tokens, 0, image))
        if typed:
            turn["user_text_tokens"] = typed - rules.user_text_item_tokens
            self._items.append(MirroredItem(typed))
            self._changes.append("typed")
        if audio > 0:
            turn["user_audio_tokens"] = audio
            if messages > 1:
                turn["user_messages"] = messages
            self._spoken.append(audio)
            parts = (audio * (number + 1) // messages - audio * number // messages for number in range(messages))
            self._items += [MirroredItem(rules.user_audio_item_tokens, part) for part in parts]


def _text_without_reasoning(response: RecordedResponse) -> int:
    return max(0, response.tokens.text_out - ((response.details or NO_DETAILS).reasoning_tokens or 0))


def _growth(before: TokenQuantities, after: TokenQuantities) -> _Content:
    return _Content(after.text - before.text, after.audio - before.audio, after.image - before.image)


def ends_in_prompt(tokens: TokenQuantities, prompt: int, share: float) -> bool:
    """Whether so little of an input was cached that not even all of the prompt can have been as before.

    `share` is the share of what is as before that the cache usually has.
    """
    return 0 < tokens.text_in_cached < PROMPT_SHARE * share * prompt and not tokens.audio_in_cached


def _messages(audio: int, details: ResponseDetails) -> int:
    """The spoken messages that new audio was committed as: at least one, if there is any."""
    return max(1, details.user_messages or 1) if audio > 0 else 0


def _tool_round(response: RecordedResponse, both: int) -> _ToolRound:
    reasoning = None if response.details is None else response.details.reasoning_tokens
    return _ToolRound(response.tokens.text_out, reasoning, both, MirroredItem(0), MirroredItem(0))


def _settle(pending: _PendingTranscript, correction: int, rules: Rules) -> None:
    """A reply's transcript is part of the history now."""
    transcript = pending.expected + correction
    pending.turn["reply_transcript_tokens"] = transcript
    pending.item.text = transcript + rules.assistant_item_tokens + rules.transcript_item_tokens
    pending.item.audio = 0
