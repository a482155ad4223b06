"""Fit a plan to the calls of a usage table in DuckDB."""

from collections.abc import Callable
from functools import partial

from voicebill.answers.recorded.query import CostQuery
from voicebill.answers.sessions.fit import Fit, fit_calls, sum_up_calls
from voicebill.answers.sessions.recorded_models import RecordedModels
from voicebill.engines.in_duckdb import DuckDBEngine
from voicebill.engines.recorded_sessions import session_rows
from voicebill.engines.session_pool import map_sessions
from voicebill.engines.sql import session_starts


def fit_usage(
    engine: DuckDBEngine,
    query: CostQuery,
    models: RecordedModels,
    *,
    without_usage: int = 0,
    processes: int = 1,
    on_call: Callable[[int], None] | None = None,
) -> Fit:
    """Fit a plan to the calls of which a record matches the query. `on_call` is called with the number of calls so far.

    `without_usage` are calls of which the log shows no usage; they count only if the query takes all records. `processes`
    reconstruct calls at once.

    Raises:
        InvalidInput: the filter needs prices.
        EngineError: the memory or the disk is full.
    """
    takes_all = query.where is None and query.since is None and query.until is None
    rows = session_rows(engine, query)
    parts = map_sessions(partial(sum_up_calls, models=models), rows, processes)
    return fit_calls(
        (call for part in parts for call in part),
        dict(engine.query(session_starts(query))),
        models,
        without_usage=without_usage if takes_all else 0,
        on_call=on_call,
    )
