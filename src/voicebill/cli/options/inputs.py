"""Turn declared inputs into options, which a command receives as one table of the values that are given."""

from collections.abc import Callable, Iterable, Mapping
from inspect import Parameter
from typing import Annotated, Any

import typer

from voicebill.answers.parameters import kinds
from voicebill.answers.parameters.inputs import PRICE_LIST, SELECTION, Input, Inputs
from voicebill.answers.parameters.read_inputs import InvalidInputs
from voicebill.answers.parameters.table_schema import Issue
from voicebill.billing.errors import VoicebillError
from voicebill.cli.options.shared import today
from voicebill.cli.options.signature import Command, option_parameter, with_options
from voicebill.facts import load_facts


def option_name(name: str) -> str:
    """The option of an input.

    >>> option_name("user_share")
    '--user-share'
    """
    return f"--{name.replace('_', '-')}"


def input_option(row: Input, *, is_read: bool = True) -> Any:  # noqa: ANN401 - an annotation
    """The annotation of an input's option, with its help, choices and completion; `is_read`: the value is read, not text."""
    has_words = bool(row.choices or row.suggestions or row.models_of)
    is_flag = row.kind is kinds.FLAG
    info = typer.Option(
        option_name(row.name),
        help=f"{row.help}." if is_flag else row.help_with_default,
        rich_help_panel=row.group,
        parser=_reader(row) if is_read and not is_flag else None,
        metavar=None if is_flag else "|".join(row.choices) or row.kind.metavar,
        show_default=False,
        autocompletion=(lambda incomplete: _completions(row, incomplete)) if has_words else None,
    )
    return Annotated[bool if is_flag else Any if is_read else str | None, info]


def _completions(row: Input, incomplete: str) -> list[str]:
    """The words that complete the text of an option: models only if they are sold today."""
    words: Iterable[str] = row.choices or row.suggestions
    if row.models_of is not None:
        words = load_facts().prices.model_names(row.models_of, today())
    return [word for word in words if word.startswith(incomplete)]


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


ENDED_OPTION = input_option(PRICE_LIST["ended"])
DAY_OPTION = input_option(SELECTION["day"])
PROVIDER_OPTION = input_option(SELECTION["provider"])
RULES_OPTION = input_option(SELECTION["rules"])
