"""`voicebill verify` as people and scripts use it: its sums, its exit codes, and what it refuses."""

import csv
from decimal import Decimal
from pathlib import Path

from tests.cli.invoke import answer, refusal, run

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
LOG = str(EXAMPLES / "litellm-spend.jsonl")
CODES = [[["zero"]], [["cached-as-uncached"]], [["no-price"]], [["other-terms"]], [["agrees"]]]


def test_the_differences_by_cause_add_up() -> None:
    """Lines 3 to 5 take no discount for the cache, 6 and 7 are of a data zone of Azure, 8 is at $0, and 9 has no price."""
    verification = answer("verify", LOG)
    assert [cause["codes"] for cause in verification["causes"]] == CODES
    assert [cause["amounts"] for cause in verification["causes"]] == [1, 3, 1, 2, 2]
    differences = [Decimal(cause["difference_dollars"]) for cause in verification["causes"]]
    assert sum(differences) == Decimal(verification["difference_dollars"])
    assert Decimal(verification["reported_dollars"]) - Decimal(verification["dollars"]) == sum(differences)
    assert verification["tools"][0]["tool"] == "litellm"
    assert verification["dollars"] == answer("cost", LOG, "--where", "model != our-own-voice-model")["total"]["dollars"]


def test_more_than_the_tolerance_is_exit_code_1_with_the_three_largest_differences() -> None:
    """The totals differ by 1.64%."""
    assert run("verify", LOG, "--tolerance", "2%").exit_code == 0
    result = run("verify", LOG, "--tolerance", "1%")
    assert result.exit_code == 1
    assert result.stderr.startswith("the totals differ by -$0.00595 (-1.64%), more than 1%; the largest differences: ")
    assert [f"litellm-spend.jsonl:{line} " in result.stderr for line in (8, 5, 4, 3)] == [True, True, True, False]
    assert result.stdout == run("verify", LOG).stdout


def test_files_have_the_sums_by_cause(tmp_path: Path) -> None:
    file = tmp_path / "verified.csv"
    run("verify", LOG, "--out", str(file))
    rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    assert [row["cause"] for row in rows][:2] == ["$0, and there is a price", "cached tokens at the uncached rate"]
    for name in ("verified.md", "verified.html"):
        assert run("verify", LOG, "--out", str(tmp_path / name)).exit_code == 0
        assert "cached tokens at the uncached rate" in (tmp_path / name).read_text(encoding="utf-8")


def test_a_filter_selects_records() -> None:
    verification = answer("verify", LOG, "--where", "model = gpt-realtime-2.1")
    assert [cause["codes"] for cause in verification["causes"]] == [[["zero"]]]
    assert answer("verify", LOG, "--until", "2026-11-17")["amounts"] == 4


def test_own_prices_give_a_price_to_what_has_none() -> None:
    verification = answer("verify", LOG, "--alias", "our-own-voice-model=gpt-realtime-mini")
    assert [["no-price"]] not in [cause["codes"] for cause in verification["causes"]]


def test_a_refusal_says_which_logs_have_amounts(tmp_path: Path) -> None:
    text = refusal("verify", str(EXAMPLES / "support-day.jsonl"))
    assert "litellm, langfuse, langsmith, otel, datadog, vapi, retell" in text
    assert "has no amounts of other tools" in refusal("verify", "--ledger", str(tmp_path))
    assert "cannot select by meter" in refusal("verify", LOG, "--where", "meter = audio_in")
    assert ".md, .csv or .html" in refusal("verify", LOG, "--out", "verified.pdf")
