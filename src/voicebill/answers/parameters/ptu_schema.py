"""Read a load of model calls for PTUs from fields of a form, a query, a JSON body, or options."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date

from voicebill.answers.parameters.inputs import PTU
from voicebill.answers.parameters.plan_schema import input_schema
from voicebill.answers.parameters.table_schema import Issue, read_table
from voicebill.answers.provisioned.request import PtuRequest
from voicebill.billing.errors import InvalidInput, VoicebillError

PTU_SCHEMA = input_schema(PTU.values())


def parse_ptu_request(table: object, *, today: date, issues: list[Issue]) -> PtuRequest | None:
    """Read a request; None if there are errors, which are added to `issues`, each with the path to its field."""
    before = len(issues)
    values = {key: value for key, value in read_table(table, PTU_SCHEMA, issues).items() if value is not None}
    names = table if isinstance(table, Mapping) else {}
    missing = [row.name for row in PTU.values() if row.is_required and row.name not in names]
    issues.extend(Issue.of(InvalidInput("is missing", field=name)) for name in missing)
    if len(issues) > before:
        return None
    fields = {PTU[name].attribute or name: value for name, value in values.items()}
    try:
        with errors_by_input():
            return PtuRequest(**{"day": today} | fields)
    except VoicebillError as error:
        issues.append(Issue.of(error))
        return None


@contextmanager
def errors_by_input() -> Iterator[None]:
    """Errors in the block have the name of the input, where a field of `PtuRequest` has another name."""
    inputs = {row.attribute: row.name for row in PTU.values() if row.attribute}
    try:
        yield
    except VoicebillError as error:
        error.field = inputs.get(error.field or "", error.field)
        raise
