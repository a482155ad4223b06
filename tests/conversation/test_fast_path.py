"""Compare the fast path with script, context and cache: equal counts for simple plans, None for others."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cases import DAY
from tests.conversation.scripts import GA, PAGE
from voicebill.answers.estimates.costing import run_conversation, usage_for_cache
from voicebill.answers.estimates.model_selection import ModelSelection, ResolvedModel, resolve_model
from voicebill.billing.errors import ContextOverflow
from voicebill.conversation import token_counting
from voicebill.conversation.cache import cache_rule, cached_tokens, usage_from_tokens
from voicebill.conversation.context import responses
from voicebill.conversation.fast_path import count_fast
from voicebill.conversation.history import NOTHING
from voicebill.conversation.plan import Plan, schedule_speech, script
from voicebill.conversation.script import Truncation, Turn
from voicebill.facts import load_facts

MODELS = [
    ("gpt-realtime-1.5", "openai"),
    ("gpt-realtime-1.5", "azure"),
    ("gpt-realtime-2.1", "openai"),
    ("gpt-4o-realtime-preview-2025-06-03", "azure"),
    ("gpt-realtime-mini", "openai"),
]


def resolve(model: str, provider: str, rules: str | None) -> ResolvedModel:
    return resolve_model(ModelSelection(model=model, provider=provider, day=DAY, rules=rules), None, load_facts())


SHARES = st.integers(0, 50).map(lambda hundredths: Decimal(hundredths) / 100)
PLANS = st.builds(
    Plan,
    minutes=st.integers(1, 700).map(lambda tenths: Decimal(tenths) / 10),
    turns=st.integers(1, 120),
    user_share=SHARES,
    assistant_share=SHARES,
    instructions_tokens=st.integers(0, 4000),
    tools_tokens=st.sampled_from([0, 500]),
    first_speaker=st.sampled_from(["user", "assistant"]),
    reasoning_tokens=st.integers(0, 50),
    warm_cache=st.booleans(),
    cache=st.sampled_from([None, "all", "prefix", "none"]),
    prefix_reuse=st.sampled_from([None, Decimal("0.35"), Decimal(1)]),
    session_minutes=st.sampled_from([None, 5, 600]),
    truncation=st.sampled_from([Truncation(), Truncation("auto", Decimal("0.8"), 1500), Truncation("disabled")]),
)


@given(PLANS, st.sampled_from(MODELS), st.sampled_from([None, "web-calculator-2026-06"]))
def test_a_simple_plan_has_the_same_tokens_on_both_paths(plan: Plan, model: tuple[str, str], rules: str | None) -> None:
    resolved = resolve(*model, rules)
    expected = cache_rule(
        plan.cache or resolved.effective_rules.rules.expected_cache, resolved.effective_rules.rules, plan.prefix_reuse
    )
    best = cache_rule("all", resolved.effective_rules.rules, plan.prefix_reuse)
    try:
        full_counts = run_conversation(script(plan, resolved.effective_rules.rules), resolved)
    except ContextOverflow:
        assert count_or_overflow(plan, resolved) is None
        return
    fast_counts = count_fast(plan, resolved.effective_rules.rules, best, expected)
    cut = any(response.dropped for response in full_counts.responses)
    several = max(response.session for response in full_counts.responses) > 1
    if fast_counts is None:
        assert cut or several or len(full_counts.script.turns) == 1 or outlasts_session(plan, resolved)
        return
    assert not cut
    assert not several
    for hit, behaviour in ((fast_counts.best, "all"), (fast_counts.expected, expected.behaviour), (NOTHING, "none")):
        usage = usage_from_tokens(fast_counts.input, hit, fast_counts.text_out, fast_counts.audio_out)
        assert usage == usage_for_cache(behaviour, full_counts)  # type: ignore[arg-type]
    assert fast_counts.user_tokens == [turn.user_audio_tokens for turn in full_counts.script.turns]


def outlasts_session(plan: Plan, resolved: ResolvedModel) -> bool:
    """Whether the speech, rounded to tokens, lasts longer than a session; its last turn may still begin within it."""
    rules = resolved.effective_rules.rules
    user_tokens, reply_tokens, _, silence_ms = schedule_speech(plan, rules)
    speech_ms = sum(user_tokens) * rules.user_audio_ms_per_token + sum(reply_tokens) * rules.reply_audio_ms_per_token
    limit_ms = 60_000 * (rules.session_minutes if plan.session_minutes is None else plan.session_minutes)
    return 0 < limit_ms < speech_ms + silence_ms


def count_or_overflow(plan: Plan, resolved: ResolvedModel) -> object:
    rules = resolved.effective_rules.rules
    try:
        return count_fast(plan, rules, cache_rule("all", rules), cache_rule("prefix", rules))
    except ContextOverflow:
        return None


@pytest.mark.parametrize(
    "change",
    [{"tool_calls": 1}, {"images": 1}, {"text_turns": 1}, {"interrupted_share": Decimal("0.1")}, {"session_minutes": 5}],
)
def test_other_plans_are_not_counted_by_the_fast_path(change: dict[str, object]) -> None:
    plan = replace(Plan(minutes=10, turns=20), **change)  # type: ignore[arg-type]
    assert count_fast(plan, GA, cache_rule("all", GA), cache_rule("prefix", GA)) is None


@pytest.mark.parametrize(("minutes", "is_counted"), [("5", True), ("5.00001", False), ("5.00008", False), ("6", False)])
def test_a_plan_that_exactly_fills_its_session_is_counted(minutes: str, is_counted: bool) -> None:
    """0.00001 minutes are 0.6 ms, and so one."""
    plan = Plan(minutes=Decimal(minutes), turns=20, session_minutes=5)
    assert (count_fast(plan, GA, cache_rule("all", GA), cache_rule("prefix", GA)) is not None) == is_counted


def test_rules_that_bill_cache_writes_are_not_counted_by_the_fast_path() -> None:
    rules = replace(GA, cache_writes=True)
    assert count_fast(Plan(minutes=1, turns=2), rules, cache_rule("all", rules), cache_rule("prefix", rules)) is None


def test_a_plan_that_exactly_fills_its_budget_is_counted() -> None:
    """Two turns of 60 s: the second input has, after the instructions, what the budget must hold."""
    plan = Plan(minutes=2, turns=2, instructions_tokens=100)
    tokens = sum(list(responses(script(plan, GA), GA))[-1].input) - 100
    for budget, is_counted in ((tokens, True), (tokens - 1, False)):
        small = replace(plan, truncation=Truncation("auto", 1, budget))
        assert (count_fast(small, GA, cache_rule("all", GA), cache_rule("prefix", GA)) is not None) == is_counted


@pytest.mark.parametrize("warm", [True, False])
@pytest.mark.parametrize(
    "changes",
    [
        {"cache_includes_output": False},
        {"cache_includes_output": False, "history": "keep-all"},
        {"cache_minimum_tokens": 1_008},
        {"cache_minimum_tokens": 1_000},
        {"cache_minimum_tokens": 1_001},
    ],
    ids=str,
)
def test_cached_tokens_are_those_of_the_responses_under_any_rules(changes: Any, warm: bool) -> None:
    """1,000 tokens of instructions are just enough, or not, for the first response of a warm cache."""
    rules = replace(GA, **changes)
    plan = Plan(minutes=3, turns=6, instructions_tokens=1000, warm_cache=warm)
    best, expected = cache_rule("all", rules), cache_rule("prefix", rules)
    counts = count_fast(plan, rules, best, expected)
    assert counts is not None
    read = list(responses(script(plan, rules), rules))
    for hit, rule in ((counts.best, best), (counts.expected, expected)):
        hits = [cached_tokens(response, rule) for response in read]
        assert hit == tuple(map(sum, zip(*hits, strict=True)))


@given(st.integers(0, 5000))
def test_the_text_of_replies_is_the_same_in_whole_numbers(audio: int) -> None:
    turn = Turn(reply_audio_tokens=audio) if audio else Turn(reply_text_tokens=0)
    for rules in (GA, PAGE):
        assert token_counting.reply_text_counter(rules)(audio) == token_counting.reply_text(turn, audio, rules)
