"""Break-even, and what holds of every way to build the agent, whatever the plan."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cases import DAY
from voicebill.answers.catalog.stacks import Stack
from voicebill.answers.comparison.alternatives import Alternative, Alternatives, alternatives, cheapest_pipelines
from voicebill.answers.comparison.break_even import (
    AXES,
    Axis,
    BreakEvenCurve,
    PairComparison,
    SweepRange,
    break_even,
    default_range,
    parse_range,
    select_alternatives,
    sweep,
)
from voicebill.answers.comparison.compare import compare
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.answers.estimates.scenarios import Scenarios
from voicebill.billing.errors import ContextOverflow, InvalidInput, UnknownName, VoicebillError
from voicebill.conversation.plan import Plan, with_length
from voicebill.conversation.volume import Volume
from voicebill.facts import load_facts
from voicebill.facts.files import InvalidFile

SELECTION = ModelSelection(model="any", day=DAY)
SIX = Plan(minutes=6, turns=20)
REALTIME_MODELS = ("gpt-realtime-1.5", "gpt-realtime-2.1-mini", "gpt-4o-mini-realtime-preview")


def alternatives_for(plan: Plan, selection: ModelSelection = SELECTION) -> Alternatives:
    """Every named stack, and three realtime models of OpenAI's."""
    offers = [
        offer
        for offer in load_facts().prices.offers
        if offer.model in REALTIME_MODELS and offer.provider == "openai" and offer.row_on(DAY)
    ]
    return alternatives(compare(plan, offers, selection, load_facts()), plan, selection, load_facts())


@cache
def six_minutes() -> Alternatives:
    """All alternatives for six minutes."""
    return alternatives_for(SIX)


def possible() -> tuple[Alternative, ...]:
    """The alternatives for six minutes that are possible."""
    return (*six_minutes().conversational, *six_minutes().partial)


def find(name: str, among: Alternatives | None = None) -> Alternative:
    alternative = (among or six_minutes()).find(name)
    assert alternative is not None
    return alternative


def amount(alternative: Alternative, plan: Plan) -> Fraction | None:
    assert alternative.price_plan is not None
    try:
        return Fraction(alternative.price_plan(plan).expected)
    except VoicebillError:
        return None


plans = st.builds(
    Plan,
    minutes=st.integers(1, 30).map(Decimal),
    turns=st.integers(1, 60),
    user_share=st.integers(0, 10).map(lambda part: Decimal(part) / 20),
    assistant_share=st.integers(0, 10).map(lambda part: Decimal(part) / 20),
    instructions_tokens=st.sampled_from([0, 900, 1020, 1100, 4000]),
    tool_calls=st.integers(0, 5),
    reasoning_tokens=st.sampled_from([0, 30]),
    interrupted_share=st.sampled_from([Decimal(0), Decimal("0.3")]),
    first_speaker=st.sampled_from(["user", "assistant"]),
    transport=st.sampled_from(["webrtc", "websocket"]),
    cache=st.sampled_from([None, "all", "none"]),
    prefix_reuse=st.sampled_from([None, Decimal(1)]),
    warm_cache=st.booleans(),
)

# --- crossings --------------------------------------------------------------------------------------------------------

RANGES = {
    "minutes": SweepRange("minutes", Decimal(1), Decimal(30)),
    "turns": SweepRange("turns", Decimal(1), Decimal(60)),
    "speech": SweepRange("speech", Decimal(5), Decimal(100)),
}


def plan_at(axis: Axis, value: Decimal) -> Plan:
    """The plan of six minutes at a value of an axis, as the axis is described to people."""
    if axis == "turns":
        return with_length(SIX, int(value), SIX.minutes)
    if axis == "minutes":
        return with_length(SIX, round(value * 20 / 6), value)
    return replace(SIX, user_share=value / 200, assistant_share=value / 200)


def pricing_function(curve: BreakEvenCurve, axis: Axis, name: str) -> Callable[[Decimal], Fraction]:
    """What a way costs at a value, priced once more."""
    alternative = find(name)

    def price(value: Decimal) -> Fraction:
        repriced = amount(alternative, plan_at(axis, value))
        assert repriced is not None
        return repriced

    return price


@pytest.mark.parametrize("axis", ["minutes", "turns", "speech"])
def test_on_either_side_of_every_crossing_the_order_is_another(axis: Axis) -> None:
    curve = break_even(possible(), SIX, RANGES[axis])
    crossovers = [(pair, crossover) for pair in curve.pairs for crossover in pair.break_evens]
    assert crossovers
    for pair, crossover in crossovers:
        assert {crossover.cheaper_below, crossover.cheaper_above} == {pair.first, pair.second}
        below, above = (pricing_function(curve, axis, name) for name in (crossover.cheaper_below, crossover.cheaper_above))
        assert below(crossover.below) < above(crossover.below)
        assert above(crossover.above) < below(crossover.above)
        assert crossover.below <= crossover.estimate <= crossover.above


def orders(curve: BreakEvenCurve, pair: PairComparison) -> list[bool]:
    """Whether the first of a pair is the cheaper one, wherever they differ."""
    one, two = curve.names.index(pair.first), curve.names.index(pair.second)
    both = [(point.amounts[one], point.amounts[two]) for point in curve.points]
    return [first < second for first, second in both if first is not None and second is not None and first != second]


def assert_consistent(curve: BreakEvenCurve) -> None:
    """A pair has as many crossings as its order changes along the points, and is cheaper throughout only without any."""
    for pair in curve.pairs:
        order = orders(curve, pair)
        assert len(pair.break_evens) == sum(before != after for before, after in pairwise(order))
        if pair.cheaper is not None:
            assert set(order) == {pair.cheaper == pair.first}
        else:
            assert pair.break_evens or not order


@pytest.mark.parametrize("axis", ["minutes", "turns", "speech"])
def test_pairs_without_a_break_even_keep_one_order_over_the_range(axis: Axis) -> None:
    curve = break_even(possible(), SIX, RANGES[axis])
    assert_consistent(curve)
    assert any(pair.cheaper for pair in curve.pairs)


def invented_alternative(name: str, cost_of_turns: Callable[[int], int | None]) -> Alternative:
    """An invented way that costs so much for a number of turns, or has no answer."""

    def price_plan(plan: Plan) -> Scenarios:
        cost = cost_of_turns(plan.turns)
        if cost is None:
            raise ContextOverflow("too long")
        return Scenarios(cost, cost, cost)

    return replace(possible()[0], name=name, title=name, price_plan=price_plan)


TURNS = 12
amounts = st.lists(st.none() | st.integers(1, 4), min_size=TURNS, max_size=TURNS)


def invented_curve(*tables: Sequence[int | None]) -> BreakEvenCurve:
    """Ways with these amounts for 1, 2, 3 ... turns."""
    invented_alternatives = [
        invented_alternative("abcdef"[index], lambda turns, table=table: table[turns - 1])  # type: ignore[misc]
        for index, table in enumerate(tables)
    ]
    return break_even(invented_alternatives, SIX, SweepRange("turns", Decimal(1), Decimal(len(tables[0]))))


@settings(deadline=None)
@given(st.lists(amounts, min_size=2, max_size=4))
def test_break_evens_are_exactly_the_changes_of_order(tables: list[list[int | None]]) -> None:
    curve = invented_curve(*tables)
    assert_consistent(curve)
    for pair in curve.pairs:
        one, two = curve.names.index(pair.first), curve.names.index(pair.second)
        by_value = {point.value: (point.amounts[one], point.amounts[two]) for point in curve.points}
        for crossover in pair.break_evens:
            for value, cheaper in ((crossover.below, crossover.cheaper_below), (crossover.above, crossover.cheaper_above)):
                first, second = by_value[value]
                assert first is not None
                assert second is not None
                assert cheaper == (pair.first if first < second else pair.second)


def test_amounts_that_only_touch_have_no_break_even() -> None:
    pair = invented_curve([1, 2, 2, 1], [2, 2, 2, 2]).pairs[0]
    assert (pair.break_evens, pair.cheaper) == ((), "a")


def test_a_break_even_spans_values_at_which_both_cost_the_same() -> None:
    """1 against 2, twice the same, then 3 against 2: between one turn and four."""
    crossover = invented_curve([1, 2, 2, 3], [2, 2, 2, 2]).pairs[0].break_evens[0]
    assert [crossover.below, crossover.estimate, crossover.above] == [1, Decimal("2.5"), 4]
    assert (crossover.cheaper_below, crossover.cheaper_above) == ("a", "b")


def test_nobody_is_cheaper_throughout_where_the_order_changes_over_a_gap() -> None:
    curve = invented_curve([1, None, None, 3], [2, 2, 2, 2])
    crossover = curve.pairs[0].break_evens[0]
    assert [crossover.below, crossover.above] == [1, 4]
    assert curve.pairs[0].cheaper is None
    assert curve.missing == ("a cannot be estimated at 2 of 4 values, first at 2",)


def test_two_alternatives_that_always_cost_the_same_have_no_cheaper_one() -> None:
    pair = invented_curve([3, 3], [3, 3]).pairs[0]
    assert (pair.break_evens, pair.cheaper) == ((), None)


def monthly_alternative(name: str, dollars: int, mean_cents: int) -> Alternative:
    return replace(possible()[0], name=name, fixed_monthly_fee=dollars * 10**12, mean_cost=Fraction(mean_cents * 10**10))


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 500), st.integers(1, 9))
def test_a_break_even_volume_is_exact_to_one_conversation(dollars: int, cheaper_by: int) -> None:
    """So many dollars a month are worth it from (dollars / difference) conversations on, exactly."""
    both = [monthly_alternative("plain", 0, 10), monthly_alternative("fixed", dollars, 10 - cheaper_by)]
    threshold = Fraction(100 * dollars, cheaper_by)
    crossovers = break_even(both, SIX, SweepRange("volume", Decimal(1), Decimal(100_000))).pairs[0].break_evens
    assert len(crossovers) == 1
    assert (crossovers[0].cheaper_below, crossovers[0].cheaper_above) == ("plain", "fixed")
    assert crossovers[0].below < threshold < crossovers[0].above
    assert crossovers[0].above - crossovers[0].below == (2 if threshold.denominator == 1 else 1)


def test_a_volume_at_which_both_cost_the_same_lies_between_its_neighbours() -> None:
    """$100 a month against 4 cents a conversation: 2,500 conversations cost the same."""
    both = [monthly_alternative("plain", 0, 10), monthly_alternative("fixed", 100, 6)]
    crossover = break_even(both, SIX, SweepRange("volume", Decimal(1), Decimal(10_000))).pairs[0].break_evens[0]
    assert [crossover.below, crossover.estimate, crossover.above] == [2499, 2500, 2501]


# --- ranges -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("axis", "low", "high", "message"),
    [
        ("price", 1, 2, "one of minutes, turns, speech, volume, not 'price'"),
        ("minutes", 0, 5, "from a value above 0, not from 0 to 5"),
        ("minutes", -1, 5, "not from -1 to 5"),
        ("turns", 5, 5, "not from 5 to 5"),
        ("turns", 9, 5, "not from 9 to 5"),
        ("speech", 5, 101, "speech goes up to 100, not to 101"),
        ("minutes", 1, 1441, "minutes goes up to 1,440, not to 1,441"),
        ("turns", 1, 20_001, "turns goes up to 20,000, not to 20,001"),
        ("volume", 1, 10**13, "volume goes up to 1,000,000,000,000"),
        ("minutes", Decimal("NaN"), 5, "must be a finite number"),
        ("minutes", 1, Decimal("Infinity"), "must be a finite number"),
        ("minutes", "one", 5, "must be a number, not 'one'"),
    ],
)
def test_an_invalid_range_is_refused(axis: Axis, low: Decimal, high: Decimal, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        SweepRange(axis, low, high)
    assert message in str(caught.value)


@pytest.mark.parametrize(("axis", "what"), [("turns", "turns"), ("speech", "speech"), ("minutes", "minutes")])
def test_a_range_without_a_value_that_could_be_looked_at_is_refused(axis: Axis, what: str) -> None:
    """There is no whole number between 3.2 and 3.4; and turns of 18 s end at 3.0, 3.3 and 3.6 minutes."""
    low, high = (Decimal("3.31"), Decimal("3.4")) if axis == "minutes" else (Decimal("3.2"), Decimal("3.4"))
    with pytest.raises(InvalidInput, match=f"no value of {what} between"):
        break_even(possible()[:2], SIX, SweepRange(axis, low, high))


def test_a_single_alternative_has_no_break_even() -> None:
    with pytest.raises(InvalidInput, match="two different alternatives"):
        break_even([possible()[0], possible()[0]], SIX, RANGES["turns"])


def test_an_impossible_alternative_has_no_break_even() -> None:
    early = alternatives(None, SIX, ModelSelection(model="any", day=date(2024, 12, 1)), load_facts())
    message = "best cannot be ranked: no transcription model named gpt-live-transcribe is available on 2024-12-01"
    with pytest.raises(InvalidInput, match=message):
        select_alternatives(early, ["cheapest", "best"])
    with pytest.raises(InvalidInput, match=message):
        break_even(
            [possible()[0], next(alternative for alternative in early.not_possible if alternative.name == "best")],
            SIX,
            RANGES["turns"],
        )


def test_alternatives_are_selected_by_name_or_as_the_cheapest_of_each_architecture_or_the_cheapest_two() -> None:
    assert [alternative.name for alternative in select_alternatives(six_minutes(), ["fast", "translation"])] == [
        "fast",
        "translation",
    ]
    assert [alternative.architecture for alternative in select_alternatives(six_minutes())] == [
        "pipeline",
        "speech-to-speech",
        "live",
    ]
    only_pipelines = replace(six_minutes(), conversational=(find("fast"), find("best"), find("azure-only")))
    assert [alternative.name for alternative in select_alternatives(only_pipelines)] == ["fast", "best"]
    with pytest.raises(
        UnknownName, match=r"unknown stack or offer 'fats' among the compared alternatives.*; the nearest is fast"
    ):
        select_alternatives(six_minutes(), ["fats"])


@pytest.mark.parametrize(
    ("axis", "text", "low", "high"),
    [
        ("turns", "1:60", 1, 60),
        ("speech", "5%:100%", 5, 100),
        ("minutes", "90s:1h", Decimal("1.5"), 60),
        ("volume", "1:2k", 1, 2000),
    ],
)
def test_a_range_is_read_as_people_write_it(axis: Axis, text: str, low: Decimal, high: Decimal) -> None:
    assert parse_range(axis, text) == SweepRange(axis, low, high)


@pytest.mark.parametrize("text", ["60", "60:1", ":", "1:", "a:b", "-1:5", "1:nan", "0:5", "1:2:3", "1%:101%"])
def test_a_range_that_nobody_can_read_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_range("speech", text)


ODD = [Plan(minutes=Decimal("0.2"), turns=1), Plan(minutes=1440, turns=3), Plan(minutes=1, turns=900)]


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("plan", [*ODD, Plan(minutes=Decimal("0.0005"), turns=20), Plan(minutes=1, turns=1, tool_calls=2000)])
def test_the_default_range_can_always_be_evaluated(axis: Axis, plan: Plan) -> None:
    sweep_range = default_range(axis, plan, Volume(Decimal(10**12), "hour"))
    assert break_even(
        [invented_alternative("a", lambda _: 1), invented_alternative("b", lambda _: 2)], plan, sweep_range
    ).pairs[0].cheaper in ("a", None)


def test_every_axis_has_its_own_ranking() -> None:
    curves = sweep(possible()[:2], SIX, ["minutes", "volume"])
    assert [curve.sweep_range.axis for curve in curves] == ["minutes", "volume"]


# --- what holds of every way ------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(plans)
def test_a_cache_never_makes_anything_dearer_and_the_parts_add_up(plan: Plan) -> None:
    """Where writing to the cache is billed too: what is found costs less than what is written."""
    result = alternatives(None, plan, SELECTION, load_facts())
    for alternative in (*result.conversational, *result.partial):
        amounts = alternative.per_conversation
        assert amounts is not None
        assert amounts.best <= amounts.expected <= amounts.worst
        assert sum(component.amount for component in alternative.components) == amounts.expected
        assert alternative.price_plan is not None
        assert alternative.price_plan(plan) == amounts


def test_the_parts_of_realtime_models_add_up_too() -> None:
    result = alternatives_for(replace(SIX, transcription_model="gpt-4o-mini-transcribe"))
    realtime = [alternative for alternative in result.conversational if alternative.architecture == "speech-to-speech"]
    assert [len(alternative.components) for alternative in realtime] == [2] * len(realtime)
    assert realtime
    assert all(
        sum(component.amount for component in alternative.components) == alternative.expected for alternative in realtime
    )


@settings(max_examples=10, deadline=None)
@given(plans)
def test_writing_to_the_cache_costs_more_than_having_none(plan: Plan) -> None:
    """A quarter more at most, and nothing for prompts of less than 1,024 tokens."""
    own = Stack("own", "own", "text", {"llm": ("gpt-6-luna",)}, provider="openai")
    with_writes, without_writes = (
        find(
            "own", alternatives(None, plan, replace(SELECTION, overrides={"cache_writes": writes}), load_facts(), stacks=[own])
        )
        for writes in (True, False)
    )
    assert with_writes.per_conversation is not None
    assert without_writes.per_conversation is not None
    assert (
        without_writes.per_conversation.worst
        <= with_writes.per_conversation.worst
        <= without_writes.per_conversation.worst * Fraction(5, 4)
    )


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 10), st.integers(1, 29), st.integers(1, 20), st.sampled_from([0, 1100]))
def test_more_minutes_in_as_many_turns_never_cost_less(turns: int, minutes: int, more: int, prompt: int) -> None:
    """Nothing found in a cache; ten turns at most, so that every turn says more."""
    short = Plan(minutes=minutes, turns=turns, instructions_tokens=prompt)
    long = replace(short, minutes=minutes + more)
    for alternative in (alternative for alternative in possible() if alternative.architecture != "speech-to-speech"):
        assert alternative.price_plan is not None
        assert alternative.price_plan(short).worst <= alternative.price_plan(long).worst, alternative.name


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 40), st.integers(1, 9000), st.integers(1, 9000))
def test_a_stream_never_costs_less_for_lasting_a_moment_longer(turns: int, ms: int, more: int) -> None:
    plan = Plan(minutes=Decimal(1000 + ms) / 1000, turns=turns, transport="websocket")
    longer = replace(plan, minutes=Decimal(1000 + ms + more) / 1000)
    for name in ("transcript-live", "translation"):
        before, after = (amount(find(name), varied) for varied in (plan, longer))
        assert before is not None
        assert after is not None
        assert before <= after


def test_a_longer_prompt_may_cost_less_once_a_cache_finds_it() -> None:
    """Two turns of 46 and 92 tokens more than the prompt and 3. With 971 tokens 1,020 are in common, too few; with 981 it is
    1,030, of which 1,024 are found at a quarter of the price: (1,020 + 1,112) x 2 against (1,030 + 98) x 2 + 1,024 x 0.50.
    """
    rules = {"turn_variation": 0, "vad_prefix_ms": 0, "vad_silence_ms": 0, "cache_reuse_share": 1}
    short, long = (
        find("gpt-4.1-typed", alternatives(None, plan, replace(SELECTION, overrides=rules), load_facts())).expected
        for plan in (Plan(minutes=1, turns=2, instructions_tokens=prompt) for prompt in (971, 981))
    )
    answers = 2 * 42 * 8
    assert short == (2132 * 2 + answers) * 10**6
    assert long == (1128 * 2 + 512 + answers) * 10**6


# --- what was wished for ----------------------------------------------------------------------------------------------


@settings(max_examples=10, deadline=None)
@given(plans, st.sampled_from([DAY, date(2026, 11, 1), date(2027, 3, 1)]))
def test_stacks_are_what_was_wished_for(plan: Plan, day: date) -> None:
    result = alternatives(None, plan, ModelSelection(model="any", day=day), load_facts())
    by_name = {alternative.name: alternative for alternative in (*result.conversational, *result.partial)}
    azure = by_name.get("azure-only")
    if azure is not None:
        assert {component.quote.offer.provider for component in azure.components} == {"azure"}
    lasting = by_name.get("supported-a-year")
    if lasting is not None:
        ends = [load_facts().prices.shutdown_day(component.quote.offer) for component in lasting.components]
        assert all(end is None or end >= day + timedelta(days=365) for end in ends)
    fast = by_name.get("fast")
    if fast is not None:
        assert [component.quote.offer.tier for component in fast.components] == ["standard", "priority", "standard"]
        assert fast.components[1].quote.offer.model == "gpt-5.4-mini"
    for stack in load_facts().stacks:
        alternative = by_name.get(stack.name)
        for component in alternative.components if alternative else ():
            assert component.role is not None
            assert component.quote.offer.model in (stack.models.get(component.role) or (component.quote.offer.model,))
            assert component.quote.offer.tier == (stack.tier if component.role == "llm" else "standard")
            assert not load_facts().prices.is_shut_down(component.quote.offer, day)


def test_all_wishes_can_be_met_today() -> None:
    assert six_minutes().not_possible == ()
    assert {alternative.name for alternative in possible()} >= {stack.name for stack in load_facts().stacks}


@pytest.mark.parametrize(
    "plan", [SIX, Plan(minutes=1, turns=3, instructions_tokens=0), Plan(minutes=20, turns=40, user_share=0.1, tool_calls=9)]
)
def test_the_cheapest_chain_is_the_cheapest_of_all_chains(plan: Plan) -> None:
    """Priority tiers cost more, so that the cheapest of all answers at the standard one."""
    first = cheapest_pipelines(plan, SELECTION, load_facts(), 1)[0].conversational[0]
    cheapest = find("cheapest", alternatives(None, plan, SELECTION, load_facts()))
    assert {component.quote.offer.tier for component in first.components} == {"standard"}
    assert first.expected == cheapest.expected
    assert [component.quote.rates.row.unit_prices for component in first.components] == [
        component.quote.rates.row.unit_prices for component in cheapest.components
    ]


def test_every_stack_says_what_it_is_and_why() -> None:
    assert [stack.name for stack in load_facts().stacks if not (stack.title and stack.note)] == []


EARLY = date(2024, 12, 1)
"""After the first day of the rules, and before most models were sold."""


def test_a_price_for_writing_to_the_cache_and_the_rule_that_it_is_billed_go_together() -> None:
    mismatches = [
        (offer.id, str(row.since))
        for offer in load_facts().prices.offers
        if offer.kind == "text"
        for row in offer.rows
        if ("text_in_cache_write" in row.unit_prices)
        != load_facts().rules_for(offer, day=max(row.since.first, EARLY)).rules.cache_writes
    ]
    assert mismatches == []


ENDS = [
    ({"llm": ("gpt-6-luna",), "tts": ("tts-1",)}, "tts-1", "2027-01-06", "gpt-realtime-2.1-mini"),
    ({"llm": ("gpt-4.1",), "tts": ("gpt-realtime-2.1-mini",)}, "gpt-4.1", "2027-01-14", "gpt-6-luna"),
]


@pytest.mark.parametrize(("models", "ends", "on", "instead"), ENDS)
def test_a_chain_of_what_soon_ends_warns_with_the_day_and_what_is_named_instead(
    models: dict[str, tuple[str, ...]], ends: str, on: str, instead: str
) -> None:
    own = Stack("own", "own", "pipeline", {"transcriber": ("gpt-transcribe",), **models}, provider="openai")  # type: ignore[dict-item]
    alternative = find("own", alternatives(None, SIX, SELECTION, load_facts(), stacks=[own]))
    assert f"{ends} is shut down by openai on {on}; the named replacement is {instead}" in alternative.warnings
    assert alternative.ends == date.fromisoformat(on)


# --- refusals ---------------------------------------------------------------------------------------------------------


def reason_for(stack: Stack, day: date = DAY) -> str:
    result = alternatives(None, SIX, ModelSelection(model="any", day=day), load_facts(), stacks=[stack])
    assert (result.conversational, result.partial) == ((), ())
    assert result.not_possible[0].reason is not None
    return result.not_possible[0].reason


def test_before_its_models_were_available_a_stack_is_refused_with_their_names() -> None:
    day = date(2024, 12, 1)
    by_name = {stack.name: stack for stack in load_facts().stacks}
    assert reason_for(by_name["gpt-4.1-typed"], day) == "no text model named gpt-4.1 is available on 2024-12-01"
    assert (
        reason_for(by_name["gpt-6-luna-flex"], day)
        == "no text model named gpt-6-luna at service tier flex is available on 2024-12-01"
    )
    assert reason_for(by_name["transcript-live"], day) == (
        "no transcription model named gpt-live-transcribe or gpt-realtime-whisper is available on 2024-12-01"
    )
    assert (
        reason_for(by_name["gpt-live-1.1"], DAY - timedelta(days=3))
        == "no live model named gpt-live-1.1 is available on 2026-11-19"
    )


def test_wishes_that_nobody_meets_are_named() -> None:
    far = Stack("own", "own", "translation", {}, provider="nobody", min_lifetime_days=400)
    assert reason_for(far) == "no translation model of nobody supported until 2027-12-27 is available on 2026-11-22"


def test_a_carrier_or_platform_that_is_not_there_is_refused_with_the_nearest() -> None:
    own = Stack("own", "own", "transcription", {"transcriber": ("gpt-transcribe",)}, fees=("twilio/voice-inbound-us",))
    assert "twilio/voice-inbound-us-local" in reason_for(own)


def test_nobody_talks_in_a_chain() -> None:
    with pytest.raises(InvalidInput, match="a pipeline stack has no live: its components are transcriber, llm, tts"):
        Stack("own", "own", "pipeline", {"live": ("gpt-live-1",)})


def test_an_architecture_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(
        InvalidInput, match="architecture is one of live, pipeline, text, transcription, translation, not 'ring'"
    ):
        Stack("own", "own", "ring", {})  # type: ignore[arg-type]


STACK = '[[stacks]]\nname = "own"\ntitle = "own"\narchitecture = "pipeline"\nsources = ["own"]\nchecked = 2026-11-22\n'


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('llm = ["gpt-6-lunar"]', "unknown llm model 'gpt-6-lunar'; the nearest are"),
        ('live = ["gpt-live-1"]', "a pipeline stack has no live: its components are transcriber, llm, tts"),
        ('tier = "soon"', "tier"),
        ("streams = 0", "streams"),
        ("min_lifetime_days = -1", "min_lifetime_days"),
        ('sings = ["tts-1"]', "sings"),
    ],
)
def test_a_faulty_stack_of_ones_own_is_refused_with_its_line(tmp_path: Path, row: str, message: str) -> None:
    file = tmp_path / "own.toml"
    file.write_text(STACK + row + "\n", encoding="utf-8")
    with pytest.raises(InvalidFile) as caught:
        load_facts(file)
    assert message in str(caught.value)
    assert "own.toml" in str(caught.value)


def test_a_custom_stack_may_not_have_the_name_of_a_built_in_one(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(STACK.replace('name = "own"', 'name = "fast"'), encoding="utf-8")
    with pytest.raises(InvalidFile, match="the stack fast exists already"):
        load_facts(file)


def test_a_model_in_the_wrong_role_is_refused() -> None:
    own = Stack("own", "own", "pipeline", {"tts": ("gpt-4.1",)})
    assert reason_for(own) == "no speech model named gpt-4.1 is available on 2026-11-22"


def test_a_day_before_the_first_rules_is_refused_with_the_day_since_which_they_hold() -> None:
    with pytest.raises(
        InvalidInput, match="rule set recorded-2026-11-27 has no rules for 2022-01-01: its first rules apply from 2024-10-01"
    ):
        alternatives(None, SIX, ModelSelection(model="any", day=date(2022, 1, 1)), load_facts())
