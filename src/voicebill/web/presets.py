"""The documented plans as addresses of the page."""

import tomllib
from functools import cache
from typing import NamedTuple

from voicebill.facts.plans import plan_text
from voicebill.web.fields import address


class Preset(NamedTuple):
    """A documented plan: what it is, and the query that leads to it."""

    label: str
    about: str
    query: str
    fields: dict[str, str]


@cache
def preset(use: str) -> Preset:
    """A documented plan by its name.

    >>> preset("support-bot").label
    'support bot'
    """
    text = plan_text(use)
    told = tomllib.loads(text)
    cut = told.pop("truncation", {})
    told |= {"truncation" if name == "mode" else name: value for name, value in cut.items() if value != "auto"}
    fields = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in told.items()}
    return Preset(use.replace("-", " "), text.splitlines()[0].lstrip("# "), address(fields), fields)
