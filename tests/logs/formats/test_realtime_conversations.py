"""Test what raw events tell of a response beyond its usage: what was new before it, its own output, and its prompt."""

import json
from typing import Any

import pytest

from tests.logs.reading import error_texts, read_records
from voicebill.billing.record import ResponseDetails
from voicebill.logs.defaults import LogDefaults

Event = dict[str, Any]
KEY = b"0123456789abcdef"
NOTHING_NEW = ResponseDetails(
    user_messages=0, user_audio_ms=0, text_messages=0, tool_results=0, deleted_items=0, tool_calls=0, reply_messages=1
)
"""The details of a response with one message after which nothing was new, in a log with the events of items."""


def started(session: str = "sess_1", **settings: Any) -> Event:
    return {"type": "session.created", "session": {"id": session, "model": "gpt-realtime", **settings}}


def updated(**settings: Any) -> Event:
    return {**started(**settings), "type": "session.updated"}


def created(name: str = "resp_1", **more: object) -> Event:
    return {"type": "response.created", "response": {"id": name, "conversation_id": "conv_1", **more}}


def done(name: str = "resp_1", *output: str, tokens: int = 50, **more: object) -> Event:
    counts = {"input_tokens": 2 * tokens, "output_tokens": tokens, "output_token_details": {"text_tokens": tokens}}
    items = [{"type": kind} for kind in output or ("message",)]
    response = {"id": name, "conversation_id": "conv_1", "status": "completed", "output": items, "usage": counts, **more}
    return {"type": "response.done", "response": response}


def response(name: str = "resp_1") -> list[Event]:
    return [created(name), done(name)]


def speech(item: str = "item_1", start: int | None = 500, stop: int | None = 3_000) -> list[Event]:
    """A spoken message; without times, as with push-to-talk, the client commits it."""
    buffer = "input_audio_buffer"
    times = [
        {"type": f"{buffer}.speech_started", "item_id": item, "audio_start_ms": start},
        {"type": f"{buffer}.speech_stopped", "item_id": item, "audio_end_ms": stop},
    ]
    return [
        *(times if stop is not None else []),
        {"type": f"{buffer}.committed", "item_id": item},
        added(item, content=[{"type": "input_audio", "transcript": None}]),
        added(item, "done", content=[{"type": "input_audio", "transcript": "a secret"}]),
    ]


def added(item: str | None, kind: str = "added", **fields: object) -> Event:
    return {"type": f"conversation.item.{kind}", "item": {"id": item, "type": "message", "role": "user", **fields}}


def text(item: str | None, kind: str = "added") -> Event:
    return added(item, kind, content=[{"type": "input_text", "text": 'a secret "input_audio" text'}])


def result(item: str) -> Event:
    return added(item, type="function_call_output", role=None, output="a secret result")


REPLY = added("item_reply", role="assistant", content=[{"type": "output_audio"}])


def details(*events: Event | list[Event], key: bytes = KEY) -> dict[str, ResponseDetails | None]:
    """The details of the responses of a log, by the response's name."""
    lines = [json.dumps(event) for entry in events for event in (entry if isinstance(entry, list) else [entry])]
    records, report = read_records("\n".join(lines), "realtime", LogDefaults(prompt_key=key))
    assert error_texts(report) == []
    return {record.key.removeprefix("response:"): record.details for record in records}


def only(*events: Event | list[Event]) -> ResponseDetails | None:
    (entry,) = details(*events).values()
    return entry


# -- what was new -------------------------------------------------------------------------------------------------------


def test_a_spoken_message_is_one_and_lasts_from_start_to_stop() -> None:
    """Five events tell of one message of 500 to 3,000 ms: 2,500 ms."""
    new = only(started(), speech(), response())
    assert new is not None
    assert (new.user_messages, new.user_audio_ms, new.text_messages, new.tool_results) == (1, 2_500, 0, 0)


def test_several_messages_before_a_response_add_up() -> None:
    """2,500 ms and 1,000 ms of speech, a text and a result."""
    messages = [*speech(), *speech("item_2", 4_000, 5_000), text("item_3"), result("item_4")]
    new = only(started(), messages, response())
    assert new is not None
    assert (new.user_messages, new.user_audio_ms, new.text_messages, new.tool_results) == (2, 3_500, 1, 1)


def test_speech_that_goes_on_in_the_same_message_adds_up() -> None:
    """500 to 3,000 ms and 4,000 to 4,200 ms of one item: 2,700 ms."""
    new = only(started(), speech()[:2], speech("item_1", 4_000, 4_200), response())
    assert new is not None
    assert (new.user_messages, new.user_audio_ms) == (1, 2_700)


def test_the_length_is_unknown_if_that_of_one_message_is() -> None:
    """Of two messages one was committed by the client, without times."""
    new = only(started(), speech(), speech("item_2", stop=None), response())
    assert new is not None
    assert (new.user_messages, new.user_audio_ms) == (2, None)


def test_a_time_of_another_item_is_not_taken_for_the_message() -> None:
    stopped = {"type": "input_audio_buffer.speech_stopped", "item_id": "item_9", "audio_end_ms": 3_000}
    new = only(started(), speech()[:1], stopped, speech()[2:], response())
    assert new is not None
    assert (new.user_messages, new.user_audio_ms) == (1, None)


@pytest.mark.parametrize("kinds", [("created",), ("added", "done"), ("created", "added", "done")])
def test_an_item_is_new_once_however_many_events_tell_of_it(kinds: tuple[str, ...]) -> None:
    new = only(started(), [text("item_1", kind) for kind in kinds], response())
    assert new is not None
    assert new.text_messages == 1


def test_items_without_an_identifier_are_counted_when_they_are_added() -> None:
    """Two texts without identifiers, each added and completed: two."""
    events = [text(None), text(None, "done"), text(None), text(None, "done")]
    new = only(started(), events, response())
    assert new is not None
    assert new.text_messages == 2


def test_what_one_response_read_is_not_new_for_the_next_one() -> None:
    """A tool's result, then nothing; the speech's item is completed only after its response began."""
    *before, completed = speech()
    by_name = details(
        started(),
        before,
        created(),
        completed,
        done("resp_1", "function_call"),
        result("item_2"),
        created("resp_2"),
        completed,
        done("resp_2"),
        response("resp_3"),
    )
    first, second, third = by_name.values()
    assert first is not None
    assert second is not None
    assert (first.user_messages, first.tool_results, first.tool_calls, first.reply_messages) == (1, 0, 1, 0)
    assert (second.user_messages, second.tool_results, second.tool_calls, second.reply_messages) == (0, 1, 0, 1)
    assert third == NOTHING_NEW


def test_what_comes_during_a_response_is_new_for_the_next_one() -> None:
    """The user speaks while the first response is being generated, which does not read that."""
    first, second = details(started(), REPLY, created(), speech(), done(), response("resp_2")).values()
    assert first is not None
    assert second is not None
    assert (first.user_messages, second.user_messages, second.user_audio_ms) == (0, 1, 2_500)


def test_without_the_event_that_a_response_begins_all_before_its_end_is_new() -> None:
    first, second = details(started(), speech(), done(), text("item_2"), done("resp_2")).values()
    assert first is not None
    assert second is not None
    assert (first.user_messages, first.text_messages) == (1, 0)
    assert (second.user_messages, second.text_messages) == (0, 1)


def test_a_response_without_usage_leaves_what_was_new_to_the_next_one() -> None:
    """It was cancelled before it read anything: its speech of 2,500 ms and that of 1,000 ms are both new for the next one."""
    none = {"type": "response.done", "response": {"id": "resp_1", "conversation_id": "conv_1", "status": "cancelled"}}
    events = [*speech(), created(), none, *speech("item_2", 4_000, 5_000), *response("resp_2")]
    new = details(started(), events)["resp_2"]
    assert new is not None
    assert (new.user_messages, new.user_audio_ms) == (2, 3_500)


def test_an_interrupted_reply_has_the_time_that_was_played() -> None:
    """The second response follows a reply of which 1,234.4 ms were played; what came after that is no interruption."""
    cut = {"type": "conversation.item.truncated", "item_id": "item_reply", "content_index": 0, "audio_end_ms": 1_234.4}
    first, second, third = details(started(), REPLY, response(), cut, speech(), response("resp_2"), response("resp_3")).values()
    assert first is not None
    assert second is not None
    assert third is not None
    assert (first.played_ms, second.played_ms, third.played_ms) == (None, 1_234, None)


def test_deleted_items_are_counted_for_the_response_after_them() -> None:
    deletion = {"type": "conversation.item.deleted", "item_id": "item_1"}
    first, second = details(started(), speech(), response(), deletion, deletion, response("resp_2")).values()
    assert first is not None
    assert second is not None
    assert (first.deleted_items, second.deleted_items) == (0, 2)


def test_each_session_has_what_was_new_in_it() -> None:
    """Two sessions in one log: one speaks, the other one writes."""
    lines = [
        {"session_id": name, "event": event}
        for first, second in zip(
            [started("sess_a"), *speech(), *response("resp_a")],
            [started("sess_b"), *[text("item_9")] * 5, *response("resp_b")],
            strict=True,
        )
        for name, event in (("sess_a", first), ("sess_b", second))
    ]
    by_name = details(lines)
    counts = {name: new and (new.user_messages, new.text_messages) for name, new in by_name.items()}
    assert counts == {"resp_a": (1, 0), "resp_b": (0, 1)}


def test_an_out_of_band_response_reads_nothing_that_is_new() -> None:
    """It belongs to no conversation: it has no details, and leaves those of the next response alone."""
    aside = [created("resp_0", conversation_id=None), done("resp_0", conversation_id=None)]
    request = {"type": "response.create", "response": {"conversation": "none", "instructions": "classify this"}}
    by_name = details(started(instructions="a"), speech(), request, aside, response())
    assert by_name["resp_0"] is None
    assert by_name == {"resp_0": None, **details(started(instructions="a"), speech(), response())}


def test_events_that_are_logged_twice_tell_nothing_new() -> None:
    """Each line is there twice, or the log as a total is: the details are those of the log itself."""
    events = [started(), *speech(), *response(), text("item_2"), *response("resp_2"), result("item_3"), *response("resp_3")]
    once = details(events)
    assert details([event for event in events for _ in range(2)]) == once
    assert details(events, events) == once


# -- what a log does not tell -------------------------------------------------------------------------------------------


def test_a_log_of_responses_alone_tells_of_their_output_only() -> None:
    """Two calls, one message and 7 tokens of reasoning; whether the user spoke is not known."""
    counts = {"input_tokens": 9, "output_tokens": 9, "output_token_details": {"text_tokens": 9, "reasoning_tokens": 7}}
    assert only(done("resp_1", "function_call", "function_call", "message", usage=counts)) == ResponseDetails(
        tool_calls=2, reply_messages=1, reasoning_tokens=7
    )


def test_output_that_is_left_out_is_not_known() -> None:
    """There are 50 tokens of output, but no items: neither calls nor messages are known, so there are no details."""
    assert only(done(output=[])) is None
    assert only(done(output=None)) is None


def test_a_response_without_output_has_none() -> None:
    counts = {"input_tokens": 9, "output_tokens": 0}
    assert only(done(output=[], usage=counts)) == ResponseDetails(tool_calls=0, reply_messages=0)


def test_a_log_with_the_events_of_speech_alone_does_not_tell_of_texts() -> None:
    """Without the events of items, texts and results may have been there."""
    new = only(started(), speech()[:3], response())
    assert new is not None
    assert (new.user_messages, new.user_audio_ms, new.text_messages, new.tool_results, new.deleted_items) == (
        *(1, 2_500),
        *(None, None, None),
    )


def test_an_item_of_the_assistant_shows_that_items_are_logged() -> None:
    """The assistant greets: the user has said nothing so far, which is known."""
    assert only(started(), created(), REPLY, done()) == NOTHING_NEW


# -- prompts ------------------------------------------------------------------------------------------------------------

TOOLS = [{"type": "function", "name": "transfer"}]


def prompts(*events: Event | list[Event], key: bytes = KEY) -> list[str | None]:
    return [None if new is None else new.prompt for new in details(*events, key=key).values()]


def test_a_prompt_is_the_instructions_and_the_tools_in_force() -> None:
    """Of six responses the first two have the same prompt, the next two each another one, the last two the first again."""
    first, second, third, fourth, fifth, sixth = prompts(
        started(instructions="a", tools=[]),
        response("resp_1"),
        response("resp_2"),
        updated(instructions="b", tools=[]),
        response("resp_3"),
        updated(instructions="b", tools=TOOLS),
        response("resp_4"),
        updated(instructions="a", tools=[]),
        response("resp_5"),
        updated(turn_detection=None),
        response("resp_6"),
    )
    assert first == second == fifth == sixth
    assert len({first, third, fourth, None}) == 4


@pytest.mark.parametrize(
    ("own", "as_if"),
    [
        ({"instructions": "b"}, {"instructions": "b", "tools": TOOLS}),
        ({"tools": []}, {"instructions": "a", "tools": []}),
        ({"instructions": "b", "tools": []}, {"instructions": "b", "tools": []}),
        ({"metadata": {}}, {"instructions": "a", "tools": TOOLS}),
    ],
)
def test_a_request_has_a_prompt_of_its_own_for_one_response(own: Event, as_if: Event) -> None:
    """What it does not name is the session's."""
    request = {"type": "response.create", "response": own}
    one, next_one = prompts(started(instructions="a", tools=TOOLS), request, response(), response("resp_2"))
    assert [one] == prompts(started(**as_if), response())
    assert [next_one] == prompts(started(instructions="a", tools=TOOLS), response())


def test_long_instructions_are_told_apart() -> None:
    """Lines with much text are parsed without it, but not if they have a prompt: a word at the end makes another one."""
    long = "word " * 1_000
    one, other = prompts(started(instructions=long), response(), updated(instructions=f"{long}more"), response("resp_2"))
    assert one != other


def test_a_prompt_without_its_instructions_is_not_known() -> None:
    assert prompts(started(tools=TOOLS), response()) == [None]
    assert prompts(started(instructions=None), response()) == [None]


def test_fingerprints_have_a_key() -> None:
    """The same prompt has another fingerprint in another ledger, and in each reading without one: it gives nothing away."""
    events = [started(instructions="a"), *response()]
    assert prompts(events) == prompts(events)
    assert prompts(events) != prompts(events, key=b"another key 1234")
    assert LogDefaults().prompt_key != LogDefaults().prompt_key
    assert "prompt_key" not in repr(LogDefaults())


def test_nothing_of_the_conversation_is_kept() -> None:
    """Neither instructions nor tools nor texts are in the records of a log."""
    settings: Event = {"instructions": "a secret prompt", "tools": [{"name": "secret tool"}]}
    events = [started(**settings), *speech(), text("item_2"), result("item_3"), *response()]
    records, _ = read_records("\n".join(map(json.dumps, events)), "realtime")
    assert records[0].details is not None
    assert "secret" not in repr(records)
