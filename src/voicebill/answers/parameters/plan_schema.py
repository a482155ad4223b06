"""Read plans and requests: the fields of a saved plan, a form, a query, a JSON body, or options."""

from collections.abc import Iterable

from voicebill.answers.parameters.inputs import CALL_VOLUME, CONNECTION_COSTS, ESTIMATE, PLAN, SELECTION, Input
from voicebill.answers.parameters.script_schema import truncation_setting
from voicebill.answers.parameters.table_schema import Field, Issue, Schema, Values, read_table
from voicebill.conversation.script import Truncation


def input_schema(inputs: Iterable[Input]) -> Schema:
    """The schema of a table whose keys are inputs; what is left out is None."""
    return {row.name: Field(row.read, None) for row in inputs}


def _truncation(value: object) -> Truncation:
    """A truncation setting: a word, or a table of its three parts."""
    return truncation_setting(PLAN["truncation"].kind.read(value) if isinstance(value, str) else value)


PLAN_SCHEMA: Schema = {**input_schema(ESTIMATE.values()), "truncation": Field(_truncation, None)}


def plan_values(table: object, issues: list[Issue]) -> tuple[Values, Values]:
    """The fields of a saved plan that describe the conversation, and its other fields; only those that it contains.

    A truncation setting is returned as its three parts.
    """
    fields = {key: value for key, value in read_table(table, PLAN_SCHEMA, issues).items() if value is not None}
    setting = fields.pop("truncation", None)
    if isinstance(setting, Truncation):
        fields |= {"truncation": setting.mode, "retention_ratio": setting.retention_ratio}
        fields |= {"post_instructions_tokens": setting.post_instructions_tokens} if setting.post_instructions_tokens else {}
    selection = {key: fields.pop(key) for key in (*SELECTION, *CALL_VOLUME, *CONNECTION_COSTS) if key in fields}
    return fields, selection
