"""What happens when nobody reads the output: the commands end quietly."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cases import long_but

DOCS = Path(__file__).parents[2] / "docs" / "examples"
PLAN = ("--minutes", "10", "--turns", "20")
COMMANDS = {
    "--version": (),
    "--help": (),
    "init": ("new-plan.toml",),
    "estimate": PLAN,
    "compare": PLAN,
    "capacity": (*PLAN, "--calls-per-hour", "200"),
    "simulate": (str(DOCS / "support-call.toml"),),
    "cost": (str(DOCS / "support-day.jsonl"),),
    "prices": (),
    "rules": (),
    "ptu": ("--model", "gpt-5.2", "--calls-per-minute", "1000", "--prompt-tokens", "200", "--response-tokens", "20"),
}
WITHOUT_JSON = ("--version", "--help", "init")


def errors(words: tuple[str, ...], stdout: str, folder: Path) -> str:
    """What a command writes on standard error if its output is a pipe that nobody reads, or is closed."""
    command = [sys.executable, "-m", "voicebill", *words]
    if stdout == "closed":
        command = ["sh", "-c", 'exec "$@" >&-', "sh", *command]
    reader, writer = os.pipe()
    os.close(reader)
    try:
        return subprocess.run(
            command, cwd=folder, stdout=writer, stderr=subprocess.PIPE, text=True, check=False, timeout=60
        ).stderr
    finally:
        os.close(writer)


@pytest.mark.parametrize("stdout", ["unread", "closed"])
@pytest.mark.parametrize("name", long_but(("--help", "estimate", "cost"), COMMANDS))
def test_a_command_whose_output_nobody_reads_ends_quietly(tmp_path: Path, name: str, stdout: str) -> None:
    words = (name, *COMMANDS[name])
    assert errors(words, stdout, tmp_path) == ""
    if name not in WITHOUT_JSON:
        assert errors((*words, "--json"), stdout, tmp_path) == ""
