"""What a command imports: its own module and what it uses, and not the other commands or the extras."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from tests.cli.startup import CALL, modules_after
from voicebill.cli.app import COMMANDS, app, command_help, load_command

EXTRAS = {"duckdb", "fastapi", "jinja2", "lets_plot", "msgspec", "pyarrow", "pyspark", "splintr", "uvicorn"}
LOAD = ("--calls-per-minute", "9", "--prompt-tokens", "9", "--response-tokens", "9", "--day", "2026-11-22")


def commands_in(modules: set[str]) -> set[str]:
    return {name.removeprefix("voicebill.cli.commands.") for name in modules if name.startswith("voicebill.cli.commands.")}


def test_the_version_is_printed_without_typer_and_package_metadata() -> None:
    modules = modules_after("--version")
    assert "voicebill.cli" in modules
    assert not {"typer", "click", "rich", "voicebill.cli.app", "importlib.metadata", "typing", "inspect"} & modules


@pytest.mark.parametrize("words", [("--help",), ("-h",)])
def test_the_list_of_commands_imports_none_of_them(words: tuple[str, ...]) -> None:
    modules = modules_after(*words)
    assert not commands_in(modules)
    assert not {name for name in modules if name.startswith(("voicebill.answers", "voicebill.facts"))}


def test_an_unknown_command_is_refused_without_importing_one() -> None:
    assert not commands_in(modules_after("estimat", code=2))


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_imports_no_other_and_no_extra(name: str) -> None:
    modules = modules_after(name, "--help")
    assert commands_in(modules) == {name}
    assert not {module.partition(".")[0] for module in modules} & EXTRAS
    assert not {module for module in modules if module.startswith(("voicebill.web", "voicebill.logs", "voicebill.engines"))}


@pytest.mark.parametrize(
    "words",
    [
        ("estimate", *CALL),
        ("estimate", *CALL, "--json"),
        ("compare", *CALL),
        ("capacity", *CALL, "--calls-per-hour", "9"),
        ("ptu", "--model", "gpt-5.2", *LOAD),
        ("prices",),
        ("rules",),
    ],
    ids=" ".join,
)
def test_a_command_imports_no_other_and_no_extra(words: tuple[str, ...]) -> None:
    modules = modules_after(*words)
    assert commands_in(modules) == {words[0]}
    assert not {module.partition(".")[0] for module in modules} & EXTRAS
    assert not {module for module in modules if module.startswith(("voicebill.web", "voicebill.logs", "voicebill.engines"))}


def test_every_module_of_commands_is_a_command() -> None:
    folder = Path(sys.modules["voicebill.cli"].__path__[0], "commands")
    assert sorted(COMMANDS) == sorted(file.stem for file in folder.glob("*.py") if file.stem != "__init__")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_shows_the_help_of_the_command_itself(name: str) -> None:
    assert command_help(name)
    assert command_help(name) == load_command(name).help


def test_a_shell_completes_commands_and_the_options_of_a_command() -> None:
    group = get_command(app)
    with group.make_context("voicebill", [], resilient_parsing=True) as context:
        commands = {item.value: item.help for item in group.shell_complete(context, "e")}
        assert list(commands) == ["estimate", "explain"]
        assert (commands["estimate"] or "").startswith("Estimate what a planned conversation")
        name, command, _ = group.resolve_command(context, ["estimate"])  # type: ignore[attr-defined]
        with command.make_context(name, [], parent=context, resilient_parsing=True) as estimate:
            assert [item.value for item in command.shell_complete(estimate, "--carrier-")] == [
                "--carrier-per-minute",
                "--carrier-increment",
            ]


@pytest.mark.parametrize(
    ("words", "choices"),
    [
        ("voicebill estimate --transport ", ["webrtc", "websocket", "sip"]),
        ("voicebill estimate --first-speaker a", ["assistant"]),
        ("voicebill ptu --deployment ", ["global", "data-zone", "regional"]),
        ("voicebill estimate --codec p", ["pcm16"]),
    ],
)
def test_a_shell_completes_the_choices_of_an_input(words: str, choices: list[str]) -> None:
    environment = {**os.environ, "_VOICEBILL_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": "3"}
    code = "import sys; sys.argv = ['voicebill']; from voicebill.cli import main; main()"
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert result.stdout.split() == choices
