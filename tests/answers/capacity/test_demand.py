"""What a call asks of a limit: worked out by hand, and held against a plain average over all phases."""

from dataclasses import replace
from fractions import Fraction
from functools import cache
from math import sqrt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cases import DAY, case_file, case_name, micro_dollars
from tests.conversation.scripts import scripts
from voicebill.answers.capacity.demand import (
    LimitLoad,
    QuotaCounting,
    _loads_at,
    call_demand,
    loads_by_turn,
    max_concurrent_calls,
)
from voicebill.answers.estimates.counted_conversation import CountedConversation, run_conversation
from voicebill.answers.estimates.model_selection import ModelSelection, ResolvedModel, resolve_model
from voicebill.answers.parameters.script_schema import parse_script
from voicebill.billing.errors import ContextOverflow
from voicebill.conversation.script import Script
from voicebill.facts import load_facts

FILE = case_file("demands.toml")


@cache
def resolved_model() -> ResolvedModel:
    """The model that the tests price with."""
    return resolve_model(ModelSelection(model="gpt-realtime", day=DAY), None, load_facts())


def run_script(script: Script) -> CountedConversation:
    return run_conversation(script, resolved_model())


@pytest.mark.parametrize("case", FILE["cases"], ids=case_name)
def test_tokens_and_requests_a_minute_as_worked_out_by_hand(case: dict[str, Any]) -> None:
    request = parse_script(FILE["script"], [])
    assert request is not None
    answer = call_demand(run_script(request.script), QuotaCounting(**case.get("counted", {})))
    assert [entry.at_ms for entry in answer.events] == case["at_ms"]
    assert [entry.tokens for entry in answer.events] == case["tokens"]
    assert [entry.requests for entry in answer.events] == case["requests"]
    assert [{"tokens": entry.tokens, "requests": entry.requests} for entry in answer.minutes] == case["minutes"]
    assert (answer.tokens.per_call, answer.tokens.heaviest) == (sum(case["tokens"]), case["heaviest"])
    assert answer.tokens.squares == micro_dollars(case["squares"]) / 1_000_000
    assert answer.tokens.edges == micro_dollars(case["edges"]) / 1_000_000
    assert answer.length_ms == 108_150


def test_many_calls_at_random_phases_as_worked_out_by_hand() -> None:
    """Two calls a minute of 30 and 60 tokens, two minutes apart: 180 on average, squares 900 + 3600, so variance 9000.

    A gamma of mean 180 and variance 9000 is exceeded in 1% of cases at 180 × (1 - 1/32.4 + 2.3263 / sqrt(32.4))³.
    """
    calls = limit_load([0, 120_000], [30, 60], 180_000)
    assert calls == LimitLoad(Fraction(90), 60, Fraction(4500), Fraction(15))
    assert calls.mean(Fraction(2)) == 180
    assert calls.percentile(Fraction(2), 0.01) == pytest.approx(180 * (1 - 1 / 32.4 + 2.326348 / sqrt(32.4)) ** 3, rel=1e-6)


def limit_load(times_ms: list[int], amounts: list[int], length_ms: int) -> LimitLoad:
    """The load of a whole call."""
    return next(_loads_at(times_ms, amounts, [(len(times_ms), length_ms)]))


@given(script=scripts())
def test_the_load_of_the_first_turns_is_that_of_the_call_that_ends_there(script: Script) -> None:
    try:
        loads = loads_by_turn(run_script(script), QuotaCounting())
    except ContextOverflow:
        return
    for turns, load in enumerate(loads, start=1):
        demand = call_demand(run_script(replace(script, turns=script.turns[:turns])), QuotaCounting())
        assert load == (demand.tokens, demand.requests)


@given(events=st.lists(st.tuples(st.integers(0, 200), st.integers(1, 50)), min_size=1, max_size=12))
def test_the_mean_square_is_that_over_every_phase(events: list[tuple[int, int]]) -> None:
    """Responses at whole seconds: what a minute holds changes at whole seconds only, so that their mean is exact."""
    events = sorted(events)
    load = limit_load([1000 * at for at, _ in events], [tokens for _, tokens in events], 200_000)
    windows = [sum(tokens for at, tokens in events if begins < at <= begins + 60) for begins in range(-61, 202)]
    assert load.squares == Fraction(sum(amount * amount for amount in windows), 60)
    assert load.per_call == Fraction(sum(windows), 60)
    assert load.heaviest == max(windows)


@given(script=scripts())
def test_minutes_add_up_and_the_heaviest_is_one_of_them_or_more(script: Script) -> None:
    try:
        answer = call_demand(run_script(script), QuotaCounting())
    except ContextOverflow:
        return
    assert sum(minute.tokens for minute in answer.minutes) == answer.tokens.per_call
    assert sum(minute.requests for minute in answer.minutes) == answer.requests.per_call == len(answer.events)
    assert max(minute.tokens for minute in answer.minutes) <= answer.tokens.heaviest <= answer.tokens.per_call
    free = call_demand(run_script(script), QuotaCounting(cached_tokens=False))
    assert answer.tokens.per_call - free.tokens.per_call == answer.cached_tokens >= 0


@given(
    per_call=st.integers(1, 100_000),
    divisor=st.integers(1, 10),
    minutes=st.integers(1, 60),
    limit=st.integers(1, 10**6),
    share=st.sampled_from([0.001, 0.01, 0.1, 0.5]),
)
def test_a_quota_carries_no_more_with_headroom_than_on_average(
    per_call: int, divisor: int, minutes: int, limit: int, share: float
) -> None:
    load = LimitLoad(Fraction(per_call), max(1, per_call // divisor), Fraction(per_call * per_call, divisor))
    on_average, percentile, always = max_concurrent_calls(load, Fraction(minutes), limit, share)
    assert 0 <= always <= percentile <= on_average
    assert on_average * per_call <= limit * minutes


def test_a_channel_that_asks_evenly_spreads_not_at_all_and_none_more_than_calls_at_random() -> None:
    """One token a second for 5 minutes, half a second apart from the ends: every minute has 60, whichever call is whose."""
    even = limit_load([500 + 1000 * at for at in range(300)], [1] * 300, 300_000)
    assert float(even.busy_channel_variance(Fraction(5))) == pytest.approx(0, abs=0.2)
    assert max_concurrent_calls(even, Fraction(5), 6_000, 0.01)[1] >= 99
    growing = limit_load([500 + 1000 * at for at in range(300)], list(range(300)), 300_000)
    assert 0 < growing.busy_channel_variance(Fraction(5)) < growing.squares / 5


def test_calls_of_several_kinds_count_by_their_weight() -> None:
    """Three of four ask for 10, the fourth for 50: (3 × 10 + 50) / 4 = 20, squares (3 × 100 + 2500) / 4 = 700."""
    kinds = [(3, LimitLoad(Fraction(10), 10, Fraction(100))), (1, LimitLoad(Fraction(50), 30, Fraction(2500)))]
    assert LimitLoad.weighted_mean(kinds) == LimitLoad(Fraction(20), 30, Fraction(700))


def test_a_call_that_asks_for_nothing_is_carried_as_often_as_the_limit_says() -> None:
    assert max_concurrent_calls(LimitLoad(Fraction(0), 0, Fraction(0)), Fraction(5), 200, 0.01) == (200, 200, 200)
