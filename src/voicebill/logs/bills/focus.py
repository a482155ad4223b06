"""Read cost exports of FOCUS, the FinOps Open Cost and Usage Specification, versions 1.0 to 1.3, and Microsoft's of 1.0r2.

| field | columns |
|---|---|
| start, end | ChargePeriodStart, ChargePeriodEnd |
| category | ChargeCategory; a ChargeClass of Correction, and usage below zero, are adjustments |
| provider | SkuPriceDetails' x_Provider; ServiceProviderName, ProviderName, PublisherName |
| service, description | ServiceName; ChargeDescription |
| meter_name, meter_id | SkuMeter, x_SkuMeter, x_SkuMeterName, SkuId, SkuPriceId; x_SkuMeterId, SkuId, SkuPriceId |
| model, meter | SkuPriceDetails' ModelId and x_Meter |
| deployment, tier | SkuPriceDetails' x_Deployment and x_Tier |
| region | SkuPriceDetails' x_Region; RegionId |
| quantity, unit | ConsumedQuantity, ConsumedUnit; else PricingQuantity, PricingUnit |
| cost, currency | BilledCost, BillingCurrency |
| dollars, per_dollar | x_BilledCostInUsd, x_CostInUsd; x_BillingExchangeRate or both effective costs, if priced in USD |
| list_unit_price, contracted_unit_price | ListUnitPrice, ContractedUnitPrice |
| accounts | ResourceId, ResourceName, x_ResourceGroupName, SubAccountId, SubAccountName, the tag `project` |
| tags | Tags |

A sub-account is a subscription of Azure, or a project of others. FOCUS quotes unit prices for the unit of pricing: they are
converted to the unit of the quantity by the two quantities of the row. The names in SkuPriceDetails that begin with `x_` are
those of this package's own exports, which have x_SkuPriceDetails in version 1.0.

Sources, read 2026-11-29: the specification's columns, versions 1.0 to 1.3, and Microsoft's schema of its FOCUS exports.
"""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from voicebill.answers.invoices.charge import CHARGE_CATEGORIES, Charge, ChargeCategory
from voicebill.facts.load import load_facts
from voicebill.logs.bills.bill_report import BillReport
from voicebill.logs.bills.bill_rows import UNREAD_TAGS, BillRow, FieldColumns
from voicebill.logs.bills.bill_tables import category_by_sign, last_segment, row_charges
from voicebill.logs.delimited import InvalidRow
from voicebill.logs.providers import normalize_provider, normalize_region
from voicebill.logs.sources import NumberedLines

FOCUS_READ_COLUMNS: FieldColumns = {
    "provider": ("serviceprovidername", "providername", "publishername"),
    "category": ("chargecategory",),
    "class": ("chargeclass",),
    "start": ("chargeperiodstart",),
    "end": ("chargeperiodend",),
    "description": ("chargedescription",),
    "service": ("servicename",),
    "meter_name": ("skumeter", "xskumeter", "xskumetername", "skuid", "skupriceid"),
    "meter_id": ("xskumeterid", "skuid", "skupriceid"),
    "consumed": ("consumedquantity",),
    "consumed_unit": ("consumedunit",),
    "priced": ("pricingquantity",),
    "priced_unit": ("pricingunit",),
    "cost": ("billedcost",),
    "currency": ("billingcurrency",),
    "dollars": ("xbilledcostinusd", "xcostinusd"),
    "rate": ("xbillingexchangerate",),
    "effective": ("effectivecost",),
    "priced_effective": ("pricingcurrencyeffectivecost",),
    "pricing_currency": ("pricingcurrency", "xpricingcurrency"),
    "list_price": ("listunitprice",),
    "contracted_price": ("contractedunitprice",),
    "region": ("regionid", "region"),
    "sub_account_id": ("subaccountid",),
    "sub_account": ("subaccountname",),
    "resource_id": ("resourceid",),
    "resource": ("resourcename",),
    "resource_group": ("xresourcegroupname",),
    "tags": ("tags",),
    "details": ("skupricedetails", "xskupricedetails", "xskudetails"),
}
OTHER_CATEGORY = "charges of a category that FOCUS does not have are taken as usage"
UNREAD_DETAILS = "SkuPriceDetails that are not JSON are not read"


def focus_charges(bills: Sequence[NumberedLines], report: BillReport) -> Iterator[Charge]:
    """Yield the charges of FOCUS exports."""
    return row_charges(bills, FOCUS_READ_COLUMNS, _focus_charge, report)


def _focus_charge(row: BillRow, report: BillReport) -> Charge:
    details = _mapping(row, "details", UNREAD_DETAILS, report)
    tags = _mapping(row, "tags", UNREAD_TAGS, report)
    provider = details.get("x_Provider") or _provider(row.text("provider"))
    cost, start = row.number("cost"), row.moment("start")
    if cost is None:
        raise InvalidRow("it has no BilledCost")
    if start is None:
        raise InvalidRow("it has no ChargePeriodStart")
    quantity, unit = _quantity(row)
    factor = _priced_per_unit(row, quantity, unit)
    meter = details.get("x_Meter", "")
    return Charge(
        source=row.source,
        line_number=row.line_number,
        provider=provider,
        category=category_by_sign(_category(row, report), cost, quantity),
        start=start,
        end=row.moment("end"),
        service=row.text("service"),
        meter_name=row.text("meter_name"),
        meter_id=row.text("meter_id"),
        model=details.get("ModelId", ""),
        meter=meter if meter in load_facts().prices.meters else "",
        deployment=details.get("x_Deployment", ""),
        region=details.get("x_Region") or normalize_region(row.text("region"), provider) or "",
        tier=details.get("x_Tier", ""),
        quantity=quantity,
        unit=unit,
        cost=cost,
        currency=row.text("currency").upper() or "USD",
        dollars=row.number("dollars"),
        per_dollar=_per_dollar(row) if row.text("pricing_currency").upper() in ("", "USD") else None,
        list_unit_price=_converted(row.number("list_price"), factor),
        contracted_unit_price=_converted(row.number("contracted_price"), factor),
        accounts=_accounts(row, provider, tags),
        tags=tags,
        description=row.text("description"),
    )


def _mapping(row: BillRow, field: str, remark: str, report: BillReport) -> Mapping[str, str]:
    values = row.tags(field)
    report.remarks.update([remark] if values is None else ())
    return values or {}


def _provider(name: str) -> str:
    """Return the provider that a name of a company stands for, as prices name it.

    >>> _provider("Microsoft"), _provider("OpenAI, L.L.C."), _provider("AWS")
    ('azure', 'openai', 'amazon')
    """
    lower = name.lower()
    for word, provider in (("microsoft", "azure"), ("azure", "azure"), ("openai", "openai")):
        if word in lower:
            return provider
    return normalize_provider(name) or ""


def _category(row: BillRow, report: BillReport) -> ChargeCategory:
    if row.text("class").lower() == "correction":
        return "adjustment"
    name = row.text("category").lower()
    category = next((category for category in CHARGE_CATEGORIES if category == name), None)
    report.remarks.update([OTHER_CATEGORY] if category is None and name else ())
    return category or "usage"


def _quantity(row: BillRow) -> tuple[Fraction | None, str]:
    """Return the quantity and its unit: what was consumed, or else what was priced."""
    for field in ("consumed", "priced"):
        if (quantity := row.number(field)) is not None:
            return quantity, row.text(f"{field}_unit")
    return None, row.first_text("consumed_unit", "priced_unit")


def _priced_per_unit(row: BillRow, quantity: Fraction | None, unit: str) -> Fraction | None:
    """Return how many units of pricing one unit of the quantity is; None if the row does not show it."""
    priced, priced_unit = row.number("priced"), row.text("priced_unit")
    if not priced_unit or priced_unit == unit:
        return Fraction(1)
    return priced / quantity if priced and quantity else None


def _per_dollar(row: BillRow) -> Fraction | None:
    """Return how much of the currency of billing a dollar of pricing is: as the row has it, or by its two effective costs."""
    effective, priced = row.number("effective"), row.number("priced_effective")
    return row.number("rate") or (effective / priced if effective and priced else None)


def _converted(price: Fraction | None, factor: Fraction | None) -> Fraction | None:
    return None if price is None or factor is None else price * factor


def _accounts(row: BillRow, provider: str, tags: Mapping[str, str]) -> dict[str, str]:
    account = "subscription" if provider == "azure" else "project"
    accounts = {
        account: row.text("sub_account"),
        f"{account}_id": last_segment(row.text("sub_account_id")),
        "resource": row.text("resource") or last_segment(row.text("resource_id")),
        "resource_id": row.text("resource_id"),
        "resource_group": row.text("resource_group"),
    }
    if "project" in tags:
        accounts["project"] = tags["project"]
    return {field: name for field, name in accounts.items() if name}
