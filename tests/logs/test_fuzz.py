"""Read samples of every format, intact and damaged: no crash, no impossible quantity."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.logs.fuzz import CORPUS, DEFAULTS, FORMAT_NAMES, check_reading, format_of, make_log, sample_keys
from tests.logs.reading import read_records
from voicebill.logs.read import LOG_FORMATS
from voicebill.logs.wrapped_lines import unwrap_log_records

FILES = sorted(CORPUS.iterdir())
THE_LOGS = pytest.mark.parametrize("file", FILES, ids=[file.name for file in FILES])
EVERY_READER = pytest.mark.parametrize("log_format", FORMAT_NAMES)


def first_lines(file: Path) -> list[bytes]:
    """Return the lines of a sample without prefixes and envelopes, if a format is only recognised without them."""
    lines = file.read_bytes().splitlines(keepends=True)
    is_plain = any(log_format.matches(lines) for log_format in LOG_FORMATS)
    return lines if is_plain else [unwrap_log_records(line) for line in lines]


def test_every_format_has_a_sample() -> None:
    """A format without a sample would not be tested here."""
    assert {format_of(file) for file in FILES} == set(FORMAT_NAMES)


@THE_LOGS
def test_a_sample_is_recognised_as_itself(file: Path) -> None:
    """It is read without errors, and no text of the conversation is kept."""
    records, report = read_records(file.read_bytes(), defaults=DEFAULTS)
    assert report.sources == {"a log": format_of(file)}
    assert report.errors == []
    assert records
    assert "never" not in repr((records, report))


@THE_LOGS
def test_a_sample_is_recognised_as_nothing_else(file: Path) -> None:
    """The order in which formats are tried makes no difference."""
    sample = [b"PAR1"] if file.suffix == ".parquet" else first_lines(file)
    assert [log_format.name for log_format in LOG_FORMATS if log_format.matches(sample)] == [format_of(file)]


@THE_LOGS
def test_the_first_lines_are_enough(file: Path) -> None:
    """A sample that ends early, as in a large file, shows what it is."""
    if file.suffix == ".parquet":
        return
    lines = first_lines(file)
    for count in range(len(lines) * 3 // 4, len(lines)):
        matching = [log_format.name for log_format in LOG_FORMATS if log_format.matches(lines[:count])]
        assert matching in ([], [format_of(file)])


@pytest.mark.parametrize(
    "text", [b"", b"\n", b"{}\n", b"[]\n", b"null\n", b"hello\n", b"{", b'{"type": 1}\n', b"\xff\xfe\n", b"[[1]]"]
)
def test_unknown_content_is_not_recognised(text: bytes) -> None:
    """No format matches content without its own marks."""
    assert not any(log_format.matches(text.splitlines(keepends=True)) for log_format in LOG_FORMATS)


@EVERY_READER
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_faulty_sample_is_read_as_far_as_it_goes(log_format: str, seed: int) -> None:
    """Bytes are lost, doubled or exchanged: no crash, and no negative quantity."""
    check_reading(make_log(seed, log_format), log_format)


@EVERY_READER
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_json_of_its_names_is_read(log_format: str, data: st.DataObject) -> None:
    """The format's keys occur at any place with any value."""
    names = st.sampled_from(sample_keys(log_format) or ("model",))
    plain = st.none() | st.booleans() | st.integers(-5, 2**64) | st.floats() | st.sampled_from(["", "12", "-3", "openai"])
    value = st.recursive(
        plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=6), max_leaves=20
    )
    check_reading("\n".join(json.dumps(data.draw(value)) for _ in range(2)).encode(), log_format)


def test_a_seed_makes_the_same_log_again() -> None:
    """A failure that the fuzzer finds can be repeated."""
    assert all(make_log(seed, name) == make_log(seed, name) for seed in range(20) for name in FORMAT_NAMES)
