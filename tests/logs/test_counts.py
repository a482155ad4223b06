"""From reported counts to usage: disjoint, never more than was reported, and bounded where the counts leave it open."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicebill.billing.usage import Usage
from voicebill.logs import counts as counts_module
from voicebill.logs.counts import TokenCounts, count_repeated_input, no_usage, possible_usages

METERS = ("text_in", "text_in_cached", "audio_in", "audio_in_cached", "image_in", "image_in_cached", "text_out", "audio_out")


def test_cached_is_taken_out_of_the_input_not_added_to_it() -> None:
    """132 in, of which 64 cached: 68 are fresh."""
    (usage,) = possible_usages(TokenCounts(total=132, input=132, output=0, text_in=119, audio_in=13, cached=64, text_cached=64))
    assert usage == Usage.tokens(text_in=55, text_in_cached=64, audio_in=13)


def test_a_split_that_is_told_in_part_is_completed() -> None:
    """640 cached, 256 of them text and none an image: the rest can only be audio."""
    (usage,) = possible_usages(TokenCounts(input=789, text_in=313, audio_in=476, cached=640, text_cached=256, audio_cached=384))
    assert usage == Usage.tokens(text_in=57, text_in_cached=256, audio_in=92, audio_in_cached=384)


def test_without_a_split_both_ends_are_given() -> None:
    """640 cached of 313 text and 476 audio: 164 to 313 of them are text."""
    usages = possible_usages(TokenCounts(input=789, text_in=313, audio_in=476, cached=640))
    assert {usage["text_in_cached"] for usage in usages} == {164, 313}
    assert {usage.status for usage in usages} == {"ambiguous"}


def test_one_modality_needs_no_split() -> None:
    """All input is text, so what was cached is text."""
    (usage,) = possible_usages(TokenCounts(input=1000, text_in=1000, cached=896, output=10, text_out=10))
    assert usage == Usage.tokens(text_in=104, text_in_cached=896, text_out=10)


def test_reasoning_beside_the_text_alone_may_be_any() -> None:
    """Of 29 tokens 10 are text and 19 reasoning, and the audio is not told: the 19 are text or audio."""
    assert len(possible_usages(TokenCounts(output=29, text_out=10, reasoning=19))) == 2


def test_reasoning_is_text_where_nothing_else_is_told() -> None:
    """Of 29 tokens 19 are reasoning, which is text: at most 10 are audio."""
    usages = possible_usages(TokenCounts(output=29, reasoning=19))
    assert [dict(usage.items()) for usage in usages] == [{"text_out": 29}, {"text_out": 19, "audio_out": 10}]


@pytest.mark.parametrize(
    ("counts", "usage"),
    [
        (
            TokenCounts(input=789, audio_in=476, output=32, audio_out=23),
            Usage.tokens(text_in=313, audio_in=476, text_out=9, audio_out=23),
        ),
        (
            TokenCounts(input=789, text_in=313, output=32, text_out=9),
            Usage.tokens(text_in=313, audio_in=476, text_out=9, audio_out=23),
        ),
        (
            TokenCounts(input=789, audio_in=476, cached=640, audio_cached=384),
            Usage.tokens(text_in=57, text_in_cached=256, audio_in=92, audio_in_cached=384),
        ),
        (
            TokenCounts(input=789, audio_in=476, cached=640, text_cached=256),
            Usage.tokens(text_in=57, text_in_cached=256, audio_in=92, audio_in_cached=384),
        ),
        (
            TokenCounts(input=60, image_in=10, audio_in=20, cached=30, audio_cached=0, image_cached=0),
            Usage.tokens(text_in_cached=30, audio_in=20, image_in=10),
        ),
        (TokenCounts(total=821, input=789, text_in=789, audio_out=23), Usage.tokens(text_in=789, text_out=9, audio_out=23)),
        (
            TokenCounts(total=821, audio_in=789, text_in=0, audio_out=23, text_out=9),
            Usage.tokens(audio_in=789, text_out=9, audio_out=23),
        ),
        (TokenCounts(output=29, audio_out=10, reasoning=19), Usage.tokens(text_out=19, audio_out=10)),
    ],
)
def test_what_is_told_fixes_the_rest(counts: TokenCounts, usage: Usage) -> None:
    """A total less the part that is told is the other part: it is no part of the one that is told."""
    assert possible_usages(counts) == (usage,)


@pytest.mark.parametrize(
    ("counts", "text_cached"),
    [
        (TokenCounts(input=100, text_in=60, audio_in=40, cached=50, image_cached=0), {10, 50}),
        (TokenCounts(input=100, text_in=60, audio_in=30, image_in=10, cached=50, text_cached=20), {20}),
        (TokenCounts(input=100, cached=50, audio_cached=30), {20}),
        (TokenCounts(input=100, cached=50, text_cached=20, audio_cached=20, image_in=30), {20}),
    ],
)
def test_a_cached_part_that_is_told_has_no_more(counts: TokenCounts, text_cached: set[int]) -> None:
    """Cached tokens without a modality are of those of which no cached count is told."""
    usages = possible_usages(counts)
    assert {usage["text_in_cached"] for usage in usages} == text_cached
    assert {sum(usage[meter] for meter in METERS if meter.endswith("_cached")) for usage in usages} == {50}


def test_reasoning_is_part_of_the_text_output() -> None:
    """29 out, 19 of them thought: 29 are charged, wherever the 19 stand."""
    (inside,) = possible_usages(TokenCounts(output=29, text_out=29, audio_out=0, reasoning=19))
    (outside,) = possible_usages(TokenCounts(output=29, text_out=10, audio_out=0, reasoning=19))
    assert inside == outside == Usage.tokens(text_out=29)


@pytest.mark.parametrize(
    ("counts", "readings"),
    [
        (TokenCounts(input=100, text_in=119, audio_in=8), [{"text_in": 119, "audio_in": 8}, {"text_in": 92, "audio_in": 8}]),
        (
            TokenCounts(input=100, output=5, total=300, text_in=100, text_out=5),
            [
                {"text_in": 100, "text_out": 5},
                {"text_in": 100, "audio_in": 195, "text_out": 5},
                {"text_in": 100, "text_out": 5, "audio_out": 195},
            ],
        ),
        (
            TokenCounts(output=100, text_out=60, audio_out=60),
            [{"text_out": 60, "audio_out": 60}, {"text_out": 40, "audio_out": 60}, {"text_out": 60, "audio_out": 40}],
        ),
        (
            TokenCounts(input=100, text_in=50, audio_in=50, cached=20, text_cached=30),
            [
                {"text_in": 20, "text_in_cached": 30, "audio_in": 50},
                {"text_in": 30, "text_in_cached": 20, "audio_in": 50},
                {"text_in": 50, "audio_in": 30, "audio_in_cached": 20},
            ],
        ),
        (TokenCounts(image_in=5, image_cached=6), [{"image_in_cached": 5}, {"image_in": 5}]),
        (
            TokenCounts(input=127, text_in=119, audio_in=8, cached=384, text_cached=128, audio_cached=256),
            [
                {"text_in_cached": 119, "audio_in_cached": 8},
                {"text_in_cached": 128, "audio_in_cached": 256},
                {"text_in": 119, "audio_in": 8},
            ],
        ),
        (
            TokenCounts(total=150, input=100, output=100, text_in=100, audio_in=0, text_out=100, audio_out=0),
            [{"text_in": 100, "text_out": 100}, {"text_in": 50, "text_out": 100}, {"text_in": 100, "text_out": 50}],
        ),
    ],
)
def test_contradictory_counts_give_every_reading(counts: TokenCounts, readings: list[dict[str, int]]) -> None:
    """Counts that cannot all be true: whichever of them is wrong, its reading is among the usages."""
    usages = possible_usages(counts)
    assert {usage.status for usage in usages} == {"inconsistent"}
    assert sorted(sorted(usage.items()) for usage in usages) == sorted(sorted(reading.items()) for reading in readings)


@pytest.mark.parametrize("wrong", ["total", "input", "output", "text_in", "audio_in", "cached", "text_out", "audio_out"])
@pytest.mark.parametrize("change", [-7, 5, 1_000])
def test_one_wrong_count_leaves_the_truth_in_the_range(wrong: str, change: int) -> None:
    """789 in and 32 out, and one of the counts is wrong: the right amount is in the range, at the prices of gpt-realtime."""
    counts = TokenCounts(821, 789, 32, 313, 476, 0, 640, 256, 384, 0, 9, 23)
    truth = possible_usages(counts)[0]
    prices = dict(zip(METERS, (4, 0.4, 32, 0.4, 5, 0.5, 16, 64), strict=True))

    def cost(usage: Usage) -> float:
        return sum(quantity * prices[meter] for meter, quantity in usage.items())

    setattr(counts, wrong, getattr(counts, wrong) + change)
    usages = possible_usages(counts)
    assert {usage.status for usage in usages} == {"inconsistent"}
    costs = [cost(usage) for usage in usages]
    assert min(costs) <= cost(truth) <= max(costs)


def test_nothing_counted_is_no_usage_of_anything() -> None:
    """A response cancelled before it began counts zero, and that is exact."""
    (usage,) = possible_usages(TokenCounts(total=0, input=0, output=0))
    assert usage == Usage()


def test_a_side_that_is_not_told_is_what_the_total_leaves() -> None:
    """253 in all and 132 in, all text: 121 out, text or audio; 253 in all and 300 in contradict each other."""
    usages = possible_usages(TokenCounts(total=253, input=132, text_in=132))
    assert {usage["text_out"] + usage["audio_out"] for usage in usages} == {121}
    assert usages[0].status == "ambiguous"
    assert possible_usages(TokenCounts(total=253, input=300, text_in=300))[0].status == "inconsistent"


def test_a_total_alone_is_not_nothing() -> None:
    """321 in all, and nobody knows of what: no usage is known, which is not none used."""
    assert possible_usages(TokenCounts(total=321)) == no_usage()
    assert possible_usages(TokenCounts(total=0)) == (Usage(),)


small = st.none() | st.integers(0, 12)


@given(st.builds(TokenCounts, *[small] * 13))
def test_readings_never_exceed_what_was_reported(counts: TokenCounts) -> None:
    """Whatever is reported: no crash, nothing negative, at least one reading, all of one status."""
    usages = possible_usages(counts)
    assert usages
    assert len({usage.status for usage in usages}) == 1
    if usages[0].status != "inconsistent":
        for usage in usages:
            input_tokens = sum(usage[meter] for meter in METERS[:6])
            assert counts.input is None or input_tokens == max(counts.input, 0)


@given(
    st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(0, 3)),
    st.data(),
    st.tuples(*[st.integers(1, 50)] * 6),
    st.booleans(),
    st.booleans(),
)
def test_every_way_to_read_the_counts_costs_something_between_the_readings(
    parts: tuple[int, int, int], data: st.DataObject, prices: tuple[int, ...], hide_parts: bool, hide_split: bool
) -> None:
    """Take a true usage, report it with parts missing: at any prices its cost lies between the cheapest and the dearest."""
    text, audio, image = parts
    cached = [data.draw(st.integers(0, part)) for part in parts]
    counts = TokenCounts(input=text + audio + image, image_in=image, cached=sum(cached))
    if not hide_parts:
        counts.text_in, counts.audio_in = text, audio
    if not hide_split:
        counts.text_cached, counts.audio_cached, counts.image_cached = cached
    meter_prices = dict(zip(METERS[:6], prices, strict=True))

    def cost(usage: Usage) -> int:
        return sum(quantity * meter_prices[meter] for meter, quantity in usage.items())

    truth = Usage.tokens(
        text_in=text - cached[0],
        text_in_cached=cached[0],
        audio_in=audio - cached[1],
        audio_in_cached=cached[1],
        image_in=image - cached[2],
        image_in_cached=cached[2],
    )
    costs = [cost(usage) for usage in possible_usages(counts)]
    assert min(costs) <= cost(truth) <= max(costs)


def test_the_readings_are_the_corners_of_all_that_is_possible() -> None:
    """Counted out: of every way to make up 5 in, 2 cached, none is cheaper or dearer than the readings, at many prices."""
    usages = possible_usages(TokenCounts(input=5, cached=2))
    for prices in product((1, 3, 10), repeat=4):
        text, text_cached, audio, audio_cached = prices
        possible_costs = [
            (5 - audio_tokens - (2 - audio_cached_tokens)) * text
            + (2 - audio_cached_tokens) * text_cached
            + (audio_tokens - audio_cached_tokens) * audio
            + audio_cached_tokens * audio_cached
            for audio_tokens in range(6)
            for audio_cached_tokens in range(3)
            if audio_cached_tokens <= audio_tokens and 2 - audio_cached_tokens <= 5 - audio_tokens
        ]
        costs = [
            usage["text_in"] * text
            + usage["text_in_cached"] * text_cached
            + usage["audio_in"] * audio
            + usage["audio_in_cached"] * audio_cached
            for usage in usages
        ]
        assert (min(costs), max(costs)) == (min(possible_costs), max(possible_costs))


def test_what_was_read_before_is_counted_up_to_the_response_before() -> None:
    """Of 250 audio tokens read, 130 had been read or spoken one response before."""
    first = Usage.tokens(audio_in=40, audio_out=90)
    assert count_repeated_input(Usage.tokens(audio_in=250), first) == {"audio_in": 130}
    assert count_repeated_input(Usage.tokens(audio_in=250), None) == {}


@pytest.mark.parametrize(
    ("now", "repeated"),
    [
        # Of 150, that is 100 read and 50 written: 80 cached first, and 70 of the others
        ({"text_in": 90, "text_in_cached": 80}, {"text_in": 70, "text_in_cached": 80}),
        ({"text_in": 90, "text_in_cached": 160}, {"text_in_cached": 150}),
        ({"text_in": 60}, {"text_in": 60}),
        # Text does not repeat audio
        ({"audio_in": 30}, {}),
        ({}, {}),
    ],
)
def test_of_repeated_input_cached_tokens_are_counted_first(now: dict[str, int], repeated: dict[str, int]) -> None:
    before = Usage({"text_in": 64, "text_in_cached": 36, "text_out": 50})
    assert count_repeated_input(Usage(now), before) == repeated
    assert count_repeated_input(Usage(now), None) == {}


FEW = st.none() | st.sampled_from([0, 1, 2, 3, 5, 8, 13])


@given(counts=st.builds(TokenCounts, **dict.fromkeys(TokenCounts.__dataclass_fields__, FEW)))
def test_ways_that_are_not_tried_would_give_nothing(counts: TokenCounts) -> None:
    """Counts of which some are known to contradict each other have the readings that trying every way gives."""
    usages = possible_usages(counts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counts_module, "_contradictions", lambda _counts: ())
        assert possible_usages(counts) == usages
