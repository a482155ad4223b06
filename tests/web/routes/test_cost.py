"""A usage log on the page or in the API: read in memory, priced as on the command line, not stored."""

import asyncio
import csv
import gzip
import html
import json
import re
from decimal import Decimal
from threading import Event

import pytest

from tests.calls.example import EXAMPLE
from tests.cases import DAY
from tests.web.sites import SITE, client, read_report, run
from voicebill.answers.reports.cost import CostReport
from voicebill.answers.reports.explanation import CallExplanationReport, LogExplanationReport
from voicebill.answers.reports.fitted_plan import FitReport
from voicebill.answers.reports.replay import ReplayReport
from voicebill.billing.money import format_amount, picodollars
from voicebill.engines.in_duckdb import DuckDBEngine
from voicebill.logs.report import EMPTY_LOG
from voicebill.web.routes import cost
from voicebill.web.sample_logs import read_sample_log
from voicebill.web.site import Limits, Site
from voicebill.web.status_reports import Problem
from voicebill.web.uploaded_logs import Cancellation, LogRequest

RESPONSE = {
    "id": "resp_1",
    "status": "completed",
    "usage": {
        "total_tokens": 253,
        "input_tokens": 132,
        "output_tokens": 121,
        "input_token_details": {
            "text_tokens": 119,
            "audio_tokens": 13,
            "cached_tokens": 64,
            "cached_tokens_details": {"text_tokens": 64, "audio_tokens": 0},
        },
        "output_token_details": {"text_tokens": 30, "audio_tokens": 91},
    },
}
LINE = {"type": "response.done", "response": RESPONSE}
LOG = json.dumps(LINE).encode() + b"\n"
QUERY = {"model": "gpt-realtime", "day": "2026-11-22"}
SUM = 55 * 4 + 64 * 0.40 + 13 * 32 + 30 * 16 + 91 * 64


def test_the_api_costs_a_log_as_its_sum_says() -> None:
    """55 × 4 + 64 × 0.40 + 13 × 32 + 30 × 16 + 91 × 64 = 6,965.6 millionths of a dollar."""
    shape = SITE.post("/api/cost", params=QUERY, content=LOG).json()
    assert shape["total"]["dollars"] == "0.0069656" == f"{SUM / 1e6:.7f}"
    assert read_report(CostReport, shape).records.billed == 1


def test_groups_and_filters_are_those_of_the_command_line() -> None:
    shape = SITE.post(
        "/api/cost", params=QUERY | {"by": "meter", "where": "meter in (audio_in, audio_out)", "top": "1"}, content=LOG
    )
    answer = read_report(CostReport, shape.json())
    assert [group.keys for group in answer.groups] == [{"meter": "audio_out"}]
    assert answer.remainder is not None
    assert answer.remainder.dollars == "0.000416"


@pytest.mark.parametrize("packed", [LOG, gzip.compress(LOG, mtime=0)])
def test_the_page_takes_a_file_and_shows_its_bill(packed: bytes) -> None:
    page = SITE.post("/cost", data=QUERY | {"by": "model"}, files={"log": ("usage.jsonl", packed)})
    assert page.status_code == 200
    assert '<span class="figure">$0.00697</span>' in page.text
    assert "gpt-realtime" in page.text
    assert page.headers["cache-control"] == "no-store"


def log_of(*days: int, **fields: str) -> bytes:
    """A log with one response on some days of November."""
    lines = [LINE | {"time": f"2026-11-{day}T10:00:00Z", "response": RESPONSE | {"id": f"resp_{day}"}} | fields for day in days]
    return b"\n".join(json.dumps(line).encode() for line in lines)


def page_of(log: bytes, **fields: str) -> str:
    """The page with the cost of an uploaded log."""
    return SITE.post("/cost", data={"model": "gpt-realtime"} | fields, files={"log": ("usage.jsonl", log)}).text


@pytest.mark.parametrize(
    ("by", "days", "title", "rows"),
    [
        ("day", (20, 21), "Cost by day", ["2026-11-20: $0.00697", "2026-11-21: $0.00697"]),
        ("day", (20,), "Cost by meter", ["audio out", "text out", "audio in", "text in", "text in, cached"]),
        ("", (20, 21), "Cost by meter", ["audio out", "text out", "audio in", "text in", "text in, cached"]),
        ("status", (20, 21), "Cost by meter", ["audio out", "text out", "audio in", "text in", "text in, cached"]),
        ("meter", (20,), "Cost by meter", ["audio_out", "text_out", "audio_in", "text_in", "text_in_cached"]),
        ("day,kind", (20, 21), "Cost by day, kind", ["2026-11-20 · response", "2026-11-21 · response"]),
    ],
)
def test_every_cost_has_a_chart(by: str, days: tuple[int, ...], title: str, rows: list[str]) -> None:
    """Times are columns; other groups, and the meters of a single group, are bars, the most expensive first."""
    chart = page_of(log_of(*days), by=by).partition('<figure class="plot">')[2].partition("</figure>")[0]
    assert f"<strong>{title}</strong>" in chart
    pattern = r"<title>([^<]*)</title></rect>" if by == "day" and len(days) > 1 else r'<span class="label">([^<]*)</span>'
    assert re.findall(pattern, chart) == rows


def test_without_a_price_the_page_says_why_there_is_no_chart() -> None:
    page = page_of(log_of(20, 21), by="day", model="gpt-realtme")
    assert '<figure class="plot">' not in page
    assert "Nothing has a price, so there is no chart of costs." in page


def test_the_sample_log_is_a_link_and_costs_what_the_api_says() -> None:
    log = read_sample_log("support-day")
    fields = {"by": "tenant", "where": "turn >= 2"}
    shape = SITE.post("/api/cost", params=fields, content=log).json()
    page = SITE.get("/cost", params={"sample": "support-day"} | fields)
    assert page.status_code == 200
    assert f'<span class="figure">{format_amount(picodollars(Decimal(shape["total"]["low"])))}</span>' in page.text
    assert "/cost.csv?sample=support-day&amp;by=tenant&amp;where=turn+%3E%3D+2" in page.text
    assert 'value="turn &gt;= 2"' in page.text
    assert "<option selected>tenant</option>" in page.text
    assert page.headers["etag"]


@pytest.mark.parametrize("by", ["", "tenant", "day,model"])
def test_the_sample_and_an_uploaded_log_have_the_same_files_as_the_api(by: str) -> None:
    """The amounts of the CSV add up to the total, and the JSON is that of the API, in which the log has no name."""
    log = read_sample_log("support-day")
    shape = SITE.post("/api/cost", params={"by": by} if by else {}, content=log).text
    for kind in ("csv", "json"):
        sample = SITE.get(f"/cost.{kind}", params={"sample": "support-day", "by": by})
        sent = SITE.post(f"/cost.{kind}", data={"by": by}, files={"log": ("support-day.jsonl", log)})
        assert sample.content == sent.content
        assert (
            sample.headers["content-disposition"]
            == sent.headers["content-disposition"]
            == f'attachment; filename="cost.{kind}"'
        )
        assert (sample.headers["cache-control"], sent.headers["cache-control"]) == ("no-cache", "no-store")
        if kind == "json":
            assert json.loads(sample.text.replace("support-day.jsonl", "the log")) == json.loads(shape)
        else:
            rows = csv.DictReader(sample.text.splitlines())
            total = sum(Decimal(row["dollars_low"] or 0) for row in rows)
            assert total == Decimal(json.loads(shape)["total"]["low"])


def test_a_form_without_a_file_keeps_to_the_sample() -> None:
    """Without the script, a form below the sample leads to the address of the sample with the new groups."""
    nothing = {"log": ("", b"")}
    reply = SITE.post(
        "/cost?plan=minutes%3D5", data={"sample": "support-day", "by": "hour"}, files=nothing, follow_redirects=False
    )
    assert (reply.status_code, reply.headers["location"]) == (
        303,
        "/cost?sample=support-day&by=hour&plan=minutes%3D5",
    )
    chosen = SITE.post("/cost", data=QUERY | {"sample": "support-day"}, files={"log": ("usage.jsonl", LOG)}).text
    assert '<span class="figure">$0.00697</span>' in chosen
    assert 'name="sample"' not in chosen
    assert "$0.343" in SITE.post("/cost/answer", data={"sample": "support-day"}, files=nothing).text


@pytest.mark.parametrize(
    ("log", "fields", "field", "message"),
    [
        (b"hello\n", {}, "log", "is not in a known format (realtime"),
        (b"", {}, "log", EMPTY_LOG),
        (b"PAR1" + b"\0" * 40, {}, "log", "is Parquet: the command line reads it"),
        (LOG, {"where": "turn = three"}, "where", "turn is compared with a whole number"),
        (LOG, {"since": "soon"}, "since", "must be a day such as 2026-11-22"),
        (b"", {"sample": "support-dya"}, "log", "unknown sample 'support-dya'; the nearest is support-day"),
    ],
)
def test_what_is_wrong_is_shown_at_its_field_on_the_page_and_in_its_files(
    log: bytes, fields: dict[str, str], field: str, message: str
) -> None:
    files, headers = {"log": ("usage.jsonl", log)}, {"accept": "text/html"}
    for path in ("/cost", "/cost.csv"):
        page = SITE.post(path, data=fields, files=files, headers=headers, follow_redirects=True)
        assert page.status_code == 422
        text = html.unescape(page.text)
        assert message in text.partition(f'id="e-{field}">')[2].partition("</p>")[0]
        assert f'<a href="#f-{field}">' in text
    problem = SITE.post("/cost/answer", data=fields, files=files, headers=headers)
    assert message in problem.json()["detail"]
    assert SITE.post("/cost.json", data=fields, files=files).json()["status"] == 422


def test_a_file_of_another_kind_is_not_there() -> None:
    reply = SITE.get("/cost.xlsx", params={"sample": "support-day"})
    assert reply.status_code == 404
    assert "may end in .csv or .json" in reply.text


def test_long_tables_are_folded() -> None:
    """Of 12 groups ten are in the first table, and all in the second; 10 groups have one table."""
    twelve, ten = (page_of(log_of(*range(10, 10 + count)), by="day") for count in (12, 10))
    assert "<summary>All 12 groups</summary>" in twelve
    first, folded = twelve.partition("<summary>All 12 groups</summary>")[::2]
    assert [len(re.findall(r'<th scope="row">2026-11-', part)) for part in (first, folded)] == [10, 12]
    assert "<summary>All" not in ten


def test_names_from_a_log_are_text_on_the_page() -> None:
    line = json.dumps(LINE | {"tenant": "<script>alert(1)</script>"}).encode()
    page = SITE.post("/cost", data=QUERY | {"by": "tenant"}, files={"log": ("<b>.jsonl", line)})
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text


@pytest.mark.parametrize(
    ("fields", "log", "status", "field", "message"),
    [
        *(({}, empty, 422, "log", EMPTY_LOG) for empty in (b"", b"\n\n", gzip.compress(b"", mtime=0))),
        ({}, b"hello\n", 422, None, "is not in a known format (realtime"),
        ({}, gzip.compress(LOG, mtime=0)[:40], 422, "log", "cannot be decompressed"),
        ({"by": "modle"}, LOG, 422, "by", "unknown field 'modle'; the nearest is model"),
        ({"where": "turn = three"}, LOG, 422, "where", "turn is compared with a whole number"),
        ({"since": "2026-11"}, LOG, 422, "since", "must be a day such as 2026-11-22, not '2026-11'"),
        ({"day": "yesterday"}, LOG, 422, "day", "must be a day such as 2026-11-22, not 'yesterday'"),
        ({"top": "3"}, LOG, 422, "top", "needs groups: give by, too"),
        ({"provider": "foo"}, LOG, 422, "provider", "unknown provider 'foo'"),
        ({"format": "realtme"}, LOG, 422, "format", "unknown format 'realtme'; the nearest is realtime"),
        ({}, b"PAR1" + b"\0" * 40, 422, "log", "is Parquet: the command line reads it"),
        ({}, gzip.compress(b"PAR1" + b"\0" * 40, mtime=0), 422, "log", "is Parquet: the command line reads it"),
        ({}, gzip.compress(LOG, mtime=0)[:20] + b"\xff" * 40, 422, "log", "cannot be decompressed"),
        ({}, gzip.compress(gzip.compress(LOG, mtime=0), mtime=0), 422, None, "is not in a known format"),
        ({"colour": "red"}, LOG, 422, "colour", "is none of"),
    ],
)
def test_invalid_input_is_reported_at_its_field(
    fields: dict[str, str], log: bytes, status: int, field: str | None, message: str
) -> None:
    problem = SITE.post("/api/cost", params=fields, content=log)
    assert problem.status_code == status
    assert [error for error in problem.json()["errors"] if error["field"] == field and message in error["detail"]]


def test_all_invalid_fields_are_reported_at_once() -> None:
    problem = SITE.post("/api/cost", params={"since": "soon", "top": "x", "day": "no"}, content=LOG)
    assert problem.status_code == 422
    assert {error["field"] for error in problem.json()["errors"]} == {"since", "top", "day"}


def test_unpriced_usage_is_shown_as_quantities() -> None:
    """The 91 audio output tokens of an unknown model are unpriced, never $0."""
    shape = SITE.post("/api/cost", params={"model": "gpt-realtme", "day": "2026-11-22"}, content=LOG).json()
    assert shape["total"]["status"] == "unpriced"
    assert shape["total"]["dollars"] is None
    assert {(line["meter"], line["quantities"][0]) for line in shape["unpriced"]} >= {("audio_out", 91)}
    page = SITE.post("/cost", data={"model": "gpt-realtme", "day": "2026-11-22"}, files={"log": ("usage.jsonl", LOG)})
    assert '<span class="figure">unpriced</span>' in page.text


def test_a_log_is_limited_in_size_compressed_and_decompressed_and_in_records() -> None:
    small = client(limits=Limits(log_bytes=2_000, log_unpacked_bytes=3_000, log_records=2))
    assert small.post("/api/cost", content=b"x" * 2_001).status_code == 413
    bomb = small.post("/api/cost", content=gzip.compress(b"0" * 10_000))
    assert (bomb.status_code, bomb.json()["errors"][0]["detail"]) == (
        413,
        "has more than 3,000 bytes: the command line reads logs of any size",
    )
    nested = small.post("/api/cost", content=gzip.compress(gzip.compress(b"0" * 10_000)))
    assert nested.status_code == 422, "decompressed content is not decompressed again"
    lines = b"\n".join(json.dumps({"type": "response.done", "response": {"id": f"r{index}"}}).encode() for index in range(3))
    assert "more than 2 records" in small.post("/api/cost", content=lines).text
    assert small.post("/cost", files={"log": ("a.jsonl", b"x" * 2_001)}).status_code == 413


@pytest.mark.parametrize("path", ["/api/cost", "/api/explain", "/api/fit", "/api/replay"])
def test_a_log_may_be_longer_than_a_plan_wherever_it_is_sent(path: str) -> None:
    site = client(limits=Limits(body_bytes=1_000))
    assert site.post(path, content=LOG.ljust(2_000)).status_code != 413


def test_a_form_without_a_file_says_so() -> None:
    assert "choose a file" in SITE.post("/cost", data={"by": "day"}, files={"other": ("", b"")}).text
    assert SITE.post("/cost", data={"by": "day"}).status_code == 415
    broken = SITE.post("/cost", content=b"nonsense", headers={"content-type": "multipart/form-data"})
    assert broken.status_code == 422


def test_no_cache_stores_a_response() -> None:
    answer = SITE.post("/api/cost", params=QUERY, content=LOG)
    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers


def test_the_api_rejects_a_form_and_explains_how_to_send_a_log() -> None:
    problem = SITE.post("/api/cost", files={"log": ("usage.jsonl", LOG)})
    assert problem.status_code == 415
    assert problem.json()["detail"] == "send the log itself as the body (curl --data-binary @usage.jsonl)"


def test_hints_name_fields_and_no_options_of_the_command_line() -> None:
    shape = SITE.post("/api/cost", params={"model": "gpt-realtime"}, content=LOG).json()
    assert "1 record names no deployment: global is taken (else give a deployment)" in shape["assumptions"]
    assert {line["reason"] for line in shape["unpriced"]} == {"no day is known: give a day"}
    page = SITE.post("/cost", data={"model": "gpt-realtime"}, files={"log": ("usage.jsonl", LOG)}).text
    assert "else give a provider" in page
    assert page.count("no day is known: give a day") == 1, "equal reasons are shown once"
    assert "--d" not in page + SITE.post("/api/cost", content=b"hello").text


def test_the_form_has_days_tenant_and_the_most_expensive_groups() -> None:
    lines = [LINE | {"tenant": f"t{index}", "response": RESPONSE | {"id": f"resp_{index}"}} for index in range(3)]
    log = b"\n".join(json.dumps(line).encode() for line in lines)
    fields = QUERY | {"by": "tenant", "top": "2", "since": "2026-11-22", "until": "2026-11-23"}
    page = SITE.post("/cost", data=fields, files={"log": ("usage.jsonl", log)}).text
    assert "all other groups</th><td>1</td>" in page
    for name in ("tenant", "since", "until", "top"):
        assert f'name="{name}" id="f-{name}" value="{fields.get(name, "")}"' in page


def test_reading_a_log_stops_at_the_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the route is cancelled, the thread stops at its next record."""
    begun, resume, ended = Event(), Event(), Event()

    def slow(_self: DuckDBEngine, records: object) -> int:
        begun.set()
        assert resume.wait(10)
        try:
            list(records)  # type: ignore[call-overload]
        except Problem:
            ended.set()
            raise
        return 0

    monkeypatch.setattr(DuckDBEngine, "load", slow)
    site = Site(today=lambda: DAY)

    async def cancel_request() -> None:
        task = asyncio.create_task(cost._answer(LogRequest(QUERY, "the log", LOG), site))
        await asyncio.to_thread(begun.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        resume.set()

    run(cancel_request)
    assert ended.wait(10)
    assert "workers" not in site.__dict__, "logs have separate threads"
    site.stop()
    assert "log_workers" not in site.__dict__


def test_a_running_query_is_interrupted() -> None:
    cancellation = Cancellation()
    with DuckDBEngine() as database:
        cancellation.attach(database)
        cancellation.cancel()
    cancellation.cancel()
    with DuckDBEngine() as database, pytest.raises(Problem, match="was cancelled"):
        cancellation.attach(database)


def test_the_page_explains_the_calls_of_a_log_and_one_of_them() -> None:
    page = SITE.get("/cost?sample=support-day&explain=true").text
    assert "What the calls cost, and why" in page
    assert '<a href="/cost?sample=support-day&amp;session=sess_1">sess_1</a>' in page
    call = SITE.get("/cost?sample=support-day&session=sess_1").text
    assert "What call sess_1 cost, and why" in call
    assert '<a href="/cost?sample=support-day&amp;explain=true">All calls</a>' in call
    assert '<a href="/cost?sample=support-day">Bill</a>' in call


def test_each_call_of_a_log_by_session_can_be_explained() -> None:
    page = SITE.get("/cost?sample=support-day&by=session").text
    assert '<a href="/cost?sample=support-day&amp;by=session&amp;session=sess_3">sess_3</a>' in page


def test_an_explanation_is_downloaded_as_a_table_and_as_json() -> None:
    rows = list(csv.DictReader(SITE.get("/cost.csv?sample=support-day&session=sess_1").text.splitlines()))
    assert [row["turn"] for row in rows] == ["1", "2", "3", "4", "5", "6"]
    assert SITE.get("/cost.json?sample=support-day&session=sess_1").json()["session"] == "sess_1"


def test_a_call_that_is_not_in_the_log_is_a_fault_of_its_field() -> None:
    response = SITE.get("/cost?sample=support-day&session=nope")
    assert response.status_code == 422
    assert "no call is named &#39;nope&#39;" in response.text or "no call is named 'nope'" in html.unescape(response.text)


def test_the_api_explains_a_log_or_one_call() -> None:
    content = read_sample_log("support-day")
    everything = SITE.post("/api/explain", content=content).json()
    assert read_report(LogExplanationReport, everything).explained_calls == 5
    call = SITE.post("/api/explain", params={"session": "sess_1"}, content=content).json()
    assert read_report(CallExplanationReport, call).session == "sess_1"
    refused = SITE.post("/api/explain", params={"by": "tenant"}, content=content)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "by")


def test_a_plan_of_the_calls_opens_the_calculator() -> None:
    content = EXAMPLE.read_bytes()
    fitted = read_report(FitReport, SITE.post("/api/fit", content=content).json())
    assert fitted.plan is not None
    page = SITE.post("/cost", files={"log": ("calls.jsonl.gz", content)}, data={"explain": "plan"}).text
    link = html.unescape(re.search(r'class="button" href="([^"]+)"', page)[1])  # type: ignore[index]
    opened = SITE.get(link)
    assert opened.status_code == 200
    assert f'value="{fitted.plan["turns"]}"' in opened.text


def test_with_too_few_calls_there_is_no_plan_and_no_link() -> None:
    page = SITE.get("/cost?sample=support-day&explain=plan").text
    assert "too few calls" in page
    assert 'class="button"' not in page


def test_the_page_replays_the_calls_of_a_log_with_changes_and_stacks() -> None:
    page = SITE.get("/cost?sample=support-day&explain=replay").text
    assert "What the calls would have cost" in page
    assert "What would have saved most" in page
    assert '<a href="/cost?sample=support-day&amp;explain=plan">A plan of these calls</a>' in page
    changed = SITE.get("/cost?sample=support-day&explain=replay&script=instructions_tokens%3D300&stack=best").text
    assert "From what was paid to best" in changed
    assert "changes of the calls" in changed
    refused = SITE.get("/cost?sample=support-day&explain=replay&script=instructions%3D300")
    assert refused.status_code == 422
    assert "unknown key" in refused.text


def test_a_replay_is_downloaded_as_a_table_and_as_json() -> None:
    rows = list(csv.DictReader(SITE.get("/cost.csv?sample=support-day&explain=replay").text.splitlines()))
    replayed = SITE.get("/cost.json?sample=support-day&explain=replay").json()
    assert [row["name"] for row in rows] == [row["name"] for row in replayed["targets"]]


def test_the_api_replays_a_log_where_it_is_asked_to() -> None:
    content = EXAMPLE.read_bytes()
    where = {"model": "gpt-realtime-2.1", "provider": "azure", "deployment": "global", "script": "instructions_tokens=400"}
    replayed = read_report(ReplayReport, SITE.post("/api/replay", params=where, content=content).json())
    assert [row.name for row in replayed.targets] == ["azure/gpt-realtime-2.1-2026-07-07"]
    assert (replayed.replayed_calls, list(replayed.offers)) == (114, ["openai/gpt-realtime-1.5"])
    at_azure = SITE.post("/api/replay", params={"log_provider": "azure", "model": "gpt-realtime-1.5"}, content=content).json()
    assert all(name.startswith("azure/") for name in at_azure["offers"])
    sampled = SITE.post("/api/replay", params={"sample": "50", "savings": "true"}, content=content).json()
    assert sampled["sample"]["calls"] == 114
    assert sampled["savings"]
    refused = SITE.post("/api/replay", params={"log_speed": "1"}, content=content)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "log_speed")
    for name, value in (
        ("model", "gpt-realtime-99"),
        ("script", "prompt=1"),
        ("script", "transcription_model=foo"),
        ("sample", "0"),
        ("stack", "cheap"),
    ):
        refused = SITE.post("/api/replay", params={name: value}, content=content)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, name)
