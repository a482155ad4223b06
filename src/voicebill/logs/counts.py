"""Turn reported token counts into usage, and mark missing or contradictory counts instead of guessing.

Vendors and frameworks report totals, parts of totals and cached subsets, any of which may be absent. The parts are
disjoint here. What is reported fixes the rest: of a total with a reported audio part, the rest is text. If the absent counts
leave more than one reading, every extreme reading is returned, and so is every reading of counts that contradict each other.
Tokens without a reported modality are text or audio: images are always reported separately.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, permutations, product

from voicebill.billing.usage import Status, Usage

MAX_COUNT = 10**12
"""A higher count in one response is an error in the log."""

Parts = Mapping[str, int]

INPUT_MODALITIES = ("text", "audio", "image")
OUTPUT_MODALITIES = ("text", "audio")
IGNORABLE_COUNTS = (
    *("total", "input", "output", "text_in", "audio_in", "image_in"),
    *("cached", "text_cached", "audio_cached", "image_cached", "text_out", "audio_out"),
)
"""The counts of which some are not believed where they contradict each other."""


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
    >>> [dict(usage.items()) for usage in possible_usages(TokenCounts(input=132, audio_in=13))]
    [{'text_in': 119, 'audio_in': 13}]
    >>> possible_usages(TokenCounts(input=200, output=100))[0].status
    'ambiguous'

    Counts that contradict each other have the status `inconsistent`, and a usage for each way to believe most of them.

    >>> [dict(usage.items()) for usage in possible_usages(TokenCounts(input=100, text_in=80, audio_in=40))]
    [{'text_in': 80, 'audio_in': 40}, {'text_in': 60, 'audio_in': 40}, {'text_in': 80, 'audio_in': 20}]

    Without any count, or with a total but neither its input nor its output, the usage has the status `missing`.
    """
    if _are_complete(counts):
        return (_complete_usage(counts),)
    if all(count is None for side in _input_and_output(counts) for count in side) and counts.total != 0:
        return no_usage()
    usages = _consistent_usages(counts)
    if len(usages) == 1:
        return usages
    if usages:
        return _distinct(usages, "ambiguous")
    return _distinct(_extremes([_clamped_usage(counts), *_contradictory_readings(counts)]), "inconsistent")


def _are_complete(counts: TokenCounts) -> bool:
    """Return whether all parts are reported and agree with their totals, as nearly always: then there is one reading."""
    text_in, audio_in, image_in = counts.text_in, counts.audio_in, counts.image_in or 0
    text_out, audio_out = counts.text_out, counts.audio_out
    if text_in is None or audio_in is None or text_out is None or audio_out is None:
        return False
    text_cached, audio_cached, image_cached = counts.text_cached or 0, counts.audio_cached or 0, counts.image_cached or 0
    return (
        counts.input == text_in + audio_in + image_in
        and counts.output == text_out + audio_out
        and counts.total in (None, counts.input + counts.output)
        and counts.cached in (None, text_cached + audio_cached + image_cached)
        and text_cached <= text_in
        and audio_cached <= audio_in
        and image_cached <= image_in
    )


def _complete_usage(counts: TokenCounts) -> Usage:
    parts = {"text": counts.text_in or 0, "audio": counts.audio_in or 0, "image": counts.image_in or 0}
    cached_parts = {"text": counts.text_cached or 0, "audio": counts.audio_cached or 0, "image": counts.image_cached or 0}
    return _usage(parts, cached_parts, {"text": counts.text_out or 0, "audio": counts.audio_out or 0})


def _distinct(usages: Iterable[Usage], status: Status) -> tuple[Usage, ...]:
    return tuple({tuple(sorted(usage.items())): replace(usage, status=status) for usage in usages}.values())


def _consistent_usages(counts: TokenCounts) -> tuple[Usage, ...]:
    """Return every extreme usage that the counts allow; none if they contradict each other."""
    counts = _complete(_without_default_zeros(counts))
    inputs, outputs = _input_splits(counts), _output_splits(counts)
    if not inputs or not outputs:
        return ()
    if counts.total is not None and counts.total != sum(inputs[0][0].values()) + sum(outputs[0].values()):
        return ()
    return tuple(_usage(parts, cached, output) for (parts, cached), output in product(inputs, outputs))


def _without_default_zeros(counts: TokenCounts) -> TokenCounts:
    """Remove the parts of a total if all of them are 0 and it is not: frameworks write 0 for what they do not know."""
    names: list[str] = []
    if counts.input and counts.text_in == 0 == counts.audio_in and not counts.image_in:
        names += ["text_in", "audio_in"]
    if counts.cached and counts.text_cached == 0 == counts.audio_cached and not counts.image_cached:
        names += ["text_cached", "audio_cached"]
    if counts.output and counts.text_out == 0 == counts.audio_out and counts.output != counts.reasoning:
        names += ["text_out", "audio_out"]
    return replace(counts, **dict.fromkeys(names)) if names else counts


def _complete(counts: TokenCounts) -> TokenCounts:
    """Fill in an input or output that is not reported: the total less the other one."""
    input_counts, output_counts = _input_and_output(counts)
    if counts.total is None:
        return counts
    input_tokens, output_tokens = _side_total(input_counts), _side_total(output_counts)
    if output_tokens is None and (input_tokens is not None or set(output_counts) == {None}):
        other_side = sum(count or 0 for count in input_counts[1:]) if input_tokens is None else input_tokens
        return replace(counts, output=max(counts.total - other_side, 0))
    if input_tokens is None and (output_tokens is not None or set(input_counts) == {None}):
        other_side = sum(count or 0 for count in output_counts[1:]) if output_tokens is None else output_tokens
        return replace(counts, input=max(counts.total - other_side, 0))
    return counts


def _side_total(side: Sequence[int | None]) -> int | None:
    """Return the number of input or output tokens, if it is reported or all of its parts are."""
    total, text, audio, *image = side
    if total is not None or text is None or audio is None:
        return total
    return text + audio + sum(count or 0 for count in image)


def no_usage() -> tuple[Usage, ...]:
    """Return the usage of a record whose log does not give any: status `missing`."""
    return (Usage({}, "missing"),)


def _output_splits(counts: TokenCounts) -> list[Parts]:
    """Return every extreme split of the output into parts; none if its counts contradict each other.

    Reasoning is text: in some logs a part of the text that was reported, in others beside it.
    """
    text, audio = counts.text_out or 0, counts.audio_out or 0
    rest = 0 if counts.output is None else counts.output - text - audio
    if rest <= 0:
        return [{"text": text, "audio": audio}] if rest == 0 else []
    all_text, all_audio = {"text": text + rest, "audio": audio}, {"text": text, "audio": audio + rest}
    if counts.audio_out is not None:
        return [all_text] if counts.text_out is None or rest == counts.reasoning else []
    if counts.text_out is not None:
        return [all_text, all_audio] if rest == counts.reasoning else [all_audio]
    reasoning = min(counts.reasoning or 0, rest)
    return [all_text, {"text": reasoning, "audio": rest - reasoning}] if reasoning < rest else [all_text]


def _input_splits(counts: TokenCounts) -> list[tuple[Parts, Parts]]:
    """Return every extreme split of the input into parts and cached parts; none if its counts contradict each other."""
    parts = {"text": counts.text_in or 0, "audio": counts.audio_in or 0, "image": counts.image_in or 0}
    cached_parts = {"text": counts.text_cached or 0, "audio": counts.audio_cached or 0, "image": counts.image_cached or 0}
    rest = 0 if counts.input is None else counts.input - sum(parts.values())
    cached_rest = 0 if counts.cached is None else counts.cached - sum(cached_parts.values())
    text_is_open, audio_is_open = counts.text_in is None, counts.audio_in is None
    if rest < 0 or cached_rest < 0 or (rest and not text_is_open and not audio_is_open):
        return []
    if text_is_open != audio_is_open:
        parts["text" if text_is_open else "audio"] += rest
        rest = 0
    caches = {"text": counts.text_cached, "audio": counts.audio_cached, "image": counts.image_cached}
    has_room = {name for name, cached in caches.items() if cached is None}
    if not rest and not cached_rest:
        is_possible = all(cached_parts[name] <= parts[name] for name in INPUT_MODALITIES)
        return [(parts, cached_parts)] if is_possible else []
    splits: list[tuple[Parts, Parts]] = []
    for text in _text_split_points(parts, cached_parts, rest, cached_rest):
        filled = {**parts, "text": parts["text"] + text, "audio": parts["audio"] + rest - text}
        free = {name: filled[name] - cached_parts[name] for name in INPUT_MODALITIES}
        room = {name: free[name] if name in has_room else 0 for name in INPUT_MODALITIES}
        if min(free.values()) >= 0 and sum(room.values()) >= cached_rest:
            splits += [(filled, split) for split in _cache_corner_cases(cached_rest, cached_parts, room)]
    return splits


def _text_split_points(parts: Parts, cached_parts: Parts, rest: int, cached_rest: int) -> list[int]:
    """Return how much input of unknown modality may be text: both ends, and where the cached part just fits in one side."""
    uncached = {name: parts[name] - cached_parts[name] for name in INPUT_MODALITIES}
    points = {0, rest, -uncached["text"], rest + uncached["audio"]}
    for cached in (cached_rest, cached_rest - uncached["image"]):
        points |= {cached - uncached["text"], uncached["audio"] + rest - cached}
    return sorted(point for point in points if 0 <= point <= rest)


def _contradictory_readings(counts: TokenCounts) -> Iterator[Usage]:
    """Yield the usages of contradictory counts without some of them: the fewest, and one more, until each is believed once."""
    reported = [name for name in IGNORABLE_COUNTS if getattr(counts, name) is not None]
    contradictions = list(_contradictions(counts))
    disbelieved = set(reported)
    first_size = len(reported)
    for size in range(1, len(reported)):
        if size > first_size + 1 or not disbelieved:
            return
        believed: set[str] = set()
        for ignored in combinations(reported, size):
            if any(contradiction.isdisjoint(ignored) for contradiction in contradictions):
                continue
            if disbelieved.difference(ignored) and (usages := _consistent_usages(_without(counts, ignored))):
                yield from usages
                believed |= set(reported).difference(ignored)
                first_size = min(first_size, size)
        disbelieved -= believed


def _contradictions(counts: TokenCounts) -> Iterator[frozenset[str]]:
    """Yield the names of counts that cannot all be right: most ways to ignore some need not be tried."""
    values = {name: count for name in IGNORABLE_COUNTS if (count := getattr(counts, name)) is not None}
    sides = (("input", "_in", INPUT_MODALITIES), ("cached", "_cached", INPUT_MODALITIES), ("output", "_out", OUTPUT_MODALITIES))
    for total, suffix, modalities in sides:
        parts = [name for modality in modalities if values.get(name := f"{modality}{suffix}")]
        for size in range(1, len(parts) + 1):
            for some in combinations(parts, size):
                if total in values and sum(values[name] for name in some) > values[total]:
                    yield frozenset((total, *some))
    for modality in INPUT_MODALITIES:
        if 0 < values.get(f"{modality}_in", 0) < values.get(f"{modality}_cached", 0):
            yield frozenset((f"{modality}_in", f"{modality}_cached"))
    if values.keys() >= {"total", "input", "output"} and values["input"] + values["output"] != values["total"]:
        yield frozenset(("total", "input", "output"))


def _without(counts: TokenCounts, ignored: Sequence[str]) -> TokenCounts:
    """Return the counts without some. An input that is not believed is at least what was cached of it."""
    kept = replace(counts, **dict.fromkeys(ignored))
    input_parts = (kept.text_in, kept.audio_in, kept.image_in)
    follows_from_total = kept.total is not None and _side_total(_input_and_output(kept)[1]) is not None
    if "input" not in ignored or None not in input_parts[:2] or follows_from_total:
        return kept
    cached = (kept.text_cached or 0) + (kept.audio_cached or 0) + (kept.image_cached or 0)
    return replace(kept, input=max(sum(count or 0 for count in input_parts), cached, kept.cached or 0))


def _clamped_usage(counts: TokenCounts) -> Usage:
    """Return the usage of contradictory counts by their parts, with no more cached than was read; the rest is text."""
    counts = _complete(counts)
    parts = {"text": counts.text_in or 0, "audio": counts.audio_in or 0, "image": counts.image_in or 0}
    parts["text"] += max((counts.input or 0) - sum(parts.values()), 0)
    reported = {"text": counts.text_cached or 0, "audio": counts.audio_cached or 0, "image": counts.image_cached or 0}
    cached_rest = max((counts.cached or 0) - sum(reported.values()), 0)
    cached = {name: min(reported[name], parts[name]) for name in INPUT_MODALITIES}
    for name in INPUT_MODALITIES:
        more = min(cached_rest, parts[name] - cached[name])
        cached[name] += more
        cached_rest -= more
    outputs = {"text": counts.text_out or 0, "audio": counts.audio_out or 0}
    outputs["text"] += max((counts.output or 0) - sum(outputs.values()), 0)
    return _usage(parts, cached, outputs)


def _extremes(usages: Iterable[Usage]) -> list[Usage]:
    """Return the usages that can be the cheapest or the most expensive: those not between others in every quantity."""
    distinct = list({tuple(sorted(usage.items())): usage for usage in usages}.values())
    return [
        usage
        for usage in distinct
        if not (
            any(other is not usage and _is_at_most(other, usage) for other in distinct)
            and any(other is not usage and _is_at_most(usage, other) for other in distinct)
        )
    ]


def _is_at_most(lower: Usage, higher: Usage) -> bool:
    return all(quantity <= higher[meter] for meter, quantity in lower.items())


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


def _input_and_output(counts: TokenCounts) -> tuple[tuple[int | None, ...], tuple[int | None, ...]]:
    """Return the total and the parts of the input, and of the output."""
    input_counts = (counts.input, counts.text_in, counts.audio_in, counts.image_in)
    return input_counts, (counts.output, counts.text_out, counts.audio_out)


def _usage(parts: Parts, cached: Parts, outputs: Parts) -> Usage:
    quantities = {}
    for name in INPUT_MODALITIES:
        quantities[f"{name}_in"] = parts[name] - cached[name]
        quantities[f"{name}_in_cached"] = cached[name]
    for name in OUTPUT_MODALITIES:
        quantities[f"{name}_out"] = outputs[name]
    return Usage(quantities)


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
