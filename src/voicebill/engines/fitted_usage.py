"""Fit a plan to the calls of a usage table in DuckDB."""

from collections.abc import Callable

from voicebill.answers.recorded.query import CostQuery
from voicebill.answers.sessions.fit import Fit, fit
from voicebill.answers.sessions.recorded_models import RecordedModels
from voicebill.engines.in_duckdb import DuckDBEngine
from voicebill.engines.recorded_sessions import recorded_sessions


def fit_usage(
    engine: DuckDBEngine,
    query: CostQuery,
    models: RecordedModels,
    *,
    without_usage: int = 0,
    on_call: Callable[[int], None] | None = None,
) -> Fit:
    """Fit a plan to the calls of which a record matches the query. `on_call` is called with the number of calls so far.

    `without_usage` are calls of which the log shows no usage; they count only if the query takes all records.

    Raises:
        InvalidInput: the filter needs prices.
        EngineError: the memory or the disk is full.
    """
    takes_all = query.where is None and query.since is None and query.until is None
    return fit(
        lambda: recorded_sessions(engine, query), models, without_usage=without_usage if takes_all else 0, on_call=on_call
    )
