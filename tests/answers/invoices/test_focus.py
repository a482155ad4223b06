"""Charges as FOCUS: every version's columns are those of its table, and the costs add up to the cost that is reported."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.engines.records import contract, many_records
from voicebill.answers.invoices.chargeback import NO_MARKUP, Markup
from voicebill.answers.invoices.focus import FOCUS_VERSIONS, FocusVersion, focus_columns, focus_rows
from voicebill.answers.invoices.usage_charges import OWNER_FIELDS, usage_charges
from voicebill.answers.recorded.cost import cost
from voicebill.answers.recorded.filters import parse_filter
from voicebill.answers.recorded.python_engine import PythonEngine
from voicebill.answers.recorded.query import CostQuery
from voicebill.billing.record import Record
from voicebill.billing.usage import Usage
from voicebill.facts import load_facts

ROOT = Path(__file__).parents[3]
IN_EURO = ROOT / "docs" / "examples" / "contract-in-euro.toml"
TYPES = {"string": str, "json": str, "decimal": Decimal, "datetime": datetime}
BY_OWNER = CostQuery(by=OWNER_FIELDS)


def rows_of(
    records: Sequence[Record],
    version: FocusVersion = "1.3",
    *price_files: Path,
    query: CostQuery = BY_OWNER,
    markup: Markup = NO_MARKUP,
    issuer: str = "",
) -> list[Mapping[str, Any]]:
    prices = load_facts(*price_files).prices
    charges = usage_charges(PythonEngine(records), query, prices)
    names = [column.name for column in focus_columns(version)]
    return [dict(zip(names, row, strict=True)) for row in focus_rows(charges, version, prices, markup=markup, issuer=issuer)]


def response(meters: dict[str, int], **more: object) -> Record:
    values = {"key": "k", "kind": "response", "model": "gpt-realtime-1.5", "day": date(2026, 11, 20), "source": "a", **more}
    return Record(usage_candidates=(Usage(meters),), line_number=1, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize("version", FOCUS_VERSIONS)
def test_every_value_is_what_its_column_may_hold(version: FocusVersion) -> None:
    """200 records of many providers, kinds and days: types, nulls, allowed values, and JSON whose own keys begin with x_."""
    columns, rows = focus_columns(version), rows_of(many_records(200), version)
    assert len(rows) > 100
    for row in rows:
        for column in columns:
            value = row[column.name]
            assert column.is_nullable if value is None else isinstance(value, TYPES[column.type]), column.name
            assert value is None or not column.allowed or value in column.allowed, column.name
            assert not (column.type == "json" and value and not isinstance(json.loads(str(value)), dict)), column.name
        assert row["ChargePeriodStart"] < row["ChargePeriodEnd"] <= row["BillingPeriodEnd"]


def test_each_version_has_its_own_columns() -> None:
    """1.0 has 43 columns, five under names from before it, and two of ours; 1.2 a pricing currency; 1.3 two more providers."""
    names = {version: {column.name for column in focus_columns(version)} for version in FOCUS_VERSIONS}
    assert len(names["1.0"]) == 43 + 5 + 2
    assert {"CommitmentDiscountId", "x_SkuMeter"} <= names["1.0"] - names["1.2"]
    assert {"SkuMeter", "SkuPriceDetails", "ServiceSubcategory", "PricingCurrency"} <= names["1.2"] - names["1.0"]
    assert names["1.3"] - names["1.2"] == {"ServiceProviderName", "HostProviderName"}
    mandatory = [column.name for column in focus_columns("1.2") if column.level == "mandatory"]
    assert len(mandatory) == 21


@pytest.mark.parametrize(
    "where", [None, "tenant = acme", "offer = openai/stepper or offer = openai/gpt-4.1-mini", "meter = audio_in"]
)
def test_costs_add_up_to_the_lower_end_of_the_reported_cost(where: str | None, tmp_path: Path) -> None:
    """Also with a contract, with ranges, with billing increments, and with usage that has no price."""
    prices, engine = load_facts(contract(tmp_path)).prices, PythonEngine(many_records(300))
    query = CostQuery(by=OWNER_FIELDS, where=parse_filter(where) if where else None, top=2)
    charges = usage_charges(engine, query, prices)
    answer = cost(engine, query, prices)
    assert sum(charge.cost for charge in charges) == answer.total.low
    rounded = sum(Decimal(str(row[0])) for row in focus_rows(charges, "1.3", prices))
    assert abs(Fraction(rounded) - Fraction(answer.total.low or 0) / 10**12) <= Fraction(len(charges), 2 * 10**12)


def test_a_row_per_day_meter_tenant_and_project() -> None:
    """2.5 M audio tokens at $32 a million are $80, of three responses on one day; the fourth is of the next day."""
    records = [
        response({"audio_in": 1_000_000}, key="a", tenant="acme", project="p1"),
        response({"audio_in": 1_500_000}, key="b", tenant="acme", project="p1"),
        response({"audio_in": 7}, key="c", tenant="globex"),
        response({"audio_in": 7}, key="d", tenant="acme", project="p1", day=date(2026, 11, 30)),
    ]
    rows = rows_of(records)
    assert len(rows) == 3
    row = next(row for row in rows if row["PricingQuantity"] == Decimal("2.5"))
    assert {name: row[name] for name in ("BilledCost", "ListUnitPrice", "ConsumedQuantity", "PricingUnit", "ConsumedUnit")} == {
        "BilledCost": 80,
        "ListUnitPrice": 32,
        "ConsumedQuantity": 2_500_000,
        "PricingUnit": "1000000 Tokens",
        "ConsumedUnit": "Tokens",
    }
    assert (row["SubAccountId"], row["ResourceId"], row["ResourceType"]) == ("acme", "p1", "Project")
    assert json.loads(str(row["Tags"])) == {"tenant": "acme", "project": "p1"}
    assert json.loads(str(row["SkuPriceDetails"])) == {
        "ModelId": "gpt-realtime-1.5",
        "TokenType": "Input",
        "x_Provider": "openai",
        "x_Meter": "audio_in",
        "x_Deployment": "global",
        "x_Tier": "standard",
    }
    (last,) = (row for row in rows if row["ChargePeriodStart"] == datetime(2026, 11, 30, tzinfo=UTC))
    assert last["ChargePeriodEnd"] == last["BillingPeriodEnd"] == datetime(2026, 12, 1, tzinfo=UTC)


def test_time_is_consumed_in_seconds_and_priced_by_the_minute() -> None:
    """90 s of transcription at $0.0045 a minute."""
    (row,) = rows_of([response({"audio_ms": 90_000}, kind="transcription", model="gpt-transcribe")])
    assert (row["ConsumedQuantity"], row["ConsumedUnit"], row["PricingQuantity"], row["PricingUnit"]) == (
        90,
        "Seconds",
        Decimal("1.5"),
        "Minutes",
    )
    assert row["BilledCost"] == Decimal("0.00675")


def test_the_meter_has_the_name_on_the_invoice() -> None:
    """Azure names its meters; of OpenAI the model and the meter are the name."""
    details = {"provider": "azure", "deployment": "data-zone", "region": "eastus2"}
    (row,) = rows_of([response({"audio_in": 1}, model="gpt-4o-realtime-preview-2024-10-01", **details, day=date(2025, 1, 7))])
    assert (row["SkuMeter"], row["RegionId"]) == ("gpt4o realtimePrvwAudInp DataZone Tokens", "eastus2")
    (row,) = rows_of([response({"audio_in_cached": 1})])
    assert row["SkuMeter"] == "gpt-realtime-1.5 audio in, cached"


def test_unpriced_usage_and_usage_without_a_day_are_left_out() -> None:
    records = [
        response({"audio_in": 5}, model="gpt-nothing"),
        response({"audio_in": 5}, key="b", day=None),
        response({}, key="c"),
    ]
    assert rows_of(records) == []


def test_the_lowest_reading_of_ambiguous_counts_is_charged_and_says_so() -> None:
    """100 tokens that are text, at $4 a million, or audio, at $32: $0.0004."""
    readings = (Usage({"text_in": 100}, "ambiguous"), Usage({"audio_in": 100}, "ambiguous"))
    (row,) = rows_of([replace(response({}), usage_candidates=readings)])
    assert (row["BilledCost"], "lowest reading" in str(row["ChargeDescription"])) == (Decimal("0.0004"), True)


def test_a_markup_raises_what_is_billed_and_leaves_the_list_price() -> None:
    """20% for all and 25% for Acme, on $32: $38.40 and $40."""
    records = [response({"audio_in": 10**6}, key=name, tenant=name) for name in ("acme", "globex")]
    rows = rows_of(records, markup=Markup(Fraction(1, 5), {"acme": Fraction(1, 4)}), issuer="Voice & Co")
    for row, billed in zip(rows, (Decimal(40), Decimal("38.4")), strict=True):
        for name in ("BilledCost", "EffectiveCost", "ContractedCost", "ContractedUnitPrice"):
            assert row[name] == billed
        assert (row["ListCost"], row["ListUnitPrice"], row["InvoiceIssuerName"]) == (32, 32, "Voice & Co")
        assert (row["ServiceProviderName"], row["ProviderName"]) == ("OpenAI", "OpenAI")


def test_a_contract_in_euro_is_billed_in_dollars_and_priced_in_euro() -> None:
    """€24 at 0.86 a dollar are $27.906976744186 a million tokens; the list price is $32, €27.52."""
    (row,) = rows_of([response({"audio_in": 10**6})], "1.3", IN_EURO)
    assert (row["BillingCurrency"], row["BilledCost"]) == ("USD", Decimal("27.906976744186"))
    assert (row["ListCost"], row["PricingCurrency"], row["PricingCurrencyListUnitPrice"]) == (32, "EUR", Decimal("27.52"))
    assert row["PricingCurrencyEffectiveCost"] == row["PricingCurrencyContractedUnitPrice"]
    assert round(Decimal(str(row["PricingCurrencyEffectiveCost"])), 9) == 24


def test_a_unit_price_times_its_quantity_is_its_cost() -> None:
    """For tokens exactly; for time, whose minutes are not whole, to the twelfth decimal."""
    for row in rows_of(many_records(200)):
        quantity = Fraction(Decimal(str(row["PricingQuantity"])))
        for price, amount in (("ContractedUnitPrice", "ContractedCost"), ("ListUnitPrice", "ListCost")):
            product = Fraction(Decimal(str(row[price]))) * quantity
            assert abs(product - Fraction(Decimal(str(row[amount])))) < Fraction(1, 10**9)
