"""Read LangSmith's runs: exports as JSON lines or an array, pages of its API, and runs with their children inside.

Only runs of the types `llm` and `embedding` are calls; the tokens of a chain or of the root of a trace are sums of those in
it (see run_trees). Totals include their parts, and cached tokens are part of the input. Of modalities LangSmith knows audio
only, so what it does not give is a range. A prefix `priority_` or `flex_` of a detail is OpenAI's service tier. LangSmith's
own dollar amounts stand beside ours for comparison. A conversation is a thread of its metadata; `session_id` is the project.

Sources: langsmith 0.15.1 (`schemas.Run`, `UsageMetadata`, `_internal/_usage.py`, `_internal/otel/_otel_exporter.py`,
`wrappers/_openai.py`, `types/run.py`), read 2026-11-28.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec
from msgspec import Struct

from voicebill.answers.recorded.unread_usage import UnreadUsage
from voicebill.billing.record import Record
from voicebill.logs.counts import MAX_COUNT, TokenCounts, no_usage, possible_usages
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.documents import decode_document, documents, matching_documents
from voicebill.logs.envelope import RecordContext, Time, first_text
from voicebill.logs.formats.run_trees import Run, RunTrees
from voicebill.logs.keys import response_key
from voicebill.logs.providers import normalize_provider
from voicebill.logs.report import ReadReport
from voicebill.logs.reported_costs import first_reported_cost, with_reported_cost
from voicebill.logs.sources import NumberedLines
from voicebill.logs.unread_usage import counts_in

NAME = "langsmith"
ABOUT = "LangSmith's runs, as JSON lines, arrays, pages of its API, or inside their parents"

CALL_RUN_TYPES = ("llm", "embedding")
PREFIXED_TIERS = ("priority", "flex")
THREAD_KEYS = ("thread_id", "session_id", "conversation_id")
"""The metadata by which LangSmith groups runs into threads."""
RESPONSE_IDS = ("resp_", "chatcmpl-")
"""The beginnings of OpenAI's identifiers, which its wrapper keeps in the outputs."""

Json = Mapping[str, Any]


class LangSmithRun(Struct, gc=False):
    """A run, or a page of runs."""

    id: str | None = None
    trace_id: str | None = None
    parent_run_id: str | None = None
    run_type: str | None = None
    start_time: Time = None
    end_time: Time = None
    dotted_order: str | None = None
    extra: Any = None
    metadata: Any = None
    outputs: Any = None
    prompt_tokens: Any = None
    completion_tokens: Any = None
    total_tokens: Any = None
    total_cost: Any = None
    prompt_token_details: Any = None
    completion_token_details: Any = None
    child_runs: "list[LangSmithRun] | None" = None
    runs: "list[LangSmithRun] | None" = None

    @property
    def all_runs(self) -> Iterator["LangSmithRun"]:
        """Yield every run in the document."""
        if self.run_type is not None:
            yield self
        for inner in (*(self.child_runs or ()), *(self.runs or ())):
            yield from inner.all_runs

    @property
    def is_distinctive(self) -> bool:
        """Whether only LangSmith writes documents like this."""
        return self.id is not None and (self.trace_id is not None or self.dotted_order is not None)

    @property
    def all_metadata(self) -> Json:
        """The metadata of the run."""
        return _mapping(_mapping(self.extra).get("metadata")) or _mapping(self.metadata)

    @property
    def usage(self) -> Json:
        """The counts, by LangSmith's names: those that were logged with the run, or else those that the export has."""
        logged = _mapping(self.all_metadata.get("usage_metadata")) or _usage_in_outputs(_mapping(self.outputs))
        exported = {
            "input_tokens": self.prompt_tokens,
            "output_tokens": self.completion_tokens,
            "total_tokens": self.total_tokens,
            "input_token_details": _details(self.prompt_token_details),
            "output_token_details": _details(self.completion_token_details),
        }
        pairs = (*exported.items(), *logged.items())
        return {name: value for name, value in pairs if value not in (None, {})}


def _mapping(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _details(value: object) -> Json:
    details = _mapping(value)
    return _mapping(details.get("raw")) or details


def _usage_in_outputs(outputs: Json) -> Json:
    """Return the usage in the outputs of a run, where the wrappers of OpenAI and of LangChain put it."""
    messages = [outputs, *(value for value in outputs.values() if isinstance(value, dict))]
    generations = outputs.get("generations")
    for generation in generations if isinstance(generations, list) else ():
        choices = generation if isinstance(generation, list) else [generation]
        messages += [_mapping(_mapping(choice).get("message")) for choice in choices]
    usages = (
        _mapping(part.get("usage_metadata")) for message in messages for part in (message, _mapping(message.get("kwargs")))
    )
    return next((usage for usage in usages if usage), {})


_decoder = msgspec.json.Decoder(LangSmithRun)
_KEYWORDS = ("run_type",)


def matches(sample: Sequence[bytes]) -> bool:
    """Return whether the first documents contain runs."""
    return any(run.is_distinctive for document in matching_documents(sample, _decoder, _KEYWORDS) for run in document.all_runs)


def read(logs: Iterable[NumberedLines], defaults: LogDefaults, report: ReadReport) -> Iterator[Record]:
    """Yield the records of all sources, trace by trace."""
    trees = RunTrees(report)
    for lines in logs:
        for document in documents(lines, report):
            root = decode_document(document, _decoder, report)
            if root is None:
                continue
            context = RecordContext(document, defaults, report)
            runs = list(root.all_runs)
            if not runs:
                report.add_other_line(document.source, document.line_number, document.content)
            for number, run in enumerate(runs, 1):
                yield from trees.add(_parse_run(run, context, number))
    yield from trees.finish()


def _parse_run(run: LangSmithRun, context: RecordContext, number: int) -> Run:
    document, usage = context.document, run.usage
    run_id = run.id or document.key_of(number)
    counts, record, unread = TokenCounts(), None, None
    try:
        counts = _counts(usage)
        record = _record(run, usage, counts, context, number) if run.run_type in CALL_RUN_TYPES else None
    except ValueError as error:
        context.report.add_error(document.source, document.line_number, str(error))
    if record is None and (unread_counts := counts_in(dict(usage))):
        unread = UnreadUsage(1, document.source, document.line_number, unread_counts)
    return Run(run.trace_id or "", run_id, run.parent_run_id or "", counts, record, unread)


def _record(run: LangSmithRun, usage: Json, counts: TokenCounts, context: RecordContext, number: int) -> Record:
    metadata = run.all_metadata
    parameters = _mapping(_mapping(run.extra).get("invocation_params"))
    identifier = _mapping(run.outputs).get("id")
    if isinstance(identifier, str) and identifier.startswith(RESPONSE_IDS):
        key = response_key(identifier)
    else:
        key = f"langsmith:{run.id}" if run.id else context.document.key_of(number)
    record = context.record(
        key,
        no_usage() if counts == TokenCounts() else possible_usages(counts),
        provider=normalize_provider(_text(metadata, "ls_provider")),
        model=_text(metadata, "ls_model_name") or _text(parameters, "model", "model_name"),
        session=_text(metadata, *THREAD_KEYS),
        times=(run.end_time, run.start_time),
        part={"usage": usage},
    )
    amount = first_reported_cost(run.total_cost, usage.get("total_cost"))
    (record,) = with_reported_cost((record,), amount, reasoning_tokens=counts.reasoning or 0)
    tier = next((tier for tier in PREFIXED_TIERS if any(_is_of_tier(name, tier) for name in _detail_names(usage))), None)
    return replace(record, tier=tier) if tier is not None else record


def _text(values: Json, *names: str) -> str | None:
    return first_text(*(value for name in names if isinstance(value := values.get(name), str | int)))


def _detail_names(usage: Json) -> Iterator[str]:
    for name in ("input_token_details", "output_token_details"):
        yield from _mapping(usage.get(name))


def _is_of_tier(name: str, tier: str) -> bool:
    return name == tier or name.startswith(f"{tier}_")


def _counts(usage: Json) -> TokenCounts:
    """Return the counts of a usage map.

    >>> answer = _counts({"input_tokens": 132, "output_tokens": 9, "input_token_details": {"audio": 13, "cache_read": 64}})
    >>> answer.input, answer.audio_in, answer.cached, answer.output
    (132, 13, 64, 9)

    Raises:
        ValueError: a value is not a count.
    """
    details_in, details_out = _mapping(usage.get("input_token_details")), _mapping(usage.get("output_token_details"))
    prefixes = ("", *(f"{tier}_" for tier in PREFIXED_TIERS))
    return TokenCounts(
        total=_count(usage, "total_tokens"),
        input=_count(usage, "input_tokens"),
        output=_count(usage, "output_tokens"),
        audio_in=_count(details_in, "audio"),
        cached=_count(details_in, *(f"{prefix}cache_read" for prefix in prefixes)),
        audio_out=_count(details_out, "audio"),
        reasoning=_count(details_out, *(f"{prefix}reasoning" for prefix in prefixes)),
    )


def _count(values: Json, *names: str) -> int | None:
    for name in names:
        value = values.get(name)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if value is None:
            continue
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_COUNT:
            raise ValueError(f"{name} is not a whole number from 0 to {MAX_COUNT:,}")
        return value
    return None
