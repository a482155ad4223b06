"""Read a load of model calls for PTUs, or a plan to derive it from: fields of a form, a query, a JSON body, or options."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Any

from voicebill.answers.capacity.targets import CapacityTargets
from voicebill.answers.catalog.facts import Facts
from voicebill.answers.parameters.inputs import PTU
from voicebill.answers.parameters.plan_schema import input_schema
from voicebill.answers.parameters.read_inputs import field_error
from voicebill.answers.parameters.request import EstimateRequest, parse_estimate_request
from voicebill.answers.parameters.table_schema import Issue, Values, read_table
from voicebill.answers.provisioned.request import PtuRequest, derive_ptu_request
from voicebill.billing.errors import InvalidInput, VoicebillError

LOAD_SCHEMA = input_schema(row for row in PTU.values() if row.name != "plan")
BUSY_HOUR_INPUTS = tuple(row.name for row in PTU.values() if row.owner is CapacityTargets)
REQUIRED_WITHOUT_PLAN = ("model", "prompt_tokens", "response_tokens")


def split_plan(table: object, issues: list[Issue]) -> tuple[Mapping[str, Any] | None, object]:
    """The fields of the plan in a table (None: there is no plan, or it cannot be read), and the table without it."""
    if not isinstance(table, Mapping):
        return None, table
    load = {name: value for name, value in table.items() if name != "plan"}
    try:
        return None if table.get("plan") is None else PTU["plan"].read(table["plan"]), load
    except VoicebillError as error:
        issues.append(Issue.of(error))
        return None, load


def parse_load_or_plan(table: object, *, today: date, facts: Facts, issues: list[Issue]) -> PtuRequest | None:
    """Read a load, or a plan; None if there are errors, which are added to `issues`, those of a plan at `plan`."""
    before = len(issues)
    fields, load = split_plan(table, issues)
    plan_issues: list[Issue] = []
    plan = None if fields is None else parse_estimate_request(fields, today=today, issues=plan_issues)
    issues.extend(plan_issue(*field_error(issue)) for issue in plan_issues)
    if len(issues) > before:
        return None
    load_issues: list[Issue] = []
    request = parse_ptu_request(load, today=today, facts=facts, issues=load_issues, plan=plan)
    issues.extend(map(load_issue, load_issues))
    return request


def load_issue(issue: Issue) -> Issue:
    """An error of a load where the plan is one of its inputs: if it is one of the plan's own inputs, an error of `plan`."""
    name = issue.error.field if issue.error else None
    return issue if name is None or name in PTU else plan_issue(*field_error(issue))


def plan_issue(name: str | None, text: str) -> Issue:
    """An error of a plan as one of the input `plan`."""
    message = text if name is None or text.startswith(name) else f"{name}: {text}"
    return Issue(("plan",), f"plan: {message}", message)


def parse_ptu_request(
    table: object, *, today: date, facts: Facts, issues: list[Issue], plan: EstimateRequest | None = None
) -> PtuRequest | None:
    """Read a request, what is not given derived from a plan; None if there are errors, which are added to `issues`."""
    before = len(issues)
    values = {key: value for key, value in read_table(table, LOAD_SCHEMA, issues).items() if value is not None}
    if plan is None:
        issues.extend(_missing_plan(values, table if isinstance(table, Mapping) else {}))
    if len(issues) > before:
        return None
    fields = {PTU[name].attribute or name: value for name, value in values.items() if name not in BUSY_HOUR_INPUTS}
    try:
        with errors_by_input():
            if plan is None:
                return PtuRequest(**{"day": today} | fields)
            targets = CapacityTargets(**{name: values[name] for name in BUSY_HOUR_INPUTS if name in values})
            return derive_ptu_request(
                plan.plan, plan.volume, plan.selection, facts, lengths=plan.lengths, targets=targets, **fields
            )
    except VoicebillError as error:
        issues.append(Issue.of(error))
        return None


def _missing_plan(values: Values, table: Mapping[str, Any]) -> Iterator[Issue]:
    """What cannot be answered without a plan."""
    for name in REQUIRED_WITHOUT_PLAN:
        if name not in table:
            yield Issue.of(InvalidInput("is missing: give it, or a plan", field=name, mentions=("plan",)))
    for name in BUSY_HOUR_INPUTS:
        if name in values:
            yield Issue.of(InvalidInput("applies to a plan only: give a plan, too", field=name, mentions=("plan",)))


@contextmanager
def errors_by_input() -> Iterator[None]:
    """Errors in the block have the name of the input, where a field of `PtuRequest` has another name."""
    inputs = {row.attribute: row.name for row in PTU.values() if row.attribute}
    try:
        yield
    except VoicebillError as error:
        error.field = inputs.get(error.field or "", error.field)
        raise
