"""Render charts as SVG and PNG, and cache them."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Lock
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from voicebill.billing.errors import InvalidInput, VoicebillError
from voicebill.charts.draw import MissingFont
from voicebill.charts.themes import THEMES, Theme
from voicebill.extras import MissingExtra
from voicebill.web.painter import Painter, PainterEnded
from voicebill.web.responses import run_in_threads, with_etag
from voicebill.web.site import Site
from voicebill.web.status_reports import Problem

MAX_CACHE_BYTES = 16 * 2**20
"""Size of the cache; an SVG has about 45 KB, and a PNG 60 KB."""

CACHED_CHART_BYTES = 800
"""What a chart takes in addition to its picture and the text of its key."""

MAX_QUEUED = {"svg": 32, "png": 6}
"""Charts of a kind that are rendered or wait for it; a further one is refused. An SVG takes 0.02 s, a PNG 1 s to 2 s."""

MAX_PNG_WIDTH = 1200
"""The width of a PNG in pixels: its time is in proportion to its area, and 2,400 pixels would take 7 s."""

MEDIA_TYPES = {"svg": "image/svg+xml", "png": "image/png"}

CHART_HEADERS = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}
"""An SVG contains its own styles, and can be opened directly."""

RENDERS_PER_PAINTER = 500
"""Charts that one process renders: the library leaks about 16 KB per chart, so the process is replaced."""


class ChartRenderer:
    """Renders charts in processes of their own, one for each kind, which are replaced regularly, and caches the last ones.

    Each kind has its thread and its queue, so that no other work waits for a chart, and no SVG for a PNG.
    """

    def __init__(self) -> None:
        self.lock = Lock()
        self.cache: OrderedDict[tuple[object, ...], bytes] = OrderedDict()
        self.cache_bytes = 0
        self.painters: dict[str, Painter] = {}
        self.threads: dict[str, ThreadPoolExecutor] = {}
        self.queued = dict.fromkeys(MAX_QUEUED, 0)

    async def render(self, site: Site, key: tuple[object, ...], plot: Callable[[], Any], kind: str) -> bytes:
        """The chart of a key, from the cache or rendered; the site's threads calculate what it shows.

        Raises:
            Problem: too many charts wait, or the process ended.
        """
        image = self._cached(key)
        if image is not None:
            return image
        return await self._queue(site, kind, plot, key)

    async def _queue(self, site: Site, kind: str, plot: Callable[[], Any], key: tuple[object, ...]) -> bytes:
        if self.queued[kind] >= MAX_QUEUED[kind]:
            raise Problem(503, "Busy", [(None, "too many charts are being rendered: try again in some seconds")])
        self.queued[kind] += 1
        try:
            chart = await run_in_threads(site, plot)
            threads = self.threads.get(kind)
            if threads is None:
                threads = self.threads[kind] = ThreadPoolExecutor(1, thread_name_prefix=f"voicebill-{kind}")
            return await run_in_threads(site, lambda: self._render_and_keep(key, chart, kind), threads)
        finally:
            self.queued[kind] -= 1

    def _cached(self, key: tuple[object, ...]) -> bytes | None:
        with self.lock:
            if key not in self.cache:
                return None
            self.cache.move_to_end(key)
            return self.cache[key]

    def _render_and_keep(self, key: tuple[object, ...], chart: Any, kind: str) -> bytes:  # noqa: ANN401 - lets-plot's plot
        """Render a chart, unless it was rendered while this one waited."""
        image = self._cached(key)
        if image is not None:
            return image
        image = self._paint(chart, kind)
        with self.lock:
            self.cache[key] = image
            self.cache_bytes += _cached_size(key, image)
            while self.cache_bytes > MAX_CACHE_BYTES:
                self.cache_bytes -= _cached_size(*self.cache.popitem(last=False))
        return image

    def _paint(self, chart: Any, kind: str) -> bytes:  # noqa: ANN401 - lets-plot's plot
        painter = self.painters.get(kind)
        if painter is not None and painter.render_count >= RENDERS_PER_PAINTER:
            self.painters.pop(kind).close()
            painter = None
        if painter is None:
            painter = self.painters[kind] = Painter()
        try:
            return painter.render(chart, kind)
        except PainterEnded:
            self.painters.pop(kind, painter).close()
            raise Problem(503, "No chart", [(None, "the chart could not be rendered: try again")]) from None

    def stop(self) -> None:
        """Stop threads and processes; the next chart starts new ones."""
        threads, self.threads = self.threads, {}
        for executor in threads.values():
            executor.shutdown(wait=False, cancel_futures=True)
        painters, self.painters = self.painters, {}
        for painter in painters.values():
            painter.end()


def _cached_size(key: tuple[object, ...], image: bytes) -> int:
    return len(image) + len(repr(key)) + CACHED_CHART_BYTES


async def chart_response(
    request: Request, site: Site, renderer: ChartRenderer, *, key: tuple[object, ...], plot: Callable[[], Any], kind: str
) -> Response:
    """A chart as a response, rendered unless it is cached under its key.

    Raises:
        Problem: the chart cannot be drawn, or not without an extra or a font.
    """
    try:
        body = await renderer.render(site, key, plot, kind)
    except (MissingExtra, MissingFont) as error:
        raise Problem(503, "No chart", [(None, str(error))]) from None
    except VoicebillError as error:
        raise Problem(422, "No chart", [(None, str(error))]) from None
    return with_etag(request, body, MEDIA_TYPES[kind], headers=CHART_HEADERS)


def theme_from_fields(values: Mapping[str, str], kind: str) -> Theme:
    """The theme of a chart of a kind, with its width.

    Raises:
        Problem: the theme is unknown, or the width is out of range.
    """
    name, width = values.get("theme", "light"), values.get("width", "900")
    if name not in THEMES:
        raise Problem(422, "Invalid input", [("theme", f"must be one of {', '.join(THEMES)}, not {name[:40]!r}")])
    if not (width.isascii() and width.isdigit()) or len(width) > 5:
        raise Problem(422, "Invalid input", [("width", f"must be a number of pixels, such as 900, not {width[:40]!r}")])
    if kind == "png" and int(width) > MAX_PNG_WIDTH:
        message = f"a .png is at most {MAX_PNG_WIDTH:,} pixels wide here, with two of its own for each; an .svg may be wider"
        raise Problem(422, "Invalid input", [("width", message)])
    try:
        return replace(THEMES[name], width=int(width))
    except InvalidInput as error:
        raise Problem(422, "Invalid input", [("width", str(error))]) from None
