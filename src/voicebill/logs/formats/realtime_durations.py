"""Count the time of sessions that are billed by time: as reported, or by the times of their events.

GPT-Live reports the seconds so far again and again, and the total when a session is closed; over WebRTC also how many of
them were active and how many paused, which are billed at another rate. A session that is not closed in the log has used at
least what it reported so far; the time until its last event is added for the upper end. Sessions that translate or only
transcribe report no usage: the time between their first and their last event is the upper end.

Source: openai-python 3.57.0's types/live/session_usage.py, read 2026-11-28.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from voicebill.billing.record import Record
from voicebill.billing.usage import Status, Usage
from voicebill.logs.counts import no_usage
from voicebill.logs.formats.realtime_events import EventUsage
from voicebill.logs.formats.realtime_sessions import ActiveAndPausedMs, SessionState
from voicebill.logs.providers import split_model_name
from voicebill.logs.report import ReadReport
from voicebill.logs.time_meters import conversation_time_meters, is_billed_by_minutes, time_meters

MS = timedelta(milliseconds=1)
ROUNDING_MS = 1_000
"""Active and paused seconds are rounded apart: by so much their sum may differ from the total."""


def reported_milliseconds(usage: EventUsage) -> tuple[ActiveAndPausedMs, ...]:
    """Return the active and the paused milliseconds that an event reports: two readings if they contradict the total.

    >>> reported_milliseconds(EventUsage(seconds=44, active_seconds=30)), reported_milliseconds(EventUsage())
    (((30000, 14000),), ())
    """
    values = (usage.seconds, usage.active_seconds, usage.paused_seconds)
    total, active, paused = (None if value is None else round(value * 1000) for value in values)
    if total is None:
        return () if active is None and paused is None else ((active or 0, paused or 0),)
    if active is None:
        return ((max(total - (paused or 0), 0), min(paused or 0, total)),)
    if paused is None:
        return ((min(active, total), max(total - active, 0)),)
    return ((active, paused),) if abs(active + paused - total) <= ROUNDING_MS else ((active, paused), (total, 0))


def is_billed_by_time(session: SessionState) -> bool:
    """Return whether a session's model, or else the model of a session that only transcribes, is billed by time."""
    return is_billed_by_minutes(_plain_name(session.model or session.transcription_model))


def duration_record(session: SessionState, model: str | None, report: ReadReport) -> Record | None:
    """Return the record of a session that is billed by time; None for another session."""
    duration = session.duration
    if duration is None:
        return None
    name = _plain_name(model)
    conversation_meters = conversation_time_meters(name)
    meters = time_meters(name) or conversation_meters
    if not duration.reported and (not meters or (session.has_usage and not conversation_meters)):
        return None
    record = replace(duration.record, model=name)
    readings = duration.reported or ((0, 0),)
    if duration.is_final:
        return _with_usages(record, [_usage(reading, meters) for reading in readings])
    record = replace(record, time=session.last_time or record.time)
    unreported_ms = _elapsed_ms(duration.reported_at or session.started_at, session.last_time)
    if duration.reported:
        report.open_sessions += 1
    elif unreported_ms:
        report.sessions_by_times += 1
    else:
        report.sessions_without_times += 1
        return replace(record, usage_candidates=no_usage())
    least, most = readings[0], (readings[-1][0] + unreported_ms, readings[-1][1])
    return _with_usages(record, [_usage(reading, meters) for reading in (least, most)], "ambiguous")


def _plain_name(model: str | None) -> str | None:
    return split_model_name(model, None)[1]


def _with_usages(record: Record, usages: Sequence[Usage], status: Status = "exact") -> Record:
    distinct = list({tuple(sorted(usage.items())): usage for usage in usages}.values())
    status = "inconsistent" if len(distinct) > 1 and status == "exact" else status
    return replace(record, usage_candidates=tuple(replace(usage, status=status) for usage in distinct))


def _usage(duration: ActiveAndPausedMs, meters: frozenset[str]) -> Usage:
    """Return the usage in the meters of the model: without a rate for standby, all time is active."""
    active, paused = duration
    if meters and "standby_ms" not in meters:
        active, paused = active + paused, 0
    meter = "session_ms" if not meters or "session_ms" in meters else min(meters)
    return Usage({meter: active, "standby_ms": paused})


def _elapsed_ms(since: datetime | None, until: datetime | None) -> int:
    return max(round((until - since) / MS), 0) if since is not None and until is not None else 0
