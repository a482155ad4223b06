"""What the form shows: its fields and choices, the documented plans, and what is wrong at which field."""

from collections.abc import Mapping
from typing import Any

from voicebill.facts.plans import USES
from voicebill.web.asking import Refused
from voicebill.web.fields import FOLDED, SHORT, models
from voicebill.web.presets import preset
from voicebill.web.site import Site


def form_context(fields: Mapping[str, str], site: Site) -> dict[str, Any]:
    """What every page with the form needs: the fields as they were given come back as they are."""
    return {
        "fields": fields,
        "short": SHORT,
        "folded": FOLDED,
        "models": list(models(site.facts.prices, site.calendar())),
        "uses": [preset(use) for use in USES],
        "errors": {},
        "refusal": None,
        "view": None,
        "why": None,
    }


def refusal_context(refused: Refused) -> dict[str, Any]:
    """What was refused: its messages by field, and those of no field."""
    return {"errors": {name: text for name, text in refused.errors if name}, "refusal": refused}
