"""Convert the values of options without Pydantic, which takes longer to import than an estimate takes to compute.

Typer converts every value through a Pydantic adapter. An option that is not given, is text, or has a parser needs none. All
others are converted by Typer, and so is everything if a later Typer does not look for a converter here.
"""

from typing import Any


class PlainConversion:
    """A converter of a parameter's value: with the parameter's own parser, or else by Typer."""

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:  # noqa: ANN401 - Typer's own signature
        """Return the converted value."""
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        parser = param.type_descriptor.parameter_info.parser
        if parser is None and param.type_descriptor.annotation is str and isinstance(value, str):
            return value
        if parser is not None and not param.multiple and param.nargs == 1:
            try:
                return parser(value)
            except ValueError:  # Typer says in its own words what the parser refuses
                pass
        param._runtime_param = None  # noqa: SLF001
        return param.get_runtime_param().coerce(value, param=param, ctx=ctx)


class PlainParameters:
    """A command whose parameters are converted without Pydantic where that is possible."""

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401 - Typer's own signature
        """Return the parameters and the option `--help`."""
        parameters: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for parameter in parameters:
            parameter._runtime_param = PlainConversion()  # noqa: SLF001
        return parameters
