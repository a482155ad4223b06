"""Define what the reports of all answers have in common: how a frozen dataclass becomes JSON, and its schema.

A report is the one declaration of an answer's JSON. Python (`answer.to_dict()`), `--json` and the HTTP API give it, and the
OpenAPI document takes its schema, with the docstring below each field as the description.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from functools import cache, lru_cache
from importlib import import_module
from typing import Annotated, Any, ClassVar, NamedTuple

from voicebill.answers.escaping import json_text
from voicebill.billing.money import Amount, format_dollars

SCALARS = frozenset([str, int, float, bool, type(None)])
"""The types of values that are in JSON as they are."""


class LeftOut(Enum):
    """The value of a field that is not in the JSON at all."""

    LEFT_OUT = "left out"


def left_out() -> Any:  # noqa: ANN401 - the field has the type of the value that it may have
    """The default of a field that is only in some JSON: the key is left out unless the field is given.

    All other fields are always in the JSON, as null if there is no value. In the schema a field with this default is not
    required, and its type is that of the value.
    """
    return LeftOut.LEFT_OUT


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A JSON object with the fields of this dataclass, in their order, and no others.

    A field's JSON key is its name, or `alias` in its metadata. Fields are not inherited from other reports: pydantic reads
    the docstrings of a class's own fields only.
    """

    IS_SHARED: ClassVar[bool] = False
    """Whether many answers have the same report: its class compares by identity, and its JSON text is kept."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"use_attribute_docstrings": True, "extra": "forbid"}

    def to_dict(self) -> dict[str, Any]:
        """The JSON object, as dict, list, str, int, float, bool and None."""
        document: dict[str, Any] = {}
        for name, key in _json_keys(type(self)):  # type: ignore[arg-type] # mypy takes a dataclass for one that has no hash
            value = getattr(self, name)
            if type(value) in SCALARS:
                document[key] = value
            elif value is not LeftOut.LEFT_OUT:
                document[key] = _to_plain(value)
        return document

    def to_json(self) -> str:
        """The JSON object as text, indented."""
        return json_text(self.to_dict(), indent=2)

    def to_compact_json(self) -> str:
        """The JSON object as text, without spaces. The text of reports that many answers share is written once."""
        members = ((key, getattr(self, name)) for name, key in _json_keys(type(self)))  # type: ignore[arg-type] # as above
        texts = (f'"{key}":{_compact_text(value)}' for key, value in members if value is not LeftOut.LEFT_OUT)
        return f"{{{','.join(texts)}}}"


@cache
def _json_keys(report: type[Report]) -> tuple[tuple[str, str], ...]:
    """The fields of a report's class, each with its JSON key."""
    return tuple((field.name, field.metadata.get("alias", field.name)) for field in fields(report))


def _compact_text(value: object) -> str:
    return _shared_text(value) if isinstance(value, Report) and value.IS_SHARED else json_text(_to_plain(value))


@lru_cache(maxsize=128)
def _shared_text(report: Report) -> str:
    return json_text(report.to_dict())


def _to_plain(value: object) -> Any:  # noqa: ANN401 - JSON
    match value:
        case Report():
            return value.to_dict()
        case Mapping():
            return {key: _to_plain(item) for key, item in value.items()}
        case tuple() | list():
            return [_to_plain(item) for item in value]
        case _:
            return value


class TextFormat(NamedTuple):
    """The format of a text in the JSON: its pattern (None: any text) and an example, for the schema."""

    pattern: str | None
    example: str

    def __get_pydantic_core_schema__(self, source: object, handler: Callable[[object], dict[str, Any]]) -> dict[str, Any]:
        """The schema by which pydantic validates the text."""
        return handler(source) | ({"pattern": self.pattern} if self.pattern else {})

    def __get_pydantic_json_schema__(
        self, schema: dict[str, Any], handler: Callable[[dict[str, Any]], dict[str, Any]]
    ) -> dict[str, Any]:
        """The schema in the OpenAPI document."""
        return handler(schema) | {"examples": [self.example]}


DECIMAL_PATTERN = r"^-?\d+(\.\d+)?$"
Dollars = Annotated[str, TextFormat(DECIMAL_PATTERN, "0.8372544")]
"""Dollars, an exact decimal, to the picodollar."""
Ratio = Annotated[str, TextFormat(DECIMAL_PATTERN, "0.1247")]
"""A ratio with four decimals."""
DayText = Annotated[str, TextFormat(None, "2026-11-22")]
"""A day."""


@cache
def package_version() -> str:
    """The version of voicebill. It is looked up when it is first needed: `voicebill` imports what stands above this module."""
    version: str = import_module("voicebill").__version__
    return version


def dollars_or_null(amount: Amount | None) -> str | None:
    """An amount as dollars; None without one."""
    return None if amount is None else format_dollars(amount)


def format_decimal(number: Fraction) -> str:
    """A number as a plain decimal string, rounded half even to four decimals.

    >>> format_decimal(Fraction(1300, 17)), format_decimal(Fraction(1, 2))
    ('76.4706', '0.5')
    """
    return format(Decimal(round(number * 10_000)).scaleb(-4).normalize(), "f")


def decimal_text(value: Decimal) -> str:
    """A decimal as plain digits, so that nothing of it is lost.

    >>> decimal_text(Decimal("1E+2")), decimal_text(Decimal("0.80"))
    ('100', '0.8')
    """
    return format(value.normalize(), "f")


def plain_value(value: object) -> Any:  # noqa: ANN401 - the field says which type it is
    """A value of a plan or of a rule: a decimal as plain digits, all else unchanged."""
    return decimal_text(value) if isinstance(value, Decimal) else value
