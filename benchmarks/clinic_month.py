"""Write the example of docs/against-the-invoice.md: an invented month of a dental practice, logged and billed.

Molar & Sons answers its telephone with gpt-realtime-2 in the day and gpt-realtime-2.1 at night, both on Azure, and reminds
patients of their appointments with gpt-realtime-1.5 at OpenAI. The files:

- molar-calls.csv.gz and molar-reminders.csv.gz, a row for each response that was logged, with its usage
- molar-azure.csv.gz, the Cost Management export of the month, with the columns of a Microsoft Customer Agreement
- molar-invoice.csv, the two lines of the invoice that such an export does not have, as FOCUS
- molar-openai-costs.csv, OpenAI's costs by day and line item
- molar-openai-usage.json.gz, a page of OpenAI's usage by day

Differences are planted. Every `MISSING_EVERY`th call is not in the log, because the browser was closed before it
sent its usage, and every `EMPTY_EVERY`th reminder's response is there without its usage. The transcription of the callers is on
the bill alone. The night line is a Data Zone deployment, and the log does not say so. Azure's prices fall by 8% on
`DISCOUNT_DAY`. The invoice has a credit and sales tax. The output is the same on every run, and prices are those of the month.
"""

import csv
import gzip
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
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
MISSING_EVERY, EMPTY_EVERY = 14, 16
CREDIT, SALES_TAX = Decimal(2), Decimal("0.07")
CALL_METERS = ("text_in", "text_in_cached", "audio_in", "audio_in_cached", "text_out", "audio_out")
TRANSCRIBER = "azure/gpt-4o-mini-transcribe-2025-12-15"
CENT, TOKENS_PER_UNIT = Decimal("0.01"), 1_000_000
SUNDAY = 6
ONE_DAY = timedelta(days=1)


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
REMINDERS = Line("molar-reminders", "gpt-realtime-1.5", "openai/gpt-realtime-1.5", calls_a_day=2, opens=14, hours=5)
LINE_ITEMS = {
    "text_in": "text, input",
    "text_in_cached": "text, cached input",
    "audio_in": "audio, input",
    "audio_in_cached": "audio, cached input",
    "text_out": "text, output",
    "audio_out": "audio, output",
}


@dataclass(frozen=True)
class Response:
    """One response of a call, with what the transcription of the caller's speech before it took."""

    line: Line
    session: str
    number: int
    index: int
    time: datetime
    usage: Mapping[str, int]
    transcription: Mapping[str, int]
    is_logged: bool


def responses(*lines: Line) -> Iterator[Response]:
    """The responses of the month on some lines, in the order of the calls."""
    chance = Random(14)
    session = 0
    for day in range(DAYS):
        for line in lines:
            if line.opens and (FIRST_DAY + timedelta(days=day)).weekday() == SUNDAY:
                continue
            for _ in range(line.calls_a_day):
                session += 1
                yield from _call(line, session, _start(line, day, chance), chance)


def _start(line: Line, day: int, chance: Random) -> datetime:
    midnight = datetime.combine(FIRST_DAY, datetime.min.time()) + timedelta(days=day)
    return midnight + timedelta(hours=line.opens, seconds=chance.randrange(line.hours * 3600))


def _call(line: Line, session: int, start: datetime, chance: Random) -> Iterator[Response]:
    history, now = 0, start
    for number in range(1, chance.randrange(4, 9)):
        speech, reply, text = chance.randrange(30, 110), chance.randrange(120, 480), chance.randrange(40, 110)
        cached = history // 128 * 128
        usage = {
            "text_in": 900 if number == 1 else 30 * number,
            "text_in_cached": 0 if number == 1 else 896,
            "audio_in": history + speech - cached,
            "audio_in_cached": cached,
            "text_out": text,
            "audio_out": reply,
        }
        now += timedelta(seconds=8 + reply // 20)
        transcription = {"audio_in": speech, "text_out": speech // 4}
        index = 7 * session + number
        is_logged = session % MISSING_EVERY != 0
        yield Response(line, f"call-{session:03}", number, index, now, usage, transcription, is_logged)
        history += speech


def log_text(*lines: Line) -> str:
    """The log of some lines, as CSV."""
    header = ("time", "response_id", "session_id", "project", "provider", "model", *CALL_METERS)
    return _csv_text(header, (_log_row(response) for response in responses(*lines) if response.is_logged))


def _log_row(response: Response) -> Sequence[object]:
    line = response.line
    has_usage = line is not REMINDERS or response.index % EMPTY_EVERY != 0
    quantities = (response.usage[meter] if has_usage else "" for meter in CALL_METERS)
    identifier = f"resp-{response.session}-{response.number}"
    provider = line.offer_id.partition("/")[0]
    return (f"{response.time.isoformat()}Z", identifier, response.session, line.resource, provider, line.model, *quantities)


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
    offers = {offer_id: _offer(offer_id) for offer_id in (TRANSCRIBER, *(line.offer_id for line in LINES))}
    sums: dict[tuple[date, str, str, str], int] = defaultdict(int)
    for response in responses(*LINES):
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


def costs_text() -> str:
    """OpenAI's costs by day and line item, as CSV."""
    rows = [
        (*_period(day), _list_price(meter) * tokens / TOKENS_PER_UNIT, "usd", line_item, REMINDERS.resource)
        for day, responses_of_day in _reminders_by_day().items()
        for meter, tokens in _sums(responses_of_day).items()
        for line_item in [f"{REMINDERS.model} {LINE_ITEMS[meter]}"]
        if tokens
    ]
    return _csv_text(("start_time_iso", "end_time_iso", "amount_value", "amount_currency", "line_item", "project_id"), rows)


def _period(day: date) -> tuple[str, str]:
    return f"{day}T00:00:00+00:00", f"{day + ONE_DAY}T00:00:00+00:00"


def _list_price(meter: str) -> Decimal:
    row = _offer(REMINDERS.offer_id).row_on(FIRST_DAY)
    assert row is not None
    return row.unit_prices[meter]


def usage_text() -> str:
    """A page of OpenAI's usage by day, project and model, as JSON."""
    buckets = [_bucket(day, responses_of_day) for day, responses_of_day in _reminders_by_day().items()]
    return json.dumps({"object": "page", "data": buckets, "has_more": False, "next_page": None}) + "\n"


def _bucket(day: date, responses_of_day: Sequence[Response]) -> dict[str, object]:
    usage = _sums(responses_of_day)
    start = int(datetime.combine(day, datetime.min.time(), UTC).timestamp())
    result = {
        "object": "organization.usage.completions.result",
        "input_tokens": sum(tokens for meter, tokens in usage.items() if "_in" in meter),
        "input_cached_tokens": usage["text_in_cached"] + usage["audio_in_cached"],
        "input_text_tokens": usage["text_in"],
        "input_audio_tokens": usage["audio_in"],
        "input_cached_text_tokens": usage["text_in_cached"],
        "input_cached_audio_tokens": usage["audio_in_cached"],
        "output_tokens": usage["text_out"] + usage["audio_out"],
        "output_text_tokens": usage["text_out"],
        "output_audio_tokens": usage["audio_out"],
        "num_model_requests": len(responses_of_day),
        "project_id": REMINDERS.resource,
        "model": REMINDERS.model,
    }
    return {"object": "bucket", "start_time": start, "end_time": start + 86_400, "results": [result]}


def _reminders_by_day() -> Mapping[date, Sequence[Response]]:
    by_day: dict[date, list[Response]] = defaultdict(list)
    for response in responses(REMINDERS):
        by_day[response.time.date()].append(response)
    return by_day


def _sums(responses_of_day: Iterable[Response]) -> Mapping[str, int]:
    usages = [response.usage for response in responses_of_day]
    return {meter: sum(usage[meter] for usage in usages) for meter in CALL_METERS}


def _offer(offer_id: str) -> Offer:
    return next(offer for offer in load_facts().prices.offers if offer.id == offer_id)


def _csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows((header, *rows))
    return text.getvalue()


def example_texts() -> Mapping[str, str]:
    """The text of each file, by its name."""
    return {
        "molar-calls.csv.gz": log_text(*LINES),
        "molar-azure.csv.gz": export_text(),
        "molar-invoice.csv": invoice_text(),
        "molar-reminders.csv.gz": log_text(REMINDERS),
        "molar-openai-costs.csv": costs_text(),
        "molar-openai-usage.json.gz": usage_text(),
    }


def main() -> None:
    """Write the files."""
    for name, text in example_texts().items():
        content = text.encode()
        (FOLDER / name).write_bytes(gzip.compress(content, mtime=0) if name.endswith(".gz") else content)


if __name__ == "__main__":
    main()
