"""Bills are recognised, usage logs are not taken for bills, and what is no bill is refused with a sentence."""

import contextlib
import json
import random
import zipfile
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.logs.bills.reading import charges_of, table
from tests.logs.bills.samples import COST_ROW, EA, MICROSOFT, completions, cost_page, cost_result, usage_page
from tests.logs.format_samples import SAMPLES
from tests.logs.reading import read_records
from voicebill.billing.errors import InvalidInput
from voicebill.facts.files import UnreadableFile
from voicebill.logs.bills.bill_report import BillReport, UnreadableBill
from voicebill.logs.bills.read_bills import bill_format, read_bills
from voicebill.logs.report import InvalidLog, ReadReport

BILLS_BY_FORMAT = {
    "azure-costs": table(EA),
    "focus": table(MICROSOFT),
    "openai-costs": table(COST_ROW),
    "openai-usage": json.dumps(usage_page(completions())),
}
LOG = json.dumps({"type": "response.done", "response": {"id": "r", "usage": {"input_tokens": 5, "output_tokens": 0}}}) + "\n"


@pytest.mark.parametrize(("name", "content"), BILLS_BY_FORMAT.items())
def test_a_bill_is_recognised_and_is_a_log_only_if_it_is_openais_usage(name: str, content: str) -> None:
    assert bill_format(content.encode().splitlines(keepends=True)) == name
    if name == "openai-usage":
        assert len(read_records(content)[0]) == 1
    else:
        with pytest.raises(InvalidInput, match="an invoice: it is not a usage log"):
            read_records(content)


def test_every_format_is_read_beside_the_others(tmp_path: Path) -> None:
    """Charges come format by format; each says its file and line."""
    for name, content in BILLS_BY_FORMAT.items():
        (tmp_path / f"{name}.{'csv' if content[0] != '{' else 'json'}").write_text(content)
    report = BillReport()
    charges = list(read_bills(tmp_path, report=report))
    assert {Path(file).stem: name for file, name in report.formats.items()} == {name: name for name in BILLS_BY_FORMAT}
    assert (report.rows, report.charges, len(charges)) == (4, 9, 9)
    assert {(Path(charge.source).stem, charge.line_number) for charge in charges} == {
        ("azure-costs", 2),
        ("focus", 2),
        ("openai-costs", 2),
        ("openai-usage", 1),
    }


def test_parquet_in_memory_is_recognised_as_a_file_is() -> None:
    """As it is when it was uploaded: as a log it is refused by name."""
    content = BytesIO()
    pq.write_table(pa.table({name: [str(value)] for name, value in EA.items()}), content)
    charges, report = charges_of(content.getvalue())
    assert (charges[0].quantity, report.formats) == (Fraction("47.6"), {"bill 1": "azure-costs"})
    with pytest.raises(InvalidInput, match="an Azure cost export, an invoice"):
        read_records(content.getvalue())


def test_what_is_damaged_is_an_error_or_a_refusal_and_never_anything_else() -> None:
    """Bytes are exchanged, left out and doubled at random: charges are still read or the bill is refused, with a sentence."""
    generator = random.Random(7)
    contents = [(content * 3).encode() for content in BILLS_BY_FORMAT.values()]
    for _ in range(400):
        damaged = bytearray(generator.choice(contents))
        for _ in range(generator.randint(1, 6)):
            place = generator.randrange(len(damaged))
            damaged[place : place + generator.randint(0, 3)] = generator.choice(
                [b"", b'"', b",", b"\0", b"}", b"9e9", b"\xff", b"\n"]
            )
        with contextlib.suppress(UnreadableBill):
            charges_of(bytes(damaged))


def test_a_file_that_is_named_and_is_no_bill_is_refused(tmp_path: Path) -> None:
    (tmp_path / "calls.jsonl").write_text(LOG)
    (tmp_path / "bill.csv").write_text(table(EA))
    with pytest.raises(UnreadableBill, match=r"calls.jsonl is not a bill: bills are cost exports of Azure, FOCUS exports, and"):
        list(read_bills(tmp_path / "bill.csv", tmp_path / "calls.jsonl"))
    with pytest.raises(UnreadableFile, match="there is no file"):
        list(read_bills(tmp_path / "bills.csv"))


def test_other_files_in_a_folder_are_errors_and_its_bills_are_read(tmp_path: Path) -> None:
    """Azure puts a manifest beside its exports."""
    (tmp_path / "_manifest.json").write_text('{"manifestVersion": "2024-04-01", "blobs": [{"blobName": "bill.csv"}]}')
    (tmp_path / "bill.csv").write_text(table(EA))
    report = BillReport()
    assert len(list(read_bills(tmp_path, report=report))) == 1
    (error,) = report.errors
    assert (Path(error.source).name, error.reason[:20]) == ("_manifest.json", "it is not a bill: bi")
    with pytest.raises(InvalidLog, match=r"_manifest.json: it is not a bill"):
        list(read_bills(tmp_path, report=BillReport(reading=ReadReport(strict=True))))


def test_an_archive_an_empty_file_and_another_encoding_are_refused_by_name() -> None:
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("bill.csv", table(EA))
    for content, reason in (
        (archive.getvalue(), "a zip archive or a workbook, not a bill: unpack it, or save it as CSV"),
        (b"", "empty, not a bill"),
        (table(EA).encode("utf-16"), "UTF-16, not UTF-8: convert the file"),
    ):
        with pytest.raises(UnreadableBill, match=f"^bill 1 is {reason}"):
            charges_of(content)


def test_costs_deep_in_an_indented_page_are_not_taken_for_usage() -> None:
    """The first 90 days are empty: 400 lines do not reach the first cost."""
    page = cost_page(cost_result())
    page["data"] = [{**page["data"][0], "start_time": 1_780_000_000 + day} for day in range(90)] + page["data"]
    _, report = charges_of(json.dumps(page, indent=2))
    assert report.formats == {"bill 1": "openai-costs"}


def test_a_bill_that_is_repeated_twice_gives_its_charges_once() -> None:
    """The two files are one bill; nothing is said of two states."""
    charges, report = charges_of(table(EA), table(EA))
    assert (len(charges), report.repeated, dict(report.remarks)) == (1, 1, {})


@pytest.mark.parametrize("name", [name for name in SAMPLES if not name.startswith("openai-usage")])
def test_a_usage_log_is_not_taken_for_a_bill(name: str) -> None:
    assert bill_format(SAMPLES[name](1).encode().splitlines(keepends=True)) is None
