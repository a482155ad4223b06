"""Generate random conversations, and give the rules of the two model families."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tests.cases import DAY
from voicebill.billing.errors import ContextOverflow, InvalidInput
from voicebill.conversation.context import Response, responses
from voicebill.conversation.rules import Rules
from voicebill.conversation.script import Script, ToolCall, Truncation, Turn
from voicebill.facts import load_facts


def rules_of(model: str, *, provider: str = "openai", day: date = DAY, rules: str | None = None) -> Rules:
    """The rules for a model's conversations."""
    facts = load_facts()
    return facts.rules_for(facts.prices.quote(model, provider=provider, day=day).offer, day=day, rules=rules).rules


GA = rules_of("gpt-realtime")
PREVIEW = rules_of("gpt-4o-realtime-preview-2025-06-03", day=date(2026, 1, 1))
PAGE = rules_of("gpt-realtime", rules="web-calculator-2026-06")
TRANSCRIPTS = rules_of("gpt-realtime-2.1")
TEXT = replace(GA, older_replies="audio", cache_includes_output=False)
FORGETFUL = replace(GA, cache_includes_output=False)
ALL_AS_TEXT = replace(TRANSCRIPTS, user_speech="transcript")
"""A policy that no model has: everything is text once it was said."""
RULES: st.SearchStrategy[Rules] = st.sampled_from([GA, PREVIEW, TRANSCRIPTS, PAGE, TEXT, FORGETFUL, ALL_AS_TEXT])

SMALL = st.integers(0, 60)
AUDIO = st.integers(0, 400)


@st.composite
def turns(draw: Any) -> Turn:
    """A turn of any kind: spoken, typed, with images and tools, written, interrupted or cancelled."""
    user: dict[str, Any] = {
        "user_audio_tokens": draw(AUDIO),
        "user_text_tokens": draw(st.sampled_from([0, 0, 5, 40])),
        "image_tokens": tuple(draw(st.lists(st.sampled_from([65, 194, 323]), max_size=2))),
        "tool_calls": tuple(draw(st.lists(st.builds(ToolCall, SMALL, SMALL), max_size=2))),
        "silence_ms": draw(st.integers(0, 20_000)),
    }
    kind = draw(st.sampled_from(["spoken", "spoken", "interrupted", "written", "cancelled"]))
    if kind == "cancelled":
        return Turn(cancelled=True, **user)
    if kind == "written":
        return Turn(reply_text_tokens=draw(SMALL), **user)
    audio = draw(st.integers(1, 400))
    played = draw(st.integers(0, audio * 50)) if kind == "interrupted" else None
    text = draw(st.none() | st.integers(10, 120))
    return Turn(reply_audio_tokens=audio, reply_text_tokens=text, played_ms=played, **user)


@st.composite
def scripts(draw: Any, max_turns: int = 12) -> Script:
    """A conversation of random turns, sometimes cut, sometimes in several sessions."""
    limit = draw(st.none() | st.integers(900, 3000))
    ratio = Decimal(draw(st.integers(0, 100))) / 100
    return Script(
        instructions_tokens=draw(st.integers(0, 1500)),
        tools_tokens=draw(st.sampled_from([0, 120])),
        turns=tuple(draw(st.lists(turns(), min_size=1, max_size=max_turns))),
        truncation=Truncation("auto", ratio, limit),
        session_minutes=draw(st.sampled_from([None, None, 1, 2])),
        session_carryover=draw(st.sampled_from([None, "nothing"])),
        warm_cache=draw(st.booleans()),
        prefix_reuse=draw(st.sampled_from([None, Decimal(1), Decimal("0.37")])),
    )


@st.composite
def changing_scripts(draw: Any) -> Script:
    """A conversation whose client changes the instructions, deletes items and commits speech in several messages."""
    script: Script = draw(scripts())
    changed = [
        replace(
            turn,
            user_messages=draw(st.sampled_from([1, 1, 2, 3])) if turn.user_audio_tokens else 1,
            instructions_tokens=draw(st.sampled_from([None, None, 0, 700])) if number else None,
            deleted_items=draw(st.sampled_from([(), (), (), (1,), (2,), (1, 3)])) if number else (),
        )
        for number, turn in enumerate(script.turns)
    ]
    return replace(script, turns=tuple(changed))


def run(script: Script, rules: Rules) -> list[Response]:
    """A script's responses, or nothing if the provider would return an error."""
    try:
        return list(responses(script, rules))
    except ContextOverflow:
        return []
    except InvalidInput as error:
        if "deleted_items" not in str(error):
            raise
        return []
