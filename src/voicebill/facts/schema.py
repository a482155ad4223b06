"""Define the schema of facts files: prices, lifecycles, surcharges, availability, quotas, meters and rules."""

from collections.abc import Collection
from decimal import Decimal
from functools import partial
from typing import get_args

from voicebill.answers.catalog.mechanics import UsageReports
from voicebill.answers.catalog.stacks import ROLE_KINDS, ROLES
from voicebill.answers.parameters.table_schema import (
    Field,
    Schema,
    TableList,
    ValueReader,
    Values,
    any_value,
    boolean,
    decimal,
    exact_date,
    integer,
    list_of,
    map_of,
    one_of,
    partial_date,
    text,
)
from voicebill.billing.errors import InvalidInput, VoicebillError
from voicebill.billing.meters import Unit
from voicebill.billing.money import picodollars
from voicebill.billing.offers import DEFAULT_DEPLOYMENT, DEPLOYMENTS, Confidence, Kind
from voicebill.billing.provisioned_throughput import PtuIncrements
from voicebill.billing.quotas import Evidence, RequestUnit
from voicebill.conversation.rules import HISTORY_SWITCHES, ParameterValue, parse_parameter
from voicebill.conversation.script import TransportName

OFFER_KIND_NAMES: tuple[str, ...] = get_args(Kind)
TRANSPORT_NAMES: tuple[str, ...] = get_args(TransportName)
SERVICE_TIERS = ("standard", "batch", "flex", "priority")
EVIDENCE_LEVELS = tuple(level for level in get_args(Evidence) if level != "stated")
"""What can support a row; `stated` is for what a user sets."""


def _regions(value: object) -> object:
    """Parse a list of regions, or the name of one of the file's region lists."""
    return value if isinstance(value, str) else list_of(text)(value)


def _vendor_meter(value: object) -> tuple[str, str]:
    if not isinstance(value, dict) or set(value) != {"name", "unit"}:
        raise InvalidInput('must be written { name = "...", unit = "1M" }')
    return text(value["name"]), text(value["unit"])


def _positive(reader: ValueReader) -> ValueReader:
    def read(value: object) -> object:
        number = reader(value)
        if number == 0:
            raise InvalidInput("must be more than 0")
        return number

    return read


def _price(value: object) -> Decimal:
    price = decimal(value)
    picodollars(price)
    return price


def _non_empty(reader: ValueReader) -> ValueReader:
    def read(value: object) -> object:
        collection = reader(value)
        if not collection:
            raise InvalidInput("names nothing")
        return collection

    return read


PROVENANCE_SCHEMA: Schema = {"checked": Field(exact_date, None), "sources": Field(list_of(text), None), "note": Field(text, "")}


def _check_days(row: Values) -> None:
    since, until = row.get("since"), row.get("until")
    if since is not None and until is not None and until.last <= since.first:
        raise InvalidInput(f"until ({until}) is not after since ({since})")


def _check_rule(row: Values) -> None:
    _check_days(row)
    parameter, ends, errors = row.get("parameter"), row.get("range"), []
    if parameter is not None:
        for value in (*([row["value"]] if "value" in row else []), *row.get("disputed", ()), *(ends or ())):
            try:
                parse_parameter(parameter, value)
            except VoicebillError as error:
                errors.append(str(error))
    if ends is not None and len(ends) != 2:
        errors.append("range must be a low and a high value")
    if errors:
        raise InvalidInput("; ".join(dict.fromkeys(errors)))
    if parameter is not None and ends and "value" in row:
        _check_range(*(parse_parameter(parameter, value) for value in (row["value"], *ends)))


def _check_range(value: ParameterValue, low: ParameterValue, high: ParameterValue) -> None:
    """Check that a value lies within its range; of names it must be one of the two."""
    lies_within = value in (low, high) if isinstance(value, str) else Decimal(low) <= value <= Decimal(high)
    if not lies_within:
        raise InvalidInput(f"value ({value}) must lie within its range ({low} to {high})")


def _check_surcharge(row: Values) -> None:
    if (row.get("factor") is None) == (row.get("usd") is None):
        raise InvalidInput("a surcharge has either a factor or usd")


METER_SCHEMA: Schema = {
    "name": Field(text),
    "label": Field(text),
    "unit": Field(one_of(*get_args(Unit))),
    "priced_per": Field(_positive(integer)),
    "price_unit": Field(text),
    "direction": Field(one_of("in", "out", "session")),
    "modality": Field(text),
    "uncached_meter": Field(text, None),
}

ALIAS_SCHEMA: Schema = {
    "provider": Field(text, None),
    "model": Field(text),
    "version": Field(text, None),
    "since": Field(partial_date),
    "until": Field(partial_date, None),
    **PROVENANCE_SCHEMA,
}

LIFECYCLE_SCHEMA: Schema = {
    "provider": Field(text, None),
    "model": Field(text),
    "version": Field(text, None),
    "announced": Field(partial_date, None),
    "shutdown": Field(partial_date),
    "is_latest_possible": Field(boolean, False),
    "replacement": Field(text, None),
    "disputed": TableList({"shutdown": Field(partial_date), "source": Field(text)}),
    **PROVENANCE_SCHEMA,
}

SURCHARGE_SCHEMA: Schema = {
    "provider": Field(text, None),
    "name": Field(text),
    "models": Field(list_of(text), ()),
    "factor": Field(decimal, None),
    "usd": Field(decimal, None),
    "per": Field(text, ""),
    **PROVENANCE_SCHEMA,
}

AVAILABILITY_SCHEMA: Schema = {
    "provider": Field(text, None),
    "models": Field(list_of(text)),
    "deployment": Field(one_of(*DEPLOYMENTS)),
    "regions": Field(list_of(text), ()),
    "transport_regions": Field(map_of(list_of(text), TRANSPORT_NAMES, kind="transport"), {}),
    **PROVENANCE_SCHEMA,
}

UNPRICED_PROVIDER_SCHEMA: Schema = {
    "name": Field(text),
    "title": Field(text),
    "reason": Field(text),
    **PROVENANCE_SCHEMA,
}

MECHANICS_SCHEMA: Schema = {
    "provider": Field(text, None),
    "models": Field(list_of(text), ()),
    "title": Field(text),
    "billing": Field(text),
    "usage_reports": Field(one_of(*get_args(UsageReports))),
    "limits": Field(text, ""),
    "on_units": Field(text, ""),
    "unpublished": Field(list_of(text), ()),
    **PROVENANCE_SCHEMA,
}

QUOTA_SCHEMA: Schema = {
    "provider": Field(text, None),
    "models": Field(_non_empty(list_of(text))),
    "deployment": Field(one_of(*DEPLOYMENTS), DEFAULT_DEPLOYMENT),
    "tiers": Field(_non_empty(list_of(text))),
    "since": Field(partial_date),
    "until": Field(partial_date, None),
    "tokens_per_minute": Field(_positive(integer), None),
    "requests_per_minute": Field(_positive(integer), None),
    "sessions": Field(_positive(integer), None),
    "audio_minutes_per_minute": Field(_positive(integer), None),
    **PROVENANCE_SCHEMA,
}

COUNTING_RULE_SCHEMA: Schema = {
    "provider": Field(text, None),
    "cached_tokens": Field(boolean),
    "request_unit": Field(one_of(*get_args(RequestUnit))),
    "per": Field(text),
    "scope": Field(text),
    "output": Field(text),
    "since": Field(partial_date),
    "until": Field(partial_date, None),
    "evidence": Field(one_of(*EVIDENCE_LEVELS)),
    "basis": Field(text),
    **PROVENANCE_SCHEMA,
}


def _check_quota(row: Values) -> None:
    _check_days(row)
    limits = ("tokens_per_minute", "requests_per_minute", "sessions", "audio_minutes_per_minute")
    if all(name in row and row[name] is None for name in limits):
        raise InvalidInput(f"a quota needs {', '.join(limits[:-1])} or {limits[-1]}")


RULE_SCHEMA: Schema = {
    "parameter": Field(text),
    "value": Field(any_value),
    "models": Field(list_of(text), ()),
    "providers": Field(list_of(text), ()),
    "kinds": Field(list_of(one_of(*OFFER_KIND_NAMES)), ()),
    "evidence": Field(one_of(*EVIDENCE_LEVELS), None),
    "basis": Field(text, None),
    "disputed": Field(list_of(any_value), ()),
    "sample_size": Field(_positive(integer), None),
    "range": Field(list_of(any_value), None),
    "since": Field(partial_date, None),
    "until": Field(partial_date, None),
    "sources": Field(list_of(text), None),
}

HISTORY_POLICY_SCHEMA: Schema = {
    "name": Field(text),
    "title": Field(text),
    **{switch: Field(partial(parse_parameter, switch)) for switch in HISTORY_SWITCHES},
    "evidence": Field(one_of(*EVIDENCE_LEVELS)),
    "basis": Field(text),
    "sources": Field(list_of(text), ()),
}


STACK_SCHEMA: Schema = {
    "name": Field(text),
    "title": Field(text),
    "architecture": Field(one_of(*ROLES)),
    **{role: Field(list_of(text), ()) for role in ROLE_KINDS},
    "provider": Field(text, None),
    "deployment": Field(one_of(*DEPLOYMENTS), None),
    "tier": Field(one_of(*SERVICE_TIERS), "standard"),
    "min_lifetime_days": Field(integer, 0),
    "streams": Field(_positive(integer), 1),
    "fees": Field(list_of(text), ()),
    **PROVENANCE_SCHEMA,
}

TRANSPORT_SCHEMA: Schema = {
    "name": Field(one_of(*TRANSPORT_NAMES)),
    **{key: Field(text) for key in ("title", "best_for", "setup", "needs", "truncation", "usage_visibility")},
    "low_ms": Field(integer, None),
    "high_ms": Field(integer, None),
    "codecs": TableList({"name": Field(text), "bytes_per_minute": Field(_positive(integer)), "note": Field(text, "")}),
    **PROVENANCE_SCHEMA,
}

LATENCY_SCHEMA: Schema = {
    "part": Field(one_of("speech-to-speech", "live", *ROLE_KINDS)),
    "models": Field(list_of(text), ()),
    "low_ms": Field(integer),
    "high_ms": Field(integer),
    "evidence": Field(one_of(*EVIDENCE_LEVELS)),
    "basis": Field(text),
    **PROVENANCE_SCHEMA,
}


def _check_adjustment(row: Values) -> None:
    both_valid = "factor" in row and "discount_percent" in row  # an invalid value is absent
    if both_valid and (row["factor"] is None) == (row["discount_percent"] is None):
        raise InvalidInput("an adjustment has either a factor or discount_percent")
    _check_days(row)


def _percent(value: object) -> Decimal:
    percent = decimal(value)
    if percent > 100:
        raise InvalidInput(f"must be between 0 and 100, not {value}")
    return percent


ADJUSTMENT_SCHEMA: Schema = {
    "name": Field(text),
    "factor": Field(decimal, None),
    "discount_percent": Field(_percent, None),
    "providers": Field(list_of(text), ()),
    "models": Field(list_of(text), ()),
    "deployments": Field(list_of(one_of(*DEPLOYMENTS)), ()),
    "since": Field(partial_date),
    "until": Field(partial_date, None),
    "sources": Field(list_of(text), None),
}


def _check_price_currency(row: Values) -> None:
    _check_days(row)
    if not {"usd", "currency", "amounts"} <= set(row):
        return  # an invalid value is absent
    if (row["currency"] is None) != (row["amounts"] is None):
        raise InvalidInput("'currency' and 'amounts' go together")
    if (row["usd"] is None) == (row["amounts"] is None):
        raise InvalidInput("prices are given either as 'usd', or as 'currency' and 'amounts'")


def _currency_code(value: object) -> str:
    code = text(value)
    if not (len(code) == 3 and code.isascii() and code.isalpha() and code.isupper()) or code == "USD":
        raise InvalidInput(f"must be three letters such as EUR, and not USD: {code}")
    return code


CURRENCY_SCHEMA: Schema = {
    "code": Field(_currency_code),
    "per_dollar": Field(_positive(decimal)),
    "since": Field(partial_date),
    "until": Field(partial_date, None),
    **PROVENANCE_SCHEMA,
}


def _increments(value: object) -> PtuIncrements:
    if not isinstance(value, dict) or set(value) != {"minimum", "increment"}:
        raise InvalidInput("must be written { minimum = 15, increment = 5 }")
    minimum, increment = (_positive(integer)(value[key]) for key in ("minimum", "increment"))
    return PtuIncrements(minimum, increment)


PROVISIONED_MODEL_SCHEMA: Schema = {
    "model": Field(text),
    "since": Field(partial_date),
    "until": Field(partial_date, None),
    "input_tpm_per_ptu": Field(_positive(integer)),
    "output_ratio": Field(_positive(integer)),
    "shared": Field(_increments),
    "regional": Field(_increments, None),
    "max_prompt_tokens": Field(_positive(integer), None),
    **PROVENANCE_SCHEMA,
}

PROVISIONED_HOUR_SCHEMA: Schema = {
    "deployment": Field(one_of(*DEPLOYMENTS)),
    "place": Field(text, "everywhere"),
    "regions": Field(_regions, ()),
    "since": Field(partial_date),
    "until": Field(partial_date, None),
    "usd": Field(_price),
    "is_default": Field(boolean, False),
    "no_pay_as_you_go": Field(text, ""),
    **PROVENANCE_SCHEMA,
}

PROVISIONED_RESERVATION_SCHEMA: Schema = {
    "months": Field(_positive(integer)),
    "since": Field(partial_date),
    "until": Field(partial_date, None),
    "usd": Field(_price),
    **PROVENANCE_SCHEMA,
}


def offer_schema(meters: Collection[str]) -> Schema:
    """Return the schema of an offer, with these meters."""
    price: Schema = {
        "since": Field(partial_date),
        "until": Field(partial_date, None),
        "usd": Field(_non_empty(map_of(_price, meters)), None),
        "currency": Field(text, None),
        "amounts": Field(_non_empty(map_of(_price, meters)), None),
        "disputes": TableList({"meter": Field(one_of(*meters)), "usd": Field(_price), "source": Field(text)}),
        "increments": Field(map_of(_positive(integer), meters), {}),
        "included": Field(map_of(_positive(integer), meters), {}),
        "free": Field(list_of(one_of(*meters)), ()),
        "confidence": Field(one_of(*get_args(Confidence)), "high"),
        **PROVENANCE_SCHEMA,
    }
    return {
        "provider": Field(text, None),
        "model": Field(text),
        "version": Field(text, None),
        "also_named": Field(list_of(text), ()),
        "kind": Field(one_of(*OFFER_KIND_NAMES)),
        "deployment": Field(one_of(*DEPLOYMENTS), DEFAULT_DEPLOYMENT),
        "regions": Field(_regions, ()),
        "zone": Field(text, ""),
        "tier": Field(one_of(*SERVICE_TIERS), "standard"),
        "vendor_meters": Field(map_of(_vendor_meter, meters), {}),
        "prices": TableList(price, _check_price_currency),
        "note": Field(text, ""),
    }


def file_schema(meters: Collection[str]) -> Schema:
    """Return the schema of a facts file, with these meters."""
    offers = offer_schema(meters)
    contracted: Schema = {"offer": Field(text), "prices": offers["prices"]}
    return {
        "provider": Field(text, None),
        "checked": Field(exact_date, None),
        "sources": Field(list_of(text), None),
        "example": Field(boolean, False),
        "region_lists": Field(map_of(list_of(text)), {}),
        "meters": TableList(METER_SCHEMA),
        "offers": TableList(offers),
        "aliases": TableList(ALIAS_SCHEMA, _check_days),
        "lifecycle": TableList(LIFECYCLE_SCHEMA),
        "surcharges": TableList(SURCHARGE_SCHEMA, _check_surcharge),
        "contracted": TableList(contracted),
        "currencies": TableList(CURRENCY_SCHEMA, _check_days),
        "adjustments": TableList(ADJUSTMENT_SCHEMA, _check_adjustment),
        "availability": TableList(AVAILABILITY_SCHEMA),
        "unpriced_providers": TableList(UNPRICED_PROVIDER_SCHEMA),
        "stacks": TableList(STACK_SCHEMA),
        "latency": TableList(LATENCY_SCHEMA),
        "mechanics": TableList(MECHANICS_SCHEMA),
        "transports": TableList(TRANSPORT_SCHEMA),
        "provisioned_models": TableList(PROVISIONED_MODEL_SCHEMA, _check_days),
        "provisioned_hours": TableList(PROVISIONED_HOUR_SCHEMA, _check_days),
        "provisioned_reservations": TableList(PROVISIONED_RESERVATION_SCHEMA, _check_days),
        "quotas": TableList(QUOTA_SCHEMA, _check_quota),
        "counting": TableList(COUNTING_RULE_SCHEMA, _check_days),
        "name": Field(text, None),
        "title": Field(text, ""),
        "based_on": Field(text, None),
        "providers": Field(list_of(text), ()),
        "note": Field(text, ""),
        "evidence": Field(one_of(*EVIDENCE_LEVELS), None),
        "basis": Field(text, None),
        "history_policies": TableList(HISTORY_POLICY_SCHEMA),
        "rules": TableList(RULE_SCHEMA, _check_rule),
    }
