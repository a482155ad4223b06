"""Read capacity targets from fields of a form, a query, a JSON body, or options."""

from collections.abc import Mapping
from typing import Any

from voicebill.answers.capacity.targets import CapacityTargets
from voicebill.answers.parameters.inputs import CAPACITY
from voicebill.answers.parameters.plan_schema import input_schema
from voicebill.answers.parameters.renamed_keys import replacement_for
from voicebill.answers.parameters.table_schema import Issue, read_table
from voicebill.billing.errors import VoicebillError

TARGETS_SCHEMA = input_schema(CAPACITY.values())


def split_capacity(table: object) -> tuple[dict[str, Any], object]:
    """The fields of the targets, and the table without them."""
    if not isinstance(table, Mapping):
        return {}, table
    names = {name for name in table if name in TARGETS_SCHEMA or replacement_for(str(name), TARGETS_SCHEMA) in TARGETS_SCHEMA}
    targets = {name: value for name, value in table.items() if name in names and value not in ("", None)}
    return targets, {name: value for name, value in table.items() if name not in names}


def parse_targets(table: Mapping[str, Any], issues: list[Issue]) -> CapacityTargets | None:
    """Read capacity targets; None if there are errors, which are added to `issues`, each with the path to its field."""
    before = len(issues)
    values = {name: value for name, value in read_table(table, TARGETS_SCHEMA, issues).items() if value is not None}
    if len(issues) > before:
        return None
    try:
        return CapacityTargets(**values)
    except VoicebillError as error:
        issues.append(Issue.of(error))
        return None
