"""Mutated files: plans, scripts, prices and rules in TOML, call lengths, tool schemas and load profiles."""

import json
import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from tests.engines.records import CONTRACT
from tests.fuzz.commands import DECLARED, TooLong, invoke
from tests.fuzz.fuzzer import Case, Fuzzer
from tests.fuzz.invariants import read_answer
from tests.fuzz.scripts import random_script, toml_text
from tests.fuzz.values import JSON_VALUES, ODD, WRONG, random_json
from tests.logs.fuzz import PIECES, STRUCTURE_CHANGES
from voicebill.facts.example_plans import EXAMPLE_PLANS, complete_plan_text

TOML_PIECES = (b"[[", b"]]", b"=", b"#", b"'''", b'"""', b"1979-05-27T07:32:00Z", b"0xff", b"1_0", b"inf")
PLAN_WORDS = ("--minutes=5", "--turns=4")
OWN_ROWS = """
[[currencies]]
code = "EUR"
per_dollar = 0.9
since = 2026-11-01

[[adjustments]]
name = "residency"
factor = 1.1
models = ["gpt-realtime-1.5"]
since = 2026-11-01

[[contracted]]
provider = "openai"
model = "gpt-realtime-1.5"
[[contracted.prices]]
since = 2026-11-01
usd = { audio_in = 20, audio_out = 50 }
sources = ["our contract"]

[[aliases]]
provider = "openai"
alias = "voice-prod"
model = "gpt-realtime-1.5"
"""
"""Rows of one's own beside built-in ones."""

COMMANDS_OF: Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "plan": (
        ("estimate", ("--plan=FILE",)),
        ("compare", ("--plan=FILE", "--break-even=none")),
        ("capacity", ("--plan=FILE", "--conversations=900")),
        ("compare", (*PLAN_WORDS, "--against=FILE", "--break-even=none")),
    ),
    "script": (("simulate", ("FILE",)),),
    "prices": (
        ("prices", ("--check=FILE",)),
        ("estimate", (*PLAN_WORDS, "--prices=FILE")),
        ("compare", (*PLAN_WORDS, "--prices=FILE", "--break-even=none")),
        ("rules", ("--rules=FILE",)),
        ("ptu", ("--model=gpt-5.2", "--prompt-tokens=9", "--response-tokens=9", "--calls-per-minute=9", "--prices=FILE")),
    ),
    "lengths": (("estimate", (*PLAN_WORDS, "--call-lengths=FILE")), ("capacity", (*PLAN_WORDS, "--call-lengths=FILE"))),
    "tools": (("estimate", (*PLAN_WORDS, "--tools-file=FILE")), ("estimate", (*PLAN_WORDS, "--instructions-file=FILE"))),
    "price table": (("prices", ("--against=FILE", "--day=2026-11-22")),),
    "profile": (("ptu", ("--model=gpt-5.2", "--prompt-tokens=9", "--response-tokens=9", "--profile=FILE")),),
}
"""The commands that take a kind of file."""


@cache
def facts_texts() -> tuple[str, ...]:
    """The built-in files of prices, rules and other facts."""
    folder = Path(str(files("voicebill.facts")))
    return tuple(
        file.read_text(encoding="utf-8") for file in sorted(folder.rglob("*.toml")) if file.parent.name != "example_plans"
    )


def _random_plan(random: Random) -> str:
    if random.random() < 0.3:
        lines = complete_plan_text(random.choice(EXAMPLE_PLANS)).splitlines()
        return "\n".join(line.removeprefix("# ") if " = " in line and random.random() < 0.2 else line for line in lines)
    rows = DECLARED["estimate"]
    oddness = random.choice((0.0, 0.1, 0.4))
    names = [name for name in rows if rows[name].is_required or random.random() < 0.1]
    return toml_text({name: random_json(random, rows[name], oddness=oddness) for name in names})


def _random_facts(random: Random) -> str:
    """Some rows of a built-in file, or of one's own."""
    table = tomllib.loads(random.choice((*facts_texts(), CONTRACT, 'sources = ["ours"]\nchecked = 2026-11-01\n' + OWN_ROWS)))
    for name, rows in table.items():
        if isinstance(rows, list) and rows and isinstance(rows[0], dict):
            table[name] = random.sample(rows, min(len(rows), random.randint(1, 3)))
            for row in table[name]:
                if "model" in row and random.random() < 0.5:
                    row["model"] = "our-model"
    return toml_text(table)


def _random_lengths(random: Random) -> str:
    rows = [
        f"{random.choice(('1', '6.5', '30', '0.1'))},{random.choice(('1', '12', '900'))}" for _ in range(random.randint(1, 5))
    ]
    return "\n".join([*random.choice(([], ["minutes,count"], ["minutes;count"])), *rows])


def _random_tools(random: Random) -> str:
    tool = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}}
    return json.dumps(random.choice(([tool], tool, {"tools": [tool, tool]}, [])))


def _random_profile(random: Random) -> str:
    return random.choice((",", "\n", ";", " ")).join(
        random.choice(("0", "5", "12.5")) for _ in range(random.choice((24, 168, 23)))
    )


def _random_price_table(random: Random) -> str:
    """A price table of any of the formats, with some odd values, as documents or as lines."""
    numbers: tuple[Any, ...] = (4, 0.0005, 3.2e-05, "0.1", 0, -1, None, True, "ten", 1e300, [], {"base": 2, "tiers": []})
    day = random.choice(("2026-05-01T00:00:00Z", "2027-01-01", None, "soon"))
    item = {
        "meterName": random.choice(
            ("gpt-realtime-2 Text inp Gl 1M Tokens", "gpt-realtime-9 Audio cd inp DZ 1M Tokens", "x", 5)
        ),
        "retailPrice": random.choice(numbers),
        "unitOfMeasure": random.choice(("1M", "1K", "1 Hour", "1 GB", "0", None)),
        "armRegionName": random.choice(("eastus2", "mars", "")),
        "effectiveStartDate": day,
        "type": random.choice(("Consumption", "Reservation", 5)),
    }
    fields = ("input_cost_per_token", "input_cost_per_audio_token", "input_cost_per_second")
    entry = {
        "litellm_provider": random.choice(("openai", "azure", "x", 5)),
        **{name: random.choice(numbers) for name in fields},
    }
    prices = {"input_mtok": random.choice(numbers), "input_audio_kseconds": random.choice(numbers)}
    period = {"constraint": {"start_date": day}, "prices": prices}
    table: Any = random.choice(
        (
            {"Items": [item] * random.randint(1, 3), "NextPageLink": random.choice((None, "next"))},
            {random.choice(("gpt-realtime-1.5", "azure/eu/gpt-realtime-9", "whisper-1")): entry},
            [{"id": "openai", "models": [{"id": "gpt-realtime", "prices": random.choice((prices, [period], None))}]}],
        )
    )
    return "\n".join(json.dumps(document) for document in random.choice(([table], [table, table], [item, "x"])))


MAKERS: Mapping[str, Callable[[Random], str]] = {
    "plan": _random_plan,
    "script": lambda random: toml_text(random_script(random, oddness=random.choice((0.0, 0.1, 0.4)))),
    "prices": _random_facts,
    "lengths": _random_lengths,
    "tools": _random_tools,
    "price table": _random_price_table,
    "profile": _random_profile,
}


def make_file(random: Random) -> Case:
    """Return a file of some kind, right or spoiled, and the command that takes it."""
    kind = random.choice(("plan", "script", "prices", *MAKERS))
    content: str | bytes = MAKERS[kind](random)
    if random.random() < 0.4 and kind in ("plan", "script", "prices"):
        content = _change_values(random, str(content))
    if random.random() < 0.3:
        content = _spoil_text(random, str(content).encode("utf-8", "replace"))
    command, words = random.choice(COMMANDS_OF[kind])
    return {"command": command, "words": list(words), "file": content}


def _change_values(random: Random, text: str) -> str:
    """A TOML file with some values of another kind, lost or doubled."""
    try:
        table: Any = json.loads(json.dumps(tomllib.loads(text), default=str))
    except ValueError:
        return text
    for _ in range(random.randint(1, 3)):
        if random.random() < 0.5 and isinstance(table, dict) and table:
            table[random.choice(list(table))] = random.choice((*JSON_VALUES, *ODD, *WRONG))
        changed = random.choice(STRUCTURE_CHANGES)(random, [table])
        table = changed[0] if changed and isinstance(changed[0], dict) else table
    return toml_text(table)


def _spoil_text(random: Random, content: bytes) -> bytes:
    """A file with bytes lost, doubled or exchanged."""
    for _ in range(random.randint(1, 3)):
        at = random.randint(0, len(content))
        piece = random.choice(
            (*PIECES, b"[[", b"]]", b"=", b"#", b"'''", b'"""', b"1979-05-27T07:32:00Z", b"0xff", b"1_0", b"inf")
        )
        lost = random.choice((0, 0, 1, 8, 200))
        content = random.choice(
            (content[:at] + piece + content[at + lost :], content[:at], content[:at] + content[at - lost :])
        )
    return content


def check_file(case: Case) -> str:
    """Run a command with a file: an answer, or sentences that say what is wrong with it."""
    with TemporaryDirectory(prefix="voicebill-fuzz-") as folder:
        file = Path(folder) / "own.toml"
        content = case["file"]
        file.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "replace"))
        words = [word.replace("FILE", str(file)) for word in case["words"]]
        try:
            result = invoke(case["command"], words)
        except TooLong:
            return "given up"
    if result.exit_code == 2:
        assert all(line.startswith(("Error: ", "  ")) for line in result.stderr.splitlines()), result.stderr
        return "refused"
    read_answer(case["command"], result.stdout)
    return "answered"


FILES = Fuzzer("files", make_file, check_file, ("answered",), ("command", "words", "file"))
