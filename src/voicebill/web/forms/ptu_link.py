"""Link a plan with the page of its PTUs."""

from collections.abc import Mapping
from urllib.parse import urlencode

from voicebill.web.forms.fields import FORM_FIELDS, plan_query_string

INITIAL_PLAN: Mapping[str, str] = {name: FORM_FIELDS[name].value for name in ("minutes", "turns", "conversations")}
"""What the query of a plan leaves out although it is no default of a plan: initial values of the form."""


def ptu_query(values: Mapping[str, str]) -> str:
    """The query of the PTU page for the text model of a plan, given by the fields of its form or its address.

    The plan is one field of that query, since a plan and a load have fields of the same name. The text model is that of the
    plan's pipeline (`llm`), if one is named.

    >>> ptu_query({"minutes": "5", "conversations": "50/day", "llm": "gpt-4.1"})
    'plan=minutes%3D5%26conversations%3D50%252Fday&model=gpt-4.1'
    >>> ptu_query({})
    'plan=minutes%3D10%26turns%3D20%26conversations%3D1%252C000%252Fmonth'
    """
    plan = plan_query_string(values) or urlencode(INITIAL_PLAN)
    return urlencode({"plan": plan} | ({"model": values["llm"]} if values.get("llm") else {}))
