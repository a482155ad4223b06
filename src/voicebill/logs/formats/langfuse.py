"""Read Langfuse exports: observations as JSON lines, as an array, as pages of the API, or inside their trace.

The meaning of a usage map differs between integrations, and Langfuse does not record which one wrote it. `input` may be the
whole input or only the rest that no other key counts, and cached tokens may be part of the other counts or not. Without a
total, Langfuse adds up all keys, so it may count tokens twice. Every reading of a map that its total allows is returned, as
a range if they differ. Nested observations all count, as they do in Langfuse's own sums. Langfuse's costs and the text of
the conversation are not read. The tenant is the trace's user.

Sources: Langfuse's ingestion types, its documentation of usage types, and langfuse/langfuse issue 10592, read 2026-11-22.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import msgspec

from voicebill.billing.record import Record
from voicebill.billing.usage import Usage
from voicebill.logs.counts import MAX_COUNT, TokenCounts, no_usage, possible_usages
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.documents import decode_document, documents, matching_documents
from voicebill.logs.envelope import Envelope, Name, RecordContext, Time, first_text
from voicebill.logs.formats.realtime_events import Count
from voicebill.logs.report import ReadReport, first_of
from voicebill.logs.sources import NumberedLines
from voicebill.logs.unread_usage import split_camel_case

NAME = "langfuse"
ABOUT = "Langfuse's observations, as JSON lines, arrays, pages of its API, or inside traces"

COUNT_KEYS: dict[str, tuple[str, ...]] = {
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
"""The keys that integrations use for each count."""

SUPPORTED_KEYS = frozenset(key for keys in COUNT_KEYS.values() for key in keys) | {"unit"}

CHARACTERS = "CHARACTERS"
TOKENS = (None, "", "TOKENS")
MAX_KEY_LENGTH = 60
MAX_REASONS = 100
"""At most so many unknown keys are reported by name."""

UsageDetails = Mapping[str, int | float | str | None]


class Observation(Envelope, gc=False):
    """An observation, without the text of the conversation. A page or a trace contains many."""

    id: str | None = None
    type: str | None = None
    model: str | None = None
    providedModelName: str | None = None  # noqa: N815 - Langfuse's name
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
    def details(self) -> UsageDetails | None:
        """The usage map, from the current field or an older one; None if there is none."""
        return self.usageDetails or self.usage_details or self.usage

    @property
    def observations_with_parents(self) -> Iterator[tuple["Observation", "Observation"]]:
        """Yield every observation in the document, with the documents around it."""
        items = [*(self.data or ()), *(self.observations or ())]
        for item in items:
            if isinstance(item, Observation):
                yield item, self
        if not items:
            yield self, self

    @property
    def is_distinctive(self) -> bool:
        """Whether only Langfuse writes documents like this."""
        has_start = self.startTime is not None or self.start_time is not None or self.type == "GENERATION"
        has_trace = self.traceId is not None or self.trace_id is not None or self.type == "GENERATION"
        return self.id is not None and has_start and has_trace and (self.details is not None or self.type == "GENERATION")


_decoder = msgspec.json.Decoder(Observation)
_KEYWORDS = ("usageDetails", "usage_details", "GENERATION")


def matches(sample: Sequence[bytes]) -> bool:
    """Return whether the first documents contain observations."""
    return any(
        observation.is_distinctive
        for document in matching_documents(sample, _decoder, _KEYWORDS)
        for observation, _ in document.observations_with_parents
    )


def read(logs: Iterable[NumberedLines], defaults: LogDefaults, report: ReadReport) -> Iterator[Record]:
    """Yield the records of all sources."""
    for lines in logs:
        for document in documents(lines, report):
            root = decode_document(document, _decoder, report)
            if root is None:
                continue
            for number, (observation, parent) in enumerate(root.observations_with_parents, 1):
                context = RecordContext(document, defaults, report, (observation, parent))
                record = _record(observation, parent, context, number)
                if record is None and observation is root:
                    report.add_other_line(document.source, document.line_number, document.content)
                elif record is None:
                    report.other_lines += 1
                else:
                    yield record


def _record(observation: Observation, parent: Observation, context: RecordContext, number: int) -> Record | None:
    if observation.details is None and observation.type != "GENERATION":
        return None
    try:
        usages = _usages(observation, context.report)
    except ValueError as error:
        context.report.add_error(context.document.source, context.document.line_number, str(error))
        return None
    return context.record(
        f"langfuse:{observation.id}" if observation.id else context.document.key_of(number),
        usages,
        model=first_of(observation.model, observation.providedModelName, observation.provided_model_name),
        session=first_text(observation.sessionId, observation.session_id, parent.sessionId, parent.session_id),
        tenant=first_text(observation.userId, observation.user_id, parent.userId, parent.user_id),
        times=(observation.endTime, observation.end_time, observation.startTime, observation.start_time),
        part=observation,
    )


def _usages(observation: Observation, report: ReadReport) -> tuple[Usage, ...]:
    details = observation.details or {}
    unit = details.get("unit")
    if unit == CHARACTERS:
        return (Usage({"characters_in": _parse_count("input", details.get("input") or 0)}),)
    if unit not in TOKENS:
        report.skipped["usage counted in neither tokens nor characters"] += 1
        return no_usage()
    counts = counts_from_details(details, report)
    if counts is None and (observation.promptTokens or observation.completionTokens):
        counts = TokenCounts(input=observation.promptTokens, output=observation.completionTokens)
    return no_usage() if counts is None else usages_by_convention(counts)


def counts_from_details(details: UsageDetails, report: ReadReport) -> TokenCounts | None:
    """Return the counts of a usage map, or None if it counts nothing. Unknown keys are reported.

    Raises:
        ValueError: a value is not a count.
    """
    values: dict[str, int] = {}
    details = {**{split_camel_case(key): value for key, value in details.items()}, **details}
    for count, keys in COUNT_KEYS.items():
        name = next((key for key in keys if details.get(key) is not None), None)
        if name is not None:
            values[count] = _parse_count(name, details[name])
    for key, value in details.items():
        if (
            value
            and split_camel_case(key) not in SUPPORTED_KEYS
            and key not in SUPPORTED_KEYS
            and "cost" not in key.lower()
            and _is_count(value)
            and len(report.skipped) < MAX_REASONS
        ):
            report.skipped[f"usage under the key {key[:MAX_KEY_LENGTH]!r}"] += 1
    return TokenCounts(**values) if any(values.values()) else None


def _is_count(value: object) -> bool:
    return isinstance(value, int) or (isinstance(value, float) and value.is_integer())


def _parse_count(name: str, value: object) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_COUNT:
        raise ValueError(f"the usage {name} is not a whole number from 0 to {MAX_COUNT:,}")
    return value


def usages_by_convention(counts: TokenCounts) -> tuple[Usage, ...]:
    """Return every usage that the counts of one record may mean.

    >>> inclusive, exclusive = usages_by_convention(TokenCounts(text_in=119, text_cached=64))
    >>> inclusive["text_in"], exclusive["text_in"]
    (55, 119)
    """
    if counts == TokenCounts(total=counts.total):
        return possible_usages(counts)
    usages: dict[tuple[tuple[str, int], ...], Usage] = {}
    for convention in (_as_inclusive, _as_exclusive, _as_remainder):
        converted = convention(counts)
        for usage in possible_usages(converted) if converted is not None else ():
            if usage.status != "inconsistent":
                usages.setdefault(tuple(sorted(usage.items())), usage)
    if not usages:
        return tuple(replace(usage, status="inconsistent") for usage in possible_usages(counts))
    if len(usages) == 1:
        return tuple(usages.values())
    return tuple(replace(usage, status="ambiguous") for usage in usages.values())


def _as_inclusive(counts: TokenCounts) -> TokenCounts | None:
    """Totals include their parts, and parts include their cached tokens, as vendors count."""
    total_in = _parts_in(counts) if counts.input is None else counts.input
    total_out = _parts_out(counts) if counts.output is None else counts.output
    if counts.total not in (None, total_in + total_out, _sum_of_all_keys(counts)):
        return None
    return replace(counts, total=None, input=total_in, output=total_out)


def _as_exclusive(counts: TokenCounts) -> TokenCounts | None:
    """Every key counts separate tokens, as Langfuse prices them. `input` and `output` are the rest."""
    split = (counts.text_cached or 0) + (counts.audio_cached or 0) + (counts.image_cached or 0)
    cached = max(counts.cached or 0, split)
    total_in = (counts.input or 0) + _parts_in(counts) + cached
    total_out = (counts.output or 0) + _parts_out(counts) + (counts.reasoning or 0)
    if counts.total not in (None, total_in + total_out):
        return None
    return TokenCounts(
        input=total_in,
        output=total_out,
        text_in=_sum_or_none(counts.text_in, counts.text_cached, counts.input if counts.audio_in is not None else None),
        audio_in=_sum_or_none(counts.audio_in, counts.audio_cached),
        image_in=_sum_or_none(counts.image_in, counts.image_cached),
        cached=cached,
        text_cached=counts.text_cached,
        audio_cached=counts.audio_cached,
        image_cached=counts.image_cached,
        text_out=_sum_or_none(counts.text_out, counts.reasoning, counts.output if counts.audio_out is not None else None),
        audio_out=counts.audio_out,
    )


def _as_remainder(counts: TokenCounts) -> TokenCounts | None:
    """`input` and `output` are OpenAI's totals less every detail, cached tokens included, as Langfuse computes them."""
    parts_in, parts_out = _parts_in(counts), _parts_out(counts)
    total_in = counts.input + parts_in + (counts.cached or 0) if counts.input else parts_in
    total_out = counts.output + parts_out + (counts.reasoning or 0) if counts.output else parts_out
    if counts.total is None or counts.total != total_in + total_out or not parts_in + parts_out:
        return None
    return replace(counts, total=None, input=total_in, output=total_out)


def _parts_in(counts: TokenCounts) -> int:
    return (counts.text_in or 0) + (counts.audio_in or 0) + (counts.image_in or 0)


def _parts_out(counts: TokenCounts) -> int:
    return (counts.text_out or 0) + (counts.audio_out or 0)


def _sum_of_all_keys(counts: TokenCounts) -> int:
    """Return what Langfuse uses as the total if none is given."""
    cached = (counts.cached, counts.text_cached, counts.audio_cached, counts.image_cached)
    totals = (counts.input, counts.output, counts.reasoning)
    return _parts_in(counts) + _parts_out(counts) + sum(count or 0 for count in (*cached, *totals))


def _sum_or_none(*counts: int | None) -> int | None:
    present = [count for count in counts if count is not None]
    return sum(present) if present else None
