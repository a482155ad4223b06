"""Simulate scripts as they are written in TOML."""

from typing import Any

from voicebill.answers.estimates.simulate import Simulation, simulate
from voicebill.answers.parameters.script_schema import ScriptRequest, parse_script
from voicebill.answers.parameters.table_schema import Issue
from voicebill.facts import load_facts


def script_request(table: dict[str, Any]) -> ScriptRequest:
    """The request that a table makes; it must have no issue."""
    issues: list[Issue] = []
    request = parse_script(table, issues)
    assert request is not None, issues
    return request


def run(table: dict[str, Any]) -> Simulation:
    """The simulation of a table."""
    request = script_request(table)
    return simulate(request.script, request.selection(), load_facts())
