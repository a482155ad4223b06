"""Where logs lie: files, folders, patterns and streams, plain and compressed; and what cannot be read, in words."""

import bz2
import gzip
import lzma
import os
import resource
import sys
from collections.abc import Callable
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pyarrow as pa
import pytest

from voicebill.billing.errors import InvalidInput
from voicebill.facts.files import UnreadableFile
from voicebill.logs.read import read_log
from voicebill.logs.report import InvalidLog, ReadReport
from voicebill.logs.sources import NumberedLines, Source, find_sources

TEXT = b"one\n\ntwo\n   \nthree"
NUMBERED = [(1, b"one\n"), (3, b"two\n"), (5, b"three")]
DONE = (
    b'{"type": "response.done", "response": {"id": "%s", "status": "completed", '
    b'"usage": {"input_tokens": 5, "output_tokens": 0}}}\n'
)


def zstd(content: bytes) -> bytes:
    return pa.compress(content, codec="zstd", asbytes=True)  # type: ignore[no-any-return]


def read_lines(source: Source) -> tuple[list[tuple[int, bytes]], ReadReport]:
    report = ReadReport()
    return list(NumberedLines(source, report)), report


def error_texts(report: ReadReport) -> list[str]:
    return [str(error) for error in report.errors]


PACKINGS: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstd}


@pytest.mark.parametrize("packed", [bytes, *PACKINGS.values()])
@pytest.mark.parametrize("streamed", [False, True])
def test_lines_are_numbered_however_they_are_packed(packed: object, streamed: bool, tmp_path: Path) -> None:
    """Five lines, two of them empty: 1, 3 and 5, from a file of any name or a stream."""
    content = packed(TEXT)  # type: ignore[operator]
    file = tmp_path / "any.name"
    file.write_bytes(content)
    numbered_lines, report = read_lines(Source("x", content=BytesIO(content)) if streamed else Source("x", path=file))
    assert numbered_lines == NUMBERED
    assert (report.lines, error_texts(report)) == (5, [])


def test_a_byte_order_mark_is_no_part_of_the_first_line() -> None:
    assert read_lines(Source("x", content=BytesIO(b"\xef\xbb\xbf{}\n")))[0] == [(1, b"{}\n")]


def test_the_first_lines_can_be_looked_at_and_stay() -> None:
    """A sample of two lines, or of so many bytes, is read again."""
    for max_lines, max_bytes, seen in ((2, 1000, 2), (9, 2, 1), (9, 1000, 3)):
        source = NumberedLines(Source("x", content=BytesIO(TEXT)), ReadReport())
        assert len(source.sample(max_lines, max_bytes)) == seen
        assert list(source) == NUMBERED


def test_an_empty_file_is_a_log_in_which_nothing_stands(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").touch()
    report = ReadReport()
    assert list(read_log(tmp_path / "empty.jsonl", report=report)) == []
    assert (report.sources, report.lines, report.errors) == ({str(tmp_path / "empty.jsonl"): "empty"}, 0, [])


@pytest.mark.parametrize("cut", [20, 400])
def test_a_compressed_file_that_breaks_off_is_read_as_far_as_it_goes(cut: int, tmp_path: Path) -> None:
    """It ends in a sentence, not in a crash, and what was read before stays."""
    content = b"".join(b"%d %s\n" % (at, os.urandom(12).hex().encode()) for at in range(200))
    for packed, name in ((gzip.compress, "a.gz"), (zstd, "a.zst")):
        compressed = packed(content)
        (tmp_path / name).write_bytes(compressed[: len(compressed) - cut])
        numbered_lines, report = read_lines(Source(name, path=tmp_path / name))
        assert len(error_texts(report)) == 1, name
        assert error_texts(report)[0].startswith(f"{name}: cannot be read beyond line"), name
        assert all(content.splitlines(keepends=True)[at - 1].startswith(line.rstrip(b"\n")) for at, line in numbered_lines)


def test_what_is_no_gzip_behind_its_first_bytes_is_said(tmp_path: Path) -> None:
    (tmp_path / "x.gz").write_bytes(b"\x1f\x8bhello")
    numbered_lines, report = read_lines(Source("x.gz", path=tmp_path / "x.gz"))
    assert numbered_lines == []
    assert error_texts(report)[0].startswith("x.gz: cannot be read beyond line 0: ")


def test_a_line_that_is_too_long_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """At most 8 bytes: of lines of 4, 12, 8, 9 and 30 bytes the second, the fourth and the last are left out."""
    monkeypatch.setattr("voicebill.logs.sources.MAX_LINE_BYTES", 8)
    text = b"aaa\n" + b"b" * 11 + b"\n" + b"c" * 7 + b"\n" + b"d" * 8 + b"\n" + b"eee\n" + b"f" * 30
    numbered_lines, report = read_lines(Source("x", content=BytesIO(text)))
    assert numbered_lines == [(1, b"aaa\n"), (3, b"ccccccc\n"), (5, b"eee\n")]
    assert error_texts(report) == [f"x, line {at}: longer than 8 bytes" for at in (2, 4, 6)]
    assert report.lines == 6


def test_a_strict_reading_stops_at_what_it_cannot_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voicebill.logs.sources.MAX_LINE_BYTES", 8)
    with pytest.raises(InvalidLog, match="x, line 1: longer than 8 bytes"):
        list(NumberedLines(Source("x", content=BytesIO(b"a" * 20)), ReadReport(strict=True)))


def make_files(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"{}\n")


def relative_names(log_sources: list[Source], folder: Path) -> list[str]:
    return [str(source.path.relative_to(folder)) for source in log_sources if source.path]


def test_a_folder_is_all_its_logs_in_the_order_of_their_names(tmp_path: Path) -> None:
    """Plain, packed and rotated, in any depth; hidden files and others are none."""
    make_files(
        tmp_path, "b.jsonl", "a.log.1", "deep/c.csv.gz", "z.ndjson.2.zst", ".hidden.jsonl", "picture.png", "notes.md", "a.gz"
    )
    assert relative_names(find_sources([tmp_path], ReadReport()), tmp_path) == [
        "a.log.1",
        "b.jsonl",
        "deep/c.csv.gz",
        "z.ndjson.2.zst",
    ]


def test_a_pattern_is_all_that_it_matches_and_a_file_named_twice_is_one(tmp_path: Path) -> None:
    make_files(tmp_path, "a.jsonl", "b.jsonl", "deep/c.jsonl", "odd.name")
    every: list[str | Path] = [
        tmp_path / "odd.name",
        str(tmp_path / "*.jsonl"),
        str(tmp_path / "**/*.jsonl"),
        tmp_path / "b.jsonl",
    ]
    assert relative_names(find_sources(every, ReadReport()), tmp_path) == ["odd.name", "a.jsonl", "b.jsonl", "deep/c.jsonl"]


def test_a_file_whose_name_looks_like_a_pattern_is_a_file(tmp_path: Path) -> None:
    make_files(tmp_path, "day[1].jsonl")
    assert relative_names(find_sources([tmp_path / "day[1].jsonl"], ReadReport()), tmp_path) == ["day[1].jsonl"]


def test_what_is_not_there_is_said_with_what_is(tmp_path: Path) -> None:
    make_files(tmp_path, "november.jsonl")
    with pytest.raises(UnreadableFile, match=r"there is no file .*novmber\.jsonl; did you mean november\.jsonl\?"):
        find_sources([tmp_path / "novmber.jsonl"], ReadReport())
    with pytest.raises(UnreadableFile, match="there is no file"):
        find_sources([tmp_path / "none" / "x.jsonl"], ReadReport())
    with pytest.raises(InvalidInput, match="no file matches"):
        find_sources([tmp_path / "*.csv"], ReadReport())
    make_files(tmp_path, "pictures/a.png")
    with pytest.raises(InvalidInput, match=r"the folder .*pictures contains no log; logs end in \.jsonl, \.ndjson"):
        find_sources([tmp_path / "pictures"], ReadReport())


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    make_files(tmp_path, "secret.jsonl")
    (tmp_path / "secret.jsonl").chmod(0)
    with pytest.raises(UnreadableFile, match=r"secret\.jsonl cannot be read: Permission denied"):
        list(read_log(tmp_path / "secret.jsonl"))


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks: the system's own word stands behind it."""
    make_files(tmp_path, "secret.jsonl")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(UnreadableFile, match=r"secret\.jsonl cannot be read: Permission denied"):
        list(read_log(tmp_path / "secret.jsonl"))


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="/dev/null is not a regular file"):
        find_sources(["/dev/null"], ReadReport())
    with pytest.raises(UnreadableFile, match="is a folder, not a file"):
        Source(str(tmp_path), path=tmp_path).open()


@pytest.mark.parametrize("packed", [bytes, *PACKINGS.values()])
def test_standard_input_is_a_log_too(packed: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Named by a dash, packed or not, beside files."""
    content = packed(DONE % b"r1" + DONE % b"r2")  # type: ignore[operator]
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(content)))
    report = ReadReport()
    assert [record.key for record in read_log("-", report=report)] == ["r1", "r2"]
    assert report.sources == {"standard input": "realtime"}


def test_a_pipe_with_a_name_is_read(tmp_path: Path) -> None:
    """As a shell's `<(...)` gives it."""
    reader, writer = os.pipe()
    os.write(writer, DONE % b"r1")
    os.close(writer)
    try:
        assert [record.key for record in read_log(f"/dev/fd/{reader}")] == ["r1"]
    finally:
        os.close(reader)


def test_of_several_files_the_one_that_is_no_log_is_reported(tmp_path: Path) -> None:
    """Alone it is refused."""
    (tmp_path / "a.jsonl").write_bytes(DONE % b"r1")
    (tmp_path / "b.txt").write_bytes(b"hello\nworld\n")
    report = ReadReport()
    assert [record.key for record in read_log(tmp_path, report=report)] == ["r1"]
    assert len(error_texts(report)) == 1
    assert "b.txt: not in a known format (realtime, " in error_texts(report)[0]
    with pytest.raises(InvalidInput, match=r"is not in a known format \(realtime"):
        list(read_log(tmp_path / "b.txt"))


def test_a_file_is_itself_by_its_folder_and_however_it_is_packed() -> None:
    """So that what has no identifier of its own is known again."""
    assert Source("x/day.jsonl.gz", path=Path("x/day.jsonl.gz")).identity == "x/day.jsonl"
    assert Source("y/day.jsonl", path=Path("y/day.jsonl")).identity == "y/day.jsonl"
    assert Source("y/../x/day.jsonl", path=Path("y/../x/day.jsonl")).identity == "x/day.jsonl"
    assert Source("standard input").identity == "standard input"


def test_more_files_are_read_than_can_be_open(tmp_path: Path) -> None:
    """300 files where some 40 may be open."""
    for number in range(300):
        (tmp_path / f"{number}.jsonl").write_bytes(DONE % b"r%d" % number)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(
        resource.RLIMIT_NOFILE, (max(int(descriptor.name) for descriptor in Path("/dev/fd").iterdir()) + 40, hard)
    )
    try:
        assert len(list(read_log(tmp_path))) == 300
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_of_a_packed_file_that_is_still_written_all_before_its_end_is_read(tmp_path: Path) -> None:
    """Its writer has flushed, and not closed it."""
    with (tmp_path / "x.gz").open("wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb") as packed:
        packed.write(b"".join(b"%d\n" % number for number in range(1, 501)))
        packed.flush()
        raw.flush()
        numbered_lines, report = read_lines(Source("x.gz", path=tmp_path / "x.gz"))
    assert numbered_lines == [(number, b"%d\n" % number) for number in range(1, 501)]
    assert error_texts(report)[0].startswith("x.gz: cannot be read beyond line 500: ")


def test_standard_input_may_be_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UnreadableFile, match="standard input is closed"):
        find_sources(["-"], ReadReport())


def test_what_is_plain_is_not_unpacked() -> None:
    packed = gzip.compress(TEXT)
    assert Source("x", content=BytesIO(packed), plain=True).open().read() == packed


def test_a_ledger_among_logs_is_no_log(tmp_path: Path) -> None:
    """It is passed over in folders and patterns, and refused where it is named."""
    make_files(tmp_path, "a.jsonl", "deep/b.jsonl", "deep/kept/ledger.json", "deep/kept/x.parquet", "deep/kept/in/y.parquet")
    assert relative_names(find_sources([tmp_path], ReadReport()), tmp_path) == ["a.jsonl", "deep/b.jsonl"]
    assert relative_names(find_sources([tmp_path / "*"], ReadReport()), tmp_path) == ["a.jsonl", "deep/b.jsonl"]
    assert relative_names(find_sources([tmp_path / "**" / "*"], ReadReport()), tmp_path) == ["a.jsonl", "deep/b.jsonl"]
    with pytest.raises(InvalidInput, match=r"kept is a ledger, not a log: use --ledger .*kept$"):
        find_sources([tmp_path / "deep" / "kept"], ReadReport())


def test_the_report_grows_while_a_source_is_read() -> None:
    report = ReadReport()
    reading = iter(NumberedLines(Source("x", content=BytesIO(b"x\n" * 3_500)), report))
    line_counts = {report.lines for _ in reading}
    assert (line_counts, report.lines) == ({0, 1_000, 2_000, 3_000}, 3_500)
