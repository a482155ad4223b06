"""Render pages from templates, and serve their static files."""

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from fastapi import Request, Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

from voicebill.answers.escaping import LINE_CONTROLS, visible_text
from voicebill.answers.parsing.quantities import format_exact_percent
from voicebill.billing.money import (
    Amount,
    column_decimals,
    format_amount,
    format_dollars,
    format_exact,
    format_in_column,
    format_price,
)
from voicebill.web.embedding import is_embedded, keep_embedded
from voicebill.web.forms.compare_link import compare_query_of
from voicebill.web.forms.fields import FORM_FIELDS, FormField, query_string, split_volume
from voicebill.web.forms.model_choices import Choices
from voicebill.web.links import keep_plan, linked_source
from voicebill.web.responses import IMMUTABLE, REVALIDATE, with_etag
from voicebill.web.site import Site

STATIC = {
    "voicebill.css": "text/css; charset=utf-8",
    "voicebill.js": "text/javascript; charset=utf-8",
    "usage-logs.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "favicon.ico": "image/x-icon",
    "apple-touch-icon.png": "image/png",
    "preview.png": "image/png",
}

ROOT_FILES = ("favicon.ico", "apple-touch-icon.png")
"""Static files that browsers ask for at the root of a site, whatever its pages say."""

PAGE_PARTS = ("/answer", "/why", "/capacity/answer", "/ptu/answer", "/cost/answer")
"""Paths of parts of pages, for the script."""

NOT_FOR_ROBOTS = ("/api/", *PAGE_PARTS, "/chart/", "/export.csv", "/quote.", "/compare.", "/healthz")
"""Paths of data, files and parts of pages; pages with a plan name the page without one as the original."""


LEAST_BAR_WIDTH = 0.7
"""The width of the bar of a small part, in percent of the column, so that it can be seen."""


def bar_width(part: Amount | float, total: Amount | float) -> float:
    """The width of a part's bar in percent of the column.

    >>> bar_width(1, 4), bar_width(1, 10**6), bar_width(0, 0)
    (25.0, 0.7, 0)
    """
    return max(round(100 * float(part) / float(total), 2), LEAST_BAR_WIDTH) if total else 0


MARK_WIDTH = 1.2
"""The width of the mark of a value within a bar, in percent of the column."""


MAX_PRICE_DECIMALS = 6
"""A list price with more decimals is that of an hour per minute, or the like: tables show four digits of it."""


def short_price(price: Decimal) -> str:
    """A list price in a table: with all its digits, unless there are many.

    >>> short_price(Decimal("0.0792")), short_price(Decimal("0.001666666667"))
    ('$0.0792', '$0.001667')
    """
    exponent = price.as_tuple().exponent
    has_many = isinstance(exponent, int) and exponent < -MAX_PRICE_DECIMALS
    return format_price(Decimal(f"{price:.4g}") if has_many else price)


MAX_KEPT_CONTROLS = 512
"""Fields of forms with their values that are kept as HTML: one has 0.5 to 5 KB, and all pages together have 150."""


@lru_cache(maxsize=64)
def option_tags(choices: Choices) -> Markup:
    """The options of a selection as HTML, none of them selected. Most are the same on every page.

    >>> option_tags((("", "none"), ("a&b", "both")))
    Markup('<option value="">none</option><option value="a&amp;b">both</option>')
    """
    tags = (f'<option value="{escape(_visible(value))}">{escape(_visible(label))}</option>' for value, label in choices)
    return Markup("".join(tags))


def _visible(value: object) -> object:
    """What a template shows of a value: its text with invisible characters as their code, before it is escaped for HTML."""
    if type(value) is str and value.isprintable():  # none of its characters is invisible: most texts, in a tenth of the time
        return value
    return value if hasattr(value, "__html__") else visible_text(str(value), keep=LINE_CONTROLS)


NAVIGATION = (
    ("/", "Estimate", True),
    ("/compare", "Compare", True),
    ("/capacity", "Capacity", True),
    ("/ptu", "PTUs", False),
    ("/cost", "Usage logs", False),
    ("/prices", "Prices", False),
    ("/rules", "Rules", False),
    ("/learn", "Learn", False),
    ("/api", "API", False),
)
"""The pages, their names, and whether their address has the fields of a plan."""


def plan_query(request: Request, context: Mapping[str, Any]) -> str:
    """The plan that travels through the navigation: that of the page's form, or the one that its address keeps."""
    fields = context.get("fields")
    if not isinstance(fields, Mapping):
        return request.query_params.get("plan", "")
    return query_string({name: value for name, value in fields.items() if name in FORM_FIELDS or name == "compare"})


def origin_of(request: Request) -> str:
    """The scheme and the name by which a request addressed the site."""
    return f"{request.url.scheme}://{request.url.netloc}"


class Pages:
    """Renders templates for a site, and serves its static files."""

    def __init__(self, site: Site) -> None:
        self.site = site
        folder = files("voicebill.web") / "static"
        self.files = {name: (folder / name).read_bytes() for name in STATIC}
        self.tags = {name: blake2b(body, digest_size=6).hexdigest() for name, body in self.files.items()}
        self.templates = Environment(
            loader=PackageLoader("voicebill.web"),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=_visible,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self.templates.filters |= {
            "amount": format_amount,
            "exact": format_exact,
            "decimals": column_decimals,
            "in_column": format_in_column,
            "dollars": format_dollars,
            "price": format_price,
            "list_price": short_price,
            "linked": linked_source,
            "counted": lambda number: f"{number:,}",
            "percent": lambda share: f"{float(share):.0%}",
            "exact_percent": format_exact_percent,
            "capitalize_first": lambda text: text[:1].upper() + text[1:],
            "signed_percent": lambda share: f"{float(share):+.0%}",
            "bar_width": bar_width,
            "compare_query": compare_query_of,
            "total_of": lambda alternative, alternatives: alternatives.total(alternative),
            "total_per_month_of": lambda alternative, alternatives: alternatives.total_per_month(alternative),
            "alternative_of": lambda offer_estimate, alternatives: alternatives.find(offer_estimate.offer.id),
            "option_tags": option_tags,
        }
        self.templates.globals |= {
            "at": site.prefix,
            "static": self.static,
            "site": site,
            "field_labels": {},
            "mark_width": MARK_WIDTH,
            "navigation": NAVIGATION,
            "split_volume": split_volume,
            "is_part": False,
            "control_html": lru_cache(MAX_KEPT_CONTROLS)(self.control),
        }

    def control(self, field: FormField, value: str, error: str, hint: str, list_id: str) -> Markup:
        """A field of a form as HTML. Most have the same value on every page."""
        context = {"field": field, "value": value, "error": error, "hint": hint, "list": list_id}
        return Markup(self.templates.get_template("_control.html").render(context))

    def static(self, name: str) -> str:
        """The address of a static file; it changes with the content of the file."""
        return f"{self.site.prefix}/static/{name}?v={self.tags[name]}"

    def file(self, request: Request, name: str) -> Response:
        """A static file."""
        is_current = request.query_params.get("v") == self.tags[name]
        return with_etag(request, self.files[name], STATIC[name], cache=IMMUTABLE if is_current else REVALIDATE)

    def robots(self, request: Request) -> Response:
        """What robots may read: the pages."""
        lines = ["User-agent: *", *(f"Disallow: {self.site.prefix}{path}" for path in NOT_FOR_ROBOTS)]
        return with_etag(request, "".join(f"{line}\n" for line in lines).encode(), "text/plain; charset=utf-8")

    def page(self, request: Request, name: str, context: Mapping[str, Any], *, status: int = 200) -> Response:
        """A page or a part of a page."""
        fields = context.get("fields")  # a plan with a discount is sent without a query
        embedded = is_embedded(request.url.query) or (isinstance(fields, Mapping) and fields.get("embed") == "1")
        path = request.scope["path"].removeprefix(self.site.prefix)
        plan = plan_query(request, context)
        carried: dict[str, Any] = {"embedded": embedded, "here": path, "plan_query": plan, "origin": origin_of(request)}
        carried["original"] = f"{carried['origin']}{self.site.prefix}{quote(path)}" if status == 200 else ""
        carried["shared_query"] = plan if isinstance(fields, Mapping) else ""
        text = self.templates.get_template(name).render(**context, **carried)
        if plan:
            plan_pages = (
                {} if isinstance(fields, Mapping) else {"/": plan, "/capacity": plan, "/compare": compare_query_of(plan)}
            )
            text = keep_plan(text, self.site.prefix, plan, plan_pages)
        text = keep_embedded(text, self.site.prefix) if embedded else text
        if status != 200:
            return HTMLResponse(text, status_code=status, headers={"cache-control": "no-store"})
        if request.method == "POST":
            return HTMLResponse(text, headers={"cache-control": "no-store"})
        return with_etag(request, text.encode(), "text/html; charset=utf-8")
