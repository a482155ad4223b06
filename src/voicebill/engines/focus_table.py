"""Convert rows of FOCUS to an Arrow table, for Parquet."""

from collections.abc import Iterable

import pyarrow as pa

from voicebill.answers.invoices.focus import FocusColumn, FocusValue
from voicebill.engines.cost_table import DOLLARS_TYPE

FOCUS_ARROW_TYPES = {
    "string": pa.string(),
    "json": pa.string(),
    "decimal": DOLLARS_TYPE,
    "datetime": pa.timestamp("us", tz="UTC"),
}


def focus_table(columns: Iterable[FocusColumn], rows: Iterable[tuple[FocusValue, ...]]) -> pa.Table:
    """Return rows of FOCUS as a table; numbers are DECIMAL(38, 12)."""
    schema = pa.schema([pa.field(column.name, FOCUS_ARROW_TYPES[column.type], column.is_nullable) for column in columns])
    return pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema)
