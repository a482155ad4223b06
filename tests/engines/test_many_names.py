"""The work for a log with many names grows as their number, not as its square: steps of the calculation are counted."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tests.cases import long_but
from tests.cli import invoke
from tests.engines.records import COMPARED_FIELDS
from voicebill.answers.recorded import cost as cost_module
from voicebill.answers.recorded.cost import MAX_SUGGESTIONS, cost
from voicebill.answers.recorded.engine import Engine
from voicebill.answers.recorded.python_engine import PythonEngine
from voicebill.answers.recorded.query import CostQuery
from voicebill.answers.recorded.recorded_names import RecordedNames
from voicebill.answers.recorded.result import Cost
from voicebill.billing import errors
from voicebill.billing.price_book import PriceBook
from voicebill.billing.record import Record
from voicebill.billing.usage import Usage
from voicebill.cli.commands.cost import MAX_UNPRICED_SHOWN
from voicebill.engines.in_duckdb import DuckDBEngine
from voicebill.facts import load_facts
from voicebill.logs import report_text

FEW, MANY = 150, 300
PARTS = {
    "offers": """
[[offers]]
model = "m{number}"
kind = "realtime"
[[offers.prices]]
since = 2026-01-01
until = 2026-11-10
usd = {{ text_in = 4, text_out = 16 }}
[[offers.prices]]
since = 2026-11-10
usd = {{ text_in = 5, text_out = 16 }}
""",
    "adjustments": """
[[adjustments]]
name = "discount {number}"
factor = 0.5
models = ["m{number}"]
since = 2026-11-05
""",
    "lifecycle": """
[[lifecycle]]
provider = "acme"
model = "m{number}"
shutdown = 2027-01-01
""",
    "availability": """
[[availability]]
provider = "acme"
models = ["m{number}"]
deployment = "global"
regions = ["here"]
""",
}


def price_file(folder: Path, count: int) -> Path:
    """A price file with so many offers, each with further rows, and a name of one's own for each."""
    file = folder / f"{count}.toml"
    rows = [PARTS[part].format(number=number) for part in PARTS for number in range(count)]
    aliases = [f'"alias{number}" = "m{number}"' for number in range(count)]
    text = 'provider = "acme"\nchecked = 2026-11-01\nsources = ["an invented list"]\n'
    file.write_text("\n".join([text, "[aliases]", *aliases, *rows]), encoding="utf-8")
    return file


def records(count: int, model: str, **fields: str) -> list[Record]:
    """Two records on different days for each of so many names."""
    return [
        Record(
            key=f"r{number}-{day}",
            kind="response",
            usage_candidates=(Usage({"text_in": 100 + number, "text_out": 10}),),
            source="log.jsonl",
            line_number=number,
            model=model.format(number),
            time=datetime(2026, 11, 1, tzinfo=UTC) + timedelta(days=day),
            tenant=f"t{number}",
            **{name: value.format(number) for name, value in fields.items()},  # type: ignore[arg-type] # all of them are texts
        )
        for number in range(count)
        for day in (0, 14)
    ]


def steps(work: Callable[[], Any]) -> int:
    """The lines of Python that run, those of each round of a loop again."""
    count = 0

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def answers(usage_records: list[Record], prices: PriceBook, query: CostQuery) -> Iterator[tuple[str, Callable[[], Cost]]]:
    engine: Engine = PythonEngine(usage_records)
    yield "python", lambda: cost(engine, query, prices)
    with DuckDBEngine(threads=1) as duck:
        duck.load(usage_records)
        yield "duckdb", lambda: cost(duck, query, prices)


NAMES: dict[str, dict[str, str]] = {
    "offers of one's own": {"model": "m{}", "provider": "acme"},
    "aliases": {"model": "alias{}", "provider": "acme"},
    "unknown models": {"model": "unknown {}"},
    "unknown providers": {"model": "gpt-realtime", "provider": "unknown {}"},
    "unknown regions": {"model": "gpt-realtime", "provider": "azure", "deployment": "regional", "region": "unknown {}"},
    "tiers": {"model": "gpt-realtime", "tier": "tier {}"},
}


@pytest.mark.parametrize("names", long_but(NAMES.keys() - {"aliases"}, NAMES))
def test_twice_as_many_names_are_twice_the_steps(names: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost_module, "MAX_SUGGESTIONS", 3)
    counts: dict[str, list[int]] = {}
    for count in (FEW, MANY):
        is_listed = NAMES[names].get("provider") == "acme"
        prices = load_facts(*([price_file(tmp_path, count)] if is_listed else [])).prices
        query = CostQuery(by=("model",), calls=True)
        for engine, answer in answers(records(count, **NAMES[names]), prices, query):
            answer()  # what is indexed once is indexed now
            counts.setdefault(engine, []).append(steps(answer))
    for engine, (few, many) in counts.items():
        assert many < 2.2 * few, (engine, few, many)


def test_twice_as_many_rows_of_a_price_file_are_twice_the_steps(tmp_path: Path) -> None:
    own, both = price_file(tmp_path, FEW), price_file(tmp_path, MANY)
    built_in = steps(load_facts)
    few, many = steps(lambda: load_facts(own)) - built_in, steps(lambda: load_facts(both)) - built_in
    assert many < 2.2 * few, (few, many)


def test_the_nearest_names_are_looked_for_a_limited_number_of_times(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    closest_names = errors.closest_names

    def counted_names(text: str, choices: Iterable[str]) -> list[str]:
        calls.append(text)
        return closest_names(text, choices)

    monkeypatch.setattr(errors, "closest_names", counted_names)
    prices, unknown = load_facts().prices, records(MAX_SUGGESTIONS + 20, "gpt-realtme-{:03}")
    results = []
    for _, answer in answers(unknown, prices, CostQuery(by=("tenant",))):
        calls.clear()
        results.append(answer())
        assert len(calls) == MAX_SUGGESTIONS
    ours, theirs = results
    assert [getattr(ours, name) for name in COMPARED_FIELDS] == [getattr(theirs, name) for name in COMPARED_FIELDS]
    reasons = [line.reason for line in ours.unpriced]
    assert reasons[0] == "unknown model 'gpt-realtme-000'; the nearest are gpt-realtime-2, gpt-realtime, gpt-realtime-2.1"
    assert reasons[-1] == f"unknown model 'gpt-realtme-{MAX_SUGGESTIONS + 19}'"
    calls.clear()
    names = RecordedNames(prices)
    list(names.watch(unknown))
    warnings = names.warnings()
    assert len(calls) == 10
    assert "the nearest are gpt-realtime-2" in warnings[0]
    assert warnings[-1] == f"{MAX_SUGGESTIONS + 10} more names are unknown"


def test_adjustments_are_those_of_the_model_and_of_the_provider_in_their_order(tmp_path: Path) -> None:
    file = tmp_path / "contract.toml"
    rows = [
        ("all", ""),
        ("one", 'models = ["gpt-realtime"]'),
        ("other", 'models = ["whisper-1"]'),
        ("azure", 'providers = ["azure"]'),
        ("both", 'models = ["whisper-1", "gpt-realtime"]\nproviders = ["azure", "openai"]'),
        ("regional", 'models = ["gpt-realtime"]\ndeployments = ["regional"]'),
    ]
    text = "".join(f'[[adjustments]]\nname = "{name}"\nfactor = 0.9\nsince = 2026-11-01\n{scope}\n' for name, scope in rows)
    file.write_text(f'checked = 2026-11-01\nsources = ["our contract"]\n{text}', encoding="utf-8")
    prices = load_facts(file).prices

    def terms(provider: str, day: date, model: str = "gpt-realtime") -> list[str]:
        offer = prices.quote(model, day=day, provider=provider).offer
        return [term.partition(":")[0] for term in prices.contract_terms(offer, day)]

    assert terms("openai", date(2026, 11, 2)) == ["all", "one", "both"]
    assert terms("azure", date(2026, 11, 2)) == ["all", "one", "azure", "both"]
    assert terms("openai", date(2026, 11, 2), "whisper-1") == ["all", "other", "both"]
    assert terms("openai", date(2026, 10, 31)) == []


def test_so_many_quantities_without_a_price_are_counted_instead_of_printed(tmp_path: Path) -> None:
    log = tmp_path / "usage.jsonl"
    usage = {"input_tokens": 55, "output_tokens": 0, "input_token_details": {"text_tokens": 55}}
    lines = [
        {"type": "response.done", "model": f"unknown-{number:03}", "response": {"id": f"r{number}", "usage": usage}}
        for number in range(MAX_UNPRICED_SHOWN + 5)
    ]
    log.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    text = invoke.run("cost", str(log), "--day", "2026-11-22").stdout
    assert text.count("at openai: unknown model") == MAX_UNPRICED_SHOWN
    assert "and 5 more: --json has all" in text
    assert len(invoke.answer("cost", str(log), "--day", "2026-11-22")["unpriced"]) == MAX_UNPRICED_SHOWN + 5


def test_so_many_groups_are_said_to_be_in_memory_unless_they_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost_module, "MANY_GROUPS", 7)
    prices = load_facts().prices

    def memory_warnings(count: int, query: CostQuery) -> list[list[str]]:
        results = [work() for _, work in answers(records(count, "gpt-realtime"), prices, query)]
        return [[text for text in result.warnings if "in memory" in text] for result in results]

    warning = (
        "8 groups by tenant, model are all in memory and in this answer: if memory is short, limit them to the most expensive "
        "with top"
    )
    assert memory_warnings(8, CostQuery(by=("tenant", "model"))) == [[warning]] * 2
    assert memory_warnings(7, CostQuery(by=("tenant", "model"))) == [[]] * 2
    assert memory_warnings(8, CostQuery(by=("tenant", "model"), top=3)) == [[]] * 2
    assert memory_warnings(8, CostQuery()) == [[]] * 2


def test_so_many_sessions_are_said_to_be_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_text, "MANY_SESSIONS", 7)
    usage = {"input_tokens": 55, "output_tokens": 0, "input_token_details": {"text_tokens": 55}}
    for sessions, notes in ((7, 0), (8, 1)):
        lines = [
            {"type": "response.done", "session_id": f"s{number % sessions}", "response": {"id": f"r{number}", "usage": usage}}
            for number in range(20)
        ]
        log = tmp_path / "usage.jsonl"
        log.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
        text = " ".join(invoke.run("cost", str(log), "--day", "2026-11-22", "--model", "gpt-realtime").stdout.split())
        assert text.count("8 sessions were in memory at the same time") == notes
        assert text.count("record parts of the log one after the other in a ledger, and cost that") == notes
