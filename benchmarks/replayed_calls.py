"""Measure the replay, the fit and the explanation of many recorded calls of twenty turns, known by their usage alone.

Each step runs in a process of its own. Reading sessions, and reading and reconstructing them, take one processor; replay,
fit and explanation include both, and use all processors. The memory is the peak of the process that reads (VmHWM), and of
each of the processes that it starts as often as there are processors.

- A replay is of every offer of OpenAI and Azure. Its peer is pricing the script of each call anew for every offer, as
  `simulate` does.
- The peer of fit and explanation is reading and reconstructing the calls, divided by the number of processors.

100,000 calls (`--calls 100000`) must be replayed in two minutes, and fitted in half as long again as they are reconstructed; by
default, fewer calls are measured against the same time for each.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from threading import Event, Thread
from typing import NamedTuple

from voicebill import ModelSelection, Plan, RecordedModels, ReplayRequest, Script, available_offers, load_facts, simulate
from voicebill.answers.recorded.query import CostQuery
from voicebill.answers.sessions.log_explanation import LogExplanation
from voicebill.answers.sessions.session_explanation import reconstruct_recorded
from voicebill.billing.errors import VoicebillError
from voicebill.billing.record import Record
from voicebill.conversation.cache import cache_rule, usage
from voicebill.conversation.context import responses
from voicebill.conversation.plan import script
from voicebill.conversation.rules import Rules
from voicebill.engines.explained_usage import explain_usage
from voicebill.engines.fitted_usage import fit_usage
from voicebill.engines.in_duckdb import DuckDBEngine
from voicebill.engines.recorded_sessions import recorded_sessions
from voicebill.engines.replayed_usage import replay_usage
from voicebill.engines.session_pool import available_processes

DAY = date(2026, 11, 22)
MODEL = "gpt-realtime-1.5"
DISTINCT_CALLS = 400
PEER_CALLS = 20
PROVIDERS = ("openai", "azure")
MEMORY = "512MB"
"""DuckDB's memory limit: with Python and the processes that count, all stay under 1 GiB."""
GIB = 2**30
MAX_REPLAY_MS = 1.2
"""Milliseconds of a call: two minutes for 100,000 calls, on two cores."""
MAX_FIT_RATIO = 1.5
WATCH_SECONDS = 0.05
START = datetime(2026, 11, 20, 9, tzinfo=UTC)


def recorded_rules() -> Rules:
    """The rules of the recorded model."""
    return load_facts().rules_for(load_facts().prices.quote(MODEL, day=DAY).offer, day=DAY, rules=None).rules


def plans(count: int) -> Iterator[Plan]:
    """Plans of twenty turns that differ in length and speech."""
    rng = Random(1)
    for _ in range(count):
        yield Plan(minutes=4 + rng.random() * 6, turns=20, user_share=0.3 + 0.1 * rng.random(), assistant_share=0.4)


def records_of(scripts: list[Script], rules: Rules) -> Iterator[Record]:
    """The usage of each response of calls."""
    cache = cache_rule("prefix", rules)
    for call, conversation in enumerate(scripts):
        for number, response in enumerate(responses(conversation, rules)):
            yield Record(
                key=f"{call}-{number}",
                kind="response",
                session=f"call-{call:05}",
                usage_candidates=(usage(response, cache),),
                model=MODEL,
                provider="openai",
                time=START + timedelta(seconds=call + 16 * (number + 1)),
                source="calls.jsonl",
                line_number=call * 100 + number + 1,
            )


def write_usage(folder: Path, scripts: list[Script], rules: Rules, copies: int) -> Path:
    """A usage table with copies of calls under other names."""
    file = folder / "usage.parquet"
    with DuckDBEngine() as engine:
        engine.load(records_of(scripts, rules))
        engine.connection.execute(
            f"""COPY (
                SELECT u.* REPLACE (u.key || '-' || i AS key, u.session || '-' || LPAD(CAST(i AS VARCHAR), 5, '0') AS session)
                FROM usage u, RANGE({copies}) copies(i)
            ) TO '{file}' (FORMAT PARQUET, COMPRESSION ZSTD)"""
        )
    return file


def simulate_calls(calls: int) -> int:
    """Price the scripts of some calls anew for every offer; returns the number of offers."""
    facts, rules = load_facts(), recorded_rules()
    offers = [offer for offer in available_offers(facts.prices, DAY) if offer.provider in PROVIDERS]
    for plan in plans(calls):
        conversation = script(plan, rules)
        for offer in offers:
            region = offer.regions[0] if offer.deployment == "regional" else None
            selection = ModelSelection(
                model=offer.name, day=DAY, provider=offer.provider, deployment=offer.deployment, region=region
            )
            with suppress(VoicebillError):
                simulate(conversation, selection, facts)
    return len(offers)


def read(engine: DuckDBEngine, models: RecordedModels, processes: int) -> object:  # noqa: ARG001 - as all steps
    """Read the calls in one process; returns the number of responses."""
    return sum(len(session.records) for session in recorded_sessions(engine, models.query))


def reconstruct(engine: DuckDBEngine, models: RecordedModels, processes: int) -> object:  # noqa: ARG001
    """Read and reconstruct the calls in one process."""
    return sum(reconstruct_recorded(session, models) is not None for session in recorded_sessions(engine, models.query))


def replay(engine: DuckDBEngine, models: RecordedModels, processes: int) -> object:
    """Replay the calls with every offer; returns the number of offers."""
    request = ReplayRequest(selection=ModelSelection(model="any", day=DAY), models=model_names())
    return len(replay_usage(engine, models.query, request, models, processes=processes).targets)


def fit(engine: DuckDBEngine, models: RecordedModels, processes: int) -> object:
    """Fit a plan to the calls; returns how many it is fitted to."""
    return fit_usage(engine, models.query, models, processes=processes).calls


def explain(engine: DuckDBEngine, models: RecordedModels, processes: int) -> object:
    """Explain the calls; returns how many are explained."""
    answer = explain_usage(engine, models.query, models, processes=processes)
    return answer.explained if isinstance(answer, LogExplanation) else 0


STEPS: Mapping[str, Callable[[DuckDBEngine, RecordedModels, int], object]] = {
    "read": read,
    "read and reconstruct": reconstruct,
    "replay": replay,
    "fit": fit,
    "explain": explain,
}
SIMULATE = "simulate"


class Measurement(NamedTuple):
    """Seconds, seconds of CPU, and peak memory in bytes: of the process that reads, and of the largest one that it starts."""

    seconds: float
    cpu: float
    bytes: int
    process_bytes: int
    result: str


def measure(name: str, file: Path) -> Measurement:
    """Measure one step in a separate process."""
    code = f"from pathlib import Path; from benchmarks.replayed_calls import run; run({name!r}, Path({str(file)!r}))"
    command = [sys.executable, "-W", "ignore", "-c", code]  # processes that it starts import no main module, and no database
    result = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return Measurement(**json.loads(result.stdout.splitlines()[-1]))


def run(name: str, file: Path) -> None:
    """Run one step in this process and print its measurement as JSON."""
    models = RecordedModels(load_facts(), CostQuery())
    watch = WorkerPeak()
    watch.start()
    begun, cpu = time.perf_counter(), -cpu_seconds()
    if name == SIMULATE:
        result: object = simulate_calls(PEER_CALLS)
    else:
        with DuckDBEngine([file], memory=MEMORY) as engine:
            result = STEPS[name](engine, models, available_processes())
    seconds = time.perf_counter() - begun
    cpu += cpu_seconds()
    watch.finish()
    print(json.dumps(Measurement(seconds, cpu, peak_bytes("self"), watch.bytes, str(result))._asdict()))


def cpu_seconds() -> float:
    """Seconds of CPU of this process and of those that it started."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(entry.ru_utime + entry.ru_stime for entry in usages)


def peak_bytes(process: str) -> int:
    """The peak memory of a process."""
    (peak,) = (line for line in Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines() if "VmHWM" in line)
    return int(peak.split()[1]) * 1024


class WorkerPeak(Thread):
    """The largest peak memory of a process that this one starts, in bytes: `getrusage` would count the parent's, too."""

    def __init__(self) -> None:
        super().__init__()
        self._peaks: dict[str, int] = {}
        self._finished = Event()

    def finish(self) -> None:
        """Look no longer."""
        self._finished.set()
        self.join()

    def run(self) -> None:
        """Look at all of them again and again."""
        while not self._finished.wait(WATCH_SECONDS):
            for listed in Path("/proc/self/task").glob("*/children"):
                with suppress(OSError, ValueError):  # a process has ended
                    self._peaks |= {process: peak_bytes(process) for process in listed.read_text(encoding="ascii").split()}

    @property
    def bytes(self) -> int:
        """The largest of the last peaks: at first, a process shows the memory of the one that starts it."""
        return max(self._peaks.values(), default=0)


def aim(what: str, figure: float, maximum: float, unit: str = "") -> None:
    """Print whether a figure is within its target."""
    print(f"  target: {what} at most {maximum:g}{unit}: {figure:.2f}, {'met' if figure <= maximum else 'not met'}")


def compare(file: Path, calls: int) -> None:
    """Measure all steps, and print them with their ratios."""
    processes = available_processes()
    print(f"{calls:,} calls of twenty turns, {processes} processors")
    steps = {name: measure(name, file) for name in STEPS}
    for name, step in steps.items():
        others = f" and {processes} x {step.process_bytes / 2**20:,.0f}" if step.process_bytes else ""
        cpu_ms = 1e3 * step.cpu / calls
        print(
            f"{name:<22} {step.seconds:7.1f} s {calls / step.seconds:8,.0f} calls/s {cpu_ms:7.2f} ms of CPU a call "
            f"{step.bytes / 2**20:6,.0f}{others} MiB  ({step.result})"
        )
    peer = measure(SIMULATE, file).seconds / PEER_CALLS
    replayed, baseline = steps["replay"], steps["read and reconstruct"].seconds / processes
    print(f"simulating each call for every offer: {1e3 * peer:.2f} ms a call in one process")
    print(f"  replay takes {replayed.seconds * processes / calls / peer:.2f} of that, reading included")
    aim("a replay in milliseconds a call (100,000 calls in two minutes)", 1e3 * replayed.seconds / calls, MAX_REPLAY_MS)
    for name in ("fit", "explain"):
        aim(f"{name}, relative to reading and reconstruction on all processors,", steps[name].seconds / baseline, MAX_FIT_RATIO)
    peak = max(step.bytes + processes * step.process_bytes for step in steps.values())
    aim("memory of all processes in GiB", peak / GIB, 1)


def main() -> None:
    """Print seconds and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=10_000, help="how many calls (default: 10,000)")
    calls, rules = parser.parse_args().calls, recorded_rules()
    scripts = [script(plan, rules) for plan in plans(min(DISTINCT_CALLS, calls))]
    copies = -(-calls // len(scripts))
    with tempfile.TemporaryDirectory(prefix="voicebill-bench-") as folder:
        compare(write_usage(Path(folder), scripts, rules, copies), copies * len(scripts))


def model_names() -> tuple[str, ...]:
    """The models that OpenAI and Azure sell."""
    offers = available_offers(load_facts().prices, DAY)
    return tuple(sorted({offer.name for offer in offers if offer.provider in PROVIDERS}))


if __name__ == "__main__":
    main()
