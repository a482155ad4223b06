"""Sum the charges of a bill by day, account, billed model and meter, as they are read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from voicebill.answers.invoices.all_models import COST_METER, all_models_offer
from voicebill.answers.invoices.billed_models import BilledModels
from voicebill.answers.invoices.billed_units import units_per_billed_unit
from voicebill.answers.invoices.charge import Charge, ChargeCategory
from voicebill.billing.errors import InvalidInput
from voicebill.billing.money import PICODOLLARS_PER_DOLLAR, Amount
from voicebill.billing.offers import Offer
from voicebill.billing.price_book import PriceBook
from voicebill.billing.sku_periods import ONE_DAY

MODEL_SERVICES = ("openai", "foundry models")
"""Services whose charges are for models, in lower case: meter categories of Azure, and services in FOCUS."""
FINEST_GRID = 12
"""Money and quantities of more decimals are taken for exact."""
COARSEST_STEP = 1_000_000
"""Quantities are not rounded to more than this, in the bill's unit."""


class ChargeKey(NamedTuple):
    """What the charges of one sum have in common. `day` is the first of the charge period, which has so many `days`.

    `offer_id` is of the offer of the vendor's meter; without one it is empty, and `name` says what the charge is for: a model
    without a price if `is_model`.
    """

    day: date | None
    days: int
    accounts: tuple[tuple[str, str], ...]
    offer_id: str
    meter: str
    name: str
    is_model: bool
    category: ChargeCategory


@dataclass(slots=True)
class ChargeSum:
    """Sums of charges. Money is in picodollars; `face` in the same fraction of the bill's currency.

    `counted` is the quantity of rows without money, `charged` that of rows with money. `listed` is what the quantities cost at
    the bill's own list price, `listed_face` the money of the rows that have one. `rows` counts the rows with money.
    """

    offer: Offer | None = None
    counted: Amount = 0
    charged: Amount = 0
    has_quantity: bool = False
    is_counted: bool = False
    face: int = 0
    dollars: int = 0
    listed: int = 0
    listed_rows: int = 0
    rows: int = 0
    requests: int = 0
    has_requests: bool = False


@dataclass
class BilledUsage:
    """The sums of a bill, and what was seen of its currency, its rounding and its names.

    `money_decimals` is the largest number of decimals of an amount other than 0, `quantity_steps` by meter unit the
    smallest step of quantities. `unknown_units` counts rows whose unit is not one of their meter.
    """

    prices: PriceBook
    models: BilledModels
    per_dollar: Mapping[str, Fraction] = field(default_factory=dict)
    sums: dict[ChargeKey, ChargeSum] = field(default_factory=dict)
    currencies: set[str] = field(default_factory=set)
    lacks_rate: bool = False
    money_decimals: int | None = None
    quantity_steps: dict[str, Fraction] = field(default_factory=dict)
    unknown_units: dict[str, int] = field(default_factory=dict)
    rows: int = 0

    def add(self, charges: Iterable[Charge]) -> None:
        """Add charges.

        Raises:
            InvalidInput: the bill has amounts in several currencies.
        """
        for charge in charges:
            self.rows += 1
            self._add(charge)

    def _add(self, charge: Charge) -> None:
        day, days = _period(charge)
        offers = self.models.offers_of(charge, day or date.max) if charge.category == "usage" else ()
        offer, meter = offers[0] if offers else (None, charge.meter)
        quantity = self._quantity(charge, meter) if offer else None
        if charge.is_unnamed and charge.provider:
            offer, meter = all_models_offer(charge.provider), COST_METER.name
        key = ChargeKey(
            day,
            days,
            tuple(sorted(charge.accounts.items())),
            offer.id if offer else "",
            meter,
            "" if offer else _name(charge),
            offer is None and _is_for_model(charge),
            charge.category,
        )
        total = self.sums.setdefault(key, ChargeSum(offer))
        self._add_quantity(total, charge, quantity)
        if charge.cost is not None:
            self._add_money(total, charge, charge.cost, quantity)

    def _quantity(self, charge: Charge, meter: str) -> Amount | None:
        if charge.quantity is None or meter not in self.prices.meters:
            return None
        factor = units_per_billed_unit(charge.unit, self.prices.meters[meter])
        if factor is None:
            self.unknown_units[charge.unit] = self.unknown_units.get(charge.unit, 0) + 1
            return None
        if charge.quantity:
            step = factor * step_of(charge.quantity)
            self.quantity_steps[charge.unit] = min(step, self.quantity_steps.get(charge.unit, step))
        return _integral(charge.quantity * factor)

    def _add_quantity(self, total: ChargeSum, charge: Charge, quantity: Amount | None) -> None:
        if charge.requests is not None:
            total.requests += charge.requests
            total.has_requests = True
        if quantity is None:
            return
        total.has_quantity = True
        if charge.cost is None:
            total.counted += quantity
            total.is_counted = True
        else:
            total.charged += quantity

    def _add_money(self, total: ChargeSum, charge: Charge, cost: Fraction, quantity: Amount | None) -> None:
        self.currencies.add(charge.currency)
        if len(self.currencies) > 1:
            names = " and ".join(sorted(self.currencies))
            raise InvalidInput(f"the bill has amounts in {names}: reconcile the bills of one currency at a time")
        if cost:
            self.money_decimals = max(self.money_decimals or 0, decimals_of(cost))
        rate = self._per_dollar(charge, cost)
        total.rows += 1
        total.face += round(cost * PICODOLLARS_PER_DOLLAR)
        self.lacks_rate |= rate is None and cost != 0
        rate = rate or Fraction(1)
        total.dollars += round(cost * PICODOLLARS_PER_DOLLAR / rate)
        if charge.list_unit_price is not None and quantity is not None and charge.quantity is not None:
            total.listed += round(charge.list_unit_price * charge.quantity * PICODOLLARS_PER_DOLLAR / rate)
            total.listed_rows += 1

    def _per_dollar(self, charge: Charge, cost: Fraction) -> Fraction | None:
        """How much of the bill's currency a dollar buys; None if neither the bill nor the request tells."""
        if charge.currency == "USD":
            return Fraction(1)
        if charge.currency in self.per_dollar:
            return self.per_dollar[charge.currency]
        if charge.dollars and cost:
            return cost / charge.dollars
        return charge.per_dollar

    def has_only_sums(self) -> bool:
        """Whether the charges for usage name no models, nor anything else."""
        usage = [key for key in self.sums if key.category == "usage"]
        return bool(usage) and all(key.meter == COST_METER.name for key in usage)

    @property
    def days(self) -> tuple[date | None, date | None]:
        """The first and the last day of charges for models; None without any."""
        days = [
            key.day + (key.days - 1) * offset
            for key in self.sums
            if key.day and key.offer_id
            for offset in (0 * ONE_DAY, ONE_DAY)
        ]
        return min(days, default=None), max(days, default=None)

    @property
    def currency(self) -> str:
        """The currency of the bill."""
        return next(iter(self.currencies), "USD")

    @property
    def money_step(self) -> Fraction:
        """The smallest step of the bill's amounts in picodollars; 0 if they look exact."""
        if self.money_decimals is None or self.money_decimals >= FINEST_GRID:
            return Fraction(0)
        face = sum(abs(total.face) for total in self.sums.values())
        dollars = sum(abs(total.dollars) for total in self.sums.values())
        return Fraction(PICODOLLARS_PER_DOLLAR, 10**self.money_decimals) * Fraction(dollars, face or 1)


def decimals_of(number: Fraction) -> int:
    """The number of decimals of a decimal number, at most `FINEST_GRID`.

    >>> decimals_of(Fraction("12.340")), decimals_of(Fraction(7))
    (2, 0)
    """
    for decimals in range(FINEST_GRID):
        if 10**decimals % number.denominator == 0:
            return decimals
    return FINEST_GRID


def step_of(number: Fraction) -> Fraction:
    """The power of ten in whose multiples a number other than 0 may be counted, at most `COARSEST_STEP`.

    >>> step_of(Fraction("12.340")), step_of(Fraction(34_000))
    (Fraction(1, 100), Fraction(1000, 1))
    """
    step = Fraction(1, 10 ** decimals_of(number))
    while step < COARSEST_STEP and number % (10 * step) == 0:
        step *= 10
    return step


def _integral(number: Fraction) -> Amount:
    return number.numerator if number.denominator == 1 else number


def _period(charge: Charge) -> tuple[date | None, int]:
    """The first day of a charge, and over how many days it goes; no day if it has none."""
    if charge.start is None:
        return None, 0
    if charge.end is None or charge.end <= charge.start + ONE_DAY:
        return charge.start.date(), 1
    return charge.start.date(), -((charge.start - charge.end) // ONE_DAY)


def _name(charge: Charge) -> str:
    return charge.model or charge.meter_name or charge.service or charge.description or "a charge without a name"


def _is_for_model(charge: Charge) -> bool:
    """Whether a charge is for a model, whether or not its price is known."""
    return bool(charge.model) or any(name in charge.service.lower() for name in MODEL_SERVICES)
