"""Turn reported token counts into usage, and mark missing or inconsistent counts instead of guessing.

Vendors and frameworks report totals, parts of totals and cached subsets, any of which may be absent. The parts are
disjoint here. If the absent counts leave more than one reading, every extreme reading is returned. Tokens without a reported
modality are text or audio: images are always reported separately.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import permutations, product

from voicebill.billing.usage import Status, Usage

MAX_COUNT = 10**12
"""A higher count in one response is an error in the log."""

Parts = Mapping[str, int]

INPUT_MODALITIES = ("text", "audio", "image")
OUTPUT_MODALITIES = ("text", "audio")


@dataclass(slots=True)
class TokenCounts:
    """Token counts as reported; None if not reported. Cached counts are subsets of the input, as vendors report them."""

    total: int | None = None
    input: int | None = None
    output: int | None = None
    text_in: int | None = None
    audio_in: int | None = None
    image_in: int | None = None
    cached: int | None = None
    text_cached: int | None = None
    audio_cached: int | None = None
    image_cached: int | None = None
    text_out: int | None = None
    audio_out: int | None = None
    reasoning: int | None = None
    """Part of the text output, and never charged in addition to it."""


def possible_usages(counts: TokenCounts) -> tuple[Usage, ...]:
    """Return every extreme usage that the counts allow: one if they determine it, else several with status `ambiguous`.

    >>> counts = TokenCounts(input=132, text_in=119, audio_in=13, cached=64, text_cached=64)
    >>> [dict(usage.items()) for usage in possible_usages(counts)]
    [{'text_in': 55, 'text_in_cached': 64, 'audio_in': 13}]
    >>> possible_usages(TokenCounts(input=200, output=100))[0].status
    'ambiguous'

    Counts that contradict each other give one usage, limited to what its parts allow, with the status `inconsistent`. Without
    any count, or with a total but neither its input nor its output, the usage has the status `missing`.
    """
    if all(count is None for side in _input_and_output(counts) for count in side) and counts.total != 0:
        return no_usage()
    counts = _complete(counts)
    input_splits, inputs_differ = _input_splits(counts)
    output_splits, outputs_differ = _output_splits(counts)
    is_inconsistent = inputs_differ or outputs_differ or _total_differs(counts, input_splits[0][0], output_splits[0])
    if is_inconsistent:
        return (_usage(*input_splits[0], output_splits[0], "inconsistent"),)
    status: Status = "exact" if len(input_splits) * len(output_splits) == 1 else "ambiguous"
    usages = {
        tuple(sorted(usage.items())): usage
        for usage in (_usage(parts, cached, output, status) for (parts, cached), output in product(input_splits, output_splits))
    }
    return tuple(usages.values())


def _complete(counts: TokenCounts) -> TokenCounts:
    """Fill in a missing input or output: the total less the other one."""
    input_counts, output_counts = _input_and_output(counts)
    if counts.total is None:
        return counts
    if all(count is None for count in output_counts):
        other_side = sum(count or 0 for count in input_counts[1:]) if counts.input is None else counts.input
        return replace(counts, output=max(counts.total - other_side, 0))
    if all(count is None for count in input_counts):
        other_side = sum(count or 0 for count in output_counts[1:]) if counts.output is None else counts.output
        return replace(counts, input=max(counts.total - other_side, 0))
    return counts


def no_usage() -> tuple[Usage, ...]:
    """Return the usage of a record whose log does not give any: status `missing`."""
    return (Usage({}, "missing"),)


def _output_splits(counts: TokenCounts) -> tuple[list[Parts], bool]:
    """Return every extreme split of the output into parts, and whether its counts contradict each other.

    Reasoning that was reported separately from the text is text as well. That is certain only if both parts are reported.
    """
    text, audio = counts.text_out or 0, counts.audio_out or 0
    rest = 0 if counts.output is None else counts.output - text - audio
    if rest and rest == counts.reasoning and counts.text_out is not None and counts.audio_out is not None:
        text, rest = text + rest, 0
    parts = {"text": text, "audio": audio}
    if rest <= 0:
        return [parts], rest < 0
    return [{**parts, "text": text + rest}, {**parts, "audio": audio + rest}], False


def _input_splits(counts: TokenCounts) -> tuple[list[tuple[Parts, Parts]], bool]:
    """Return every extreme split of the input into parts and cached parts, and whether its counts contradict each other."""
    parts = {"text": counts.text_in or 0, "audio": counts.audio_in or 0, "image": counts.image_in or 0}
    cached_parts = {"text": counts.text_cached or 0, "audio": counts.audio_cached or 0, "image": counts.image_cached or 0}
    unassigned = 0 if counts.input is None else counts.input - sum(parts.values())
    unassigned_cached = 0 if counts.cached is None else counts.cached - sum(cached_parts.values())
    least = max(0, cached_parts["text"] - parts["text"])
    most = unassigned - max(0, cached_parts["audio"] - parts["audio"])
    room = sum(parts.values()) + max(unassigned, 0) - sum(cached_parts.values())
    if unassigned < 0 or least > most or cached_parts["image"] > parts["image"] or not 0 <= unassigned_cached <= room:
        return [_clamp(parts, cached_parts, max(unassigned, 0), max(unassigned_cached, 0))], True
    splits: list[tuple[Parts, Parts]] = []
    uncached = {name: parts[name] - cached_parts[name] for name in INPUT_MODALITIES}
    for text in _text_split_points(least, most, unassigned_cached, uncached, unassigned):
        filled = {**parts, "text": parts["text"] + text, "audio": parts["audio"] + unassigned - text}
        splits += [
            (filled, split)
            for split in _cache_corner_cases(
                unassigned_cached, cached_parts, {name: filled[name] - cached_parts[name] for name in INPUT_MODALITIES}
            )
        ]
    return splits, False


def _clamp(parts: Parts, cached_parts: Parts, unassigned: int, unassigned_cached: int) -> tuple[Parts, Parts]:
    """Split an inconsistent input: no part has more cached tokens than tokens, and tokens without a modality are text."""
    filled = {**parts, "text": parts["text"] + unassigned}
    cached = {name: min(cached_parts[name], filled[name]) for name in INPUT_MODALITIES}
    for name in INPUT_MODALITIES:
        more = min(unassigned_cached, filled[name] - cached[name])
        cached[name] += more
        unassigned_cached -= more
    return filled, cached


def _text_split_points(least: int, most: int, unassigned_cached: int, uncached: Parts, unassigned: int) -> list[int]:
    """Return how much input of unknown modality may be text: both ends, and where the cached part just fits in one side."""
    points = {least, most}
    for cached in (unassigned_cached, unassigned_cached - uncached["image"]):
        points |= {cached - uncached["text"], uncached["audio"] + unassigned - cached}
    return sorted(point for point in points if least <= point <= most)


def _cache_corner_cases(rest: int, cached_parts: Parts, room: Parts) -> Iterator[Parts]:
    """Yield the extreme distributions of unassigned cached tokens: the cheapest and the most expensive are among them."""
    if rest == 0:
        yield cached_parts
        return
    seen: set[tuple[int, ...]] = set()
    for order in permutations(name for name in reversed(INPUT_MODALITIES) if room[name]):
        filled, left = dict(cached_parts), rest
        for name in order:
            added = min(left, room[name])
            filled[name] += added
            left -= added
        if (corner := tuple(filled.values())) not in seen:
            seen.add(corner)
            yield filled


def _total_differs(counts: TokenCounts, inputs: Parts, outputs: Parts) -> bool:
    return counts.total is not None and counts.total != sum(inputs.values()) + sum(outputs.values())


def _input_and_output(counts: TokenCounts) -> tuple[tuple[int | None, ...], tuple[int | None, ...]]:
    """Return the total and the parts of the input, and of the output."""
    input_counts = (counts.input, counts.text_in, counts.audio_in, counts.image_in)
    return input_counts, (counts.output, counts.text_out, counts.audio_out)


def _usage(parts: Parts, cached: Parts, outputs: Parts, status: Status) -> Usage:
    quantities = {}
    for name in INPUT_MODALITIES:
        quantities[f"{name}_in"] = parts[name] - cached[name]
        quantities[f"{name}_in_cached"] = cached[name]
    for name in OUTPUT_MODALITIES:
        quantities[f"{name}_out"] = outputs[name]
    return Usage(quantities, status)


def count_repeated_input(now: Usage, before: Usage | None) -> dict[str, int]:
    """Return how much of a response's input was sent before in the conversation, by meter; empty without a response before.

    That is, per modality, at most the input and output of the response before; cached tokens are counted first.

    >>> first = Usage.tokens(text_in=100, audio_in=40, audio_out=90)
    >>> count_repeated_input(Usage.tokens(text_in_cached=64, text_in=50, audio_in=200), first)
    {'text_in_cached': 64, 'text_in': 36, 'audio_in': 130}
    """
    repeated: dict[str, int] = {}
    if before is None:
        return repeated
    for name in INPUT_MODALITIES:
        remaining = before[f"{name}_in"] + before[f"{name}_in_cached"] + before[f"{name}_out"]
        for meter in (f"{name}_in_cached", f"{name}_in"):
            repeated_tokens = min(remaining, now[meter])
            if repeated_tokens:
                repeated[meter] = repeated_tokens
            remaining -= repeated_tokens
    return repeated
