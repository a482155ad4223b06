"""Read Langfuse exports: observations as JSON lines, as an array, as CSV, as pages of the API, or inside their trace.

Nested observations all count, as they do in Langfuse's own sums. Langfuse's costs stand beside ours for comparison. The text of
the conversation is not read. The tenant is the trace's user.

Sources: Langfuse's ingestion types, read 2026-11-22; its reference of exported fields and the code of its exports from the
page, read 2026-11-28.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from msgspec import structs

from voicebill.billing.record import Record
from voicebill.billing.usage import Usage
from voicebill.logs.counts import TokenCounts, no_usage
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.delimited import filled_rows, is_vendor_table
from voicebill.logs.documents import Document, decode_document, documents, matching_documents
from voicebill.logs.envelope import Envelope, RecordContext, Time
from voicebill.logs.formats.langfuse_usage import (
    UsageDetails,
    counts_from_details,
    usages_by_convention,
    usages_from_details,
)
from voicebill.logs.formats.realtime_events import Count
from voicebill.logs.report import ReadReport, first_of
from voicebill.logs.reported_costs import first_reported_cost, total_of_costs, with_reported_cost
from voicebill.logs.sources import NumberedLines

NAME = "langfuse"
ABOUT = "Langfuse's observations, as JSON lines, arrays, CSV, pages of its API, or inside traces"

TABLE_COLUMNS = (
    *(
        "id",
        "trace_id",
        "type",
        "model",
        "provided_model_name",
        "session_id",
        "user_id",
        "start_time",
        "end_time",
        "total_cost",
    ),
)


NAMES_OF_COSTS = ("costDetails", "cost_details", "calculatedTotalCost", "calculated_total_cost", "totalCost", "total_cost")


class Observation(Envelope, gc=False):
    """An observation, without the text of the conversation. A page or a trace contains many."""

    id: str | None = None
    type: str | None = None
    model: str | None = None
    providedModelName: str | None = None  # noqa: N815 - Langfuse's name
    provided_model_name: str | None = None
    traceId: str | None = None  # noqa: N815
    trace_id: str | None = None
    startTime: Time = None  # noqa: N815
    start_time: Time = None
    endTime: Time = None  # noqa: N815
    end_time: Time = None
    usageDetails: dict[str, int | float | str | None] | None = None  # noqa: N815
    usage_details: dict[str, int | float | str | None] | None = None
    usage: dict[str, int | float | str | None] | None = None
    costDetails: Any = None  # noqa: N815 - Langfuse's name
    cost_details: Any = None
    calculatedTotalCost: Any = None  # noqa: N815
    calculated_total_cost: Any = None
    totalCost: Any = None  # noqa: N815
    total_cost: Any = None
    promptTokens: Count | None = None  # noqa: N815
    completionTokens: Count | None = None  # noqa: N815
    data: "list[Observation] | None" = None
    observations: "list[Observation | str] | None" = None

    @property
    def details(self) -> UsageDetails | None:
        """The usage map, from the current field or an older one; None if there is none."""
        return self.usageDetails or self.usage_details or self.usage

    @property
    def cost(self) -> int | None:
        """What it cost by Langfuse, in picodollars; None if there is no amount."""
        totals = (self.calculatedTotalCost, self.calculated_total_cost, self.totalCost, self.total_cost)
        total = first_reported_cost(*totals, (self.usage or {}).get("totalCost"))
        return total if total is not None else total_of_costs(self.costDetails or self.cost_details)

    @property
    def without_costs(self) -> "Observation":
        """The observation without costs, which are not usage that was not read."""
        if self.cost is None:
            return self
        return structs.replace(self, **dict.fromkeys(NAMES_OF_COSTS))

    @property
    def observations_with_paths(self) -> Iterator[tuple["Observation", Sequence[str | int]]]:
        """Yield every observation in the document, and where it is."""
        for name, items in (("data", self.data), ("observations", self.observations)):
            for index, item in enumerate(items or ()):
                if isinstance(item, Observation):
                    yield item, (name, index)
        if not self.data and not self.observations:
            yield self, ()

    @property
    def is_distinctive(self) -> bool:
        """Whether only Langfuse writes documents like this."""
        has_start = self.startTime is not None or self.start_time is not None or self.type == "GENERATION"
        has_trace = self.traceId is not None or self.trace_id is not None or self.type == "GENERATION"
        return self.id is not None and has_start and has_trace and (self.details is not None or self.type == "GENERATION")


_decoder = msgspec.json.Decoder(Observation)
_KEYWORDS = ("usageDetails", "usage_details", "GENERATION")


def matches(sample: Sequence[bytes]) -> bool:
    """Return whether the first line is the header of exported observations, or the first documents contain some."""
    return is_vendor_table(NAME, sample) or any(
        observation.is_distinctive
        for document in matching_documents(sample, _decoder, _KEYWORDS)
        for observation, _ in document.observations_with_paths
    )


def read(logs: Iterable[NumberedLines], defaults: LogDefaults, report: ReadReport) -> Iterator[Record]:
    """Yield the records of all sources."""
    for lines in logs:
        is_table = is_vendor_table(NAME, lines.sample(1, 1))
        for document in _table_documents(lines, report) if is_table else documents(lines, report):
            root = decode_document(document, _decoder, report)
            if root is None:
                continue
            has_records = False
            for number, (observation, path) in enumerate(root.observations_with_paths, 1):
                context = RecordContext(document, defaults, report, (observation, root), path)
                record = _record(observation, context, number)
                if record is None:
                    report.other_lines += 1
                else:
                    has_records = True
                    yield from with_reported_cost((record,), observation.cost, reasoning_tokens=_reasoning(observation))
            if not has_records:
                report.add_unread_line(document.source, document.line_number, document.content)


def _table_documents(lines: NumberedLines, report: ReadReport) -> Iterator[Document]:
    """Yield the rows of a table as documents. Objects are JSON in a cell; of these, only the usage is taken."""
    for line_number, row in filled_rows(NAME, lines, report):
        cells: dict[str, object] = {name: row[name] for name in TABLE_COLUMNS if name in row}
        if "usage_details" in row:
            cells["usage_details"] = msgspec.Raw(row["usage_details"].encode())
        yield Document(lines.name, lines.identity, line_number, msgspec.json.encode(cells))


def _record(observation: Observation, context: RecordContext, number: int) -> Record | None:
    if observation.details is None and observation.type != "GENERATION":
        return None
    try:
        usages = _usages(observation, context.report)
    except ValueError as error:
        context.report.add_error(context.document.source, context.document.line_number, str(error))
        return None
    return context.record(
        f"langfuse:{observation.id}" if observation.id else context.document.key_of(number),
        usages,
        model=first_of(observation.model, observation.providedModelName, observation.provided_model_name),
        times=(observation.endTime, observation.end_time, observation.startTime, observation.start_time),
        part=observation.without_costs,
    )


def _reasoning(observation: Observation) -> int:
    """Return the tokens of reasoning of an observation whose cost is compared."""
    if observation.cost is None:
        return 0
    try:
        counts = counts_from_details(observation.details or {}, ReadReport())
    except ValueError:
        return 0
    return (counts.reasoning or 0) if counts is not None else 0


def _usages(observation: Observation, report: ReadReport) -> tuple[Usage, ...]:
    usages = usages_from_details(observation.details or {}, report)
    if usages is None and (observation.promptTokens or observation.completionTokens):
        usages = usages_by_convention(TokenCounts(input=observation.promptTokens, output=observation.completionTokens))
    return no_usage() if usages is None else usages
