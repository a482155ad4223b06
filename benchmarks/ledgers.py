"""Generate large ledgers with DuckDB: the Parquet files that recording a month of responses would create.

A response has five to six meters on average. Half a percent of the responses are ambiguous, half a percent have no usage,
and one percent have an unknown model; one model becomes available during the month, and one is shut down.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb

from voicebill.engines.ledger_files import fingerprint_of, sources_of
from voicebill.engines.ledger_manifest import LedgerPart, State, with_fingerprint
from voicebill.engines.ledger_state import commit
from voicebill.engines.usage_table import USAGE_SCHEMA

FIRST = date(2026, 7, 2)
DAYS = 30
TURNS = 12
"""Responses per session."""
ROWS_PER_RESPONSE = 5.55

_SHAPES = """
    CREATE TEMP TABLE shapes AS FROM (VALUES
        ('first', 0, 0, 'text_in', 1, 200, 900), ('first', 0, 1, 'audio_in', 2, 20, 150),
        ('first', 0, 2, 'text_out', 3, 10, 60), ('first', 0, 3, 'audio_out', 4, 60, 400),
        ('later', 0, 0, 'text_in', 1, 10, 300), ('later', 0, 1, 'text_in_cached', 5, 0, 30),
        ('later', 0, 2, 'audio_in', 2, 20, 300), ('later', 0, 3, 'audio_in_cached', 6, 0, 40),
        ('later', 0, 4, 'text_out', 3, 10, 60), ('later', 0, 5, 'audio_out', 4, 60, 400),
        ('ambiguous', 1, 0, 'text_in', 1, 200, 900), ('ambiguous', 1, 1, 'text_out', 4, 60, 400),
        ('ambiguous', 2, 2, 'audio_in', 1, 200, 900), ('ambiguous', 2, 3, 'audio_out', 4, 60, 400),
        ('text', 0, 0, 'text_in', 1, 200, 900), ('text', 0, 1, 'text_in_cached', 5, 1, 30),
        ('text', 0, 2, 'text_out', 3, 10, 60),
        ('none', 0, 0, '', 7, 0, 1)
    ) t(shape, reading, part, meter, salt, least, spread)"""

_ROWS = f"""
    WITH responses AS (
        SELECT i, i // {TURNS} AS s, i % {TURNS} AS turn, hash(i // {TURNS}) % 100 AS lot, hash(i, 9) % 1000 AS fate,
            (i - $begin) * 86_000_000 // ($end - $begin) + i % 997 AS ms
        FROM range($begin, $end) r(i)
    ),
    named AS (
        SELECT *,
            CASE WHEN fate < 5 THEN 'none' WHEN lot BETWEEN 90 AND 94 THEN 'text'
                WHEN fate < 10 THEN 'ambiguous' WHEN turn = 0 THEN 'first' ELSE 'later' END AS shape,
            CASE WHEN lot < 35 THEN 'gpt-realtime' WHEN lot < 55 THEN 'gpt-realtime-2.1' WHEN lot < 70 THEN 'gpt-realtime-mini'
                WHEN lot < 80 THEN 'gpt-realtime-1.5' WHEN lot < 90 THEN 'gpt-realtime-2' WHEN lot < 95 THEN 'gpt-5.6-luna'
                WHEN lot < 99 THEN 'gpt-4o-mini-realtime-preview' ELSE 'gpt-realtime-9-beta' END AS model,
            CASE WHEN lot % 10 = 0 AND lot < 55 THEN 'azure' ELSE 'openai' END AS provider,
            CAST(CAST($day AS TIMESTAMP) + to_milliseconds(ms) AS TIMESTAMPTZ) AS time,
            'resp_' || to_hex(hash(i)) || substr(to_hex(hash(i, 1)), 1, 6) || ':completed' AS key
        FROM responses
    ),
    counted AS (
        SELECT n.*, h.reading, h.part, h.meter,
            h.least + CASE WHEN h.salt >= 5 THEN 64 ELSE 1 END * (hash(i, h.salt) % h.spread) AS q
        FROM named n JOIN shapes h USING (shape)
    )
    SELECT key, 'response' AS kind, provider, model, 'global' AS deployment, NULL AS region, NULL AS tier,
        provider || '|' || model || '|global||' AS sku, 'sess_' || to_hex(hash(s, 8)) AS session, turn + 1 AS turn,
        'tenant-' || s % 400 AS tenant, NULL AS project, $day AS day, time, ms // 3_600_000 AS hour,
        epoch_ms(time) - turn * 20_000 - 5000 AS since_ms, epoch_ms(time) AS until_ms,
        CASE shape WHEN 'none' THEN 'failed' ELSE 'completed' END AS outcome,
        CASE shape WHEN 'none' THEN 'missing' WHEN 'ambiguous' THEN 'ambiguous' ELSE 'exact' END AS status,
        reading, part, meter, q AS quantity,
        CASE WHEN shape IN ('none', 'ambiguous') THEN NULL
            WHEN meter LIKE '%cached' THEN q WHEN turn = 0 THEN 0 ELSE q // 3 END AS repeated_input,
        'calls-' || i // 100_000 || '.jsonl' AS source,
        i % 100_000 * 300 + 1 AS line_number, 31 AS completeness,
        substr(to_hex(hash(i, 2)), 1, 12) AS content_hash,
        1 AS user_messages, 400 + 20 * (hash(i, 3) % 400) AS user_audio_ms, 0 AS text_messages, 0 AS tool_results,
        CASE WHEN hash(i, 4) % 10 = 0 THEN hash(i, 5) % 9000 END AS played_ms, 0 AS deleted_items, 0 AS tool_calls,
        1 AS reply_messages, NULL AS reasoning_tokens, substr(to_hex(hash(s % 50, 10)), 1, 16) AS prompt
    FROM counted"""

_TYPES = {
    "string": "VARCHAR",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "date32[day]": "DATE",
    "timestamp[us, tz=UTC]": "TIMESTAMPTZ",
}


def make_ledger(folder: Path, responses: int, *, max_days: int = DAYS) -> Iterator[LedgerPart]:
    """Write a ledger of `responses` per month, or its first days; yields each day's file when it is complete."""
    folder.mkdir(parents=True)
    parts = []
    with duckdb.connect(config={"memory_limit": "4GB"}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(_SHAPES)
        for index in range(max_days):
            parts.append(_write_day(connection, folder, index, responses))
            yield parts[-1]
    commit(folder, State(1, tuple(parts)))


def _write_day(connection: duckdb.DuckDBPyConnection, folder: Path, index: int, responses: int) -> LedgerPart:
    day = FIRST + timedelta(days=index)
    begin, end = (responses * place // DAYS for place in (index, index + 1))
    path = f"{day}/part-{index:016x}.parquet"
    (folder / str(day)).mkdir()
    columns = ", ".join(f"CAST({field.name} AS {_TYPES[str(field.type)]}) AS {field.name}" for field in USAGE_SCHEMA)
    query = _ROWS.replace("$begin", str(begin)).replace("$end", str(end)).replace("$day", f"DATE '{day}'")
    # the order of a recorded ledger
    ordered = f"SELECT {columns} FROM ({query}) ORDER BY reading > 0, source, line_number, key, reading, part"
    connection.execute(f"COPY ({ordered}) TO '{folder / path}' (FORMAT parquet, COMPRESSION zstd)")
    ((rows,),) = connection.execute(f"SELECT COUNT(*) FROM '{folder / path}'").fetchall()
    return with_fingerprint(LedgerPart(path, rows, end - begin), fingerprint_of(folder / path), sources_of(folder / path))
