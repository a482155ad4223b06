"""Generate damaged and random logs, and check that they are read without a crash or an impossible quantity.

The suite tries a few. To test one reader, or all, for some minutes: `python -m tests.logs.fuzz --minutes 10 otel`, or with a
number of logs: `--logs 200000`. The samples of one shape are named by their file: `otel-metrics`. A failure is shown with its
seed, and repeated with `--seed`. What was changed in the names and the structure of JSON is in `tests.logs.shapes`.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

from tests.logs.shapes import WRAPPERS, camel_case, documents_of, renamed, snake_case
from voicebill.billing.errors import InvalidInput
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.read import LOG_FORMATS, read_log
from voicebill.logs.report import ReadReport
from voicebill.logs.sources import Source
from voicebill.logs.unread_usage import unread_counts
from voicebill.logs.wrapped_lines import unwrap_line

CORPUS = Path(__file__).with_name("corpus")
FORMAT_NAMES = [log_format.name for log_format in LOG_FORMATS]
DEFAULTS = LogDefaults(model="gpt-realtime", transcription_model="whisper-1")
MAX_SECONDS = 2
"""No log of this size takes longer."""
MAX_DOCUMENTS = 4
"""Structures are changed in so many documents of a sample, so that many can be tried."""
RECOGNISED_OF = 16
"""One log of so many is read without its format, too, which takes ten times as long."""

PIECES = (
    *(b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\", b"\n", b"\r\n", b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xe2\x80\xa8"),
    *(b"-1", b"0", b"1.5", b"1e999", b"NaN", b"1" * 30, b"null", b"true", b'""', b"[]", b"{}", b"{}\n", b'"\\ud800"', b'"-5"'),
    *(b"[" * 300, b'{"a":' * 300, b"999999999999", b"9223372036854775808", b'"2026-13-45T99:99"', b"PAR1"),
)
VALUES: tuple[object, ...] = (
    *(None, True, False, 0, 1, 64, 132, -1, 10**12, 10**13, 2**63, 10**40, 0.5, 12.0, -2.5, 1e300),
    *(
        "",
        "0",
        "12",
        "-3",
        "resp_1",
        "completed",
        "openai",
        "azure/x",
        "2026-03-01T12:00:00Z",
        "1795345200000000000",
        "\ud800",
        "\x00",
    ),
    *("99999999999999999999", "1" * 5000, [], {}, [[]], "TOKENS", "GENERATION", "transcription", "{", "\u00e9\u2028"),
)


@cache
def samples(shape: str) -> tuple[bytes, ...]:
    """Return the corpus of a format, or the sample of one shape of it."""
    return tuple(path.read_bytes() for path in sorted(CORPUS.iterdir()) if shape in (path.stem, format_of(path)))


def format_of(file: Path) -> str:
    """Return the format of a file of the corpus, which is in its name."""
    return next(name for name in FORMAT_NAMES if file.stem == name or file.stem.startswith(f"{name}-"))


def mutate_sample(random: Random, log_format: str) -> bytes:
    """Return a sample with a few errors of the kinds that disks, loggers and people make."""
    content = bytearray(random.choice(samples(log_format)))
    for _ in range(random.randint(1, 6)):
        at, to = sorted(random.randint(0, len(content)) for _ in range(2))
        to = min(to, at + random.choice((1, 4, 40, 4000)))
        match random.randrange(6):
            case 0:
                content[at:to] = b""
            case 1:
                content[at:at] = content[at:to]
            case 2:
                content[at : at + 1] = bytes([random.randrange(256)])
            case 3:
                content[at : at + random.randint(0, 3)] = random.choice(PIECES)
            case 4:
                del content[at:]
            case _:
                content[at:at] = random.choice(samples(log_format))[: to - at]
    return bytes(content)


@cache
def sample_keys(log_format: str) -> tuple[str, ...]:
    """Return all keys in the samples of a format, also in those that are in envelopes or were printed by Python."""
    names: set[str] = set()
    for sample in samples(log_format):
        for line in (sample, *sample.splitlines(), *map(unwrap_line, sample.splitlines())):
            names |= set(_names(line.decode("latin-1")))
    return tuple(sorted(names))


def _names(text: str) -> Iterator[str]:
    try:
        waiting = [json.loads(text)]
    except ValueError:
        return
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield from value
            waiting += value.values()
            waiting += [key for key, inner in value.items() if key == "key" and isinstance(inner, str)]
        elif isinstance(value, list):
            waiting += value


def invent_log(random: Random, log_format: str) -> bytes:
    """Return JSON of keys that the format uses, with any values, or a sample with some values exchanged."""
    if log_format.startswith("columns"):
        return _table(random)
    if random.random() < 0.5:
        values = [_value(random, sample_keys(log_format), 4) for _ in range(random.randint(1, 5))]
    else:
        values = [
            _change_values(random, document, sample_keys(log_format))
            for document in documents_of(random.choice(samples(log_format)))
        ]
    indent = random.choice((None, None, 0, 2))
    if random.random() < 0.2:
        return json.dumps(values, indent=indent).encode()
    return "\n".join(json.dumps(value, indent=indent) for value in values).encode()


def _value(random: Random, names: tuple[str, ...], depth: int) -> object:
    kind = random.random()
    if depth and kind < 0.5:
        return {random.choice(names): _value(random, names, depth - 1) for _ in range(random.randint(0, 8))}
    if depth and kind < 0.6:
        return [_value(random, names, depth - 1) for _ in range(random.randint(0, 3))]
    return random.choice(VALUES)


def _change_values(random: Random, value: object, names: tuple[str, ...]) -> object:
    if random.random() < 0.05:
        return _value(random, names, 2)
    if isinstance(value, dict):
        return {key: _change_values(random, inner, names) for key, inner in value.items() if random.random() > 0.05}
    if isinstance(value, list):
        return [_change_values(random, inner, names) for inner in value]
    if isinstance(value, int) and random.random() < 0.3:
        return random.choice((0, 1, 7, 64, 100, 1000))
    return value


def _table(random: Random) -> bytes:
    from voicebill.logs.formats.columns import supported_columns  # noqa: PLC0415 - only here

    names = [*random.sample(sorted(supported_columns()), random.randint(2, 8)), "text_in"]
    delimiter = random.choice(",;\t|")
    rows = [
        [str(random.choice(VALUES)).encode("utf-8", "replace").decode() for _ in names] for _ in range(random.randint(1, 5))
    ]
    return "\n".join(delimiter.join(row) for row in [names, *rows]).encode()


def change_structure(random: Random, log_format: str) -> bytes:
    """Return some documents of a sample, or rows of a table, in another order, shape or case, or with other values."""
    sample = random.choice(samples(log_format))
    documents = documents_of(sample)
    if not documents:
        return _change_rows(random, sample)
    start = random.randrange(len(documents))
    documents = documents[start : start + random.randint(1, MAX_DOCUMENTS)]
    for _ in range(random.randint(1, 3)):
        documents = random.choice(STRUCTURE_CHANGES)(random, documents)
    layout = random.randrange(8)
    if layout == 0:
        return json.dumps(documents, indent=random.choice((None, 0, 2))).encode()
    if layout == 1:
        return b"[\n" + b",\n".join(json.dumps(document).encode() for document in documents) + b"\n]"
    if layout == 2:
        return "\n".join(json.dumps(document, indent=2) for document in documents).encode()
    lines = [json.dumps(document) for document in documents]
    if layout in (3, 4):
        wrap = WRAPPERS[random.choice(sorted(WRAPPERS))]
        lines = [wrap(line) if random.random() < 0.9 else line for line in lines]
    elif layout == 5:
        lines = [
            f"INFO {document!r}" if random.random() < 0.9 else line for document, line in zip(documents, lines, strict=True)
        ]
    return "\n".join(lines).encode()


def _change_rows(random: Random, sample: bytes) -> bytes:
    """Return a text with lines in another order, and cells of its rows exchanged."""
    header, *rows = sample.splitlines() or [b""]
    for _ in range(random.randint(1, 4)):
        rows = _reorder(random, rows)
        delimiter = max((b",", b";", b"\t", b"|"), key=header.count)
        if rows and random.random() < 0.7:
            row = random.randrange(len(rows))
            cells = rows[row].split(delimiter)
            cells[random.randrange(len(cells))] = str(random.choice(VALUES)).encode("utf-8", "replace")
            rows[row] = delimiter.join(cells)
    if random.random() < 0.2:
        header = renamed({header.decode("utf-8", "replace"): 0}, random.choice((snake_case, str.upper))).popitem()[0].encode()
    return b"\n".join([header, *rows])


def _reorder(random: Random, items: list[Any]) -> list[Any]:
    """Return items with one lost or doubled, or in another order."""
    if not items:
        return items
    index = random.randrange(len(items))
    return random.choice(
        (
            items[:index] + items[index + 1 :] if len(items) > 1 else items,
            [*items, items[index]],
            items[::-1],
            random.sample(items, len(items)),
        )
    )


def _rename(random: Random, documents: list[Any]) -> list[Any]:
    rename = random.choice((camel_case, snake_case))
    return [renamed(document, rename) if random.random() < 0.8 else document for document in documents]


def _replace_value(random: Random, documents: list[Any]) -> list[Any]:
    """Return documents of which one has another value, or lacks a field, at some place."""
    documents = json.loads(json.dumps(documents))
    place: Any = documents
    while place:
        key = random.choice(list(place)) if isinstance(place, dict) else random.randrange(len(place))
        if not isinstance(place[key], dict | list) or not place[key] or random.random() < 0.1:
            change = random.random()
            if change < 0.3 and place is not documents:
                del place[key]
            elif change < 0.6 and isinstance(place[key], int | float):
                place[key] = random.choice((0, 1, 7, 13, 64, 100, 119, 132, 253, 1000, 2.5))
            else:
                place[key] = random.choice(VALUES)
            break
        place = place[key]
    return documents


def _put_inside(random: Random, documents: list[Any]) -> list[Any]:
    """Return documents of which one is in an envelope of one's own, as an object or as a text."""
    index = random.randrange(len(documents)) if documents else 0
    inside = [json.dumps(document) if random.random() < 0.3 else document for document in documents[index : index + 1]]
    name = random.choice(("event", "data", "payload", "message", "body", "details"))
    around = random.choice(({}, {"time": "2026-11-24T10:15:30Z"}, {"call_id": "c7"}, {"session_id": 7, "tenant": "acme"}))
    return [*documents[:index], *({**around, name: document} for document in inside), *documents[index + 1 :]]


STRUCTURE_CHANGES: tuple[Callable[[Random, list[Any]], list[Any]], ...] = (
    *(_rename, _reorder, _replace_value, _replace_value, _put_inside),
)
GENERATORS = (mutate_sample, invent_log, change_structure, change_structure)


def make_log(seed: int, log_format: str) -> bytes:
    """Return the log of a seed."""
    random = Random(seed)
    return random.choice(GENERATORS)(random, log_format)


def check_reading(content: bytes, log_format: str, *, recognise: bool = True) -> None:
    """Reading any bytes, with the format given or recognised, ends, and gives only possible values.

    Raises:
        AssertionError: a quantity is negative, a record has no usage, its usages differ in what they are worth, a log that
            shows counts gives an exact record of nothing and nothing else, or reading takes too long.
    """
    for format_name in (log_format, None) if recognise else (log_format,):
        report, refusal = ReadReport(), ""
        began = time.process_time()
        try:
            records = list(
                read_log(Source("a log", content=BytesIO(content)), log_format=format_name, defaults=DEFAULTS, report=report)
            )
        except InvalidInput as error:
            refusal = str(error)
        if refusal:
            assert format_name is None or "an invoice" in refusal, "a format that is given is not to be recognised"
            continue
        for record in records:
            assert record.usage_candidates, record
            assert all(quantity > 0 for usage in record.usage_candidates for _, quantity in usage.items()), record
            assert len({usage.status for usage in record.usage_candidates}) == 1, record
            assert record.content_hash, record
            assert record.completeness >= 0, record
        assert all(str(error) for error in report.errors)
        is_reported = report.error_count or report.unread_by_source or report.skipped or report.remarks
        if len(records) == 1 and records[0].status == "exact" and not records[0].usage.quantities and not is_reported:
            assert not unread_counts(content), records
        assert time.process_time() - began < MAX_SECONDS, "slow"


def run(shape: str, seed: int, *, minutes: float | None = None, logs: int | None = None) -> int:
    """Test one reader, or one shape of it, for some minutes or with some logs; return the number of logs."""
    log_format = format_of(Path(shape))
    tried, until = 0, time.monotonic() + (minutes or 0) * 60
    while tried < logs if logs is not None else time.monotonic() < until:
        try:
            check_reading(make_log(seed + tried, shape), log_format, recognise=tried % RECOGNISED_OF == 0)
        except BaseException:
            print(f"{shape}: --seed {seed + tried} fails", file=sys.stderr)  # noqa: T201 - what it is run for
            raise
        tried += 1
    return tried


def main() -> None:
    """Test the given readers, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shapes", nargs="*", default=FORMAT_NAMES, metavar="format", help=", ".join(FORMAT_NAMES))
    parser.add_argument("--minutes", type=float, default=1.0, help="minutes per reader")
    parser.add_argument("--logs", type=int, default=None, help="logs per reader, instead of minutes")
    parser.add_argument("--seed", type=int, default=None, help="first seed (default: from the clock)")
    arguments = parser.parse_args()
    for shape in arguments.shapes:
        seed = time.time_ns() % 2**40 if arguments.seed is None else arguments.seed
        began = time.monotonic()
        tried = run(shape, seed, minutes=arguments.minutes, logs=arguments.logs)
        seconds = time.monotonic() - began
        print(f"{shape}: {tried:,} logs in {seconds:,.0f} s from seed {seed}: nothing found", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
