"""A site to ask, on a fixed day."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from starlette.testclient import TestClient

from tests.cases import DAY
from voicebill.facts import load
from voicebill.web.app import create_app
from voicebill.web.site import Bounds, Site


def client(**site: Any) -> TestClient:
    """A client of a site with these settings."""
    settings: dict[str, Any] = {"calendar": lambda: DAY, "facts": load()} | site
    return TestClient(create_app(Site(**settings)), raise_server_exceptions=False)


SITE = client()
SMALL = Bounds(turns=50, body_bytes=2_000, query_bytes=500, at_once=1, seconds=0.2)

Told = TypeVar("Told")


def run(work: Callable[[], Coroutine[Any, Any, Told]]) -> Told:
    """Run a coroutine in a thread of its own: browser tests keep a loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(work())).result()
