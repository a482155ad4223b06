"""The one loop against script, context and cache: the same tokens for every plain plan, and no answer for any other."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cases import DAY
from tests.conversation.scripts import GA, PAGE
from voicebill.answers.costing import conversation, usage_under
from voicebill.answers.offered import Asked, Offered, offered
from voicebill.billing.errors import ContextOverflow
from voicebill.conversation import counting
from voicebill.conversation.cache import cache_rule, charged
from voicebill.conversation.history import NOTHING
from voicebill.conversation.plain import plain
from voicebill.conversation.plan import Plan, script
from voicebill.conversation.script import Truncation, Turn
from voicebill.facts import load

FACTS = load()
MODELS = [
    ("gpt-realtime-1.5", "openai"),
    ("gpt-realtime-1.5", "azure"),
    ("gpt-realtime-2.1", "openai"),
    ("gpt-4o-realtime-preview-2025-06-03", "azure"),
    ("gpt-realtime-mini", "openai"),
]


def sold(model: str, provider: str, rules: str | None) -> Offered:
    return offered(Asked(model=model, provider=provider, day=DAY, rules=rules), None, FACTS)


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
    warm=st.booleans(),
    cache=st.sampled_from([None, "all", "prefix", "none"]),
    reuse=st.sampled_from([None, Decimal("0.35"), Decimal(1)]),
    session_minutes=st.sampled_from([None, 5, 600]),
    truncation=st.sampled_from([Truncation(), Truncation("auto", Decimal("0.8"), 1500), Truncation("disabled")]),
)


@given(PLANS, st.sampled_from(MODELS), st.sampled_from([None, "page-2026-06"]))
def test_a_plain_plan_has_the_same_tokens_by_either_way(plan: Plan, model: tuple[str, str], rules: str | None) -> None:
    offer = sold(*model, rules)
    expected = cache_rule(plan.cache or offer.ruling.rules.expected_cache, offer.ruling.rules, plan.reuse)
    best = cache_rule("all", offer.ruling.rules, plan.reuse)
    try:
        held = conversation(script(plan, offer.ruling.rules), offer)
    except ContextOverflow:
        assert plain_or_overflow(plan, offer) is None
        return
    found = plain(plan, offer.ruling.rules, best, expected)
    cut = any(response.dropped for response in held.responses)
    several = max(response.session for response in held.responses) > 1
    if found is None:
        assert cut or several or len(held.script.turns) == 1
        return
    assert not cut
    assert not several
    for hit, behaviour in ((found.best, "all"), (found.expected, expected.behaviour), (NOTHING, "none")):
        usage = charged(found.read, hit, found.text_out, found.audio_out)
        assert usage == usage_under(behaviour, held)  # type: ignore[arg-type]
    assert found.said == [turn.user_audio_tokens for turn in held.script.turns]


def plain_or_overflow(plan: Plan, offer: Offered) -> object:
    rules = offer.ruling.rules
    try:
        return plain(plan, rules, cache_rule("all", rules), cache_rule("prefix", rules))
    except ContextOverflow:
        return None


@pytest.mark.parametrize(
    "change",
    [{"tool_calls": 1}, {"images": 1}, {"text_turns": 1}, {"interrupted_share": Decimal("0.1")}, {"session_minutes": 5}],
)
def test_what_is_not_plain_is_left_to_the_ledger(change: dict[str, object]) -> None:
    plan = replace(Plan(minutes=10, turns=20), **change)  # type: ignore[arg-type]
    assert plain(plan, GA, cache_rule("all", GA), cache_rule("prefix", GA)) is None


@given(st.integers(0, 5000))
def test_text_beside_speech_is_the_same_in_whole_numbers(audio: int) -> None:
    turn = Turn(reply_audio_tokens=audio) if audio else Turn(reply_text_tokens=0)
    for rules in (GA, PAGE):
        assert counting.beside_speech(rules)(audio) == counting.reply_text(turn, audio, rules)
