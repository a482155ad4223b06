"""Records for ledgers, and what they cost."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from voicebill.answers.recorded.cost import cost
from voicebill.answers.recorded.python_engine import PythonEngine
from voicebill.answers.recorded.query import CostQuery
from voicebill.answers.recorded.result import Cost
from voicebill.billing.record import Record
from voicebill.billing.usage import Usage
from voicebill.engines.in_duckdb import DuckDBEngine
from voicebill.engines.ledger import Ledger
from voicebill.facts import load_facts

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def record(name: str, *, text: int = 100, day: int = 20, **more: Any) -> Record:
    """Return a response with `text` text tokens of input and 10 audio tokens of output."""
    return Record(
        key=f"{name}:completed",
        kind="response",
        usage_candidates=(Usage.tokens(text_in=text, audio_out=10),),
        source="log.jsonl",
        line_number=1,
        model="gpt-realtime",
        time=NOON + timedelta(days=day - 20),
        session="s1",
        **more,
    )


def costs(folder: Path, **query_fields: Any) -> Cost:
    """Return the cost of a ledger's records."""
    with DuckDBEngine(Ledger(folder).files()) as database:
        return cost(database, CostQuery(**query_fields), load_facts().prices)


def total(*records: Record) -> Any:
    """Return the Python engine's total of some records."""
    return cost(PythonEngine(records), CostQuery(), load_facts().prices).total
