"""Every key of a JSON answer has the value of the field of that meaning, and of no other.

tests/cases/json_fields.toml says which keys each field of an answer is under. Each field is changed by itself, and exactly its
keys must change: keys that are exchanged, left out or filled from a neighbour are seen, whatever their values.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.answers.estimates.simulations import run
from tests.answers.reports.changes import dependencies
from tests.cases import DAY, FOLDER, case_file, cases
from voicebill.answers.capacity.capacity import plan_capacity
from voicebill.answers.capacity.targets import CapacityTargets
from voicebill.answers.catalog.facts import Facts
from voicebill.answers.comparison.alternatives import Alternatives, alternatives
from voicebill.answers.comparison.break_even import SweepRange, break_even
from voicebill.answers.comparison.compare import Comparison, compare
from voicebill.answers.connectivity.transport import ConnectionCosts
from voicebill.answers.estimates.calculator_bridge import bridge
from voicebill.answers.estimates.counted_conversation import CountedConversation
from voicebill.answers.estimates.estimate import estimate
from voicebill.answers.estimates.model_selection import ModelSelection, ResolvedModel
from voicebill.answers.provisioned.ptu import size_ptus
from voicebill.answers.provisioned.request import PtuRequest
from voicebill.answers.recorded.cost import cost
from voicebill.answers.recorded.python_engine import PythonEngine
from voicebill.answers.recorded.query import CostQuery
from voicebill.answers.recorded.unread_usage import UnreadUsage
from voicebill.answers.reports.break_even import BreakEvenCurveReport
from voicebill.answers.reports.comparison import CalculatorReport, OffersReport
from voicebill.answers.reports.estimate import CheapestTruncationReport, EstimateReport
from voicebill.answers.sensitivity.recommendations import cheapest_truncation, recommendations
from voicebill.answers.sensitivity.sensitivity import sensitivity
from voicebill.billing.meters import Meter
from voicebill.billing.offers import Offer, Rate
from voicebill.billing.price_book import PriceBook, Quote
from voicebill.billing.record import Record
from voicebill.billing.sku_periods import PricePeriod
from voicebill.billing.usage import Usage
from voicebill.billing.validity import PartialDate
from voicebill.conversation.plan import Plan
from voicebill.conversation.rules import EffectiveRules
from voicebill.conversation.script import Script
from voicebill.conversation.volume import Volume
from voicebill.facts import load_facts

OPAQUE = (
    *(Facts, PriceBook, Quote, Offer, Rate, Meter, PricePeriod, PartialDate, EffectiveRules, ResolvedModel),
    *(Plan, Script, Volume, CountedConversation, CostQuery, PtuRequest),
)
"""What an answer was asked for and rests on; its own tests look into it."""

PLAN = Plan(minutes=10, turns=20, tool_calls=2)
SELECTION = ModelSelection(model="gpt-realtime-1.5", day=DAY)
MONTH = Volume(Decimal(1000), "month")


def as_dict(answer: Any) -> dict[str, Any]:
    """The JSON of an answer."""
    document: dict[str, Any] = answer.to_dict()
    return document


def sensitivity_values(pair: Any) -> dict[str, Any]:
    """The parts of an estimate's JSON that its sensitivity adds."""
    any_estimate = estimate(Plan(minutes=1, turns=1), ModelSelection(model="gpt-realtime", day=DAY), load_facts())
    document = EstimateReport.of(any_estimate).with_sensitivity(any_estimate, *pair).to_dict()
    return {name: document[name] for name in ("sensitivity", "recommendations")}


def own_facts() -> Facts:
    return load_facts(FOLDER / "own_stacks.toml")


def estimate_json() -> dict[str, set[str]]:
    plan = replace(PLAN, transport="sip", transcription_model="whisper-1", calls_end_with_session=True)
    fees = ConnectionCosts(
        carrier_per_minute=Decimal("0.01"), egress_per_gb=Decimal("0.09"), platforms=("example-voice/agent-platform",)
    )
    answer = estimate(plan, SELECTION, own_facts(), MONTH, connection_costs=fees)
    return dependencies(answer, as_dict, OPAQUE, {"breakdown.name": "images"})


def simulation_json() -> dict[str, set[str]]:
    answer = run(next(case for case in cases("conversations.toml") if "by token" in case["name"])["script"])
    return dependencies(answer, as_dict, (*OPAQUE, Usage), {"responses.response.status": "failed"})


def compared() -> Comparison:
    offers = own_facts().prices.offers_named("gpt-realtime-1.5", "openai", "realtime")
    return compare(PLAN, offers, SELECTION, own_facts(), MONTH)


def all_alternatives() -> Alternatives:
    costs = ConnectionCosts(carrier_per_minute=Decimal("0.01"))
    return alternatives(compared(), PLAN, SELECTION, own_facts(), MONTH, connection_costs=costs)


def alternatives_json() -> dict[str, set[str]]:
    answer = all_alternatives()
    hosted = answer.find("hosted")
    assert hosted is not None
    impossible = replace(hosted, name="none", reason="no offer", per_conversation=None, per_month=None)
    others = {f"{kind}.architecture": "live" for kind in ("conversational", "not_possible")}
    small = replace(answer, conversational=(hosted,), partial=(), not_possible=(impossible,))
    return dependencies(small, as_dict, (*OPAQUE, Comparison), others)


def break_even_json() -> dict[str, set[str]]:
    pair = [alternative for name in ("hosted", "studio") if (alternative := all_alternatives().find(name))]
    curve = break_even(pair, PLAN, SweepRange("volume", Decimal(1), Decimal(10_000)))
    return dependencies(
        (curve,),
        break_even_values,
        OPAQUE,
        {"sweep_range.axis": "turns"},
    )


def capacity_json() -> dict[str, set[str]]:
    azure = ModelSelection(model="gpt-realtime", provider="azure", day=DAY)
    targets = CapacityTargets(reserved_output_tokens=400, quota_sessions=30)
    answer = plan_capacity(
        replace(PLAN, calls_end_with_session=True), azure, load_facts(), Volume(Decimal(30_000), "month"), targets
    )
    return dependencies(answer, as_dict, OPAQUE)


def ptu_json() -> dict[str, set[str]]:
    load = PtuRequest(
        "gpt-5.2", DAY, Decimal(200), Decimal(20), cache_rate=Decimal("0.5"), profile=(*[Decimal(9)] * 12, *[Decimal(2)] * 12)
    )
    return dependencies(size_ptus(load, load_facts()), as_dict, OPAQUE)


def cost_json() -> dict[str, set[str]]:
    start = datetime(2026, 11, 22, 12, tzinfo=UTC)
    records = [
        Record(
            key=f"r{number}",
            kind="transcription" if "transcribe" in model else "response",
            usage_candidates=usages,
            source="a.jsonl",
            line_number=number,
            model=model,
            provider="openai",
            deployment="global",
            time=start.replace(minute=number),
            session=f"s{number % 3}",
            tenant=f"t{number % 3}",
            repeated_input={"audio_in": 90} if number == 4 else None,
        )
        for number, (model, usages) in enumerate(
            [
                ("gpt-realtime", (Usage.tokens(audio_in=100, text_in=10, audio_out=9),)),
                ("gpt-realtime", (Usage.tokens(audio_in=200, text_in_cached=40),)),
                ("gpt-realtime", (Usage({"text_in": 40}, "ambiguous"), Usage({"audio_in": 40}, "ambiguous"))),
                ("gpt-realtme", (Usage.tokens(audio_in=30),)),
                ("gpt-realtime", (Usage.tokens(audio_in=500),)),
                ("gpt-realtime", (Usage.tokens(text_out=70),)),
                ("gpt-4o-transcribe", (Usage.tokens(audio_in=17, text_out=9),)),
            ]
        )
    ]
    unread = UnreadUsage(3, "b.jsonl", 7, {"inputTokens": 789})
    answer = cost(PythonEngine(records), CostQuery(by=("tenant",), top=2), load_facts().prices, unread_usage=unread)
    return dependencies(answer, as_dict, OPAQUE)


def sensitivity_json() -> dict[str, set[str]]:
    answer = (sensitivity(PLAN, SELECTION, load_facts()), recommendations(PLAN, SELECTION, load_facts()))
    return dependencies(answer, sensitivity_values, OPAQUE)


def truncation_values(answer: Any) -> dict[str, Any]:
    """The JSON of the cheapest truncation setting."""
    return CheapestTruncationReport.of(answer).to_dict()


def break_even_values(curves: Any) -> list[dict[str, Any]]:
    """The JSON of break-evens."""
    return [BreakEvenCurveReport.of(curve).to_dict() for curve in curves]


def truncation_json() -> dict[str, set[str]]:
    answer = cheapest_truncation(replace(PLAN, turns=80), SELECTION, load_facts(), min_remembered_turns=3)
    assert answer is not None
    return dependencies(answer, truncation_values, OPAQUE, {"truncation.mode": None})


SHAPES: dict[str, Callable[[], dict[str, set[str]]]] = {
    "estimate": estimate_json,
    "simulation": simulation_json,
    "comparison": lambda: dependencies(compared(), lambda answer: OffersReport.of(answer).to_dict(), OPAQUE),
    "alternatives": alternatives_json,
    "break_even": break_even_json,
    "capacity": capacity_json,
    "ptu": ptu_json,
    "cost": cost_json,
    "sensitivity": sensitivity_json,
    "truncation": truncation_json,
    "bridge": lambda: dependencies(
        bridge(PLAN, SELECTION, load_facts()), lambda answer: CalculatorReport.of(answer).to_dict(), OPAQUE
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_key_changes_with_the_field_of_its_meaning_alone(name: str) -> None:
    fields: dict[str, Any] = case_file("json_fields.toml")[name]
    assert {field: keys for field, keys in SHAPES[name]().items() if keys} == {
        field: set(keys) for field, keys in fields.items()
    }
