"""Amazon Nova Sonic: its usage events have running totals, so that a session is its last one, and never their sum.

The shape is that of `usageEvent` in the user guide of Amazon Nova, and of one that was captured (pipecat #4783); read
2026-11-28. The prices are of an invented offer: $1 text in, $3 speech in, $2 text out and $12 speech out, per million tokens.
"""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.logs.reading import read_record, read_records, usage_of
from voicebill.answers.recorded.cost import cost
from voicebill.answers.recorded.python_engine import PythonEngine, deduplicate
from voicebill.answers.recorded.query import CostQuery
from voicebill.billing.money import format_dollars
from voicebill.engines.in_duckdb import DuckDBEngine
from voicebill.engines.ledger import Ledger
from voicebill.facts import load_facts
from voicebill.logs.defaults import LogDefaults

Json = dict[str, Any]
Tokens = tuple[int, int, int, int]
"""Text in, speech in, text out, speech out."""
DAY = LogDefaults(day=date(2026, 11, 22), model="amazon.acme-sonic-v1:0")
PRICES = """
provider = "amazon"
checked = 2026-11-22
sources = ["invented"]
[[offers]]
model = "amazon.acme-sonic-v1:0"
kind = "realtime"
[[offers.prices]]
since = "2026-01-01"
usd = { text_in = 1, audio_in = 3, text_out = 2, audio_out = 12 }
"""


def sides(tokens: Tokens) -> Json:
    text_in, speech_in, text_out, speech_out = tokens
    return {
        "input": {"speechTokens": speech_in, "textTokens": text_in},
        "output": {"speechTokens": speech_out, "textTokens": text_out},
    }


def usage(total: Tokens, delta: Tokens, session: str | None = "s1", **more: object) -> Json:
    event: Json = {
        "completionId": "c1",
        "promptName": "p1",
        "sessionId": session,
        "totalInputTokens": total[0] + total[1],
        "totalOutputTokens": total[2] + total[3],
        "totalTokens": sum(total),
        "details": {"delta": sides(delta), "total": sides(total)},
        **more,
    }
    return {"event": {"usageEvent": {name: value for name, value in event.items() if value is not None}}}


FIRST = usage((60, 40, 0, 20), (60, 40, 0, 20))
SECOND = usage((70, 80, 5, 45), (10, 40, 5, 25))
LAST = {"text_in": 70, "audio_in": 80, "text_out": 5, "audio_out": 45}


def log(*events: Json) -> str:
    return "\n".join(map(json.dumps, events))


def test_a_session_costs_its_last_totals(tmp_path: Path) -> None:
    """70 × 1 + 80 × 3 + 5 × 2 + 45 × 12 = 860 millionths of a dollar; the sum of both events would be 1,280."""
    file = tmp_path / "acme.toml"
    file.write_text(PRICES, encoding="utf-8")
    prices = load_facts(file).prices
    records, report = read_records(log(FIRST, SECOND), defaults=DAY)
    assert (len(records), report.other_lines, report.unread_usage) == (1, 0, None)
    with DuckDBEngine() as engine:
        engine.load(records)
        answers = [cost(engine, CostQuery(), prices), cost(PythonEngine(records), CostQuery(), prices)]
    assert [(answer.total.low, answer.total.high) for answer in answers] == [(860_000_000, 860_000_000)] * 2
    assert format_dollars(answers[0].total.low or 0) == "0.00086"


def test_its_events_may_be_in_any_order_repeated_and_among_others() -> None:
    audio = {"event": {"audioOutput": {"content": "AAAA", "promptName": "p1", "sessionId": "s1"}}}
    setup = {"event": {"sessionStart": {"inferenceConfiguration": {"maxTokens": 1024, "topP": 0.9}}}}
    records, report = read_records(log(setup, SECOND, audio, FIRST, FIRST), defaults=DAY)
    (record,) = records
    assert (usage_of(record), record.session, record.provider) == (LAST, "s1", "amazon")
    assert (report.other_lines, report.unread_usage) == (0, None)


def test_two_sessions_are_two() -> None:
    other = usage((1, 2, 3, 4), (1, 2, 3, 4), "s2")
    records, _ = read_records(log(FIRST, other, SECOND), defaults=DAY)
    assert [usage_of(record) for record in records] == [LAST, {"text_in": 1, "audio_in": 2, "text_out": 3, "audio_out": 4}]


def test_a_session_in_two_files_is_recorded_once(tmp_path: Path) -> None:
    """The larger totals count, in whatever order the files are recorded."""
    parts = [read_records(log(event), defaults=DAY)[0] for event in (FIRST, SECOND)]
    for order in (parts, parts[::-1]):
        ledger = Ledger(tmp_path / str(order is parts))
        for records in order:
            ledger.record(records)
        assert len(deduplicate([*order[0], *order[1]])) == 1
        with DuckDBEngine(ledger.files()) as engine:
            answer = cost(engine, CostQuery(by=("meter",)), load_facts().prices)
        assert {line.meter: line.low for line in answer.unpriced} == LAST


def test_without_names_events_are_of_the_session_that_they_continue() -> None:
    """Two sessions in turn: 100 and 10 tokens, then 200 and 30. Each event's totals less its deltas are those before."""
    events = (
        usage((50, 50, 0, 0), (50, 50, 0, 0), None, promptName=None),
        usage((5, 5, 0, 0), (5, 5, 0, 0), None, promptName=None),
        usage((90, 90, 0, 20), (40, 40, 0, 20), None, promptName=None),
        usage((10, 10, 0, 10), (5, 5, 0, 10), None, promptName=None),
    )
    records, _ = read_records(log(*events), defaults=DAY)
    assert [usage_of(record) for record in records] == [
        {"text_in": 90, "audio_in": 90, "audio_out": 20},
        {"text_in": 10, "audio_in": 10, "audio_out": 10},
    ]


def test_totals_that_shrink_are_of_another_session() -> None:
    """Without deltas and names: 120, 200, then 30."""
    events = [
        usage(total, (0, 0, 0, 0), None, promptName=None) for total in ((60, 40, 0, 20), (70, 80, 5, 45), (10, 10, 0, 10))
    ]
    for event in events:
        del event["event"]["usageEvent"]["details"]["delta"]
    records, _ = read_records(log(*events), defaults=DAY)
    assert [sum(usage_of(record).values()) for record in records] == [200, 30]


def test_without_totals_the_deltas_are_summed() -> None:
    bare = [
        {"usageEvent": {"sessionId": "s1", "details": {"delta": event["event"]["usageEvent"]["details"]["delta"]}}}
        for event in (FIRST, SECOND)
    ]
    assert usage_of(read_record(log(*bare), defaults=DAY)) == LAST


def test_totals_without_modalities_have_those_of_the_deltas_if_these_add_up() -> None:
    def without_total(event: Json) -> Json:
        event = json.loads(json.dumps(event))
        del event["event"]["usageEvent"]["details"]["total"]
        return event

    record = read_record(log(without_total(FIRST), without_total(SECOND)), defaults=DAY)
    assert (record.status, usage_of(record)) == ("exact", LAST)
    record = read_record(log(without_total(SECOND)), defaults=DAY)
    assert record.status == "ambiguous"
    assert {usage["text_in"] + usage["audio_in"] for usage in record.usage_candidates} == {150}


def test_totals_that_contradict_each_other_are_a_range() -> None:
    record = read_record(log(usage((70, 80, 5, 45), (70, 80, 5, 45), totalInputTokens=170)), defaults=DAY)
    assert record.status == "inconsistent"
    assert {usage["text_in"] + usage["audio_in"] for usage in record.usage_candidates} >= {150, 170}


@pytest.mark.parametrize(
    "line",
    [
        json.dumps({"log": json.dumps(SECOND), "time": "2026-11-22T10:15:00Z"}),
        json.dumps({"time": "2026-11-22T10:15:00Z", "modelId": "amazon.acme-sonic-v1:0", **SECOND}),
        json.dumps({"timestamp": "2026-11-22T10:15:00Z", "message": "received", "nova": SECOND["event"]}),
        "2026-11-22T10:15:00Z INFO " + json.dumps(SECOND),
        f"2026-11-22 10:15:00 INFO {SECOND!r}",
        json.dumps({"time": "2026-11-22T10:15:00Z", "tenant": "acme", "payload": SECOND["event"]}),
    ],
    ids=["docker", "envelope", "another name", "prefix", "dictionary", "payload"],
)
def test_it_is_read_in_every_wrapper(line: str) -> None:
    record = read_record(line, defaults=LogDefaults(model="amazon.acme-sonic-v1:0"))
    assert (usage_of(record), record.day, record.model) == (LAST, date(2026, 11, 22), "amazon.acme-sonic-v1:0")


def test_the_model_of_an_envelope_is_its_name_without_region() -> None:
    line = {"modelId": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-2-sonic-v1:0", **FIRST}
    assert read_record(json.dumps(line)).model == "amazon.nova-2-sonic-v1:0"


def test_nothing_of_the_conversation_is_kept() -> None:
    text = {"event": {"textOutput": {"content": "a secret", "promptName": "p1"}}}
    records, report = read_records(log(FIRST, text), defaults=DAY)
    assert "secret" not in repr((records, report))
