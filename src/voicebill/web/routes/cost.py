"""Serve the actual cost of a usage log, which is uploaded on the page or sent to the API, and not stored."""

import zlib
from asyncio import CancelledError
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from threading import Event
from typing import Any, TypeVar

import duckdb
from fastapi import APIRouter, Request, Response
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from voicebill.answers.parameters.inputs import LOG_DEFAULTS, LOG_INPUTS, LOG_QUERY
from voicebill.answers.parameters.read_inputs import InvalidInputs, read_inputs
from voicebill.answers.recorded.cost import cost
from voicebill.answers.recorded.filters import FILTER_FIELDS
from voicebill.answers.recorded.query import CostQuery
from voicebill.answers.recorded.result import Cost
from voicebill.answers.reports.chart_data import NOT_NAMED, is_time_series
from voicebill.answers.reports.cost import CostReport
from voicebill.answers.reports.table_cells import amount_status, format_quantity_range
from voicebill.billing.errors import VoicebillError
from voicebill.billing.record import Record
from voicebill.charts import draw
from voicebill.charts.themes import THEMES
from voicebill.engines.in_duckdb import SERVER_MEMORY, DuckDBEngine
from voicebill.extras import MissingExtra
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.read import LOG_FORMATS, all_records
from voicebill.logs.report import EMPTY_LOG, ReadReport
from voicebill.logs.report_text import log_input_report, report_notes
from voicebill.logs.sources import PARQUET, Source
from voicebill.web import openapi
from voicebill.web.chart_renderer import ChartRenderer
from voicebill.web.forms.fields import LOG_DEFAULT_FIELDS, LOG_QUERY_FIELDS
from voicebill.web.forms.requests import issue_errors, read_query
from voicebill.web.limits_middleware import content_security_policy
from voicebill.web.pages import Pages
from voicebill.web.responses import json_body, run_in_threads, uncached
from voicebill.web.site import Site
from voicebill.web.status_reports import Problem

ParsedValue = TypeVar("ParsedValue")

GROUP_BY_CHOICES = ("tenant", "project", "day", "hour", "model", "offer", "session", "turn", "kind", "status", "meter")
"""Choices of the form for grouping; the API takes several fields, and any field."""
COST_FIELDS = (*LOG_DEFAULTS, "format", *LOG_QUERY)
MAX_GROUPS_ON_PAGE = 200
"""Groups that the page shows."""


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
class LogCost:
    """The cost of a log, with the report of reading it."""

    answer: Cost
    report: ReadReport

    @property
    def cost_report(self) -> CostReport:
        """The cost, with what was read."""
        return CostReport.of(self.answer, log_input_report(self.report))


def routes(site: Site, pages: Pages, renderer: ChartRenderer) -> APIRouter:
    """The page and the API."""
    router = APIRouter()

    @router.get("/cost", include_in_schema=False)
    async def page(request: Request) -> Response:
        return pages.page(request, "cost.html", _template_context({}))

    @router.post("/cost", include_in_schema=False)
    async def submit(request: Request) -> Response:
        values, name, content = await _read_upload(request, site)
        try:
            log_cost = await _cost_log_in_thread(content, name, values, site)
            images = await _render_charts(log_cost.answer, site, renderer)
        except Problem as problem:
            return pages.page(request, "cost.html", _template_context(values, problem=problem), status=problem.status)
        context = _template_context(values, view=log_cost, notes=list(report_notes(log_cost.report)), pictures=images)
        response = pages.page(request, "cost.html", context)
        response.headers["content-security-policy"] = content_security_policy(
            request.url.query, site.frame_ancestors, images="'self' data:"
        )
        return response

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


async def _read_upload(request: Request, site: Site) -> tuple[dict[str, str], str, bytes]:
    """The fields of the form and its file, which is kept in memory.

    Raises:
        Problem: the request is not such a form.
    """
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise Problem(415, "Invalid input", [(None, "send the form with its file, as multipart/form-data")])
    parser = MultiPartParser(request.headers, request.stream(), max_files=1, max_fields=len(COST_FIELDS) + 5)
    parser.spool_max_size = site.limits.log_bytes + 1
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise Problem(422, "Invalid input", [(None, f"the form cannot be read: {error.message}")]) from None
    try:
        file = form.get("log")
        values = {
            name: str(form[name]).strip() for name in COST_FIELDS if isinstance(form.get(name), str) and str(form[name]).strip()
        }
        if not isinstance(file, UploadFile):
            return values, "", b""
        return values, (file.filename or "the log")[:80], await file.read()
    finally:
        await form.close()


async def _render_charts(answer: Cost, site: Site, renderer: ChartRenderer) -> dict[str, str]:
    """Charts of groups over time in both themes, embedded in the page because the log has no address."""
    if not answer.total.high or not is_time_series(answer) or len(answer.groups) < 2:
        return {}
    try:
        plots = await run_in_threads(
            site, lambda: {theme: draw.costs_chart(answer, THEMES[theme]) for theme in ("light", "dark")}, site.log_workers
        )
        images = {theme: await renderer.render_once(site, plot, "svg") for theme, plot in plots.items()}
        return {theme: f"data:image/svg+xml;base64,{b64encode(image).decode()}" for theme, image in images.items()}
    except (MissingExtra, Problem):  # the answer is there without them
        return {}


def _template_context(values: Mapping[str, str], **more: Any) -> dict[str, Any]:  # noqa: ANN401 - a template's values
    empty: dict[str, Any] = {"view": None, "notes": [], "pictures": {}, "problem": None}
    helpers = {
        "log_formats": LOG_FORMATS,
        "by": GROUP_BY_CHOICES,
        "fields": FILTER_FIELDS,
        "status_of": amount_status,
        "quantity": format_quantity_range,
        "not_named": NOT_NAMED,
        "max_groups": MAX_GROUPS_ON_PAGE,
    }
    problem: Problem | None = more.get("problem")
    return {
        "default_fields": LOG_DEFAULT_FIELDS,
        "query_fields": LOG_QUERY_FIELDS,
        "errors": {name: text for name, text in problem.errors if name} if problem else {},
        "given": values,
        **helpers,
        **empty,
        **more,
    }
