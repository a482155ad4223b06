"""A usage log and a vendor's bill, on the page or in the API: compared in memory as on the command line, not stored."""

import csv
import gzip
import html
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.bills import LOG, own_bill, vendor_bill
from tests.cli.invoke import answer
from tests.web.sites import SITE, client, read_report
from voicebill.answers.reports.reconciliation import ReconciliationReport
from voicebill.answers.reports.verification import VerificationReport
from voicebill.logs.report import EMPTY_LOG
from voicebill.web.site import Limits
from voicebill.web.uploaded_bills import NO_BILL

LOG_FILE = ("log", ("support-day.jsonl", LOG.read_bytes()))
COSTED = LOG.with_name("litellm-spend.jsonl")


def bill_file(field: str = "bill") -> tuple[str, tuple[str, bytes]]:
    """The bill as a file of a form."""
    return field, ("bill.csv", vendor_bill())


def errors_of(response: Any) -> list[tuple[str | None, str]]:
    """The fields at fault with their texts."""
    return [(error["field"], error["detail"]) for error in response.json()["errors"]]


def test_the_api_answers_as_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "support-day.jsonl").write_bytes(LOG.read_bytes())
    (tmp_path / "bill.csv").write_bytes(vendor_bill())
    reply = SITE.post("/api/reconcile", params={"by": "day,model"}, files=[LOG_FILE, bill_file()])
    document = reply.json()
    assert document == answer("reconcile", "support-day.jsonl", "bill.csv", "--by", "day,model")
    assert reply.headers["cache-control"] == "no-store"
    report = read_report(ReconciliationReport, document)
    parts = (report.recorded_dollars, *(cause.dollars for cause in report.causes), report.not_explained_dollars)
    assert sum(map(Decimal, parts)) == Decimal(report.billed) == Decimal("0.38838892")


def test_bills_are_told_from_logs_by_their_content() -> None:
    """Both in one field, compressed or not; what is sent as a bill is one."""
    packed = ("log", ("bill.csv.gz", gzip.compress(vendor_bill(), mtime=0)))
    document = SITE.post("/api/reconcile", files=[packed, LOG_FILE]).json()
    assert [cause["names"] for cause in document["causes"]] == [["tax"], ["price-change"]]
    assert document["bill_rows"] == 22


def test_our_own_focus_export_is_no_different() -> None:
    document = SITE.post("/api/reconcile", files=[LOG_FILE, ("bill", ("focus.csv", own_bill()))]).json()
    assert (document["difference"], document["causes"]) == ("0", [])


def test_other_fields_of_the_form_are_those_of_the_query() -> None:
    """Half a percent are accepted, and the totals differ by 13.16%."""
    document = SITE.post("/api/reconcile", data={"by": "model", "tolerance": "0.5%"}, files=[LOG_FILE, bill_file()]).json()
    assert {line["meter"] for line in document["lines"]} == {None}
    assert document["warnings"][0].startswith("the totals differ by $0.0452 (+13.16%), more than 0.5%")


@pytest.mark.parametrize(
    ("log", "bill", "field", "message"),
    [
        ("log", None, "bill", NO_BILL),
        (None, "bill", "log", EMPTY_LOG),
        ("bill", None, "log", EMPTY_LOG),
        ("log", b"", "bill", NO_BILL),
        ("log", "log", "bill", "the file is not a bill: bills are cost exports of Azure"),
        ("log", b"PK\x03\x04" + b"\0" * 40, "bill", "the file is a zip archive or a workbook"),
        ("log", b"PAR1" + b"\0" * 40, "bill", "is Parquet: the command line reads it"),
        ("log", gzip.compress(b"Date,MeterName" * 9, mtime=0)[:20], "bill", "cannot be decompressed"),
    ],
)
def test_a_file_that_cannot_be_read_is_reported_at_its_field(
    log: str | bytes | None, bill: str | bytes | None, field: str, message: str
) -> None:
    contents = {"log": LOG.read_bytes(), "bill": vendor_bill()}
    sent = {"log": log, "bill": bill}
    files = [
        (name, ("the file", contents[content] if isinstance(content, str) else content))
        for name, content in sent.items()
        if content is not None
    ]
    reply = SITE.post("/api/reconcile", files=files)
    assert reply.status_code == 422
    assert [(name, message in text) for name, text in errors_of(reply)] == [(field, True)]


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        ({"since": "2027-01-01"}, "bill", "the bill has no charges on these days"),
        ({"since": "soon"}, "since", "must be a day such as 2026-11-22"),
        ({"by": "week"}, "by", "must be one of day, account, model, meter"),
        ({"account": "team"}, "account", "must be one of project, tenant, none"),
        ({"exchange_rate": "EUR=dear"}, "exchange_rate", "dear"),
        ({"where": "turn = three"}, "where", "turn is compared with a whole number"),
        ({"model": "m", "top": "3"}, "top", "is none of"),
    ],
)
def test_a_wrong_field_is_reported_in_the_query_and_in_the_form(fields: dict[str, str], field: str, message: str) -> None:
    files = [LOG_FILE, bill_file()]
    for reply in (
        SITE.post("/api/reconcile", params=fields, files=files),
        SITE.post("/api/reconcile", data=fields, files=files),
    ):
        assert reply.status_code == 422
        assert [(name, message in text) for name, text in errors_of(reply)] == [(field, True)]


def test_a_comparison_is_sent_as_a_form() -> None:
    assert SITE.post("/api/reconcile", content=LOG.read_bytes()).status_code == 415


def test_a_bill_is_limited_in_size_and_in_charges() -> None:
    """The log has 58,658 bytes and 56 records; the bill has some 15,000 bytes and 22 charges, of which 60 are possible."""
    site = client(limits=Limits(log_unpacked_bytes=120_000, log_records=60))
    head, *rows = vendor_bill().splitlines(keepends=True)

    def send(copies: int) -> Any:
        content = b"".join(
            [head, *(row.replace(b",acme,acme,", b",acme,%d," % copy) for copy in range(copies) for row in rows)]
        )
        return site.post("/api/reconcile", files=[LOG_FILE, ("bill", ("bill.csv", content))])

    assert send(1).status_code == 200
    many, large = send(3), send(9)
    assert (many.status_code, errors_of(many)) == (
        413,
        [("bill", "has more than 60 charges: the command line reads bills of any size")],
    )
    assert (large.status_code, errors_of(large)) == (
        413,
        [("bill", "has more than 120,000 bytes: the command line reads logs of any size")],
    )


def page_of(**fields: str) -> str:
    """The page with a comparison."""
    return SITE.post("/cost", data={"explain": "bill", **fields}, files=[LOG_FILE, bill_file()]).text


def test_the_page_shows_the_difference_its_causes_and_its_lines() -> None:
    page = page_of()
    assert '<span class="figure">$0.0452</span> <strong>more than recorded</strong> <span>+13.16%</span>' in page
    assert "The bill of 2026-11-20 is $0.388 for $0.343 recorded: $0.0452 more (+13.16%); all of it is explained." in page
    chart = page.partition('<figure class="plot">')[2].partition("</figure>")[0]
    assert [text in chart for text in ("recorded", "tax", "a price that changed", "billed")] == [True] * 4
    bridge = page.partition('<table class="bridge">')[2].partition("</table>")[0]
    assert "audio_out at 10% below our price" in bridge
    assert "gpt-realtime-1.5 · audio out" in page
    assert '<a href="/cost?sample' not in page.partition('id="log-answer"')[2]


@pytest.mark.parametrize(("bill_by", "title"), [("day", "By day"), ("account,model", "By project and model")])
def test_the_lines_are_listed_by_other_fields(bill_by: str, title: str) -> None:
    assert f"<h2>{title}</h2>" in page_of(bill_by=bill_by)


def test_without_a_script_the_button_of_the_form_asks_for_the_comparison() -> None:
    """The hidden field of the view is empty, and the button has its name; the next cost is that of the log alone."""
    page = SITE.get("/cost").text
    assert '<input type="hidden" name="explain" id="f-explain" value="">' in page
    assert '<button type="submit" name="explain" value="bill">Compare with the bill</button>' in page
    both = SITE.post("/cost", data={"explain": ["", "bill"]}, files=[LOG_FILE, bill_file()]).text
    assert "more than recorded" in both
    assert 'id="f-explain" value=""' in both
    cost = SITE.post("/cost", data={"explain": ""}, files=[LOG_FILE, bill_file()]).text
    assert "more than recorded" not in cost


def test_the_sample_log_can_be_compared_with_a_bill() -> None:
    """A form with the sample has no log of its own."""
    files = [("log", ("", b"")), bill_file()]
    page = SITE.post("/cost", data={"sample": "support-day", "explain": "bill"}, files=files, follow_redirects=False)
    assert (page.status_code, "more than recorded" in page.text) == (200, True)
    refused = SITE.get("/cost?sample=support-day&explain=bill")
    assert refused.status_code == 422
    assert NO_BILL in html.unescape(refused.text).partition('id="e-bill">')[2].partition("</p>")[0]


def test_a_comparison_is_downloaded_as_a_table_and_as_json() -> None:
    table, document = (
        SITE.post(f"/cost.{kind}", data={"explain": "bill"}, files=[LOG_FILE, bill_file()]) for kind in ("csv", "json")
    )
    rows = list(csv.DictReader(table.text.splitlines()))
    assert sum(Decimal(row["difference_dollars"]) for row in rows) == Decimal(document.json()["difference"])


def test_a_wrong_choice_of_the_page_is_shown_at_its_field() -> None:
    refused = SITE.post("/cost", data={"explain": "bill", "bill_by": "week"}, files=[LOG_FILE, bill_file()])
    assert "must be one of day" in refused.text.partition('id="e-bill_by">')[2].partition("</p>")[0]


def test_the_api_verifies_other_tools_amounts_as_the_command_line() -> None:
    reply = SITE.post("/api/verify", params={"tolerance": "1%"}, content=COSTED.read_bytes())
    document = reply.json()
    read_report(VerificationReport, document)
    assert document["warnings"][0].startswith("the totals differ by")
    printed = answer("verify", str(COSTED))
    assert json.loads(reply.text.replace("the log", str(COSTED)))["causes"] == printed["causes"]
    refused = SITE.post("/api/verify", content=LOG.read_bytes())
    assert (refused.status_code, errors_of(refused)[0][0]) == (422, None)
    assert errors_of(SITE.post("/api/verify", params={"tolerance": "much"}, content=COSTED.read_bytes()))[0][0] == "tolerance"
