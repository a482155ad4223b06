"""JSON in a source: lines, arrays and documents over many lines, whole and broken."""

import json
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.logs.reading import read_records
from voicebill.logs.documents import documents, sample_documents
from voicebill.logs.report import ReadReport
from voicebill.logs.sources import NumberedLines, Source

VALUES = [{"a": 1, "b": ["{", "]", {"c": 'x"y'}]}, {"a": 2, "b": []}, {"a": 3}]


def read(text: str) -> tuple[list[tuple[int, object]], list[str]]:
    report = ReadReport()
    lines = NumberedLines(Source("x.json", content=BytesIO(text.encode())), report)
    values = [(document.line_number, json.loads(document.content)) for document in documents(lines, report)]
    return values, [str(error) for error in report.errors]


@pytest.mark.parametrize(
    ("text", "line_numbers"),
    [
        ("\n".join(map(json.dumps, VALUES)), [1, 2, 3]),
        (json.dumps(VALUES), [1, 1, 1]),
        (json.dumps(VALUES, indent=2), [2, 12, 16]),
        (json.dumps(VALUES, indent=0), [2, 12, 16]),
        (json.dumps(VALUES, indent="\t"), [2, 12, 16]),
        ("[\n" + ",\n".join(map(json.dumps, VALUES)) + "\n]\n", [2, 3, 4]),
        ("[\n" + "\n,\n".join(map(json.dumps, VALUES)) + "\n]\n", [2, 4, 6]),
        ("\n".join(json.dumps(value, indent=4) for value in VALUES), [1, 11, 15]),
        ("[{" + json.dumps(VALUES, indent=2).lstrip("[\n {"), [1, 1, 1]),
    ],
)
def test_documents_are_found_however_they_are_laid_out(text: str, line_numbers: list[int]) -> None:
    """Three objects, as lines, in an array, and written to be read: the same three, each with the line it begins on."""
    numbered_values, errors = read(text)
    assert [value for _, value in numbered_values] == VALUES
    assert [line_number for line_number, _ in numbered_values] == line_numbers
    assert errors == []


def test_an_object_around_them_stays_one_document() -> None:
    """The format's reader opens the envelope around an export's rows."""
    export = {"data": VALUES, "meta": {"page": 1}}
    assert read(json.dumps(export, indent=2))[0] == [(1, export)]
    assert read('{"data": [\n' + ",\n".join(map(json.dumps, VALUES)) + "\n]}")[0] == [(1, {"data": VALUES})]


@pytest.mark.parametrize("cut", ['{"a": [', '{"a": {"b": 1,', '{"a": {', '{"a": [1,', '{"a":', '{"a": "x", "b'])
def test_a_line_that_breaks_off_costs_nothing_but_itself(cut: str) -> None:
    """Wherever a line is cut, the two after it are read."""
    report = ReadReport()
    text = "\n".join([json.dumps(VALUES[0]), cut, json.dumps(VALUES[1]), json.dumps(VALUES[2])])
    all_documents = list(documents(NumberedLines(Source("x", content=BytesIO(text.encode())), report), report))
    intact = [document for document in all_documents if document.content != cut.encode()]
    assert [json.loads(document.content) for document in intact] == VALUES
    assert report.error_count + len(all_documents) - len(intact) == 1


def test_a_document_that_breaks_off_is_reported_once() -> None:
    """Its inner lines are not taken for documents of their own."""
    first, *_ = json.dumps(VALUES[0], indent=2).partition('"c"')
    numbered_values, errors = read(first + "\n" + json.dumps(VALUES[1], indent=2))
    assert [value for _, value in numbered_values] == [VALUES[1]]
    assert errors == ["x.json, line 1: not valid JSON: the document begins here and is incomplete"]


def test_an_array_that_does_not_end_is_reported() -> None:
    """The elements that are whole count."""
    numbered_values, errors = read("[\n" + json.dumps(VALUES[0]) + ",\n" + json.dumps(VALUES[1]) + ",\n")
    assert [value for _, value in numbered_values] == VALUES[:2]
    assert errors == ["x.json, line 1: an array begins here and does not end"]


def test_documents_without_an_identifier_are_told_apart_by_their_place() -> None:
    """Two equal elements of one line have two keys."""
    report = ReadReport()
    lines = NumberedLines(Source("x", content=BytesIO(b'[{"a": 1}, {"a": 1}]')), report)
    assert len({document.key for document in documents(lines, report)}) == 2


def test_the_beginning_of_a_long_document_shows_what_it_is() -> None:
    """A sample that ends in the middle of one is closed where it ends."""
    lines = json.dumps({"data": [VALUES[0]] * 100}, indent=1).encode().splitlines()[:40]
    assert b'"data"' in sample_documents(lines)[0]
    json.loads(sample_documents(lines)[0])


def test_deep_nesting_is_no_document() -> None:
    """10,000 brackets, one on each line, end in a report and not in the interpreter's limit."""
    numbered_values, errors = read("[\n" * 10_000)
    assert numbered_values == []
    assert errors


def test_lines_that_all_begin_a_document_are_not_read_again_and_again() -> None:
    """20,000 of them: reported by the hundred, in time that grows with their number."""
    report = ReadReport()
    lines = NumberedLines(Source("x", content=BytesIO(b'{"a": [\n' * 20_000)), report)
    assert list(documents(lines, report)) == []
    assert report.error_count == 200


pieces = st.sampled_from(["{", "}", "[", "]", ",", ":", '"a"', '"', "1", "\n", "\n  ", "{}", '{"a": 1}', "\\"])


@given(st.lists(pieces, max_size=40))
def test_any_text_is_taken_apart(parts: list[str]) -> None:
    """Whatever the brackets: no crash, and no document that is empty."""
    report = ReadReport()
    text = "".join(parts).encode()
    lines = NumberedLines(Source("x", content=BytesIO(text)), report)
    assert all(document.content.strip() for document in documents(lines, report))
    sample_documents(text.splitlines())


json_values = st.recursive(
    st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)
json_objects = st.dictionaries(st.text(), json_values, min_size=1, max_size=4)


@given(st.lists(json_objects, min_size=1, max_size=4), st.sampled_from([None, 0, 1, 4]))
def test_objects_come_back_as_they_were(values: list[dict[str, object]], indent: int | None) -> None:
    """Any objects in an array or one after another, indented in any way."""
    assert [value for _, value in read(json.dumps(values, indent=indent))[0]] == values
    assert [value for _, value in read("\n".join(json.dumps(value, indent=indent) for value in values))[0]] == values


@pytest.mark.parametrize("lines_before", [10, 1_000, 20_000])
def test_a_format_is_recognised_by_usage_at_the_end_of_a_long_document(lines_before: int) -> None:
    """An event of the Realtime API, and a sum of LiveKit, behind many lines of something else."""
    usage = {"input_tokens": 5, "output_tokens": 0, "input_token_details": {"text_tokens": 5}}
    before = {"notes": [f"line {number}" for number in range(lines_before)]}
    event = {**before, "event": {"type": "response.done", "response": {"id": "resp_1", "usage": usage}}}
    livekit = {**before, "model_usage": [{"type": "llm_usage", "provider": "openai", "model": "m", "input_tokens": 5}]}
    for document, log_format in ((event, "realtime"), (livekit, "livekit")):
        records, report = read_records(json.dumps(document, indent=2))
        assert report.sources == {"a log": log_format}
        assert [sum(record.usage.quantities.values()) for record in records] == [5]
