"""Fit a plan to the calls of a usage table in DuckDB."""

from collections.abc import Callable

from voicebill.answers.recorded.query import CostQuery
from voicebill.answers.sessions.fit import Fit, fit
from voicebill.answers.sessions.recorded_models import RecordedModels
from voicebill.engines.in_duckdb import DuckDBEngine
from voicebill.engines.recorded_sessions import recorded_sessions


def fit_usage(
    engine: DuckDBEngine, query: CostQuery, models: RecordedModels, *, on_call: Callable[[int], None] | None = None
) -> Fit:
    """Fit a plan to the calls of which a record matches the query. `on_call` is called with the number of calls so far.

    Raises:
        InvalidInput: the filter needs prices.
        EngineError: the memory or the disk is full.
    """
    return fit(lambda: recorded_sessions(engine, query), models, on_call=on_call)
