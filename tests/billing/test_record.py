"""Records: which of two that are one knows more, and whether two say the same."""

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

RECORD = Record(key="k", kind="response", readings=(Usage({"text_in": 5}),), source="a.jsonl", ordinal=1)
TIME = datetime(2026, 11, 22, 23, 30, tzinfo=timezone(timedelta(hours=-2)))
KNOWN: dict[str, Any] = {
    "model": "m",
    "day": date(2026, 11, 22),
    "session": "s",
    "tenant": "t",
    "provider": "p",
    "deployment": "d",
    "region": "r",
}


def of(status: Status, **known: Any) -> Record:
    return replace(RECORD, readings=(Usage({} if status == "none" else {"text_in": 5}, status),), **known)


OTHERS = {name: value for name, value in KNOWN.items() if name != "day"}


def test_a_better_usage_outranks_everything_but_its_day() -> None:
    """Nothing used but all known; then a contradiction of which nothing is known, a range, an exact count; then on a day."""
    ranks = [of("none", **KNOWN).rank]
    for day in ({}, {"day": KNOWN["day"]}):
        ranks += [of(status, **day, **more).rank for status in COUNTED for more in ({}, OTHERS)]
    assert all(one < other for one, other in pairwise(ranks))


COUNTED: tuple[Status, ...] = ("inconsistent", "bounded", "exact")


def test_without_a_day_nothing_takes_the_place_of_what_has_one() -> None:
    """An exact count without a day cannot be priced; a range on a day can."""
    assert of("exact", **OTHERS).rank < of("bounded", day=KNOWN["day"]).rank


def test_of_cumulative_ones_the_largest_counts() -> None:
    """60 of a session of which everything is known are less than 600 of which nothing is."""
    few, many = (replace(RECORD, cumulative=True, readings=(Usage({"session_ms": used}),)) for used in (60, 600))
    assert replace(few, **KNOWN).rank < many.rank


@given(st.permutations(list(OTHERS)), st.integers(0, 6))
def test_what_is_known_counts_whatever_it_is(order: list[str], many: int) -> None:
    assert replace(RECORD, **{name: KNOWN[name] for name in order[:many]}).rank == RECORD.rank + many


def test_two_that_say_the_same_have_one_digest_wherever_they_were_read() -> None:
    """Another file, another line, another turn, an earlier beginning: the same. The order of meters is no difference."""
    elsewhere = replace(RECORD, source="b.jsonl", ordinal=9, turn=3, began=TIME, reread={"text_in": 1})
    assert elsewhere.digest == RECORD.digest
    one, other = ({"text_in": 1, "audio_in": 2}, {"audio_in": 2, "text_in": 1})
    assert replace(RECORD, readings=(Usage(one),)).digest == replace(RECORD, readings=(Usage(other),)).digest


@pytest.mark.parametrize(
    "more",
    [
        *({name: value} for name, value in KNOWN.items()),
        {"tier": "priority"},
        {"outcome": "cancelled"},
        {"kind": "out-of-band"},
        {"time": TIME},
        {"readings": (Usage({"text_in": 6}),)},
        {"readings": (Usage({"text_out": 5}),)},
        {"readings": (Usage({"text_in": 5}, "inconsistent"),)},
        {"readings": (Usage({"text_in": 5}, "bounded"), Usage({"audio_in": 5}, "bounded"))},
    ],
    ids=str,
)
def test_whatever_is_said_differently_is_another_digest(more: dict[str, Any]) -> None:
    assert replace(RECORD, **more).digest != RECORD.digest


def test_times_are_kept_in_utc_and_their_day_is_that_of_utc() -> None:
    """23:30 two hours west of it is 1:30 of the next day; a day that is told stays."""
    record = replace(RECORD, time=TIME, began=TIME)
    assert (str(record.time), str(record.began), record.day) == (*["2026-11-23 01:30:00+00:00"] * 2, date(2026, 11, 23))
    assert record.digest == replace(RECORD, time=TIME.astimezone(UTC)).digest
    assert replace(RECORD, time=TIME, day=date(2026, 11, 1)).day == date(2026, 11, 1)
    assert RECORD.day is None


def test_what_cannot_be_meant_is_refused() -> None:
    with pytest.raises(InvalidInput, match="k needs a usage, be it an empty one"):
        replace(RECORD, readings=())
    with pytest.raises(InvalidInput, match="time needs a zone, so that its day is known: 2026-11-22 10:00:00"):
        replace(RECORD, time=datetime(2026, 11, 22, 10))  # noqa: DTZ001 - the point
    with pytest.raises(InvalidInput, match="k has 2 usages, so its status is bounded, not exact"):
        replace(RECORD, readings=(Usage(), Usage({"text_in": 5})))


def test_a_usage_and_its_status_are_those_of_the_first_reading() -> None:
    readings = (Usage({"text_in": 5}, "bounded"), Usage({"audio_in": 5}, "bounded"))
    record = replace(RECORD, readings=readings)
    assert (record.usage, record.status) == (readings[0], "bounded")
