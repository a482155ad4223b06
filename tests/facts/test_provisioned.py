"""Test that every collected figure of provisioned throughput is in the facts."""

from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.cases import DAY, case_file
from voicebill.facts import load_facts
from voicebill.facts.files import InvalidFile

COLLECTED = case_file("collected_provisioned.toml")


@pytest.mark.parametrize("row", COLLECTED["models"], ids=lambda row: row["model"])
def test_a_model_has_the_collected_figures(row: dict[str, Any]) -> None:
    throughput = load_facts().provisioned.throughput(row["model"], DAY)
    assert [throughput.input_tpm_per_ptu, throughput.output_ratio] == row["throughput"]
    assert [throughput.shared.minimum, throughput.shared.increment] == row["shared"]
    regional = None if throughput.regional is None else [throughput.regional.minimum, throughput.regional.increment]
    assert regional == row.get("regional")
    assert "provisioned-throughput-sizing.md" in throughput.source


def test_no_model_was_invented() -> None:
    assert list(load_facts().provisioned.models) == [row["model"] for row in COLLECTED["models"]]


@pytest.mark.parametrize("row", COLLECTED["hours"], ids=lambda row: " ".join(map(str, row.values())))
def test_an_hour_has_the_collected_price(row: dict[str, Any]) -> None:
    hourly_price = load_facts().provisioned.hourly_price(row["deployment"], row.get("region"), DAY)
    assert hourly_price.dollars == row["usd"]
    assert "Azure Retail Prices API" in hourly_price.source


def test_each_price_has_the_collected_number_of_regions() -> None:
    regions: dict[str, Counter[str]] = {}
    for row in load_facts().provisioned.hourly_prices:
        if row.regions:
            regions.setdefault(row.deployment, Counter())[f"{row.dollars.normalize():f}"] += len(set(row.regions))
    assert regions == COLLECTED["regions"]


def test_a_term_has_the_collected_price_and_a_note() -> None:
    reservations = {str(months): load_facts().provisioned.reservation(months, DAY) for months in (1, 12)}
    assert {months: row.dollars for months, row in reservations.items() if row} == COLLECTED["reservations"]
    assert all(row and "it is not known whether later regional prices" in row.note for row in reservations.values())
    assert len(load_facts().provisioned.reservations) == 2


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
    book = load_facts(file).provisioned
    assert (
        book.hourly_price("data-zone", "japaneast", DAY).dollars
        == book.hourly_price("data-zone", None, DAY).dollars
        == Decimal("0.9")
    )
    assert book.hourly_price("global", None, DAY).dollars == 1
    assert book.throughput("GPT-6-Sol", DAY).input_tpm_per_ptu == 5000
    assert book.digest != load_facts().provisioned.digest


def test_a_faulty_file_names_every_fault_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "contract.toml"
    wrong = OWN.replace("usd = 0.9", "usd = -1").replace("increment = 5", "step = 5").replace("5000", "0")
    file.write_text(wrong, encoding="utf-8")
    with pytest.raises(InvalidFile) as caught:
        load_facts(file)
    text = str(caught.value)
    assert "line 8: usd: cannot be negative: -1" in text
    assert "line 13: input_tpm_per_ptu: must be more than 0" in text
    assert "line 15: shared: must be written { minimum = 15, increment = 5 }" in text
