"""Commands with right, odd and wrong values of every option; and the same input in Python and over HTTP."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, get_args
from unittest.mock import patch
from urllib.parse import urlencode

from typer.testing import CliRunner, Result

from tests.cases import DAY
from tests.fuzz.fuzzer import Case, Fuzzer
from tests.fuzz.invariants import read_answer
from tests.fuzz.scripts import random_script, toml_text
from tests.fuzz.values import ODD, WRONG, random_text
from tests.web.sites import SITE
from voicebill.answers.comparison.break_even import AXES
from voicebill.answers.estimates.estimate import estimate
from voicebill.answers.parameters import kinds
from voicebill.answers.parameters.inputs import (
    CAPACITY,
    COMPARISON,
    ESTIMATE,
    FIT_QUERY,
    LOG_DEFAULTS,
    LOG_QUERY,
    LOG_READING,
    PRICE_LIST,
    RECONCILE_QUERY,
    REPLAY_LOG_DEFAULTS,
    REPLAY_QUERY,
    RULE_INPUTS,
    SCRIPT_OVERRIDES,
    SELECTION,
    SESSION_QUERY,
    VERIFY_QUERY,
    Inputs,
)
from voicebill.answers.parameters.request import parse_estimate_request
from voicebill.billing.errors import VoicebillError
from voicebill.billing.offers import DEPLOYMENTS, Kind
from voicebill.charts.kinds import COMPARISON_CHARTS, ESTIMATE_CHARTS, SENSITIVITY_CHART
from voicebill.charts.themes import THEMES
from voicebill.cli.app import app, load_command
from voicebill.cli.commands.capacity import CAPACITY_REQUEST
from voicebill.cli.commands.compare import COMPARE_REQUEST
from voicebill.cli.commands.ptu import PLAN_OPTIONS, PTU_OPTIONS
from voicebill.cli.options.inputs import option_name
from voicebill.conversation.work import counted_steps
from voicebill.facts import load_facts
from voicebill.facts.example_plans import EXAMPLE_PLANS

DECLARED: Mapping[str, Inputs] = {
    "estimate": ESTIMATE,
    "compare": {**COMPARE_REQUEST, **COMPARISON},
    "capacity": {**CAPACITY_REQUEST, **CAPACITY},
    "ptu": {**PTU_OPTIONS, **PLAN_OPTIONS},
    "simulate": SCRIPT_OVERRIDES,
    "prices": {"provider": SELECTION["provider"], "day": SELECTION["day"], **PRICE_LIST},
    "rules": {name: row for name, row in RULE_INPUTS.items() if name != "model"},
    "init": {},
    "cost": {**LOG_DEFAULTS, **LOG_QUERY, **LOG_READING},
    "explain": {**LOG_DEFAULTS, **SESSION_QUERY, **LOG_READING},
    "fit": {**LOG_DEFAULTS, **FIT_QUERY, **LOG_READING},
    "replay": {**REPLAY_LOG_DEFAULTS, **REPLAY_QUERY, **LOG_READING},
    "verify": {**LOG_DEFAULTS, **VERIFY_QUERY, **LOG_READING},
    "reconcile": {**LOG_DEFAULTS, **RECONCILE_QUERY, **LOG_READING},
    "record": {**LOG_DEFAULTS, **LOG_READING},
}
"""The declared inputs of commands, which are their options."""

FILE_OPTIONS = frozenset(
    ("--plan", "--prices", "--call-lengths", "--instructions-file", "--tools-file", "--against", "--check", "--rules")
)
"""Options whose files are invented in `tests.fuzz.files`."""

CHART_OPTIONS = ("--save-chart", "--chart", "--width", "--theme")
CHARGEBACK_OPTIONS = ("--focus-version", "--statement", "--markup", "--issuer", "--show-markup")
NOT_INVENTED = frozenset(
    (*CHART_OPTIONS, *CHARGEBACK_OPTIONS, "--json", "--out", "--engine", "--master", "--memory", "--ledger", "--repair"),
)
"""Options that are given otherwise: those of charts all at once, and engines and chargeback by `tests.fuzz.recorded`."""

USUAL = {"conversations": "capacity", **dict.fromkeys(("model", "calls_per_minute", "prompt_tokens", "response_tokens"), "ptu")}
"""Inputs that are not required by themselves, without which most requests of a command are refused."""

USUAL_OF_PLANS = ("minutes", "turns", "conversations")
"""The same of a command that may have a plan, if it has one."""

IN_EVERY_INTERFACE = ("estimate", "compare", "capacity", "ptu")
EXIT_CODES: Mapping[str, tuple[int, ...]] = {
    **dict.fromkeys(("cost", "explain", "fit", "replay", "record"), (0, 2, 3)),
    **dict.fromkeys(("verify", "reconcile"), (0, 1, 2, 3)),
}
"""The exit codes of commands that have more than two."""
MAX_STEPS = 30_000
"""Responses of conversations that are counted for a command at most, about a second; beyond, it is given up."""
LIMIT_WORDS = ("possible here", "not realistic", "characters", "are possible")
"""What the site says to a request that is too large for it alone."""


class TooLong(Exception):
    """A command counts more responses than the fuzzer waits for."""


@cache
def own_texts() -> Mapping[str, tuple[str, ...]]:
    """Texts of the options that are no declared inputs, and of arguments."""
    facts = load_facts()
    models = sorted(facts.prices.model_names("realtime", DAY))
    return {
        "--min-remembered-turns": ("1", "3", "20"),
        "--set-rule": ("cache_block_tokens=128", "reasoning_tokens_per_response=50%", "=", "a=b", "vad_silence_ms=500"),
        "--model": (*models, "gpt-4.1-mini", "gpt-realtme"),
        "--provider": ("openai", "azure", "aws"),
        "--deployment": DEPLOYMENTS,
        "--stack": tuple(stack.name for stack in facts.stacks),
        "--pipelines": ("1", "5"),
        "--break-even": (*AXES, "none"),
        "--alternative": (*(stack.name for stack in facts.stacks), *(f"openai/{model}" for model in models)),
        "--range": ("1:60", "5:5", "60:1", "0.5:2"),
        "--kind": get_args(Kind),
        "--template": EXAMPLE_PLANS,
        "--format": ("realtime", "columns", "csv"),
        "--chart": (*ESTIMATE_CHARTS, SENSITIVITY_CHART, *COMPARISON_CHARTS),
        "--width": ("400", "900"),
        "--theme": tuple(THEMES),
        "name": (*models, "gpt-4.1-mini", "whisper-1"),
    }


def options_of(command: str) -> Iterator[Any]:
    """The options and the argument of a command that are invented."""
    for parameter in load_command(command).params:
        if parameter.opts[0] not in FILE_OPTIONS | NOT_INVENTED or parameter.name in DECLARED[command]:
            yield parameter


def random_options(random: Random, command: str, *, oddness: float) -> dict[str, str]:
    """Texts of some options of a command; empty for those that are a flag."""
    share, options = random.choice((0.02, 0.06, 0.2)), {}
    rows = DECLARED[command]
    has_plan = command == "ptu" and random.random() < 0.5
    for parameter in options_of(command):
        row, name = rows.get(parameter.name), parameter.opts[0]
        if command == "ptu" and parameter.name in PLAN_OPTIONS and not has_plan:
            continue
        if row is not None:
            is_usual = row.is_required or USUAL.get(row.name) == command or (has_plan and row.name in USUAL_OF_PLANS)
            if random.random() < (0.97 if is_usual else share):
                options.update({option_name(name): random_text(random, rows[name], oddness=oddness) for name in row.requires})
                options[name] = "" if row.kind is kinds.FLAG else random_text(random, row, oddness=oddness)
        elif random.random() < share / 2 and name.startswith("--"):
            texts = own_texts().get(name, ())
            is_right = texts and random.random() >= oddness
            options[name] = "" if parameter.is_flag else random.choice(texts if is_right else (*ODD, *WRONG))
    return options


def make_command(random: Random) -> Case:
    """Return a command with its options."""
    command = random.choice((*IN_EVERY_INTERFACE, *IN_EVERY_INTERFACE, "simulate", "prices", "rules", "init"))
    oddness = random.choice((0.0, 0.0, 0.0, 0.1, 0.5))
    options = random_options(random, command, oddness=oddness)
    case: Case = {"command": command, "options": options}
    if command == "simulate":
        case["script"] = random_script(random, oddness=oddness)
    elif command in ("prices", "rules") and random.random() < 0.7:
        texts = own_texts()["name"] if random.random() >= oddness else WRONG
        case["argument"] = random.choice(texts)
    if command == "compare" and random.random() < 0.8:
        options["--break-even"] = "none"
    if "--save-chart" in {parameter.opts[0] for parameter in load_command(command).params} and random.random() < 0.1:
        options |= {name: random.choice(own_texts()[name]) for name in CHART_OPTIONS[1:] if random.random() < 0.3}
        options["--save-chart"] = "chart.svg"
    if "day" in DECLARED[command] and command != "simulate":
        options.setdefault("--day", DAY.isoformat())
    return case


def words_of(options: Mapping[str, str], flags: frozenset[str]) -> list[str]:
    """The words of options; a text that begins with a hyphen is one, too."""
    return [name if name in flags else f"{name}={text}" for name, text in options.items()]


@cache
def flags_of(command: str) -> frozenset[str]:
    """The options of a command that have no text."""
    return frozenset(parameter.opts[0] for parameter in load_command(command).params if getattr(parameter, "is_flag", False))


def invoke(command: str, words: list[str]) -> Result:
    """Run a command, which answers or refuses in a sentence.

    Raises:
        TooLong: it counts too much.
        Exception: what the command raised.
        AssertionError: it ended otherwise.
    """
    steps = 0

    def count_steps(count: int) -> None:
        nonlocal steps
        steps += count
        if steps > MAX_STEPS:
            raise TooLong

    as_json = [] if command == "init" else ["--json"]
    with counted_steps(count_steps), patch("voicebill.charts.draw.save", lambda *_: None):
        result = CliRunner().invoke(app, [command, *as_json, *words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    allowed = EXIT_CODES.get(command, (0, 2))
    assert result.exit_code in allowed, f"exit code {result.exit_code}"
    assert "Traceback" not in result.stderr
    if result.exit_code == 2:
        assert result.stdout == "", "a refusal prints an answer"
        assert result.stderr.strip(), "a refusal says nothing"
        assert "Error" in result.stderr
    else:
        assert "Error" not in result.stderr
    return result


def check_command(case: Case) -> str:
    """Run a command, and check its answer; and the same input by all other interfaces."""
    command, options = case["command"], case["options"]
    words = words_of(options, flags_of(command))
    with TemporaryDirectory(prefix="voicebill-fuzz-") as folder:
        if command == "simulate":
            file = Path(folder) / "script.toml"
            file.write_text(toml_text(case["script"]), encoding="utf-8", errors="replace")
            words.append(str(file))
        elif command == "init":
            words.append(str(Path(folder) / "plan.toml"))
        elif "argument" in case:
            words += ["--", case["argument"]]
        try:
            result = invoke(command, words)
        except TooLong:
            return "given up"
    is_answered = result.exit_code == 0
    document = read_answer(command, result.stdout) if is_answered and command != "init" else None
    rows = DECLARED[command]
    fields = {name: options[option_name(name)] for name in rows if option_name(name) in options}
    own = {name for name in options if name not in map(option_name, rows)} - {"--break-even"}
    if (
        command in IN_EVERY_INTERFACE
        and not own
        and "day" in fields
        and (command != "compare" or options.get("--break-even") == "none")
    ):
        compare_interfaces(
            command,
            {
                name: text or "true" if f"--{name.replace('_', '-')}" in flags_of(command) else text
                for name, text in fields.items()
            },
            document,
        )
    if command == "simulate" and not options and "day" in case["script"]:
        compare_script(case["script"], document)
    return "answered" if is_answered else "refused"


def compare_interfaces(command: str, fields: Mapping[str, str], document: dict[str, Any] | None) -> None:
    """The query, the body and Python give the answer of the command, or none as it does."""
    if not is_sendable(fields):
        return
    for response in responses_of(command, fields):
        if response.status_code == 200:
            assert_same(read_answer(command, response.content), document)
        else:
            assert response.status_code == 422, response.text
            is_limit = any(word in response.json()["detail"] for word in LIMIT_WORDS)
            assert document is None or is_limit, f"the command answers, and the API does not: {response.text}"
    if command == "estimate":
        assert_same(estimate_in_python(fields), document)


def responses_of(command: str, fields: Mapping[str, str]) -> Iterator[Any]:
    """The responses to a query and a body; those of PTUs have a plan in one field, which a query completes as a form does."""
    plan = {name: text for name, text in fields.items() if command == "ptu" and name in PLAN_OPTIONS}
    others = {name: text for name, text in fields.items() if name not in plan}
    if not plan or plan.keys() >= set(USUAL_OF_PLANS):
        yield SITE.get(f"/api/{command}", params=others | ({"plan": urlencode(plan)} if plan else {}))
    yield SITE.post(f"/api/{command}", json=others | ({"plan": plan} if plan else {}))


def is_sendable(fields: Mapping[str, str]) -> bool:
    """Whether an address can have these texts, and they say something: a form sends an empty one for "not given"."""
    return all(text.strip() and text == text.encode("utf-8", "replace").decode() for text in fields.values())


def assert_same(document: Mapping[str, Any] | None, printed: Mapping[str, Any] | None) -> None:
    """Another interface gives what the command printed; keys that it leaves out are null."""
    assert (document is None) == (printed is None), "only one of them answers"
    if document is not None and printed is not None:
        different = [name for name in printed if document.get(name) != printed[name]]
        assert set(document) <= set(printed)
        assert not different, f"they differ in {', '.join(different)}"


def estimate_in_python(fields: Mapping[str, str]) -> dict[str, Any] | None:
    """The JSON of an estimate in Python; None if it is refused."""
    request = parse_estimate_request(dict(fields), today=DAY, issues=[])
    if request is None:
        return None
    try:
        answer = estimate(
            request.plan,
            request.selection,
            load_facts(),
            request.volume,
            request.lengths,
            connection_costs=request.connection_costs,
        )
    except VoicebillError:
        return None
    document: dict[str, Any] = json.loads(answer.to_json())
    return document


def compare_script(script: Mapping[str, Any], document: dict[str, Any] | None) -> None:
    """The API bills a script as the command does; it reads no files."""
    response = SITE.post("/api/simulate", json=script)
    if response.status_code == 200:
        assert_same(read_answer("simulate", response.content), document)
    else:
        assert response.status_code == 422, response.text
        is_limit = any(word in response.json()["detail"] for word in LIMIT_WORDS)
        assert document is None or is_limit, f"the command answers, and the API does not: {response.text}"


COMMANDS = Fuzzer("commands", make_command, check_command, ("answered",), ("command", "script"))
