"""`voicebill capacity` as people use it: what it prints, and what it says to wrong input."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from voicebill.cli.app import app

PLAN = ("capacity", "--minutes", "6", "--turns", "20", "--day", "2026-11-22")
AZURE = ("--provider", "azure", "--model", "gpt-realtime", "--call-length-cv", "0")


def run(*words: str) -> Result:
    return CliRunner().invoke(app, [*PLAN, *words])


def test_calls_at_once_limits_and_deployments_are_told() -> None:
    result = run(*AZURE, "--conversations", "30000/month")
    assert result.exit_code == 0, result.output
    output = " ".join(result.stdout.split())
    assert "30,000/month on 22 days a month, 17% of a day in its busiest hour: 231.8 calls" in output
    assert "room for at most 1% blocked 34 0.76% are blocked" in output
    assert "One deployment allows 9 concurrent calls; the binding limit is tokens" in output
    assert "takes 4 deployments if calls are routed to wherever capacity is free (pooled), 7 without pooling" in output


def test_without_quotas_the_calls_are_told_and_what_is_missing() -> None:
    output = " ".join(run("--calls-per-hour", "200").stdout.split())
    assert "not known" in output
    assert "no quota of gpt-realtime-1.5 at openai is published for 2026-11-22; set your own" in output
    assert "carries" not in output.partition("Warnings")[0].replace("quota carries", "")


def test_a_quota_that_is_too_small_for_one_call_is_said_so() -> None:
    output = " ".join(run("--calls-per-hour", "200", "--quota-tokens", "4k").stdout.split())
    assert "allows 0 concurrent calls" in output
    assert "a single call needs more tokens per minute than the quota allows" in output
    assert "it takes" not in output


def test_json_has_the_same_figures() -> None:
    result = run(*AZURE, "--conversations", "30000/month", "--tier", "6", "--json")
    document = json.loads(result.stdout)
    assert (document["erlang_b"]["channels"], document["quota_requirement"]["calls_at_once"], document["quota"]["tier"]) == (
        34,
        15,
        "tier-6",
    )


def test_a_saved_plan_names_model_volume_and_day(tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    plan_lines = ("minutes = 6", "turns = 20", 'provider = "azure"', 'model = "gpt-realtime"', "call_length_cv = 0")
    file.write_text("\n".join((*plan_lines, 'conversations = "30000/month"')), encoding="utf-8")
    result = CliRunner().invoke(app, ["capacity", "--plan", str(file), "--day", "2026-11-22", "--json"])
    assert json.loads(result.stdout)["quota_requirement"]["pooled"] == 4


def test_a_long_call_is_shown_in_part() -> None:
    result = CliRunner().invoke(app, ["capacity", "--minutes", "30", "--turns", "90", "--calls-per-hour", "20"])
    minutes = result.stdout.partition("minute by minute")[2].partition("heaviest")[0]
    assert "..." in minutes
    assert len(minutes.strip().splitlines()) == 2 + 10


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "--conversations is missing: how many calls are there?"),
        (("--calls-per-hour", "-5"), "--calls-per-hour cannot be negative: -5"),
        (("--calls-per-hour", "0"), "--calls-per-hour must be more than 0"),
        (("--calls-per-hour", "lots"), "--calls-per-hour: 'lots' is not a number"),
        (
            ("--conversations", "1000/day", "--blocking-probability", "120%"),
            "--blocking-probability: '120%' is more than 100%: write a share as 45%, 45 or 0.45",
        ),
        (("--conversations", "1000/day", "--blocking-probability", "0"), "--blocking-probability must be more than 0"),
        (("--conversations", "1000/day", "--busy-hour-share", "150%"), "--busy-hour-share: '150%' is more than 100%"),
        (("--conversations", "1000/day", "--days", "40"), "--days must be more than 0 and at most 31, not 40"),
        (
            ("--conversations", "1000/hour"),
            "--conversations (1,000/hour) has no busy hour: give --calls-per-hour, or a volume per day",
        ),
        (("--conversations", "1000/fortnight"), "unknown period 'fortnight'"),
        (
            ("--conversations", "1000/day", "--model", "gpt-realtme"),
            "unknown model 'gpt-realtme'; the nearest are gpt-realtime",
        ),
        (("--conversations", "1000/day", "--service-level", "80/20"), "--service-level: '80/20' is not a share and a time"),
        (("--conversations", "1000/day", "--service-level", "100% in 20s"), "must be less than 100%"),
        (("--conversations", "1000/day", "--quota-tokens", "many"), "--quota-tokens: 'many' is not a number"),
        (("--conversations", "1000/day", "--quota-tokens", "0"), "--quota-tokens must be between 1"),
        (("--conversations", "1000/day", "--cached-tokens", "maybe"), "--cached-tokens must be one of counted, free"),
        (("--conversations", "1000/day", "--request-unit", "call"), "--request-unit must be one of response, session"),
        (
            ("--calls-per-hour", "9", "--days", "5"),
            "--calls-per-hour is the busy hour already: leave out --busy-hour-share and --days",
        ),
        (("--conversations", "1000/day", *AZURE, "--tier", "9"), "unknown quota tier 'tier-9'"),
        (
            ("--conversations", "1000000000000/day"),
            "--conversations must be fewer: 1.695e+10 concurrent calls are more than 10,000,000",
        ),
    ],
)
def test_wrong_input_is_said_in_one_sentence(words: tuple[str, ...], message: str) -> None:
    result = run(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in " ".join(result.stderr.split())
    assert "Traceback" not in result.output


def test_lengths_of_ones_own_calls_say_how_long_they_last(tmp_path: Path) -> None:
    """Ten calls of 4 minutes and ten of 8 are 6 on average: 90 an hour are 9 erlangs."""
    file = tmp_path / "lengths.csv"
    file.write_text("minutes,calls\n4,10\n8,10\n")
    document = json.loads(run(*AZURE[:-2], "--calls-per-hour", "90", "--call-lengths", str(file), "--json").stdout)
    assert (document["busy_hour"]["erlangs"], document["average_call"]["call_length_cv"]) == (9, None)
    assert document["average_call"]["tokens"] > document["planned_call"]["tokens"]


def test_how_a_limit_counts_changes_what_it_carries() -> None:
    cached_counted, cached_free = (
        json.loads(run(*AZURE, "--calls-per-hour", "200", "--cached-tokens", setting, "--json").stdout)["quota_requirement"][
            "calls_at_once"
        ]
        for setting in ("counted", "free")
    )
    assert cached_counted < cached_free
