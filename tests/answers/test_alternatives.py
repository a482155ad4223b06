"""Alternatives to realtime models: what each of their models costs, worked out by hand."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from tests.cases import DAY, FOLDER, called, case_file, cases, micro_dollars
from voicebill.answers.alternatives import Alternative, Alternatives, alternatives
from voicebill.answers.crossings import Range, flips
from voicebill.answers.lengths import Spread
from voicebill.answers.offered import Asked
from voicebill.answers.quantities import Volume
from voicebill.answers.stacks import ROLES, Stack
from voicebill.conversation.plan import Plan
from voicebill.facts import load

FACTS = load()
FILE = "alternatives.toml"
COMMON = case_file(FILE)
PLAN = Plan(**COMMON["plan"])
ASKED = Asked(model="any", day=DAY, overrides=COMMON["rules"])
SCENARIOS = ("best", "expected", "worst")


def stack_of(told: str | dict[str, Any]) -> Stack:
    """A stack of ours by its name, or the one that a case describes."""
    if isinstance(told, str):
        return next(stack for stack in FACTS.stacks if stack.name == told)
    architecture = told["architecture"]
    return Stack("own", "own", architecture, {role: tuple(told[role]) for role in ROLES[architecture] if role in told})


def priced(case: dict[str, Any]) -> Alternative:
    plan = Plan(**{**COMMON["plan"], **case.get("plan", {})})
    asked = Asked(model="any", day=DAY, overrides={**COMMON["rules"], **case.get("rules", {})})
    stack = stack_of(case["stack"])
    found = alternatives(None, plan, asked, FACTS, stacks=[stack])
    assert not found.refused, found.refused[0].refusal
    way = found.named(stack.name)
    assert way is not None
    return way


def written(sums: str | dict[str, str], scenario: str) -> Fraction:
    return micro_dollars(sums if isinstance(sums, str) else sums[scenario])


@pytest.mark.parametrize("case", cases(FILE), ids=called)
def test_every_model_costs_what_its_written_sum_says(case: dict[str, Any]) -> None:
    found, bill = priced(case), case["bill"]
    assert {leg.role: leg.amount for leg in found.legs} == {role: written(bill[role], "expected") for role in bill}
    amounts = found.per_conversation
    assert amounts is not None
    for scenario in SCENARIOS:
        assert getattr(amounts, scenario) == sum(written(sums, scenario) for sums in bill.values()), scenario
    assert case.get("warns", "") in ("", *found.warnings)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gpt-4.1-typed", ["gpt-4.1: of 1,024 tokens in common and more 80% are found in the cache, in steps of 128"]),
        ("gpt-4.1-batch", []),
        ("gpt-6-luna-batch", ["gpt-6-luna: of 1,024 tokens in common and more 80% are found in the cache, to the token"]),
    ],
)
def test_what_the_cache_is_taken_to_find_is_said_wherever_it_moves_the_bill(name: str, said: list[str]) -> None:
    found = alternatives(None, PLAN, Asked(model="any", day=DAY), FACTS).named(name)
    assert found is not None
    assert [each for each in found.assumptions if "found in the cache" in each] == said


def own(volume: Volume | None = None) -> Alternatives:
    facts = load(FOLDER / "own_stacks.toml")
    stacks = [stack for stack in facts.stacks if stack.name in ("hosted", "studio")]
    return alternatives(None, PLAN, ASKED, facts, volume, stacks=stacks, lengths=Spread(0) if volume else None)


def sums(*names: str) -> Fraction:
    return sum((micro_dollars(COMMON["own"][name]) for name in names), start=Fraction(0))


def test_a_platform_takes_its_fee_for_begun_minutes_beside_the_models() -> None:
    found = own()
    hosted, studio = found.named("hosted"), found.named("studio")
    assert hosted is not None
    assert studio is not None
    assert hosted.expected == sums("pipeline", "hosted")
    assert studio.expected == sums("pipeline", "studio")
    assert [(leg.role, leg.amount) for leg in hosted.legs][-1] == (None, 2 * 10**10)
    assert found.spoken == (hosted, studio)


@pytest.mark.parametrize(("volume", "cheapest"), [(2551, "studio"), (2552, "hosted")])
def test_a_platforms_month_is_paid_once_however_many_conversations_there_are(volume: int, cheapest: str) -> None:
    found = own(Volume(Decimal(volume), "month"))
    hosted, studio = found.named("hosted"), found.named("studio")
    assert hosted is not None
    assert studio is not None
    assert hosted.per_month is not None
    assert studio.per_month is not None
    assert hosted.per_month.expected == volume * sums("pipeline", "hosted") + sums("month")
    assert studio.per_month.expected == volume * sums("pipeline", "studio")
    assert min((hosted, studio), key=lambda each: each.per_month.expected if each.per_month else 0).name == cheapest


def test_the_volume_from_which_a_platform_pays_is_told_to_the_conversation() -> None:
    found = own()
    ways = [way for name in ("hosted", "studio") if (way := found.named(name))]
    pair = flips(ways, PLAN, Range("volume", Decimal(1), Decimal(10_000))).pairs[0]
    last = COMMON["own"]["cheaper_until"]
    crossing = pair.crossings[0]
    assert len(pair.crossings) == 1
    assert (crossing.below, crossing.above) == (last, last + 1)
    assert (crossing.cheaper_below, crossing.cheaper_above) == ("studio", "hosted")
    assert crossing.near == Decimal("2551.546")
