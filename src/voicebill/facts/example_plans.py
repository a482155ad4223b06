"""Provide the example plans in the folder `example_plans`, which users copy and change."""

import json
import re
from dataclasses import replace
from importlib.resources import files

from voicebill.answers.parameters import kinds
from voicebill.answers.parameters.inputs import ESTIMATE, Input, groups_of
from voicebill.answers.parameters.plan_schema import PLAN_SCHEMA
from voicebill.answers.parameters.table_schema import read_table
from voicebill.answers.parsing.quantities import format_percent
from voicebill.conversation.plan import Plan

_FOLDER = files("voicebill.facts") / "example_plans"

EXAMPLE_PLANS: tuple[str, ...] = tuple(
    sorted(file.name.removesuffix(".toml") for file in _FOLDER.iterdir() if file.name.endswith(".toml"))
)


def example_plan_text(name: str) -> str:
    """Return the text of an example plan's file, with its comments.

    >>> example_plan_text("support-bot").splitlines()[0]
    '# An interactive customer support bot.'
    """
    return (_FOLDER / f"{name}.toml").read_text(encoding="utf-8")


def complete_plan_text(name: str) -> str:
    """Return an example plan followed by a commented line for every key that it does not set, with an example value.

    >>> next(line for line in complete_plan_text("support-bot").splitlines() if line.startswith("# region"))
    '# region = "swedencentral"  # Azure region, such as swedencentral. (default: any)'
    """
    import tomllib  # noqa: PLC0415 - costs start-up time, and only this function reads TOML here

    text = example_plan_text(name)
    table = tomllib.loads(text)
    fields = {key: value for key, value in read_table(table, PLAN_SCHEMA, []).items() if value is not None}
    truncation = table.get("truncation")
    set_keys = {*fields, *(truncation if isinstance(truncation, dict) else ())}
    unset = [row for row in ESTIMATE.values() if row.name not in set_keys]
    user_share, assistant_share = Plan(
        **{key: fields[key] for key in ("minutes", "turns", "user_share", "assistant_share") if key in fields}
    ).speech_shares
    examples = {"silence_share": format_percent(float(1 - user_share - assistant_share))}
    parts = [text, "# All other keys, each with an example. Remove the # in front of a line to set it.\n"]
    for group, rows in groups_of(unset).items():
        lines = [_commented_line(row, examples.get(row.name, row.example)) for row in rows]
        parts.append("\n".join((f"# {group}:", *lines, "")))
    return "\n".join(parts)


def _commented_line(row: Input, example: str) -> str:
    if row.requires:
        row = replace(row, help=f"{row.help}; requires {' and '.join(row.requires)}")
    return f"# {row.name} = {toml_value(row, example)}  # {row.help_with_default}"


def toml_value(row: Input, text: str) -> str:
    """An input's value in TOML: a number, a day or a list where its text is one.

    >>> [toml_value(ESTIMATE[name], text) for name, text in (("turns", "1,000"), ("user_share", "45%"), ("platforms", "a/b"))]
    ['1000', '"45%"', '["a/b"]']
    """
    if row.kind is kinds.FLAG:
        return "true"
    if row.kind is kinds.DAY:
        return text
    if row.kind is kinds.NAMES:
        return json.dumps(text.split(","))
    number = text.replace(",", "")
    is_number = row.kind.json_type in ("integer", "number") and re.fullmatch(r"\d+(\.\d+)?", number)
    return number if is_number else json.dumps(text)
