"""Apply limits and security headers to every request, and log it without its query."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, MutableMapping
from typing import Any, Literal, get_args

from starlette.responses import Response

from voicebill.web.embedding import ANYWHERE, OWN_SITE, is_embedded
from voicebill.web.site import Limits
from voicebill.web.status_reports import Problem, program_response

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]
RenderProblem = Callable[[Message, Problem], Response]

CLIENT_CLOSED_REQUEST = 499
"""What the log has for a request whose client closed the connection, as that of nginx; it is never sent."""

ACCESS_LOG = logging.getLogger("voicebill.access")

SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


def content_security_policy(query: str, frame_ancestors: Iterable[str]) -> str:
    """The policy of a page: nothing inline, nothing from other machines; other sites may show it only if it is embedded."""
    others = [name for name in frame_ancestors if name != OWN_SITE] if is_embedded(query) else []
    ancestors = ANYWHERE if ANYWHERE in others else " ".join((OWN_SITE, *others))
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
        f"base-uri 'none'; frame-ancestors {ancestors}"
    )


LOG_UPLOAD_PATHS = (
    *("/cost", "/cost/answer", "/cost.csv", "/cost.json"),
    *("/api/cost", "/api/explain", "/api/fit", "/api/replay"),
)
"""Paths that accept a usage log."""

RequestKind = Literal["health", "log", "chart", "other"]


class ClientGone(Exception):
    """The client closed the connection before it was answered."""


def host_name(header: str) -> str:
    """The name of a Host header, without its port.

    >>> host_name("LOCALHOST:8000"), host_name("[::1]:8000"), host_name("127.0.0.1")
    ('localhost', '::1', '127.0.0.1')
    """
    name = header.strip().lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0]


def _check_query(scope: Message) -> None:
    """Refuse a query that is not text: bytes that are no UTF-8, which a client sends if it does not escape them."""
    try:
        scope["query_string"].decode()
    except UnicodeDecodeError:
        message = "the address has bytes that are not UTF-8: escape them, as %E9"
        raise Problem(422, "Invalid input", [(None, message)]) from None


class LimitsMiddleware:
    """Limits concurrency, time and size, sets headers, and logs method, path and status, never the query.

    A body is read before the request counts as one of those that are processed at the same time. Logs, charts and other
    requests are counted separately, so that none of them waits for another kind.
    """

    def __init__(
        self,
        app: App,
        limits: Limits,
        prefix: str = "",
        hosts: Collection[str] | None = None,
        *,
        frame_ancestors: Collection[str] = (ANYWHERE,),
        render_problem: RenderProblem | None = None,
    ) -> None:
        """`hosts`: the names by which the site may be addressed (None: any); `frame_ancestors`: the sites that may embed it.

        `render_problem` makes the response of a problem, for a reader or a program.
        """
        self.app = app
        self.limits = limits
        self.prefix = prefix
        self.hosts = hosts
        self.frame_ancestors = frame_ancestors
        self.render_problem = render_problem or _json_problem
        self.active = dict.fromkeys(get_args(RequestKind), 0)
        self.max_active: Mapping[str, int] = {
            "log": limits.concurrent_logs,
            "chart": limits.concurrent_charts,
            "other": limits.concurrent_requests,
        }

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle a request, or reject it immediately if the site is busy."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        scope = {**scope, "root_path": self.prefix} if self.prefix else scope
        is_head = scope["method"] == "HEAD"
        scope = {**scope, "method": "GET"} if is_head else scope
        response = _Response(scope, send, self, head=is_head)
        slots = Slots(self, self._kind(scope["path"].removeprefix(self.prefix)))
        try:
            self._check_host(scope)
            _check_query(scope)
            body = await self._read_body(scope, receive, slots)
            slots.take()
            async with asyncio.timeout(self.limits.seconds):
                await self._answer(scope, body, receive, response)
        except ClientGone:
            response.status = response.status or CLIENT_CLOSED_REQUEST
        except TimeoutError:
            timeout_problem = Problem(
                503, "Too slow", [(None, f"no result within {self.limits.seconds:g} seconds: reduce the request")]
            )
            await response.send_problem(timeout_problem, {"retry-after": "1"})
        except asyncio.CancelledError:  # the site ends, and this request took longer than it may wait
            await response.send_problem(Problem(503, "Stopping", [(None, "the site is being stopped: try again later")]), {})
        except Problem as problem:
            await response.send_problem(problem, {"retry-after": "1"} if problem.status == 503 else {})
        except Exception as error:
            ACCESS_LOG.error("internal error in %r", scope["path"], exc_info=error)
            await response.send_problem(Problem(500, "Internal error", [(None, "an error in voicebill; please report it")]), {})
        finally:
            slots.release()
            elapsed_ms = (time.perf_counter() - started) * 1000
            ACCESS_LOG.info("%s %s %s %.0f ms", scope["method"], repr(scope["path"])[1:-1], response.status, elapsed_ms)

    def _kind(self, path: str) -> RequestKind:
        if path.endswith("/healthz"):
            return "health"
        if path in LOG_UPLOAD_PATHS:
            return "log"
        return "chart" if path.startswith("/chart/") else "other"

    def _check_host(self, scope: Message) -> None:
        """Refuse a name that is not the site's: a page elsewhere may have had its name resolved to this machine."""
        if self.hosts is None:
            return
        header = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
        if host_name(header) not in self.hosts:
            names = ", ".join(sorted(self.hosts))
            message = f"the site serves this machine alone, as {names}; --allow-host adds the name of a proxy"
            raise Problem(421, "Another host", [(None, message)])

    async def _read_body(self, scope: Message, receive: Receive, slots: "Slots") -> bytes:
        """The body of a request, which must arrive in time. Only so many may be longer than a plan can be.

        Raises:
            Problem: it is too long or too slow, or too many are long.
            ClientGone: it does not end.
        """
        limits = self.limits
        max_bytes = limits.log_bytes if slots.kind == "log" else limits.body_bytes
        too_long = Problem(413, "Too long", [(None, f"a body may have at most {max_bytes:,} bytes")])
        content_length = dict(scope["headers"]).get(b"content-length", b"0")
        if content_length.isdigit() and (len(content_length) > 15 or int(content_length) > max_bytes):
            raise too_long
        parts, size, more = [], 0, True
        try:
            async with asyncio.timeout(limits.body_seconds):
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ClientGone
                    parts.append(message.get("body", b""))
                    size, more = size + len(parts[-1]), message.get("more_body", False)
                    if size > max_bytes:
                        raise too_long
                    if size > limits.body_bytes:
                        slots.take()
        except TimeoutError:
            message_text = f"the body did not arrive within {limits.body_seconds:g} seconds"
            raise Problem(408, "Too slow", [(None, message_text)]) from None
        return b"".join(parts)

    async def _answer(self, scope: Message, body: bytes, receive: Receive, response: "_Response") -> None:
        """Run the application; drop its answer when the client closes the connection.

        Raises:
            ClientGone: it did.
        """
        task = asyncio.current_task()
        assert task is not None
        watcher = asyncio.ensure_future(receive())
        gone = False

        def drop(read: asyncio.Future[Message]) -> None:
            nonlocal gone
            if not read.cancelled() and not read.exception() and read.result()["type"] == "http.disconnect":
                gone = not response.is_complete and task.cancel()

        watcher.add_done_callback(drop)
        messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return messages.pop() if messages else await asyncio.shield(watcher)

        try:
            await self.app(scope, replay, response.send)
        except asyncio.CancelledError:
            if not gone:
                raise
            task.uncancel()
            raise ClientGone from None
        finally:
            watcher.cancel()


def _json_problem(_scope: Message, problem: Problem) -> Response:
    return program_response(problem)


class Slots:
    """The place of one request among those of its kind that are processed at the same time."""

    def __init__(self, limits: LimitsMiddleware, kind: RequestKind) -> None:
        self.limits = limits
        self.kind = kind
        self.is_taken = False

    def take(self) -> None:
        """Take the place, once.

        Raises:
            Problem: there is none.
        """
        if self.is_taken or self.kind == "health":
            return
        if self.limits.active[self.kind] >= self.limits.max_active[self.kind]:
            raise Problem(503, "Busy", [(None, "too many concurrent requests: try again in a second")])
        self.limits.active[self.kind] += 1
        self.is_taken = True

    def release(self) -> None:
        """Leave the place, if it was taken."""
        self.limits.active[self.kind] -= self.is_taken
        self.is_taken = False


class _Response:
    """Adds headers to the response of one request."""

    def __init__(self, scope: Message, send: Send, limits: LimitsMiddleware, *, head: bool) -> None:
        self.scope = scope
        self.limits = limits
        self.head = head
        self.send_downstream = send
        self.status = 0
        self.is_complete = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            header_names = {name for name, _ in message["headers"]}
            query = self.scope.get("query_string", b"").decode("latin-1")
            policy = {"content-security-policy": content_security_policy(query, self.limits.frame_ancestors)}
            added_headers = [
                (name.encode(), value.encode())
                for name, value in (SECURITY_HEADERS | policy).items()
                if name.encode() not in header_names
            ]
            message = {**message, "headers": [*message["headers"], *added_headers]}
        elif self.head:
            message = {**message, "body": b""}
        self.is_complete = message["type"] == "http.response.body" and not message.get("more_body", False)
        await self.send_downstream(message)

    async def send_problem(self, problem: Problem, headers: dict[str, str]) -> None:
        """Send a problem, unless a response has already started."""
        if self.status:
            return
        rendered = self.limits.render_problem(self.scope, problem)
        pairs = [*rendered.raw_headers, *((name.encode(), value.encode()) for name, value in headers.items())]
        await self.send({"type": "http.response.start", "status": problem.status, "headers": pairs})
        await self.send({"type": "http.response.body", "body": rendered.body})
