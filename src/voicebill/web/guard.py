"""What stands before every request: bounds, safe headers, and a log that keeps no question."""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from voicebill.web.asking import Refused
from voicebill.web.site import Bounds

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

ACCESS = logging.getLogger("voicebill.access")

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors {}"
)
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


TAKE_LOGS = ("/cost", "/api/cost")
"""Paths to which a usage log is sent."""


class Guard:
    """Bounds what is done at once and for how long, sets headers, and logs method, path and status, never the query."""

    def __init__(self, app: App, bounds: Bounds, prefix: str = "") -> None:
        self.app = app
        self.bounds = bounds
        self.prefix = prefix
        self.busy = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it at once."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = time.perf_counter()
        scope = {**scope, "root_path": self.prefix} if self.prefix else scope
        head = scope["method"] == "HEAD"
        scope = {**scope, "method": "GET"} if head else scope
        reply = _Reply(scope, send, head=head)
        waits = not scope["path"].endswith("/healthz")
        try:
            if waits and self.busy >= self.bounds.at_once:
                busy = Refused(503, "Busy", [(None, "too many questions at once: ask again in a second")])
                await reply.refuse(busy, {"retry-after": "1"})
                return
            self.busy += waits
            try:
                async with asyncio.timeout(self.bounds.seconds):
                    await self.app(scope, self._bounded(scope, receive), reply.send)
            finally:
                self.busy -= waits
        except TimeoutError:
            late = Refused(503, "Too slow", [(None, f"no answer within {self.bounds.seconds:g} seconds: ask for less")])
            await reply.refuse(late, {"retry-after": "1"})
        except Refused as refused:
            await reply.refuse(refused, {})
        except Exception as error:
            ACCESS.error("a mistake of ours in %r", scope["path"], exc_info=error)
            await reply.refuse(Refused(500, "A mistake of ours", [(None, "something went wrong here; please report it")]), {})
        finally:
            spent = (time.perf_counter() - begun) * 1000
            ACCESS.info("%s %s %s %.0f ms", scope["method"], repr(scope["path"])[1:-1], reply.status, spent)

    def _bounded(self, scope: Message, receive: Receive) -> Receive:
        """Receive a body of at most so many bytes."""
        takes_logs = scope["path"].removeprefix(self.prefix) in TAKE_LOGS
        most, read = self.bounds.log_bytes if takes_logs else self.bounds.body_bytes, 0
        too_long = Refused(413, "Too long", [(None, f"a body holds at most {most:,} bytes")])
        stated = dict(scope["headers"]).get(b"content-length", b"0")
        if stated.isdigit() and int(stated) > most:
            raise too_long

        async def bounded() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > most:
                raise too_long
            return message

        return bounded


class _Reply:
    """The answer to one request on its way out."""

    def __init__(self, scope: Message, send: Send, *, head: bool) -> None:
        self.scope = scope
        self.head = head
        self.out = send
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            stated = {name for name, _ in message["headers"]}
            anywhere = b"embed=1" in self.scope.get("query_string", b"").split(b"&")
            policy = {"content-security-policy": POLICY.format("*" if anywhere else "'self'")}
            own = [(name.encode(), value.encode()) for name, value in (HEADERS | policy).items() if name.encode() not in stated]
            message = {**message, "headers": [*message["headers"], *own]}
        elif self.head:
            message = {**message, "body": b""}
        await self.out(message)

    async def refuse(self, refused: Refused, headers: dict[str, str]) -> None:
        """Say why there is no answer; too late once one has begun."""
        if self.status:
            return
        body = json.dumps(refused.problem).encode()
        told = {"content-type": "application/problem+json", "content-length": str(len(body)), "cache-control": "no-store"}
        pairs = [(name.encode(), value.encode()) for name, value in (told | headers).items()]
        await self.send({"type": "http.response.start", "status": refused.status, "headers": pairs})
        await self.send({"type": "http.response.body", "body": body})
