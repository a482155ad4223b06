"""Read a usage log that is uploaded on the page or sent to the API, within the site's limits. It is not stored."""

import zlib
from asyncio import CancelledError
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import islice
from threading import Event
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlencode

import duckdb
from fastapi import Request
from starlette.formparsers import MultiPartException, MultiPartParser

from voicebill.answers.parameters.inputs import (
    FIT_QUERY,
    LOG_DEFAULTS,
    LOG_INPUTS,
    LOG_QUERY,
    RECONCILE_QUERY,
    RECORD_QUERY,
    REPLAY_LOG_DEFAULTS,
    REPLAY_QUERY,
    SESSION_QUERY,
    VERIFY_QUERY,
    log_defaults_of,
)
from voicebill.answers.parameters.read_inputs import InvalidInputs, read_inputs
from voicebill.answers.recorded.query import CostQuery
from voicebill.billing.errors import VoicebillError
from voicebill.billing.recent_texts import forget_texts
from voicebill.billing.record import Record
from voicebill.engines.in_duckdb import SERVER_MEMORY, DuckDBEngine
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.read import all_records
from voicebill.logs.report import EMPTY_LOG, ReadReport
from voicebill.logs.sources import PARQUET, Source
from voicebill.web.forms.fields import PAGE_BILL_INPUTS
from voicebill.web.forms.requests import issue_errors, read_query
from voicebill.web.responses import run_in_threads
from voicebill.web.sample_logs import read_sample_log
from voicebill.web.site import Site
from voicebill.web.status_reports import Problem

COST_FIELDS = (*LOG_DEFAULTS, "format", *LOG_QUERY)
EXPLANATION_FIELDS = (*LOG_DEFAULTS, "format", *SESSION_QUERY)
FIT_FIELDS = (*LOG_DEFAULTS, "format", *FIT_QUERY)
REPLAY_FIELDS = (*REPLAY_LOG_DEFAULTS, "format", *REPLAY_QUERY)
RECONCILE_FIELDS = (*LOG_DEFAULTS, "format", *RECONCILE_QUERY)
PLAN_OF_CALLS = "plan"
"""The value of `explain` that asks for a plan of the calls."""
CALLS_ELSEWHERE = "replay"
"""The value of `explain` that asks what the same calls would have cost elsewhere."""
VERIFY_FIELDS = (*LOG_DEFAULTS, "format", *VERIFY_QUERY)
AGAINST_BILL = "bill"
"""The value of `explain` that asks why a vendor's bill differs."""
PAGE_REPLAY_FIELDS = ("script", "stack")
PAGE_BILL_FIELDS = tuple(PAGE_BILL_INPUTS)
MAX_UPLOADED_FILES = 40
"""So many files may be sent at once: a log, and the files of a bill."""
PAGE_REPLAY = {"savings": "true", "sample": "400"}
"""What the page asks of a replay in addition to its fields: of many calls it takes a sample, so that nobody waits long."""
LOG_PAGE_FIELDS = ("sample", *dict.fromkeys((*COST_FIELDS, "session", "explain", *PAGE_REPLAY_FIELDS, *PAGE_BILL_FIELDS)))
"""The fields of the page's address: those of the API, the name of a sample log, and whether its cost is explained."""
LOG_REQUEST_INPUTS = {**LOG_INPUTS, **SESSION_QUERY}
LogResult = TypeVar("LogResult")


class Cancellation:
    """Cancellation of a request: reading stops, and the database is interrupted."""

    def __init__(self) -> None:
        self._event = Event()
        self._database: DuckDBEngine | None = None

    def cancel(self) -> None:
        """Cancel the request."""
        self._event.set()
        if self._database is not None:
            with suppress(duckdb.Error):  # it may already be closed
                self._database.connection.interrupt()

    def attach(self, database: DuckDBEngine) -> None:
        """Interrupt this database as well on cancellation."""
        self._database = database
        self.raise_if_cancelled()

    def raise_if_cancelled(self) -> None:
        """Continue unless the request is cancelled.

        Raises:
            Problem: it is cancelled.
        """
        if self._event.is_set():
            raise Problem(503, "Too slow", [(None, "the request was cancelled")])


class LogContent(BytesIO):
    """The bytes of a log; reading stops when the request is cancelled."""

    def __init__(self, content: bytes, cancellation: Cancellation) -> None:
        super().__init__(content)
        self._cancellation = cancellation

    def readline(self, size: int | None = -1, /) -> bytes:
        """The next line."""
        self._cancellation.raise_if_cancelled()
        return super().readline(size)

    def read1(self, size: int | None = -1, /) -> bytes:
        """The next bytes."""
        self._cancellation.raise_if_cancelled()
        return super().read1(size)


class LogRecords(NamedTuple):
    """The records of a log, with the values of the request, the query of the records, and the report of reading them."""

    records: Iterator[Record]
    values: Mapping[str, Any]
    query: CostQuery
    report: ReadReport


class LoadedLog(NamedTuple):
    """A log in a database, with the values of the request, the query of its records, and the report of reading it."""

    database: DuckDBEngine
    values: Mapping[str, Any]
    query: CostQuery
    report: ReadReport


class UploadedFile(NamedTuple):
    """A file that was sent, as it was sent."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class LogRequest:
    """Logs with the fields of the form. A sample log has a name among the fields; without it there may be no log.

    `bills` are the files of a vendor's bill. `inputs` are those of a replay or of a comparison with a bill, if that is asked
    for over the API.
    """

    values: Mapping[str, str]
    logs: tuple[UploadedFile, ...] = ()
    bills: tuple[UploadedFile, ...] = ()
    inputs: Mapping[str, str] | None = None

    @property
    def is_sample(self) -> bool:
        """Whether a sample is asked for: a log that is sent takes its place."""
        return "sample" in self.values and not any(file.content for file in self.logs)

    @property
    def explains(self) -> bool:
        """Whether the cost is explained, that of all calls or of one."""
        return bool(self.values.get("explain") or self.values.get("session"))

    @property
    def asks_for_plan(self) -> bool:
        """Whether a plan is fitted to the calls."""
        return self.values.get("explain") == PLAN_OF_CALLS and not self.values.get("session")

    @property
    def asks_for_replay(self) -> bool:
        """Whether the calls are replayed."""
        return self.values.get("explain") == CALLS_ELSEWHERE and not self.values.get("session")

    @property
    def asks_for_bill(self) -> bool:
        """Whether the log is compared with a bill."""
        return self.values.get("explain") == AGAINST_BILL

    @property
    def replay_values(self) -> Mapping[str, str]:
        """The inputs of a replay: those of the API, or of the page."""
        if self.inputs is not None:
            return self.inputs
        names = (*PAGE_REPLAY_FIELDS, *RECORD_QUERY)
        return {**PAGE_REPLAY, **{name: self.values[name] for name in names if name in self.values}}

    @property
    def query(self) -> str:
        """The fields as a query: all of the address but for a log that was sent, which has none."""
        return self.without()

    def without(self, *names: str) -> str:
        """The fields as a query, without some of them."""
        return urlencode({name: self.values[name] for name in LOG_PAGE_FIELDS if name in self.values and name not in names})


@contextmanager
def load_log(log: LogRequest, site: Site, cancellation: Cancellation) -> Iterator[LoadedLog]:
    """A log in a database of its own, while the block runs.

    Raises:
        Problem: the log is too large or in no known format, the request is invalid, or it was cancelled.
    """
    with read_upload_records(log, site, cancellation) as upload, DuckDBEngine(memory=SERVER_MEMORY) as database:
        cancellation.attach(database)
        upload.report.repeated = database.load(upload.records)
        cancellation.raise_if_cancelled()
        upload.report.require_content()
        yield LoadedLog(database, upload.values, upload.query, upload.report)


@contextmanager
def read_upload_records(log: LogRequest, site: Site, cancellation: Cancellation) -> Iterator[LogRecords]:
    """The records of a log; faults that are met while the block runs are those of the request.

    Raises:
        Problem: the log is too large or in no known format, the request is invalid, or it was cancelled.
    """
    report = ReadReport()
    try:
        values = log.values
        table = read_inputs({name: values[name] for name in LOG_REQUEST_INPUTS if values.get(name)}, LOG_REQUEST_INPUTS)
        query = CostQuery.of(table, site.facts.prices)
        values_of_log = {name: value for name, value in table.items() if name in LOG_DEFAULTS}
        aliases = {**site.facts.prices.model_aliases, **values_of_log.get("alias", {})}
        defaults = LogDefaults(**{**values_of_log, "alias": aliases})
        sources = open_uploads(log.logs or [UploadedFile("the log", b"")], "log", EMPTY_LOG, site, cancellation)
        records = all_records(sources, values.get("format") or None, defaults, report)
        yield LogRecords(_limit_records(records, site, cancellation), table, query, report)
    except InvalidInputs as error:
        raise Problem(422, "Invalid input", issue_errors(error.issues)) from None
    except VoicebillError as error:
        raise Problem(422, "Invalid input", [(error.field, error.message)]) from None


async def run_with_log(site: Site, work: Callable[[Cancellation], LogResult]) -> LogResult:
    """Run work on a log in a thread; it is cancelled at the time limit. Nothing of the log is kept afterwards."""
    cancellation = Cancellation()

    def work_and_forget() -> LogResult:
        try:
            return work(cancellation)
        finally:
            forget_texts()

    try:
        return await run_in_threads(site, work_and_forget, site.log_workers)
    except CancelledError:
        cancellation.cancel()
        raise


def with_sample(log: LogRequest) -> LogRequest:
    """A request with the content of the sample that it names, if it names one.

    Raises:
        Problem: there is no such sample.
    """
    if not log.is_sample:
        return log
    name = log.values["sample"]
    try:
        return replace(log, logs=(UploadedFile(f"{name}.jsonl", read_sample_log(name)),))
    except VoicebillError as error:
        raise Problem(422, "Invalid input", [("sample", error.message)]) from None


def open_uploads(
    files: Sequence[UploadedFile], field: str, if_empty: str, site: Site, cancellation: Cancellation
) -> list[Source]:
    """The sources of files that were sent, decompressed; all of them together are limited.

    Raises:
        Problem: one is empty, damaged or Parquet, or they are too large; it names the field.
    """
    sources: list[Source] = []
    max_bytes = site.limits.log_unpacked_bytes
    for file in files:
        if not file.content:
            raise Problem(422, "Invalid input", [(field, if_empty)])
        content = _decompress(file, field, max_bytes)
        max_bytes -= len(content)
        if max_bytes < 0:
            message = f"has more than {site.limits.log_unpacked_bytes:,} bytes: the command line reads logs of any size"
            raise Problem(413, "Too long", [(field, message)])
        if content.startswith(PARQUET):
            raise Problem(422, "Invalid input", [(field, "is Parquet: the command line reads it")])
        sources.append(Source(file.name, content=LogContent(content, cancellation), plain=True))
    return sources


def _decompress(file: UploadedFile, field: str, max_bytes: int) -> bytes:
    """The decompressed bytes of a file, up to one more than the limit."""
    try:
        with Source(file.name, content=BytesIO(file.content)).open() as stream:
            return stream.read(max_bytes + 1)
    except (EOFError, OSError, ValueError, zlib.error) as error:
        raise Problem(422, "Invalid input", [(field, f"cannot be decompressed: {error}")]) from None


def _limit_records(records: Iterator[Record], site: Site, cancellation: Cancellation) -> Iterator[Record]:
    for record in islice(records, site.limits.log_records):
        cancellation.raise_if_cancelled()
        yield record
    if next(records, None) is not None:
        max_records = f"{site.limits.log_records:,}"
        raise Problem(
            413, "Too long", [("log", f"has more than {max_records} records: the command line reads logs of any size")]
        )


def replay_of_query(values: Mapping[str, str]) -> LogRequest:
    """A replay that is asked for over the API: its inputs, and the values for what the log does not state."""
    records = {name: values[name] for name in (*RECORD_QUERY, "format") if name in values}
    replay = {name: values[name] for name in REPLAY_QUERY if name in values}
    return LogRequest({**log_defaults_of(values), **records, "explain": CALLS_ELSEWHERE}, inputs=replay)


async def read_log_request(request: Request, site: Site) -> LogRequest:
    """The log of a form, or the sample of an address."""
    return await read_upload(request, site) if request.method == "POST" else read_address(request, site)


def read_address(request: Request, site: Site) -> LogRequest:
    """The fields of an address, which may name a sample."""
    values = read_query(request.url.query, site.limits)
    return LogRequest({name: values[name] for name in LOG_PAGE_FIELDS if values.get(name)})


async def read_upload(request: Request, site: Site) -> LogRequest:
    """The fields of the form and its files, which are kept in memory.

    Raises:
        Problem: the request is not such a form.
    """
    texts, files = await read_uploaded_form(request, site)
    values = {name: texts[name] for name in LOG_PAGE_FIELDS if name in texts}
    return LogRequest(values, files.get("log", ()), files.get("bill", ()))


async def read_uploaded_form(request: Request, site: Site) -> tuple[Mapping[str, str], Mapping[str, tuple[UploadedFile, ...]]]:
    """The fields of a form that are filled in, and the files of each field that has any.

    Raises:
        Problem: the request is not such a form.
    """
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise Problem(415, "Invalid input", [(None, "send the form with its file, as multipart/form-data")])
    parser = MultiPartParser(
        request.headers, request.stream(), max_files=MAX_UPLOADED_FILES, max_fields=len(LOG_PAGE_FIELDS) + 5
    )
    parser.spool_max_size = site.limits.log_bytes + 1
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise Problem(422, "Invalid input", [(None, f"the form cannot be read: {error.message}")]) from None
    texts: dict[str, str] = {}
    files: dict[str, tuple[UploadedFile, ...]] = {}
    try:
        for name, value in form.multi_items():
            if isinstance(value, str):
                texts |= {name: value.strip()} if value.strip() else {}
                continue
            content = await value.read()
            if content or value.filename:
                files[name] = (*files.get(name, ()), UploadedFile((value.filename or "the log")[:80], content))
    finally:
        await form.close()
    return texts, files
