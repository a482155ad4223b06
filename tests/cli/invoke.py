"""Run commands as scripts do: what they print, and with what they refuse."""

import json
from typing import Any

from typer.testing import CliRunner, Result

from voicebill.cli.app import app


def run(*words: str) -> Result:
    """The result of a command."""
    return CliRunner().invoke(app, list(words))


def answer(*words: str) -> dict[str, Any]:
    """The JSON that a command prints."""
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def refusal(*words: str) -> str:
    """The sentence with which a command refuses its input."""
    result = run(*words)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.output
    assert isinstance(result.exception, SystemExit)
    return " ".join(result.stderr.split())
