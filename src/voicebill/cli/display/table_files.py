"""Write answers as tables to files. A file is complete, or it is not written at all."""

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from voicebill.answers.escaping import csv_text
from voicebill.answers.invoices.focus import FocusColumn, FocusValue, focus_cell
from voicebill.answers.recorded.result import Cost
from voicebill.answers.reports.handout import Handout
from voicebill.answers.reports.handout_formats import HANDOUT_FORMATS, HandoutFormat
from voicebill.billing.errors import InvalidInput
from voicebill.facts.files import UnreadableFile

if TYPE_CHECKING:
    import pyarrow as pa

TABLE_SUFFIXES = (".csv", ".parquet")


def write_table(answer: Cost, file: Path) -> None:
    """Write the groups of a cost report, or the lines of its bill without groups, as CSV or Parquet by the file's suffix.

    Dollars are exact to twelve decimals.

    Raises:
        InvalidInput: the suffix is neither .csv nor .parquet.
        UnreadableFile: the file cannot be written.
    """
    suffix = file.suffix.lower()
    if suffix not in TABLE_SUFFIXES:
        raise InvalidInput(f"--out writes {' or '.join(TABLE_SUFFIXES)}, by the file's name, not {file.name}")
    _write(_csv(answer) if suffix == ".csv" else _parquet(_cost_table(answer)), file)


def write_focus(columns: Sequence[FocusColumn], rows: Sequence[tuple[FocusValue, ...]], file: Path) -> None:
    """Write rows of FOCUS as CSV or Parquet by the file's suffix.

    Raises:
        UnreadableFile: the file cannot be written.
    """
    if file.suffix.lower() == ".csv":
        titles = [column.name for column in columns]
        _write(csv_text([titles, *([focus_cell(value) for value in row] for row in rows)]).encode(), file)
        return
    from voicebill.engines.focus_table import focus_table  # noqa: PLC0415 - tables need an extra

    _write(_parquet(focus_table(columns, rows)), file)


def require_table_file(file: Path | None, option: str) -> None:
    """Refuse an option without a file for its table, before an answer is computed that could not be written.

    Raises:
        InvalidInput: there is none, or its suffix is neither .csv nor .parquet.
    """
    if file is None or file.suffix.lower() not in TABLE_SUFFIXES:
        raise InvalidInput(f"{option} needs --out FILE, a {' or '.join(TABLE_SUFFIXES)} file", field="out", is_sentence=True)


def write_handout(handout: Handout, file: Path) -> None:
    """Write a document in the format of the file's suffix.

    Raises:
        InvalidInput: no format has the suffix.
        UnreadableFile: the file cannot be written.
    """
    _write(_handout_format(file).write(handout).encode(), file)


def require_handout_file(file: Path | None, option: str = "--out") -> None:
    """Refuse a file of an option whose suffix no format has, before an answer is computed that could not be written.

    Raises:
        InvalidInput: it has such a suffix.
    """
    if file is not None:
        _handout_format(file, option)


def _handout_format(file: Path, option: str = "--out") -> HandoutFormat:
    document_format = HANDOUT_FORMATS.get(file.suffix.lower().removeprefix("."))
    if document_format is None:
        raise InvalidInput(f"{option} writes .md, .csv or .html, by the file's name, not {file.name}")
    return document_format


def write_text(text: str, file: Path) -> None:
    """Write a text.

    Raises:
        UnreadableFile: the file cannot be written.
    """
    _write(text.encode(), file)


def _write(content: bytes, file: Path) -> None:
    draft = file.with_name(f".{file.name}.{uuid4().hex[:12]}.tmp")
    try:
        with draft.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(file)
    except OSError as error:
        raise UnreadableFile(f"{file} cannot be written: {error.strerror or error}") from None
    finally:
        draft.unlink(missing_ok=True)


def _csv(answer: Cost) -> bytes:
    from voicebill.engines.cost_table import cost_cells as groups  # noqa: PLC0415 - tables need an extra

    titles, rows = groups(answer)
    return csv_text([titles, *rows]).encode()


def _cost_table(answer: Cost) -> "pa.Table":
    from voicebill.engines.cost_table import cost_table  # noqa: PLC0415 - tables need an extra

    return cost_table(answer)


def _parquet(table: "pa.Table") -> bytes:
    from pyarrow import parquet  # noqa: PLC0415 - Parquet needs an extra

    buffer = io.BytesIO()
    parquet.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()
