"""Try seeded inputs, and reduce one that fails to the smallest that fails in the same place."""

import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pprint import pformat
from random import Random
from typing import Any

Case = dict[str, Any]
"""An input: JSON, in which a content may also be bytes."""

MAX_REDUCTIONS = 500
"""So many smaller inputs are tried at most."""


class Failed(AssertionError):
    """An input that breaks what must always hold, with the command that repeats it. `place` is the line that fails."""

    def __init__(self, text: str, place: str) -> None:
        super().__init__(text)
        self.place = place


@dataclass(frozen=True)
class Fuzzer:
    """A kind of input: `make` gives the one of a seed, and `check` says in a word what became of it, or raises.

    `answered` are the words of `check` for inputs that were answered; a fuzzer whose inputs are all refused tests nothing.
    `fixed` are the keys of an input that are not left out when it is reduced.
    """

    name: str
    make: Callable[[Random], Case]
    check: Callable[[Case], str]
    answered: tuple[str, ...]
    fixed: tuple[str, ...] = ()
    outcomes: Counter[str] = field(default_factory=Counter)

    def try_seed(self, seed: int) -> None:
        """Check the input of a seed.

        Raises:
            Failed: it breaks what must hold; the message has the command that repeats it, and the smallest such input.
        """
        case = self.make(Random(seed))
        try:
            self.outcomes[self.check(case)] += 1
        except Exception as error:
            place = _place(error)
            smallest = self._reduce(case, place)
            raise Failed(
                f"{self.name}: {place}: {str(error)[:2000]}\n"
                f"repeat it: python -m tests.fuzz {self.name} --seed {seed} --cases 1\n"
                f"the smallest input that fails like it:\n{pformat(smallest, width=120)}",
                place,
            ) from error

    def _reduce(self, case: Case, place: str) -> Case:
        """The smallest part of an input whose check fails in the same place."""
        tries, is_smaller = 0, True
        while is_smaller:
            is_smaller = False
            for smaller in reductions(case, self.fixed):
                tries += 1
                if tries > MAX_REDUCTIONS:
                    return case
                try:
                    self.check(smaller)
                except Exception as error:
                    if _place(error) == place:
                        case, is_smaller = smaller, True
                        break
        return case


def _place(error: BaseException) -> str:
    """The type of an error, and the line that raises it."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}, {frame.filename}, line {frame.lineno}"


def reductions(value: Any, fixed: tuple[str, ...] = ()) -> Iterator[Any]:
    """Smaller values: without a key, an item or a piece of a text, or with one of them reduced.

    >>> list(reductions({"a": 1, "b": "xy"}, fixed=("a",)))
    [{'a': 1}, {'a': 1, 'b': 'y'}, {'a': 1, 'b': 'x'}]
    """
    match value:
        case dict():
            yield from ({name: inner for name, inner in value.items() if name != key} for key in value if key not in fixed)
            for key, inner in value.items():
                if key not in fixed or isinstance(inner, dict | list):
                    yield from ({**value, key: smaller} for smaller in reductions(inner))
        case list():
            yield from _without_pieces(value)
            for index, item in enumerate(value):
                yield from ([*value[:index], smaller, *value[index + 1 :]] for smaller in reductions(item))
        case str() | bytes() if len(value) > 1:
            yield from _without_pieces(value)


def _without_pieces(items: Any) -> Iterator[Any]:
    """A list or a text without a half, a quarter and so on of its items, down to a single one of a short one."""
    size = len(items)
    for step in dict.fromkeys(max(size // parts, 1) for parts in (2, 4, 8, 16, 32)):
        yield from (items[:start] + items[start + step :] for start in range(0, size, step))
