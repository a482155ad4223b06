"""Write the example log of recorded calls: python -m tests.calls.example."""

import gzip
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

from tests.calls.call import Call, calls
from tests.calls.logs import raw_lines
from tests.calls.parameters import Fault, HiddenParameters

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "recorded-calls.jsonl.gz"
PARAMETERS = HiddenParameters(
    model="gpt-realtime-1.5",
    day=date(2026, 11, 20),
    mean_minutes=3.0,
    turns_per_minute=2.5,
    warm_share=0.9,
    unconnected_share=0.04,
)
FAULTS: dict[Fault | None, int] = {None: 96, "prompt-changed": 9, "pause": 6, "deletion": 3, "cold-start": 4, "eviction": 2}
"""How many calls of the example have which fault."""


def example_calls() -> list[Call]:
    """The calls of the example, in the order of their start."""
    groups = (
        calls(replace(PARAMETERS, day=date(2026, 11, 16 + number)), count, 100 + number, fault)
        for number, (fault, count) in enumerate(FAULTS.items())
    )
    return sorted((call for group in groups for call in group), key=lambda call: (call.start, call.session))


def example_lines() -> Iterator[str]:
    """The lines of the example log."""
    return raw_lines(example_calls())


def main() -> None:
    """Write the example."""
    with EXAMPLE.open("wb") as file, gzip.GzipFile(fileobj=file, mode="wb", mtime=0, filename="") as packed:
        packed.writelines(line.encode() for line in example_lines())


if __name__ == "__main__":
    main()
