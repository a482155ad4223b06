"""`voicebill reconcile` as people use it: a log and a bill as files of each vendor's format, and our own FOCUS export."""

import csv
import gzip
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.answers.invoices.months import AZURE, OPENAI_COSTS, OPENAI_USAGE, bill, cost_of, month, without_sessions
from tests.cli.invoke import answer, run
from tests.logs.bills.samples import EA, MCA, MICROSOFT, RESOURCE, cost_result
from voicebill.answers.invoices.charge import Charge
from voicebill.billing.record import Record
from voicebill.facts import load_facts

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
METERS = ("text_in", "text_in_cached", "audio_in", "audio_in_cached", "text_out", "audio_out")
LINE_ITEMS = {name: name.replace("_in", ", input").replace("_out", ", output").replace("_", " ") for name in METERS} | {
    "text_in_cached": "text, cached input",
    "audio_in_cached": "audio, cached input",
}
OPENAI = month(days=6, calls=4)
ON_AZURE = month(provider="azure", model="gpt-realtime-2", days=6, calls=4)


def log_file(records: Iterable[Record], folder: Path) -> str:
    """A table with the columns that every log may have."""
    file = folder / "calls.csv"
    with file.open("w", encoding="utf-8", newline="") as opened:
        columns = ("response_id", "time", "session", "project", "provider", "model", "deployment", *METERS)
        table = csv.DictWriter(opened, columns)
        table.writeheader()
        for record in records:
            names = {name: getattr(record, name) for name in columns[2:7]}
            table.writerow({"response_id": record.key, "time": record.time, **names, **dict(record.usage.items())})
    return str(file)


def resource(charge: Charge) -> str:
    return RESOURCE.replace("brook-voice", charge.accounts["project"])


def ea_rows(charges: Iterable[Charge]) -> Iterable[Mapping[str, object]]:
    for charge in charges:
        assert charge.start and charge.cost is not None and charge.quantity is not None  # noqa: PT018 - for the types
        yield EA | {
            "Date": f"{charge.start:%m/%d/%Y}",
            "MeterName": charge.meter_name,
            "UnitOfMeasure": "1M",
            "Quantity": float(charge.quantity),
            "CostInBillingCurrency": f"{float(charge.cost):.12f}",
            "ResourceId": resource(charge),
            "PayGPrice": "",
        }


def mca_rows(charges: Iterable[Charge]) -> Iterable[Mapping[str, object]]:
    """In euros, with the rate."""
    for charge in charges:
        assert charge.start and charge.cost is not None and charge.quantity is not None  # noqa: PT018 - for the types
        yield MCA | {
            "date": f"{charge.start:%Y-%m-%d}",
            "meterName": charge.meter_name,
            "quantity": float(charge.quantity),
            "costInBillingCurrency": f"{float(charge.cost) * 0.9:.12f}",
            "costInUsd": f"{float(charge.cost):.12f}",
            "ResourceId": resource(charge),
            "PayGPrice": "",
        }


def focus_rows(charges: Iterable[Charge], **names: str) -> Iterable[Mapping[str, object]]:
    """As Microsoft writes them; from version 1.2 on, the meter has a column of its own."""
    for charge in charges:
        assert charge.start and charge.end and charge.cost is not None and charge.quantity is not None  # noqa: PT018
        row = MICROSOFT | {
            "BilledCost": f"{float(charge.cost):.12f}",
            "BillingCurrency": "USD",
            "x_BillingExchangeRate": "1",
            "x_BilledCostInUsd": "",
            "ChargePeriodStart": f"{charge.start.isoformat()}Z",
            "ChargePeriodEnd": f"{charge.end.isoformat()}Z",
            "ConsumedQuantity": round(float(charge.quantity) * 1_000_000),
            "PricingQuantity": float(charge.quantity),
            "PricingUnit": "1M Tokens",
            "ListUnitPrice": "",
            "ResourceName": charge.accounts["project"],
            "x_SkuMeterName": charge.meter_name,
        }
        yield row | {new: row.pop(old) for old, new in names.items()}


def table(rows: Iterable[Mapping[str, object]], file: Path) -> str:
    entries = list(rows)
    with gzip.open(file, "wt", encoding="utf-8", newline="") if file.suffix == ".gz" else file.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, list(entries[0]))
        writer.writeheader()
        writer.writerows(entries)
    return str(file)


def parquet(rows: Iterable[Mapping[str, object]], file: Path) -> str:
    pq.write_table(pa.Table.from_pylist([dict(row) for row in rows]), file)
    return str(file)


def pages(results: Mapping[Any, Sequence[Mapping[str, object]]], file: Path) -> str:
    """The results of days."""
    buckets = [
        {
            "object": "bucket",
            "start_time": int(day.replace(tzinfo=UTC).timestamp()),
            "end_time": int(day.replace(tzinfo=UTC).timestamp()) + 86_400,
            "results": entries,
        }
        for day, entries in results.items()
    ]
    file.write_text(json.dumps({"object": "page", "data": buckets, "has_more": False, "next_page": None}), encoding="utf-8")
    return str(file)


def costs_pages(charges: Iterable[Charge], file: Path) -> str:
    results: dict[Any, list[dict[str, Any]]] = {}
    for charge in charges:
        assert charge.cost is not None
        item = f"{charge.model} {LINE_ITEMS[charge.meter]}"
        entry = cost_result(f"{float(charge.cost):.15f}", item, project_id=charge.accounts["project"])
        results.setdefault(charge.start, []).append(entry)
    return pages(results, file)


def usage_pages(charges: Iterable[Charge], file: Path) -> str:
    """One result a day, project and model. Text and audio tokens are without the cached ones, as in the pages of the API."""
    sums: dict[tuple[Any, str, str], dict[str, Any]] = {}
    for charge in charges:
        assert charge.quantity is not None
        key = (charge.start, charge.accounts["project"], charge.model)
        entry = sums.setdefault(key, {"num_model_requests": 0, **dict.fromkeys(METERS, 0)})
        entry[charge.meter] += round(charge.quantity * 1_000_000)
        entry["num_model_requests"] += charge.requests or 0
    results: dict[Any, list[dict[str, Any]]] = {}
    for (day, project, model), counts in sums.items():
        results.setdefault(day, []).append(
            {
                "object": "organization.usage.completions.result",
                "project_id": project,
                "model": model,
                "num_model_requests": counts["num_model_requests"],
                "input_tokens": sum(counts[name] for name in METERS[:4]),
                "output_tokens": counts["text_out"] + counts["audio_out"],
                "input_cached_tokens": counts["text_in_cached"] + counts["audio_in_cached"],
                "input_text_tokens": counts["text_in"],
                "input_audio_tokens": counts["audio_in"],
                "input_cached_text_tokens": counts["text_in_cached"],
                "input_cached_audio_tokens": counts["audio_in_cached"],
                "output_text_tokens": counts["text_out"],
                "output_audio_tokens": counts["audio_out"],
            }
        )
    return pages(results, file)


def azure_charges() -> list[Charge]:
    return bill(ON_AZURE.records, load_facts().prices, AZURE)


def openai_charges() -> list[Charge]:
    return bill(OPENAI.records, load_facts().prices, OPENAI_COSTS)


WRITERS: Mapping[str, Callable[[Path], str]] = {
    "EA": lambda folder: table(ea_rows(azure_charges()), folder / "actual.csv"),
    "MCA": lambda folder: table(mca_rows(azure_charges()), folder / "actual.csv.gz"),
    "Parquet": lambda folder: parquet(ea_rows(azure_charges()), folder / "part-0.parquet"),
    "FOCUS 1.0": lambda folder: table(focus_rows(azure_charges()), folder / "focus.csv"),
    "FOCUS 1.2": lambda folder: table(focus_rows(azure_charges(), x_SkuMeterName="SkuMeter"), folder / "focus.csv"),
    "FOCUS 1.3": lambda folder: table(
        focus_rows(azure_charges(), x_SkuMeterName="SkuMeter", ProviderName="ServiceProviderName"), folder / "focus.csv"
    ),
    "costs": lambda folder: costs_pages(openai_charges(), folder / "costs.json"),
    "usage": lambda folder: usage_pages(bill(OPENAI.records, load_facts().prices, OPENAI_USAGE), folder / "usage.json"),
}


def amounts(reconciliation: Mapping[str, Any]) -> dict[tuple[str, ...], Decimal]:
    return {tuple(cause["names"]): Decimal(cause["dollars"]) for cause in reconciliation["causes"]}


@pytest.mark.parametrize("name", WRITERS)
def test_missing_sessions_in_each_format(tmp_path: Path, name: str) -> None:
    """What the bill has beyond the log is what the sessions cost; in euros, the rate is a cause of its own."""
    records = (OPENAI if name in ("costs", "usage") else ON_AZURE).records
    kept = without_sessions(records, share=0.2)
    prices = load_facts().prices
    reconciliation = answer("reconcile", log_file(kept, tmp_path), WRITERS[name](tmp_path))
    causes = amounts(reconciliation)
    lost = Decimal(int(cost_of(records, prices) - cost_of(kept, prices))) / 10**12
    assert float(causes.pop(("sessions-missing",))) == pytest.approx(float(lost), rel=1e-6)
    assert set(causes) == ({("currency",)} if name == "MCA" else set())
    parts = [*map(Decimal, (cause["dollars"] for cause in reconciliation["causes"]))]
    rest = Decimal(reconciliation["not_explained_dollars"])
    assert Decimal(reconciliation["recorded_dollars"]) + sum(parts) + rest == Decimal(reconciliation["billed"])
    assert abs(rest) < Decimal("0.0001")


@pytest.mark.parametrize(
    ("version", "suffix", "words"),
    [
        ("1.0", "csv", ()),
        ("1.2", "csv", ("--by", "project")),
        ("1.3", "csv", ("--prices", str(EXAMPLES / "contract-in-euro.toml"))),
        ("1.3", "parquet", ("--by", "tenant,project")),
    ],
)
def test_our_own_export_has_no_difference(tmp_path: Path, version: str, suffix: str, words: tuple[str, ...]) -> None:
    """The support day has transcriptions, two models, and tenants."""
    log, file = str(EXAMPLES / "support-day.jsonl"), str(tmp_path / f"focus.{suffix}")
    assert run("cost", log, "--focus-version", version, "--out", file, *words).exit_code == 0
    prices = words if "--prices" in words else ()
    reconciliation = answer("reconcile", log, file, *prices)
    assert (reconciliation["difference"], reconciliation["causes"]) == ("0", [])
    assert Decimal(reconciliation["recorded_dollars"]) > 0


def test_costs_without_line_items_are_compared_by_day(tmp_path: Path) -> None:
    """Half of the calls are missing: what a sum cannot tell apart is named together."""
    results: dict[Any, list[dict[str, Any]]] = {}
    for charge in openai_charges():
        results.setdefault(charge.start, []).append({"cost": charge.cost})
    sums = {
        day: [cost_result(float(sum(entry["cost"] for entry in entries)), None, project_id=None)]
        for day, entries in results.items()
    }
    kept = without_sessions(OPENAI.records, share=0.5)
    reconciliation = answer("reconcile", log_file(kept, tmp_path), pages(sums, tmp_path / "costs.json"))
    (names,) = amounts(reconciliation)
    assert names == ("sessions-missing", "transcription", "other-models", "other-services", "tax")
    assert "only sums" in reconciliation["assumptions"][0]


def test_more_than_the_tolerance_is_exit_code_1(tmp_path: Path) -> None:
    kept = [replace(record, project=record.project) for record in without_sessions(OPENAI.records, share=0.2)]
    files = (log_file(kept, tmp_path), WRITERS["costs"](tmp_path))
    assert run("reconcile", *files, "--tolerance", "90%").exit_code == 0
    result = run("reconcile", *files, "--tolerance", "1%")
    assert result.exit_code == 1
    assert "the largest differences: sessions that are not in the log $" in result.stderr
