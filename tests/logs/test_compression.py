"""Compressed logs: all that can be unpacked is read, in every compression, and what comes after it is said."""

import bz2
import gzip
import io
import lzma
import random
import tracemalloc
from collections.abc import Callable

import pyarrow as pa
import pytest

from tests.logs.reading import read_records
from voicebill.logs import compression
from voicebill.logs.compression import LONGEST_START, decompress, first_bytes
from voicebill.logs.sources import Source

DONE = (
    '{"type": "response.done", "response": {"id": "resp_%d", "note": "%x", "usage": {"input_tokens": 5, "output_tokens": 0}}}\n'
)
RESPONSES = 4_000


def zstd(content: bytes) -> bytes:
    return pa.compress(content, codec="zstd", asbytes=True)  # type: ignore[no-any-return]


PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": lambda content: bz2.compress(content, compresslevel=1),
    "xz": lzma.compress,
    "zstd": zstd,
}


@pytest.fixture(scope="module")
def log() -> bytes:
    """4,000 responses, which do not compress well, so that there are several blocks of each kind."""
    numbers = random.Random(17)
    return "".join(DONE % (number, numbers.getrandbits(800)) for number in range(RESPONSES)).encode()


@pytest.mark.parametrize("packing", PACKINGS)
def test_of_a_file_that_ends_early_all_that_can_be_unpacked_is_read(packing: str, log: bytes) -> None:
    """Cut after nine tenths, more than two thirds of the responses are there, in their order, and one error says the end."""
    packed = PACKINGS[packing](log)
    records, report = read_records(packed[: len(packed) * 9 // 10])
    assert [record.key for record in records] == [f"resp_{number}" for number in range(len(records))]
    assert RESPONSES * 2 // 3 < len(records) < RESPONSES
    assert [str(error) for error in report.errors] == [
        f"a log: cannot be read beyond line {len(records):,}: the compressed file ends early"
    ]


@pytest.mark.parametrize("packing", PACKINGS)
def test_of_a_damaged_file_what_comes_before_the_damage_is_read(packing: str, log: bytes) -> None:
    packed = bytearray(PACKINGS[packing](log))
    middle = len(packed) * 8 // 10
    packed[middle : middle + 64] = bytes(64)
    records, report = read_records(bytes(packed))
    assert len({record.key for record in records}) > RESPONSES // 2
    assert report.error_count > 0


@pytest.mark.parametrize("packing", PACKINGS)
def test_streams_one_after_the_other_are_one_log(packing: str) -> None:
    pack = PACKINGS[packing]
    records, report = read_records(pack((DONE % (1, 1)).encode()) + pack((DONE % (2, 2)).encode()))
    assert [record.key for record in records] == ["resp_1", "resp_2"]
    assert report.error_count == 0


@pytest.mark.parametrize("packing", PACKINGS)
def test_what_follows_a_stream_and_is_none_is_said(packing: str) -> None:
    """A line that was appended to the compressed file is not lost without a word."""
    records, report = read_records(PACKINGS[packing]((DONE % (1, 1)).encode()) + (DONE % (2, 2)).encode())
    assert [record.key for record in records] == ["resp_1"]
    assert report.error_count == 1


@pytest.mark.parametrize("packing", PACKINGS)
def test_a_bomb_is_unpacked_piece_by_piece(packing: str) -> None:
    """64 MiB of zeros in some kilobytes: the first bytes are read, and no more than a buffer is in memory."""
    stream = decompress(io.BytesIO(PACKINGS[packing](bytes(64 * 2**20))), "x")
    assert stream.read(4) == bytes(4)
    assert len(stream.peek()) < 2 * compression.BUFFER_BYTES  # type: ignore[attr-defined]


def test_xz_that_asks_for_more_memory_than_is_given_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "MAX_XZ_MEMORY", 100_000)
    with pytest.raises(OSError, match="Memory usage limit"):
        decompress(io.BytesIO(lzma.compress(b"text")), "x").read()


def test_text_that_begins_like_bzip2_is_text() -> None:
    assert decompress(io.BytesIO(b"BZh9 is a name"), "x").read() == b"BZh9 is a name"


def test_a_log_in_memory_is_not_copied() -> None:
    """To find out what 8 MiB of an upload are takes a few bytes of memory more, wherever they are read."""
    uploaded = b'{"type": "session.created"}\n' + bytes(8 * 2**20)
    content = io.BytesIO(uploaded)
    content.seek(5)
    tracemalloc.start()
    try:
        assert first_bytes(content) == b'{"type": "session.created"}'[:LONGEST_START]
        assert not Source("upload", content=content).is_parquet
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()
    assert content.tell() == 5
