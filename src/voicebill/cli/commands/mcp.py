"""`voicebill mcp`: the tools for agents, over the Model Context Protocol."""

from pathlib import Path
from typing import Annotated

import typer

from voicebill.billing.errors import InvalidInput
from voicebill.cli.display.plain_lines import log_plain_lines, print_line
from voicebill.cli.options.listening import require_free_port
from voicebill.cli.options.shared import PricesOption, load_facts_and_rules, option, today

SERVER_PANEL = "Server"


def mcp_command(
    *,
    root: Annotated[
        Path | None,
        option("--root", "Folder below which usage logs may be read. (default: none)", SERVER_PANEL, metavar="DIR"),
    ] = None,
    http: Annotated[
        int | None,
        typer.Option(
            "--http",
            help="Serve over HTTP on this port instead of stdio.",
            min=1,
            max=65535,
            rich_help_panel=SERVER_PANEL,
            metavar="PORT",
        ),
    ] = None,
    host: Annotated[
        str | None, option("--host", "Address for HTTP. (default: 127.0.0.1)", SERVER_PANEL, metavar="ADDRESS")
    ] = None,
    prices: PricesOption = None,
) -> None:
    """Serve voicebill's tools to agents over the Model Context Protocol (MCP).

    \b
    As a command of an agent, over standard input and output:
        voicebill mcp
        voicebill mcp --root logs
    On this machine over HTTP, at http://127.0.0.1:8765/mcp:
        voicebill mcp --http 8765
    """  # noqa: D301 - \b is Typer's mark for lines that stay as they are
    from voicebill.mcp.server import create_server, serve_stdio  # noqa: PLC0415 - an optional part, which names its extra
    from voicebill.mcp.tools import ToolContext  # noqa: PLC0415

    if host is not None and http is None:
        raise InvalidInput("applies to http only: give a port, too", field="host", mentions=("http",))
    if root is not None and not root.is_dir():
        raise InvalidInput(f"names no folder: {root}", field="root")
    facts, _ = load_facts_and_rules(None, prices)
    log_plain_lines()
    site = ToolContext(facts, today, root)
    if http is None:
        import anyio  # noqa: PLC0415

        anyio.run(serve_stdio, site)
        return
    import uvicorn  # noqa: PLC0415

    host = host or "127.0.0.1"
    require_free_port(host, http, field="http")
    print_line(f"voicebill at http://{host}:{http}/mcp (stop with Ctrl-C)", error=True)
    uvicorn.run(create_server(site).streamable_http_app(host=host), host=host, port=http, log_level="warning")
