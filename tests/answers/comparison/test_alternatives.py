"""Alternatives to realtime models: what each of their models costs, worked out by hand."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from tests.cases import DAY, FOLDER, case_file, case_name, cases, micro_dollars
from voicebill.answers.catalog.stacks import ROLES, Stack
from voicebill.answers.comparison.alternatives import Alternative, Alternatives, alternatives
from voicebill.answers.comparison.break_even import SweepRange, break_even
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.conversation.call_lengths import LengthDistribution
from voicebill.conversation.plan import Plan
from voicebill.conversation.volume import Volume
from voicebill.facts import load_facts

FILE = "alternatives.toml"
COMMON = case_file(FILE)
PLAN = Plan(**COMMON["plan"])
SELECTION = ModelSelection(model="any", day=DAY, overrides=COMMON["rules"])
SCENARIOS = ("best", "expected", "worst")


def stack_of(description: str | dict[str, Any]) -> Stack:
    """A stack of ours by its name, or the one that a case describes."""
    if isinstance(description, str):
        return next(stack for stack in load_facts().stacks if stack.name == description)
    architecture = description["architecture"]
    return Stack(
        "own", "own", architecture, {role: tuple(description[role]) for role in ROLES[architecture] if role in description}
    )


def price_case(case: dict[str, Any]) -> Alternative:
    plan = Plan(**{**COMMON["plan"], **case.get("plan", {})})
    selection = ModelSelection(model="any", day=DAY, overrides={**COMMON["rules"], **case.get("rules", {})})
    stack = stack_of(case["stack"])
    result = alternatives(None, plan, selection, load_facts(), stacks=[stack])
    assert not result.not_possible, result.not_possible[0].reason
    alternative = result.find(stack.name)
    assert alternative is not None
    return alternative


def written_amount(sums: str | dict[str, str], scenario: str) -> Fraction:
    return micro_dollars(sums if isinstance(sums, str) else sums[scenario])


@pytest.mark.parametrize("case", cases(FILE), ids=case_name)
def test_every_model_costs_what_its_written_sum_says(case: dict[str, Any]) -> None:
    alternative, bill = price_case(case), case["bill"]
    assert {component.role: component.amount for component in alternative.components} == {
        role: written_amount(bill[role], "expected") for role in bill
    }
    amounts = alternative.per_conversation
    assert amounts is not None
    for scenario in SCENARIOS:
        assert getattr(amounts, scenario) == sum(written_amount(sums, scenario) for sums in bill.values()), scenario
    assert case.get("warns", "") in ("", *alternative.warnings)


@pytest.mark.parametrize(
    ("name", "notes"),
    [
        ("gpt-4.1-typed", ["gpt-4.1: 80% of a common prefix of at least 1,024 tokens is cached, in steps of 128"]),
        ("gpt-4.1-batch", []),
        ("gpt-6-luna-batch", ["gpt-6-luna: 80% of a common prefix of at least 1,024 tokens is cached, to the token"]),
    ],
)
def test_an_alternative_states_its_cache_assumption_where_it_affects_the_bill(name: str, notes: list[str]) -> None:
    alternative = alternatives(None, PLAN, ModelSelection(model="any", day=DAY), load_facts()).find(name)
    assert alternative is not None
    assert [note for note in alternative.assumptions if "is cached" in note] == notes


@pytest.mark.parametrize(
    ("plan", "notes"),
    [({"prefix_reuse": Decimal("0.5")}, ["50%"]), ({"cache": "all"}, ["100%"]), ({"cache": "none"}, [])],
)
def test_the_cache_assumption_is_that_of_the_plan(plan: dict[str, Any], notes: list[str]) -> None:
    alternative = alternatives(None, replace(PLAN, **plan), ModelSelection(model="any", day=DAY), load_facts()).find(
        "gpt-4.1-typed"
    )
    assert alternative is not None
    assert [note.split(" ")[1] for note in alternative.assumptions if "is cached" in note] == notes


def own(volume: Volume | None = None) -> Alternatives:
    facts = load_facts(FOLDER / "own_stacks.toml")
    stacks = [stack for stack in facts.stacks if stack.name in ("hosted", "studio")]
    lengths = LengthDistribution(0) if volume else None
    return alternatives(None, PLAN, SELECTION, facts, volume, stacks=stacks, lengths=lengths, include_ending=True)


def sums(*names: str) -> Fraction:
    return sum((micro_dollars(COMMON["own"][name]) for name in names), start=Fraction(0))


def test_a_platform_fee_is_added_per_started_minute() -> None:
    result = own()
    hosted, studio = result.find("hosted"), result.find("studio")
    assert hosted is not None
    assert studio is not None
    assert hosted.expected == sums("pipeline", "hosted")
    assert studio.expected == sums("pipeline", "studio")
    assert [(component.role, component.amount) for component in hosted.components][-1] == (None, 2 * 10**10)
    assert result.conversational == (hosted, studio)


@pytest.mark.parametrize(("volume", "cheapest"), [(2551, "studio"), (2552, "hosted")])
def test_a_platforms_month_is_paid_once_however_many_conversations_there_are(volume: int, cheapest: str) -> None:
    result = own(Volume(Decimal(volume), "month"))
    hosted, studio = result.find("hosted"), result.find("studio")
    assert hosted is not None
    assert studio is not None
    assert hosted.per_month is not None
    assert studio.per_month is not None
    assert hosted.per_month.expected == volume * sums("pipeline", "hosted") + sums("month")
    assert studio.per_month.expected == volume * sums("pipeline", "studio")
    assert (
        min((hosted, studio), key=lambda alternative: alternative.per_month.expected if alternative.per_month else 0).name
        == cheapest
    )


def test_the_break_even_volume_of_a_platform_is_exact_to_one_conversation() -> None:
    result = own()
    both = [alternative for name in ("hosted", "studio") if (alternative := result.find(name))]
    pair = break_even(both, PLAN, SweepRange("volume", Decimal(1), Decimal(10_000))).pairs[0]
    last = COMMON["own"]["cheaper_until"]
    crossover = pair.break_evens[0]
    assert len(pair.break_evens) == 1
    assert (crossover.below, crossover.above) == (last, last + 1)
    assert (crossover.cheaper_below, crossover.cheaper_above) == ("studio", "hosted")
    assert crossover.estimate == Decimal("2551.546")
