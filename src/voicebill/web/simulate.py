"""The simulation: a script in a JSON body, billed response by response."""

from typing import Any

from fastapi import APIRouter, Request, Response

from voicebill.answers.script_table import script_from
from voicebill.answers.shape import simulation_shape
from voicebill.answers.simulate import simulate
from voicebill.answers.tables import Fault
from voicebill.billing.errors import VoicebillError
from voicebill.web import openapi
from voicebill.web.asking import Refused, body_of, fault_errors, refused
from voicebill.web.reply import as_json, worked
from voicebill.web.site import Site


def routes(site: Site) -> APIRouter:
    """The API."""
    router = APIRouter()

    @router.post("/api/simulate", **openapi.POST_SIMULATE)
    async def post_simulate(request: Request) -> Response:
        table = await body_of(request)
        return as_json(request, await worked(site, lambda: billed(table, site)), site)

    return router


def billed(table: object, site: Site) -> dict[str, Any]:
    """A scripted conversation's bill, in the shape that the command line prints.

    Raises:
        Refused: the script has faults, is too long, or has no bill.
    """
    faults: list[Fault] = []
    scripted = script_from(table, faults)
    if scripted is None:
        raise Refused(422, "Wrong input", fault_errors(faults))
    most = site.bounds.turns
    if sum(1 + len(turn.tool_calls) for turn in scripted.script.turns) > most:
        said = f"at most {most:,} turns and tool calls are counted here; the command line counts more"
        raise Refused(422, "Wrong input", [("turns", said)])
    try:
        question = scripted.question(
            day=scripted.asked["day"] or site.calendar(),
            rules=scripted.asked["rules"] or site.rules,
            model=scripted.asked["model"],
        )
        return simulation_shape(simulate(scripted.script, question, site.facts))
    except VoicebillError as error:
        raise refused(error) from None
