"""`voicebill cost --format focus` and `--statement`: files for FinOps tools and for customers, and wrong options."""

import csv
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet
import pytest

from tests.cli.invoke import answer, refusal, run
from voicebill.answers.invoices.focus import focus_columns

ROOT = Path(__file__).parents[3]
LOG = str(ROOT / "docs" / "examples" / "support-day.jsonl")
PART = "lacks 4 quantities without a price, of 1 record: its total is a part of the cost"


def read_csv(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_the_format_focus_is_the_newest_version(tmp_path: Path) -> None:
    """`--format focus` writes 1.3, as `--focus-version 1.3` does; the log's own format is detected."""
    for name, *words in (("one", "--format", "focus"), ("other", "--focus-version", "1.3")):
        run("cost", LOG, *words, "--out", str(tmp_path / f"{name}.csv"))
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "other.csv").read_bytes()


def test_the_billed_cost_is_the_cost_of_the_report_and_what_is_left_out_is_said(tmp_path: Path) -> None:
    file = tmp_path / "focus.csv"
    result = run("cost", LOG, "--focus-version", "1.3", "--out", str(file))
    assert result.exit_code == 0
    assert f"focus.csv {PART}" in result.stderr
    rows = read_csv(file)
    total = answer("cost", LOG)["total"]["low"]
    assert sum(Decimal(row["BilledCost"]) for row in rows) == Decimal(total)
    assert {row["SubAccountId"] for row in rows} == {"acme", "globex", "initech"}


def test_parquet_has_decimals_and_times_and_the_same_rows_from_both_engines(tmp_path: Path) -> None:
    files = [tmp_path / f"{engine}.parquet" for engine in ("duckdb", "python")]
    for file in files:
        run("cost", LOG, "--focus-version", "1.2", "--out", str(file), "--engine", file.stem, "--by", "session")
    first, other = map(pyarrow.parquet.read_table, files)
    assert first.equals(other)
    assert str(first.schema.field("BilledCost").type) == "decimal128(38, 12)"
    assert str(first.schema.field("ChargePeriodStart").type) == "timestamp[us, tz=UTC]"
    assert not first.schema.field("BilledCost").nullable
    assert len(set(first["Tags"].to_pylist())) == 6


def test_a_markup_of_one_tenant_divides_the_rows_by_tenant(tmp_path: Path) -> None:
    """Grouped by project only, the tenant is added, because it says what is charged; Acme's rows cost 25% more."""
    file = tmp_path / "focus.csv"
    words = ("cost", LOG, "--focus-version", "1.0", "--out", str(file), "--by", "project", "--issuer", "Voice & Co")
    result = run(*words, "--markup", "acme=25%", "--markup", "nobody=1%")
    assert "focus.csv has no charge of nobody, whose markup is given" in result.stderr
    for row in read_csv(file):
        factor = Decimal("1.25") if row["SubAccountId"] == "acme" else 1
        assert Decimal(row["BilledCost"]) == Decimal(row["ListCost"]) * factor
        assert row["InvoiceIssuerName"] == "Voice & Co"


def test_the_docs_show_a_statement_as_it_is_and_name_every_column(tmp_path: Path) -> None:
    pages = "\n".join(page.read_text(encoding="utf-8") for page in sorted((ROOT / "docs").glob("*.md")))
    file = tmp_path / "initech.md"
    run("cost", LOG, "--where", "tenant = initech", "--statement", str(file), "--markup", "20%", "--issuer", "Voice & Co")
    assert f"```markdown\n{file.read_text(encoding='utf-8').strip()}\n```" in pages
    assert all(f"`{column.name}`" in pages for column in focus_columns("1.3"))


@pytest.mark.parametrize("suffix", [".md", ".html", ".csv"])
def test_a_statement_for_one_tenant(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"acme{suffix}"
    result = run("cost", LOG, "--where", "tenant = acme", "--statement", str(file), "--markup", "20%", "--show-markup")
    assert (result.exit_code, result.stderr) == (0, "")
    text = file.read_text(encoding="utf-8")
    assert "acme" in text
    assert "globex" not in text
    assert "service fee" in text.lower()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--focus-version", "1.1", "--out", "x.csv"), "unknown version of FOCUS '1.1'; the nearest is 1.3"),
        (("--focus-version", "1.3"), "a FOCUS file needs --out FILE, a .csv or .parquet file"),
        (("--focus-version", "1.3", "--out", "x.json"), "a FOCUS file needs --out FILE, a .csv or .parquet file"),
        (("--markup", "20%"), "--markup needs --format focus or --statement"),
        (("--issuer", "us"), "--issuer needs --format focus or --statement"),
        (("--statement", "x.pdf"), "--statement writes .md, .csv or .html, by the file's name, not x.pdf"),
        (("--statement", "x.md", "--show-markup"), "--show-markup needs --statement and --markup"),
        (("--statement", "x.md", "--markup", "acme=b"), "'b' is not a share"),
        (("--statement", "x.md", "--markup", "101%"), "write 20%, or acme=25% for one tenant"),
        (("--statement", "x.md", "--markup", "1%", "--markup", "2%"), "2% is the second markup of all tenants"),
        (("--statement", "x.md", "--markup", "a=1%", "--markup", "a=2%"), "a=2% is the second markup of a"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_read(words: tuple[str, ...], message: str) -> None:
    assert message in refusal("cost", "no such log", *words)
