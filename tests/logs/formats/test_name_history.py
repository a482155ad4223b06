"""The model of a session at a time is looked up in logarithmic time, as a simple and slow definition says."""

from datetime import UTC, datetime, timedelta
from time import process_time

from hypothesis import given
from hypothesis import strategies as st

from voicebill.logs.formats.realtime_sessions import NameHistory

START = datetime(2026, 11, 20, tzinfo=UTC)
MODELS = st.sampled_from(("gpt-realtime", "gpt-realtime-mini", "gpt-realtime-2"))
MINUTES = st.none() | st.integers(0, 6).map(lambda minutes: START + timedelta(minutes=minutes))


def literal_name(entries: list[tuple[datetime | None, str]], time: datetime | None) -> str | None:
    """The newest of the names logged by a time; before the first of them, the first, if the log times all of them."""
    timed = [(since, position, name) for position, (since, name) in enumerate(entries) if since is not None]
    earlier = [entry for entry in timed if time is not None and entry[0] <= time]
    if earlier:
        return max(earlier)[2]
    if time is not None and timed and len(timed) == len(entries):
        return min(timed)[2]
    return entries[-1][1] if entries else None


@given(st.lists(st.tuples(MINUTES, MODELS), max_size=8), MINUTES)
def test_the_name_at_a_time_is_that_of_the_definition(
    entries: list[tuple[datetime | None, str]], time: datetime | None
) -> None:
    history = NameHistory()
    added = [history.add(since, name) for since, name in entries]
    assert added == [True, *[False] * (len(entries) - 1)][: len(entries)]
    assert bool(history) == bool(entries)
    assert history.last == (entries[-1][1] if entries else None)
    assert history.at(time) == literal_name(entries, time)


def test_a_late_event_does_not_hide_a_name_that_is_repeated() -> None:
    """Two models, the first at minute 5; of the second, a late event is of minute 0 and the next of minute 6."""
    history = NameHistory()
    for minute, name in ((5, "gpt-realtime"), (0, "gpt-realtime-mini"), (6, "gpt-realtime-mini")):
        history.add(START + timedelta(minutes=minute), name)
    assert [history.at(START + timedelta(minutes=minute)) for minute in (4, 5, 7)] == [
        "gpt-realtime-mini",
        "gpt-realtime",
        "gpt-realtime-mini",
    ]


def test_a_log_that_alternates_two_models_takes_linear_time() -> None:
    """100,000 updates with a lookup after each: a sort for each lookup would take an hour."""
    history, begin = NameHistory(), process_time()
    for second in range(100_000):
        time = START + timedelta(seconds=second)
        history.add(time, ("gpt-realtime", "gpt-realtime-mini")[second % 2])
        assert history.at(time) == ("gpt-realtime", "gpt-realtime-mini")[second % 2]
    assert process_time() - begin < 20
