"""Count the work of counting conversations, so that whoever asked for it can give it up.

One response of one conversation is one step. A server sets a function that is called with the steps that are about to be
done, and may raise; without one, nothing is called.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

Step = TypeVar("Step")

CountSteps = Callable[[int], None]

STEPS_BETWEEN_CHECKS = 64
"""Responses that are counted before the next call: some tenths of a millisecond."""

_COUNT_STEPS: ContextVar[CountSteps | None] = ContextVar("count_steps", default=None)


@contextmanager
def counted_steps(count_steps: CountSteps) -> Iterator[None]:
    """Call a function with the steps of all counting within the block. What it raises ends the counting.

    The block has the thread's own context: counting in other threads is not included.

    >>> steps = []
    >>> with counted_steps(steps.append):
    ...     list(checked([7, 8, 9]))
    [7, 8, 9]
    >>> steps
    [3]
    """
    token = _COUNT_STEPS.set(count_steps)
    try:
        yield
    finally:
        _COUNT_STEPS.reset(token)


def check_work() -> None:
    """Give whoever asked for other work, such as reading a log, the chance to give it up. This takes no step."""
    count_steps = _COUNT_STEPS.get()
    if count_steps is not None:
        count_steps(0)


def take_steps(count: int) -> None:
    """Take steps that are done all at once, in some tenths of a millisecond."""
    count_steps = _COUNT_STEPS.get()
    if count_steps is not None:
        count_steps(count)


def checked(items: list[Step]) -> Iterator[Step]:
    """The items of a loop that takes a step for each."""
    count_steps = _COUNT_STEPS.get()
    if count_steps is None:
        yield from items
        return
    for start in range(0, len(items), STEPS_BETWEEN_CHECKS):
        part = items[start : start + STEPS_BETWEEN_CHECKS]
        count_steps(len(part))
        yield from part
