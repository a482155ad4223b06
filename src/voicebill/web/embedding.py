"""Keep a page that is shown in a frame of another site within its frame.

Only an address with `embed=1` may be shown there, so every link and form of such a page has it, too. What would leave a reader
in a frame without a way back, or is meant for the address bar, opens in a new tab: JSON, and links to keep.
"""

import re
from collections.abc import Iterable

from voicebill.billing.errors import InvalidInput
from voicebill.web.links import ADDRESS, TAG, with_address, with_hidden_field

EMBED_FIELD = "embed=1"
OWN_SITE = "'self'"
ANYWHERE = "*"

HOST_SOURCE = re.compile(r"https?://(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?", re.ASCII)
"""An origin as a content security policy names it; it has no space, comma or semicolon, which would begin something else."""

NEW_TAB = ' target="_blank" rel="noopener"'


def parse_frame_ancestors(text: str) -> tuple[str, ...]:
    """The sites that may show an embedded page, from their origins with spaces between them, or `*`, or `self`.

    >>> parse_frame_ancestors("https://example.com https://*.intranet.example:8443")
    ('https://example.com', 'https://*.intranet.example:8443')
    >>> parse_frame_ancestors("self"), parse_frame_ancestors("*")
    (("'self'",), ('*',))

    Raises:
        InvalidInput: one of them is no origin.
    """
    names = [OWN_SITE if name in ("self", OWN_SITE) else name for name in text.lower().split()]
    return require_frame_ancestors(name.removesuffix("/") for name in names)


def require_frame_ancestors(names: Iterable[str]) -> tuple[str, ...]:
    """Names of sites as a content security policy lists them.

    Raises:
        InvalidInput: there is none, or one of them is no origin.
    """
    ancestors = tuple(names)
    wrong = next((name for name in ancestors if name not in (OWN_SITE, ANYWHERE) and not HOST_SOURCE.fullmatch(name)), None)
    if wrong is not None or not ancestors:
        named = "" if wrong is None else f", not {wrong[:80]!r}"
        message = f"must be origins such as https://example.com with spaces between them, or * for any site, or self{named}"
        raise InvalidInput(message, field="frame_ancestors")
    return ancestors


def is_embedded(query: str) -> bool:
    """Whether an address is that of a page in a frame.

    >>> is_embedded("minutes=5&embed=1"), is_embedded("embed=11")
    (True, False)
    """
    return EMBED_FIELD in query.split("&")


def with_embed(address: str, separator: str = "&") -> str:
    """An address of the site that may be shown in a frame, too.

    >>> with_embed("/compare?minutes=5#bridge"), with_embed("/rules")
    ('/compare?minutes=5&embed=1#bridge', '/rules?embed=1')
    """
    path_and_query, hash_sign, anchor = address.partition("#")
    path, _, query = path_and_query.partition("?")
    if EMBED_FIELD not in query.split(separator):
        query = separator.join(filter(None, (query, EMBED_FIELD)))
    return f"{path}?{query}{hash_sign}{anchor}"


def without_embed(address: str, separator: str = "&") -> str:
    """The same address for a window of its own.

    >>> without_embed("/?minutes=5&embed=1"), without_embed("/?embed=1#answer")
    ('/?minutes=5', '/#answer')
    """
    path_and_query, hash_sign, anchor = address.partition("#")
    path, _, query = path_and_query.partition("?")
    query = separator.join(part for part in query.split(separator) if part != EMBED_FIELD)
    return f"{path}{f'?{query}' if query else ''}{hash_sign}{anchor}"


def keep_embedded(page: str, prefix: str) -> str:
    """The HTML of a page with links and forms that stay in its frame, or open in a new tab.

    >>> keep_embedded('<a href="/compare?turns=9">Compare</a>', "")
    '<a href="/compare?turns=9&amp;embed=1">Compare</a>'
    >>> keep_embedded('<a href="/api/estimate?turns=9">JSON</a>', "")
    '<a href="/api/estimate?turns=9" target="_blank" rel="noopener">JSON</a>'
    """
    return with_hidden_field(TAG.sub(lambda tag: _embedded_tag(tag[0], prefix), page), "embed", "1")


def _embedded_tag(tag: str, prefix: str) -> str:
    target = ADDRESS.search(tag)
    if target is None or target[2].startswith("#") or '" download' in tag:
        return tag
    address = target[2]
    if 'rel="bookmark"' in tag:
        return with_address(tag, without_embed(address, "&amp;"))[:-1] + ' target="_blank">'
    if not address.startswith(f"{prefix}/") or address.startswith(f"{prefix}/api/"):
        return tag if tag.startswith("<form") else tag.replace(' rel="noopener"', "")[:-1] + NEW_TAB + ">"
    return with_address(tag, with_embed(address, "&amp;"))
