"""Define usage that a log shows and that was not read: it makes an answer incomplete."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

MAX_EXAMPLE_COUNTS = 6
"""At most so many counts of the example are named."""


@dataclass(frozen=True, slots=True)
class UnreadUsage:
    """Items (lines, rows or spans) with counts of which nothing was read: their number, and one of them as an example.

    `counts` has names and numbers only, never the text of a conversation. It is empty for a usage object without a known
    count, and for what only another format tells to be usage.

    >>> str(UnreadUsage(2, "agent.log", 7, {"inputTokens": 789, "outputTokens": 32}))
    'agent.log, line 7: inputTokens 789, outputTokens 32'
    """

    items: int
    source: str
    line_number: int
    counts: Mapping[str, int | float] = field(default_factory=dict)

    def __str__(self) -> str:
        shown = list(self.counts.items())[:MAX_EXAMPLE_COUNTS]
        counts = ", ".join(f"{name} {count:,}" for name, count in shown) or "usage without a known count, or of another format"
        return f"{self.source}, line {self.line_number}: {counts}{', ...' if len(self.counts) > len(shown) else ''}"

    @property
    def warning(self) -> str:
        """What to know about an answer that lacks this usage."""
        items = "1 item shows" if self.items == 1 else f"{self.items:,} items show"
        return f"incomplete: {items} usage that was not read; {'it' if self.items == 1 else 'the first'} is {self}"


def total_unread(entries: Iterable[UnreadUsage]) -> UnreadUsage | None:
    """Return the sum of the items, with the first example; None without entries."""
    listed = list(entries)
    return replace(listed[0], items=sum(entry.items for entry in listed)) if listed else None
