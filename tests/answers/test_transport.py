"""The way to the model: what it carries and what it takes, worked out by hand; months over calls of all lengths."""

from decimal import Decimal
from fractions import Fraction
from math import ceil, exp, log, sqrt
from statistics import NormalDist
from typing import Any

import pytest

from tests.cases import DAY, FOLDER, called, cases, micro_dollars
from voicebill.answers.estimate import Estimate, estimate
from voicebill.answers.lengths import Lengths, Spread, mean_billed_ms
from voicebill.answers.offered import Asked
from voicebill.answers.quantities import Volume
from voicebill.answers.tolls import Calls
from voicebill.answers.transport import Carriage, Carried, carried
from voicebill.billing.errors import InvalidInput, NotOffered, UnknownName
from voicebill.conversation.plan import Plan
from voicebill.facts import load

FACTS = load(FOLDER / "own_stacks.toml")
WAYS = FACTS.ways
ASKED = Asked(model="gpt-realtime-1.5", day=DAY)
SIX = Plan(minutes=6, turns=20, transport="sip")


def stated(told: dict[str, Any]) -> Carriage:
    return Carriage(**told | {"fees": tuple(told.get("fees", ()))})


def counted(told: dict[str, Any] | None) -> Calls | None:
    if told is None:
        return None
    lengths = Lengths(tuple((minutes, count) for minutes, count in told["lengths"])) if "lengths" in told else None
    return Calls(Fraction(told["per_month"]), lengths, told.get("cap_minutes"))


def in_bytes(written: str) -> int:
    """A written product, to the byte."""
    return round(micro_dollars(written) / 1_000_000)


@pytest.mark.parametrize("case", cases("ways.toml"), ids=called)
def test_every_way_carries_and_takes_what_its_written_sum_says(case: dict[str, Any]) -> None:
    found = carried(Plan(**case["plan"]), stated(case.get("carriage", {})), WAYS, DAY, counted(case.get("calls")))
    assert (found.up_bytes, found.down_bytes) == (in_bytes(case["bytes"]),) * 2
    assert found.per_conversation == micro_dollars(case["each"])
    assert found.per_month == (micro_dollars(case["month"]) if "month" in case else None)
    assert (found.egress is not None) == ("egress_per_gb" in case.get("carriage", {}))


# --- what is known of each way ----------------------------------------------------------------------------------------

HEADERS = 50 * (20 + 8 + 12)
"""Bytes a second that IP, UDP and RTP put before 50 packets a second."""

CARRIED = {
    ("webrtc", "opus"): 32_000 // 8 * 60,
    ("websocket", "pcm16"): 24_000 * 2 * 60 * 4 // 3,
    ("websocket", "g711"): 8_000 * 60 * 4 // 3,
    ("sip", "g711"): (8_000 + HEADERS) * 60,
}
"""32 kbit/s; 24,000 samples of two bytes, and 8,000 of one, as base64; 64 kbit/s with headers."""


def test_what_every_codec_carries_in_a_minute_follows_from_its_samples() -> None:
    known = {(row.name, codec.name): codec.bytes_per_minute for row in WAYS.transports.values() for codec in row.codecs}
    assert known == CARRIED
    assert {each: round(count / 10**6, 2) for each, count in known.items()} == {
        ("webrtc", "opus"): 0.24,
        ("websocket", "pcm16"): 3.84,
        ("websocket", "g711"): 0.64,
        ("sip", "g711"): 0.6,
    }


def test_the_notes_say_what_is_left_out_or_put_in() -> None:
    notes = {(row.name, codec.name): codec.note for row in WAYS.transports.values() for codec in row.codecs}
    assert f"{(32_000 // 8 * 60 + HEADERS * 60) / 10**6:.2f} MB" in notes["webrtc", "opus"]
    assert f"{24_000 * 2 * 60 / 10**6:.2f} MB before base64" in notes["websocket", "pcm16"]
    assert f"{8_000 * 60 / 10**6:.2f} MB before base64" in notes["websocket", "g711"]


SAID = {
    "webrtc": ("browser and mobile clients", "50 to 100 ms", "higher", "the provider cuts", "sideband connection by call_id"),
    "websocket": ("servers and batch work", "100 to 300 ms", "lower", "your client must cut", "in the stream itself"),
    "sip": ("telephony and contact centres", "varies with the carrier", "highest", "the provider cuts", "by call_id"),
}
"""Whom it suits, how long it takes, how hard it is to set up, who truncates, where usage is seen."""


@pytest.mark.parametrize("name", SAID)
def test_each_way_says_whom_it_suits_and_what_it_asks_for(name: str) -> None:
    row, (best_for, latency, setup, truncates, seen) = WAYS.transports[name], SAID[name]
    assert (row.best_for, row.latency, row.setup) == (best_for, latency, setup)
    assert row.truncates.startswith(truncates)
    assert seen in row.usage_seen
    assert "no cost for network bandwidth or connections" in row.source


def test_there_are_three_ways() -> None:
    assert tuple(WAYS.transports) == tuple(SAID)


def test_what_each_way_needs_is_told() -> None:
    needs = {name: row.needs for name, row in WAYS.transports.items()}
    assert "short-lived key" in needs["webrtc"]
    assert "server of yours" in needs["websocket"]
    assert "a carrier, who bills minutes of his own" in needs["sip"]


# --- calls of all lengths ---------------------------------------------------------------------------------------------

BY_HAND = 4000
"""Calls of a spread that are rounded up one by one."""


def one_by_one(mean: float, coefficient: float, cap: float, seconds: int) -> float:
    """Seconds that calls are billed on average: evenly many of a lognormal curve, each cut at the cap and rounded up."""
    sigma = sqrt(log(1 + coefficient**2))
    curve = NormalDist(log(mean) - sigma**2 / 2, sigma)
    lasting = (min(exp(curve.inv_cdf((at + 0.5) / BY_HAND)), cap) * 60 for at in range(BY_HAND))
    return sum(ceil(round(each, 6) / seconds) * seconds for each in lasting) / BY_HAND


@pytest.mark.parametrize(("minutes", "turns"), [(6, 20), (20, 20), (2, 10), (3, 4), (1, 1), (0.5, 2)])
@pytest.mark.parametrize("coefficient", [0.3, 0.8, 1.5])
@pytest.mark.parametrize("seconds", [60, 6])
def test_a_month_of_spread_calls_is_that_of_calls_rounded_up_one_by_one(
    minutes: float, turns: int, coefficient: float, seconds: int
) -> None:
    plan = Plan(minutes=minutes, turns=turns, transport="sip")
    own = Carriage(carrier_per_minute=Decimal("0.06"), carrier_seconds=seconds)
    month = carried(plan, own, WAYS, DAY, Calls(Fraction(1000), Spread(coefficient), 60.0)).per_month
    assert month is not None
    tenth_of_a_cent_a_second = one_by_one(minutes, coefficient, 60, seconds) * 10**9
    assert float(month) / 1000 == pytest.approx(tenth_of_a_cent_a_second, rel=0.002)


@pytest.mark.parametrize("cap", [60.0, 1440.0])
def test_steps_too_fine_to_add_up_are_half_a_step_more_than_the_time_itself(cap: float) -> None:
    """Where both can be told, at a second, they agree."""
    plan = Plan(minutes=6, turns=20)
    by_second = mean_billed_ms(plan, Spread(), 1000, 60)
    exactly = mean_billed_ms(plan, Spread(), 1, cap)
    assert float(mean_billed_ms(plan, Spread(), 7, cap) - exactly) == pytest.approx(3)
    if cap == 60:
        assert float(by_second) == pytest.approx(float(exactly) + 499.5, abs=1)


def test_spread_calls_send_as_much_as_they_last() -> None:
    """Six minutes on average, hardly any of them cut at a day: 1,000 × 3.6 MB × 9 cents a GB."""
    found = carried(SIX, Carriage(egress_per_gb=Decimal("0.09")), WAYS, DAY, Calls(Fraction(1000), Spread(), 1440.0))
    assert found.per_month is not None
    assert float(found.per_month) == pytest.approx(float(micro_dollars("1000 × 3.6 × 90")), rel=1e-6)


# --- in an estimate ---------------------------------------------------------------------------------------------------


def told(plan: Plan = SIX, volume: Volume | None = None, lengths: Spread | None = None, **way: Any) -> Estimate:
    return estimate(plan, ASKED, FACTS, volume, lengths, carriage=Carriage(**way))


def way_of(answer: Estimate) -> Carried:
    assert answer.way is not None
    return answer.way


def test_the_way_is_added_to_every_amount_and_none_of_them_is_changed_by_it() -> None:
    plain, found = told(), told(carrier_per_minute=Decimal("0.01"))
    assert found.per_conversation == plain.per_conversation
    for scenario in ("best", "expected", "worst"):
        model, together = (getattr(each, scenario) for each in (found.per_conversation, found.altogether))
        assert together - model == micro_dollars("6 × 10000")
    assert found.altogether_per_month is None


def test_a_month_with_its_way_is_the_models_month_and_the_ways() -> None:
    """1,000 calls of six begun minutes, all alike, and $99 for the month."""
    volume = Volume(Decimal(1000), "month")
    found = told(volume=volume, lengths=Spread(0), carrier_per_minute=Decimal("0.01"), fees=("example-voice/agent-platform",))
    assert found.per_month is not None
    assert found.altogether_per_month is not None
    added = found.altogether_per_month.expected - found.per_month.expected
    assert added == micro_dollars("1000 × 6 × 10000 + 1000 × 6 × 10000 + 99 × 1000000")


def test_the_carriers_month_ends_where_the_models_session_does() -> None:
    """At OpenAI a session ends after 60 minutes; ten calls of two hours are billed 60 minutes each."""
    asked_of = estimate(
        SIX,
        ASKED,
        FACTS,
        Volume(Decimal(10), "month"),
        Lengths(((120, 1),)),
        carriage=Carriage(carrier_per_minute=Decimal("0.01")),
    )
    assert way_of(asked_of).per_month == micro_dollars("10 × 60 × 10000")


def test_nothing_is_said_of_the_way_unless_it_was_asked_about() -> None:
    plain = Plan(minutes=6, turns=20)
    assert told(plain).way is None
    assert told(plain).altogether == told(plain).per_conversation
    assert way_of(told(plain, egress_per_gb=0)).transport.name == "webrtc"
    assert way_of(told(plain, codec="opus")).codec.name == "opus"
    assert way_of(told()).per_conversation == 0


def test_what_is_taken_for_granted_on_the_way_is_said() -> None:
    said = way_of(told(carrier_per_minute=Decimal("0.01"), carrier_seconds=6, egress_per_gb=Decimal("0.09"))).assumptions
    assert "the stated carrier rounds each call up to 6 s" in said
    assert "over SIP your side sends the caller's audio all the time; what it receives is taken to be free" in said
    ours = way_of(told(carrier="twilio/voice-inbound-us-local"))
    assert any("is an example of what carriers charge: use your own carrier's rate" in text for text in ours.assumptions)
    assert any("may not hold on 2026-11-22" in text for text in ours.warnings)


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("way", "said"),
    [
        (
            {"carrier_per_minute": -1},
            "carrier_per_minute must be dollars between 0 and 1,000 with at most nine decimals, not -1",
        ),
        ({"carrier_per_minute": Decimal("1e-11")}, "at most nine decimals, not 0.00000000001"),
        ({"carrier_per_minute": float("nan")}, "carrier_per_minute must be a finite number"),
        ({"egress_per_gb": 1001}, "egress_per_gb must be dollars between 0 and 1,000"),
        ({"egress_per_gb": "dear"}, "egress_per_gb must be a number, not 'dear'"),
        ({"carrier_per_minute": 1, "carrier_seconds": 0}, "carrier_seconds must be between 1 and 3,600, not 0"),
        ({"carrier_per_minute": 1, "carrier_seconds": 1.5}, "carrier_seconds must be a whole number, not 1.5"),
        ({"carrier_seconds": 6}, "carrier_seconds says how a carrier stated by carrier_per_minute rounds: give that, too"),
        ({"carrier": "a/b", "carrier_seconds": 6}, "carrier_seconds says how a carrier stated by carrier_per_minute rounds"),
        ({"carrier": "a/b", "carrier_per_minute": 1}, "carrier and carrier_per_minute say the same thing: give one"),
        ({"fees": ("a/b", "c/d", "a/b")}, "fees: a/b would be paid twice: name it once"),
        ({"carrier": "a/b", "fees": ("a/b",)}, "fees: a/b would be paid twice: name it once"),
    ],
)
def test_what_cannot_be_meant_of_the_way_is_refused(way: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Carriage(**way)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("plan", "way", "said"),
    [
        ({}, {"carrier": "twilio/voice-inbound-us-locl"}, "unknown carrier 'twilio/voice-inbound-us-locl'; the nearest are"),
        ({}, {"fees": ("example-voice/agent",)}, "unknown platform 'example-voice/agent'; the nearest is example-"),
        ({}, {"carrier": "openai/gpt-realtime"}, "your own is an offer of kind telephony or platform in a file of prices"),
        ({}, {"codec": "g711"}, "unknown codec 'g711' of WebRTC; known: opus; the transport that has it is websocket or sip"),
        ({"transport": "sip"}, {"codec": "pcm16"}, "the transport that has it is websocket"),
        ({"transport": "websocket"}, {"codec": "mp3"}, "unknown codec 'mp3' of WebSocket; known: g711, pcm16"),
    ],
)  # fmt: skip
def test_names_that_nobody_has_are_refused_with_those_that_there_are(
    plan: dict[str, Any], way: dict[str, Any], said: str
) -> None:
    with pytest.raises(UnknownName) as refused:
        told(Plan(minutes=6, turns=20, **plan), **way)
    assert said in str(refused.value)


def test_a_carrier_without_a_price_on_the_day_is_refused() -> None:
    with pytest.raises(NotOffered, match="telnyx"):
        carried(SIX, Carriage(carrier="telnyx/sip-trunk-inbound-us"), WAYS, DAY.replace(year=2024))
