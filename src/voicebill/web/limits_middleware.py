"""Apply limits and security headers to every request, and log it without its query."""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from voicebill.web.forms.requests import Problem
from voicebill.web.site import Limits

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

ACCESS_LOG = logging.getLogger("voicebill.access")

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors {}"
)
SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}

LOG_UPLOAD_PATHS = ("/cost", "/api/cost")
"""Paths that accept a usage log."""


class LimitsMiddleware:
    """Limits concurrency, time and size, sets headers, and logs method, path and status, never the query."""

    def __init__(self, app: App, limits: Limits, prefix: str = "") -> None:
        self.app = app
        self.limits = limits
        self.prefix = prefix
        self.active_requests = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle a request, or reject it immediately if the site is busy."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        scope = {**scope, "root_path": self.prefix} if self.prefix else scope
        is_head = scope["method"] == "HEAD"
        scope = {**scope, "method": "GET"} if is_head else scope
        response = _Response(scope, send, head=is_head)
        is_limited = not scope["path"].endswith("/healthz")
        try:
            if is_limited and self.active_requests >= self.limits.concurrent_requests:
                busy_problem = Problem(503, "Busy", [(None, "too many concurrent requests: try again in a second")])
                await response.send_problem(busy_problem, {"retry-after": "1"})
                return
            self.active_requests += is_limited
            try:
                async with asyncio.timeout(self.limits.seconds):
                    await self.app(scope, self._limit_body(scope, receive), response.send)
            finally:
                self.active_requests -= is_limited
        except TimeoutError:
            timeout_problem = Problem(
                503, "Too slow", [(None, f"no result within {self.limits.seconds:g} seconds: reduce the request")]
            )
            await response.send_problem(timeout_problem, {"retry-after": "1"})
        except Problem as problem:
            await response.send_problem(problem, {})
        except Exception as error:
            ACCESS_LOG.error("internal error in %r", scope["path"], exc_info=error)
            await response.send_problem(Problem(500, "Internal error", [(None, "an error in voicebill; please report it")]), {})
        finally:
            elapsed_ms = (time.perf_counter() - started) * 1000
            ACCESS_LOG.info("%s %s %s %.0f ms", scope["method"], repr(scope["path"])[1:-1], response.status, elapsed_ms)

    def _limit_body(self, scope: Message, receive: Receive) -> Receive:
        """Limit the size of the body."""
        takes_logs = scope["path"].removeprefix(self.prefix) in LOG_UPLOAD_PATHS
        max_bytes, received_bytes = self.limits.log_bytes if takes_logs else self.limits.body_bytes, 0
        too_long = Problem(413, "Too long", [(None, f"a body may have at most {max_bytes:,} bytes")])
        content_length = dict(scope["headers"]).get(b"content-length", b"0")
        if content_length.isdigit() and int(content_length) > max_bytes:
            raise too_long

        async def receive_limited() -> Message:
            nonlocal received_bytes
            message = await receive()
            received_bytes += len(message.get("body", b""))
            if received_bytes > max_bytes:
                raise too_long
            return message

        return receive_limited


class _Response:
    """Adds headers to the response of one request."""

    def __init__(self, scope: Message, send: Send, *, head: bool) -> None:
        self.scope = scope
        self.head = head
        self.send_downstream = send
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            header_names = {name for name, _ in message["headers"]}
            is_embedded = b"embed=1" in self.scope.get("query_string", b"").split(b"&")
            policy = {"content-security-policy": CONTENT_SECURITY_POLICY.format("*" if is_embedded else "'self'")}
            added_headers = [
                (name.encode(), value.encode())
                for name, value in (SECURITY_HEADERS | policy).items()
                if name.encode() not in header_names
            ]
            message = {**message, "headers": [*message["headers"], *added_headers]}
        elif self.head:
            message = {**message, "body": b""}
        await self.send_downstream(message)

    async def send_problem(self, problem: Problem, headers: dict[str, str]) -> None:
        """Send a problem, unless a response has already started."""
        if self.status:
            return
        body = json.dumps(problem.report.to_dict()).encode()
        problem_headers = {
            "content-type": "application/problem+json",
            "content-length": str(len(body)),
            "cache-control": "no-store",
        }
        pairs = [(name.encode(), value.encode()) for name, value in (problem_headers | headers).items()]
        await self.send({"type": "http.response.start", "status": problem.status, "headers": pairs})
        await self.send({"type": "http.response.body", "body": body})
