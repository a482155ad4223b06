"""A month is the volume times the mean cost of a call, and fees per month; every row shows the mean that it is made of."""

import json
import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cases import DAY, FOLDER
from tests.cli.invoke import answer, run
from tests.web.sites import client
from voicebill.answers.comparison.alternatives import Alternatives, alternatives
from voicebill.answers.comparison.compare import available_offers, compare
from voicebill.answers.connectivity.transport import ConnectionCosts
from voicebill.answers.estimates.estimate import estimate
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.billing.money import PICODOLLARS_PER_DOLLAR, format_amount
from voicebill.conversation.plan import Plan
from voicebill.conversation.volume import Volume
from voicebill.facts import load_facts

OWN = FOLDER / "own_stacks.toml"
FIELDS = {"minutes": "6", "turns": "20", "conversations": "3000/month", "day": DAY.isoformat(), "provider": "openai"}
FEES = {"transport": "sip", "carrier_per_minute": "0.01", "carrier_increment": "60"}
VOLUMES = st.builds(Volume, st.integers(1, 10**6).map(Decimal), st.sampled_from(["day", "week", "month", "year"]))
HALF_PICODOLLAR = Decimal("5e-13")
SCENARIOS = ("best", "expected", "worst")


def options(fields: dict[str, str]) -> list[str]:
    return [word for name, value in fields.items() for word in (f"--{name.replace('_', '-')}", value)]


@given(VOLUMES)
@settings(max_examples=10, deadline=None)
def test_a_month_is_the_volume_times_the_mean_of_its_row_and_fees_per_month(volume: Volume) -> None:
    facts, plan = load_facts(OWN), Plan(minutes=6, turns=20, transport="sip")
    selection = ModelSelection(model="gpt-realtime-1.5", day=DAY)
    costs = ConnectionCosts(carrier_per_minute=Decimal("0.01"), platforms=("example-voice/agent-platform",))
    single = estimate(plan, selection, facts, volume, connection_costs=costs)
    assert single.connection is not None
    for scenario in SCENARIOS:
        mean, month = getattr(single.mean_per_conversation, scenario), getattr(single.per_month, scenario)
        assert mean * volume.per_month == month
        mean, month = getattr(single.total_mean, scenario), getattr(single.total_per_month, scenario)
        assert mean * volume.per_month + single.connection.monthly_fees == month
    offers = available_offers(facts.prices, DAY)[:6]
    rows: Alternatives = alternatives(
        compare(plan, offers, selection, facts, volume), plan, selection, facts, volume, connection_costs=costs
    )
    for row in (*rows.conversational, *rows.partial):
        total, total_month = rows.total_mean(row), rows.total_per_month(row)
        for scenario in SCENARIOS:
            month = getattr(row.per_month, scenario)
            assert getattr(row.mean, scenario) * volume.per_month + row.fixed_monthly_fee == month
            assert getattr(total, scenario) * volume.per_month + rows.monthly_fee(row) == getattr(total_month, scenario)


@pytest.mark.parametrize("command", ["estimate", "compare"])
def test_rows_state_the_mean_in_json(command: str) -> None:
    words = options(FIELDS) if command == "estimate" else [*options(FIELDS), "--break-even", "none"]
    document = answer(command, *words)
    rows = [document] if command == "estimate" else [*document["offers"], *document["alternatives"]]
    for row in rows:
        for scenario in SCENARIOS:
            mean, month = (Decimal(row[name][scenario]) for name in ("mean_per_conversation", "per_month"))
            assert abs(mean * 3000 - month) <= 3001 * HALF_PICODOLLAR  # both are rounded to twelve decimals
    without = {name: value for name, value in FIELDS.items() if name != "conversations"}
    assert answer("estimate", *options(without))["mean_per_conversation"] is None


def test_tables_state_the_mean_beside_the_month() -> None:
    document = answer("estimate", *options(FIELDS))
    mean, month = (document[name]["expected"] for name in ("mean_per_conversation", "per_month"))
    shown = run("estimate", *options(FIELDS)).stdout
    assert re.search(rf"a call on average +\S+ +{re.escape(dollars(mean))} ", shown)
    assert re.search(rf"per month: 3,000 × {re.escape(dollars(mean))} +\S+ +{re.escape(dollars(month))} ", shown)
    compared = " ".join(run("compare", *options(FIELDS), "--model", "gpt-realtime-1.5", "--break-even", "none").stdout.split())
    assert f"{dollars(mean)} a call on average × 3,000" in compared
    page = client().get("/", params=FIELDS | {"model": "gpt-realtime-1.5"}).text
    assert f'<th scope="row">a call on average</th><td>{dollars(document["mean_per_conversation"]["best"])}</td>' in page
    assert f'<th scope="row">per month: 3,000 × {dollars(mean)}</th>' in page
    comparison = client().get("/compare", params=FIELDS).text
    assert "Per month: the cost of a call on average × 3,000." in comparison
    assert re.search(r"\$\S+ a call<", comparison)


def dollars(text: str) -> str:
    """An exact decimal as headlines show it."""
    return format_amount(round(Decimal(text) * PICODOLLARS_PER_DOLLAR))


def test_a_volume_of_another_period_states_the_calls_of_a_month() -> None:
    """50 × 365 / 12 = 1,520.8 calls."""
    assert "per month: 1,520.8 (50/day) × $" in run("estimate", *options(FIELDS | {"conversations": "50/day"})).stdout


def test_headlines_include_connection_fees() -> None:
    """Six minutes at $0.01 add $0.06 to each call."""
    document = answer("estimate", *options(FIELDS | FEES))
    models, total = document["per_conversation"], document["total_with_connection"]["per_conversation"]
    assert [Decimal(total[scenario]) - Decimal(models[scenario]) for scenario in SCENARIOS] == [Decimal("0.06")] * 3
    shown = run("estimate", *options(FIELDS | FEES)).stdout
    assert re.search(rf"per conversation +\S+ +{re.escape(dollars(total['expected']))} ", shown)
    assert f"{dollars(models['expected'])} per conversation" in " ".join(shown.split())
    page = client().get("/", params=FIELDS | FEES).text
    assert f'<span class="figure">{dollars(total["expected"])}</span>' in page
    assert f"The models alone are expected to cost {dollars(models['expected'])} per conversation" in page


def test_rows_of_a_comparison_include_connection_fees() -> None:
    words = [*options(FIELDS | FEES), "--break-even", "none"]
    document: dict[str, Any] = answer("compare", *words)
    for row in (*document["alternatives"], *(row for row in document["offers"] if row["per_conversation"])):
        models, total = (row[name] for name in ("per_conversation", "total_with_connection"))
        assert Decimal(total["per_conversation"]["expected"]) - Decimal(models["expected"]) == Decimal("0.06")
    months = [Decimal(row["total_with_connection"]["per_month"]["expected"]) for row in document["alternatives"]]
    ratios = [Decimal(row["ratio_to_cheapest"]) for row in document["alternatives"]]
    assert ratios == [round(month / months[0], 4) for month in months]
    for row in document["partial_alternatives"]:
        assert row["total_with_connection"]["per_conversation"] == row["per_conversation"]
    shown = run("compare", *words).stdout
    assert shown.startswith("per conversation with connection fees on")
    page = client().get("/compare", params=FIELDS | FEES).text
    assert page.count("connection fees included") == 2
    assert json.dumps(document["connection"]["dollars"]) == '"0.06"'
