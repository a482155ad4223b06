"""Measure how long a new interpreter takes to import voicebill, as a ratio to an empty program."""

import subprocess
import sys
import time

ROUNDS = 15


def milliseconds(*code: str) -> float:
    """The best time of several new interpreters, in milliseconds."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        subprocess.run([sys.executable, *code], check=True, stdout=subprocess.DEVNULL)
        best = min(best, time.perf_counter() - start)
    return best * 1000


def main() -> None:
    """Run the benchmark and print the results."""
    bare = milliseconds("-c", "pass")
    rows = [
        ("python -c pass", bare),
        ("import voicebill", milliseconds("-c", "import voicebill")),
        ("import voicebill and load its facts", milliseconds("-c", "import voicebill; voicebill.load_facts()")),
        (
            "voicebill estimate --minutes 10 --turns 20",
            milliseconds("-m", "voicebill", "estimate", "--minutes", "10", "--turns", "20"),
        ),
    ]
    for name, spent in rows:
        print(f"{name:<58} {spent:10.1f} ms {spent / bare:8.1f} x")


if __name__ == "__main__":
    main()
