"""Saved plans: five uses to start from, and files of one's own."""

import json
import re
import tomllib
from pathlib import Path

import pytest
import time_machine

from tests.cli.invoke import refusal, run
from voicebill.answers.parameters.inputs import ESTIMATE
from voicebill.cli.options.request import read_plan_file
from voicebill.facts.example_plans import EXAMPLE_PLANS
from voicebill.facts.files import InvalidFile

ON = ("--day", "2026-11-22")


@pytest.mark.parametrize("template", EXAMPLE_PLANS)
def test_every_use_can_be_written_estimated_and_compared(tmp_path: Path, template: str) -> None:
    file = str(tmp_path / "plan.toml")
    assert "wrote" in run("init", file, "--template", template).stdout
    document = json.loads(run("estimate", "--plan", file, "--json", *ON).stdout)
    assert float(document["per_conversation"]["expected"]) > 0
    assert document["per_month"] is not None
    assert run("compare", "--plan", file, "--provider", "openai", *ON).exit_code == 0


def test_the_original_pages_five_uses_are_there() -> None:
    assert EXAMPLE_PLANS == (
        "accessibility-reader",
        "live-translation",
        "support-bot",
        "telephony-contact-centre",
        "voice-assistant",
    )


def test_what_is_stated_goes_before_what_is_saved(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        'minutes = "90s"\nturns = 5\nuser_share = "30%"\nwarm_cache = true\nmodel = "gpt-realtime-mini"\nprovider = "azure"\n'
        'day = 2026-11-22\nconversations = "10/day"\ntruncation = { retention_ratio = 0.7, post_instructions_tokens = 3000 }\n',
        encoding="utf-8",
    )
    document = json.loads(run("estimate", "--plan", str(file), "--turns", "6", "--provider", "openai", "--json").stdout)
    plan = document["plan"]
    assert (plan["minutes"], plan["turns"], plan["user_share"], plan["warm_cache"]) == ("1.5", 6, "0.3", True)
    assert plan["truncation"] == {"mode": "auto", "retention_ratio": "0.7", "post_instructions_tokens": 3000}
    assert (document["offer"]["id"], document["day"]) == ("openai/gpt-realtime-mini-2025-12-15", "2026-11-22")
    assert plan["conversations"] == "10/day"


@pytest.mark.parametrize("template", EXAMPLE_PLANS)
@time_machine.travel("2026-11-23")
def test_every_commented_line_of_a_plan_file_can_be_set_alone(tmp_path: Path, template: str) -> None:
    """With what it requires, if its input requires another; and it changes the request."""
    file = tmp_path / "plan.toml"
    run("init", str(file), "--template", template)
    text = file.read_text(encoding="utf-8")
    unchanged = read_plan_file(file)
    lines = {match[1]: match[0] for match in re.finditer(r"^# (\w+) = .*$", text, re.MULTILINE)}
    values = tomllib.loads(text)
    truncation = {"mode": "truncation"}
    names = [*values, *(truncation.get(name, name) for name in values.get("truncation", {})), *lines]
    assert set(names) == set(ESTIMATE)
    for name, line in lines.items():
        changed = text
        for row in (line, *(lines[required] for required in ESTIMATE[name].requires)):
            changed = changed.replace(row, row.removeprefix("# "))
        if name == "image_turns":
            changed = re.sub(r"^images = .*$", "", changed, flags=re.MULTILINE)  # one or the other
        file.write_text(changed, encoding="utf-8")
        assert read_plan_file(file) != unchanged, name


def test_a_line_that_requires_another_says_so_and_is_refused_without_it(tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    run("init", str(file))
    text = file.read_text(encoding="utf-8")
    for row in (row for row in ESTIMATE.values() if row.requires):
        line = next(line for line in text.splitlines() if line.startswith(f"# {row.name} = "))
        assert all(f"requires {name}" in line for name in row.requires)
        file.write_text(text.replace(line, line.removeprefix("# ")), encoding="utf-8")
        with pytest.raises(InvalidFile, match=row.requires[0]):
            read_plan_file(file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("minuts = 5\n", "line 1: unknown key 'minuts'; the nearest is 'minutes'"),
        (
            'minutes = 5\nturns = 4\nuser_share = "450%"\n',
            "line 3: user_share: '450%' is more than 100%: write a share as 45%, 45 or 0.45",
        ),
        ("minutes = 5\nturns = 4.5\n", "line 2: turns must be a whole number, not 4.5"),
        ('minutes = 5\nconversations = "many"\n', "line 2: conversations: 'many' is not a number"),
        ("minutes = 5\n", "--turns is missing"),
        ("turns = \n", "not valid TOML"),
    ],
)
def test_a_faulty_plan_is_refused_with_its_lines(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text, encoding="utf-8")
    result = run("estimate", "--plan", str(file), *ON)
    assert result.exit_code == 2
    assert message in result.stderr


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    file.write_text("mine", encoding="utf-8")
    result = run("init", str(file))
    assert (result.exit_code, file.read_text(encoding="utf-8")) == (2, "mine")
    assert "is there already: name another file" in result.stderr
    assert "cannot be written" in run("init", str(tmp_path / "nowhere" / "plan.toml")).stderr
    assert "the nearest is 'support-bot'" in run("init", str(tmp_path / "x.toml"), "--template", "suport-bot").stderr


def test_two_plans_are_held_side_by_side(tmp_path: Path) -> None:
    first, second = tmp_path / "first.toml", tmp_path / "second.toml"
    first.write_text("minutes = 10\nturns = 20\n", encoding="utf-8")
    second.write_text("minutes = 10\nturns = 40\n", encoding="utf-8")
    words = (
        "compare",
        "--plan",
        str(first),
        "--against",
        str(second),
        "--model",
        "gpt-realtime-1.5",
        "--provider",
        "openai",
        *ON,
    )
    document = json.loads(run(*words, "--json").stdout)
    single = json.loads(run("estimate", "--plan", str(second), "--json", *ON).stdout)
    assert document["against"][0]["per_conversation"] == single["per_conversation"]
    assert "The first and the second plan" in run(*words).stdout


def test_the_cheapest_truncation_is_searched_for(tmp_path: Path) -> None:
    words = ("estimate", "--minutes", "30", "--turns", "90", "--min-remembered-turns", "12", *ON)
    document = json.loads(run(*words, "--json").stdout)["cheapest_truncation"]
    assert document["remembered_turns"] >= 12
    limit = document["truncation"]["post_instructions_tokens"]
    truncation_options = (
        "--retention-ratio",
        document["truncation"]["retention_ratio"],
        *(("--post-instructions-tokens", str(limit)) if limit else ()),
    )
    estimate = json.loads(run("estimate", "--minutes", "30", "--turns", "90", *truncation_options, "--json", *ON).stdout)
    assert estimate["per_conversation"]["expected"] == document["expected"]
    assert "always remembers 12 turns" in run(*words).stdout


def test_an_option_of_nothing_is_stated_all_the_same(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        "minutes = 5\nturns = 5\ntool_calls = 10\ninstructions_tokens = 3000\ncall_length_cv = 0.5\n"
        "truncation = { retention_ratio = 0.5 }\n",
        encoding="utf-8",
    )
    (tmp_path / "lengths.csv").write_text("5\n7\n", encoding="utf-8")
    words = (
        "--tool-calls",
        "0",
        "--instructions-tokens",
        "0",
        "--truncation",
        "disabled",
        "--call-lengths",
        str(tmp_path / "lengths.csv"),
    )
    document = json.loads(run("estimate", "--plan", str(file), *words, "--json", *ON).stdout)
    assert (document["plan"]["tool_calls"], document["plan"]["instructions_tokens"], document["responses"]) == (0, 0, 5)
    assert document["plan"]["truncation"]["mode"] == "disabled"
    assert document["call_mix"]["call_length_cv"] is None


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('provider = "gcp"', "line 3: unknown provider 'gcp'"),
        ('model = "gpt-9"', "line 3: unknown model 'gpt-9'"),
        ('carrier = "foo"\ntransport = "sip"', "line 3: unknown carrier 'foo'"),
        ("user_share = 0.7\nassistant_share = 0.6", "line 3: user_share (0.7) and assistant_share (0.6) must add up"),
        ('carrier_per_minute = 0.1\ncarrier = "a/b"', "line 4: carrier cannot be combined with carrier_per_minute"),
        ("truncation = 'disabled'\nretention_ratio = 0.5", "line 3: truncation is disabled: leave out"),
        ("text_turns = 30", "line 3: text_turns (30) must be between 0 and turns (10)"),
    ],
)
def test_what_shows_when_a_plan_is_used_is_said_with_its_line(tmp_path: Path, row: str, message: str) -> None:
    file = tmp_path / "plan.toml"
    file.write_text(f"minutes = 5\nturns = 10\n{row}\n", encoding="utf-8")
    assert f"{file}, {message}" in refusal("estimate", "--plan", str(file))


def test_a_value_of_an_option_is_not_laid_to_the_plan_file(tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    file.write_text('minutes = 5\nturns = 10\nprovider = "gcp"\n', encoding="utf-8")
    assert refusal("estimate", "--plan", str(file), "--provider", "azur").startswith("Error: unknown provider 'azur'")
