"""Measure recording logs, querying a ledger and pricing usages, as ratios to minimal baselines and to other libraries.

Every result is the best of several rounds. The steps of a table take turns, each in a separate process whose peak memory
(VmHWM) is printed. All files are in the system's cache when they are read.

- Recording reads logs of a few days and adds them to an empty ledger. Its baseline is simdjson, which parses each line
  without creating Python objects.
- The bare scan reads every column that the query reads (SKU, day, meter, status, part, reading, quantity, repeated_input,
  and the key, which separates the candidates of ambiguous records) and sums it, texts by their length. For the cost of
  sessions it also reads tenant, session and both times.
- A month is sixty million responses. By default one day of two million is written and read thirty times; `--month`
  writes all days, each with its own responses, sessions and keys.
"""

import argparse
import importlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from importlib.metadata import version
from pathlib import Path

import duckdb
import msgspec

from benchmarks.conversation import best_seconds, genai_prices, litellm_cost, twenty_usages
from benchmarks.ledgers import DAYS, make_ledger
from benchmarks.logs import DEFAULT_DAY, make_logs
from voicebill.answers.recorded.cost import cost
from voicebill.answers.recorded.query import CostQuery
from voicebill.billing.bill import bill, price_usage, sum_lines
from voicebill.billing.record import Record
from voicebill.billing.usage import Usage
from voicebill.engines.in_duckdb import DuckDBEngine
from voicebill.engines.ledger import Ledger
from voicebill.facts import load_facts
from voicebill.logs.counts import possible_usages
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.formats.realtime_events import EventUsage
from voicebill.logs.read import all_records
from voicebill.logs.report import ReadReport

MONTH = 60_000_000
MEMORY = "600MB"
"""DuckDB's memory limit. With Python, the price book and file buffers, the process stays under 1 GiB."""
GIB = 2**30
MAX_MONTH_SECONDS = 10
COLUMNS = {
    "one column": ("quantity",),
    "without the key": ("quantity", "repeated_input", "reading", "part", "day", "sku", "meter", "status"),
}
COLUMNS["for a total"] = (*COLUMNS["without the key"], "key")
COLUMNS["for sessions"] = (*COLUMNS["for a total"], "tenant", "session", "since_ms", "until_ms")
TEXTS = ("sku", "meter", "status", "key", "tenant", "session")

Step = Callable[[Path], object]


def parse(folder: Path) -> object:
    """Parse every line with simdjson; returns the number of unreadable lines."""
    parser = importlib.import_module("simdjson").Parser()
    broken = 0
    for file in sorted((folder / "logs").iterdir()):
        with file.open("rb", buffering=2**20) as opened:
            for line in opened:
                try:
                    parser.parse(line)
                except ValueError:
                    broken += 1
    return broken


def records_of(folder: Path) -> Iterator[Record]:
    """The records of the logs."""
    return all_records(sorted((folder / "logs").iterdir()), None, LogDefaults(day=DEFAULT_DAY), ReadReport())


def read_logs(folder: Path) -> object:
    """Read the logs and count their records."""
    return sum(1 for _ in records_of(folder))


def record_logs(folder: Path) -> object:
    """Record the logs into an empty ledger."""
    ledger = folder / "recorded"
    shutil.rmtree(ledger, ignore_errors=True)
    return Ledger(ledger).record(records_of(folder)).added


def scan(columns: tuple[str, ...]) -> Step:
    """A step that reads and sums columns of the ledger."""
    sums = ", ".join(
        f"SUM(strlen({name}))" if name in TEXTS else f"{'MAX' if name == 'day' else 'SUM'}({name})" for name in columns
    )

    def work(folder: Path) -> object:
        with duckdb.connect() as connection:
            files = [str(file) for file in Ledger(folder / "ledger").files()]
            connection.from_parquet(files).create_view("usage")
            return str(connection.execute(f"SELECT {sums} FROM usage").fetchall())

    return work


def cost_step(query: CostQuery) -> Step:
    """A step that computes the cost of a ledger."""

    def work(folder: Path) -> object:
        with DuckDBEngine(Ledger(folder / "ledger").files()) as duck:
            return str(cost(duck, query, load_facts().prices).total.low)

    return work


def month(folder: Path) -> object:
    """Compute the cost of a month; returns the number of its records."""
    files = Ledger(folder / "month").files()
    with DuckDBEngine(files * (DAYS if len(files) == 1 else 1), memory=MEMORY) as duck:
        return cost(duck, CostQuery(calls=False), load_facts().prices).counts.records


STEPS: Mapping[str, Step] = {
    "simdjson, line by line": parse,
    "logs read into records": read_logs,
    "logs recorded into a ledger": record_logs,
    **{f"bare scan, {name}": scan(columns) for name, columns in COLUMNS.items()},
    "total": cost_step(CostQuery(calls=False)),
    "total by day and model": cost_step(CostQuery(by=("day", "model"), calls=False)),
    "total, and cost per session": cost_step(CostQuery()),
    "month": month,
}


def measure(name: str, folder: Path) -> tuple[float, int]:
    """Seconds and peak memory in bytes of one step in a separate process."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.logs_bench", "--step", name, "--folder", str(folder)]
    result = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.splitlines()[-1])
    return result["seconds"], result["bytes"]


def run(name: str, folder: Path) -> None:
    """Run one step in this process and print its time and peak memory as JSON."""
    load_facts()
    begun = time.perf_counter()
    result = STEPS[name](folder)
    seconds = time.perf_counter() - begun
    (peak,) = (line for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines() if "VmHWM" in line)
    print(json.dumps({"seconds": seconds, "bytes": int(peak.split()[1]) * 1024, "found": str(result)}))


def table(names: list[str], folder: Path, rounds: int) -> dict[str, float]:
    """Best seconds of some steps, which take turns; printed with the ratio to the first step."""
    samples = [[measure(name, folder) for name in names] for _ in range(rounds)]
    best = {name: min(measurements[index][0] for measurements in samples) for index, name in enumerate(names)}
    for index, name in enumerate(names):
        peak = max(measurements[index][1] for measurements in samples)
        print(f"{name:<58} {best[name]:8.3f} s {best[name] / best[names[0]]:8.2f} x {peak / 2**20:8,.0f} MiB")
    return best


def aim(what: str, figure: float, maximum: float) -> None:
    """Print whether a ratio is within its target."""
    print(f"  target: {what} at most {maximum:g} times: {figure:.2f}, {'met' if figure <= maximum else 'not met'}")


def logs(folder: Path, sessions: int, rounds: int) -> None:
    """Compare recording logs with parsing the same bytes."""
    truth = make_logs(folder / "logs", load_facts().prices, seed=5, sessions=sessions, reply_ms=13_000, days=3)
    share = truth.audio_bytes / truth.bytes
    print(
        f"logs of {truth.bytes / 1e6:,.0f} MB: {truth.lines:,} lines, {share:.1%} of bytes are audio, {truth.records:,} records"
    )
    names = ["simdjson, line by line", "logs read into records", "logs recorded into a ledger"]
    best = table(names, folder, rounds)
    aim("recording, relative to simdjson,", best[names[2]] / best[names[0]], 3)
    with DuckDBEngine(Ledger(folder / "recorded").files()) as duck:
        is_exact = cost(duck, CostQuery(calls=False), load_facts().prices).total.low == truth.low
    print(f"  the cost of the ledger is {'correct' if is_exact else 'WRONG'} to the picodollar")


def rows(folder: Path, responses: int, rounds: int) -> float:
    """Compare the cost of a ledger with a bare scan; returns the responses priced per second."""
    row_count = sum(part.rows for part in make_ledger(folder / "ledger", responses))
    print(f"\na ledger of {row_count:,} rows: {responses:,} responses over {DAYS} days")
    names = ["for a total", "one column", "without the key", "for sessions"]
    scans = [f"bare scan, {name}" for name in names]
    queries = ["total", "total by day and model", "total, and cost per session"]
    best = table([*scans, *queries], folder, rounds)
    aim("total, relative to the bare scan,", best[queries[0]] / best[scans[0]], 2.5)
    aim("by day and model, relative to the bare scan,", best[queries[1]] / best[scans[0]], 2.5)
    aim("with sessions, relative to the bare scan for sessions,", best[queries[2]] / best[scans[3]], 2.5)
    return responses / best[queries[0]]


def restate(folder: Path, *, all_days: bool) -> None:
    """Compute the cost of a month in limited memory."""
    parts = make_ledger(folder / "month", MONTH, max_days=DAYS if all_days else 1)
    row_count = sum(part.rows for part in parts) * (1 if all_days else DAYS)
    how = "all days written" if all_days else f"one day written and read {DAYS} times"
    print(f"\na month of {MONTH:,} responses, {row_count:,} rows ({how}); DuckDB memory limit {MEMORY}")
    seconds, peak = measure("month", folder)
    print(f"{'month':<58} {seconds:8.1f} s {peak / 2**20:17,.0f} MiB  {MONTH / seconds / 1e6:.1f} million responses per second")
    print(f"  target: at most {MAX_MONTH_SECONDS} s: {'met' if seconds <= MAX_MONTH_SECONDS else 'not met'}")
    print(f"  target: less than 1 GiB of memory: {'met' if peak < GIB else 'not met'}")


def compare_with_peers(ledger_rate: float) -> None:
    """Compare the speed of pricing single usages with other libraries."""
    usages = twenty_usages()
    rates = load_facts().prices.quote("gpt-realtime", day=date(2026, 11, 22)).rates
    ours = [
        Usage.tokens(
            text_in=counts["text"] - counts["text_cached"],
            text_in_cached=counts["text_cached"],
            audio_in=counts["audio"] - counts["audio_cached"],
            audio_in_cached=counts["audio_cached"],
            text_out=counts["text_out"],
            audio_out=counts["audio_out"],
        )
        for counts in usages
    ]
    texts = [encode_usage(counts) for counts in usages]
    decode = msgspec.json.Decoder(EventUsage).decode
    tasks: dict[str, Callable[[], object]] = {
        f"genai-prices {version('genai-prices')}": genai_prices(usages),
        f"litellm {version('litellm')}": litellm_cost(usages),
        "voicebill: Usage to bill lines, summed": lambda: [sum_lines(bill(usage, rates)) for usage in ours],
        "voicebill: Usage to amount": lambda: [price_usage(usage, rates) for usage in ours],
        "voicebill: JSON text to amount": lambda: [
            price_usage(possible_usages(decode(text).counts)[0], rates) for text in texts
        ],
    }
    assert sum(price_usage(usage, rates) or 0 for usage in ours) == sum(
        price_usage(possible_usages(decode(text).counts)[0], rates) or 0 for text in texts
    )
    print("\nusages priced per second")
    per_second = [len(usages) / seconds for seconds in best_seconds(*tasks.values())]
    for name, rate in zip((*tasks, "voicebill: the ledger above"), (*per_second, ledger_rate), strict=True):
        print(f"{name:<58} {rate:12,.0f}/s {rate / per_second[0]:8.1f} x")
    for name, rate, least in (("a single usage", per_second[3], 20), ("the ledger", ledger_rate, 100)):
        ratio = rate / per_second[0]
        print(f"  target: {name} at least {least} times genai-prices: {ratio:.0f}, {'met' if ratio >= least else 'not met'}")


def encode_usage(usage: dict[str, int]) -> bytes:
    """A usage as the API writes it."""
    cached = {"text_tokens": usage["text_cached"], "audio_tokens": usage["audio_cached"]}
    input_details = {"text_tokens": usage["text"], "audio_tokens": usage["audio"], "cached_tokens": sum(cached.values())}
    output_details = {"text_tokens": usage["text_out"], "audio_tokens": usage["audio_out"]}
    input_tokens, output_tokens = usage["text"] + usage["audio"], sum(output_details.values())
    totals = {"total_tokens": input_tokens + output_tokens, "input_tokens": input_tokens, "output_tokens": output_tokens}
    details = {
        "input_token_details": {**input_details, "cached_tokens_details": cached},
        "output_token_details": output_details,
    }
    return json.dumps({**totals, **details}).encode()


def main() -> None:
    """Run the benchmarks and print the results."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--sessions", type=int, default=40, help="sessions in each of six groups of logs (default: 40)")
    options.add_argument("--responses", type=int, default=900_000, help="responses in the ledger (default: 900,000)")
    options.add_argument("--rounds", type=int, default=5, help="rounds of each table (default: 5)")
    options.add_argument("--month", action="store_true", help="write all days of the month (6 GB, about twenty minutes)")
    options.add_argument("--folder", type=Path, help="where to create the files (default: a temporary folder)")
    options.add_argument("--step", choices=list(STEPS), help=argparse.SUPPRESS)
    arguments = options.parse_args()
    if arguments.step:
        run(arguments.step, arguments.folder)
        return
    with tempfile.TemporaryDirectory(prefix="voicebill-bench-", dir=arguments.folder) as made:
        folder = Path(made)
        logs(folder, arguments.sessions, arguments.rounds)
        rate = rows(folder, arguments.responses, arguments.rounds)
        restate(folder, all_days=arguments.month)
        compare_with_peers(rate)


if __name__ == "__main__":
    main()
