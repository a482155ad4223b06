"""Describe each route for the OpenAPI document: parameters, bodies, responses, examples."""

from collections.abc import Iterable, Mapping, MutableMapping
from functools import cache
from typing import Any, get_args

from pydantic import TypeAdapter
from starlette.responses import JSONResponse

from voicebill.answers.parameters import kinds
from voicebill.answers.parameters.inputs import (
    CAPACITY,
    COMPARISON,
    ESTIMATE,
    FIT_QUERY,
    LOG_DEFAULTS,
    LOG_QUERY,
    PRICE_LIST,
    PTU,
    RECONCILE_QUERY,
    REPLAY_LOG_DEFAULTS,
    REPLAY_QUERY,
    RULE_INPUTS,
    SESSION_QUERY,
    VERIFY_QUERY,
    Input,
    Inputs,
)
from voicebill.answers.parameters.json_schema import REQUEST_EXTRAS, SCRIPT_JSON_SCHEMA, input_json_schema
from voicebill.answers.reports.capacity import CapacityReport
from voicebill.answers.reports.comparison import ComparisonReport
from voicebill.answers.reports.cost import CostReport
from voicebill.answers.reports.estimate import EstimateReport
from voicebill.answers.reports.explanation import ExplanationReport
from voicebill.answers.reports.fitted_plan import FitReport
from voicebill.answers.reports.prices import PriceListReport
from voicebill.answers.reports.ptu import PtuReport
from voicebill.answers.reports.reconciliation import ReconciliationReport
from voicebill.answers.reports.replay import ReplayReport
from voicebill.answers.reports.report import Report
from voicebill.answers.reports.rules import ModelRulesReport
from voicebill.answers.reports.simulation import SimulationReport
from voicebill.answers.reports.verification import VerificationReport
from voicebill.billing.errors import VoicebillError
from voicebill.web.forms.fields import FORM_INPUTS
from voicebill.web.status_reports import HealthReport, Problem, ProblemReport

API_DESCRIPTION = """The cost of realtime voice conversations: estimates of planned ones, and the actual cost from usage logs.

Numbers may be written as people type them: `1,500`, `2k`, `45%`, `5 min`, `30000/month`. Dollars are returned as exact decimal
strings. Every response names the prices and rules that it used, each with a digest."""

MAX_PROFILE_CHARACTERS = 2_000
"""The length of a load profile as text: that of a week has some hundred characters."""

SCHEMA_REFERENCE = "#/components/schemas/{model}"
PROBLEM_CONTENT = {"application/problem+json": {"schema": {"$ref": SCHEMA_REFERENCE.format(model="Problem")}}}
PROBLEM_DESCRIPTIONS: Mapping[int, str] = {
    413: "The body is too long.",
    414: "The address is too long.",
    415: "The body is not JSON.",
    422: "The input is invalid, or there is no result for it; each error names its field.",
    503: "Too many concurrent requests, or the request took too long.",
}

EXAMPLE_PLAN = {
    "model": "gpt-realtime-1.5",
    "minutes": 10,
    "turns": 20,
    "instructions_tokens": 1000,
    "conversations": "30000/month",
    "day": "2026-11-22",
}
EXAMPLE_SCRIPT = {
    "model": "gpt-realtime-1.5",
    "day": "2026-11-22",
    "instructions_tokens": 1000,
    "turns": [{"user_seconds": 6, "reply_seconds": 9}, {"user_seconds": 4, "reply_seconds": 12, "played_seconds": 5}],
}


EXAMPLE_LOG = (
    '{"type": "response.done", "response": {"id": "resp_1", "status": "completed", "usage": {"input_tokens": 132, '
    '"output_tokens": 121, "input_token_details": {"text_tokens": 119, "audio_tokens": 13, "cached_tokens": 64, '
    '"cached_tokens_details": {"text_tokens": 64, "audio_tokens": 0}}, '
    '"output_token_details": {"text_tokens": 30, "audio_tokens": 91}}}}'
)


LOG_DESCRIPTION = "The unchanged log: JSON lines, CSV or another known format; plain, gzip, bzip2, xz, zstd; no Parquet."


def parse_flag(name: str, values: MutableMapping[str, Any]) -> bool:
    """Remove a boolean parameter from the fields and return its value.

    Raises:
        Problem: it is neither true nor false.
    """
    try:
        return kinds.read_flag(values.pop(name, False))
    except VoicebillError as error:
        raise Problem(422, "Invalid input", [(name, error.message)]) from None


def _parameter(
    name: str, description: str, *, example: str = "", required: bool = False, max_length: int = 200
) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": max_length}
    parameter = {"name": name, "in": "query", "description": description, "required": required, "schema": schema}
    return parameter | ({"example": example} if example else {})


def _input_parameter(row: Input) -> dict[str, Any]:
    """An input as a query parameter: a number, or text as people type it."""
    schema = row.kind.schema(row.bounds)
    if row.kind is kinds.LOAD_PROFILE:
        schema = {"type": "string", "minLength": 1, "maxLength": MAX_PROFILE_CHARACTERS}
    elif row.kind is kinds.PLAN_FIELDS:
        schema = {"type": "string", "minLength": 1}
    elif row.kind.json_type == "array":
        schema = {"type": "string", "minLength": 1, "maxLength": kinds.MAX_TEXT}
    parameter = {"name": row.name, "in": "query", "description": row.help_with_default, "required": row.is_required}
    return parameter | {"schema": schema} | ({"example": row.example} if row.example else {})


def input_parameters(inputs: Inputs) -> list[dict[str, Any]]:
    """Inputs as query parameters, without private ones, which must not be part of an address."""
    return [_input_parameter(row) for row in inputs.values() if not row.is_private]


ESTIMATE_PARAMETERS = input_parameters(ESTIMATE)
SENSITIVITY_PARAMETER = _parameter(
    "sensitivity", "true: include the sensitivity to each assumption, and recommendations.", example="true"
)

SENSITIVITY_IN_BODY = {**SENSITIVITY_PARAMETER, "schema": kinds.FLAG.schema()}


def _report_content(answer: type[Report]) -> dict[str, Any]:
    """A response with a report, or with one of several; `report_schemas` has what is referred to."""
    references = [{"$ref": SCHEMA_REFERENCE.format(model=report.__name__)} for report in get_args(answer) or (answer,)]
    return {"application/json": {"schema": references[0] if len(references) == 1 else {"anyOf": references}}}


def _route(answer: type[Report], summary: str, *, body: bool = False) -> dict[str, Any]:
    codes = (413, 414, 415, 422, 503) if body else (414, 422, 503)
    answers: dict[int | str, dict[str, Any]] = {200: {"content": _report_content(answer), "description": summary}}
    answers |= {code: {"description": PROBLEM_DESCRIPTIONS[code], "content": PROBLEM_CONTENT} for code in codes}
    if not body:
        answers[304] = {"description": "Not modified since the response with this ETag."}
    return {"summary": summary, "responses": answers, "response_class": JSONResponse}


def _get(answer: type[Report], summary: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    return _route(answer, summary) | {"openapi_extra": {"parameters": parameters}}


def _post(answer: type[Report], summary: str, example: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    body = {"required": True, "content": {"application/json": {"schema": schema, "example": example}}}
    return _route(answer, summary, body=True) | {"openapi_extra": {"requestBody": body}}


def _plan_schema(inputs: Inputs = FORM_INPUTS, extra: Iterable[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """The JSON schema of a plan."""
    more = {parameter["name"]: {**parameter["schema"], "description": parameter["description"]} for parameter in extra}
    return input_json_schema(inputs, REQUEST_EXTRAS | more)


GET_ESTIMATE = _get(EstimateReport, "Expected cost of a planned conversation", [*ESTIMATE_PARAMETERS, SENSITIVITY_PARAMETER])
POST_ESTIMATE = _post(
    EstimateReport, "Expected cost of a planned conversation", EXAMPLE_PLAN, _plan_schema(extra=[SENSITIVITY_IN_BODY])
)
POST_ESTIMATE["openapi_extra"]["parameters"] = [SENSITIVITY_PARAMETER]
BREAK_EVEN_PARAMETERS = [
    _parameter("break_even", "Axis of the break-even: minutes, turns, speech or volume.", example="minutes"),
    _parameter(
        "alternative",
        "Name of an alternative to compare; repeat it, or separate names with commas. Default: the cheapest of each kind.",
    ),
    _parameter("range", "Range of the axis, such as 1:60. Default: as fits the plan."),
]
_COMPARE_SUMMARY = (
    "One plan with every alternative: the realtime offers that are sold on the day, and all named stacks. A model, provider or "
    "deployment restricts the comparison"
)
GET_COMPARE = _get(
    ComparisonReport, _COMPARE_SUMMARY, [*ESTIMATE_PARAMETERS, *input_parameters(COMPARISON), *BREAK_EVEN_PARAMETERS]
)
EXAMPLE_COMPARE = {name: value for name, value in EXAMPLE_PLAN.items() if name != "model"}
POST_COMPARE = _post(
    ComparisonReport, _COMPARE_SUMMARY, EXAMPLE_COMPARE, _plan_schema({**FORM_INPUTS, **COMPARISON}, BREAK_EVEN_PARAMETERS)
)
_CAPACITY_SUMMARY = "Concurrent calls, their tokens and requests per minute, and the quota that they need"
GET_CAPACITY = _get(CapacityReport, _CAPACITY_SUMMARY, input_parameters({**CAPACITY, **ESTIMATE}))
POST_CAPACITY = _post(
    CapacityReport,
    _CAPACITY_SUMMARY,
    EXAMPLE_PLAN | {"model": "gpt-realtime", "provider": "azure", "tier": "tier-6"},
    _plan_schema({**CAPACITY, **ESTIMATE}),
)
POST_SIMULATE = _post(
    SimulationReport, "A scripted conversation, billed response by response", EXAMPLE_SCRIPT, SCRIPT_JSON_SCHEMA
)
GET_PRICES = _get(
    PriceListReport,
    "The price book: offers with their price history, sources and disputed prices",
    [
        _parameter("model", "Only this model's offers.", example="gpt-realtime-mini"),
        _parameter("provider", "Only this provider's offers.", example="azure"),
        _parameter(
            "kind",
            "realtime, transcription, text, speech or another kind. Default: realtime; with a model, all kinds.",
        ),
        *input_parameters(PRICE_LIST),
    ],
)
GET_RULES = _get(
    ModelRulesReport,
    "The rules by which a model's conversations are counted, with their evidence",
    input_parameters(RULE_INPUTS),
)


def _log_request(query: Inputs, defaults: Inputs = LOG_DEFAULTS) -> dict[str, Any]:
    """A log as the body, with the query of its records."""
    return {
        "parameters": [
            *input_parameters(defaults),
            _parameter("format", "Format of the log. Default: detected automatically."),
            *input_parameters(query),
        ],
        "requestBody": {
            "required": True,
            "description": LOG_DESCRIPTION,
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}, "example": EXAMPLE_LOG}},
        },
    }


def _files(description: str) -> dict[str, Any]:
    """Files of a form."""
    return {"type": "array", "items": {"type": "string", "format": "binary"}, "description": description}


def _log_and_bill_request() -> dict[str, Any]:
    """A log and the files of a bill as a form, with the query of the comparison."""
    request = _log_request(RECONCILE_QUERY)
    properties = {
        "log": _files(LOG_DESCRIPTION),
        "bill": _files(
            "The files of the vendor's bill: Azure's cost export, FOCUS, or OpenAI's costs or usage of an organization; no "
            "Parquet. Without this field the bill is told from the logs by its content."
        ),
    }
    schema = {"type": "object", "properties": properties, "required": ["log"]}
    request["requestBody"] = {
        "required": True,
        "description": "The log and the bill, as files of a form. Its other fields may be those of the query.",
        "content": {"multipart/form-data": {"schema": schema}},
    }
    return request


POST_COST = _route(CostReport, "Actual cost of the conversations in a usage log; the log is not stored", body=True)
POST_COST["openapi_extra"] = _log_request(LOG_QUERY)
POST_REPLAY = _route(
    ReplayReport,
    "What the calls of a usage log would have cost with other offers and stacks, or with changes; the log is not stored",
    body=True,
)
POST_REPLAY["openapi_extra"] = _log_request(REPLAY_QUERY, REPLAY_LOG_DEFAULTS)
POST_VERIFY = _route(
    VerificationReport,
    "What other tools, such as LiteLLM, say that the calls of a usage log cost, beside what they cost; the log is not stored",
    body=True,
)
POST_VERIFY["openapi_extra"] = _log_request(VERIFY_QUERY)
POST_RECONCILE = _route(
    ReconciliationReport,
    "Why a vendor's bill differs from what a usage log recorded: the causes with their amounts; neither is stored",
    body=True,
)
POST_RECONCILE["openapi_extra"] = _log_and_bill_request()
POST_FIT = _route(
    FitReport, "A plan fitted to the calls of a usage log, with intervals and a backtest; the log is not stored", body=True
)
POST_FIT["openapi_extra"] = _log_request(FIT_QUERY)
POST_EXPLAIN = _route(
    ExplanationReport,  # type: ignore[arg-type] # one of two reports
    "Why the calls of a usage log cost what they did, or with a session, why that call did; the log is not stored",
    body=True,
)
POST_EXPLAIN["openapi_extra"] = _log_request(SESSION_QUERY)

EXAMPLE_LOAD = {
    "model": "gpt-5.2",
    "deployment": "data-zone",
    "calls_per_minute": 1000,
    "prompt_tokens": 200,
    "response_tokens": 20,
    "cache_rate": 0.5,
    "day": "2026-11-22",
}
_PTU_SUMMARY = "Azure provisioned throughput: PTUs for a load or the text model of a plan, their cost, and their break-even"
GET_PTU = _get(PtuReport, _PTU_SUMMARY, input_parameters(PTU))
POST_PTU = _post(PtuReport, _PTU_SUMMARY, EXAMPLE_LOAD, input_json_schema(PTU))

GET_HEALTH: dict[str, Any] = {
    "summary": "Status of the site, and the prices and rules that it uses",
    "responses": {200: {"content": _report_content(HealthReport)}},
}

REPORTS: tuple[Any, ...] = (
    *(EstimateReport, SimulationReport, ComparisonReport, CapacityReport, PtuReport, PriceListReport, ModelRulesReport),
    *(CostReport, ReplayReport, FitReport, ExplanationReport, HealthReport),
)
"""The reports of all routes."""


@cache
def report_schemas() -> Mapping[str, Any]:
    """The schemas of the document by name: those of all reports with their parts, and that of problems.

    To make them takes longer than all else that a site starts with, so they are not made before the document is asked for.
    """
    adapters = [TypeAdapter(report) for report in REPORTS]
    _, reports = TypeAdapter.json_schemas(
        [(adapter, "validation", adapter) for adapter in adapters], ref_template=SCHEMA_REFERENCE
    )
    problem = TypeAdapter(ProblemReport).json_schema(ref_template=SCHEMA_REFERENCE)
    schemas: dict[str, Any] = reports["$defs"] | problem.pop("$defs")
    return schemas | {"Problem": problem}
