"""Turn declared inputs into options, which a command receives as one table of the values that are given."""

from collections.abc import Callable, Mapping
from inspect import Parameter
from typing import Annotated, Any

import typer

from voicebill.answers.parameters import kinds
from voicebill.answers.parameters.inputs import SELECTION, Input, Inputs
from voicebill.answers.parameters.read_inputs import InvalidInputs
from voicebill.answers.parameters.table_schema import Issue
from voicebill.billing.errors import VoicebillError
from voicebill.cli.options.signature import Command, option_parameter, with_options


def option_name(name: str) -> str:
    """The option of an input.

    >>> option_name("user_share")
    '--user-share'
    """
    return f"--{name.replace('_', '-')}"


def input_option(row: Input, *, is_read: bool = True) -> Any:  # noqa: ANN401 - an annotation
    """The annotation of an input's option, with its help, choices and completion; `is_read`: the value is read, not text."""
    words = row.choices or row.suggestions
    is_flag = row.kind is kinds.FLAG
    info = typer.Option(
        option_name(row.name),
        help=f"{row.help}." if is_flag else row.help_with_default,
        rich_help_panel=row.group,
        parser=_reader(row) if is_read and not is_flag else None,
        metavar=None if is_flag else "|".join(row.choices) or row.kind.metavar,
        show_default=False,
        autocompletion=(lambda incomplete: [word for word in words if word.startswith(incomplete)]) if words else None,
    )
    return Annotated[bool if is_flag else Any if is_read else str | None, info]


def _reader(row: Input) -> Callable[[Any], Any]:
    """Read the text of an option; Typer also passes defaults, which are values already."""

    def read(value: Any) -> Any:  # noqa: ANN401 - options of many types
        try:
            return row.read(value) if isinstance(value, str) else value
        except VoicebillError as error:
            raise InvalidInputs([Issue.of(error)]) from None

    return read


def input_parameter(row: Input) -> Parameter:
    """The option of an input as a parameter of a command, which receives its text: all errors are reported together."""
    default = False if row.kind is kinds.FLAG else None
    return option_parameter(row.name, input_option(row, is_read=False), default=default)


def explicit_values(options: Mapping[str, Any], inputs: Inputs) -> dict[str, Any]:
    """The values of options that are given."""
    return {name: options[name] for name in inputs if options[name] is not None and options[name] is not False}


def takes_inputs(argument: str, inputs: Inputs) -> Callable[[Command], Command]:
    """Give a command the options of inputs; it receives the texts that are given as the keyword `argument`, a table."""

    def decorate(command: Command) -> Command:
        @with_options(command, (argument,), [input_parameter(row) for row in inputs.values()])
        def run(**options: Any) -> None:  # noqa: ANN401 - options of many types
            own = {name: value for name, value in options.items() if name not in inputs}
            command(**{argument: explicit_values(options, inputs)}, **own)

        return run

    return decorate


DAY_OPTION = input_option(SELECTION["day"])
PROVIDER_OPTION = input_option(SELECTION["provider"])
RULES_OPTION = input_option(SELECTION["rules"])
