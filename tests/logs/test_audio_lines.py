"""Events of audio are skipped by their type: what is broken among them is found, whatever is open around them."""

import json

from tests.logs.reading import error_texts, read_records

AUDIO = {"type": "response.output_audio.delta", "event_id": "event_1", "delta": "UklGRiSA" * 200}
"""An event of 1,700 bytes, nearly all of them audio."""
DONE = {
    "type": "response.done",
    "response": {"id": "resp_1", "status": "completed", "usage": {"input_tokens": 5, "output_tokens": 0}},
}
SESSION = {"type": "session.created", "session": {"id": "sess_1", "model": "gpt-realtime"}}


def log(*events: object) -> bytes:
    return b"".join(event if isinstance(event, bytes) else json.dumps(event).encode() + b"\n" for event in events)


def test_a_broken_line_among_audio_is_an_error_with_its_number() -> None:
    """Line 4 ends within its audio, line 6 is not JSON; ten more lines of audio are skipped by their type."""
    audio = log(AUDIO)
    content = log(SESSION, AUDIO, AUDIO, audio[:900] + b"\n", AUDIO, audio.replace(b"UklG", b'"klG', 1), *[AUDIO] * 10, DONE)
    records, report = read_records(content)
    assert [(record.key, record.line_number) for record in records] == [("resp_1", 17)]
    assert [text.partition(":")[0] for text in error_texts(report)] == ["a log, line 4", "a log, line 6"]
    assert report.lines == 17


def test_audio_is_read_line_by_line_while_a_document_is_open() -> None:
    """An event over many lines ends early, where an event of audio begins: it alone is lost."""
    begun = json.dumps(DONE, indent=2).encode()[:60].rpartition(b"\n")[0] + b"\n"
    content = log(SESSION, AUDIO, AUDIO, begun, AUDIO, AUDIO, DONE)
    records, report = read_records(content)
    assert [record.key for record in records] == ["resp_1"]
    assert error_texts(report) == ["a log, line 4: not valid JSON: the document begins here and is incomplete"]


def test_audio_that_is_not_utf_8_is_an_error_in_a_source_of_documents_only() -> None:
    """Audio is not looked at where every line is an event, nor after an event over many lines."""
    damaged = log(AUDIO).replace(b"UklG", b"Uk\xffG", 1)
    document = json.dumps(DONE, indent=2).encode() + b"\n"
    assert read_records(log(SESSION, AUDIO, AUDIO, damaged, DONE))[1].error_count == 0
    assert read_records(log(SESSION, AUDIO, AUDIO, document, AUDIO, damaged, AUDIO))[1].error_count == 0
    assert error_texts(read_records(log(document, SESSION, AUDIO, AUDIO, damaged, AUDIO))[1]) == [
        "a log, line 15: not UTF-8 (byte 0xFF at character 76): convert the file, for example with iconv -f latin1 -t utf-8"
    ]


def test_lines_after_a_document_are_read_as_before_it() -> None:
    """A broken line, an event over many lines and an array on one line each end where the next line of audio begins."""
    second, third, fourth = (log(DONE).replace(b"resp_1", b"resp_%d" % number) for number in (2, 3, 4))
    document = json.dumps(json.loads(second), indent=2).encode() + b"\n"
    array = b"[%b, %b]\n" % (third.strip(), fourth.strip())
    begun = b'{"type": "response.done", "response":\n'
    damaged = log(AUDIO).replace(b"UklG", b"Uk\xffG", 1)  # a document that is open would report it
    content = log(SESSION, AUDIO, begun, AUDIO, AUDIO, damaged, document, damaged, array, damaged, DONE)
    records, report = read_records(content)
    assert [record.key for record in records] == ["resp_2", "resp_3", "resp_4", "resp_1"]
    assert report.error_count == 1


def test_an_event_of_an_array_that_is_not_utf_8_is_an_error_with_its_usage() -> None:
    """The other one on the line is read; of this one the tokens are named as not read."""
    second = log(DONE).replace(b"resp_1", b"resp\xff")
    records, report = read_records(log(SESSION, b"[%b, %b]\n" % (log(DONE).strip(), second.strip())))
    assert [record.key for record in records] == ["resp_1"]
    assert [text.partition(" (")[0] for text in error_texts(report)] == ["a log, line 2: not UTF-8"]
    assert report.unread_usage is not None
    assert report.unread_usage.line_number == 2


def test_a_line_that_is_cut_off_is_said_to_be() -> None:
    """Neither the end of the line nor audio that is not decoded counts as what is wrong with it."""
    within_character = '{"type": "response.done", "note": "café'.encode()[:-1] + b"\n"
    cut_off = [log(DONE)[:60] + b"\n", log(AUDIO)[:900] + b"\r\n", within_character]
    assert error_texts(read_records(log(SESSION, *cut_off, DONE))[1]) == [
        f"a log, line {number}: not valid JSON: it is cut off" for number in (2, 3, 4)
    ]


def test_the_times_of_audio_count_if_a_session_is_billed_by_time() -> None:
    """A session that translates reports nothing: its last event, 60 seconds after the first, is audio."""
    times = ["2026-11-20T10:00:00Z", "2026-11-20T10:00:01Z", "2026-11-20T10:01:00Z"]
    session = {"type": "session.created", "session": {"id": "sess_1", "model": "gpt-realtime-translate"}}
    events = [{"time": time, "event": event} for time, event in zip(times, (session, AUDIO, AUDIO), strict=True)]
    (record,), _ = read_records(log(*events))
    assert max(sum(usage.quantities.values()) for usage in record.usage_candidates) == 60_000
