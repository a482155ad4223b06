"""A vendor's bill for the example log, as FOCUS: the charges of our own export, with audio out at 10% less, and a tax."""

import csv
from decimal import Decimal
from functools import cache
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.cli.invoke import run

LOG = Path(__file__).parents[1] / "docs" / "examples" / "support-day.jsonl"
COSTS = ("BilledCost", "EffectiveCost", "ContractedCost", "ContractedUnitPrice")
KEPT_WITH_TAX = (
    "BillingAccountId",
    "BillingCurrency",
    "ChargePeriodStart",
    "ChargePeriodEnd",
    "ServiceName",
    "ServiceProviderName",
)


@cache
def own_bill() -> bytes:
    """The log as our own FOCUS export: $0.34322092."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "focus.csv"
        assert run("cost", str(LOG), "--format", "focus", "--out", str(file)).exit_code == 0
        return file.read_bytes()


@cache
def vendor_bill() -> bytes:
    """The same with audio out at 10% less, and a tax of 6 cents: 0.34322092 - 0.1 × (0.12032 + 0.028) + 0.06 = 0.38838892."""
    rows = list(csv.DictReader(StringIO(own_bill().decode())))
    tax = {name: rows[0][name] if name in KEPT_WITH_TAX else "" for name in rows[0]}
    for row in rows:
        if "audio out" in row["SkuMeter"]:
            row |= {name: str(Decimal(row[name]) * Decimal("0.9")) for name in COSTS}
    tax |= {"ChargeCategory": "Tax", "ChargeDescription": "VAT", "BilledCost": "0.06"}
    text = StringIO()
    writer = csv.DictWriter(text, fieldnames=list(tax))
    writer.writeheader()
    writer.writerows([*rows, tax])
    return text.getvalue().encode()
