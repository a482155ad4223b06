"""The site behind a proxy, as the example in docs/site.md configures it."""

import http.client
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import pytest

from tests.web.sites import serve_site
from voicebill.cli.options.listening import own_hosts
from voicebill.web.site import Limits

SITE_DOCUMENT = Path(__file__).parents[2] / "docs" / "site.md"


def example(language: str) -> str:
    """The first example in a language of the section about proxies."""
    section = SITE_DOCUMENT.read_text(encoding="utf-8").partition("### Behind a proxy")[2]
    block = re.search(rf"```{language}\n(.*?)```", section, re.DOTALL)
    assert block is not None
    return block[1]


def directives() -> dict[str, list[list[str]]]:
    """The directives of the proxy, by name."""
    result: dict[str, list[list[str]]] = {}
    for name, values in re.findall(r"^\s*(\w+) ([^;{}]+)[;{]", example("nginx"), re.MULTILINE):
        result.setdefault(name, []).append(shlex.split(values))
    return result


def served() -> tuple[str, str]:
    """The path and the name with which the site is started for the proxy."""
    words = shlex.split(example("sh"))
    assert words[:2] == ["voicebill", "serve"]
    options = dict(zip(words[2::2], words[3::2], strict=True))
    return options["--prefix"], options["--allow-host"]


@contextmanager
def proxied(site: str, host: str) -> Iterator[http.client.HTTPConnection]:
    """A client of a proxy that passes requests on to a site as the example says; `host` is what the client asks for."""
    configured = directives()
    (location,), values = configured["location"][0], {"$host": host, "$remote_addr": "192.0.2.7", "$scheme": "https"}
    headers = {name: values.get(value, value) for name, value in configured["proxy_set_header"]}

    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            if not self.path.startswith(location):
                self.send_error(404)
                return
            site_connection = http.client.HTTPConnection(urlsplit(site).netloc, timeout=30)
            kept = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
            passed = {name: value for name, value in (kept | headers).items() if value}
            site_connection.request(self.command, self.path, body, passed)
            response = site_connection.getresponse()
            content = response.read()
            self.send_response(response.status)
            for name, value in response.getheaders():
                if name.lower() not in ("connection", "content-length", "date"):
                    self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            site_connection.close()

        do_POST = do_GET  # noqa: N815 - the name that http.server looks for

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as in http.server
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    client = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)
    try:
        yield client
    finally:
        client.close()
        server.shutdown()
        server.server_close()
        thread.join(30)


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The site that is started as the example says."""
    prefix, name = served()
    with serve_site(prefix=prefix, hosts=own_hosts("127.0.0.1", [name])) as address:
        yield address


def get(client: http.client.HTTPConnection, path: str) -> tuple[int, str]:
    client.request("GET", path)
    response = client.getresponse()
    return response.status, response.read().decode()


def test_the_pages_are_shown_under_the_path_and_the_name_of_the_proxy(site: str) -> None:
    prefix, name = served()
    assert directives()["location"] == [[f"{prefix}/"]]
    assert directives()["server_name"] == [[name]]
    with proxied(site, name) as client:
        status, page = get(client, f"{prefix}/")
        assert status == 200
        links = re.findall(r'(?:href|src|action)="(/[^"]*)"', page)
        assert links
        assert [link for link in links if not link.startswith(f"{prefix}/")] == []
        assert get(client, f"{prefix}/api/estimate?minutes=10&turns=20")[0] == 200
        assert f"https://{name}" in get(client, f"{prefix}/api")[1]


def test_another_name_is_refused_also_behind_the_proxy(site: str) -> None:
    prefix, _ = served()
    with proxied(site, "evil.example") as client:
        assert get(client, f"{prefix}/")[0] == 421


def test_a_log_is_passed_on(site: str) -> None:
    prefix, name = served()
    line = b'{"type": "response.done", "response": {"id": "a", "usage": {"input_tokens": 1, "output_tokens": 1}}}\n'
    with proxied(site, name) as client:
        client.request("POST", f"{prefix}/api/cost?model=gpt-realtime-1.5", line)
        assert client.getresponse().status == 200


def test_the_limits_of_the_proxy_are_those_of_the_site() -> None:
    limits, configured = Limits(), directives()
    assert configured["client_max_body_size"] == [[f"{limits.log_mebibytes}m"]]
    assert configured["client_header_timeout"] == [[f"{limits.head_seconds:g}s"]]
    (seconds,) = configured["proxy_read_timeout"][0]
    assert int(seconds.removesuffix("s")) > limits.body_seconds + limits.seconds
    (_, connections) = configured["limit_conn"][0]
    assert int(connections) < limits.concurrent_requests
    assert configured["proxy_pass"] == [["http://127.0.0.1:8000"]]
