"""Sessions billed by time: as they report it, once, and never exact where their end is not known."""

import json
from typing import Any

import pytest

from tests.logs.reading import read_record, read_records
from voicebill.billing.record import Record
from voicebill.billing.usage import Usage
from voicebill.logs.report import ReadReport
from voicebill.logs.report_text import report_notes

Event = dict[str, Any]


def log(*events: Event) -> str:
    return "\n".join(map(json.dumps, events))


def at(second: float, event: Event, **envelope: Any) -> Event:
    """An event at a second of 10:00 on 2026-11-27."""
    return {"ts": f"2026-11-27T10:{int(second) // 60:02}:{second % 60:06.3f}Z", **event, **envelope}


def started(name: str = "lsess_1", model: str = "gpt-live-1.1") -> Event:
    return {"type": "session.started", "session": {"id": name, "model": model, "status": "active"}}


def created(model: str, name: str = "sess_1", **more: Any) -> Event:
    return {"type": "session.created", "session": {"id": name, "model": model, **more}}


def update(seconds: float, **more: Any) -> Event:
    return {"type": "session.usage.updated", "usage": {"seconds": seconds, **more}}


def closed(seconds: float | None = None, name: str | None = None, model: str = "gpt-live-1.1", **more: Any) -> Event:
    session = {"session": {"id": name, "model": model}} if name else {}
    usage = {} if seconds is None else {"usage": {"seconds": seconds, **more}}
    return {"type": "session.closed", "reason": "close_requested", **session, **usage}


DELTA = {"type": "session.output_audio.delta", "delta": "AAAA"}


def ms_of(records: list[Record]) -> list[list[dict[str, int]]]:
    return [[dict(usage.items()) for usage in record.usage_candidates] for record in records]


def notes_of(report: ReadReport) -> str:
    return "\n".join(report_notes(report))


def test_a_session_that_starts_and_closes_by_name_is_one_with_its_model() -> None:
    """Updates without a name between session.started and session.closed: 44 s of gpt-live-1.1, once."""
    record = read_record(log(started(), update(15), update(41), closed(44, "lsess_1")))
    assert (record.key, record.model, record.usage_candidates) == (
        "session:lsess_1",
        "gpt-live-1.1",
        (Usage({"session_ms": 44_000}),),
    )


def test_a_session_that_is_named_only_when_it_closes_is_one() -> None:
    """Updates without any name before it: 44 s, not 41 and 44."""
    record = read_record(log(update(15), update(41), closed(44, "lsess_1")))
    assert (record.key, record.model, record.usage["session_ms"]) == ("session:lsess_1", "gpt-live-1.1", 44_000)


def test_sessions_at_the_same_time_are_told_apart_by_what_they_report() -> None:
    """60 s and 40 s, whose updates name no session: 100 s, whichever update was whose."""
    events = [update(30), update(15), update(45), update(30), closed(60, "a"), closed(40, "b")]
    for start in ([], [started("a"), started("b")]):
        records, report = read_records(log(*start, *events))
        assert sorted((record.key, record.usage["session_ms"]) for record in records) == [
            ("session:a", 60_000),
            ("session:b", 40_000),
        ]
        assert report.open_sessions == 0


def test_seconds_that_shrink_are_of_another_session() -> None:
    """41 s and later 20 s: two sessions, of neither of which the end is known."""
    records, report = read_records(log(update(15), update(41), update(20)))
    assert sorted(record.usage["session_ms"] for record in records) == [20_000, 41_000]
    assert {record.status for record in records} == {"ambiguous"}
    assert report.open_sessions == 2


def test_an_update_that_comes_late_is_of_the_closed_session() -> None:
    """Without times, and by times before its end; an update after the end is of another session."""
    records, _ = read_records(log(closed(44, "a"), update(15)))
    assert [record.usage["session_ms"] for record in records] == [44_000]
    records, _ = read_records(log(at(44, closed(44, "a")), at(15, update(15))))
    assert [record.usage["session_ms"] for record in records] == [44_000]
    records, _ = read_records(log(at(44, closed(44, "a")), at(65, update(15))))
    assert sorted(record.usage["session_ms"] for record in records) == [15_000, 44_000]


def test_the_total_of_a_closed_session_counts_whatever_was_reported_before() -> None:
    """The updates of another session, 50 s, do not add to its 40 s."""
    records, _ = read_records(log(started("a"), update(50), closed(40, "a"), closed(55, "b")))
    assert sorted(record.usage["session_ms"] for record in records) == [40_000, 55_000]


def test_a_session_without_an_end_is_a_lower_bound() -> None:
    """60 s reported, and its last event 22 s later: from 60 to 82 s, and said."""
    records, report = read_records(log(at(0, created("gpt-live-1")), at(60, update(60)), at(70, DELTA), at(82, DELTA)))
    assert ms_of(records) == [[{"session_ms": 60_000}, {"session_ms": 82_000}]]
    assert [record.status for record in records] == ["ambiguous"]
    assert [str(record.time) for record in records] == ["2026-11-27 10:01:22+00:00"]
    assert "1 session billed by time does not end in the log: the seconds reported so far are a lower bound" in notes_of(report)


def test_a_session_without_an_end_and_without_times_is_not_exact() -> None:
    record = read_record(log(created("gpt-live-1"), update(60)))
    assert (record.status, ms_of([record])) == ("ambiguous", [[{"session_ms": 60_000}]])


def test_a_session_that_is_closed_without_its_seconds_lasted_until_then() -> None:
    record = read_record(
        log(at(0, created("gpt-live-1")), at(60, update(60)), at(64, closed(name="sess_1", model="gpt-live-1")))
    )
    assert ms_of([record]) == [[{"session_ms": 60_000}, {"session_ms": 64_000}]]


def test_the_times_of_sessions_side_by_side_are_their_own() -> None:
    """Session a has its last event at 30 s, session b at 90 s."""
    updates = [at(10, update(10), call_id="a"), at(20, update(20), call_id="b")]
    deltas = [at(30, DELTA, call_id="a"), at(90, DELTA, call_id="b")]
    starts = [at(0, created("gpt-live-1", name), call_id=name) for name in ("a", "b")]
    records, _ = read_records(log(*starts, *updates, *deltas))
    assert ms_of(records) == [
        [{"session_ms": 10_000}, {"session_ms": 30_000}],
        [{"session_ms": 20_000}, {"session_ms": 90_000}],
    ]


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"active_seconds": 30, "paused_seconds": 14}, {"session_ms": 30_000, "standby_ms": 14_000}),
        ({"active_seconds": 30}, {"session_ms": 30_000, "standby_ms": 14_000}),
        ({"paused_seconds": 14}, {"session_ms": 30_000, "standby_ms": 14_000}),
        ({"active_seconds": 44, "paused_seconds": 0}, {"session_ms": 44_000}),
        ({}, {"session_ms": 44_000}),
    ],
)
def test_paused_seconds_are_standby(usage: Event, expected: dict[str, int]) -> None:
    """44 s, 30 of them active: 14 s at the rate of standby."""
    record = read_record(log(started(), closed(44, "lsess_1", **usage)))
    assert (dict(record.usage.items()), record.status) == (expected, "exact")


def test_paused_seconds_of_a_model_without_a_rate_for_standby_are_active() -> None:
    record = read_record(
        log(started(model="gpt-live-1"), closed(44, "lsess_1", "gpt-live-1", active_seconds=30, paused_seconds=14))
    )
    assert dict(record.usage.items()) == {"session_ms": 44_000}


def test_seconds_that_contradict_each_other_give_both_readings() -> None:
    """30 and 4 of 44 s: either reading may be right."""
    record = read_record(log(started(), closed(44, "lsess_1", active_seconds=30, paused_seconds=4)))
    assert (record.status, ms_of([record])) == (
        "inconsistent",
        [[{"session_ms": 30_000, "standby_ms": 4_000}, {"session_ms": 44_000}]],
    )


def test_a_translation_reports_nothing_and_is_bounded_by_its_times() -> None:
    """5 minutes from its first to its last event: at most 5 minutes of audio."""
    records, report = read_records(log(at(0, created("gpt-realtime-translate")), at(2, DELTA), at(300, closed())))
    assert ms_of(records) == [[{}, {"audio_ms": 300_000}]]
    assert [(record.kind, record.status) for record in records] == [("session", "ambiguous")]
    assert report.sessions_without_usage == 0
    assert "billed by time reports no usage: the time from the first to the last event is an upper bound" in notes_of(report)


def test_a_translation_that_reports_seconds_is_billed_by_them() -> None:
    record = read_record(log(created("gpt-realtime-translate"), closed(61, "sess_1", "gpt-realtime-translate")))
    assert (record.status, dict(record.usage.items())) == ("exact", {"audio_ms": 61_000})


def test_a_session_that_only_transcribes_and_reports_nothing_is_bounded_by_its_times() -> None:
    """90 s of deltas of gpt-realtime-whisper; with usage, only what is reported counts."""
    audio = {"input": {"transcription": {"model": "gpt-realtime-whisper"}}}
    start = {"type": "session.created", "session": {"id": "sess_1", "type": "transcription", "audio": audio}}
    delta = {"type": "conversation.item.input_audio_transcription.delta", "item_id": "item_1", "delta": "a word"}
    (record,), _ = read_records(log(at(0, start), at(45, delta), at(90, delta)))
    assert (record.kind, record.model) == ("transcription", "gpt-realtime-whisper")
    assert ms_of([record]) == [[{}, {"audio_ms": 90_000}]]
    done = {
        **delta,
        "type": "conversation.item.input_audio_transcription.completed",
        "usage": {"type": "duration", "seconds": 7},
    }
    (record,), _ = read_records(log(at(0, start), at(45, delta), at(90, done)))
    assert dict(record.usage.items()) == {"audio_ms": 7_000}


def test_a_session_by_time_without_seconds_and_times_has_no_usage() -> None:
    """That is said, and is not $0."""
    (record,), report = read_records(log(created("gpt-realtime-translate"), DELTA))
    assert record.status == "missing"
    assert "reports no usage, and the log has no times: log the time of each event" in notes_of(report)


def test_a_session_billed_by_tokens_is_not_billed_by_time() -> None:
    records, report = read_records(log(at(0, created("gpt-realtime")), at(300, DELTA)))
    assert (records, report.sessions_without_usage) == ([], 1)


def test_seconds_that_name_no_session_are_not_of_one_that_envelopes_name() -> None:
    """The events of a session with an envelope have one, so the seconds without one are of the bare session."""
    other = [at(0, created("gpt-realtime-translate", "sess_2"), call_id="c2"), at(300, closed(), call_id="c2")]
    records, _ = read_records(
        log(*other, at(0, started()), at(30, update(30)), at(44, closed(44, "lsess_1")), at(31, update(30)))
    )
    assert {record.session: ms for record, ms in zip(records, ms_of(records), strict=True)} == {
        "c2": [{}, {"audio_ms": 300_000}],
        "lsess_1": [{"session_ms": 44_000}],
    }


@pytest.mark.parametrize("events", [[at(0, created("gpt-live-1")), at(60, update(60)), at(82, DELTA)]])
def test_events_in_reverse_order_give_the_same_time(events: list[Event]) -> None:
    """60 s reported, and at most 22 s more."""
    named = [{"ts": event.pop("ts"), "call_id": "c1", "event": event} for event in events]
    for order in (named, named[::-1], [named[2], named[0], named[1]]):
        records, _ = read_records(log(created("gpt-live-1", "other"), update(1), closed(1, "other"), *order))
        assert [{"session_ms": 60_000}, {"session_ms": 82_000}] in ms_of(records)
