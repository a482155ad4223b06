"""Watch what a page shouts while somebody types in it, and name the guidelines that pages keep."""

from playwright.sync_api import Page

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


GUIDELINES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
"""The accessibility guidelines that pages keep."""
