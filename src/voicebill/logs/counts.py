"""From reported token counts to usage: whatever is missing or contradicts itself is said, never guessed.

Vendors and frameworks report totals, parts of totals and cached subsets, any of which may be absent. The parts are
disjoint here; where the absent ones leave more than one way to read the counts, every extreme one is given. Tokens whose
modality is not told are text or audio: images are always told apart.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import permutations, product

from voicebill.billing.usage import Status, Usage

MOST = 10**12
"""More of anything than this in one response is a fault of the log."""

Parts = Mapping[str, int]

IN = ("text", "audio", "image")
OUT = ("text", "audio")


@dataclass(slots=True)
class Counts:
    """Token counts as reported; None is what was not. Cached counts are subsets of the input, as vendors give them."""

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
    """Part of the text output, and never charged beside it."""


def readings(counts: Counts) -> tuple[Usage, ...]:
    """Every extreme usage that the counts allow: one where they determine it, else several with the status `bounded`.

    >>> [dict(usage.items()) for usage in readings(Counts(input=132, text_in=119, audio_in=13, cached=64, text_cached=64))]
    [{'text_in': 55, 'text_in_cached': 64, 'audio_in': 13}]
    >>> readings(Counts(input=200, output=100))[0].status
    'bounded'

    Counts that contradict each other give one usage, cut to what its parts allow, with the status `inconsistent`. A response
    that counts nothing gives an empty usage; a total of which neither side is told gives none.
    """
    if counts.total and all(each is None for side in _sides(counts) for each in side):
        return no_usage()
    counts = _completed(counts)
    pairs, odd_in = _heard(counts)
    spoken, odd_out = _spoken(counts)
    odd = odd_in or odd_out or _total_differs(counts, pairs[0][0], spoken[0])
    if odd:
        return (_usage(*pairs[0], spoken[0], "inconsistent"),)
    status: Status = "exact" if len(pairs) * len(spoken) == 1 else "bounded"
    found = {
        tuple(sorted(usage.items())): usage
        for usage in (_usage(parts, split, out, status) for (parts, split), out in product(pairs, spoken))
    }
    return tuple(found.values())


def _completed(counts: Counts) -> Counts:
    """The counts, with a side that was not told being what the other leaves of the total."""
    heard, spoken = _sides(counts)
    if counts.total is None:
        return counts
    if all(each is None for each in spoken):
        known = sum(each or 0 for each in heard[1:]) if counts.input is None else counts.input
        return replace(counts, output=max(counts.total - known, 0))
    if all(each is None for each in heard):
        known = sum(each or 0 for each in spoken[1:]) if counts.output is None else counts.output
        return replace(counts, input=max(counts.total - known, 0))
    return counts


def no_usage() -> tuple[Usage, ...]:
    """What is read where a log says that something ran, and not what it used."""
    return (Usage({}, "none"),)


def _spoken(counts: Counts) -> tuple[list[Parts], bool]:
    """Every extreme way in which the output is made up, and whether the counts of it contradict each other.

    Reasoning that was reported beside the text, and not in it, is text as well; that is certain only beside both parts.
    """
    text, audio = counts.text_out or 0, counts.audio_out or 0
    rest = 0 if counts.output is None else counts.output - text - audio
    if rest and rest == counts.reasoning and counts.text_out is not None and counts.audio_out is not None:
        text, rest = text + rest, 0
    known = {"text": text, "audio": audio}
    if rest <= 0:
        return [known], rest < 0
    return [{**known, "text": text + rest}, {**known, "audio": audio + rest}], False


def _heard(counts: Counts) -> tuple[list[tuple[Parts, Parts]], bool]:
    """Every extreme way in which the input is made up, with its cached part, and whether its counts contradict each other."""
    parts = {"text": counts.text_in or 0, "audio": counts.audio_in or 0, "image": counts.image_in or 0}
    told = {"text": counts.text_cached or 0, "audio": counts.audio_cached or 0, "image": counts.image_cached or 0}
    open_parts = 0 if counts.input is None else counts.input - sum(parts.values())
    open_cached = 0 if counts.cached is None else counts.cached - sum(told.values())
    least = max(0, told["text"] - parts["text"])
    most = open_parts - max(0, told["audio"] - parts["audio"])
    room = sum(parts.values()) + max(open_parts, 0) - sum(told.values())
    if open_parts < 0 or least > most or told["image"] > parts["image"] or not 0 <= open_cached <= room:
        return [_clamped(parts, told, max(open_parts, 0), max(open_cached, 0))], True
    found: list[tuple[Parts, Parts]] = []
    fresh = {name: parts[name] - told[name] for name in IN}
    for text in _turns(least, most, open_cached, fresh, open_parts):
        made = {**parts, "text": parts["text"] + text, "audio": parts["audio"] + open_parts - text}
        found += [(made, split) for split in _fillings(open_cached, told, {name: made[name] - told[name] for name in IN})]
    return found, False


def _clamped(parts: Parts, told: Parts, open_parts: int, open_cached: int) -> tuple[Parts, Parts]:
    """One way to read an input that contradicts itself: no more is cached than there is, and what is not told is text."""
    made = {**parts, "text": parts["text"] + open_parts}
    cached = {name: min(told[name], made[name]) for name in IN}
    for name in IN:
        more = min(open_cached, made[name] - cached[name])
        cached[name] += more
        open_cached -= more
    return made, cached


def _turns(least: int, most: int, open_cached: int, fresh: Parts, open_parts: int) -> list[int]:
    """How much of an input of unknown modality can be text: both ends, and where the cached part just fits into one side."""
    points = {least, most}
    for fits in (open_cached, open_cached - fresh["image"]):
        points |= {fits - fresh["text"], fresh["audio"] + open_parts - fits}
    return sorted(point for point in points if least <= point <= most)


def _fillings(rest: int, known: Parts, room: Parts) -> Iterator[Parts]:
    """The corners of all ways to lay a rest into the rooms: whatever the prices, the cheapest and the dearest are there."""
    if rest == 0:
        yield known
        return
    seen: set[tuple[int, ...]] = set()
    for order in permutations(name for name in reversed(IN) if room[name]):
        filled, left = dict(known), rest
        for name in order:
            laid = min(left, room[name])
            filled[name] += laid
            left -= laid
        if (corner := tuple(filled.values())) not in seen:
            seen.add(corner)
            yield filled


def _total_differs(counts: Counts, heard: Parts, spoken: Parts) -> bool:
    return counts.total is not None and counts.total != sum(heard.values()) + sum(spoken.values())


def _sides(counts: Counts) -> tuple[tuple[int | None, ...], tuple[int | None, ...]]:
    """The total and the parts of what was heard, and of what was spoken."""
    heard = (counts.input, counts.text_in, counts.audio_in, counts.image_in)
    return heard, (counts.output, counts.text_out, counts.audio_out)


def _usage(parts: Parts, cached: Parts, spoken: Parts, status: Status) -> Usage:
    quantities = {}
    for name in IN:
        quantities[f"{name}_in"] = parts[name] - cached[name]
        quantities[f"{name}_in_cached"] = cached[name]
    for name in OUT:
        quantities[f"{name}_out"] = spoken[name]
    return Usage(quantities, status)


def reread(now: Usage, before: Usage | None) -> dict[str, int]:
    """How much of a response's input had been in the conversation before, by meter: None before it, nothing.

    That is, per modality, at most what the response before it read and produced; what was cached comes first.

    >>> first = Usage.tokens(text_in=100, audio_in=40, audio_out=90)
    >>> reread(Usage.tokens(text_in_cached=64, text_in=50, audio_in=200), first)
    {'text_in_cached': 64, 'text_in': 36, 'audio_in': 130}
    """
    found: dict[str, int] = {}
    if before is None:
        return found
    for name in IN:
        known = before[f"{name}_in"] + before[f"{name}_in_cached"] + before[f"{name}_out"]
        for meter in (f"{name}_in_cached", f"{name}_in"):
            again = min(known, now[meter])
            if again:
                found[meter] = again
            known -= again
    return found
