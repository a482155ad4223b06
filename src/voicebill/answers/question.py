"""A whole question from one table: the conversation, the model and day, the volume; every fault at its field.

The table is a saved plan as TOML has it, a JSON body, or the fields of a form, in which every value is text.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from voicebill.answers import quantities
from voicebill.answers.lengths import Lengths, Spread
from voicebill.answers.offered import Asked
from voicebill.answers.plan_table import ASKED, CARRIAGE, COUNT, PLAN, SHARE, typed
from voicebill.answers.quantities import Volume
from voicebill.answers.script_table import overrides
from voicebill.answers.tables import Fault, Key, Schema, Values, decimal, flag, read
from voicebill.answers.transport import Carriage
from voicebill.billing.errors import ContextOverflow, InvalidInput, VoicebillError
from voicebill.conversation.plan import Plan
from voicebill.conversation.script import Truncation

DEFAULT_MODEL = "gpt-realtime-1.5"
DEFAULT_PROVIDER = "openai"
DEFAULT_DEPLOYMENT = "global"

MOST_LENGTHS = 10_000


def _ticked(value: object) -> bool:
    """True or false, as JSON has it or as a form says it."""
    words = {"true": True, "on": True, "1": True, "yes": True, "false": False, "off": False, "0": False, "no": False}
    return words.get(value.strip().lower(), False) if isinstance(value, str) and value.strip().lower() in words else flag(value)


def _lengths(value: object) -> Lengths:
    """Call lengths as they were counted: a list of minutes, or of pairs of minutes and how many calls."""
    if not isinstance(value, list) or len(value) > MOST_LENGTHS:
        raise InvalidInput(f"must be a list of at most {MOST_LENGTHS:,} [minutes, calls]")
    pairs = []
    for at, each in enumerate(value, start=1):
        pair = each if isinstance(each, list) else [each, 1]
        if len(pair) != 2 or type(pair[1]) is not int:
            raise InvalidInput(f"item {at}: must be [minutes, calls], such as [6.5, 12]")
        pairs.append((decimal(pair[0]), pair[1]))
    return Lengths(tuple(pairs))


QUESTION: Schema = {
    **ASKED,
    **PLAN,
    "length_spread": Key(typed(decimal, quantities.number), None),
    "warm": Key(_ticked, None),
    "retention_ratio": Key(SHARE, None),
    "post_instructions_tokens": Key(COUNT, None),
    "overrides": Key(overrides, None),
    "lengths": Key(_lengths, None),
    **CARRIAGE,
}
"""Every field that a question may have."""

_IN_ASKED = ("model", "provider", "deployment", "region", "day", "rules", "overrides")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of an estimate or a comparison."""

    plan: Plan
    asked: Asked
    volume: Volume | None
    lengths: Spread | Lengths | None
    carriage: Carriage


def question_from(table: object, *, today: date, faults: list[Fault]) -> Question | None:
    """Read a question; None if it has faults, all of which are added to `faults`, each with the path to its field."""
    values = {key: value for key, value in read(table, QUESTION, faults).items() if value is not None}
    given: Iterable[object] = table if isinstance(table, Mapping) else ()
    for name, ask in (("minutes", "how long is the conversation?"), ("turns", "how many turns has it?")):
        if name not in given:
            faults.append(Fault((name,), f"{name}: is missing: {ask}"))
    if faults:
        return None
    asked = {key: values.pop(key) for key in _IN_ASKED if key in values}
    way = {key: values.pop(key) for key in CARRIAGE if key in values}
    volume, spread, counted = (values.pop(key, None) for key in ("conversations", "length_spread", "lengths"))
    defaults: Values = {
        "model": DEFAULT_MODEL,
        "provider": DEFAULT_PROVIDER,
        "deployment": DEFAULT_DEPLOYMENT,
        "day": today,
    }
    try:
        if spread is not None and counted is not None:
            raise InvalidInput("length_spread and lengths say the same thing: give one")
        return Question(
            plan=Plan(truncation=_truncation(values), **values),
            asked=Asked(**defaults | asked),
            volume=volume,
            lengths=counted if spread is None else Spread(spread),
            carriage=Carriage(**way),
        )
    except VoicebillError as error:
        faults.append(fault_of(error))
        return None


def fault_of(error: VoicebillError) -> Fault:
    """An error as a fault of the field that its text names first.

    >>> fault_of(InvalidInput("turns must be a whole number, not 'x'")).path
    ('turns',)
    """
    said = str(error)
    if isinstance(error, ContextOverflow):
        return Fault(("instructions_tokens",) if said.startswith("instructions") else (), said)
    words = {name: name for name in QUESTION} | {
        "rule set": "rules",
        "the spread of lengths": "length_spread",
        "platform": "fees",
    }
    places = [(at.start(), name) for word, name in words.items() if (at := re.search(rf"(?<!\w){word}(?!\w)", said[:80]))]
    return Fault((min(places)[1],) if places else (), said)


def _truncation(values: Values) -> Truncation:
    """The truncation setting, from one field or from its three parts, which are taken out of the values."""
    said: Truncation = values.pop("truncation", Truncation())
    parts: dict[str, Any] = {
        "mode": said.mode,
        "retention_ratio": said.retention_ratio,
        "post_instructions_tokens": said.post_instructions_tokens,
    }
    return Truncation(
        **parts | {key: values.pop(key) for key in ("retention_ratio", "post_instructions_tokens") if key in values}
    )
