"""Raw events of the Realtime API: models learnt from their session, usage read as it is, and nothing of what was said."""

import json
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.logs.reading import error_texts, read_record, read_records, usage_of
from voicebill.billing.record import Record
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.formats.realtime_lines import decode_line, ignorable_type
from voicebill.logs.read import read_log
from voicebill.logs.report import InvalidLog, ReadReport
from voicebill.logs.report_text import report_notes
from voicebill.logs.sources import Source

Event = dict[str, Any]

EXPECTED_USAGE = {"text_in": 55, "text_in_cached": 64, "audio_in": 13, "text_out": 30, "audio_out": 91}
"""132 in (119 text of which 64 cached, 13 audio), 121 out (30 text, 91 audio): the example of OpenAI's guide."""


def usage(**more: object) -> Event:
    return {
        "total_tokens": 253,
        "input_tokens": 132,
        "output_tokens": 121,
        "input_token_details": {
            "text_tokens": 119,
            "audio_tokens": 13,
            "image_tokens": 0,
            "cached_tokens": 64,
            "cached_tokens_details": {"text_tokens": 64, "audio_tokens": 0, "image_tokens": 0},
        },
        "output_token_details": {"text_tokens": 30, "audio_tokens": 91},
        **more,
    }


def done(name: str | None = "resp_1", status: str = "completed", **more: Any) -> Event:
    output = [{"type": "message", "role": "assistant", "content": [{"type": "audio", "transcript": "a secret reply"}]}]
    response = {"id": name, "status": status, "conversation_id": "conv_1", "output": output, "usage": usage(), **more}
    return {"type": "response.done", "event_id": f"event_{name}", "response": response}


def session(
    model: str | None = "gpt-realtime", transcription_model: str | None = None, *, kind: str = "created", name: str = "sess_1"
) -> Event:
    audio = {"input": {"transcription": {"model": transcription_model} if transcription_model else None}}
    return {
        "type": f"session.{kind}",
        "session": {"id": name, "model": model, "instructions": "a secret prompt", "audio": audio},
    }


def transcription(item: str = "item_1", **usage_fields: Any) -> Event:
    counts = usage_fields or {"type": "duration", "seconds": 1.5}
    return {
        "type": "conversation.item.input_audio_transcription.completed",
        "item_id": item,
        "content_index": 0,
        "transcript": "a secret question",
        "usage": counts,
    }


def at(time: object, event: Event, **more: object) -> Event:
    return {"time": time, **more, "event": event}


def log(*events: object) -> str:
    return "\n".join(event if isinstance(event, str) else json.dumps(event) for event in events)


def models(*events: object, defaults: LogDefaults | None = None) -> dict[str, str | None]:
    """By the key of each record, its model."""
    records, report = read_records(log(*events), "realtime", defaults)
    assert error_texts(report) == []
    return {record.key: record.model for record in records}


# -- which model --------------------------------------------------------------------------------------------------------


def test_a_response_is_of_the_model_that_its_session_names() -> None:
    """`response.done` does not name it."""
    record = read_record(log(session(), done()))
    assert (record.model, record.session, usage_of(record)) == ("gpt-realtime", "sess_1", EXPECTED_USAGE)


def test_a_session_that_names_its_model_only_later_names_it_for_what_was_before() -> None:
    """A log that begins in the middle of a session waits for `session.updated`."""
    assert models(at(None, done(), call_id="c"), at(None, session(kind="updated"), call_id="c")) == {"resp_1": "gpt-realtime"}


def test_an_update_counts_from_its_place_on_where_there_are_no_times() -> None:
    """Two responses, a change of model, one more."""
    assert list(models(session("one"), done("a"), done("b"), session("two", kind="updated"), done("c")).values()) == [
        "one",
        "one",
        "two",
    ]


def test_times_count_more_than_the_order_of_lines() -> None:
    """A model in force from 10:05 on: a response of 10:04 written after that is of the one before."""
    records = models(
        at("2026-11-22T10:00:00Z", session("one"), call_id="c"),
        at("2026-11-22T10:05:00Z", session("two", kind="updated"), call_id="c"),
        at("2026-11-22T10:04:00Z", done("a"), call_id="c"),
        at("2026-11-22T10:06:00Z", done("b"), call_id="c"),
        at("2026-11-22T09:59:00Z", done("early"), call_id="c"),
    )
    assert records == {"a": "one", "b": "two", "early": "one"}


def test_of_two_names_of_one_moment_the_later_line_counts() -> None:
    """`session.created` and `session.updated` within one second, in a log that writes seconds."""
    now = "2026-11-22T10:00:00Z"
    assert models(at(now, session("one")), at(now, session("two", kind="updated")), at(now, done())) == {"resp_1": "two"}


def test_what_came_before_every_name_is_of_the_earliest_whatever_the_order_of_lines() -> None:
    """Reordered: the update of 10:05 stands before the creation of 10:00, and the response of 9:59 behind both."""
    assert models(
        at("2026-11-22T10:05:00Z", session("two", kind="updated")),
        at("2026-11-22T10:00:00Z", session("one")),
        at("2026-11-22T09:59:00Z", done()),
    ) == {"resp_1": "one"}


def test_hearing_the_user_is_of_its_own_model_and_never_of_the_voice_model() -> None:
    """None named, then one, then another: each transcription has the one of its time."""
    assert models(
        session("gpt-realtime", "whisper-1"),
        transcription("a"),
        session("gpt-realtime", "gpt-4o-transcribe", kind="updated"),
        transcription("b"),
    ) == {"transcription:sess_1:a:0": "whisper-1", "transcription:sess_1:b:0": "gpt-4o-transcribe"}
    assert models(session("gpt-realtime"), transcription()) == {"transcription:sess_1:item_1:0": None}


def test_a_transcription_model_that_is_set_later_holds_for_what_waited() -> None:
    assert models(
        session("gpt-realtime"), transcription("a"), session(None, "whisper-1", kind="updated"), transcription("b")
    ) == {
        "transcription:sess_1:a:0": "whisper-1",
        "transcription:sess_1:b:0": "whisper-1",
    }


def test_the_betas_place_of_the_transcription_model_is_read() -> None:
    beta = {"type": "session.updated", "session": {"id": "s", "input_audio_transcription": {"model": "whisper-1"}}}
    assert models(beta, transcription()) == {"transcription:s:item_1:0": "whisper-1"}


def test_a_transcription_session_names_its_model_in_its_own_events() -> None:
    event = {"type": "transcription_session.created", "session": {"id": "s", "input_audio_transcription": {"model": "x"}}}
    assert models(event, transcription()) == {"transcription:s:item_1:0": "x"}


def test_interleaved_sessions_keep_their_models_apart() -> None:
    """Two calls, line by line in turns."""
    assert models(
        at(None, session("one", name="x"), call_id="c1"),
        at(None, session("two", name="y"), call_id="c2"),
        at(None, done("a"), call_id="c1"),
        at(None, done("b"), call_id="c2"),
        at(None, done("c"), call_id="c1"),
    ) == {"a": "one", "b": "two", "c": "one"}


def test_a_session_over_two_files_is_one() -> None:
    """The model is named in the first file; the second goes on, told apart by the call or by the conversation."""

    def read(*files: str) -> list[Record]:
        named = [Source(f"{place}.jsonl", content=BytesIO(text.encode())) for place, text in enumerate(files)]
        return list(read_log(*named))

    by_call = read(log(at(None, session(), call_id="c")), log(at(None, done(), call_id="c")))
    by_conversation = read(log(session(), done("a")), log(done("b")))
    assert [record.model for record in (*by_call, *by_conversation)] == ["gpt-realtime"] * 3
    assert {record.session for record in by_conversation} == {"sess_1"}


def test_nothing_without_an_identifier_goes_over_to_the_next_file() -> None:
    """A model that one file names says nothing of another one's bare events."""
    files = (log(session(), done("a", conversation_id="one")), log(done("b", conversation_id="two")))
    records = read_log(*(Source(str(place), content=BytesIO(text.encode())) for place, text in enumerate(files)))
    assert {record.key: record.model for record in records} == {"a": "gpt-realtime", "b": None}


def test_what_is_told_beside_the_log_fills_only_what_it_does_not_say() -> None:
    defaults = LogDefaults(
        provider="azure",
        model="told",
        transcription_model="told-too",
        deployment="data-zone",
        region="eastus",
        tier="priority",
        tenant="us",
        day=date(2026, 1, 1),
    )
    assert models(session("said"), done(), transcription(), defaults=defaults) == {
        "resp_1": "said",
        "transcription:sess_1:item_1:0": "told-too",
    }
    full = at("2026-11-22T10:00:00Z", done(), provider="openai", tenant="them", deployment="global", region="x", model="m")
    azure = at(None, done(), provider="Azure", deployment="Regional", region="swedencentral")
    record = read_record(log(full), defaults=defaults)
    assert (record.provider, record.model, record.deployment, record.region) == ("openai", "m", "global", "eastus")
    assert (record.tenant, record.day, record.tier) == ("them", date(2026, 11, 22), "priority")
    record = read_record(log(azure), defaults=defaults)
    assert (record.provider, record.deployment, record.region) == ("azure", "regional", "swedencentral")
    record = read_record(log(at(None, done(), deployment="my-gpt", region="eu-1")), defaults=LogDefaults(provider="openai"))
    assert (record.deployment, record.region) == (None, None)
    bare = read_record(log(done()), defaults=defaults)
    assert (bare.provider, bare.model, bare.deployment, bare.region) == ("azure", "told", "data-zone", "eastus")
    assert (bare.tenant, bare.day, bare.time) == ("us", date(2026, 1, 1), None)


def test_a_provider_is_known_by_the_names_that_loggers_give_it() -> None:
    assert read_record(log(at(None, done(), provider="Azure OpenAI"))).provider == "azure"


# -- envelopes ----------------------------------------------------------------------------------------------------------

WRAPPED: dict[str, object] = {
    "bare": done(),
    "event": {"event": done()},
    "data as text": {"data": json.dumps(done())},
    "message as text": {"level": "info", "message": json.dumps(done())},
    "payload in data": {"data": {"payload": done()}},
    "text in text": {"body": json.dumps({"msg": json.dumps(done())})},
    "flattened": {"ts": 1795000000, "session_id": "s", **done()},
    "named event, in data": {"event": "response.done", "data": done()},
    "a word, then the body": {"message": "got an event", "body": done()},
    "a word, then the text of it": {"event": "realtime", "payload": json.dumps(done())},
    "of a type of its own": {"type": "log", "event": done()},
}


@pytest.mark.parametrize("line", WRAPPED.values(), ids=WRAPPED.keys())
def test_an_event_is_found_in_its_envelope(line: object) -> None:
    """However it is wrapped, it is the same response, and recognised as such."""
    record = read_record(log(line))
    assert (record.key, usage_of(record)) == ("resp_1", EXPECTED_USAGE)


def test_an_envelope_says_when_and_whose_it_is() -> None:
    record = read_record(log({"@timestamp": "2026-11-22T23:30:00-02:00", "customer_id": 7, "call_id": "c1", "data": done()}))
    assert (record.time, record.day) == (datetime(2026, 11, 23, 1, 30, tzinfo=UTC), date(2026, 11, 23))
    assert (record.tenant, record.session) == ("7", "c1")


@pytest.mark.parametrize(
    "time",
    [
        "2026-11-22T10:15:00Z",
        "2026-11-22 11:15:00+01:00",
        1795342500,
        1795342500.0,
        1795342500_000,
        1795342500_000_000,
        1795342500_000_000_000,
        "1795342500",
        "2026-11-22T10:15:00",
        "2026-11-22 10:15:00 UTC",
    ],
)
def test_a_time_is_read_as_it_is_written(time: object) -> None:
    """ISO 8601, and seconds, milli-, micro- and nanoseconds since 1970."""
    assert read_record(log(at(time, done()))).time == datetime(2026, 11, 22, 10, 15, tzinfo=UTC)


def test_times_without_a_zone_are_counted() -> None:
    """Two of three; and what is no time of a log is none."""
    _, report = read_records(log(*(at(time, done(time)) for time in ("2026-11-22T10:15:00", "2026-11-22", "2026-11-22T10Z"))))
    assert report.naive_times == 2
    assert [read_record(log(at(time, done()))).time for time in ("soon", 12, "")] == [None] * 3


# -- usage --------------------------------------------------------------------------------------------------------------


def test_preview_era_counts_are_read_like_todays() -> None:
    """No image tokens, and no split of what was cached: 640 of 313 text and 476 audio, so 164 to 313 of it text."""
    details = {"text_tokens": 313, "audio_tokens": 476, "cached_tokens": 640}
    out = {"text_tokens": 9, "audio_tokens": 23}
    counts = usage(total_tokens=821, input_tokens=789, output_tokens=32, input_token_details=details, output_token_details=out)
    record = read_record(log(done(usage=counts)))
    assert record.status == "ambiguous"
    assert {reading["text_in_cached"] for reading in record.usage_candidates} == {164, 313}


@pytest.mark.parametrize("status", ["completed", "cancelled", "failed", "incomplete"])
def test_whatever_became_of_a_response_its_usage_counts(status: str) -> None:
    record = read_record(log(done(status=status)))
    assert (record.outcome, record.status, usage_of(record)) == (status, "exact", EXPECTED_USAGE)


def test_a_missing_usage_is_none_and_not_zero() -> None:
    """Null, and left out."""
    nothing = done("b")
    del nothing["response"]["usage"]
    records, _ = read_records(log(done("a", usage=None), nothing))
    assert [(record.status, usage_of(record)) for record in records] == [("missing", {})] * 2


def test_a_response_out_of_band_is_no_turn_and_part_of_no_history() -> None:
    """Its conversation is null; one that does not speak of its conversation is of it."""
    plain = done("c")
    del plain["response"]["conversation_id"]
    records, _ = read_records(log(session(), done("a"), done("b", conversation_id=None), plain))
    assert [record.kind for record in records] == ["response", "out-of-band", "response"]
    assert [record.turn for record in records] == [1, 1, 2]
    assert records[1].repeated_input is None
    assert records[2].repeated_input == {"text_in": 55, "text_in_cached": 64, "audio_in": 13}


def test_a_turn_with_a_tool_call_is_one_turn() -> None:
    """Two responses, the first of which calls a tool; then the next turn."""
    call = [{"type": "function_call", "name": "a_secret_name", "arguments": "{}"}]
    records, _ = read_records(log(done("a", output=call), done("b"), done("c")))
    assert [record.turn for record in records] == [1, 1, 2]


def test_where_the_user_is_seen_to_speak_a_turn_begins_with_that() -> None:
    """A greeting, a turn with two responses, a turn: 1 2 2 3; and what was heard is of the turn that it begins."""
    spoke = {"type": "input_audio_buffer.committed", "item_id": "i"}
    item = {"type": "conversation.item.added", "item": {"type": "message", "role": "user"}}
    records, _ = read_records(log(done("a"), spoke, transcription(), done("b"), done("c"), item, done("d")))
    assert [record.turn for record in records if record.kind == "response"] == [1, 2, 2, 3]
    assert [record.turn for record in records if record.kind == "transcription"] == [2]


def test_hearing_is_counted_in_seconds_or_in_tokens_as_it_is_sold() -> None:
    tokens = {"type": "tokens", "total_tokens": 26, "input_tokens": 17, "output_tokens": 9}
    by_tokens = transcription("b", **tokens, input_token_details={"text_tokens": 0, "audio_tokens": 17})
    records, _ = read_records(log(transcription("a"), by_tokens))
    assert [usage_of(record) for record in records] == [{"audio_ms": 1500}, {"audio_in": 17, "text_out": 9}]


def test_the_seconds_of_a_live_session_are_cumulative() -> None:
    """10, 61 and 61.5 s said one after the other are 61.5 s; also where they stand in another order."""
    updates = [{"type": "session.usage.updated", "usage": {"seconds": seconds}} for seconds in (10, 61)]
    closed = {"type": "session.closed", "reason": "done", "usage": {"seconds": 61.5}}
    for order in ([*updates, closed], [closed, *reversed(updates)]):
        record = read_record(log(session("gpt-live-1"), *order))
        assert (record.kind, record.model, usage_of(record)) == ("session", "gpt-live-1", {"session_ms": 61_500})
        assert record.key == "session:sess_1"


def test_the_model_behind_a_live_session_is_priced_as_itself() -> None:
    """Text in and out of gpt-6-luna, 30 of 100 cached, beside the seconds of gpt-live-1."""
    counts = {"input_tokens": 100, "output_tokens": 7, "input_tokens_details": {"cached_tokens": 30}}
    behind = {"type": "response.completed", "response": {"id": "r", "model": "gpt-6-luna", "usage": counts}}
    seconds = {"type": "session.closed", "usage": {"seconds": 1}}
    records, _ = read_records(log(session("gpt-live-1"), behind, seconds))
    assert [(record.model, usage_of(record)) for record in records] == [
        ("gpt-6-luna", {"text_in": 70, "text_in_cached": 30, "text_out": 7}),
        ("gpt-live-1", {"session_ms": 1000}),
    ]


def counts(text: int, audio: int, cached: int, text_out: int, audio_out: int) -> Event:
    """A usage of text and audio in, of which the cached part is text."""
    cached_details = {"text_tokens": cached, "audio_tokens": 0}
    return {
        "input_tokens": text + audio,
        "output_tokens": text_out + audio_out,
        "input_token_details": {
            "text_tokens": text,
            "audio_tokens": audio,
            "cached_tokens": cached,
            "cached_tokens_details": cached_details,
        },
        "output_token_details": {"text_tokens": text_out, "audio_tokens": audio_out},
    }


@pytest.mark.parametrize("outcome", ["cancelled", "failed"])
@pytest.mark.parametrize("empty", [counts(0, 0, 0, 0, 0), None])
def test_a_response_that_used_nothing_leaves_the_history_as_it_was(outcome: str, empty: Event | None) -> None:
    """The third response repeats 170 text (128 cached) and 120 audio of the first, whatever was cancelled between them."""
    first, third = counts(150, 40, 0, 20, 80), counts(180, 160, 128, 18, 72)
    events = (done("a", usage=first), done("b", outcome, usage=empty), done("c", usage=third))
    repeated = {record.key: record.repeated_input for record in read_records(log(*events))[0]}
    assert repeated["c"] == {"text_in_cached": 128, "text_in": 42, "audio_in": 120}


def test_after_a_response_whose_counts_are_open_the_history_is_not_known() -> None:
    """Without a split of its input nobody knows how much of it is repeated; one response later it is known again."""
    second = counts(150, 40, 0, 20, 80)
    events = (done("a", usage={"input_tokens": 190, "output_tokens": 9}), done("b", usage=second), done("c", usage=second))
    repeated = {record.key: record.repeated_input for record in read_records(log(*events))[0]}
    assert (repeated["b"], repeated["c"]) == (None, {"text_in": 150, "audio_in": 40})


# -- repeats, and what is broken ----------------------------------------------------------------------------------------


def test_a_repeated_line_counts_once() -> None:
    """Three responses told, one of them twice, and a transcription twice."""
    records, report = read_records(
        log(session(transcription_model="x"), done("a"), done("a"), done("b"), done("c"), transcription(), transcription())
    )
    assert [record.key for record in records] == ["a", "b", "c", "transcription:sess_1:item_1:0"]
    assert (report.records, report.repeated) == (6, 2)


def test_a_transcription_told_by_two_events_counts_once() -> None:
    """One item, transcribed with the same usage: of two connections, or of a logger that drops the event's identifier."""
    item = "item_0100002h4abcdef"
    first, second = ({**transcription(item), "event_id": name} for name in ("event_1", "event_2"))
    records, report = read_records(log(first, second, transcription(item)))
    assert [record.key for record in records] == ["transcription:event_1"]
    assert report.repeated == 2
    other = {**transcription(item, type="duration", seconds=9), "event_id": "event_3"}
    assert len(read_records(log(first, other))[0]) == 2


def test_items_of_synthetic_logs_are_not_unique() -> None:
    """Two sessions of "item_1" with the same usage are two transcriptions."""
    first, second = ({**transcription("item_1"), "event_id": name} for name in ("event_1", "event_2"))
    assert len(read_records(log(first, second))[0]) == 2


def test_a_response_logged_again_with_changes_is_given_again() -> None:
    """Under the same key, so that the one that knows more counts; one that ended differently is another."""
    records, report = read_records(log(done("a", usage=None), done("a"), done("a", status="cancelled")))
    assert [(record.key, record.status) for record in records] == [
        ("a", "missing"),
        ("a", "exact"),
        ("a:cancelled", "exact"),
    ]
    assert records[1].completeness > records[0].completeness
    assert report.repeated == 0


@pytest.mark.parametrize(
    "envelope",
    [
        {"type": "response.done", "event": done()},
        {"type": "conversation.event", "payload": done()},
        {"type": "conversation.event", "payload": json.dumps(done())},
        {"type": "session.log", "data": {"type": "response.event", "event": done()}},
        {"type": "response.done", "session": "sess_1", "body": done()},
    ],
)
def test_an_envelope_that_names_a_type_is_opened(envelope: Event) -> None:
    """The event's own, or one of the logger's; also behind one that holds nothing, or audio."""
    empty = {"type": envelope["type"].replace("done", "odd")}
    delta = {"type": "response.output_audio.delta", "delta": "UklGRiSA"}
    field = next(name for name in envelope if name not in ("type", "session"))
    records, report = read_records(log(empty, {**envelope, field: delta}, envelope), "realtime")
    assert [(record.key, record.line_number, usage_of(record)) for record in records] == [("resp_1", 3, EXPECTED_USAGE)]
    assert (report.errors, report.other_lines) == ([], 0)
    _, report = read_records(log({"type": "conversation.event", "payload": done(usage=7)}), "realtime")
    assert error_texts(report)[0].startswith("a log, line 1: response.done is not as the API specifies")


def test_of_sessions_at_the_same_time_none_is_guessed() -> None:
    """Two of different models before the first response: no model, and said; one whose conversation is told has its own."""
    two = (session("one", name="s1"), session("two", name="s2"))
    records, report = read_records(log(*two, done("a", conversation_id="c1"), done("b", conversation_id="c2")))
    assert [(record.key, record.model, record.session) for record in records] == [("a", None, None), ("b", None, None)]
    assert report.ambiguous_sessions == 2
    (note,) = [text for text in report_notes(report) if "same time" in text]
    assert note.startswith("2 conversations without a known model")
    began = ({"type": "conversation.created", "conversation": {"id": f"c{number}"}} for number in (1, 2))
    first, second = two
    events = (first, next(began), second, next(began), done("a", conversation_id="c2"), done("b", conversation_id="c1"))
    assert models(*events) == {"a": "two", "b": "one"}
    assert models(*two, {"type": "conversation.created", "conversation": {"id": "c2"}}, done("a", conversation_id="c1")) == {
        "a": "one"
    }
    assert models(first, session("one", name="s2"), done("a", conversation_id="c1")) == {"a": "one"}


def test_a_name_that_is_said_again_is_kept_once() -> None:
    """Also 20,000 times: what is waiting is not looked at each time."""
    updates = (at(second, session("m", kind="updated")) for second in range(1_800_000_000, 1_800_020_000))
    waiting = (at(1_800_000_000, transcription(f"i{number}")) for number in range(5_000))
    records, _ = read_records(log(*waiting, *updates, at(1_900_000_000, done())))
    assert (len(records), records[0].model) == (5_001, "m")


def test_all_that_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over all sessions: the third response waits no more."""
    monkeypatch.setattr("voicebill.logs.formats.realtime.MAX_WAITING", 2)
    late = (at(None, session(f"m-{name}", name=name), session_id=name) for name in "abc")
    records = models(*(at(None, done(name), session_id=name) for name in "abc"), *late)
    assert records == {"c": None, "a": "m-a", "b": "m-b"}


@pytest.mark.parametrize("indent", [None, 2])
def test_an_array_of_events_is_read_too(indent: int | None) -> None:
    """On one line or over many; and one event over many lines. Two equal ones without an identifier are two."""
    records, report = read_records(json.dumps([session(), done("a"), done(None), done(None)], indent=indent))
    assert [(record.model, usage_of(record)) for record in records] == [("gpt-realtime", EXPECTED_USAGE)] * 3
    assert (len({record.key for record in records}), report.errors) == (3, [])
    assert read_record(json.dumps(done(), indent=indent)).key == "resp_1"
    one_a_line = "[\n" + ",\n".join(json.dumps(event) for event in (session(), done("a"))) + "\n]\n"
    assert read_record(one_a_line).key == "a"


def test_a_response_told_again_is_of_its_first_turn() -> None:
    """Two responses, the first told again between them and behind them: neither a turn nor what was read before changes."""
    small = usage(total_tokens=122, input_tokens=1, input_token_details={"text_tokens": 1})
    events = (done("a"), done("b", usage=small), done("a"), done("c"), done("b", usage=small))
    records, report = read_records(log(*(at(second, event) for second, event in enumerate(events, 1_800_000_000))))
    assert [(record.key, record.turn) for record in records] == [("a", 1), ("b", 2), ("a", 1), ("c", 3), ("b", 2)]
    assert records[0].repeated_input == records[2].repeated_input == {}
    assert records[1].repeated_input == records[4].repeated_input == {"text_in": 1}
    assert records[3].repeated_input == {"text_in_cached": 31, "audio_in": 13}
    assert report.errors == []


def test_only_so_many_responses_are_known_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voicebill.logs.formats.realtime.MAX_REMEMBERED_RESPONSES", 2)
    records, _ = read_records(log(done("a"), done("b"), done("c"), done("a", status="failed"), done("c", status="failed")))
    assert [record.key for record in records] == ["a", "b", "c", "a", "c:failed"]


def test_a_transcription_is_itself_by_its_event_its_place_in_the_session_or_in_the_log() -> None:
    """In this order, so that one that two sources tell is one."""
    event = {**transcription(), "event_id": "event_9"}
    records, _ = read_records(log(session(), event, transcription()))
    assert [record.key for record in records] == ["transcription:event_9", "transcription:sess_1:item_1:0"]
    assert read_records(log(transcription()))[0][0].key.startswith("a log:1:")


def test_without_an_identifier_place_and_content_make_it_itself() -> None:
    """Two equal lines of a log are two responses; the same log read twice tells the same ones."""
    text = log(done(None), done(None))
    first, second = read_records(text)[0], read_records(text)[0]
    assert len({record.key for record in first}) == 2
    assert [record.key for record in first] == [record.key for record in second]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (json.dumps(done())[:-40], "not valid JSON"),
        ("{", "not valid JSON"),
        ("\x00\x01", "not valid JSON"),
        (log(done(usage=usage(input_tokens=-1))), "response.done is not as the API specifies: Expected `int` >= 0"),
        (log(done(usage=usage(input_tokens=10**13))), "response.done is not as the API specifies: Expected `int` <= 10"),
        (log({"event": json.dumps(done(usage=[]))}), "response.done is not as the API specifies: Expected `object | null`"),
        (log({"event": 5, "data": done()}), "response.done is not as the API specifies"),
        (log({"event": json.dumps(done())[:-9]}), "not valid JSON"),
    ],
)
def test_a_broken_line_is_named_and_the_rest_is_read(line: str, message: str) -> None:
    """Line 2 of three; a strict reading stops there."""
    text = log(done("a"), line, done("b"))
    records, report = read_records(text, "realtime")
    assert [record.key for record in records] == ["a", "b"]
    (fault,) = error_texts(report)
    assert fault.startswith(f"a log, line 2: {message}")
    assert report.error_count == 1
    with pytest.raises(InvalidLog, match=r"^a log, line 2: "):
        list(read_log(Source("a log", content=BytesIO(text.encode())), report=ReadReport(strict=True)))


def test_odd_lines_that_are_whole_are_no_fault() -> None:
    """Other JSON is counted; errors, rate limits, deltas and unheard-of events of the API are passed over."""
    other = ("[1, 2]", "null", '"x"', "5", '{"level": "info", "msg": "hello"}', "{}", '{"type": 5}')
    events = ("rate_limits.updated", "error", "response.output_audio.delta", "session.unheard_of", "response.created")
    records, report = read_records(log(*other, *({"type": name} for name in events), done()))
    assert len(records) == 1
    assert (report.other_lines, report.error_count, report.lines) == (7, 0, 13)
    assert "7 lines are not events of the log's format" in report_notes(report)


def test_sessions_without_usage_and_responses_without_an_end_are_reported() -> None:
    """The sound of a WebRTC session may have gone another way: that it is not seen is said."""
    begun = {"type": "response.created", "response": {"id": "r1"}}
    _, report = read_records(log(session(name="a"), session(name="b"), done(), begun, {**begun, "response": {"id": "resp_1"}}))
    assert (report.sessions_without_usage, report.unfinished_responses) == (1, 2)
    _, report = read_records(log(session(), begun, done("r1")))
    assert (report.sessions_without_usage, report.unfinished_responses) == (0, 0)


def test_audio_is_passed_over_however_long_it_is() -> None:
    """A delta of 100,000 letters, alone or as text in an envelope; one that breaks off is a broken line."""
    delta = {"type": "response.output_audio.delta", "delta": "UklGRiSA" * 12_500}
    cut = json.dumps(delta)[:-1000]
    _, report = read_records(log(done(), delta, {"event": delta}, {"event": json.dumps(delta)}, cut, cut + '"'))
    assert [error.line_number for error in report.errors] == [5, 6]
    assert report.other_lines == 0


def test_a_long_reply_hides_no_usage() -> None:
    """A transcript that fills most of its line, before and behind the usage; with quotes and line ends in it."""
    for transcript in ("word " * 2000, 'a "word"\n' * 2000, "ü" * 5000, "\\" * 5001):
        output = [{"type": "message", "content": [{"transcript": transcript}]}]
        before = {
            "type": "response.done",
            "response": {"output": output, "id": "resp_1", "status": "completed", "usage": usage()},
        }
        for event in (done(output=output), before, {"event": json.dumps(before)}):
            record = read_record(log(event))
            assert (record.key, usage_of(record)) == ("resp_1", EXPECTED_USAGE)


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=20)


@given(words, st.integers(0, 2000), words, st.integers(0, 40), st.booleans())
def test_a_long_line_is_read_like_a_short_one(start: str, length: int, end: str, cut: int, wrapped: bool) -> None:
    """Whatever text fills it and wherever it is cut: read if it is complete, and reported if it is not."""
    output = [{"type": "message", "content": [{"transcript": start + "x" * length + end}]}]
    line = json.dumps(done(output=output), ensure_ascii=bool(cut % 2))
    line = json.dumps({"data": line}) if wrapped else line
    content = line[: len(line) - cut] if cut else line
    records, report = read_records(content, "realtime")
    assert (len(records), report.error_count) == ((0, 1) if cut else (1, 0))


def test_nothing_that_was_said_is_kept() -> None:
    """Neither prompts nor transcripts stand in a record or in the report, broken lines included."""
    broken = json.dumps(done("x", usage=7))
    records, report = read_records(
        log(session(transcription_model="w"), transcription(), done(), broken, broken[:-30], at(None, done("b")))
    )
    assert len(records) == 3
    assert "secret" not in repr((records, report))


def test_line_numbers_and_sources_are_kept() -> None:
    """Where a record was read: its file, and the line, empty ones counted."""
    records, _ = read_records(log(session(), "", "   ", done()))
    assert [(record.source, record.line_number) for record in records] == [("a log", 4)]


def test_when_a_session_began_is_known() -> None:
    """From its first event on."""
    times = ("2026-11-22T10:00:00Z", "2026-11-22T10:02:00Z")
    record = read_record(log(at(times[0], session()), at(times[1], done())))
    assert record.session_started_at == datetime(2026, 11, 22, 10, tzinfo=UTC)


def test_many_waiting_records_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """A session that never names its model is not held in memory: the first three go with what was told."""
    monkeypatch.setattr("voicebill.logs.formats.realtime.MAX_WAITING_PER_SESSION", 2)
    records = models(*(done(name) for name in "abcd"), session(), defaults=LogDefaults(model="told"))
    assert list(records.values()) == ["told"] * 3 + ["told"]


@pytest.mark.parametrize("name", ["details", "fullEvent", "event"])
@pytest.mark.parametrize("as_text", [True, False])
def test_an_envelope_may_repeat_the_type_of_its_event(name: str, as_text: bool) -> None:
    """The event is beside its type under any name, and the envelope has the time and the session."""
    long = done(metadata={"note": "a" * 2000})
    envelope = {"type": "response.done", "time": "2026-11-22T10:00:00Z", "session_id": "s1", "keys": ["type", "response"]}
    record = read_record(log({**envelope, name: json.dumps(long) if as_text else long}))
    assert (record.key, record.session, usage_of(record)) == ("resp_1", "s1", EXPECTED_USAGE)
    assert record.time == datetime(2026, 11, 22, 10, tzinfo=UTC)


def test_an_object_of_another_type_is_not_the_event_of_an_envelope() -> None:
    """An envelope without its event has no usage."""
    record = read_record(log({"type": "response.done", "previous": {**done(), "type": "response.created"}}))
    assert record.status == "missing"


def test_usage_that_a_framework_logs_beside_the_events_repeats_them() -> None:
    """Two usage events of a response's tokens: one repeats the response, the other one is of another, and was not read."""
    counts = {"requests": 1, "input_tokens": 132, "output_tokens": 121, "total_tokens": 253}
    usage_event = {"type": "usage", "usage": {**counts, "details": "InputTokensDetails(cached_tokens=64)"}}
    records, report = read_records(log(session(), usage_event, done("a")), "realtime")
    assert [record.key for record in records] == ["a"]
    assert (report.unread_usage, report.errors) == (None, [])
    assert report.skipped == {"lines with the usage of responses whose events are in the log too": 1}
    _, report = read_records(log(session(), usage_event, done("a"), usage_event), "realtime")
    assert report.unread_usage is not None
    assert (report.unread_usage.items, report.unread_usage.line_number) == (1, 4)


@pytest.mark.parametrize("name", ["lk.pii.event", "raw", "server_event"])
@pytest.mark.parametrize("as_text", [False, True])
def test_an_event_under_any_name_of_an_envelope_without_a_type_is_read(name: str, as_text: bool) -> None:
    """As LiveKit's debug log has them; the time of the envelope is that of the event."""
    envelope = {"message": "<<<", "level": "DEBUG", "timestamp": "2026-11-28T10:00:00Z"}
    events = (session("gpt-realtime"), done())
    record = read_record(log(*({**envelope, name: json.dumps(event) if as_text else event} for event in events)))
    assert (record.model, usage_of(record), record.day) == ("gpt-realtime", EXPECTED_USAGE, date(2026, 11, 28))


def test_an_event_as_text_is_known_by_its_type_like_one_in_an_object() -> None:
    """Most lines are audio, and so need not be read twice. An event that is one itself is not opened."""
    delta = {"type": "response.output_audio.delta", "delta": "UklGRiSAAABXQVZF"}
    lines: list[dict[str, object]] = [
        {"event": delta},
        {"message": json.dumps(delta)},
        {**done(), "message": json.dumps(delta)},
    ]
    types = [ignorable_type(decode_line(json.dumps(line).encode())) for line in lines]
    assert types == ["response.output_audio.delta", "response.output_audio.delta", None]
