"""Render the tables of the declared inputs in a page of the documentation, between two comments of Markdown.

As a program (`make docs`) it reads a page from standard input, and writes it with the tables of today.
"""

import re
from collections.abc import Mapping

from voicebill.answers.parameters import kinds
from voicebill.answers.parameters.inputs import (
    CALL_VOLUME,
    CAPACITY,
    COMPARISON,
    CONNECTION_COSTS,
    LOG_DEFAULTS,
    LOG_QUERY,
    LOG_READING,
    PLAN,
    PRICE_LIST,
    PTU,
    RECONCILE_QUERY,
    RECORD_QUERY,
    REPLAY_QUERY,
    SELECTION,
    SESSION_QUERY,
    VERIFY_QUERY,
    Input,
    Inputs,
)

INPUT_TABLES: Mapping[str, Inputs] = {
    "plan": PLAN,
    "selection": SELECTION,
    "volume": CALL_VOLUME,
    "connection": CONNECTION_COSTS,
    "comparison": COMPARISON,
    "price list": PRICE_LIST,
    "capacity": CAPACITY,
    "ptu": PTU,
    "log defaults": LOG_DEFAULTS,
    "log query": LOG_QUERY,
    "session query": {name: row for name, row in SESSION_QUERY.items() if name not in {**LOG_QUERY, **SELECTION}},
    "replay query": {name: row for name, row in REPLAY_QUERY.items() if name not in {**LOG_QUERY, "rules": None}},
    "verify query": {name: row for name, row in VERIFY_QUERY.items() if name not in LOG_QUERY},
    "reconcile query": {name: row for name, row in RECONCILE_QUERY.items() if name not in {**RECORD_QUERY, **VERIFY_QUERY}},
    "log reading": LOG_READING,
}
"""The tables that a page can have, by the name in their comments."""

_TABLE = re.compile(r"(?s)(<!-- inputs: ([a-z ]+) -->\n).*?(<!-- end of inputs -->)")


def input_table(inputs: Inputs) -> str:
    """A table of inputs in Markdown: name, default, and meaning.

    >>> print(input_table({"user_share": PLAN["user_share"]}).splitlines()[2].partition(" Assumed")[0])
    | `user_share` | 40% | Share of the time in which the user speaks: 40% or 0.4. Example: `45%`.
    """
    heading = ("| parameter | default | meaning, and the reason for the default |", "|---|---|---|")
    return "\n".join([*heading, *map(_row, inputs.values())]) + "\n"


def _row(row: Input) -> str:
    default = "required" if row.is_required else row.default_as_text
    return f"| `{row.name}` | {_cell(default)} | {_cell(meaning_text(row))} |"


def meaning_text(row: Input) -> str:
    """What an input means, in sentences: its help, words, example, what it requires, and the reason for its default."""
    sentences = [row.help]
    if row.choices:
        sentences.append(f"One of {', '.join(f'`{choice}`' for choice in row.choices)}")
    example = "true" if row.kind is kinds.FLAG else row.example
    if example and example not in row.choices:
        sentences.append(f"Example: `{example}`")
    if row.requires:
        sentences.append(f"Requires {' and '.join(f'`{name}`' for name in row.requires)}")
    if row.meaning:
        sentences.append(row.meaning[0].upper() + row.meaning[1:])
    return ". ".join(sentences) + "."


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("\n", " ")


def with_input_tables(text: str) -> str:
    r"""A page with the tables between its comments written anew.

    >>> print(with_input_tables("<!-- inputs: volume -->\n<!-- end of inputs -->").splitlines()[4].partition(". ")[0])
    | `conversations` | none | Volume per period: 1,000/month, 50/day
    """
    return _TABLE.sub(lambda match: f"{match[1]}\n{input_table(INPUT_TABLES[match[2]])}\n{match[3]}", text)
