"""Texts and JSON for any declared input: right ones, odd spellings of them, and wrong ones.

They are made from the row of the input, its kind and its bounds, so that a new row of a known kind needs nothing here.
"""

from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any

from tests.cases import DAY
from voicebill.answers.parameters.inputs import Input
from voicebill.billing.errors import VoicebillError
from voicebill.billing.offers import Kind
from voicebill.facts import load_facts

KIND_TEXTS: dict[str, tuple[str, ...]] = {
    "text": (),
    "flag": ("true",),
    "number": ("0", "1", "2.5", "0.001", "12", "1,000"),
    "dollars": ("0", "0.01", "0.000001", "1.5", "3"),
    "count": ("0", "1", "2", "5", "12", "30"),
    "tokens": ("0", "1", "129", "1,000", "2.5k", "20k"),
    "seconds": ("0", "1", "6", "60"),
    "share": ("0", "0%", "1%", "50%", "0.4", "33", "99.9%", "100%"),
    "share or true": ("0", "50%", "true", "no", "100%"),
    "turns": ("1", "1,2", "2, 3"),
    "minutes": ("1", "10", "90s", "1.5h", "0.5", "7 min"),
    "whole minutes": ("1", "5", "30", "1h"),
    "volume": ("1", "30000/month", "50/day", "7 per week", "1k/year", "0.5/month"),
    "day": (*[DAY.isoformat()] * 4, "2026-11-01", "2026-03-01", "2025-12-31", "2024-10-01", "2027-06-01"),
    "names": ("a", "a,b"),
    "load profile": (",".join(["1"] * 24), ",".join(map(str, range(24))), ",".join(["2.5"] * 168)),
    "service level": ("80% in 20s", "95% within 0 s", "100% in 1 min"),
    "tier": ("1", "Tier 3", "default"),
    "choice": (),
    "cached tokens": (),
    "fields": ("model", "tenant,model", "day,status", "session", "hour,meter,kind"),
    "plan fields": (),  # they are no text; `tests.fuzz.requests` has addresses with them
    "exchange rates": ("EUR=0.86", "EUR=0.86,GBP=0.75", "JPY=150"),
    "aliases": ("voice-prod=gpt-realtime", "a=gpt-realtime-mini,b=whisper-1"),
    "settings": ("instructions_tokens=800", "warm_cache=yes,cache=none", "instructions_change=0", "prompt=5"),
    "columns": ("tenant=team", "session=conversation.ref,time=at"),
    "filter": ("status = exact", "turn >= 2", "tenant = acme or model != x", "not (day < 2026-11-20)", "meter in (audio_in)"),
}
"""Right texts of a kind; those that belong to an input itself are added from its row."""

ODD = (
    *(
        " 5 ",
        "05",
        "+5",
        "5.0",
        "5.",
        ".5",
        "1e2",
        "1_000",
        "1.000",
        "1 000",
        "٣",
        "５",
        "½",
        "5k",
        "0.1m",
        "-0",
        "0.00000000001",
    ),
    *("100.0%", "5 %", "10 MIN", "0:30", "1h30", "1/3", "5/Day", "TRUE", "1,", ",", "1;2", "2026-1-1", "20261122"),
    *("99999999999", "100000000000000000001", "0.1" + "0" * 150 + "1"),
)
WRONG = (
    *(
        "ten",
        "-3",
        "-1%",
        "101%",
        "nan",
        "NaN",
        "inf",
        "-Infinity",
        "1e999",
        "1e-999",
        "0x10",
        "1+1",
        "=1+1",
        "--",
        "-",
        "/",
        "%",
    ),
    *(
        "\u00e9\u2028",
        "\u202e",
        "\x1b[31m",
        "'; DROP TABLE usage",
        '"',
        "'",
        "\\",
        "{}",
        "[1]",
        "null",
        "None",
        "🦊",
        "a=b",
        "[",
    ),
    *("2026-13-45", "2026-02-30", "0000-00-00", "9999-12-31", "0001-01-01", "5/fortnight", "5/", "/day", "x" * 150, "9" * 150),
    *("gpt-realtme", "aws", "not (", "turn >", "model = ", "a in ()", "=", "a=", "1:2", "5 10", "\ttab", "two\nlines", " ", ""),
)
JSON_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, 5, 40, -1, 0.5, 1.5, -0.0, 1e300, 1e-300, 10**12, 10**40, [], {}, [[]], [1, 2], ["a"], {"a": 1}),
    *([None], [True], [1.5, -1], [[6.5, 12], [3, 1]], {"retention_ratio": 0.8}, {"mode": "auto"}),
)


@cache
def _model_names(kind: Kind) -> tuple[str, ...]:
    return tuple(sorted(load_facts().prices.model_names(kind, DAY)))


def right_texts(row: Input) -> tuple[str, ...]:
    """Texts that an input takes, most of them in any combination with others."""
    return _right_texts(row.group, row.name, _Row(row))


@dataclass(frozen=True)
class _Row:
    """An input, as the key of a cache; inputs of the same name and group are the same."""

    row: Input = field(compare=False)


@cache
def _right_texts(_group: str, _name: str, key: _Row) -> tuple[str, ...]:
    row = key.row
    names = _model_names(row.models_of) if row.models_of else ()
    example = (row.example,) if row.example else ()
    texts = (*row.choices, *row.suggestions, *(row.choice_labels or ()), *example, *example, *names, *KIND_TEXTS[row.kind.name])
    return tuple(text for text in texts if is_read(row, text))


def is_read(row: Input, text: str) -> bool:
    """Whether a text is one that an input takes."""
    try:
        row.read(text)
    except VoicebillError:
        return False
    return True


def edge_texts(row: Input) -> tuple[str, ...]:
    """The bounds of a number, and what is just beyond them."""
    if row.bounds is None:
        return ()
    low, high = row.bounds.low, row.bounds.high
    return (f"{low:f}", f"{high:f}", f"{low - 1:f}", f"{high + 1:f}")


def random_text(random: Random, row: Input, *, oddness: float) -> str:
    """A text for an input: right, or with a probability of `oddness` an odd, wrong or extreme one."""
    texts = right_texts(row)
    if texts and random.random() >= oddness:
        return random.choice(texts)
    return random.choice((*ODD, *WRONG, *edge_texts(row) * 8))


def random_json(random: Random, row: Input, *, oddness: float) -> Any:
    """A value of JSON for an input: a text, a number if the text is one, or any other value."""
    if random.random() < oddness / 2:
        return random.choice(JSON_VALUES)
    text = random_text(random, row, oddness=oddness)
    return text if random.random() < 0.5 else _as_number(text)


def _as_number(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    try:
        return int(text) if text.isascii() and text.isdigit() else float(text) if text.replace(".", "", 1).isdigit() else text
    except ValueError:
        return text
