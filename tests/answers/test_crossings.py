"""Where the ranking flips, and what holds of every way to build the agent, whatever the plan."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cases import DAY
from voicebill.answers.alternatives import Alternative, Alternatives, alternatives, every_pipeline
from voicebill.answers.compare import compare
from voicebill.answers.crossings import AXES, Axis, Flips, Pair, Range, along, chosen, flips, range_said, usual
from voicebill.answers.offered import Asked
from voicebill.answers.quantities import Volume
from voicebill.answers.scenarios import Scenarios
from voicebill.answers.stacks import Stack
from voicebill.billing.errors import ContextOverflow, InvalidInput, UnknownName, VoicebillError
from voicebill.conversation.plan import Plan, at_length
from voicebill.facts import load
from voicebill.facts.files import FaultyFile

FACTS = load()
BOOK = FACTS.prices
ASKED = Asked(model="any", day=DAY)
SIX = Plan(minutes=6, turns=20)
SPOKEN_BY = ("gpt-realtime-1.5", "gpt-realtime-2.1-mini", "gpt-4o-mini-realtime-preview")


def found_for(plan: Plan, asked: Asked = ASKED) -> Alternatives:
    """Every named stack, and three realtime models of OpenAI's."""
    offers = [offer for offer in BOOK.offers if offer.model in SPOKEN_BY and offer.provider == "openai" and offer.row_on(DAY)]
    return alternatives(compare(plan, offers, asked, FACTS), plan, asked, FACTS)


KNOWN = found_for(SIX)
WAYS = (*KNOWN.spoken, *KNOWN.others)


def named(name: str, among: Alternatives = KNOWN) -> Alternative:
    way = among.named(name)
    assert way is not None
    return way


def amount(way: Alternative, plan: Plan) -> Fraction | None:
    assert way.way is not None
    try:
        return Fraction(way.way(plan).expected)
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
    reuse=st.sampled_from([None, Decimal(1)]),
    warm=st.booleans(),
)

# --- crossings --------------------------------------------------------------------------------------------------------

RANGES = {
    "minutes": Range("minutes", Decimal(1), Decimal(30)),
    "turns": Range("turns", Decimal(1), Decimal(60)),
    "talk": Range("talk", Decimal(5), Decimal(100)),
}


def at_value(axis: Axis, at: Decimal) -> Plan:
    """The plan of six minutes at a value of an axis, as the axis is described to people."""
    if axis == "turns":
        return at_length(SIX, int(at), SIX.minutes)
    if axis == "minutes":
        return at_length(SIX, round(at * 20 / 6), at)
    return replace(SIX, user_share=at / 200, assistant_share=at / 200)


def priced_at(found: Flips, axis: Axis, name: str) -> Callable[[Decimal], Fraction]:
    """What a way costs at a value, priced once more."""
    way = named(name)

    def of(at: Decimal) -> Fraction:
        again = amount(way, at_value(axis, at))
        assert again is not None
        return again

    return of


@pytest.mark.parametrize("axis", ["minutes", "turns", "talk"])
def test_on_either_side_of_every_crossing_the_order_is_another(axis: Axis) -> None:
    found = flips(WAYS, SIX, RANGES[axis])
    crossings = [(pair, crossing) for pair in found.pairs for crossing in pair.crossings]
    assert crossings
    for pair, crossing in crossings:
        assert {crossing.cheaper_below, crossing.cheaper_above} == {pair.first, pair.second}
        below, above = (priced_at(found, axis, name) for name in (crossing.cheaper_below, crossing.cheaper_above))
        assert below(crossing.below) < above(crossing.below)
        assert above(crossing.above) < below(crossing.above)
        assert crossing.below <= crossing.near <= crossing.above


def orders(found: Flips, pair: Pair) -> list[bool]:
    """Whether the first of a pair is the cheaper one, wherever they differ."""
    one, two = found.names.index(pair.first), found.names.index(pair.second)
    both = [(point.amounts[one], point.amounts[two]) for point in found.points]
    return [first < second for first, second in both if first is not None and second is not None and first != second]


def holds_together(found: Flips) -> None:
    """A pair has as many crossings as its order changes along the points, and is cheaper throughout only without any."""
    for pair in found.pairs:
        order = orders(found, pair)
        assert len(pair.crossings) == sum(before != after for before, after in pairwise(order))
        if pair.cheaper is not None:
            assert set(order) == {pair.cheaper == pair.first}
        else:
            assert pair.crossings or not order


@pytest.mark.parametrize("axis", ["minutes", "turns", "talk"])
def test_pairs_without_a_crossing_keep_one_order_over_the_whole_range(axis: Axis) -> None:
    found = flips(WAYS, SIX, RANGES[axis])
    holds_together(found)
    assert any(pair.cheaper for pair in found.pairs)


def costing(name: str, of: Callable[[int], int | None]) -> Alternative:
    """An invented way that costs so much for a number of turns, or has no answer."""

    def way(plan: Plan) -> Scenarios:
        each = of(plan.turns)
        if each is None:
            raise ContextOverflow("too long")
        return Scenarios(each, each, each)

    return replace(WAYS[0], name=name, title=name, way=way)


TURNS = 12
amounts = st.lists(st.none() | st.integers(1, 4), min_size=TURNS, max_size=TURNS)


def invented(*tables: Sequence[int | None]) -> Flips:
    """Ways with these amounts for 1, 2, 3 ... turns."""
    ways = [costing("abcdef"[at], lambda turns, table=table: table[turns - 1]) for at, table in enumerate(tables)]  # type: ignore[misc]
    return flips(ways, SIX, Range("turns", Decimal(1), Decimal(len(tables[0]))))


@settings(deadline=None)
@given(st.lists(amounts, min_size=2, max_size=4))
def test_whatever_ways_cost_crossings_are_the_changes_of_their_order(tables: list[list[int | None]]) -> None:
    found = invented(*tables)
    holds_together(found)
    for pair in found.pairs:
        one, two = found.names.index(pair.first), found.names.index(pair.second)
        at = {point.at: (point.amounts[one], point.amounts[two]) for point in found.points}
        for crossing in pair.crossings:
            for value, cheaper in ((crossing.below, crossing.cheaper_below), (crossing.above, crossing.cheaper_above)):
                first, second = at[value]
                assert first is not None
                assert second is not None
                assert cheaper == (pair.first if first < second else pair.second)


def test_ways_that_touch_and_part_again_do_not_cross() -> None:
    found = invented([1, 2, 2, 1], [2, 2, 2, 2]).pairs[0]
    assert (found.crossings, found.cheaper) == ((), "a")


def test_ways_that_cost_the_same_between_cross_from_the_last_difference_to_the_next() -> None:
    """1 against 2, twice the same, then 3 against 2: between one turn and four."""
    crossing = invented([1, 2, 2, 3], [2, 2, 2, 2]).pairs[0].crossings[0]
    assert [crossing.below, crossing.near, crossing.above] == [1, Decimal("2.5"), 4]
    assert (crossing.cheaper_below, crossing.cheaper_above) == ("a", "b")


def test_nobody_is_cheaper_throughout_where_the_order_changes_over_a_gap() -> None:
    found = invented([1, None, None, 3], [2, 2, 2, 2])
    crossing = found.pairs[0].crossings[0]
    assert [crossing.below, crossing.above] == [1, 4]
    assert found.pairs[0].cheaper is None
    assert found.gaps == ("a has no answer at 2 of 4 values, first at 2",)


def test_two_ways_that_always_cost_the_same_are_told_so() -> None:
    pair = invented([3, 3], [3, 3]).pairs[0]
    assert (pair.crossings, pair.cheaper) == ((), None)


def monthly(name: str, dollars: int, each_cents: int) -> Alternative:
    return replace(WAYS[0], name=name, monthly=dollars * 10**12, each=Fraction(each_cents * 10**10))


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 500), st.integers(1, 9))
def test_a_volume_is_told_to_the_conversation(dollars: int, cheaper_by: int) -> None:
    """So many dollars a month are worth it from (dollars / difference) conversations on, exactly."""
    ways = [monthly("plain", 0, 10), monthly("fixed", dollars, 10 - cheaper_by)]
    worth = Fraction(100 * dollars, cheaper_by)
    found = flips(ways, SIX, Range("volume", Decimal(1), Decimal(100_000))).pairs[0].crossings
    assert len(found) == 1
    assert (found[0].cheaper_below, found[0].cheaper_above) == ("plain", "fixed")
    assert found[0].below < worth < found[0].above
    assert found[0].above - found[0].below == (2 if worth.denominator == 1 else 1)


def test_a_volume_at_which_both_cost_the_same_lies_between_its_neighbours() -> None:
    """$100 a month against 4 cents a conversation: 2,500 conversations cost the same."""
    ways = [monthly("plain", 0, 10), monthly("fixed", 100, 6)]
    crossing = flips(ways, SIX, Range("volume", Decimal(1), Decimal(10_000))).pairs[0].crossings[0]
    assert [crossing.below, crossing.near, crossing.above] == [2499, 2500, 2501]


# --- ranges -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("axis", "low", "high", "said"),
    [
        ("price", 1, 2, "along minutes, turns, talk, volume, not 'price'"),
        ("minutes", 0, 5, "from more than 0 to more than that, not from 0 to 5"),
        ("minutes", -1, 5, "not from -1 to 5"),
        ("turns", 5, 5, "not from 5 to 5"),
        ("turns", 9, 5, "not from 9 to 5"),
        ("talk", 5, 101, "talk goes up to 100, not to 101"),
        ("minutes", 1, 1441, "minutes goes up to 1,440, not to 1,441"),
        ("turns", 1, 20_001, "turns goes up to 20,000, not to 20,001"),
        ("volume", 1, 10**13, "volume goes up to 1,000,000,000,000"),
        ("minutes", Decimal("NaN"), 5, "must be a finite number"),
        ("minutes", 1, Decimal("Infinity"), "must be a finite number"),
        ("minutes", "one", 5, "must be a number, not 'one'"),
    ],
)
def test_a_range_that_cannot_be_meant_is_refused(axis: Axis, low: Decimal, high: Decimal, said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Range(axis, low, high)
    assert said in str(refused.value)


@pytest.mark.parametrize(("axis", "what"), [("turns", "turns"), ("talk", "talk"), ("minutes", "minutes")])
def test_a_range_without_a_value_that_could_be_looked_at_is_refused(axis: Axis, what: str) -> None:
    """There is no whole number between 3.2 and 3.4; and turns of 18 s end at 3.0, 3.3 and 3.6 minutes."""
    low, high = (Decimal("3.31"), Decimal("3.4")) if axis == "minutes" else (Decimal("3.2"), Decimal("3.4"))
    with pytest.raises(InvalidInput, match=f"no value of {what} between"):
        flips(WAYS[:2], SIX, Range(axis, low, high))


def test_one_way_has_no_ranking() -> None:
    with pytest.raises(InvalidInput, match="two different ways"):
        flips([WAYS[0], WAYS[0]], SIX, RANGES["turns"])


def test_a_way_that_cannot_be_has_no_ranking_either() -> None:
    early = alternatives(None, SIX, Asked(model="any", day=date(2024, 12, 1)), FACTS)
    why = "best cannot be ranked: no transcription model named gpt-live-transcribe is sold on 2024-12-01"
    with pytest.raises(InvalidInput, match=why):
        chosen(early, ["cheapest", "best"])
    with pytest.raises(InvalidInput, match=why):
        flips([WAYS[0], next(each for each in early.refused if each.name == "best")], SIX, RANGES["turns"])


def test_ways_are_ranked_by_name_or_the_cheapest_of_each_kind_or_the_cheapest_two() -> None:
    assert [way.name for way in chosen(KNOWN, ["fast", "translation"])] == ["fast", "translation"]
    assert [way.architecture for way in chosen(KNOWN)] == ["pipeline", "speech-to-speech", "live"]
    alike = replace(KNOWN, spoken=(named("fast"), named("best"), named("azure-only")))
    assert [way.name for way in chosen(alike)] == ["fast", "best"]
    with pytest.raises(UnknownName, match=r"unknown stack or offer 'fats' among the ways .*; the nearest is fast"):
        chosen(KNOWN, ["fats"])


@pytest.mark.parametrize(
    ("axis", "said", "low", "high"),
    [
        ("turns", "1:60", 1, 60),
        ("talk", "5%:100%", 5, 100),
        ("minutes", "90s:1h", Decimal("1.5"), 60),
        ("volume", "1:2k", 1, 2000),
    ],
)
def test_a_range_is_read_as_people_write_it(axis: Axis, said: str, low: Decimal, high: Decimal) -> None:
    assert range_said(axis, said) == Range(axis, low, high)


@pytest.mark.parametrize("said", ["60", "60:1", ":", "1:", "a:b", "-1:5", "1:nan", "0:5", "1:2:3", "1%:101%"])
def test_a_range_that_nobody_can_read_is_refused(said: str) -> None:
    with pytest.raises(InvalidInput):
        range_said("talk", said)


ODD = [Plan(minutes=Decimal("0.2"), turns=1), Plan(minutes=1440, turns=3), Plan(minutes=1, turns=900)]


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("plan", [*ODD, Plan(minutes=Decimal("0.0005"), turns=20), Plan(minutes=1, turns=1, tool_calls=2000)])
def test_the_usual_range_can_always_be_looked_at(axis: Axis, plan: Plan) -> None:
    within = usual(axis, plan, Volume(Decimal(10**12), "hour"))
    assert flips([costing("a", lambda _: 1), costing("b", lambda _: 2)], plan, within).pairs[0].cheaper in ("a", None)


def test_every_axis_has_its_own_ranking() -> None:
    found = along(WAYS[:2], SIX, ["minutes", "volume"])
    assert [each.within.axis for each in found] == ["minutes", "volume"]


# --- what holds of every way ------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(plans)
def test_a_cache_never_makes_anything_dearer_and_the_parts_add_up(plan: Plan) -> None:
    """Where writing to the cache is billed too: what is found costs less than what is written."""
    found = alternatives(None, plan, ASKED, FACTS)
    for way in (*found.spoken, *found.others):
        amounts = way.per_conversation
        assert amounts is not None
        assert amounts.best <= amounts.expected <= amounts.worst
        assert sum(leg.amount for leg in way.legs) == amounts.expected
        assert way.way is not None
        assert way.way(plan) == amounts


def test_the_parts_of_realtime_models_add_up_too() -> None:
    heard = found_for(replace(SIX, transcription_model="gpt-4o-mini-transcribe"))
    spoken = [way for way in heard.spoken if way.architecture == "speech-to-speech"]
    assert [len(way.legs) for way in spoken] == [2] * len(spoken)
    assert spoken
    assert all(sum(leg.amount for leg in way.legs) == way.expected for way in spoken)


@settings(max_examples=10, deadline=None)
@given(plans)
def test_writing_to_the_cache_costs_more_than_having_none(plan: Plan) -> None:
    """A quarter more at most, and nothing for prompts of less than 1,024 tokens."""
    own = Stack("own", "own", "text", {"answers": ("gpt-6-luna",)}, provider="openai")
    billed, plain = (
        named("own", alternatives(None, plan, replace(ASKED, overrides={"cache_writes": writes}), FACTS, stacks=[own]))
        for writes in (True, False)
    )
    assert billed.per_conversation is not None
    assert plain.per_conversation is not None
    assert plain.per_conversation.worst <= billed.per_conversation.worst <= plain.per_conversation.worst * Fraction(5, 4)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 10), st.integers(1, 29), st.integers(1, 20), st.sampled_from([0, 1100]))
def test_more_minutes_in_as_many_turns_never_cost_less(turns: int, minutes: int, more: int, prompt: int) -> None:
    """Nothing found in a cache; ten turns at most, so that every turn says more."""
    short = Plan(minutes=minutes, turns=turns, instructions_tokens=prompt)
    long = replace(short, minutes=minutes + more)
    for way in (way for way in WAYS if way.architecture != "speech-to-speech"):
        assert way.way is not None
        assert way.way(short).worst <= way.way(long).worst, way.name


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 40), st.integers(1, 9000), st.integers(1, 9000))
def test_a_stream_never_costs_less_for_lasting_a_moment_longer(turns: int, ms: int, more: int) -> None:
    plan = Plan(minutes=Decimal(1000 + ms) / 1000, turns=turns, transport="websocket")
    longer = replace(plan, minutes=Decimal(1000 + ms + more) / 1000)
    for name in ("transcript-live", "translation"):
        before, after = (amount(named(name), each) for each in (plan, longer))
        assert before is not None
        assert after is not None
        assert before <= after


def test_a_longer_prompt_may_cost_less_once_a_cache_finds_it() -> None:
    """Two turns of 46 and 92 tokens more than the prompt and 3. With 971 tokens 1,020 are in common, too few; with 981 it is
    1,030, of which 1,024 are found at a quarter of the price: (1,020 + 1,112) x 2 against (1,030 + 98) x 2 + 1,024 x 0.50.
    """
    rules = {"turn_variation": 0, "vad_prefix_ms": 0, "vad_silence_ms": 0, "cache_reuse_share": 1}
    short, long = (
        named("gpt-4.1-typed", alternatives(None, plan, replace(ASKED, overrides=rules), FACTS)).expected
        for plan in (Plan(minutes=1, turns=2, instructions_tokens=prompt) for prompt in (971, 981))
    )
    answers = 2 * 42 * 8
    assert short == (2132 * 2 + answers) * 10**6
    assert long == (1128 * 2 + 512 + answers) * 10**6


# --- what was wished for ----------------------------------------------------------------------------------------------


@settings(max_examples=10, deadline=None)
@given(plans, st.sampled_from([DAY, date(2026, 11, 1), date(2027, 3, 1)]))
def test_stacks_are_what_was_wished_for(plan: Plan, day: date) -> None:
    found = alternatives(None, plan, Asked(model="any", day=day), FACTS)
    by_name = {way.name: way for way in (*found.spoken, *found.others)}
    azure = by_name.get("azure-only")
    if azure is not None:
        assert {leg.found.offer.provider for leg in azure.legs} == {"azure"}
    lasting = by_name.get("lives-a-year")
    if lasting is not None:
        ends = [BOOK.soonest_end(leg.found.offer) for leg in lasting.legs]
        assert all(end is None or end >= day + timedelta(days=365) for end in ends)
    fast = by_name.get("fast")
    if fast is not None:
        assert [leg.found.offer.tier for leg in fast.legs] == ["standard", "priority", "standard"]
        assert fast.legs[1].found.offer.model == "gpt-5.4-mini"
    for stack in FACTS.stacks:
        way = by_name.get(stack.name)
        for leg in way.legs if way else ():
            assert leg.role is not None
            assert leg.found.offer.model in (stack.models.get(leg.role) or (leg.found.offer.model,))
            assert leg.found.offer.tier == (stack.tier if leg.role == "answers" else "standard")
            assert not BOOK.ended(leg.found.offer, day)


def test_all_wishes_can_be_met_today() -> None:
    assert KNOWN.refused == ()
    assert {way.name for way in WAYS} >= {stack.name for stack in FACTS.stacks}


@pytest.mark.parametrize(
    "plan", [SIX, Plan(minutes=1, turns=3, instructions_tokens=0), Plan(minutes=20, turns=40, user_share=0.1, tool_calls=9)]
)
def test_the_cheapest_chain_is_the_cheapest_of_all_chains(plan: Plan) -> None:
    """Priority tiers cost more, so that the cheapest of all answers at the standard one."""
    first = every_pipeline(plan, ASKED, FACTS, 1)[0].spoken[0]
    cheapest = named("cheapest", alternatives(None, plan, ASKED, FACTS))
    assert {leg.found.offer.tier for leg in first.legs} == {"standard"}
    assert first.expected == cheapest.expected
    assert [leg.found.offer.model for leg in first.legs] == [leg.found.offer.model for leg in cheapest.legs]


def test_every_stack_says_what_it_is_and_why() -> None:
    assert [stack.name for stack in FACTS.stacks if not (stack.title and stack.note)] == []


EARLY = date(2024, 12, 1)
"""After the first day of the rules, and before most models were sold."""


def test_a_price_for_writing_to_the_cache_and_the_rule_that_it_is_billed_go_together() -> None:
    apart = [
        (offer.id, str(row.since))
        for offer in BOOK.offers
        if offer.kind == "text"
        for row in offer.rows
        if ("text_in_cache_write" in row.prices) != FACTS.ruling(offer, day=max(row.since.first, EARLY)).rules.cache_writes
    ]
    assert apart == []


ENDS = [
    ({"answers": ("gpt-6-luna",), "speaks": ("tts-1",)}, "tts-1", "2027-01-06", "gpt-realtime-2.1-mini"),
    ({"answers": ("gpt-4.1",), "speaks": ("gpt-realtime-2.1-mini",)}, "gpt-4.1", "2027-01-14", "gpt-6-luna"),
]


@pytest.mark.parametrize(("models", "ends", "on", "instead"), ENDS)
def test_a_chain_of_what_soon_ends_warns_with_the_day_and_what_is_named_instead(
    models: dict[str, tuple[str, ...]], ends: str, on: str, instead: str
) -> None:
    own = Stack("own", "own", "pipeline", {"hears": ("gpt-transcribe",), **models}, provider="openai")  # type: ignore[dict-item]
    way = named("own", alternatives(None, SIX, ASKED, FACTS, stacks=[own]))
    assert f"{ends} is shut down by openai on {on}; the named replacement is {instead}" in way.warnings
    assert way.ends == date.fromisoformat(on)


# --- refusals ---------------------------------------------------------------------------------------------------------


def refusal(stack: Stack, day: date = DAY) -> str:
    found = alternatives(None, SIX, Asked(model="any", day=day), FACTS, stacks=[stack])
    assert (found.spoken, found.others) == ((), ())
    assert found.refused[0].refusal is not None
    return found.refused[0].refusal


def test_before_its_models_were_sold_a_stack_is_refused_with_their_names() -> None:
    day = date(2024, 12, 1)
    by_name = {stack.name: stack for stack in FACTS.stacks}
    assert refusal(by_name["gpt-4.1-typed"], day) == "no text model named gpt-4.1 is sold on 2024-12-01"
    assert refusal(by_name["gpt-6-luna-flex"], day) == "no text model named gpt-6-luna at the tier flex is sold on 2024-12-01"
    assert refusal(by_name["transcript-live"], day) == (
        "no transcription model named gpt-live-transcribe or gpt-realtime-whisper is sold on 2024-12-01"
    )
    assert refusal(by_name["gpt-live-1.1"], DAY - timedelta(days=3)) == "no live model named gpt-live-1.1 is sold on 2026-11-19"


def test_wishes_that_nobody_meets_are_named() -> None:
    far = Stack("own", "own", "translation", {}, provider="nobody", lives_days=400)
    assert refusal(far) == "no translation model of nobody that lives until 2027-12-27 is sold on 2026-11-22"


def test_a_carrier_or_platform_that_is_not_there_is_refused_with_the_nearest() -> None:
    own = Stack("own", "own", "transcription", {"hears": ("gpt-transcribe",)}, fees=("twilio/voice-inbound-us",))
    assert "twilio/voice-inbound-us-local" in refusal(own)


def test_nobody_talks_in_a_chain() -> None:
    with pytest.raises(InvalidInput, match="nobody in a pipeline talks: its seats are hears, answers, speaks"):
        Stack("own", "own", "pipeline", {"talks": ("gpt-live-1",)})


def test_an_architecture_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(
        InvalidInput, match="architecture is one of live, pipeline, text, transcription, translation, not 'ring'"
    ):
        Stack("own", "own", "ring", {})  # type: ignore[arg-type]


STACK = '[[stacks]]\nname = "own"\ntitle = "own"\narchitecture = "pipeline"\nsources = ["own"]\nchecked = 2026-11-22\n'


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ('answers = ["gpt-6-lunar"]', "unknown model that answers 'gpt-6-lunar'; the nearest are"),
        ('talks = ["gpt-live-1"]', "nobody in a pipeline talks: its seats are hears, answers, speaks"),
        ('tier = "soon"', "tier"),
        ("streams = 0", "streams"),
        ("lives_days = -1", "lives_days"),
        ('sings = ["tts-1"]', "sings"),
    ],
)
def test_a_faulty_stack_of_ones_own_is_refused_with_its_line(tmp_path: Path, row: str, said: str) -> None:
    file = tmp_path / "own.toml"
    file.write_text(STACK + row + "\n", encoding="utf-8")
    with pytest.raises(FaultyFile) as refused:
        load(file)
    assert said in str(refused.value)
    assert "own.toml" in str(refused.value)


def test_a_stack_of_ones_own_may_not_take_a_name_of_ours(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(STACK.replace('name = "own"', 'name = "fast"'), encoding="utf-8")
    with pytest.raises(FaultyFile, match="the stack fast exists already"):
        load(file)


def test_a_model_in_the_wrong_seat_is_not_sold_for_it() -> None:
    own = Stack("own", "own", "pipeline", {"speaks": ("gpt-4.1",)})
    assert refusal(own) == "no speech model named gpt-4.1 is sold on 2026-11-22"


def test_a_day_before_the_first_rules_is_refused_with_the_day_since_which_they_hold() -> None:
    with pytest.raises(
        InvalidInput, match="rule set recorded-2026-11 says nothing of 2022-01-01: its first rules hold since 2024-10-01"
    ):
        alternatives(None, SIX, Asked(model="any", day=date(2022, 1, 1)), FACTS)
