"""Compare the fast path with script, context and cache: equal counts for simple plans, None for others."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cases import DAY
from tests.conversation.scripts import GA, PAGE
from voicebill.answers.estimates.counted_calls import count_calls
from voicebill.answers.estimates.counted_conversation import count_plan, run_conversation, usage_for_cache
from voicebill.answers.estimates.model_selection import ModelSelection, ResolvedModel, resolve_model
from voicebill.billing.errors import ContextOverflow
from voicebill.conversation import token_counting
from voicebill.conversation.cache import cache_rule, cached_tokens
from voicebill.conversation.context import responses
from voicebill.conversation.fast_path import RunningCounts, count_fast
from voicebill.conversation.plan import Plan, script
from voicebill.conversation.rules import ParameterValue, Rules
from voicebill.conversation.script import Truncation, Turn
from voicebill.conversation.work import counted_steps
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
    reasoning_tokens=st.none() | st.integers(0, 50),
    warm_cache=st.booleans(),
    cache=st.sampled_from([None, "all", "prefix", "none"]),
    prefix_reuse=st.sampled_from([None, Decimal("0.35"), Decimal(1)]),
    session_minutes=st.sampled_from([None, 1, 5, 600]),
    session_carryover=st.sampled_from([None, "nothing", "text"]),
    truncation=st.sampled_from([Truncation(), Truncation("auto", Decimal("0.8"), 1500), Truncation("disabled")]),
)


@given(
    PLANS, st.sampled_from(MODELS), st.sampled_from([None, "recorded-2026-11", "web-calculator-2026-06"]), st.integers(1, 200)
)
def test_a_simple_plan_has_the_same_tokens_on_both_paths(
    plan: Plan, model: tuple[str, str], rules: str | None, turns: int
) -> None:
    """By the end of every turn, also of calls that are cut, span sessions, or are shorter or longer than the plan."""
    resolved = resolve(*model, rules)
    try:
        counts = count_calls(plan, resolved, turns)
    except ContextOverflow:
        with pytest.raises(ContextOverflow):
            run_conversation(script(plan, resolved.effective_rules.rules, turns), resolved)
        return
    fitting = counts.turns
    if not fitting:  # the greeting alone fits
        assert counts.overflow is not None
        return
    full_counts = run_conversation(script(plan, resolved.effective_rules.rules, fitting), resolved)
    best, expected, worst = counts.usage(fitting).voice
    for usage, behaviour in ((best, "all"), (expected, full_counts.expected.behaviour), (worst, "none")):
        assert usage == usage_for_cache(behaviour, full_counts)  # type: ignore[arg-type]
    if fitting < turns:
        assert counts.overflow is not None
        with pytest.raises(ContextOverflow):
            run_conversation(script(plan, resolved.effective_rules.rules, fitting + 1), resolved)


@given(
    st.builds(replace, PLANS, tool_calls=st.sampled_from([0, 0, 2])),
    st.sampled_from(MODELS),
    st.none() | st.integers(1, 200),
)
def test_a_plan_has_the_same_responses_as_its_script(plan: Plan, model: tuple[str, str], longer: int | None) -> None:
    """By themselves, and as the beginning of a call of another length, which has been counted before."""
    resolved = resolve(*model, None)
    rules = resolved.effective_rules.rules
    try:
        full_counts = run_conversation(script(plan, rules), resolved)
        calls = None if longer is None else count_calls(plan, resolved, longer)
    except ContextOverflow:
        return
    counts = count_plan(plan, resolved, calls)
    assert counts.responses == full_counts.responses
    assert (counts.hits, counts.totals, counts.turn_facts) == (full_counts.hits, full_counts.totals, full_counts.turn_facts)
    assert counts.script == full_counts.script


LISTENING = st.fixed_dictionaries(
    {
        "bills_silence": st.booleans(),
        "silence_in_history": st.booleans(),
        "transcript_output": st.sampled_from(["none", "replies", "both"]),
        "caches_input": st.booleans(),
        "history": st.sampled_from(["keep-all", "last-assistant-audio", "transcripts"]),
        "compression_trigger_tokens": st.sampled_from([0, 3_000, 20_000]),
        "compression_target_tokens": st.sampled_from([0, 2_000]),
    }
)


@given(PLANS, LISTENING, st.integers(1, 100))
def test_silence_transcripts_and_compression_count_alike_on_both_paths(
    plan: Plan, overrides: dict[str, ParameterValue], turns: int
) -> None:
    """By the rules of Gemini Live, and others that a provider could have."""
    selection = ModelSelection(model="gemini-3.8-live", provider="google", day=DAY, overrides=overrides)
    resolved = resolve_model(selection, None, load_facts())
    try:
        counts = count_calls(plan, resolved, turns)
    except ContextOverflow:
        return
    if not counts.turns:
        return
    full_counts = run_conversation(script(plan, resolved.effective_rules.rules, counts.turns), resolved)
    best, expected, worst = counts.usage(counts.turns).voice
    for usage, behaviour in ((best, "all"), (expected, full_counts.expected.behaviour), (worst, "none")):
        assert usage == usage_for_cache(behaviour, full_counts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        {"tool_calls": 1},
        {"images": 1},
        {"image_turns": (2,)},
        {"text_turns": 1},
        {"interrupted_share": Decimal("0.1")},
        {"instructions_change": 1},
        {"calls_end_with_session": True},
    ],
)
def test_other_plans_are_not_counted_by_the_fast_path(change: dict[str, object]) -> None:
    plan = replace(Plan(minutes=10, turns=20), **change)  # type: ignore[arg-type]
    assert fast(plan, GA) is None


@pytest.mark.parametrize(
    "change",
    [
        {"session_minutes": 5},
        {"session_minutes": 5, "session_carryover": "nothing"},
        {"truncation": Truncation("auto", Decimal("0.8"), 600)},
        {"session_minutes": 5, "truncation": Truncation("auto", Decimal("0.8"), 600)},
        {"first_speaker": "assistant"},
    ],
    ids=str,
)
def test_sessions_and_truncated_histories_are_counted_by_the_fast_path(change: Any) -> None:
    assert fast(replace(Plan(minutes=10, turns=20), **change), GA) is not None


@pytest.mark.parametrize("change", [{"cache_writes": True}, {"user_speech": "transcript"}], ids=str)
def test_rules_that_need_every_response_are_not_counted_by_the_fast_path(change: Any) -> None:
    assert fast(Plan(minutes=1, turns=2), replace(GA, **change)) is None


def fast(plan: Plan, rules: Rules) -> list[RunningCounts] | None:
    """The counts of the fast path."""
    columns = count_fast(plan, rules, cache_rule("all", rules), cache_rule("prefix", rules), plan.turns)
    return None if columns is None else [columns.at_end_of(turn) for turn in range(1, columns.turns + 1)]


@pytest.mark.parametrize("warm", [True, False])
@pytest.mark.parametrize(
    "changes",
    [
        {"cache_includes_output": False},
        {"cache_includes_output": False, "older_replies": "audio"},
        {"newest_reply": "transcript"},
        {"cache_minimum_tokens": 1_008},
        {"cache_minimum_tokens": 1_000},
        {"cache_minimum_tokens": 1_001},
        {"cache_reuse_share_without_speech": Decimal("0.3")},
    ],
    ids=str,
)
def test_cached_tokens_are_those_of_the_responses_under_any_rules(changes: Any, warm: bool) -> None:
    """1,000 tokens of instructions are just enough, or not, for the first response of a warm cache."""
    rules = replace(GA, **changes)
    plan = Plan(minutes=3, turns=6, instructions_tokens=1000, warm_cache=warm)
    counts = fast(plan, rules)
    assert counts is not None
    read = list(responses(script(plan, rules), rules))
    for hit, behaviour in ((counts[-1][3:6], "all"), (counts[-1][6:9], "prefix")):
        hits = [cached_tokens(response, cache_rule(behaviour, rules)) for response in read]  # type: ignore[arg-type]
        assert hit == tuple(map(sum, zip(*hits, strict=True)))


def test_a_plan_that_is_counted_in_columns_takes_a_step_for_each_response() -> None:
    steps: list[int] = []
    with counted_steps(steps.append):
        assert fast(Plan(minutes=10, turns=20), GA) is not None
    assert sum(steps) == 20


@given(st.integers(0, 5000))
def test_the_text_of_replies_is_the_same_in_whole_numbers(audio: int) -> None:
    turn = Turn(reply_audio_tokens=audio) if audio else Turn(reply_text_tokens=0)
    for rules in (GA, PAGE):
        assert token_counting.reply_text_counter(rules)(audio) == token_counting.reply_text(turn, audio, rules)
