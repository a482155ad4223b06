"""Explain the calls of a usage table in DuckDB, or one of them."""

from collections.abc import Callable
from functools import partial
from itertools import chain, islice

from voicebill.answers.parameters.inputs import DEAREST_CALLS
from voicebill.answers.recorded.query import CostQuery
from voicebill.answers.sessions.log_explanation import (
    SAMPLED_SESSIONS,
    LogExplanation,
    explain_call,
    explain_calls,
    sum_explanations,
)
from voicebill.answers.sessions.recorded_models import RecordedModels
from voicebill.answers.sessions.session_explanation import SessionExplanation
from voicebill.answers.sessions.usual_cache import usual_caches
from voicebill.engines.in_duckdb import DuckDBEngine
from voicebill.engines.recorded_sessions import count_without_session, recorded_sessions, session_rows
from voicebill.engines.session_pool import map_sessions
from voicebill.engines.session_rows import session_of_rows


def explain_usage(
    engine: DuckDBEngine,
    query: CostQuery,
    models: RecordedModels,
    *,
    session: str | None = None,
    dearest: int = DEAREST_CALLS,
    processes: int = 1,
    on_call: Callable[[int], None] | None = None,
) -> LogExplanation | SessionExplanation:
    """Explain the calls of which a record matches the query, or the call of a session's name.

    `processes` explain calls at once. `on_call` is called with the number of calls so far.

    Raises:
        InvalidInput: there is no such call, or it cannot be explained; the filter needs prices.
        EngineError: the memory or the disk is full.
    """
    if session is not None:
        return explain_call(session, lambda name: recorded_sessions(engine, query, name), models)
    rows = session_rows(engine, query)
    sample = list(islice(rows, SAMPLED_SESSIONS))
    usual = usual_caches(map(session_of_rows, sample), models)
    parts = map_sessions(partial(explain_calls, models=models, usual=usual), chain(sample, rows), processes)
    return sum_explanations(
        (call for part in parts for call in part),
        usual,
        dearest=dearest,
        records_without_session=count_without_session(engine, query),
        on_call=on_call,
    )
