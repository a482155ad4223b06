"""Fixtures for browser tests: a running site, and the installed Chromium."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.web.sites import BROWSER_ARGUMENTS, CHROMIUM, NO_CHROMIUM, serve_site


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The installed browser, with every request beyond this machine switched off."""
    if CHROMIUM is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(NO_CHROMIUM)
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": BROWSER_ARGUMENTS}


@pytest.fixture(scope="session")
def _open_context(browser: Browser, browser_context_args: dict[str, Any]) -> Iterator[BrowserContext]:
    """A context with a page that stays open: another page in it starts in half the time of one in a context of its own."""
    with browser.new_context(**browser_context_args) as context:
        context.new_page()
        yield context


@pytest.fixture
def page(_open_context: BrowserContext) -> Iterator[Page]:
    """A new page. The site stores nothing in a browser but what it caches, so that pages do not depend on others."""
    page = _open_context.new_page()
    yield page
    for opened in _open_context.pages[1:]:
        opened.close()


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """The address of a running site."""
    with serve_site() as site_address:
        yield site_address
