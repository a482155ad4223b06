"""A site to ask, on a fixed day."""

from typing import Any

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
