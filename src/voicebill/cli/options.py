"""Options that several commands share, and how their words are read."""

import csv
import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from voicebill.answers import quantities
from voicebill.answers.facts import Facts
from voicebill.answers.lengths import ASSUMED_SPREAD, Lengths, Spread
from voicebill.answers.tables import one_of
from voicebill.answers.transport import Carriage
from voicebill.billing.dated import Day
from voicebill.billing.errors import InvalidInput, VoicebillError
from voicebill.charts.draw import LOOKS, Look
from voicebill.conversation.rules import Value, parameter_value
from voicebill.facts import load
from voicebill.facts.files import read_text

QUESTION = "What is asked"
TALK = "The conversation"
MODEL_SIDE = "History, cache and limits"


def said(option: str, reader: Callable[[str], Any]) -> Callable[[Any], Any]:
    """A reader of an option's value whose refusal names the option."""

    def read(value: Any) -> Any:  # noqa: ANN401 - Typer hands over a default as it is
        if not isinstance(value, str):
            return value
        try:
            return reader(value)
        except VoicebillError as error:
            raise VoicebillError(f"{option}: {error}") from None

    return read


def day_said(text: str) -> date:
    """A day, exactly.

    Raises:
        InvalidInput: it is no day.
    """
    try:
        day = Day.parse(text)
        if day.exact:
            return day.first
    except InvalidInput:
        pass
    raise InvalidInput(f"{text!r} is not a day: write 2026-11-22")


def word(*choices: str) -> Callable[[str], str]:
    """One of some words, in whatever case."""
    read = one_of(*choices)
    return lambda said: str(read(said.strip().lower()))


def today() -> date:
    """The day on the user's calendar: the only clock that is read."""
    return datetime.now(UTC).astimezone().date()


def option(
    name: str, help_text: str, panel: str, reader: Callable[[str], Any] | None = None, metavar: str | None = None
) -> Any:  # noqa: ANN401 - Typer's option info
    """An option of a command."""
    return typer.Option(
        name,
        help=help_text,
        rich_help_panel=panel,
        parser=None if reader is None else said(name, reader),
        metavar=metavar,
        show_default=False,
    )


Model = Annotated[
    str | None,
    option("--model", "As the vendor writes it, dated or not. (default: gpt-realtime-1.5)", QUESTION, metavar="NAME"),
]
Provider = Annotated[str | None, option("--provider", "openai or azure. (default: openai)", QUESTION, metavar="NAME")]
Deployment = Annotated[
    str | None, option("--deployment", "global, data-zone or regional. (default: global)", QUESTION, metavar="NAME")
]
Region = Annotated[str | None, option("--region", "Azure region, such as swedencentral.", QUESTION, metavar="NAME")]
OnDay = Annotated[
    date | None, option("--day", "Prices and rules of this day. (default: today)", QUESTION, day_said, "YYYY-MM-DD")
]
RulesOption = Annotated[
    str | None,
    option(
        "--rules", "A rule set by name, or a TOML file with one. (default: recorded-2026-11)", QUESTION, metavar="NAME|FILE"
    ),
]
PricesOption = Annotated[
    list[Path] | None,
    option("--prices", "A TOML file of your own prices, put before ours. May be repeated.", QUESTION, metavar="FILE"),
]
RuleOption = Annotated[
    list[str] | None,
    option(
        "--rule", "One rule set otherwise, such as cache_block_tokens=128. May be repeated.", QUESTION, metavar="NAME=VALUE"
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="The whole answer as JSON, dollars as exact decimal strings.", rich_help_panel=QUESTION)
]
Conversations = Annotated[
    Any, option("--conversations", "Volume, such as 30000/month or 1000/day.", TALK, quantities.volume, "COUNT/PERIOD")
]
LengthSpread = Annotated[
    Any,
    option(
        "--length-spread",
        f"How call lengths spread (deviation over mean), for months and years; 0: all alike. (default: {ASSUMED_SPREAD})",
        TALK,
        quantities.number,
        "NUMBER",
    ),
]
LengthsFile = Annotated[
    Path | None, option("--lengths", "A CSV of your calls' lengths instead: minutes, and how many.", TALK, metavar="FILE")
]
Cache = Annotated[
    str | None,
    option(
        "--cache",
        'What "expected" uses: all, prefix or none. (default: prefix)',
        MODEL_SIDE,
        word("all", "prefix", "none"),
        "NAME",
    ),
]
Reuse = Annotated[
    Decimal | None,
    option(
        "--reuse",
        "Share of the common prefix that is found in the cache. (default: 0.8)",
        MODEL_SIDE,
        quantities.share,
        "SHARE",
    ),
]


WAY = "The way there"
Codec = Annotated[
    str | None, option("--codec", "How audio is written: opus, pcm16 or g711. (default: the transport's)", WAY, metavar="NAME")
]
Carrier = Annotated[
    str | None,
    option("--carrier", "A carrier's price by its id, ours or your own: twilio/voice-inbound-us-local.", WAY, metavar="ID"),
]
CarrierRate = Annotated[
    Any, option("--carrier-per-minute", "Your carrier's dollars a minute instead.", WAY, quantities.number, "USD")
]
CarrierSeconds = Annotated[
    Any, option("--carrier-seconds", "To how many seconds he rounds a call up. (default: 60)", WAY, quantities.count, "SECONDS")
]
Egress = Annotated[
    Any, option("--egress-per-gb", "Dollars that your cloud takes for a GB that leaves it.", WAY, quantities.number, "USD")
]
Fees = Annotated[
    list[str] | None,
    option("--fee", "A platform's price by its id, from a file of your own. May be repeated.", WAY, metavar="ID"),
]


def carriage_stated(
    *,
    codec: str | None,
    carrier: str | None,
    per_minute: Decimal | None,
    seconds: int | None,
    egress: Decimal | None,
    fees: Iterable[str] | None,
) -> Carriage:
    """What is paid on the way, as it was stated.

    Raises:
        InvalidInput: it cannot be meant.
    """
    return Carriage(
        codec=codec,
        carrier=carrier,
        carrier_per_minute=per_minute,
        carrier_seconds=seconds,
        egress_per_gb=egress,
        fees=tuple(fees or ()),
    )


PLOTTING = "Picture"
PlotFile = Annotated[Path | None, option("--plot", "Draw a picture into this .svg or .png file.", PLOTTING, metavar="FILE")]
PlotWidth = Annotated[
    Any, option("--width", "Pixels across, 400 to 2400. (default: 900)", PLOTTING, quantities.count, "PIXELS")
]
PlotLook = Annotated[
    str, option("--look", f"Its colours: {', '.join(LOOKS)}. (default: light)", PLOTTING, word(*LOOKS), "NAME")
]


def look_stated(name: str, width: int | None) -> Look:
    """How a picture is to be dressed.

    Raises:
        InvalidInput: it cannot be so wide.
    """
    return LOOKS[name] if width is None else replace(LOOKS[name], width=width)


def home_files() -> list[Path]:
    """Your own TOML files of prices and rules in VOICEBILL_HOME, or else in the platform's folder for settings."""
    home = os.environ.get("VOICEBILL_HOME")
    folder = Path(home) if home else Path(typer.get_app_dir("voicebill"))
    if home and not folder.is_dir():
        raise InvalidInput(f"VOICEBILL_HOME names no folder: {home}")
    return sorted(folder.glob("*.toml")) if folder.is_dir() else []


def facts_and_rules(rules: str | None, prices: list[Path] | None = None) -> tuple[Facts, str | None]:
    """The facts, with files of one's own put beside ours if any are named, and the name of the rule set.

    Raises:
        UnreadableFile, FaultyFile: the rule file cannot be used.
        InvalidInput: it holds no rule set.
    """
    own = [*home_files(), *(prices or ())]
    if rules is None or not rules.endswith(".toml"):
        return load(*own), rules
    facts = load(*own, Path(rules))
    ours = {known.name for known in load(*own).rules.sets}
    theirs = [known.name for known in facts.rules.sets if known.name not in ours]
    if not theirs:
        raise InvalidInput(f"{rules} holds no rule set: give it a name and [[rules]]")
    return facts, theirs[0]


def overrides(rules: list[str] | None) -> dict[str, Value]:
    """Rules stated as NAME=VALUE.

    Raises:
        InvalidInput: one is not written so, or its value does not fit.
        UnknownName: there is no such rule.
    """
    stated: dict[str, Value] = {}
    for each in rules or ():
        name, equals, value = each.partition("=")
        if not equals:
            raise InvalidInput(f"--rule: {each!r} is not written NAME=VALUE, such as cache_block_tokens=128")
        stated[name.strip()] = parameter_value(name.strip(), _plain_number(value.strip()))
    return stated


def _plain_number(value: str) -> str:
    """A number as people type it, such as 50% or 1k, as plain digits; anything else as it is."""
    reader = quantities.share if value.endswith("%") else quantities.number
    try:
        return str(reader(value))
    except VoicebillError:
        return value


def lengths_stated(spread: Decimal | None, file: Path | None) -> Spread | Lengths | None:
    """How call lengths differ, if that was stated.

    Raises:
        InvalidInput: both were, or the file holds something else than lengths; the text names the line.
        UnreadableFile: the file cannot be read.
    """
    if spread is not None and file is not None:
        raise InvalidInput("--length-spread and --lengths say the same thing: give one")
    if file is None:
        return None if spread is None else Spread(spread)
    counted = []
    for number, row in enumerate(csv.reader(read_text(file).splitlines()), start=1):
        words = [word.strip() for word in row]
        if not any(words) or (number == 1 and words[0].lower() in LENGTH_TITLES):
            continue
        try:
            counted.append(_length(words))
        except VoicebillError as error:
            raise InvalidInput(f"{file}, line {number}: {error}") from None
    return Lengths(tuple(counted))


LENGTH_TITLES = ("minutes", "minute", "min", "length", "duration", "length_minutes", "duration_minutes")
"""What the first column of a file of lengths may be titled: nothing that might mean another unit."""


def _length(words: list[str]) -> tuple[Decimal, int]:
    """A line of a file of lengths: minutes, and how many calls lasted so long."""
    if len(words) > 2 or ";" in words[0] or "\t" in words[0]:
        raise InvalidInput("a line holds minutes and how many calls, with a comma between them: 6.5,12 (thousands without one)")
    minutes, count = quantities.minutes(words[0]), quantities.count(words[1]) if len(words) > 1 else 1
    Lengths(((minutes, 1),))
    return minutes, count
