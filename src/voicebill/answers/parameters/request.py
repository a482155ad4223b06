"""Read a whole request from one table: the conversation, the model and day, the volume, with all errors at their fields.

The table is a saved plan, a JSON body, the fields of a form, in which every value is text, or options.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import TypeVar

from voicebill.answers.connectivity.transport import ConnectionCosts
from voicebill.answers.estimates.model_selection import SELECTION_FIELDS, ModelSelection, select_model
from voicebill.answers.parameters.inputs import CONNECTION_COSTS
from voicebill.answers.parameters.plan_schema import PLAN_SCHEMA
from voicebill.answers.parameters.script_schema import rule_overrides
from voicebill.answers.parameters.table_schema import Field, Issue, Schema, Values, decimal, read_table
from voicebill.billing.errors import InvalidInput, VoicebillError
from voicebill.conversation.call_lengths import CallLengths, LengthDistribution
from voicebill.conversation.plan import Plan
from voicebill.conversation.script import Truncation
from voicebill.conversation.volume import Volume

MAX_LENGTHS = 10_000


def _lengths(value: object) -> CallLengths:
    """Observed call lengths: a list of minutes, or of pairs of minutes and the number of calls."""
    if isinstance(value, CallLengths):
        return value
    if not isinstance(value, list) or len(value) > MAX_LENGTHS:
        raise InvalidInput(f"must be a list of at most {MAX_LENGTHS:,} [minutes, calls]", is_predicate=True)
    pairs = []
    for position, item in enumerate(value, start=1):
        pair = item if isinstance(item, list) else [item, 1]
        if len(pair) != 2 or type(pair[1]) is not int:
            raise InvalidInput(f"item {position}: must be [minutes, calls], such as [6.5, 12]")
        pairs.append((decimal(pair[0]), pair[1]))
    return CallLengths(tuple(pairs))


ESTIMATE_SCHEMA: Schema = {
    **PLAN_SCHEMA,
    "overrides": Field(rule_overrides, None),
    "call_lengths": Field(_lengths, None),
}
"""Every field of an estimate's request."""


@dataclass(frozen=True, slots=True)
class EstimateRequest:
    """The request of an estimate or a comparison."""

    plan: Plan
    selection: ModelSelection
    volume: Volume | None
    lengths: LengthDistribution | CallLengths | None
    connection_costs: ConnectionCosts


def parse_estimate_request(table: object, *, today: date, issues: list[Issue]) -> EstimateRequest | None:
    """Read a request; None if there are errors, which are added to `issues`, each with the path to its field."""
    before = len(issues)
    values = {key: value for key, value in read_table(table, ESTIMATE_SCHEMA, issues).items() if value is not None}
    keys: Iterable[object] = table if isinstance(table, Mapping) else ()
    for name, question in (("minutes", "how long is the conversation?"), ("turns", "how many turns does it have?")):
        if name not in keys:
            issues.append(Issue.of(InvalidInput(f"is missing: {question}", field=name)))
    if len(issues) > before:
        return None
    selection = {"day": today} | {key: values.pop(key) for key in SELECTION_FIELDS if key in values}
    connection = {key: values.pop(key) for key in CONNECTION_COSTS if key in values}
    volume, variation, lengths = (values.pop(key, None) for key in ("conversations", "call_length_cv", "call_lengths"))
    parts = (
        _built(lambda: Plan(truncation=_truncation(values), **values), issues),
        _built(lambda: select_model(selection), issues),
        _built(lambda: _call_lengths(variation, lengths), issues),
        _built(lambda: ConnectionCosts(**connection), issues),
    )
    if len(issues) > before:
        return None
    plan, model_selection, call_lengths, connection_costs = parts
    assert plan is not None and model_selection is not None and connection_costs is not None  # noqa: PT018 - one fact
    return EstimateRequest(plan, model_selection, volume, call_lengths, connection_costs)


Part = TypeVar("Part")


def _built(build: Callable[[], Part], issues: list[Issue]) -> Part | None:
    """A part of a request; None if it is invalid, so that the errors of all parts are found."""
    try:
        return build()
    except VoicebillError as error:
        issues.append(Issue.of(error))
        return None


def _call_lengths(variation: Decimal | None, lengths: CallLengths | None) -> LengthDistribution | CallLengths | None:
    if variation is not None and lengths is not None:
        raise InvalidInput("cannot be combined with call_lengths: give one", field="call_length_cv", mentions=("call_lengths",))
    return lengths if variation is None else LengthDistribution(variation)


def _truncation(values: Values) -> Truncation:
    """The truncation setting, from one field or from its three parts, which are taken out of the values."""
    setting: Truncation = values.pop("truncation", Truncation())
    parts = {key: values.pop(key) for key in ("retention_ratio", "post_instructions_tokens") if key in values}
    return replace(setting, **parts)
