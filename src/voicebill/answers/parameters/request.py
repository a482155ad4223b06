"""A whole question from one table: the conversation, the model and day, the volume; every fault at its field.

The table is a saved plan as TOML has it, a JSON body, or the fields of a form, in which every value is text.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from voicebill.answers.connectivity.transport import ConnectionCosts
from voicebill.answers.estimates.model_selection import SELECTION_FIELDS, ModelSelection, select_model
from voicebill.answers.parameters.plan_schema import CONNECTION_SCHEMA, COUNT, PLAN_SCHEMA, SELECTION_SCHEMA, SHARE, text_or
from voicebill.answers.parameters.script_schema import rule_overrides
from voicebill.answers.parameters.table_schema import Field, Issue, Schema, Values, boolean, decimal, read_table
from voicebill.answers.parsing import quantities
from voicebill.billing.errors import ContextOverflow, InvalidInput, VoicebillError
from voicebill.conversation.call_lengths import CallLengths, LengthDistribution
from voicebill.conversation.plan import Plan
from voicebill.conversation.script import Truncation
from voicebill.conversation.volume import Volume

MAX_LENGTHS = 10_000


def _form_boolean(value: object) -> bool:
    """True or false, as JSON has it or as a form says it."""
    words = {"true": True, "on": True, "1": True, "yes": True, "false": False, "off": False, "0": False, "no": False}
    return (
        words.get(value.strip().lower(), False) if isinstance(value, str) and value.strip().lower() in words else boolean(value)
    )


def _lengths(value: object) -> CallLengths:
    """Call lengths as they were counted: a list of minutes, or of pairs of minutes and how many calls."""
    if not isinstance(value, list) or len(value) > MAX_LENGTHS:
        raise InvalidInput(f"must be a list of at most {MAX_LENGTHS:,} [minutes, calls]")
    pairs = []
    for position, item in enumerate(value, start=1):
        pair = item if isinstance(item, list) else [item, 1]
        if len(pair) != 2 or type(pair[1]) is not int:
            raise InvalidInput(f"item {position}: must be [minutes, calls], such as [6.5, 12]")
        pairs.append((decimal(pair[0]), pair[1]))
    return CallLengths(tuple(pairs))


ESTIMATE_SCHEMA: Schema = {
    **SELECTION_SCHEMA,
    **PLAN_SCHEMA,
    "call_length_cv": Field(text_or(decimal, quantities.parse_number), None),
    "warm_cache": Field(_form_boolean, None),
    "retention_ratio": Field(SHARE, None),
    "post_instructions_tokens": Field(COUNT, None),
    "overrides": Field(rule_overrides, None),
    "call_lengths": Field(_lengths, None),
    **CONNECTION_SCHEMA,
}
"""Every field that a question may have."""


@dataclass(frozen=True, slots=True)
class EstimateRequest:
    """What is asked of an estimate or a comparison."""

    plan: Plan
    selection: ModelSelection
    volume: Volume | None
    lengths: LengthDistribution | CallLengths | None
    connection_costs: ConnectionCosts


def parse_estimate_request(table: object, *, today: date, issues: list[Issue]) -> EstimateRequest | None:
    """Read a question; None if it has faults, all of which are added to `faults`, each with the path to its field."""
    values = {key: value for key, value in read_table(table, ESTIMATE_SCHEMA, issues).items() if value is not None}
    keys: Iterable[object] = table if isinstance(table, Mapping) else ()
    for name, question in (("minutes", "how long is the conversation?"), ("turns", "how many turns has it?")):
        if name not in keys:
            issues.append(Issue((name,), f"{name}: is missing: {question}"))
    if issues:
        return None
    selection = {key: values.pop(key) for key in SELECTION_FIELDS if key in values}
    connection = {key: values.pop(key) for key in CONNECTION_SCHEMA if key in values}
    volume, spread, lengths = (values.pop(key, None) for key in ("conversations", "call_length_cv", "call_lengths"))
    try:
        if spread is not None and lengths is not None:
            raise InvalidInput("call_length_cv and call_lengths are alternatives: give one")
        return EstimateRequest(
            plan=Plan(truncation=_truncation(values), **values),
            selection=select_model({"day": today} | selection),
            volume=volume,
            lengths=lengths if spread is None else LengthDistribution(spread),
            connection_costs=ConnectionCosts(**connection),
        )
    except VoicebillError as error:
        issues.append(issue_for(error))
        return None


def issue_for(error: VoicebillError) -> Issue:
    """An error as a fault of the field that its text names first.

    >>> issue_for(InvalidInput("turns must be a whole number, not 'x'")).path
    ('turns',)
    """
    text = str(error)
    if isinstance(error, ContextOverflow):
        return Issue(("instructions_tokens",) if text.startswith("instructions") else (), text)
    words = {name: name for name in ESTIMATE_SCHEMA} | {
        "rule set": "rules",
        "the coefficient of variation": "call_length_cv",
        "platform": "platforms",
    }
    matches = [
        (match.start(), name) for word, name in words.items() if (match := re.search(rf"(?<!\w){word}(?!\w)", text[:80]))
    ]
    return Issue((min(matches)[1],) if matches else (), text)


def _truncation(values: Values) -> Truncation:
    """The truncation setting, from one field or from its three parts, which are taken out of the values."""
    setting: Truncation = values.pop("truncation", Truncation())
    parts: dict[str, Any] = {
        "mode": setting.mode,
        "retention_ratio": setting.retention_ratio,
        "post_instructions_tokens": setting.post_instructions_tokens,
    }
    return Truncation(
        **parts | {key: values.pop(key) for key in ("retention_ratio", "post_instructions_tokens") if key in values}
    )
