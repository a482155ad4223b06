"""Logs that nobody wrote, and what must hold of reading them.

The suite tries a few. For minutes of one reader, or of all: `python -m tests.logs.fuzz --minutes 10 otel`. What fails is shown
with its seed, and found again by `--seed`.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path
from random import Random

from voicebill.billing.errors import InvalidInput
from voicebill.logs.read import DIALECTS, read_log
from voicebill.logs.sources import Source
from voicebill.logs.told import Report, Told

CORPUS = Path(__file__).with_name("corpus")
NAMES = [dialect.name for dialect in DIALECTS]
TOLD = Told(model="gpt-realtime", transcription_model="whisper-1")

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
def samples(dialect: str) -> tuple[bytes, ...]:
    """The corpus of a dialect."""
    return tuple(path.read_bytes() for path in sorted(CORPUS.iterdir()) if path.stem.partition("-")[0] == dialect)


def mutated(random: Random, dialect: str) -> bytes:
    """A sample with a few faults of the kinds that disks, loggers and people make."""
    content = bytearray(random.choice(samples(dialect)))
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
                content[at:at] = random.choice(samples(dialect))[: to - at]
    return bytes(content)


@cache
def keys(dialect: str) -> tuple[str, ...]:
    """All names that its samples use."""
    found: set[str] = set()
    for sample in samples(dialect):
        for line in (sample.decode("latin-1"), *sample.decode("latin-1").splitlines()):
            found |= set(_names(line))
    return tuple(sorted(found))


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


def invented(random: Random, dialect: str) -> bytes:
    """JSON of names that the dialect uses, with any values, or a sample with some values exchanged."""
    if dialect == "columns":
        return _table(random)
    if random.random() < 0.5:
        values = [_value(random, keys(dialect), 4) for _ in range(random.randint(1, 5))]
    else:
        values = [_changed(random, each, keys(dialect)) for each in _documents(random.choice(samples(dialect)))]
    indent = random.choice((None, None, 0, 2))
    if random.random() < 0.2:
        return json.dumps(values, indent=indent).encode()
    return "\n".join(json.dumps(value, indent=indent) for value in values).encode()


def _documents(sample: bytes) -> list[object]:
    try:
        return [json.loads(sample)]
    except ValueError:
        found = []
        for line in sample.splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
        return found


def _value(random: Random, names: tuple[str, ...], depth: int) -> object:
    kind = random.random()
    if depth and kind < 0.5:
        return {random.choice(names): _value(random, names, depth - 1) for _ in range(random.randint(0, 8))}
    if depth and kind < 0.6:
        return [_value(random, names, depth - 1) for _ in range(random.randint(0, 3))]
    return random.choice(VALUES)


def _changed(random: Random, value: object, names: tuple[str, ...]) -> object:
    if random.random() < 0.05:
        return _value(random, names, 2)
    if isinstance(value, dict):
        return {key: _changed(random, inner, names) for key, inner in value.items() if random.random() > 0.05}
    if isinstance(value, list):
        return [_changed(random, inner, names) for inner in value]
    if isinstance(value, int) and random.random() < 0.3:
        return random.choice((0, 1, 7, 64, 100, 1000))
    return value


def _table(random: Random) -> bytes:
    from voicebill.logs.columns import known_columns  # noqa: PLC0415 - only here

    names = [*random.sample(sorted(known_columns()), random.randint(2, 8)), "text_in"]
    delimiter = random.choice(",;\t|")
    rows = [
        [str(random.choice(VALUES)).encode("utf-8", "replace").decode() for _ in names] for _ in range(random.randint(1, 5))
    ]
    return "\n".join(delimiter.join(row) for row in [names, *rows]).encode()


MADE = (mutated, invented)


def made(seed: int, dialect: str) -> bytes:
    """The log of a seed."""
    random = Random(seed)
    return random.choice(MADE)(random, dialect)


def holds(content: bytes, dialect: str) -> None:
    """Reading any bytes, with the dialect named or recognised, ends, and gives nothing that cannot be.

    Raises:
        AssertionError: a quantity is negative, a record has no usage, or its usages differ in what they are worth.
    """
    for named in (dialect, None):
        report = Report()
        try:
            found = list(read_log(Source("a log", content=BytesIO(content)), dialect=named, told=TOLD, report=report))
        except InvalidInput:
            assert named is None, "a dialect that is named is not asked to be recognised"
            continue
        for record in found:
            assert record.readings, record
            assert all(quantity > 0 for usage in record.readings for _, quantity in usage.items()), record
            assert len({usage.status for usage in record.readings}) == 1, record
            assert record.digest, record
            assert record.rank >= 0, record
        assert all(str(fault) for fault in report.broken)


def run(dialect: str, minutes: float, seed: int) -> int:
    """Try one reader for a time; the number of logs tried."""
    tried, until = 0, time.monotonic() + minutes * 60
    while time.monotonic() < until:
        try:
            holds(made(seed + tried, dialect), dialect)
        except BaseException:
            print(f"{dialect}: --seed {seed + tried} fails", file=sys.stderr)  # noqa: T201 - what it is run for
            raise
        tried += 1
    return tried


def main() -> None:
    """Try the named readers, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dialects", nargs="*", default=NAMES, metavar="dialect", help=", ".join(NAMES))
    parser.add_argument("--minutes", type=float, default=1.0, help="for each")
    parser.add_argument("--seed", type=int, default=None, help="where to begin; by default by the clock")
    asked = parser.parse_args()
    for dialect in asked.dialects:
        seed = time.time_ns() % 2**40 if asked.seed is None else asked.seed
        tried = run(dialect, asked.minutes, seed)
        print(f"{dialect}: {tried:,} logs in {asked.minutes:g} minutes from seed {seed}: nothing found")  # noqa: T201


if __name__ == "__main__":
    main()
