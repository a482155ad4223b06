"""`voicebill fit`: the plan that it writes is one that `voicebill estimate` takes."""

import json
from itertools import islice
from pathlib import Path

import pytest

from tests.calls.call import calls
from tests.calls.logs import raw_lines
from tests.calls.parameters import HiddenParameters
from tests.cli.invoke import answer, refusal, run

PARAMETERS = HiddenParameters(length_cv=0.4)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of a hundred calls."""
    file = tmp_path_factory.mktemp("calls") / "calls.jsonl"
    with file.open("w") as lines:
        lines.writelines(raw_lines(calls(PARAMETERS, 100, 1)))
    return file


def test_the_plan_is_one_that_an_estimate_takes(log: Path, tmp_path: Path) -> None:
    """The command that it names gives the mean of the recorded calls within 5%: all of them are what was fitted."""
    plan = tmp_path / "plan.toml"
    printed = run("fit", str(log), "--out", str(plan))
    assert printed.exit_code == 0, printed.output
    command = " ".join(printed.stdout.split()).partition("run voicebill ")[2].split()
    assert command[:3] == ["estimate", "--plan", str(plan)]
    estimated = answer(*command, "--day", "2026-04-20")
    fitted = answer("fit", str(log))
    recorded = next(float(entry["value"]) for entry in fitted["parameters"] if entry["name"] == "dollars")
    connected = 1 - float(fitted["plan"]["unconnected_share"])
    assert float(estimated["mean_per_conversation"]["expected"]) == pytest.approx(recorded * connected, rel=0.05)
    assert answer("estimate", "--plan", str(plan))["plan"]["turns"] == fitted["plan"]["turns"]


def test_the_json_has_each_parameter_with_its_interval_and_default(log: Path) -> None:
    document = answer("fit", str(log))
    share = next(entry for entry in document["parameters"] if entry["name"] == "user_share")
    assert share["default"] == "40%"
    assert float(share["low"]) < float(share["value"]) < float(share["high"])
    assert document["calls"] == share["calls"]
    assert document["backtest"]["earlier_calls"] + document["backtest"]["later_calls"] == document["calls"]
    assert sum(count for _, count in document["call_lengths"]) == document["calls"]


def test_a_table_can_be_written(log: Path, tmp_path: Path) -> None:
    """A line for each parameter, below the titles."""
    table = tmp_path / "fit.csv"
    assert run("fit", str(log), "--out", str(table)).exit_code == 0
    titles, *rows = table.read_text().splitlines()
    assert titles == "parameter,value,low,high,calls,unit,default,note"
    assert len(rows) == len(answer("fit", str(log))["parameters"])


def test_a_chart_can_be_drawn(log: Path, tmp_path: Path) -> None:
    """It names each parameter that has a default, with it."""
    chart = tmp_path / "fit.svg"
    assert run("fit", str(log), "--save-chart", str(chart)).exit_code == 0
    assert "user speaks (default 40%)" in " ".join(chart.read_text().split())


def test_too_few_calls_are_said_and_write_no_plan(log: Path, tmp_path: Path) -> None:
    """Two calls: the answer is that they are too few; a plan to write is refused, and no file is left."""
    small = tmp_path / "small.jsonl"
    with log.open() as lines:
        sessions: dict[str, None] = {}
        kept = [line for line in lines if len(sessions := sessions | {json.loads(line)["session_id"]: None}) <= 3]
    small.write_text("".join(kept))
    document = answer("fit", str(small))
    assert document["plan"] is None
    assert "30 are needed" in document["warnings"][0]
    assert "30 are needed" in refusal("fit", str(small), "--out", str(tmp_path / "plan.toml"))
    assert list(islice(tmp_path.glob("plan*"), 1)) == []
