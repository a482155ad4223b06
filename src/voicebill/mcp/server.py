"""Build the MCP server: tools and resources, over stdio or HTTP on this machine."""

from pathlib import Path
from typing import Any

import anyio
import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

from mcp import MCPError
from voicebill import __version__
from voicebill.answers.catalog.price_list import listed_offers
from voicebill.answers.escaping import json_text, visible_text
from voicebill.answers.parameters.read_inputs import InvalidInputs, join_field_errors
from voicebill.answers.reports.prices import PriceListReport
from voicebill.billing.errors import VoicebillError
from voicebill.mcp.tools import ToolContext, tools_for

INSTRUCTIONS = (
    "voicebill calculates what realtime voice conversations cost on OpenAI's and Azure's Realtime API, before and after they "
    "are held. Numbers may be written as people type them: 1,500, 2k, 45%, 5 min, 30000/month. Amounts are exact decimal "
    "strings in dollars. Answers are short; pass detail: true for every line, source and rule."
)
PRICES_URI, GLOSSARY_URI = "voicebill://prices", "voicebill://glossary"


def create_server(site: ToolContext) -> Server[Any]:
    """The server of a site's tools and resources."""
    tools = tools_for(site)

    async def list_tools(_context: Any, _params: Any) -> types.ListToolsResult:  # noqa: ANN401 - the SDK's own context
        read_only = types.ToolAnnotations(read_only_hint=True, open_world_hint=False)
        return types.ListToolsResult(
            tools=[
                types.Tool(
                    name=tool.name,
                    title=tool.title,
                    description=tool.description,
                    input_schema=tool.input_schema,
                    annotations=read_only,
                )
                for tool in tools.values()
            ]
        )

    async def call_tool(_context: Any, params: types.CallToolRequestParams) -> types.CallToolResult:  # noqa: ANN401
        tool = tools.get(params.name)
        if tool is None:
            return _failure([(None, f"unknown tool {params.name!r}; known: {', '.join(tools)}")])
        try:
            document = await anyio.to_thread.run_sync(lambda: tool.answer(params.arguments or {}, site))
        except InvalidInputs as error:
            return _failure(error.field_errors)
        except VoicebillError as error:
            return _failure([(error.field, error.message)])
        return _result(document)

    async def list_resources(_context: Any, _params: Any) -> types.ListResourcesResult:  # noqa: ANN401
        return types.ListResourcesResult(
            resources=[
                types.Resource(
                    uri=PRICES_URI,
                    name="prices",
                    title="Price book",
                    description="The offers that are sold today, with their price history, sources and disputed prices.",
                    mime_type="application/json",
                ),
                types.Resource(
                    uri=GLOSSARY_URI,
                    name="glossary",
                    title="Glossary",
                    description="The terms of voicebill.",
                    mime_type="text/markdown",
                ),
            ]
        )

    async def read_resource(_context: Any, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:  # noqa: ANN401
        uri = str(params.uri)
        if uri == PRICES_URI:
            prices = site.facts.prices
            day = site.today()
            text, kind = PriceListReport.of(prices, listed_offers(prices, day), day).to_json(), "application/json"
        elif uri == GLOSSARY_URI:
            text, kind = glossary(), "text/markdown"
        else:
            raise MCPError(types.INVALID_PARAMS, f"unknown resource {uri}; known: {PRICES_URI}, {GLOSSARY_URI}")
        return types.ReadResourceResult(contents=[types.TextResourceContents(uri=uri, mime_type=kind, text=text)])

    return Server(
        "voicebill",
        version=__version__,
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_read_resource=read_resource,
    )


def _result(document: dict[str, Any]) -> types.CallToolResult:
    text = json_text(document)
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], structured_content=document)


def _failure(errors: list[tuple[str | None, str]]) -> types.CallToolResult:
    """The errors of a call, each with its argument."""
    errors = [(field, visible_text(text)) for field, text in errors]
    document = {"errors": [{"field": field, "detail": text} for field, text in errors]}
    text = join_field_errors(errors)
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], structured_content=document, is_error=True)


def glossary() -> str:
    """The glossary, which the package contains; in a checkout it is that of the documentation."""
    packaged = Path(__file__).with_name("glossary.md")
    file = packaged if packaged.exists() else Path(__file__).parents[3] / "docs" / "glossary.md"
    return file.read_text(encoding="utf-8")


async def serve_stdio(site: ToolContext) -> None:
    """Serve one client over standard input and output, until it closes them."""
    server = create_server(site)
    async with stdio_server() as (read_stream, write_stream):
        await server.run(read_stream, write_stream, server.create_initialization_options())
