"""Generate damaged and random logs, and check that they are read without a crash or an impossible quantity.

The suite tries a few. To test one reader, or all, for some minutes: `python -m tests.logs.fuzz --minutes 10 otel`. A failure
is shown with its seed, and repeated with `--seed`.
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
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.read import LOG_FORMATS, read_log
from voicebill.logs.report import ReadReport
from voicebill.logs.sources import Source

CORPUS = Path(__file__).with_name("corpus")
FORMAT_NAMES = [log_format.name for log_format in LOG_FORMATS]
DEFAULTS = LogDefaults(model="gpt-realtime", transcription_model="whisper-1")

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
def samples(log_format: str) -> tuple[bytes, ...]:
    """Return the corpus of a format."""
    return tuple(path.read_bytes() for path in sorted(CORPUS.iterdir()) if format_of(path) == log_format)


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
    """Return all keys in the samples of a format."""
    names: set[str] = set()
    for sample in samples(log_format):
        for line in (sample.decode("latin-1"), *sample.decode("latin-1").splitlines()):
            names |= set(_names(line))
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
    if log_format == "columns":
        return _table(random)
    if random.random() < 0.5:
        values = [_value(random, sample_keys(log_format), 4) for _ in range(random.randint(1, 5))]
    else:
        values = [
            _change_values(random, document, sample_keys(log_format))
            for document in _documents(random.choice(samples(log_format)))
        ]
    indent = random.choice((None, None, 0, 2))
    if random.random() < 0.2:
        return json.dumps(values, indent=indent).encode()
    return "\n".join(json.dumps(value, indent=indent) for value in values).encode()


def _documents(sample: bytes) -> list[object]:
    try:
        return [json.loads(sample)]
    except ValueError:
        documents = []
        for line in sample.splitlines():
            try:
                documents.append(json.loads(line))
            except ValueError:
                continue
        return documents


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


GENERATORS = (mutate_sample, invent_log)


def make_log(seed: int, log_format: str) -> bytes:
    """Return the log of a seed."""
    random = Random(seed)
    return random.choice(GENERATORS)(random, log_format)


def check_reading(content: bytes, log_format: str) -> None:
    """Reading any bytes, with the format given or recognised, ends, and gives only possible values.

    Raises:
        AssertionError: a quantity is negative, a record has no usage, or its usages differ in what they are worth.
    """
    for format_name in (log_format, None):
        report = ReadReport()
        try:
            records = list(
                read_log(Source("a log", content=BytesIO(content)), log_format=format_name, defaults=DEFAULTS, report=report)
            )
        except InvalidInput:
            assert format_name is None, "a format that is given is not to be recognised"
            continue
        for record in records:
            assert record.usage_candidates, record
            assert all(quantity > 0 for usage in record.usage_candidates for _, quantity in usage.items()), record
            assert len({usage.status for usage in record.usage_candidates}) == 1, record
            assert record.content_hash, record
            assert record.completeness >= 0, record
        assert all(str(error) for error in report.errors)


def run(log_format: str, minutes: float, seed: int) -> int:
    """Test one reader for some minutes; return the number of logs."""
    tried, until = 0, time.monotonic() + minutes * 60
    while time.monotonic() < until:
        try:
            check_reading(make_log(seed + tried, log_format), log_format)
        except BaseException:
            print(f"{log_format}: --seed {seed + tried} fails", file=sys.stderr)  # noqa: T201 - what it is run for
            raise
        tried += 1
    return tried


def main() -> None:
    """Test the given readers, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("formats", nargs="*", default=FORMAT_NAMES, metavar="format", help=", ".join(FORMAT_NAMES))
    parser.add_argument("--minutes", type=float, default=1.0, help="minutes per reader")
    parser.add_argument("--seed", type=int, default=None, help="first seed (default: from the clock)")
    arguments = parser.parse_args()
    for log_format in arguments.formats:
        seed = time.time_ns() % 2**40 if arguments.seed is None else arguments.seed
        tried = run(log_format, arguments.minutes, seed)
        print(f"{log_format}: {tried:,} logs in {arguments.minutes:g} minutes from seed {seed}: nothing found")  # noqa: T201


if __name__ == "__main__":
    main()
