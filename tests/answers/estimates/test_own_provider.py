"""A provider of one's own is one file: its offers, its counting rules, and what it bills besides tokens."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from typer.testing import CliRunner

from voicebill.answers.comparison.compare import available_offers, compare
from voicebill.answers.estimates.estimate import Estimate, estimate
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.billing.errors import InvalidInput, Unpriced
from voicebill.cli.app import app
from voicebill.conversation.plan import Plan
from voicebill.conversation.rules import ParameterValue
from voicebill.conversation.volume import Volume
from voicebill.facts import load_facts

DAY = date(2026, 11, 28)

OFFER = """
provider = "corvid"
checked = 2026-11-01
sources = ["an invented price list"]

[[offers]]
model = "corvid-voice"
kind = "realtime"
[[offers.prices]]
since = "2026-01-01"
usd = { text_in = 1, audio_in = 2, text_out = 3, audio_out = 8, messages = 0.01 }
"""

RULES = """
name = "corvid-rules"
evidence = "documented"
basis = "an invented guide"
"""

ROWS = """
[[history_policies]]
name = "all-transcripts"
title = "everything becomes its transcript"
user_speech = "transcript"
newest_reply = "transcript"
older_replies = "transcript"
transcript_item_tokens = 0
truncated_reply = "nothing"
truncated_item_tokens = 0
evidence = "documented"
basis = "an invented guide"

[[mechanics]]
title = "Corvid"
billing = "reads transcripts again, listens all the time, charges for typed messages"
usage_reports = "per response"

[[rules]]
parameter = "history"
value = "{history}"
"""

VALUES = {
    "user_audio_ms_per_token": "50",
    "reply_audio_ms_per_token": "50",
    "caches_input": "false",
    "bills_silence": "true",
    "transcript_output": '"none"',
    "reply_text_per_audio_token": "0.175",
    "turn_variation": "0",
}

PLAN = Plan(minutes=1, turns=3, text_turns=1, instructions_tokens=100)


def file_of(folder: Path, *, rules: bool = True, offer: str = OFFER, history: str = "all-transcripts", **values: str) -> Path:
    rows = "".join(f'\n[[rules]]\nparameter = "{name}"\nvalue = {value}\n' for name, value in {**VALUES, **values}.items())
    file = folder / "corvid.toml"
    top, _, table = offer.partition("\n[[offers]]")
    content = f"{top}{RULES if rules else ''}\n[[offers]]{table}{ROWS.format(history=history) + rows if rules else ''}"
    file.write_text(content, encoding="utf-8")
    return file


def estimate_with(
    file: Path, plan: Plan = PLAN, volume: Volume | None = None, overrides: Mapping[str, ParameterValue] | None = None
) -> Estimate:
    selection = ModelSelection(model="corvid-voice", provider="corvid", day=DAY, overrides=overrides or {})
    return estimate(plan, selection, load_facts(file), volume)


def test_a_provider_in_one_file_has_the_written_sum(tmp_path: Path) -> None:
    """Each of the two spoken turns has 12 s of either speaker, and each of the three turns 4 s of silence; 20 tokens a second.

    Heard: 28 s, 4 s and 28 s, so 560 + 80 + 560 = 1,200 audio in. Text in: 100 of prompt; then transcripts of 42 and 42 and a
    message of 20, 204; then its answer of 60, too, 264: 568. Out: 42 + 60 + 42 = 144 text and 2 x 240 = 480 audio.
    568 x 1 + 1,200 x 2 + 144 x 3 + 480 x 8 = 7,240 millionths of a dollar, and a cent for the message.
    """
    answer = estimate_with(file_of(tmp_path))
    assert {line.meter.name: line.quantity for line in answer.lines} == {
        "text_in": 568,
        "audio_in": 1200,
        "text_out": 144,
        "audio_out": 480,
        "messages": 1,
    }
    costs = answer.per_conversation
    assert costs.best == costs.expected == costs.worst == 17_240 * 10**6
    assert sum(component.amount for component in answer.breakdown) == costs.expected


def test_silence_that_stays_in_the_history_is_read_again(tmp_path: Path) -> None:
    """With 320, 80 and 320 tokens of silence kept as audio, the second turn reads 320 more, and the third 400 more."""
    answer = estimate_with(file_of(tmp_path, silence_in_history="true", history="keep-all"))
    audio = {line.meter.name: line.quantity for line in answer.lines}["audio_in"]
    first, second = 560, 560 + 240 + 80
    assert audio == first + second + (second + 560)


def test_it_is_compared_by_its_own_rules(tmp_path: Path) -> None:
    facts = load_facts(file_of(tmp_path))
    answer = compare(PLAN, available_offers(facts.prices, DAY), ModelSelection(model="any", day=DAY), facts)
    (candidate,) = [row for row in answer.candidates if row.offer.provider == "corvid"]
    assert candidate.answer is not None
    assert candidate.mechanics is not None
    assert candidate.answer.model.effective_rules.name == "corvid-rules"
    assert candidate.answer.per_conversation.expected == 17_240 * 10**6


def test_without_its_rules_it_is_refused_with_what_is_missing(tmp_path: Path) -> None:
    file = file_of(tmp_path, rules=False)
    missing = ("user_audio_ms_per_token", "reply_audio_ms_per_token", "history", "caches_input", "bills_silence")
    with pytest.raises(Unpriced, match="corvid-voice of corvid") as caught:
        estimate_with(file)
    assert all(name in str(caught.value) for name in (*missing, "transcript_output"))
    values: dict[str, ParameterValue] = {name: value.strip('"') for name, value in VALUES.items()}
    with pytest.raises(Unpriced) as caught:
        estimate_with(file, overrides=values)
    assert "history (" in str(caught.value)
    assert "caches_input" not in str(caught.value)
    assert estimate_with(file, overrides={**values, "history": "keep-all"}).per_conversation.expected > 0


def test_openai_s_rules_are_not_used_for_it_even_by_name(tmp_path: Path) -> None:
    selection = ModelSelection(model="corvid-voice", provider="corvid", day=DAY, rules="recorded-2026-11")
    with pytest.raises(InvalidInput, match="describes the models of openai and azure, not those of corvid"):
        estimate(PLAN, selection, load_facts(file_of(tmp_path, rules=False)))


def test_a_reseller_of_a_known_model_uses_its_rules(tmp_path: Path) -> None:
    """gpt-realtime counts alike, whoever sells it."""
    file = tmp_path / "reseller.toml"
    file.write_text(OFFER.replace("corvid-voice", "gpt-realtime"), encoding="utf-8")
    selection = ModelSelection(model="gpt-realtime", provider="corvid", day=DAY)
    assert estimate(PLAN, selection, load_facts(file)).model.effective_rules.rules.history == "last-assistant-audio"


MINUTES = OFFER.replace(
    "usd = { text_in = 1, audio_in = 2, text_out = 3, audio_out = 8, messages = 0.01 }",
    "usd = { session_ms = 0.06 }\nincrements = { session_ms = 60_000 }\nincluded = { session_ms = 6_000_000 }",
)


def test_minutes_are_rounded_up_call_by_call_and_need_no_rules(tmp_path: Path) -> None:
    """72 s are two minutes."""
    file = file_of(tmp_path, rules=False, offer=MINUTES)
    answer = estimate_with(file, Plan(minutes=Decimal("1.2"), turns=3))
    assert answer.per_conversation.expected == 12 * 10**10
    assert [component.name for component in answer.breakdown] == ["session"]


def test_minutes_that_a_month_includes_are_free(tmp_path: Path) -> None:
    """1,000 calls of a minute each, of which a month includes 100 minutes."""
    file = file_of(tmp_path, rules=False, offer=MINUTES.replace("increments = { session_ms = 60_000 }\n", ""))
    answer = estimate_with(file, Plan(minutes=1, turns=3), Volume(Decimal(1000), "month"))
    assert answer.per_month is not None
    assert answer.mean_per_conversation is not None
    assert answer.per_month.expected == answer.mean_per_conversation.expected * 1000 - 6 * 10**12
    assert any("a month includes 6,000 s" in text for text in answer.assumptions)


@pytest.mark.parametrize(("time", "dollars"), [("connected", "0.06"), ("audio", "0.048")])
def test_a_session_may_be_billed_for_its_audio_only(tmp_path: Path, time: str, dollars: str) -> None:
    """In a minute, 48 s are speech."""
    file = file_of(tmp_path, rules=False, offer=MINUTES.replace("increments = { session_ms = 60_000 }\n", ""))
    answer = estimate_with(file, Plan(minutes=1, turns=3), overrides={"session_time": time})
    assert answer.per_conversation.expected == Fraction(dollars) * 10**12


def test_a_check_says_which_rules_a_file_lacks(tmp_path: Path) -> None:
    complete = CliRunner().invoke(app, ["prices", "--check", str(file_of(tmp_path))])
    assert complete.exit_code == 0, complete.output
    assert "cannot be estimated" not in complete.stdout
    cut = CliRunner().invoke(app, ["prices", "--check", str(file_of(tmp_path, rules=False))])
    assert cut.exit_code == 0, cut.output
    assert "corvid/corvid-voice cannot be estimated until the file has the rules user_audio_ms_per_token" in cut.stdout
