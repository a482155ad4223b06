"""Count once what two files of the same export have in common.

Rows of a table may be alike within one file: they are different charges. So a row of a later file is a repetition only as
often as an earlier file has it. Buckets of OpenAI's usage and costs are identified by their times and groups, and grow until
they end: of several states the largest counts.
"""

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from voicebill.answers.invoices.charge import Charge
from voicebill.logs.bills.bill_report import BillReport
from voicebill.logs.formats.openai_usage import OVERLAPPING

OTHER_STATE = (
    "rows of a day that an earlier file has too, with other rows: if the files are two states of a bill, or its actual and its "
    "amortized costs, read one of them only"
)
CHANGED_BUCKET = "a bucket of time that another file or page has with another amount: the larger one counts"


class RepeatedRows:
    """The rows of the files so far, by their hashes, and their days. With one file nothing is kept."""

    def __init__(self, file_count: int) -> None:
        self._is_needed = file_count > 1
        self._earlier: dict[int, int] = {}
        self._current: Counter[int] = Counter()
        self._earlier_days: set[date] = set()
        self._new_by_day: Counter[date] = Counter()
        self._repeated = 0

    def is_repeated(self, identity: int, day: date) -> bool:
        """Return whether an earlier file has a row as often as this file has it now."""
        if not self._is_needed:
            return False
        self._current[identity] += 1
        is_repeated = self._current[identity] <= self._earlier.get(identity, 0)
        self._repeated += is_repeated
        self._new_by_day[day] += not is_repeated
        return is_repeated

    def finish_file(self) -> int:
        """End a file. Return how many rows it has beside an earlier file's of the same day, if it repeats others of them."""
        differing = sum(count for day, count in self._new_by_day.items() if day in self._earlier_days)
        differing = differing if self._repeated else 0
        for identity, count in self._current.items():
            self._earlier[identity] = max(count, self._earlier.get(identity, 0))
        self._earlier_days.update(self._new_by_day)
        self._current.clear()
        self._new_by_day.clear()
        self._repeated = 0
        return differing


class _Bucket(NamedTuple):
    """The charges of one bucket and group, and their size: the quantity or the amount."""

    charges: Sequence[Charge]
    size: Fraction


class BucketCharges:
    """The charges of buckets until all files were read. They are sums, and few."""

    def __init__(self, report: BillReport) -> None:
        self._report = report
        self._buckets: dict[Hashable, _Bucket] = {}
        self._earlier: dict[tuple[str, date], frozenset[str]] = {}
        self._current: dict[tuple[str, date], frozenset[str]] = {}

    def __iter__(self) -> Iterator[Charge]:
        for bucket in self._buckets.values():
            yield from bucket.charges

    def start_file(self) -> None:
        """Begin a file."""
        self._earlier.update(self._current)
        self._current = {}

    def add(self, key: Hashable, charges: Sequence[Charge], size: Fraction) -> None:
        """Add the charges of a bucket and group, which `key` identifies; of repeated ones the larger are kept."""
        bucket = self._buckets.get(key)
        if bucket is not None:
            self._report.repeated += 1
            self._report.remarks.update([CHANGED_BUCKET] if bucket.size != size else ())
        if bucket is None or abs(size) > abs(bucket.size):
            self._buckets[key] = _Bucket(charges, size)

    def note_grouping(self, kind: str, day: date | None, grouping: frozenset[str]) -> None:
        """Note what the usage or the costs of a day are grouped by: those grouped in two manners are counted twice."""
        if day is None:
            return
        place = (kind, day)
        self._current[place] = self._current.get(place, frozenset()) | grouping
        self._report.remarks.update([OVERLAPPING] if self._earlier.get(place, grouping) != grouping else ())
