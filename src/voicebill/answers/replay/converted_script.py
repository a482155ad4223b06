"""Convert the script of a recorded call to the rules of another model: the same speech, counted by its rules."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from voicebill.conversation import token_counting
from voicebill.conversation.rules import Rules
from voicebill.conversation.script import Script, Turn, changed_turn

_SPEECH = ("user_audio_ms_per_token", "reply_audio_ms_per_token")
_REPLY_TEXT = ("reply_text_base", "reply_text_per_audio_token")
_REPLY_OVERHEAD = ("reply_overhead_base", "reply_overhead_per_audio_token")


@dataclass(frozen=True)
class ScriptConversion:
    """The conversion of scripts from the rules of the recorded model to those of another one.

    Speech keeps its duration. The text that is billed with a reply stays what was recorded where both models bill it alike,
    else it is counted from the duration. A model that does not reason has no reasoning; one that does has `reasoning_tokens` in
    each response (None: what was recorded, or that of its rules where the recorded model did not reason). Typed text, prompts
    and tools keep their tokens. What was one session stays one, unless it lasts longer than `session_minutes`.
    """

    source: Rules
    target: Rules
    reasoning_tokens: int | None = None

    @property
    def key(self) -> tuple[object, ...]:
        """What a converted script depends on beside the script, if the rules that it comes from are the same."""
        names = (*_SPEECH, *_REPLY_TEXT, *_REPLY_OVERHEAD, "is_reasoning_model", "reasoning_tokens_per_response")
        return tuple(getattr(self.target, name) for name in names)

    @property
    def session_minutes(self) -> int:
        """The minutes of the target's sessions, if they are shorter than those of the recorded model; else 0."""
        limit, recorded = self.target.session_minutes, self.source.session_minutes
        return limit if limit and (not recorded or limit < recorded) else 0

    def convert(self, script: Script) -> Script:
        """A script by the rules of the target, still as one session."""
        return replace(script, turns=tuple(map(self._convert_turn, script.turns))) if self._changes_turns else script

    @cached_property
    def _changes_turns(self) -> bool:
        sets_reasoning = self.reasoning_tokens is not None and self.target.is_reasoning_model
        return sets_reasoning or self._differ(*_SPEECH, *_REPLY_TEXT, *_REPLY_OVERHEAD, "is_reasoning_model")

    @cached_property
    def _changes_reply_text(self) -> bool:
        return self._differ(*_REPLY_TEXT)

    @cached_property
    def _changes_overhead(self) -> bool:
        return self._differ(*_REPLY_OVERHEAD)

    @cached_property
    def _ends_reasoning(self) -> bool:
        return self.source.is_reasoning_model and not self.target.is_reasoning_model

    def _differ(self, *names: str) -> bool:
        return any(getattr(self.source, name) != getattr(self.target, name) for name in names)

    def _convert_turn(self, turn: Turn) -> Turn:
        source, target = self.source, self.target
        values: dict[str, Any] = {}
        if turn.user_audio_tokens and source.user_audio_ms_per_token != target.user_audio_ms_per_token:
            values |= {"user_audio_tokens": 0, "user_audio_ms": turn.user_audio_tokens * source.user_audio_ms_per_token}
        if turn.reply_audio_tokens:
            values |= self._convert_reply(turn)
        if (turn.tool_calls or not turn.cancelled) and (reasoning := self._reasoning(turn)) != turn.reasoning_tokens:
            values["reasoning_tokens"] = reasoning
        return changed_turn(turn, values) if values else turn

    def _reasoning(self, turn: Turn) -> int:
        if not self.target.is_reasoning_model:
            return 0
        if self.reasoning_tokens is not None:
            return self.reasoning_tokens
        return turn.reasoning_tokens if self.source.is_reasoning_model else self.target.reasoning_tokens_per_response

    def _convert_reply(self, turn: Turn) -> dict[str, Any]:
        source, target, audio = self.source, self.target, turn.reply_audio_tokens
        values: dict[str, Any] = {}
        if source.reply_audio_ms_per_token != target.reply_audio_ms_per_token:
            values |= {"reply_audio_tokens": 0, "reply_audio_ms": audio * source.reply_audio_ms_per_token}
        if values or self._changes_reply_text:
            return values | {"reply_text_tokens": None, "reply_transcript_tokens": None}
        if not (self._changes_overhead or self._ends_reasoning):
            return values
        _, expected = token_counting.text_and_transcript(turn.reply_text_tokens, None, audio, source)
        is_as_expected = turn.reply_transcript_tokens in (None, expected)
        if is_as_expected and self._changes_overhead:
            values["reply_transcript_tokens"] = None
        elif not is_as_expected and self._ends_reasoning:
            values["reply_text_tokens"] = None  # what was not read again was reasoning
        return values
