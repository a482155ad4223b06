"""Generate realistic logs of Realtime sessions from a seed, with the expected results.

Sessions are interleaved and split across files. Lines are wrapped with time, tenant and session in one of three ways, or
bare. Times are equal or missing, events are a few lines early or late, some are repeated, and one line in a hundred is
unreadable. Models may be unknown or retired; responses are cancelled, failed, without usage, or reported only as totals.
Nearly all bytes are audio.

The expected results are summed from the generated usages, each priced separately.
"""

import base64
import json
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from voicebill.billing.errors import VoicebillError
from voicebill.billing.money import PICODOLLARS_PER_DOLLAR
from voicebill.billing.price_book import PriceBook

Wrapping = Literal["around", "flat", "text", "bare"]
"""An envelope around the event, envelope fields merged into the event, the event as text in a message, or no envelope."""

WRAPPINGS: tuple[Wrapping, ...] = ("around", "flat", "around", "bare", "text", "around")
DEFAULT_DAY = date(2026, 7, 20)
"""The day of records without a time."""
START = datetime(2026, 7, 5, 9, tzinfo=UTC)
MODELS = (
    ("gpt-realtime", 30),
    ("gpt-realtime-2.1", 20),
    ("gpt-realtime-mini", 20),
    ("gpt-realtime-1.5", 10),
    ("gpt-4o-mini-realtime-preview", 10),
    ("gpt-4o-realtime-preview-2024-12-17", 5),
    ("gpt-realtime-9-beta", 5),
)
"""Models with their weights. One is retired and the last is unknown; some begin or end within the period of the logs."""
TRANSCRIPTION_MODELS = ("whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe")
BROKEN_SHARE, UNTIMED_SHARE, REPEATED_SHARE, MOVED_SHARE = 0.01, 0.02, 0.02, 0.05
"""Shares of lines that are unreadable, without a time, repeated, and out of order."""

Usage = dict[str, int]
Event = dict[str, Any]


@dataclass
class Truth:
    """The expected results: distinct records, repeated records, and amounts in picodollars."""

    records: int = 0
    repeated: int = 0
    broken: int = 0
    unpriced: int = 0
    bounded: int = 0
    without_usage: int = 0
    low: Fraction = Fraction(0)
    high: Fraction = Fraction(0)
    lines: int = 0
    bytes: int = 0
    audio_bytes: int = 0
    halves: list[list[Path]] = field(default_factory=lambda: [[], []])
    """The files in two halves without common sessions; some events of one half are repeated in the other."""

    @property
    def files(self) -> list[Path]:
        """All files, sorted by name."""
        return sorted(self.halves[0] + self.halves[1])


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a log; `order` is its position in its group, `is_record` whether it reports a record."""

    order: float
    content: bytes
    is_record: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A session: its tenant, its models, and how its lines are wrapped."""

    name: str
    tenant: str
    model: str
    azure: bool
    transcription_model: str | None
    started_at: datetime
    wrapping: Wrapping
    is_telephone: bool

    @property
    def purchase(self) -> dict[str, str]:
        """The provider and deployment that the envelope gives; empty for the default."""
        return {"provider": "azure", "deployment": "data-zone"} if self.azure and self.wrapping != "bare" else {}


def make_logs(
    folder: Path,
    prices: PriceBook,
    *,
    seed: int,
    sessions: int,
    turns: int = 6,
    reply_ms: int = 9000,
    files: int = 4,
    days: int = 26,
) -> Truth:
    """Write logs of `sessions` sessions in each of six groups, one per wrapping, and return the expected results.

    Each group is split over `files` files; its sessions are within `days` days from 5 July 2026. Replies last 0.5 to 1.5
    times `reply_ms`, which determines the share of audio.
    """
    folder.mkdir(parents=True, exist_ok=True)
    generator = LogGenerator(random.Random(seed), prices, turns, reply_ms, days)
    foreign: list[bytes] = []
    for group, wrapping in enumerate(WRAPPINGS):
        half = group % 2
        lines = generator.group_lines(group, wrapping, sessions)
        records = [line.content for line in lines if line.is_record] if wrapping != "bare" else []
        contents = [*(line.content for line in lines), *foreign]
        foreign = generator.sample(records, REPEATED_SHARE)
        generator.truth.repeated += len(foreign) if group + 1 < len(WRAPPINGS) else 0
        generator.truth.halves[half] += list(_write_files(folder, group, contents, files))
        generator.truth.lines += len(contents)
        generator.truth.bytes += sum(map(len, contents))
    return generator.truth


def _write_files(folder: Path, group: int, contents: Sequence[bytes], files: int) -> Iterator[Path]:
    """Write a group's lines as files. Bare lines have no session, so their files are split between sessions."""
    starts = [index for index, content in enumerate(contents) if content.startswith(b'{"type": "session.created"')]
    places = [len(contents) * part // files for part in range(files + 1)]
    if starts:
        places[1:-1] = [starts[len(starts) * part // files] for part in range(1, files)]
    for part, (begin, end) in enumerate(pairwise(places)):
        file = folder / f"group-{group}-{part:03}.jsonl"
        file.write_bytes(b"".join(contents[begin:end]))
        yield file


class LogGenerator:
    """Generate sessions and their lines, and sum up their usage."""

    def __init__(self, rng: random.Random, prices: PriceBook, turns: int, reply_ms: int, days: int) -> None:
        self.truth = Truth()
        self._rng = rng
        self._prices = prices
        self._turns = turns
        self._reply_ms = reply_ms
        self._days = days
        self._audio = base64.b64encode(rng.randbytes(3 * 2**19))
        self._rates: dict[tuple[str, str, str, date], Mapping[str, Fraction] | None] = {}
        self._numbered = 0

    def group_lines(self, number: int, wrapping: Wrapping, sessions: int) -> list[Line]:
        """The lines of a group's sessions, interleaved; bare lines have no session, so their sessions follow one another."""
        lines: list[Line] = []
        for index in range(sessions):
            started_at = START + timedelta(hours=self._rng.uniform(0, self._days * 24))
            call = self._call(f"s{number}-{index}", wrapping, started_at.replace(microsecond=self._rng.randrange(10**6)))
            session_lines = self._session(call)
            start = index * 10**6 if wrapping == "bare" else self._rng.uniform(0, sessions * 20)
            lines += [Line(start + line.order, line.content, line.is_record) for line in session_lines]
        lines.sort(key=lambda line: line.order)
        return list(self._with_broken_lines(lines))

    def sample(self, items: Sequence[bytes], share: float) -> list[bytes]:
        """A random sample of the items."""
        return [item for item in items if self._rng.random() < share]

    def _with_broken_lines(self, lines: Iterable[Line]) -> Iterator[Line]:
        for line in lines:
            if self._rng.random() < BROKEN_SHARE / (1 - BROKEN_SHARE):
                self.truth.broken += 1
                yield Line(line.order, self._break_line(line.content))
            yield line

    def _break_line(self, content: bytes) -> bytes:
        """An unreadable line as a crash, a full disk or another program leaves it."""
        match self._rng.randrange(5):
            case 0:
                return b"Traceback (most recent call last):\n"
            case 1:
                return b"\0" * 64 + b"\n"
            case 2:
                return content[: len(content) // 2] + content
            case _:
                return content[: self._rng.randrange(1, len(content) - 2)] + b"\n"

    def _call(self, name: str, wrapping: Wrapping, started_at: datetime) -> Call:
        models, weights = zip(*MODELS, strict=True)
        model = self._rng.choices(models, weights)[0]
        return Call(
            name=f"sess_{name}",
            tenant=f"tenant-{self._rng.randrange(40)}",
            model=model,
            azure=model == "gpt-realtime" and self._rng.random() < 0.3,
            transcription_model=self._rng.choice((None, *TRANSCRIPTION_MODELS)),
            started_at=started_at,
            wrapping=wrapping,
            is_telephone=self._rng.random() < 0.3,
        )

    def _session(self, call: Call) -> list[Line]:
        """A session's lines in the order of the log."""
        lines: list[Line] = []
        ms = 0
        session: Event = {"id": call.name, "object": "realtime.session", "model": call.model, "instructions": "Be kind. " * 90}
        for step, event in enumerate(({"type": "session.created", "session": session}, self._session_updated(call, session))):
            lines += self._session_event(call, ms, step, {**event, "event_id": self._new_id("event")})
        for turn in range(self._turns):
            ms += 1500
            lines += self._turn(call, turn, ms, len(lines) + 2)
            ms += self._reply_ms
        return lines

    def _session_updated(self, call: Call, session: Event) -> Event:
        transcription = {"transcription": {"model": call.transcription_model}} if call.transcription_model else {}
        audio = {"input": {"format": {"type": "audio/pcm", "rate": 24000}, **transcription}}
        return {"type": "session.updated", "session": {**session, "audio": audio}}

    def _turn(self, call: Call, turn: int, ms: int, order: int) -> Iterator[Line]:
        item, response = self._new_id("item"), self._new_id("resp")
        yield from self._event(call, ms, order, {"type": "input_audio_buffer.committed", "item_id": item})
        item_added = {"type": "conversation.item.added", "item": {"id": item, "type": "message", "role": "user", "content": []}}
        yield from self._event(call, ms, order + 1, item_added)
        created = {"type": "response.created", "response": {"id": response, "status": "in_progress", "usage": None}}
        yield from self._event(call, ms, order + 2, created)
        reply_ms = self._rng.randrange(self._reply_ms // 2, self._reply_ms * 3 // 2)
        order += 3
        for piece in self._pieces(call, reply_ms):
            event: Event = {"type": "response.output_audio.delta", "event_id": self._new_id("event"), "response_id": response}
            event |= {"item_id": "item_a", "output_index": 0, "content_index": 0, "delta": ""}
            line = Line(order, self._wrap(call, ms, json.dumps(event).encode()[:-2] + piece + b'"}'))
            self.truth.audio_bytes += len(line.content)
            yield line
            order += 1
        for word in range(min(8, 1 + reply_ms // 1000)):
            delta = {"type": "response.output_audio_transcript.delta", "response_id": response, "delta": f" word{word}"}
            yield from self._event(call, ms, order, delta)
            order += 1
        yield from self._response_done(call, turn, ms + reply_ms, order, response)
        if call.transcription_model:
            yield from self._transcription(call, ms + 300, order + 1, item)
        yield from self._event(call, ms + reply_ms, order + 2, {"type": "rate_limits.updated", "rate_limits": []})

    def _pieces(self, call: Call, reply_ms: int) -> Iterator[bytes]:
        """Base64 audio of 0.1 to 0.34 seconds each: 48 bytes per millisecond, or 8 for telephone calls."""
        while reply_ms > 0:
            ms = min(reply_ms, self._rng.randrange(100, 340))
            size = ms * (8 if call.is_telephone else 48) * 4 // 3 // 4 * 4
            start = self._rng.randrange(0, len(self._audio) - size)
            yield self._audio[start : start + size]
            reply_ms -= ms

    def _response_done(self, call: Call, turn: int, ms: int, order: int, response: str) -> Iterator[Line]:
        status = self._rng.choices(("completed", "cancelled", "failed", "incomplete"), (90, 6, 2, 2))[0]
        conversation = None if self._rng.random() < 0.03 else f"conv_{call.name}"
        usage, usage_candidates = self._draw_response(turn, status)
        output = [{"id": "item_a", "type": "message", "role": "assistant", "content": [{"transcript": "word " * 40}]}]
        about = {"object": "realtime.response", "id": response, "status": status, "conversation_id": conversation}
        event = {
            "type": "response.done",
            "event_id": self._new_id("event"),
            "response": {**about, "output": output, "usage": usage},
        }
        yield from self._record(call, ms, order, _RecordEvent(event, call.model, usage_candidates))

    def _draw_response(self, turn: int, status: str) -> tuple[Event | None, list[Usage]]:
        """A usage as the API reports it, and all usages that its counts allow."""
        drawn = self._rng.random()
        if status == "failed" or drawn < 0.01:
            return None, []
        text, audio = self._rng.randrange(200, 900), 20 + turn * self._rng.randrange(100, 300)
        cached_text = min(text, 64 * self._rng.randrange(0, 14)) if turn else 0
        cached_audio = min(audio, 64 * self._rng.randrange(0, 8)) if turn else 0
        text_out, audio_out = self._rng.randrange(5, 80), self._rng.randrange(20, 500)
        input_tokens, output_tokens = text + audio, text_out + audio_out
        totals: Event = {
            "total_tokens": input_tokens + output_tokens,
            "input_tokens": input_tokens,
            "output_tokens": output_tokens,
        }
        if drawn < 0.02:
            inputs, outputs = (
                ({"text_in": input_tokens}, {"audio_in": input_tokens}),
                ({"text_out": output_tokens}, {"audio_out": output_tokens}),
            )
            return totals, [one | other for one in inputs for other in outputs]
        input_details = {"text_tokens": text, "audio_tokens": audio}
        output_details = {"text_tokens": text_out, "audio_tokens": audio_out}
        cached = cached_text + cached_audio
        if drawn < 0.03:
            usage = {
                **totals,
                "input_token_details": {**input_details, "cached_tokens": cached},
                "output_token_details": output_details,
            }
            ends = {max(0, cached - audio), min(cached, text)}
            return usage, [_usage((text, end), (audio, cached - end), text_out, audio_out) for end in sorted(ends)]
        split = {"cached_tokens": cached, "cached_tokens_details": {"text_tokens": cached_text, "audio_tokens": cached_audio}}
        usage = {**totals, "input_token_details": {**input_details, **split}, "output_token_details": output_details}
        return usage, [_usage((text, cached_text), (audio, cached_audio), text_out, audio_out)]

    def _transcription(self, call: Call, ms: int, order: int, item: str) -> Iterator[Line]:
        usage: Event
        if call.transcription_model == "whisper-1":
            used = {"audio_ms": self._rng.randrange(400, 9000)}
            usage = {"type": "duration", "seconds": used["audio_ms"] / 1000}
        else:
            used = {"audio_in": self._rng.randrange(5, 90), "text_out": self._rng.randrange(1, 40)}
            details = {"text_tokens": 0, "audio_tokens": used["audio_in"]}
            usage = {"type": "tokens", "input_tokens": used["audio_in"], "input_token_details": details}
            usage["output_tokens"] = used["text_out"]
        event: Event = {"type": "conversation.item.input_audio_transcription.completed", "event_id": self._new_id("event")}
        event |= {"item_id": item, "content_index": 0, "transcript": "word " * 12, "usage": usage}
        yield from self._record(call, ms, order, _RecordEvent(event, call.transcription_model or "", [used]))

    def _record(self, call: Call, ms: int, order: int, record: "_RecordEvent") -> Iterator[Line]:
        """The lines of a record's event, sometimes repeated with the same or a later time; adds to the expected results."""
        untimed = call.wrapping == "bare" or self._rng.random() < UNTIMED_SHARE
        event = json.dumps(record.event).encode()
        content = self._wrap(call, ms, event, untimed=untimed)
        yield Line(self._shift(order), content, is_record=True)
        if self._rng.random() < REPEATED_SHARE:
            self.truth.repeated += 1
            repeat = content if untimed or self._rng.random() < 0.5 else self._wrap(call, ms + 1, event, untimed=False)
            yield Line(order + 1.5, repeat)
        provider, deployment = call.purchase.get("provider", "openai"), call.purchase.get("deployment", "global")
        day = DEFAULT_DAY if untimed else self._time(call, ms).date()
        self._count(self._unit_prices((record.model, provider, deployment, day)), record.usage_candidates)

    def _count(self, rates: Mapping[str, Fraction] | None, usage_candidates: Sequence[Usage]) -> None:
        self.truth.records += 1
        distinct = {tuple(sorted((meter, count) for meter, count in usage.items() if count)) for usage in usage_candidates}
        self.truth.bounded += len(distinct) > 1
        if not usage_candidates:
            self.truth.without_usage += 1
            return
        if rates is None:
            self.truth.unpriced += 1
            return
        sums = [sum((rates[meter] * count for meter, count in usage.items()), Fraction(0)) for usage in usage_candidates]
        self.truth.low += min(sums) * PICODOLLARS_PER_DOLLAR
        self.truth.high += max(sums) * PICODOLLARS_PER_DOLLAR

    def _unit_prices(self, key: tuple[str, str, str, date]) -> Mapping[str, Fraction] | None:
        """Dollars per unit of each meter; None if there is no price."""
        if key not in self._rates:
            model, provider, deployment, day = key
            try:
                quote = self._prices.quote(model, day=day, provider=provider, deployment=deployment)
                self._rates[key] = {name: rate.price / rate.meter.priced_per for name, rate in quote.rates.by_meter.items()}
            except VoicebillError:
                self._rates[key] = None
        return self._rates[key]

    def _event(self, call: Call, ms: int, order: int, event: Event) -> Iterator[Line]:
        content = self._wrap(call, ms, json.dumps({"event_id": self._new_id("event"), **event}).encode())
        yield Line(self._shift(order), content)

    def _session_event(self, call: Call, ms: int, order: int, event: Event) -> Iterator[Line]:
        yield Line(order, self._wrap(call, ms, json.dumps(event).encode(), untimed=False))

    def _shift(self, order: int) -> float:
        """The position of a line, sometimes moved a few lines up or down."""
        return order + (self._rng.uniform(-3, 3) if self._rng.random() < MOVED_SHARE else 0)

    def _time(self, call: Call, ms: int) -> datetime:
        """A time in whole seconds, so that many times are equal; all times of a session are on one day."""
        return min(
            call.started_at + timedelta(milliseconds=ms), call.started_at.replace(hour=23, minute=59, second=59)
        ).replace(microsecond=0)

    def _wrap(self, call: Call, ms: int, event: bytes, *, untimed: bool | None = None) -> bytes:
        if call.wrapping == "bare":
            return event + b"\n"
        around = {"time": self._time(call, ms).isoformat(), "tenant": call.tenant, "session_id": call.name, **call.purchase}
        if self._rng.random() < UNTIMED_SHARE if untimed is None else untimed:
            del around["time"]
        head = json.dumps(around).encode()[:-1]
        match call.wrapping:
            case "flat":
                return head + b", " + event[1:] + b"\n"
            case "text":
                return head + b', "message": ' + json.dumps(event.decode()).encode() + b"}\n"
            case _:
                return head + b', "event": ' + event + b"}\n"

    def _new_id(self, kind: str) -> str:
        self._numbered += 1
        return f"{kind}_{self._rng.getrandbits(64):016x}{self._numbered:06d}"


@dataclass(frozen=True, slots=True)
class _RecordEvent:
    """An event that reports a record, with its model and the usages that its counts allow (none if it has no usage)."""

    event: Event
    model: str
    usage_candidates: Sequence[Usage]


def _usage(text: tuple[int, int], audio: tuple[int, int], text_out: int, audio_out: int) -> Usage:
    """A usage from pairs of total and cached counts."""
    return {
        "text_in": text[0] - text[1],
        "text_in_cached": text[1],
        "audio_in": audio[0] - audio[1],
        "audio_in_cached": audio[1],
        "text_out": text_out,
        "audio_out": audio_out,
    }
