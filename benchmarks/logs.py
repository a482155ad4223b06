"""Logs of Realtime sessions as they are found in the wild, made from a seed, and the truth about them.

Sessions are interleaved and split across files. Lines are wrapped with time, tenant and session in one of three ways, or
bare. Times are tied or missing, events stand a few lines early or late, some are told again, and one line in a hundred is
broken. Models may be unknown or retired; responses are cancelled, failed, without usage, or reported only as totals. Nearly
all bytes are pieces of audio.

The truth is summed here from the usages that were drawn, each priced by itself.
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
"""An envelope around the event, its words beside the event's own, the event as text in a message, or none."""

WRAPPINGS: tuple[Wrapping, ...] = ("around", "flat", "around", "bare", "text", "around")
TOLD_DAY = date(2026, 7, 20)
"""The day of whatever carries no time."""
BEGUN = datetime(2026, 7, 5, 9, tzinfo=UTC)
MODELS = (
    ("gpt-realtime", 30),
    ("gpt-realtime-2.1", 20),
    ("gpt-realtime-mini", 20),
    ("gpt-realtime-1.5", 10),
    ("gpt-4o-mini-realtime-preview", 10),
    ("gpt-4o-realtime-preview-2024-12-17", 5),
    ("gpt-realtime-9-beta", 5),
)
"""With their weights: the last but one is retired, the last has never been; some begin or end while the logs are written."""
HEARERS = ("whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe")
BROKEN, UNTIMED, REPEATED, EARLY = 0.01, 0.02, 0.02, 0.05
"""Shares of lines that are broken, without a time, told again, and out of their order."""

Usage = dict[str, int]
Event = dict[str, Any]


@dataclass
class Truth:
    """What must be found: records once each, what is told more often, and the amounts in picodollars."""

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
    """The files, in two halves that share no session, though each tells again some of the other's events."""

    @property
    def files(self) -> list[Path]:
        """All of them, in the order of their names."""
        return sorted(self.halves[0] + self.halves[1])


@dataclass(frozen=True, slots=True)
class Line:
    """A line to be written; `order` is where it stands among those of its group, `told` whether it tells a record."""

    order: float
    content: bytes
    told: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A session: whose it is, what it runs on, and how its lines are wrapped."""

    name: str
    tenant: str
    model: str
    azure: bool
    hearer: str | None
    begun: datetime
    wrapping: Wrapping
    telephone: bool

    @property
    def bought(self) -> dict[str, str]:
        """How the envelope says that it is bought."""
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
    """Write logs of so many sessions in each of six groups, one per wrapping, and give the truth about them.

    Each group is split over `files` files; its sessions lie within so many days from the 5th of July 2026. Replies last half
    to one and a half `reply_ms`: that decides how much is audio.
    """
    folder.mkdir(parents=True, exist_ok=True)
    maker = Maker(random.Random(seed), prices, turns, reply_ms, days)
    foreign: list[bytes] = []
    for group, wrapping in enumerate(WRAPPINGS):
        half = group % 2
        lines = maker.group(group, wrapping, sessions)
        told = [line.content for line in lines if line.told] if wrapping != "bare" else []
        contents = [*(line.content for line in lines), *foreign]
        foreign = maker.some(told, REPEATED)
        maker.truth.repeated += len(foreign) if group + 1 < len(WRAPPINGS) else 0
        maker.truth.halves[half] += list(_written(folder, group, contents, files))
        maker.truth.lines += len(contents)
        maker.truth.bytes += sum(map(len, contents))
    return maker.truth


def _written(folder: Path, group: int, contents: Sequence[bytes], files: int) -> Iterator[Path]:
    """A group's lines as files. Bare ones are cut between two sessions: nothing else says whose a line is."""
    starts = [at for at, content in enumerate(contents) if content.startswith(b'{"type": "session.created"')]
    places = [len(contents) * part // files for part in range(files + 1)]
    if starts:
        places[1:-1] = [starts[len(starts) * part // files] for part in range(1, files)]
    for part, (begin, end) in enumerate(pairwise(places)):
        file = folder / f"group-{group}-{part:03}.jsonl"
        file.write_bytes(b"".join(contents[begin:end]))
        yield file


class Maker:
    """Draws sessions, writes their lines, and sums up what they used."""

    def __init__(self, chance: random.Random, prices: PriceBook, turns: int, reply_ms: int, days: int) -> None:
        self.truth = Truth()
        self._chance = chance
        self._prices = prices
        self._turns = turns
        self._reply_ms = reply_ms
        self._days = days
        self._audio = base64.b64encode(chance.randbytes(3 * 2**19))
        self._rates: dict[tuple[str, str, str, date], Mapping[str, Fraction] | None] = {}
        self._numbered = 0

    def group(self, number: int, wrapping: Wrapping, sessions: int) -> list[Line]:
        """The lines of some sessions at the same time; where nothing says whose they are, of one after the other."""
        lines: list[Line] = []
        for at in range(sessions):
            begun = BEGUN + timedelta(hours=self._chance.uniform(0, self._days * 24))
            call = self._call(f"s{number}-{at}", wrapping, begun.replace(microsecond=self._chance.randrange(10**6)))
            said = self._session(call)
            start = at * 10**6 if wrapping == "bare" else self._chance.uniform(0, sessions * 20)
            lines += [Line(start + line.order, line.content, line.told) for line in said]
        lines.sort(key=lambda line: line.order)
        return list(self._mangled(lines))

    def some(self, among: Sequence[bytes], share: float) -> list[bytes]:
        """A share of them, drawn."""
        return [each for each in among if self._chance.random() < share]

    def _mangled(self, lines: Iterable[Line]) -> Iterator[Line]:
        for line in lines:
            if self._chance.random() < BROKEN / (1 - BROKEN):
                self.truth.broken += 1
                yield Line(line.order, self._broken(line.content))
            yield line

    def _broken(self, content: bytes) -> bytes:
        """What a crash, a full disk or another program leaves."""
        match self._chance.randrange(5):
            case 0:
                return b"Traceback (most recent call last):\n"
            case 1:
                return b"\0" * 64 + b"\n"
            case 2:
                return content[: len(content) // 2] + content
            case _:
                return content[: self._chance.randrange(1, len(content) - 2)] + b"\n"

    def _call(self, name: str, wrapping: Wrapping, begun: datetime) -> Call:
        models, weights = zip(*MODELS, strict=True)
        model = self._chance.choices(models, weights)[0]
        return Call(
            name=f"sess_{name}",
            tenant=f"tenant-{self._chance.randrange(40)}",
            model=model,
            azure=model == "gpt-realtime" and self._chance.random() < 0.3,
            hearer=self._chance.choice((None, *HEARERS)),
            begun=begun,
            wrapping=wrapping,
            telephone=self._chance.random() < 0.3,
        )

    def _session(self, call: Call) -> list[Line]:
        """A session's lines in the order in which they are told."""
        lines: list[Line] = []
        ms = 0
        session: Event = {"id": call.name, "object": "realtime.session", "model": call.model, "instructions": "Be kind. " * 90}
        for step, event in enumerate(({"type": "session.created", "session": session}, self._updated(call, session))):
            lines += self._told(call, ms, step, {**event, "event_id": self._name("event")})
        for turn in range(self._turns):
            ms += 1500
            lines += self._turn(call, turn, ms, len(lines) + 2)
            ms += self._reply_ms
        return lines

    def _updated(self, call: Call, session: Event) -> Event:
        heard = {"transcription": {"model": call.hearer}} if call.hearer else {}
        audio = {"input": {"format": {"type": "audio/pcm", "rate": 24000}, **heard}}
        return {"type": "session.updated", "session": {**session, "audio": audio}}

    def _turn(self, call: Call, turn: int, ms: int, order: int) -> Iterator[Line]:
        item, response = self._name("item"), self._name("resp")
        yield from self._plain(call, ms, order, {"type": "input_audio_buffer.committed", "item_id": item})
        spoken = {"type": "conversation.item.added", "item": {"id": item, "type": "message", "role": "user", "content": []}}
        yield from self._plain(call, ms, order + 1, spoken)
        begun = {"type": "response.created", "response": {"id": response, "status": "in_progress", "usage": None}}
        yield from self._plain(call, ms, order + 2, begun)
        reply_ms = self._chance.randrange(self._reply_ms // 2, self._reply_ms * 3 // 2)
        order += 3
        for piece in self._pieces(call, reply_ms):
            event: Event = {"type": "response.output_audio.delta", "event_id": self._name("event"), "response_id": response}
            event |= {"item_id": "item_a", "output_index": 0, "content_index": 0, "delta": ""}
            line = Line(order, self._wrapped(call, ms, json.dumps(event).encode()[:-2] + piece + b'"}'))
            self.truth.audio_bytes += len(line.content)
            yield line
            order += 1
        for word in range(min(8, 1 + reply_ms // 1000)):
            said = {"type": "response.output_audio_transcript.delta", "response_id": response, "delta": f" word{word}"}
            yield from self._plain(call, ms, order, said)
            order += 1
        yield from self._done(call, turn, ms + reply_ms, order, response)
        if call.hearer:
            yield from self._heard(call, ms + 300, order + 1, item)
        yield from self._plain(call, ms + reply_ms, order + 2, {"type": "rate_limits.updated", "rate_limits": []})

    def _pieces(self, call: Call, reply_ms: int) -> Iterator[bytes]:
        """Base64 of a tenth to a third of a second each: 48 bytes a millisecond, or 8 on the telephone."""
        while reply_ms > 0:
            ms = min(reply_ms, self._chance.randrange(100, 340))
            size = ms * (8 if call.telephone else 48) * 4 // 3 // 4 * 4
            start = self._chance.randrange(0, len(self._audio) - size)
            yield self._audio[start : start + size]
            reply_ms -= ms

    def _done(self, call: Call, turn: int, ms: int, order: int, response: str) -> Iterator[Line]:
        status = self._chance.choices(("completed", "cancelled", "failed", "incomplete"), (90, 6, 2, 2))[0]
        conversation = None if self._chance.random() < 0.03 else f"conv_{call.name}"
        told, readings = self._response(turn, status)
        output = [{"id": "item_a", "type": "message", "role": "assistant", "content": [{"transcript": "word " * 40}]}]
        about = {"object": "realtime.response", "id": response, "status": status, "conversation_id": conversation}
        event = {
            "type": "response.done",
            "event_id": self._name("event"),
            "response": {**about, "output": output, "usage": told},
        }
        yield from self._record(call, ms, order, _Told(event, call.model, readings))

    def _response(self, turn: int, status: str) -> tuple[Event | None, list[Usage]]:
        """Usage as the API reports it, and how it can be read."""
        drawn = self._chance.random()
        if status == "failed" or drawn < 0.01:
            return None, []
        text, audio = self._chance.randrange(200, 900), 20 + turn * self._chance.randrange(100, 300)
        cached_text = min(text, 64 * self._chance.randrange(0, 14)) if turn else 0
        cached_audio = min(audio, 64 * self._chance.randrange(0, 8)) if turn else 0
        text_out, audio_out = self._chance.randrange(5, 80), self._chance.randrange(20, 500)
        heard, spoken = text + audio, text_out + audio_out
        whole: Event = {"total_tokens": heard + spoken, "input_tokens": heard, "output_tokens": spoken}
        if drawn < 0.02:
            inputs, outputs = ({"text_in": heard}, {"audio_in": heard}), ({"text_out": spoken}, {"audio_out": spoken})
            return whole, [one | other for one in inputs for other in outputs]
        parts = {"text_tokens": text, "audio_tokens": audio}
        made = {"text_tokens": text_out, "audio_tokens": audio_out}
        cached = cached_text + cached_audio
        if drawn < 0.03:
            told = {**whole, "input_token_details": {**parts, "cached_tokens": cached}, "output_token_details": made}
            ends = {max(0, cached - audio), min(cached, text)}
            return told, [_usage((text, end), (audio, cached - end), text_out, audio_out) for end in sorted(ends)]
        split = {"cached_tokens": cached, "cached_tokens_details": {"text_tokens": cached_text, "audio_tokens": cached_audio}}
        told = {**whole, "input_token_details": {**parts, **split}, "output_token_details": made}
        return told, [_usage((text, cached_text), (audio, cached_audio), text_out, audio_out)]

    def _heard(self, call: Call, ms: int, order: int, item: str) -> Iterator[Line]:
        usage: Event
        if call.hearer == "whisper-1":
            used = {"audio_ms": self._chance.randrange(400, 9000)}
            usage = {"type": "duration", "seconds": used["audio_ms"] / 1000}
        else:
            used = {"audio_in": self._chance.randrange(5, 90), "text_out": self._chance.randrange(1, 40)}
            details = {"text_tokens": 0, "audio_tokens": used["audio_in"]}
            usage = {"type": "tokens", "input_tokens": used["audio_in"], "input_token_details": details}
            usage["output_tokens"] = used["text_out"]
        event: Event = {"type": "conversation.item.input_audio_transcription.completed", "event_id": self._name("event")}
        event |= {"item_id": item, "content_index": 0, "transcript": "word " * 12, "usage": usage}
        yield from self._record(call, ms, order, _Told(event, call.hearer or "", [used]))

    def _record(self, call: Call, ms: int, order: int, told: "_Told") -> Iterator[Line]:
        """An event that tells a record, perhaps told again, later or just as it was; and its share of the truth."""
        untimed = call.wrapping == "bare" or self._chance.random() < UNTIMED
        written = json.dumps(told.event).encode()
        content = self._wrapped(call, ms, written, untimed=untimed)
        yield Line(self._moved(order), content, told=True)
        if self._chance.random() < REPEATED:
            self.truth.repeated += 1
            again = content if untimed or self._chance.random() < 0.5 else self._wrapped(call, ms + 1, written, untimed=False)
            yield Line(order + 1.5, again)
        provider, deployment = call.bought.get("provider", "openai"), call.bought.get("deployment", "global")
        day = TOLD_DAY if untimed else self._time(call, ms).date()
        self._count(self._dollars((told.model, provider, deployment, day)), told.readings)

    def _count(self, rates: Mapping[str, Fraction] | None, readings: Sequence[Usage]) -> None:
        self.truth.records += 1
        different = {tuple(sorted((meter, count) for meter, count in each.items() if count)) for each in readings}
        self.truth.bounded += len(different) > 1
        if not readings:
            self.truth.without_usage += 1
            return
        if rates is None:
            self.truth.unpriced += 1
            return
        sums = [sum((rates[meter] * count for meter, count in each.items()), Fraction(0)) for each in readings]
        self.truth.low += min(sums) * PICODOLLARS_PER_DOLLAR
        self.truth.high += max(sums) * PICODOLLARS_PER_DOLLAR

    def _dollars(self, asked: tuple[str, str, str, date]) -> Mapping[str, Fraction] | None:
        """Dollars for one of each meter; None where there is no price."""
        if asked not in self._rates:
            model, provider, deployment, day = asked
            try:
                found = self._prices.find(model, day=day, provider=provider, deployment=deployment)
                self._rates[asked] = {name: rate.price / rate.meter.priced_per for name, rate in found.rates.by_meter.items()}
            except VoicebillError:
                self._rates[asked] = None
        return self._rates[asked]

    def _plain(self, call: Call, ms: int, order: int, event: Event) -> Iterator[Line]:
        content = self._wrapped(call, ms, json.dumps({"event_id": self._name("event"), **event}).encode())
        yield Line(self._moved(order), content)

    def _told(self, call: Call, ms: int, order: int, event: Event) -> Iterator[Line]:
        yield Line(order, self._wrapped(call, ms, json.dumps(event).encode(), untimed=False))

    def _moved(self, order: int) -> float:
        """A place a few lines early or late, now and then."""
        return order + (self._chance.uniform(-3, 3) if self._chance.random() < EARLY else 0)

    def _time(self, call: Call, ms: int) -> datetime:
        """Whole seconds, so that many are the same; all of a session on one day."""
        return min(call.begun + timedelta(milliseconds=ms), call.begun.replace(hour=23, minute=59, second=59)).replace(
            microsecond=0
        )

    def _wrapped(self, call: Call, ms: int, event: bytes, *, untimed: bool | None = None) -> bytes:
        if call.wrapping == "bare":
            return event + b"\n"
        around = {"time": self._time(call, ms).isoformat(), "tenant": call.tenant, "session_id": call.name, **call.bought}
        if self._chance.random() < UNTIMED if untimed is None else untimed:
            del around["time"]
        head = json.dumps(around).encode()[:-1]
        match call.wrapping:
            case "flat":
                return head + b", " + event[1:] + b"\n"
            case "text":
                return head + b', "message": ' + json.dumps(event.decode()).encode() + b"}\n"
            case _:
                return head + b', "event": ' + event + b"}\n"

    def _name(self, kind: str) -> str:
        self._numbered += 1
        return f"{kind}_{self._chance.getrandbits(64):016x}{self._numbered:06d}"


@dataclass(frozen=True, slots=True)
class _Told:
    """An event that tells a record: of which model, and every way to read its usage; none where it says nothing."""

    event: Event
    model: str
    readings: Sequence[Usage]


def _usage(text: tuple[int, int], audio: tuple[int, int], text_out: int, audio_out: int) -> Usage:
    """A usage from counts with their cached part."""
    return {
        "text_in": text[0] - text[1],
        "text_in_cached": text[1],
        "audio_in": audio[0] - audio[1],
        "audio_in_cached": audio[1],
        "text_out": text_out,
        "audio_out": audio_out,
    }
