"""Write records as the usage table: a row for each record, usage candidate and meter, in Arrow batches and Parquet files.

| column | content |
|---|---|
| key, kind, status, outcome | identity of the record, what was billed, how far its counts determine its usage, how it ended |
| provider, model, deployment, region, tier | what was bought, in lower case; null if the log does not name it |
| sku | these five values in one text, which `parse_sku` splits |
| session, turn, tenant, project | the conversation, the turn, the customer and the project that it belongs to |
| day, time, hour | time, in UTC; `hour` is the hour of the day |
| since_ms, until_ms | time of the first event of its session, and time of the record, in ms since 1970 |
| reading | 0 if the counts determine the usage; otherwise the number of the usage candidate, from 1 |
| part | 0 in the first row of a record |
| meter, quantity | what was counted; an empty text and 0 if the usage candidate counts nothing |
| repeated_input | the part of the quantity that is repeated input; null if unknown |
| source, line_number | file and line, or row |
| completeness, content_hash | which of several records of one key counts, and whether two are equal |
| user_messages, user_audio_ms, text_messages, tool_results | what was new before a response, from raw events; null if unknown |
| played_ms, deleted_items | what was played of the reply before, if that was interrupted; items that the client deleted |
| tool_calls, reply_messages, reasoning_tokens | what a response put out |
| prompt | fingerprint of its instructions and tools, made with the key of the ledger |
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from operator import attrgetter
from typing import Any

import pyarrow as pa

from voicebill.answers.recorded.python_engine import epoch_milliseconds
from voicebill.answers.recorded.query import CostQuery
from voicebill.billing.recent_texts import cache_while_reading
from voicebill.billing.record import Record
from voicebill.billing.sku_periods import Sku, normalize_name
from voicebill.engines.sql import DETAIL_COLUMNS

_NO_DETAILS = (None,) * len(DETAIL_COLUMNS)
_details = attrgetter(*DETAIL_COLUMNS)

USAGE_SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("kind", pa.string()),
        ("provider", pa.string()),
        ("model", pa.string()),
        ("deployment", pa.string()),
        ("region", pa.string()),
        ("tier", pa.string()),
        ("sku", pa.string()),
        ("session", pa.string()),
        ("turn", pa.int64()),
        ("tenant", pa.string()),
        ("project", pa.string()),
        ("day", pa.date32()),
        ("time", pa.timestamp("us", tz="UTC")),
        ("hour", pa.int32()),
        ("since_ms", pa.int64()),
        ("until_ms", pa.int64()),
        ("outcome", pa.string()),
        ("status", pa.string()),
        ("reading", pa.int32()),
        ("part", pa.int32()),
        ("meter", pa.string()),
        ("quantity", pa.int64()),
        ("repeated_input", pa.int64()),
        ("source", pa.string()),
        ("line_number", pa.int64()),
        ("completeness", pa.int64()),
        ("content_hash", pa.string()),
        *((name, pa.string() if name == "prompt" else pa.int64()) for name in DETAIL_COLUMNS),
    ]
)
USAGE_COLUMNS = tuple(USAGE_SCHEMA.names)
INCOMING_SCHEMA = USAGE_SCHEMA.append(pa.field("place", pa.int64()))
"""The columns of rows that may contain duplicates: those of the usage table and `place`, the position of the record."""
ROWS_PER_RECORD_BATCH = 60_000
ARROW_TYPES = {int: pa.int64(), str: pa.string(), date: pa.date32()}

SEPARATOR = "|"

ROW_COLUMNS = ("reading", "part", "meter", "quantity", "repeated_input")
"""The columns in which the rows of one record differ."""
COMMON_COLUMNS = tuple(name for name in INCOMING_SCHEMA.names if name not in ROW_COLUMNS)

UsageRow = tuple[int, int, int, str, int, int | None]
RecordValues = tuple[Any, ...]


def parse_sku(text: str, query: CostQuery) -> tuple[Sku, list[str]]:
    """Return the SKU of a value of the column `sku`, with the query's defaults applied, and the names of the missing fields.

    >>> sku, missing = parse_sku("|gpt-realtime||swedencentral|", CostQuery())
    >>> str(sku), missing
    ('gpt-realtime at openai (swedencentral)', ['provider', 'deployment'])
    """
    provider, model, deployment, region, tier = text.split(SEPARATOR)
    missing = [name for name, value in (("provider", provider), ("deployment", deployment)) if not value]
    return Sku(
        provider or query.provider, model, deployment or query.deployment, region or query.region, tier or query.tier
    ), missing


def coded_batches(records: Iterable[Record], rows: int = ROWS_PER_RECORD_BATCH) -> Iterator[pa.RecordBatch]:
    """Write records as batches of about `rows` rows each with the columns of `INCOMING_SCHEMA`, lazily.

    What all rows of a record have in common is written once: these columns are dictionaries, with an entry for each record.
    """
    record_values: list[RecordValues] = []
    counted: list[UsageRow] = []
    for position, record in enumerate(records):
        counted += _usage_rows(record, len(record_values))
        record_values.append((*_record_values(record), position))
        if len(counted) >= rows:
            yield _coded_batch(record_values, counted)
            record_values, counted = [], []
    if counted:
        yield _coded_batch(record_values, counted)


def usage_table(records: Iterable[Record]) -> pa.Table:
    """Return records as one Arrow table in the schema `USAGE_SCHEMA`."""
    return pa.Table.from_batches(map(_decoded_batch, coded_batches(records)), schema=USAGE_SCHEMA)


def _record_values(record: Record) -> RecordValues:
    """Return what all rows of a record have in common, in the order of `COMMON_COLUMNS` without `place`."""
    return (
        record.key,
        record.kind,
        *_sku_columns(record.provider, record.model, record.deployment, record.region, record.tier),
        record.session,
        record.turn,
        record.tenant,
        record.project,
        record.day,
        record.time,
        record.time.hour if record.time else None,
        epoch_milliseconds(record.session_started_at) if record.session_started_at else None,
        epoch_milliseconds(record.time) if record.time else None,
        record.outcome,
        record.status,
        record.source,
        record.line_number,
        record.completeness,
        record.content_hash,
        *(_NO_DETAILS if record.details is None else _details(record.details)),
    )


def _usage_rows(record: Record, index: int) -> Iterator[UsageRow]:
    """Yield the rows of a record: its index, and the values of `ROW_COLUMNS`."""
    is_range = record.is_range
    repeated_input = None if is_range else record.repeated_input
    part = 0
    for reading, usage in enumerate(record.usage_candidates, start=1 if is_range else 0):
        for meter, quantity in usage.quantities.items() or (("", 0),):
            repeated = repeated_input.get(meter, 0) if repeated_input is not None and meter else None
            yield index, reading, part, meter, quantity, repeated
            part += 1


@cache_while_reading(4096)
def _sku_columns(*names: str | None) -> tuple[str | None, ...]:
    """Return the normalized parts of a SKU, and the SKU."""
    values = tuple(normalize_name(name) or None for name in names)
    return (*values, SEPARATOR.join(value or "" for value in values))


def small_table(columns: Mapping[str, type], rows: Sequence[Sequence[Any]]) -> pa.Table:
    """Return an Arrow table of integers, texts and days, such as the prices that a query needs."""
    column_values = zip(*rows, strict=True) if rows else ([] for _ in columns)
    arrays = [
        pa.array(column, ARROW_TYPES[column_type]) for column, column_type in zip(column_values, columns.values(), strict=True)
    ]
    return pa.table(arrays, names=list(columns))


def _coded_batch(record_values: Sequence[RecordValues], counted: Sequence[UsageRow]) -> pa.RecordBatch:
    """Return the values of records, and rows with the index of their record, as a batch."""
    indices, *row_columns = zip(*counted, strict=True)
    record_index = pa.array(indices, pa.int32())
    arrays = {
        name: pa.DictionaryArray.from_arrays(record_index, pa.array(column, INCOMING_SCHEMA.field(name).type))
        for name, column in zip(COMMON_COLUMNS, zip(*record_values, strict=True), strict=True)
    }
    for name, column in zip(ROW_COLUMNS, row_columns, strict=True):
        arrays[name] = pa.array(column, INCOMING_SCHEMA.field(name).type)
    return pa.RecordBatch.from_arrays([arrays[name] for name in INCOMING_SCHEMA.names], names=INCOMING_SCHEMA.names)


def _decoded_batch(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch without dictionaries, in the schema `USAGE_SCHEMA`. This loads pyarrow.compute, which takes a while."""
    columns = (batch.column(name) for name in USAGE_COLUMNS)
    arrays = [column.dictionary_decode() if isinstance(column, pa.DictionaryArray) else column for column in columns]
    return pa.RecordBatch.from_arrays(arrays, schema=USAGE_SCHEMA)
