"""The values of options: converted without Pydantic, as Typer converts them."""

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tests.cli.startup import CALL, modules_after
from voicebill.cli.app import PlainCommand, app, load_command
from voicebill.cli.commands import estimate, serve


def values(function: object, cls: type[typer.core.TyperCommand], *words: str) -> dict[str, object]:
    """The values that a command gets for its options, with a class of commands."""
    single = typer.Typer(add_completion=False)
    single.command(cls=cls)(function)  # type: ignore[type-var]
    command = typer.main.get_command(single)
    with command.make_context("voicebill", list(words)) as context:
        return dict(context.params)


def test_an_estimate_is_computed_without_importing_pydantic() -> None:
    modules = modules_after("estimate", *CALL, "--model", "gpt-realtime", "--user-share", "30%", "--exact")
    assert "voicebill.cli.commands.estimate" in modules
    assert not {name for name in modules if name.partition(".")[0] == "pydantic"}


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--minutes", "90s", "--turns", "1,200", "--user-share", "45%", "--day", "2026-11-22", "--model", "gpt-realtime"),
        ("--prices", "a.toml", "--prices", "b.toml", "--set-rule", "a=1", "--set-rule", "b=2", "--platforms", "x"),
        ("--plan", "plan.toml", "--instructions-file", "prompt.txt", "--json", "--warm-cache", "--cache", "NONE"),
    ],
    ids=lambda words: words[0] if words else "none",
)
def test_options_have_the_values_that_typer_would_give_them(words: tuple[str, ...]) -> None:
    plain = values(estimate.estimate_command, PlainCommand, *words)
    assert len(plain) > 50
    assert plain == values(estimate.estimate_command, typer.core.TyperCommand, *words)


def test_a_number_within_bounds_is_converted_and_checked_by_typer() -> None:
    assert values(serve.serve_command, PlainCommand, "--port", "8080")["port"] == 8080
    for port in ("0", "70000", "http"):
        with pytest.raises(typer.BadParameter) as plain:
            values(serve.serve_command, PlainCommand, "--port", port)
        with pytest.raises(typer.BadParameter) as usual:
            values(serve.serve_command, typer.core.TyperCommand, "--port", port)
        assert plain.value.message == usual.value.message


def test_what_a_parser_of_any_kind_refuses_is_no_traceback() -> None:
    def number(*, count: int = typer.Option(1, parser=int)) -> None:
        """Take a number."""

    assert values(number, PlainCommand, "--count", "12") == {"count": 12}
    with pytest.raises(typer.BadParameter):
        values(number, PlainCommand, "--count", "twelve")


def test_a_missing_argument_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["simulate"])
    assert result.exit_code == 2
    assert "Missing argument" in result.output
    assert load_command("simulate").name == "simulate"
    assert str(CliRunner().invoke(app, ["simulate", str(tmp_path / "none.toml")]).output).startswith("Error: there is no file")
