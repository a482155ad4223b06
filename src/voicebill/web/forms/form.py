"""Build the template context of the form: fields, choices, example plans and errors by field."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from voicebill.answers.parameters.inputs import SELECTION
from voicebill.answers.parameters.renamed_keys import replacement_for
from voicebill.billing.errors import VoicebillError
from voicebill.web.forms.fields import (
    CAPACITY_GROUPS,
    FIELD_GROUPS,
    FORM_FIELDS,
    MAIN_FIELDS,
    MORE_FIELDS,
    FieldGroup,
    fill_choices,
    query_string,
    with_defaults,
)
from voicebill.web.forms.model_choices import with_available_offer
from voicebill.web.forms.presets import preset_links
from voicebill.web.forms.requests import EXPLICIT_WHEN_EMPTY
from voicebill.web.site import Site
from voicebill.web.status_reports import Problem

FIELD_LABELS = {field.name: field.label for group in (*FIELD_GROUPS, *CAPACITY_GROUPS) for field in group.fields}


def form_context(
    fields: Mapping[str, str],
    site: Site,
    more_groups: Sequence[FieldGroup] = MORE_FIELDS,
    *,
    main_group: FieldGroup = MAIN_FIELDS,
) -> dict[str, Any]:
    """The context that every page with the form needs; the fields keep the values as they were typed."""
    choices = site.model_choices(form_day(fields, site))
    return {
        "fields": fields,
        "main_group": fill_choices(main_group, fields, choices),
        "more_groups": [fill_choices(group, fields, choices) for group in more_groups],
        "presets": preset_links(fields),
        "explicit_when_empty": EXPLICIT_WHEN_EMPTY,
        "field_labels": FIELD_LABELS,
        "errors": {},
        "problem": None,
        "corrected_query": "",
        "view": None,
        "explanation": None,
    }


def page_fields(values: Mapping[str, str], site: Site) -> tuple[dict[str, str], list[str]]:
    """The fields of a page for a request: with initial values, and with an offer that is sold; and what was changed for it."""
    fields = with_defaults(values)
    available, notes = with_available_offer(fields, site.model_choices(form_day(fields, site)))
    return available, notes if {"provider", "deployment"}.intersection(values) else []


def form_day(fields: Mapping[str, str], site: Site) -> date:
    """The day that is asked about; today if it is not a day."""
    try:
        return SELECTION["day"].read(fields["day"]) if fields.get("day") else site.today()
    except VoicebillError:
        return site.today()


def problem_context(problem: Problem, fields: Mapping[str, str]) -> dict[str, Any]:
    """The context of a problem in the form's words: its messages by field, and the problem itself for those without a field.

    An address of an earlier version comes with the same address in today's names.
    """
    renamed = {name: new for name in fields if (new := replacement_for(name, FORM_FIELDS))}
    in_words = problem.in_words(FIELD_LABELS)
    in_words.errors = [
        (name, f"is a name of an earlier version; it is now {renamed[name]}: {FIELD_LABELS[renamed[name]]}")
        if name in renamed
        else (name if name in FIELD_LABELS or name in fields else None, text)
        for name, text in in_words.errors
    ]
    return {
        "errors": {name: text for name, text in in_words.errors if name},
        "problem": in_words,
        "corrected_query": query_string({renamed.get(name, name): value for name, value in fields.items()}) if renamed else "",
    }
