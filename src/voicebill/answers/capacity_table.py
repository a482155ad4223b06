"""What is asked of a capacity beside plan, model and volume, as people write it: fields of a form, a query or a JSON body."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from voicebill.answers import quantities
from voicebill.answers.capacity import Service, Wanted
from voicebill.answers.plan_table import COUNT, SHARE, typed
from voicebill.answers.tables import Fault, Key, Schema, decimal, one_of, read, text
from voicebill.billing.errors import InvalidInput, VoicebillError


def service_said(said: str) -> Service:
    """How soon calls are to be answered: `80% in 20s`, `95% within 0 s`.

    >>> str(service_said("80% in 20s")), str(service_said("0.95 within 1 min"))
    ('80% within 20 s', '95% within 60 s')

    Raises:
        InvalidInput: it is not written so.
    """
    written = re.fullmatch(r"(\S+)\s+(?:in|within)\s+([\d.,]+\s*[a-zA-Z]+)", said.strip())
    if written is None:
        raise InvalidInput(f"{said[:40]!r} is not a share and a time: write 80% in 20s")
    seconds = round(60 * quantities.minutes(written[2]), 3)  # a third of a minute has no end
    return Service(quantities.share(written[1]), Decimal(int(seconds)) if not seconds % 1 else seconds.normalize())


def tier_said(said: str) -> str:
    """A quota tier's name, however it is written.

    >>> tier_said("Tier 3"), tier_said("3"), tier_said("default")
    ('tier-3', 'tier-3', 'default')
    """
    name = re.sub(r"[\s_]+", "-", said.strip().lower())
    return f"tier-{name}" if name.isdigit() else name


def _service(value: object) -> Service:
    return service_said(text(value))


def _tier(value: object) -> str:
    return tier_said(value if isinstance(value, str) else f"{decimal(value)}")


CACHED = {"counted": True, "free": False}

WANTED: Schema = {
    "calls_per_hour": Key(typed(decimal, quantities.number), None),
    "busy_hour_share": Key(SHARE, None),
    "days": Key(typed(decimal, quantities.number), None),
    "refused": Key(SHARE, None),
    "service_level": Key(_service, None),
    "minutes_over": Key(SHARE, None),
    "tier": Key(_tier, None),
    "quota_tokens": Key(COUNT, None),
    "quota_requests": Key(COUNT, None),
    "quota_sessions": Key(COUNT, None),
    "cached_tokens": Key(one_of(*CACHED), None),
    "request_is": Key(one_of("response", "session"), None),
    "reserved_output_tokens": Key(COUNT, None),
}
"""Every field that says what is wanted of a capacity; the others are those of a question."""


def parted(table: object) -> tuple[dict[str, Any], object]:
    """What says what is wanted, and the question that is left."""
    if not isinstance(table, Mapping):
        return {}, table
    said = {name: value for name, value in table.items() if name in WANTED and value not in ("", None)}
    return said, {name: value for name, value in table.items() if name not in WANTED}


def wanted_from(said: Mapping[str, Any], faults: list[Fault]) -> Wanted | None:
    """Read what is wanted; None if it has faults, all of which are added to `faults`, each with the path to its field."""
    before = len(faults)
    values = {name: value for name, value in read(said, WANTED, faults).items() if value is not None}
    if len(faults) > before:
        return None
    if "cached_tokens" in values:
        values["cached_tokens"] = CACHED[values["cached_tokens"]]
    try:
        return Wanted(**values)
    except VoicebillError as error:
        faults.append(wanted_fault(error))
        return None


def wanted_fault(error: VoicebillError) -> Fault:
    """An error as a fault of the field that its text begins with, if it is one of these.

    >>> wanted_fault(InvalidInput("days must be more than 0 and at most 31, not 40")).path
    ('days',)
    """
    name = re.split(r"\W", str(error), maxsplit=1)[0]
    if str(error).startswith("unknown quota tier"):
        name = "tier"
    return Fault((name,) if name in WANTED or name == "conversations" else (), str(error))
