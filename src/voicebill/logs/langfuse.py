"""Langfuse's exports: observations as JSON lines, as an array, as the API's pages, or inside their trace.

What a usage map means differs between integrations, and Langfuse does not say which one wrote it. `input` may be all that was
read or only the rest that no other key counts, and cached tokens may be part of what stands beside them or not; where a total
was not given, Langfuse adds up all keys, so that one may count tokens twice. Each way to read a map that its total allows is
given, as bounds where they differ. Observations in one another all count, as they do in Langfuse's own sums. Its costs are
not read, and neither is what was said. The tenant is the trace's user.

Sources: Langfuse's ingestion types, its documentation of usage types, and langfuse/langfuse issue 10592, read 2026-11-22.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import msgspec

from voicebill.billing.record import Record
from voicebill.billing.usage import Usage
from voicebill.logs.counts import MOST, Counts, no_usage, readings
from voicebill.logs.documents import any_of, decoded, documents
from voicebill.logs.envelope import Around, Envelope, Name, Time, text
from voicebill.logs.realtime_events import Count
from voicebill.logs.sources import Lines
from voicebill.logs.told import Report, Told, first_of

NAME = "langfuse"
ABOUT = "Langfuse's observations, as JSON lines, arrays, pages of its API, or inside traces"

COUNTS: dict[str, tuple[str, ...]] = {
    "total": ("total", "total_tokens", "totalTokens"),
    "input": ("input", "input_tokens", "prompt_tokens", "promptTokens"),
    "output": ("output", "output_tokens", "completion_tokens", "completionTokens"),
    "text_in": ("input_text_tokens", "input_text", "text.input_tokens"),
    "audio_in": ("input_audio_tokens", "input_audio", "audio.input_tokens"),
    "image_in": ("input_image_tokens", "input_image", "image.input_tokens"),
    "cached": (
        "input_cached_tokens",
        "cache_read_input_tokens",
        "input_cache_read",
        "cached_tokens",
        "cache_read.input_tokens",
    ),
    "text_cached": ("input_cached_text_tokens", "input_cached_text", "text.cache_read.input_tokens"),
    "audio_cached": ("input_cached_audio_tokens", "input_cached_audio", "audio.cache_read.input_tokens"),
    "image_cached": ("input_cached_image_tokens", "input_cached_image", "image.cache_read.input_tokens"),
    "text_out": ("output_text_tokens", "output_text", "text.output_tokens"),
    "audio_out": ("output_audio_tokens", "output_audio", "audio.output_tokens"),
    "reasoning": ("output_reasoning_tokens", "output_reasoning", "reasoning_tokens", "reasoning.output_tokens"),
}
"""By the name of each count, the keys that integrations give it."""

KNOWN = frozenset(key for keys in COUNTS.values() for key in keys) | {"unit"}

CHARACTERS = "CHARACTERS"
TOKENS = (None, "", "TOKENS")
MOST_KEY = 60
MOST_REASONS = 100
"""Of so many keys that are not known each is mentioned by its name."""

Details = Mapping[str, int | float | str | None]


class Observation(Envelope, gc=False):
    """An observation, without what was said in it. A page or a trace holds many."""

    id: str | None = None
    type: str | None = None
    model: str | None = None
    providedModelName: str | None = None  # noqa: N815 - as Langfuse writes it
    provided_model_name: str | None = None
    traceId: str | None = None  # noqa: N815
    trace_id: str | None = None
    sessionId: Name = None  # noqa: N815
    userId: Name = None  # noqa: N815
    user_id: Name = None
    startTime: Time = None  # noqa: N815
    start_time: Time = None
    endTime: Time = None  # noqa: N815
    end_time: Time = None
    usageDetails: dict[str, int | float | str | None] | None = None  # noqa: N815
    usage_details: dict[str, int | float | str | None] | None = None
    usage: dict[str, int | float | str | None] | None = None
    promptTokens: Count | None = None  # noqa: N815
    completionTokens: Count | None = None  # noqa: N815
    data: "list[Observation] | None" = None
    observations: "list[Observation | str] | None" = None

    @property
    def details(self) -> Details | None:
        """Its usage map, today's before older ones; None where it has none."""
        return self.usageDetails or self.usage_details or self.usage

    @property
    def all_inside(self) -> Iterator[tuple["Observation", "Observation"]]:
        """Every observation that it holds, or is, with what it was held in."""
        inside = [*(self.data or ()), *(self.observations or ())]
        for each in inside:
            if isinstance(each, Observation):
                yield each, self
        if not inside:
            yield self, self

    @property
    def shows_itself(self) -> bool:
        """Whether nothing else is written like this."""
        placed = self.startTime is not None or self.start_time is not None or self.type == "GENERATION"
        traced = self.traceId is not None or self.trace_id is not None or self.type == "GENERATION"
        return self.id is not None and placed and traced and (self.details is not None or self.type == "GENERATION")


decoder = msgspec.json.Decoder(Observation)
WORDS = ("usageDetails", "usage_details", "GENERATION")


def recognises(sample: Sequence[bytes]) -> bool:
    """Whether the first documents hold observations."""
    return any(each.shows_itself for found in any_of(sample, decoder, WORDS) for each, _ in found.all_inside)


def read(logs: Iterable[Lines], told: Told, report: Report) -> Iterator[Record]:
    """The records of all sources."""
    for lines in logs:
        for document in documents(lines, report):
            found = decoded(document, decoder, report)
            if found is None:
                continue
            for number, (each, holder) in enumerate(found.all_inside, 1):
                around = Around(document, told, report, (each, holder))
                record = _record(each, holder, around, number)
                if record is None:
                    report.other_lines += 1
                else:
                    yield record


def _record(each: Observation, holder: Observation, around: Around, number: int) -> Record | None:
    if each.details is None and each.type != "GENERATION":
        return None
    try:
        found = _used(each, around.report)
    except ValueError as error:
        around.report.broke(around.document.source, around.document.ordinal, str(error))
        return None
    return around.record(
        f"langfuse:{each.id}" if each.id else around.document.key_of(number),
        found,
        model=first_of(each.model, each.providedModelName, each.provided_model_name),
        session=text(each.sessionId, each.session_id, holder.sessionId, holder.session_id),
        tenant=text(each.userId, each.user_id, holder.userId, holder.user_id),
        times=(each.endTime, each.end_time, each.startTime, each.start_time),
    )


def _used(each: Observation, report: Report) -> tuple[Usage, ...]:
    details = each.details or {}
    unit = details.get("unit")
    if unit == CHARACTERS:
        return (Usage({"characters_in": _whole("input", details.get("input") or 0)}),)
    if unit not in TOKENS:
        report.skipped["usage that is counted neither in tokens nor in characters"] += 1
        return no_usage()
    counts = counted(details, report)
    if counts is None and (each.promptTokens or each.completionTokens):
        counts = Counts(input=each.promptTokens, output=each.completionTokens)
    return no_usage() if counts is None else every_reading(counts)


def counted(details: Details, report: Report) -> Counts | None:
    """The counts of a usage map; None where nothing is counted. Keys that are not known are mentioned.

    Raises:
        ValueError: one of them is no count.
    """
    found: dict[str, int] = {}
    for count, keys in COUNTS.items():
        name = next((key for key in keys if details.get(key) is not None), None)
        if name is not None:
            found[count] = _whole(name, details[name])
    for key, value in details.items():
        if value and key not in KNOWN and "cost" not in key.lower() and _is_count(value) and len(report.skipped) < MOST_REASONS:
            report.skipped[f"usage under the key {key[:MOST_KEY]!r}"] += 1
    return Counts(**found) if any(found.values()) else None


def _is_count(value: object) -> bool:
    return isinstance(value, int) or (isinstance(value, float) and value.is_integer())


def _whole(name: str, value: object) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST:
        raise ValueError(f"the usage {name} is no whole number from 0 to {MOST:,}")
    return value


def every_reading(counts: Counts) -> tuple[Usage, ...]:
    """All usages that a map may mean.

    >>> whole, apart = every_reading(Counts(text_in=119, text_cached=64))
    >>> whole["text_in"], apart["text_in"]
    (55, 119)
    """
    if counts == Counts(total=counts.total):
        return readings(counts)
    found: dict[tuple[tuple[str, int], ...], Usage] = {}
    for way in (_within, _beside, _remaining):
        counted = way(counts)
        for usage in readings(counted) if counted is not None else ():
            if usage.status != "inconsistent":
                found.setdefault(tuple(sorted(usage.items())), usage)
    if not found:
        return tuple(replace(usage, status="inconsistent") for usage in readings(counts)[:1])
    if len(found) == 1:
        return tuple(found.values())
    return tuple(replace(usage, status="bounded") for usage in found.values())


def _within(counts: Counts) -> Counts | None:
    """Totals hold their parts, and parts what was cached of them, as vendors count."""
    whole_in = _parts_in(counts) if counts.input is None else counts.input
    whole_out = _parts_out(counts) if counts.output is None else counts.output
    if counts.total not in (None, whole_in + whole_out, _all_keys(counts)):
        return None
    return replace(counts, total=None, input=whole_in, output=whole_out)


def _beside(counts: Counts) -> Counts | None:
    """Every key counts tokens of its own, as Langfuse prices them. `input` and `output` are the rest."""
    split = (counts.text_cached or 0) + (counts.audio_cached or 0) + (counts.image_cached or 0)
    cached = max(counts.cached or 0, split)
    whole_in = (counts.input or 0) + _parts_in(counts) + cached
    whole_out = (counts.output or 0) + _parts_out(counts) + (counts.reasoning or 0)
    if counts.total not in (None, whole_in + whole_out):
        return None
    return Counts(
        input=whole_in,
        output=whole_out,
        text_in=_plus(counts.text_in, counts.text_cached, counts.input if counts.audio_in is not None else None),
        audio_in=_plus(counts.audio_in, counts.audio_cached),
        image_in=_plus(counts.image_in, counts.image_cached),
        cached=cached,
        text_cached=counts.text_cached,
        audio_cached=counts.audio_cached,
        image_cached=counts.image_cached,
        text_out=_plus(counts.text_out, counts.reasoning, counts.output if counts.audio_out is not None else None),
        audio_out=counts.audio_out,
    )


def _remaining(counts: Counts) -> Counts | None:
    """`input` and `output` are what Langfuse left of OpenAI's totals when it took every detail from them, cached ones too."""
    parts_in, parts_out = _parts_in(counts), _parts_out(counts)
    whole_in = counts.input + parts_in + (counts.cached or 0) if counts.input else parts_in
    whole_out = counts.output + parts_out + (counts.reasoning or 0) if counts.output else parts_out
    if counts.total is None or counts.total != whole_in + whole_out or not parts_in + parts_out:
        return None
    return replace(counts, total=None, input=whole_in, output=whole_out)


def _parts_in(counts: Counts) -> int:
    return (counts.text_in or 0) + (counts.audio_in or 0) + (counts.image_in or 0)


def _parts_out(counts: Counts) -> int:
    return (counts.text_out or 0) + (counts.audio_out or 0)


def _all_keys(counts: Counts) -> int:
    """What Langfuse takes for the total where none is given."""
    cached = (counts.cached, counts.text_cached, counts.audio_cached, counts.image_cached)
    ends = (counts.input, counts.output, counts.reasoning)
    return _parts_in(counts) + _parts_out(counts) + sum(each or 0 for each in (*cached, *ends))


def _plus(*counts: int | None) -> int | None:
    told = [each for each in counts if each is not None]
    return sum(told) if told else None
