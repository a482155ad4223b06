"""Build the template context of the form: fields, choices, example plans and errors by field."""

from collections.abc import Mapping
from typing import Any

from voicebill.facts.example_plans import EXAMPLE_PLANS
from voicebill.web.forms.fields import (
    CAPACITY_GROUPS,
    FIELD_GROUPS,
    MAIN_FIELDS,
    MORE_FIELDS,
    realtime_model_names,
    with_choices,
)
from voicebill.web.forms.presets import preset
from voicebill.web.forms.requests import EXPLICIT_WHEN_EMPTY, Problem
from voicebill.web.site import Site

FIELD_LABELS = {field.name: field.label for group in (*FIELD_GROUPS, *CAPACITY_GROUPS) for field in group.fields}


def form_context(fields: Mapping[str, str], site: Site) -> dict[str, Any]:
    """The context that every page with the form needs; the fields keep the values as they were typed."""
    models = realtime_model_names(site.facts.prices, site.today())
    return {
        "fields": fields,
        "main_group": with_choices(MAIN_FIELDS, "model", models),
        "more_groups": MORE_FIELDS,
        "presets": [preset(plan_name) for plan_name in EXAMPLE_PLANS],
        "explicit_when_empty": EXPLICIT_WHEN_EMPTY,
        "field_labels": FIELD_LABELS,
        "errors": {},
        "problem": None,
        "view": None,
        "explanation": None,
    }


def problem_context(problem: Problem) -> dict[str, Any]:
    """The context of a problem: its messages by field, and the problem itself for messages without a field."""
    return {"errors": {name: text for name, text in problem.errors if name}, "problem": problem}
