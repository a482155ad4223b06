"""Logs into a ledger, a ledger into costs, and usages into dollars: beside bare work on the same bytes, and beside peers.

Every measurement is the best of several rounds in which all of one table take turns, each in a process of its own, whose
peak memory (VmHWM) is shown. All read from files that are in the system's cache.

- Recording reads logs of a few days and adds them to an empty ledger. Beside it, simdjson parses each line and no more:
  it makes no Python object of what it found.
- The bare scan reads every column that the question reads (name, day, meter, status, part, reading, quantity, reread; and
  the key, which tells the readings of bounded records apart) and sums it up, texts by their length. With what sessions
  cost, it reads tenant, session and both times as well.
- A month is sixty million responses. So that it need not be written first, one day of two million is, and read thirty
  times; `--month` writes all days, each with its own responses, sessions and keys.
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

from benchmarks.conversation import genai_prices, litellm_cost, seconds_each, twenty_usages
from benchmarks.ledgers import DAYS, make_ledger
from benchmarks.logs import TOLD_DAY, make_logs
from voicebill.answers.cost import CostAsked, cost
from voicebill.billing.bill import amount, bill, total
from voicebill.billing.record import Record
from voicebill.billing.usage import Usage
from voicebill.engines.in_duckdb import DuckDB
from voicebill.engines.ledger import Ledger
from voicebill.facts import load
from voicebill.logs.counts import readings
from voicebill.logs.read import every_record
from voicebill.logs.realtime_events import EventUsage
from voicebill.logs.told import Report, Told

MONTH = 60_000_000
MEMORY = "600MB"
"""What DuckDB may hold, so that the process stays under 1 GiB: Python, the price book and the files' buffers come on top."""
GIB = 2**30
COLUMNS = {
    "one column": ("quantity",),
    "without the key": ("quantity", "reread", "reading", "part", "day", "sold", "meter", "status"),
}
COLUMNS["for a total"] = (*COLUMNS["without the key"], "key")
COLUMNS["for sessions"] = (*COLUMNS["for a total"], "tenant", "session", "since_ms", "until_ms")
TEXTS = ("sold", "meter", "status", "key", "tenant", "session")

Step = Callable[[Path], object]


def parse(folder: Path) -> object:
    """Every line parsed by simdjson, and nothing else."""
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


def told(folder: Path) -> Iterator[Record]:
    """The records of the logs."""
    return every_record(sorted((folder / "logs").iterdir()), None, Told(day=TOLD_DAY), Report())


def read(folder: Path) -> object:
    """The logs read, and their records let go."""
    return sum(1 for _ in told(folder))


def record(folder: Path) -> object:
    """The logs recorded into an empty ledger."""
    ledger = folder / "recorded"
    shutil.rmtree(ledger, ignore_errors=True)
    return Ledger(ledger).record(told(folder)).added


def scan(columns: tuple[str, ...]) -> Step:
    """Columns of the ledger, read and summed up."""
    sums = ", ".join(
        f"SUM(strlen({name}))" if name in TEXTS else f"{'MAX' if name == 'day' else 'SUM'}({name})" for name in columns
    )

    def work(folder: Path) -> object:
        with duckdb.connect() as connection:
            files = [str(file) for file in Ledger(folder / "ledger").files()]
            connection.from_parquet(files).create_view("usage")
            return str(connection.execute(f"SELECT {sums} FROM usage").fetchall())

    return work


def costed(asked: CostAsked) -> Step:
    """A question of the ledger."""

    def work(folder: Path) -> object:
        with DuckDB(Ledger(folder / "ledger").files()) as duck:
            return str(cost(duck, asked, load().prices).total.low)

    return work


def month(folder: Path) -> object:
    """A month restated: its total, and the counts of its records."""
    files = Ledger(folder / "month").files()
    with DuckDB(files * (DAYS if len(files) == 1 else 1), memory=MEMORY) as duck:
        return cost(duck, CostAsked(calls=False), load().prices).counts.records


STEPS: Mapping[str, Step] = {
    "simdjson, line by line": parse,
    "the logs read into records": read,
    "the logs recorded into a ledger": record,
    **{f"bare scan, {name}": scan(columns) for name, columns in COLUMNS.items()},
    "the total": costed(CostAsked(calls=False)),
    "by day and model": costed(CostAsked(by=("day", "model"), calls=False)),
    "the total, and what sessions cost": costed(CostAsked()),
    "the month": month,
}


def measured(name: str, folder: Path) -> tuple[float, int]:
    """Seconds of one step in a process of its own, and the bytes of memory that it took at most."""
    asked = [sys.executable, "-W", "ignore", "-m", "benchmarks.logs_bench", "--step", name, "--folder", str(folder)]
    found = json.loads(subprocess.run(asked, check=True, stdout=subprocess.PIPE).stdout.splitlines()[-1])
    return found["seconds"], found["bytes"]


def run(name: str, folder: Path) -> None:
    """One step, in this process: what it took, as JSON."""
    load()
    begun = time.perf_counter()
    found = STEPS[name](folder)
    seconds = time.perf_counter() - begun
    (peak,) = (line for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines() if "VmHWM" in line)
    print(json.dumps({"seconds": seconds, "bytes": int(peak.split()[1]) * 1024, "found": str(found)}))


def table(names: list[str], folder: Path, rounds: int) -> dict[str, float]:
    """Seconds of some steps that take turns, printed as ratios to the first."""
    taken = [[measured(name, folder) for name in names] for _ in range(rounds)]
    best = {name: min(each[at][0] for each in taken) for at, name in enumerate(names)}
    for at, name in enumerate(names):
        peak = max(each[at][1] for each in taken)
        print(f"{name:<58} {best[name]:8.3f} s {best[name] / best[names[0]]:8.2f} x {peak / 2**20:8,.0f} MiB")
    return best


def aim(what: str, figure: float, most: float) -> None:
    """Say whether a ratio is at most what was aimed at."""
    print(f"  aim: {what} at most {most:g} times: {figure:.2f}, {'reached' if figure <= most else 'not reached'}")


def logs(folder: Path, sessions: int, rounds: int) -> None:
    """Events to ledger beside a bare parse of the same bytes."""
    truth = make_logs(folder / "logs", load().prices, seed=5, sessions=sessions, reply_ms=13_000, days=3)
    share = truth.audio_bytes / truth.bytes
    print(
        f"logs of {truth.bytes / 1e6:,.0f} MB: {truth.lines:,} lines, {share:.1%} of the bytes audio, {truth.records:,} records"
    )
    names = ["simdjson, line by line", "the logs read into records", "the logs recorded into a ledger"]
    best = table(names, folder, rounds)
    aim("recording beside simdjson", best[names[2]] / best[names[0]], 3)
    with DuckDB(Ledger(folder / "recorded").files()) as duck:
        right = cost(duck, CostAsked(calls=False), load().prices).total.low == truth.low
    print(f"  what the ledger costs is {'the truth' if right else 'NOT THE TRUTH'}, to the last picodollar")


def rows(folder: Path, responses: int, rounds: int) -> float:
    """The cost of a ledger beside a bare scan; gives responses costed in a second."""
    counted = sum(part.rows for part in make_ledger(folder / "ledger", responses))
    print(f"\na ledger of {counted:,} rows: {responses:,} responses over {DAYS} days")
    names = ["for a total", "one column", "without the key", "for sessions"]
    scans = [f"bare scan, {name}" for name in names]
    asked = ["the total", "by day and model", "the total, and what sessions cost"]
    best = table([*scans, *asked], folder, rounds)
    aim("the total beside the bare scan", best[asked[0]] / best[scans[0]], 2.5)
    aim("by day and model beside the bare scan", best[asked[1]] / best[scans[0]], 2.5)
    aim("with sessions beside the bare scan of what that needs", best[asked[2]] / best[scans[3]], 2.5)
    return responses / best[asked[0]]


def restated(folder: Path, *, whole: bool) -> None:
    """A month restated in bounded memory."""
    parts = make_ledger(folder / "month", MONTH, most_days=DAYS if whole else 1)
    counted = sum(part.rows for part in parts) * (1 if whole else DAYS)
    how = "each day written" if whole else f"one day written, and read {DAYS} times"
    print(f"\na month of {MONTH:,} responses, {counted:,} rows ({how}); DuckDB may hold {MEMORY}")
    seconds, peak = measured("the month", folder)
    print(
        f"{'the month':<58} {seconds:8.1f} s {peak / 2**20:17,.0f} MiB  {MONTH / seconds / 1e6:.1f} million responses a second"
    )
    print(f"  aim: less than 1 GiB of memory: {'reached' if peak < GIB else 'not reached'}")


def beside_peers(ledger_rate: float) -> None:
    """Usages to dollars, beside peers, per usage."""
    usages = twenty_usages()
    rates = load().prices.find("gpt-realtime", day=date(2026, 11, 22)).rates
    ours = [
        Usage.tokens(
            text_in=each["text"] - each["text_cached"],
            text_in_cached=each["text_cached"],
            audio_in=each["audio"] - each["audio_cached"],
            audio_in_cached=each["audio_cached"],
            text_out=each["text_out"],
            audio_out=each["audio_out"],
        )
        for each in usages
    ]
    texts = [written(each) for each in usages]
    decode = msgspec.json.Decoder(EventUsage).decode
    works: dict[str, Callable[[], object]] = {
        f"genai-prices {version('genai-prices')}": genai_prices(usages),
        f"litellm {version('litellm')}": litellm_cost(usages),
        "voicebill: Usage to its bill's lines, summed": lambda: [total(bill(usage, rates)) for usage in ours],
        "voicebill: Usage to its amount": lambda: [amount(usage, rates) for usage in ours],
        "voicebill: JSON text to its amount": lambda: [amount(readings(decode(text).counts)[0], rates) for text in texts],
    }
    assert sum(amount(usage, rates) or 0 for usage in ours) == sum(
        amount(readings(decode(text).counts)[0], rates) or 0 for text in texts
    )
    print("\nusages to dollars, a second")
    per_second = [len(usages) / seconds for seconds in seconds_each(*works.values())]
    for name, rate in zip((*works, "voicebill: the ledger of above"), (*per_second, ledger_rate), strict=True):
        print(f"{name:<58} {rate:12,.0f}/s {rate / per_second[0]:8.1f} x")
    for name, rate, least in (("the row path", per_second[3], 20), ("the ledger", ledger_rate, 100)):
        ratio = rate / per_second[0]
        print(
            f"  aim: {name} at least {least} times genai-prices: {ratio:.0f}, {'reached' if ratio >= least else 'not reached'}"
        )


def written(usage: dict[str, int]) -> bytes:
    """A usage as the API writes it."""
    cached = {"text_tokens": usage["text_cached"], "audio_tokens": usage["audio_cached"]}
    parts = {"text_tokens": usage["text"], "audio_tokens": usage["audio"], "cached_tokens": sum(cached.values())}
    made = {"text_tokens": usage["text_out"], "audio_tokens": usage["audio_out"]}
    heard, spoken = usage["text"] + usage["audio"], sum(made.values())
    told = {"total_tokens": heard + spoken, "input_tokens": heard, "output_tokens": spoken}
    details = {"input_token_details": {**parts, "cached_tokens_details": cached}, "output_token_details": made}
    return json.dumps({**told, **details}).encode()


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--sessions", type=int, default=40, help="sessions in each of six groups of logs (default: 40)")
    options.add_argument("--responses", type=int, default=900_000, help="responses in the ledger (default: 900,000)")
    options.add_argument("--rounds", type=int, default=5, help="rounds of each table (default: 5)")
    options.add_argument("--month", action="store_true", help="write all days of the month: 6 GB, and some twenty minutes")
    options.add_argument("--folder", type=Path, help="where to make the files (default: a temporary folder)")
    options.add_argument("--step", choices=list(STEPS), help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.step:
        run(asked.step, asked.folder)
        return
    with tempfile.TemporaryDirectory(prefix="voicebill-bench-", dir=asked.folder) as made:
        folder = Path(made)
        logs(folder, asked.sessions, asked.rounds)
        rate = rows(folder, asked.responses, asked.rounds)
        restated(folder, whole=asked.month)
        beside_peers(rate)


if __name__ == "__main__":
    main()
