"""Provisioned throughput: sized as Microsoft does, compared with pay as you go, and what spills over."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cases import DAY, case_name, cases, micro_dollars
from voicebill.answers.parsing.quantities import parse_load_profile
from voicebill.answers.provisioned.commitments import PtuMix
from voicebill.answers.provisioned.ptu import size_ptus
from voicebill.answers.provisioned.request import PtuRequest
from voicebill.answers.provisioned.result import PtuSizing
from voicebill.answers.reports.chart_data import monthly_points
from voicebill.answers.reports.report import format_decimal
from voicebill.billing.errors import InvalidInput, NotAvailable, UnknownName
from voicebill.billing.price_book import Adjustment
from voicebill.billing.validity import PartialDate
from voicebill.facts import load_facts

EXAMPLE = PtuRequest(
    "gpt-5.2", DAY, Decimal(200), Decimal(20), Decimal(1000), cache_rate=Decimal("0.5"), deployment="data-zone"
)
"""Microsoft's second example."""
DOLLAR = 10**12
HALF_A_DAY = tuple(Decimal(10 if 8 <= hour < 20 else 2) for hour in range(24))


def example_request(**fields: Any) -> PtuRequest:
    return replace(EXAMPLE, **fields)


@pytest.mark.parametrize("case", cases("provisioned.toml"), ids=case_name)
def test_a_case(case: dict[str, Any]) -> None:
    fields: dict[str, Any] = {name: value if isinstance(value, str) else Decimal(value) for name, value in case["ask"].items()}
    answer = size_ptus(PtuRequest(day=DAY, **fields), load_facts())
    assert answer.normalized_tpm == micro_dollars(case["normalized"]) / 10**6
    assert f"{float(answer.raw_ptus):.2f}" == case["raw"]
    assert answer.needed == answer.bought == case["ptus"]
    assert answer.per_call == (micro_dollars(case["per_call"]) if "per_call" in case else None)


def option_named(answer: PtuSizing, name: str) -> Any:
    return next(option for option in answer.options if option.commitment.name == name)


def test_units_cost_their_hours_and_terms() -> None:
    """80 × 1.10 an hour; 80 × 260 a month; 80 × 2652 a year; a month has 730 hours."""
    shape = size_ptus(EXAMPLE, load_facts()).to_dict()
    hourly, month, year = shape["prices"]
    assert (hourly["hour"], hourly["month"], hourly["year"]) == ("88", "64240", "770880")
    assert (month["month"], month["year"]) == ("20800", "249600")
    assert (year["month"], year["year"]) == ("17680", "212160")
    assert shape["hours"] == {"month": 730, "year": 8760}
    assert [shape[key] for key in ("ptus", "raw_ptus", "normalized_tpm")] == [80, "76.4706", 260000]


def test_units_are_cheaper_from_the_load_at_which_both_cost_the_same() -> None:
    """A call costs 0.00051975, so 80 × 2652 dollars a year are 60 × 8760 × 0.00051975 for each call a minute."""
    answer = size_ptus(EXAMPLE, load_facts())
    year = Fraction(80 * 2652) / (60 * 8760 * Fraction("0.00051975"))
    assert option_named(answer, "year").break_even == year
    assert round(float(year), 2) == 776.63
    assert option_named(answer, "month").break_even == Fraction(80 * 260) / (60 * 730 * Fraction("0.00051975"))
    assert option_named(answer, "hourly").break_even is None, "88 dollars an hour are more than 31.185 at the full peak"


def test_what_does_not_fit_spills_over() -> None:
    """60 PTUs serve 60 × 3400 / 360 calls of 360 tokens; in 12 of 24 hours there are 1000, each spilled one 0.000693."""
    answer = size_ptus(example_request(cache_rate=Decimal(0), profile=HALF_A_DAY, ptus=60), load_facts())
    mix: PtuMix = option_named(answer, "month").mix
    spillover = (1000 - Fraction(60 * 3400, 360)) / 2
    assert mix.spillover_share == spillover / 600
    assert mix.spillover is not None
    assert Fraction(mix.spillover) == spillover * 60 * Fraction("0.000693") * DOLLAR
    shape = answer.to_dict()["prices"][1]["with_spillover"]
    assert (shape["provisioned"]["month"], shape["spillover"]["month"]) == ("15600", "6576.57")
    assert shape["total"]["month"] == "22176.57"
    assert answer.peak_utilization == 1
    assert answer.average_utilization == (Fraction(1) + Fraction(200 * 360, 60 * 3400)) / 2


def test_a_picture_bends_where_the_units_are_full() -> None:
    """60 PTUs serve 566.67 of 1000 calls a minute; the other 433.33 cost 60 × 730 × 0.000693 dollars a month each."""
    points = [
        point
        for point in monthly_points(size_ptus(example_request(cache_rate=Decimal(0), ptus=60), load_facts()))
        if point[1] == "reserved for a month"
    ]
    assert [round(calls, 2) for calls, _, _ in points] == [0, 566.67, 1000]
    assert [round(dollars, 2) for _, _, dollars in points] == [15600, 15600, 15600 + 13153.14]


def test_a_profile_without_calls_a_minute_is_calls_a_minute() -> None:
    request = example_request(calls_per_minute=None, profile=HALF_A_DAY)
    assert request.peak == 10
    assert request.average == 6
    assert example_request(profile=HALF_A_DAY).hours == tuple(100 * calls for calls in request.hours)


LOADS = st.lists(st.integers(0, 5000), min_size=24, max_size=24).filter(any)


@given(
    LOADS, st.integers(0, 4000), st.integers(1, 800), st.sampled_from(["0", "0.3", "1"]), st.sampled_from(["gpt-5.2", "gpt-4o"])
)
@settings(deadline=None, max_examples=20)
@pytest.mark.long
def test_no_other_number_of_units_is_cheaper(load: list[int], prompt: int, response: int, cached: str, model: str) -> None:
    request = PtuRequest(
        model,
        DAY,
        Decimal(prompt),
        Decimal(response),
        cache_rate=Decimal(cached),
        profile=tuple(map(Decimal, load)),
    )
    answer = size_ptus(request, load_facts())
    for option in answer.options:
        least = option.cheapest_mix
        assert least is not None
        assert least.per_hour is not None
        alone = answer.pay_as_you_go_cost(request.average)
        assert alone is not None
        assert least.per_hour <= alone
        step = max(5, answer.needed // 200 * 5)
        for ptus in range(15, answer.needed + 1, step):
            other = option_named(size_ptus(replace(request, ptus=ptus), load_facts()), option.commitment.name).mix
            assert least.per_hour <= other.per_hour
            assert 0 <= other.spillover_share < 1


AMOUNTS = st.integers(0, 100_000)


@given(
    st.integers(1, 100_000),
    AMOUNTS,
    AMOUNTS,
    st.decimals(0, 1, places=3),
    st.deferred(lambda: st.sampled_from(load_facts().provisioned.models)),
)
@settings(deadline=None)
def test_more_load_never_takes_fewer_units_and_more_cache_never_more(
    calls: int, prompt: int, response: int, rate: Decimal, model: str
) -> None:
    request = PtuRequest(model, DAY, Decimal(prompt + 1), Decimal(response), Decimal(calls), cache_rate=rate)
    answer = size_ptus(request, load_facts())
    assert answer.needed >= answer.raw_ptus
    assert size_ptus(replace(request, calls_per_minute=Decimal(calls + 1)), load_facts()).needed >= answer.needed
    assert size_ptus(replace(request, response_tokens=Decimal(response + 1)), load_facts()).needed >= answer.needed
    assert size_ptus(replace(request, cache_rate=Decimal(1)), load_facts()).needed <= answer.needed
    assert all(option.mix.spillover == 0 for option in answer.options), "what is bought for the peak serves it"


@given(st.integers(1, 20_000), st.integers(1, 5000), st.integers(1, 500), st.sampled_from(["0", "0.5"]))
@settings(deadline=None)
def test_at_the_break_even_both_ways_cost_the_same(calls: int, prompt: int, response: int, cached: str) -> None:
    request = PtuRequest(
        "gpt-4.1-mini",
        DAY,
        Decimal(prompt),
        Decimal(response),
        Decimal(calls),
        cache_rate=Decimal(cached),
        deployment="data-zone",
    )
    answer = size_ptus(request, load_facts())
    for option in answer.options:
        if option.break_even is None:
            full = answer.pay_as_you_go_cost(request.peak)
            assert full is not None
            assert full < option.mix.provisioned
        else:
            assert answer.pay_as_you_go_cost(option.break_even) == option.mix.provisioned
            assert option.break_even <= request.peak


def test_a_model_of_voice_cannot_be_sized_and_text_models_are_named() -> None:
    for model in ("gpt-realtime-1.5", "gpt-realtime", "whisper-1", "gpt-4o-mini-tts"):
        with pytest.raises(
            NotAvailable,
            match=r"list no realtime or audio model.*text model of a pipeline.*gpt-5.2.*gpt-4.1-mini.*bring your own",
        ):
            size_ptus(example_request(model=model), load_facts())


def test_a_text_model_without_a_row_is_told_which_have_one() -> None:
    with pytest.raises(
        NotAvailable, match=r"sizing tables of 2026-05-21 have no row for gpt-5.4-mini; sized are gpt-5.5, gpt-5.4"
    ):
        size_ptus(example_request(model="gpt-5.4-mini"), load_facts())
    with pytest.raises(UnknownName, match=r"unknown model 'gtp-5.2'; the nearest are gpt-5.2"):
        size_ptus(example_request(model="gtp-5.2"), load_facts())


def test_a_dated_name_is_sized_as_its_model() -> None:
    answer = size_ptus(example_request(model="gpt-5.2-2025-12-11"), load_facts())
    assert answer.throughput.model == "gpt-5.2"
    assert answer.needed == 80
    assert answer.quote is not None
    assert answer.quote.offer.id == "azure/gpt-5.2-2025-12-11/data-zone"
    assert not any("is priced as" in assumption for assumption in answer.assumptions)


def test_a_data_zone_without_a_region_is_that_of_the_us_and_the_eu_and_says_so() -> None:
    assumption = "no region is named: a unit costs $1.10 per hour, as in the US and the EU; $1.20 in APAC"
    assert size_ptus(EXAMPLE, load_facts()).assumptions[0] == assumption
    assert assumption not in size_ptus(example_request(region="swedencentral"), load_facts()).assumptions


@pytest.mark.parametrize(
    ("fields", "missing"),
    [
        ({"region": "japaneast"}, "in the APAC data zone"),
        ({"deployment": "regional", "region": "uksouth"}, "of regional deployments"),
        ({"model": "DeepSeek-R1"}, "no source gives a pay-as-you-go price of DeepSeek-R1 at azure"),
        ({"model": "gpt-5.2-codex", "day": date(2026, 10, 1)}, "no price of gpt-5.2-codex at azure is known for 2026-10-01"),
    ],
)
def test_without_a_price_pay_as_you_go_there_is_nothing_to_compare_with(fields: dict[str, Any], missing: str) -> None:
    answer = size_ptus(example_request(**fields), load_facts())
    shape = answer.to_dict()
    assert missing in shape["pay_as_you_go_missing"]
    assert shape["pay_as_you_go"] is None
    assert all(row["cheapest"] is row["break_even"] is None for row in shape["prices"])
    assert all(row["month"] for row in shape["prices"])
    few = size_ptus(
        example_request(**fields, ptus=answer.increments.minimum_deployable, calls_per_minute=Decimal(99_999)), load_facts()
    ).to_dict()
    assert few["prices"][0]["with_spillover"]["total"]["month"] is None
    assert any("at an unknown pay-as-you-go price" in row for row in few["warnings"])


def test_doubts_are_warned_of() -> None:
    """Old reservation prices, models that end, a prompt that is too long, a version without a cached price."""
    ends, old = size_ptus(EXAMPLE, load_facts()).warnings
    assert "gpt-5.2 ends on 2027-06-08: before a year that is reserved from 2026-11-22 is over" in ends
    assert "reservation prices are those of 2025-08-25" in old
    assert "o3-2025-04-16 was due to be shut down by azure on 2026-11-19" in " ".join(
        size_ptus(example_request(model="o3"), load_facts()).warnings
    )
    for place in ({}, {"region": "japaneast"}, {"deployment": "regional", "region": "uksouth"}):
        ended = size_ptus(example_request(model="gpt-4.1", **place), load_facts()).warnings
        assert any(
            "gpt-4.1-2025-04-14 is shut down by azure on 2027-04-14 (disputed: 2026-10-14" in warning for warning in ended
        )
    soon = size_ptus(example_request(model="gpt-5"), load_facts()).warnings
    assert "gpt-5-2025-08-07 is shut down by azure on 2027-02-09" in soon[0]
    long = size_ptus(example_request(model="gpt-5.4", prompt_tokens=Decimal(200_000)), load_facts()).warnings
    assert "no long context above 128k prompt tokens; a prompt of 200,000 tokens is not served" in long[0]
    early = size_ptus(example_request(model="gpt-4o-2024-05-13"), load_facts()).warnings
    assert any("has no price for cached text: pay as you go it is priced as uncached" in warning for warning in early)


def test_a_discount_is_taken_off_pay_as_you_go_and_it_is_said_that_units_keep_their_price() -> None:
    off = Adjustment("framework", Decimal("0.9"), (), (), (), PartialDate.parse("2026-01-01"), None, "contract")
    own = replace(load_facts(), prices=replace(load_facts().prices, adjustments=(off,)))
    ours, theirs = size_ptus(EXAMPLE, load_facts()), size_ptus(EXAMPLE, own)
    assert ours.per_call is not None
    assert theirs.per_call == ours.per_call * Fraction(9, 10)
    assert option_named(theirs, "hourly").mix.provisioned == option_named(ours, "hourly").mix.provisioned
    assert any("pay as you go alone, not to units" in warning for warning in theirs.warnings)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"calls_per_minute": Decimal(-1)}, "calls_per_minute must be more than 0 and at most 1,000,000,000, not -1"),
        ({"calls_per_minute": Decimal(0)}, "calls_per_minute must be more than 0"),
        ({"calls_per_minute": None}, "calls_per_minute is missing"),
        ({"calls_per_minute": "many"}, "calls_per_minute must be a number, not 'many'"),
        (
            {"calls_per_minute": Decimal(10**10)},
            "calls_per_minute must be more than 0 and at most 1,000,000,000, not 10000000000",
        ),
        ({"cache_rate": Decimal("1.1")}, "cache_rate must be between 0 and 1 .*, not 1.1"),
        ({"prompt_tokens": Decimal(-5)}, "prompt_tokens must be between 0 and 100,000,000, not -5"),
        (
            {"prompt_tokens": Decimal(0), "response_tokens": Decimal(0)},
            "prompt_tokens cannot be 0 if response_tokens is 0, too: a call without tokens needs no PTUs",
        ),
        ({"profile": (Decimal(1),) * 23}, "profile must be 24 numbers, one per hour, or 168 for a week, not 23"),
        ({"profile": (Decimal(0),) * 24}, "profile must have a load: each of its hours is 0"),
    ],
)
def test_a_load_that_cannot_be_meant_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        example_request(**fields)


def test_unknown_places_are_refused() -> None:
    with pytest.raises(InvalidInput, match="deployment must be one of global, data-zone, regional, not 'europe'"):
        example_request(deployment="europe")
    with pytest.raises(UnknownName, match="unknown region 'swedncentral'; the nearest are swedencentral"):
        size_ptus(example_request(deployment="global", region="swedncentral"), load_facts())
    assert size_ptus(example_request(deployment="global", region="SwedenCentral"), load_facts()).needed == 80


def test_a_profile_is_read_as_people_write_it() -> None:
    assert parse_load_profile("1 2\n3; 4," + ", ".join(["5"] * 20))[:4] == tuple(map(Decimal, "1234"))
    with pytest.raises(InvalidInput, match="24 numbers, or 168 for a week, with commas between them, not 2"):
        parse_load_profile("1,2")
    with pytest.raises(InvalidInput, match="'x' is not a number"):
        parse_load_profile("x," * 24)


def test_numbers_in_the_shape_are_plain() -> None:
    assert [format_decimal(Fraction(number)) for number in ("1000", "0.00004", "1/3", "0")] == ["1000", "0", "0.3333", "0"]


def test_peak_and_average_are_told_apart() -> None:
    """Half a day at 9 calls a minute, half at 2: 5.5 on average. 200 + 20 tokens at 9: 1,800 in and 180 out a minute."""
    profile = (*[Decimal(9)] * 12, *[Decimal(2)] * 12)
    shape = size_ptus(PtuRequest("gpt-5.2", DAY, Decimal(200), Decimal(20), profile=profile), load_facts()).to_dict()
    assert (shape["load"]["calls_per_minute"], shape["load"]["average_calls_per_minute"]) == ("9", "5.5")
    assert (shape["load"]["prompt_tokens"], shape["load"]["response_tokens"]) == ("200", "20")
    assert (shape["input_tpm"], shape["output_tpm"]) == (1800, 180)
    # gpt-5.2: 3,400 input tokens a minute per PTU, an output token counts as 8: 1,800 + 8 x 180 = 3,240 are 0.9529 PTUs of 15
    assert (shape["normalized_tpm"], shape["raw_ptus"], shape["ptus"]) == (3240, "0.9529", 15)
    assert shape["utilization"] == {"peak": "0.0635", "average": "0.0388"}
    go = shape["pay_as_you_go"]
    assert Decimal(go["hour_at_peak"]) == 9 * 60 * Decimal(go["call"])
    assert Decimal(go["hour"]) == Decimal("5.5") * 60 * Decimal(go["call"])
