"""Read a usage log that is uploaded on the page or sent to the API, within the site's limits. It is not stored."""

import zlib
from asyncio import CancelledError
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import islice
from threading import Event
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlencode

import duckdb
from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from voicebill.answers.parameters.inputs import (
    FIT_QUERY,
    LOG_DEFAULTS,
    LOG_INPUTS,
    LOG_QUERY,
    RECORD_QUERY,
    REPLAY_LOG_DEFAULTS,
    REPLAY_QUERY,
    SESSION_QUERY,
    log_defaults_of,
)
from voicebill.answers.parameters.read_inputs import InvalidInputs, read_inputs
from voicebill.answers.recorded.query import CostQuery
from voicebill.billing.errors import VoicebillError
from voicebill.billing.record import Record
from voicebill.engines.in_duckdb import SERVER_MEMORY, DuckDBEngine
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.read import all_records
from voicebill.logs.report import EMPTY_LOG, ReadReport
from voicebill.logs.sources import PARQUET, Source
from voicebill.web.forms.requests import issue_errors, read_query
from voicebill.web.responses import run_in_threads
from voicebill.web.sample_logs import read_sample_log
from voicebill.web.site import Site
from voicebill.web.status_reports import Problem

COST_FIELDS = (*LOG_DEFAULTS, "format", *LOG_QUERY)
EXPLANATION_FIELDS = (*LOG_DEFAULTS, "format", *SESSION_QUERY)
FIT_FIELDS = (*LOG_DEFAULTS, "format", *FIT_QUERY)
REPLAY_FIELDS = (*REPLAY_LOG_DEFAULTS, "format", *REPLAY_QUERY)
PLAN_OF_CALLS = "plan"
"""The value of `explain` that asks for a plan of the calls."""
CALLS_ELSEWHERE = "replay"
"""The value of `explain` that asks what the same calls would have cost elsewhere."""
PAGE_REPLAY_FIELDS = ("script", "stack")
PAGE_REPLAY = {"savings": "true", "sample": "400"}
"""What the page asks of a replay in addition to its fields: of many calls it takes a sample, so that nobody waits long."""
LOG_PAGE_FIELDS = ("sample", *dict.fromkeys((*COST_FIELDS, "session", "explain", *PAGE_REPLAY_FIELDS)))
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


class LoadedLog(NamedTuple):
    """A log in a database, with the values of the request, the query of its records, and the report of reading it."""

    database: DuckDBEngine
    values: Mapping[str, Any]
    query: CostQuery
    report: ReadReport


@dataclass(frozen=True, slots=True)
class LogRequest:
    """A log with the fields of the form. A sample log has a name among the fields; without it there may be no log.

    `replay` are the inputs of a replay, if it is asked for over the API.
    """

    values: Mapping[str, str]
    name: str = ""
    content: bytes = b""
    replay: Mapping[str, str] | None = None

    @property
    def is_sample(self) -> bool:
        """Whether a sample is asked for: a log that is sent takes its place."""
        return "sample" in self.values and not self.content

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
    def replay_values(self) -> Mapping[str, str]:
        """The inputs of a replay: those of the API, or of the page."""
        if self.replay is not None:
            return self.replay
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
def load_log(
    content: bytes, name: str, values: Mapping[str, str], site: Site, cancellation: Cancellation
) -> Iterator[LoadedLog]:
    """A log in a database of its own, while the block runs.

    Raises:
        Problem: the log is too large or in no known format, the request is invalid, or it was cancelled.
    """
    report = ReadReport()
    try:
        table = read_inputs({name: values[name] for name in LOG_REQUEST_INPUTS if values.get(name)}, LOG_REQUEST_INPUTS)
        query = CostQuery.of(table, site.facts.prices)
        values_of_log = {name: value for name, value in table.items() if name in LOG_DEFAULTS}
        aliases = {**site.facts.prices.model_aliases, **values_of_log.get("alias", {})}
        defaults = LogDefaults(**{**values_of_log, "alias": aliases})
        source = Source(name, content=LogContent(_decompress(content, name, site), cancellation), plain=True)
        with DuckDBEngine(memory=SERVER_MEMORY) as database:
            cancellation.attach(database)
            report.repeated = database.load(
                _limit_records(all_records([source], values.get("format") or None, defaults, report), site, cancellation)
            )
            cancellation.raise_if_cancelled()
            report.require_content()
            yield LoadedLog(database, table, query, report)
    except InvalidInputs as error:
        raise Problem(422, "Invalid input", issue_errors(error.issues)) from None
    except VoicebillError as error:
        raise Problem(422, "Invalid input", [(error.field, error.message)]) from None


async def run_with_log(site: Site, work: Callable[[Cancellation], LogResult]) -> LogResult:
    """Run work on a log in a thread; it is cancelled at the time limit."""
    cancellation = Cancellation()
    try:
        return await run_in_threads(site, lambda: work(cancellation), site.log_workers)
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
        return replace(log, name=f"{name}.jsonl", content=read_sample_log(name))
    except VoicebillError as error:
        raise Problem(422, "Invalid input", [("sample", error.message)]) from None


def _decompress(content: bytes, name: str, site: Site) -> bytes:
    """The decompressed bytes of a log, up to the limit."""
    if not content:
        raise Problem(422, "Invalid input", [("log", EMPTY_LOG)])
    max_bytes = site.limits.log_unpacked_bytes
    try:
        with Source(name, content=BytesIO(content)).open() as stream:
            unpacked = stream.read(max_bytes + 1)
    except (EOFError, OSError, ValueError, zlib.error) as error:
        raise Problem(422, "Invalid input", [("log", f"cannot be decompressed: {error}")]) from None
    if len(unpacked) > max_bytes:
        raise Problem(413, "Too long", [("log", f"has more than {max_bytes:,} bytes: the command line reads logs of any size")])
    if unpacked.startswith(PARQUET):
        raise Problem(422, "Invalid input", [("log", "is Parquet: the command line reads it")])
    return unpacked


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
    return LogRequest({**log_defaults_of(values), **records, "explain": CALLS_ELSEWHERE}, replay=replay)


async def read_log_request(request: Request, site: Site) -> LogRequest:
    """The log of a form, or the sample of an address."""
    return await read_upload(request, site) if request.method == "POST" else read_address(request, site)


def read_address(request: Request, site: Site) -> LogRequest:
    """The fields of an address, which may name a sample."""
    values = read_query(request.url.query, site.limits)
    return LogRequest({name: values[name] for name in LOG_PAGE_FIELDS if values.get(name)})


async def read_upload(request: Request, site: Site) -> LogRequest:
    """The fields of the form and its file, which is kept in memory.

    Raises:
        Problem: the request is not such a form.
    """
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise Problem(415, "Invalid input", [(None, "send the form with its file, as multipart/form-data")])
    parser = MultiPartParser(request.headers, request.stream(), max_files=1, max_fields=len(LOG_PAGE_FIELDS) + 5)
    parser.spool_max_size = site.limits.log_bytes + 1
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise Problem(422, "Invalid input", [(None, f"the form cannot be read: {error.message}")]) from None
    try:
        file = form.get("log")
        texts = {name: str(form[name]).strip() for name in LOG_PAGE_FIELDS if isinstance(form.get(name), str)}
        values = {name: text for name, text in texts.items() if text}
        if not isinstance(file, UploadFile):
            return LogRequest(values)
        return LogRequest(values, (file.filename or "the log")[:80], await file.read())
    finally:
        await form.close()
