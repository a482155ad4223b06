"""Write docs/examples/support-day.jsonl, an invented day of a support desk as its servers might log it.

The log has six sessions of three customers, as raw events of the Realtime API, wrapped with time, tenant and session.
Counts follow the behaviour that docs/how-the-bill-arises.md describes. It has what real logs have: a tool call, an
interrupted reply, an event that a retry logged twice, a failed response without usage, a truncated line and an unknown
model. There are no transcripts, and the audio is a few random bytes. The output is the same on every run.
"""

import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

FILE = Path(__file__).parents[1] / "docs" / "examples" / "support-day.jsonl"
DAY = datetime(2026, 11, 20, tzinfo=UTC)
INSTRUCTIONS = 1150
BLOCK = 64

Event = dict[str, Any]
LogLine = tuple[datetime, str]


@dataclass
class Call:
    """One session, and the tokens of its messages so far."""

    number: int
    tenant: str
    model: str
    starts_at: str
    rng: Random
    now: datetime = DAY
    users: list[int] = field(default_factory=list)
    replies: list[tuple[int, int]] = field(default_factory=list)
    events: int = 0
    responses: int = 0

    def __post_init__(self) -> None:
        hours, minutes = map(int, self.starts_at.split(":"))
        self.now = DAY + timedelta(hours=hours, minutes=minutes, seconds=self.rng.randrange(60))

    def log_event(self, kind: str, **content: Any) -> LogLine:  # noqa: ANN401 - any JSON value
        """An event in its envelope."""
        self.events += 1
        event = {"type": kind, "event_id": f"event_{self.number}{self.events:03}", **content}
        timestamp = self.now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self.now += timedelta(milliseconds=40)
        return self.now, json.dumps(
            {"time": timestamp, "tenant": self.tenant, "session_id": f"sess_{self.number}", "event": event}
        )

    def usage(self, audio: int, text: int) -> Event:
        """The usage of a response: its input, partly cached, and its output."""
        older = sum(
            max(0, round(reply_text - 8.13 - 0.0478 * reply_audio)) + 2 for reply_audio, reply_text in self.replies[:-1]
        )
        last_audio, last_text = self.replies[-1] if self.replies else (0, 0)
        text_in = INSTRUCTIONS + 8 * len(self.users) + 2 * len(self.replies) + last_text + older
        audio_in = sum(self.users) + last_audio
        text_cached = INSTRUCTIONS // BLOCK * BLOCK if self.replies else 0
        audio_cached = sum(self.users[:-2]) // BLOCK * BLOCK
        return {
            "total_tokens": text_in + audio_in + text + audio,
            "input_tokens": text_in + audio_in,
            "output_tokens": text + audio,
            "input_token_details": {
                "text_tokens": text_in,
                "audio_tokens": audio_in,
                "image_tokens": 0,
                "cached_tokens": text_cached + audio_cached,
                "cached_tokens_details": {"text_tokens": text_cached, "audio_tokens": audio_cached, "image_tokens": 0},
            },
            "output_token_details": {"text_tokens": text, "audio_tokens": audio},
        }

    def open_session(self) -> Iterator[LogLine]:
        """Log the start of the session."""
        audio = {"input": {"transcription": {"model": "gpt-transcribe"}}}
        yield self.log_event("session.created", session={"id": f"sess_{self.number}", "model": self.model, "audio": audio})

    def user(self, tokens: int) -> Iterator[LogLine]:
        """Log user speech and its transcription."""
        self.users.append(tokens)
        item = f"item_{self.number}{len(self.users):02}u"
        self.now += timedelta(milliseconds=100 * tokens)
        yield self.log_event("input_audio_buffer.committed", item_id=item)
        usage = {"type": "duration", "seconds": tokens / 10}
        event_type = "conversation.item.input_audio_transcription.completed"
        yield self.log_event(event_type, item_id=item, content_index=0, transcript="", usage=usage)

    def reply(self, seconds: int, *, status: str = "completed", tool: bool = False, fails: bool = False) -> Iterator[LogLine]:
        """Log a reply of the assistant or a tool call."""
        self.responses += 1
        name = {"object": "realtime.response", "id": f"resp_{self.number}{self.responses:02}", "conversation_id": "conv"}
        name["conversation_id"] = f"conv_{self.number}"
        yield self.log_event("response.created", response={**name, "status": "in_progress"})
        if fails:
            details = {"type": "failed", "error": {"type": "server_error"}}
            yield self.log_event(
                "response.done", response={**name, "status": "failed", "status_details": details, "usage": None}
            )
            return
        audio, text = (0, 24) if tool else (20 * seconds, round(8 + 0.224 * 20 * seconds))
        for _ in range(0 if tool else 3):
            delta = b64encode(self.rng.randbytes(24)).decode()
            yield self.log_event("response.output_audio.delta", response_id=name["id"], delta=delta)
        self.now += timedelta(seconds=1)
        output = [{"type": "function_call" if tool else "message", "role": "assistant", "status": status}]
        yield self.log_event(
            "response.done", response={**name, "status": status, "output": output, "usage": self.usage(audio, text)}
        )
        if not tool:
            self.replies.append((audio, text))
        self.now += timedelta(seconds=seconds)


def turns(call: Call, count: int) -> Iterator[LogLine]:
    """Log a number of turns of random lengths."""
    for _ in range(count):
        yield from call.user(call.rng.randrange(20, 90))
        yield from call.reply(call.rng.randrange(3, 12))


def sessions() -> Iterator[LogLine]:
    """All log lines, session by session."""
    rng = Random(20261120)

    booking = Call(1, "acme", "gpt-realtime-1.5", "08:31", rng)
    yield from (*booking.open_session(), *turns(booking, 3), *booking.user(34))
    yield from (*booking.reply(9, status="cancelled"), *turns(booking, 2))

    lookup = Call(2, "acme", "gpt-realtime-1.5", "08:32", rng)
    yield from (*lookup.open_session(), *turns(lookup, 1), *lookup.user(52), *lookup.reply(0, tool=True), *lookup.reply(8))
    yield from turns(lookup, 1)

    parcel = Call(3, "globex", "gpt-realtime-2.1-mini", "10:05", rng)
    yield from (*parcel.open_session(), *turns(parcel, 4), *parcel.user(41))
    repeated = list(parcel.reply(6))
    yield from (*repeated, repeated[-1], *turns(parcel, 3))

    billing = Call(4, "globex", "gpt-realtime-2.1-mini", "10:06", rng)
    yield from (
        *billing.open_session(),
        *turns(billing, 2),
        *billing.user(63),
        *billing.reply(0, fails=True),
        *turns(billing, 1),
    )

    refund = Call(5, "initech", "gpt-realtime-1.5", "14:47", rng)
    yield from (*refund.open_session(), *turns(refund, 5))

    trial = Call(6, "initech", "gpt-realtime-3", "15:20", rng)
    yield from (*trial.open_session(), *turns(trial, 1))


def file_text() -> str:
    """The text of the file in order of time; one line is truncated."""
    lines = [line for _, line in sorted(sessions(), key=lambda entry: entry[0])]
    broken = next(index for index, line in enumerate(lines) if index > 60 and "output_audio.delta" in line)
    lines[broken] = lines[broken][:150]
    return "".join(f"{line}\n" for line in lines)


def main() -> None:
    """Write the file."""
    FILE.write_text(file_text(), encoding="utf-8")
    print(f"{FILE}: {FILE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
