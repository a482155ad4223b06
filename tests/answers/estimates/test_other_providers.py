"""Other providers by their own mechanics: each sum is written out from the rows of its file and from how it bills.

10 minutes, 20 turns, 40% of the time each: the user speaks 12 s in a turn, the assistant 12 s, and 6 s are silent. The turns
are alike (`turn_variation` 0), so that sums over them can be written: turn k reads k - 1 earlier ones, in 20 turns 190.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from tests.cases import DAY, micro_dollars
from voicebill.answers.comparison.stack_usage import StackUsage
from voicebill.answers.connectivity.call_fees import call_fee, per_minute_quote
from voicebill.answers.connectivity.transport import ConnectionCosts
from voicebill.answers.estimates.estimate import Estimate, estimate
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.billing.bill import bill, sum_lines
from voicebill.billing.errors import Unpriced
from voicebill.conversation.call_lengths import LengthDistribution
from voicebill.conversation.plan import Plan
from voicebill.conversation.rules import ParameterValue
from voicebill.conversation.volume import Volume
from voicebill.facts import load_facts

ALIKE: Mapping[str, ParameterValue] = {"turn_variation": Decimal(0)}
BEFORE_SHUTDOWN = date(2026, 11, 1)

COUNTED_AS_GEMINI: Mapping[str, ParameterValue] = {
    "user_audio_ms_per_token": 40,
    "reply_audio_ms_per_token": 40,
    "history": "keep-all",
    "caches_input": False,
    "bills_silence": False,
}
"""Rules that a user may give: 25 tokens a second, the whole history as audio, no cache."""


def answer(
    provider: str,
    model: str,
    plan: Plan | None = None,
    *,
    day: date = DAY,
    overrides: Mapping[str, ParameterValue] = ALIKE,
    **more: Any,
) -> Estimate:
    selection = ModelSelection(model=model, provider=provider, day=day, overrides=overrides)
    return estimate(plan or Plan(minutes=10, turns=20, **more), selection, load_facts())


def expected(result: Estimate) -> Fraction:
    return Fraction(result.per_conversation.expected)


def quantities(result: Estimate) -> dict[str, int]:
    return {line.meter.name: line.quantity for line in result.lines}


# --- Gemini Live ------------------------------------------------------------------------------------------------------


def test_gemini_bills_the_whole_context_again_in_each_turn_without_a_cache() -> None:
    """12 s are 300 tokens. Turn k reads 300 new ones and 600 of each turn before: 20 × 300 + 190 × 600 = 120,000 of audio in;
    1,000 tokens of instructions 20 times; 20 × 300 of audio out; transcripts of 12 s + 12 s, 42 + 42 tokens, 20 times.
    """
    result = answer("google", "gemini-3.1-flash-live-preview", day=BEFORE_SHUTDOWN)
    assert quantities(result) == {"text_in": 20_000, "audio_in": 120_000, "text_out": 1_680, "audio_out": 6_000}
    assert expected(result) == micro_dollars("20000 × 0.75 + 120000 × 3 + 6000 × 12 + 1680 × 4.50")
    costs = result.per_conversation
    assert costs.best == costs.expected == costs.worst


def test_gemini_3_8_bills_all_the_time_in_which_it_listens() -> None:
    """30 s of a turn are 750 tokens, 450 more than the user's 300: 20 × 450 = 9,000, which later turns do not read again."""
    result = answer("google", "gemini-3.8-live")
    assert quantities(result)["audio_in"] == 120_000 + 9_000
    assert expected(result) == micro_dollars("20000 × 0.75 + 129000 × 3 + 6000 × 12 + 1680 × 4.50")


def test_gemini_might_read_the_silence_again() -> None:
    """Turn k would read 750 + 300 tokens of each turn before: 20 × 750 + 190 × 1,050 = 214,500."""
    result = answer("google", "gemini-3.8-live", overrides={**ALIKE, "silence_in_history": True})
    assert quantities(result)["audio_in"] == 214_500
    planned = answer("google", "gemini-3.8-live").planning_range
    assert planned is not None
    assert planned.high >= expected(result)


def test_gemini_s_compression_drops_the_oldest_items() -> None:
    """A trigger of 8,000 less 1,000 of instructions leaves 7,000, a target of 4,000 leaves 3,000. Turns 1 to 12 read
    300 + 600 (k - 1): 12 × 300 + 66 × 600 = 43,200. Turn 13 would read 7,500 and is cut to 3,000; turns 14 to 19 read 3,600,
    4,200, 4,800, 5,400, 6,000 and 6,600: 30,600; turn 20 would read 7,200 and is cut to 3,000.
    """
    compression = {"compression_trigger_tokens": 8_000, "compression_target_tokens": 4_000}
    result = answer("google", "gemini-3.1-flash-live-preview", day=BEFORE_SHUTDOWN, overrides={**ALIKE, **compression})
    assert quantities(result)["audio_in"] == 43_200 + 3_000 + 30_600 + 3_000
    assert expected(result) == micro_dollars("20000 × 0.75 + 79800 × 3 + 6000 × 12 + 1680 × 4.50")


def test_gemini_s_default_compression_leaves_a_call_of_ten_minutes_as_it_is() -> None:
    """The trigger is 80% of 131,072 tokens, and turn 20 reads 1,000 + 11,700."""
    off = {"compression_trigger_tokens": 0}
    assert expected(answer("google", "gemini-3.8-live", overrides={**ALIKE, **off})) == expected(
        answer("google", "gemini-3.8-live")
    )


# --- billed by time ---------------------------------------------------------------------------------------------------


def test_grok_s_two_texts_are_a_range() -> None:
    """10 connected minutes × 0.08 = 0.80, or 4 + 4 minutes of audio × 0.08 = 0.64; tokens are not billed."""
    result = answer("xai", "grok-voice-latest")
    assert quantities(result) == {"session_ms": 600_000}
    assert expected(result) == micro_dollars("10 × 80000")
    assert result.planning_range is not None
    assert (result.planning_range.low, result.planning_range.high) == (micro_dollars("8 × 80000"), micro_dollars("10 × 80000"))
    assert result.rule_uncertainty is not None
    assert result.rule_uncertainty.parameters == ("session_time",)


def test_grok_bills_typed_messages() -> None:
    """Five of the 20 turns are typed: 10 × 0.08 + 5 × 0.004."""
    result = answer("xai", "grok-voice-3.0", text_turns=5)
    assert quantities(result) == {"session_ms": 600_000, "messages": 5}
    assert expected(result) == micro_dollars("10 × 80000 + 5 × 4000")


def test_elevenlabs_bills_minutes_and_the_text_of_its_language_model() -> None:
    """12 s of speech are 42 tokens of text. Turn k reads 1,000 tokens of instructions and 42 + 42 of each turn before:
    20,000 + 190 × 84 = 35,960; it writes 42, 20 times. Audio is in the price of a minute.
    """
    result = answer("elevenlabs", "eleven_realtime_v1_mini")
    assert quantities(result) == {"text_in": 35_960, "text_out": 840, "session_ms": 600_000}
    assert expected(result) == micro_dollars("10 × 80000 + 35960 × 0.20 + 840 × 6")


def test_elevenlabs_max_has_a_cache() -> None:
    """Without a hit 35,960 × 1.80. With the whole prefix found, the first 1,000 are new, and the transcripts of each turn once
    it is over: 1,000 + 19 × 84 = 2,596 at 1.80, and 33,364 at 0.18. At best only the first 1,000 are new.
    """
    costs = answer("elevenlabs", "eleven_realtime_v1_max").per_conversation
    assert costs.worst == micro_dollars("10 × 80000 + 35960 × 1.80 + 840 × 9")
    assert costs.expected == micro_dollars("10 × 80000 + 2596 × 1.80 + 33364 × 0.18 + 840 × 9")
    assert costs.best == micro_dollars("10 × 80000 + 1000 × 1.80 + 34960 × 0.18 + 840 × 9")


@pytest.mark.parametrize(
    ("provider", "model", "written"),
    [
        ("elevenlabs", "ElevenAgents", "10 × 80000"),
        ("deepgram", "voice-agent", "10 × 75000"),
        ("assemblyai", "voice-agent", "10 × 75000"),
        ("ultravox", "ultravox", "10 × 50000"),
        ("hume", "evi-3-pro", "10 × 60000"),
        ("cartesia", "line", "10 × 60000"),
        ("fish-audio", "agents", "10 × 60000"),
        ("agora", "conversational-ai-engine", "10 × 100000"),
        ("bland", "start", "10 × 140000"),
        ("retell", "whole-agent", "10 × 70000"),
        ("telnyx", "conversational-ai", "10 × 50000"),
    ],
)
def test_an_agent_of_one_seller_costs_its_minutes(provider: str, model: str, written: str) -> None:
    assert expected(answer(provider, model)) == micro_dollars(written)


def test_fish_counts_by_the_second() -> None:
    """A call of 10.5 s is billed as 11 s."""
    short = Plan(minutes=Decimal("0.175"), turns=1)
    assert quantities(answer("fish-audio", "agents", short)) == {"session_ms": 11_000}


# --- Azure Voice Live -------------------------------------------------------------------------------------------------

ONE_TURN = Plan(minutes=1, turns=1)
"""The user speaks 24 s, the assistant 24 s; nothing was sent before."""


def test_voice_live_bills_native_audio_by_the_tier_of_its_model() -> None:
    """Pro: 24 s are 240 tokens and 300 + 200 ms of turn detection 5; the item adds 8 tokens of text to 1,000 of instructions; a
    reply of 480 tokens has 8 + 0.224 × 480 = 115.52 of text. Standard: the same of gpt-realtime-mini.
    """
    for model, written in (
        ("gpt-realtime", "1008 × 4 + 245 × 32 + 116 × 16 + 480 × 64"),
        ("gpt-realtime-mini", "1008 × 0.66 + 245 × 11 + 116 × 2.64 + 480 × 22"),
    ):
        assert expected(answer("azure-voice-live", model, ONE_TURN)) == micro_dollars(written)


def test_voice_live_counts_realtime_models_as_azure_openai_does() -> None:
    own = answer("azure-voice-live", "gpt-realtime", overrides={})
    assert quantities(own) == quantities(answer("azure", "gpt-realtime", overrides={}))
    assert "audio_in_cached" in quantities(own)


def test_voice_live_cost_more_before_may_2026() -> None:
    result = answer("azure-voice-live", "gpt-realtime", ONE_TURN, day=date(2026, 3, 1))
    assert expected(result) == micro_dollars("1008 × 4.40 + 245 × 35.20 + 116 × 17.60 + 480 × 70.40")


def test_voice_live_bills_a_text_model_with_audio_of_azure_speech() -> None:
    """24 s are 240 tokens in and 480 out; the reply's text is 0.175 × 480 = 84 tokens; the messages' frames add 3 + 4."""
    result = answer("azure-voice-live", "gpt-4o", ONE_TURN)
    assert expected(result) == micro_dollars("1007 × 4 + 240 × 17 + 84 × 16 + 480 × 31")


def test_voice_live_charges_what_a_text_model_read_before_as_cached() -> None:
    """Turn k reads 120 new tokens of audio and 360 of each turn before: 2,400 new, 190 × 360 = 68,400 cached. Of text 1,007 in
    turn 1 and 4 in each later one are new, 1,007 + 19 × 4 = 1,083; 50 of each turn before (frames 4 + 4, and 42 that the model
    wrote) are read again: 20 × 1,007 + 190 × 50 - 1,083 = 28,557 cached. It writes 42, 20 times, and speaks 240.
    """
    costs = answer("azure-voice-live", "gpt-4o").per_conversation
    assert costs.expected == micro_dollars("1083 × 4 + 28557 × 0.40 + 2400 × 17 + 68400 × 0.40 + 840 × 16 + 4800 × 31")
    assert costs.worst == micro_dollars("29640 × 4 + 70800 × 17 + 840 × 16 + 4800 × 31")


def test_voice_live_s_text_models_of_a_tier_cost_the_same() -> None:
    """Also those that Azure OpenAI counts in another way, and gpt-5-chat, which it does not sell."""
    pro = ("gpt-4o", "gpt-4.1", "gpt-5", "gpt-5-chat", "gpt-5.1", "gpt-5.2", "gpt-5.4", "gpt-5.6-terra")
    assert len({expected(answer("azure-voice-live", model)) for model in pro}) == 1


def test_phi_counts_12_and_a_half_tokens_a_second_of_input() -> None:
    """24 s are 300 tokens in and 480 out."""
    result = answer("azure-voice-live", "phi4-mm-realtime", ONE_TURN)
    assert expected(result) == micro_dollars("1000 × 0.11 + 300 × 4 + 84 × 0.44 + 480 × 25")


def test_a_model_of_one_s_own_with_voice_live_is_not_estimated_without_its_text() -> None:
    with pytest.raises(Unpriced, match=r"byom-azure-speech-standard of azure-voice-live .* give history .*bills_silence"):
        answer("azure-voice-live", "byom-azure-speech-standard")
    with pytest.raises(Unpriced, match="byom-azure-speech-standard"):
        answer(
            "azure-voice-live",
            "byom-azure-speech-standard",
            overrides={"history": "keep-all", "bills_silence": False},
        )


# --- what is not published --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "model", "missing"),
    [
        ("amazon", "amazon.nova-2-sonic-v1:0", (*COUNTED_AS_GEMINI, "transcript_output")),
        ("amazon", "amazon.nova-2-5-sonic", (*COUNTED_AS_GEMINI, "transcript_output")),
        ("boson", "higgs-realtime", (*COUNTED_AS_GEMINI, "transcript_output")),
        ("alibaba", "qwen3.5-omni-plus-realtime", tuple(COUNTED_AS_GEMINI)),
        ("alibaba", "qwen3-omni-flash-realtime", tuple(COUNTED_AS_GEMINI)),
    ],
)
def test_a_model_whose_counting_is_not_published_is_refused_with_what_is_missing(
    provider: str, model: str, missing: tuple[str, ...]
) -> None:
    facts = load_facts()
    offer = facts.prices.quote(model, provider=provider, day=DAY).offer
    assert set(facts.rules_for(offer, day=DAY).unknown) == set(missing)
    with pytest.raises(Unpriced) as caught:
        answer(provider, model)
    text = str(caught.value)
    assert all(f"{name} (" in text for name in missing)
    assert f"{model} of {provider} becomes tokens is not known, so it cannot be estimated" in text
    for name in missing:  # one of them is not enough
        with pytest.raises(Unpriced):
            answer(provider, model, overrides={name: {**COUNTED_AS_GEMINI, "transcript_output": "none"}[name]})


def test_nova_is_estimated_once_its_rules_are_given() -> None:
    """25 tokens a second both ways, all history, no cache, as of Gemini: 120,000 of audio in, 6,000 out, no transcripts."""
    rules = {**ALIKE, **COUNTED_AS_GEMINI, "transcript_output": "none"}
    result = answer("amazon", "amazon.nova-2-sonic-v1:0", overrides=rules)
    assert expected(result) == micro_dollars("20000 × 0.33 + 120000 × 3 + 6000 × 12")


def test_qwen_is_estimated_once_its_rules_are_given_and_transcripts_stay_free() -> None:
    result = answer("alibaba", "qwen3.5-omni-plus-realtime", overrides={**ALIKE, **COUNTED_AS_GEMINI})
    assert expected(result) == micro_dollars("20000 × 2.10 + 120000 × 16.50 + 6000 × 62")


# --- parts and platforms ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "model", "written"),
    [
        ("deepgram", "nova-3", "10 × 4800"),
        ("assemblyai", "universal-streaming", "10 × 2500"),
        ("elevenlabs", "scribe_v2_realtime", "10 × 6500"),
        ("mistral", "voxtral-mini-transcribe-realtime-3", "10 × 8000"),
        ("xai", "grok-stt", "10 × 3333.333333"),
        ("xai", "grok-stt-rest", "4 × 1666.666667"),
    ],
)
def test_a_stream_is_transcribed_with_its_silence_and_a_recording_without(provider: str, model: str, written: str) -> None:
    """10 minutes of a stream; of recorded speech the user's 4."""
    facts = load_facts()
    quote = facts.prices.quote(model, provider=provider, day=DAY)
    rules = facts.rules_for(quote.offer, day=DAY, overrides=ALIKE).rules
    usage = StackUsage(Plan(minutes=10, turns=20), rules).transcription(quote.rates, rules)
    assert sum_lines(bill(usage, quote.rates)) == micro_dollars(written)


def test_a_price_of_an_hour_is_a_sixtieth_a_minute() -> None:
    """Azure's $1.00 an hour: an hour costs a dollar to the ninth digit."""
    rates = load_facts().prices.quote("azure-speech-to-text", provider="azure", day=DAY).rates
    rate = rates["audio_ms"]
    assert rate is not None
    assert round(Fraction(rate.amount(3_600_000)) / 10**12, 9) == 1


def test_livekit_rounds_each_use_up_to_whole_minutes() -> None:
    """70 s are 2 minutes × 0.01; 60 s are one."""
    ship = per_minute_quote("livekit/ship", load_facts().prices, DAY)
    assert [call_fee(ship, ms).amount for ms in (60_000, 70_000)] == [micro_dollars("10000"), micro_dollars("2 × 10000")]


def test_livekit_s_plan_includes_5000_minutes_a_month() -> None:
    """1,000 calls of 10 minutes: 50 + (10,000 - 5,000) × 0.01 = 100; 400 calls stay within the plan: 50."""
    for calls, written in ((1_000, "50000000 + 5000 × 10000"), (400, "50000000")):
        result = estimate(
            Plan(minutes=10, turns=20),
            ModelSelection(model="gpt-realtime", day=DAY),
            load_facts(),
            Volume(Decimal(calls), "month"),
            LengthDistribution(0),
            connection_costs=ConnectionCosts(platforms=("livekit/ship",)),
        )
        assert result.connection is not None
        assert [fee.per_month for fee in result.connection.fees] == [micro_dollars(written)]
