"""Test the engine that a command opens for its logs or its ledger."""

from pathlib import Path

import pytest

from tests.engines.ledgers import record
from voicebill.answers.recorded.cost import cost
from voicebill.answers.recorded.query import CostQuery
from voicebill.billing.errors import InvalidInput
from voicebill.cli.options.engines import usage_of_input
from voicebill.cli.options.logs import LogInput
from voicebill.engines.ledger import Ledger
from voicebill.facts import load_facts

LINE = (
    '{"type":"response.done","response":{"id":"r1","status":"completed","conversation_id":"c","usage":{"total_tokens":60,'
    '"input_tokens":50,"output_tokens":10,"input_token_details":{"text_tokens":50,"audio_tokens":0},'
    '"output_token_details":{"text_tokens":10,"audio_tokens":0}}},"timestamp":"2026-11-20T12:00:00Z"}\n'
)


def log_input(*logs: Path, ledger: Path | None = None, log_format: str | None = None) -> LogInput:
    """Return what a command is given: logs, a ledger, and a format."""
    defaults = {"model": "gpt-realtime"} if ledger is None else {}
    return LogInput([*map(str, logs)], ledger, log_format, strict=False, allow_unread=False, defaults=defaults)


def test_logs_are_loaded_into_duckdb_each_record_once(tmp_path: Path) -> None:
    """The same response in two lines is one record: 50 text tokens in at $4 and 10 out at $16 per million are $0.000360."""
    log, prices = tmp_path / "log.jsonl", load_facts().prices
    log.write_text(2 * LINE)
    with usage_of_input(log_input(log), prices, memory=None) as (database, report, unread):
        assert report is not None
        assert (report.records, report.repeated, unread) == (2, 1, None)
        assert cost(database, CostQuery(), prices).total.low == 360 * 10**6


def test_a_ledger_is_opened_without_a_report(tmp_path: Path) -> None:
    """100 text tokens at $4 and 10 audio tokens at $64 a million are 1,040 millionths of a dollar."""
    Ledger(tmp_path / "ledger").record([record("a")])
    prices = load_facts().prices
    with usage_of_input(log_input(ledger=tmp_path / "ledger"), prices, memory="64MB") as (database, report, unread):
        assert (report, unread) == (None, None)
        assert cost(database, CostQuery(), prices).total.low == 1040 * 10**6


def test_an_input_that_is_none_or_two_is_refused(tmp_path: Path) -> None:
    """Neither logs nor a ledger, both of them, an option of logs with a ledger, and a log without a line."""
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    for source, field in (
        (log_input(), None),
        (log_input(empty, ledger=tmp_path), "ledger"),
        (log_input(ledger=tmp_path, log_format="realtime"), "format"),
        (log_input(empty), "log"),
    ):
        with pytest.raises(InvalidInput) as refusal, usage_of_input(source, load_facts().prices, memory=None):
            pass
        assert refusal.value.field == field
