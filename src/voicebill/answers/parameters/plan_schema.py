"""Read plans and requests: the fields of a saved plan, a form, a query, a JSON body, or options."""

from collections.abc import Iterable

from voicebill.answers.parameters.inputs import ESTIMATE, Input
from voicebill.answers.parameters.script_schema import truncation_setting
from voicebill.answers.parameters.table_schema import Field, Schema


def input_schema(inputs: Iterable[Input]) -> Schema:
    """The schema of a table whose keys are inputs; what is left out is None."""
    return {row.name: Field(row.read, None) for row in inputs}


PLAN_SCHEMA: Schema = {**input_schema(ESTIMATE.values()), "truncation": Field(truncation_setting, None)}
