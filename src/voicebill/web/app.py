"""Create the ASGI application of a site."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import HTTPException
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Route

from voicebill.billing.errors import closest_names
from voicebill.web import openapi
from voicebill.web.chart_renderer import ChartRenderer
from voicebill.web.embedding import EMBED_FIELD, is_embedded
from voicebill.web.limits_middleware import LimitsMiddleware, Message
from voicebill.web.pages import NAVIGATION, PAGE_PARTS, ROOT_FILES, STATIC, Pages
from voicebill.web.responses import json_body, json_response
from voicebill.web.routes import capacity, charts, compare, cost, estimate, faq, prices, ptu, quote, rules, simulate
from voicebill.web.site import Site
from voicebill.web.status_reports import HealthReport, Problem, program_response

NO_SUCH_PAGE, METHOD_NOT_ALLOWED = 404, 405

WORDS_FOR_READERS = {
    NO_SUCH_PAGE: ("There is no such page", "This site has nothing at {path}."),
    METHOD_NOT_ALLOWED: (
        "This address cannot be used like that",
        "{path} does not take {method} requests: open one of the pages.",
    ),
}
"""The title and the sentence of errors that a reader sees, in place of the names of HTTP statuses."""


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
        cost.routes(site, pages),
        simulate.routes(site),
        quote.routes(site, pages),
        prices.routes(site, pages),
        rules.routes(site, pages),
        faq.routes(site, pages),
        ptu.routes(site, pages, renderer),
        charts.routes(site, renderer),
    )
    for router in routers:  # included routers would try all of their routes twice for a request
        app.router.routes.extend(router.routes)
    _add_site_routes(app, site, pages)
    _add_error_handlers(
        app, pages, [route for router in (*routers, app) for route in router.routes if isinstance(route, Route)]
    )
    app.add_middleware(GZipMiddleware, minimum_size=500, compresslevel=5)
    app.add_middleware(
        LimitsMiddleware,
        limits=site.limits,
        prefix=site.prefix,
        hosts=site.hosts,
        frame_ancestors=site.frame_ancestors,
        render_problem=partial(early_problem_response, pages=pages),
    )
    build_document = app.openapi
    app.openapi = lambda: _with_report_schemas(build_document())  # type: ignore[method-assign]
    return app


def _add_site_routes(app: FastAPI, site: Site, pages: Pages) -> None:
    @app.get("/healthz", **openapi.GET_HEALTH)
    async def healthz(request: Request) -> Response:
        rule_sets = tuple(rule_set.name for rule_set in site.facts.rules.sets)
        report = HealthReport(voicebill=site.version, status="ok", prices=site.facts.prices.digest, rules=rule_sets)
        return json_response(request, json_body(report))

    @app.get("/api", include_in_schema=False)
    async def api_page(request: Request) -> Response:
        return pages.page(request, "api.html", {"example": openapi.EXAMPLE_PLAN, "script": openapi.EXAMPLE_SCRIPT})

    @app.get("/robots.txt", include_in_schema=False)
    async def robots(request: Request) -> Response:
        return pages.robots(request)

    def add_root_file(name: str) -> None:
        @app.get(f"/{name}", include_in_schema=False)
        async def root_file(request: Request) -> Response:
            return pages.file(request, name)

    for name in ROOT_FILES:
        add_root_file(name)

    @app.get("/static/{name}", include_in_schema=False)
    async def static(request: Request, name: str) -> Response:
        if name not in STATIC:
            raise Problem(404, "Not found", [(None, "there is no such file")])
        return pages.file(request, name)


def allowed_methods(path: str, routes: Iterable[Route]) -> str:
    """The methods of all routes of a path, as the header Allow lists them. HEAD is served wherever GET is."""
    methods = {method for route in routes if route.path_regex.match(path) for method in route.methods or ()}
    return ", ".join(sorted(methods | {"HEAD"} if "GET" in methods else methods))


def is_for_reader(request: Request, prefix: str) -> bool:
    """Whether an error is shown as a page: a browser asked for one."""
    path = request.scope["path"].removeprefix(prefix)
    for_program = path.startswith(("/api/", "/healthz", *PAGE_PARTS))
    return not for_program and "text/html" in request.headers.get("accept", "")


def problem_response(request: Request, problem: Problem, pages: Pages) -> Response:
    """A problem: a page for a reader, with the page that was probably meant, and problem+json for a program."""
    if is_for_reader(request, pages.site.prefix):
        path = request.scope["path"].removeprefix(pages.site.prefix)
        context = {"problem": problem, "similar": similar_page(path) if problem.status == NO_SUCH_PAGE else None}
        return pages.page(request, "problem.html", context, status=problem.status)
    return program_response(problem)


def early_problem_response(scope: Message, problem: Problem, pages: Pages) -> Response:
    """The same for a request that is refused before it is read: of its address, only whether it is in a frame counts."""
    query = EMBED_FIELD if is_embedded(scope.get("query_string", b"").decode("latin-1")) else ""
    try:
        return problem_response(Request({**scope, "query_string": query.encode()}), problem, pages)
    except ValueError:  # a Host header that is no name
        return program_response(problem)


def similar_page(path: str) -> tuple[str, str] | None:
    """The path and the name of the page whose address or name is most similar to a path.

    >>> similar_page("/compar"), similar_page("/usage_log"), similar_page("/wp-login.php")
    (('/compare', 'Compare'), ('/cost', 'Usage logs'), None)
    """
    words = {page_path.strip("/") or "estimate": (page_path, name) for page_path, name, _ in NAVIGATION}
    words |= {name.lower(): (page_path, name) for page_path, name, _ in NAVIGATION}
    word = path.strip("/").partition("/")[0].replace("_", " ").replace("-", " ").lower()
    return next((words[name] for name in closest_names(word, words, 1)), None)


def _add_error_handlers(app: FastAPI, pages: Pages, routes: Sequence[Route]) -> None:
    """Return errors as problem+json to programs, and as a page to browsers."""

    async def handle_problem(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return problem_response(request, error, pages)

    async def handle_http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, StarletteHTTPException)
        problem = Problem(error.status_code, str(error.detail), [(None, str(error.detail))])
        path = request.scope["path"].removeprefix(pages.site.prefix)
        words = WORDS_FOR_READERS.get(error.status_code)
        if words and is_for_reader(request, pages.site.prefix):
            problem = Problem(error.status_code, words[0], [(None, words[1].format(path=path[:80], method=request.method))])
        response = problem_response(request, problem, pages)
        response.headers.update(error.headers or {})
        if error.status_code == METHOD_NOT_ALLOWED:  # the error itself names the methods of one route of the path
            response.headers["allow"] = allowed_methods(path, routes)
        return response

    app.add_exception_handler(Problem, handle_problem)
    app.add_exception_handler(HTTPException, handle_http_error)
    app.add_exception_handler(StarletteHTTPException, handle_http_error)


def _with_report_schemas(document: dict[str, object]) -> dict[str, object]:
    """Add the schemas of reports and of problems, to which the routes refer, to the OpenAPI document."""
    components = document.setdefault("components", {})
    assert isinstance(components, dict)
    components.setdefault("schemas", {}).update(openapi.report_schemas())
    return document
