"""Read the declared inputs that are given, and say all that is wrong with them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from voicebill.answers.parameters.inputs import Inputs
from voicebill.answers.parameters.plan_schema import input_schema
from voicebill.answers.parameters.table_schema import Issue, format_path, read_table
from voicebill.billing.errors import VoicebillError


class InvalidInputs(VoicebillError):
    """One or more invalid inputs; each issue has the name of its input. Typer would rewrite a `ValueError`."""

    def __init__(self, issues: Sequence[Issue]) -> None:
        super().__init__("; ".join(issue.text for issue in issues))
        self.issues = tuple(issues)

    def texts(self, names: Mapping[str, str]) -> list[str]:
        """The text of each issue, with other names for inputs."""
        return [_text(issue, names) for issue in self.issues]

    @property
    def field_errors(self) -> list[tuple[str | None, str]]:
        """Each issue's input and its text, for interfaces that show it beside the input."""
        return [field_error(issue) for issue in self.issues]


def field_error(issue: Issue) -> tuple[str | None, str]:
    """The input of an issue and its text, which does not repeat the input."""
    if not issue.path:
        return None, issue.text
    name = str(issue.path[0])
    location = format_path(tuple(issue.path)) if len(issue.path) > 1 else ""
    text = issue.message or issue.text
    return name, f"{location}: {text}" if location and not text.startswith("turn ") else text


def join_field_errors(errors: Iterable[tuple[str | None, str]]) -> str:
    """Errors in one sentence, each with its input, unless its text quotes it.

    >>> join_field_errors([("turns", "must be at least 1"), ("minuts", "unknown key 'minuts'"), (None, "too long")])
    "turns: must be at least 1; unknown key 'minuts'; too long"
    """
    return "; ".join(text if name is None or repr(name) in text else f"{name}: {text}" for name, text in errors)


def _text(issue: Issue, names: Mapping[str, str]) -> str:
    name = str(issue.path[0]) if issue.path else ""
    return issue.error.text_with(names, name) if issue.error and name in names else issue.text


def split_inputs(table: Mapping[str, Any], inputs: Inputs) -> tuple[dict[str, Any], dict[str, Any]]:
    """The part of a table that gives values of some inputs, and the table without them."""
    return (
        {name: value for name, value in table.items() if name in inputs},
        {name: value for name, value in table.items() if name not in inputs},
    )


def read_inputs(table: Mapping[str, Any], inputs: Inputs) -> dict[str, Any]:
    """The values of the inputs that a table gives, read; an input without a value is left out.

    Raises:
        InvalidInputs: some are invalid, or are no inputs; all of them are named.
    """
    issues: list[Issue] = []
    values = read_table(table, input_schema(inputs.values()), issues)
    if issues:
        raise InvalidInputs(issues)
    return {name: value for name, value in values.items() if value is not None}
