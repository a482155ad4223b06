"""Alternatives as a table: one row for each way, exact dollars, and the sources numbered where they are first named."""

import csv
from dataclasses import replace
from decimal import Decimal

import pytest

from tests.cases import DAY, case_file, micro_dollars
from voicebill.answers.catalog.stacks import Stack
from voicebill.answers.comparison.alternatives import Alternatives, alternatives
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.answers.reports.comparison_handout import COMPARISON_COLUMNS, comparison_handout
from voicebill.answers.reports.handout_formats import handout_csv, handout_markdown
from voicebill.billing.money import format_dollars
from voicebill.conversation.call_lengths import LengthDistribution
from voicebill.conversation.plan import Plan
from voicebill.conversation.volume import Volume
from voicebill.facts import load_facts

COMMON = case_file("alternatives.toml")
PLAN = Plan(**COMMON["plan"])
SELECTION = ModelSelection(model="any", day=DAY, overrides=COMMON["rules"])
"""The conversation of 90 s whose sums stand in the file."""

PIPELINE = Stack(
    "ours",
    "our pipeline",
    "pipeline",
    {"transcriber": ("gpt-4o-mini-transcribe",), "llm": ("gpt-4.1",), "tts": ("tts-1",)},
    provider="openai",
)
TRANSCRIPTION = Stack("heard", "only heard", "transcription", {"transcriber": ("gpt-4o-mini-transcribe",)}, provider="openai")
BILL = next(
    case["bill"] for case in COMMON["cases"] if case["name"].startswith("Transcription by tokens, a cache in steps of 128")
)


def price_stacks(volume: Volume | None = None) -> Alternatives:
    lengths = LengthDistribution(0) if volume else None
    return alternatives(None, PLAN, SELECTION, load_facts(), volume, stacks=[PIPELINE, TRANSCRIPTION], lengths=lengths)


def pipeline(scenario: str) -> str:
    """The pipeline's written sum, in dollars."""
    return format_dollars(micro_dollars(" + ".join((BILL["transcriber"], BILL["llm"][scenario], BILL["tts"]))))


def table_rows(answer: Alternatives) -> list[list[str]]:
    """The rows of the CSV, with their titles."""
    return list(csv.reader(handout_csv(comparison_handout(answer, SELECTION, load_facts())).splitlines()))


def markdown(answer: Alternatives) -> str:
    return handout_markdown(comparison_handout(answer, SELECTION, load_facts()))


def test_a_row_has_the_written_sums_as_exact_dollars() -> None:
    titles, first, second = table_rows(price_stacks())
    assert titles == list(COMPARISON_COLUMNS)
    row = dict(zip(titles, first, strict=True))
    assert (row["best"], row["expected"], row["worst"]) == (pipeline("best"), pipeline("expected"), pipeline("worst"))
    assert Decimal(row["expected_per_minute"]) * Decimal("1.5") == Decimal(row["expected"])
    assert (row["conversational"], row["architecture"], row["name"]) == ("yes", "pipeline", "ours")
    assert row["models"] == "gpt-4o-mini-transcribe → gpt-4.1 → tts-1"
    assert row["ends"] == "2027-01-06"
    assert second[:3] == ["no", "transcription", "heard"]
    assert dict(zip(titles, second, strict=True))["expected"] == format_dollars(micro_dollars(BILL["transcriber"]))


def test_waits_are_milliseconds_and_left_out_where_nothing_is_known() -> None:
    """637 + 536 + 300 and 1,655 + 1,771 + 700; a transcript answers nobody."""
    titles, first, second = table_rows(price_stacks())
    low, high = titles.index("latency_low_ms"), titles.index("latency_high_ms")
    assert (first[low], first[high]) == ("1473", "4126")
    assert (second[low], second[high]) == ("", "")


def test_monthly_amounts_appear_only_with_a_volume() -> None:
    column = COMPARISON_COLUMNS.index("expected_per_month")
    assert [row[column] for row in table_rows(price_stacks())[1:]] == ["", ""]
    months = [Decimal(row[column]) for row in table_rows(price_stacks(Volume(Decimal(1000), "month")))[1:]]
    assert months[0] == 1000 * Decimal(pipeline("expected"))


def test_every_row_is_as_wide_as_the_titles_and_names_its_sources() -> None:
    rows = table_rows(alternatives(None, PLAN, SELECTION, load_facts()))
    assert {len(row) for row in rows} == {len(COMPARISON_COLUMNS)}
    assert len(rows) == 1 + len(load_facts().stacks)
    assert all(row[COMPARISON_COLUMNS.index("sources")] for row in rows)


def headings(text: str) -> list[str]:
    return [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]


def test_the_document_has_a_table_of_conversational_agents_and_one_of_partial_alternatives() -> None:
    text = markdown(price_stacks())
    assert text.startswith(f"# One conversation of 1.5 minutes and {PLAN.turns} turns, every way, on {DAY}\n")
    assert headings(text) == [
        "What is compared",
        "Conversational agents that end within 90 days",
        "Partial alternatives",
        "How they differ",
        "Warnings",
        "Assumptions",
        "Sources of the prices",
    ]
    row = next(line for line in text.splitlines() if line.startswith("| our pipeline |"))
    values = [value.strip() for value in row.strip("|").split("|")]
    assert values[1] == "gpt-4o-mini-transcribe → gpt-4.1 → tts-1"
    assert values[8:11] == ["1.00", "~1.5 to 4.1 s", "2027-01-06"]
    transcription_row = next(line for line in text.splitlines() if line.startswith("| transcription: only heard |"))
    assert transcription_row.split("|")[10].strip() == ""


def test_tables_are_complete_and_their_numbers_are_those_of_the_sources_below() -> None:
    text = markdown(price_stacks())
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert {line.count("|") for line in rows} == {13}
    below = [line for line in text.partition("## Sources of the prices")[2].splitlines() if line[:1].isdigit()]
    assert [line.partition(".")[0] for line in below] == [str(number) for number in range(1, len(below) + 1)]
    source_numbers = {
        int(source_number) for line in rows if not line.startswith("|  | ") for source_number in line.split("|")[-2].split(",")
    }
    assert source_numbers == set(range(1, len(below) + 1))


def test_a_source_of_two_alternatives_has_one_number() -> None:
    """The transcription model hears in both: its sources are named once, and the transcript has no others."""
    result = price_stacks()
    text = markdown(result)
    transcription_row = next(line for line in text.splitlines() if line.startswith("| transcription: only heard |"))
    components = result.partial[0].components
    assert transcription_row.split("|")[-2].strip() == ", ".join(
        str(number)
        for number in range(
            1, 1 + len(dict.fromkeys(source for component in components for source in component.quote.rates.row.sources))
        )
    )


@pytest.mark.parametrize(("title", "shown"), [("ours | theirs", "ours \\| theirs"), ("<b>ours</b>", "&lt;b>ours&lt;/b>")])
def test_a_name_of_ones_own_does_not_break_the_table(title: str, shown: str) -> None:
    result = alternatives(None, PLAN, SELECTION, load_facts(), stacks=[replace(PIPELINE, title=title)])
    assert f"| pipeline: {shown} | gpt-4o-mini-transcribe" in markdown(result)


def test_where_nothing_does_less_there_is_no_table_of_it() -> None:
    result = alternatives(None, PLAN, SELECTION, load_facts(), stacks=[PIPELINE])
    assert "Partial alternatives" not in headings(markdown(result))
