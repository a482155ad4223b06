"""Time `voicebill reconcile`: two million recorded responses against an invoice of 200,000 rows.

python -m benchmarks.invoices --responses 2000000
"""

import argparse
import csv
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from voicebill.facts import load_facts

FIRST_DAY = datetime(2026, 9, 1, tzinfo=UTC)
DAYS = 30
RESOURCES = 46
"""Resources × 30 days × 24 hours × 6 meters are 198,720 rows."""
MODEL, PROVIDER = "gpt-realtime-2025-08-28", "azure"
METERS = ("text_in", "text_in_cached", "audio_in", "audio_in_cached", "text_out", "audio_out")
MISSING_SHARE = 0.02
"""So many of the responses on the invoice are not in the log."""


def responses(count: int) -> Iterator[tuple[datetime, str, tuple[int, ...]]]:
    """The time, the resource and the quantities of responses."""
    chance = random.Random(1)
    for _ in range(count):
        moment = FIRST_DAY + timedelta(seconds=chance.randrange(DAYS * 86_400))
        cached = chance.randrange(0, 5_000, 128)
        yield (
            moment,
            f"voice-{chance.randrange(RESOURCES):02}",
            (40, 580, chance.randrange(20, 400), cached, chance.randrange(20, 90), chance.randrange(60, 400)),
        )


def write_month(count: int, folder: Path) -> tuple[Path, Path]:
    """The log and the invoice of a month."""
    chance = random.Random(2)
    sums: dict[tuple[datetime, str], list[int]] = defaultdict(lambda: [0] * len(METERS))
    log, invoice = folder / "month.csv", folder / "invoice.csv"
    with log.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("id", "timestamp", "session_id", "project", "provider", "model", *METERS))
        for number, (moment, name, quantities) in enumerate(responses(count)):
            total = sums[moment.replace(minute=0, second=0), name]
            for index, quantity in enumerate(quantities):
                total[index] += quantity
            if chance.random() >= MISSING_SHARE:
                session = f"s{number // 8}"
                writer.writerow((f"r{number}", moment.isoformat(), session, name, PROVIDER, MODEL, *quantities))
    write_invoice(sums, invoice)
    return log, invoice


def write_invoice(sums: dict[tuple[datetime, str], list[int]], invoice: Path) -> None:
    """An Azure export with a row for each hour, resource and meter."""
    prices = load_facts().prices
    quote = prices.quote(MODEL, day=FIRST_DAY.date(), provider=PROVIDER)
    names = [quote.offer.vendor_meters[meter][0] for meter in METERS]
    rates = [quote.rates[meter] for meter in METERS]
    with invoice.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            (
                "date",
                "meterName",
                "meterCategory",
                "quantity",
                "unitOfMeasure",
                "costInBillingCurrency",
                "billingCurrency",
                "ResourceId",
            )
        )
        for (hour, name), total in sorted(sums.items()):
            for meter, rate, quantity in zip(names, rates, total, strict=True):
                assert rate is not None
                cost = quantity * rate.picodollars / rate.per / 1e12
                row = (hour.strftime("%m/%d/%Y"), meter, "Foundry Models", repr(quantity / 1000), "1K", repr(cost), "USD")
                writer.writerow(
                    (*row, f"/subscriptions/0/resourceGroups/voice/providers/Microsoft.CognitiveServices/accounts/{name}")
                )


def run(*arguments: str) -> tuple[float, str]:
    """The seconds of a command, and its output."""
    started = time.perf_counter()
    result = subprocess.run(
        [sys.executable, "-m", "voicebill", *arguments], check=True, capture_output=True, text=True, env=None
    )
    return time.perf_counter() - started, result.stdout


def main() -> None:
    """Write a month, record it, and reconcile it with its invoice."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--responses", type=int, default=2_000_000)
    count = parser.parse_args().responses
    with tempfile.TemporaryDirectory(prefix="voicebill-") as name:
        folder = Path(name)
        log, invoice = write_month(count, folder)
        seconds, _ = run("record", str(log), "--ledger", str(folder / "ledger"))
        print(f"record: {count:,} responses in {seconds:.1f} s")
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        seconds, output = run("reconcile", "--ledger", str(folder / "ledger"), str(invoice))
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        rows = sum(1 for _ in invoice.open()) - 1
        memory = f"{peak / 1024:,.0f} MiB" if peak > before else f"less than the {peak / 1024:,.0f} MiB of recording"
        print(f"reconcile: {rows:,} rows of the invoice in {seconds:.1f} s (aim: 60 s), {memory} (aim: 1,024 MiB)")
        print("\n".join(output.splitlines()[:3]))


if __name__ == "__main__":
    main()
