"""Two formats in one file: both are read, or the answer is incomplete, whichever comes first and however long it is."""

import json
from collections.abc import Iterable, Sequence

import pytest

from tests.logs.format_samples import SAMPLES, format_of, is_table
from tests.logs.reading import read_records
from voicebill.billing.record import Record
from voicebill.logs import read
from voicebill.logs.read import LOG_FORMATS

FIRST, SECOND = 1_307, 2_711
"""A count of each of the two samples: no sum of others is equal to it."""
SAMPLE_LINES = 20
"""So many lines are looked at to recognise a format here, in place of 400: what follows them is the same, and soon read."""
METRICS_OF_SPANS = {"otel, spans", "otel, metrics"}
"""Metrics of a model whose spans are in the log are skipped: they repeat them."""


def has_count(records: list[Record], count: int) -> bool:
    """Whether a count is among the usage of records, in whatever unit: seconds are counted in milliseconds."""
    quantities = {quantity for record in records for usage in record.usage_candidates for quantity in usage.quantities.values()}
    return not quantities.isdisjoint((count, count * 1000))


def indented(log: str) -> str:
    """A log of JSON lines with each document over many lines."""
    return "".join(json.dumps(json.loads(line), indent=2) + "\n" for line in log.splitlines())


def is_read_or_incomplete(log: str) -> bool:
    records, report = read_records(log)
    return report.unread_usage is not None or (has_count(records, FIRST) and has_count(records, SECOND))


def test_there_is_a_sample_of_every_format_and_each_is_read_by_its_own() -> None:
    assert {format_of(name) for name in SAMPLES} == {log_format.name for log_format in LOG_FORMATS}
    for name, sample in SAMPLES.items():
        records, report = read_records(sample(FIRST))
        assert (set(report.sources.values()), has_count(records, FIRST)) == ({format_of(name)}, True), name
        assert (report.error_count, report.unread_usage) == (0, None), name


@pytest.mark.parametrize("first", SAMPLES)
@pytest.mark.parametrize("second", SAMPLES)
def test_of_two_formats_in_a_file_neither_is_passed_over(first: str, second: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As short as can be; with the second after more lines than are looked at; and with JSON over many lines."""
    if first == second or {first, second} == METRICS_OF_SPANS:
        return
    monkeypatch.setattr(read, "SAMPLE_LINES", SAMPLE_LINES)
    before, after = SAMPLES[first](FIRST), SAMPLES[second](SECOND)
    *header, row = before.splitlines(keepends=True)
    long_before = "".join(header) + row * (SAMPLE_LINES + 1)
    assert is_read_or_incomplete(before + after)
    assert is_read_or_incomplete(long_before + after)
    if not is_table(second):
        assert is_read_or_incomplete(before + indented(after))
        assert is_read_or_incomplete(long_before + indented(after))
        if not is_table(first):
            assert is_read_or_incomplete(indented(before) + after)


def test_tables_with_the_same_header_are_one_table() -> None:
    """As `cat` joins them: two rows, and nothing to say."""
    records, report = read_records(SAMPLES["columns"](FIRST) + SAMPLES["columns"](SECOND))
    assert [dict(record.usage.items()) for record in records] == [{"text_in": FIRST}, {"text_in": SECOND}]
    assert (report.error_count, report.unread_usage) == (0, None)


def test_rows_of_another_table_are_not_read_by_the_first_header() -> None:
    """2,711 tokens of output under a header of as many columns, in which the third is input."""
    records, report = read_records(SAMPLES["columns"](FIRST) + SAMPLES["columns, in another order"](SECOND))
    assert [dict(record.usage.items()) for record in records] == [{"text_in": FIRST}]
    assert report.unread_usage is not None
    assert report.unread_usage.items == 2  # the header, and its row
    assert [str(error) for error in report.errors] == [
        "a log, line 3: the header of another table: give each table a file of its own"
    ]


def test_rows_after_json_over_many_lines_are_unread_even_if_the_json_has_no_usage() -> None:
    table = SAMPLES["columns"](FIRST)
    row = table.splitlines()[1]
    records, report = read_records(f'{table}{{\n "hello": "world"\n}}\n{row}\n')
    assert len(records) == 1
    assert report.unread_usage is not None
    assert (report.unread_usage.items, report.unread_usage.line_number) == (1, 6)


def test_a_line_of_json_in_a_table_is_no_row_and_the_rows_after_it_are_read() -> None:
    table = SAMPLES["columns"](FIRST)
    row = table.splitlines()[1].replace(str(FIRST), str(SECOND))
    records, report = read_records(f'{table}{{"hello": "world"}}\n{row}\n')
    assert [dict(record.usage.items()) for record in records] == [{"text_in": FIRST}, {"text_in": SECOND}]
    assert (report.other_lines, report.error_count, report.unread_usage) == (1, 0, None)


def test_a_row_of_another_length_is_unread_if_it_has_counts() -> None:
    records, report = read_records(SAMPLES["columns"](FIRST) + "gpt-realtime,2026-11-20,5,5,0,one too many\n")
    assert len(records) == 1
    assert report.unread_usage is not None
    assert str(report.unread_usage) == "a log, line 3: input_tokens 5, input_text_tokens 5"


def test_an_update_that_is_no_responses_is_unread() -> None:
    """The SDK's updates repeat responses of the same tokens; one of 7 tokens repeats none of 5."""

    def line(kind: str, tokens: int) -> str:
        usage = {"requests": 1, "inputTokens": tokens, "outputTokens": 0, "totalTokens": tokens}
        body = {"response": {"id": "resp_1", "usage": usage}} if kind == "response_done" else {"usage": usage}
        return json.dumps({"type": kind, **body}) + "\n"

    records, report = read_records(line("usage_update", 5) + line("response_done", 5) + line("usage_update", 7))
    assert [record.key for record in records] == ["resp_1"]
    assert report.unread_usage is not None
    assert str(report.unread_usage) == "a log, line 3: input_tokens 7, output_tokens 0"


def test_lines_with_the_same_names_are_searched_for_other_formats_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 500 lines of another logger with a duration, one is; of as many of different names, as many as is quick."""
    searched = []
    recognise = read._recognise

    def recognise_and_count(sample: Sequence[bytes], log_formats: Iterable[read.LogFormat]) -> read.Recognition | None:
        searched.append(sample)
        return recognise(sample, log_formats)

    monkeypatch.setattr(read, "_recognise", recognise_and_count)
    log = SAMPLES["realtime"](FIRST)
    _, report = read_records(log + "".join(f'{{"message": "m", "duration": {number}}}\n' for number in range(500)))
    assert (len(searched), report.other_lines, report.unread_usage) == (2, 500, None)
    searched.clear()
    monkeypatch.setattr(read, "MAX_EXAMINED_BYTES", 100 * read.MIN_EXAMINED_BYTES)
    letters = "abcdefghijklmnopqrstuvwxyz"
    _, report = read_records(
        log + "".join(f'{{"{first}{second}": "m", "duration": 1}}\n' for first in letters for second in letters)
    )
    assert len(searched) == 1 + 100
    assert report.remarks[read.NOT_EXAMINED] == 26 * 26 - 100
