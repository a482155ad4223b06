"""What a call asks of a limit: worked out by hand, and held against a plain average over all phases."""

from fractions import Fraction
from math import sqrt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cases import DAY, called, case_file, micro_dollars
from tests.conversation.scripts import scripts
from voicebill.answers.costing import Conversation, conversation
from voicebill.answers.demand import Counted, Load, _load, demand, most_calls, normal_quantile
from voicebill.answers.offered import Asked, offered
from voicebill.answers.script_table import script_from
from voicebill.billing.errors import ContextOverflow
from voicebill.conversation.script import Script
from voicebill.facts import load

FILE = case_file("demands.toml")
SOLD = offered(Asked(model="gpt-realtime", day=DAY), None, load())


def held(script: Script) -> Conversation:
    return conversation(script, SOLD)


@pytest.mark.parametrize("case", FILE["cases"], ids=called)
def test_tokens_and_requests_a_minute_as_worked_out_by_hand(case: dict[str, Any]) -> None:
    scripted = script_from(FILE["script"], [])
    assert scripted is not None
    found = demand(held(scripted.script), Counted(**case.get("counted", {})))
    assert [each.at_ms for each in found.moments] == case["at_ms"]
    assert [each.tokens for each in found.moments] == case["tokens"]
    assert [each.requests for each in found.moments] == case["requests"]
    assert [{"tokens": each.tokens, "requests": each.requests} for each in found.minutes] == case["minutes"]
    assert (found.tokens.each, found.tokens.heaviest) == (sum(case["tokens"]), case["heaviest"])
    assert found.tokens.squares == micro_dollars(case["squares"]) / 1_000_000
    assert found.tokens.edges == micro_dollars(case["edges"]) / 1_000_000
    assert found.lasts_ms == 108_150


def test_many_calls_at_random_phases_as_worked_out_by_hand() -> None:
    """Two calls a minute of 30 and 60 tokens, two minutes apart: 180 on average, squares 900 + 3600, so variance 9000.

    A gamma of mean 180 and variance 9000 is exceeded in 1% of cases at 180 × (1 - 1/32.4 + 2.3263 / sqrt(32.4))³.
    """
    calls = _load([0, 120_000], [30, 60], 180_000)
    assert calls == Load(Fraction(90), 60, Fraction(4500), Fraction(15))
    assert calls.mean(Fraction(2)) == 180
    assert calls.exceeded_seldom(Fraction(2), 0.01) == pytest.approx(
        180 * (1 - 1 / 32.4 + 2.326348 / sqrt(32.4)) ** 3, rel=1e-6
    )


@given(asked=st.lists(st.tuples(st.integers(0, 200), st.integers(1, 50)), min_size=1, max_size=12))
def test_the_mean_square_is_that_over_every_phase(asked: list[tuple[int, int]]) -> None:
    """Responses at whole seconds: what a minute holds changes at whole seconds only, so that their mean is exact."""
    asked = sorted(asked)
    found = _load([1000 * at for at, _ in asked], [tokens for _, tokens in asked], 200_000)
    windows = [sum(tokens for at, tokens in asked if begins < at <= begins + 60) for begins in range(-61, 202)]
    assert found.squares == Fraction(sum(held * held for held in windows), 60)
    assert found.each == Fraction(sum(windows), 60)
    assert found.heaviest == max(windows)


@given(script=scripts())
def test_minutes_add_up_and_the_heaviest_is_one_of_them_or_more(script: Script) -> None:
    try:
        found = demand(held(script), Counted())
    except ContextOverflow:
        return
    assert sum(each.tokens for each in found.minutes) == found.tokens.each
    assert sum(each.requests for each in found.minutes) == found.requests.each == len(found.moments)
    assert max(each.tokens for each in found.minutes) <= found.tokens.heaviest <= found.tokens.each
    free = demand(held(script), Counted(cached_tokens=False))
    assert found.tokens.each - free.tokens.each == found.cached >= 0


@given(
    each=st.integers(1, 100_000),
    crowd=st.integers(1, 10),
    minutes=st.integers(1, 60),
    limit=st.integers(1, 10**6),
    share=st.sampled_from([0.001, 0.01, 0.1, 0.5]),
)
def test_a_quota_carries_no_more_with_headroom_than_on_average(
    each: int, crowd: int, minutes: int, limit: int, share: float
) -> None:
    asks = Load(Fraction(each), max(1, each // crowd), Fraction(each * each, crowd))
    on_average, seldom, always = most_calls(asks, Fraction(minutes), limit, share)
    assert 0 <= always <= seldom <= on_average
    assert on_average * each <= limit * minutes


def test_a_channel_that_asks_evenly_spreads_not_at_all_and_none_more_than_calls_at_random() -> None:
    """One token a second for 5 minutes, half a second apart from the ends: every minute has 60, whichever call is whose."""
    even = _load([500 + 1000 * at for at in range(300)], [1] * 300, 300_000)
    assert float(even.variance_of_a_channel(Fraction(5))) == pytest.approx(0, abs=0.2)
    assert most_calls(even, Fraction(5), 6_000, 0.01)[1] >= 99
    growing = _load([500 + 1000 * at for at in range(300)], list(range(300)), 300_000)
    assert 0 < growing.variance_of_a_channel(Fraction(5)) < growing.squares / 5


def test_calls_of_several_kinds_count_by_their_weight() -> None:
    """Three of four ask for 10, the fourth for 50: (3 × 10 + 50) / 4 = 20, squares (3 × 100 + 2500) / 4 = 700."""
    kinds = [(3, Load(Fraction(10), 10, Fraction(100))), (1, Load(Fraction(50), 30, Fraction(2500)))]
    assert Load.over(kinds) == Load(Fraction(20), 30, Fraction(700))


def test_a_call_that_asks_for_nothing_is_carried_as_often_as_the_limit_says() -> None:
    assert most_calls(Load(Fraction(0), 0, Fraction(0)), Fraction(5), 200, 0.01) == (200, 200, 200)
    assert normal_quantile(0.5) == pytest.approx(0, abs=1e-9)
