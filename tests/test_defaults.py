"""A default that a text states is the real one: what is left out, and what states the default, gives the same answer.

The texts are the help of the command line, the form, the OpenAPI document, and docs/parameters.md. Each parameter is also given
another value, which must change the answer, so that the comparison can fail.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.cases import DAY
from tests.cli.invoke import answer
from tests.web.sites import SITE
from voicebill.answers.invoices.request import ReconcileRequest
from voicebill.answers.parameters.inputs import CAPACITY, COMPARISON, PRICE_LIST
from voicebill.answers.provisioned.request import PtuRequest
from voicebill.answers.recorded.query import CostQuery
from voicebill.billing.validation import default_of
from voicebill.charts.themes import THEMES
from voicebill.cli.app import COMMANDS, load_command
from voicebill.web.forms.fields import CAPACITY_GROUPS, MORE_FIELDS
from voicebill.web.site import Limits

DOCS = Path(__file__).parents[1] / "docs"

PLAN = {
    "minutes": "10",
    "turns": "20",
    "day": str(DAY),
    "tool_calls": "3",
    "images": "2",
    "text_turns": "2",
    "interrupted_share": "0.2",
    "carrier_per_minute": "0.06",
    "conversations": "1000/month",
}
"""A plan in which every parameter has an effect."""

OVERRIDES = {
    "minutes": {"carrier_increment": "10.01", "session_minutes": "45", "session_carryover": "70"},
    "post_instructions_tokens": {"retention_ratio": "600"},
    "instructions_change": {"stable_instructions_tokens": "1"},
}
"""By parameter, what the plan must have instead, so that the parameter has an effect."""

NOT_FOR_CAPACITY = {"carrier_per_minute"}

EQUIVALENTS: dict[tuple[str, str], str] = {
    ("silence_share", "the rest"): "0.2",
    ("instructions_change", "never"): "0",
    ("stable_instructions_tokens", "65% of the prompt"): "650",
    ("codec", "the transport's first"): "pcm16",
    ("tier", "the lowest"): "tier-1",
    ("cached_tokens", "as the provider counts"): "counted",
    ("request_unit", "as the provider counts"): "response",
    ("service_level", "80% within 20 s"): "80% in 20s",
}
"""What a default in words is, where it has a value: 80% of the time is spoken; Azure counts cached tokens and responses."""

ABSENT = {
    "none",
    "from the volume",
    "as in the script",
    "the first",
    "the day after the last",
    "the model's",
    "by the rules",
    "evenly",
    "today",
    "any",
    "as published",
    "as generated",
    "required",
    "detected",
    "all",
    "all available",
    "all that apply",
    "the cheapest of each kind",
    "constant",
    "the busiest hour of the profile",
    "as the peak requires",
    "from the plan",
    "no plan",
    "realtime; with a model, all kinds",
    "the bill's own",
}
"""Defaults that are the absence of a value."""

OTHERS = {
    "first_speaker": "assistant",
    "transport": "sip",
    "cache": "none",
    "truncation": "disabled",
    "session_carryover": "nothing",
    "rules": "web-calculator-2026-06",
    "model": "gpt-realtime-mini",
    "provider": "azure",
    "service_level": "90% in 10s",
    "tier": "tier-6",
    "cached_tokens": "free",
    "request_unit": "session",
    "codec": "g711",
    "silence_share": "0.1",
    "deployment": "data-zone",
    "warm_cache": "yes",
    "calls_end_with_session": "yes",
    "instructions_change": "true",
    "stable_instructions_tokens": "100",
    "tools_tokens": "100",
}
"""Another value of each parameter that is no number."""


class PrintedDefault(NamedTuple):
    """A parameter and the default that a text states: the route that takes the parameter, its name, the default."""

    route: str
    name: str
    text: str


def command_defaults() -> Iterator[tuple[str, Any, str]]:
    """Command, option and stated default of all options that state one."""
    for name in COMMANDS:
        for parameter in load_command(name).params:
            printed = re.search(r"\(default: (.*)\)", getattr(parameter, "help", None) or "")
            if printed:
                yield name, parameter, printed[1].strip('"').removesuffix(", with a note")


def option_name(option: Any) -> str:
    """An option without its dashes."""
    return str(option.opts[0]).lstrip("-").replace("-", "_")


def help_defaults() -> set[PrintedDefault]:
    """The defaults in the help of the three commands that take a plan; an option that several share counts once."""
    return {
        PrintedDefault("capacity" if option_name(option) in CAPACITY else "estimate", option_name(option), text)
        for name, option, text in command_defaults()
        if name in ("estimate", "capacity") and option.default is None and option.name != "width"
    }


def form_defaults() -> set[PrintedDefault]:
    """What an empty field of the form means: its placeholder, or its first choice."""
    return {
        PrintedDefault(route, field.name, text)
        for route, groups in (("estimate", MORE_FIELDS), ("capacity", CAPACITY_GROUPS))
        for group in groups
        for field in group.fields
        if (text := field.placeholder or (field.choices[0][1] if field.choices and not field.choices[0][0] else ""))
        and field.name != "discount"
    }


@cache
def documented_defaults() -> frozenset[PrintedDefault]:
    """The defaults that the OpenAPI document states for estimates and capacity."""
    paths = SITE.get("/api/openapi.json").json()["paths"]
    return frozenset(
        PrintedDefault(route, parameter["name"], printed[1])
        for route in ("estimate", "capacity")
        for parameter in paths[f"/api/{route}"]["get"]["parameters"]
        if (route == "estimate" or parameter["name"] in CAPACITY)
        and (printed := re.search(r"\(default: (.*)\)$", parameter["description"]))
    )


def table_defaults() -> set[PrintedDefault]:
    """The defaults in the tables of docs/parameters.md about plans, connections and capacity."""
    text = (DOCS / "parameters.md").read_text(encoding="utf-8").partition("<!-- inputs: ptu -->")[0]
    return {
        PrintedDefault("capacity" if name in CAPACITY else "estimate", name, default.removeprefix("by the rules: "))
        for name, default in re.findall(r"^\| `(\w+)` \| ([^|]+?) \|", text, re.MULTILINE)
        if name not in {**COMPARISON, **PRICE_LIST}
    }


def without_words(document: Any) -> Any:
    """An answer without the sentences that say whether something was stated."""
    if isinstance(document, dict):
        return {key: without_words(value) for key, value in document.items() if key not in ("warnings", "assumptions")}
    return [without_words(value) for value in document] if isinstance(document, list) else document


def fields_of(default: PrintedDefault, provider: str = "openai") -> dict[str, str]:
    """The plan in which a parameter has an effect, without the parameter."""
    fields = PLAN | {name: values[default.name] for name, values in OVERRIDES.items() if default.name in values}
    if default.route == "capacity":
        fields = {name: value for name, value in fields.items() if name not in NOT_FOR_CAPACITY}
        fields |= {"model": "gpt-realtime", "provider": "azure"}
    elif provider != "openai":
        fields |= {"provider": provider}
    if default.name == "deployment":
        fields |= {"provider": "azure"}
    if default.name == "codec":
        fields |= {"transport": "websocket"}
    return {name: value for name, value in fields.items() if name != default.name}


@cache
def by_api(route: str, fields: tuple[tuple[str, str], ...]) -> Any:
    response = SITE.get(f"/api/{route}", params=dict(fields))
    assert response.status_code == 200, response.text
    return without_words(response.json())


@cache
def by_command(route: str, fields: tuple[tuple[str, str], ...]) -> Any:
    words = [word for name, value in fields for word in (f"--{name.replace('_', '-')}", value)]
    return without_words(answer(route, *words))


def values_of(default: PrintedDefault) -> list[tuple[str, str]]:
    """The providers for which a default is stated, and the value for each."""
    value = EQUIVALENTS.get((default.name, default.text), default.text)
    if default.name == "session_minutes":
        at_openai, at_azure = re.findall(r"\d+", default.text)
        return [("openai", at_openai), ("azure", at_azure)]
    return [("azure" if default.route == "capacity" else "openai", value)]


def another(name: str, value: str) -> str:
    """A value that is not the default."""
    if name in OTHERS:
        return OTHERS[name]
    number = float(value.rstrip("%").replace(",", ""))
    if value.endswith("%"):
        return f"{number / 2 + 0.25:g}%"
    return f"{number / 2 + 0.1:g}" if name.endswith(("share", "reuse", "ratio")) else f"{number + 1:g}"


def comparable(document: dict[str, Any], name: str) -> Any:
    """What must be equal: all but the parameter itself, a transport's requirements, which are shown if it is named, and the
    planning range, which does not vary what is stated.
    """
    if name == "transport":
        return document["plan"] | document["per_conversation"]
    return document | {"planning_range": None, "plan": {key: value for key, value in document["plan"].items() if key != name}}


ANSWERS = {"help": by_command, "form": by_api, "document": by_api, "table": by_api}


def check(place: str, default: PrintedDefault) -> None:
    """Compare the answers without a parameter, with its stated default, and with another value."""
    for provider, value in values_of(default):
        fields = fields_of(default, provider)
        omitted, printed, other = (
            comparable(ANSWERS[place](default.route, tuple((fields | extra).items())), default.name)
            for extra in ({}, {default.name: value}, {default.name: another(default.name, value)})
        )
        assert printed == omitted, f"{default.name} is not {value}"
        assert other != omitted, f"{default.name} has no effect here"


PLACES: dict[str, Callable[[], Iterable[PrintedDefault]]] = {
    "help": help_defaults,
    "form": form_defaults,
    "document": documented_defaults,
    "table": table_defaults,
}


@pytest.mark.parametrize("place", PLACES)
def test_a_stated_default_is_the_real_one(place: str) -> None:
    defaults = sorted(default for default in PLACES[place]() if default.text not in ABSENT)
    assert len(defaults) > 15
    for default in defaults:
        check(place, default)


def test_options_with_a_default_of_their_own_state_it() -> None:
    """A chart, a theme, an engine, an address: where the option has a value before anyone gives one, the help names it."""
    printed = [(option.name, str(option.default), text) for _, option, text in command_defaults() if option.default is not None]
    assert {name for name, _, _ in printed} >= {
        "chart",
        "theme",
        "engine",
        "host",
        "template",
    }
    assert {(name, default, text) for name, default, text in printed if default != text} == {
        ("master", "local[*]", "this machine")
    }


def test_the_help_of_ptus_states_the_defaults_of_a_request() -> None:
    printed = {option.name: text for command, option, text in command_defaults() if command == "ptu"}
    for name in ("deployment", "cache_rate"):
        assert printed[name] == str(default_of(PtuRequest, name))


PTU_LOAD = {"model": "gpt-5.2", "calls_per_minute": "99", "prompt_tokens": "200", "response_tokens": "20", "day": str(DAY)}


@pytest.mark.parametrize(
    ("path", "name", "fields", "other"),
    [
        ("/api/rules", "model", {"day": str(DAY)}, "gpt-realtime-2.1"),
        ("/api/rules", "provider", {"day": str(DAY)}, "azure"),
        ("/api/ptu", "deployment", PTU_LOAD, "data-zone"),
        ("/api/ptu", "cache_rate", PTU_LOAD, "0.5"),
        ("/api/prices", "kind", {}, "text"),
    ],
)
def test_a_default_of_another_route_is_the_real_one(path: str, name: str, fields: dict[str, str], other: str) -> None:
    parameters = SITE.get("/api/openapi.json").json()["paths"][path]["get"]["parameters"]
    description = next(parameter["description"] for parameter in parameters if parameter["name"] == name)
    printed = re.search(r"(?:Default: |\(default: )([^;]*?)(?:;.*)?[.)]$", description)
    assert printed is not None
    omitted, same, different = (SITE.get(path, params=fields | extra) for extra in ({}, {name: printed[1]}, {name: other}))
    assert [response.status_code for response in (omitted, same, different)] == [200] * 3
    assert omitted.json() == same.json() != different.json()


def test_the_help_of_serve_states_the_default_of_a_sites_limits() -> None:
    (printed,) = (text for command, option, text in command_defaults() if (command, option.name) == ("serve", "at_once"))
    assert printed == str(default_of(Limits, "concurrent_requests"))


@pytest.mark.parametrize("name", ["provider", "deployment"])
def test_what_is_taken_where_a_log_says_nothing_is_what_the_help_says(name: str) -> None:
    printed = {text for command, option, text in command_defaults() if command in ("cost", "record") and option.name == name}
    assert printed == {getattr(CostQuery(), name)}


def test_a_bill_is_compared_by_what_the_help_says() -> None:
    printed = {option.name: text for command, option, text in command_defaults() if command == "reconcile"}
    request = ReconcileRequest()
    assert (printed["by"], printed["account"]) == (",".join(request.by), request.account)


def test_the_width_of_a_chart_is_the_stated_one() -> None:
    printed = {text for _, option, text in command_defaults() if option.name == "width"}
    assert printed == {str(theme.width) for theme in THEMES.values()} == {"900"}


def test_words_for_a_default_are_known_ones() -> None:
    """Every other text is a value, and is checked."""
    texts = {text for _, option, text in command_defaults() if option.default is None}
    words = {text for text in texts if not re.search(r"\d", text)} - ABSENT
    assert words <= {text for _, text in EQUIVALENTS} | {
        "user",
        "webrtc",
        "auto",
        "unchanged",
        "prefix",
        "text",
        "openai",
        "global",
        "all",
        "the cheapest",
        "model,meter",
        "project",
    }


def test_every_default_in_words_is_stated_somewhere() -> None:
    printed = {default for place in PLACES.values() for default in place()}
    texts = {default.text for default in printed} | {text for _, option, text in command_defaults() if option.default is None}
    assert set(EQUIVALENTS) - {(default.name, default.text) for default in printed} == set()
    assert ABSENT - texts == set()
    assert set(OTHERS) | set(OVERRIDES) <= {default.name for default in printed}
