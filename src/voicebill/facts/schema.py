"""What a facts file may hold: prices, lifecycles, surcharges, availability, quotas, meters, and rules, in any mixture."""

from collections.abc import Collection
from decimal import Decimal
from typing import get_args

from voicebill.answers.stacks import KINDS as KIND_OF
from voicebill.answers.stacks import ROLES
from voicebill.answers.tables import (
    Key,
    Reader,
    Rows,
    Schema,
    Values,
    a_day,
    anything,
    decimal,
    flag,
    listed,
    mapped,
    one_of,
    text,
    the_day,
    whole,
)
from voicebill.billing.errors import InvalidInput, VoicebillError
from voicebill.billing.money import picodollars
from voicebill.billing.offers import Kind
from voicebill.billing.provisioned import DEPLOYMENTS, Steps
from voicebill.conversation.rules import parameter_value

KINDS: tuple[str, ...] = get_args(Kind)
TIERS = ("standard", "batch", "flex", "priority")
EVIDENCE = ("documented", "measured", "inferred", "assumed", "defined")


def _regions(value: object) -> object:
    """A list of regions, or the name of one of the file's region lists."""
    return value if isinstance(value, str) else listed(text)(value)


def _vendor_meter(value: object) -> tuple[str, str]:
    if not isinstance(value, dict) or set(value) != {"name", "unit"}:
        raise InvalidInput('must be written { name = "...", unit = "1M" }')
    return text(value["name"]), text(value["unit"])


def _positive(reader: Reader) -> Reader:
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


def _some(reader: Reader) -> Reader:
    def read(value: object) -> object:
        found = reader(value)
        if not found:
            raise InvalidInput("names nothing")
        return found

    return read


SOURCED: Schema = {"checked": Key(the_day, None), "sources": Key(listed(text), None), "note": Key(text, "")}


def _ends_after_it_begins(row: Values) -> None:
    since, until = row.get("since"), row.get("until")
    if since is not None and until is not None and until.last <= since.first:
        raise InvalidInput(f"until ({until}) is not after since ({since})")


def _value_fits_parameter(row: Values) -> None:
    _ends_after_it_begins(row)
    parameter, wrong = row.get("parameter"), []
    if parameter is not None:
        for value in (*([row["value"]] if "value" in row else []), *row.get("disputed", ())):
            try:
                parameter_value(parameter, value)
            except VoicebillError as error:
                wrong.append(str(error))
    if wrong:
        raise InvalidInput("; ".join(dict.fromkeys(wrong)))


def _factor_or_fee(row: Values) -> None:
    if (row.get("factor") is None) == (row.get("usd") is None):
        raise InvalidInput("a surcharge has either a factor or usd")


METER: Schema = {
    "name": Key(text),
    "label": Key(text),
    "unit": Key(one_of("token", "ms", "character", "call", "month")),
    "priced_per": Key(_positive(whole)),
    "price_unit": Key(text),
    "direction": Key(one_of("in", "out", "session")),
    "modality": Key(text),
    "fresh": Key(text, None),
}

ALIAS: Schema = {
    "provider": Key(text, None),
    "model": Key(text),
    "version": Key(text, None),
    "since": Key(a_day),
    "until": Key(a_day, None),
    **SOURCED,
}

LIFECYCLE: Schema = {
    "provider": Key(text, None),
    "model": Key(text),
    "version": Key(text, None),
    "announced": Key(a_day, None),
    "shutdown": Key(a_day),
    "replacement": Key(text, None),
    "disputed": Rows({"shutdown": Key(a_day), "source": Key(text)}),
    **SOURCED,
}

SURCHARGE: Schema = {
    "provider": Key(text, None),
    "name": Key(text),
    "models": Key(listed(text), ()),
    "factor": Key(decimal, None),
    "usd": Key(decimal, None),
    "per": Key(text, ""),
    **SOURCED,
}

AVAILABILITY: Schema = {
    "provider": Key(text, None),
    "models": Key(listed(text)),
    "deployment": Key(one_of("global", "data-zone", "regional")),
    "regions": Key(listed(text), ()),
    **SOURCED,
}

QUOTA: Schema = {
    "provider": Key(text, None),
    "models": Key(_some(listed(text))),
    "deployment": Key(one_of("global", "data-zone", "regional"), "global"),
    "tiers": Key(_some(listed(text))),
    "since": Key(a_day),
    "until": Key(a_day, None),
    "tokens_per_minute": Key(_positive(whole), None),
    "requests_per_minute": Key(_positive(whole), None),
    "sessions": Key(_positive(whole), None),
    **SOURCED,
}

COUNTING: Schema = {
    "provider": Key(text, None),
    "cached_tokens": Key(flag),
    "request_is": Key(one_of("response", "session")),
    "per": Key(text),
    "scope": Key(text),
    "output": Key(text),
    "since": Key(a_day),
    "until": Key(a_day, None),
    "evidence": Key(one_of(*EVIDENCE)),
    "basis": Key(text),
    **SOURCED,
}


def _limits_something(row: Values) -> None:
    _ends_after_it_begins(row)
    limits = ("tokens_per_minute", "requests_per_minute", "sessions")
    if all(name in row and row[name] is None for name in limits):
        raise InvalidInput("a quota needs tokens_per_minute, requests_per_minute or sessions")


RULE: Schema = {
    "parameter": Key(text),
    "value": Key(anything),
    "models": Key(listed(text), ()),
    "providers": Key(listed(text), ()),
    "kinds": Key(listed(one_of(*KINDS)), ()),
    "evidence": Key(one_of(*EVIDENCE), None),
    "basis": Key(text, None),
    "disputed": Key(listed(anything), ()),
    "since": Key(a_day, None),
    "until": Key(a_day, None),
    "sources": Key(listed(text), None),
}


STACK: Schema = {
    "name": Key(text),
    "title": Key(text),
    "architecture": Key(one_of(*ROLES)),
    **{role: Key(listed(text), ()) for role in KIND_OF},
    "provider": Key(text, None),
    "deployment": Key(one_of("global", "data-zone", "regional"), None),
    "tier": Key(one_of(*TIERS), "standard"),
    "lives_days": Key(whole, 0),
    "streams": Key(_positive(whole), 1),
    "fees": Key(listed(text), ()),
    **SOURCED,
}

TRANSPORT: Schema = {
    "name": Key(one_of("webrtc", "websocket", "sip")),
    **{key: Key(text) for key in ("title", "best_for", "setup", "needs", "truncates", "usage_seen")},
    "low_ms": Key(whole, None),
    "high_ms": Key(whole, None),
    "codecs": Rows({"name": Key(text), "bytes_per_minute": Key(_positive(whole)), "note": Key(text, "")}),
    **SOURCED,
}

LATENCY: Schema = {
    "part": Key(one_of("speech-to-speech", "live", *KIND_OF)),
    "models": Key(listed(text), ()),
    "low_ms": Key(whole),
    "high_ms": Key(whole),
    "evidence": Key(one_of(*EVIDENCE)),
    "basis": Key(text),
    **SOURCED,
}


def _factor_or_percent(row: Values) -> None:
    sound = "factor" in row and "percent_off" in row  # one that is faulty is not there
    if sound and (row["factor"] is None) == (row["percent_off"] is None):
        raise InvalidInput("an adjustment has either a factor or percent_off")
    _ends_after_it_begins(row)


def _percent(value: object) -> Decimal:
    percent = decimal(value)
    if percent > 100:
        raise InvalidInput(f"must be between 0 and 100, not {value}")
    return percent


ADJUSTMENT: Schema = {
    "name": Key(text),
    "factor": Key(decimal, None),
    "percent_off": Key(_percent, None),
    "providers": Key(listed(text), ()),
    "models": Key(listed(text), ()),
    "deployments": Key(listed(one_of("global", "data-zone", "regional")), ()),
    "since": Key(a_day),
    "until": Key(a_day, None),
    "sources": Key(listed(text), None),
}


def _in_one_currency(row: Values) -> None:
    _ends_after_it_begins(row)
    if not {"usd", "currency", "amounts"} <= set(row):
        return  # one that is faulty is not there
    if (row["currency"] is None) != (row["amounts"] is None):
        raise InvalidInput("'currency' and 'amounts' go together")
    if (row["usd"] is None) == (row["amounts"] is None):
        raise InvalidInput("prices are given either as 'usd', or as 'currency' and 'amounts'")


def _currency_code(value: object) -> str:
    code = text(value)
    if not (len(code) == 3 and code.isascii() and code.isalpha() and code.isupper()) or code == "USD":
        raise InvalidInput(f"must be three letters such as EUR, and not USD: {code}")
    return code


CURRENCY: Schema = {
    "code": Key(_currency_code),
    "per_dollar": Key(_positive(decimal)),
    "since": Key(a_day),
    "until": Key(a_day, None),
    **SOURCED,
}


def _steps(value: object) -> Steps:
    if not isinstance(value, dict) or set(value) != {"minimum", "increment"}:
        raise InvalidInput("must be written { minimum = 15, increment = 5 }")
    minimum, increment = (_positive(whole)(value[key]) for key in ("minimum", "increment"))
    return Steps(minimum, increment)


PROVISIONED_MODEL: Schema = {
    "model": Key(text),
    "since": Key(a_day),
    "until": Key(a_day, None),
    "input_tpm_per_ptu": Key(_positive(whole)),
    "output_ratio": Key(_positive(whole)),
    "shared": Key(_steps),
    "regional": Key(_steps, None),
    "most_prompt_tokens": Key(_positive(whole), None),
    **SOURCED,
}

PROVISIONED_HOUR: Schema = {
    "deployment": Key(one_of(*DEPLOYMENTS)),
    "place": Key(text, "everywhere"),
    "regions": Key(_regions, ()),
    "since": Key(a_day),
    "until": Key(a_day, None),
    "usd": Key(_price),
    "assumed": Key(flag, False),
    "no_pay_as_you_go": Key(text, ""),
    **SOURCED,
}

PROVISIONED_RESERVATION: Schema = {
    "months": Key(_positive(whole)),
    "since": Key(a_day),
    "until": Key(a_day, None),
    "usd": Key(_price),
    **SOURCED,
}


def offer_schema(meters: Collection[str]) -> Schema:
    """What an offer may hold, where these are the meters that there are."""
    price: Schema = {
        "since": Key(a_day),
        "until": Key(a_day, None),
        "usd": Key(_some(mapped(_price, meters)), None),
        "currency": Key(text, None),
        "amounts": Key(_some(mapped(_price, meters)), None),
        "disputes": Rows({"meter": Key(one_of(*meters)), "usd": Key(_price), "source": Key(text)}),
        "increments": Key(mapped(_positive(whole), meters), {}),
        "confidence": Key(one_of("high", "medium", "low"), "high"),
        **SOURCED,
    }
    return {
        "provider": Key(text, None),
        "model": Key(text),
        "version": Key(text, None),
        "also_named": Key(listed(text), ()),
        "kind": Key(one_of(*KINDS)),
        "deployment": Key(one_of("global", "data-zone", "regional"), "global"),
        "regions": Key(_regions, ()),
        "tier": Key(one_of(*TIERS), "standard"),
        "vendor_meters": Key(mapped(_vendor_meter, meters), {}),
        "prices": Rows(price, _in_one_currency),
        "note": Key(text, ""),
    }


def file_schema(meters: Collection[str]) -> Schema:
    """What a facts file may hold, where these are the meters that there are."""
    offers = offer_schema(meters)
    negotiated: Schema = {"offer": Key(text), "prices": offers["prices"]}
    return {
        "provider": Key(text, None),
        "checked": Key(the_day, None),
        "sources": Key(listed(text), None),
        "example": Key(flag, False),
        "region_lists": Key(mapped(listed(text)), {}),
        "meters": Rows(METER),
        "offers": Rows(offers),
        "aliases": Rows(ALIAS, _ends_after_it_begins),
        "lifecycle": Rows(LIFECYCLE),
        "surcharges": Rows(SURCHARGE, _factor_or_fee),
        "negotiated": Rows(negotiated),
        "currencies": Rows(CURRENCY, _ends_after_it_begins),
        "adjustments": Rows(ADJUSTMENT, _factor_or_percent),
        "availability": Rows(AVAILABILITY),
        "stacks": Rows(STACK),
        "latency": Rows(LATENCY),
        "transports": Rows(TRANSPORT),
        "provisioned_models": Rows(PROVISIONED_MODEL, _ends_after_it_begins),
        "provisioned_hours": Rows(PROVISIONED_HOUR, _ends_after_it_begins),
        "provisioned_reservations": Rows(PROVISIONED_RESERVATION, _ends_after_it_begins),
        "quotas": Rows(QUOTA, _limits_something),
        "counting": Rows(COUNTING, _ends_after_it_begins),
        "name": Key(text, None),
        "title": Key(text, ""),
        "based_on": Key(text, None),
        "note": Key(text, ""),
        "evidence": Key(one_of(*EVIDENCE), None),
        "basis": Key(text, None),
        "rules": Rows(RULE, _value_fits_parameter),
    }
