"""The command `voicebill`, and how what went wrong is said: one sentence, exit code 2, no traceback."""

import io
import os
import sys
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from voicebill.answers.parameters.table_schema import Issue
from voicebill.billing.errors import VoicebillError
from voicebill.cli.commands import capacity, compare, cost, estimate, init, prices, ptu, record, rules, serve, simulate
from voicebill.cli.options.inputs import InvalidOptions


class Commands(TyperGroup):
    """The commands, none of which shows a traceback for what a user got wrong."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - Typer's own signature
        """Run a command; say a wrong input in plain words on standard error."""
        try:
            return super().invoke(ctx)
        except InvalidOptions as error:
            for issue in error.issues:
                typer.echo(f"Error: {self._issue_text(issue, ctx)}", err=True)
            raise typer.Exit(2) from None
        except VoicebillError as error:
            typer.echo(f"Error: {self._text(error, ctx)}", err=True)
            raise typer.Exit(2) from None
        except KeyboardInterrupt:
            typer.echo("\nInterrupted: what was under way is not kept; ledgers and files are as they were before.", err=True)
            raise typer.Exit(130) from None

    def _text(self, error: VoicebillError, ctx: Any) -> str:  # noqa: ANN401 - Typer's own context
        """The text of an error, with the option of the input at fault."""
        option = self._options(ctx).get(error.field or "")
        return str(error) if option is None else error.text_for(option)

    def _issue_text(self, issue: Issue, ctx: Any) -> str:  # noqa: ANN401 - Typer's own context
        option = self._options(ctx).get(str(issue.path[0])) if issue.path else None
        return issue.error.text_for(option) if option and issue.error else issue.text

    def _options(self, ctx: Any) -> dict[str, str]:  # noqa: ANN401 - Typer's own context
        """The options of the command that runs, by the name of their input."""
        command = self.get_command(ctx, ctx.invoked_subcommand or "")
        return {parameter.name: parameter.opts[0] for parameter in command.params if parameter.opts} if command else {}


app = typer.Typer(
    name="voicebill",
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(requested: bool) -> None:  # noqa: FBT001 - Typer calls it with the flag
    if requested:
        from voicebill import __version__  # noqa: PLC0415 - reading the version costs start-up time

        typer.echo(f"voicebill {__version__}")
        raise typer.Exit


@app.callback()
def voicebill(
    *,
    _version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """What a realtime voice conversation costs: before it is held, and after."""


app.command("estimate")(estimate.estimate_command)
app.command("compare")(compare.compare_command)
app.command("capacity")(capacity.capacity_command)
app.command("init")(init.init_command)
app.command("simulate")(simulate.simulate_command)
app.command("cost")(cost.cost_command)
app.command("record")(record.record_command)
app.command("ptu")(ptu.ptu_command)
app.command("prices")(prices.prices_command)
app.command("rules")(rules.rules_command)
app.command("serve")(serve.serve_command)


def main() -> None:
    """Run the command line; what cannot be written is said in one sentence, and a closed pipe is no error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        app()
    except SystemExit:
        _flush_output()
        raise
    except OSError as error:
        _exit_cannot_write(error)


def _flush_output() -> None:
    try:
        sys.stdout.flush()
    except OSError as error:
        _exit_cannot_write(error)


def _exit_cannot_write(error: OSError) -> NoReturn:
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - Python closes it at its own end
    if not isinstance(error, BrokenPipeError):
        sys.stderr.write(f"Error: the output cannot be written: {error.strerror}\n")
    raise SystemExit(1) from None
