"""What the OpenAPI document says of each route: parameters, bodies, answers, examples."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel
from starlette.responses import JSONResponse

from voicebill.answers import script_schema
from voicebill.web import capacity_shapes, compare_shapes, cost_shapes, ptu_shapes, shapes
from voicebill.web.fields import CAPACITY_MORE_FIELDS, FIELD_GROUPS, MAIN_FIELDS, FieldGroup
from voicebill.web.requests import Problem

API_DESCRIPTION = """What a realtime voice conversation costs, before it is held and after.

Numbers may be written as people type them: `1,500`, `2k`, `45%`, `5 min`, `30000/month`. Dollars come back as exact decimal
strings. Every answer names the prices and rules that it stands on, each with a digest."""

PROBLEM_CONTENT = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
PROBLEM_DESCRIPTIONS: Mapping[int, str] = {
    413: "The body is too long.",
    414: "The address is too long.",
    415: "The body is not JSON.",
    422: "The question cannot be meant, or has no answer; each error names its field.",
    503: "Too many questions at once, or one that takes too long.",
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


def parse_flag(name: str, values: dict[str, str]) -> bool:
    """A yes-or-no parameter, taken out of the fields.

    Raises:
        Problem: it is neither.
    """
    text = values.pop(name, "false").lower()
    if text not in ("true", "false", "1", "0"):
        raise Problem(422, "Wrong input", [(name, f"must be true or false, not {text[:40]!r}")])
    return text in ("true", "1")


def _parameter(
    name: str, description: str, *, example: str = "", required: bool = False, max_length: int = 200
) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": max_length}
    parameter = {"name": name, "in": "query", "description": description, "required": required, "schema": schema}
    return parameter | ({"example": example} if example else {})


def _parameters(groups: Iterable[FieldGroup]) -> list[dict[str, Any]]:
    """The fields of a form as parameters; a discount is none, since it must be in no address."""
    return [
        _parameter(
            field.name,
            f"{field.label}: {field.hint}" + (f". Left out: {field.placeholder}." if field.placeholder else "."),
            example={"minutes": "10", "turns": "20", "conversations": "30000/month"}.get(field.name, ""),
            required=field.name in ("minutes", "turns"),
        )
        for group in groups
        for field in group.fields
        if field.name != "discount"
    ]


ESTIMATE_PARAMETERS = _parameters(FIELD_GROUPS)
SENSITIVITY_PARAMETER = _parameter(
    "sensitivity", "true: with what each assumption moves, and what would be cheaper.", example="true"
)


def _route(answer: type[BaseModel], summary: str, *, body: bool = False) -> dict[str, Any]:
    codes = (413, 414, 415, 422, 503) if body else (414, 422, 503)
    answers: dict[int | str, dict[str, Any]] = {200: {"model": answer, "description": summary}}
    answers |= {code: {"description": PROBLEM_DESCRIPTIONS[code], "content": PROBLEM_CONTENT} for code in codes}
    if not body:
        answers[304] = {"description": "Nothing has changed since the answer with that tag."}
    return {"summary": summary, "responses": answers, "response_class": JSONResponse}


def _get(answer: type[BaseModel], summary: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    return _route(answer, summary) | {"openapi_extra": {"parameters": parameters}}


def _post(answer: type[BaseModel], summary: str, example: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    body = {"required": True, "content": {"application/json": {"schema": schema, "example": example}}}
    return _route(answer, summary, body=True) | {"openapi_extra": {"requestBody": body}}


def _plan_schema(groups: Iterable[FieldGroup] = FIELD_GROUPS, extra: Iterable[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """A plan as JSON: the fields of the form, as numbers or as people type them."""
    scalar = {"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "boolean"}]}
    fields = {
        field.name: {**scalar, "description": f"{field.label}: {field.hint}"} for group in groups for field in group.fields
    }
    more = {
        "call_lengths": {"type": "array", "description": "[minutes, calls] of your own calls", "items": {}},
        "overrides": {"type": "object", "description": "rules set otherwise, such as cache_block_tokens"},
    }
    more |= {parameter["name"]: {"type": "string", "description": parameter["description"]} for parameter in extra}
    return {"type": "object", "required": ["minutes", "turns"], "properties": fields | more}


_TURN: dict[str, Any] = {
    "type": "object",
    "description": "What the user says, types or shows, and the reply; counts in tokens, or times in seconds.",
    "properties": {name: {} for name in script_schema.TURN_SCHEMA}
    | {
        "tool_calls": {
            "type": "array",
            "items": {"type": "object", "properties": {name: {} for name in script_schema.TOOL_CALL_SCHEMA}},
        }
    },
    "additionalProperties": False,
}
SCRIPT_JSON_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["model", "turns"],
    "properties": {name: {} for name in script_schema.SCRIPT_SCHEMA if not name.endswith("_file")}
    | {"model": {"type": "string"}, "turns": {"type": "array", "minItems": 1, "items": _TURN}},
    "additionalProperties": False,
}

GET_ESTIMATE = _get(shapes.EstimateJson, "What a planned conversation costs", [*ESTIMATE_PARAMETERS, SENSITIVITY_PARAMETER])
POST_ESTIMATE = _post(shapes.EstimateJson, "What a planned conversation costs", EXAMPLE_PLAN, _plan_schema())
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
    "One plan against every way to build it: realtime offers alive on the day, and every stack that has a name. A model, "
    "provider or deployment that is stated restricts them"
)
GET_COMPARE = _get(compare_shapes.ComparisonJson, _COMPARE_SUMMARY, [*ESTIMATE_PARAMETERS, *BREAK_EVEN_PARAMETERS])
EXAMPLE_COMPARE = {name: value for name, value in EXAMPLE_PLAN.items() if name != "model"}
POST_COMPARE = _post(
    compare_shapes.ComparisonJson, _COMPARE_SUMMARY, EXAMPLE_COMPARE, _plan_schema(extra=BREAK_EVEN_PARAMETERS)
)
_CAPACITY_SUMMARY = "How many calls are held at once, what they ask of limits a minute, and how much quota that takes"
GET_CAPACITY = _get(capacity_shapes.CapacityJson, _CAPACITY_SUMMARY, _parameters((MAIN_FIELDS, *CAPACITY_MORE_FIELDS)))
POST_CAPACITY = _post(
    capacity_shapes.CapacityJson,
    _CAPACITY_SUMMARY,
    EXAMPLE_PLAN | {"model": "gpt-realtime", "provider": "azure", "tier": "tier-6"},
    _plan_schema((MAIN_FIELDS, *CAPACITY_MORE_FIELDS)),
)
POST_SIMULATE = _post(
    shapes.SimulationJson, "A scripted conversation, billed response by response", EXAMPLE_SCRIPT, SCRIPT_JSON_SCHEMA
)
GET_PRICES = _get(
    shapes.PriceListJson,
    "The price book: offers with their history, sources and disputes",
    [
        _parameter("model", "Only this model's offers.", example="gpt-realtime-mini"),
        _parameter("provider", "Only this provider's.", example="azure"),
        _parameter("kind", "realtime, transcription, text, speech, or another. Left out: realtime, where no model is named."),
    ],
)
GET_RULES = _get(
    shapes.ModelRulesJson,
    "How a model's conversations are counted, each rule with its evidence",
    [
        _parameter("model", "Left out: gpt-realtime-1.5.", example="gpt-realtime"),
        _parameter("provider", "Left out: openai."),
        _parameter("day", "Left out: today.", example="2026-11-22"),
        _parameter(
            "rules", "A rule set by its name. Left out: the one from recorded sessions.", example="web-calculator-2026-06"
        ),
    ],
)
POST_COST = _route(cost_shapes.CostJson, "Actual cost of the conversations of a usage log; the log is not stored", body=True)
POST_COST["openapi_extra"] = {
    "parameters": [
        _parameter("model", "The voice model, where the log names none.", example="gpt-realtime-1.5"),
        _parameter("transcription_model", "The model that hears the user, where the log names none."),
        _parameter("provider", "openai or azure, where the log names none. Left out: openai."),
        _parameter("deployment", "global, data-zone or regional, where the log names none. Left out: global."),
        _parameter("region", "Azure region, where the log names none."),
        _parameter("tenant", "Whose conversations these are, where the log does not say it."),
        _parameter("day", "The day of records without a time.", example="2026-11-22"),
        _parameter("format", "How the log is written. Left out: recognised."),
        _parameter("by", "Fields to group by, such as tenant,model.", example="meter"),
        _parameter("where", "Only these, such as turn >= 3 and status = exact."),
        _parameter("since", "From this day on (UTC)."),
        _parameter("until", "Before this day (UTC)."),
        _parameter("top", "Only so many groups, the dearest; needs by."),
    ],
    "requestBody": {
        "required": True,
        "description": "The log as it is: JSON lines, CSV or another dialect, plain, gzip or zstd, without Parquet.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}, "example": EXAMPLE_LOG}},
    },
}

PTU_FIELDS = {
    "model": "The text model, such as gpt-5.2.",
    "deployment": "global, data-zone or regional. Left out: global.",
    "region": "Azure region: needed where the deployment is regional.",
    "calls_per_minute": "Model calls in the busiest minute. Left out: as the profile says.",
    "prompt_tokens": "Tokens of an average call's input.",
    "response_tokens": "Tokens of an average call's output.",
    "cache_rate": "Share of the input that is cached, 0.5 or 50%. Left out: 0.",
    "profile": "The load by the hour: 24 numbers, or 168 for a week, with commas. Left out: always the same.",
    "buy_ptus": "Units that are bought. Left out: what the busiest hour needs.",
    "day": "Left out: today.",
}
EXAMPLE_LOAD = {
    "model": "gpt-5.2",
    "deployment": "data-zone",
    "calls_per_minute": 1000,
    "prompt_tokens": 200,
    "response_tokens": 20,
    "cache_rate": 0.5,
    "day": "2026-11-22",
}
_PTU_REQUIRED = ("model", "prompt_tokens", "response_tokens")
_PTU_SUMMARY = "Provisioned throughput of Azure: units for a load, what they cost, and when they pay"
GET_PTU = _get(
    ptu_shapes.PtuSizingJson,
    _PTU_SUMMARY,
    [
        _parameter(name, description, example=str(EXAMPLE_LOAD.get(name, "")), required=name in _PTU_REQUIRED, max_length=2_000)
        for name, description in PTU_FIELDS.items()
    ],
)
POST_PTU = _post(
    ptu_shapes.PtuSizingJson,
    _PTU_SUMMARY,
    EXAMPLE_LOAD,
    {
        "type": "object",
        "required": list(_PTU_REQUIRED),
        "properties": {
            name: {
                "anyOf": [{"type": "string"}, {"type": "number"}, {"type": "array", "items": {}}],
                "description": description,
            }
            for name, description in PTU_FIELDS.items()
        },
        "additionalProperties": False,
    },
)

GET_HEALTH: dict[str, Any] = {
    "summary": "Whether the site answers, and by which facts",
    "responses": {200: {"model": shapes.HealthJson}},
}
