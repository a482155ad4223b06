"""Define and parse the options that several commands share."""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from voicebill.answers.catalog.facts import Facts
from voicebill.answers.parameters.table_schema import one_of
from voicebill.answers.parsing import quantities
from voicebill.billing.errors import InvalidInput, VoicebillError
from voicebill.charts.themes import THEMES, Theme
from voicebill.conversation.rules import ParameterValue, parse_parameter
from voicebill.facts import load_facts

SELECTION_PANEL = "Model, prices and rules"


def named_parser(option: str, parser: Callable[[str], Any]) -> Callable[[Any], Any]:
    """A parser of an option's value whose error message names the option.

    The parser raises VoicebillError if the value is not valid.
    """

    def parse(value: Any) -> Any:  # noqa: ANN401 - Typer passes a default unparsed
        if not isinstance(value, str):
            return value
        try:
            return parser(value)
        except VoicebillError as error:
            raise VoicebillError(error.text_with({}, option)) from None

    return parse


def choice_parser(*choices: str) -> Callable[[str], str]:
    """A parser that accepts one of these words, in upper or lower case."""
    parse = one_of(*choices)
    return lambda text: str(parse(text.strip().lower()))


def today() -> date:
    """Today's date in the user's time zone. This is the only place where a command reads the clock."""
    return datetime.now(UTC).astimezone().date()


def option(
    name: str, help_text: str, panel: str, parser: Callable[[str], Any] | None = None, metavar: str | None = None
) -> Any:  # noqa: ANN401 - Typer's option info
    """An option of a command; errors of its `parser` name the option."""
    return typer.Option(
        name,
        help=help_text,
        rich_help_panel=panel,
        parser=None if parser is None else named_parser(name, parser),
        metavar=metavar,
        show_default=False,
    )


PricesOption = Annotated[
    list[Path] | None,
    option("--prices", "TOML file with your own prices; they take precedence. Repeatable.", SELECTION_PANEL, metavar="FILE"),
]
RuleOption = Annotated[
    list[str] | None,
    option(
        "--set-rule",
        "Override one rule, such as cache_block_tokens=128. Repeatable.",
        SELECTION_PANEL,
        metavar="NAME=VALUE",
    ),
]
ExactOption = Annotated[bool, typer.Option("--exact", help="Show all digits of every amount.", rich_help_panel=SELECTION_PANEL)]
JsonOption = Annotated[
    bool,
    typer.Option("--json", help="Print the answer as JSON, dollars as exact decimal strings.", rich_help_panel=SELECTION_PANEL),
]


CHART_PANEL = "Chart"
DEFAULT_THEME = "light"
ChartFileOption = Annotated[
    Path | None, option("--save-chart", "Save a chart to this .svg or .png file.", CHART_PANEL, metavar="FILE")
]
ChartWidthOption = Annotated[
    Any, option("--width", "Width in pixels, 400 to 2400. (default: 900)", CHART_PANEL, quantities.parse_count, "PIXELS")
]
ThemeOption = Annotated[
    str,
    option("--theme", f"Theme: {', '.join(THEMES)}. (default: {DEFAULT_THEME})", CHART_PANEL, choice_parser(*THEMES), "NAME"),
]


def parse_theme(name: str, width: int | None) -> Theme:
    """The theme of a chart, with the given width in pixels (None: the theme's).

    Raises:
        InvalidInput: the width is out of bounds.
    """
    return THEMES[name] if width is None else replace(THEMES[name], width=width)


def require_chart_file(file: Path | None, **options: bool) -> None:
    """Refuse options of a chart without a file to save it to; for each, whether it has another value than its default.

    Raises:
        InvalidInput: an option would have no effect.
    """
    for name, is_changed in options.items():
        if is_changed and file is None:
            raise InvalidInput("applies to chart_file only: give a file, too", field=name, mentions=("chart_file",))


def home_files() -> list[Path]:
    """The user's TOML files of prices and rules in VOICEBILL_HOME, or else in the platform's settings folder.

    Raises:
        InvalidInput: VOICEBILL_HOME is not a folder.
    """
    home = os.environ.get("VOICEBILL_HOME")
    folder = Path(home) if home else Path(typer.get_app_dir("voicebill"))
    if home and not folder.is_dir():
        raise InvalidInput(f"VOICEBILL_HOME names no folder: {home}")
    return sorted(folder.glob("*.toml")) if folder.is_dir() else []


def load_facts_and_rules(rules: str | None, prices: list[Path] | None = None) -> tuple[Facts, str | None]:
    """The facts with the user's own files added, and the name of the rule set. `rules`: a rule set, or a .toml file with one.

    Raises:
        UnreadableFile: a file cannot be read.
        InvalidFile: a file has errors.
        InvalidInput: the rule file contains no rule set, or VOICEBILL_HOME is not a folder.
    """
    files = [*home_files(), *(prices or ())]
    if rules is None or not rules.endswith(".toml"):
        return load_facts(*files), rules
    facts = load_facts(*files, Path(rules))
    built_in = {rule_set.name for rule_set in load_facts(*files).rules.sets}
    added = [rule_set.name for rule_set in facts.rules.sets if rule_set.name not in built_in]
    if not added:
        raise InvalidInput(f"{rules} holds no rule set: give it a name and [[rules]]")
    return facts, added[0]


def parse_overrides(rules: list[str] | None) -> dict[str, ParameterValue]:
    """Overrides of rules, each written NAME=VALUE, as values by name.

    Raises:
        InvalidInput: an override is not written NAME=VALUE, or its value is not valid.
        UnknownName: there is no rule with that name.
    """
    values: dict[str, ParameterValue] = {}
    for text in rules or ():
        name, equals, value = text.partition("=")
        if not equals:
            raise InvalidInput(f"--set-rule: {text!r} is not written NAME=VALUE, such as cache_block_tokens=128")
        values[name.strip()] = parse_parameter(name.strip(), _normalize_number(value.strip()))
    return values


def _normalize_number(value: str) -> str:
    """A number such as 50% or 1k as plain digits; any other text unchanged."""
    parser = quantities.parse_share if value.endswith("%") else quantities.parse_number
    try:
        return str(parser(value))
    except VoicebillError:
        return value
