"""Define the kinds of values that can be given: how each is read, in every interface alike, and how it is described."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from voicebill.answers.capacity.targets import ServiceLevel
from voicebill.answers.parsing import quantities
from voicebill.answers.recorded.filters import Condition, parse_filter
from voicebill.answers.recorded.query import CostQuery
from voicebill.billing.errors import InvalidInput, UnknownName, closest_names
from voicebill.billing.validation import Between, format_value, is_reasonable
from voicebill.billing.validity import parse_day
from voicebill.conversation.volume import Volume

MAX_TEXT = 200
"""The length of a text in characters."""

JsonSchema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class InputKind:
    """A kind of value. `read` takes text as people type it, or a value of JSON or TOML, and returns the value.

    `json_type` is the type in JSON beside text, `metavar` the name of the value in the help, and `input_mode` the keyboard
    that a phone shows for it. `is_flag_too`: true and false are values as well.
    """

    name: str
    read: Callable[[object], Any]
    json_type: str
    metavar: str
    input_mode: str = "text"
    choices: tuple[str, ...] = ()
    item: JsonSchema = field(default_factory=dict)
    is_flag_too: bool = False

    def schema(self, bounds: Between | None = None) -> dict[str, Any]:
        """The JSON schema of a value."""
        if self.choices:
            return {"type": "string", "enum": list(self.choices)}
        if self.json_type == "string":
            return {"type": "string", "minLength": 1, "maxLength": MAX_TEXT}
        if self.json_type == "object":
            return {"type": "object"}
        if self.json_type == "array":
            items = {"type": "array", "items": dict(self.item)}
            return {"anyOf": [items, {"type": "string", "minLength": 1}]}
        typed: dict[str, Any] = {"type": self.json_type}
        if bounds is not None:
            typed |= {"exclusiveMinimum" if bounds.above else "minimum": float(bounds.low), "maximum": float(bounds.high)}
        if self.json_type == "boolean":
            return typed
        flag: list[dict[str, Any]] = [{"type": "boolean"}] if self.is_flag_too else []
        return {"anyOf": [typed, *flag, {"type": "string", "minLength": 1, "maxLength": MAX_TEXT}]}


def read_string(value: object) -> str:
    """A text that is not empty.

    Raises:
        InvalidInput: it is empty, or not a text.
    """
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput(f"must be text, not {_describe(value)}", is_predicate=True)
    return value.strip()


def read_flag(value: object) -> bool:
    """True or false, or as a form sends it: on, yes, 1.

    >>> read_flag(True), read_flag("on"), read_flag("no")
    (True, True, False)

    Raises:
        InvalidInput: it is neither.
    """
    words = {"true": True, "on": True, "yes": True, "1": True, "false": False, "off": False, "no": False, "0": False}
    flag = words.get(value.strip().lower()) if isinstance(value, str) else value
    if not isinstance(flag, bool):
        raise InvalidInput(f"must be true or false, not {_describe(value)}", is_predicate=True)
    return flag


def read_number(value: object) -> Decimal:
    """A number that is not negative, exactly as it is written.

    >>> read_number("1.5k"), read_number(0.1)
    (Decimal('1500'), Decimal('0.1'))

    Raises:
        InvalidInput: it is not a number, is negative, or is out of range.
    """
    if isinstance(value, str):
        return quantities.parse_number(value)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise InvalidInput(f"must be a number, not {_describe(value)}", is_predicate=True)
    number = Decimal(str(value))
    if not number.is_finite():
        raise InvalidInput(f"must be a finite number, not {value}", is_predicate=True)
    if number < 0:
        raise InvalidInput(f"cannot be negative: {value}", is_predicate=True)
    if not is_reasonable(number):
        raise InvalidInput(f"is out of range: {value}", is_predicate=True)
    return number


def read_count(value: object) -> int:
    """A whole number that is not negative; 12.0 is one.

    Raises:
        InvalidInput: it is not a whole number, is negative, or is out of range.
    """
    number = read_number(value)
    if number % 1:
        raise InvalidInput(f"must be a whole number, not {_describe(value)}", is_predicate=True)
    return int(number)


def read_share(value: object) -> Decimal:
    """A share: a number of JSON or TOML is a share of 1; a text may be in percent.

    >>> read_share(0.4), read_share("40"), read_share("40%")
    (Decimal('0.4'), Decimal('0.4'), Decimal('0.4'))

    Raises:
        InvalidInput: it is not a share.
    """
    return quantities.parse_share(value) if isinstance(value, str) else read_number(value)


def read_share_or_flag(value: object) -> Decimal:
    """A share, or true for all and false for none.

    >>> read_share_or_flag(True), read_share_or_flag("yes"), read_share_or_flag("30%")
    (Decimal('1'), Decimal('1'), Decimal('0.3'))

    Raises:
        InvalidInput: it is neither.
    """
    word = value.strip().lower() if isinstance(value, str) else value
    if isinstance(word, bool) or word in ("true", "on", "yes", "false", "off", "no"):
        return Decimal(int(read_flag(word)))
    return read_share(value)


def read_turn_numbers(value: object) -> tuple[int, ...]:
    """Numbers of turns, from 1: a list of them, or a text with commas between them.

    >>> read_turn_numbers("1, 4"), read_turn_numbers([1, 4])
    ((1, 4), (1, 4))

    Raises:
        InvalidInput: it is neither, or a number is not whole.
    """
    numbers = value.split(",") if isinstance(value, str) else value
    if not isinstance(numbers, list | tuple):
        raise InvalidInput(f"must be a list of turns, such as 1,4, not {_describe(value)}", is_predicate=True)
    return tuple(read_count(number) for number in numbers)


def read_minutes(value: object) -> Decimal:
    """A duration in minutes: `10`, `5 min`, `90s`, `1.5h`; a number is in minutes.

    Raises:
        InvalidInput: it is not a duration.
    """
    return quantities.parse_minutes(value) if isinstance(value, str) else read_number(value)


def read_minute_count(value: object) -> int:
    """A duration in whole minutes.

    Raises:
        InvalidInput: it is not a duration, or not of whole minutes.
    """
    minutes = read_minutes(value)
    if minutes % 1:
        raise InvalidInput(f"must be whole minutes, not {_describe(value)}", is_predicate=True)
    return int(minutes)


def read_volume(value: object) -> Volume:
    """A number of conversations per period; without a period, per month.

    Raises:
        InvalidInput: it is not a volume.
        UnknownName: the period is unknown.
    """
    if isinstance(value, Volume):
        return value
    return quantities.parse_volume(value if isinstance(value, str) else f"{read_number(value):f}")


def read_day(value: object) -> date:
    """A day: a date of TOML, or text such as 2026-11-22.

    Raises:
        InvalidInput: it is not a day.
    """
    if type(value) is date:
        return value
    try:
        return parse_day(str(value))
    except InvalidInput:
        raise InvalidInput(f"must be a day such as 2026-11-22, not {_describe(value)}", is_predicate=True) from None


def read_names(value: object) -> tuple[str, ...]:
    """Names: a list of them, or a text with commas between them.

    Raises:
        InvalidInput: it is neither, or a name is empty.
    """
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list | tuple):
        raise InvalidInput(f"must be a list of names, not {_describe(value)}", is_predicate=True)
    return tuple(read_string(name) for name in names)


def read_load_profile(value: object) -> tuple[Decimal, ...]:
    """A load per hour: a list of 24 or 168 numbers, or a text with commas between them.

    Raises:
        InvalidInput: it is neither.
    """
    if isinstance(value, str):
        return quantities.parse_load_profile(value)
    if not isinstance(value, list | tuple):
        raise InvalidInput(f"must be a list of 24 numbers, or 168 for a week, not {_describe(value)}", is_predicate=True)
    return tuple(read_number(item) for item in value)


def read_plan_fields(value: object) -> Mapping[str, Any]:
    """The fields of a plan, a group of keys that others read.

    Raises:
        InvalidInput: it is not a group of keys.
    """
    if not isinstance(value, Mapping):
        raise InvalidInput(f"must be the fields of a plan, not {_describe(value)}", is_predicate=True)
    return value


def parse_service_level(level: str) -> ServiceLevel:
    """Parse a service level: `80% in 20s`, `95% within 0 s`.

    >>> str(parse_service_level("80% in 20s")), str(parse_service_level("0.95 within 1 min"))
    ('80% within 20 s', '95% within 60 s')

    Raises:
        InvalidInput: the text is not a share and a time.
    """
    match = re.fullmatch(r"(\S+)\s+(?:in|within)\s+([\d.,]+\s*[a-zA-Z]+)", level.strip())
    if match is None:
        raise InvalidInput(f"{level[:40]!r} is not a share and a time: write 80% in 20s")
    seconds = round(60 * quantities.parse_minutes(match[2]), 3)  # a third of a minute has no end
    return ServiceLevel(quantities.parse_share(match[1]), Decimal(int(seconds)) if not seconds % 1 else seconds.normalize())


def parse_tier(tier: str) -> str:
    """Parse the name of a quota tier.

    >>> parse_tier("Tier 3"), parse_tier("3"), parse_tier("default")
    ('tier-3', 'tier-3', 'default')
    """
    name = re.sub(r"[\s_]+", "-", tier.strip().lower())
    return f"tier-{name}" if name.isdigit() else name


def read_service_level(value: object) -> ServiceLevel:
    """A service level, as text.

    Raises:
        InvalidInput: it is not a share and a time.
    """
    return value if isinstance(value, ServiceLevel) else parse_service_level(read_string(value))


def read_tier(value: object) -> str:
    """The name of a quota tier, or its number.

    Raises:
        InvalidInput: it is neither.
    """
    return parse_tier(value if isinstance(value, str) else f"{read_count(value)}")


CACHED_TOKEN_COUNTING = {"counted": True, "free": False}


def read_cached_tokens(value: object) -> bool:
    """Whether cached tokens count towards a limit: `counted` or `free`.

    Raises:
        InvalidInput: it is neither.
    """
    return value if isinstance(value, bool) else CACHED_TOKEN_COUNTING[choice(*CACHED_TOKEN_COUNTING).read(value)]


def read_field_names(value: object) -> tuple[str, ...]:
    """Fields to group by: a list of names, or a text with commas between them.

    Raises:
        InvalidInput: it is neither, or a field is given twice.
        UnknownName: there is no such field.
    """
    return CostQuery(by=read_names(value)).by


def read_aliases(value: object) -> dict[str, str]:
    """Models by the names of their deployments, as a text such as `voice-prod=gpt-realtime,stt=gpt-4o-transcribe`.

    Raises:
        InvalidInput: it is anything else, or a name is given twice.
    """
    aliases: dict[str, str] = {}
    for pair in read_string(value).split(","):
        name, _, model = (part.strip() for part in pair.partition("="))
        if not name or not model or name.lower() in aliases:
            raise InvalidInput(
                f"must be NAME=MODEL, a name once, such as voice-prod=gpt-realtime, not {_describe(value)}",
                is_predicate=True,
            )
        aliases[name.lower()] = model
    return aliases


def read_settings(value: object) -> dict[str, object]:
    """Values by the names of settings, as a mapping or as a text such as `instructions_tokens=800,warm_cache=true`.

    Raises:
        InvalidInput: it is anything else, or a name is given twice.
    """
    if isinstance(value, Mapping):
        return {str(name): setting for name, setting in value.items()}
    settings: dict[str, object] = {}
    for pair in read_string(value).split(","):
        name, _, setting = (part.strip() for part in pair.partition("="))
        if not name or not setting or name in settings:
            raise InvalidInput(
                f"must be NAME=VALUE, a name once, such as instructions_tokens=800, not {_describe(value)}", is_predicate=True
            )
        settings[name] = setting
    return settings


def read_exchange_rates(value: object) -> dict[str, Decimal]:
    """How much of a currency one dollar buys, by the currency's code, as a text such as `EUR=0.86,GBP=0.74`.

    >>> read_exchange_rates("eur=0.86")
    {'EUR': Decimal('0.86')}

    Raises:
        InvalidInput: it is anything else, or a currency is given twice.
    """
    rates: dict[str, Decimal] = {}
    for pair in read_string(value).split(","):
        code, _, rate = (part.strip() for part in pair.partition("="))
        number = read_number(rate) if code and rate else Decimal(0)
        if re.fullmatch(r"[A-Za-z]{3}", code) is None or not number or code.upper() in rates:
            raise InvalidInput(
                f"must be CODE=AMOUNT for one dollar, a currency once, such as EUR=0.86, not {_describe(value)}",
                is_predicate=True,
            )
        rates[code.upper()] = number
    return rates


COLUMN_FIELDS = ("tenant", "session", "project", "model", "time")
"""The fields of a record that may be read under a name of the user's own."""


def read_column_names(value: object) -> dict[str, str]:
    """Names in logs by field, as a text such as `tenant=team_id,session=conversation.ref`.

    Raises:
        InvalidInput: it is anything else, or a field is given twice.
        UnknownName: there is no such field.
    """
    names: dict[str, str] = {}
    for pair in read_string(value).split(","):
        field_name, _, name = (part.strip() for part in pair.partition("="))
        field_name = field_name.lower()
        if field_name and field_name not in COLUMN_FIELDS:
            raise UnknownName("field", field_name, COLUMN_FIELDS)
        if not field_name or not name or field_name in names:
            raise InvalidInput(
                f"must be FIELD=NAME, a field once, such as tenant=team_id, not {_describe(value)}", is_predicate=True
            )
        names[field_name] = name
    return names


def read_filter(value: object) -> Condition:
    """A filter of records, such as `turn >= 3 and status = exact`.

    Raises:
        InvalidInput: it is not a filter.
        UnknownName: it names an unknown field or an unknown word of one.
    """
    return parse_filter(read_string(value))


def names_of(*choices: str) -> InputKind:
    """Some of several words, each once: a list of them, or a text with commas between them."""

    def read(value: object) -> tuple[str, ...]:
        names = tuple(choice(*choices).read(name) for name in read_names(value))
        if len(set(names)) < len(names):
            raise InvalidInput(f"must name each once, not {_describe(value)}", is_predicate=True)
        return names

    return InputKind("names", read, "array", "NAME,...", item={"type": "string", "enum": list(choices)})


def choice(*choices: str) -> InputKind:
    """One of some words, in upper or lower case."""

    def read(value: object) -> str:
        word = value.strip().lower() if isinstance(value, str) else value
        if word not in choices:
            nearest = closest_names(word, choices, limit=1) if isinstance(word, str) and len(choices) > 4 else []
            hint = f"; the nearest is {nearest[0]}" if nearest else ""
            raise InvalidInput(f"must be one of {', '.join(choices)}, not {_describe(value)}{hint}", is_predicate=True)
        return str(word)

    return InputKind("choice", read, "string", "NAME", choices=choices)


def _describe(value: object) -> str:
    """A value of JSON or TOML for a message, shortened."""
    if isinstance(value, Mapping):
        return "a group of keys"
    if isinstance(value, list | tuple):
        return "a list"
    text = format_value(value)
    return text if len(text) <= 60 else text[:57] + "..."


TEXT = InputKind("text", read_string, "string", "NAME")
FLAG = InputKind("flag", read_flag, "boolean", "")
NUMBER = InputKind("number", read_number, "number", "NUMBER", "decimal")
USD = InputKind("dollars", read_number, "number", "USD", "decimal")
COUNT = InputKind("count", read_count, "integer", "COUNT", "numeric")
TOKEN_COUNT = InputKind("tokens", read_count, "integer", "TOKEN_COUNT", "numeric")
SECONDS = InputKind("seconds", read_count, "integer", "SECONDS", "numeric")
SHARE = InputKind("share", read_share, "number", "SHARE", "decimal")
SHARE_OR_FLAG = InputKind("share or true", read_share_or_flag, "number", "SHARE", "decimal", is_flag_too=True)
TURN_NUMBERS = InputKind("turns", read_turn_numbers, "array", "TURN,...", item={"type": "integer"})
MINUTES = InputKind("minutes", read_minutes, "number", "MINUTES", "decimal")
MINUTE_COUNT = InputKind("whole minutes", read_minute_count, "integer", "MINUTES", "numeric")
VOLUME = InputKind("volume", read_volume, "number", "COUNT/PERIOD")
DAY = InputKind("day", read_day, "string", "YYYY-MM-DD")
NAMES = InputKind("names", read_names, "array", "NAME,...", item={"type": "string"})
LOAD_PROFILE = InputKind("load profile", read_load_profile, "array", "N,N,...", item={"type": "number"})
SERVICE_LEVEL = InputKind("service level", read_service_level, "string", '"SHARE in TIME"')
TIER = InputKind("tier", read_tier, "integer", "NAME")
CACHED_TOKENS = InputKind("cached tokens", read_cached_tokens, "string", "NAME", choices=tuple(CACHED_TOKEN_COUNTING))
FIELD_NAMES = InputKind("fields", read_field_names, "array", "FIELD,...", item={"type": "string"})
PLAN_FIELDS = InputKind("plan fields", read_plan_fields, "object", "FIELDS")
ALIASES = InputKind("aliases", read_aliases, "string", "NAME=MODEL,...")
SETTINGS = InputKind("settings", read_settings, "string", "NAME=VALUE,...")
EXCHANGE_RATES = InputKind("exchange rates", read_exchange_rates, "string", "CODE=RATE,...")
COLUMN_NAMES = InputKind("columns", read_column_names, "string", "FIELD=NAME,...")
FILTER = InputKind("filter", read_filter, "string", "CONDITION")
