"""Measure how long a new interpreter takes to run a command or to import voicebill, as a ratio to an empty program.

The programs are started in turn, round after round, so that what else runs on the machine slows all of them alike. Modules are
compiled in the first round, which is not counted: pip compiles them when it installs a package.
"""

import os
import statistics
import subprocess
import sys
import time

from voicebill.facts.prepared import read_prepared

ROUNDS = 15

COMMAND = ("-c", "import sys; from voicebill.cli import main; sys.exit(main())")
"""What the installed script `voicebill` runs."""

PROGRAMS = {
    "python -c pass": ("-c", "pass"),
    "voicebill --version": (*COMMAND, "--version"),
    "voicebill --help": (*COMMAND, "--help"),
    "voicebill estimate --minutes 10 --turns 20": (*COMMAND, "estimate", "--minutes", "10", "--turns", "20"),
    "import voicebill": ("-c", "import voicebill"),
    "import voicebill and load its facts": ("-c", "import voicebill; voicebill.load_facts()"),
    "import typer": ("-c", "import typer"),
}


def milliseconds(arguments: tuple[str, ...]) -> float:
    """The time of a new interpreter, in milliseconds."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, env=environment)
    return (time.perf_counter() - start) * 1000


def main() -> None:
    """Run the benchmark and print the results."""
    rounds = [{name: milliseconds(arguments) for name, arguments in PROGRAMS.items()} for _ in range(ROUNDS + 1)][1:]
    medians = {name: statistics.median(times[name] for times in rounds) for name in PROGRAMS}
    source = "the prepared form" if read_prepared() else "TOML files"
    print(f"{sys.implementation.name} {sys.version.split()[0]}, facts from {source}, median of {ROUNDS} rounds")
    for name, spent in medians.items():
        print(f"{name:<58} {spent:10.1f} ms {spent / medians['python -c pass']:8.1f} x")


if __name__ == "__main__":
    main()
