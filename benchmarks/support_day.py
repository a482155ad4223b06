"""Writes docs/examples/support-day.jsonl: an invented day of a support desk, as its servers might have logged it.

Six sessions of three customers, wrapped with time, tenant and session, as raw events of the Realtime API. Counts follow the
behaviour that docs/how-the-bill-arises.md describes. In it are what real logs hold: a tool call, an interrupted reply, an
event that a retry has logged twice, a response that failed without usage, a line that broke off, a model that nobody knows.
Nothing was ever said: there is no transcript, and the audio is a few bytes of nothing. The same every time it runs.
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
Logged = tuple[datetime, str]


@dataclass
class Call:
    """One session, and what has been said in it so far, in tokens."""

    number: int
    tenant: str
    model: str
    begins: str
    chance: Random
    now: datetime = DAY
    users: list[int] = field(default_factory=list)
    replies: list[tuple[int, int]] = field(default_factory=list)
    events: int = 0
    responses: int = 0

    def __post_init__(self) -> None:
        hours, minutes = map(int, self.begins.split(":"))
        self.now = DAY + timedelta(hours=hours, minutes=minutes, seconds=self.chance.randrange(60))

    def logged(self, kind: str, **content: Any) -> Logged:  # noqa: ANN401 - whatever an event holds
        """An event in its envelope."""
        self.events += 1
        event = {"type": kind, "event_id": f"event_{self.number}{self.events:03}", **content}
        told = self.now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self.now += timedelta(milliseconds=40)
        return self.now, json.dumps({"time": told, "tenant": self.tenant, "session_id": f"sess_{self.number}", "event": event})

    def usage(self, audio: int, text: int) -> Event:
        """What a response reads, in part from the cache, and generates."""
        older = sum(max(0, round(said - 8.13 - 0.0478 * heard)) + 2 for heard, said in self.replies[:-1])
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

    def opened(self) -> Iterator[Logged]:
        """The session is there."""
        heard = {"input": {"transcription": {"model": "gpt-transcribe"}}}
        yield self.logged("session.created", session={"id": f"sess_{self.number}", "model": self.model, "audio": heard})

    def user(self, tokens: int) -> Iterator[Logged]:
        """The user says something, and it is written down elsewhere."""
        self.users.append(tokens)
        item = f"item_{self.number}{len(self.users):02}u"
        self.now += timedelta(milliseconds=100 * tokens)
        yield self.logged("input_audio_buffer.committed", item_id=item)
        usage = {"type": "duration", "seconds": tokens / 10}
        heard = "conversation.item.input_audio_transcription.completed"
        yield self.logged(heard, item_id=item, content_index=0, transcript="", usage=usage)

    def reply(self, seconds: int, *, status: str = "completed", tool: bool = False, fails: bool = False) -> Iterator[Logged]:
        """The assistant answers, or calls a tool."""
        self.responses += 1
        name = {"object": "realtime.response", "id": f"resp_{self.number}{self.responses:02}", "conversation_id": "conv"}
        name["conversation_id"] = f"conv_{self.number}"
        yield self.logged("response.created", response={**name, "status": "in_progress"})
        if fails:
            why = {"type": "failed", "error": {"type": "server_error"}}
            yield self.logged("response.done", response={**name, "status": "failed", "status_details": why, "usage": None})
            return
        audio, text = (0, 24) if tool else (20 * seconds, round(8 + 0.224 * 20 * seconds))
        for _ in range(0 if tool else 3):
            delta = b64encode(self.chance.randbytes(24)).decode()
            yield self.logged("response.output_audio.delta", response_id=name["id"], delta=delta)
        self.now += timedelta(seconds=1)
        output = [{"type": "function_call" if tool else "message", "role": "assistant", "status": status}]
        yield self.logged(
            "response.done", response={**name, "status": status, "output": output, "usage": self.usage(audio, text)}
        )
        if not tool:
            self.replies.append((audio, text))
        self.now += timedelta(seconds=seconds)


def turns(call: Call, count: int) -> Iterator[Logged]:
    """So many turns, of lengths by chance."""
    for _ in range(count):
        yield from call.user(call.chance.randrange(20, 90))
        yield from call.reply(call.chance.randrange(3, 12))


def sessions() -> Iterator[Logged]:
    """Everything that was logged, session by session."""
    chance = Random(20261120)

    booking = Call(1, "acme", "gpt-realtime-1.5", "08:31", chance)
    yield from (*booking.opened(), *turns(booking, 3), *booking.user(34))
    yield from (*booking.reply(9, status="cancelled"), *turns(booking, 2))

    lookup = Call(2, "acme", "gpt-realtime-1.5", "08:32", chance)
    yield from (*lookup.opened(), *turns(lookup, 1), *lookup.user(52), *lookup.reply(0, tool=True), *lookup.reply(8))
    yield from turns(lookup, 1)

    parcel = Call(3, "globex", "gpt-realtime-2.1-mini", "10:05", chance)
    yield from (*parcel.opened(), *turns(parcel, 4), *parcel.user(41))
    told_twice = list(parcel.reply(6))
    yield from (*told_twice, told_twice[-1], *turns(parcel, 3))

    billing = Call(4, "globex", "gpt-realtime-2.1-mini", "10:06", chance)
    yield from (*billing.opened(), *turns(billing, 2), *billing.user(63), *billing.reply(0, fails=True), *turns(billing, 1))

    refund = Call(5, "initech", "gpt-realtime-1.5", "14:47", chance)
    yield from (*refund.opened(), *turns(refund, 5))

    trial = Call(6, "initech", "gpt-realtime-3", "15:20", chance)
    yield from (*trial.opened(), *turns(trial, 1))


def written() -> str:
    """The file's text, in the order of time; one line breaks off."""
    lines = [line for _, line in sorted(sessions(), key=lambda each: each[0])]
    broken = next(at for at, line in enumerate(lines) if at > 60 and "output_audio.delta" in line)
    lines[broken] = lines[broken][:150]
    return "".join(f"{line}\n" for line in lines)


def main() -> None:
    """Write the file."""
    FILE.write_text(written(), encoding="utf-8")
    print(f"{FILE}: {FILE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
