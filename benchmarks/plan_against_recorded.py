"""Compare what plans estimate from averages alone with what recorded sessions cost.

A plan knows the minutes, the turns, how much either side speaks, and the size of the prompt; the recording has every count.
The sessions are those of tests/cases/recorded_sessions.toml. Rules were measured on some of them, so this is in sample.
"""

import sys
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

from voicebill import ModelSelection, Plan, Usage, estimate, load_facts
from voicebill.billing.bill import price_usage
from voicebill.billing.money import PICODOLLARS_PER_DOLLAR

SESSIONS = Path(__file__).parents[1] / "tests" / "cases" / "recorded_sessions.toml"
RULE_SETS = ("recorded-2026-11", "recorded-2026-11-27")


def recorded_dollars(session: dict[str, Any], selection: ModelSelection) -> float:
    """The cost of a session by its recorded counts."""
    rates = load_facts().prices.quote(selection.model, provider=selection.provider, day=selection.day).rates
    sums = [sum(column) for column in zip(*session["responses"], strict=True)]
    _, text, audio, cached_text, cached_audio, text_out, audio_out = sums
    usage = Usage.tokens(
        text_in=text - cached_text,
        text_in_cached=cached_text,
        audio_in=audio - cached_audio,
        audio_in_cached=cached_audio,
        text_out=text_out,
        audio_out=audio_out,
    )
    amount = price_usage(usage, rates)
    assert amount is not None
    return float(amount) / PICODOLLARS_PER_DOLLAR


def plan_of(session: dict[str, Any]) -> Plan:
    """The plan that somebody would write who knows the averages only."""
    rows = session["responses"]
    greeting = rows[0][0] == 0
    turns = len(rows) - greeting
    user_ms = sum(row[0] for row in rows) * (100 if session["user_unit"] == "tokens" else 1)
    spoken_ms = sum(row[6] for row in rows) * 50
    minutes = Decimal(str(session["minutes"])) if "minutes" in session else round(Decimal(user_ms + spoken_ms) / 60_000, 3)
    speech_ms = session.get("speech_ms", user_ms)
    return Plan(
        minutes=minutes,
        turns=turns,
        user_share=round(Decimal(speech_ms) / 60_000 / minutes, 4),
        assistant_share=round(Decimal(spoken_ms) / 60_000 / minutes, 4),
        instructions_tokens=session["instructions_tokens"],
        instructions_change=session.get("instructions_change", 0),
        first_speaker="assistant" if greeting else "user",
    )


def main() -> None:
    """Print one line per session and rule set."""
    sessions = tomllib.loads(SESSIONS.read_text(encoding="utf-8"))["sessions"]
    for session in sessions:
        for rules in RULE_SETS:
            selection = ModelSelection(model=session["model"], provider=session["provider"], day=session["day"], rules=rules)
            recorded = recorded_dollars(session, selection)
            answer = estimate(plan_of(session), selection, load_facts())
            expected = float(answer.per_conversation.expected) / PICODOLLARS_PER_DOLLAR
            budget = answer.planning_range
            assert budget is not None
            within = budget.low <= recorded * PICODOLLARS_PER_DOLLAR <= budget.high
            sys.stdout.write(
                f"{session['name']}: recorded ${recorded:.4f}, {rules} ${expected:.4f} ({expected / recorded - 1:+.1%}), "
                f"{'within' if within else 'outside'} the planning range\n"
            )


if __name__ == "__main__":
    main()
