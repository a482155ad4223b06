"""What a facts file may hold: prices, lifecycles, surcharges, availability, meters, and rules, in any mixture."""

from voicebill.answers.tables import (
    Key,
    Reader,
    Rows,
    Schema,
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
from voicebill.billing.errors import InvalidInput

KINDS = ("realtime", "live", "translation", "transcription", "speech", "text", "audio-chat", "telephony")
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


SOURCED: Schema = {"checked": Key(the_day, None), "sources": Key(listed(text), None), "note": Key(text, "")}

METER: Schema = {
    "name": Key(text),
    "label": Key(text),
    "unit": Key(one_of("token", "ms", "character", "call")),
    "priced_per": Key(_positive(whole)),
    "price_unit": Key(text),
    "direction": Key(one_of("in", "out", "session")),
    "modality": Key(text),
    "fresh": Key(text, None),
}

DISPUTE: Schema = {"meter": Key(text), "usd": Key(decimal), "source": Key(text)}

PRICE: Schema = {
    "since": Key(a_day),
    "until": Key(a_day, None),
    "usd": Key(mapped(decimal)),
    "disputes": Rows(DISPUTE),
    "increments": Key(mapped(_positive(whole)), {}),
    "confidence": Key(one_of("high", "medium", "low"), "high"),
    **SOURCED,
}

OFFER: Schema = {
    "provider": Key(text, None),
    "model": Key(text),
    "version": Key(text, None),
    "also_named": Key(listed(text), ()),
    "kind": Key(one_of(*KINDS)),
    "deployment": Key(one_of("global", "data-zone", "regional"), "global"),
    "regions": Key(_regions, ()),
    "tier": Key(one_of("standard", "batch", "flex", "priority"), "standard"),
    "vendor_meters": Key(mapped(_vendor_meter), {}),
    "prices": Rows(PRICE),
    "note": Key(text, ""),
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

RULE: Schema = {
    "parameter": Key(text),
    "value": Key(anything),
    "models": Key(listed(text), ()),
    "providers": Key(listed(text), ()),
    "evidence": Key(one_of(*EVIDENCE), None),
    "basis": Key(text, None),
    "disputed": Key(listed(anything), ()),
    "since": Key(a_day, None),
    "until": Key(a_day, None),
    "sources": Key(listed(text), None),
}

FILE: Schema = {
    "provider": Key(text, None),
    "checked": Key(the_day, None),
    "sources": Key(listed(text), None),
    "example": Key(flag, False),
    "region_lists": Key(mapped(listed(text)), {}),
    "meters": Rows(METER),
    "offers": Rows(OFFER),
    "aliases": Rows(ALIAS),
    "lifecycle": Rows(LIFECYCLE),
    "surcharges": Rows(SURCHARGE),
    "availability": Rows(AVAILABILITY),
    "name": Key(text, None),
    "title": Key(text, ""),
    "based_on": Key(text, None),
    "note": Key(text, ""),
    "evidence": Key(one_of(*EVIDENCE), None),
    "basis": Key(text, None),
    "rules": Rows(RULE),
}
