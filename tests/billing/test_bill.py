"""Check the bill: quantity x rate, line by line, exact."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cases import DAY, case_name, cases, micro_dollars
from voicebill.billing.bill import bill, price_usage, rate_warnings, round_to_increments, sum_lines
from voicebill.billing.errors import InvalidInput, UnknownName
from voicebill.billing.meters import Meter
from voicebill.billing.offers import Offer, PriceRow, Rates
from voicebill.billing.usage import Usage, total_usage
from voicebill.billing.validity import PartialDate
from voicebill.facts import load_facts


@pytest.mark.parametrize("case", cases("usages.toml"), ids=case_name)
def test_a_usage_costs_its_worked_sum(case: dict[str, Any]) -> None:
    names = {"provider": case.get("provider", "openai"), "deployment": case.get("deployment", "global")}
    rates = load_facts().prices.quote(case["model"], day=case["day"], **names).rates
    assert sum_lines(bill(Usage(case["usage"]), rates)) == micro_dollars(case["bill"])


def test_lines_show_quantity_rate_and_amount() -> None:
    rates = load_facts().prices.quote("gpt-realtime", day=DAY).rates
    lines = bill(Usage.tokens(audio_out=91, text_in_cached=64), rates)
    assert [str(line) for line in lines] == [
        "text in, cached 64 × $0.40/M = $0.0000256",
        "audio out 91 × $64.00/M = $0.005824",
    ]


def test_a_line_has_six_decimals_below_a_dollar_and_cents_from_a_dollar_on() -> None:
    """At $4 per million: 249,999 tokens cost $0.999996, 250,000 exactly $1, 625,000 $2.50."""
    rates = load_facts().prices.quote("gpt-realtime", day=DAY).rates
    amounts = [
        str(*bill(Usage.tokens(text_in=tokens), rates)).partition(" = ")[2] for tokens in (25, 249_999, 250_000, 625_000)
    ]
    assert amounts == ["$0.000100", "$0.999996", "$1.00", "$2.50"]


def rates_of(meter: Meter, price: str, increments: dict[str, int] | None = None) -> Rates:
    """The rates of an invented offer with one price."""
    prices = {meter.name: Decimal(price)}
    row = PriceRow(PartialDate.parse("2026"), None, prices, DAY, ("a test",), increments=increments or {})
    offer = Offer("somebody", "model", None, "telephony", "global", (row,))
    return Rates.from_row(
        offer, row, {meter.name: meter, "months": Meter("months", "months", "month", 1, "/mo", "session", "")}
    )


CALL = Meter("call_ms", "call", "ms", 60_000, "/min", "session", "audio")


@pytest.mark.parametrize(("ms", "billed"), [(0, 0), (1, 6_000), (5_999, 6_000), (6_000, 6_000), (6_001, 12_000)])
def test_a_call_is_rounded_up_to_its_increment_and_nothing_else_is(ms: int, billed: int) -> None:
    usage = round_to_increments(Usage({"call_ms": ms, "months": 3}, "ambiguous"), rates_of(CALL, "0.0085", {"call_ms": 6_000}))
    assert usage == Usage({"call_ms": billed, "months": 3}, "ambiguous")


def test_half_a_picodollar_per_millisecond_is_kept() -> None:
    """$0.01500003 a minute is 15,000,030,000 picodollars per 60,000 ms: 250,000.5 per millisecond."""
    rates = rates_of(CALL, "0.01500003")
    assert price_usage(Usage({"call_ms": 1}), rates) == Fraction(500_001, 2)
    amounts = [price_usage(Usage({"call_ms": ms}), rates) for ms in (4, 5)]
    assert amounts == [1_000_002, Fraction(2_500_005, 2)]
    assert [type(amount) for amount in amounts] == [int, Fraction]


def test_a_third_of_a_picodollar_is_kept() -> None:
    """A millisecond at $0.017 a minute is 283,333 and a third picodollars; three of them are whole again."""
    rates = load_facts().prices.quote("gpt-realtime-whisper", day=DAY).rates
    assert sum_lines(bill(Usage({"audio_ms": 1}), rates)) == Fraction(850_000, 3)
    assert sum_lines(bill(Usage({"audio_ms": 3}), rates)) == 850_000


@given(
    st.sampled_from(["gpt-realtime", "gpt-realtime-whisper", "gpt-4o-realtime-preview-2025-06-03"]),
    st.deferred(
        lambda: st.dictionaries(st.sampled_from(sorted(load_facts().prices.meters)), st.integers(0, 10**12), max_size=4)
    ),
)
def test_the_amount_of_a_usage_is_the_sum_of_its_bill(model: str, used: dict[str, int]) -> None:
    """`price_usage` gives the sum of the bill's lines, or None if a line has no price."""
    rates = load_facts().prices.quote(model, day=DAY.replace(month=5, day=6) if "2025" in model else DAY).rates
    assert price_usage(Usage(used), rates) == sum_lines(bill(Usage(used), rates))


def test_a_missing_price_is_not_zero() -> None:
    """gpt-4o-realtime-preview has no image price: the line shows that, and the sum is unpriced."""
    rates = load_facts().prices.quote("gpt-4o-realtime-preview-2025-06-03", day=DAY.replace(month=1)).rates
    lines = list(bill(Usage.tokens(text_in=10, image_in=65), rates))
    assert [line.amount for line in lines] == [50_000_000, None]
    assert sum_lines(lines) is None
    assert str(lines[1]) == "image in 65: no price known"
    assert list(rate_warnings(lines, rates)) == ["gpt-4o-realtime-preview-2025-06-03 has no price for image in: 65 unpriced"]


def test_a_missing_cached_rate_is_priced_as_uncached_with_a_warning() -> None:
    """The first preview snapshot had no cached rates in its first month."""
    rates = load_facts().prices.quote("gpt-4o-realtime-preview-2024-10-01", day=DAY.replace(year=2024, month=10, day=5)).rates
    lines = list(bill(Usage.tokens(text_in_cached=100), rates))
    assert sum_lines(lines) == 100 * 5_000_000
    assert list(rate_warnings(lines, rates)) == [
        "gpt-4o-realtime-preview-2024-10-01 has no price for text in, cached; it is priced as uncached, at $5.00/M"
    ]


def test_a_disputed_rate_names_the_other_figure() -> None:
    rates = load_facts().prices.quote("gpt-4o-transcribe", day=DAY).rates
    lines = list(bill(Usage.tokens(audio_in=17, text_out=9), rates))
    assert list(rate_warnings(lines, rates)) == [
        "the price of audio in of gpt-4o-transcribe is disputed: $6.00/M is used; $2.50/M according to the vendor's model "
        "page as stored in 2026"
    ]


def test_an_unknown_meter_is_rejected() -> None:
    rates = load_facts().prices.quote("gpt-realtime", day=DAY).rates
    with pytest.raises(UnknownName, match=r"unknown meter 'audio_inn'; the nearest are audio_in"):
        list(bill(Usage({"audio_inn": 3}), rates))
    with pytest.raises(UnknownName, match=r"unknown meter 'audio_inn'"):
        price_usage(Usage({"text_in": 5, "audio_inn": 3}), rates)


@pytest.mark.parametrize("count", [-1, 1.5, True, None, "", 0.0, False])
def test_a_usage_counts_in_whole_numbers_that_are_not_negative(count: Any) -> None:
    with pytest.raises(InvalidInput, match="audio_in"):
        Usage({"audio_in": count})
    with pytest.raises(InvalidInput, match="audio_in"):
        Usage.tokens(audio_in=count)


def test_a_usage_is_a_table_of_meters_with_a_status_that_exists() -> None:
    with pytest.raises(InvalidInput, match="quantities must be a"):
        Usage([("text_in", 5)])  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="status must be one of inconsistent, missing, ambiguous, exact, not 'guessed'"):
        Usage({"text_in": 5}, "guessed")  # type: ignore[arg-type]


COUNTS = st.dictionaries(st.sampled_from(["text_in", "text_in_cached", "audio_in", "audio_out"]), st.integers(0, 10**9))


@given(st.lists(COUNTS, max_size=8))
def test_the_sum_of_bills_is_the_bill_of_the_sum(counts: list[dict[str, int]]) -> None:
    """Whatever the grain, the total is the same to the picodollar."""
    rates = load_facts().prices.quote("gpt-realtime-1.5", day=DAY).rates
    usages = [Usage(quantities) for quantities in counts]
    amounts: list[Any] = [sum_lines(bill(usage, rates)) for usage in usages]
    assert sum(amounts) == sum_lines(bill(total_usage(usages), rates))


@given(st.lists(st.integers(0, 10**9), max_size=8))
def test_the_sum_of_bills_is_the_bill_of_the_sum_for_fractions(durations: list[int]) -> None:
    rates = load_facts().prices.quote("gpt-realtime-whisper", day=DAY).rates
    amounts: list[Any] = [sum_lines(bill(Usage({"audio_ms": ms}), rates)) for ms in durations]
    assert sum(amounts) == sum_lines(bill(Usage({"audio_ms": sum(durations)}), rates))


def test_the_status_of_a_sum_is_the_least_trustworthy() -> None:
    exact, doubtful = Usage({"text_in": 1}), Usage({"text_in": 2}, "inconsistent")
    assert (exact + doubtful).status == "inconsistent"
    assert (exact + Usage({}, "missing")).status == "missing"
    assert (exact + exact).status == "exact"


def test_a_usage_does_not_share_its_quantities() -> None:
    counts = {"text_in": 5, "audio_in": 0}
    usage = Usage(counts)
    counts["text_in"] = -5
    assert usage == Usage({"text_in": 5})
    assert usage["text_in"] == 5
