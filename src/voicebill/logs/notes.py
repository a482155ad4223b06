"""What a reading met, told to people and programs."""

from collections.abc import Iterator
from typing import Any

from voicebill.logs.told import Report


def reading_notes(report: Report) -> Iterator[str]:
    """What the reader of an answer should know of how its logs were read."""
    yield from (f"broken: {fault}" for fault in report.broken)
    if report.broken_count > len(report.broken):
        yield f"and {report.broken_count - len(report.broken):,} more broken"
    if report.other_lines:
        one = report.other_lines == 1
        said = "is whole, and no event of its format" if one else "are whole, and no events of their format"
        yield f"{_counted(report.other_lines, 'line')} {said}"
    if report.unfinished:
        yield f"{_counted(report.unfinished, 'response')} begun, of which the log does not hold the end: that usage is missing"
    if report.silent_sessions:
        yield (
            f"{_counted(report.silent_sessions, 'session')} without any usage: where audio goes over WebRTC or SIP, usage is "
            "seen by the client's data channel or a sideband connection"
        )
    if report.untied:
        yield (
            f"{_counted(report.untied, 'conversation')} of sessions of different models that run at the same time, and the log "
            "does not say which of them: no model is taken; put a session_id around each event"
        )
    if report.zoneless:
        yield f"{_counted(report.zoneless, 'time')} without a zone, taken as UTC"
    yield from (f"{count:,} left out: {why}" for why, count in report.skipped.items())


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def reading_shape(report: Report) -> dict[str, Any]:
    """What was read, in the shape of answers."""
    return {
        "sources": report.sources,
        "lines": report.lines,
        "records": report.records,
        "repeated": report.repeated,
        "broken": report.broken_count,
        "first_broken": [str(fault) for fault in report.broken],
        "other_lines": report.other_lines,
        "notes": list(reading_notes(report)),
    }
