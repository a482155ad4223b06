"""Define the tools of the MCP server. Their arguments have the names, units and bounds of the declared inputs."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from voicebill.answers.capacity.capacity import plan_capacity
from voicebill.answers.catalog.facts import Facts
from voicebill.answers.catalog.price_list import listed_offers
from voicebill.answers.catalog.stacks import restrict_stacks
from voicebill.answers.comparison.alternatives import alternatives
from voicebill.answers.comparison.choices import ComparisonChoices
from voicebill.answers.comparison.compare import available_offers_matching, compare
from voicebill.answers.estimates.estimate import estimate
from voicebill.answers.estimates.model_selection import DEFAULT_MODEL, resolve_rules
from voicebill.answers.estimates.simulate import simulate
from voicebill.answers.invoices.request import reconcile_request
from voicebill.answers.invoices.verify import verify
from voicebill.answers.parameters.capacity_schema import parse_targets, split_capacity
from voicebill.answers.parameters.inputs import (
    CAPACITY,
    COMPARISON,
    ESTIMATE,
    FIT_QUERY,
    LOG_DEFAULTS,
    LOG_INPUTS,
    LOG_QUERY,
    PRICE_LIST,
    PTU,
    RECONCILE_QUERY,
    REPLAY_LOG_DEFAULTS,
    REPLAY_QUERY,
    RULE_INPUTS,
    SELECTION,
    SESSION_QUERY,
    VERIFY_QUERY,
    Inputs,
    log_defaults_of,
)
from voicebill.answers.parameters.json_schema import REQUEST_EXTRAS, SCRIPT_JSON_SCHEMA, input_json_schema
from voicebill.answers.parameters.ptu_schema import parse_load_or_plan
from voicebill.answers.parameters.read_inputs import InvalidInputs, read_inputs, split_inputs
from voicebill.answers.parameters.request import EstimateRequest, parse_estimate_request
from voicebill.answers.parameters.script_schema import parse_script
from voicebill.answers.parameters.table_schema import Issue
from voicebill.answers.provisioned.ptu import size_ptus
from voicebill.answers.recorded.cost import cost
from voicebill.answers.recorded.query import CostQuery
from voicebill.answers.replay.request import replay_request
from voicebill.answers.reports.comparison import ComparisonReport
from voicebill.answers.reports.cost import CostReport
from voicebill.answers.reports.prices import PriceListReport
from voicebill.answers.reports.rules import ModelRulesReport
from voicebill.answers.reports.tolerance import reconciliation_excess, verification_excess
from voicebill.answers.sessions.recorded_models import RecordedModels
from voicebill.billing.errors import InvalidInput
from voicebill.billing.offers import DEFAULT_PROVIDER
from voicebill.billing.record import Record
from voicebill.billing.validation import format_value
from voicebill.engines.explained_usage import explain_usage
from voicebill.engines.fitted_usage import fit_usage
from voicebill.engines.in_duckdb import SERVER_MEMORY, DuckDBEngine
from voicebill.engines.invoiced_usage import reconcile_usage
from voicebill.engines.replayed_usage import replay_usage
from voicebill.logs.bills.bill_report import BillReport, UnreadableBill
from voicebill.logs.bills.read_bills import read_bills
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.read import all_records
from voicebill.logs.report import ReadReport
from voicebill.logs.report_text import log_input_report, report_notes
from voicebill.logs.sources import Source
from voicebill.mcp.files import log_sources

JsonObject = dict[str, Any]
Arguments = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What the tools answer with: the facts, the day, and the root folder of log files (None: there is no such tool)."""

    facts: Facts
    today: Callable[[], date]
    root: Path | None = None


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool. `headline` has the keys of the answer's JSON that are returned unless `detail` is asked for.

    A key with subkeys has only these: of an object, or of each object in a list.
    """

    name: str
    title: str
    description: str
    schema: JsonObject
    headline: Mapping[str, tuple[str, ...]]
    run: Callable[[Arguments, ToolContext], JsonObject]

    @property
    def input_schema(self) -> JsonObject:
        """The JSON schema of the arguments."""
        return {**self.schema, "properties": {**self.schema["properties"], "detail": DETAIL}}

    def answer(self, arguments: Arguments, site: ToolContext) -> JsonObject:
        """The answer's JSON: the headline, or all of it with `detail: true`.

        Raises:
            InvalidInputs: arguments are invalid.
            VoicebillError: there is no answer.
        """
        detail = arguments.get("detail", False)
        if not isinstance(detail, bool):
            raise InvalidInput("must be true or false", field="detail")
        document = self.run({name: value for name, value in arguments.items() if name != "detail"}, site)
        if detail:
            return document
        return {name: _subkeys(document[name], keys) for name, keys in self.headline.items() if name in document}


def _subkeys(value: Any, keys: tuple[str, ...]) -> Any:  # noqa: ANN401 - any JSON value
    if not keys or value is None:
        return value
    if isinstance(value, list):
        return [_subkeys(item, keys) for item in value]
    return {name: value[name] for name in keys if name in value}


DETAIL: JsonObject = {
    "type": "boolean",
    "description": "true: the whole answer, with every line, source and rule. (default: no, the headline with its assumptions)",
}


def _request(table: Arguments, site: ToolContext) -> EstimateRequest:
    issues: list[Issue] = []
    request = parse_estimate_request(table, today=site.today(), issues=issues)
    if request is None:
        raise InvalidInputs(issues)
    return request


def _estimate(table: Arguments, site: ToolContext) -> JsonObject:
    request = _request(table, site)
    answer = estimate(
        request.plan,
        request.selection,
        site.facts,
        request.volume,
        request.lengths,
        connection_costs=request.connection_costs,
    )
    return answer.to_dict()


def _simulate(table: Arguments, site: ToolContext) -> JsonObject:
    issues: list[Issue] = []
    request = parse_script(table, issues)
    if request is None:
        raise InvalidInputs(issues)
    selection = request.selection(day=request.selection_values["day"] or site.today())
    return simulate(request.script, selection, site.facts).to_dict()


def _compare(table: Arguments, site: ToolContext) -> JsonObject:
    """Only the offers of a model, provider or deployment that is given."""
    options_table, table = split_inputs(table, COMPARISON)
    choices = ComparisonChoices(**read_inputs(options_table, COMPARISON))
    request = _request(table, site)
    names = {name: str(table[name]).strip().lower() for name in ("model", "provider", "deployment") if table.get(name)}
    models = (names["model"],) if "model" in names else ()
    day, facts = request.selection.day, site.facts
    offers = available_offers_matching(facts.prices, day, models, names.get("provider"), names.get("deployment"))
    answer = compare(
        request.plan,
        offers,
        request.selection,
        facts,
        request.volume,
        lengths=request.lengths,
        include_ending=choices.include_ending,
    )
    priced = alternatives(
        answer,
        request.plan,
        request.selection,
        facts,
        request.volume,
        stacks=choices.stacks([] if models else restrict_stacks(facts.stacks, names.get("provider"), names.get("deployment"))),
        lengths=request.lengths,
        connection_costs=request.connection_costs,
        include_ending=choices.include_ending,
    ).of_kind(choices.kind)
    return ComparisonReport.of(answer, priced, [], facts, day).to_dict()


def _plan_capacity(table: Arguments, site: ToolContext) -> JsonObject:
    targets_table, plan_table = split_capacity(table)
    issues: list[Issue] = []
    targets = parse_targets(targets_table, issues)
    request = parse_estimate_request(plan_table, today=site.today(), issues=issues)
    if request is None or targets is None or issues:
        raise InvalidInputs(issues)
    answer = plan_capacity(request.plan, request.selection, site.facts, request.volume, targets, lengths=request.lengths)
    return answer.to_dict()


def _size_ptus(table: Arguments, site: ToolContext) -> JsonObject:
    issues: list[Issue] = []
    request = parse_load_or_plan(table, today=site.today(), facts=site.facts, issues=issues)
    if request is None:
        raise InvalidInputs(issues)
    return size_ptus(request, site.facts).to_dict()


def _cost(table: Arguments, site: ToolContext) -> JsonObject:
    """The cost of log files below the root."""
    with _loaded_logs(table, LOG_INPUTS, site) as (database, _, query, report):
        answer = cost(database, query, site.facts.prices, unread_usage=report.unread_usage)
    report.require_content()
    return CostReport.of(answer, log_input_report(report)).to_dict()


def _explain(table: Arguments, site: ToolContext) -> JsonObject:
    """Why the calls of log files below the root, or one of them, cost what they did."""
    with _loaded_logs(table, EXPLANATION_INPUTS, site) as (database, values, query, report):
        report.require_content()
        choices = {name: values[name] for name in ("session", "dearest") if name in values}
        answer = explain_usage(database, query, RecordedModels(site.facts, query, values.get("rules")), **choices)
    unread = [report.unread_usage.warning] if report.unread_usage else []
    return replace(answer, warnings=(*unread, *report_notes(report))).to_dict()


def _fit(table: Arguments, site: ToolContext) -> JsonObject:
    """A plan fitted to the calls of log files below the root."""
    with _loaded_logs(table, FITTED_INPUTS, site) as (database, values, query, report):
        report.require_content()
        models = RecordedModels(site.facts, query, values.get("rules"))
        answer = fit_usage(database, query, models, without_usage=report.sessions_without_usage)
    unread = [report.unread_usage.warning] if report.unread_usage else []
    return replace(answer, warnings=(*answer.warnings, *unread, *report_notes(report))).to_dict()


def _replay(table: Arguments, site: ToolContext) -> JsonObject:
    """What the calls of log files below the root would have cost elsewhere."""
    with _loaded_logs(table, REPLAY_INPUTS, site) as (database, values, query, report):
        report.require_content()
        models = RecordedModels(site.facts, query, values.get("rules"))
        request = replay_request(values, today=site.today())
        answer = replay_usage(database, query, request, models, sample=values.get("sample"))
    unread = [report.unread_usage.warning] if report.unread_usage else []
    return replace(answer, warnings=(*unread, *report_notes(report))).to_dict()


def _verify(table: Arguments, site: ToolContext) -> JsonObject:
    """What other tools say that the calls of log files below the root cost."""
    records, values, query, report = _read_logs(table, VERIFIED_INPUTS, site)
    unique_records = list(records)
    report.require_content()
    answer = verify(unique_records, query, site.facts.prices, tools=report.sources)
    unread = [report.unread_usage.warning] if report.unread_usage else []
    excess = filter(None, [verification_excess(answer, values.get("tolerance"))])
    return replace(answer, warnings=(*excess, *unread, *report_notes(report))).to_dict()


def _reconcile(table: Arguments, site: ToolContext) -> JsonObject:
    """Log files below the root, reconciled with the files of a bill; a bill among the logs is no log."""
    values = read_inputs({name: value for name, value in table.items() if name not in FILE_ARGUMENTS}, RECONCILED_INPUTS)
    bills, bill_report = _bill_sources(table.get("bills"), site), BillReport()
    log_table = {name: value for name, value in table.items() if name in LOG_ARGUMENTS}
    without = {source.name for source in bills}
    with _loaded_logs(log_table, RECONCILED_LOG_INPUTS, site, without=without) as (database, _, query, report):
        report.require_content()
        charges = read_bills(*bills, report=bill_report)
        try:
            answer = reconcile_usage(database, query, charges, site.facts.prices, reconcile_request(values))
        except UnreadableBill as error:
            raise InvalidInput(error.message, field="bills") from None
    unread = [report.unread_usage.warning] if report.unread_usage else []
    excess = filter(None, [reconciliation_excess(answer, values.get("tolerance"))])
    notes = (*bill_report.notes(), *unread, *report_notes(report))
    return replace(answer, warnings=(*excess, *notes, *answer.warnings)).to_dict()


def _bill_sources(names: object, site: ToolContext) -> list[Source]:
    """The files of a bill."""
    assert site.root is not None
    if not names:
        raise InvalidInput("is missing: which file or folder below the root has the bill?", field="bills")
    paths = [names] if isinstance(names, str) else names
    if not isinstance(paths, list) or not all(isinstance(name, str) for name in paths):
        raise InvalidInput("must be the path of a file or a folder below the root, or a list of them", field="bills")
    sources = {source.name: source for name in paths for source in log_sources(site.root, name, "bills")}
    return list(sources.values())


@contextmanager
def _loaded_logs(
    table: Arguments, inputs: Inputs, site: ToolContext, *, without: Collection[str] = ()
) -> Iterator[tuple[DuckDBEngine, Mapping[str, Any], CostQuery, ReadReport]]:
    """Log files below the root in a database, with the values of the inputs and the query of their records.

    Files that `without` names are left out.
    """
    records, values, query, report = _read_logs(table, inputs, site, without=without)
    with DuckDBEngine(memory=SERVER_MEMORY) as database:
        report.repeated = database.load(records)
        yield database, values, query, report


def _read_logs(
    table: Arguments, inputs: Inputs, site: ToolContext, *, without: Collection[str] = ()
) -> tuple[Iterator[Record], Mapping[str, Any], CostQuery, ReadReport]:
    """The records of log files below the root, with the values of the inputs and the query of the records."""
    assert site.root is not None
    values = read_inputs({name: value for name, value in table.items() if name not in ("path", "format")}, inputs)
    for name in ("path", "format"):
        if not isinstance(table.get(name, ""), str):
            raise InvalidInput(f"must be text, not {format_value(table[name])}", field=name)
    if not table.get("path"):
        raise InvalidInput("is missing: which file or folder below the root?", field="path")
    sources = [source for source in log_sources(site.root, table["path"]) if source.name not in without]
    if not sources:
        raise InvalidInput("has no other files than the bill", field="path")
    defaults = log_defaults_of(values, REPLAY_LOG_DEFAULTS if inputs is REPLAY_INPUTS else LOG_DEFAULTS)
    defaults["alias"] = {**site.facts.prices.model_aliases, **defaults.get("alias", {})}
    selected = {name: values[name] for name in LOG_QUERY if name in values}
    query = CostQuery.of({**selected, **defaults}, site.facts.prices)
    report = ReadReport()
    records = all_records(sources, table.get("format") or None, LogDefaults(**defaults), report)
    return records, values, query, report


def _prices(table: Arguments, site: ToolContext) -> JsonObject:
    values = read_inputs(table, PRICE_INPUTS)
    book, day = site.facts.prices, values.get("day") or site.today()
    if "model" in values:
        offers = book.offers_named(values["model"], values.get("provider"), day=day)
    else:
        offers = listed_offers(book, day, "realtime", values.get("provider"), ended=values.get("ended", False))
    return PriceListReport.of(book, offers, day).to_dict()


def _rules(table: Arguments, site: ToolContext) -> JsonObject:
    values = read_inputs(table, RULE_INPUTS)
    day = values.get("day") or site.today()
    model, provider = values.get("model", DEFAULT_MODEL), values.get("provider", DEFAULT_PROVIDER)
    offer, rules = resolve_rules(model, provider, day, site.facts, rules=values.get("rules"), overrides={})
    return ModelRulesReport.of(offer, rules, day).to_dict()


PRICE_INPUTS: Inputs = {**{name: SELECTION[name] for name in ("model", "provider", "day")}, **PRICE_LIST}
EXPLANATION_INPUTS: Inputs = {**LOG_DEFAULTS, **SESSION_QUERY}
FITTED_INPUTS: Inputs = {**LOG_DEFAULTS, **FIT_QUERY}
REPLAY_INPUTS: Inputs = {**REPLAY_LOG_DEFAULTS, **REPLAY_QUERY}
VERIFIED_INPUTS: Inputs = {**LOG_DEFAULTS, **VERIFY_QUERY}
RECONCILED_LOG_INPUTS: Inputs = {**LOG_DEFAULTS, "where": RECONCILE_QUERY["where"]}
RECONCILED_INPUTS: Inputs = {**LOG_DEFAULTS, **RECONCILE_QUERY}
LOG_TOOLS = ("cost", "explain", "fit", "replay", "verify", "reconcile")
FILE_ARGUMENTS = ("path", "bills", "format")
LOG_ARGUMENTS = ("path", "format", *RECONCILED_LOG_INPUTS)
PATH: JsonObject = {"type": "string", "minLength": 1, "description": "A log file, or a folder of logs, below the root folder."}
BILL_FILES: JsonObject = {
    "anyOf": [
        {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
        {"type": "string", "minLength": 1},
    ],
    "description": "The files of the vendor's bill, or folders of them, below the root folder: Azure's cost export, FOCUS, or "
    "OpenAI's costs or usage of an organization.",
}
FORMAT: JsonObject = {"type": "string", "description": "Log format. (default: detected)"}
NOTES: Mapping[str, tuple[str, ...]] = {"assumptions": (), "warnings": (), "day": (), "offer": ("id",), "rules": ("name",)}
ALTERNATIVE_KEYS = (
    *("name", "label", "models", "per_conversation", "mean_per_conversation", "per_month", "total_with_connection"),
    *("ratio_to_cheapest", "ends", "ending_soon"),
)

TOOLS: tuple[Tool, ...] = (
    Tool(
        "estimate",
        "Estimate a planned conversation",
        "What a planned voice conversation costs on a realtime model, before it is held: best, expected and worst, per "
        "conversation and per month. Dollars are exact decimal strings.",
        input_json_schema(ESTIMATE, REQUEST_EXTRAS),
        {
            **dict.fromkeys(
                ("per_conversation", "per_minute", "mean_per_conversation", "per_month", "per_year", "breakdown"), ()
            ),
            "total_with_connection": (),
            **NOTES,
        },
        _estimate,
    ),
    Tool(
        "simulate",
        "Simulate a scripted conversation",
        "Bill a conversation that is described turn by turn, response by response.",
        SCRIPT_JSON_SCHEMA,
        {"total": ("dollars", "usage"), "scenarios": (), "cache": (), **NOTES},
        _simulate,
    ),
    Tool(
        "compare",
        "Compare offers and alternatives",
        "The same planned conversation with every realtime offer of the day, and with live models and pipelines, cheapest "
        "first; those with a model that ends within 90 days follow the others. A model, provider or deployment restricts the "
        "comparison.",
        input_json_schema({**ESTIMATE, **COMPARISON}, REQUEST_EXTRAS),
        {
            "day": (),
            "ranked_by": (),
            "include_ending": (),
            **dict.fromkeys(("alternatives", "partial_alternatives"), ALTERNATIVE_KEYS),
            "not_possible": ("name", "reason"),
        },
        _compare,
    ),
    Tool(
        "cost",
        "Calculate the cost of usage logs",
        "The actual cost of conversations, from usage logs below the root folder: by tenant, model, day or other fields.",
        {
            **(logs := input_json_schema(LOG_INPUTS, {"path": PATH, "format": FORMAT})),
            "required": ["path", *logs["required"]],
        },
        {
            "status": (),
            "unread_usage": (),
            "input": ("lines", "records", "repeated", "error_count"),
            **dict.fromkeys(("records", "days", "total", "groups", "remainder", "unpriced", "per_call"), ()),
            "assumptions": (),
            "warnings": (),
        },
        _cost,
    ),
    Tool(
        "explain",
        "Explain what recorded calls cost",
        "Why recorded calls cost what they did, from usage logs below the root folder: what was sent again, what the cache "
        "missed and why, what was carried along, what was paid for nothing, and the dearest calls; with a session, one call "
        "response by response.",
        {
            **(explained := input_json_schema(EXPLANATION_INPUTS, {"path": PATH, "format": FORMAT})),
            "required": ["path", *explained["required"]],
        },
        dict.fromkeys(
            (
                *("calls", "explained_calls", "session", "dollars", "expected_dollars", "parts", "causes", "carried", "waste"),
                *("dearest", "responses", "unexplained", "warnings"),
            ),
            (),
        ),
        _explain,
    ),
    Tool(
        "fit",
        "Fit a plan to recorded calls",
        "A plan as recorded calls show it, from usage logs below the root folder: minutes, turns, shares of speech, prompt, "
        "tools, interruptions and cache, each with a 99% interval, and a backtest on the later calls.",
        {
            **(fitted := input_json_schema(FITTED_INPUTS, {"path": PATH, "format": FORMAT})),
            "required": ["path", *fitted["required"]],
        },
        dict.fromkeys(("model", "calls", "plan", "parameters", "backtest", "warnings"), ()),
        _fit,
    ),
    Tool(
        "replay",
        "Replay recorded calls elsewhere",
        "What the same recorded calls would have cost with other offers and stacks, or with a change such as a shorter prompt, "
        "from usage logs below the root folder: the difference in steps, the calls that get dearer, and with savings, what "
        "would have saved most.",
        {
            **(replayed := input_json_schema(REPLAY_INPUTS, {"path": PATH, "format": FORMAT})),
            "required": ["path", *replayed["required"]],
        },
        {
            **dict.fromkeys(("calls", "replayed_calls", "recorded_dollars", "savings", "not_replayed", "sample"), ()),
            "targets": (
                "name",
                "is_recorded",
                "dollars",
                "ratio",
                "mean_dollars",
                "p90_dollars",
                "steps",
                "dearer_calls",
                "ends",
            ),
            "warnings": (),
            "assumptions": (),
        },
        _replay,
    ),
    Tool(
        "verify",
        "Verify other tools' amounts",
        "What other tools, such as LiteLLM, Langfuse or Vapi, say that the same recorded calls cost, from usage logs below the "
        "root folder: their amounts beside ours, and the differences summed by cause.",
        {
            **(verified := input_json_schema(VERIFIED_INPUTS, {"path": PATH, "format": FORMAT})),
            "required": ["path", *verified["required"]],
        },
        {
            **dict.fromkeys(("amounts", "dollars", "reported_dollars", "difference_dollars", "difference_share", "tools"), ()),
            "causes": ("cause", "codes", "amounts", "calls", "dollars", "reported_dollars", "difference_dollars", "examples"),
            **dict.fromkeys(("largest", "records_without_cost", "warnings"), ()),
        },
        _verify,
    ),
    Tool(
        "reconcile",
        "Reconcile usage logs with a bill",
        "Why a vendor's bill differs from what was recorded, from usage logs and the bill's files below the root folder: the "
        "difference, its causes with their amounts, and what is not explained. The sum closes: recorded + causes + not "
        "explained = billed.",
        {
            **(reconciled := input_json_schema(RECONCILED_INPUTS, {"path": PATH, "bills": BILL_FILES, "format": FORMAT})),
            "required": ["path", "bills", *reconciled["required"]],
        },
        {
            **dict.fromkeys(("first_day", "last_day", "day_offset_minutes", "recorded_dollars", "billed", "currency"), ()),
            **dict.fromkeys(("difference", "difference_share"), ()),
            "causes": ("names", "title", "detail", "dollars", "days", "first_day", "last_day", "models"),
            **dict.fromkeys(("not_explained_dollars", "not_on_bill_dollars", "has_money", "assumptions", "warnings"), ()),
        },
        _reconcile,
    ),
    Tool(
        "prices",
        "Look up prices",
        "The price book: the realtime offers that are sold on a day, or all offers of a model, with history, sources and "
        "disputed prices.",
        input_json_schema(PRICE_INPUTS),
        {
            "digest": (),
            "day": (),
            "currency": (),
            "offers": ("id", "provider", "model", "deployment", "regions", "ends", "prices"),
        },
        _prices,
    ),
    Tool(
        "rules",
        "Look up counting rules",
        "The rules by which a model's conversations are counted, each with its evidence.",
        input_json_schema(RULE_INPUTS),
        dict.fromkeys(("offer", "day", "name", "digest", "evidence"), ()),
        _rules,
    ),
    Tool(
        "plan_capacity",
        "Plan capacity",
        "Concurrent calls in the busy hour, their tokens and requests per minute, and the quota that they need.",
        input_json_schema({**ESTIMATE, **CAPACITY}, REQUEST_EXTRAS),
        {**dict.fromkeys(("busy_hour", "erlang_b", "limits", "quota_requirement"), ()), **NOTES},
        _plan_capacity,
    ),
    Tool(
        "size_ptus",
        "Size provisioned throughput",
        "Azure provisioned throughput for a text model: PTUs for a load, or for the text model of a plan's pipeline; their "
        "cost, and their break-even.",
        input_json_schema(PTU),
        {
            **dict.fromkeys(("model", "ptus", "bought_ptus", "utilization", "pay_as_you_go"), ()),
            "prices": ("label", "month", "year", "break_even", "cheapest"),
            **NOTES,
        },
        _size_ptus,
    ),
)


def tools_for(site: ToolContext) -> dict[str, Tool]:
    """The tools of a site by name; those that read logs need a root folder."""
    return {tool.name: tool for tool in TOOLS if tool.name not in LOG_TOOLS or site.root is not None}
