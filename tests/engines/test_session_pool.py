"""Test that fit and explanation of a usage table are those of its records in memory, in one process and in several."""

from functools import cache

import pytest

from tests.calls.example import EXAMPLE
from voicebill.answers.recorded.query import CostQuery
from voicebill.answers.sessions.fit import fit
from voicebill.answers.sessions.log_explanation import explain_log
from voicebill.answers.sessions.recorded_models import RecordedModels
from voicebill.answers.sessions.recorded_session import RecordedSession, sessions_of_records
from voicebill.billing.record import Record
from voicebill.engines import session_pool
from voicebill.engines.explained_usage import explain_usage
from voicebill.engines.fitted_usage import fit_usage
from voicebill.engines.in_duckdb import DuckDBEngine
from voicebill.facts import load_facts
from voicebill.logs.read import read_log


@cache
def models() -> RecordedModels:
    """Prices and rules of the recorded models."""
    return RecordedModels(load_facts(), CostQuery())


@cache
def example_records() -> tuple[Record, ...]:
    """The records of the example log."""
    return tuple(read_log(EXAMPLE))


def example_sessions() -> list[RecordedSession]:
    """The sessions of the example log, from its records."""
    return list(sessions_of_records(example_records()))


@pytest.mark.parametrize("processes", [1, 2])
def test_tables_and_records_give_the_same_plan_and_the_same_causes(processes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the last digit: calls are summed up in their order, whichever process reconstructs them."""
    monkeypatch.setattr(session_pool, "CALLS_PER_TASK", 40)
    seen: list[int] = []
    with DuckDBEngine(threads=1) as engine:
        engine.load(example_records())
        fitted = fit_usage(engine, CostQuery(), models(), processes=processes, on_call=seen.append)
        explained = explain_usage(engine, CostQuery(), models(), processes=processes)
    assert seen == list(range(1, len(example_sessions()) + 1))
    assert fitted.to_json() == fit(example_sessions, models()).to_json()
    in_memory = explain_log(example_sessions, models()).to_dict()
    assert {**explained.to_dict(), "records_without_session": 0} == {**in_memory, "records_without_session": 0}
