"""Write a fit as the files that an estimate takes: a plan, a rule set, and the lengths of calls."""

import json
from collections.abc import Iterator
from decimal import Decimal

from voicebill.answers.escaping import csv_text
from voicebill.answers.parameters.inputs import PLAN
from voicebill.answers.parsing.quantities import pluralize
from voicebill.answers.reports.report import decimal_text
from voicebill.answers.sessions.fit import Fit
from voicebill.answers.sessions.fitted_parameters import ParameterEstimate
from voicebill.billing.errors import InvalidInput

RULE_SET = "fitted-calls"
PLAN_PARAMETERS = {"text_turns": "typed_share", "warm_cache": "warm_share"}
"""The parameters from which fields of other names follow."""
PlanValue = str | int | bool | Decimal


def plan_values(answer: Fit) -> dict[str, PlanValue]:
    """The keys of a plan file that the calls set, with their values.

    Raises:
        InvalidInput: there are too few calls for a plan.
    """
    plan, selection = answer.plan, answer.selection
    if plan is None or selection is None:
        raise InvalidInput("; ".join(answer.warnings), is_sentence=True)
    values: dict[str, PlanValue] = {}
    names = {"model": selection.model, "provider": selection.provider, "deployment": selection.deployment}
    values |= names | ({} if selection.region is None else {"region": selection.region})
    for name, row in PLAN.items():
        value = getattr(plan, name, None)
        if name != "truncation" and value is not None and (value != row.default_value or row.is_required):
            values[name] = value
    if answer.volume is not None:
        values["conversations"] = f"{answer.volume.conversations}/{answer.volume.period}"
    if answer.length_variation is not None:
        values["call_length_cv"] = answer.length_variation
    return values


def plan_text(answer: Fit) -> str:
    """The plan as a file, each value with the interval of its parameter.

    Raises:
        InvalidInput: there are too few calls for a plan.
    """
    estimates = {entry.name: entry for entry in answer.parameters}
    lines = [
        f"# A plan fitted to {pluralize(answer.calls, 'call')} of {answer.model}, until {_day(answer)}.",
        "# Behind a value: the 99% interval of its parameter. Counts of a call are whole numbers here.",
        "",
    ]
    for name, value in plan_values(answer).items():
        entry = estimates.get(PLAN_PARAMETERS.get(name, name))
        lines.append(f"{name} = {_toml(value)}{'' if entry is None else _interval_comment(entry)}")
    return "\n".join((*lines, *(f"# {text}" for text in answer.warnings), ""))


def rules_text(answer: Fit) -> str:
    """The rules that the calls show as a rule set, based on the one that counted them; empty without any."""
    if not answer.rule_values or answer.rules is None:
        return ""
    return "\n".join(_rule_lines(answer, answer.rules.name))


def _rule_lines(answer: Fit, based_on: str) -> Iterator[str]:
    yield f"# Rules of {answer.model}, measured in {pluralize(answer.calls, 'call')} until {_day(answer)}."
    yield f"name = {json.dumps(RULE_SET)}"
    yield f"title = {json.dumps(f'Measured in {answer.calls:,} recorded calls')}"
    yield f"based_on = {json.dumps(based_on)}"
    for name, value in answer.rule_values.items():
        entry = answer.parameter(name)
        yield ""
        yield "[[rules]]"
        yield f"parameter = {json.dumps(name)}"
        yield f"value = {decimal_text(value)}"
        yield f"range = [{max(0.0, entry.low or 0.0):.4f}, {max(0.0, entry.high or 0.0):.4f}]"
        yield f"models = [{json.dumps(answer.model)}]"
        yield 'evidence = "measured"'
        yield f"basis = {json.dumps(f'{answer.calls:,} calls until {_day(answer)}')}"
        yield f"sample_size = {answer.calls}"
    yield ""


def lengths_text(answer: Fit) -> str:
    """The lengths of the calls as CSV: minutes, and the number of calls of that length; empty without calls."""
    if answer.lengths is None:
        return ""
    rows = sorted((minutes, count) for minutes, count in answer.lengths.counts)
    return csv_text([("minutes", "calls"), *((str(minutes), count) for minutes, count in rows)])


def _day(answer: Fit) -> str:
    return "" if answer.selection is None else answer.selection.day.isoformat()


def _toml(value: PlanValue) -> str:
    if isinstance(value, Decimal):
        return decimal_text(value)
    return json.dumps(value)


def _interval_comment(entry: ParameterEstimate) -> str:
    if entry.low is None or entry.high is None:
        return f"  # not known: {entry.note}"
    return f"  # {entry.low:.4g} to {entry.high:.4g}"
