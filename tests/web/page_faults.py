"""Watch what a page requests, what goes wrong in it and what it shouts, and name the guidelines that pages keep."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import ConsoleMessage, Error, Page, Request

GUIDELINES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
"""The rules of axe that every page keeps."""


def watch_faults(page: Page) -> None:
    """Count what shouts from now on: alerts, and errors at fields."""
    page.evaluate(
        """() => {
            window.faults = [];
            const look = () => document.querySelectorAll('[role=alert], .error:not(:empty), [aria-invalid]').forEach(
                (element) => window.faults.push(element.outerHTML));
            new MutationObserver(look).observe(document.body, {subtree: true, childList: true, attributes: true,
                characterData: true});
        }"""
    )


def faults(page: Page) -> list[str]:
    """What has shouted since, as HTML."""
    elements: list[str] = page.evaluate("window.faults")
    return elements


@contextmanager
def console_errors(page: Page) -> Iterator[list[str]]:
    """What the console of a page shows as errors meanwhile."""
    errors: list[str] = []

    def record_error(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(message.text)

    page.on("console", record_error)
    try:
        yield errors
    finally:
        page.remove_listener("console", record_error)


@contextmanager
def refuse_faults(page: Page, address: str) -> Iterator[list[Request]]:
    """Assert that nothing meanwhile requests another machine, fails in a script or violates the security policy.

    The requests are listed as they are made.
    """
    requests: list[Request] = []
    errors: list[str] = []

    def record_request(request: Request) -> None:
        requests.append(request)

    def record_error(error: Error) -> None:
        errors.append(str(error))

    def record_violation(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            errors.append(message.text)

    page.on("request", record_request)
    page.on("pageerror", record_error)
    page.on("console", record_violation)
    try:
        yield requests
    finally:
        page.remove_listener("request", record_request)
        page.remove_listener("pageerror", record_error)
        page.remove_listener("console", record_violation)
    assert [request.url for request in requests if not request.url.startswith((address, "data:", "blob:"))] == []
    assert not errors
