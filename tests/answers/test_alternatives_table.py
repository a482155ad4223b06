"""Alternatives as a table: one row for each way, exact dollars, and the sources numbered where they are first named."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.cases import DAY, case_file, micro_dollars
from voicebill.answers.alternatives import Alternatives, alternatives
from voicebill.answers.alternatives_table import TITLES, cells, markdown
from voicebill.answers.lengths import Spread
from voicebill.answers.offered import Asked
from voicebill.answers.quantities import Volume
from voicebill.answers.stacks import Stack
from voicebill.billing.money import dollars
from voicebill.conversation.plan import Plan
from voicebill.facts import load

FACTS = load()
COMMON = case_file("alternatives.toml")
PLAN = Plan(**COMMON["plan"])
ASKED = Asked(model="any", day=DAY, overrides=COMMON["rules"])
"""The conversation of 90 s whose sums stand in the file."""

CHAIN = Stack(
    "ours",
    "our pipeline",
    "pipeline",
    {"hears": ("gpt-4o-mini-transcribe",), "answers": ("gpt-4.1",), "speaks": ("tts-1",)},
    provider="openai",
)
HEARD = Stack("heard", "only heard", "transcription", {"hears": ("gpt-4o-mini-transcribe",)}, provider="openai")
BILL = next(case["bill"] for case in COMMON["cases"] if case["name"].startswith("Tokens heard, a cache in steps of 128"))


def answered(volume: Volume | None = None) -> Alternatives:
    lengths = Spread(0) if volume else None
    return alternatives(None, PLAN, ASKED, FACTS, volume, stacks=[CHAIN, HEARD], lengths=lengths)


def pipeline(scenario: str) -> str:
    """The pipeline's written sum, in dollars."""
    return dollars(micro_dollars(" + ".join((BILL["hears"], BILL["answers"][scenario], BILL["speaks"]))))


def test_a_row_has_the_written_sums_as_exact_dollars() -> None:
    titles, first, second = cells(answered())
    assert titles == list(TITLES)
    row = dict(zip(titles, first, strict=True))
    assert (row["best"], row["expected"], row["worst"]) == (pipeline("best"), pipeline("expected"), pipeline("worst"))
    assert Decimal(row["expected_per_minute"]) * Decimal("1.5") == Decimal(row["expected"])
    assert (row["holds_the_conversation"], row["architecture"], row["name"]) == ("yes", "pipeline", "ours")
    assert row["models"] == "gpt-4o-mini-transcribe → gpt-4.1 → tts-1"
    assert row["ends"] == "2027-01-06"
    assert second[:3] == ["no", "transcript", "heard"]
    assert dict(zip(titles, second, strict=True))["expected"] == dollars(micro_dollars(BILL["hears"]))


def test_waits_are_milliseconds_and_left_out_where_nothing_is_known() -> None:
    """637 + 536 + 300 and 1,655 + 1,771 + 700; a transcript answers nobody."""
    titles, first, second = cells(answered())
    low, high = titles.index("wait_low_ms"), titles.index("wait_high_ms")
    assert (first[low], first[high]) == ("1473", "4126")
    assert (second[low], second[high]) == ("", "")


def test_months_are_there_only_where_they_were_asked_for() -> None:
    at = TITLES.index("expected_per_month")
    assert [row[at] for row in cells(answered())[1:]] == ["", ""]
    months = [Decimal(row[at]) for row in cells(answered(Volume(Decimal(1000), "month")))[1:]]
    assert months[0] == 1000 * Decimal(pipeline("expected"))


def test_every_row_is_as_wide_as_the_titles_and_names_its_sources() -> None:
    found = cells(alternatives(None, PLAN, ASKED, FACTS))
    assert {len(row) for row in found} == {len(TITLES)}
    assert len(found) == 1 + len(FACTS.stacks)
    assert all(row[TITLES.index("sources")] for row in found)


def parts(text: str) -> list[str]:
    return [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]


def test_the_document_has_a_table_for_what_holds_the_conversation_and_one_for_what_does_less() -> None:
    text = markdown(answered(), "Ninety seconds")
    assert text.startswith("# Ninety seconds\n\nDollars per conversation, the cheapest first.")
    assert parts(text) == [
        "Holds the conversation",
        "Does less, or something else",
        "What differs in kind",
        "Sources of the prices",
    ]
    row = next(line for line in text.splitlines() if line.startswith("| our pipeline |"))
    told = [each.strip() for each in row.strip("|").split("|")]
    assert told[1] == "gpt-4o-mini-transcribe → gpt-4.1 → tts-1"
    assert told[6:9] == ["1.00", "~1.5 to 4.1 s", "2027-01-06"]
    heard = next(line for line in text.splitlines() if line.startswith("| transcript: only heard |"))
    assert heard.split("|")[8].strip() == ""


def test_tables_are_whole_and_their_numbers_are_those_of_the_sources_below() -> None:
    text = markdown(answered(), "Ninety seconds")
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert {line.count("|") for line in rows} == {11}
    below = text.partition("## Sources of the prices")[2].strip().splitlines()
    assert [line.partition(".")[0] for line in below] == [str(number) for number in range(1, len(below) + 1)]
    named = {int(each) for line in rows if not line.startswith("| | ") for each in line.split("|")[-2].split(",")}
    assert named == set(range(1, len(below) + 1))


def test_a_source_of_two_ways_has_one_number() -> None:
    """The transcription model hears in both: its sources are named once, and the transcript has no others."""
    found = answered()
    text = markdown(found, "Ninety seconds")
    heard = next(line for line in text.splitlines() if line.startswith("| transcript: only heard |"))
    legs = found.others[0].legs
    assert heard.split("|")[-2].strip() == ", ".join(
        str(at) for at in range(1, 1 + len(dict.fromkeys(source for leg in legs for source in leg.found.rates.row.sources)))
    )


@pytest.mark.parametrize(("title", "shown"), [("ours | theirs", "ours \\| theirs"), ("<b>ours</b>", "&lt;b>ours&lt;/b>")])
def test_a_name_of_ones_own_does_not_break_the_table(title: str, shown: str) -> None:
    found = alternatives(None, PLAN, ASKED, FACTS, stacks=[replace(CHAIN, title=title)])
    assert f"| pipeline: {shown} | gpt-4o-mini-transcribe" in markdown(found, "Ninety seconds")


def test_where_nothing_does_less_there_is_no_table_of_it() -> None:
    found = alternatives(None, PLAN, ASKED, FACTS, stacks=[CHAIN])
    assert "Does less, or something else" not in parts(markdown(found, "Ninety seconds"))
