"""Read Azure's cost and usage details: actual and amortized costs, of every kind of agreement.

| field | columns |
|---|---|
| start, end | Date, UsageDate, UsageDateTime: month/day/year, or ISO; a charge is of one day |
| category | ChargeType; usage below zero is an adjustment; what is unused of a reservation is a purchase |
| service, description | MeterCategory / MeterSubCategory; ProductName, Product |
| meter_name, meter_id | MeterName; MeterId, ResourceGuid |
| region | ResourceLocation, MeterRegion |
| quantity, unit | Quantity, UsageQuantity, ConsumedQuantity; UnitOfMeasure, Unit |
| cost | CostInBillingCurrency, PreTaxCost, ExtendedCost, Cost; else CostInPricingCurrency, CostInUsd |
| currency | BillingCurrency, BillingCurrencyCode, Currency; else PricingCurrency, USD |
| dollars, per_dollar | CostInUsd; ExchangeRatePricingToBilling if PricingCurrency is USD |
| list_unit_price | PayGPrice |
| contracted_unit_price | UnitPrice, ResourceRate, EffectivePrice |
| accounts | ResourceId or InstanceId, ResourceGroup, SubscriptionName, SubscriptionId |
| tags | Tags: JSON, also without its outer braces |

`quantity` is in units of `unit`, as the file has both. Unit prices are in the currency of pricing: they are converted to that
of billing where the two differ and the file has the rate, and left out where it has not.

Sources, read 2026-11-29: Microsoft's schemas of cost and usage details (EA 2024-08-01, MCA 2023-12-01-preview), its table of
the fields of all agreements, and public code that reads older exports.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from voicebill.answers.invoices.charge import Charge, ChargeCategory
from voicebill.logs.bills.bill_report import BillReport
from voicebill.logs.bills.bill_rows import UNREAD_TAGS, BillRow, FieldColumns
from voicebill.logs.bills.bill_tables import category_by_name, category_by_sign, last_segment, row_charges
from voicebill.logs.bills.cells import day_after
from voicebill.logs.delimited import InvalidRow
from voicebill.logs.providers import normalize_region
from voicebill.logs.sources import NumberedLines

AZURE_COLUMNS: FieldColumns = {
    "start": ("date", "usagedate", "usagedatetime"),
    "charge_type": ("chargetype",),
    "category": ("metercategory",),
    "subcategory": ("metersubcategory",),
    "meter_name": ("metername",),
    "meter_id": ("meterid", "resourceguid"),
    "product": ("productname", "product"),
    "quantity": ("quantity", "usagequantity", "consumedquantity"),
    "unit": ("unitofmeasure", "unit"),
    "cost": ("costinbillingcurrency", "pretaxcost", "extendedcost", "cost"),
    "currency": ("billingcurrency", "billingcurrencycode", "currency", "currencycode"),
    "pricing_cost": ("costinpricingcurrency",),
    "pricing_currency": ("pricingcurrency", "pricingcurrencycode"),
    "dollars": ("costinusd", "costusd"),
    "rate": ("exchangeratepricingtobilling", "exchangerate"),
    "list_price": ("paygprice",),
    "unit_price": ("unitprice", "resourcerate"),
    "effective_price": ("effectiveprice",),
    "location": ("resourcelocation", "resourcelocationnormalized"),
    "meter_region": ("meterregion",),
    "resource_id": ("resourceid", "instanceid", "instancename"),
    "resource_group": ("resourcegroup", "resourcegroupname"),
    "subscription": ("subscriptionname",),
    "subscription_id": ("subscriptionid", "subscriptionguid"),
    "tags": ("tags",),
}
CATEGORIES: dict[str, ChargeCategory] = {
    "usage": "usage",
    "purchase": "purchase",
    "unusedreservation": "purchase",
    "unusedsavingsplan": "purchase",
    "refund": "adjustment",
    "roundingadjustment": "adjustment",
    "adjustment": "adjustment",
    "credit": "credit",
    "tax": "tax",
}
"""What a charge type is. What is unused of a reservation was bought, and not consumed."""
NO_REGIONS = frozenset({"", "unassigned", "unknown", "global", "n/a", "none"})
NO_CURRENCY = "amounts without a currency are taken as US dollars"
OTHER_TYPE = "charges of a type that is not read are taken as usage"


def azure_charges(bills: Sequence[NumberedLines], report: BillReport) -> Iterator[Charge]:
    """Yield the charges of Azure's cost exports."""
    return row_charges(bills, AZURE_COLUMNS, _azure_charge, report)


def _azure_charge(row: BillRow, report: BillReport) -> Charge:
    start = row.moment("start")
    if start is None:
        raise InvalidRow("it has no date")
    cost, currency, dollars = _money(row, report)
    quantity = row.number("quantity")
    if cost is None and quantity is None:
        raise InvalidRow("it has neither a cost nor a quantity")
    rate, prices_rate = row.number("rate"), _rate_of_prices(row, currency)
    subcategory = row.text("subcategory")
    return Charge(
        source=row.source,
        line_number=row.line_number,
        provider="azure",
        category=category_by_sign(_category(row, report), cost, quantity),
        start=start,
        end=day_after(start),
        service=" / ".join(filter(None, (row.text("category"), subcategory))),
        meter_name=row.text("meter_name"),
        meter_id=row.text("meter_id"),
        region=_region(row),
        quantity=quantity,
        unit=row.text("unit"),
        cost=cost,
        currency=currency,
        dollars=dollars,
        per_dollar=rate if row.text("pricing_currency").upper() == "USD" else None,
        list_unit_price=_times(row.number("list_price"), prices_rate),
        contracted_unit_price=_times(_contracted_price(row), prices_rate),
        accounts=_accounts(row),
        tags=_tags(row, report),
        description=row.text("product"),
    )


def _money(row: BillRow, report: BillReport) -> tuple[Fraction | None, str, Fraction | None]:
    """Return the cost, its currency, and the same cost in US dollars if the file has it."""
    dollars = row.number("dollars")
    for cost_field, currency_field in (("cost", "currency"), ("pricing_cost", "pricing_currency")):
        cost = row.number(cost_field)
        currency = row.text(currency_field).upper()
        if cost is not None:
            report.remarks.update([] if currency else [NO_CURRENCY])
            return cost, currency or "USD", dollars
    return dollars, "USD", dollars


def _category(row: BillRow, report: BillReport) -> ChargeCategory:
    charge_type = row.text("charge_type").replace(" ", "").lower()
    if charge_type and charge_type not in CATEGORIES:
        report.remarks[OTHER_TYPE] += 1
    category = CATEGORIES.get(charge_type, "usage")
    name = row.first_text("meter_name", "product", "category")
    return (category == "usage" and category_by_name(name, row.number("cost") or Fraction(0))) or category


def _rate_of_prices(row: BillRow, currency: str) -> Fraction | None:
    """Return what converts the unit prices to the currency of billing; None if the file does not say it."""
    is_same = row.text("pricing_currency").upper() in ("", currency)
    return Fraction(1) if is_same else row.number("rate")


def _contracted_price(row: BillRow) -> Fraction | None:
    price = row.number("unit_price")
    return row.number("effective_price") if price is None else price


def _times(price: Fraction | None, rate: Fraction | None) -> Fraction | None:
    return None if price is None or rate is None else price * rate


def _region(row: BillRow) -> str:
    for field in ("location", "meter_region"):
        if (name := row.text(field)).lower() not in NO_REGIONS:
            return normalize_region(name, "azure") or ""
    return ""


def _accounts(row: BillRow) -> dict[str, str]:
    accounts = {
        "resource": last_segment(row.text("resource_id")),
        **{field: row.text(field) for field in ("resource_id", "resource_group", "subscription", "subscription_id")},
    }
    return {field: name for field, name in accounts.items() if name}


def _tags(row: BillRow, report: BillReport) -> dict[str, str]:
    tags = row.tags("tags")
    report.remarks.update([UNREAD_TAGS] if tags is None else ())
    return dict(tags or {})
