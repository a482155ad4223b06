"""The shape that scripts rely on: names, exact decimal strings, and nothing that JSON cannot hold."""

import json
from decimal import Decimal
from fractions import Fraction
from functools import cache

import pytest

from tests.answers.estimates.simulations import run
from tests.cases import DAY, cases
from voicebill.answers.comparison.alternatives import alternatives
from voicebill.answers.comparison.compare import available_offers, compare
from voicebill.answers.estimates.estimate import Estimate, estimate
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.answers.parsing.quantities import parse_volume
from voicebill.answers.reports.comparison import ComparisonReport
from voicebill.conversation.plan import Plan
from voicebill.conversation.volume import Volume
from voicebill.facts import load_facts


@cache
def month_of_calls() -> Estimate:
    """A thousand calls a day, with transcription."""
    return estimate(
        Plan(minutes=7, turns=9, transcription_model="gpt-4o-transcribe"),
        ModelSelection(model="gpt-realtime", day=DAY),
        load_facts(),
        parse_volume("1000/day"),
    )


def test_an_estimates_amounts_are_exact_decimal_strings() -> None:
    shape = month_of_calls().to_dict()
    for key, amounts in (("per_conversation", month_of_calls().per_conversation), ("per_minute", month_of_calls().per_minute)):
        assert set(shape[key]) == {"best", "expected", "worst"}
        for name, dollars in shape[key].items():
            assert abs(Fraction(dollars) * 10**12 - getattr(amounts, name)) <= Fraction(1, 2)
    assert sum(Decimal(line["dollars"]) for line in shape["lines"]) == Decimal(shape["per_conversation"]["expected"])
    assert sum(Decimal(part["dollars"]) for part in shape["breakdown"]) == Decimal(shape["per_conversation"]["expected"])
    assert Decimal(shape["per_year"]["best"]) == pytest.approx(
        Decimal(shape["call_mix"]["mean"]["best"]) * 365_000, rel=Decimal("1e-9")
    )


def test_an_estimate_says_what_it_stands_on() -> None:
    shape = json.loads(month_of_calls().to_json())
    assert {"per_month", "lines", "warnings", "assumptions", "offer", "currency", "prices", "rules", "plan"} <= set(shape)
    assert shape["currency"] == "USD"
    assert shape["offer"]["id"] == "openai/gpt-realtime-2025-08-28"
    assert shape["transcription_offer"]["id"] == "openai/gpt-4o-transcribe"
    assert shape["prices"]["digest"] == load_facts().prices.digest
    assert shape["prices"]["checked"] == "2026-11-22"
    assert shape["rules"]["evidence"]["history"]["evidence"] == "measured"
    assert shape["plan"]["silence_share"] == "0.2"
    assert {line["offer"] for line in shape["lines"]} == {"openai/gpt-realtime-2025-08-28", "openai/gpt-4o-transcribe"}


def test_without_a_volume_the_month_is_null() -> None:
    plain = estimate(Plan(minutes=7, turns=9), ModelSelection(model="gpt-realtime", day=DAY), load_facts())
    assert plain.to_dict()["per_month"] is None
    assert plain.to_dict()["transcription_offer"] is None


def test_a_simulation_lists_every_response_with_all_eight_counts() -> None:
    recorded = next(case for case in cases("conversations.toml") if "nothing cached" in case["name"])
    shape = json.loads(run(recorded["script"]).to_json())
    first = shape["responses"][0]
    assert (first["turn"], first["status"], first["dollars"]) == (1, "completed", "0.019688")
    assert first["usage"] == {
        "text_in": 1026,
        "text_in_cached": 0,
        "audio_in": 16,
        "audio_in_cached": 0,
        "image_in": 0,
        "image_in_cached": 0,
        "text_out": 66,
        "audio_out": 219,
    }
    assert [line["dollars"] for line in first["lines"]] == ["0.004104", "0.000512", "0.001056", "0.014016"]
    assert shape["total"]["dollars"] == "0.164432"
    assert shape["transcription"] is None


def test_transcription_stands_in_its_own_lines_and_in_the_total() -> None:
    example = next(case for case in cases("conversations.toml") if "by token" in case["name"])
    shape = run(example["script"]).to_dict()
    assert shape["transcription"]["dollars"] == "0.00022"
    assert shape["transcription"]["turns"][0]["usage"] == {"audio_in": 50, "text_out": 14}
    responses = sum(Decimal(response["dollars"]) for response in shape["responses"])
    assert Decimal(shape["total"]["dollars"]) == responses + Decimal("0.00022")


@pytest.mark.parametrize("volume", [None, Volume(Decimal(30_000), "month")])
def test_an_offer_has_one_ratio_to_the_cheapest(volume: Volume | None) -> None:
    """Among the offers and among the alternatives: its cost divided by that of the cheapest conversational agent."""
    facts, plan, selection = load_facts(), Plan(minutes=6, turns=20), ModelSelection(model="any", day=DAY)
    comparison = compare(plan, available_offers(facts.prices, DAY), selection, facts, volume)
    answer = alternatives(comparison, plan, selection, facts, volume)
    document = ComparisonReport.of(comparison, answer, (), facts, DAY).to_dict()
    ratios = {alternative["name"]: alternative["ratio_to_cheapest"] for alternative in document["alternatives"]}
    offers = {offer["offer"]["id"]: offer for offer in document["offers"]}
    assert len(offers) > 20
    assert {name: offer["ratio_to_cheapest"] for name, offer in offers.items()} == {name: ratios.get(name) for name in offers}
    assert all((offer["ratio_to_cheapest"] is None) == (offer["per_conversation"] is None) for offer in offers.values())
    per = f"per_{document['ranked_by']}"
    cheapest = document["alternatives"][0]
    assert cheapest["architecture"] == "pipeline"
    for offer in offers.values():
        if offer[per]:
            ratio = Decimal(offer[per]["expected"]) / Decimal(cheapest[per]["expected"])
            assert Decimal(offer["ratio_to_cheapest"]) == pytest.approx(ratio, abs=Decimal("0.0001"))
