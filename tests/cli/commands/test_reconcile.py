"""The command `reconcile`: its answer for people, and its exit code beyond a tolerance."""

from pathlib import Path

import pytest

from tests.bills import LOG, vendor_bill
from tests.cli.invoke import refusal, run


@pytest.fixture
def bill(tmp_path: Path) -> Path:
    """A bill with audio out at 10% less and a tax: 13.16% more than was recorded."""
    file = tmp_path / "bill.csv"
    file.write_bytes(vendor_bill())
    return file


def test_a_bill_is_told_from_a_log_whatever_their_order(bill: Path) -> None:
    first, second = run("reconcile", str(bill), str(LOG)), run("reconcile", str(LOG), str(bill))
    assert first.stdout == second.stdout
    assert "of 2026-11-20 is $0.388 for $0.343 recorded: $0.0452 more (+13.16%)" in " ".join(first.stdout.split())


@pytest.mark.parametrize(("tolerance", "code"), [("14%", 0), ("13%", 1)])
def test_a_tolerance_makes_it_a_check(bill: Path, tolerance: str, code: int) -> None:
    result = run("reconcile", str(LOG), str(bill), "--tolerance", tolerance)
    assert result.exit_code == code
    sentence = "the totals differ by $0.0452 (+13.16%), more than 13%; the largest differences: tax $0.0600; "
    assert (sentence + "a price that changed -$0.0148" in " ".join(result.stderr.split())) == bool(code)


def test_without_a_bill_it_asks_for_one() -> None:
    assert "no bill is named" in refusal("reconcile")
    assert "no bill is among the files" in refusal("reconcile", str(LOG))


def test_days_that_do_not_fit_are_refused_or_said(bill: Path, tmp_path: Path) -> None:
    """`--until` is after `--since`; a bill of days on which nothing was recorded says so."""
    assert "must be after" in refusal("reconcile", str(LOG), str(bill), "--since", "2026-11-20", "--until", "2026-11-20")
    other = tmp_path / "other.csv"
    other.write_bytes(bill.read_bytes().replace(b"2026-11-2", b"2026-10-2"))
    words = " ".join(run("reconcile", str(LOG), str(other)).stdout.split())
    assert "nothing was recorded on the days of the bill, from 2026-10-20 to 2026-10-20" in words
