"""Write texts of logs, files and requests into each medium, so that none of them is taken for anything but text.

A name in a log may contain a terminal's escape sequence, a formula of a spreadsheet or a character that turns the direction of
the text around it. There is one function for each medium; whatever writes to the medium uses it at its single exit.
The HTML of templates is escaped by them, after `visible_text`.
"""

import csv
import html
import io
import json
import re
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import cache
from typing import Any

CsvCell = str | int | Decimal | None

LINE_CONTROLS = "\t\n"
_ESCAPES = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}
_INVISIBLE = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # controls, C1 among them
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # the direction of text
    "\u00ad\u180e\u200b\u2028\u2029\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb"  # other characters that are not shown
    "\ud800-\udfff"  # halves of pairs: bytes of a file name that are not UTF-8
    "\U000e0000-\U000e007f"  # tags
    "]"
)
_FORMULA_START = re.compile(r"(^|;)(['\"\s]*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")
_NEGATIVE_NUMBER = re.compile(r"-\d+(\.\d+)?")
_MARKDOWN = re.compile(r"[\\`*\[\]|]")


def visible_text(text: str, *, keep: str = "") -> str:
    r"""A text for people: characters that are not shown, or that change what is shown around them, as their code.

    These are all control characters, marks of the direction of text, and other invisible characters except joiners, which
    emoji and some scripts need. `keep` are controls that the medium needs, such as line breaks.

    >>> print(visible_text("a\x1b[2J\x9b1m\u202e\tb"))
    a\x1b[2J\x9b1m\u202e\tb
    >>> visible_text("São Paulo, 東京")
    'São Paulo, 東京'
    """
    return _INVISIBLE.sub(lambda match: match[0] if match[0] in keep else _escape(match[0]), text)


def _escape(character: str) -> str:
    code = ord(character)
    return _ESCAPES.get(character) or (
        f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
    )


def json_text(document: object, *, indent: int | None = None, default: Callable[[Any], object] | None = None) -> str:
    r"""A JSON document as text, with JSON's own escapes for invisible characters: whoever reads it gets the same texts.

    `default` turns values that JSON does not have into others.

    >>> json_text({"tenant": "São\x9bPaulo\u202e"})
    '{"tenant":"São\\u009bPaulo\\u202e"}'
    """
    text = _encoder(indent, default).encode(document)
    if text.isascii() and "\x7f" not in text:  # JSON escapes all other controls by itself
        return text
    return _INVISIBLE.sub(lambda match: match[0] if match[0] == "\n" else _escape_in_json(match[0]), text)


@cache
def _encoder(indent: int | None, default: Callable[[Any], object] | None) -> json.JSONEncoder:
    separators = (",", ":") if indent is None else None
    check_circular = default is None  # reports are frozen, and contain no circles
    return json.JSONEncoder(
        ensure_ascii=False, check_circular=check_circular, indent=indent, separators=separators, default=default
    )


def _escape_in_json(character: str) -> str:
    return f"\\u{ord(character):04x}" if ord(character) < 0x10000 else json.dumps(character)[1:-1]


def csv_text(rows: Iterable[Sequence[CsvCell]]) -> str:
    r"""Rows as CSV. A text that a spreadsheet would take for a formula has an apostrophe before it; numbers are unchanged.

    A semicolon separates cells, too, in the spreadsheets of some countries.

    >>> csv_text([["=1+1", "-0.5", "-1+1", Decimal("-0.5"), "a;@b", "\tx", None]])
    "'=1+1,-0.5,'-1+1,-0.5,a;'@b,\\tx,\n"
    """
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([_csv_cell(cell) for cell in row] for row in rows)
    return out.getvalue()


def _csv_cell(cell: CsvCell) -> str | int | None:
    if isinstance(cell, Decimal):
        return f"{cell:f}"
    if not isinstance(cell, str) or _NEGATIVE_NUMBER.fullmatch(cell):
        return cell
    return _FORMULA_START.sub(r"\1'\2", visible_text(cell))


def markdown_text(text: str) -> str:
    r"""A text in Markdown that makes no markup, link, picture or table cell. Addresses stay as they are.

    >>> print(markdown_text("a|b [c](d) <img>"))
    a\|b \[c\](d) &lt;img>
    """
    return _MARKDOWN.sub(r"\\\g<0>", visible_text(text)).replace("<", "&lt;")


def html_text(text: str) -> str:
    r"""A text in HTML, in an element or in the value of an attribute between double quotes.

    >>> print(html_text('<a href="x">S&P\x1b</a>'))
    &lt;a href=&quot;x&quot;&gt;S&amp;P\x1b&lt;/a&gt;
    """
    return html.escape(visible_text(text, keep=LINE_CONTROLS))


def chart_text(text: str) -> str:
    r"""A text in a chart: lets-plot takes `<a href="...">` for a link and `\(...\)` for a formula.

    >>> print(chart_text('<a href="x">acme</a>'))
    \x3ca href="x">acme\x3c/a>
    """
    return visible_text(text, keep="\n").replace("\\(", "\\x5c(").replace("<", "\\x3c")
