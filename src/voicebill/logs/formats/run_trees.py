"""Decide which runs of a trace are the charged calls, for exports in which runs around a call repeat or sum its counts.

Runs are kept until all sources are read, or until too many are waiting: then the oldest traces are resolved as far as they are
known. A call counts unless it counts exactly what the calls in it do. A run that is no call, such as a chain, an agent or the
root of a trace, is only a sum: if it shows more tokens than the calls in the export, what is missing was not read.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from voicebill.answers.recorded.unread_usage import UnreadUsage
from voicebill.billing.record import Record
from voicebill.logs.counts import TokenCounts
from voicebill.logs.report import ReadReport

SUM_OF_OTHER_RUNS = "runs that sum other runs"
MAX_WAITING_RUNS = 200_000
"""At most so many runs wait for the end of their trace."""
MAX_RUN_DEPTH = 1_000


@dataclass(frozen=True, slots=True)
class Run:
    """A run: its identifiers, and its record if it is a call; else the counts that it shows, if any."""

    trace_id: str
    run_id: str
    parent_id: str
    counts: TokenCounts
    record: Record | None = None
    unread: UnreadUsage | None = None

    @property
    def tokens(self) -> int:
        """All its tokens."""
        return self.counts.total or (self.counts.input or 0) + (self.counts.output or 0)


@dataclass(slots=True)
class RunTrees:
    """The runs of unfinished traces, in the order in which the traces began."""

    report: ReadReport
    waiting: dict[str, dict[str, Run]] = field(default_factory=dict)
    run_count: int = 0

    def add(self, run: Run) -> Iterator[Record]:
        """Add a run; yield the records that are now final."""
        trace = self.waiting.setdefault(run.trace_id or run.run_id, {})
        self.run_count += run.run_id not in trace
        trace[run.run_id] = run
        while self.run_count > MAX_WAITING_RUNS:
            yield from self._close(next(iter(self.waiting)))

    def finish(self) -> Iterator[Record]:
        """Yield the records that were still waiting."""
        for trace_id in list(self.waiting):
            yield from self._close(trace_id)

    def _close(self, trace_id: str) -> Iterator[Record]:
        trace = self.waiting.pop(trace_id)
        self.run_count -= len(trace)
        call_counts = _counts_of_calls(trace)
        for run in trace.values():
            if run.record is None:
                continue
            if run.run_id in call_counts and _same_counts(run.counts, call_counts[run.run_id]):
                self.report.skipped[SUM_OF_OTHER_RUNS] += 1
            else:
                yield run.record
        for unread in _unread_sums(trace):
            self.report.add_unread_counts(unread.source, unread.line_number, unread.counts)


def _ancestors(trace: Mapping[str, Run], run: Run) -> Iterator[Run]:
    """Yield the runs around a run, from the inside out."""
    for _ in range(MAX_RUN_DEPTH):
        parent = trace.get(run.parent_id)
        if parent is None or parent is run:
            return
        yield parent
        run = parent


def _counts_of_calls(trace: Mapping[str, Run]) -> dict[str, TokenCounts]:
    """Return the summed counts of the calls directly inside each call, ignoring other runs between them."""
    sums: dict[str, TokenCounts] = {}
    for run in trace.values():
        outer = next((ancestor for ancestor in _ancestors(trace, run) if ancestor.record is not None), None)
        if run.record is not None and outer is not None and outer is not run:
            total = sums.setdefault(outer.run_id, TokenCounts(input=0, output=0))
            total.input = (total.input or 0) + (run.counts.input or 0)
            total.output = (total.output or 0) + (run.counts.output or 0)
    return sums


def _same_counts(counts: TokenCounts, others: TokenCounts) -> bool:
    return (counts.input or 0, counts.output or 0) == (others.input or 0, others.output or 0)


def _unread_sums(trace: Mapping[str, Run]) -> Iterator[UnreadUsage]:
    """Yield the outermost sums that show more tokens than the calls in them, or that no call stands in or around."""
    if not any(run.unread for run in trace.values()):
        return
    tokens_inside: dict[str, int] = {}
    for run in trace.values():
        if run.record is not None:
            for ancestor in _ancestors(trace, run):
                tokens_inside[ancestor.run_id] = tokens_inside.get(ancestor.run_id, 0) + run.tokens
    incomplete = {
        run.run_id
        for run in trace.values()
        if run.unread is not None and (run.run_id not in tokens_inside or run.tokens > tokens_inside[run.run_id])
    }
    for run_id in incomplete:
        run = trace[run_id]
        around = list(_ancestors(trace, run))
        if run.unread and not any(other.record is not None or other.run_id in incomplete for other in around):
            yield run.unread
