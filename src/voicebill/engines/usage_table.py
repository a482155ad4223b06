"""The usage table: a row for each record, reading and meter, as Arrow batches and as Parquet files hold it.

| column | what |
|---|---|
| key, kind, status, outcome | which record, what was charged, how far its counts can be trusted, how it ended |
| provider, model, deployment, region, tier | how it was bought, in small letters, as far as the log says |
| sold | the five in one, as `sold_as` takes them apart |
| session, turn, tenant | whose it was |
| day, time, hour | when, in UTC; `hour` is that of the day |
| since_ms, until_ms | when its session was first seen, and when it ended, in ms since 1970 |
| reading | 0 where the counts determine the usage; 1, 2 and so on are the extreme ways to read them otherwise |
| part | 0 in a record's first row |
| meter, quantity | what was counted; empty and 0 where a record counted nothing |
| reread | how much of the quantity had been read before in its session; null where unknown |
| source, ordinal | file and line, or row |
| rank, digest | which of several records of one key counts, and whether two say the same |
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa

from voicebill.answers.cost import CostAsked
from voicebill.answers.rows import milliseconds
from voicebill.billing.record import Record
from voicebill.billing.sold import Sold, plain

SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("kind", pa.string()),
        ("provider", pa.string()),
        ("model", pa.string()),
        ("deployment", pa.string()),
        ("region", pa.string()),
        ("tier", pa.string()),
        ("sold", pa.string()),
        ("session", pa.string()),
        ("turn", pa.int64()),
        ("tenant", pa.string()),
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
        ("reread", pa.int64()),
        ("source", pa.string()),
        ("ordinal", pa.int64()),
        ("rank", pa.int64()),
        ("digest", pa.string()),
    ]
)
COLUMNS = tuple(SCHEMA.names)
TOLD = SCHEMA.append(pa.field("place", pa.int64()))
"""Rows as they are read: with the place of their record among all that were told, so that repeats can be settled."""
BATCH_ROWS = 60_000
ARROW = {int: pa.int64(), str: pa.string(), date: pa.date32()}

SEPARATOR = "|"
BOUGHT = ("provider", "model", "deployment", "region", "tier")

Row = tuple[Any, ...]


def sold_as(written: str, asked: CostAsked) -> tuple[Sold, list[str]]:
    """A name of the column `sold`, filled up with what is taken where it says nothing; and which of that was missing.

    >>> sold, missing = sold_as("|gpt-realtime||swedencentral|", CostAsked())
    >>> str(sold), missing
    ('gpt-realtime at openai (swedencentral)', ['provider', 'deployment'])
    """
    provider, model, deployment, region, tier = written.split(SEPARATOR)
    missing = [name for name, said in (("provider", provider), ("deployment", deployment)) if not said]
    return Sold(
        provider or asked.provider, model, deployment or asked.deployment, region or asked.region, tier or asked.tier
    ), missing


def batches(records: Iterable[Record], rows: int = BATCH_ROWS) -> Iterator[pa.RecordBatch]:
    """Records as batches of rows in the schema `TOLD`, lazily; of about `rows` rows each."""
    kept: list[Row] = []
    for place, record in enumerate(records):
        kept.extend((*row, place) for row in rows_of(record))
        if len(kept) >= rows:
            yield _batch(kept)
            kept = []
    if kept:
        yield _batch(kept)


def usage_table(records: Iterable[Record]) -> pa.Table:
    """Records as one Arrow table in the schema `SCHEMA`."""
    return pa.Table.from_batches(batches(records), schema=TOLD).select(COLUMNS)


def rows_of(record: Record) -> Iterator[Row]:
    """The rows of a record, in the columns' order."""
    bought = tuple(plain(getattr(record, name)) or None for name in BOUGHT)
    before = (
        record.key,
        record.kind,
        *bought,
        SEPARATOR.join(each or "" for each in bought),
        record.session,
        record.turn,
        record.tenant,
        record.day,
        record.time,
        record.time.hour if record.time else None,
        milliseconds(record.began) if record.began else None,
        milliseconds(record.time) if record.time else None,
        record.outcome,
        record.status,
    )
    after = (record.source, record.ordinal, record.rank, record.digest)
    bounded = record.status == "bounded"
    part = 0
    for reading, usage in enumerate(record.readings, start=1 if bounded else 0):
        for meter, quantity in usage.items():
            again = None if record.reread is None or bounded else record.reread.get(meter, 0)
            yield (*before, reading, part, meter, quantity, again, *after)
            part += 1
    if not part:
        yield (*before, 1 if bounded else 0, 0, "", 0, None, *after)


def small_table(columns: Mapping[str, type], rows: Sequence[Sequence[Any]]) -> pa.Table:
    """Rows of whole numbers, texts and days, such as the prices that a question needs."""
    filled = zip(*rows, strict=True) if rows else ([] for _ in columns)
    arrays = [pa.array(column, ARROW[kind]) for column, kind in zip(filled, columns.values(), strict=True)]
    return pa.table(arrays, names=list(columns))


def _batch(rows: list[Row]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, TOLD, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=TOLD)
