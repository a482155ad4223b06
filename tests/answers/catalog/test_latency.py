"""How long people wait: ranges added up part by part, and what is known of each part."""

from datetime import date

import pytest

from voicebill.answers.catalog.latency import Latency, response_latency
from voicebill.billing.quotas import Evidence
from voicebill.facts import load_facts


def row(part: str, low: int, high: int, *models: str, evidence: Evidence = "measured") -> Latency:
    return Latency(part, low, high, evidence, "invented", date(2026, 11, 23), "a test", models)


ROWS = (
    row("transcriber", 600, 1600, evidence="assumed"),
    row("transcriber", 400, 1000, "quick-ear"),
    row("llm", 500, 2000, "thinker"),
    row("tts", 300, 700, "voice", "voice-hd"),
)


def test_what_is_done_one_after_the_other_adds_up() -> None:
    """400 + 500 + 300 = 1,200 ms at best, 1,000 + 2,000 + 700 = 3,700 at worst."""
    latency = response_latency([("transcriber", "quick-ear"), ("llm", "thinker"), ("tts", "voice-hd")], ROWS)
    assert latency is not None
    assert (latency.low_ms, latency.high_ms, latency.is_assumed, str(latency)) == (1200, 3700, False, "1.2 to 3.7 s")
    assert [entry.part for entry in latency.rows] == ["transcriber", "llm", "tts"]


def test_a_row_for_a_model_goes_before_one_for_all_others() -> None:
    """600 + 500 for a model that nobody measured; the sum is then assumed."""
    other = response_latency([("transcriber", "another-ear"), ("llm", "thinker")], ROWS)
    assert other is not None
    assert (other.low_ms, other.high_ms, other.is_assumed) == (1100, 3600, True)
    for rows in (ROWS, ROWS[::-1]):
        own = response_latency([("transcriber", "quick-ear")], rows)
        assert own is not None
        assert own.low_ms == 400


@pytest.mark.parametrize("parts", [[], [("llm", "nobody")], [("transcriber", "quick-ear"), ("llm", "nobody")]])
def test_without_the_latency_of_one_part_there_is_no_total(parts: list[tuple[str, str]]) -> None:
    assert response_latency(parts, ROWS) is None


@pytest.mark.parametrize(
    ("parts", "expected", "assumed"),
    [
        ([("speech-to-speech", "gpt-realtime-1.5")], (1152, 2304), False),
        ([("speech-to-speech", "gpt-realtime-mini")], (1150, 4700), True),
        # 637 + 459 + 300 and 1,655 + 731 + 700; no speech model was measured
        ([("transcriber", "gpt-4o-transcribe"), ("llm", "gpt-5.4-mini"), ("tts", "tts-1")], (1396, 3086), True),
        # 640 + 536 + 700 and 1,660 + 1,771 + 1,500
        ([("transcriber", "gpt-transcribe"), ("llm", "gpt-4.1"), ("tts", "tts-1-hd")], (1876, 4931), True),
        ([("llm", "gpt-4.1")], (536, 1771), False),
    ],
)
def test_our_own_rows_add_up_as_written(parts: list[tuple[str, str]], expected: tuple[int, int], assumed: bool) -> None:
    latency = response_latency(parts, load_facts().latencies)
    assert latency is not None
    assert (latency.low_ms, latency.high_ms) == expected
    assert latency.is_assumed == assumed


def test_of_live_models_nothing_is_known() -> None:
    assert response_latency([("live", "gpt-live-1.1")], load_facts().latencies) is None


def test_every_row_rises_from_its_middle_to_its_bad_case_and_says_where_it_is_from() -> None:
    for latency in load_facts().latencies:
        assert 0 < latency.low_ms < latency.high_ms, latency
        assert latency.basis, latency
        assert latency.source, latency
        assert latency.evidence in ("measured", "assumed"), latency


def test_no_part_has_two_rows_for_one_model_or_two_for_all_others() -> None:
    keys = [(latency.part, model) for latency in load_facts().latencies for model in (latency.models or ("all others",))]
    assert len(keys) == len(set(keys))
