"""Define the errors of voicebill, with texts that tell the reader what to do next.

Every error of voicebill is a `VoicebillError`; each concrete error is also the matching built-in error, so
that `except ValueError` works where people expect it to. The text names what was asked, what is known, and the remedy.
"""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cached_property
from typing import Self


class VoicebillError(Exception):
    """The base class of all errors that voicebill raises deliberately.

    `field` is the name of the input that is at fault, or None; `message` is the text without that name, for interfaces that
    show it beside the input.

    >>> error = InvalidInput("must be between 1 and 9, not 12", field="turns")
    >>> str(error), error.field, error.message
    ('turns must be between 1 and 9, not 12', 'turns', 'must be between 1 and 9, not 12')
    """

    field: str | None = None

    def __init__(
        self,
        message: str = "",
        *,
        field: str | None = None,
        mentions: tuple[str, ...] = (),
        is_sentence: bool = False,
        is_predicate: bool = False,
    ) -> None:
        """`is_sentence`: the message is complete without the name of the field, which is not put before it.

        `is_predicate`: the message of an error that does not know its field yet continues its name, as "must be a number".
        `mentions`: the inputs that the message names.
        """
        super().__init__(message if field is None or is_sentence else f"{field} {message}")
        self._message = message
        self.field = field
        self._mentions = mentions
        self._is_sentence = is_sentence
        self._separator = " " if is_predicate or field is not None else ": "

    @property
    def message(self) -> str:
        """The text without the name of the field."""
        return self._message

    def text_with(self, names: Mapping[str, str], field: str | None = None) -> str:
        """The text with other names for inputs, such as those of options; `field` is the input if the error knows none.

        >>> error = InvalidInput("applies to carrier only", field="carrier_increment", mentions=("carrier",))
        >>> error.text_with({"carrier": "--carrier", "carrier_increment": "--carrier-increment"})
        '--carrier-increment applies to --carrier only'
        """
        message = self.message_with(names)
        field = self.field or field
        return message if self._is_sentence or field is None else f"{names.get(field, field)}{self._separator}{message}"

    def message_with(self, names: Mapping[str, str]) -> str:
        """The message, which is without the name of its own field, with other names for the inputs that it mentions."""
        message = self.message
        for mentioned in self._mentions:
            message = re.sub(rf"\b{re.escape(mentioned)}\b", names.get(mentioned, mentioned), message)
        return message

    def texts(self, names: Mapping[str, str]) -> list[str]:
        """The text of each error in this one, with other names for inputs."""
        return [self.text_with(names)]

    def at(self, field: str) -> Self:
        """Return the error as one of a field, unless it already names one: a parser does not know what its text is for.

        >>> str(InvalidInput("'ten' is not a number").at("turns"))
        "turns: 'ten' is not a number"
        """
        if self.field is None:
            self.field = field
            self.args = (f"{field}{self._separator}{self.message}",)
        return self


class InvalidInput(VoicebillError, ValueError):
    """An invalid value: a negative duration, shares that add up to more than 1, a key that does not exist."""


class UnknownName(VoicebillError, LookupError):
    """A name that is in no facts file; the text names the closest known names.

    >>> raise UnknownName("model", "gpt-realtme", ["gpt-realtime", "gpt-realtime-mini", "whisper-1"])
    Traceback (most recent call last):
    voicebill.billing.errors.UnknownName: unknown model 'gpt-realtme'; the nearest are gpt-realtime, gpt-realtime-mini
    """

    def __init__(
        self, what: str, name: str, choices: Iterable[str], *, context: str = "", remedy: str = "", field: str | None = None
    ) -> None:
        short_name = name if len(name) <= 60 else name[:57] + "..."
        super().__init__(f"unknown {what} {short_name!r}{context}", field=field or what, is_sentence=True)
        self._name = name
        self._choices = choices
        self._remedy = f"; {remedy}" if remedy else ""

    def __str__(self) -> str:
        return self.message

    @property
    def short_message(self) -> str:
        """The text without the closest names: to find them takes longer than all else in a log with many unknown names."""
        return self._message

    @cached_property
    def message(self) -> str:
        """The text with the closest known names."""
        names = sorted(set(self._choices))
        if closest := closest_names(self._name, names):
            hint = f"; the nearest {'is' if len(closest) == 1 else 'are'} {', '.join(closest)}"
        elif len(names) <= 12:
            hint = f"; known: {', '.join(names)}" if names else ""
        else:
            hint = f"; {len(names)} are known, such as {', '.join(names[:4])}"
        return f"{self._message}{hint}{self._remedy}"


class NotAvailable(VoicebillError, LookupError):
    """The names are known, but the combination is not available, or not on that day."""


class Unpriced(VoicebillError, LookupError):
    """The result would need a price that is not published. It is never replaced by $0."""


class ContextOverflow(VoicebillError, ValueError):
    """A conversation that the provider would end with an error, because its input exceeds the model's limit.

    `turn` is the turn that no longer fits; None where nothing fits.
    """

    turn: int | None = None

    @classmethod
    def at_turn(cls, turn: int, message: str) -> Self:
        """The error of a turn."""
        error = cls(f"turn {turn}: {message}", field="turns", is_sentence=True)
        error.turn = turn
        return error


def closest_names(text: str, choices: Iterable[str], limit: int = 3) -> list[str]:
    """The known names that are most similar to the given one, best match first.

    >>> closest_names("instruction_tokens", ["instructions_tokens", "tools_tokens", "prefix_reuse"])
    ['instructions_tokens']
    >>> closest_names("web-calculator", ["web-calculator-2026-06", "recorded-2026-11"])
    ['web-calculator-2026-06']
    """
    names = {name.lower(): name for name in sorted(choices)}
    word = text.strip().lower()
    matches = get_close_matches(word, names, n=limit, cutoff=0.7)
    if not matches and len(word) > 2:
        matches = [name for name in names if word in name][:limit]
    return [names[name] for name in matches or get_close_matches(word, names, n=1)]
