"""OpenAI's costs. Shapes: openai-python's types of `organization/costs`, and public exports of the dashboard."""

import json
from fractions import Fraction

import pytest

from tests.logs.bills.reading import bill_time, charge_of, charges_of, error_texts, json_lines, table
from tests.logs.bills.samples import COST_ROW, DAY, MIDNIGHT, cost_page, cost_result
from voicebill.logs.bills.bill_report import UnreadableBill
from voicebill.logs.bills.line_items import LineItem, parse_line_item
from voicebill.logs.bills.openai_costs import EMPTY_DAYS, NO_LINE_ITEM
from voicebill.logs.bills.repeated_charges import CHANGED_BUCKET
from voicebill.logs.formats.openai_usage import OVERLAPPING


def test_a_row_of_the_dashboards_export() -> None:
    """Its many zeros are exact: $0.06351."""
    charge = charge_of(table(COST_ROW))
    assert (charge.provider, charge.category, charge.cost, charge.currency) == ("openai", "usage", Fraction("0.06351"), "USD")
    assert (charge.start, charge.end) == (bill_time(2026, 11, 25), bill_time(2026, 11, 26))
    assert (charge.model, charge.meter, charge.tier) == ("gpt-audio-mini-2025-12-15", "audio_in", "")
    assert (charge.meter_name, charge.quantity, charge.requests) == ("gpt-audio-mini-2025-12-15 audio, input", None, None)
    assert charge.accounts == {
        "project_id": "proj_a",
        "project": "front desk",
        "organization_id": "org-brook",
        "organization": "Brook & Tide",
    }


@pytest.mark.parametrize("value", [0.06351, "0.0635100000"])
def test_a_page_of_the_api_gives_the_same_charge(value: object) -> None:
    """The amount is a number, or text; a quantity is there in some."""
    charge = charge_of(json.dumps(cost_page(cost_result(value, quantity=6351, quantity_unit="tokens"))))
    assert (charge.cost, charge.start, charge.model, charge.meter) == (
        Fraction("0.06351"),
        bill_time(2026, 11, 25),
        "gpt-audio-mini-2025-12-15",
        "audio_in",
    )
    assert (charge.quantity, charge.unit) == (Fraction(6351), "tokens")


def test_pages_as_lines_as_a_list_and_indented_give_the_same_charges() -> None:
    """The first page may be empty: costs are recognised all the same."""
    pages = [cost_page(start=MIDNIGHT - 30 * DAY), cost_page(cost_result(0.1), cost_result(0.2, "whisper-1, audio"))]
    for content in (json_lines(*pages), json.dumps(pages), json.dumps(pages[1], indent=1)):
        charges, report = charges_of(content)
        assert [charge.cost for charge in charges] == [Fraction("0.1"), Fraction("0.2")]
        assert (report.formats, report.errors) == ({"bill 1": "openai-costs"}, [])


@pytest.mark.parametrize(
    ("text", "line_item"),
    [
        ("gpt-5.5-2026-04-23, input", LineItem("gpt-5.5-2026-04-23", "text_in")),
        ("gpt-4o-mini-2024-07-18, cached input", LineItem("gpt-4o-mini-2024-07-18", "text_in_cached")),
        ("gpt-4o-mini-2024-07-18, input, cached", LineItem("gpt-4o-mini-2024-07-18", "text_in_cached")),
        ("gpt-5.6-sol, cache writes", LineItem("gpt-5.6-sol", "text_in_cache_write")),
        ("gpt-realtime-2025-08-28 audio, output", LineItem("gpt-realtime-2025-08-28", "audio_out")),
        ("gpt-realtime-2025-08-28 image, cached input", LineItem("gpt-realtime-2025-08-28", "image_in_cached")),
        ("gpt-image-2.5-sunburst text, cached input", LineItem("gpt-image-2.5-sunburst", "text_in_cached")),
        ("gpt-image-2.5-sunburst image, output", LineItem("gpt-image-2.5-sunburst")),
        ("whisper-1, audio", LineItem("whisper-1", "audio_ms")),
        ("tts-1, characters", LineItem("tts-1", "characters_in")),
        ("priority | gpt-5.6-sol, output, long context", LineItem("gpt-5.6-sol", "text_out", "priority", "long context")),
        ("Batch | gpt-5.6-sol, input", LineItem("gpt-5.6-sol", "text_in", "batch")),
        ("ft:gpt-4o-mini-2024-07-18:brook::a1, input", LineItem("ft:gpt-4o-mini-2024-07-18:brook::a1", "text_in")),
        ("gpt-5.5-2026-04-23", LineItem("gpt-5.5-2026-04-23")),
        ("web search tool calls", LineItem()),
        ("assistants api | file search", LineItem()),
        ("gpt-4o search preview, requests", LineItem()),
        ("", LineItem()),
    ],
)
def test_a_line_item_names_model_and_meter_where_it_says_so(text: str, line_item: LineItem) -> None:
    """What it does not say is left open, and never guessed."""
    assert parse_line_item(text) == line_item


def test_amounts_below_zero_are_adjustments_or_credits() -> None:
    charges, _ = charges_of(
        table({**COST_ROW, "amount_value": "-0.5"}, {**COST_ROW, "amount_value": "-9", "line_item": "promotional credit"})
    )
    assert [(charge.category, charge.cost) for charge in charges] == [("adjustment", Fraction("-0.5")), ("credit", -9)]


def test_days_without_costs_are_left_out_and_broken_rows_are_errors() -> None:
    empty = {**dict.fromkeys(COST_ROW, ""), **{name: COST_ROW[name] for name in list(COST_ROW)[:4]}}
    charges, report = charges_of(table(COST_ROW, empty, {**COST_ROW, "amount_value": ""}, {**COST_ROW, "amount_value": "free"}))
    assert (len(charges), report.skipped[EMPTY_DAYS]) == (1, 1)
    assert error_texts(report) == [
        "bill 1, line 4: it has no amount",
        "bill 1, line 5: amount_value is not a number such as 1234.56: 'free'",
    ]
    with pytest.raises(UnreadableBill, match="bill 1 has no charge"):
        charges_of(table(empty))


def test_costs_that_are_not_grouped_by_line_item_are_remarked() -> None:
    (charge,), report = charges_of(table({**COST_ROW, "line_item": ""}))
    assert (charge.meter_name, charge.model, report.remarks[NO_LINE_ITEM]) == ("", "", 1)


def test_the_same_bucket_in_an_export_and_in_overlapping_pages_counts_once() -> None:
    """The page that was fetched on the day itself has less of it: the later state counts."""
    earlier = cost_page(cost_result(0.05))
    charges, report = charges_of(
        table(COST_ROW), json_lines(earlier, cost_page(cost_result(), cost_result(0.2, "whisper-1, audio")))
    )
    assert sorted(charge.cost or 0 for charge in charges) == [Fraction("0.06351"), Fraction("0.2")]
    assert (report.rows, report.charges, report.repeated) == (4, 2, 2)
    assert report.remarks[CHANGED_BUCKET] == 1


def test_alike_results_of_one_page_are_two_charges() -> None:
    """What else tells them apart is not in the data."""
    charges, report = charges_of(json.dumps(cost_page(cost_result(), cost_result())))
    assert (len(charges), report.repeated) == (2, 0)


def test_a_day_that_two_files_group_in_two_manners_is_remarked() -> None:
    _, report = charges_of(table(COST_ROW), table({**COST_ROW, "project_id": ""}))
    assert report.remarks[OVERLAPPING] == 1
