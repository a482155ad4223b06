"""Every figure of provisioned throughput that was collected is carried."""

from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.cases import DAY, case_file
from voicebill.facts import load
from voicebill.facts.files import FaultyFile

COLLECTED = case_file("collected_provisioned.toml")
BOOK = load().provisioned


@pytest.mark.parametrize("row", COLLECTED["models"], ids=lambda row: row["model"])
def test_a_model_has_the_collected_figures(row: dict[str, Any]) -> None:
    found = BOOK.throughput(row["model"], DAY)
    assert [found.input_tpm_per_ptu, found.output_ratio] == row["throughput"]
    assert [found.shared.minimum, found.shared.increment] == row["shared"]
    regional = None if found.regional is None else [found.regional.minimum, found.regional.increment]
    assert regional == row.get("regional")
    assert "provisioned-throughput-sizing.md" in found.source


def test_no_model_was_invented() -> None:
    assert list(BOOK.models) == [row["model"] for row in COLLECTED["models"]]


@pytest.mark.parametrize("row", COLLECTED["hours"], ids=lambda row: " ".join(map(str, row.values())))
def test_an_hour_has_the_collected_price(row: dict[str, Any]) -> None:
    found = BOOK.hourly(row["deployment"], row.get("region"), DAY)
    assert found.dollars == row["usd"]
    assert "Azure Retail Prices API" in found.source


def test_as_many_regions_have_each_price() -> None:
    counted: dict[str, Counter[str]] = {}
    for row in BOOK.hours:
        if row.regions:
            counted.setdefault(row.deployment, Counter())[f"{row.dollars.normalize():f}"] += len(set(row.regions))
    assert counted == COLLECTED["regions"]


def test_a_term_has_the_collected_price_and_its_doubt() -> None:
    found = {str(months): BOOK.reserved(months, DAY) for months in (1, 12)}
    assert {months: row.dollars for months, row in found.items() if row} == COLLECTED["reservations"]
    assert all(row and "was not found" in row.note for row in found.values())
    assert len(BOOK.reservations) == 2


OWN = """
checked = 2026-11-01
sources = ["our contract"]

[[provisioned_hours]]
deployment = "data-zone"
since = "2026-11-01"
usd = 0.9

[[provisioned_models]]
model = "gpt-6-sol"
since = "2026-11-01"
input_tpm_per_ptu = 5000
output_ratio = 5
shared = { minimum = 15, increment = 5 }
"""


def test_a_file_of_ones_own_comes_before_ours(tmp_path: Path) -> None:
    """A negotiated hour for data-zone units anywhere, and a model that our table does not have."""
    file = tmp_path / "contract.toml"
    file.write_text(OWN, encoding="utf-8")
    book = load(file).provisioned
    assert book.hourly("data-zone", "japaneast", DAY).dollars == book.hourly("data-zone", None, DAY).dollars == Decimal("0.9")
    assert book.hourly("global", None, DAY).dollars == 1
    assert book.throughput("GPT-6-Sol", DAY).input_tpm_per_ptu == 5000
    assert book.digest != BOOK.digest


def test_a_faulty_file_names_every_fault_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "contract.toml"
    wrong = OWN.replace("usd = 0.9", "usd = -1").replace("increment = 5", "step = 5").replace("5000", "0")
    file.write_text(wrong, encoding="utf-8")
    with pytest.raises(FaultyFile) as caught:
        load(file)
    said = str(caught.value)
    assert "line 8: usd: cannot be negative: -1" in said
    assert "line 13: input_tpm_per_ptu: must be more than 0" in said
    assert "line 15: shared: must be written { minimum = 15, increment = 5 }" in said
