"""Limit what clients can make the server hold before a request reaches the application, and after it is answered.

uvicorn's protocol has no limits of its own: heads and trailers grow without end, heads that stop are never closed, pipelined
requests and answers that nobody reads accumulate, and no number of connections is too high.
"""

import asyncio
import json
from functools import partial
from typing import Any

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from voicebill.web.limits_middleware import ACCESS_LOG
from voicebill.web.site import Limits
from voicebill.web.status_reports import Problem

LINGER_SECONDS = 2.0
"""A client that was refused has so long to read why, before its connection is reset."""
SLACK_SECONDS = 15.0
"""The application's own limits end a request; a connection whose request lasts so much longer is reset."""


def server_settings(limits: Limits) -> dict[str, Any]:
    """The settings of uvicorn for a site with these limits."""
    return {
        "http": partial(BoundedProtocol, pool=ConnectionPool(limits)),
        "ws": "none",
        "log_level": "error",
        "access_log": False,
        "server_header": False,
        "timeout_graceful_shutdown": 10,
        "timeout_keep_alive": limits.idle_seconds,
    }


class ConnectionPool:
    """The connections of a server that it could do without, and those whose answers are not read.

    At the limit, a new connection takes the place of the one that has been without a complete request for longest. So clients
    that send no requests, or send them slowly, do not keep others out.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.without_head: dict[BoundedProtocol, None] = {}
        """Connections that are idle or send a head, in the order in which they began to wait."""
        self.without_body: dict[BoundedProtocol, None] = {}
        """Connections that send a body, in the order in which they began to."""
        self.unread: dict[BoundedProtocol, int] = {}
        """Bytes of answers that clients have not read yet."""

    def admit(self, connection: "BoundedProtocol") -> bool:
        """Make room for a connection. Return whether there is any."""
        self.without_head[connection] = None
        if len(connection.connections) <= self.limits.connections:
            return True
        others = (other for other in (*self.without_head, *self.without_body) if other is not connection)
        longest = next(others, None)
        if longest is None:
            return False
        longest.drop()
        return True

    def hold(self, connection: "BoundedProtocol", size: int) -> None:
        """Count an answer that is not read yet. If all of them are too large, the largest is dropped."""
        self.unread[connection] = size
        while sum(self.unread.values()) > self.limits.unread_bytes:
            largest = max(self.unread, key=self.unread.__getitem__)
            del self.unread[largest]
            largest.transport.abort()

    def forget(self, connection: "BoundedProtocol") -> None:
        """Leave out a connection."""
        for connections in (self.without_head, self.without_body, self.unread):
            connections.pop(connection, None)


class _PipelineFlow(FlowControl):
    """Flow control that reads nothing while requests wait for an earlier one of their connection."""

    def __init__(self, protocol: "BoundedProtocol") -> None:
        super().__init__(protocol.transport)
        self._pipeline = protocol.pipeline

    def resume_reading(self) -> None:
        if not self._pipeline:
            super().resume_reading()


class BoundedProtocol(HttpToolsProtocol):
    """HTTP on one connection, with limits of size and time for each head, and for what clients do not read."""

    transport: asyncio.Transport

    def __init__(self, *args: Any, pool: ConnectionPool, **settings: Any) -> None:  # noqa: ANN401 - uvicorn's own
        super().__init__(*args, **settings)
        self.pool = pool
        self.limits = pool.limits
        self.url = b""
        self.headers = []
        self.head_bytes = 0
        """Bytes of the head, and of the trailers, of the current message."""
        self.unfinished_bytes = 0
        """Bytes received since a head, a part of a body or a message was complete."""
        self.is_within_head = False
        self.is_within_message = False
        self.is_refused = False
        self.is_unread = False
        self.deadline = 0.0
        self.timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        """Take a place among the connections, or refuse it."""
        super().connection_made(transport)
        self.flow = _PipelineFlow(self)
        self._set_deadline(self.limits.head_seconds)
        if not self.pool.admit(self):
            self._refuse(503, "Busy", "too many connections: try again in a second")
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give up the place."""
        if self.timer is not None:
            self.timer.cancel()
        self.pool.forget(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what was received, unless it is more than a head may be."""
        if self.is_refused:
            return
        has_begun = self.is_within_head or self.unfinished_bytes > 0
        self.unfinished_bytes += len(data)
        if not has_begun and not self.is_within_message and not self._is_answering():
            self._set_deadline(self.limits.head_seconds)
        super().data_received(data)
        if self.unfinished_bytes > self.limits.head_bytes and not self.is_refused:
            self._refuse(*self._too_long())

    def on_message_begin(self) -> None:
        """Begin to count a head."""
        self.head_bytes = 0
        self.is_within_head = True
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Add a part of the address."""
        super().on_url(url)
        self._count(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header, or a trailer, which nobody needs."""
        self._count(name + value + b": \r\n")
        if not self.is_within_message:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin the request, unless too many of its connection wait.

        Raises:
            OverflowError: they do.
        """
        if len(self.pipeline) >= self.limits.pipelined_requests:
            raise OverflowError
        super().on_headers_complete()
        self.is_within_head = False
        self.is_within_message = True
        self.unfinished_bytes = 0
        self.pool.forget(self)
        self.pool.without_body[self] = None
        self._set_deadline(self._request_seconds)

    def on_body(self, body: bytes) -> None:
        """Add a part of a body."""
        self.unfinished_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End a message. Its connection is needed until it is answered."""
        self.unfinished_bytes = 0
        self.is_within_message = False
        self.pool.without_body.pop(self, None)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the client to read the answer, and then for its next request."""
        self._set_deadline(self.limits.idle_seconds + self.limits.head_seconds)
        if self.flow.write_paused:
            self.pool.hold(self, self.transport.get_write_buffer_size())
            self.is_unread = True
            if not self.transport.is_closing():
                self.flow.pause_reading()
            return
        self._continue()

    def resume_writing(self) -> None:
        """Go on with the connection when its answer has been read."""
        super().resume_writing()
        self.pool.unread.pop(self, None)
        if self.is_unread:
            self.is_unread = False
            self._continue()

    def _continue(self) -> None:
        has_next = bool(self.pipeline)
        super().on_response_complete()
        if has_next:
            self._set_deadline(self._request_seconds)
        elif not self.transport.is_closing():
            if self.is_within_head:
                self._set_deadline(self.limits.head_seconds)
            self.pool.forget(self)
            self.pool.without_head[self] = None

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's
        """Refuse what is no HTTP, or more than it may be."""
        if self.head_bytes > self.limits.head_bytes:
            self._refuse(*self._too_long())
        else:
            self._refuse(400, "Bad request", "this is no valid HTTP request")

    def _unsupported_upgrade_warning(self) -> None:
        """Answer the request as if it did not ask for another protocol, and end the connection, whatever follows."""
        self._end_after_answers()

    def drop(self) -> None:
        """End the connection, because another one needs its place."""
        if self._is_sending():
            self._refuse(503, "Busy", "too many connections: send the request again, and faster")
        self.connections.discard(self)
        self.pool.forget(self)
        self.transport.close()
        self._set_deadline(LINGER_SECONDS)

    @property
    def _request_seconds(self) -> float:
        return self.limits.body_seconds + self.limits.seconds + SLACK_SECONDS

    def _is_sending(self) -> bool:
        return self.is_within_head or self.is_within_message or self.unfinished_bytes > 0

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _too_long(self) -> tuple[int, str, str]:
        limit = f"{self.limits.head_bytes:,} bytes"
        if 2 * len(self.url) > self.limits.head_bytes:
            return 414, "Too long", f"the address of a request may have at most {limit}: send a plan as a body"
        return 431, "Too long", f"the headers of a request may have at most {limit}"

    def _count(self, part: bytes) -> None:
        """Count a part of a head.

        Raises:
            OverflowError: it is too long.
        """
        self.head_bytes += len(part)
        if self.head_bytes > self.limits.head_bytes:
            raise OverflowError

    def _refuse(self, status: int, title: str, message: str) -> None:
        """Send a problem, if the client can tell which request it is about; discard whatever it goes on to send."""
        if self.is_refused or self.transport.is_closing():
            return
        if self._is_answering() and (self.pipeline or not self.is_within_message):
            self._end_after_answers()
            return
        self.is_refused = True
        if self.is_within_message and self.cycle.response_started:
            self.transport.abort()
            return
        ACCESS_LOG.info("a connection was refused: %s %s", status, title)
        body = json.dumps(Problem(status, title, [(None, message)]).report.to_dict()).encode()
        head = (
            "content-type: application/problem+json\r\ncache-control: no-store\r\nconnection: close\r\n"
            f"x-content-type-options: nosniff\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        self.transport.write(STATUS_LINE[status] + head.encode() + body)
        if self.is_within_message:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()
        self._set_deadline(LINGER_SECONDS)

    def _end_after_answers(self) -> None:
        """Answer the requests that are complete, and no further one."""
        self.is_refused = True
        if not self._is_answering():
            self.transport.close()
        elif self.is_within_message:
            self.transport.abort()
        else:
            self.cycle.keep_alive = False

    def _set_deadline(self, seconds: float) -> None:
        """Give the client so long from now. The timer is only moved if it would be too late."""
        self.deadline = self.loop.time() + seconds
        if self.timer is not None:
            if self.timer.when() <= self.deadline:
                return
            self.timer.cancel()
        self.timer = self.loop.call_at(self.deadline, self._check_deadline)

    def _check_deadline(self) -> None:
        if self.loop.time() < self.deadline:
            self.timer = self.loop.call_at(self.deadline, self._check_deadline)
            return
        self.timer = None
        is_sending_head = self._is_sending() and not self.is_within_message and not self._is_answering()
        if is_sending_head and not self.is_refused and not self.transport.is_closing():
            self._refuse(408, "Too slow", f"the head of a request must arrive within {self.limits.head_seconds:g} seconds")
        else:
            self.transport.abort()
