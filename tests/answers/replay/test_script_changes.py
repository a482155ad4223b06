"""Test the changes of what recorded calls send."""

import re

import pytest

from voicebill.answers.replay.script_changes import NO_CHANGES, ScriptChanges
from voicebill.billing.errors import VoicebillError
from voicebill.conversation.script import Script, Turn

CALL = Script(
    instructions_tokens=1000,
    turns=(
        Turn(user_audio_tokens=20, reply_audio_tokens=50),
        Turn(user_audio_tokens=20, reply_audio_tokens=50, instructions_tokens=1200),
        Turn(user_audio_tokens=20, cancelled=True),
    ),
)


def test_no_changes_change_nothing() -> None:
    assert not NO_CHANGES
    assert NO_CHANGES.apply(CALL) is CALL


def test_the_size_of_the_prompt_is_that_of_every_turn() -> None:
    changed = ScriptChanges.of({"instructions_tokens": "800"}).apply(CALL)
    assert (changed.instructions_tokens, changed.turns[1].instructions_tokens) == (800, 800)


def test_a_stable_prompt_does_not_change_within_a_call() -> None:
    changed = ScriptChanges.of({"instructions_change": "no"}).apply(CALL)
    assert [turn.instructions_tokens for turn in changed.turns] == [None, None, None]
    assert changed.instructions_tokens == (1000 + 1200 + 1200) // 3


def test_reasoning_is_that_of_models_that_reason() -> None:
    """So it is counted by each model, and not part of the script."""
    changes = ScriptChanges.of({"reasoning_tokens": "70"})
    assert changes.reasoning_tokens == 70
    assert changes.apply(CALL) == CALL


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"instructions_tokens": "many"}, "instructions_tokens 'many' is not a number"),
        ({"prompt": "800"}, "unknown key 'prompt'"),
        ({"minutes": "5"}, "unknown key 'minutes'"),
        ({"cache": "some"}, "cache must be one of all, prefix, none"),
        ({"instructions_tokens": "100", "stable_instructions_tokens": "200"}, "must be at most"),
        ({"prefix_reuse": "150%"}, "prefix_reuse"),
    ],
)
def test_invalid_changes_are_refused_with_their_name(settings: dict[str, str], message: str) -> None:
    with pytest.raises(VoicebillError, match=re.escape(message)):
        ScriptChanges.of(settings)
