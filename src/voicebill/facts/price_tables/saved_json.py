"""Read saved JSON: one document, several after each other, or one per line; also compressed with gzip."""

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from voicebill.answers.catalog.price_tables import ListedPrice, PriceField
from voicebill.billing.errors import InvalidInput
from voicebill.billing.validation import format_value, is_reasonable, parse_exact
from voicebill.billing.validity import PartialDate
from voicebill.facts.files import UnreadableFile

MAX_TABLE_BYTES = 500_000_000
GZIP_START = b"\x1f\x8b"
DOUBLE_DIGITS = 15
"""A binary float has no more decimal digits than these; what follows them is noise of its conversion."""


@dataclass(slots=True)
class TableReading:
    """What is counted while a table is read: entries that are not compared by reason, and those that cannot be read."""

    skipped: dict[str, int] = field(default_factory=dict)
    malformed: list[str] = field(default_factory=list)

    def skip(self, reason: str) -> None:
        """Count an entry that is not compared."""
        self.skipped[reason] = self.skipped.get(reason, 0) + 1


def read_documents(file: Path, reading: TableReading) -> list[Any]:
    """Return the JSON documents of a file, with exact numbers. Lines that are no JSON are counted as malformed.

    Raises:
        UnreadableFile: it is missing, a folder, too large, damaged, or not text.
    """
    return list(_documents(_text(file), file.name, reading))


def _text(file: Path) -> str:
    try:
        if file.exists() and not (file.is_file() or file.is_dir()):
            raise UnreadableFile(f"{file} is not a regular file")
        with file.open("rb") as stream:
            is_gzip = stream.peek(len(GZIP_START))[: len(GZIP_START)] == GZIP_START
            content = (gzip.GzipFile(fileobj=stream) if is_gzip else stream).read(MAX_TABLE_BYTES + 1)
    except FileNotFoundError:
        raise UnreadableFile(f"there is no file {file}") from None
    except IsADirectoryError:
        raise UnreadableFile(f"{file} is a folder, not a file") from None
    except UnreadableFile:
        raise
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise UnreadableFile(f"{file} cannot be decompressed: it is damaged or ends early") from None
    except OSError as error:
        raise UnreadableFile(f"{file} cannot be read: {error.strerror or error}") from None
    if len(content) > MAX_TABLE_BYTES:
        raise UnreadableFile(f"{file} has more than {MAX_TABLE_BYTES:,} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableFile(f"{file} is not text in UTF-8") from None


def _documents(text: str, name: str, reading: TableReading) -> Iterator[Any]:
    decoder = json.JSONDecoder(parse_float=parse_exact, parse_int=parse_exact)
    position = _next_position(text, 0)
    while position < len(text):
        try:
            document, end = decoder.raw_decode(text, position)
            yield document
        except (ValueError, RecursionError):
            line_number = text.count("\n", 0, position) + 1
            reading.malformed.append(f"{name}, line {line_number}: no JSON")
            line_end = text.find("\n", position)
            end = len(text) if line_end < 0 else line_end
        position = _next_position(text, end)


def _next_position(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position


def exact_price(value: object) -> Decimal:
    """A price as it was meant: a number or its text, without the noise of binary floats.

    >>> exact_price(Decimal("0.000031999999999999996")), exact_price("3.2e-05")
    (Decimal('0.0000320000000000000'), Decimal('0.000032'))

    Raises:
        InvalidInput: it is not a number, negative, or out of range.
    """
    number = parse_exact(value) if isinstance(value, str) else value
    if not isinstance(number, Decimal) or not number.is_finite():
        raise InvalidInput(f"a price must be a number, not {format_value(value)}")
    rounded = round_noise(number)
    if rounded < 0 or not is_reasonable(rounded.normalize()):
        raise InvalidInput(f"a price must be from 0 up, and not be out of range, not {value}")
    return rounded


def listed_prices(values: Mapping[str, object], fields: Mapping[str, PriceField]) -> dict[str, ListedPrice]:
    """The prices among values by our meters: of several fields of a meter, that which is named first.

    A price of 0 stands for one that the table does not have. Of prices by the length of the context it is the base.

    Raises:
        InvalidInput: one of them is no price.
    """
    prices: dict[str, ListedPrice] = {}
    for name, field_of_price in fields.items():
        value = values.get(name)
        base = value.get("base") if isinstance(value, dict) else value
        if base is not None and (dollars := exact_price(base)):
            prices.setdefault(field_of_price.meter, ListedPrice(dollars, field_of_price))
    return prices


def round_noise(number: Decimal) -> Decimal:
    """A number with at most fifteen significant digits.

    >>> round_noise(Decimal("0.30000000000000004")).normalize()
    Decimal('0.3')
    """
    digits = len(number.as_tuple().digits)
    exponent = number.as_tuple().exponent
    if digits <= DOUBLE_DIGITS or not isinstance(exponent, int):
        return number
    return number.quantize(Decimal(1).scaleb(exponent + digits - DOUBLE_DIGITS))


def first_day(value: object) -> date | None:
    """The day at the start of a text such as `2026-05-01T00:00:00Z`; None without one.

    Raises:
        InvalidInput: it is not a day.
    """
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise InvalidInput(f"a day must be text, not {format_value(value)}")
    return PartialDate.parse(value[:10]).first
