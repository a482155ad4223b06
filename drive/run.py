"""Drive every package, cost what it logs, and print the table of docs/log-formats.md.

With `--write`, the table in the document is replaced. The packages are in another environment, which `--python` names.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from drive.script import CONVERSATIONS, LIVE
from drive.verdicts import Verdict, read_verdicts

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "log-formats.md"
DRIVERS = ("openai_driver", "agents_driver", "livekit_driver", "pipecat_driver", "litellm_driver", "langfuse_driver")
DRIVERS_AT_ONCE = 4
BEGIN, END = "<!-- begin: written by `make drive` -->\n", "<!-- end -->\n"
COLUMNS = {**{script.name: script.name for script in CONVERSATIONS}, LIVE.name: "GPT-Live"}
TIMEOUT_SECONDS = 300
CONFIGURING = ("OPENAI_", "AZURE_", "LIVEKIT_", "LK_", "PIPECAT_", "LITELLM_", "LANGFUSE_", "OTEL_", "PYTHON")
ENVIRONMENT = {
    "LK_OPENAI_DEBUG": "1",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_TELEMETRY": "False",
    "OPENAI_AGENTS_DISABLE_TRACING": "1",
    "HF_HUB_OFFLINE": "1",
    "DO_NOT_TRACK": "1",
}


def drive(python: str, folder: Path, drivers: Sequence[str] = DRIVERS) -> list[Verdict]:
    """Run drivers with an interpreter that has the packages. Return the verdict on each log."""
    with ThreadPoolExecutor(DRIVERS_AT_ONCE) as pool:
        failures = list(pool.map(lambda name: _run_driver(python, folder / name, name), drivers))
    if any(failures):
        raise SystemExit("\n".join(filter(None, failures)))
    today = datetime.now(UTC).date()
    return [verdict for name in drivers for verdict in read_verdicts(folder / name, today)]


def _run_driver(python: str, output: Path, name: str) -> str | None:
    """Run a driver. Return what went wrong, or None."""
    output.mkdir(parents=True)
    result = subprocess.run(
        [python, "-W", "ignore", "-m", f"drive.{name}", str(output)],
        cwd=ROOT,
        env={**_environment(), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    return f"{name} failed:\n{result.stderr[-4000:]}" if result.returncode else None


def _environment() -> dict[str, str]:
    """Return this program's environment without what would configure a package, and without telemetry."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(CONFIGURING)}
    return {**kept, **ENVIRONMENT}


def table(verdicts: Iterable[Verdict]) -> str:
    """Return the verdicts as a Markdown table, one row for each method of a package."""
    rows: dict[tuple[str, str, str], dict[str, Verdict]] = {}
    for verdict in verdicts:
        rows.setdefault((verdict.package, verdict.version, verdict.method), {})[verdict.conversation] = verdict
    lines = [
        ["package", "version", "what is logged", *COLUMNS.values(), "options", "never logged"],
        ["---"] * (len(COLUMNS) + 5),
    ]
    lines += [
        [
            *row,
            *(cells[name].verdict if name in cells else "" for name in COLUMNS),
            _options(cells.values()),
            _never(cells.values()),
        ]
        for row, cells in rows.items()
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _options(verdicts: Iterable[Verdict]) -> str:
    names = dict.fromkeys(f"`{name}`" for verdict in verdicts if verdict.is_good for name in verdict.options)
    return ", ".join(names)


def _never(verdicts: Iterable[Verdict]) -> str:
    return ", ".join(dict.fromkeys(part for verdict in verdicts for part in verdict.not_logged))


def with_table(page: str, rows: str) -> str:
    """Return the document with another table."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{rows}\n{END}{rest.partition(END)[2]}"


def documented_table(page: str) -> str:
    """Return the table in the document."""
    return page.partition(BEGIN)[2].partition(END)[0].strip("\n") + "\n"


def _faults(verdicts: Iterable[Verdict]) -> Iterator[str]:
    for verdict in verdicts:
        if not verdict.is_good:
            title = f"{verdict.package}, {verdict.method}, {verdict.conversation}: {verdict.verdict}"
            yield f"{title}\n  {verdict.file}\n  {verdict.detail}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(prog="drive")
    parser.add_argument("--python", required=True, help="the interpreter of the environment with the packages")
    parser.add_argument("--write", action="store_true", help=f"write the table into {PAGE.relative_to(ROOT)}")
    parser.add_argument("--keep", type=Path, help="keep the logs in this new folder, and print what is not exact")
    parser.add_argument("drivers", nargs="*", default=DRIVERS, help="some of the drivers only")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        verdicts = drive(options.python, options.keep or Path(temporary), options.drivers)
    if options.keep:
        print(*_faults(verdicts), sep="\n")
    rows = table(verdicts)
    if options.write:
        PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8"), rows), encoding="utf-8")
    sys.stdout.write(rows)


if __name__ == "__main__":
    main()
