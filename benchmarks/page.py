"""Measure the first page in Chromium and on the server, before and after a change, in one run.

`python -m benchmarks.page --before FOLDER` compares another checkout with this one; without a folder this checkout alone is
measured. Every site runs in a process of its own with this interpreter, and the sites take turns, so that other load on the
machine affects both alike. It needs Chromium and the packages of the tests. A row of which one site has nothing to measure,
or did not have it in time, contains "-".
"""

import argparse
import http.client
import os
import platform
import socket
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, Request, sync_playwright
from tests.web.sites import BROWSER_ARGUMENTS, CHROMIUM, NO_CHROMIUM

from benchmarks.web import plans

Item = TypeVar("Item")

ROOT = Path(__file__).parents[1]
DIGITS = range(1, 10)
"""What is typed in the minutes field: one digit in every visit, none of which is the value that the field begins with."""

REQUESTS = 15
SERVER_PATHS = "/", "/answer", "/why", "/learn", "/compare"
WIDTHS = {390: 844, 1280: 900}
KINDS = {"document": "HTML", "stylesheet": "CSS", "script": "JavaScript", "image": "images"}
PAINTS = {
    "first-paint": "first paint",
    "first-contentful-paint": "first contentful paint",
    "largest-contentful-paint": "largest contentful paint",
}

READ_PAINTS = """() => new Promise((resolve) => {
  const paints = Object.fromEntries(performance.getEntriesByType("paint").map((entry) => [entry.name, entry.startTime]));
  const observer = new PerformanceObserver((list) => {
    const largest = list.getEntries().at(-1);
    resolve({ ...paints, [largest.entryType]: largest.startTime });
  });
  observer.observe({ type: "largest-contentful-paint", buffered: true });
  setTimeout(resolve, 5000, paints);
})"""

WATCH_KEYSTROKE = """() => {
  const field = document.querySelector("#ask [name=minutes]");
  if (!field) return false;
  const figure = () => (document.querySelector("#answer .figure") ?? document.querySelector(".figure"))?.textContent;
  const why = document.getElementById("why");
  const initial = figure();
  const times = { figure: null, why: null };
  let begun = null;
  let hasChanged = false;
  field.focus();
  field.select();
  field.addEventListener("keydown", () => { begun = performance.now(); }, { capture: true, once: true });
  window.keystrokeTimes = new Promise((resolve) => {
    const QUIET_MS = 1000; // without a further change, the explanation is complete
    let quiet = 0;
    setTimeout(resolve, 15000, times);
    new MutationObserver((records) => {
      if (begun === null) return;
      const now = performance.now() - begun;
      if (times.figure === null && figure() !== initial) times.figure = now;
      const inWhy = records.filter((record) => why?.contains(record.target));
      const isContent = inWhy.some((record) => record.type !== "attributes");
      hasChanged ||= isContent;
      const isMarked = inWhy.some((record) => record.target === why);
      const isStale = why?.classList.contains("stale");
      if (hasChanged && (isContent || isMarked) && !isStale) times.why = now;
      clearTimeout(quiet);
      if (times.figure === null || (why && times.why === null) || isStale) return;
      quiet = setTimeout(resolve, QUIET_MS, times);
    }).observe(document.body, { subtree: true, childList: true, characterData: true, attributeFilter: ["class"] });
  });
  return true;
}"""

LOAD_LAZY_IMAGES = """async () => {
  const images = [...document.images].filter((image) => image.loading === "lazy");
  for (const image of images) image.loading = "eager";
  await Promise.all(images.map((image) => image.decode().catch(() => null)));
  return images.map((image) => image.currentSrc);
}"""

READ_NAVIGATION = "(links) => links.filter((link) => link.origin === location.origin).map((link) => link.pathname)"


@dataclass(frozen=True)
class RunningSite:
    """The running site of a checkout, and what was measured of it: the samples of every row of the table."""

    folder: Path
    address: str
    samples: defaultdict[str, list[float | None]] = field(default_factory=lambda: defaultdict(list))

    def rows(self) -> dict[str, float | None]:
        """The values of the table; of several samples the median and the least."""
        rows: dict[str, float | None] = {}
        for label, samples in self.samples.items():
            values = [sample for sample in samples if sample is not None]
            is_complete = len(values) == len(samples)
            if len(samples) == 1:
                rows[label] = samples[0]
            else:
                rows[f"{label}, median"] = statistics.median(values) if is_complete else None
                rows[f"{label}, least"] = min(values) if is_complete else None
        return rows


@contextmanager
def serve_checkout(folder: Path) -> Iterator[RunningSite]:
    """Run the site of a checkout in a separate process. Nothing is written into the checkout."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    environment = os.environ | {"PYTHONPATH": str(folder / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "voicebill", "serve", "--port", str(port)]
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
                    break
                except OSError:
                    if process.poll() is not None:
                        sys.exit(f"the site of {folder} does not start")
                    time.sleep(0.05)
            yield RunningSite(folder, f"http://127.0.0.1:{port}")
        finally:
            process.terminate()


class Traffic:
    """The requests of a page that are finished, and those that are not."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.pending: set[Request] = set()
        self.finished: list[Request] = []
        page.on("request", self._begin)
        page.on("requestfinished", self._finish)
        page.on("requestfailed", self._fail)

    def _begin(self, request: Request) -> None:
        self.pending.add(request)

    def _fail(self, request: Request) -> None:
        self.pending.discard(request)

    def _finish(self, request: Request) -> None:
        self.pending.discard(request)
        self.finished.append(request)

    def wait(self) -> None:
        """Wait until no request is pending, so that the server works on none of them any longer."""
        self.page.wait_for_load_state("networkidle")
        while self.pending:
            self.page.wait_for_timeout(20)


@contextmanager
def open_page(browser: Browser, width: int = 1280) -> Iterator[tuple[Page, Traffic]]:
    """A page in a new context, whose cache is empty."""
    with browser.new_context(viewport={"width": width, "height": WIDTHS[width]}) as context:
        page = context.new_page()
        yield page, Traffic(page)


def measure_bytes(browser: Browser, site: RunningSite) -> None:
    """Count what the first load transfers: bodies as they are sent, compressed."""
    with open_page(browser) as (page, traffic):
        page.goto(f"{site.address}/", wait_until="networkidle")
        lazy = set(page.evaluate(LOAD_LAZY_IMAGES))
        traffic.wait()
        first = [request for request in traffic.finished if request.url not in lazy]
        later = [request for request in traffic.finished if request.url in lazy]
        sizes = dict.fromkeys(KINDS.values(), 0) | {"other": 0}
        for request in first:
            sizes[KINDS.get(request.resource_type, "other")] += request.sizes()["responseBodySize"]
        site.samples["first load, requests"].append(len(first))
        for kind, size in sizes.items():
            site.samples[f"first load, {kind}, bytes"].append(size)
        site.samples["first load, all, bytes"].append(sum(sizes.values()))
        headers = sum(request.sizes()["responseHeadersSize"] for request in first)
        site.samples["first load, headers of the responses, bytes"].append(headers)
        site.samples["lazily loaded images, requests"].append(len(later))
        later_bytes = sum(request.sizes()["responseBodySize"] for request in later)
        site.samples["lazily loaded images, bytes"].append(later_bytes)


def measure_visit(browser: Browser, site: RunningSite, digit: int) -> None:
    """Load the page without a cache, then type a digit in the minutes field, in place of its value."""
    with open_page(browser) as (page, traffic):
        page.goto(f"{site.address}/", wait_until="networkidle")
        paints = page.evaluate(READ_PAINTS)
        for name, label in PAINTS.items():
            site.samples[f"{label}, ms"].append(paints.get(name))
        traffic.wait()
        times = {}
        if page.evaluate(WATCH_KEYSTROKE):
            page.keyboard.press(str(digit))
            times = page.evaluate("() => window.keystrokeTimes")
        site.samples["keystroke to figure, ms"].append(times.get("figure"))
        site.samples["keystroke to complete explanation, ms"].append(times.get("why"))
        traffic.wait()


def measure_heights(browser: Browser, site: RunningSite) -> None:
    """Measure the height of all pages of the navigation."""
    for width in WIDTHS:
        with open_page(browser, width) as (page, _):
            page.goto(f"{site.address}/")
            paths = page.eval_on_selector_all("header nav a[href]", READ_NAVIGATION)
            for path in dict.fromkeys(paths):
                page.goto(f"{site.address}{path}")
                height = page.evaluate("document.documentElement.scrollHeight")
                site.samples[f"height of {path} at {width} px, px"].append(height)


def time_request(connection: http.client.HTTPConnection, path: str) -> float | None:
    """Milliseconds until the response has been read; None if there is no such page."""
    begun = time.perf_counter()
    connection.request("GET", path, headers={"accept": "text/html", "accept-encoding": "gzip"})
    response = connection.getresponse()
    response.read()
    return 1e3 * (time.perf_counter() - begun) if response.status == http.HTTPStatus.OK else None


def take_turns(items: Sequence[Item], round_number: int) -> Sequence[Item]:
    """The items in their order, in every second round the last one first."""
    return items if round_number % 2 else items[::-1]


def measure_server(sites: Sequence[RunningSite]) -> None:
    """Measure the server with one client: the default plan, and plans of which no two requests to a site are the same."""
    connections = [http.client.HTTPConnection(urlsplit(site.address).netloc, timeout=60) for site in sites]
    different = plans("")
    for path in SERVER_PATHS:
        for connection in connections:
            time_request(connection, path)
        for round_number in range(REQUESTS):
            requests = {"default plan": path, "different plans": f"{path}?{next(different)}"}
            for label, request in requests.items():
                for site, connection in take_turns([*zip(sites, connections, strict=True)], round_number):
                    site.samples[f"server, {path}, {label}, ms"].append(time_request(connection, request))
    for connection in connections:
        connection.close()


def version(folder: Path) -> str:
    """The commit of a checkout."""
    command = ["git", "--no-optional-locks", "-C", str(folder), "describe", "--tags", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or "no commit"


def load_average() -> str:
    """The load average of the machine over 1, 5 and 15 minutes."""
    return " ".join(f"{load:.2f}" for load in os.getloadavg())


def format_value(label: str, value: float | None) -> str:
    """A value of the table: times with a decimal, counts without."""
    if value is None:
        return "-"
    return f"{value:,.1f}" if ", ms" in label else f"{value:,.0f}"


def table(sites: Sequence[RunningSite]) -> Iterator[str]:
    """The lines of the Markdown table; the last site is the one after the change."""
    columns = [site.rows() for site in sites]
    heads = ["measure", *(["before", "after", "ratio"] if len(sites) > 1 else ["value"])]
    yield f"| {' | '.join(heads)} |"
    yield f"|---|{'---:|' * (len(heads) - 1)}"
    for label in dict.fromkeys(label for column in columns for label in column):
        values = [column.get(label) for column in columns]
        cells = [label, *(format_value(label, value) for value in values)]
        if len(values) > 1:
            before, after = values
            cells.append(f"{after / before:.2f}" if before and after is not None else "-")
        yield f"| {' | '.join(cells)} |"


def measure(browser: Browser, sites: Sequence[RunningSite]) -> None:
    """Measure everything; the sites take turns."""
    for site in sites:
        measure_bytes(browser, site)
    for digit in DIGITS:
        for site in take_turns(sites, digit):
            measure_visit(browser, site, digit)
    measure_server(sites)
    for site in sites:
        measure_heights(browser, site)


def main() -> None:
    """Run the benchmark and print the results."""
    parser = argparse.ArgumentParser(prog="benchmarks.page", description="Measure the first page, before and after a change.")
    parser.add_argument("--before", type=Path, metavar="FOLDER", help="another checkout, to compare this one with")
    before: Path | None = parser.parse_args().before
    if before and not (before / "src" / "voicebill").is_dir():
        parser.error(f"{before} is no checkout of voicebill: it has no src/voicebill")
    if CHROMIUM is None:
        sys.exit(NO_CHROMIUM)
    folders = [before.resolve(), ROOT] if before else [ROOT]
    versions = [version(folder) for folder in folders]
    load_before = load_average()
    with ExitStack() as stack:
        sites = [stack.enter_context(serve_checkout(folder)) for folder in folders]
        playwright = stack.enter_context(sync_playwright())
        browser = stack.enter_context(playwright.chromium.launch(executable_path=CHROMIUM, args=BROWSER_ARGUMENTS))
        measure(browser, sites)
        machine = f"Chromium {browser.version}, Python {platform.python_version()}, {os.cpu_count()} cores"
    print(*table(sites), sep="\n")
    commits = f"Commits: {versions[0]} before, {versions[1]} after" if before else f"Commit: {versions[0]}"
    print(f"\n{commits}. {machine}.")
    print(f"{len(DIGITS)} visits in Chromium, {REQUESTS} requests of a kind to the server.")
    print(f"Load average before the run: {load_before}; after it: {load_average()}.")


if __name__ == "__main__":
    main()
