"""FOCUS exports. Columns: the specification's versions 1.0 to 1.3, and Microsoft's schema of its own exports."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.logs.bills.reading import bill_time, charge_of, charges_of, error_texts, json_lines, product, table
from tests.logs.bills.samples import DETAILS, MICROSOFT, OWN
from voicebill.logs.bills.focus import OTHER_CATEGORY, UNREAD_DETAILS
from voicebill.logs.bills.read_bills import read_bills


def test_a_row_of_microsofts_export() -> None:
    """47,600 tokens at €0.0288 a thousand; the unit price is that of a token, as the quantity is."""
    charge = charge_of(table(MICROSOFT))
    assert (charge.provider, charge.category, charge.currency, charge.cost) == ("azure", "usage", "EUR", Fraction("1.37088"))
    assert (charge.start, charge.end) == (bill_time(2026, 9, 2), bill_time(2026, 9, 3))
    assert (charge.quantity, charge.unit, charge.meter_name, charge.meter_id) == (
        Fraction(47_600),
        "Tokens",
        "gpt rt aud Inp glbl",
        "m-1",
    )
    assert charge.contracted_unit_price == Fraction("0.0288") / 1000
    assert product(charge.quantity, charge.contracted_unit_price) == charge.cost
    assert (charge.list_unit_price, charge.dollars, charge.per_dollar) == (
        Fraction("0.000036"),
        Fraction("1.5232"),
        Fraction("0.9"),
    )
    assert (charge.service, charge.region, charge.tags) == ("Azure OpenAI", "swedencentral", {"team": "voice"})
    assert charge.accounts["subscription"] == "Brook Production"
    assert (charge.accounts["subscription_id"], charge.accounts["resource"]) == ("s-1", "brook-voice")


def test_a_row_of_our_own_export_names_model_and_meter() -> None:
    charge = charge_of(table(OWN))
    assert (charge.provider, charge.model, charge.meter) == ("azure", "gpt-realtime-1.5", "audio_in")
    assert (charge.deployment, charge.region, charge.tier) == ("global", "swedencentral", "priority")
    assert (charge.meter_name, charge.accounts) == ("gpt-realtime-1.5 audio in", {"project": "front-desk"})


def test_without_a_consumed_quantity_it_is_that_of_pricing() -> None:
    """The unit prices are of its unit already. Without either unit a price has no unit, and is left as it is."""
    charge = charge_of(table({**MICROSOFT, "ConsumedQuantity": "", "ConsumedUnit": ""}))
    assert (charge.quantity, charge.unit, charge.contracted_unit_price) == (Fraction("47.6"), "1K Tokens", Fraction("0.0288"))
    unconvertible = charge_of(table({**MICROSOFT, "PricingQuantity": ""}))
    assert (unconvertible.quantity, unconvertible.contracted_unit_price) == (Fraction(47_600), None)


@pytest.mark.parametrize(
    ("fields", "category"),
    [
        ({"ChargeCategory": "Purchase"}, "purchase"),
        ({"ChargeCategory": "Tax"}, "tax"),
        ({"ChargeCategory": "Credit", "BilledCost": "-5"}, "credit"),
        ({"ChargeCategory": "Adjustment"}, "adjustment"),
        ({"ChargeClass": "Correction"}, "adjustment"),
        ({"BilledCost": "-1"}, "adjustment"),
    ],
)
def test_the_category_is_that_of_focus_and_corrections_are_adjustments(fields: dict[str, str], category: str) -> None:
    assert charge_of(table({**MICROSOFT, **fields})).category == category


@pytest.mark.parametrize(
    ("names", "provider"),
    [
        ({"ProviderName": "Microsoft Azure"}, "azure"),
        ({"ProviderName": "OpenAI"}, "openai"),
        ({"ProviderName": "", "PublisherName": "OpenAI, L.L.C."}, "openai"),
        ({"ProviderName": "Reseller", "ServiceProviderName": "Google"}, "google"),
        ({"ProviderName": "", "PublisherName": ""}, ""),
    ],
)
def test_the_provider_is_named_as_prices_name_it(names: dict[str, str], provider: str) -> None:
    """Version 1.3 has the service provider, and the others the provider; the publisher is the last resort."""
    assert charge_of(table({**MICROSOFT, **names})).provider == provider


def test_json_lines_and_parquet_give_the_same_charges(tmp_path: Path) -> None:
    """Tags and details may be objects, and amounts numbers: 0.0304 stays 0.0304."""
    nested = {
        **OWN,
        "BilledCost": 0.0304,
        "ConsumedQuantity": 950,
        "Tags": {"project": "front-desk"},
        "SkuPriceDetails": DETAILS,
    }
    charge = charge_of(json_lines(nested))
    assert (charge.cost, charge.quantity, charge.meter) == (Fraction("0.0304"), Fraction(950), "audio_in")
    assert charge.accounts == {"project": "front-desk"}
    times = {"ChargePeriodStart": datetime(2026, 9, 2, tzinfo=UTC), "ChargePeriodEnd": datetime(2026, 9, 3, tzinfo=UTC)}
    values = {**OWN, **times, "BilledCost": Decimal("0.0304")}
    pq.write_table(pa.table({name: [value] for name, value in values.items()}), tmp_path / "focus.parquet")
    (from_parquet,) = read_bills(tmp_path / "focus.parquet")
    assert (from_parquet.start, from_parquet.cost, from_parquet.quantity) == (
        bill_time(2026, 9, 2),
        Fraction("0.0304"),
        Fraction(950),
    )


def test_what_is_broken_is_an_error_of_its_row_or_remarked() -> None:
    """Details that are no JSON, and a category that FOCUS does not have, do not lose the row."""
    odd = {**MICROSOFT, "ChargeCategory": "Surprise", "SkuPriceDetails": "ModelId=gpt-realtime"}
    plain = {**MICROSOFT, "SkuPriceDetails": ""}
    charges, report = charges_of(table(odd, {**plain, "BilledCost": ""}, {**plain, "ChargePeriodStart": "soon"}))
    assert [charge.category for charge in charges] == ["usage"]
    assert (report.remarks[UNREAD_DETAILS], report.remarks[OTHER_CATEGORY]) == (1, 1)
    assert error_texts(report) == [
        "bill 1, line 3: it has no BilledCost",
        "bill 1, line 4: ChargePeriodStart is not a date (month/day/year, or ISO): 'soon'",
    ]
