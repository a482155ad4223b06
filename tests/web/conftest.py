"""Fixtures for browser tests: a running site, and pages of the installed Chromium.

A page that stays open takes a fifth of the time of a page in a context of its own. So tests borrow the pages of a worker, and
leave each as it was: its size, its colours, and nothing that runs or listens. The site stores nothing in a browser but what it
caches.
"""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize

from tests.web.sites import BROWSER_ARGUMENTS, CHROMIUM, NO_CHROMIUM, serve_site

DESKTOP = ViewportSize(width=1280, height=720)


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


def open_page(browser: Browser, **settings: Any) -> Iterator[Page]:
    """A page in a context with these settings, until the worker ends."""
    with browser.new_context(viewport=DESKTOP, **settings) as context:
        yield context.new_page()


def lend(page: Page) -> Iterator[Page]:
    """Lend a page to a test, and make it as it was."""
    yield page
    for opened in page.context.pages[1:]:
        opened.close()
    page.unroute_all(behavior="ignoreErrors")
    page.set_viewport_size(DESKTOP)
    page.emulate_media(media="null", color_scheme="null", reduced_motion="null", forced_colors="null")


def lend_on_site(page: Page, address: str) -> Iterator[Page]:
    """Lend a page that visits the site. In between it is at an address without a script, so that nothing runs on."""
    yield from lend(page)
    page.goto(f"{address}/healthz")


@pytest.fixture(scope="session")
def _open_page(browser: Browser) -> Iterator[Page]:
    yield from open_page(browser)


@pytest.fixture(scope="session")
def _open_page_without_script(browser: Browser) -> Iterator[Page]:
    yield from open_page(browser, java_script_enabled=False)


@pytest.fixture(scope="session")
def _open_page_without_policy(browser: Browser) -> Iterator[Page]:
    yield from open_page(browser, bypass_csp=True)


@pytest.fixture(scope="session")
def _open_empty_page(browser: Browser) -> Iterator[Page]:
    yield from open_page(browser)


@pytest.fixture
def page(_open_page: Page, address: str) -> Iterator[Page]:
    """A page for the site."""
    yield from lend_on_site(_open_page, address)


@pytest.fixture
def page_without_script(_open_page_without_script: Page, address: str) -> Iterator[Page]:
    """A page for the site in which no script runs."""
    yield from lend_on_site(_open_page_without_script, address)


@pytest.fixture
def audited_page(_open_page_without_policy: Page, address: str) -> Iterator[Page]:
    """A page in which axe may run: it comes from elsewhere, which the security policy forbids. Nothing moves."""
    _open_page_without_policy.emulate_media(reduced_motion="reduce")
    yield from lend_on_site(_open_page_without_policy, address)


@pytest.fixture
def empty_page(_open_empty_page: Page) -> Iterator[Page]:
    """A page whose content is set: it has no address, and no security policy."""
    yield from lend(_open_empty_page)
