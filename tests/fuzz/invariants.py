"""What must hold in the JSON of any answer."""

import json
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from functools import cache
from typing import Any, NoReturn

from pydantic import TypeAdapter

from voicebill.answers.reports.capacity import CapacityReport
from voicebill.answers.reports.comparison import ComparisonReport
from voicebill.answers.reports.cost import CostReport, LedgerCheckReport, RecordingReport
from voicebill.answers.reports.estimate import EstimateReport
from voicebill.answers.reports.price_comparison import PriceComparisonReport
from voicebill.answers.reports.prices import PriceFileReport, PriceListReport
from voicebill.answers.reports.ptu import PtuReport
from voicebill.answers.reports.report import Report
from voicebill.answers.reports.rules import ModelRulesReport
from voicebill.answers.reports.simulation import SimulationReport

REPORTS: Mapping[str, tuple[type[Report], ...]] = {
    "estimate": (EstimateReport,),
    "compare": (ComparisonReport,),
    "capacity": (CapacityReport,),
    "ptu": (PtuReport,),
    "simulate": (SimulationReport,),
    "prices": (PriceListReport, PriceFileReport, PriceComparisonReport),
    "rules": (ModelRulesReport,),
    "cost": (CostReport,),
    "record": (RecordingReport, LedgerCheckReport),
}
"""The reports that a command prints as JSON."""


def read_answer(command: str, text: str | bytes) -> dict[str, Any]:
    """The JSON of an answer, in which everything holds that must.

    Raises:
        AssertionError: something does not.
        ValueError: it is not JSON, or not that of the command's report.
    """
    document: dict[str, Any] = json.loads(text, parse_constant=_refuse_constant)
    reports = REPORTS[command]
    index = next((index for index, report in enumerate(reports) if set(document) <= set(report.__dataclass_fields__)), 0)
    _adapter(command, index).validate_json(text, strict=True)
    for part in _tables(document):
        _check_scenarios(part)
    if command == "estimate":
        check_estimate(document)
    elif command == "simulate":
        check_simulation(document)
    elif command == "cost":
        check_cost(document)
    return document


@cache
def _adapter(command: str, index: int) -> TypeAdapter[Any]:
    return TypeAdapter(REPORTS[command][index])


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _tables(value: Any) -> Iterator[dict[str, Any]]:
    """All objects in a JSON document."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _tables(inner)


def _check_scenarios(part: Mapping[str, Any]) -> None:
    """Nothing costs less than with everything cached, or more than with nothing cached."""
    amounts = [part[name] for name in ("best", "expected", "worst") if isinstance(part.get(name), str)]
    if len(amounts) == 3:
        assert is_ascending(amounts), f"not best <= expected <= worst: {amounts}"


def is_ascending(amounts: Iterable[str | float]) -> bool:
    """Whether no number is smaller than the one before it."""
    numbers = [Decimal(str(amount)) for amount in amounts]
    return numbers == sorted(numbers)


def total_of(parts: Iterable[Mapping[str, Any]], name: str = "dollars") -> Decimal:
    """The exact sum of the amounts of some parts; those without one do not count."""
    return sum((Decimal(part[name]) for part in parts if part[name] is not None), Decimal(0))


def check_estimate(document: Mapping[str, Any]) -> None:
    """The lines and the breakdown of an estimate add up to its expected amount, and percentiles ascend."""
    expected = Decimal(document["per_conversation"]["expected"])
    assert total_of(document["lines"]) == expected, "the lines do not add up"
    assert total_of(document["breakdown"]) == expected, "the breakdown does not add up"
    mix, planning_range = document["call_mix"], document["planning_range"]
    if mix:
        for name in ("percent", "minutes", "dollars"):
            assert is_ascending(percentile[name] for percentile in mix["percentiles"]), f"the {name} of percentiles descend"
    if planning_range:
        amounts = document["total_with_connection"]["per_conversation"]
        ends = [planning_range["low"], amounts["best"], amounts["expected"], amounts["worst"], planning_range["high"]]
        assert is_ascending(ends), f"the planning range is not around the amounts: {ends}"


def check_simulation(document: Mapping[str, Any]) -> None:
    """The lines, and the responses with their transcription, add up to the total."""
    total = Decimal(document["total"]["dollars"])
    assert total_of(document["total"]["lines"]) == total, "the lines do not add up"
    transcriptions = document["transcription"]["turns"] if document["transcription"] else []
    assert total_of(document["responses"]) + total_of(transcriptions) == total, "the responses do not add up"
    for response in (*document["responses"], *transcriptions):
        assert total_of(response["lines"]) == Decimal(response["dollars"]), "the lines of a response do not add up"


def check_cost(document: Mapping[str, Any]) -> None:
    """The lines, and the groups with all others, add up to both ends of the total, and every record is counted once."""
    total, records = document["total"], document["records"]
    assert total["records"] == records["all"]
    groups = [*document["groups"], *([document["remainder"]] if document["remainder"] else [])]
    for end in ("low", "high"):
        amount = Decimal(total[end] or 0)
        assert total_of(document["lines"], end) == amount, f"the lines do not add up to the {end} end"
        assert not document["by"] or total_of(groups, end) == amount, f"the groups do not add up to the {end} end"
    if total["low"] is not None:
        assert is_ascending((total["low"], total["high"]))
    calls = document["per_call"]
    for percentiles in (calls["percentiles"], calls["per_minute"]) if calls else ():
        for end in ("low", "high"):
            assert is_ascending(amounts[end] for amounts in percentiles.values()), "percentiles of calls descend"
