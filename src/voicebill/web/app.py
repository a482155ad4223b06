"""Create the ASGI application of a site."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import HTTPException
from pydantic import TypeAdapter
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Route

from voicebill.answers.escaping import json_text
from voicebill.web import openapi
from voicebill.web.chart_renderer import ChartRenderer
from voicebill.web.limits_middleware import LimitsMiddleware
from voicebill.web.pages import STATIC, Pages
from voicebill.web.responses import json_body, json_response
from voicebill.web.routes import capacity, charts, compare, cost, estimate, faq, prices, ptu, quote, rules, simulate
from voicebill.web.site import Site
from voicebill.web.status_reports import HealthReport, Problem, ProblemReport

METHOD_NOT_ALLOWED = 405


def create_app(site: Site) -> FastAPI:
    """The page and the API of a site.

    >>> from datetime import date
    >>> app = create_app(Site(today=lambda: date(2026, 11, 22)))
    >>> "/api/estimate" in app.openapi()["paths"]
    True
    """
    renderer = ChartRenderer()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        renderer.stop()
        site.stop()

    app = FastAPI(
        title="voicebill",
        version=site.version,
        description=openapi.API_DESCRIPTION,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
        separate_input_output_schemas=False,
    )
    pages = Pages(site)
    routers = (
        estimate.routes(site, pages),
        compare.routes(site, pages),
        capacity.routes(site, pages),
        cost.routes(site, pages, renderer),
        simulate.routes(site),
        quote.routes(site, pages),
        prices.routes(site, pages),
        rules.routes(site, pages),
        faq.routes(site, pages),
        ptu.routes(site, pages, renderer),
        charts.routes(site, renderer),
    )
    for router in routers:
        app.include_router(router)
    _add_site_routes(app, site, pages)
    _add_error_handlers(
        app, pages, [route for router in (*routers, app) for route in router.routes if isinstance(route, Route)]
    )
    app.add_middleware(GZipMiddleware, minimum_size=500, compresslevel=5)
    app.add_middleware(
        LimitsMiddleware, limits=site.limits, prefix=site.prefix, hosts=site.hosts, frame_ancestors=site.frame_ancestors
    )
    build_document = app.openapi
    app.openapi = lambda: _with_problem_schema(build_document())  # type: ignore[method-assign]
    return app


def _add_site_routes(app: FastAPI, site: Site, pages: Pages) -> None:
    @app.get("/healthz", **openapi.GET_HEALTH)
    async def healthz(request: Request) -> Response:
        rule_sets = tuple(rule_set.name for rule_set in site.facts.rules.sets)
        report = HealthReport(voicebill=site.version, status="ok", prices=site.facts.prices.digest, rules=rule_sets)
        return json_response(request, json_body(report))

    @app.get("/api", include_in_schema=False)
    async def api_page(request: Request) -> Response:
        origin = f"{request.url.scheme}://{request.url.netloc}"
        return pages.page(
            request, "api.html", {"example": openapi.EXAMPLE_PLAN, "script": openapi.EXAMPLE_SCRIPT, "origin": origin}
        )

    @app.get("/static/{name}", include_in_schema=False)
    async def static(request: Request, name: str) -> Response:
        if name not in STATIC:
            raise Problem(404, "Not found", [(None, "there is no such file")])
        return pages.file(request, name)


def allowed_methods(path: str, routes: Iterable[Route]) -> str:
    """The methods of all routes of a path, as the header Allow lists them. HEAD is served wherever GET is."""
    methods = {method for route in routes if route.path_regex.match(path) for method in route.methods or ()}
    return ", ".join(sorted(methods | {"HEAD"} if "GET" in methods else methods))


def _add_error_handlers(app: FastAPI, pages: Pages, routes: Sequence[Route]) -> None:
    """Return errors as problem+json to programs, and as a page to browsers."""

    def problem_response(request: Request, problem: Problem) -> Response:
        path = request.scope["path"].removeprefix(pages.site.prefix)
        if not path.startswith(("/api", "/healthz", "/answer", "/why")) and "text/html" in request.headers.get("accept", ""):
            return pages.page(request, "problem.html", {"problem": problem}, status=problem.status)
        return Response(
            json_text(problem.report.to_dict()),
            status_code=problem.status,
            media_type="application/problem+json",
            headers={"cache-control": "no-store"},
        )

    async def handle_problem(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return problem_response(request, error)

    async def handle_http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, StarletteHTTPException)
        response = problem_response(request, Problem(error.status_code, str(error.detail), [(None, str(error.detail))]))
        response.headers.update(error.headers or {})
        if error.status_code == METHOD_NOT_ALLOWED:  # the error itself names the methods of one route of the path
            response.headers["allow"] = allowed_methods(request.scope["path"].removeprefix(pages.site.prefix), routes)
        return response

    app.add_exception_handler(Problem, handle_problem)
    app.add_exception_handler(HTTPException, handle_http_error)
    app.add_exception_handler(StarletteHTTPException, handle_http_error)


def _with_problem_schema(document: dict[str, object]) -> dict[str, object]:
    """Add the schema of problems, which every route refers to, to the OpenAPI document."""
    components = document.setdefault("components", {})
    assert isinstance(components, dict)
    schemas = components.setdefault("schemas", {})
    if "Problem" not in schemas:
        problem = TypeAdapter(ProblemReport).json_schema(ref_template="#/components/schemas/{model}")
        schemas |= problem.pop("$defs", {}) | {"Problem": problem}
    return document
