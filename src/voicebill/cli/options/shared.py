"""Define and parse the options that several commands share."""

import csv
import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from voicebill.answers.catalog.facts import Facts
from voicebill.answers.connectivity.transport import ConnectionCosts
from voicebill.answers.estimates.model_selection import ModelSelection, select_model
from voicebill.answers.parameters.table_schema import one_of
from voicebill.answers.parsing import quantities
from voicebill.billing.errors import InvalidInput, VoicebillError
from voicebill.billing.validity import parse_day
from voicebill.charts.themes import THEMES, Theme
from voicebill.conversation.call_lengths import ASSUMED_LENGTH_CV, CallLengths, LengthDistribution
from voicebill.conversation.rules import ParameterValue, parse_parameter
from voicebill.facts import load_facts
from voicebill.facts.files import read_text

SELECTION_PANEL = "Model, prices and rules"
CONVERSATION_PANEL = "The conversation"
HISTORY_AND_CACHE_PANEL = "History, cache and limits"


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
            raise VoicebillError(f"{option}: {error}") from None

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


ModelOption = Annotated[
    str | None,
    option(
        "--model",
        "Model name as the vendor writes it, with or without a date. (default: gpt-realtime-1.5)",
        SELECTION_PANEL,
        metavar="NAME",
    ),
]
ProviderOption = Annotated[
    str | None, option("--provider", "Provider: openai or azure. (default: openai)", SELECTION_PANEL, metavar="NAME")
]
DeploymentOption = Annotated[
    str | None,
    option("--deployment", "Deployment: global, data-zone or regional. (default: global)", SELECTION_PANEL, metavar="NAME"),
]
RegionOption = Annotated[
    str | None, option("--region", "Azure region, such as swedencentral.", SELECTION_PANEL, metavar="NAME")
]
DayOption = Annotated[
    date | None, option("--day", "Day whose prices and rules apply. (default: today)", SELECTION_PANEL, parse_day, "YYYY-MM-DD")
]
RulesOption = Annotated[
    str | None,
    option(
        "--rules",
        "Rule set by name, or a TOML file with one. (default: recorded-2026-11)",
        SELECTION_PANEL,
        metavar="NAME|FILE",
    ),
]
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
ConversationsOption = Annotated[
    Any,
    option(
        "--conversations",
        "Volume, such as 30000/month or 1000/day.",
        CONVERSATION_PANEL,
        quantities.parse_volume,
        "COUNT/PERIOD",
    ),
]
CallLengthCvOption = Annotated[
    Any,
    option(
        "--call-length-cv",
        f"Coefficient of variation of call lengths (standard deviation / mean); 0: all equal. (default: {ASSUMED_LENGTH_CV})",
        CONVERSATION_PANEL,
        quantities.parse_number,
        "NUMBER",
    ),
]
CallLengthsOption = Annotated[
    Path | None,
    option("--call-lengths", "CSV of your call lengths instead: minutes, count.", CONVERSATION_PANEL, metavar="FILE"),
]
CacheOption = Annotated[
    str | None,
    option(
        "--cache",
        'What "expected" uses: all, prefix or none. (default: prefix)',
        HISTORY_AND_CACHE_PANEL,
        choice_parser("all", "prefix", "none"),
        "NAME",
    ),
]
PrefixReuseOption = Annotated[
    Decimal | None,
    option(
        "--prefix-reuse",
        "Share of the common prefix found in the cache. (default: 0.8)",
        HISTORY_AND_CACHE_PANEL,
        quantities.parse_share,
        "SHARE",
    ),
]


CONNECTION_PANEL = "Connection"
CodecOption = Annotated[
    str | None,
    option("--codec", "Audio codec: opus, pcm16 or g711. (default: the transport's)", CONNECTION_PANEL, metavar="NAME"),
]
CarrierOption = Annotated[
    str | None,
    option(
        "--carrier",
        "Id of a carrier price, such as twilio/voice-inbound-us-local.",
        CONNECTION_PANEL,
        metavar="ID",
    ),
]
CarrierRateOption = Annotated[
    Any,
    option(
        "--carrier-per-minute",
        "Your carrier's price in dollars per minute, instead of an id.",
        CONNECTION_PANEL,
        quantities.parse_number,
        "USD",
    ),
]
CarrierIncrementOption = Annotated[
    Any,
    option(
        "--carrier-increment",
        "Billing increment in seconds. (default: 60)",
        CONNECTION_PANEL,
        quantities.parse_count,
        "SECONDS",
    ),
]
EgressOption = Annotated[
    Any,
    option(
        "--egress-per-gb",
        "Your cloud's price for outgoing traffic in dollars per GB.",
        CONNECTION_PANEL,
        quantities.parse_number,
        "USD",
    ),
]
PlatformOption = Annotated[
    list[str] | None,
    option("--platform", "Id of a platform price from your own file. Repeatable.", CONNECTION_PANEL, metavar="ID"),
]


def parse_connection(
    *,
    codec: str | None,
    carrier: str | None,
    per_minute: Decimal | None,
    seconds: int | None,
    egress: Decimal | None,
    platforms: Iterable[str] | None,
) -> ConnectionCosts:
    """The connection costs with the given values (None: not given).

    Raises:
        InvalidInput: a value is not valid, or two values exclude each other.
    """
    return ConnectionCosts(
        codec=codec,
        carrier=carrier,
        carrier_per_minute=per_minute,
        carrier_increment=seconds,
        egress_per_gb=egress,
        platforms=tuple(platforms or ()),
    )


CHART_PANEL = "Chart"
ChartFileOption = Annotated[
    Path | None, option("--save-chart", "Save a chart to this .svg or .png file.", CHART_PANEL, metavar="FILE")
]
ChartWidthOption = Annotated[
    Any, option("--width", "Width in pixels, 400 to 2400. (default: 900)", CHART_PANEL, quantities.parse_count, "PIXELS")
]
ThemeOption = Annotated[
    str, option("--theme", f"Theme: {', '.join(THEMES)}. (default: light)", CHART_PANEL, choice_parser(*THEMES), "NAME")
]


def parse_theme(name: str, width: int | None) -> Theme:
    """The theme of a chart, with the given width in pixels (None: the theme's).

    Raises:
        InvalidInput: the width is out of bounds.
    """
    return THEMES[name] if width is None else replace(THEMES[name], width=width)


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


def load_selection(
    *,
    model: str | None,
    provider: str | None,
    deployment: str | None,
    region: str | None,
    day: date | None,
    rules: str | None,
    overrides: list[str] | None,
    prices: list[Path] | None,
) -> tuple[ModelSelection, Facts]:
    """The model that the options select, and the facts with the user's own files.

    Raises:
        UnreadableFile: a file cannot be read.
        InvalidFile: a file has errors.
        InvalidInput: an override is not written NAME=VALUE, or its value is not valid.
        UnknownName: there is no rule with the name of an override.
    """
    facts, rule_set = load_facts_and_rules(rules, prices)
    fields = {"model": model, "provider": provider, "deployment": deployment, "region": region, "day": day or today()}
    return select_model(fields | {"rules": rule_set, "overrides": parse_overrides(overrides)}), facts


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


def parse_lengths(spread: Decimal | None, file: Path | None) -> LengthDistribution | CallLengths | None:
    """The distribution of call lengths: a coefficient of variation, or the observed lengths in a CSV file; None without either.

    Raises:
        InvalidInput: both are given, or the file contains something other than lengths; the message names the line.
        UnreadableFile: the file cannot be read.
    """
    if spread is not None and file is not None:
        raise InvalidInput("--call-length-cv and --call-lengths are alternatives: give one")
    if file is None:
        return None if spread is None else LengthDistribution(spread)
    lengths = []
    for number, row in enumerate(csv.reader(read_text(file).splitlines()), start=1):
        cells = [cell.strip() for cell in row]
        if not any(cells) or (number == 1 and cells[0].lower() in LENGTH_HEADINGS):
            continue
        try:
            lengths.append(_parse_length_row(cells))
        except VoicebillError as error:
            raise InvalidInput(f"{file}, line {number}: {error}") from None
    return CallLengths(tuple(lengths))


LENGTH_HEADINGS = ("minutes", "minute", "min", "length", "duration", "length_minutes", "duration_minutes")
"""The accepted titles of the first column of a file of call lengths; none of them suggests a unit other than minutes."""


def _parse_length_row(cells: list[str]) -> tuple[Decimal, int]:
    """A line of a file of call lengths: the minutes, and the number of calls of that length."""
    if len(cells) > 2 or ";" in cells[0] or "\t" in cells[0]:
        raise InvalidInput("a line holds minutes and how many calls, with a comma between them: 6.5,12 (thousands without one)")
    minutes, count = quantities.parse_minutes(cells[0]), quantities.parse_count(cells[1]) if len(cells) > 1 else 1
    CallLengths(((minutes, 1),))
    return minutes, count
