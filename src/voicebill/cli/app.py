"""The command `voicebill`, and how what went wrong is said: one sentence, exit code 2, no traceback.

A command is imported when it is run. Lists of commands show its docstring, which is read without importing it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from inspect import cleandoc
from types import CodeType
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from voicebill.billing.errors import VoicebillError
from voicebill.cli import print_version
from voicebill.cli.conversion import PlainParameters

COMMANDS = (
    "estimate",
    "compare",
    "capacity",
    "init",
    "simulate",
    "cost",
    "explain",
    "fit",
    "replay",
    "reconcile",
    "verify",
    "record",
    "ptu",
    "prices",
    "rules",
    "serve",
    "mcp",
)
"""The commands in the order of the list. Each is a function in the module of its name: `estimate_command` in `estimate`."""


class Commands(PlainParameters, TyperGroup):
    """The commands, none of which shows a traceback for what a user got wrong."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 - Typer's own signature
        super().__init__(**settings)
        self.commands = {name: TyperCommand(name) for name in COMMANDS}

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401 - Typer's own signature
        """Return what a list of commands shows of a command: its name and help."""
        command = super().get_command(ctx, cmd_name)
        if command is not None:
            command.help = command_help(cmd_name)
        return command

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - Typer's own signature
        """Return the command that is run, which is imported now, and its arguments."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, load_command(name) if name else None, rest

    def make_context(self, *values: Any, **settings: Any) -> Any:  # noqa: ANN401 - Typer's own signature
        """Return the context of the options before the command."""
        with _visible_usage_errors():
            return super().make_context(*values, **settings)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - Typer's own signature
        """Run a command; say a wrong input in plain words on standard error."""
        try:
            with _visible_usage_errors():
                return super().invoke(ctx)
        except VoicebillError as error:
            for text in error.texts(_options(ctx.invoked_subcommand)):
                _print_error(f"Error: {text}")
            raise typer.Exit(2) from None
        except KeyboardInterrupt:
            _print_error("\nInterrupted: what was under way is not kept; ledgers and files are as they were before.")
            raise typer.Exit(130) from None


def _print_error(text: str) -> None:
    from voicebill.cli.display.plain_lines import print_line  # noqa: PLC0415 - lists of commands print nothing by it

    print_line(text, error=True)


@contextmanager
def _visible_usage_errors() -> Iterator[None]:
    """Show invisible characters of what was typed in the errors that Typer prints itself."""
    try:
        yield
    except Exception as error:
        if isinstance(text := getattr(error, "message", None), str) and not isinstance(error, VoicebillError):
            from voicebill.answers.escaping import visible_text  # noqa: PLC0415 - lists of commands need no answers

            error.message = visible_text(text, keep="\n")  # type: ignore[attr-defined] # of Click's ClickException
        raise


class PlainCommand(PlainParameters, TyperCommand):
    """A command that is run."""


def _options(command_name: str | None) -> dict[str, str]:
    """The options of a command by the names of their inputs."""
    parameters = load_command(command_name).params if command_name else ()
    return {parameter.name: parameter.opts[0] for parameter in parameters if parameter.opts}


@cache
def load_command(name: str) -> Any:  # noqa: ANN401 - Click's command
    """Import a command."""
    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    single.command(name, cls=PlainCommand)(getattr(import_module(_module_name(name)), _function_name(name)))
    return typer.main.get_command(single)


def command_help(name: str) -> str:
    r"""Return a command's docstring from its compiled module. Running the module would import all that the command uses.

    >>> command_help("serve").partition("\n")[0]
    'Serve the page and the HTTP API; on this machine alone unless another address is named.'
    """
    module = _module_name(name)
    loader: Any = getattr(find_spec(module), "loader", None)
    for constant in loader.get_code(module).co_consts if loader else ():
        if isinstance(constant, CodeType) and constant.co_name == _function_name(name):
            docstring = constant.co_consts[0]  # a function's first constant, by the language reference
            return cleandoc(docstring) if isinstance(docstring, str) else ""
    return ""


def _module_name(command: str) -> str:
    return f"voicebill.cli.commands.{command}"


def _function_name(command: str) -> str:
    return f"{command}_command"


app = typer.Typer(
    name="voicebill",
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(requested: bool) -> None:  # noqa: FBT001 - Typer calls it with the flag
    if requested:
        print_version()


@app.callback()
def voicebill(
    *,
    _version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """What a realtime voice conversation costs: before it is held, and after."""
