"""Add a group of options to a command, which receives them as one argument."""

from collections.abc import Callable, Sequence
from functools import wraps
from inspect import Parameter, signature
from typing import Any

Command = Callable[..., None]


def option_parameter(name: str, annotation: Any, default: Any = None) -> Parameter:  # noqa: ANN401 - options of many types
    """A keyword parameter of a command."""
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def with_options(
    command: Command, arguments: Sequence[str], first: Sequence[Parameter], last: Sequence[Parameter] = ()
) -> Callable[[Command], Command]:
    """Decorate the function that runs a command, so that it has the command's name, help and parameters.

    The parameters `arguments` of the command are replaced by the parameters of the group: some before and some after its own.
    """
    own = [parameter for parameter in signature(command).parameters.values() if parameter.name not in arguments]
    parameters = [*first, *own, *last]

    def decorate(run: Command) -> Command:
        wrapped = wraps(command)(run)
        wrapped.__signature__ = signature(command).replace(parameters=parameters)  # type: ignore[attr-defined]
        wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return wrapped

    return decorate
