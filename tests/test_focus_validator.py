"""FOCUS's own validator accepts the export of version 1.0, in an environment of its own."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.cli.invoke import run

ROOT = Path(__file__).parents[1]
VALIDATOR = ROOT / ".venv-focus" / "bin" / "focus-validator"


@pytest.mark.long
@pytest.mark.parametrize("options", [(), ("--by", "tenant,session"), ("--markup", "20%", "--issuer", "Voice & Co")])
def test_focus_validator_accepts_the_export(options: tuple[str, ...], tmp_path: Path) -> None:
    """Version 1.0 is the one that the released validator knows. It reads its list of currencies from where it is installed."""
    if not VALIDATOR.exists():
        if os.environ.get("CI"):
            pytest.fail("the environment of focus-validator is missing: make .venv-focus/.focus")
        pytest.skip("focus-validator is not installed: `make .venv-focus/.focus` installs it")
    file = tmp_path / "focus.csv"
    log = ROOT / "docs" / "examples" / "support-day.jsonl"
    assert run("cost", str(log), "--focus-version", "1.0", "--out", str(file), *options).exit_code == 0
    (packages,) = VALIDATOR.parents[1].glob("lib/python*/site-packages")
    command = [str(VALIDATOR), "--data-file", str(file), "--validate-version", "1.0"]
    result = subprocess.run(command, cwd=packages, capture_output=True, text=True, check=False)
    assert "Validation succeeded." in result.stdout, result.stdout[-2000:] + result.stderr[-2000:]
