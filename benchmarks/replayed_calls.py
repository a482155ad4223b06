"""Measure the replay of many recorded calls: reading them, reconstructing them, and replaying them with every offer.

The calls are made of plans of twenty turns and of other lengths, and known by their usage alone. Reading and reconstruction run
in one process; the replay runs in as many as there are processors, and includes both. Its peer is pricing each call's script
anew for every offer, as `simulate` does.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

from voicebill import ModelSelection, Plan, RecordedModels, ReplayRequest, Script, available_offers, load_facts, simulate
from voicebill.answers.recorded.query import CostQuery
from voicebill.answers.sessions.session_explanation import reconstruct_recorded
from voicebill.billing.errors import VoicebillError
from voicebill.billing.record import Record
from voicebill.conversation.cache import cache_rule, usage
from voicebill.conversation.context import responses
from voicebill.conversation.plan import script
from voicebill.conversation.rules import Rules
from voicebill.engines.in_duckdb import DuckDBEngine
from voicebill.engines.recorded_sessions import recorded_sessions
from voicebill.engines.replayed_usage import available_processes, replay_usage

DAY = date(2026, 11, 22)
MODEL = "gpt-realtime-1.5"
DISTINCT_CALLS = 400
PEER_CALLS = 20
PROVIDERS = ("openai", "azure")
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


def seconds_of_simulations(scripts: list[Script]) -> tuple[float, int]:
    """The seconds of pricing a call anew for every offer, and the number of offers."""
    facts = load_facts()
    offers = [offer for offer in available_offers(facts.prices, DAY) if offer.provider in PROVIDERS]
    started = time.perf_counter()
    for conversation in scripts:
        for offer in offers:
            region = offer.regions[0] if offer.deployment == "regional" else None
            selection = ModelSelection(
                model=offer.name, day=DAY, provider=offer.provider, deployment=offer.deployment, region=region
            )
            try:
                simulate(conversation, selection, facts)
            except VoicebillError:
                continue
    return (time.perf_counter() - started) / len(scripts), len(offers)


def main() -> None:
    """Print seconds and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=10_000)
    calls = parser.parse_args().calls
    rules = recorded_rules()
    scripts = [script(plan, rules) for plan in plans(min(DISTINCT_CALLS, calls))]
    copies = -(-calls // len(scripts))
    query, total = CostQuery(), copies * len(scripts)
    models = RecordedModels(load_facts(), query)
    request = ReplayRequest(selection=ModelSelection(model="any", day=DAY), models=model_names())
    with tempfile.TemporaryDirectory() as folder:
        file = write_usage(Path(folder), scripts, rules, copies)
        with DuckDBEngine([file], memory="512MB") as engine:
            started = time.perf_counter()
            responses_read = sum(len(session.records) for session in recorded_sessions(engine, query))
            reading = time.perf_counter() - started
            started = time.perf_counter()
            for session in recorded_sessions(engine, query):
                reconstruct_recorded(session, models)
            reconstructing = time.perf_counter() - started - reading
            started = time.perf_counter()
            answer = replay_usage(engine, query, request, models, processes=available_processes())
            replaying = time.perf_counter() - started
    peer, offers = seconds_of_simulations(scripts[:PEER_CALLS])
    own = sum(row.name.partition("/")[0] in PROVIDERS for row in answer.targets)
    print(f"{total:,} calls, {responses_read:,} responses, {len(answer.targets)} offers ({own} of {' and '.join(PROVIDERS)})")
    print(f"  reading {reading:.1f} s, reconstructing {reconstructing:.1f} s, both in one process")
    print(f"  replay {replaying:.1f} s in {available_processes()} processes: {1e3 * replaying / total:.2f} ms a call")
    print(f"  simulating each call for {offers} offers: {1e3 * peer:.2f} ms a call in one process")
    print(f"  replay takes {replaying / total * available_processes() / peer:.2f} of that CPU time, reading included")
    print(f"  peak memory of the process that reads {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def model_names() -> tuple[str, ...]:
    """The models that OpenAI and Azure sell."""
    offers = available_offers(load_facts().prices, DAY)
    return tuple(sorted({offer.name for offer in offers if offer.provider in PROVIDERS}))


if __name__ == "__main__":
    main()
