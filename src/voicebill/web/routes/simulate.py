"""Serve simulations of scripts, billed response by response."""

from fastapi import APIRouter, Request, Response

from voicebill.answers.estimates.simulate import Simulation, simulate
from voicebill.answers.parameters.script_schema import parse_script
from voicebill.answers.parameters.table_schema import Issue
from voicebill.billing.errors import VoicebillError
from voicebill.web import openapi
from voicebill.web.forms.requests import issue_errors, problem_from, read_json
from voicebill.web.responses import json_body, json_response, run_in_threads
from voicebill.web.site import Site
from voicebill.web.status_reports import Problem


def routes(site: Site) -> APIRouter:
    """The API."""
    router = APIRouter()

    @router.post("/api/simulate", **openapi.POST_SIMULATE)
    async def post_simulate(request: Request) -> Response:
        table = await read_json(request)
        return json_response(request, await run_in_threads(site, lambda: json_body(run_simulation(table, site))))

    return router


def run_simulation(table: object, site: Site) -> Simulation:
    """The bill of a scripted conversation.

    Raises:
        Problem: the script is invalid, is too long, or cannot be priced.
    """
    issues: list[Issue] = []
    script_request = parse_script(table, issues)
    if script_request is None:
        raise Problem(422, "Invalid input", issue_errors(issues))
    max_turns = site.limits.turns
    if sum(1 + len(turn.tool_calls) for turn in script_request.script.turns) > max_turns:
        message = f"at most {max_turns:,} turns and tool calls are possible here; the command line has no limit"
        raise Problem(422, "Invalid input", [("turns", message)])
    try:
        selection = script_request.selection(
            day=script_request.selection_values["day"] or site.today(),
            rules=script_request.selection_values["rules"] or site.rules,
            model=script_request.selection_values["model"],
        )
        return simulate(script_request.script, selection, site.facts)
    except VoicebillError as error:
        raise problem_from(error) from None
