"""Odd requests to the site: methods, addresses, queries, headers and bodies, as no browser sends them."""

import asyncio
import gzip
import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from random import Random
from typing import Any
from unittest.mock import patch
from urllib.parse import unquote, urlencode

from fastapi import FastAPI
from pydantic import TypeAdapter

from tests.cases import DAY
from tests.fuzz.fuzzer import Case, Fuzzer
from tests.fuzz.invariants import REPORTS, read_answer
from tests.fuzz.scripts import random_script
from tests.fuzz.values import JSON_VALUES, ODD, WRONG, random_json, random_text
from tests.logs.fuzz import FORMAT_NAMES, PIECES, make_log
from voicebill.answers.parameters.inputs import CAPACITY, COMPARISON, ESTIMATE, LOG_INPUTS, PRICE_LIST, PTU, RULE_INPUTS, Inputs
from voicebill.facts import load_facts
from voicebill.web.app import create_app
from voicebill.web.forms.requests import PAGE_FIELDS
from voicebill.web.limits_middleware import ACCESS_LOG, SECURITY_HEADERS
from voicebill.web.sample_logs import SAMPLE_LOGS
from voicebill.web.site import Limits, Site
from voicebill.web.status_reports import ProblemReport

METHODS = ("GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "get", "X" * 50)
MEDIA_TYPES = (
    *(
        "application/json",
        "application/json; charset=utf-16",
        "APPLICATION/JSON",
        "text/plain",
        "application/x-www-form-urlencoded",
    ),
    *("multipart/form-data", "multipart/form-data; boundary=b", "multipart/form-data; boundary=", "", ";", "application/jsonp"),
)
HEADERS: Mapping[str, tuple[str, ...]] = {
    "accept": ("text/html", "application/json", "*/*", "", "image/png;q=0"),
    "accept-encoding": ("gzip", "gzip;q=0", "identity", "br, zstd", "*", "gzip, gzip"),
    "content-encoding": ("gzip", "deflate", "br", "x"),
    "content-length": ("0", "5", "-1", "x", "9" * 30, "300000", ""),
    "range": ("bytes=0-10", "bytes=-1", "bytes=5-1", "x"),
    "if-none-match": ("*", '"x"', 'W/"x"', "", '"' * 30),
    "if-modified-since": ("x", "Sat, 28 Nov 2026 00:00:00 GMT"),
    "host": ("localhost", "", "[::1", "example.com:99999", "a\x7fb"),
    "cookie": ("a=b", ";", "=" * 100),
    "transfer-encoding": ("chunked", "gzip"),
    "expect": ("100-continue",),
    "x-forwarded-proto": ("https", "x"),
    "origin": ("null", "https://example.com"),
}
INPUTS_OF_PATHS: Mapping[str, Inputs] = {
    "capacity": {**ESTIMATE, **CAPACITY},
    "compare": {**ESTIMATE, **COMPARISON},
    "ptu": {name: row for name, row in PTU.items() if name != "plan"},
    "prices": {**RULE_INPUTS, **PRICE_LIST},
    "rules": RULE_INPUTS,
    "cost": LOG_INPUTS,
}
"""The inputs of a path that has a word; all others have those of an estimate."""

USUAL_OF_LOADS = ("model", "calls_per_minute", "prompt_tokens", "response_tokens")
"""Inputs of PTUs without which most requests are refused."""

SITE_LIMITS = Limits(steps=20_000, seconds=120, body_seconds=120)
BOUNDARY = "b"


@cache
def site_app() -> FastAPI:
    """A site, whose time limit is no part of what is tested."""
    return create_app(Site(today=lambda: DAY, facts=load_facts(), limits=SITE_LIMITS))


@cache
def methods_by_path() -> Mapping[str, tuple[str, ...]]:
    """The methods of all routes by their path."""
    methods: dict[str, set[str]] = {}
    for route in site_app().routes:
        inner_routes: Iterable[Any] = getattr(getattr(route, "original_router", None), "routes", (route,))
        for inner in inner_routes:
            methods.setdefault(inner.path, set()).update(inner.methods)
    return {path: tuple(sorted(methods[path])) for path in sorted(methods)}


SEGMENTS: Mapping[str, tuple[str, ...]] = {
    "{name}": ("turns", "cumulative", "lengths", "sensitivity", "offers", "break-even", "voicebill.css", "x", "..", "%00"),
    "{kind}": ("svg", "png", "csv", "json", "gif", "", "SVG"),
    "{offer_id:path}": ("openai/gpt-realtime-1.5", "x", "..%2f..%2fetc%2fpasswd", "%ff", "a" * 3000, "openai%2Fgpt-realtime"),
}
"""Texts for the variable parts of paths."""


def _random_path(random: Random) -> tuple[str, tuple[str, ...]]:
    """A path, and the methods of its route."""
    path = random.choice(list(methods_by_path()))
    methods = methods_by_path()[path]
    for name, texts in SEGMENTS.items():
        path = path.replace(name, random.choice(texts))
    if random.random() < 0.05:
        path += random.choice(("/", "//", "%00", "%ff", "/..", ";x", "\u00e9", "x" * 5000))
    return path, methods


def _inputs_of(path: str) -> Inputs:
    return next((inputs for word, inputs in INPUTS_OF_PATHS.items() if word in path), ESTIMATE)


def _random_fields(random: Random, path: str, oddness: float, *, as_json: bool) -> dict[str, Any]:
    share = random.choice((0.0, 0.05, 0.15))
    make = random_json if as_json else random_text
    fields: dict[str, Any] = {
        name: make(random, row, oddness=oddness)
        for name, row in _inputs_of(path).items()
        if random.random() < (0.95 if row.is_required or ("ptu" in path and name in USUAL_OF_LOADS) else share)
    }
    for name in (*PAGE_FIELDS, "sensitivity", "format", "sample", "unknown"):
        if random.random() < share / 3:
            fields[name] = random.choice(PAGE_TEXTS.get(name, (*ODD, *WRONG)) if random.random() >= oddness else (*ODD, *WRONG))
    return fields


PAGE_TEXTS: Mapping[str, tuple[str, ...]] = {
    "break_even": ("minutes", "turns", "volume", "speech", "none"),
    "range": ("1:60", "5:5", "60:1"),
    "against": ("minutes=5&turns=10", "support-bot", "/compare?minutes=1&turns=1", "discount=3", "//[", "http://[x"),
    "plan": (
        "minutes=10&turns=20&conversations=30000/month",
        "minutes=7",
        "conversations=",
        "turns=3&tool_calls=2",
        "x",
        "a=%ff",
    ),
    "sort": ("best", "month", "ends", "x"),
    "theme": ("light", "dark", "print"),
    "width": ("400", "900", "1200"),
    "embed": ("1", "true"),
    "discount": ("10%", "5"),
    "sensitivity": ("true", "false"),
    "format": tuple(FORMAT_NAMES),
    "sample": tuple(SAMPLE_LOGS),
}


def _random_body(random: Random, path: str, oddness: float) -> tuple[bytes, str]:
    """A body with its content type."""
    if "cost" in path:
        log = make_log(random.getrandbits(40), random.choice(FORMAT_NAMES))
        if random.random() < 0.2:
            log = gzip.compress(log, mtime=0)[: random.choice((None, -4, 20))]
        fields = _random_fields(random, path, oddness, as_json=False)
        return (
            (log, "application/octet-stream")
            if path.startswith("/api")
            else (_multipart(fields, log), f"multipart/form-data; boundary={BOUNDARY}")
        )
    if not path.startswith("/api"):
        fields = _random_fields(random, path, oddness, as_json=False)
        return urlencode(fields, errors="replace").encode(), "application/x-www-form-urlencoded"
    table = (
        random_script(random, oddness=oddness) if "simulate" in path else _random_fields(random, path, oddness, as_json=True)
    )
    if random.random() < oddness / 3:
        table = random.choice(JSON_VALUES)
    return json.dumps(table).encode(), "application/json"


def _multipart(fields: Mapping[str, str], log: bytes) -> bytes:
    """A form with a log, as browsers send it."""
    parts = [
        f'--{BOUNDARY}\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{text}\r\n' for name, text in fields.items()
    ]
    head = f'--{BOUNDARY}\r\ncontent-disposition: form-data; name="log"; filename="a.jsonl"\r\n\r\n'
    return "".join([*parts, head]).encode("utf-8", "replace") + log + f"\r\n--{BOUNDARY}--\r\n".encode()


def make_request(random: Random) -> Case:
    """Return a request: its method, path, query, headers and body."""
    oddness = random.choice((0.0, 0.0, 0.1, 0.5))
    path, methods = _random_path(random)
    method = random.choice(methods if random.random() < 0.9 else METHODS)
    headers: dict[str, str] = {}
    case: Case = {"method": method, "path": path, "query": "", "headers": headers, "body": b""}
    if method == "POST" or random.random() < 0.05:
        case["body"], headers["content-type"] = _random_body(random, path, oddness)
    if method != "POST" or "cost" in path or random.random() < 0.1:
        case["query"] = urlencode(_random_fields(random, path, oddness, as_json=False), errors="replace")
    if random.random() < oddness:
        case["query"] = _spoil(random, case["query"].encode()).decode("latin-1")
    if random.random() < oddness:
        case["body"] = _spoil(random, case["body"])
    if random.random() < oddness:
        headers["content-type"] = random.choice(MEDIA_TYPES)
    for name, texts in HEADERS.items():
        if random.random() < oddness / 4:
            headers[name] = random.choice(texts)
    if random.random() < 0.3:
        headers["accept"] = random.choice(HEADERS["accept"])
    return case


def _spoil(random: Random, content: bytes) -> bytes:
    """Some bytes with a piece that does not belong there, or without some."""
    at = random.randint(0, len(content))
    piece = random.choice(
        (*PIECES, b"&", b"=", b"%", b"%zz", b"%ff", b"&minutes=3&minutes=4", b"+", b";", b"&" * 200, b"a" * 9000)
    )
    return content[:at] + piece + content[at + random.choice((0, 0, 1, 10)) :]


class Reply:
    """The response to a request."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""

    async def take(self, message: Any) -> None:
        """Take a message of the application."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in message["headers"]}
        else:
            self.body += message.get("body", b"")

    @property
    def content(self) -> bytes:
        """The body without compression."""
        return gzip.decompress(self.body) if self.headers.get("content-encoding") == "gzip" else self.body


async def _reply_to(case: Mapping[str, Any]) -> Reply:
    reply, path = Reply(), case["path"]
    query = case["query"].encode("latin-1", "replace").replace(b" ", b"%20").replace(b"\n", b"")
    headers = {"host": "localhost", **case["headers"]}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": case["method"],
        "scheme": "http",
        "path": unquote(path, errors="replace"),
        "raw_path": path.encode("utf-8"),
        "query_string": query,
        "root_path": "",
        "headers": [(name.encode("latin-1"), text.encode("latin-1")) for name, text in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("localhost", 80),
    }
    messages = [{"type": "http.request", "body": case["body"], "more_body": False}]

    async def receive() -> Any:
        if messages:
            return messages.pop()
        await asyncio.Event().wait()
        raise AssertionError

    await site_app()(scope, receive, reply.take)
    return reply


def reply_to(case: Mapping[str, Any]) -> Reply:
    """The response of the site, in a thread of its own: browser tests leave an event loop running in theirs.

    Raises:
        BaseException: what the site calls an internal error.
    """
    errors: list[BaseException] = []
    with (
        ThreadPoolExecutor(1) as thread,
        patch("voicebill.web.chart_renderer.ChartRenderer._paint", lambda *_: b"picture"),
        patch.object(ACCESS_LOG, "error", lambda *_, exc_info: errors.append(exc_info)),
    ):
        reply = thread.submit(lambda: asyncio.run(_reply_to(case))).result()
    if errors:
        raise errors[0]
    return reply


def check_request(case: Case) -> str:
    """Send a request: no internal error, problems in their form, answers with what must hold in them."""
    reply = reply_to(case)
    is_page = "text/html" in case["headers"].get("accept", "")
    assert reply.status != 500, reply.content.decode()
    assert 200 <= reply.status < 500 or reply.status == 501, f"status {reply.status}: {reply.content[:300]!r}"
    assert set(SECURITY_HEADERS) <= set(reply.headers), "security headers are missing"
    length = reply.headers.get("content-length")
    if case["method"] == "HEAD":
        assert reply.body == b"", "HEAD has a body"
        return "answered" if reply.status < 300 else "refused"
    assert length is None or int(length) == len(reply.body) or reply.status == 304
    if reply.status >= 400:
        _check_problem(reply, is_page=is_page)
        assert reply.status != 405 or reply.headers["allow"]
        return "refused"
    if reply.status == 200:
        _check_answer(case, reply)
    return "answered"


def _check_problem(reply: Reply, *, is_page: bool) -> None:
    media_type = reply.headers.get("content-type", "")
    if media_type == "application/problem+json":
        problem = TypeAdapter(ProblemReport).validate_json(reply.content, strict=True)
        assert problem.status == reply.status
        assert problem.detail
        assert problem.errors
    else:
        assert media_type.startswith("text/html"), f"a problem is {media_type}"
        assert is_page or b"<html" in reply.content or b"<section" in reply.content or b"<div" in reply.content


def _check_answer(case: Mapping[str, Any], reply: Reply) -> None:
    """JSON has the form of its report; the same request with its tag has not changed."""
    path = case["path"]
    command = path.removeprefix("/api/")
    if path.startswith("/api/") and command in REPORTS:
        read_answer(command, reply.content)
    tag = reply.headers.get("etag")
    if tag is not None and case["method"] == "GET":
        again = reply_to({**case, "headers": {**case["headers"], "if-none-match": tag}})
        assert (again.status, again.body) == (304, b""), "the tag of an answer is not recognised"


REQUESTS = Fuzzer("requests", make_request, check_request, ("answered",), ("method", "path", "query", "headers", "body"))
