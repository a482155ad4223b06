"""Write charges as rows of FOCUS, the FinOps Open Cost and Usage Specification, in its versions 1.0, 1.2 and 1.3.

One table says what a version's columns are, what they may hold, and what each holds here: rows are made from it, and tests
validate them against it. Names, feature levels, nullability and allowed values are those of the specification's column pages
(FinOps-Open-Cost-and-Usage-Spec/FOCUS_Spec). Money has twelve decimals, rounded half even from the exact amount of each row.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from typing import Literal, get_args

from voicebill.answers.catalog.provider_names import PROVIDER_NAMES
from voicebill.answers.escaping import json_text
from voicebill.answers.invoices.chargeback import NO_MARKUP, Markup
from voicebill.answers.invoices.usage_charges import UsageCharge
from voicebill.answers.recorded.filters import FieldValue
from voicebill.billing.currency import TWELVE_PLACES, Currency
from voicebill.billing.errors import UnknownName
from voicebill.billing.money import PICODOLLARS_PER_DOLLAR
from voicebill.billing.offers import Kind
from voicebill.billing.price_book import PriceBook

FocusVersion = Literal["1.0", "1.2", "1.3"]
FOCUS_VERSIONS: tuple[FocusVersion, ...] = get_args(FocusVersion)
FocusType = Literal["string", "decimal", "datetime", "json"]
FeatureLevel = Literal["mandatory", "conditional", "recommended", "transitional", "custom"]
"""A `transitional` column has a name from before 1.0, which focus-validator 1.0.0 still requires of a file of 1.0."""
FocusValue = str | Decimal | datetime | None

DOLLAR_CODE = "USD"
SERVICES: Mapping[Kind, tuple[str, str, str]] = {
    "realtime": ("realtime models", "AI and Machine Learning", "Generative AI"),
    "agent": ("voice agents", "AI and Machine Learning", "Bots"),
    "live": ("live models", "AI and Machine Learning", "Generative AI"),
    "translation": ("speech translation", "AI and Machine Learning", "Natural Language Processing"),
    "transcription": ("speech to text", "AI and Machine Learning", "Natural Language Processing"),
    "speech": ("text to speech", "AI and Machine Learning", "Generative AI"),
    "text": ("text models", "AI and Machine Learning", "Generative AI"),
    "audio-chat": ("audio models", "AI and Machine Learning", "Generative AI"),
    "telephony": ("telephony", "Networking", "Network Connectivity"),
    "platform": ("voice platform", "AI and Machine Learning", "AI Platforms"),
}
"""The service, the service category and the service subcategory of each kind of offer."""

CONSUMED_UNITS: Mapping[str, tuple[str, int]] = {
    "token": ("Tokens", 1),
    "ms": ("Seconds", 1000),
    "character": ("Characters", 1),
    "call": ("Calls", 1),
    "month": ("Months", 1),
    "message": ("Messages", 1),
}
"""The consumed unit of each unit of meters, and how many of ours it has."""

TIME_UNITS = {1000: "Seconds", 60_000: "Minutes", 3_600_000: "Hours"}
TAGLESS_FIELDS = frozenset(("provider", "model", "offer", "deployment", "region", "tier", "meter", "day", "month"))
"""Fields of a query that other columns have, so that they are no tags."""


@dataclass(frozen=True, slots=True)
class FocusCharge:
    """A charge with what the exporter adds: a markup, the issuer of the invoice (empty: the vendor), and a currency."""

    charge: UsageCharge
    markup: Markup
    issuer: str
    currency: Currency | None

    @property
    def seller(self) -> str:
        """The vendor, as it writes its name."""
        return PROVIDER_NAMES.get(self.charge.offer.provider, self.charge.offer.provider)

    @property
    def service(self) -> tuple[str, str, str]:
        """The service, its category and its subcategory."""
        return SERVICES[self.charge.offer.kind]

    @property
    def billed_cost(self) -> Decimal:
        """What whoever caused the charge pays: the vendor's cost and the markup."""
        return _dollars(self.markup.charge(self.charge.cost, self.charge.owners.get("tenant")))

    @property
    def unit_price(self) -> Fraction:
        """What one pricing unit costs whoever caused the charge, in dollars."""
        return self.charge.rate.price * (1 + self.markup.share_of(self.charge.owners.get("tenant")))

    @property
    def tenant(self) -> str | None:
        """The tenant that caused the charge."""
        return _text(self.charge.owners.get("tenant"))

    @property
    def project(self) -> str | None:
        """The project in which the charge arose."""
        return _text(self.charge.owners.get("project"))

    @property
    def region(self) -> str | None:
        """The region that was recorded, or the only one that it can have been."""
        return self.charge.sku.region or self.charge.quote.region

    @property
    def sku_id(self) -> str:
        """An offer and one of its meters."""
        return f"{self.charge.offer.id}#{self.charge.meter.name}"

    def converted(self, dollars: Fraction) -> Decimal:
        """An amount of dollars in the pricing currency."""
        return _decimal(dollars * Fraction(self.currency.per_dollar) if self.currency else dollars)


@dataclass(frozen=True, slots=True)
class FocusColumn:
    """A column: its name, type, feature level and nullability, what it holds, its versions, and its allowed values, if any."""

    name: str
    type: FocusType
    level: FeatureLevel
    is_nullable: bool
    value: Callable[[FocusCharge], FocusValue]
    versions: tuple[FocusVersion, ...] = FOCUS_VERSIONS
    allowed: tuple[str, ...] = ()


def parse_focus_version(text: str) -> FocusVersion:
    """Parse a version of FOCUS.

    Raises:
        UnknownName: no such version is written.
    """
    for version in FOCUS_VERSIONS:
        if text.strip() == version:
            return version
    raise UnknownName("version of FOCUS", text, FOCUS_VERSIONS, field="focus")


def focus_columns(version: FocusVersion) -> tuple[FocusColumn, ...]:
    """The columns of a version, in the order of their names; custom columns last."""
    columns = (column for column in FOCUS_COLUMNS if version in column.versions)
    return tuple(sorted(columns, key=lambda column: (column.level == "custom", column.name)))


def focus_rows(
    charges: Iterable[UsageCharge],
    version: FocusVersion,
    prices: PriceBook,
    *,
    markup: Markup = NO_MARKUP,
    issuer: str = "",
) -> Iterator[tuple[FocusValue, ...]]:
    """A row per charge, with the values of `focus_columns`."""
    columns = focus_columns(version)
    for charge in charges:
        row = FocusCharge(charge, markup, issuer, prices.currency(charge.day))
        yield tuple(column.value(row) for column in columns)


def focus_cell(value: FocusValue) -> str | Decimal | None:
    """A value as CSV holds it: times in ISO 8601, in UTC; a number without needless zeros.

    >>> focus_cell(datetime(2026, 11, 20, tzinfo=UTC)), focus_cell(Decimal("0.500")), focus_cell(None)
    ('2026-11-20T00:00:00Z', Decimal('0.5'), None)
    """
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, Decimal):
        return Decimal(f"{value:.12f}".rstrip("0").rstrip("."))
    return value


def _nothing(_: FocusCharge) -> None:
    """A column that is required, and of which nothing is recorded."""
    return None  # noqa: RET501 - the value


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _month_start(day: date) -> datetime:
    return _midnight(day.replace(day=1))


def _month_end(day: date) -> datetime:
    return _month_start(day.replace(day=28) + timedelta(days=4))


def _decimal(number: Fraction) -> Decimal:
    """A number with twelve decimals, rounded half even."""
    with localcontext(prec=60):
        return (Decimal(round(number * 10**12)) * TWELVE_PLACES).quantize(TWELVE_PLACES, rounding=ROUND_HALF_EVEN)


def _dollars(amount: int | Fraction) -> Decimal:
    return _decimal(Fraction(amount) / PICODOLLARS_PER_DOLLAR)


def _text(value: FieldValue) -> str | None:
    return None if value is None or value == "" else str(value)


def _description(row: FocusCharge) -> str:
    lowest = "; the counts of some records allow more, and this is the lowest reading" if row.charge.is_lowest else ""
    return f"{row.charge.offer.name} {row.charge.meter.label}{lowest}"


def _sku_meter(row: FocusCharge) -> str:
    vendor_name, _ = row.charge.offer.vendor_meters.get(row.charge.meter.name, ("", ""))
    return vendor_name or f"{row.charge.offer.name} {row.charge.meter.label}"


def _price_id(row: FocusCharge) -> str:
    return f"{row.sku_id}@{row.charge.quote.rates.row.since}"


def _price_details(row: FocusCharge) -> str:
    """Properties of a SKU price. They are the same wherever its identifier is: a region only if the price depends on it."""
    offer, meter = row.charge.offer, row.charge.meter
    details = {
        "ModelId": offer.name,
        "TokenType": _token_type(row) if meter.unit == "token" else None,
        "x_Provider": offer.provider,
        "x_Meter": meter.name,
        "x_Deployment": offer.deployment,
        "x_Region": offer.example_region,
        "x_Tier": offer.tier,
    }
    return json_text({name: value for name, value in details.items() if value})


def _token_type(row: FocusCharge) -> str:
    meter = row.charge.meter
    return "Cached Input" if meter.is_cached else "Output" if meter.direction == "out" else "Input"


def _pricing_unit(row: FocusCharge) -> str:
    meter = row.charge.meter
    if meter.unit == "ms":
        return TIME_UNITS.get(meter.priced_per, f"{meter.priced_per} Milliseconds")
    name, _ = CONSUMED_UNITS[meter.unit]
    return name if meter.priced_per == 1 else f"{meter.priced_per} {name}"


def _tags(row: FocusCharge) -> str:
    owners = row.charge.owners.items()
    return json_text({name: str(value) for name, value in owners if value is not None and name not in TAGLESS_FIELDS})


def _issuer(row: FocusCharge) -> str:
    return row.issuer or row.seller


def _list_unit_price(row: FocusCharge) -> Decimal | None:
    return _decimal(row.charge.list_rate.price) if row.charge.list_rate else None


def _list_price_in_currency(row: FocusCharge) -> Decimal | None:
    return row.converted(row.charge.list_rate.price) if row.charge.list_rate else None


def _cost_in_currency(row: FocusCharge) -> Decimal:
    cost = row.markup.charge(row.charge.cost, row.charge.owners.get("tenant"))
    return row.converted(Fraction(cost) / PICODOLLARS_PER_DOLLAR)


FIRST: tuple[FocusVersion, ...] = ("1.0",)
"""The first version's validator also requires columns of which nothing is recorded."""
SINCE_1_1: tuple[FocusVersion, ...] = ("1.2", "1.3")
SINCE_1_3: tuple[FocusVersion, ...] = ("1.3",)
SERVICE_CATEGORIES = tuple(dict.fromkeys(category for _, category, _ in SERVICES.values()))
SERVICE_SUBCATEGORIES = tuple(dict.fromkeys(subcategory for _, _, subcategory in SERVICES.values()))

FOCUS_COLUMNS: tuple[FocusColumn, ...] = (
    FocusColumn("AvailabilityZone", "string", "recommended", True, _nothing, FIRST),
    FocusColumn("BilledCost", "decimal", "mandatory", False, lambda row: row.billed_cost),
    FocusColumn("BillingAccountId", "string", "mandatory", False, lambda row: row.issuer or row.charge.offer.provider),
    FocusColumn("BillingAccountName", "string", "mandatory", True, _issuer),
    FocusColumn("BillingCurrency", "string", "mandatory", False, lambda _: DOLLAR_CODE),
    FocusColumn("BillingPeriodEnd", "datetime", "mandatory", False, lambda row: _month_end(row.charge.day)),
    FocusColumn("BillingPeriodStart", "datetime", "mandatory", False, lambda row: _month_start(row.charge.day)),
    FocusColumn("ChargeCategory", "string", "mandatory", False, lambda _: "Usage", allowed=("Usage",)),
    FocusColumn("ChargeClass", "string", "mandatory", True, _nothing, allowed=("Correction",)),
    FocusColumn("ChargeDescription", "string", "mandatory", True, _description),
    FocusColumn("ChargeFrequency", "string", "recommended", False, lambda _: "Usage-Based", allowed=("Usage-Based",)),
    FocusColumn("ChargePeriodEnd", "datetime", "mandatory", False, lambda row: _midnight(row.charge.day + timedelta(days=1))),
    FocusColumn("ChargePeriodStart", "datetime", "mandatory", False, lambda row: _midnight(row.charge.day)),
    FocusColumn("ChargeType", "string", "transitional", False, lambda _: "Usage", FIRST),
    FocusColumn("CommitmentDiscountCategory", "string", "conditional", True, _nothing, FIRST),
    FocusColumn("CommitmentDiscountId", "string", "conditional", True, _nothing, FIRST),
    FocusColumn("CommitmentDiscountName", "string", "conditional", True, _nothing, FIRST),
    FocusColumn("CommitmentDiscountStatus", "string", "conditional", True, _nothing, FIRST),
    FocusColumn("CommitmentDiscountType", "string", "conditional", True, _nothing, FIRST),
    FocusColumn(
        "ConsumedQuantity",
        "decimal",
        "conditional",
        True,
        lambda row: _decimal(Fraction(row.charge.quantity, CONSUMED_UNITS[row.charge.meter.unit][1])),
    ),
    FocusColumn("ConsumedUnit", "string", "conditional", True, lambda row: CONSUMED_UNITS[row.charge.meter.unit][0]),
    FocusColumn("ContractedCost", "decimal", "mandatory", False, lambda row: row.billed_cost),
    FocusColumn("ContractedUnitPrice", "decimal", "conditional", True, lambda row: _decimal(row.unit_price)),
    FocusColumn("EffectiveCost", "decimal", "mandatory", False, lambda row: row.billed_cost),
    FocusColumn("HostProviderName", "string", "mandatory", True, lambda row: row.seller, SINCE_1_3),
    FocusColumn("InvoiceIssuer", "string", "transitional", False, _issuer, FIRST),
    FocusColumn("InvoiceIssuerName", "string", "mandatory", False, _issuer),
    FocusColumn("ListCost", "decimal", "mandatory", False, lambda row: _dollars(row.charge.list_cost)),
    FocusColumn("ListUnitPrice", "decimal", "conditional", True, _list_unit_price),
    FocusColumn("PricingCategory", "string", "conditional", True, lambda _: "Standard", allowed=("Standard",)),
    FocusColumn(
        "PricingCurrency",
        "string",
        "conditional",
        False,
        lambda row: row.currency.code if row.currency else DOLLAR_CODE,
        SINCE_1_1,
    ),
    FocusColumn(
        "PricingCurrencyContractedUnitPrice",
        "decimal",
        "conditional",
        True,
        lambda row: row.converted(row.unit_price),
        SINCE_1_1,
    ),
    FocusColumn("PricingCurrencyEffectiveCost", "decimal", "conditional", False, _cost_in_currency, SINCE_1_1),
    FocusColumn("PricingCurrencyListUnitPrice", "decimal", "conditional", True, _list_price_in_currency, SINCE_1_1),
    FocusColumn(
        "PricingQuantity",
        "decimal",
        "mandatory",
        True,
        lambda row: _decimal(Fraction(row.charge.quantity, row.charge.meter.priced_per)),
    ),
    FocusColumn("PricingUnit", "string", "mandatory", True, _pricing_unit),
    FocusColumn("Provider", "string", "transitional", False, lambda row: row.seller, FIRST),
    FocusColumn("ProviderName", "string", "mandatory", False, lambda row: row.seller),
    FocusColumn("Publisher", "string", "transitional", False, lambda row: row.seller, FIRST),
    FocusColumn("PublisherName", "string", "mandatory", False, lambda row: row.seller),
    FocusColumn("RegionId", "string", "conditional", True, lambda row: row.region),
    FocusColumn("RegionName", "string", "conditional", True, lambda row: row.region),
    FocusColumn("ResourceID", "string", "transitional", True, lambda row: row.project, FIRST),
    FocusColumn("ResourceId", "string", "conditional", True, lambda row: row.project),
    FocusColumn("ResourceName", "string", "conditional", True, lambda row: row.project),
    FocusColumn("ResourceType", "string", "conditional", True, lambda row: "Project" if row.project else None),
    FocusColumn("ServiceCategory", "string", "mandatory", False, lambda row: row.service[1], allowed=SERVICE_CATEGORIES),
    FocusColumn("ServiceName", "string", "mandatory", False, lambda row: f"{row.seller} {row.service[0]}"),
    FocusColumn("ServiceProviderName", "string", "mandatory", False, lambda row: row.seller, SINCE_1_3),
    FocusColumn(
        "ServiceSubcategory",
        "string",
        "recommended",
        False,
        lambda row: row.service[2],
        SINCE_1_1,
        SERVICE_SUBCATEGORIES,
    ),
    FocusColumn("SkuId", "string", "conditional", True, lambda row: row.sku_id),
    FocusColumn("SkuMeter", "string", "conditional", True, _sku_meter, SINCE_1_1),
    FocusColumn("SkuPriceDetails", "json", "conditional", True, _price_details, SINCE_1_1),
    FocusColumn("SkuPriceId", "string", "conditional", True, _price_id),
    FocusColumn("SubAccountId", "string", "conditional", True, lambda row: row.tenant),
    FocusColumn("SubAccountName", "string", "conditional", True, lambda row: row.tenant),
    FocusColumn("Tags", "json", "conditional", True, _tags),
    FocusColumn("x_SkuMeter", "string", "custom", True, _sku_meter, FIRST),
    FocusColumn("x_SkuPriceDetails", "json", "custom", True, _price_details, FIRST),
)
"""Every column of every version."""
