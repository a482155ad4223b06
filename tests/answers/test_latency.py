"""How long people wait: ranges added up part by part, and what is known of each part."""

from datetime import date

import pytest

from voicebill.answers.latency import Latency, wait
from voicebill.conversation.rules import Evidence
from voicebill.facts import load

KNOWN = load().latencies


def row(part: str, low: int, high: int, *models: str, evidence: Evidence = "measured") -> Latency:
    return Latency(part, low, high, evidence, "invented", date(2026, 11, 23), "a test", models)


TOLD = (
    row("hears", 600, 1600, evidence="assumed"),
    row("hears", 400, 1000, "quick-ear"),
    row("answers", 500, 2000, "thinker"),
    row("speaks", 300, 700, "voice", "voice-hd"),
)


def test_what_is_done_one_after_the_other_adds_up() -> None:
    """400 + 500 + 300 = 1,200 ms at best, 1,000 + 2,000 + 700 = 3,700 at worst."""
    found = wait([("hears", "quick-ear"), ("answers", "thinker"), ("speaks", "voice-hd")], TOLD)
    assert found is not None
    assert (found.low_ms, found.high_ms, found.assumed, str(found)) == (1200, 3700, False, "1.2 to 3.7 s")
    assert [each.part for each in found.rows] == ["hears", "answers", "speaks"]


def test_a_row_for_a_model_goes_before_one_for_all_others() -> None:
    """600 + 500 for a model that nobody measured; the sum is then assumed."""
    other = wait([("hears", "another-ear"), ("answers", "thinker")], TOLD)
    assert other is not None
    assert (other.low_ms, other.high_ms, other.assumed) == (1100, 3600, True)
    for known in (TOLD, TOLD[::-1]):
        own = wait([("hears", "quick-ear")], known)
        assert own is not None
        assert own.low_ms == 400


@pytest.mark.parametrize("parts", [[], [("answers", "nobody")], [("hears", "quick-ear"), ("answers", "nobody")]])
def test_where_of_one_part_nothing_is_known_nothing_is_said(parts: list[tuple[str, str]]) -> None:
    assert wait(parts, TOLD) is None


@pytest.mark.parametrize(
    ("parts", "said", "assumed"),
    [
        ([("speech-to-speech", "gpt-realtime-1.5")], (1152, 2304), False),
        ([("speech-to-speech", "gpt-realtime-mini")], (1150, 4700), True),
        # 637 + 459 + 300 and 1,655 + 731 + 700; no speech model was measured
        ([("hears", "gpt-4o-transcribe"), ("answers", "gpt-5.4-mini"), ("speaks", "tts-1")], (1396, 3086), True),
        # 640 + 536 + 700 and 1,660 + 1,771 + 1,500
        ([("hears", "gpt-transcribe"), ("answers", "gpt-4.1"), ("speaks", "tts-1-hd")], (1876, 4931), True),
        ([("answers", "gpt-4.1")], (536, 1771), False),
    ],
)
def test_our_own_rows_add_up_as_written(parts: list[tuple[str, str]], said: tuple[int, int], assumed: bool) -> None:
    found = wait(parts, KNOWN)
    assert found is not None
    assert (found.low_ms, found.high_ms) == said
    assert found.assumed == assumed


def test_of_live_models_nothing_is_known() -> None:
    assert wait([("live", "gpt-live-1.1")], KNOWN) is None


def test_every_row_rises_from_its_middle_to_its_bad_case_and_says_where_it_is_from() -> None:
    for each in KNOWN:
        assert 0 < each.low_ms < each.high_ms, each
        assert each.basis, each
        assert each.source, each
        assert each.evidence in ("measured", "assumed"), each


def test_no_part_has_two_rows_for_one_model_or_two_for_all_others() -> None:
    named = [(each.part, model) for each in KNOWN for model in (each.models or ("all others",))]
    assert len(named) == len(set(named))
