"""Check which of two duplicate records is kept, and when two records are equal."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicebill.billing.errors import InvalidInput
from voicebill.billing.record import Record
from voicebill.billing.usage import Status, Usage

RECORD = Record(key="k", kind="response", usage_candidates=(Usage({"text_in": 5}),), source="a.jsonl", line_number=1)
TIME = datetime(2026, 11, 22, 23, 30, tzinfo=timezone(timedelta(hours=-2)))
ALL_NAMES: dict[str, Any] = {
    "model": "m",
    "day": date(2026, 11, 22),
    "session": "s",
    "tenant": "t",
    "project": "p",
    "provider": "p",
    "deployment": "d",
    "region": "r",
}


def record_of(status: Status, **names: Any) -> Record:
    return replace(RECORD, usage_candidates=(Usage({} if status == "missing" else {"text_in": 5}, status),), **names)


OTHERS = {name: value for name, value in ALL_NAMES.items() if name != "day"}


def test_a_more_reliable_usage_outranks_known_names_but_not_a_known_day() -> None:
    """In order: no usage but all names known; no names but inconsistent, ambiguous, exact usage; exact usage with a day."""
    ranks = [record_of("missing", **ALL_NAMES).completeness]
    for day in ({}, {"day": ALL_NAMES["day"]}):
        ranks += [record_of(status, **day, **more).completeness for status in STATUSES for more in ({}, OTHERS)]
    assert all(one < other for one, other in pairwise(ranks))


STATUSES: tuple[Status, ...] = ("inconsistent", "ambiguous", "exact")


def test_a_record_without_a_day_never_replaces_one_with_a_day() -> None:
    """An exact usage without a day cannot be priced; an ambiguous usage with a day can."""
    assert record_of("exact", **OTHERS).completeness < record_of("ambiguous", day=ALL_NAMES["day"]).completeness


def test_the_largest_cumulative_record_is_kept() -> None:
    """60 tokens with all names known rank below 600 tokens with none."""
    few, many = (replace(RECORD, cumulative=True, usage_candidates=(Usage({"session_ms": used}),)) for used in (60, 600))
    assert replace(few, **ALL_NAMES).completeness < many.completeness


def test_of_equal_running_totals_the_better_known_one_is_kept() -> None:
    total = replace(RECORD, cumulative=True, usage_candidates=(Usage({"session_ms": 600}),))
    assert replace(total, **ALL_NAMES).completeness > replace(total, model="m").completeness > total.completeness


def test_the_usage_decides_between_sessions_and_not_between_responses() -> None:
    """A session reports what it has used so far; one response has one usage, however large."""
    few, many = (Usage({"session_ms": used}) for used in (60, 600))
    one, other = (replace(RECORD, kind="session", usage_candidates=(usage,)) for usage in (few, many))
    assert replace(one, **ALL_NAMES).completeness < other.completeness
    assert replace(RECORD, usage_candidates=(few,)).completeness == replace(RECORD, usage_candidates=(many,)).completeness


@given(st.permutations(list(OTHERS)), st.integers(0, 7))
def test_every_known_name_counts_equally(order: list[str], many: int) -> None:
    assert replace(RECORD, **{name: ALL_NAMES[name] for name in order[:many]}).completeness == RECORD.completeness + many


def test_equal_records_have_one_hash_wherever_they_were_read() -> None:
    """File, line, turn, start of the session and the order of meters make no difference."""
    elsewhere = replace(RECORD, source="b.jsonl", line_number=9, turn=3, session_started_at=TIME, repeated_input={"text_in": 1})
    assert elsewhere.content_hash == RECORD.content_hash
    one, other = ({"text_in": 1, "audio_in": 2}, {"audio_in": 2, "text_in": 1})
    assert (
        replace(RECORD, usage_candidates=(Usage(one),)).content_hash
        == replace(RECORD, usage_candidates=(Usage(other),)).content_hash
    )


@pytest.mark.parametrize(
    "more",
    [
        *({name: value} for name, value in ALL_NAMES.items()),
        {"tier": "priority"},
        {"outcome": "cancelled"},
        {"kind": "out-of-band"},
        {"time": TIME},
        {"usage_candidates": (Usage({"text_in": 6}),)},
        {"usage_candidates": (Usage({"text_out": 5}),)},
        {"usage_candidates": (Usage({"text_in": 5}, "inconsistent"),)},
        {"usage_candidates": (Usage({"text_in": 5}, "ambiguous"), Usage({"audio_in": 5}, "ambiguous"))},
    ],
    ids=str,
)
def test_a_different_record_has_another_hash(more: dict[str, Any]) -> None:
    assert replace(RECORD, **more).content_hash != RECORD.content_hash


def test_times_and_days_are_in_utc() -> None:
    """23:30 at UTC-2 is 1:30 of the next day in UTC; a logged day is kept."""
    record = replace(RECORD, time=TIME, session_started_at=TIME)
    assert (str(record.time), str(record.session_started_at), record.day) == (
        *["2026-11-23 01:30:00+00:00"] * 2,
        date(2026, 11, 23),
    )
    assert record.content_hash == replace(RECORD, time=TIME.astimezone(UTC)).content_hash
    assert replace(RECORD, time=TIME, day=date(2026, 11, 1)).day == date(2026, 11, 1)
    assert RECORD.day is None


def test_an_invalid_record_is_rejected() -> None:
    with pytest.raises(InvalidInput, match="k needs a usage"):
        replace(RECORD, usage_candidates=())
    with pytest.raises(InvalidInput, match="time needs a time zone, so that its day is known: 2026-11-22 10:00:00"):
        replace(RECORD, time=datetime(2026, 11, 22, 10))  # noqa: DTZ001 - the point
    with pytest.raises(InvalidInput, match="k has 2 usages, so its status must be ambiguous or inconsistent, not exact"):
        replace(RECORD, usage_candidates=(Usage(), Usage({"text_in": 5})))


def test_usage_and_status_are_those_of_the_first_candidate() -> None:
    readings = (Usage({"text_in": 5}, "ambiguous"), Usage({"audio_in": 5}, "ambiguous"))
    record = replace(RECORD, usage_candidates=readings)
    assert (record.usage, record.status) == (readings[0], "ambiguous")
