"""Link a plan with its comparison, which pins the plan's own offer and is not restricted to it."""

from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import parse_qsl, urlencode

from voicebill.web.forms.fields import plan_query_string
from voicebill.web.status_reports import Problem

OFFER_FIELDS = ("model", "provider", "deployment", "region")
"""The fields that select an offer. In an address of a comparison they restrict it; the field `pinned` has those of the plan."""


def compare_query(values: Mapping[str, str]) -> str:
    """The query of the comparison for a plan, given by the fields of its form or its address.

    >>> compare_query({"minutes": "5", "turns": "20", "model": "gpt-realtime-mini", "provider": "azure"})
    'minutes=5&pinned=model%3Dgpt-realtime-mini%26provider%3Dazure'
    """
    pinned = plan_query_string({name: values[name] for name in OFFER_FIELDS if name in values})
    plan = plan_query_string(values, without=OFFER_FIELDS)
    return "&".join(filter(None, (plan, urlencode({"pinned": pinned}) if pinned else "")))


@lru_cache(maxsize=64)
def compare_query_of(plan_query: str) -> str:
    """The same for the query of a plan. A page has it in several links."""
    return compare_query(dict(parse_qsl(plan_query)))


def with_pinned_offer(values: Mapping[str, str]) -> dict[str, str]:
    """The fields of the plan in an address of a comparison: with its pinned offer, and without what restricts the comparison.

    >>> with_pinned_offer({"minutes": "5", "provider": "google", "pinned": "model=gpt-realtime-mini"})
    {'minutes': '5', 'model': 'gpt-realtime-mini'}

    Raises:
        Problem: the pinned offer has other fields than those of an offer, or none.
    """
    pinned = dict(parse_qsl(values.get("pinned", "")))
    if (values.get("pinned") and not pinned) or not pinned.keys() <= set(OFFER_FIELDS):
        example = "model=gpt-realtime-mini&provider=azure"
        raise Problem(422, "Invalid input", [("pinned", f"must be the fields of an offer, such as {example}")])
    return {name: value for name, value in values.items() if name not in (*OFFER_FIELDS, "pinned")} | pinned
