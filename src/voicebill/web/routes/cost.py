"""Serve the actual cost of a usage log, which is uploaded on the page or sent to the API, and not stored."""

import zlib
from asyncio import CancelledError
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from threading import Event
from typing import Any
from urllib.parse import urlencode

import duckdb
from fastapi import APIRouter, Request, Response
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from voicebill.answers.escaping import csv_text
from voicebill.answers.parameters.inputs import LOG_DEFAULTS, LOG_INPUTS, LOG_QUERY
from voicebill.answers.parameters.read_inputs import InvalidInputs, read_inputs
from voicebill.answers.recorded.cost import cost
from voicebill.answers.recorded.query import CostQuery
from voicebill.answers.recorded.result import Cost
from voicebill.answers.reports.chart_data import NOT_NAMED
from voicebill.answers.reports.cost import CostReport
from voicebill.answers.reports.table_cells import amount_status, format_quantity_range
from voicebill.billing.errors import VoicebillError
from voicebill.billing.record import Record
from voicebill.charts.inline.cost_charts import cost_columns, cost_spans
from voicebill.engines.cost_table import cost_cells
from voicebill.engines.in_duckdb import SERVER_MEMORY, DuckDBEngine
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.read import LOG_FORMATS, all_records
from voicebill.logs.report import EMPTY_LOG, ReadReport
from voicebill.logs.report_text import log_input_report, report_notes
from voicebill.logs.sources import PARQUET, Source
from voicebill.web import openapi
from voicebill.web.forms.fields import LOG_DEFAULT_FIELDS, LOG_QUERY_FIELDS
from voicebill.web.forms.requests import issue_errors, read_query
from voicebill.web.pages import Pages
from voicebill.web.responses import json_body, run_in_threads, see_other, uncached, with_etag
from voicebill.web.sample_logs import SAMPLE_LOGS, read_sample_log
from voicebill.web.site import Site
from voicebill.web.status_reports import Problem

GROUP_BY_CHOICES = ("tenant", "project", "day", "hour", "model", "offer", "session", "turn", "kind", "status", "meter")
"""Choices of the form for grouping; the API takes several fields, and any field."""
COST_FIELDS = (*LOG_DEFAULTS, "format", *LOG_QUERY)
LOG_PAGE_FIELDS = ("sample", *COST_FIELDS)
"""The fields of the page's address: those of the API, and the name of a sample log."""
MAX_GROUPS_ON_PAGE = 200
"""Groups that the page shows."""
MAX_UNFOLDED_ROWS = 10
"""Rows of a table that are shown before it is unfolded."""


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


class _Content(BytesIO):
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


@dataclass(frozen=True, slots=True)
class LogRequest:
    """A log with the fields of the form. A sample log has a name among the fields; without it there may be no log."""

    values: Mapping[str, str]
    name: str = ""
    content: bytes = b""

    @property
    def is_sample(self) -> bool:
        """Whether a sample is asked for: a log that is sent takes its place."""
        return "sample" in self.values and not self.content

    @property
    def query(self) -> str:
        """The fields as a query: all of the address but for a log that was sent, which has none."""
        return urlencode({name: self.values[name] for name in LOG_PAGE_FIELDS if name in self.values})


@dataclass(frozen=True, slots=True)
class LogCost:
    """The cost of a log, with the report of reading it."""

    answer: Cost
    report: ReadReport

    @property
    def cost_report(self) -> CostReport:
        """The cost, with what was read."""
        return CostReport.of(self.answer, log_input_report(self.report))

    @property
    def csv(self) -> str:
        """The groups, or the lines of the bill, as a table."""
        titles, rows = cost_cells(self.answer)
        return csv_text([titles, *rows])


DOWNLOADS: Mapping[str, tuple[str, Callable[[LogCost], bytes]]] = {
    "csv": ("text/csv; charset=utf-8", lambda log_cost: log_cost.csv.encode()),
    "json": ("application/json", lambda log_cost: json_body(log_cost.cost_report)),
}
"""The media types of the files that a cost can be downloaded as, and how they are written."""


def routes(site: Site, pages: Pages) -> APIRouter:
    """The page, its result and its files, and the API."""
    router = APIRouter()

    @router.get("/cost", include_in_schema=False)
    async def page(request: Request) -> Response:
        log = _read_address(request, site)
        return await _respond(request, log, site, pages) if log.is_sample else _render(request, pages, log)

    @router.post("/cost", include_in_schema=False)
    async def submit(request: Request) -> Response:
        log = await _read_upload(request, site)
        if log.is_sample:
            return see_other(request, f"{site.prefix}/cost?{_with_plan(log.query, request)}")
        return await _respond(request, log, site, pages)

    @router.api_route("/cost/answer", methods=["GET", "POST"], include_in_schema=False)
    async def part(request: Request) -> Response:
        log = await _read_log(request, site)
        return _render(request, pages, log, template="_cost.html", view=await _answer(log, site))

    @router.api_route("/cost.{kind}", methods=["GET", "POST"], include_in_schema=False)
    async def file(request: Request, kind: str) -> Response:
        if kind not in DOWNLOADS:
            endings = " or ".join(f".{name}" for name in DOWNLOADS)
            raise Problem(404, "Not found", [(None, f"there is no such file: its name may end in {endings}")])
        return await _respond(request, await _read_log(request, site), site, pages, kind=kind)

    @router.post("/api/cost", **openapi.POST_COST)
    async def api(request: Request) -> Response:
        values = read_query(request.url.query, site.limits)
        unknown = next((name for name in values if name not in COST_FIELDS), None)
        if unknown is not None:
            raise Problem(422, "Invalid input", [(unknown[:40], f"is none of {', '.join(COST_FIELDS)}")])
        if request.headers.get("content-type", "").lower().startswith("multipart/"):
            message = "send the log itself as the body (curl --data-binary @usage.jsonl)"
            raise Problem(415, "Invalid input", [(None, message)])
        content = await request.body()
        log_cost = await _cost_log_in_thread(content, "the log", values, site)
        return uncached(await run_in_threads(site, lambda: json_body(log_cost.cost_report), site.log_workers))

    return router


def _render(
    request: Request,
    pages: Pages,
    log: LogRequest,
    *,
    template: str = "cost.html",
    view: LogCost | None = None,
    problem: Problem | None = None,
) -> Response:
    """The page or its result; what is wrong is shown at its field."""
    context = _template_context(log, view, problem)
    return pages.page(request, template, context, status=problem.status if problem else 200)


async def _respond(request: Request, log: LogRequest, site: Site, pages: Pages, *, kind: str | None = None) -> Response:
    """The page with the cost of a log, or the cost as a file of a kind."""
    try:
        log_cost = await _answer(log, site)
    except Problem as problem:
        if kind and "text/html" not in request.headers.get("accept", ""):
            raise
        return _render(request, pages, log, problem=problem)
    if kind is None:
        return _render(request, pages, log, view=log_cost)
    media_type, write = DOWNLOADS[kind]
    body = await run_in_threads(site, lambda: write(log_cost), site.log_workers)
    headers = {"content-disposition": f'attachment; filename="cost.{kind}"'}
    if request.method == "POST":
        return Response(body, media_type=media_type, headers=headers | {"cache-control": "no-store"})
    return with_etag(request, body, media_type, headers=headers)


async def _answer(log: LogRequest, site: Site) -> LogCost:
    """The cost of the log of a request, or of the sample that it names.

    Raises:
        Problem: there is none, or as `cost_log`.
    """
    if not log.is_sample:
        return await _cost_log_in_thread(log.content, log.name, log.values, site)
    name = log.values["sample"]
    try:
        content = read_sample_log(name)
    except VoicebillError as error:
        raise Problem(422, "Invalid input", [("sample", error.message)]) from None
    return await _cost_log_in_thread(content, f"{name}.jsonl", log.values, site)


async def _cost_log_in_thread(content: bytes, name: str, values: Mapping[str, str], site: Site) -> LogCost:
    """The cost of a log, calculated in a thread and cancelled at the time limit."""
    cancellation = Cancellation()
    try:
        return await run_in_threads(site, lambda: cost_log(content, name, values, site, cancellation), site.log_workers)
    except CancelledError:
        cancellation.cancel()
        raise


def cost_log(content: bytes, name: str, values: Mapping[str, str], site: Site, cancellation: Cancellation) -> LogCost:
    """The cost of a log.

    Raises:
        Problem: the log is too large or in no known format, the request is invalid, or it was cancelled.
    """
    report = ReadReport()
    try:
        table = read_inputs({name: values[name] for name in LOG_INPUTS if values.get(name)}, LOG_INPUTS)
        query = CostQuery.of(table, site.facts.prices)
        values_of_log = {name: value for name, value in table.items() if name in LOG_DEFAULTS}
        aliases = {**site.facts.prices.model_aliases, **values_of_log.get("alias", {})}
        defaults = LogDefaults(**{**values_of_log, "alias": aliases})
        source = Source(name, content=_Content(_decompress(content, name, site), cancellation), plain=True)
        with DuckDBEngine(memory=SERVER_MEMORY) as database:
            cancellation.attach(database)
            report.repeated = database.load(
                _limit_records(all_records([source], values.get("format") or None, defaults, report), site, cancellation)
            )
            cancellation.raise_if_cancelled()
            report.require_content()
            return LogCost(cost(database, query, site.facts.prices, unread_usage=report.unread_usage), report)
    except InvalidInputs as error:
        raise Problem(422, "Invalid input", issue_errors(error.issues)) from None
    except VoicebillError as error:
        raise Problem(422, "Invalid input", [(error.field, error.message)]) from None


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


async def _read_log(request: Request, site: Site) -> LogRequest:
    """The log of a form, or the sample of an address."""
    return await _read_upload(request, site) if request.method == "POST" else _read_address(request, site)


def _read_address(request: Request, site: Site) -> LogRequest:
    """The fields of an address, which may name a sample."""
    values = read_query(request.url.query, site.limits)
    return LogRequest({name: values[name] for name in LOG_PAGE_FIELDS if values.get(name)})


async def _read_upload(request: Request, site: Site) -> LogRequest:
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


def _with_plan(query: str, request: Request) -> str:
    """A query with the plan that the address of a form keeps."""
    plan = request.query_params.get("plan")
    return "&".join(filter(None, (query, urlencode({"plan": plan}) if plan else "")))


def _template_context(log: LogRequest, view: LogCost | None, problem: Problem | None) -> dict[str, Any]:
    labels = {field.name: field.label for field in (*LOG_DEFAULT_FIELDS, *LOG_QUERY_FIELDS.values())}
    labels |= {"by": "Group by", "format": "Format", "log": "Usage log"}
    errors: dict[str, str] = {}
    for name, text in problem.errors if problem else ():
        field = name if name in labels else "log"
        errors[field or ""] = "; ".join(filter(None, (errors.get(field or ""), text)))
    return {
        "default_fields": LOG_DEFAULT_FIELDS,
        "query_fields": LOG_QUERY_FIELDS,
        "log_formats": LOG_FORMATS,
        "group_choices": GROUP_BY_CHOICES,
        "status_of": amount_status,
        "quantity": format_quantity_range,
        "not_named": NOT_NAMED,
        "max_groups": MAX_GROUPS_ON_PAGE,
        "max_rows": MAX_UNFOLDED_ROWS,
        "samples": SAMPLE_LOGS,
        "values": log.values,
        "sample": log.values["sample"] if log.is_sample else "",
        "query": log.query,
        "labels": labels,
        "errors": errors,
        "view": view,
        "notes": list(report_notes(view.report)) if view else [],
        "columns_chart": cost_columns(view.answer) if view else None,
        "spans_chart": cost_spans(view.answer) if view else None,
    }
