"""Run a command in a new interpreter, and see what it has imported."""

import subprocess
import sys

CALL = ("--minutes", "1", "--turns", "2", "--day", "2026-11-22")


def modules_after(*words: str, code: int = 0) -> set[str]:
    """The modules that a new interpreter has imported when a command has run."""
    script = f"""
import sys
sys.argv = ["voicebill", *{words!r}]
from voicebill.cli import main
try:
    main()
finally:
    sys.stderr.write("\\n" + " ".join(sys.modules))
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == code, result.stderr
    return set(result.stderr.rpartition("\n")[2].split())
