"""Change the links and forms of a page: those to pages without a plan of their own keep that of the reader; link sources."""

import re
from collections.abc import Callable, Mapping
from html import escape
from urllib.parse import quote_plus, urlsplit

from markupsafe import Markup

from voicebill.answers.escaping import visible_text

TAG = re.compile(r"<(?:a|form|button)\b[^>]*>")
ADDRESS = re.compile(r'\b(href|action|formaction)="([^"]*)"')
GET_FORM = re.compile(r'<form\b[^>]*\bmethod="get"[^>]*>')
WEB_ADDRESS = re.compile(r"https?://[^\s,;()<>\"']*[^\s,;()<>\"'.:?!]")
PAGES_WITHOUT_PLAN = re.compile(r"/(?:(?:prices|rules|learn|cost|ptu)(?=[/?#]|$)|api(?=[?#]|$))")

NO_PAGES: Mapping[str, str] = {}


def with_address(tag: str, address: str) -> str:
    """A tag that leads to another address."""
    return ADDRESS.sub(lambda target: f'{target[1]}="{address}"', tag, count=1)


def every_form(_tag: str) -> bool:
    """Whether a form is meant by its tag: each is."""
    return True


def with_hidden_field(page: str, name: str, value: str, is_meant: Callable[[str], bool] = every_form) -> str:
    """The HTML of a page whose forms that are sent as a query, which replaces that of their address, send a field, too.

    `is_meant` tells the forms that do so by their tags.
    """
    field = f'<input type="hidden" name="{name}" value="{escape(value)}">'

    def with_field(form: re.Match[str]) -> str:
        has_field = f'name="{name}"' in page[form.end() : page.find("</form>", form.end())]
        return form[0] if has_field or not is_meant(form[0]) else form[0] + field

    return GET_FORM.sub(with_field, page)


def keep_plan(page: str, prefix: str, plan_query: str, plan_pages: Mapping[str, str] = NO_PAGES) -> str:
    """The HTML of a page with the reader's plan in every link to a page that has no plan of its own, and in its forms.

    A page that has no form of a plan leads back to it, too: its plain links to pages with a plan, `plan_pages`, get its query.

    >>> keep_plan('<a href="/rules?model=x#cache">Rules</a> <a href="/compare">Compare</a>', "", "minutes=5&turns=8")
    '<a href="/rules?model=x&amp;plan=minutes%3D5%26turns%3D8#cache">Rules</a> <a href="/compare">Compare</a>'
    """
    field = f"plan={quote_plus(plan_query)}"

    def kept(tag: re.Match[str]) -> str:
        target = ADDRESS.search(tag[0])
        if target is None or not target[2].startswith(prefix) or "plan=" in target[2]:
            return tag[0]
        address, hash_sign, anchor = target[2].partition("#")
        own_query = plan_pages.get(address.removeprefix(prefix))
        if own_query:
            return with_address(tag[0], f"{address}?{escape(own_query)}{hash_sign}{anchor}")
        if not _has_no_plan(address, prefix):
            return tag[0]
        return with_address(tag[0], f"{address}{'&amp;' if '?' in address else '?'}{field}{hash_sign}{anchor}")

    def leads_to_page_without(tag: str) -> bool:
        target = ADDRESS.search(tag)
        return target is not None and _has_no_plan(target[2], prefix)

    return with_hidden_field(TAG.sub(kept, page), "plan", plan_query, leads_to_page_without)


def _has_no_plan(address: str, prefix: str) -> bool:
    return address.startswith(prefix) and PAGES_WITHOUT_PLAN.match(address.removeprefix(prefix)) is not None


def linked_source(text: str) -> Markup:
    """The HTML of a text that names a source: its web addresses are links, with the host as their text.

    >>> linked_source("litellm, citing https://docs.x.ai/models <2026>")
    Markup('litellm, citing <a href="https://docs.x.ai/models" rel="noopener">docs.x.ai</a> &lt;2026&gt;')
    """

    def link(address: str) -> str:
        return f'<a href="{escape(address)}" rel="noopener">{escape(_host(address))}</a>'

    visible = visible_text(text)
    parts = zip(WEB_ADDRESS.split(visible), [*map(link, WEB_ADDRESS.findall(visible)), ""], strict=True)
    return Markup("".join(f"{escape(plain)}{anchor}" for plain, anchor in parts))


def _host(address: str) -> str:
    try:
        return urlsplit(address).netloc.removeprefix("www.") or address
    except ValueError:
        return address
