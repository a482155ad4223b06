"""Create responses with ETags, and run work in threads."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from hashlib import blake2b
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response

from voicebill.answers.answer import JsonDocument
from voicebill.conversation.work import counted_steps
from voicebill.web.embedding import is_embedded, with_embed
from voicebill.web.site import Site
from voicebill.web.status_reports import Problem

Result = TypeVar("Result")

REVALIDATE = "no-cache"
"""Clients revalidate each time, because prices and the day change; with the ETag this is cheap."""
IMMUTABLE = "public, max-age=31536000, immutable"
"""For content that never changes under its address."""


def with_etag(
    request: Request, body: bytes, media_type: str | None, *, cache: str = REVALIDATE, headers: dict[str, str] | None = None
) -> Response:
    """A response with its ETag; 304 without a body if the client has this version."""
    etag = f'W/"{blake2b(body, digest_size=12).hexdigest()}"'
    response_headers = {"etag": etag, "cache-control": cache, **(headers or {})}
    if request.method in ("GET", "HEAD") and etag in (
        client_tag.strip() for client_tag in request.headers.get("if-none-match", "").split(",")
    ):
        return Response(status_code=304, headers=response_headers)
    return Response(body, media_type=media_type, headers=response_headers)


def see_other(request: Request, address: str) -> Response:
    """A redirect to the address of what a form asks for; it stays in the frame of an embedded page."""
    location = with_embed(address) if is_embedded(request.url.query) else address
    return Response(status_code=303, headers={"location": location})


def json_response(request: Request, body: bytes) -> Response:
    """A response with a JSON body."""
    return with_etag(request, body, "application/json")


def uncached(body: bytes) -> Response:
    """A response with a JSON body that must not be cached."""
    return Response(body, media_type="application/json", headers={"cache-control": "no-store"})


def json_body(report: JsonDocument) -> bytes:
    """The JSON of an answer or a report, as the command line prints it. For a long one this takes some milliseconds."""
    return report.to_compact_json().encode()


class StepBudget:
    """The work that a request may take, in responses of simulated conversations, until it is used up or nobody waits for it.

    >>> budget = StepBudget(100)
    >>> budget.count(100)
    >>> budget.count(1)
    Traceback (most recent call last):
    voicebill.web.status_reports.Problem: turns: takes more work than is possible here: ...
    """

    def __init__(self, steps: int) -> None:
        self.left = steps
        self.is_dropped = False

    def count(self, steps: int) -> None:
        """Take steps.

        Raises:
            Problem: so many are not left, or the request was dropped.
        """
        if self.is_dropped:
            raise Problem(503, "Too slow", [(None, "the request was cancelled")])
        self.left -= steps
        if self.left < 0:
            raise self.problem()

    def problem(self) -> Exception:
        """What is raised when no steps are left."""
        message = (
            "takes more work than is possible here: reduce turns, tool calls, call lengths or the range; "
            "the command line has no limit"
        )
        return Problem(422, "Too long", [("turns", message)])


class NotQuick(Exception):
    """Work takes more steps than quick work may."""


class QuickBudget(StepBudget):
    """The work that a request may take in the threads for quick work."""

    def problem(self) -> Exception:
        """What is raised when no steps are left: the work must be done elsewhere."""
        return NotQuick()


async def run_quickly(site: Site, work: Callable[[], Result]) -> Result:
    """Run work that takes a few milliseconds in the event loop: with threads, the loop would wait for them at every read.

    One request does so at a time, the first come first, and between two of them the loop does what else there is to do.
    Work that takes more steps is begun again in threads.

    Raises:
        Problem: the limit is exceeded.
    """
    try:
        async with site.turn:
            await asyncio.sleep(0)
            with counted_steps(QuickBudget(min(site.limits.immediate_steps, site.limits.steps)).count):
                return work()
    except NotQuick:
        return await run_in_threads(site, work)


async def run_in_threads(site: Site, work: Callable[[], Result], workers: Executor | None = None) -> Result:
    """Run work that takes more than a few milliseconds in threads, by default the site's, so that the event loop stays free.

    Conversations are counted within the site's limit. Work whose request is cancelled stops at the next count. Work that is
    not quick is begun again in threads for such work, so that quick work waits only for its own kind.

    Raises:
        Problem: the limit is exceeded.
    """
    if workers is not None:
        return await _run_within(StepBudget(site.limits.steps), work, workers)
    try:
        return await _run_within(QuickBudget(min(site.limits.quick_steps, site.limits.steps)), work, site.workers)
    except NotQuick:
        return await _run_within(StepBudget(site.limits.steps), work, site.slow_workers)


async def _run_within(budget: StepBudget, work: Callable[[], Result], workers: Executor) -> Result:
    def bounded_work() -> Result:
        try:
            with counted_steps(budget.count):
                return work()
        except StopIteration as error:  # asyncio cannot pass it on, and would wait for ever
            raise RuntimeError("a result has no next item") from error

    try:
        return await asyncio.get_running_loop().run_in_executor(workers, bounded_work)
    except asyncio.CancelledError:
        budget.is_dropped = True
        raise
