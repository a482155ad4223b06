"""What the form shows: its fields and choices, the documented plans, and what is wrong at which field."""

from collections.abc import Mapping
from typing import Any

from voicebill.facts.example_plans import EXAMPLE_PLANS
from voicebill.web.fields import MAIN_FIELDS, MORE_FIELDS, realtime_model_names
from voicebill.web.presets import preset
from voicebill.web.requests import EXPLICIT_WHEN_EMPTY, Problem
from voicebill.web.site import Site


def form_context(fields: Mapping[str, str], site: Site) -> dict[str, Any]:
    """What every page with the form needs: the fields as they were given come back as they are."""
    return {
        "fields": fields,
        "short": MAIN_FIELDS,
        "folded": MORE_FIELDS,
        "models": list(realtime_model_names(site.facts.prices, site.today())),
        "uses": [preset(plan_name) for plan_name in EXAMPLE_PLANS],
        "explicit_when_empty": EXPLICIT_WHEN_EMPTY,
        "errors": {},
        "refusal": None,
        "view": None,
        "why": None,
    }


def problem_context(problem: Problem) -> dict[str, Any]:
    """What was refused: its messages by field, and those of no field."""
    return {"errors": {name: text for name, text in problem.errors if name}, "refusal": problem}
