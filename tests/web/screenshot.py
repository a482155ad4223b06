"""Take docs/page.png: the page with the README's plan on the tests' day, 1280 pixels wide, served on this machine."""

import sys
from pathlib import Path

from playwright.sync_api import Route, sync_playwright

from tests.web.sites import BROWSER_ARGUMENTS, CHROMIUM, NO_CHROMIUM, serve_site

PLAN = "/?model=gpt-realtime-1.5&minutes=10&turns=20&conversations=30,000/month"
FILE = Path(__file__).parents[2] / "docs" / "page.png"


def take_screenshot() -> None:
    """Take a picture of the first screen, and block every request to another machine."""
    if CHROMIUM is None:
        sys.exit(NO_CHROMIUM)
    with serve_site() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=BROWSER_ARGUMENTS)
        context = browser.new_context(viewport={"width": 1280, "height": 720}, color_scheme="light", reduced_motion="reduce")

        def block_other_hosts(route: Route) -> None:
            if route.request.url.startswith(address):
                route.continue_()
            else:
                route.abort()

        context.route("**/*", block_other_hosts)
        page = context.new_page()
        page.goto(address + PLAN, wait_until="networkidle")
        page.screenshot(path=FILE)
        browser.close()


if __name__ == "__main__":
    take_screenshot()
