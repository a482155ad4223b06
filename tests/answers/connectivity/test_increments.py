"""Billing increments: a call of 61.2 s is billed 61.2, 62, 66, 90 or 120 s, so that no increment passes for another."""

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from tests.cases import DAY, micro_dollars
from tests.cli.invoke import answer
from tests.web.sites import SITE
from voicebill.answers.catalog.stacks import Stack
from voicebill.answers.comparison.alternatives import alternatives
from voicebill.answers.connectivity.call_fees import MonthlyCalls, call_fee, per_minute_quote
from voicebill.answers.connectivity.transport import ConnectionCosts, estimate_connection
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.billing.offers import PER_MINUTE_KINDS
from voicebill.conversation.call_lengths import CallLengths, LengthDistribution
from voicebill.conversation.plan import Plan
from voicebill.facts import load_facts

SHORT = Plan(minutes=Decimal("1.02"), turns=2, transport="sip")
"""61.2 s."""

BILLED_SECONDS = {1: "62", 6: "66", 30: "90", 60: "120", None: "120"}
"""Seconds that are billed of 61.2, by the increment in seconds; a minute where none is given."""

BILLED_BY_CARRIER = {
    "azure-communication-services/pstn-inbound-us": "61.2",
    "azure-communication-services/pstn-outbound-us": "61.2",
    "azure-communication-services/voip-participant": "61.2",
    "twilio/voice-inbound-us-local": "120",
    "twilio/voice-outbound-us": "120",
    "twilio/voice-inbound-us-toll-free": "120",
    "twilio/voice-sip-interface-us": "120",
    "twilio/voice-browser-client-us": "120",
    "twilio/call-recording": "61.2",
    "telnyx/sip-trunk-inbound-us": "66",
    "telnyx/sip-trunk-outbound-us": "66",
    "telnyx/voice-api": "61.2",
    "twilio/voice-outbound-us-toll-free": "120",
    "twilio/media-streams": "61.2",
    "twilio/conversation-relay": "61.2",
    "telnyx/sip-trunk-inbound-us-toll-free": "66",
    "telnyx/sip-trunk-outbound-us-toll-free": "66",
    "telnyx/media-streaming": "61.2",
    "telnyx/call-recording": "61.2",
    "cartesia/line-telephony": "61.2",
    "daily/pipecat-cloud-agent-1x": "61.2",
    "daily/pstn-us": "61.2",
    "daily/audio-recording": "61.2",
    "deepgram/voice-agent-own-llm-and-tts": "61.2",
    "fish-audio/agents-phone": "62",
    "inworld/realtime-api": "61.2",
    "livekit/ship": "120",
    "livekit/third-party-sip": "120",
    "retell/voice-infra": "61.2",
    "vapi/platform": "61.2",
}
"""Twilio and LiveKit round up to minutes, Telnyx' trunks to 6 s, Fish Audio to seconds; the others state milliseconds, or no
increment."""

PAID_PER_MONTH = {"twilio/local-number-us", "retell/concurrent-call"}


def test_every_carrier_has_its_increment_written_here() -> None:
    per_minute = {offer.id for offer in load_facts().prices.offers if offer.kind in PER_MINUTE_KINDS}
    assert per_minute == set(BILLED_BY_CARRIER) | PAID_PER_MONTH


@pytest.mark.parametrize(("carrier", "seconds"), BILLED_BY_CARRIER.items())
def test_a_carrier_bills_its_own_increment(carrier: str, seconds: str) -> None:
    line = call_fee(per_minute_quote(carrier, load_facts().prices, DAY), 61_200).line
    assert line is not None
    assert line.quantity == Decimal(seconds) * 1000


@pytest.mark.parametrize(("increment", "seconds"), BILLED_SECONDS.items())
def test_a_carrier_of_ones_own_bills_the_stated_increment(increment: int | None, seconds: str) -> None:
    """Six cents a minute are 1,000 millionths of a dollar a second."""
    own = ConnectionCosts(carrier_per_minute=Decimal("0.06"), carrier_increment=increment)
    (fee,) = estimate_connection(SHORT, own, load_facts().transport_catalog, DAY).fees
    assert fee.amount == micro_dollars(f"{seconds} × 1000")


@pytest.mark.parametrize("lengths", [CallLengths(((Decimal("1.02"), 7),)), LengthDistribution(0), None])
@pytest.mark.parametrize(("increment", "seconds"), BILLED_SECONDS.items())
def test_a_month_of_such_calls_is_billed_in_the_same_increments(
    increment: int | None, seconds: str, lengths: CallLengths | LengthDistribution | None
) -> None:
    own = ConnectionCosts(carrier_per_minute=Decimal("0.06"), carrier_increment=increment)
    month = MonthlyCalls(Fraction(100), lengths, 60.0)
    connection = estimate_connection(SHORT, own, load_facts().transport_catalog, DAY, month)
    assert connection.per_month == micro_dollars(f"100 × {seconds} × 1000")


def test_lengths_on_both_sides_of_an_increment_are_rounded_one_by_one() -> None:
    """To 30 s: 29.7 s are 30, 30 s are 30, 30.3 s are 60; together 120 s, where 90 s of one call would be 90."""
    calls = CallLengths(tuple((Decimal(minutes), 1) for minutes in ("0.495", "0.5", "0.505")))
    own = ConnectionCosts(carrier_per_minute=Decimal("0.06"), carrier_increment=30)
    month = MonthlyCalls(Fraction(3), calls, 60.0)
    assert estimate_connection(SHORT, own, load_facts().transport_catalog, DAY, month).per_month == micro_dollars("120 × 1000")


@pytest.mark.parametrize(("increment", "seconds"), BILLED_SECONDS.items())
def test_command_line_saved_plan_page_and_api_round_alike(tmp_path: Path, increment: int | None, seconds: str) -> None:
    carrier_fields = {"carrier_per_minute": "0.06"} | ({} if increment is None else {"carrier_increment": str(increment)})
    options = [word for name, value in carrier_fields.items() for word in (f"--{name.replace('_', '-')}", value)]
    on_line = answer("estimate", "--minutes", "61.2s", "--turns", "2", "--day", str(DAY), *options)
    file = tmp_path / "mine.toml"
    file.write_text(
        f"minutes = 1.02\nturns = 2\nday = {DAY}\n" + "".join(f"{name} = {value}\n" for name, value in carrier_fields.items())
    )
    saved = answer("estimate", "--plan", str(file))
    fields = {"minutes": "61.2s", "turns": "2", "day": str(DAY)} | carrier_fields
    by_address = SITE.get("/api/estimate", params=fields).json()
    body = {"minutes": 1.02, "turns": 2, "day": str(DAY)} | {name: json.loads(value) for name, value in carrier_fields.items()}
    by_body = SITE.post("/api/estimate", json=body).json()
    dollars = f"{Decimal(seconds) / 1000:f}"
    for document in (on_line, saved, by_address, by_body):
        (fee,) = document["connection"]["fees"]
        assert (fee["billed_seconds"], fee["dollars"]) == (seconds, dollars)


@pytest.mark.parametrize(("increment", "seconds"), [(1, "61.2"), (1000, "62"), (6_000, "66"), (30_000, "90"), (60_000, "120")])
def test_a_platform_in_a_stack_bills_its_increment(tmp_path: Path, increment: int, seconds: str) -> None:
    file = tmp_path / "platform.toml"
    file.write_text(
        'provider = "me"\nchecked = 2026-11-22\nsources = ["a contract"]\n[[offers]]\nmodel = "calls"\nkind = "platform"\n'
        f'[[offers.prices]]\nsince = "2026-11-01"\nusd = {{ call_ms = 0.06 }}\nincrements = {{ call_ms = {increment} }}\n'
    )
    facts, stack = load_facts(file), Stack("ours", "ours", "text", {"llm": ("gpt-4.1",)}, fees=("me/calls",))
    alternative = alternatives(None, SHORT, ModelSelection(model="any", day=DAY), facts, stacks=[stack]).find("ours")
    assert alternative is not None
    assert alternative.components[-1].amount == micro_dollars(f"{seconds} × 1000")


@pytest.mark.parametrize(("increment", "seconds"), [(1, 26), (7_000, 28), (60_000, 60)])
def test_a_model_in_a_stack_bills_its_increment(tmp_path: Path, increment: int, seconds: int) -> None:
    """40% of 61.2 s are 244 tokens of a tenth of a second, and two turns have 8 tokens of padding each: 26 s are heard."""
    file = tmp_path / "transcriber.toml"
    file.write_text(
        'provider = "me"\nchecked = 2026-11-22\nsources = ["a contract"]\n[[offers]]\nmodel = "ear"\nkind = "transcription"\n'
        f'[[offers.prices]]\nsince = "2026-11-01"\nusd = {{ audio_ms = 0.06 }}\nincrements = {{ audio_ms = {increment} }}\n'
    )
    facts, stack = load_facts(file), Stack("ours", "ours", "transcription", {"transcriber": ("ear",)})
    alternative = alternatives(None, SHORT, ModelSelection(model="any", day=DAY), facts, stacks=[stack]).find("ours")
    assert alternative is not None
    assert alternative.expected == micro_dollars(f"{seconds} × 1000")
