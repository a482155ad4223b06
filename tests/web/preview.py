"""Draw the picture that other sites show with a link to a page, and the icons that browsers ask for besides icon.svg."""

import struct
import sys
from importlib.resources import files
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.cases import DAY
from tests.web.sites import BROWSER_ARGUMENTS, CHROMIUM, NO_CHROMIUM
from voicebill.answers.estimates.estimate import estimate
from voicebill.answers.estimates.model_selection import DEFAULT_MODEL, ModelSelection
from voicebill.answers.estimates.response_breakdown import response_costs
from voicebill.facts import load_facts
from voicebill.web.site import USUAL_PLAN

STATIC_FOLDER = Path(str(files("voicebill.web") / "static"))
WIDTH, HEIGHT = 1200, 630
ICON_SIZE, TOUCH_SIZE = 32, 180

STYLE = """
body { margin: 0; font: 30px/1.4 "DejaVu Sans", sans-serif; color: #14181d; background: #f5f6f8; }
main { box-sizing: border-box; width: 1200px; height: 630px; padding: 64px 72px 0; overflow: hidden; }
p { margin: 0; } svg { display: block; }
.brand { display: flex; align-items: center; gap: 20px; font-weight: 700; font-size: 40px; }
.brand svg { width: 60px; height: 60px; }
h1 { font-size: 60px; line-height: 1.15; letter-spacing: -1px; margin: 40px 0 0; }
.bars { margin-top: 56px; width: 1056px; height: 204px; fill: #3f7cac; }
"""


def preview_html(icon: str) -> str:
    """The picture: the question, and how the turns of the usual conversation grow dearer."""
    answer = estimate(USUAL_PLAN, ModelSelection(model=DEFAULT_MODEL, day=DAY), load_facts())
    amounts = [float(cost.amount) for cost in response_costs(answer.conversation, answer.model)]
    step, tallest = 1056 / len(amounts), max(amounts)
    bars = "".join(
        f'<rect x="{index * step:.1f}" y="{204 - 204 * amount / tallest:.1f}" width="{step - 12:.1f}" height="204"/>'
        for index, amount in enumerate(amounts)
    )
    return (
        f'<style>{STYLE}</style><main><p class="brand">{icon}voicebill</p>'
        "<h1>What does a realtime voice<br>conversation cost?</h1>"
        f'<svg class="bars" viewBox="0 0 1056 204">{bars}</svg></main>'
    )


def png_of(browser: Browser, html: str, width: int, height: int, *, opaque: bool = False) -> bytes:
    """A picture of a page of our own."""
    page = browser.new_page(viewport={"width": width, "height": height})
    page.set_content(html)
    image = page.screenshot(omit_background=not opaque)
    page.close()
    return image


def icon_file(png: bytes, size: int) -> bytes:
    """An .ico file with one PNG."""
    head = struct.pack("<HHH", 0, 1, 1)
    entry = struct.pack("<BBBBHHII", size, size, 0, 0, 1, 32, len(png), len(head) + 16)
    return head + entry + png


def draw() -> None:
    """Draw the files in the folder of the static files."""
    if CHROMIUM is None:
        sys.exit(NO_CHROMIUM)
    icon = (STATIC_FOLDER / "icon.svg").read_text(encoding="utf-8")
    square = icon.replace(' rx="5"', "")  # a phone rounds the corners itself
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=BROWSER_ARGUMENTS)
        (STATIC_FOLDER / "preview.png").write_bytes(png_of(browser, preview_html(icon), WIDTH, HEIGHT, opaque=True))
        style = "<style>body { margin: 0; } svg { display: block; width: 100vw; }</style>"
        (STATIC_FOLDER / "apple-touch-icon.png").write_bytes(png_of(browser, style + square, TOUCH_SIZE, TOUCH_SIZE))
        small = png_of(browser, style + icon, ICON_SIZE, ICON_SIZE)
        (STATIC_FOLDER / "favicon.ico").write_bytes(icon_file(small, ICON_SIZE))
        browser.close()


if __name__ == "__main__":
    draw()
