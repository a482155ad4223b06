"""Azure's cost and usage details. Columns: Microsoft's schemas of EA and MCA files, and older exports."""

import gzip
import json
from datetime import date, datetime
from fractions import Fraction
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.logs.bills.reading import bill_time, charge_of, charges_of, error_texts, product, table
from tests.logs.bills.samples import EA, MCA, RESOURCE
from voicebill.logs.bills.azure_costs import NO_CURRENCY, OTHER_TYPE
from voicebill.logs.bills.bill_report import BillReport, UnreadableBill
from voicebill.logs.bills.bill_rows import ASSUMED_MONTH_FIRST, UNREAD_TAGS
from voicebill.logs.bills.read_bills import read_bills
from voicebill.logs.bills.repeated_charges import OTHER_STATE


def test_a_row_of_an_enterprise_agreement() -> None:
    """47.6 thousand tokens at $0.032 a thousand: $1.5232, exactly."""
    charge = charge_of("\ufeff" + table(EA))
    assert (charge.provider, charge.category, charge.currency) == ("azure", "usage", "USD")
    assert (charge.start, charge.end) == (bill_time(2026, 9, 2), bill_time(2026, 9, 3))
    assert (charge.quantity, charge.unit, charge.cost) == (Fraction("47.6"), "1K", Fraction("1.5232"))
    assert product(charge.quantity, charge.contracted_unit_price) == charge.cost
    assert (charge.list_unit_price, charge.dollars, charge.per_dollar) == (Fraction("0.04"), None, None)
    assert (charge.service, charge.meter_name, charge.meter_id) == (
        "Foundry Models / Azure OpenAI",
        "gpt rt aud Inp glbl Tokens",
        "m-1",
    )
    assert (charge.region, charge.description) == ("swedencentral", "Azure OpenAI - gpt rt aud Inp glbl")
    assert charge.accounts == {
        "resource": "brook-voice",
        "resource_id": RESOURCE,
        "resource_group": "rg-voice",
        "subscription": "Brook Production",
        "subscription_id": "s-1",
    }
    assert charge.tags == {"team": "voice", "env": "prod"}


def test_a_row_of_a_customer_agreement_has_prices_in_dollars_and_a_cost_in_euros() -> None:
    """1.5 M × $32 × 0.9 = €43.20; the prices are converted, so that they are of the cost's currency."""
    charge = charge_of(table(MCA))
    assert (charge.cost, charge.currency, charge.dollars, charge.per_dollar) == (
        Fraction("43.2"),
        "EUR",
        Fraction(48),
        Fraction("0.9"),
    )
    assert (charge.contracted_unit_price, charge.list_unit_price) == (Fraction("28.8"), Fraction(36))
    assert product(charge.quantity, charge.contracted_unit_price) == charge.cost
    without_rate = charge_of(table({**MCA, "exchangeRatePricingToBilling": ""}))
    assert (without_rate.contracted_unit_price, without_rate.per_dollar) == (None, None)


def test_rows_of_pay_as_you_go_old_and_older() -> None:
    """A quantity without money has no cost, not a cost of 0."""
    legacy = {"UsageDateTime": "2026-09-02T00:00:00Z", "MeterName": "gpt rt", "UsageQuantity": "2", "UnitOfMeasure": "1K"}
    charge = charge_of(
        table({**legacy, "ResourceRate": "0.03", "PreTaxCost": "0.06", "Currency": "GBP", "InstanceId": RESOURCE})
    )
    assert (charge.cost, charge.currency, charge.contracted_unit_price) == (Fraction("0.06"), "GBP", Fraction("0.03"))
    assert charge.accounts["resource"] == "brook-voice"
    older = {"Usage Date": "2026-09-02", "Meter Name": "gpt rt", "Unit": "1K", "Consumed Quantity": "2"}
    assert (charge_of(table(older)).quantity, charge_of(table(older)).cost) == (Fraction(2), None)


def test_a_page_of_the_api() -> None:
    """The meter's details are an object of their own."""
    details = {"meterName": "gpt rt", "unitOfMeasure": "1K", "meterCategory": "Foundry Models"}
    result = {"date": "2026-09-02T00:00:00Z", "quantity": 4.1, "cost": 0.1, "billingCurrency": "USD", "meterDetails": details}
    charge = charge_of(json.dumps({"value": [{"id": "u1", "properties": result, "tags": {"team": "voice"}}]}))
    assert (charge.meter_name, charge.quantity, charge.unit, charge.cost) == ("gpt rt", Fraction("4.1"), "1K", Fraction("0.1"))
    assert charge.tags == {"team": "voice"}


@pytest.mark.parametrize(
    ("dates", "starts", "remarks"),
    [
        (("09/02/2026", "09/13/2026"), (bill_time(2026, 9, 2), bill_time(2026, 9, 13)), 0),
        (("02/09/2026", "13/09/2026"), (bill_time(2026, 9, 2), bill_time(2026, 9, 13)), 0),
        (("02.09.2026", "03.09.2026"), (bill_time(2026, 9, 2), bill_time(2026, 9, 3)), 0),
        (("9/2/2026 12:00:00 AM", "9/3/2026 12:00:00 AM"), (bill_time(2026, 9, 2), bill_time(2026, 9, 3)), 1),
        (("2026-09-02", "20260903"), (bill_time(2026, 9, 2), bill_time(2026, 9, 3)), 0),
        (("2026-09-02T02:00:00+02:00", "2026-09-03 00:00:00 UTC"), (bill_time(2026, 9, 2), bill_time(2026, 9, 3)), 0),
    ],
)
@pytest.mark.parametrize("is_file", [True, False])
def test_a_date_that_can_be_read_in_one_order_only_decides_for_the_file(
    dates: tuple[str, ...], starts: tuple[datetime, ...], remarks: int, is_file: bool, tmp_path: Path
) -> None:
    """Also for the rows before it. If none does, the month is first, as Microsoft writes it, and that is remarked."""
    content = table(*({**EA, "Date": day, "BillingPeriodEndDate": ""} for day in dates))
    report = BillReport()
    (tmp_path / "bill.csv").write_text(content)
    charges = list(read_bills(tmp_path / "bill.csv", report=report)) if is_file else charges_of(content)[0]
    assert tuple(charge.start for charge in charges) == starts
    assert report.remarks[ASSUMED_MONTH_FIRST] == (remarks if is_file else 0)


def test_a_date_against_the_order_of_the_file_is_an_error() -> None:
    _, report = charges_of(table(EA, {**EA, "Date": "30/09/2026"}))
    assert error_texts(report) == ["bill 1, line 3: Date is not a date (month/day/year, or ISO): '30/09/2026'"]


@pytest.mark.parametrize(
    ("charge_type", "cost", "category"),
    [
        ("Usage", "1", "usage"),
        ("Usage", "-1", "adjustment"),
        ("", "1", "usage"),
        ("Purchase", "100", "purchase"),
        ("UnusedReservation", "3", "purchase"),
        ("Refund", "-100", "adjustment"),
        ("RoundingAdjustment", "0.004", "adjustment"),
        ("Tax", "19", "tax"),
        ("Credit", "-5", "credit"),
    ],
)
def test_the_type_of_a_charge_says_its_category(charge_type: str, cost: str, category: str) -> None:
    assert charge_of(table({**EA, "ChargeType": charge_type, "CostInBillingCurrency": cost})).category == category


def test_a_type_that_is_not_read_is_remarked() -> None:
    (charge,), report = charges_of(table({**EA, "ChargeType": "Surprise"}))
    assert (charge.category, report.remarks[OTHER_TYPE]) == ("usage", 1)


@pytest.mark.parametrize(
    ("text", "number"),
    [("1,234.56", Fraction("1234.56")), ("1.5E-03", Fraction("0.0015")), ("-.5", Fraction("-0.5")), ("+2.", 2)],
)
def test_a_number_is_exact(text: str, number: Fraction) -> None:
    assert charge_of(table({**EA, "Quantity": text})).quantity == number


@pytest.mark.parametrize("text", ["1,5", "many", "nan", "1e99", "1.2.3", "12,34", "٣", "1" * 90])
def test_what_is_no_number_is_an_error_of_its_row(text: str) -> None:
    """The other rows are read."""
    charges, report = charges_of(table({**EA, "Quantity": text}, EA))
    assert len(charges) == 1
    assert error_texts(report) == [f"bill 1, line 2: Quantity is not a number such as 1234.56: {text[:40]!r}"]


def test_between_semicolons_a_comma_is_not_guessed_at() -> None:
    """1,234 may be a thousand or a little more than one."""
    charges, report = charges_of(table({**EA, "Quantity": "1,234"}, EA, delimiter=";"))
    assert len(charges) == 1
    assert error_texts(report) == [
        "bill 1, line 2: Quantity has a comma, which may be a decimal comma: write 1234.56, not '1,234'"
    ]


def test_a_row_without_a_date_or_an_amount_is_an_error() -> None:
    nothing = {**EA, "Quantity": "", "CostInBillingCurrency": ""}
    _, report = charges_of(table(EA, {**EA, "Date": ""}, nothing) + "too,short\n")
    assert (report.rows, report.charges, report.error_count) == (1, 1, 3)
    assert error_texts(report) == [
        "bill 1, line 3: it has no date",
        "bill 1, line 4: it has neither a cost nor a quantity",
        f"bill 1, line 5: 2 fields, but the header has {len(EA)}",
    ]


def test_a_bill_without_a_row_that_can_be_read_is_refused() -> None:
    with pytest.raises(UnreadableBill, match="bill 1 has no row that can be read; bill 1, line 2: it has no date"):
        charges_of(table({**EA, "Date": ""}))
    with pytest.raises(UnreadableBill, match=r"^bill 1 has no charge$"):
        charges_of(",".join(EA))


def test_amounts_without_a_currency_are_remarked() -> None:
    (charge,), report = charges_of(table({**EA, "BillingCurrencyCode": ""}))
    assert (charge.currency, report.remarks[NO_CURRENCY]) == ("USD", 1)
    in_pricing_currency = {**MCA, "costInBillingCurrency": "", "costInPricingCurrency": "48"}
    assert charge_of(table(in_pricing_currency)).currency == "USD"


def test_tags_that_are_not_json_are_remarked_and_the_row_is_read() -> None:
    (charge,), report = charges_of(table({**EA, "Tags": "team=voice"}))
    assert (charge.tags, report.remarks[UNREAD_TAGS]) == ({}, 1)


def test_lines_above_the_header_are_skipped() -> None:
    assert charge_of("Usage details of Brook & Tide\n\nSeptember 2026\n" + table(EA)).quantity == Fraction("47.6")


def test_a_compressed_file_and_parquet_give_the_same_charges(tmp_path: Path) -> None:
    """In Parquet numbers are decimals or binary, and dates are dates."""
    (tmp_path / "bill.csv.gz").write_bytes(gzip.compress(table(MCA).encode()))
    values = {**MCA, "date": date(2026, 9, 2), "quantity": 1.5, "costInBillingCurrency": 43.2, "tags": [("team", "voice")]}
    columns = {name: [value] for name, value in values.items() if name != "tags"}
    tags = pa.array([values["tags"]], pa.map_(pa.string(), pa.string()))
    pq.write_table(pa.table({**columns, "tags": tags}), tmp_path / "bill.parquet")
    (compressed,) = read_bills(tmp_path / "bill.csv.gz")
    (parquet,) = read_bills(tmp_path / "bill.parquet")
    assert parquet.cost == Fraction("43.2")
    assert (parquet.start, parquet.quantity, parquet.tags) == (compressed.start, compressed.quantity, compressed.tags)
    assert (parquet.source, parquet.line_number) == (str(tmp_path / "bill.parquet"), 1)


def test_rows_that_two_files_share_count_once_and_alike_rows_of_one_file_count_all() -> None:
    """Two alike rows are two charges; a second file repeats both, and adds a third and a row of the next day."""
    next_day = {**EA, "Date": "09/03/2026"}
    charges, report = charges_of(table(EA, EA), table(EA, EA, EA, next_day))
    assert [charge.source for charge in charges] == ["bill 1", "bill 1", "bill 2", "bill 2"]
    assert (report.rows, report.charges, report.repeated) == (6, 4, 2)
    assert report.remarks[OTHER_STATE] == 1


def test_parts_of_one_export_are_not_taken_for_two_states_of_it() -> None:
    """They have other rows of the same day, and none in common."""
    charges, report = charges_of(table(EA), table({**EA, "MeterId": "m-2"}))
    assert (len(charges), report.repeated, report.remarks[OTHER_STATE]) == (2, 0, 0)
