"""The history: the items of a session as the model will next be shown them, and what of them it has seen before.

Running sums instead of re-reading: a response costs the same at the end of an hour as at its beginning. What the sums mean
is written out, slowly and plainly, in tests/conversation/literal.py.
"""

from collections import deque
from typing import NamedTuple


class Tokens(NamedTuple):
    """Token counts by modality."""

    text: int = 0
    audio: int = 0
    image: int = 0


class Item(NamedTuple):
    """One message in the history at its present size; `carried` is its text in a session that continues this one."""

    text: int
    audio: int
    image: int
    carried: int


NOTHING = Tokens()

Sum = tuple[int, int, int]
"""Text, audio and image tokens while they are being summed: a bare tuple, since these sums are the engine's inner loop."""


class _Spoken(NamedTuple):
    """The newest assistant message, which alone keeps its audio: where it stands, and how it will look afterwards."""

    position: int
    before: Sum
    shrunk: Item


class History:
    """The items that the next response will be shown, with running sums, so that a response costs no re-reading.

    `position`s count items from the start of the session; those below `first` have been dropped.
    """

    def __init__(self, fixed: int, *, warm: bool, session: int = 1) -> None:
        self.fixed = fixed
        self.session = session
        self.items: deque[Item] = deque()
        self.first = 0
        self.sum: Sum = NOTHING
        self.new: Sum = NOTHING
        self.common: Sum = NOTHING
        self.known: Sum = NOTHING
        self.unread = 0
        self.cold = not warm
        self.newest: _Spoken | None = None

    def add(self, item: Item) -> None:
        """Put something at the end that the model has not read yet."""
        self.items.append(item)
        self.sum = _plus(self.sum, item)
        self.new = _plus(self.new, item) if self.unread else item[:3]
        self.unread += 1

    def cut(self, keep: int) -> int:
        """Drop the oldest items until at most `keep` tokens are left, or only the newest item; say how many.

        Nothing after the instructions is common with the previous response any more.
        """
        dropped = 0
        while len(self.items) > 1 and sum(self.sum) > keep:
            item = self.items.popleft()
            self.sum = _minus(self.sum, item)
            if self.unread > len(self.items):
                self.new = _minus(self.new, item)
                self.unread -= 1
            if self.newest is not None:
                gone = self.newest.position == self.first
                self.newest = None if gone else self.newest._replace(before=_minus(self.newest.before, item))
            self.first += 1
            dropped += 1
        self.common = self.known = NOTHING
        return dropped

    def wrote(self, item: Item, *, as_written: bool = True) -> None:
        """A response has read everything and written this. `as_written`: the next one is shown just what was written."""
        whole = _plus(self.sum, item)
        self.common = whole if as_written else self.sum
        self._append_read(item, whole)

    def spoke(self, item: Item, shrunk: Item, *, as_written: bool, shrinking: bool) -> None:
        """The response's output is an assistant message: by the policy, the one before it shrinks."""
        older = self.newest
        at = -1 if older is None else older.position - self.first
        if older is None or not shrinking or self.items[at] == older.shrunk:
            before = self.sum
            self.wrote(item, as_written=as_written)
        else:
            before = _exchanged(self.sum, self.items[at], older.shrunk)
            self.items[at] = older.shrunk
            self.common = older.before
            self._append_read(item, _plus(before, item))
        self.newest = _Spoken(self.first + len(self.items) - 1, before, shrunk)

    def _append_read(self, item: Item, whole: Sum) -> None:
        self.items.append(item)
        self.sum = self.known = whole
        self.new = NOTHING
        self.unread = 0
        self.cold = False

    def continued(self, *, carry_text: bool) -> "History":
        """The history at the start of the next session: cold, and as text if anything is carried over.

        What is carried has been read in this conversation before, though no cache of the new session knows it.
        """
        fresh = History(self.fixed, warm=False, session=self.session + 1)
        carried = [Item(item.carried, 0, 0, item.carried) for item in self.items] if carry_text else []
        read = len(carried) - self.unread
        for position, item in enumerate(carried):
            if item.carried:
                fresh.add(item)
                if position < read:
                    fresh.new, fresh.unread = NOTHING, 0
        return fresh


def _plus(tokens: Sum, item: Item) -> Sum:
    return (tokens[0] + item[0], tokens[1] + item[1], tokens[2] + item[2])


def _minus(tokens: Sum, item: Item) -> Sum:
    return (tokens[0] - item[0], tokens[1] - item[1], tokens[2] - item[2])


def _exchanged(tokens: Sum, old: Item, new: Item) -> Sum:
    return (tokens[0] - old[0] + new[0], tokens[1] - old[1] + new[1], tokens[2] - old[2] + new[2])
