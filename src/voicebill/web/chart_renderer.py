"""Render charts as SVG and PNG, and cache them."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from multiprocessing import get_context
from threading import Lock
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from voicebill.billing.errors import InvalidInput, VoicebillError
from voicebill.charts import draw
from voicebill.charts.themes import THEMES, Theme
from voicebill.extras import MissingExtra
from voicebill.web.forms.requests import Problem
from voicebill.web.responses import run_in_threads, with_etag
from voicebill.web.site import Site

MAX_CACHE_BYTES = 32 * 2**20
"""Size of the cache; an SVG has about 50 KB."""

MEDIA_TYPES = {"svg": "image/svg+xml", "png": "image/png"}

CHART_HEADERS = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}
"""An SVG contains its own styles, and can be opened directly."""

RENDERS_PER_WORKER = 500
"""Charts that one process renders: the library leaks about 16 KB per chart, so the process is replaced."""


class ChartRenderer:
    """Renders one chart at a time in a separate process, which is replaced regularly, and caches the last ones."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.cache: OrderedDict[tuple[object, ...], bytes] = OrderedDict()
        self.worker: ProcessPoolExecutor | None = None
        self.render_count = 0

    def render(self, key: tuple[object, ...], plot: Callable[[], Any], kind: str) -> bytes:
        """The chart of a key, from the cache or rendered."""
        with self.lock:
            if key in self.cache:
                self.cache.move_to_end(key)
                return self.cache[key]
        chart = plot()
        with self.lock:
            self.cache[key] = image = self._render(chart, kind)
            while sum(map(len, self.cache.values())) > MAX_CACHE_BYTES:
                self.cache.popitem(last=False)
            return image

    def render_once(self, plot: Any, kind: str) -> bytes:  # noqa: ANN401 - lets-plot's plot
        """A chart that is not cached."""
        with self.lock:
            return self._render(plot, kind)

    def _render(self, plot: Any, kind: str) -> bytes:  # noqa: ANN401 - lets-plot's plot
        if self.render_count >= RENDERS_PER_WORKER:
            self.stop()
        if self.worker is None:
            self.worker = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
        self.render_count += 1
        try:
            return self.worker.submit(draw.render, plot, kind).result()
        except BrokenProcessPool:
            self.stop()
            raise Problem(503, "No chart", [(None, "the chart could not be rendered: try again")]) from None

    def stop(self) -> None:
        """Stop the process; the next chart starts a new one."""
        worker, self.worker, self.render_count = self.worker, None, 0
        if worker is not None:
            worker.shutdown(wait=False, cancel_futures=True)


async def chart_response(
    request: Request, site: Site, renderer: ChartRenderer, *, key: tuple[object, ...], plot: Callable[[], Any], kind: str
) -> Response:
    """A chart as a response, rendered in the site's threads unless it is cached under its key.

    Raises:
        Problem: the chart cannot be drawn, or not without an extra.
    """
    try:
        body = await run_in_threads(site, lambda: renderer.render(key, plot, kind))
    except MissingExtra as error:
        raise Problem(503, "No chart", [(None, str(error))]) from None
    except VoicebillError as error:
        raise Problem(422, "No chart", [(None, str(error))]) from None
    return with_etag(request, body, MEDIA_TYPES[kind], headers=CHART_HEADERS)


def theme_from_fields(values: Mapping[str, str]) -> Theme:
    """The theme of a chart, with its width.

    Raises:
        Problem: the theme is unknown, or the width is out of range.
    """
    name, width = values.get("theme", "light"), values.get("width", "900")
    if name not in THEMES:
        raise Problem(422, "Invalid input", [("theme", f"must be one of {', '.join(THEMES)}, not {name[:40]!r}")])
    if not (width.isascii() and width.isdigit()) or len(width) > 5:
        raise Problem(422, "Invalid input", [("width", f"must be a number of pixels, such as 900, not {width[:40]!r}")])
    try:
        return replace(THEMES[name], width=int(width))
    except InvalidInput as error:
        raise Problem(422, "Invalid input", [("width", str(error))]) from None
