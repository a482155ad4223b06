"""Pictures of an answer as SVG and PNG: painted once for an address, and kept while there is room."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from multiprocessing import get_context
from threading import Lock
from typing import Any

from fastapi import APIRouter, Request, Response

from voicebill.answers.estimate import Estimate
from voicebill.answers.knobs import effects
from voicebill.billing.errors import InvalidInput, VoicebillError
from voicebill.charts import draw
from voicebill.web.asking import Asking, Refused, asking, fields_of
from voicebill.web.compare import FLIP_FIELDS, compared, ranking, ways_of
from voicebill.web.estimate import answered
from voicebill.web.fields import filled
from voicebill.web.reply import AGAIN, tagged, worked
from voicebill.web.site import Site

KEPT_BYTES = 32 * 2**20
"""Of pictures that are kept; an SVG has some 50 KB."""

PICTURES: Mapping[str, Callable[[Estimate, draw.Look], Any]] = {
    "turns": draw.turns,
    "cumulative": draw.growing,
    "lengths": draw.lengths,
}
NAMES = (*PICTURES, "knobs", "offers", "flips")
KINDS = {"svg": "image/svg+xml", "png": "image/png"}

POLICY = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}
"""A picture brings its own style, and is opened by itself as well."""


PAINTED_BY_ONE = 500
"""Pictures that one process paints: the library keeps some 16 KB of each for good, so that a painter is relieved in time."""


class Gallery:
    """Paints pictures one at a time in a process of its own, which is relieved now and then, and keeps the last ones."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.kept: OrderedDict[tuple[object, ...], bytes] = OrderedDict()
        self.painter: ProcessPoolExecutor | None = None
        self.painted = 0

    def picture(self, key: tuple[object, ...], plot: Callable[[], Any], kind: str) -> bytes:
        """The picture of that key, painted if it is not kept."""
        with self.lock:
            if key in self.kept:
                self.kept.move_to_end(key)
                return self.kept[key]
        drawn = plot()
        with self.lock:
            self.kept[key] = found = self._paint(drawn, kind)
            while sum(map(len, self.kept.values())) > KEPT_BYTES:
                self.kept.popitem(last=False)
            return found

    def passing(self, plot: Any, kind: str) -> bytes:  # noqa: ANN401 - lets-plot's plot
        """A picture that is not kept."""
        with self.lock:
            return self._paint(plot, kind)

    def _paint(self, plot: Any, kind: str) -> bytes:  # noqa: ANN401 - lets-plot's plot
        if self.painted >= PAINTED_BY_ONE:
            self.stop()
        if self.painter is None:
            self.painter = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
        self.painted += 1
        try:
            return self.painter.submit(draw.rendered, plot, kind).result()
        except BrokenProcessPool:
            self.stop()
            raise Refused(503, "No picture", [(None, "the picture could not be painted: ask again")]) from None

    def stop(self) -> None:
        """Let the painter go; another picture would start a new one."""
        painter, self.painter, self.painted = self.painter, None, 0
        if painter is not None:
            painter.shutdown(wait=False, cancel_futures=True)


def plotted(asked: Asking, name: str, look: draw.Look, said: Mapping[str, str]) -> Any:  # noqa: ANN401 - lets-plot's plot
    """One picture of an answer, ready to be painted.

    Raises:
        Refused: there is no such answer.
    """
    if name == "offers":
        return draw.offers(compared(asked), look)
    if name == "flips":
        ranked = ranking(said, ways_of(asked, compared(asked)))
        if ranked is None:
            raise Refused(422, "No picture", [(None, "a ranking needs two different ways")])
        stands_on = f"voicebill: {asked.question.asked.day}; prices {asked.facts.prices.digest}"
        return draw.flips(ranked, stands_on, look)
    if name == "knobs":
        question = asked.question
        return draw.knobs(effects(question.plan, question.asked, asked.facts), answered(asked).offered, look)
    return PICTURES[name](answered(asked), look)


def look_of(given: Mapping[str, str]) -> draw.Look:
    """How a picture is to look.

    Raises:
        Refused: there is no such look, or it cannot be so wide.
    """
    name, width = given.get("look", "light"), given.get("width", "900")
    if name not in draw.LOOKS:
        raise Refused(422, "Wrong input", [("look", f"must be one of {', '.join(draw.LOOKS)}, not {name[:40]!r}")])
    if not (width.isascii() and width.isdigit()) or len(width) > 5:
        raise Refused(422, "Wrong input", [("width", f"must be pixels, such as 900, not {width[:40]!r}")])
    try:
        return replace(draw.LOOKS[name], width=int(width))
    except InvalidInput as error:
        raise Refused(422, "Wrong input", [("width", str(error))]) from None


def routes(site: Site, gallery: Gallery) -> APIRouter:
    """Every picture under its own address."""
    router = APIRouter()

    @router.get("/chart/{name}.{kind}", include_in_schema=False)
    async def chart(request: Request, name: str, kind: str) -> Response:
        if name not in NAMES or kind not in KINDS:
            raise Refused(404, "Not found", [(None, f"a picture is one of {', '.join(NAMES)}, as .svg or .png")])
        given = fields_of(request.url.query, site.bounds)
        asked, look = asking(filled(given), site), look_of(given)
        said = {field: given[field] for field in FLIP_FIELDS if field in given} if name == "flips" else {}
        key = (repr(asked.question), asked.facts.prices.digest, name, kind, look, tuple(said.items()))
        try:
            body = await worked(site, lambda: gallery.picture(key, lambda: plotted(asked, name, look, said), kind))
        except draw.MissingPlot as error:
            raise Refused(503, "No pictures", [(None, str(error))]) from None
        except VoicebillError as error:
            raise Refused(422, "No picture", [(None, str(error))]) from None
        return tagged(request, body, KINDS[kind], cache=AGAIN, headers=POLICY)

    return router
