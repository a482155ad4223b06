"""Define `voicebill serve`: serve the page and the HTTP API."""

import logging
from functools import partial
from typing import Annotated

import typer

from voicebill.billing.errors import InvalidInput
from voicebill.cli.display.plain_lines import log_plain_lines, print_line
from voicebill.cli.options.listening import own_hosts, require_free_port
from voicebill.cli.options.shared import PricesOption, load_facts_and_rules, option, today
from voicebill.extras import require_extra

SITE_PANEL = "The site"
MAX_WORKERS = 64


def serve_command(
    *,
    host: Annotated[
        str, option("--host", "The address to listen on. (default: 127.0.0.1)", SITE_PANEL, metavar="ADDRESS")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="The port.", min=1, max=65535, rich_help_panel=SITE_PANEL)] = 8000,
    prefix: Annotated[
        str, option("--prefix", "The path under which a proxy shows the site, such as /voicebill.", SITE_PANEL, metavar="PATH")
    ] = "",
    at_once: Annotated[
        int | None,
        typer.Option(
            "--at-once",
            help="Requests at once in each process; more are refused with 503. (default: 64)",
            min=1,
            rich_help_panel=SITE_PANEL,
            show_default=False,
        ),
    ] = None,
    workers: Annotated[
        int,
        typer.Option(
            "--workers",
            help="Processes; each uses one core, and has limits of its own. (default: 1)",
            min=1,
            max=MAX_WORKERS,
            rich_help_panel=SITE_PANEL,
            show_default=False,
        ),
    ] = 1,
    allow_host: Annotated[
        list[str] | None,
        option(
            "--allow-host",
            "A name by which a proxy on this machine addresses the site; repeat it for more.",
            SITE_PANEL,
            metavar="NAME",
        ),
    ] = None,
    frame_ancestors: Annotated[
        str,
        option(
            "--frame-ancestors",
            "Sites that may show the pages with ?embed=1 in a frame: origins with spaces, self, or * for any. (default: *)",
            SITE_PANEL,
            metavar="ORIGINS",
        ),
    ] = "*",
    log: Annotated[
        bool,
        typer.Option(
            "--log", help="Log each request: method, path and status, never the question.", rich_help_panel=SITE_PANEL
        ),
    ] = False,
    prices: PricesOption = None,
    rules: Annotated[
        str | None, option("--rules", "Rule set to count by, or a TOML file with one.", SITE_PANEL, metavar="NAME")
    ] = None,
) -> None:
    """Serve the page and the HTTP API; on this machine alone unless another address is named.

    \b
        voicebill serve
        voicebill serve --port 8080 --prices contract.toml
    """  # noqa: D301 - \b is Typer's mark for lines that stay as they are
    require_extra("web", "serving", "uvicorn", "httptools", "fastapi", "jinja2", "python_multipart")
    from voicebill.web.embedding import parse_frame_ancestors  # noqa: PLC0415 - the web server needs an extra
    from voicebill.web.serving import SiteProcess, serve_site  # noqa: PLC0415
    from voicebill.web.site import Limits, Site  # noqa: PLC0415

    if prefix and not (prefix.startswith("/") and not prefix.endswith("/")):
        raise InvalidInput(f"must begin with a slash and not end with one: /voicebill, not {prefix!r}", field="prefix")
    ancestors = parse_frame_ancestors(frame_ancestors)
    facts, rule_set = load_facts_and_rules(rules, prices)
    if rule_set is not None:
        facts.rules.rule_set(rule_set)
    limits = Limits() if at_once is None else Limits(concurrent_requests=at_once)
    make_site = partial(
        Site,
        today=today,
        facts=facts,
        limits=limits,
        prefix=prefix,
        rules=rule_set,
        hosts=own_hosts(host, allow_host or ()),
        frame_ancestors=ancestors,
    )
    require_free_port(host, port)
    print_line(f"voicebill at http://{host}:{port}{prefix}/ (stop with Ctrl-C)")
    serve_site(SiteProcess(make_site, partial(_log, requests=log)), limits, host=host, port=port, workers=workers)


def _log(*, requests: bool) -> None:
    """Write the log of a process, with its requests or without."""
    log_plain_lines()
    if requests:
        logging.getLogger("voicebill.access").setLevel(logging.INFO)
