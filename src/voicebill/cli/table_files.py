"""Answers as tables in files: whole, or not there at all."""

import csv
import io
import os
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

from voicebill.answers.cost import Cost
from voicebill.billing.errors import InvalidInput
from voicebill.facts.files import UnreadableFile

SUFFIXES = (".csv", ".parquet")


def write_table(answer: Cost, file: Path) -> None:
    """Write the groups of an answer, or its bill's lines where it has no groups, as CSV or Parquet by the file's name.

    Dollars are exact to twelve decimals. The file appears under its name when it is whole.

    Raises:
        InvalidInput: its name ends otherwise.
        UnreadableFile: it cannot be written.
    """
    suffix = file.suffix.lower()
    if suffix not in SUFFIXES:
        raise InvalidInput(f"--out writes {' or '.join(SUFFIXES)}, by the file's name, not {file.name}")
    content = _csv(answer) if suffix == ".csv" else _parquet(answer)
    draft = file.with_name(f".{file.name}.{uuid4().hex[:12]}.tmp")
    try:
        with draft.open("wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        draft.replace(file)
    except OSError as error:
        raise UnreadableFile(f"{file} cannot be written: {error.strerror or error}") from None
    finally:
        draft.unlink(missing_ok=True)


def _csv(answer: Cost) -> bytes:
    from voicebill.engines.cost_table import cells  # noqa: PLC0415 - tables are made by an extra

    titles, rows = cells(answer)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(titles)
    writer.writerows([f"{cell:f}" if isinstance(cell, Decimal) else cell for cell in row] for row in rows)
    return text.getvalue().encode()


def _parquet(answer: Cost) -> bytes:
    from pyarrow import parquet  # noqa: PLC0415 - only where it is asked for

    from voicebill.engines.cost_table import cost_table  # noqa: PLC0415

    buffer = io.BytesIO()
    parquet.write_table(cost_table(answer), buffer, compression="zstd")
    return buffer.getvalue()
