"""`estimate --out` and `compare --out`: the same document in three formats, and what cannot be written."""

import csv
import re
from pathlib import Path

import pytest

from tests.cli.invoke import answer, run

CALL = ("--minutes", "6", "--turns", "20", "--conversations", "250/day", "--day", "2026-11-22")
OFFER = ("--provider", "azure", "--deployment", "data-zone", "--region", "eastus2", "--model", "gpt-realtime")


def read(command: str, file: Path, *words: str) -> str:
    result = run(command, *CALL, *words, "--out", str(file))
    assert result.exit_code == 0, result.output
    return file.read_text(encoding="utf-8")


@pytest.mark.parametrize("ending", [".md", ".csv", ".html", ".HTML"])
def test_an_estimate_is_written_by_the_ending_of_the_file(ending: str, tmp_path: Path) -> None:
    text = read("estimate", tmp_path / f"quote{ending}", *OFFER)
    assert text.startswith({".md": "# Cost estimate\n", ".csv": "section,item,"}.get(ending, "<!doctype html>\n"))
    assert "data-zone" in text
    assert re.search(r"250 conversations a day|,250,day,", text)


def test_the_files_have_the_amounts_of_the_json(tmp_path: Path) -> None:
    month = answer("estimate", *CALL, *OFFER)["total_with_connection"]["per_month"]
    rows = csv.DictReader(read("estimate", tmp_path / "quote.csv", *OFFER).splitlines())
    assert [{name: row[name] for name in month} for row in rows if row["item"] == "per_month"] == [month]
    text = read("estimate", tmp_path / "quote.html", *OFFER)
    assert all(f'<data value="{amount}">' in text for amount in month.values())
    exact = read("estimate", tmp_path / "quote.md", *OFFER, "--exact").replace(",", "")
    assert all(f"${amount}" in exact for amount in month.values())


def test_a_comparison_is_written_as_html_with_the_months_of_every_row(tmp_path: Path) -> None:
    words = ("--provider", "openai", "--stack", "cheapest", "--break-even", "none")
    text = read("compare", tmp_path / "offers.html", *words)
    for row in answer("compare", *CALL, *words)["alternatives"]:
        assert all(f'<data value="{amount}">' in text for amount in row["total_with_connection"]["per_month"].values())


@pytest.mark.parametrize("command", ["estimate", "compare"])
@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("quote.pdf", "--out writes .md, .csv or .html, by the file's name, not quote.pdf"),
        ("quote", "--out writes .md, .csv or .html, by the file's name, not quote"),
        ("nowhere/quote.html", "nowhere/quote.html cannot be written: No such file or directory"),
    ],
)
def test_what_cannot_be_written_is_refused_in_one_sentence(
    command: str, file: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(command, *CALL, "--model", "gpt-realtime-1.5", "--out", file)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in " ".join(result.stderr.split())
    assert not list(tmp_path.iterdir())
