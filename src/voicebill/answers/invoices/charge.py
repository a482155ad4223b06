"""Define a charge: one row of a vendor's bill, or of a vendor's own count of usage, in the shape that all of them share.

The words are those of FOCUS, the FinOps Open Cost and Usage Specification: charge, charge period, charge category, SKU meter,
list and contracted unit price, consumed quantity.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Literal, get_args

ChargeCategory = Literal["usage", "purchase", "tax", "credit", "adjustment"]
"""`usage` is what was consumed; `purchase` a commitment or a seat; `credit` a grant that is set off; `adjustment` a correction
of earlier rows, a refund, or rounding by the vendor."""
CHARGE_CATEGORIES: tuple[ChargeCategory, ...] = get_args(ChargeCategory)


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """One row of a bill.

    `provider` is the seller as prices name it (`openai`, `azure`), empty if the row names none. `start` and `end` (exclusive)
    are the charge period as the bill writes it: in the time zone of the bill, which need not be UTC, without a time zone here.

    What was bought is said by `meter_name`, the vendor's name of the meter or of the line item (`gpt-latest 05052026 inp Gl 1M
    Tokens`, `gpt-realtime-2025-08-28 audio, cached input`), by `service` (product, meter category), or by `model` and `meter`,
    if the bill itself names a model and one of our meters.

    `quantity` is in units of `unit`, as the bill has it (`1K`, `1M Tokens`, `1 Hour`, `Tokens`); None if it has none. `cost`
    is in `currency` (ISO code); None if the row is a count of usage without money. `dollars` is the same cost in US dollars, if
    the bill has it, and `per_dollar` the exchange rate, if the bill has that. Unit prices are those of `unit` in `currency`.

    `accounts` has the names and identifiers of what was charged, by field: `project`, `project_id`, `subscription`,
    `resource`, `resource_id`, `resource_group`, `api_key_id`. `requests` is the number of model requests, if it is counted.
    """

    source: str
    line_number: int
    provider: str = ""
    category: ChargeCategory = "usage"
    start: datetime | None = None
    end: datetime | None = None
    service: str = ""
    meter_name: str = ""
    meter_id: str = ""
    model: str = ""
    meter: str = ""
    deployment: str = ""
    region: str = ""
    tier: str = ""
    quantity: Fraction | None = None
    unit: str = ""
    cost: Fraction | None = None
    currency: str = "USD"
    dollars: Fraction | None = None
    per_dollar: Fraction | None = None
    list_unit_price: Fraction | None = None
    contracted_unit_price: Fraction | None = None
    requests: int | None = None
    accounts: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    description: str = ""

    @property
    def is_unnamed(self) -> bool:
        """Whether it is for usage of no name: a sum, such as OpenAI's costs without line items."""
        return self.category == "usage" and not (self.meter_name or self.model or self.service or self.description)
