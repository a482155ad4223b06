"""Every reader reads anything: whole samples as themselves, and faulty ones without a crash or a quantity that cannot be."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.logs.fuzz import CORPUS, NAMES, TOLD, holds, keys, made
from tests.logs.reading import records
from voicebill.logs.read import DIALECTS

FILES = sorted(CORPUS.iterdir())
THE_LOGS = pytest.mark.parametrize("file", FILES, ids=[file.name for file in FILES])
EVERY_READER = pytest.mark.parametrize("dialect", NAMES)


def dialect_of(file: Path) -> str:
    return file.stem.partition("-")[0]


def test_every_dialect_has_a_sample() -> None:
    """A dialect without one would not be tried here."""
    assert {dialect_of(file) for file in FILES} == set(NAMES)


@THE_LOGS
def test_a_sample_is_recognised_as_itself(file: Path) -> None:
    """It is read whole, and nothing of what was said is kept."""
    found, report = records(file.read_bytes(), told=TOLD)
    assert report.sources == {"a log": dialect_of(file)}
    assert report.broken == []
    assert found
    assert "never" not in repr((found, report))


@THE_LOGS
def test_a_sample_is_recognised_as_nothing_else(file: Path) -> None:
    """Whatever the order in which dialects are tried."""
    sample = [b"PAR1"] if file.suffix == ".parquet" else file.read_bytes().splitlines(keepends=True)
    assert [dialect.name for dialect in DIALECTS if dialect.recognises(sample)] == [dialect_of(file)]


@THE_LOGS
def test_the_first_lines_are_enough(file: Path) -> None:
    """A sample that ends early, as in a large file, shows what it is."""
    if file.suffix == ".parquet":
        return
    lines = file.read_bytes().splitlines(keepends=True)
    for most in range(len(lines) * 3 // 4, len(lines)):
        claimed = [dialect.name for dialect in DIALECTS if dialect.recognises(lines[:most])]
        assert claimed in ([], [dialect_of(file)])


@pytest.mark.parametrize(
    "text", [b"", b"\n", b"{}\n", b"[]\n", b"null\n", b"hello\n", b"{", b'{"type": 1}\n', b"\xff\xfe\n", b"[[1]]"]
)
def test_what_is_nobodys_is_not_recognised(text: bytes) -> None:
    """No dialect claims what shows nothing."""
    assert not any(dialect.recognises(text.splitlines(keepends=True)) for dialect in DIALECTS)


@EVERY_READER
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_faulty_sample_is_read_as_far_as_it_goes(dialect: str, seed: int) -> None:
    """Bytes lost, doubled and exchanged: no crash, nothing negative."""
    holds(made(seed, dialect), dialect)


@EVERY_READER
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_json_of_its_names_is_read(dialect: str, data: st.DataObject) -> None:
    """Known names at any place with any value."""
    names = st.sampled_from(keys(dialect) or ("model",))
    plain = st.none() | st.booleans() | st.integers(-5, 2**64) | st.floats() | st.sampled_from(["", "12", "-3", "openai"])
    value = st.recursive(
        plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=6), max_leaves=20
    )
    holds("\n".join(json.dumps(data.draw(value)) for _ in range(2)).encode(), dialect)


def test_a_seed_makes_the_same_log_again() -> None:
    """What was found is found again."""
    assert all(made(seed, name) == made(seed, name) for seed in range(20) for name in NAMES)
