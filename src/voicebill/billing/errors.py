"""What can go wrong, said so that a stranger knows what to do next.

Every error of voicebill is a `VoicebillError`; each leaf is also the Python error that fits it, so that
`except ValueError` works where people expect it to. The text names what was asked, what is known, and the remedy.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class VoicebillError(Exception):
    """The root of everything that voicebill raises on purpose."""


class InvalidInput(VoicebillError, ValueError):
    """A value that cannot be meant: a negative duration, shares over 1, a key that does not exist."""


class UnknownName(VoicebillError, LookupError):
    """A name that no fact knows; the text names the nearest ones.

    >>> raise UnknownName("model", "gpt-realtme", ["gpt-realtime", "gpt-realtime-mini", "whisper-1"])
    Traceback (most recent call last):
    voicebill.billing.errors.UnknownName: unknown model 'gpt-realtme'; the nearest are gpt-realtime, gpt-realtime-mini
    """

    def __init__(self, what: str, asked: str, known: Iterable[str], *, of: str = "", remedy: str = "") -> None:
        names = sorted(set(known))
        near = nearest(asked, names)
        if near:
            hint = f"; the nearest {'is' if len(near) == 1 else 'are'} {', '.join(near)}"
        elif len(names) <= 12:
            hint = f"; known: {', '.join(names)}" if names else ""
        else:
            hint = f"; {len(names)} are known, such as {', '.join(names[:4])}"
        said = asked if len(asked) <= 60 else asked[:57] + "..."
        super().__init__(f"unknown {what} {said!r}{of}{hint}{'; ' + remedy if remedy else ''}")


class NotOffered(VoicebillError, LookupError):
    """The names are known, but nothing was sold under them in that way or on that day."""


class Unpriced(VoicebillError, LookupError):
    """A question whose answer would need a price that nobody has published; never answered as $0."""


class ContextOverflow(VoicebillError, ValueError):
    """A conversation that the provider would end with an error, because its input does not fit the model."""


def nearest(asked: str, known: Iterable[str], most: int = 3) -> list[str]:
    """The known names most like the one asked for, best first.

    >>> nearest("instruction_tokens", ["instructions_tokens", "tools_tokens", "reuse"])
    ['instructions_tokens']
    >>> nearest("page", ["page-2026-06", "recorded-2026-11"])
    ['page-2026-06']
    """
    names = {name.lower(): name for name in sorted(known)}
    word = asked.strip().lower()
    found = get_close_matches(word, names, n=most, cutoff=0.7)
    if not found and len(word) > 2:
        found = [name for name in names if word in name][:most]
    return [names[name] for name in found or get_close_matches(word, names, n=1)]
