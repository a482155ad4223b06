"""Keep the last answers of a site by their addresses, so that a link that many people open is calculated once."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from voicebill.web.responses import with_etag
from voicebill.web.site import Site

OK = 200

MAX_ANSWER_BYTES = 512 * 2**10
"""A larger answer is not kept. The first page has about 100 KiB, and the JSON of an estimate 20 KiB."""

ENTRY_BYTES = 600
"""What an answer takes in addition to its body and its address."""


class Address(NamedTuple):
    """What an answer depends on: the day, and the address as it was sent, with the name by which the site is addressed.

    Prices, rules and all other settings are the same as long as a site runs.
    """

    today: date
    scheme: str
    host: str
    path: str
    query: bytes


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """The body of an answer, with its media type."""

    body: bytes
    media_type: str | None


class AnswerCache:
    """The last answers by their addresses, the oldest first; at most `max_bytes` of them.

    >>> cache = AnswerCache(max_bytes=2 * ENTRY_BYTES)
    >>> for query in (b"minutes=1", b"minutes=2"):
    ...     address = Address(date(2026, 11, 22), "http", "localhost", "/answer", query)
    ...     cache.keep(address, KeptAnswer(b"$1", "text/html"))
    >>> len(cache.answers), address in cache.answers
    (1, True)
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.size = 0
        self.answers: OrderedDict[Address, KeptAnswer] = OrderedDict()

    def find(self, address: Address) -> KeptAnswer | None:
        """The answer at an address, if it is kept."""
        answer = self.answers.get(address)
        if answer is not None:
            self.answers.move_to_end(address)
        return answer

    def keep(self, address: Address, answer: KeptAnswer) -> None:
        """Keep an answer, in place of those that were not asked for for longest."""
        if len(answer.body) > MAX_ANSWER_BYTES or address in self.answers:
            return
        self.answers[address] = answer
        self.size += _size(address, answer)
        while self.size > self.max_bytes:
            self.size -= _size(*self.answers.popitem(last=False))


def _size(address: Address, answer: KeptAnswer) -> int:
    return len(answer.body) + len(address.path) + len(address.host) + len(address.query) + ENTRY_BYTES


async def kept_or_new(request: Request, site: Site, cache: AnswerCache, answer: Callable[[], Awaitable[Response]]) -> Response:
    """The answer at an address, as it was given before on the same day, or a new one. What is posted is never kept."""
    if request.method != "GET":
        return await answer()
    address = _address(request, site)
    kept = cache.find(address)
    if kept is not None:
        return with_etag(request, kept.body, kept.media_type)
    response = await answer()
    if response.status_code == OK:
        cache.keep(address, KeptAnswer(bytes(response.body), response.media_type))
    return response


def _address(request: Request, site: Site) -> Address:
    scope = request.scope
    return Address(site.today(), scope["scheme"], request.headers.get("host", ""), scope["path"], scope["query_string"])
