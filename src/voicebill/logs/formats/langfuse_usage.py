"""Interpret Langfuse's usage maps, in its exports and in the spans that its SDKs send.

The meaning of a usage map differs between integrations, and Langfuse does not record which one wrote it. `input` may be the
whole input or only the rest that no other key counts, and cached tokens may be part of the other counts or not. Without a
total, Langfuse adds up all keys, so it may count tokens twice. Every reading of a map that its total allows is returned, as
a range if they differ.

Sources: Langfuse's ingestion types, its documentation of usage types, and langfuse/langfuse issue 10592, read 2026-11-22.
"""

from collections.abc import Mapping
from dataclasses import replace

from voicebill.billing.usage import Usage
from voicebill.logs.counts import MAX_COUNT, TokenCounts, no_usage, possible_usages
from voicebill.logs.report import ReadReport
from voicebill.logs.unread_usage import split_camel_case

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


def usages_from_details(details: UsageDetails, report: ReadReport) -> tuple[Usage, ...] | None:
    """Return every usage that a usage map may mean, or None if it counts nothing. What is not read of it is reported.

    Raises:
        ValueError: a value is not a count.
    """
    unit = details.get("unit")
    if unit == CHARACTERS:
        return (Usage({"characters_in": _parse_count("input", details.get("input") or 0)}),)
    if unit not in TOKENS:
        report.skipped["usage counted in neither tokens nor characters"] += 1
        return no_usage()
    counts = counts_from_details(details, report)
    return None if counts is None else usages_by_convention(counts)


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
