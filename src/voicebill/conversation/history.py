"""Track the items of a session that the next response reads, and which of them were read before.

Running sums avoid reading the history again, so a response takes the same time at the end of an hour as at its beginning.
tests/conversation/literal.py has the same definition without running sums.
"""

import itertools
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from voicebill.billing.errors import InvalidInput


class Tokens(NamedTuple):
    """Token counts by modality."""

    text: int = 0
    audio: int = 0
    image: int = 0


class Item(NamedTuple):
    """One message in the history at its current size; `carryover_tokens` is its text in a session that continues this one."""

    text: int
    audio: int
    image: int
    carryover_tokens: int


NOTHING = Tokens()

Sum = tuple[int, int, int]
"""Text, audio and image tokens: a plain tuple for speed, because these sums are the inner loop of every simulation."""


class _Shrinking(NamedTuple):
    """An item that the next reply reduces: its position, the tokens before it, and its size once it is reduced."""

    position: int
    before: Sum
    shrunk: Item


class History:
    """The items that the next response reads, with running sums.

    Positions count items from the start of the session; items before `first` have been dropped.
    """

    def __init__(self, fixed: int, *, warm_cache: bool, session: int = 1) -> None:
        self.fixed = fixed
        self.reusable_fixed = fixed
        """The tokens before all items that the next response has in common with the one before it."""
        self.session = session
        self.items: deque[Item] = deque()
        self.carried = 0
        """How many items, from the first, were carried over from another session, and would be the same in the next one."""
        self.images: deque[int] = deque()
        """The tokens of the images among the items."""
        self.first = 0
        self.sum: Sum = NOTHING
        self.unseen: Sum = NOTHING
        self.common_prefix: Sum = NOTHING
        self.previously_seen: Sum = NOTHING
        self.unseen_items = 0
        self.is_cold = not warm_cache
        self.shrinking: list[_Shrinking] = []
        """What the next reply reduces, in the order of positions: the newest reply, and user speech once it is read."""

    def add(self, item: Item, *, once_read: Item | None = None) -> None:
        """Append an item that the model has not read yet; `once_read` is its size after the next reply, if that differs."""
        if once_read is not None:
            self.shrinking.append(_Shrinking(self.first + len(self.items), self.sum, once_read))
        self.items.append(item)
        if item.image:
            self.images.append(item.image)
        self.sum = _plus(self.sum, item)
        self.unseen = _plus(self.unseen, item) if self.unseen_items else item[:3]
        self.unseen_items += 1

    def truncate(self, target_tokens: int) -> int:
        """Drop the oldest items until at most `target_tokens` or only the newest item are left; return the number dropped.

        After that, only the instructions are common with the previous response.
        """
        dropped = 0
        while len(self.items) > 1 and sum(self.sum) > target_tokens:
            item = self.items.popleft()
            self.carried -= self.carried > 0
            if item.image:
                self.images.popleft()
            self.sum = _minus(self.sum, item)
            if self.unseen_items > len(self.items):
                self.unseen = _minus(self.unseen, item)
                self.unseen_items -= 1
            self.shrinking = [
                entry._replace(before=_minus(entry.before, item)) for entry in self.shrinking if entry.position > self.first
            ]
            self.first += 1
            dropped += 1
        self.common_prefix = self.previously_seen = NOTHING
        return dropped

    def change_fixed(self, fixed: int, reusable_fixed: int) -> None:
        """Put other instructions before all items, of which the first `reusable_fixed` tokens are as they were.

        After that, no item is in the common prefix.
        """
        self.fixed, self.reusable_fixed = fixed, min(fixed, self.reusable_fixed, reusable_fixed)
        self.common_prefix = self.previously_seen = NOTHING

    def delete(self, places: Iterable[int]) -> None:
        """Delete items by their places, from 1 for the oldest; the common prefix ends before the first of them.

        Raises:
            InvalidInput: there is no item at a place.
        """
        deleted = set(places)
        if max(deleted) > len(self.items):
            raise InvalidInput(f"deleted_items: there are {len(self.items):,} items, so none at place {max(deleted):,}")
        kept = [item for place, item in enumerate(self.items, start=1) if place not in deleted]
        before_first = _total(itertools.islice(self.items, min(deleted) - 1))
        if sum(before_first) < sum(self.common_prefix):
            self.common_prefix = before_first
        seen = len(self.items) - self.unseen_items
        unseen = [item for place, item in enumerate(self.items, start=1) if place > seen and place not in deleted]
        gone = _total(item for place, item in enumerate(self.items, start=1) if place <= seen and place in deleted)
        if any(self.previously_seen):
            self.previously_seen = _minus(self.previously_seen, Item(*gone, 0))
        self.shrinking = [
            _Shrinking(place, _total(kept[:place]), entry.shrunk)
            for entry in self.shrinking
            if (index := entry.position - self.first + 1) not in deleted
            for place in [index - 1 - sum(gap < index for gap in deleted)]
        ]
        self.carried -= sum(place <= self.carried for place in deleted)
        self.items, self.first = deque(kept), 0
        self.images = deque(item.image for item in kept if item.image)
        self.sum, self.unseen, self.unseen_items = _total(kept), _total(unseen), len(unseen)

    def append_output(self, item: Item, *, as_written: bool = True) -> None:
        """Append the output of a response that has read all items. `as_written`: the next response reads it unchanged."""
        total = _plus(self.sum, item)
        self.common_prefix = total if as_written else self.sum
        self._append_read(item, total)

    def append_reply(self, item: Item, shrunk: Item, *, as_written: bool) -> None:
        """Append an assistant message, which the next one reduces to `shrunk`; what this one reduces is reduced.

        The common prefix with the next response ends before the first item that is reduced.
        """
        before = self.sum
        for entry in self.shrinking:
            index = entry.position - self.first
            before = _replace(before, self.items[index], entry.shrunk)
            self.items[index] = entry.shrunk
        if self.shrinking:
            self.common_prefix = self.shrinking[0].before
            self._append_read(item, _plus(before, item))
        else:
            self.append_output(item, as_written=as_written)
        position = self.first + len(self.items) - 1
        self.shrinking = [_Shrinking(position, before, shrunk)] if shrunk != item else []

    def _append_read(self, item: Item, total: Sum) -> None:
        self.items.append(item)
        self.sum = self.previously_seen = total
        self.unseen = NOTHING
        self.unseen_items = 0
        self.is_cold = False
        self.reusable_fixed = self.fixed

    def carry_over(self, *, carry_text: bool) -> "History":
        """The history at the start of the next session: without a cache, and with the messages as text if `carry_text`.

        Messages that were read before are not counted as unseen, although the new session has nothing cached. Only those that
        this session added are changed, so that many short sessions take no longer than a long one; this history is used up.
        """
        next_history = History(self.fixed, warm_cache=False, session=self.session + 1)
        if not carry_text:
            return next_history
        changed = [self.items.pop() for _ in range(len(self.items) - self.carried)]
        unseen_carried = max(0, self.unseen_items - len(changed))
        next_history.items = self.items
        for item in changed:
            self.sum = _minus(self.sum, item)
            if unseen_carried:
                self.unseen = _minus(self.unseen, item)
        next_history.sum = self.sum
        next_history.unseen, next_history.unseen_items = (self.unseen, unseen_carried) if unseen_carried else (NOTHING, 0)
        for left, item in zip(range(len(changed), 0, -1), reversed(changed), strict=True):
            if item.carryover_tokens:
                next_history.add(Item(item.carryover_tokens, 0, 0, item.carryover_tokens))
                if left > self.unseen_items:
                    next_history.unseen, next_history.unseen_items = NOTHING, 0
        next_history.carried = len(next_history.items)
        return next_history


def _total(items: Iterable[Item]) -> Sum:
    text = audio = image = 0
    for item in items:
        text, audio, image = text + item[0], audio + item[1], image + item[2]
    return text, audio, image


def _plus(tokens: Sum, item: Item) -> Sum:
    return (tokens[0] + item[0], tokens[1] + item[1], tokens[2] + item[2])


def _minus(tokens: Sum, item: Item) -> Sum:
    return (tokens[0] - item[0], tokens[1] - item[1], tokens[2] - item[2])


def _replace(tokens: Sum, old: Item, new: Item) -> Sum:
    return (tokens[0] - old[0] + new[0], tokens[1] - old[1] + new[1], tokens[2] - old[2] + new[2])
