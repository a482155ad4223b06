"""Fixtures for browser tests: a running site, and the installed Chromium."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.web.sites import BROWSER_ARGUMENTS, CHROMIUM, NO_CHROMIUM, serve_site


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The installed browser, with every request beyond this machine switched off."""
    if CHROMIUM is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(NO_CHROMIUM)
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": BROWSER_ARGUMENTS}


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """The address of a running site."""
    with serve_site() as site_address:
        yield site_address
