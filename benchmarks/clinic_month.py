"""Write the example of docs/against-the-invoice.md: an invented month of a dental practice, logged and billed.

Molar & Sons answers its telephone with gpt-realtime-2 in the day and gpt-realtime-2.1 at night, both on Azure. Three files:

- molar-calls.csv.gz, a row for each response that was logged, with the usage that the Realtime API reported
- molar-azure.csv.gz, the Cost Management export of the month, with the columns of a Microsoft Customer Agreement
- molar-invoice.csv, the two lines of the invoice that such an export does not have, as FOCUS

What the two sides differ by is planted: `MISSING_EVERY` calls are not in the log, because the browser was closed before it sent
their usage; the transcription of the callers is on the bill alone; the night line is a Data Zone deployment, and the log does
not say so; all prices fall by 8% on `DISCOUNT_DAY`; and the invoice has a credit and sales tax. The output is the same on every
run, and prices are those of the month.
"""

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from io import StringIO
from pathlib import Path
from random import Random

from voicebill.billing.offers import Offer
from voicebill.facts import load_facts

FOLDER = Path(__file__).parents[1] / "docs" / "examples"
FIRST_DAY = date(2026, 9, 1)
DAYS = 30
DISCOUNT_DAY, DISCOUNT = date(2026, 9, 16), Decimal("0.08")
MISSING_EVERY = 14
CREDIT, SALES_TAX = Decimal(2), Decimal("0.07")
CALL_METERS = ("text_in", "text_in_cached", "audio_in", "audio_in_cached", "text_out", "audio_out")
TRANSCRIBER = "azure/gpt-4o-mini-transcribe-2025-12-15"
CENT, TOKENS_PER_UNIT = Decimal("0.01"), 1_000_000
SUNDAY = 6


@dataclass(frozen=True)
class Line:
    """A telephone line: its Azure resource, the model that the log names, and the offer that is deployed."""

    resource: str
    model: str
    offer_id: str
    calls_a_day: int
    opens: int
    hours: int


LINES = (
    Line("molar-bookings", "gpt-realtime-2", "azure/gpt-realtime-2-2026-05-06", calls_a_day=5, opens=13, hours=9),
    Line("molar-night", "gpt-realtime-2.1", "azure/gpt-realtime-2.1-2026-07-07/data-zone", calls_a_day=2, opens=0, hours=9),
)


@dataclass(frozen=True)
class Response:
    """One response of a call, with what the transcription of the caller's speech before it took."""

    line: Line
    session: str
    number: int
    time: datetime
    usage: Mapping[str, int]
    transcription: Mapping[str, int]
    is_logged: bool


def responses() -> Iterator[Response]:
    """The responses of the month, in the order of the calls."""
    chance = Random(14)
    session = 0
    for day in range(DAYS):
        for line in LINES:
            if line.opens and (FIRST_DAY + timedelta(days=day)).weekday() == SUNDAY:
                continue
            for _ in range(line.calls_a_day):
                session += 1
                yield from _call(line, f"call-{session:03}", _start(line, day, chance), chance, session % MISSING_EVERY != 0)


def _start(line: Line, day: int, chance: Random) -> datetime:
    midnight = datetime.combine(FIRST_DAY, datetime.min.time()) + timedelta(days=day)
    return midnight + timedelta(hours=line.opens, seconds=chance.randrange(line.hours * 3600))


def _call(line: Line, session: str, start: datetime, chance: Random, is_logged: bool) -> Iterator[Response]:  # noqa: FBT001
    heard_before, now = 0, start
    for number in range(1, chance.randrange(4, 9)):
        heard, spoken, written = chance.randrange(30, 110), chance.randrange(120, 480), chance.randrange(40, 110)
        cached = heard_before // 128 * 128
        usage = {
            "text_in": 900 if number == 1 else 30 * number,
            "text_in_cached": 0 if number == 1 else 896,
            "audio_in": heard_before + heard - cached,
            "audio_in_cached": cached,
            "text_out": written,
            "audio_out": spoken,
        }
        now += timedelta(seconds=8 + spoken // 20)
        transcription = {"audio_in": heard, "text_out": heard // 4}
        yield Response(line, session, number, now, usage, transcription, is_logged)
        heard_before += heard


def log_text() -> str:
    """The log, as CSV."""
    header = ("time", "response_id", "session_id", "project", "provider", "model", *CALL_METERS)
    return _csv_text(header, (_log_row(response) for response in responses() if response.is_logged))


def _log_row(response: Response) -> Sequence[object]:
    identifier = f"resp-{response.session}-{response.number}"
    line = response.line
    quantities = (response.usage[meter] for meter in CALL_METERS)
    return (f"{response.time.isoformat()}Z", identifier, response.session, line.resource, "azure", line.model, *quantities)


@dataclass(frozen=True)
class ExportRow:
    """A row of the export: a meter of a resource on a day."""

    day: date
    resource: str
    offer: Offer
    meter: str
    tokens: int

    @property
    def list_price(self) -> Decimal:
        """Dollars per million tokens in the list of the day."""
        row = self.offer.row_on(self.day)
        assert row is not None
        return row.unit_prices[self.meter]

    @property
    def unit_price(self) -> Decimal:
        """What is charged for a million tokens."""
        return self.list_price * (1 - DISCOUNT) if self.day >= DISCOUNT_DAY else self.list_price

    @property
    def cost(self) -> Decimal:
        """The cost of the row in dollars."""
        return self.unit_price * self.tokens / TOKENS_PER_UNIT


def export_rows() -> list[ExportRow]:
    """The rows of the export: by day, resource and meter."""
    offers = {offer.id: offer for offer in load_facts().prices.offers}
    sums: dict[tuple[date, str, str, str], int] = defaultdict(int)
    for response in responses():
        for offer_id, usage in ((response.line.offer_id, response.usage), (TRANSCRIBER, response.transcription)):
            for meter, tokens in usage.items():
                sums[response.time.date(), response.line.resource, offer_id, meter] += tokens
    return [
        ExportRow(day, resource, offers[offer_id], meter, tokens)
        for (day, resource, offer_id, meter), tokens in sorted(sums.items())
        if tokens
    ]


def export_text() -> str:
    """The export of Cost Management, as CSV, with the columns of it that are not empty."""
    rows = [_export_cells(row) for row in export_rows()]
    return _csv_text(tuple(rows[0]), (tuple(row.values()) for row in rows))


def _export_cells(row: ExportRow) -> dict[str, object]:
    group = "/subscriptions/00000000-0000-0000-0000-000000000014/resourceGroups/molar-voice"
    name, unit = row.offer.vendor_meters[row.meter]
    return {
        "billingProfileName": "Molar & Sons",
        "date": f"{row.day:%m/%d/%Y}",
        "meterCategory": "Foundry Models",
        "meterSubCategory": "Azure OpenAI",
        "meterName": name,
        "resourceGroupName": "molar-voice",
        "ResourceId": f"{group}/providers/Microsoft.CognitiveServices/accounts/{row.resource}",
        "resourceLocation": "eastus2",
        "quantity": Decimal(row.tokens) / TOKENS_PER_UNIT,
        "unitOfMeasure": unit,
        "PayGPrice": row.list_price,
        "unitPrice": row.unit_price,
        "costInBillingCurrency": row.cost,
        "billingCurrency": "USD",
        "pricingCurrency": "USD",
        "chargeType": "Usage",
    }


def invoice_text() -> str:
    """The credit and the tax of the invoice, as FOCUS."""
    tax = (sum(row.cost for row in export_rows()) * SALES_TAX).quantize(CENT, ROUND_HALF_UP)
    month = (f"{FIRST_DAY}T00:00:00Z", f"{FIRST_DAY + timedelta(days=DAYS)}T00:00:00Z")
    return _csv_text(
        ("ChargePeriodStart", "ChargePeriodEnd", "ChargeCategory", "ChargeDescription", "BilledCost", "BillingCurrency"),
        ((*month, "Credit", "Azure credit", -CREDIT, "USD"), (*month, "Tax", "Sales tax 7%", tax, "USD")),
    )


def _csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows((header, *rows))
    return text.getvalue()


def example_texts() -> Mapping[str, str]:
    """The text of each file, by its name."""
    return {"molar-calls.csv.gz": log_text(), "molar-azure.csv.gz": export_text(), "molar-invoice.csv": invoice_text()}


def main() -> None:
    """Write the files."""
    for name, text in example_texts().items():
        content = text.encode()
        (FOLDER / name).write_bytes(gzip.compress(content, mtime=0) if name.endswith(".gz") else content)


if __name__ == "__main__":
    main()
