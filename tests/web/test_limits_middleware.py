"""Security of a public site: limits, headers, escaping, and a log without queries."""

import asyncio
import logging
import threading
from collections.abc import Iterable, Iterator

import pytest
from starlette.testclient import TestClient

from tests.cases import DAY
from tests.web.sites import SITE, SMALL, client, run
from voicebill.cli.options.listening import own_hosts
from voicebill.web.limits_middleware import LimitsMiddleware, Message, Receive, Send
from voicebill.web.routes import estimate
from voicebill.web.site import Limits

PAGES = (
    "/",
    "/compare",
    "/ptu",
    "/prices",
    "/prices/openai/gpt-realtime-1.5",
    "/rules",
    "/learn",
    "/api",
    "/?minutes=x",
    "/nowhere",
)


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_strict_and_sets_no_cookie(path: str) -> None:
    page = SITE.get(path, headers={"accept": "text/html"})
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "set-cookie" not in page.headers
    assert "<style" not in page.text
    assert "style=" not in page.text
    assert "onclick" not in page.text
    assert "http://" not in page.text.replace("http://www.w3.org", "").replace("http://testserver", "")


def test_input_is_escaped() -> None:
    for path in ("/?model=%3Cscript%3Ealert(1)%3C/script%3E", "/compare?against=%3Cb%3E", "/prices/%3Cscript%3E"):
        page = SITE.get(path, headers={"accept": "text/html"})
        assert "<script>alert" not in page.text
        assert "<b>" not in page.text.split("<main")[1].split("against")[-1] or "&lt;b&gt;" in page.text


def test_oversized_and_non_json_requests_are_rejected() -> None:
    small = client(limits=SMALL)
    assert small.post("/api/estimate", content=b" " * 3000).status_code == 413
    assert small.post("/api/estimate", content=iter([b" " * 1500, b" " * 1500])).status_code == 413
    assert small.get(f"/api/estimate?minutes={'1' * 600}").status_code == 414
    assert SITE.post("/api/estimate", content=b"minutes=10", headers={"content-type": "text/plain"}).status_code == 415
    for body in (b"{", b'{"minutes": NaN}', b"\xff\xfe", b"[" * 50_000):
        broken = SITE.post("/api/estimate", content=body)
        assert broken.status_code == 422, body
        assert "body" in broken.json()["detail"]
    assert SITE.post("/api/estimate", json=[1]).json()["detail"].startswith("must be a group of keys")
    assert SITE.get("/api/estimate?" + "&".join(f"a{n}=1" for n in range(200))).status_code == 422


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"minutes": "1" * 300, "turns": 20}, "more than 200 characters"),
        ({f"a{n}": 1 for n in range(150)}, "at most 100 fields"),
        ({"minutes": 10, "turns": 20, "images": 900}, "at most 50"),
        ({"minutes": 10, "turns": 900, "tool_calls": 900}, "at most 1,000 turns and tool calls"),
        ({"minutes": 10, "turns": 400, "call_lengths": [[1440, 1]]}, "the longest calls of a month would have 57,600 turns"),
        ({"minutes": 10, "turns": 100, "call_lengths": [[5, 9], [601, 1]]}, "the longest calls of a month would have 6,010"),
        ({"minutes": 10, "turns": 20, "call_lengths": [[5, 10**400]]}, "must have numbers of calls from 0 to 10^9"),
    ],
)
def test_a_request_that_would_take_too_long_is_rejected(body: dict[str, object], message: str) -> None:
    for path in ("/api/estimate", "/api/compare"):
        response = SITE.post(path, json=body)
        assert response.status_code == 422
        assert message in response.json()["detail"]


def test_a_tiny_variation_of_call_lengths_counts_as_none() -> None:
    query = "minutes=10&turns=20&conversations=1000/month&call_length_cv="
    tiny, none = (SITE.get(f"/api/estimate?{query}{spread}").json() for spread in ("0.000000000000000001", "0"))
    assert tiny["per_month"] == none["per_month"]


def test_a_static_file_of_another_version_is_not_immutable() -> None:
    assert "immutable" not in SITE.get("/static/voicebill.js?v=0123456789ab").headers["cache-control"]


def test_invalid_unicode_is_rejected() -> None:
    for path in ("/api/estimate", "/api/simulate"):
        response = SITE.post(path, content=b'{"\\ud800": 1}', headers={"content-type": "application/json"})
        assert response.status_code == 422
        assert "unknown key" in response.json()["detail"]


def test_head_requests_have_no_body() -> None:
    for path in ("/", "/healthz", "/api/estimate?minutes=5&turns=9"):
        head, get = SITE.head(path), SITE.get(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["etag"] == get.headers["etag"]


def test_unknown_addresses_are_reported_to_people_and_programs() -> None:
    assert SITE.get("/nowhere").headers["content-type"] == "application/problem+json"
    assert "<h1>There is no such page</h1>" in SITE.get("/nowhere", headers={"accept": "text/html"}).text
    assert SITE.get("/static/other.js").status_code == 404
    assert SITE.get("/chart/other.svg").status_code == 404


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/estimate", "GET, HEAD, POST"),
        ("/api/compare", "GET, HEAD, POST"),
        ("/api/capacity", "GET, HEAD, POST"),
        ("/api/ptu", "GET, HEAD, POST"),
        ("/api/simulate", "POST"),
        ("/api/prices", "GET, HEAD"),
        ("/api/openapi.json", "GET, HEAD"),
        ("/healthz", "GET, HEAD"),
    ],
)
def test_a_wrong_method_is_answered_with_all_methods_of_the_path(path: str, allowed: str) -> None:
    for site, prefix in ((SITE, ""), (client(prefix="/voicebill"), "/voicebill")):
        for method in ("DELETE", "PUT"):
            response = site.request(method, prefix + path)
            assert (response.status_code, response.headers["allow"]) == (405, allowed)
            assert response.headers["content-type"] == "application/problem+json"


async def _call(
    middleware: LimitsMiddleware,
    statuses: list[int],
    *,
    path: str = "/",
    query: bytes = b"",
    received: Iterable[Message] = ({"type": "http.request", "body": b"", "more_body": False},),
) -> None:
    """One request, of which these messages are received, and then no more."""
    messages = iter(received)

    async def receive() -> Message:
        return next(messages, None) or await asyncio.get_running_loop().create_future()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await middleware({"type": "http", "method": "GET", "path": path, "query_string": query, "headers": []}, receive, send)


def test_beyond_the_limit_requests_are_rejected_except_health_checks() -> None:
    async def go() -> tuple[list[int], list[int]]:
        release = asyncio.Event()
        slow: list[int] = []
        quick: list[int] = []

        async def app(_scope: Message, _receive: Receive, send: Send) -> None:
            await release.wait()
            await send({"type": "http.response.start", "status": 200, "headers": []})

        middleware = LimitsMiddleware(app, Limits(concurrent_requests=2, seconds=5))
        waiting = [asyncio.create_task(_call(middleware, slow)) for _ in range(2)]
        await asyncio.sleep(0)
        await _call(middleware, quick)
        health = asyncio.create_task(_call(middleware, quick, path="/healthz"))
        await asyncio.sleep(0)
        release.set()
        await asyncio.gather(*waiting, health)
        await _call(middleware, quick)
        return slow, quick

    slow, quick = run(go)
    assert slow == [200, 200]
    assert quick == [503, 200, 200]


GONE: Message = {"type": "http.disconnect"}


def part(body: bytes, *, more: bool = True) -> Message:
    """A part of a body."""
    return {"type": "http.request", "body": body, "more_body": more}


def test_bodies_that_do_not_end_hold_no_place_and_are_refused_in_time() -> None:
    """With one place, of three requests the two without the end of their body leave it to the third."""

    async def go() -> tuple[list[int], list[int]]:
        async def app(_scope: Message, _receive: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})

        middleware = LimitsMiddleware(app, Limits(concurrent_requests=1, body_seconds=0.05))
        slow: list[int] = []
        quick: list[int] = []
        waiting = [asyncio.create_task(_call(middleware, slow, received=[part(b"{")])) for _ in range(2)]
        await asyncio.sleep(0)
        await _call(middleware, quick)
        await asyncio.gather(*waiting)
        return slow, quick

    assert run(go) == ([408, 408], [200])


@pytest.mark.parametrize(("size", "statuses"), [(11, [503]), (10, [])], ids=["long", "short"])
def test_only_so_many_long_logs_are_received_at_once(size: int, statuses: list[int]) -> None:
    """Two bodies of more than the 10 bytes of a plan may be under way; a third one is refused, and a short one is not."""

    async def go() -> list[int]:
        async def app(_scope: Message, _receive: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})

        middleware = LimitsMiddleware(app, Limits(body_bytes=10, concurrent_logs=2))
        answered: list[int] = []
        refused: list[int] = []
        tasks = [
            asyncio.create_task(_call(middleware, answered, path="/api/cost", received=[part(b"x" * 11)])) for _ in range(2)
        ]
        await asyncio.sleep(0)
        tasks.append(asyncio.create_task(_call(middleware, refused, path="/api/cost", received=[part(b"x" * size)])))
        await asyncio.sleep(0)
        assert answered == []
        refused_at_once = list(refused)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert middleware.active["log"] == 0
        return refused_at_once

    assert run(go) == statuses


def test_logs_and_charts_take_no_place_of_other_requests() -> None:
    async def go() -> list[int]:
        release = asyncio.Event()

        async def app(_scope: Message, _receive: Receive, send: Send) -> None:
            await release.wait()
            await send({"type": "http.response.start", "status": 200, "headers": []})

        middleware = LimitsMiddleware(app, Limits(concurrent_requests=1, concurrent_logs=1, concurrent_charts=1))
        statuses: list[int] = []
        paths = ("/voice", "/api/cost", "/chart/turns.svg")
        waiting = [asyncio.create_task(_call(middleware, statuses, path=path)) for path in paths]
        await asyncio.sleep(0)
        for path in paths:
            await _call(middleware, statuses, path=path)
        release.set()
        await asyncio.gather(*waiting)
        return statuses

    assert run(go) == [503] * 3 + [200] * 3


def test_the_answer_of_a_client_that_is_gone_is_dropped() -> None:
    """While the body is read, and while the answer is worked out; the place is free again."""

    async def go() -> tuple[list[int], list[str], int]:
        events: list[str] = []

        async def app(_scope: Message, _receive: Receive, send: Send) -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                events.append("dropped")
                raise

        middleware = LimitsMiddleware(app, Limits())
        statuses: list[int] = []
        await _call(middleware, statuses, received=[part(b"{"), GONE])
        await _call(middleware, statuses, received=[part(b"{}", more=False), GONE])
        return statuses, events, middleware.active["other"]

    assert run(go) == ([], ["dropped"], 0)


def test_the_application_receives_the_body_as_one_message() -> None:
    async def go() -> list[bytes]:
        bodies: list[bytes] = []

        async def app(_scope: Message, receive: Receive, send: Send) -> None:
            bodies.append((await receive())["body"])
            await send({"type": "http.response.start", "status": 200, "headers": []})

        await _call(LimitsMiddleware(app, Limits()), [], received=[part(b"mi"), part(b"nu"), part(b"tes", more=False)])
        return bodies

    assert run(go) == [b"minutes"]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8000", 200),
        ("127.0.0.1", 200),
        ("[::1]:8000", 200),
        ("Voice.example", 200),
        ("evil.example:8000", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("", 421),
    ],
)
def test_a_site_for_this_machine_alone_answers_to_its_own_names(host: str, status: int) -> None:
    """A page elsewhere may have its own name resolved to 127.0.0.1, and would then read what the site answers."""
    site = client(hosts=own_hosts("127.0.0.1", ["voice.example"]))
    for path in ("/", "/healthz", "/api/estimate?minutes=10&turns=20"):
        assert site.get(path, headers={"host": host}).status_code == status
    assert client(hosts=own_hosts("0.0.0.0")).get("/", headers={"host": host}).status_code == 200


def test_a_request_that_takes_too_long_is_cancelled() -> None:
    async def go() -> list[int]:
        async def app(_scope: Message, _receive: Receive, _send: Send) -> None:
            await asyncio.Event().wait()

        statuses: list[int] = []
        await _call(LimitsMiddleware(app, Limits(seconds=0.01)), statuses)
        return statuses

    assert run(go) == [503]


def test_a_request_that_the_end_of_the_site_cancels_is_answered() -> None:
    async def go() -> list[int]:
        async def app(_scope: Message, _receive: Receive, _send: Send) -> None:
            await asyncio.Event().wait()

        statuses: list[int] = []
        task = asyncio.create_task(_call(LimitsMiddleware(app, Limits()), statuses))
        await asyncio.sleep(0)
        task.cancel()
        await task
        return statuses

    assert run(go) == [503]


def test_the_log_has_method_path_and_status_but_no_query(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="voicebill.access"):
        SITE.get("/api/estimate?minutes=7&turns=9&model=secret")
        SITE.post("/", data={"minutes": "7", "discount": "33"})
    assert "GET /api/estimate 422" in caplog.text
    assert "POST / 200" in caplog.text
    assert "secret" not in caplog.text
    with caplog.at_level(logging.INFO, logger="voicebill.access"):
        SITE.get("/x%0A2026-11-22 GET / 200 1 ms")
    assert "\n2026-11-22 GET" not in caplog.text
    assert "33" not in caplog.text.replace("\n", " ").split("POST / 200")[0].split("GET")[-1]


def test_an_internal_error_shows_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("inside")

    monkeypatch.setattr(estimate, "answer_estimate", broken)
    answer = client().get("/api/estimate?minutes=10&turns=20")  # of no other test's site, which may have kept the answer
    assert answer.status_code == 500
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["content-type"] == "application/problem+json"
    assert "inside" not in answer.text


def test_an_etag_avoids_sending_the_same_content_twice() -> None:
    for path in ("/api/estimate?minutes=10&turns=20", "/", "/static/voicebill.css", "/chart/turns.svg"):
        first = SITE.get(path)
        again = SITE.get(path, headers={"if-none-match": first.headers["etag"]})
        assert (first.status_code, again.status_code) == (200, 304), path
        assert not again.content
        assert first.headers["cache-control"]


def test_every_address_has_the_prefix() -> None:
    inside = client(prefix="/tools/voicebill")
    page = inside.get("/tools/voicebill/?minutes=5").text
    addresses = [part.split('"')[0] for name in ('href="', 'src="', 'action="') for part in page.split(name)[1:]]
    assert addresses
    assert all(address.removeprefix("http://testserver").startswith(("/tools/voicebill/", "#")) for address in addresses)
    assert inside.get("/?minutes=5").status_code == 200  # a proxy may take the prefix off
    sent = inside.post("/tools/voicebill/", data={"minutes": "7"}, follow_redirects=False)
    assert sent.headers["location"] == "/tools/voicebill/?minutes=7"
    assert inside.get("/tools/voicebill/api/estimate?minutes=5&turns=9").status_code == 200
    assert inside.get("/tools/voicebill/static/voicebill.js").status_code == 200


def test_the_site_stops_with_its_threads() -> None:
    def voicebill_threads() -> Iterator[str]:
        return (thread.name for thread in threading.enumerate() if thread.name.startswith("voicebill"))

    before = set(voicebill_threads())
    stopping: TestClient = client()
    with stopping as inside:
        assert inside.get("/").status_code == 200
    for thread in threading.enumerate():
        if thread.name.startswith("voicebill") and thread.name not in before:
            thread.join(timeout=5)
    assert DAY


@pytest.mark.parametrize("path", ["/", "/api/prices", "/chart/turns.svg", "/static/voicebill.css", "/nowhere"])
def test_an_address_that_is_no_text_is_refused(path: str) -> None:
    """A client may send bytes as they are: those that are UTF-8 are read, and others are no internal error."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "scheme": "http", "path": path, "root_path": "", "headers": []}

    async def request() -> None:
        await SITE.app({**scope, "query_string": b"model=\xff"}, receive, send)

    run(request)
    assert sent[0]["status"] == 422
    assert b"not UTF-8" in sent[1]["body"]
