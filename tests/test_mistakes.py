"""Twelve mistakes that are made with usage logs, each by the amount that it would give: from a log's text to its cost.

The sums are tokens × dollars per million tokens (seconds × millionths of a dollar a second), in millionths of a dollar.
"""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.cases import micro_dollars
from voicebill.cli.app import app

GUIDE = "55 × 4 + 64 × 0.40 + 13 × 32 + 30 × 16 + 91 × 64"
"""What the guide's example costs on gpt-realtime: 6965.60."""


class Costing:
    """Costs the events of a log on 2026-11-22, unless another day is named."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "a log.jsonl"

    def __call__(self, events: list[dict[str, Any]], *words: str, provider: str = "openai") -> dict[str, Any]:
        """The answer as JSON, without naming a voice model that the events do not name."""
        self._log.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
        day = () if "--day" in words else ("--day", "2026-11-22")
        result = CliRunner().invoke(app, ["cost", str(self._log), "--provider", provider, *day, *words, "--json"])
        assert result.exit_code == 0, result.output
        answer: dict[str, Any] = json.loads(result.stdout)
        return answer


@pytest.fixture
def costing(tmp_path: Path) -> Costing:
    """Costs events."""
    return Costing(tmp_path)


def session(model: str, transcription_model: str | None = None) -> dict[str, Any]:
    """The event that names a session's models."""
    transcription = {"audio": {"input": {"transcription": {"model": transcription_model}}}} if transcription_model else {}
    return {"type": "session.created", "session": {"id": "sess_1", "model": model, **transcription}}


def response_done(
    input_tokens: dict[str, int], cached_tokens: dict[str, int], output_tokens: dict[str, int], *, status: str = "completed"
) -> dict[str, Any]:
    """A finished response: tokens in by modality with the cached ones among them, which of these were cached, tokens out."""
    input_total, output_total = sum(input_tokens.values()), sum(output_tokens.get(name, 0) for name in ("text", "audio"))
    usage = {
        "total_tokens": input_total + output_total,
        "input_tokens": input_total,
        "output_tokens": output_total,
        "input_token_details": {
            **_tokens(input_tokens),
            "cached_tokens": sum(cached_tokens.values()),
            "cached_tokens_details": _tokens(cached_tokens),
        },
        "output_token_details": _tokens(output_tokens),
    }
    return {"type": "response.done", "response": {"id": "resp_1", "conversation_id": "c", "status": status, "usage": usage}}


def _tokens(counts: dict[str, int]) -> dict[str, int]:
    return {f"{name}_tokens": count for name, count in counts.items()}


def transcription_event() -> dict[str, Any]:
    """What the user said, written down: 17 audio tokens in, 9 text tokens out."""
    usage = {"type": "tokens", "total_tokens": 26, "input_tokens": 17, "output_tokens": 9}
    details = {"input_token_details": {"text_tokens": 0, "audio_tokens": 17}}
    return {"type": TRANSCRIPTION_COMPLETED, "item_id": "item_1", "content_index": 0, "usage": usage | details}


TRANSCRIPTION_COMPLETED = "conversation.item.input_audio_transcription.completed"
GUIDE_EVENT = response_done({"text": 119, "audio": 13}, {"text": 64}, {"text": 30, "audio": 91})


def assert_costs(answer: dict[str, Any], written: str) -> None:
    """Exactly what a written sum gives, with nothing left unpriced."""
    assert (answer["total"]["status"], answer["unpriced"]) == ("exact", [])
    assert Fraction(answer["total"]["dollars"]) * 10**12 == micro_dollars(written)


def test_1_cached_tokens_are_taken_out_of_the_input_and_not_added_to_it(costing: Costing) -> None:
    """Of 119 text tokens 64 were cached: 55 × 4 + 64 × 0.40 = 245.60. Added to the input they would make it 501.60."""
    answer = costing([response_done({"text": 119}, {"text": 64}, {})], "--model", "gpt-realtime")
    assert_costs(answer, "55 × 4 + 64 × 0.40")


def test_2_cached_audio_has_a_rate_of_its_own(costing: Costing) -> None:
    """64 of 110 audio tokens cached, at 0.30: 479.20. At the fresh rate it would be 1,100, at the cached text's 463.84."""
    answer = costing([response_done({"audio": 110}, {"audio": 64}, {})], "--model", "gpt-realtime-mini")
    assert_costs(answer, "46 × 10 + 64 × 0.30")


def test_3_audio_is_not_priced_as_text(costing: Costing) -> None:
    """100 tokens heard and 50 spoken are 6,400. As text they would be 1,200."""
    answer = costing([response_done({"audio": 100}, {}, {"audio": 50})], "--model", "gpt-realtime")
    assert_costs(answer, "100 × 32 + 50 × 64")


def test_4_reasoning_is_part_of_the_text_and_billed_once(costing: Costing) -> None:
    """19 of 29 text tokens are reasoning: 29 × 24 = 696. Billed beside the text they would make it 1,152."""
    answer = costing([response_done({}, {}, {"text": 29, "reasoning": 19})], "--model", "gpt-realtime-2")
    assert_costs(answer, "29 × 24")


def test_5_images_have_rates_of_their_own(costing: Costing) -> None:
    """1,000 image tokens, 128 of them cached, are 4,424. At the rates of text they would be 3,539.20."""
    answer = costing([response_done({"image": 1000}, {"image": 128}, {})], "--model", "gpt-realtime-1.5")
    assert_costs(answer, "872 × 5 + 128 × 0.50")


@pytest.mark.parametrize(
    ("model", "why"),
    [
        ("gpt-realtime-9", "unknown model 'gpt-realtime-9'"),
        ("gpt-realtime-1.5-2031-01-01", "unknown model 'gpt-realtime-1.5-2031-01-01'"),
        ("gpt-4o-realtime-preview-2024-10-01", "shut down"),
    ],
)
def test_6_an_unknown_or_retired_model_costs_neither_nothing_nor_what_its_sibling_costs(
    costing: Costing, model: str, why: str
) -> None:
    """$0 would be the first mistake, $0.0069656, as for gpt-realtime, the second. It is unpriced, and so said."""
    answer = costing([GUIDE_EVENT], "--model", model)
    total = answer["total"]
    assert (total["status"], total["dollars"], total["low"], total["high"]) == ("unpriced", None, None, None)
    assert (answer["records"]["unpriced"], answer["records"]["billed"]) == (1, 0)
    quantities = {line["meter"]: line["quantities"] for line in answer["unpriced"]}
    assert quantities == {name: [n, n] for name, n in GUIDE_QUANTITIES.items()}
    assert all(why in line["reason"] for line in answer["unpriced"])


GUIDE_QUANTITIES = {"text_in": 55, "text_in_cached": 64, "audio_in": 13, "text_out": 30, "audio_out": 91}


def test_6_an_unknown_model_beside_a_known_one_leaves_the_total_a_part(costing: Costing) -> None:
    """Half of the log is priced: the total says that it is a part, and does not take the other half for $0."""
    other = {**GUIDE_EVENT, "response": {**GUIDE_EVENT["response"], "id": "resp_2"}, "model": "gpt-realtime-9"}
    total = costing([GUIDE_EVENT, other], "--model", "gpt-realtime")["total"]
    assert (total["status"], total["dollars"], total["low"]) == ("partial", None, "0.0069656")


def test_7_cumulative_seconds_are_not_summed_as_increments(costing: Costing) -> None:
    """30, 60 and at last 90 seconds are 90: $0.075 at $0.05 a minute. Summed they would be 180 s, $0.15."""
    updates = [{"type": "session.usage.updated", "usage": {"seconds": seconds}} for seconds in (30, 60)]
    closed = {"type": "session.closed", "reason": "client", "usage": {"seconds": 90}}
    answer = costing([session("gpt-live-1.1"), *updates, closed])
    assert_costs(answer, "90 × 50000/60")
    assert answer["records"]["all"] == 1


def test_8_transcription_is_neither_forgotten_nor_priced_as_the_voice_model(costing: Costing) -> None:
    """6,965.60 for the voice and 96 for hearing the user.

    Forgotten, that would be missing. On the voice model it would be 17 × 32 + 9 × 16 = 688 in its place.
    """
    events = [session("gpt-realtime", "gpt-4o-mini-transcribe"), transcription_event(), GUIDE_EVENT]
    assert_costs(costing(events), f"{GUIDE} + 17 × 3 + 9 × 5")


def test_8_transcription_by_a_model_that_nobody_names_is_unpriced(costing: Costing) -> None:
    """The voice model's name is known, 6,965.60, and does not stand in: 688 more would be the mistake."""
    answer = costing([session("gpt-realtime"), transcription_event(), GUIDE_EVENT])
    assert (answer["total"]["status"], answer["total"]["low"]) == ("partial", "0.0069656")
    assert {line["meter"]: line["model"] for line in answer["unpriced"]} == {"audio_in": None, "text_out": None}


def test_9_seconds_are_not_priced_as_tokens(costing: Costing) -> None:
    """1.5 seconds of whisper-1 are 150, at $0.006 a minute. As 15 audio tokens they would be 480 or have no price."""
    event = {
        "type": TRANSCRIPTION_COMPLETED,
        "item_id": "item_1",
        "content_index": 0,
        "usage": {"type": "duration", "seconds": 1.5},
    }
    assert_costs(costing([session("gpt-realtime", "whisper-1"), event]), "1.5 × 6000/60")


def test_10_a_session_that_is_seen_without_usage_is_reported(costing: Costing) -> None:
    """Over WebRTC the usage reaches the client alone. Such a session is no session that costs $0."""
    events = [session("gpt-realtime"), {"type": "session.updated", "session": {"id": "sess_1", "model": "gpt-realtime"}}]
    answer = costing(events)
    assert answer["records"]["all"] == 0
    (note,) = answer["input"]["notes"]
    assert note.startswith("1 session")
    assert "without any usage" in note
    assert "WebRTC" in note


def test_10_a_response_that_is_begun_and_not_ended_is_reported(costing: Costing) -> None:
    """One response is told, 6,965.60, and another one only begins: its usage is missing, and that is said."""
    begun = {"type": "response.created", "response": {"id": "resp_2", "conversation_id": "c", "status": "in_progress"}}
    answer = costing([session("gpt-realtime"), GUIDE_EVENT, begun])
    assert_costs(answer, GUIDE)
    (note,) = answer["input"]["notes"]
    assert note.startswith("1 response")
    assert "missing" in note


def test_11_a_cancelled_response_is_billed_for_what_it_read_and_generated(costing: Costing) -> None:
    """5,091.20. Dropped, the turn would cost nothing; without what was generated, 2,019.20."""
    event = response_done(
        {"text": 220, "audio": 310}, {"text": 192, "audio": 256}, {"text": 12, "audio": 45}, status="cancelled"
    )
    answer = costing([event], "--model", "gpt-realtime-1.5")
    assert_costs(answer, "28 × 4 + 192 × 0.40 + 54 × 32 + 256 × 0.40 + 12 × 16 + 45 × 64")
    assert answer["records"]["billed"] == 1


def test_12_an_azure_data_zone_has_its_own_price(costing: Costing) -> None:
    """1.10 × 6,965.60 = 7,662.16. At OpenAI's price, or Azure's global one, it would be 6,965.60."""
    words = ("--model", "gpt-realtime")
    data_zone = costing([GUIDE_EVENT], *words, "--deployment", "data-zone", provider="azure")
    assert_costs(data_zone, " + ".join(f"1.10 × {product}" for product in GUIDE.split(" + ")))
    assert {line["offer"] for line in data_zone["lines"]} == {"azure/gpt-realtime-2025-08-28/data-zone"}
    assert_costs(costing([GUIDE_EVENT], *words, "--deployment", "global", provider="azure"), GUIDE)


def test_12_a_regional_deployment_has_its_own_price_or_none(costing: Costing) -> None:
    """In northeurope 1.32 × 6,965.60 = 9,194.592. Elsewhere no regional price is known: neither the list's nor another's."""
    words = ("--model", "gpt-realtime", "--deployment", "regional")
    regional = costing([GUIDE_EVENT], *words, "--region", "northeurope", provider="azure")
    assert_costs(regional, " + ".join(f"1.32 × {product}" for product in GUIDE.split(" + ")))
    elsewhere = costing([GUIDE_EVENT], *words, "--region", "westeurope", provider="azure")
    assert elsewhere["total"]["status"] == "unpriced"
