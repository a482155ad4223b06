"""Find out which items left the history: those with which the rest is what the next response read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple


@dataclass(eq=False, slots=True)
class MirroredItem:
    """An item of the history, as large as the next response reads it."""

    text: int
    audio: int = 0
    image: int = 0


class Observed(NamedTuple):
    """What the next response read after the instructions, and what is known of the new part of it.

    `framing` are text tokens of each new spoken message; `user_audio` is what the user said, None if that is not known.
    """

    text: int
    audio: int
    image: int
    framing: int
    user_audio: int | None = None


class Removal(NamedTuple):
    """Items that are gone, by their places from 1 for the oldest; what the user said; and text that is left unexplained."""

    places: tuple[int, ...]
    user_audio: int
    residual: int


def likeliest_removal(items: Sequence[MirroredItem], observed: Observed, count: int | None = None) -> Removal | None:
    """The removal that explains best what was read: of `count` items in a row; else of the oldest items.

    None if no removal leaves at most the tokens that were read.
    """
    text, audio, image = (
        list(accumulate((getattr(item, name) for item in items), initial=0)) for name in ("text", "audio", "image")
    )
    best: tuple[tuple[int, int], Removal] | None = None
    for start, end in _ranges(len(items), count):
        kept_text, kept_audio, kept_image = (sums[-1] - sums[end] + sums[start] for sums in (text, audio, image))
        user_audio = observed.audio - kept_audio
        if user_audio < 0 or kept_image > observed.image:
            continue
        residual = observed.text - kept_text - (observed.framing if user_audio else 0)
        error = abs(residual)
        if observed.user_audio is not None:
            error += 2 * abs(user_audio - observed.user_audio)
        score = (error, end - start)
        if best is None or score < best[0]:
            best = (score, Removal(tuple(range(start + 1, end + 1)), user_audio, residual))
    return best[1] if best else None


def _ranges(length: int, count: int | None) -> Iterator[tuple[int, int]]:
    """The ranges of places that may be gone: of the count anywhere, or from the first on."""
    if count is not None and count <= length:
        yield from ((start, start + count) for start in range(length - count + 1))
    else:
        yield from ((0, end) for end in range(1, length + 1))
