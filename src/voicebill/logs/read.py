"""Read logs: find the sources, recognise the dialect of each, and give their records one by one."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from voicebill.billing.errors import InvalidInput, UnknownName
from voicebill.billing.record import Record
from voicebill.logs import agents, columns, langfuse, litellm, livekit, otel, pipecat, realtime
from voicebill.logs.sources import Lines, Source, sources
from voicebill.logs.told import Report, Told

SAMPLE_LINES = 400
SAMPLE_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class Dialect:
    """One way in which logs are written: whether the first lines of a source are of it, and what it says."""

    name: str
    about: str
    recognises: Callable[[Sequence[bytes]], bool]
    read: Callable[[Iterable[Lines], Told, Report], Iterator[Record]]


DIALECTS = tuple(
    Dialect(module.NAME, module.ABOUT, module.recognises, module.read)
    for module in (realtime, livekit, pipecat, otel, litellm, agents, langfuse, columns)
)


def read_log(
    *logs: str | Path | Source,
    dialect: str | None = None,
    told: Told | None = None,
    report: Report | None = None,
) -> Iterator[Record]:
    """The records of logs, lazily: what each response, transcription and live session has used, once each.

    `logs` are files, folders, patterns and `-` for standard input. The dialect is recognised for each source unless it is
    named. `told` is what to take where the logs do not say it. `report` tells, while and after records are read, what was
    met: how much, what was broken, what repeated. A record that is told again unchanged is given once; one that is told
    anew and differently is given again under the same `key`, and the one of higher `rank`, of equals the later, counts.

    >>> from io import BytesIO
    >>> line = (
    ...     b'{"type": "response.done", "response": {"id": "resp_1", "status": "completed", "usage": {'
    ...     b'"input_tokens": 55, "output_tokens": 0, "input_token_details": {"text_tokens": 55}}}}'
    ... )
    >>> for record in read_log(Source("memory", content=BytesIO(line)), told=Told(model="gpt-realtime")):
    ...     print(record.key, record.model, dict(record.usage.items()))
    resp_1 gpt-realtime {'text_in': 55}

    Raises:
        UnreadableFile: a source is missing or cannot be opened.
        InvalidInput: a source is of no known dialect.
        UnknownName: there is no dialect of that name.
        BrokenLog: the report is strict, and something cannot be read.
    """
    report = report if report is not None else Report()
    seen: dict[str, str] = {}
    for record in _all_records(logs, dialect, told or Told(), report):
        report.records += 1
        known = record.digest
        if seen.get(record.key) == known:
            report.repeated += 1
            continue
        seen[record.key] = known
        yield record


def every_record(logs: Iterable[str | Path | Source], dialect: str | None, told: Told, report: Report) -> Iterator[Record]:
    """The records of logs, lazily, as often as they are told: for whoever settles repeats themselves."""
    for record in _all_records(logs, dialect, told, report):
        report.records += 1
        yield record


def _all_records(logs: Iterable[str | Path | Source], dialect: str | None, told: Told, report: Report) -> Iterator[Record]:
    named = [each for each in logs if not isinstance(each, Source)]
    found = [*sources(named), *(each for each in logs if isinstance(each, Source))]
    by_dialect: dict[str, list[Lines]] = {}
    for source in found:
        lines = Lines(source, report)
        if dialect:
            kind: Dialect | None = _named(dialect)
        elif source.path is not None and source.path.is_file():
            kind = _looked_at(source, report, alone=len(found) == 1)
        else:
            kind = _recognised(lines, report, alone=len(found) == 1)
        if kind is not None:
            report.sources[source.name] = kind.name
            by_dialect.setdefault(kind.name, []).append(lines)
    for kind in DIALECTS:
        if kind.name in by_dialect:
            yield from kind.read(by_dialect[kind.name], told, report)


def _named(name: str) -> Dialect:
    for dialect in DIALECTS:
        if dialect.name == name.strip().lower():
            return dialect
    raise UnknownName("format", name, (dialect.name for dialect in DIALECTS))


def _looked_at(source: Source, report: Report, *, alone: bool) -> Dialect | None:
    """The dialect of a file, which is closed again: more files may be named than can be open at once."""
    tried = Report()
    lines = Lines(source, tried)
    try:
        kind = _recognised(lines, tried, alone=alone)
    finally:
        lines.close()
    if kind is None:
        report.sources.update(tried.sources)
        report.lines += tried.lines
        for fault in tried.broken:
            report.broke(fault.source, fault.ordinal, fault.why)
    return kind


def _recognised(lines: Lines, report: Report, *, alone: bool) -> Dialect | None:
    sample = lines.sample(SAMPLE_LINES, SAMPLE_BYTES)
    for dialect in DIALECTS:
        if dialect.recognises(sample):
            return dialect
    if not sample:
        report.sources[lines.name] = "empty"
        return None
    why = f"not recognised as any of {', '.join(dialect.name for dialect in DIALECTS)}: name its --format"
    if alone:
        raise InvalidInput(f"{lines.name} is {why}")
    report.broke(lines.name, 0, why)
    return None
