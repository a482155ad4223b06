"""Serve the cost of a usage log and its explanation; the log is uploaded on the page or sent to the API, and not stored."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from markupsafe import Markup

from voicebill.answers.escaping import csv_text
from voicebill.answers.invoices.verify import Verification, verify
from voicebill.answers.parameters.inputs import REPLAY_QUERY, VERIFY_QUERY
from voicebill.answers.parameters.read_inputs import read_inputs
from voicebill.answers.recorded.cost import cost
from voicebill.answers.recorded.result import Cost
from voicebill.answers.replay.replay import Replay
from voicebill.answers.replay.request import replay_request
from voicebill.answers.reports.chart_data import NOT_NAMED
from voicebill.answers.reports.cost import CostReport
from voicebill.answers.reports.explanation_handout import explanation_handout
from voicebill.answers.reports.fitted_plan_files import plan_values
from voicebill.answers.reports.fitted_plan_handout import fit_handout
from voicebill.answers.reports.handout_formats import handout_body, handout_csv
from voicebill.answers.reports.replay_handout import replay_handout
from voicebill.answers.reports.report import plain_value
from voicebill.answers.reports.table_cells import amount_status, format_quantity_range
from voicebill.answers.reports.tolerance import verification_excess
from voicebill.answers.sessions.fit import Fit
from voicebill.answers.sessions.log_explanation import LogExplanation
from voicebill.answers.sessions.recorded_models import RecordedModels
from voicebill.answers.sessions.session_explanation import SessionExplanation
from voicebill.charts.inline.cost_charts import bill_spans, cost_columns, cost_spans, replay_spans
from voicebill.charts.inline.spans import SpansChart
from voicebill.engines.cost_table import cost_cells
from voicebill.engines.explained_usage import explain_usage
from voicebill.engines.fitted_usage import fit_usage
from voicebill.engines.replayed_usage import replay_usage
from voicebill.logs.read import LOG_FORMATS
from voicebill.logs.report import ReadReport
from voicebill.logs.report_text import log_input_report, report_notes
from voicebill.web import openapi
from voicebill.web.forms.fields import (
    BILL_PAGE_FIELDS,
    LOG_DEFAULT_FIELDS,
    LOG_QUERY_FIELDS,
    REPLAY_PAGE_FIELDS,
    SESSION_FIELD,
)
from voicebill.web.forms.requests import read_query
from voicebill.web.pages import Pages
from voicebill.web.reconciled_page import LogReconciled
from voicebill.web.responses import json_body, run_in_threads, see_other, uncached, with_etag
from voicebill.web.sample_logs import SAMPLE_LOGS
from voicebill.web.site import Site
from voicebill.web.status_reports import Problem
from voicebill.web.uploaded_bills import bill_request, reconcile_upload
from voicebill.web.uploaded_logs import (
    COST_FIELDS,
    EXPLANATION_FIELDS,
    FIT_FIELDS,
    PLAN_OF_CALLS,
    RECONCILE_FIELDS,
    REPLAY_FIELDS,
    VERIFY_FIELDS,
    Cancellation,
    LoadedLog,
    LogRequest,
    UploadedFile,
    load_log,
    read_address,
    read_log_request,
    read_upload,
    read_upload_records,
    read_uploaded_form,
    replay_of_query,
    run_with_log,
    with_sample,
)

GROUP_BY_CHOICES = ("tenant", "project", "day", "hour", "model", "offer", "session", "turn", "kind", "status", "meter")
"""Choices of the form for grouping; the API takes several fields, and any field."""
MAX_GROUPS_ON_PAGE = 200
"""Groups that the page shows."""
MAX_UNFOLDED_ROWS = 10
"""Rows of a table that are shown before it is unfolded."""


@dataclass(frozen=True, slots=True)
class LogCost:
    """The cost of a log, with the report of reading it."""

    answer: Cost
    report: ReadReport

    @property
    def document(self) -> CostReport:
        """The cost, with what was read, as JSON."""
        return CostReport.of(self.answer, log_input_report(self.report))

    @property
    def csv(self) -> str:
        """The groups, or the lines of the bill, as a table."""
        titles, rows = cost_cells(self.answer)
        return csv_text([titles, *rows])


@dataclass(frozen=True, slots=True)
class LogExplained:
    """Why the calls of a log, or one of them, cost what they did."""

    answer: LogExplanation | SessionExplanation

    @property
    def document(self) -> LogExplanation | SessionExplanation:
        """The explanation as JSON."""
        return self.answer

    @property
    def csv(self) -> str:
        """The dearest calls, or the responses of the call, as a table."""
        return handout_csv(explanation_handout(self.answer))

    @property
    def dearest(self) -> tuple[str, ...]:
        """The names of the dearest calls, each of which can be explained."""
        return tuple(call.session for call in self.answer.dearest) if isinstance(self.answer, LogExplanation) else ()

    @property
    def is_of_call(self) -> bool:
        """Whether it is that of one call."""
        return isinstance(self.answer, SessionExplanation)

    @property
    def body(self) -> Markup:
        """The explanation as a part of a page."""
        return Markup(handout_body(explanation_handout(self.answer), level=2))


@dataclass(frozen=True, slots=True)
class LogFitted:
    """A plan fitted to the calls of a log."""

    answer: Fit

    @property
    def document(self) -> Fit:
        """The fit as JSON."""
        return self.answer

    @property
    def csv(self) -> str:
        """The parameters as a table."""
        return handout_csv(fit_handout(self.answer))

    @property
    def body(self) -> Markup:
        """The fit as a part of a page."""
        return Markup(handout_body(fit_handout(self.answer), level=2))

    @property
    def plan_query(self) -> str:
        """The plan as the query of the first page; empty with too few calls."""
        values = plan_values(self.answer) if self.answer.plan else {}
        return urlencode({name: str(plain_value(value)).lower() for name, value in values.items()})


@dataclass(frozen=True, slots=True)
class LogReplayed:
    """The calls of a log, replayed elsewhere."""

    answer: Replay

    @property
    def document(self) -> Replay:
        """The replay as JSON."""
        return self.answer

    @property
    def csv(self) -> str:
        """The offers as a table."""
        return handout_csv(replay_handout(self.answer))

    @property
    def body(self) -> Markup:
        """The replay as a part of a page."""
        return Markup(handout_body(replay_handout(self.answer), level=2))


LogView = LogCost | LogExplained | LogFitted | LogReplayed | LogReconciled


DOWNLOADS: Mapping[str, tuple[str, Callable[[LogView], bytes]]] = {
    "csv": ("text/csv; charset=utf-8", lambda view: view.csv.encode()),
    "json": ("application/json", lambda view: json_body(view.document)),
}
"""The media types of the files that a cost can be downloaded as, and how they are written."""


def routes(site: Site, pages: Pages) -> APIRouter:
    """The page, its result and its files, and the API."""
    router = APIRouter()

    @router.get("/cost", include_in_schema=False)
    async def page(request: Request) -> Response:
        log = read_address(request, site)
        return await _respond(request, log, site, pages) if log.is_sample else _render(request, pages, log)

    @router.post("/cost", include_in_schema=False)
    async def submit(request: Request) -> Response:
        log = await read_upload(request, site)
        if log.is_sample and not log.asks_for_bill:
            return see_other(request, f"{site.prefix}/cost?{_with_plan(log.query, request)}")
        return await _respond(request, log, site, pages)

    @router.api_route("/cost/answer", methods=["GET", "POST"], include_in_schema=False)
    async def part(request: Request) -> Response:
        log = await read_log_request(request, site)
        return _render(request, pages, log, template="_log_answer.html", view=await _answer(log, site))

    @router.api_route("/cost.{kind}", methods=["GET", "POST"], include_in_schema=False)
    async def file(request: Request, kind: str) -> Response:
        if kind not in DOWNLOADS:
            endings = " or ".join(f".{name}" for name in DOWNLOADS)
            raise Problem(404, "Not found", [(None, f"there is no such file: its name may end in {endings}")])
        return await _respond(request, await read_log_request(request, site), site, pages, kind=kind)

    _add_api(router, site)
    return router


def _add_api(router: APIRouter, site: Site) -> None:
    """The API: the log is the body of a request."""

    @router.post("/api/cost", **openapi.POST_COST)
    async def costs(request: Request) -> Response:
        return await _respond_with_json(request, site, COST_FIELDS)

    @router.post("/api/fit", **openapi.POST_FIT)
    async def fitted(request: Request) -> Response:
        return await _respond_with_json(request, site, FIT_FIELDS, {"explain": PLAN_OF_CALLS})

    @router.post("/api/explain", **openapi.POST_EXPLAIN)
    async def explanation(request: Request) -> Response:
        return await _respond_with_json(request, site, EXPLANATION_FIELDS, {"explain": "true"})

    @router.post("/api/replay", **openapi.POST_REPLAY)
    async def replayed(request: Request) -> Response:
        return await _respond_to_body(request, site, replay_of_query(_read_fields(request, site, REPLAY_FIELDS)))

    @router.post("/api/reconcile", **openapi.POST_RECONCILE)
    async def reconciled(request: Request) -> Response:
        fields = _read_fields(request, site, RECONCILE_FIELDS)
        texts, files = await read_uploaded_form(request, site)
        values = _require_fields({**fields, **texts}, RECONCILE_FIELDS)
        return await _respond_with_answer(bill_request(values, files), site)

    @router.post("/api/verify", **openapi.POST_VERIFY)
    async def verified(request: Request) -> Response:
        log = await _read_body(request, LogRequest(_read_fields(request, site, VERIFY_FIELDS)))
        answer = await run_with_log(site, lambda cancellation: verify_upload(log, site, cancellation))
        return uncached(await run_in_threads(site, lambda: json_body(answer), site.log_workers))


async def _respond_with_json(
    request: Request, site: Site, fields: tuple[str, ...], more: Mapping[str, str] | None = None
) -> Response:
    """The answer about the log that is the body of a request, whose query has some of the fields."""
    values = _read_fields(request, site, fields)
    return await _respond_to_body(request, site, LogRequest({**values, **(more or {})}))


def _read_fields(request: Request, site: Site, fields: tuple[str, ...]) -> Mapping[str, str]:
    """The query of a request, which has some of the fields.

    Raises:
        Problem: it has others.
    """
    return _require_fields(read_query(request.url.query, site.limits), fields)


def _require_fields(values: Mapping[str, str], fields: tuple[str, ...]) -> Mapping[str, str]:
    unknown = next((name for name in values if name not in fields), None)
    if unknown is not None:
        raise Problem(422, "Invalid input", [(unknown[:40], f"is none of {', '.join(fields)}")])
    return values


async def _respond_to_body(request: Request, site: Site, log: LogRequest) -> Response:
    """The answer about the log that is the body of a request."""
    return await _respond_with_answer(await _read_body(request, log), site)


async def _read_body(request: Request, log: LogRequest) -> LogRequest:
    """A request with the log that is its body.

    Raises:
        Problem: a form is sent instead.
    """
    if request.headers.get("content-type", "").lower().startswith("multipart/"):
        message = "send the log itself as the body (curl --data-binary @usage.jsonl)"
        raise Problem(415, "Invalid input", [(None, message)])
    return replace(log, logs=(UploadedFile("the log", await request.body()),))


async def _respond_with_answer(log: LogRequest, site: Site) -> Response:
    view = await _answer(log, site)
    return uncached(await run_in_threads(site, lambda: json_body(view.document), site.log_workers))


def _render(
    request: Request,
    pages: Pages,
    log: LogRequest,
    *,
    template: str = "cost.html",
    view: LogView | None = None,
    problem: Problem | None = None,
) -> Response:
    """The page or its result; what is wrong is shown at its field."""
    context = _template_context(log, view, problem)
    return pages.page(request, template, context, status=problem.status if problem else 200)


async def _respond(request: Request, log: LogRequest, site: Site, pages: Pages, *, kind: str | None = None) -> Response:
    """The page with the cost of a log, or the cost as a file of a kind."""
    try:
        view = await _answer(log, site)
    except Problem as problem:
        if kind and "text/html" not in request.headers.get("accept", ""):
            raise
        return _render(request, pages, log, problem=problem)
    if kind is None:
        return _render(request, pages, log, view=view)
    media_type, write = DOWNLOADS[kind]
    body = await run_in_threads(site, lambda: write(view), site.log_workers)
    headers = {"content-disposition": f'attachment; filename="cost.{kind}"'}
    if request.method == "POST":
        return Response(body, media_type=media_type, headers=headers | {"cache-control": "no-store"})
    return with_etag(request, body, media_type, headers=headers)


async def _answer(log: LogRequest, site: Site) -> LogView:
    """The cost of the log of a request, or of the sample that it names; or its explanation, if that is asked for.

    Raises:
        Problem: there is none, or as `load_log`.
    """
    filled = with_sample(log)
    return await run_with_log(site, lambda cancellation: answer_log(filled, site, cancellation))


def answer_log(log: LogRequest, site: Site, cancellation: Cancellation) -> LogView:
    """The cost of a log, or its explanation, if that is asked for.

    Raises:
        Problem: the log is too large or in no known format, the request is invalid, or it was cancelled.
    """
    if log.asks_for_bill:
        return LogReconciled(reconcile_upload(log, site, cancellation))
    facts = site.facts
    with load_log(log, site, cancellation) as loaded:
        database, values, query, report = loaded
        if not log.explains:
            return LogCost(cost(database, query, facts.prices, unread_usage=report.unread_usage), report)
        models = RecordedModels(facts, query, values.get("rules"))
        unread = [report.unread_usage.warning] if report.unread_usage else []
        if log.asks_for_plan:
            without_usage = report.sessions_without_usage
            fitted = fit_usage(
                database, query, models, without_usage=without_usage, on_call=lambda _: cancellation.raise_if_cancelled()
            )
            return LogFitted(replace(fitted, warnings=(*fitted.warnings, *unread, *report_notes(report))))
        if log.asks_for_replay:
            return LogReplayed(replace(_replay(log, site, loaded, cancellation), warnings=(*unread, *report_notes(report))))
        choices = {name: values[name] for name in ("session", "dearest") if name in values}
        answer = explain_usage(database, query, models, **choices, on_call=lambda _: cancellation.raise_if_cancelled())
        return LogExplained(replace(answer, warnings=(*unread, *report_notes(report))))


def verify_upload(log: LogRequest, site: Site, cancellation: Cancellation) -> Verification:
    """What other tools say that the calls of a log cost, beside what they cost.

    Raises:
        Problem: as `answer_log`; or the log has no such amounts.
    """
    with read_upload_records(log, site, cancellation) as (log_records, _, query, report):
        values = read_inputs({name: log.values[name] for name in VERIFY_QUERY if name in log.values}, VERIFY_QUERY)
        records = list(log_records)
        report.require_content()
        answer = verify(records, query, site.facts.prices, tools=report.sources)
    unread = [report.unread_usage.warning] if report.unread_usage else []
    excess = filter(None, [verification_excess(answer, values.get("tolerance"))])
    return replace(answer, warnings=(*excess, *unread, *report_notes(report)))


def _replay(log: LogRequest, site: Site, loaded: LoadedLog, cancellation: Cancellation) -> Replay:
    """The calls of a log, replayed elsewhere."""
    values = read_inputs(log.replay_values, REPLAY_QUERY)
    return replay_usage(
        loaded.database,
        loaded.query,
        replay_request(values, today=site.today()),
        RecordedModels(site.facts, loaded.query, values.get("rules")),
        sample=values.get("sample"),
        on_call=lambda _: cancellation.raise_if_cancelled(),
    )


def _with_plan(query: str, request: Request) -> str:
    """A query with the plan that the address of a form keeps."""
    plan = request.query_params.get("plan")
    return "&".join(filter(None, (query, urlencode({"plan": plan}) if plan else "")))


def _template_context(log: LogRequest, view: LogView | None, problem: Problem | None) -> dict[str, Any]:
    labels = {
        field.name: field.label
        for field in (*LOG_DEFAULT_FIELDS, *LOG_QUERY_FIELDS.values(), SESSION_FIELD, *REPLAY_PAGE_FIELDS, *BILL_PAGE_FIELDS)
    }
    labels |= {"by": "Group by", "format": "Format", "log": "Usage log", "bill": "The vendor's bill"}
    errors: dict[str, str] = {}
    for name, text in problem.errors if problem else ():
        field = name if name in labels else "log"
        errors[field or ""] = "; ".join(filter(None, (errors.get(field or ""), text)))
    return {
        "default_fields": LOG_DEFAULT_FIELDS,
        "query_fields": LOG_QUERY_FIELDS,
        "session_field": SESSION_FIELD,
        "bill_query": log.without("session", "explain"),
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
        "explains": log.explains,
        "asks_for_plan": log.asks_for_plan,
        "asks_for_replay": log.asks_for_replay,
        "asks_for_bill": log.asks_for_bill,
        "replay_fields": REPLAY_PAGE_FIELDS,
        "bill_fields": BILL_PAGE_FIELDS,
        "notes": list(report_notes(view.report)) if isinstance(view, LogCost) else [],
        "columns_chart": cost_columns(view.answer) if isinstance(view, LogCost) else None,
        "spans_chart": cost_spans(view.answer) if isinstance(view, LogCost) else None,
        "bridge_chart": _bridge_of(view),
    }


def _bridge_of(view: LogView | None) -> SpansChart | None:
    """The bridge from what was recorded to what calls would have cost, or to the bill."""
    match view:
        case LogReplayed(answer=answer):
            return replay_spans(answer)
        case LogReconciled(answer=answer):
            return bill_spans(answer)
        case _:
            return None
