"""Read plans and requests: the fields of a saved plan, a form, a query, a JSON body, or options."""

from collections.abc import Iterable

from voicebill.answers.parameters.inputs import ESTIMATE, PLAN, Input
from voicebill.answers.parameters.script_schema import truncation_setting
from voicebill.answers.parameters.table_schema import Field, Schema
from voicebill.conversation.script import Truncation


def input_schema(inputs: Iterable[Input]) -> Schema:
    """The schema of a table whose keys are inputs; what is left out is None."""
    return {row.name: Field(row.read, None) for row in inputs}


def _truncation(value: object) -> Truncation:
    """A truncation setting: a word, or a table of its three parts."""
    return truncation_setting(PLAN["truncation"].kind.read(value) if isinstance(value, str) else value)


PLAN_SCHEMA: Schema = {**input_schema(ESTIMATE.values()), "truncation": Field(_truncation, None)}
