"""Invoices and reports of spend are refused by name. Columns: Microsoft's and FOCUS's schemas, OpenAI's costs endpoint."""

import json
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.logs.reading import read_records
from voicebill.billing.errors import InvalidInput
from voicebill.logs.read import read_log
from voicebill.logs.report import InvalidLog, ReadReport

LOG = json.dumps({"type": "response.done", "response": {"id": "resp_1", "usage": {"input_tokens": 5, "output_tokens": 0}}})
COSTS = {"object": "organization.costs.result", "amount": {"value": 0.06, "currency": "usd"}, "line_item": None}
EMPTY_BUCKET = {"object": "bucket", "start_time": 1795478400, "end_time": 1795564800, "results": []}
AZURE, FOCUS, OPENAI = "an Azure cost export", "a FOCUS cost export", "an export of OpenAI's costs"
INVOICES = {
    "MCA": (
        AZURE,
        "date,meterCategory,meterName,quantity,unitOfMeasure,costInBillingCurrency\n2026-09-02,AI,gpt rt aud Inp,47,1K,1.5\n",
    ),
    "EA": (
        AZURE,
        "SubscriptionId,Date,MeterId,MeterName,UnitOfMeasure,Quantity,EffectivePrice,CostInBillingCurrency\n"
        "s,09/02/2026,m,gpt rt aud Inp,1K,47.6,0.03,1.5\n",
    ),
    "pay as you go": (
        AZURE,
        "Usage Date,Meter Name,Unit,Consumed Quantity\n2026-09-02,gpt rt aud Inp,1K,47\n",
    ),
    "with semicolons": (AZURE, "Date;MeterName;Quantity;CostInBillingCurrency\n2026-09-02;gpt rt aud Inp;47;1,5\n"),
    "below a title": (AZURE, "Usage details\n\nDate,MeterName,Quantity,UnitOfMeasure\n2026-09-02,gpt rt aud Inp,47,1K\n"),
    "of its API": (
        AZURE,
        json.dumps({"value": [{"properties": {"meterName": "gpt rt", "quantity": 4, "unitOfMeasure": "1K"}}]}),
    ),
    "FOCUS": (
        FOCUS,
        "BilledCost,BillingCurrency,ChargePeriodStart,ChargePeriodEnd,ConsumedQuantity,SkuMeter\n"
        "1.5,USD,2026-09-02T00:00:00Z,2026-09-03T00:00:00Z,47600,gpt rt aud Inp\n",
    ),
    "FOCUS as JSON": (FOCUS, '{"BilledCost": 1.5, "ChargePeriodStart": "2026-09-02T00:00:00Z", "SkuMeter": "gpt rt"}\n'),
    "OpenAI's costs": (OPENAI, json.dumps({"object": "page", "data": [EMPTY_BUCKET, {**EMPTY_BUCKET, "results": [COSTS]}]})),
    "OpenAI's costs, indented": (
        OPENAI,
        json.dumps({"object": "page", "data": [{**EMPTY_BUCKET, "results": [COSTS]}]}, indent=2),
    ),
    "OpenAI's costs as CSV": (
        OPENAI,
        "start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item,project_id\n"
        "1795478400,1795564800,2026-11-24T00:00:00+00:00,2026-11-25T00:00:00+00:00,0.06,usd,,proj\n",
    ),
}
THE_INVOICES = pytest.mark.parametrize(("name", "content"), INVOICES.values(), ids=list(INVOICES))


@THE_INVOICES
@pytest.mark.parametrize("log_format", [None, "columns"])
def test_an_invoice_is_refused_by_name(name: str, content: str, log_format: str | None) -> None:
    """Also where a format is named: half of it would be read."""
    with pytest.raises(InvalidInput, match=f"{name}, an invoice: it is not a usage log and is not costed"):
        read_records(content, log_format)


@THE_INVOICES
def test_an_invoice_among_logs_is_an_error_and_the_logs_are_read(name: str, content: str, tmp_path: Path) -> None:
    """It is no usage that was not read: its usage is what the logs show."""
    (tmp_path / "a.jsonl").write_text(LOG)
    (tmp_path / "bill.csv").write_text(content)
    report = ReadReport()
    assert [record.key for record in read_log(tmp_path, report=report)] == ["resp_1"]
    (error,) = report.errors
    assert (
        error.reason
        == f"it is {name}, an invoice: it is not a usage log and is not costed; voicebill reconcile compares it with one"
    )
    assert report.unread_usage is None
    with pytest.raises(InvalidLog, match=name):
        list(read_log(tmp_path, report=ReadReport(strict=True)))


def test_an_invoice_as_parquet_is_refused_too(tmp_path: Path) -> None:
    """Azure exports Parquet as well."""
    buffer = BytesIO()
    pq.write_table(pa.table({"date": ["2026-09-02"], "meterName": ["gpt rt"], "quantity": [4], "costInUsd": [1.5]}), buffer)
    (tmp_path / "bill.parquet").write_bytes(buffer.getvalue())
    with pytest.raises(InvalidInput, match="an Azure cost export, an invoice"):
        list(read_log(tmp_path / "bill.parquet"))


def test_spend_without_usage_is_refused_with_its_reason() -> None:
    """There is nothing to cost in an amount; with tokens there is."""
    with pytest.raises(InvalidInput, match="a report of spend without tokens, seconds or characters: there is no usage in it"):
        read_records("Date,Team,Team ID,Spend ($),Requests,Successful,Failed\n2026-09-02,voice,t1,0.5,100,99,1\n")
    records, _ = read_records("Date,Team,Model,Spend ($),Total Tokens,Prompt Tokens\n2026-09-02,voice,gpt-realtime,0.5,9,9\n")
    assert len(records) == 1


def test_a_text_with_commas_is_no_report_of_spend() -> None:
    """A page of documentation that begins with what something costs is in no known format."""
    with pytest.raises(InvalidInput, match="is not in a known format"):
        read_records("It tells what a call costs, before it is held, and after.\nMore about it follows, in the next chapter.\n")


def test_a_log_that_mentions_an_invoice_is_a_log() -> None:
    """What a tool returned is conversation, and an own table may have a cost or a meter."""
    call = {
        "type": "response.done",
        "response": {"id": "r", "output": [{"meterName": "m", "costInUsd": 1}], "usage": {"input_tokens": 5}},
    }
    assert len(read_records(json.dumps(call))[0]) == 1
    assert len(read_records("model,meter,quantity,cost\ngpt-realtime,text_in,5,0.1\n")[0]) == 1
