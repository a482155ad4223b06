"""What a usage log did cost: the log is dropped onto the page or sent to the API, read in memory, and kept nowhere."""

import re
import zlib
from asyncio import CancelledError
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from io import BytesIO
from itertools import islice
from threading import Event
from typing import Any, TypeVar

import duckdb
from fastapi import APIRouter, Request, Response
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from voicebill.answers import quantities
from voicebill.answers.cost import Cost, CostAsked, cost
from voicebill.answers.cost_shape import cost_shape, quantity_shown, status_of
from voicebill.answers.pictures import NOT_NAMED, in_time
from voicebill.answers.shape import Shape
from voicebill.answers.where import FIELDS, condition
from voicebill.billing.dated import Day
from voicebill.billing.errors import InvalidInput, UnknownName, VoicebillError
from voicebill.billing.record import Record
from voicebill.charts import draw
from voicebill.engines.in_duckdb import DuckDB
from voicebill.logs.notes import reading_notes, reading_shape
from voicebill.logs.read import DIALECTS, every_record
from voicebill.logs.sources import PARQUET, Source
from voicebill.logs.told import Report, Told
from voicebill.web import openapi
from voicebill.web.asking import Refused, fields_of
from voicebill.web.charts import Gallery
from voicebill.web.guard import POLICY
from voicebill.web.pages import Pages
from voicebill.web.reply import unkept, worked
from voicebill.web.site import Site

Read = TypeVar("Read")

BY = ("tenant", "day", "hour", "model", "offer", "session", "turn", "kind", "status", "meter")
"""What the form offers to group by; the API takes several, and every field."""
TOLD = ("model", "transcription_model", "provider", "deployment", "region", "tenant")
FORM = (*TOLD, "day", "format", "by", "where", "since", "until", "top")
MOST_GROUPS = 200
"""So many groups are shown on the page."""
MEMORY = "512MB"
OPTION = re.compile(r"(?<!\S)--([a-z]+(?:-[a-z]+)*)\b")
"""An option of the command line, in a hint."""


class GivenUp:
    """Whether somebody still waits for an answer. Once nobody does, reading stops and the database is interrupted."""

    def __init__(self) -> None:
        self._event = Event()
        self._database: DuckDB | None = None

    def end(self) -> None:
        """Nobody waits any more."""
        self._event.set()
        if self._database is not None:
            with suppress(duckdb.Error):  # it may be closed already
                self._database.connection.interrupt()

    def interrupts(self, database: DuckDB) -> None:
        """What runs there ends too."""
        self._database = database
        self.check()

    def check(self) -> None:
        """Go on, if somebody waits.

        Raises:
            Refused: nobody does.
        """
        if self._event.is_set():
            raise Refused(503, "Too slow", [(None, "nobody waits for this answer any more")])


class _Content(BytesIO):
    """A log's bytes, of which no more lines are given once nobody waits for the answer."""

    def __init__(self, content: bytes, given_up: GivenUp) -> None:
        super().__init__(content)
        self._given_up = given_up

    def readline(self, size: int | None = -1, /) -> bytes:
        """The next line."""
        self._given_up.check()
        return super().readline(size)

    def read1(self, size: int | None = -1, /) -> bytes:
        """The next bytes."""
        self._given_up.check()
        return super().read1(size)


@dataclass(frozen=True, slots=True)
class Costed:
    """A log's answer, with what reading it has met."""

    answer: Cost
    report: Report

    @property
    def shape(self) -> Shape:
        """As the command line prints it."""
        return {"read": reading_shape(self.report)} | cost_shape(self.answer)


def routes(site: Site, pages: Pages, gallery: Gallery) -> APIRouter:
    """The page and the API."""
    router = APIRouter()

    @router.get("/cost", include_in_schema=False)
    async def page(request: Request) -> Response:
        return pages.page(request, "cost.html", _context({}))

    @router.post("/cost", include_in_schema=False)
    async def dropped(request: Request) -> Response:
        given, name, content = await _upload(request, site)
        try:
            found = await _worked(content, name, given, site)
            pictures = await worked(site, lambda: _pictures(found.answer, gallery), site.log_workers)
        except Refused as refusal:
            return pages.page(request, "cost.html", _context(given, refusal=refusal), status=refusal.status)
        context = _context(given, view=found, notes=list(reading_notes(found.report)), pictures=pictures)
        answered = pages.page(request, "cost.html", context)
        answered.headers["content-security-policy"] = POLICY.format("'self'").replace("img-src 'self'", "img-src 'self' data:")
        return answered

    @router.post("/api/cost", **openapi.POST_COST)
    async def api(request: Request) -> Response:
        given = fields_of(request.url.query, site.bounds)
        unknown = next((name for name in given if name not in FORM), None)
        if unknown is not None:
            raise Refused(422, "Wrong input", [(unknown[:40], f"is none of {', '.join(FORM)}")])
        if request.headers.get("content-type", "").lower().startswith("multipart/"):
            said = "send the log itself as the body (curl --data-binary @usage.jsonl)"
            raise Refused(415, "Wrong input", [(None, said)])
        content = await request.body()
        found = await _worked(content, "the log", given, site)
        return unkept(found.shape, site)

    return router


async def _worked(content: bytes, name: str, given: Mapping[str, str], site: Site) -> Costed:
    """What a log did cost, found beside the loop; the work ends when the time for it is over."""
    given_up = GivenUp()
    try:
        return await worked(site, lambda: costed(content, name, given, site, given_up), site.log_workers)
    except CancelledError:
        given_up.end()
        raise


def costed(content: bytes, name: str, given: Mapping[str, str], site: Site, given_up: GivenUp) -> Costed:
    """What a log did cost.

    Raises:
        Refused: it is too large, of no known dialect, the question cannot be meant, or nobody waits for the answer.
    """
    report = Report()
    try:
        asked, told = _asked(given), _told(given)
        dialect = _at("format", given, _format)
        source = Source(name, content=_Content(_unpacked(content, name, site), given_up), plain=True)
        with DuckDB(memory=MEMORY) as database:
            given_up.interrupts(database)
            report.repeated = database.take(_bounded(every_record([source], dialect, told, report), site, given_up))
            given_up.check()
            return Costed(_in_words(cost(database, asked, site.facts.prices)), report)
    except VoicebillError as error:
        raise Refused(422, "Wrong input", [(None, _words(str(error)))]) from None


def _in_words(answer: Cost) -> Cost:
    """An answer whose hints name fields, not options of the command line."""
    return replace(
        answer,
        assumptions=tuple(map(_words, answer.assumptions)),
        warnings=tuple(map(_words, answer.warnings)),
        unpriced=tuple(replace(line, why=_words(line.why)) for line in answer.unpriced),
    )


def _words(text: str) -> str:
    return OPTION.sub(lambda option: option[1].replace("-", "_"), text)


def _unpacked(content: bytes, name: str, site: Site) -> bytes:
    """A log's bytes, decompressed as far as is allowed."""
    if not content:
        raise Refused(422, "Wrong input", [("log", "is empty: choose a file with a usage log")])
    most = site.bounds.log_unpacked_bytes
    try:
        with Source(name, content=BytesIO(content)).open() as opened:
            unpacked = opened.read(most + 1)
    except (EOFError, OSError, ValueError, zlib.error) as error:
        raise Refused(422, "Wrong input", [("log", f"cannot be decompressed: {error}")]) from None
    if len(unpacked) > most:
        raise Refused(413, "Too long", [("log", f"holds more than {most:,} bytes: the command line reads logs of any size")])
    if unpacked.startswith(PARQUET):
        raise Refused(422, "Wrong input", [("log", "is Parquet: the command line reads it")])
    return unpacked


def _bounded(records: Iterator[Record], site: Site, given_up: GivenUp) -> Iterator[Record]:
    for record in islice(records, site.bounds.log_records):
        given_up.check()
        yield record
    if next(records, None) is not None:
        most = f"{site.bounds.log_records:,}"
        raise Refused(413, "Too long", [("log", f"holds more than {most} records: the command line reads logs of any size")])


def _asked(given: Mapping[str, str]) -> CostAsked:
    by = _at("by", given, _fields) or ()
    top = _at("top", given, quantities.count)
    if top is not None and not by:
        raise Refused(422, "Wrong input", [("top", "needs groups: name what to group by")])
    where = _at("where", given, condition)
    since, until = _at("since", given, _day), _at("until", given, _day)
    asked = CostAsked(by=by, where=where, since=since, until=until, top=top)
    bought: dict[str, Any] = {name: given[name].lower() for name in ("provider", "deployment", "region") if given.get(name)}
    return replace(asked, **bought)


def _told(given: Mapping[str, str]) -> Told:
    return Told(**{name: given[name] for name in TOLD if given.get(name)}, day=_at("day", given, _day))


def _at(name: str, given: Mapping[str, str], reader: Callable[[str], Read]) -> Read | None:
    """A field's value; None where it is left out.

    Raises:
        Refused: it cannot be read; the field is named.
    """
    if not given.get(name):
        return None
    try:
        return reader(given[name])
    except VoicebillError as error:
        raise Refused(422, "Wrong input", [(name, _words(str(error)))]) from None


def _format(text: str) -> str:
    names = [dialect.name for dialect in DIALECTS]
    if text.strip().lower() not in names:
        raise UnknownName("format", text, names)
    return text


def _fields(text: str) -> tuple[str, ...]:
    return CostAsked(by=tuple(name.strip() for name in text.split(",") if name.strip())).by


def _day(text: str) -> date:
    day = Day.parse(text)
    if not day.exact:
        raise InvalidInput(f"{text!r} is not a day: write 2026-11-22")
    return day.first


async def _upload(request: Request, site: Site) -> tuple[dict[str, str], str, bytes]:
    """The form's fields and its file, which stays in memory.

    Raises:
        Refused: it is no such form.
    """
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise Refused(415, "Wrong input", [(None, "send the form with its file, as multipart/form-data")])
    parser = MultiPartParser(request.headers, request.stream(), max_files=1, max_fields=len(FORM) + 5)
    parser.spool_max_size = site.bounds.log_bytes + 1
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise Refused(422, "Wrong input", [(None, f"the form cannot be read: {error.message}")]) from None
    async with _closing(form):
        file = form.get("log")
        given = {name: str(form[name]).strip() for name in FORM if isinstance(form.get(name), str) and str(form[name]).strip()}
        if not isinstance(file, UploadFile):
            return given, "", b""
        return given, (file.filename or "the log")[:80], await file.read()


class _closing:  # noqa: N801 - reads as a sentence behind `with`
    """Lets an upload go at the end of the block."""

    def __init__(self, form: Any) -> None:  # noqa: ANN401 - Starlette's form
        self._form = form

    async def __aenter__(self) -> None:
        return

    async def __aexit__(self, *_error: object) -> None:
        await self._form.close()


def _pictures(answer: Cost, gallery: Gallery) -> dict[str, str]:
    """Groups in time as a picture in each look, inside the page: it stands under no address. Tables have bars of their own."""
    if not answer.total.high or not in_time(answer) or len(answer.groups) < 2:
        return {}
    try:
        return {
            look: "data:image/svg+xml;base64,"
            + b64encode(gallery.passing(draw.costs(answer, draw.LOOKS[look]), "svg")).decode()
            for look in ("light", "dark")
        }
    except draw.MissingPlot:
        return {}


def _context(given: Mapping[str, str], **more: Any) -> dict[str, Any]:  # noqa: ANN401 - a template's values
    empty: dict[str, Any] = {"view": None, "notes": [], "pictures": {}, "refusal": None}
    helpers = {
        "dialects": DIALECTS,
        "by": BY,
        "fields": FIELDS,
        "status_of": status_of,
        "quantity": quantity_shown,
        "not_named": NOT_NAMED,
        "most_groups": MOST_GROUPS,
    }
    return {"given": given, **helpers, **empty, **more}
