"""A month of calls: against brute force, and exact where lengths do not differ."""

from dataclasses import replace
from decimal import Decimal
from math import exp, log, sqrt
from statistics import NormalDist

import pytest

from tests.cases import DAY
from voicebill.answers.lengths import Lengths, Spread
from voicebill.answers.offered import Asked, Offered, offered
from voicebill.answers.population import Population, calls
from voicebill.answers.population import population as priced
from voicebill.answers.scenarios import costs
from voicebill.billing.errors import InvalidInput
from voicebill.conversation.plan import Plan
from voicebill.facts import load

SOLD = offered(Asked(model="gpt-realtime-1.5", day=DAY), None, load())
PLAN = Plan(minutes=10, turns=20)


def population(plan: Plan, lengths: Spread | Lengths, sold: Offered) -> Population:
    """What calls of a plan's average length cost with an offer."""
    return priced(calls(plan, lengths, sold), costs(plan, sold), sold)


def one_by_one(plan: Plan, minutes: list[float], sold: Offered) -> float:
    """The mean cost of calls of so many minutes, each priced as a plan of its own."""
    per_minute = plan.turns / float(plan.minutes)
    found = 0
    for length in minutes:
        turns = max(1, round(length * per_minute))
        found += int(costs(replace(plan, minutes=Decimal(f"{length:.6f}"), turns=turns), sold).expected)
    return found / len(minutes)


def lognormal(mean: float, coefficient: float, cap: float, many: int) -> list[float]:
    """The middles of equal shares of a lognormal distribution, cut at the cap."""
    sigma = sqrt(log(1 + coefficient**2))
    at = NormalDist(log(mean) - sigma**2 / 2, sigma).inv_cdf
    return [min(exp(at((each + 0.5) / many)), cap) for each in range(many)]


@pytest.mark.parametrize(("turns", "coefficient"), [(20, 0.5), (20, 0.8), (20, 1.0), (40, 0.8)])
def test_a_month_equals_two_thousand_lengths_one_by_one_within_a_thousandth(turns: int, coefficient: float) -> None:
    plan = replace(PLAN, turns=turns)
    found = population(plan, Spread(coefficient), SOLD)
    wanted = one_by_one(plan, lognormal(10, coefficient, 60, 2000), SOLD)
    assert float(found.mean.expected) == pytest.approx(wanted, rel=1e-3)


def test_without_a_spread_a_month_is_the_average_call_exactly() -> None:
    found = population(PLAN, Spread(0), SOLD)
    assert found.mean == costs(PLAN, SOLD)
    assert found.surcharge == 0
    assert {each.amount for each in found.percentiles} == {found.mean.expected}


def test_the_wider_the_spread_the_dearer_the_month_and_best_stays_best() -> None:
    found = [population(PLAN, Spread(spread), SOLD) for spread in (0, 0.5, 1.0)]
    assert found[0].surcharge < found[1].surcharge < found[2].surcharge
    assert all(each.mean.best < each.mean.expected < each.mean.worst for each in found)


def test_at_four_turns_a_minute_half_a_spread_adds_about_eight_per_cent() -> None:
    """The vendor-independent figure collected elsewhere is about 8 % at 0.5."""
    found = population(Plan(minutes=10, turns=40), Spread(0.5), SOLD)
    assert float(found.surcharge) == pytest.approx(0.08, abs=0.01)
    assert found.cap == (60, "session")


def test_percentiles_are_calls_of_their_length() -> None:
    ten, fifty, ninety = population(PLAN, Spread(), SOLD).percentiles
    assert ten.minutes < fifty.minutes < 10 < ninety.minutes
    assert ten.amount < fifty.amount < ninety.amount


def test_lengths_that_were_counted_are_priced_as_they_are() -> None:
    """Three calls of 5 minutes and one of 20: the mean of their own estimates."""
    found = population(PLAN, Lengths(((5, 3), (20, 1))), SOLD)
    five, twenty = (costs(Plan(minutes=minutes, turns=2 * minutes), SOLD).expected for minutes in (5, 20))
    assert round(found.mean.expected) == round((3 * five + twenty) / 4)


def test_percentiles_are_those_of_the_lengths_however_few_the_turns() -> None:
    """A lognormal of mean 5 and deviation 4 has its median at 5 / sqrt(1 + 0.8^2) = 3.904."""
    median = population(Plan(minutes=5, turns=1), Spread(0.8), SOLD).percentiles[1]
    assert median.minutes == pytest.approx(3.904, abs=0.001)
    counted = population(Plan(minutes=20, turns=2), Lengths(((2, 1), (3, 1), (4, 1))), SOLD)
    assert [each.minutes for each in counted.percentiles] == [2, 3, 4]
    assert counted.mean_minutes == 3


def test_a_cut_that_shortens_the_mean_is_said() -> None:
    found = population(Plan(minutes=50, turns=50), Spread(0.8), SOLD)
    assert found.mean_minutes < 45


def test_calls_beyond_the_cap_are_counted_as_so_long() -> None:
    found = population(PLAN, Lengths(((90, 1),)), SOLD)
    assert found.mean.expected == costs(Plan(minutes=60, turns=120), SOLD).expected


@pytest.mark.parametrize("wrong", [-0.1, 5.1, float("nan")])
def test_a_spread_that_cannot_be_is_refused(wrong: float) -> None:
    with pytest.raises(InvalidInput, match="the spread of lengths must be"):
        Spread(wrong)


@pytest.mark.parametrize("wrong", [(), ((5, 0),), ((0, 1),), ((5, -1), (6, 3)), ((5, 1.5),)])
def test_lengths_that_cannot_be_are_refused(wrong: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(InvalidInput):
        Lengths(wrong)


def test_a_plan_of_several_sessions_is_not_cut_at_the_first() -> None:
    """A spread of next to nothing costs next to what the plan does."""
    plan = Plan(minutes=90, turns=100)
    found = population(plan, Spread(0.01), SOLD)
    assert found.cap is None
    assert float(found.surcharge) == pytest.approx(0, abs=0.01)


def test_the_longest_group_is_no_longer_than_a_day() -> None:
    """A plan of more than one session has no cap but the day; its last group is a sliver, whose mean must not exceed it."""
    azure = offered(Asked(model="gpt-realtime-1.5", provider="azure", day=DAY), None, load())
    for minutes in (31, 34, 37, 40):
        found = population(Plan(minutes=minutes, turns=2), Spread(), azure)
        assert found.mean_minutes == pytest.approx(minutes, rel=0.01)
