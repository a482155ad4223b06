"""What is asked of a capacity beside plan, model and volume, as people write it: fields of a form, a query or a JSON body."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from voicebill.answers.capacity.targets import CapacityTargets, ServiceLevel
from voicebill.answers.parameters.plan_schema import COUNT, SHARE, text_or
from voicebill.answers.parameters.renamed_keys import replacement_for
from voicebill.answers.parameters.table_schema import Field, Issue, Schema, decimal, one_of, read_table, text
from voicebill.answers.parsing import quantities
from voicebill.billing.errors import InvalidInput, VoicebillError


def parse_service_level(level: str) -> ServiceLevel:
    """How soon calls are to be answered: `80% in 20s`, `95% within 0 s`.

    >>> str(parse_service_level("80% in 20s")), str(parse_service_level("0.95 within 1 min"))
    ('80% within 20 s', '95% within 60 s')

    Raises:
        InvalidInput: it is not written so.
    """
    match = re.fullmatch(r"(\S+)\s+(?:in|within)\s+([\d.,]+\s*[a-zA-Z]+)", level.strip())
    if match is None:
        raise InvalidInput(f"{level[:40]!r} is not a share and a time: write 80% in 20s")
    seconds = round(60 * quantities.parse_minutes(match[2]), 3)  # a third of a minute has no end
    return ServiceLevel(quantities.parse_share(match[1]), Decimal(int(seconds)) if not seconds % 1 else seconds.normalize())


def parse_tier(tier: str) -> str:
    """A quota tier's name, however it is written.

    >>> parse_tier("Tier 3"), parse_tier("3"), parse_tier("default")
    ('tier-3', 'tier-3', 'default')
    """
    name = re.sub(r"[\s_]+", "-", tier.strip().lower())
    return f"tier-{name}" if name.isdigit() else name


def _service_level(value: object) -> ServiceLevel:
    return parse_service_level(text(value))


def _tier(value: object) -> str:
    return parse_tier(value if isinstance(value, str) else f"{decimal(value)}")


CACHED_TOKEN_COUNTING = {"counted": True, "free": False}

TARGETS_SCHEMA: Schema = {
    "calls_per_hour": Field(text_or(decimal, quantities.parse_number), None),
    "busy_hour_share": Field(SHARE, None),
    "days": Field(text_or(decimal, quantities.parse_number), None),
    "blocking_probability": Field(SHARE, None),
    "service_level": Field(_service_level, None),
    "exceedance": Field(SHARE, None),
    "tier": Field(_tier, None),
    "quota_tokens": Field(COUNT, None),
    "quota_requests": Field(COUNT, None),
    "quota_sessions": Field(COUNT, None),
    "cached_tokens": Field(one_of(*CACHED_TOKEN_COUNTING), None),
    "request_unit": Field(one_of("response", "session"), None),
    "reserved_output_tokens": Field(COUNT, None),
}
"""Every field that says what is wanted of a capacity; the others are those of a question."""


def split_capacity(table: object) -> tuple[dict[str, Any], object]:
    """What says what is wanted, and the question that is left."""
    if not isinstance(table, Mapping):
        return {}, table
    names = {name for name in table if name in TARGETS_SCHEMA or replacement_for(str(name), TARGETS_SCHEMA) in TARGETS_SCHEMA}
    targets = {name: value for name, value in table.items() if name in names and value not in ("", None)}
    return targets, {name: value for name, value in table.items() if name not in names}


def parse_targets(table: Mapping[str, Any], issues: list[Issue]) -> CapacityTargets | None:
    """Read what is wanted; None if it has faults, all of which are added to `faults`, each with the path to its field."""
    before = len(issues)
    values = {name: value for name, value in read_table(table, TARGETS_SCHEMA, issues).items() if value is not None}
    if len(issues) > before:
        return None
    if "cached_tokens" in values:
        values["cached_tokens"] = CACHED_TOKEN_COUNTING[values["cached_tokens"]]
    try:
        return CapacityTargets(**values)
    except VoicebillError as error:
        issues.append(targets_issue_for(error))
        return None


def targets_issue_for(error: VoicebillError) -> Issue:
    """An error as a fault of the field that its text begins with, if it is one of these.

    >>> targets_issue_for(InvalidInput("days must be more than 0 and at most 31, not 40")).path
    ('days',)
    """
    name = re.split(r"\W", str(error), maxsplit=1)[0]
    if str(error).startswith("unknown quota tier"):
        name = "tier"
    return Issue((name,) if name in TARGETS_SCHEMA or name == "conversations" else (), str(error))
