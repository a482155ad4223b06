"""The commands as scripts and people use them: what they print, and what they say to wrong input."""

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import time_machine

from tests.cases import cases
from tests.cli.invoke import answer, refusal, run
from tests.facts.invented import INVENTED
from voicebill.cli.app import load_command
from voicebill.cli.options.shared import CHART_PANEL

ON = ("--day", "2026-11-22")


def script(tmp_path: Path, text: str) -> str:
    file = tmp_path / "script.toml"
    file.write_text(text, encoding="utf-8")
    return str(file)


GOLDEN = """
model = "gpt-realtime"
day = 2026-11-22
instructions_tokens = 1018
prefix_reuse = 1.0
turns = [
  { user_audio_tokens = 16, reply_audio_tokens = 219, reply_text_tokens = 66, reply_transcript_tokens = 48 },
  { user_audio_tokens = 57, reply_audio_tokens = 218, reply_text_tokens = 63, reply_transcript_tokens = 45 },
  { user_audio_tokens = 59, reply_audio_tokens = 245, reply_text_tokens = 57, reply_transcript_tokens = 37 },
  { user_audio_tokens = 32, reply_audio_tokens = 150, reply_text_tokens = 49, reply_transcript_tokens = 33 },
  { user_audio_tokens = 60, reply_audio_tokens = 113, reply_text_tokens = 41, reply_transcript_tokens = 27 },
  { user_audio_tokens = 20, reply_audio_tokens = 203, reply_text_tokens = 54, reply_transcript_tokens = 36 },
]
"""


def test_the_original_calculators_example() -> None:
    document = answer(
        *("estimate", "--model", "gpt-realtime-1.5", "--minutes", "10", "--turns", "20", "--user-share", "0.5"),
        *("--assistant-share", "50%", "--rules", "web-calculator-2026-06", *ON),
    )
    assert document["per_conversation"]["expected"] == "0.53202"
    assert document["rules"]["name"] == "web-calculator-2026-06"
    assert document["per_month"] is None


def test_the_recorded_session_under_all_three_behaviours(tmp_path: Path) -> None:
    file = script(tmp_path, GOLDEN)
    totals = [answer("simulate", file, "--cache", name)["total"]["dollars"] for name in ("all", "prefix", "none")]
    assert totals == ["0.1009952", "0.1288992", "0.164432"]
    counts = [response["usage"] for response in answer("simulate", file)["responses"]]
    assert [(used["text_in"] + used["text_in_cached"], used["audio_in"] + used["audio_in_cached"]) for used in counts] == [
        (1026, 16),
        (1102, 292),
        (1159, 350),
        (1210, 409),
        (1251, 374),
        (1288, 357),
    ]


CAMPAIGN = ("estimate", "--minutes", "10", "--turns", "20", "--unconnected-share", "40%", "--short-share", "12.5%", *ON)


def test_shares_and_percentiles_name_the_calls_that_they_describe() -> None:
    """The mean length, the shares and the percentiles are said of the calls that they describe."""
    text = " ".join(run(*CAMPAIGN, "--conversations", "1000/month", "--call-length-cv", "0").output.split())
    assert "last 4.8 minutes on average and cost" in text
    assert "40% of the calls reach nobody and cost nothing; 12.5% end after the first turn" in text
    assert "each: both are part of the mean." in text
    assert "Of the other calls, 10% last at most 10.0 minutes" in text


def test_every_option_reaches_the_plan() -> None:
    words = {
        "--model": "gpt-realtime-2.1",
        "--provider": "azure",
        "--deployment": "data-zone",
        "--region": "swedencentral",
        "--minutes": "5 min",
        "--turns": "12",
        "--conversations": "1,000/day",
        "--user-share": "30%",
        "--silence-share": "0.25",
        "--instructions-tokens": "2k",
        "--tools-tokens": "150",
        "--tool-calls": "3",
        "--arguments-tokens": "11",
        "--result-tokens": "12",
        "--first-speaker": "assistant",
        "--images": "2",
        "--image-tiles": "3",
        "--text-turns": "1",
        "--text-turn-user-tokens": "13",
        "--text-turn-reply-tokens": "14",
        "--interrupted-share": "25%",
        "--played-share": "0.4",
        "--reasoning-tokens": "15",
        "--transcription-model": "gpt-4o-mini-transcribe",
        "--transport": "sip",
        "--cache": "none",
        "--prefix-reuse": "0.7",
        "--instructions-change": "true",
        "--stable-instructions-tokens": "600",
        "--retention-ratio": "0.6",
        "--post-instructions-tokens": "7000",
        "--session-minutes": "20",
        "--session-carryover": "nothing",
        "--set-rule": "cache_block_tokens=128",
    }
    flags = ("--warm-cache", "--calls-end-with-session")
    document = answer("estimate", *flags, *ON, *(word for pair in words.items() for word in pair))
    plan = document["plan"]
    assert {key: plan[key] for key in ("minutes", "turns", "user_share", "assistant_share", "silence_share")} == {
        "minutes": "5",
        "turns": 12,
        "user_share": "0.3",
        "assistant_share": "0.45",
        "silence_share": "0.25",
    }
    assert (plan["instructions_tokens"], plan["tools_tokens"], plan["tool_calls"]) == (2000, 150, 3)
    assert (plan["arguments_tokens"], plan["result_tokens"], plan["first_speaker"]) == (11, 12, "assistant")
    assert (plan["images"], plan["image_tiles"], plan["text_turns"]) == (2, 3, 1)
    assert (plan["text_turn_user_tokens"], plan["text_turn_reply_tokens"], plan["reasoning_tokens"]) == (13, 14, 15)
    assert (plan["interrupted_share"], plan["played_share"], plan["transport"]) == ("0.25", "0.4", "sip")
    assert (plan["cache"], plan["prefix_reuse"], plan["warm_cache"], plan["session_minutes"]) == ("none", "0.7", True, 20)
    assert (plan["instructions_change"], plan["stable_instructions_tokens"]) == ("1", 600)
    assert plan["calls_end_with_session"] is True
    assert answer("estimate", "--minutes", "5", "--turns", "12", "--image-turns", "1,4", *ON)["plan"]["image_turns"] == [1, 4]
    assert plan["truncation"] == {"mode": "auto", "retention_ratio": "0.6", "post_instructions_tokens": 7000}
    assert (plan["session_carryover"], plan["conversations"]) == ("nothing", "1,000/day")
    assert document["offer"]["id"] == "azure/gpt-realtime-2.1-2026-07-07/data-zone"
    assert document["offer"]["region"] == "swedencentral"
    assert document["transcription_offer"]["id"] == "azure/gpt-4o-mini-transcribe-2025-12-15/data-zone"
    assert document["rules"]["evidence"]["cache_block_tokens"] == {
        "value": 128,
        "evidence": "stated",
        "basis": "set for this estimate",
        "disputed": [],
        "sample_size": None,
        "range": None,
    }


def test_prompts_and_tools_are_counted_in_files(tmp_path: Path) -> None:
    pytest.importorskip("splintr")
    (tmp_path / "prompt.txt").write_text("hello world", encoding="utf-8")
    (tmp_path / "tools.json").write_text('[ { "name" : "hello" } ]', encoding="utf-8")
    document = answer(
        *("estimate", "--minutes", "1", "--turns", "1", *ON, "--instructions-file", str(tmp_path / "prompt.txt")),
        *("--tools-file", str(tmp_path / "tools.json")),
    )
    assert document["plan"]["instructions_tokens"] == 2
    assert 0 < document["plan"]["tools_tokens"] < 10
    file = script(
        tmp_path,
        'model = "gpt-realtime"\ninstructions_file = "prompt.txt"\n[[turns]]\nuser_audio_tokens = 5\nreply_seconds = 1\n',
    )
    assert answer("simulate", file, *ON)["responses"][0]["usage"]["text_in"] == 2 + 8


def test_without_the_tokenizer_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "splintr", None)
    (tmp_path / "prompt.txt").write_text("hello", encoding="utf-8")
    message = refusal("estimate", "--minutes", "1", "--turns", "1", *ON, "--instructions-file", str(tmp_path / "prompt.txt"))
    assert "needs the extra 'count': pip install 'voicebill[count]'; or give the tokens" in message


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--turns 20", "--minutes is missing"),
        ("", "--minutes is missing: how long is the conversation? Error: --turns is missing: how many turns does it have?"),
        ("--minutes -5 --turns 20", "--minutes cannot be negative: -5"),
        ("--minutes 0 --turns 20", "--minutes must be more than 0 and at most 1,440 (a day), not 0"),
        ("--minutes nan --turns 20", "--minutes: 'nan' is not a duration"),
        ("--minutes 1e9 --turns 20", "--minutes: '1e9' is not a"),
        ("--minutes 100000 --turns 20", "at most 1,440 (a day), not 100000"),
        ("--minutes 10 --turns 0", "--turns must be between 1 and 20,000, not 0"),
        ("--minutes 10 --turns 2.5", "--turns must be a whole number, not '2.5'"),
        ("--minutes 10 --turns 99999999", "turns must be between 1 and 20,000"),
        ("--minutes 10 --turns 20 --user-share 120", "--user-share: '120' is more than 100%: write a share as 45%, 45 or 0.45"),
        ("--minutes 10 --turns 20 --user-share 0.7 --assistant-share 0.7", "must add up to at most 1"),
        ("--minutes 10 --turns 20 --model gpt-realtme", "unknown model 'gpt-realtme'; the nearest are gpt-realtime"),
        ("--minutes 10 --turns 20 --provider azur", "unknown provider 'azur'; the nearest is azure"),
        (
            "--minutes 10 --turns 20 --provider azure --deployment zone",
            "unknown deployment 'zone' of gpt-realtime-1.5 at azure",
        ),
        ("--minutes 10 --turns 20 --provider azure --region mars", "unknown region 'mars' of gpt-realtime-1.5 (global)"),
        (
            "--minutes 10 --turns 20 --region mars",
            "openai does not sell gpt-realtime-1.5 by region: omit the region ('mars')",
        ),
        (
            "--minutes 10 --turns 20 --truncation disabled --retention-ratio 0.5",
            "--truncation is disabled: leave out --retention-ratio and --post-instructions-tokens",
        ),
        ("--minutes 10 --turns 20 --conversations 0/month", "conversations must be more than 0"),
        ("--minutes 10 --turns 1111111111111111111111111111111111111111", "--turns: 1111111111"),
        (
            "--minutes 10 --turns 20 --set-rule cache_reuse_share=1e-9999999",
            "cache_reuse_share must be a number between 0 and 1",
        ),
        ("--minutes 10 --turns 20 --day 2020-01-01", "no price of gpt-realtime-1.5 at openai is known for 2020-01-01"),
        ("--minutes 10 --turns 20 --day soon", "--day must be a day such as 2026-11-22, not 'soon'"),
        ("--minutes 10 --turns 20 --day 2026-10", "--day must be a day such as 2026-11-22, not '2026-10'"),
        ("--minutes 10 --turns 20 --conversations 500/moon", "unknown period 'moon'"),
        (
            "--minutes 10 --turns 20 --rules web-calculator",
            "unknown rule set 'web-calculator'; the nearest is web-calculator-2026-06",
        ),
        ("--minutes 10 --turns 20 --rules missing.toml", "there is no file missing.toml"),
        ("--minutes 10 --turns 20 --set-rule cache_block_tokens", "is not written NAME=VALUE"),
        ("--minutes 10 --turns 20 --set-rule cache_blok_tokens=2", "unknown rule 'cache_blok_tokens'; the nearest are"),
        (
            "--minutes 10 --turns 20 --instructions-tokens 5 --instructions-file x",
            "--instructions-tokens cannot be combined with --instructions-file: give one",
        ),
        ("--minutes 10 --turns 20 --instructions-file nowhere.txt", "there is no file nowhere.txt"),
        ("--minutes 10 --turns 20 --instructions-tokens 40000", "leave no room in an input of 28,224 tokens"),
        ("--minutes 10 --turns 20 --cache most", "--cache must be one of all, prefix, none, not 'most'"),
        ("--minutes 10 --turns 20 --colour", "No such option: --colour"),
    ],
)
def test_an_estimate_of_what_cannot_be_is_refused_in_one_sentence(words: str, message: str) -> None:
    day_options = [] if "--day" in words else list(ON)
    assert message in refusal("estimate", *words.split(), *day_options)


@pytest.mark.parametrize(
    ("words", "texts"),
    [
        (
            "estimate --minutes 0 --turns 2.5 --user-share 200 --call-length-cv 9 --conversations x --rules recorded-2026-11",
            {
                "--minutes must be more than 0 and at most 1,440 (a day), not 0",
                "--turns must be a whole number, not '2.5'",
                "--user-share: '200' is more than 100%: write a share as 45%, 45 or 0.45",
                "--call-length-cv must be between 0 and 5, not 9",
                "--conversations: 'x' is not a number: write 1500, 1,500 or 1.5k, with a point for decimals",
            },
        ),
        (
            "capacity --minutes 5 --turns x --days 40 --service-level soon",
            {
                "--turns: 'x' is not a number: write 1500, 1,500 or 1.5k, with a point for decimals",
                "--days must be more than 0 and at most 31, not 40",
                "--service-level: 'soon' is not a share and a time: write 80% in 20s",
            },
        ),
        (
            "cost usage.jsonl --day no --since soon --top x",
            {
                "--day must be a day such as 2026-11-22, not 'no'",
                "--since must be a day such as 2026-11-22, not 'soon'",
                "--top: 'x' is not a number: write 1500, 1,500 or 1.5k, with a point for decimals",
            },
        ),
        (
            "simulate script.toml --day soon --cache x",
            {"--day must be a day such as 2026-11-22, not 'soon'", "--cache must be one of all, prefix, none, not 'x'"},
        ),
        (
            "ptu --response-tokens -1 --cache-rate 101",
            {
                "--model is missing: give it, or a --plan",
                "--prompt-tokens is missing: give it, or a --plan",
                "--response-tokens cannot be negative: -1",
                "--cache-rate: '101' is more than 100%: write a share as 45%, 45 or 0.45",
            },
        ),
    ],
)
def test_all_invalid_options_are_reported_each_on_its_own_line(words: str, texts: set[str]) -> None:
    result = run(*words.split())
    assert (result.exit_code, result.stdout) == (2, "")
    assert sorted(result.stderr.splitlines()) == sorted(f"Error: {text}" for text in texts)


@pytest.mark.parametrize("words", ["--model", "--provider", "--rules", "--day", "--platforms", "--region"])
def test_an_option_without_a_value_is_refused(words: str) -> None:
    assert refusal("estimate", "--minutes", "5", "--turns", "5", words, "").startswith(f"Error: {words} must be ")


def test_a_comparison_with_a_provider_without_a_name_is_refused() -> None:
    assert "unknown provider ''" in refusal("compare", "--minutes", "5", "--turns", "5", "--provider", "", *ON)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model = ", "script.toml has 1 error: not valid TOML: Invalid value"),
        (
            'model = "gpt-realtime"\ninstruction_tokens = 5\n[[turns]]\nuser_audo_tokens = 5\n',
            "has 2 errors: line 2: unknown key",
        ),
        ('model = "gpt-realtime"\n[[turns]]\nuser_audio_tokens = nan\n', "line 3: user_audio_tokens: must be a finite number"),
        (
            'model = "gpt-realtime"\n[[turns]]\n[[turns.tool_calls]]\nargument_tokens = 1\n',
            "line 4: unknown key 'argument_tokens'",
        ),
        ('model = "gpt-realtime"\ninstructions_file = "none.txt"\n[[turns]]\n', "line 2: there is no file"),
        ("[[turns]]\nreply_seconds = 5\n", "no model: write model"),
        ('model = "gpt-realtime"\n', "a script needs at least one turn"),
        ('model = "gpt-realtime"\noverrides = { cache_blok_tokens = 1 }\n[[turns]]\n', "unknown rule 'cache_blok_tokens'"),
    ],
)
def test_a_faulty_script_is_refused_with_its_lines(tmp_path: Path, text: str, message: str) -> None:
    assert message in refusal("simulate", script(tmp_path, text), *ON)


def test_files_that_are_no_scripts(tmp_path: Path) -> None:
    assert "there is no file" in refusal("simulate", str(tmp_path / "none.toml"))
    assert "is a folder, not a file" in refusal("simulate", str(tmp_path))
    (tmp_path / "binary.toml").write_bytes(b"\x00\x80")
    assert "is not text in UTF-8" in refusal("simulate", str(tmp_path / "binary.toml"))


def test_a_script_of_each_hand_worked_case_runs_on_the_command_line(tmp_path: Path) -> None:
    """The cases' tables are what people write; one of them, as a file, with every kind of turn in it."""
    assert all("turns" in case["script"] for case in cases("conversations.toml"))
    file = script(
        tmp_path,
        """
model = "gpt-realtime-1.5"
transcription_model = "whisper-1"
truncation = { mode = "auto", retention_ratio = 0.8, post_instructions_tokens = 600 }
overrides = { cache_reuse_share = 0.5 }
[[turns]]
user_seconds = 4.2
reply_seconds = 11
[[turns]]
user_text_tokens = 12
image_tokens = [194]
reply_text_tokens = 30
[[turns]]
user_seconds = 3
reply_seconds = 8
played_seconds = 2.5
[[turns]]
user_seconds = 2
cancelled = true
[[turns]]
user_seconds = 2
reply_seconds = 3
[[turns.tool_calls]]
arguments_tokens = 12
result_tokens = 60
""",
    )
    document = answer("simulate", file, *ON)
    assert [(r["turn"], r["kind"], r["status"]) for r in document["responses"]] == [
        (1, "reply", "completed"),
        (2, "reply", "completed"),
        (3, "reply", "cancelled"),
        (4, "reply", "cancelled"),
        (5, "tool-call", "completed"),
        (5, "reply", "completed"),
    ]
    assert [turn["turn"] for turn in document["transcription"]["turns"]] == [1, 3, 4, 5]
    shown = run("simulate", file, *ON).stdout
    assert "5 tool" in shown
    assert "audio heard" in shown


def test_rules_of_ones_own_lie_beside_ours(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        'name = "mine"\nbased_on = "recorded-2026-11"\nevidence = "measured"\nbasis = "our own logs, 4,000 calls"\n'
        '[[rules]]\nparameter = "cache_reuse_share"\nvalue = 0.93\n',
        encoding="utf-8",
    )
    document = answer("estimate", "--minutes", "10", "--turns", "20", "--rules", str(file), *ON)
    assert document["rules"]["name"] == "mine"
    assert document["rules"]["evidence"]["cache_reuse_share"]["basis"] == "our own logs, 4,000 calls"
    assert "has no faults: offers 0, rule sets 1, contracted 0, adjustments 0" in run("prices", "--check", str(file)).stdout
    empty = tmp_path / "empty.toml"
    empty.write_text("", encoding="utf-8")
    assert "holds no rule set" in refusal("estimate", "--minutes", "1", "--turns", "1", "--rules", str(empty), *ON)


def test_the_price_book_lists_one_model_with_history_and_sources() -> None:
    shown = run("prices", "gpt-4o-transcribe", "--provider", "openai").stdout
    assert "disputed: audio in $2.50 according to" in shown
    assert "ends on 2027-02-26" in shown
    document = answer("prices", "gpt-4o-realtime-preview-2024-10-01", "--provider", "openai")
    assert [row["until"] for row in document["offers"][0]["prices"]] == ["2024-10-30", "2025-10"]
    assert all(row["sources"] for row in document["offers"][0]["prices"])


CHART_VALUES = {"width": "600", "theme": "dark", "chart": "sensitivity"}
"""Another value than the default for each option of a chart."""


@pytest.mark.parametrize(
    "words",
    [
        ("estimate", "--minutes", "3", "--turns", "4"),
        ("compare", "--minutes", "3", "--turns", "4"),
        ("ptu", "--model", "gpt-5.2", "--calls-per-minute", "9", "--prompt-tokens", "9", "--response-tokens", "9"),
        ("cost", "log.jsonl"),
    ],
    ids=lambda words: words[0],
)
def test_an_option_of_a_chart_that_is_not_saved_is_refused(words: tuple[str, ...]) -> None:
    options = [parameter for parameter in load_command(words[0]).params if parameter.rich_help_panel == CHART_PANEL]
    names = {option.name for option in options} - {"chart_file"}
    assert names == {"width", "theme"} | ({"chart"} if words[0] in ("estimate", "compare") else set())
    for name in names:
        value = "break-even" if (name, words[0]) == ("chart", "compare") else CHART_VALUES[name]
        assert refusal(*words, f"--{name}", value) == f"Error: --{name} applies to --save-chart only: give a file, too"


def test_providers_are_found_in_whatever_case_and_kinds_of_a_model_are_chosen() -> None:
    assert (
        run("prices", "--provider", "Azure", "--day", "2026-11-22").stdout
        == run("prices", "--provider", "azure", "--day", "2026-11-22").stdout
    )
    assert "unknown provider 'azur'; the nearest is azure" in refusal("prices", "--provider", "azur")
    assert run("prices", "gpt-realtime", "--kind", "text").stdout == "gpt-realtime is not sold as a text model\n"
    assert run("prices", "gpt-realtime", "--kind", "realtime").stdout == run("prices", "gpt-realtime").stdout


def test_the_price_book_is_that_of_the_other_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own.toml").write_text(INVENTED, encoding="utf-8")
    monkeypatch.setenv("VOICEBILL_HOME", str(tmp_path))
    assert "parrot-1" in run("prices", "--provider", "parrot-ai", "--day", "2026-11-22").stdout


def test_the_price_book_lists_every_kind() -> None:
    for kind in ("realtime", "live", "translation", "transcription", "speech", "text", "audio-chat", "telephony"):
        result = run("prices", "--kind", kind, *ON)
        assert result.exit_code == 0
        assert f"{kind} offers on 2026-11-22" in result.stdout
        assert len(answer("prices", "--kind", kind, *ON)["offers"]) >= 1
    assert "unknown model 'gpt-realtme'" in refusal("prices", "gpt-realtme")
    assert "unknown provider 'opnai'; the nearest is openai" in refusal("prices", "--provider", "opnai")
    assert "unknown provider 'opnai'" in refusal("prices", "gpt-realtime", "--provider", "opnai")


def test_a_faulty_price_file_reports_all_its_faults(tmp_path: Path) -> None:
    message = refusal("prices", "--check", script(tmp_path, "[[offers]]\nmodle = 'x'\n[[offers]]\nkind = 'txt'\n"))
    assert "line 2: unknown key 'modle'; the nearest is 'model'" in message
    assert "line 4: kind: must be one of" in message


def test_rules_are_shown_with_their_evidence() -> None:
    shown = " ".join(run("rules", "gpt-realtime", *ON).stdout.split())
    assert "history last-assistant-audio measured: recorded on gpt-realtime and" in shown
    assert (
        answer("rules", "gpt-realtime", "--rules", "web-calculator-2026-06", *ON)["evidence"]["history"]["value"] == "keep-all"
    )
    assert answer("rules", "gpt-4.1", *ON)["evidence"]["cache_block_tokens"]["value"] == 128
    assert "is a telephony model" in refusal("rules", "voice-inbound-us-local", "--provider", "twilio", *ON)


def test_output_is_plain_and_fits_eighty_columns_when_piped() -> None:
    for words in (
        ("estimate", "--minutes", "30", "--turns", "60", "--conversations", "30000/month", "--lines", *ON),
        ("prices", *ON),
        ("prices", "gpt-realtime"),
        ("rules", "gpt-realtime", *ON),
    ):
        shown = run(*words).stdout
        assert "\x1b" not in shown
        assert max(len(line.rstrip()) for line in shown.splitlines()) <= 80


def test_the_version_and_the_help_are_there() -> None:
    assert run("--version").stdout.startswith("voicebill 0.")
    for command in ("estimate", "simulate", "prices", "rules"):
        assert f"voicebill {command}" in run(command, "--help").stdout


@time_machine.travel("2030-01-01", tick=True)
def test_without_a_day_today_is_meant_and_old_prices_say_so() -> None:
    document = answer("estimate", "--minutes", "10", "--turns", "20")
    assert document["day"] == "2030-01-01"
    assert "prices of gpt-realtime-1.5 were checked on 2026-11-22 and are assumed unchanged since" in document["assumptions"]


def outside(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    command = [sys.executable, "-m", "voicebill", *words]
    return subprocess.run(command, capture_output="stdout" not in options, text=True, check=False, **options)


ESTIMATE = ("estimate", "--minutes", "3", "--turns", "4", *ON)


def test_a_terminal_that_knows_only_ascii_gets_ascii() -> None:
    result = outside(*ESTIMATE, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.isascii()
    assert "####" in result.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_output_that_cannot_be_written_is_said_in_one_sentence() -> None:
    with Path("/dev/full").open("w") as full:
        result = outside(*ESTIMATE, stdout=full, stderr=subprocess.PIPE)
    assert result.returncode == 1
    assert result.stderr == "Error: the output cannot be written: No space left on device\n"


def test_the_module_is_the_command() -> None:
    assert outside("--version").stdout.startswith("voicebill 0.")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--minutes 1 --turns 900", "turn detection adds 0.8 s of silence to each of 900 turns, 720 s in all"),
        (
            "--provider azure --model gpt-realtime-2.1 --retention-ratio 0.5",
            "azure accepts a truncation setting for gpt-realtime-2.1",
        ),
        ("--reasoning-tokens 50", "gpt-realtime-1.5 is not known as a reasoning model"),
        ("--provider azure --region uksouth", "does not list uksouth for gpt-realtime-1.5"),
        (
            "--provider azure --model gpt-realtime-2.1 --region swedencentral",
            "does not publish the regions of gpt-realtime-2.1: it may not be",
        ),
        ("--provider azure --region canadacentral", "azure lists no price of gpt-realtime-1.5 in canadacentral"),
    ],
)
def test_what_should_make_one_hesitate_is_said(words: str, message: str) -> None:
    options = words.split()
    length_options = [] if "--minutes" in words else ["--minutes", "10", "--turns", "20"]
    result = run("estimate", *length_options, *options, *ON, "--json")
    assert result.exit_code == 0, result.output
    warnings = json.loads(result.stdout)["warnings"]
    assert any(message in warning for warning in warnings), warnings


def test_a_wholly_written_conversation_has_no_audio() -> None:
    document = answer("estimate", "--minutes", "10", "--turns", "20", "--text-turns", "20", *ON)
    assert {line["meter"] for line in document["lines"]} == {"text_in", "text_in_cached", "text_out"}


def test_offers_are_compared_with_remarks_and_the_original_calculator_beside() -> None:
    words = ("compare", "--minutes", "10", "--turns", "20", *ON)
    document = answer(*words, "--model", "gpt-realtime-1.5", "--conversations", "1000/day", "--calculator")
    assert document["offers"].pop(0)["offer"]["id"] == "azure-voice-live/gpt-realtime-1.5"
    assert [offer["offer"]["id"] for offer in document["offers"]] == [
        "azure/gpt-realtime-1.5-2026-02-23",
        "openai/gpt-realtime-1.5",
        "azure/gpt-realtime-1.5-2026-02-23/data-zone",
    ]
    assert [offer["ratio_to_cheapest"] for offer in document["offers"]][::2] == ["1", "1.1"]  # per month
    months = [Decimal(offer["per_month"]["expected"]) for offer in document["offers"]]
    assert Decimal(document["offers"][1]["ratio_to_cheapest"]) == round(months[1] / months[0], 4) > 1  # its sessions are longer
    assert document["offers"][2]["availability_unconfirmed"]
    assert document["calculator"]["voicebill"] == document["offers"][0]["per_conversation"]["expected"]
    shown = run(*words, "--provider", "azure", "--calculator").stdout
    assert "These end within 90 days" in shown
    assert "Not possible for this plan" in shown
    assert "web calculator of June 2026" in shown
    assert max(len(line.rstrip()) for line in shown.splitlines()) <= 80
    assert "--deployment: must be one of global, data-zone, regional, not 'orbit'" in refusal(*words, "--deployment", "orbit")
    assert "there is no offer to compare: no selected realtime model has" in refusal(
        *words, "--provider", "OpenAI", "--deployment", "regional"
    )
    assert "unknown provider 'azur'; the nearest is azure" in refusal(*words, "--provider", "azur")
    assert "unknown model 'gpt-realtme'; the nearest are gpt-realtime" in refusal(*words, "--model", "gpt-realtme")


def test_months_are_taken_over_all_lengths(tmp_path: Path) -> None:
    words = ("estimate", "--minutes", "10", "--turns", "20", "--conversations", "1000/month", *ON)
    equal_lengths, default_spread = answer(*words, "--call-length-cv", "0"), answer(*words)
    assert float(equal_lengths["per_month"]["expected"]) == pytest.approx(
        1000 * float(equal_lengths["per_conversation"]["expected"])
    )
    assert float(equal_lengths["call_mix"]["length_uplift"]) == 0
    assert any("a coefficient of variation of 0.8" in message for message in default_spread["assumptions"])
    assert float(default_spread["per_month"]["expected"]) == pytest.approx(
        1000 * float(default_spread["call_mix"]["mean"]["expected"])
    )
    assert default_spread["call_mix"]["call_length_cv"] == "0.8"
    assert default_spread["per_conversation"] == equal_lengths["per_conversation"]
    file = tmp_path / "lengths.csv"
    file.write_text("minutes,calls\n5,3\n20 min,1\n", encoding="utf-8")
    own_lengths = answer(*words, "--call-lengths", str(file))
    assert [percentile["minutes"] for percentile in own_lengths["call_mix"]["percentiles"]] == [5.0, 5.0, 20.0]
    assert own_lengths["call_mix"]["mean_minutes"] == 8.75
    assert "Calls of different lengths (as counted)" in run(*words, "--call-lengths", str(file)).stdout
    for content, message in (
        ("seconds,calls\n180,3\n", "line 1: 'seconds' is not a duration"),
        ("minutes,calls\n5,1,000\n", "line 2: a line holds minutes and how many calls"),
        ("5;3\n", "line 1: a line holds minutes and how many calls, with a comma between them"),
        ("5,3\n0,2\n", "line 2: call_lengths must be calls of more than 0 and at most 1,440 minutes, not 0"),
        ("nan,2\n", "line 1: 'nan' is not a duration"),
    ):
        file.write_text(content, encoding="utf-8")
        assert message in refusal(*words, "--call-lengths", str(file))
    file.write_text("5\nlong\n", encoding="utf-8")
    assert f"{file.name}, line 2: 'long' is not a duration" in refusal(*words, "--call-lengths", str(file))
    file.write_text("5,3\n", encoding="utf-8")
    assert "--call-length-cv cannot be combined with --call-lengths: give one" in refusal(
        *words, "--call-lengths", str(file), "--call-length-cv", "1"
    )
    assert "--call-length-cv must be between 0 and 5, not 9" in refusal(*words, "--call-length-cv", "9")


def test_levers_are_shown_and_in_the_json() -> None:
    words = ("estimate", "--minutes", "10", "--turns", "20", "--sensitivity", *ON)
    document = answer(*words)
    assert {parameter["name"] for parameter in document["sensitivity"]} >= {
        "prefix_reuse",
        "turns",
        "speech",
        "prompt",
        "spread",
        "truncation",
    }
    assert all(float(recommendation["savings"]) > 0 for recommendation in document["recommendations"])
    shown = run(*words).stdout
    assert "Sensitivity" in shown
    assert "halve the prompt" in shown
    assert max(len(line.rstrip()) for line in shown.splitlines()) <= 80
