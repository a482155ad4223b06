"""Write the example log of recorded calls: python -m tests.calls.example."""

import gzip
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

from tests.calls.call import Call, calls
from tests.calls.logs import raw_lines
from tests.calls.parameters import Fault, HiddenParameters

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "recorded-calls.jsonl.gz"
PARAMETERS = HiddenParameters(
    model="gpt-realtime-1.5",
    day=date(2026, 11, 16),
    mean_minutes=3.0,
    turns_per_minute=2.5,
    reuse_share=0.85,
    warm_share=0.9,
    unconnected_share=0.04,
)
FAULTS: dict[Fault | None, int] = {None: 96, "prompt-changed": 9, "pause": 6, "deletion": 3, "cold-start": 4, "eviction": 2}
"""How many calls of the example have which fault."""
DAYS = 5
OPENING = timedelta(hours=8)
OPEN_SECONDS = 10 * 60 * 60


def example_calls() -> list[Call]:
    """The calls of the example, in the order of their start: of five working days, with faults among them."""
    made = [call for number, (fault, count) in enumerate(FAULTS.items()) for call in calls(PARAMETERS, count, number, fault)]
    rng = Random(120)
    rng.shuffle(made)
    starts = sorted(_start(rng) for _ in made)
    return [
        replace(call, start=start, session=f"sess_{number:08}")
        for number, (call, start) in enumerate(zip(made, starts, strict=True), start=1)
    ]


def _start(rng: Random) -> datetime:
    day = datetime.combine(PARAMETERS.day, datetime.min.time(), UTC) + timedelta(days=rng.randrange(DAYS))
    return day + OPENING + timedelta(seconds=rng.randrange(OPEN_SECONDS))


def example_lines() -> Iterator[str]:
    """The lines of the example log, in the order of time: calls that overlap have their lines among each other's."""
    yield from sorted(raw_lines(example_calls()), key=_time)


def _time(line: str) -> str:
    """The time of a line, which is the first value in it."""
    return line.split('"', 4)[3]


def main() -> None:
    """Write the example."""
    with EXAMPLE.open("wb") as file, gzip.GzipFile(fileobj=file, mode="wb", mtime=0, filename="") as packed:
        packed.writelines(line.encode() for line in example_lines())


if __name__ == "__main__":
    main()
