"""The site as an ASGI application."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import HTTPException
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.middleware.gzip import GZipMiddleware

from voicebill.web import charts, cost, learn, openapi, prices, ptu, rules, shapes, simulate
from voicebill.web.asking import Refused
from voicebill.web.capacity import CapacityRoutes
from voicebill.web.compare import CompareRoutes
from voicebill.web.estimate import EstimateRoutes
from voicebill.web.guard import Guard
from voicebill.web.pages import STATIC, Pages
from voicebill.web.reply import as_json
from voicebill.web.site import Site


def create_app(site: Site) -> FastAPI:
    """The page and the API of a site.

    >>> from datetime import date
    >>> app = create_app(Site(calendar=lambda: date(2026, 11, 22)))
    >>> "/api/estimate" in app.openapi()["paths"]
    True
    """
    gallery = charts.Gallery()

    @asynccontextmanager
    async def living(_app: FastAPI) -> AsyncIterator[None]:
        yield
        gallery.stop()
        site.stop()

    app = FastAPI(
        title="voicebill",
        version=site.version,
        description=openapi.ABOUT,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=living,
        redirect_slashes=False,
        separate_input_output_schemas=False,
    )
    pages = Pages(site)
    for router in (
        EstimateRoutes(site, pages).router(),
        CompareRoutes(site, pages).router(),
        CapacityRoutes(site, pages).router(),
        cost.routes(site, pages, gallery),
        simulate.routes(site),
        prices.routes(site, pages),
        rules.routes(site, pages),
        learn.routes(site, pages),
        ptu.routes(site, pages, gallery),
        charts.routes(site, gallery),
    ):
        app.include_router(router)
    _own_routes(app, site, pages)
    _errors(app, pages)
    app.add_middleware(GZipMiddleware, minimum_size=500, compresslevel=5)
    app.add_middleware(Guard, bounds=site.bounds, prefix=site.prefix)
    document = app.openapi
    app.openapi = lambda: _with_problem(document())  # type: ignore[method-assign]
    return app


def _own_routes(app: FastAPI, site: Site, pages: Pages) -> None:
    @app.get("/healthz", **openapi.GET_HEALTH)
    async def healthz(request: Request) -> Response:
        rule_sets = [known.name for known in site.facts.rules.sets]
        return as_json(request, {"status": "ok", "prices": site.facts.prices.digest, "rules": rule_sets}, site)

    @app.get("/api", include_in_schema=False)
    async def api_page(request: Request) -> Response:
        origin = f"{request.url.scheme}://{request.url.netloc}"
        return pages.page(
            request, "api.html", {"example": openapi.EXAMPLE_PLAN, "script": openapi.EXAMPLE_SCRIPT, "origin": origin}
        )

    @app.get("/static/{name}", include_in_schema=False)
    async def static(request: Request, name: str) -> Response:
        if name not in STATIC:
            raise Refused(404, "Not found", [(None, "there is no such file")])
        return pages.file(request, name)


def _errors(app: FastAPI, pages: Pages) -> None:
    """Errors as problem+json for programs, and as a page for people."""

    def told(request: Request, refused: Refused) -> Response:
        here = request.scope["path"].removeprefix(pages.site.prefix)
        if not here.startswith(("/api", "/healthz", "/answer", "/why")) and "text/html" in request.headers.get("accept", ""):
            return pages.page(request, "refused.html", {"refusal": refused}, status=refused.status)
        return Response(
            json.dumps(refused.problem),  # ASCII alone: what was sent may be no UTF-8
            status_code=refused.status,
            media_type="application/problem+json",
            headers={"cache-control": "no-store"},
        )

    async def of_refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refused)
        return told(request, error)

    async def of_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, StarletteHTTPException)
        answer = told(request, Refused(error.status_code, str(error.detail), [(None, str(error.detail))]))
        answer.headers.update(error.headers or {})
        return answer

    app.add_exception_handler(Refused, of_refused)
    app.add_exception_handler(HTTPException, of_http)
    app.add_exception_handler(StarletteHTTPException, of_http)


def _with_problem(document: dict[str, object]) -> dict[str, object]:
    """The OpenAPI document with the shape of problems, which every route refers to."""
    components = document.setdefault("components", {})
    assert isinstance(components, dict)
    schemas = components.setdefault("schemas", {})
    if "Problem" not in schemas:
        problem = shapes.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= problem.pop("$defs", {}) | {"Problem": problem}
    return document
