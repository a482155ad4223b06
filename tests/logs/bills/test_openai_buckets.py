"""OpenAI's usage of an organization as charges. Shapes: openai-python's types of `organization/usage`."""

import json
from fractions import Fraction

import pytest

from tests.logs.bills.reading import bill_time, charges_of, error_texts, json_lines
from tests.logs.bills.samples import HOUR, MIDNIGHT, completions, usage_page
from voicebill.answers.invoices.charge import Charge
from voicebill.logs.bills.bill_report import UnreadableBill
from voicebill.logs.bills.openai_buckets import AMBIGUOUS, CONTRADICTORY, OTHER_USAGE
from voicebill.logs.bills.repeated_charges import CHANGED_BUCKET
from voicebill.logs.formats.openai_usage import NO_MODEL, OVERLAPPING, UNDECIDED


def quantities(charges: list[Charge]) -> dict[str, object]:
    return {charge.meter: charge.quantity for charge in charges}


def test_a_result_is_a_charge_for_each_meter_and_its_requests_are_counted_once() -> None:
    """The cached tokens are apart from the others, as the sums show: 40 + 10 + 60 + 20 = 130."""
    charges, report = charges_of(json.dumps(usage_page(completions())))
    assert quantities(charges) == {
        "text_in": 40,
        "text_in_cached": 60,
        "audio_in": 10,
        "audio_in_cached": 20,
        "text_out": 5,
        "audio_out": 7,
    }
    assert sorted(charge.requests or 0 for charge in charges) == [0, 0, 0, 0, 0, 3]
    assert {(charge.start, charge.end) for charge in charges} == {(bill_time(2026, 11, 25), bill_time(2026, 11, 25, 1))}
    charge = charges[0]
    assert (charge.provider, charge.model, charge.tier, charge.unit) == ("openai", "gpt-realtime-1.5", "standard", "token")
    assert (charge.cost, charge.category) == (None, "usage")
    assert charge.accounts == {"project_id": "proj_a", "api_key_id": "key_1", "user": "user-1"}
    assert (report.formats, report.rows, report.charges) == ({"bill 1": "openai-usage"}, 1, 6)


def test_tokens_that_include_the_cached_ones_are_not_counted_twice() -> None:
    charges, _ = charges_of(json.dumps(usage_page(completions(input_text_tokens=100, input_audio_tokens=30, batch=True))))
    assert quantities(charges)["text_in"] == 40
    assert {charge.tier for charge in charges} == {"batch"}


def test_seconds_are_milliseconds_and_characters_are_characters() -> None:
    transcription = {"object": "organization.usage.audio_transcriptions.result", "seconds": 12.5, "num_model_requests": 2}
    speech = {"object": "organization.usage.audio_speeches.result", "characters": 900, "num_model_requests": 1}
    charges, _ = charges_of(json.dumps(usage_page({**transcription, "model": "whisper-1"}, {**speech, "model": "tts-1"})))
    assert [(charge.meter, charge.quantity, charge.unit, charge.requests) for charge in charges] == [
        ("audio_ms", Fraction(12_500), "ms", 2),
        ("characters_in", Fraction(900), "character", 1),
    ]


def test_an_export_of_the_dashboard() -> None:
    columns = [name for name in completions() if name != "object"]
    cells = ["" if completions()[name] is None else str(completions()[name]) for name in columns]
    times = "1795564800,1795651200,2026-11-25T00:00:00+00:00,2026-11-26T00:00:00+00:00"
    header = "start_time,end_time,start_time_iso,end_time_iso," + ",".join(columns)
    empty_day = times + "," * len(columns)
    broken = (
        times + "," + ",".join("many" if name == "input_tokens" else cell for name, cell in zip(columns, cells, strict=True))
    )
    charges, report = charges_of("\n".join([header, f"{times},{','.join(cells)}", empty_day, broken]))
    assert quantities(charges)["audio_in_cached"] == 20
    assert charges[0].end == bill_time(2026, 11, 26)
    assert error_texts(report) == ["bill 1, line 4: input_tokens is not a number of digits with an optional decimal point"]


def test_an_open_reading_takes_the_parts_as_uncached_and_says_so() -> None:
    """No total decides between 100 + 60 tokens of text and 40 + 60."""
    result = completions(input_tokens=None, input_text_tokens=100, input_audio_tokens=30, input_cached_tokens=None)
    charges, report = charges_of(json.dumps(usage_page(result)))
    assert (quantities(charges)["text_in"], quantities(charges)["text_in_cached"]) == (100, 60)
    assert (report.remarks[AMBIGUOUS], report.remarks[UNDECIDED]) == (1, 0)


def test_contradictory_counts_are_remarked() -> None:
    result = completions(input_tokens=50, input_cached_tokens=0, input_cached_text_tokens=0, input_cached_audio_tokens=0)
    _, report = charges_of(json.dumps(usage_page({**result, "input_text_tokens": 80, "input_audio_tokens": 40})))
    assert report.remarks[CONTRADICTORY] == 1


def test_requests_without_a_quantity_are_a_charge_without_a_meter() -> None:
    counts = {name: 0 for name in completions() if name.endswith("_tokens")}
    (charge,), _ = charges_of(json.dumps(usage_page(completions(**counts))))
    assert (charge.meter, charge.quantity, charge.requests) == ("", None, 3)


def test_usage_in_other_units_is_left_out_and_usage_without_a_model_remarked() -> None:
    images = {"object": "organization.usage.images.result", "images": 4, "num_model_requests": 4, "model": "gpt-image-2"}
    _, report = charges_of(json.dumps(usage_page(images, completions(model=None))))
    assert (report.skipped[OTHER_USAGE], report.remarks[NO_MODEL]) == (1, 1)
    with pytest.raises(UnreadableBill, match="bill 1 has no charge"):
        charges_of(json.dumps(usage_page(images)))


def test_the_same_bucket_in_overlapping_pages_counts_once_as_its_larger_state() -> None:
    """The hour was not over when the first page was fetched."""
    early = usage_page(completions(input_text_tokens=30, input_tokens=120, num_model_requests=2))
    later = usage_page(completions())
    next_hour = usage_page(completions(), start=MIDNIGHT + HOUR)
    charges, report = charges_of(json_lines(early, later), json_lines(later, next_hour))
    assert sum(charge.requests or 0 for charge in charges) == 6
    assert sum(charge.quantity or 0 for charge in charges if charge.meter == "text_in") == 80
    assert (report.rows, report.repeated, report.remarks[CHANGED_BUCKET]) == (4, 2, 1)


def test_a_day_that_two_files_group_in_two_manners_is_remarked() -> None:
    """It counts twice, as nothing tells how the two are related."""
    _, report = charges_of(json.dumps(usage_page(completions())), json.dumps(usage_page(completions(project_id=None))))
    assert report.remarks[OVERLAPPING] == 1
