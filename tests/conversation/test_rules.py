"""Check the rules: evidence, precedence of specific rows, and overrides."""

from dataclasses import asdict, replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.cases import DAY
from tests.conversation.scripts import GA, PAGE, PREVIEW, rules_of
from voicebill.billing.errors import InvalidInput, UnknownName
from voicebill.billing.offers import CONVERSATIONAL_KINDS
from voicebill.billing.validity import PartialDate
from voicebill.conversation.rules import PARAMETERS, EffectiveRules, RuleBook, RuleRow, RuleSet, parse_parameter
from voicebill.facts import load_facts


def effective_rules(model: str, rules: str | None = None) -> EffectiveRules:
    return load_facts().rules_for(load_facts().prices.quote(model, day=DAY).offer, day=DAY, rules=rules)


def test_models_differ_in_their_history_policy() -> None:
    models = [("gpt-realtime-2.1", "azure"), ("gpt-realtime-2", "openai"), ("gpt-realtime-1.5", "openai")]
    assert (PREVIEW.history, GA.history) == ("keep-all", "last-assistant-audio")
    policies = [rules_of(model, provider=provider).history for model, provider in models]
    assert policies == ["transcripts", "transcripts", "last-assistant-audio"]


def test_the_basis_names_the_measurement_or_the_assumption() -> None:
    measured, assumed = effective_rules("gpt-realtime").rows["history"], effective_rules("gpt-realtime-1.5").rows["history"]
    assert (measured.evidence, measured.basis.split(":")[0]) == ("measured", "recorded on gpt-realtime and gpt-realtime-mini")
    assert (assumed.evidence, assumed.basis) == ("assumed", "same as gpt-realtime")


def test_every_parameter_of_every_model_has_evidence_and_a_basis() -> None:
    for offer in load_facts().prices.offers:
        if offer.kind in CONVERSATIONAL_KINDS and offer.row_on(DAY):
            rows = load_facts().rules_for(offer, day=DAY).rows
            assert set(rows) == set(PARAMETERS)
            assert all(row.basis for row in rows.values())


def test_limits_follow_the_model_and_the_provider() -> None:
    assert (GA.input_limit_tokens, rules_of("gpt-realtime-2").input_limit_tokens) == (28_224, 96_000)
    assert rules_of("gpt-realtime-2.1").supports_truncation
    assert not rules_of("gpt-realtime-2.1", provider="azure").supports_truncation
    assert (GA.session_minutes, rules_of("gpt-realtime", provider="azure").session_minutes) == (60, 30)
    assert rules_of("gpt-4o-realtime-preview-2024-12-17", day=DAY.replace(month=1)).context_tokens == 16_000


def test_the_original_calculator_is_a_separate_rule_set() -> None:
    assert (PAGE.history, PAGE.expected_cache, PAGE.padding_tokens, PAGE.counts_instructions) == ("keep-all", "all", 0, False)
    assert {row.evidence for row in load_facts().rules.rule_set("web-calculator-2026-06").rows} == {"defined"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cache_block_tokens", 128),
        ("newest_reply", "transcript"),
        ("cache_reuse_share_without_speech", Decimal("0.5")),
        ("is_reasoning_model", True),
    ],
)
def test_overriding_a_parameter_changes_only_what_it_names(name: str, value: int) -> None:
    before = effective_rules("gpt-realtime-1.5")
    after = before.override({name: value})
    changed = {key for key, now in asdict(after.rules).items() if now != asdict(before.rules)[key]}
    assert changed == {name}
    assert {key for key in PARAMETERS if after.rows[key] != before.rows[key]} == {name}
    assert after.rows[name].evidence == "stated"
    assert after.digest != before.digest


def test_a_set_with_another_history_policy_does_not_keep_the_switches_of_the_set_it_is_based_on() -> None:
    """The web calculator's set has no tokens for transcripts; last-assistant-audio has 2."""
    facts = load_facts().rules
    row = RuleRow("history", "last-assistant-audio", "assumed", "ours")
    book = RuleBook((RuleSet("ours", "", "web-calculator-2026-06", (row,)), *facts.sets), facts.policies)
    ours = book.rules_for(None, models=["gpt-realtime"], provider="openai", day=DAY)
    calculator = book.rules_for("web-calculator-2026-06", models=["gpt-realtime"], provider="openai", day=DAY)
    assert ours.rules == calculator.override({"history": "last-assistant-audio"}).rules
    assert (calculator.rules.transcript_item_tokens, ours.rules.transcript_item_tokens) == (0, 2)


def test_a_stated_history_policy_brings_its_switches_and_a_stated_switch_stays() -> None:
    """Under keep-all older replies stay as audio, so transcripts add nothing."""
    before = effective_rules("gpt-realtime-1.5")
    after = before.override({"history": "keep-all"})
    changed = {key for key, now in asdict(after.rules).items() if now != asdict(before.rules)[key]}
    assert changed == {"history", "older_replies", "transcript_item_tokens"}
    mixed = before.override({"history": "transcripts", "transcript_item_tokens": 9}).rules
    assert (mixed.newest_reply, mixed.transcript_item_tokens, mixed.truncated_item_tokens) == ("transcript", 9, 6)
    assert before.override({"transcript_item_tokens": 9}).override({"history": "transcripts"}).rules == mixed
    with pytest.raises(UnknownName, match="unknown history policy 'transcript'; the nearest is transcripts"):
        before.override({"history": "transcript"})


def test_a_stated_share_of_reuse_applies_without_speech_too() -> None:
    after = effective_rules("gpt-realtime-1.5").override({"cache_reuse_share": Decimal("0.5")}).rules
    assert (after.cache_reuse_share, after.cache_reuse_share_without_speech) == (Decimal("0.5"), Decimal("0.5"))


def test_the_former_rule_set_keeps_its_values() -> None:
    former = effective_rules("gpt-realtime-2.1", "recorded-2026-11").rules
    assert (former.history, former.padding_tokens, former.reasoning_tokens_per_response) == ("last-assistant-audio", 8, 0)
    assert (former.cache_reuse_share, former.tools_extra_tokens) == (Decimal("0.8"), 285)
    assert former.tools_billed_share == 1


@pytest.mark.parametrize(
    ("day", "minutes", "evidence"),
    [
        (date(2025, 1, 1), 15, "reported"),
        (date(2025, 5, 22), 30, "reported"),
        (date(2025, 8, 28), 60, "documented"),
        (DAY, 60, "documented"),
    ],
)
def test_sessions_last_as_long_as_on_the_day(day: date, minutes: int, evidence: str) -> None:
    rules = load_facts().rules.rules_for(None, models=("gpt-realtime",), provider="openai", day=day)
    assert (rules.rules.session_minutes, rules.rows["session_minutes"].evidence) == (minutes, evidence)


BLOCK = "cache_block_tokens"
DAYS: dict[str, Any] = {"since": PartialDate.parse("2026-03-01"), "until": PartialDate.parse("2026-06-01")}


def rule_row(value: int, parameter: str = BLOCK, **scope: Any) -> RuleRow:
    return RuleRow(parameter, value, "assumed", f"row {value}", **scope)


def block_size(*rows: RuleRow, day: date = DAY, kind: str = "realtime") -> int:
    """The cache block by some rows, later ones of equal rank first, over complete rules with a block of 64."""
    facts = load_facts().rules
    sets = (replace(rule_set, providers=()) for rule_set in facts.sets)
    book = RuleBook((RuleSet("special", "", facts.default, rows), *sets), facts.policies)
    models = ("parrot", "parrot-2026-01-01")
    return book.rules_for(None, models=models, provider="acme", day=day, kind=kind).rules.cache_block_tokens


@pytest.mark.parametrize(
    ("rows", "block"),
    [
        ((), 64),
        ((rule_row(1),), 1),
        ((rule_row(1), rule_row(2)), 2),
        ((rule_row(1, kinds=("realtime",)), rule_row(2)), 1),
        ((rule_row(1, models=("parrot",)), rule_row(2, kinds=("realtime",))), 1),
        ((rule_row(1, providers=("acme",)), rule_row(2, kinds=("realtime",))), 1),
        ((rule_row(1, models=("parrot",)), rule_row(2, providers=("acme",))), 2),
        ((rule_row(1, providers=("acme",)), rule_row(2, models=("parrot-2026-01-01",))), 2),
        ((rule_row(1, models=("parrot",), kinds=("realtime",)), rule_row(2, providers=("acme",))), 1),
        ((rule_row(1, models=("parrot",), providers=("acme",)), rule_row(2, models=("parrot",), kinds=("realtime",))), 1),
        ((rule_row(1, models=("raven",)),), 64),
        ((rule_row(1, providers=("azure",)),), 64),
        ((rule_row(1, kinds=("live",)),), 64),
        ((rule_row(1, models=("parrot",), providers=("azure",)),), 64),
    ],
)
def test_the_most_specific_row_applies_and_of_equal_ones_the_last(rows: tuple[RuleRow, ...], block: int) -> None:
    """A model and a provider weigh the same, and a kind less."""
    assert block_size(*rows) == block


def test_a_row_applies_on_its_days() -> None:
    row = rule_row(1, models=("parrot",), **DAYS)
    days = [date(2026, 2, 28), date(2026, 3, 1), date(2026, 5, 31), date(2026, 6, 1)]
    assert [block_size(row, day=day) for day in days] == [64, 1, 1, 64]


def test_rules_that_are_not_complete_are_refused_with_what_is_missing() -> None:
    early, late = rule_row(1, **DAYS), rule_row(2, since=PartialDate.parse("2026-05-01"))
    book = RuleBook((RuleSet("short", "", None, (late, early)),))
    with pytest.raises(InvalidInput, match="rule set short has no rules for 2026-02-28: its first rules apply from 2026-03-01"):
        book.rules_for("short", models=("parrot",), provider="acme", day=date(2026, 2, 28))
    with pytest.raises(InvalidInput, match=r"rule set short has no value of user_audio_ms_per_token, .* for parrot, polly$"):
        book.rules_for("short", models=("polly", "parrot"), provider="acme", day=DAY)


def test_a_rule_set_cannot_be_based_on_itself() -> None:
    book = RuleBook((RuleSet("one", "", "other", ()), RuleSet("other", "", "one", ())))
    with pytest.raises(InvalidInput, match="rule set one is based on itself"):
        book.rules_for("one", models=("parrot",), provider="acme", day=DAY)


def test_unknown_rules_and_sets_are_rejected_with_the_closest() -> None:
    with pytest.raises(UnknownName, match="unknown rule set 'web-calculator-2026'; the nearest is web-calculator-2026-06"):
        effective_rules("gpt-realtime", "web-calculator-2026")
    with pytest.raises(UnknownName, match="unknown rule 'cache_block'; the nearest is cache_block_tokens"):
        effective_rules("gpt-realtime").override({"cache_block": 128})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("cache_block_tokens", "0", "a whole number between 1 and 1,000,000,000, not '0'"),
        ("cache_block_tokens", 1.5, "a whole number"),
        ("cache_reuse_share", "1.01", "a number between 0 and 1"),
        ("cache_reuse_share", "NaN", "a number between 0 and 1"),
        ("supports_truncation", "perhaps", "true or false, not 'perhaps'"),
        ("vad_prefix_ms", True, "a whole number between 0 and"),
        ("history", True, "a name, not true"),
        ("newest_reply", "text", "one of audio, transcript, not 'text'"),
    ],
)
def test_an_invalid_value_is_rejected(name: str, value: object, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        parse_parameter(name, value)


@pytest.mark.parametrize(
    ("model", "provider", "limits"),
    [
        ("gpt-realtime", "openai", (32_000, 4_096, 28_224)),
        ("gpt-realtime-mini", "openai", (32_000, 4_096, 28_224)),
        ("gpt-realtime-1.5", "openai", (32_000, 4_096, 28_224)),
        ("gpt-realtime-2", "openai", (128_000, 32_000, 96_000)),
        ("gpt-realtime-2.1", "openai", (128_000, 32_000, 96_000)),
        ("gpt-realtime-2.1-mini", "azure", (128_000, 32_000, 96_000)),
        ("gpt-4o-realtime-preview-2024-10-01", "azure", (128_000, 4_096, 123_904)),
        ("gpt-4o-realtime-preview-2024-12-17", "azure", (16_000, 4_096, 11_904)),
        ("gpt-4o-realtime-preview-2025-06-03", "azure", (32_000, 4_096, 28_224)),
        ("gpt-4o-mini-realtime-preview-2024-12-17", "azure", (16_000, 4_096, 11_904)),
    ],
)
def test_every_models_context_largest_output_and_input_limit(model: str, provider: str, limits: tuple[int, ...]) -> None:
    rules = rules_of(model, provider=provider)
    assert (rules.context_tokens, rules.max_output_tokens, rules.input_limit_tokens) == limits


def test_the_original_calculator_frames_nothing() -> None:
    assert not any(getattr(PAGE, name) for name in PARAMETERS if name.endswith("_item_tokens"))
