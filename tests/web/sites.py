"""Create sites on a fixed day for tests, also for browser tests."""

import asyncio
import os
import re
import shutil
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from typing import Any, TypeVar, cast

import uvicorn
from pydantic import TypeAdapter
from starlette.testclient import TestClient

from tests.cases import DAY
from voicebill.answers.reports.report import Report
from voicebill.facts import load_facts
from voicebill.web.app import create_app
from voicebill.web.connections import server_settings
from voicebill.web.forms.form import FIELD_LABELS
from voicebill.web.site import Limits, Site

CHROMIUM = (
    os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
NO_CHROMIUM = "Chromium is missing: `apt-get install chromium` installs it on Debian; CHROMIUM names another one"
BROWSER_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--in-process-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
"""With these the browser makes no request beyond this machine, and draws without a process more."""


@contextmanager
def serve_site(*, send_buffer: int | None = None, **site: Any) -> Iterator[str]:
    """The address of a site that runs in a separate thread, as `voicebill serve` runs it.

    `send_buffer`: so many bytes of answers at most are kept by the system until their client reads them.
    """
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(512)
    if send_buffer is not None:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    settings: dict[str, Any] = {"today": lambda: DAY, "facts": load_facts()} | site
    app = create_app(Site(**settings))
    server = uvicorn.Server(uvicorn.Config(app, loop="asyncio", **server_settings(settings.get("limits") or Limits())))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=15)
        listener.close()


def client(**site: Any) -> TestClient:
    """A client of a site with these settings."""
    settings: dict[str, Any] = {"today": lambda: DAY, "facts": load_facts()} | site
    return TestClient(create_app(Site(**settings)), raise_server_exceptions=False)


class SharedClient:
    """A client that all tests share; its site is created by the first test that uses it, not at import."""

    @cached_property
    def _client(self) -> TestClient:
        return client()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


SITE = cast("TestClient", SharedClient())


def in_form_words(message: str) -> str:
    """A message as the page shows it: fields that it mentions, whose names have an underscore, by their labels."""
    return re.sub(r"\b[a-z]+_[a-z_]+\b", lambda match: f"“{FIELD_LABELS[match[0]]}”", message)


SMALL = Limits(turns=50, body_bytes=2_000, query_bytes=500, concurrent_requests=1, seconds=0.2)

Result = TypeVar("Result")


Document = TypeVar("Document", bound=Report)


def read_report(report: type[Document], document: object) -> Document:
    """A JSON document as its report; it must fit the schema, without further keys."""
    return TypeAdapter(report).validate_python(document)


def run(work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """Run a coroutine in a separate thread, because browser tests run an event loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(work())).result()
