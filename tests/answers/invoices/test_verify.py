"""What other tools say that calls cost, beside what they cost: each mistake planted alone, with its sum written out.

Prices of gpt-realtime in dollars per million tokens, so picodollars are a million times them: text in 4, cached 0.40, audio in
32, cached 0.40, images in 5, cached 0.50, text out 16, audio out 64.
"""

from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from itertools import count

import pytest

import voicebill
from voicebill.answers.invoices.verify import CauseTotal, Verification, verify
from voicebill.answers.recorded.filters import parse_filter
from voicebill.answers.recorded.query import CostQuery
from voicebill.billing.errors import InvalidInput
from voicebill.billing.record import Record, RecordKind, ReportedCost
from voicebill.billing.usage import Usage
from voicebill.facts import load_facts

MICRO = 10**6
"""Picodollars of a token at a dollar per million."""
NUMBERS = count(1)

USAGE = Usage.tokens(
    text_in=501,
    text_in_cached=307,
    audio_in=613,
    audio_in_cached=211,
    image_in=97,
    image_in_cached=41,
    text_out=151,
    audio_out=419,
)
TEXT_IN, AUDIO_IN, IMAGE_IN = 501 * 4 + 307 * 0.4, 613 * 32 + 211 * 0.4, 97 * 5 + 41 * 0.5
OUT = 151 * 16 + 419 * 64
OURS = TEXT_IN + AUDIO_IN + IMAGE_IN + OUT
"""Dollars per million of the usage above."""


def record(
    dollars_per_million: float | None,
    usage: Usage = USAGE,
    *,
    model: str = "gpt-realtime-2025-08-28",
    day: date = date(2026, 3, 1),
    provider: str = "openai",
    deployment: str | None = None,
    region: str | None = None,
    kind: RecordKind = "response",
    session: str | None = "sess_1",
    cost: ReportedCost | None = None,
    reasoning_tokens: int = 0,
    key: str = "",
) -> Record:
    """A record with what a tool says, in millionths of a dollar."""
    number = next(NUMBERS)
    if cost is None and dollars_per_million is not None:
        cost = ReportedCost(round(dollars_per_million * MICRO), reasoning_tokens=reasoning_tokens)
    return Record(
        key=key or f"resp_{number}",
        kind=kind,
        usage_candidates=(usage,),
        source="spend.jsonl",
        line_number=number,
        provider=provider,
        model=model,
        deployment=deployment,
        region=region,
        session=session,
        day=day,
        reported_cost=cost,
    )


def verification(*records: Record, query: CostQuery | None = None) -> Verification:
    return verify(records, query or CostQuery(), load_facts().prices, tools={"spend.jsonl": "litellm"})


def codes(total: CauseTotal) -> set[tuple[str, ...]]:
    return {tuple(cause.code for cause in causes) for causes in total.causes}


def only_cause(*records: Record) -> CauseTotal:
    """The sums of the only explanation."""
    (total,) = verification(*records).causes
    return total


def explained_by(*records: Record) -> set[tuple[str, ...]]:
    """The codes of the only explanation."""
    return codes(only_cause(*records))


def test_an_equal_amount_agrees() -> None:
    answer = verification(record(OURS))
    assert answer.ours == answer.reported == round(OURS * MICRO)
    assert codes(answer.causes[0]) == {("agrees",)}
    assert not answer.difference
    assert not answer.exceeds(Fraction(0))


def test_amounts_agree_to_the_decimals_that_the_tool_writes() -> None:
    """Ours is $0.052…: rounded to four decimals by a tool that writes four in five amounts, $0.0001 is more than rounding."""
    usages = [Usage.tokens(audio_in=613 + 10 * step) for step in range(5)]
    rounded = [round((613 + 10 * step) * 32 / 100) * 100 for step in range(5)]
    assert explained_by(*(record(amount, usage) for amount, usage in zip(rounded, usages, strict=True))) == {("agrees",)}
    off = [*rounded[:4], rounded[4] + 100]
    answer = verification(*(record(amount, usage) for amount, usage in zip(off, usages, strict=True)))
    assert [(codes(total), total.amounts) for total in answer.causes] == [({("not-explained",)}, 1), ({("agrees",)}, 4)]


MISTAKES = {
    "cached-as-uncached": 501 * 4 + 307 * 4 + (613 + 211) * 32 + (97 + 41) * 5 + OUT,
    "cached-added": OURS + 307 * 4 + 211 * 32 + 41 * 5,
    "cached-left-out": 501 * 4 + 613 * 32 + 97 * 5 + OUT,
    "audio-as-text": TEXT_IN + 613 * 4 + 211 * 0.4 + IMAGE_IN + (151 + 419) * 16,
    "audio-input-as-text": TEXT_IN + 613 * 4 + 211 * 0.4 + IMAGE_IN + OUT,
    "audio-output-as-text": TEXT_IN + AUDIO_IN + IMAGE_IN + (151 + 419) * 16,
    "images-as-text": TEXT_IN + AUDIO_IN + 97 * 4 + 41 * 0.4 + OUT,
    "output-only": OUT,
    "input-only": TEXT_IN + AUDIO_IN + IMAGE_IN,
    "zero": 0.0,
    "factor-100": OURS * 100,
    "factor-0.01": OURS / 100,
    "factor-1000": OURS * 1000,
    "factor-0.001": OURS / 1000,
}


@pytest.mark.parametrize("code", MISTAKES)
def test_a_mistake_is_the_cause_of_the_difference(code: str) -> None:
    total = only_cause(record(MISTAKES[code]))
    assert codes(total) == {(code,)}
    assert total.difference == pytest.approx((MISTAKES[code] - OURS) * MICRO)


def test_cached_audio_at_the_cached_text_rate() -> None:
    """gpt-realtime-mini: cached text 0.06, cached audio 0.30, audio 10."""
    usage = Usage.tokens(audio_in=613, audio_in_cached=211)
    total = record(613 * 10 + 211 * 0.06, usage, model="gpt-realtime-mini-2025-12-15")
    assert explained_by(total) == {("cached-audio-as-text",)}


def test_reasoning_billed_twice() -> None:
    assert explained_by(record(OURS + 64 * 16, reasoning_tokens=64)) == {("reasoning-twice",)}


def test_a_transcription_left_out_or_priced_as_the_voice_model() -> None:
    """gpt-4o-transcribe: audio in 6, text out 10."""
    spoken, usage = record(OURS), Usage.tokens(audio_in=853, text_out=71)
    transcription = {"model": "gpt-4o-transcribe", "kind": "transcription"}
    left_out = verification(spoken, record(0, usage, **transcription))  # type: ignore[arg-type]
    assert [(codes(total), total.difference) for total in left_out.causes] == [
        ({("transcription-left-out",)}, -(853 * 6 + 71 * 10) * MICRO),
        ({("agrees",)}, 0),
    ]
    as_voice = verification(spoken, record(853 * 32 + 71 * 16, usage, **transcription))  # type: ignore[arg-type]
    assert codes(as_voice.causes[0]) == {("transcription-as-voice",)}
    assert as_voice.causes[0].text == "transcription at the price of the voice model gpt-realtime-2025-08-28"


def test_an_amount_of_a_session_is_compared_with_the_sum_of_its_records() -> None:
    usage = Usage.tokens(audio_in=853, text_out=71)
    others = (
        record(None, key="resp_second"),
        record(None, usage, model="gpt-4o-transcribe", kind="transcription", key="item_1"),
    )
    covers = ("resp_second", "item_1")
    total = only_cause(record(None, cost=ReportedCost(round((2 * OURS + 853 * 6 + 71 * 10) * MICRO), covers)), *others)
    assert (codes(total), total.amounts, total.records, total.calls) == ({("agrees",)}, 1, 3, 1)
    left_out = only_cause(record(None, cost=ReportedCost(round(2 * OURS * MICRO), covers)), *others)
    assert codes(left_out) == {("transcription-left-out",)}
    assert left_out.difference == -(853 * 6 + 71 * 10) * MICRO


def test_the_prices_of_openai_for_a_data_zone_of_azure_and_of_azure_for_openai() -> None:
    """A data zone costs 1.1 times as much."""
    zone = {"provider": "azure", "deployment": "data-zone", "region": "eastus"}
    cheap = only_cause(record(OURS, **zone))  # type: ignore[arg-type]
    assert codes(cheap) == {("other-terms",)}
    assert "openai/gpt-realtime-2025-08-28" in cheap.text
    dear = only_cause(record(OURS * 1.1))
    assert codes(dear) == {("other-terms",)}
    assert "azure/gpt-realtime-2025-08-28/data-zone" in dear.text


def test_another_models_price_is_named() -> None:
    """gpt-realtime-mini: 0.6, 0.06, 10, 0.30, 0.8, 0.08, 2.4, 20."""
    mini = 501 * 0.6 + 307 * 0.06 + 613 * 10 + 211 * 0.3 + 97 * 0.8 + 41 * 0.08 + 151 * 2.4 + 419 * 20
    total = only_cause(record(mini))
    assert codes(total) == {("other-model",)}
    assert "gpt-realtime-mini-2025-12-15" in total.text


def test_another_price_row_of_the_same_offer_is_named_with_its_days() -> None:
    """gpt-4o-realtime-preview-2024-10-01 had no price of cached input before 2024-10-30: 5 and 100 then, 2.50 and 20 later."""
    usage = Usage.tokens(text_in=101, audio_in=613, text_in_cached=307, audio_in_cached=211, text_out=31)
    dear = record(
        (101 + 307) * 5 + (613 + 211) * 100 + 31 * 20, usage, model="gpt-4o-realtime-preview-2024-10-01", day=date(2025, 1, 5)
    )
    total = only_cause(dear)
    assert codes(total) == {("cached-as-uncached",), ("other-price-row",)}
    assert "gpt-4o-realtime-preview-2024-10-01 since 2024-10-01 until 2024-10-30" in total.text
    assert "; or " in total.text


def marked_up(ratio: float, number: int) -> list[Record]:
    """Records of different sizes, of which the tool says the same multiple."""
    steps = range(number)
    usages = [Usage.tokens(text_in=100 + 37 * step, audio_in=613, audio_out=50 * step) for step in steps]
    ours = [(100 + 37 * step) * 4 + 613 * 32 + 50 * step * 64 for step in steps]
    return [record(amount * ratio, usage) for amount, usage in zip(ours, usages, strict=True)]


def test_a_constant_ratio_over_three_records_is_a_markup() -> None:
    answer = verification(*marked_up(1.3, 3))
    (total,) = answer.causes
    assert codes(total) == {("constant-ratio",)}
    assert total.text == "1.3 times ours: a markup, a discount or another currency"
    assert answer.ratio == Fraction(3, 10)
    assert explained_by(*marked_up(1.3, 2)) == {("not-explained",)}


def test_a_markup_that_is_another_models_price_as_well_may_be_either() -> None:
    """gpt-4o-realtime-preview-2024-12-17 costs 5, 40 and 80: 1.25 times as much."""
    assert explained_by(*marked_up(1.25, 3)) == {("other-model",), ("constant-ratio",)}


def test_two_mistakes_are_named_if_no_single_one_explains() -> None:
    both = 501 * 4 + 307 * 4 + (613 + 211) * 4 + (97 + 41) * 5 + (151 + 419) * 16
    assert explained_by(record(both)) == {("cached-as-uncached", "audio-as-text")}


def test_what_nothing_explains_is_not_explained() -> None:
    total = only_cause(record(OURS + 1234.567891))
    assert codes(total) == {("not-explained",)}
    assert total.difference == pytest.approx(1234.567891 * MICRO)


def test_a_model_without_a_price_and_a_record_without_usage_are_causes_of_their_own() -> None:
    answer = verification(record(500, model="no-such-model"), record(700, Usage(status="missing")), record(None))
    assert [(codes(total), total.difference) for total in answer.causes] == [
        ({("no-usage",)}, 700 * MICRO),
        ({("no-price",)}, 500 * MICRO),
    ]
    assert answer.records_without_cost == 1
    assert answer.ratio is None
    assert answer.exceeds(Fraction(1))


def test_a_range_agrees_with_what_is_in_it() -> None:
    text, audio = Usage({"text_in": 1000}, "ambiguous"), Usage({"audio_in": 1000}, "ambiguous")
    between = record(9000)
    fields = {name: getattr(between, name) for name in ("key", "kind", "source", "line_number", "provider", "model", "day")}
    answer = verification(Record(**fields, usage_candidates=(text, audio), reported_cost=between.reported_cost))
    assert codes(answer.causes[0]) == {("within-range",)}
    assert (answer.ours, answer.range_amounts) == (9000 * MICRO, 1)


def test_charges_whose_usage_is_not_in_the_log_are_not_taken_for_a_mistake() -> None:
    call = record(None, cost=ReportedCost(round((OURS + 777.7) * MICRO), has_uncounted=True))
    assert explained_by(call) == {("uncounted-charges",)}


def test_the_sums_close_and_name_up_to_three_places() -> None:
    records = [record(MISTAKES["audio-as-text"]) for _ in range(5)] + [record(OURS), record(123.0)]
    answer = verification(*records)
    assert sum(total.difference for total in answer.causes) == answer.difference == answer.reported - answer.ours
    assert sum(total.amounts for total in answer.causes) == answer.amounts == 7
    assert [len(total.examples) for total in answer.causes] == [3, 1, 1]
    assert answer.largest[0].place == f"spend.jsonl:{records[-1].line_number}"


def test_ours_is_what_the_cost_of_the_log_is() -> None:
    records = [record(OURS), record(1.0, Usage.tokens(text_in=7)), record(3.0, model="gpt-realtime-mini")]
    cost = voicebill.cost(voicebill.PythonEngine(records), CostQuery(), load_facts().prices)
    assert verification(*records).ours == cost.total.low


def test_a_repeated_record_keeps_the_amount_that_one_of_the_two_has() -> None:
    answer = verification(record(OURS, key="resp_same"), record(None, key="resp_same"))
    assert (answer.amounts, answer.records_without_cost) == (1, 0)


def test_an_amount_of_which_the_filter_takes_a_part_is_counted_by_itself() -> None:
    records = (
        record(None, cost=ReportedCost(1, ("resp_mini",))),
        record(None, model="gpt-realtime-mini", key="resp_mini"),
        record(OURS),
    )
    answer = verification(*records, query=CostQuery(where=parse_filter("model = gpt-realtime-2025-08-28")))
    assert (answer.amounts, answer.cut_amounts) == (1, 1)


def refusal(records: Iterable[Record], query: CostQuery | None = None) -> str:
    with pytest.raises(InvalidInput) as error:
        verify(records, query or CostQuery(), load_facts().prices)
    return str(error.value)


def test_refusals_name_the_remedy() -> None:
    assert "litellm, langfuse, langsmith, otel, datadog, vapi, retell" in refusal([record(None)])
    assert "no record with the amount of another tool matches" in refusal(
        [record(OURS)], CostQuery(where=parse_filter("model = other"))
    )
    assert "cannot select by meter" in refusal([record(OURS)], CostQuery(where=parse_filter("meter = audio_in")))
