"""Cost the logs of a driver with `voicebill cost`, and compare the amounts with what the server had reported."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

import voicebill
from drive.script import CONVERSATIONS, LIVE
from voicebill.billing.bill import bill, sum_lines
from voicebill.billing.money import PICODOLLARS_PER_DOLLAR
from voicebill.billing.usage import Usage
from voicebill.cli.app import app

Json = dict[str, Any]
MODELS = {
    **{script.name: ("--model", script.model, "--transcription-model", script.transcription_model) for script in CONVERSATIONS},
    LIVE.name: ("--model", LIVE.model),
}
"""The options that name the models of a conversation, for logs that do not."""
GOOD = ("exact", "range")
NOTHING = "not in the log"
IMAGES_AS_TEXT = "images as text"
TOLERANCE = Fraction(1, 10**9)
"""Allowed relative difference: a price per minute may have more decimals per second than the JSON has."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `voicebill cost` made of a log.

    - `exact`: the right amount
    - `range`: a range that contains the right amount
    - `incomplete`: the answer says that it did not read everything
    - `N without usage`: too little, and the answer says how many items the log reports without their usage
    - `not in the log`: the log contains nothing that is billed, and the answer is nothing
    - `unpriced`: the answer says that something has no price
    - `images as text`: the answer says that images, which the package does not report, are priced as text
    - `not recognised`: the log is refused
    - `wrong`: another amount
    """

    package: str
    version: str
    method: str
    conversation: str
    verdict: str
    options: tuple[str, ...] = ()
    """The options without which something has no price, by name."""
    not_logged: tuple[str, ...] = ()
    detail: str = ""
    file: str = ""

    @property
    def is_good(self) -> bool:
        """Whether a reader may rely on the answer as it stands."""
        return self.verdict.startswith(GOOD)


def read_verdicts(folder: Path, day: date) -> Iterator[Verdict]:
    """Yield a verdict for each log of a driver."""
    drive = json.loads((folder / "drive.json").read_text(encoding="utf-8"))
    if drive["refused"]:
        raise SystemExit(f"{drive['package']} attempted outgoing requests: {', '.join(drive['refused'])}")
    for method in drive["methods"]:
        reported = [item for item in drive["reported"][method["conversation"]] if item["part"] not in method["not_logged"]]
        right = sum((_dollars(item, day) for item in reported), Fraction(0))
        path = folder / method["file"]
        verdict, options, detail = _judge(path, right, method["conversation"], day)
        yield Verdict(
            drive["package"],
            drive["version"],
            method["method"],
            method["conversation"],
            verdict,
            tuple(name for name in options if name.startswith("--")),
            tuple(method["not_logged"]),
            detail,
            str(path),
        )


def _dollars(item: Json, day: date) -> Fraction:
    """Return what one item costs by the price book."""
    rates = _prices().quote(item["model"], provider="openai", day=day).rates
    picodollars = sum_lines(bill(Usage(item["usage"]), rates))
    assert picodollars is not None, f"the price book has no price for everything in {item}"
    return Fraction(picodollars) / PICODOLLARS_PER_DOLLAR


@cache
def _prices() -> Any:
    return voicebill.load_facts().prices


def _judge(path: Path, right: Fraction, conversation: str, day: date) -> tuple[str, tuple[str, ...], str]:
    """Return the verdict with the fewest options that give everything a price, these options, and a detail."""
    attempts: Sequence[tuple[str, ...]] = (
        (),
        ("--day", day.isoformat()),
        MODELS[conversation],
        ("--day", day.isoformat(), *MODELS[conversation]),
    )
    for options in attempts:
        verdict, detail = _compare(path, right, options)
        if verdict != "unpriced":
            break
    return verdict, options, detail


def _compare(path: Path, right: Fraction, options: tuple[str, ...]) -> tuple[str, str]:
    """Return the verdict with some options, and a detail."""
    result = CliRunner().invoke(app, ["cost", str(path), "--json", *options])
    if result.exit_code not in (0, 3):
        return "not recognised" if right else NOTHING, " ".join(result.output.split())
    answer = json.loads(result.stdout)
    low, high = Fraction(answer["total"]["low"] or 0), Fraction(answer["total"]["high"] or 0)
    notes = "; ".join(answer["input"]["notes"])
    detail = f"right ${float(right):.6f}, answer ${float(low):.6f} to ${float(high):.6f}; {notes}"
    if result.exit_code == 3:
        return "incomplete", detail
    if answer["total"]["status"] in ("partial", "unpriced"):
        return "unpriced", detail
    if not right:
        return ("wrong" if high else NOTHING), detail
    verdict = compare_amounts(low, high, right, answer["records"]["without_usage"])
    return verdict.replace("wrong", IMAGES_AS_TEXT) if "priced as text" in notes else verdict, detail


def compare_amounts(low: Fraction, high: Fraction, right: Fraction, without_usage: int) -> str:
    """Return the verdict on an answer that claims to be complete."""
    if _same(low, right) and _same(high, right):
        return "exact"
    ends = _percent(low, right) if _same(low, high) else f"{_percent(low, right)} to {_percent(high, right)}"
    if low <= right * (1 + TOLERANCE) and high >= right * (1 - TOLERANCE):
        return f"range ({ends})"
    return f"{without_usage} without usage ({ends})" if without_usage and high < right else f"wrong ({ends})"


def _same(amount: Fraction, right: Fraction) -> bool:
    return abs(amount - right) <= right * TOLERANCE


def _percent(amount: Fraction, right: Fraction) -> str:
    return f"{float(amount / right - 1):+.0%}"
