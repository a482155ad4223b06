"""Read OpenAI's own usage of an organization: pages of its usage API as JSON, and the dashboard's usage exports as CSV.

Each result is the sum of a bucket of time, such as a day, for one project, model, key or whatever the usage was grouped by.
It is no call, so nothing is said per call. Of a bucket of more than an hour only the day is known, in UTC. The same bucket in
two exports counts once.

Whether the text and audio tokens include the cached ones differs: the API's reference said "including cached tokens" in 2024
and "uncached" in 2026, and a dashboard export has been seen with the uncached ones. The totals of each result decide: either
the parts alone or the parts with the cached ones add up to `input_tokens`. If neither does, both readings are priced, as a
range. Usage in other units than tokens, seconds and characters (images, searches, sessions, storage) is not read, and said.

Sources, read 2026-11-28: openai-python 3.57.0's types of `organization/usage`; the endpoint's reference as generated from
the OpenAPI specifications of 2024 to 2026; public code that reads these pages and the dashboard's exports.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import product
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from voicebill.billing.fingerprint import fingerprint
from voicebill.billing.record import Record
from voicebill.billing.usage import Usage
from voicebill.logs.counts import TokenCounts, no_usage, possible_usages
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.delimited import (
    InvalidRow,
    filled_rows,
    is_vendor_table,
    parse_cell_count,
    parse_cell_milliseconds,
)
from voicebill.logs.documents import decode_document, documents, matching_documents
from voicebill.logs.envelope import Name, Time, first_text
from voicebill.logs.formats.realtime_events import Count
from voicebill.logs.report import ReadReport, first_time
from voicebill.logs.sources import NumberedLines
from voicebill.logs.unread_usage import counts_in

NAME = "openai-usage"
ABOUT = "OpenAI's usage of an organization: pages of its usage API, and usage exports of its dashboard"

UsageKind = Literal["completions", "audio_transcriptions", "audio_speeches", "embeddings", "other"]
USAGE_KINDS: tuple[UsageKind, ...] = ("completions", "audio_transcriptions", "audio_speeches", "embeddings")
OBJECT_PREFIX, OBJECT_SUFFIX = "organization.usage.", ".result"
TIME_COLUMNS = ("start_time", "end_time", "start_time_iso", "end_time_iso")
"""The first columns of the dashboard's exports; one of days without usage has no others."""
DAY_COLUMNS = ("start_time", "start_time_iso", "date", "day")
"""The columns with the beginning of the bucket: those of the API, and what people call it when they save its results."""
OTHER_QUANTITIES = ("images", "num_sessions", "num_requests", "usage_bytes", "output_image_tokens")
"""Quantities that are not costed."""
LONGEST_TIMED_BUCKET = timedelta(hours=1)
TIERS_BY_NAME = {"default": "standard"}

EXCLUDING = "the text and audio tokens do not include the cached ones, as their sums show"
INCLUDING = "the text and audio tokens include the cached ones, as their sums show"
UNDECIDED = "it is open whether the text and audio tokens include the cached ones: both readings are priced"
NO_MODEL = "usage without a model: group it by model (group_by=model)"
WITH_OTHER_LOGS = "sums of the organization's usage, read beside logs of single responses: usage that is in both counts twice"
OVERLAPPING = "usage of days that another file groups in another way: it counts twice"


class UsageNode(Struct, gc=False):
    """A result, or a bucket or page that carries results; a result may also stand alone, with the times of its bucket."""

    object: str | None = None
    data: "list[UsageNode] | None" = None
    results: "list[UsageNode] | None" = None
    result: "list[UsageNode] | None" = None
    start_time: Time = None
    end_time: Time = None
    start_time_iso: Time = None
    end_time_iso: Time = None
    project_id: Name = None
    user_id: Name = None
    api_key_id: Name = None
    model: str | None = None
    batch: bool | None = None
    service_tier: str | None = None
    num_model_requests: Count | None = None
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    input_uncached_tokens: Count | None = None
    input_cached_tokens: Count | None = None
    input_cache_write_tokens: Count | None = None
    input_text_tokens: Count | None = None
    input_audio_tokens: Count | None = None
    input_image_tokens: Count | None = None
    input_cached_text_tokens: Count | None = None
    input_cached_audio_tokens: Count | None = None
    input_cached_image_tokens: Count | None = None
    output_text_tokens: Count | None = None
    output_audio_tokens: Count | None = None
    output_image_tokens: Count | None = None
    seconds: Annotated[float, Meta(ge=0, le=10**9)] | None = None
    characters: Count | None = None
    images: Count | None = None
    num_sessions: Count | None = None
    num_requests: Count | None = None
    usage_bytes: Count | None = None

    @property
    def items(self) -> "list[UsageNode] | None":
        """What a page or a bucket carries; None of a result."""
        return next((items for items in (self.data, self.results, self.result) if items is not None), None)

    @property
    def kind(self) -> UsageKind:
        """What was used."""
        name = (self.object or "").removeprefix(OBJECT_PREFIX).removesuffix(OBJECT_SUFFIX)
        if self.object is None:
            quantities = {
                "audio_transcriptions": self.seconds,
                "audio_speeches": self.characters,
                "completions": self.input_tokens,
            }
            name = next((name for name, quantity in quantities.items() if quantity is not None), "other")
        return next((kind for kind in USAGE_KINDS if kind == name), "other")


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageSum:
    """The usage of one bucket and one group, as OpenAI reports it. What the usage was not grouped by is None.

    `source` and `line_number` say where it was read. `end` is exclusive. `quantities` are those that are not costed. `ordinal`
    counts the sums of the same bucket and group in one page or table: what else tells them apart is not in the data.
    """

    source: str
    line_number: int
    kind: UsageKind
    start: datetime | None
    end: datetime | None
    project: str | None = None
    user: str | None = None
    api_key: str | None = None
    model: str | None = None
    batch: bool | None = None
    service_tier: str | None = None
    num_model_requests: int | None = None
    usage_candidates: tuple[Usage, ...] = field(default_factory=no_usage)
    quantities: Mapping[str, int] = field(default_factory=dict)
    ordinal: int = 1

    @property
    def grouping(self) -> frozenset[str]:
        """What the usage is grouped by."""
        names = ("project", "user", "api_key", "model", "batch", "service_tier")
        return frozenset(name for name in names if getattr(self, name) is not None)

    @property
    def key(self) -> str:
        """The bucket and the group, which identify the usage; of one without a time, its place."""
        group = (self.project, self.user, self.api_key, self.model, self.batch, self.service_tier)
        place = self.start or f"{self.source}:{self.line_number}"
        return f"{NAME}:{place}:{fingerprint((self.kind, self.end, self.ordinal, *group))}"

    @property
    def tier(self) -> str | None:
        """The service tier, as prices name it."""
        return "batch" if self.batch else TIERS_BY_NAME.get(self.service_tier or "", self.service_tier or None)


_decoder = msgspec.json.Decoder(UsageNode)
_KEYWORDS = (OBJECT_PREFIX, '"bucket"')


def matches(sample: Sequence[bytes]) -> bool:
    """Return whether the first lines are a usage export's header, or the first documents contain usage results."""
    if is_vendor_table(NAME, sample):
        return True
    return any(_is_usage(node) for node in matching_documents(sample, _decoder, _KEYWORDS))


def _is_usage(node: UsageNode) -> bool:
    if node.items is None or node.object == "bucket":
        return node.object == "bucket" or (node.object or "").startswith(OBJECT_PREFIX)
    return any(map(_is_usage, node.items))


def read(logs: Iterable[NumberedLines], defaults: LogDefaults, report: ReadReport) -> Iterator[Record]:
    """Yield the records of all sources."""
    reader = _SumReader(defaults, report)
    for lines in logs:
        reader.start_source()
        for usage_sum in usage_sums(lines, report):
            yield from reader.records(usage_sum)


class _SumReader:
    """Make records of sums, and note which days are in several files that group them in different ways."""

    def __init__(self, defaults: LogDefaults, report: ReadReport) -> None:
        self._defaults = defaults
        self._report = report
        self._has_other_logs = any(name not in (NAME, "empty") for name in report.sources.values())
        self._earlier: dict[tuple[UsageKind, date], frozenset[str]] = {}
        self._current: dict[tuple[UsageKind, date], frozenset[str]] = {}

    def start_source(self) -> None:
        """Begin a source."""
        self._earlier.update(self._current)
        self._current = {}

    def records(self, usage_sum: UsageSum) -> Iterator[Record]:
        """Yield the record of a sum; none if all of its quantities are of a kind that is not costed."""
        if usage_sum.quantities:
            self._report.add_unread_counts(usage_sum.source, usage_sum.line_number, usage_sum.quantities)
        if usage_sum.kind == "other":
            self._report.skipped["usage of a kind that is not costed"] += not usage_sum.quantities
            return
        for remark, applies in (
            (NO_MODEL, usage_sum.model is None),
            (WITH_OTHER_LOGS, self._has_other_logs),
            (OVERLAPPING, self._overlaps(usage_sum)),
        ):
            if applies:
                self._report.remarks[remark] += 1
        yield self._record(usage_sum)

    def _overlaps(self, usage_sum: UsageSum) -> bool:
        if usage_sum.start is None:
            return False
        place = (usage_sum.kind, usage_sum.start.date())
        self._current[place] = self._current.get(place, frozenset()) | usage_sum.grouping
        return self._earlier.get(place, usage_sum.grouping) != usage_sum.grouping

    def _record(self, usage_sum: UsageSum) -> Record:
        defaults, start = self._defaults, usage_sum.start
        is_transcription = usage_sum.kind == "audio_transcriptions"
        has_time = start is not None and usage_sum.end is not None and usage_sum.end - start <= LONGEST_TIMED_BUCKET
        return Record(
            key=usage_sum.key,
            kind="transcription" if is_transcription else "response",
            usage_candidates=usage_sum.usage_candidates,
            source=usage_sum.source,
            line_number=usage_sum.line_number,
            provider="openai",
            model=usage_sum.model or (defaults.transcription_model if is_transcription else defaults.model),
            deployment=defaults.deployment,
            tier=usage_sum.tier or defaults.tier,
            tenant=defaults.tenant,
            project=usage_sum.project or defaults.project,
            time=start if has_time else None,
            day=start.date() if start else defaults.day,
        )


def usage_sums(lines: NumberedLines, report: ReadReport) -> Iterator[UsageSum]:
    """Yield the results of a source, pages of the API or an export of the dashboard."""
    if is_vendor_table(NAME, lines.sample(1, 1)):
        yield from _numbered(_sums_of_table(lines, report))
        return
    for document in documents(lines, report):
        root = decode_document(document, _decoder, report)
        if root is None:
            continue
        if not _is_usage(root):
            report.add_other_line(document.source, document.line_number, document.content)
            continue
        results = _results(root, root)
        yield from _numbered(
            _usage_sum(node, bucket, document.source, document.line_number, report) for node, bucket in results
        )


def _numbered(sums: Iterable[UsageSum]) -> Iterator[UsageSum]:
    """Number the sums of the same bucket and group."""
    ordinals: Counter[str] = Counter()
    for usage_sum in sums:
        ordinals[usage_sum.key] += 1
        yield replace(usage_sum, ordinal=ordinals[usage_sum.key])


def _results(node: UsageNode, bucket: UsageNode) -> Iterator[tuple[UsageNode, UsageNode]]:
    """Yield the results in a node, each with its bucket."""
    if node.start_time is not None:
        bucket = node
    if node.items is None:
        yield node, bucket
    for item in node.items or ():
        yield from _results(item, bucket)


EXPORTED_COUNTS = (
    *(name for name in UsageNode.__struct_fields__ if name.endswith("_tokens")),
    *("num_model_requests", "characters", "images", "num_sessions", "num_requests", "usage_bytes"),
)
EXPORTED_TEXTS = (*TIME_COLUMNS, "project_id", "user_id", "api_key_id", "model", "service_tier")


def _sums_of_table(lines: NumberedLines, report: ReadReport) -> Iterator[UsageSum]:
    for line_number, row in filled_rows(NAME, lines, report):
        fields: dict[str, object] = {name: row[name] for name in EXPORTED_TEXTS if name in row}
        fields["start_time"] = next((row[name] for name in DAY_COLUMNS if name in row), None)
        fields["batch"] = {"true": True, "false": False}.get(row.get("batch", "").lower())
        try:
            fields |= {name: parse_cell_count(name, row[name]) for name in EXPORTED_COUNTS if name in row}
            if "seconds" in row:
                fields["seconds"] = parse_cell_milliseconds("seconds", row["seconds"]) / 1000
        except InvalidRow as error:
            report.add_error(lines.name, line_number, str(error))
            report.add_unread_counts(lines.name, line_number, counts_in(dict(row)))
            continue
        if row.keys() - TIME_COLUMNS:
            node = msgspec.convert(fields, UsageNode)
            yield _usage_sum(node, node, lines.name, line_number, report)


def _usage_sum(node: UsageNode, bucket: UsageNode, source: str, line_number: int, report: ReadReport) -> UsageSum:
    kind = node.kind
    return UsageSum(
        source=source,
        line_number=line_number,
        kind=kind,
        start=first_time(report, (bucket.start_time, bucket.start_time_iso)),
        end=first_time(report, (bucket.end_time, bucket.end_time_iso)),
        project=first_text(node.project_id),
        user=first_text(node.user_id),
        api_key=first_text(node.api_key_id),
        model=node.model or None,
        batch=node.batch,
        service_tier=node.service_tier or None,
        num_model_requests=node.num_model_requests,
        usage_candidates=_usages(node, kind, report),
        quantities={name: count for name in OTHER_QUANTITIES if (count := getattr(node, name))},
    )


def _usages(node: UsageNode, kind: UsageKind, report: ReadReport) -> tuple[Usage, ...]:
    if kind == "audio_transcriptions" and node.seconds is not None:
        return (Usage({"audio_ms": round(node.seconds * 1000)}),)
    if kind == "audio_speeches" and node.characters is not None:
        return (Usage({"characters_in": node.characters}),)
    if kind == "embeddings" and node.input_tokens is not None:
        return (Usage.tokens(text_in=node.input_tokens),)
    if kind != "completions" or (node.input_tokens is None and node.output_tokens is None):
        return no_usage()
    usages, remark = token_usages(node)
    if remark:
        report.remarks[remark] += 1
    return usages


def token_usages(node: UsageNode) -> tuple[tuple[Usage, ...], str]:
    """Return the usages that the token counts of a result allow, and a remark on how its cached tokens were read.

    >>> counts = {"input_tokens": 100, "input_cached_tokens": 60, "input_cached_text_tokens": 60, "output_tokens": 0}
    >>> [dict(usage.items()) for usage in token_usages(UsageNode(input_text_tokens=40, **counts))[0]]
    [{'text_in': 40, 'text_in_cached': 60}]
    >>> [dict(usage.items()) for usage in token_usages(UsageNode(input_text_tokens=100, **counts))[0]]
    [{'text_in': 40, 'text_in_cached': 60}]
    """
    parts = [count for count in (node.input_text_tokens, node.input_audio_tokens, node.input_image_tokens) if count is not None]
    cached, written, total = _cached_tokens(node), node.input_cache_write_tokens or 0, node.input_tokens
    if not parts or not cached:
        return _usages_including_cached(node), ""
    if total == sum(parts) + cached + written or node.input_uncached_tokens == sum(parts):
        return _usages_excluding_cached(node, cached), EXCLUDING
    if total in (sum(parts), sum(parts) + written):
        return _usages_including_cached(node), INCLUDING
    readings = {EXCLUDING: _usages_excluding_cached(node, cached), INCLUDING: _usages_including_cached(node)}
    possible = {remark: usages for remark, usages in readings.items() if usages[0].status != "inconsistent"}
    if len(possible) == 2:
        distinct = {tuple(sorted(usage.items())): usage for usages in possible.values() for usage in usages}
        return tuple(replace(usage, status="ambiguous") for usage in distinct.values()), UNDECIDED
    return next(((usages, remark) for remark, usages in possible.items()), (readings[EXCLUDING], ""))


def _cached_tokens(node: UsageNode) -> int:
    if node.input_cached_tokens is not None:
        return node.input_cached_tokens
    parts = (node.input_cached_text_tokens, node.input_cached_audio_tokens, node.input_cached_image_tokens)
    return sum(count or 0 for count in parts)


def _usages_including_cached(node: UsageNode) -> tuple[Usage, ...]:
    """Return the usages if the text and audio tokens include the cached ones."""
    return _with_cache_writes(
        node,
        possible_usages(
            TokenCounts(
                input=_less(node.input_tokens, node.input_cache_write_tokens),
                text_in=node.input_text_tokens,
                audio_in=node.input_audio_tokens,
                image_in=node.input_image_tokens,
                cached=node.input_cached_tokens,
                text_cached=node.input_cached_text_tokens,
                audio_cached=node.input_cached_audio_tokens,
                image_cached=node.input_cached_image_tokens,
                output=_less(node.output_tokens, node.output_image_tokens),
                text_out=node.output_text_tokens,
                audio_out=node.output_audio_tokens,
            )
        ),
    )


def _usages_excluding_cached(node: UsageNode, cached: int) -> tuple[Usage, ...]:
    """Return the usages if the text and audio tokens are those that were not cached."""
    uncached = node.input_uncached_tokens
    if uncached is None:
        uncached = _less(node.input_tokens, cached + (node.input_cache_write_tokens or 0))
    uncached_usages = possible_usages(
        TokenCounts(
            input=uncached,
            text_in=node.input_text_tokens,
            audio_in=node.input_audio_tokens,
            image_in=node.input_image_tokens,
            output=_less(node.output_tokens, node.output_image_tokens),
            text_out=node.output_text_tokens,
            audio_out=node.output_audio_tokens,
        )
    )
    cached_usages = possible_usages(
        TokenCounts(
            input=cached,
            text_in=node.input_cached_text_tokens,
            audio_in=node.input_cached_audio_tokens,
            image_in=node.input_cached_image_tokens,
        )
    )
    usages = tuple(
        uncached_usage + Usage({f"{meter}_cached": count for meter, count in cached_usage.items()}, cached_usage.status)
        for uncached_usage, cached_usage in product(uncached_usages, cached_usages)
    )
    return _with_cache_writes(node, usages[:1] if usages[0].status == "inconsistent" else usages)


def _with_cache_writes(node: UsageNode, usages: tuple[Usage, ...]) -> tuple[Usage, ...]:
    written = Usage.tokens(text_in_cache_write=node.input_cache_write_tokens or 0)
    return tuple(usage + written for usage in usages)


def _less(total: int | None, part: int | None) -> int | None:
    return None if total is None else max(total - (part or 0), 0)
