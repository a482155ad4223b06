"""Convert example plans to queries of the page."""

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from typing import NamedTuple

from voicebill.facts.example_plans import EXAMPLE_PLANS, example_plan_text
from voicebill.web.forms.fields import KEPT_PAGE_FIELDS, query_string


class Preset(NamedTuple):
    """An example plan with its description, query and fields."""

    label: str
    description: str
    query: str
    fields: dict[str, str]


@cache
def preset(plan_name: str) -> Preset:
    """The preset of an example plan.

    >>> preset("support-bot").label
    'support bot'
    """
    text = example_plan_text(plan_name)
    values = tomllib.loads(text)
    truncation = values.pop("truncation", {})
    values |= {"truncation" if name == "mode" else name: value for name, value in truncation.items() if value != "auto"}
    fields = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in values.items()}
    return Preset(plan_name.replace("-", " "), text.splitlines()[0].lstrip("# "), query_string(fields), fields)


MODEL_FIELDS = ("model", "provider", "deployment", "region", "day", "rules")
"""Fields that stay when another example plan is chosen: they do not say what the conversation is like."""


class PresetLink(NamedTuple):
    """A link to an example plan with the model that is selected; `is_active` if the form shows just that plan."""

    label: str
    description: str
    query: str
    is_active: bool


def preset_links(fields: Mapping[str, str]) -> list[PresetLink]:
    """The links from a form's fields to the example plans, with the fields of the page that are kept."""
    shown_query, queries = query_string(fields), preset_queries(fields, KEPT_PAGE_FIELDS)
    return [
        PresetLink(preset(name).label, preset(name).description, query, is_active=query == shown_query)
        for name, query in queries.items()
    ]


def preset_queries(fields: Mapping[str, str], page_fields: Iterable[str] = ()) -> Mapping[str, str]:
    """The queries of the example plans by their names, with the model of a form's fields, and fields of the page."""
    return _preset_queries(tuple((name, fields[name]) for name in (*MODEL_FIELDS, *page_fields) if fields.get(name)))


@lru_cache(maxsize=64)
def _preset_queries(kept: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    return {name: query_string(preset(name).fields | dict(kept)) for name in EXAMPLE_PLANS}
