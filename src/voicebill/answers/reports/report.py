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
from itertools import groupby
from operator import attrgetter
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
        return {key: value if type(value) in SCALARS else _to_plain(value) for key, value in _members(self).items()}

    def to_json(self) -> str:
        """The JSON object as text, indented."""
        return json_text(self.to_dict(), indent=2)

    def to_compact_json(self) -> str:
        """The JSON object as text, without spaces. The text of reports that many answers share is written once."""
        texts = []
        for is_shared, members in groupby(_members(self).items(), key=lambda member: _is_shared(member[1])):
            if is_shared:
                texts += [f'"{key}":{_shared_text(report)}' for key, report in members]
            else:
                texts.append(json_text(dict(members), default=_members)[1:-1])
        return f"{{{','.join(texts)}}}"


def _members(value: "Report | Mapping[str, object]") -> Mapping[str, object]:
    """The values of a JSON object by key: those of a report, or of a mapping that is no dict."""
    if not isinstance(value, Report):
        return dict(value)
    keys, values, is_complete = _json_fields(type(value))  # type: ignore[arg-type] # mypy takes a dataclass for one without hash
    members = dict(zip(keys, values(value), strict=True))
    return members if is_complete else {key: item for key, item in members.items() if item is not LeftOut.LEFT_OUT}


@cache
def _json_fields(report: type[Report]) -> tuple[tuple[str, ...], Callable[[Report], tuple[object, ...]], bool]:
    """The JSON keys of a report's class, its values in the same order, and whether none of them can be left out."""
    rows = fields(report)
    is_complete = all(row.default_factory is not left_out for row in rows)
    names = tuple(row.name for row in rows)
    keys = tuple(row.metadata.get("alias", row.name) for row in rows)
    if len(names) < 2:  # `attrgetter` of one name gives its value, not a tuple
        return keys, lambda instance: tuple(getattr(instance, name) for name in names), is_complete
    return keys, attrgetter(*names), is_complete


def _is_shared(value: object) -> bool:
    return isinstance(value, Report) and value.IS_SHARED


@lru_cache(maxsize=128)
def _shared_text(report: Report) -> str:
    return json_text(report, default=_members)


def _to_plain(value: object) -> Any:  # noqa: ANN401 - JSON
    match value:
        case Report():
            return value.to_dict()
        case tuple() | list():
            return [_to_plain(item) for item in value]
        case Mapping():
            return {key: _to_plain(item) for key, item in value.items()}
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
