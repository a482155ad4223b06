"""A site in a thread of its own, and an installed Chromium to look at it."""

import os
import shutil
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from tests.cases import DAY
from voicebill.facts import load
from voicebill.web.app import create_app
from voicebill.web.site import Site

CHROMIUM = (
    os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The installed browser, which looks for nothing beyond this machine."""
    if CHROMIUM is None and os.environ.get("CI") == "true":
        pytest.fail("there is no Chromium: install it, or name it in CHROMIUM")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium: install it, or name it in CHROMIUM")
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": quiet}


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """The address of a running site."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(Site(calendar=lambda: DAY, facts=load())), log_level="error", access_log=False, ws="none", loop="asyncio"
        )
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=15)
    listening.close()
