"""The way to the model: what it carries and what it takes, worked out by hand; months over calls of all lengths."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from functools import cache
from math import ceil, exp, log, sqrt
from statistics import NormalDist
from typing import Any

import pytest

from tests.cases import DAY, FOLDER, case_name, cases, micro_dollars
from voicebill.answers.catalog.facts import Facts
from voicebill.answers.connectivity.call_fees import MonthlyCalls
from voicebill.answers.connectivity.transport import ConnectionCosts, ConnectionEstimate, estimate_connection
from voicebill.answers.estimates.estimate import Estimate, estimate
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.billing.errors import InvalidInput, NotAvailable, UnknownName
from voicebill.conversation.call_lengths import CallLengths, LengthDistribution, mean_billed_ms
from voicebill.conversation.plan import Plan
from voicebill.conversation.volume import Volume
from voicebill.facts import load_facts

SELECTION = ModelSelection(model="gpt-realtime-1.5", day=DAY)
SIX = Plan(minutes=6, turns=20, transport="sip")


@cache
def own_facts() -> Facts:
    """The facts with platforms and carriers of one's own."""
    return load_facts(FOLDER / "own_stacks.toml")


def costs_from(values: dict[str, Any]) -> ConnectionCosts:
    return ConnectionCosts(**values | {"platforms": tuple(values.get("platforms", ()))})


def calls_from(values: dict[str, Any] | None) -> MonthlyCalls | None:
    if values is None:
        return None
    lengths = CallLengths(tuple((minutes, count) for minutes, count in values["lengths"])) if "lengths" in values else None
    return MonthlyCalls(Fraction(values["per_month"]), lengths, values.get("cap_minutes"))


def in_bytes(written: str) -> int:
    """A written product, to the byte."""
    return round(micro_dollars(written) / 1_000_000)


@pytest.mark.parametrize("case", cases("connections.toml"), ids=case_name)
def test_every_connection_has_the_bytes_and_fees_of_its_written_sum(case: dict[str, Any]) -> None:
    connection = estimate_connection(
        Plan(**case["plan"]),
        costs_from(case.get("connection_costs", {})),
        own_facts().transport_catalog,
        DAY,
        calls_from(case.get("calls")),
    )
    assert (connection.bytes_sent, connection.bytes_received) == (in_bytes(case["bytes"]),) * 2
    assert connection.per_conversation == micro_dollars(case["each"])
    assert connection.per_month == (micro_dollars(case["month"]) if "month" in case else None)
    assert (connection.egress is not None) == ("egress_per_gb" in case.get("connection_costs", {}))


# --- what is known of each way ----------------------------------------------------------------------------------------

HEADERS = 50 * (20 + 8 + 12)
"""Bytes a second that IP, UDP and RTP put before 50 packets a second."""

BYTES_PER_MINUTE = {
    ("webrtc", "opus"): 32_000 // 8 * 60,
    ("websocket", "pcm16"): 24_000 * 2 * 60 * 4 // 3,
    ("websocket", "g711"): 8_000 * 60 * 4 // 3,
    ("sip", "g711"): (8_000 + HEADERS) * 60,
}
"""32 kbit/s; 24,000 samples of two bytes, and 8,000 of one, as base64; 64 kbit/s with headers."""


def test_what_every_codec_carries_in_a_minute_follows_from_its_samples() -> None:
    bytes_per_minute = {
        (row.name, codec.name): codec.bytes_per_minute
        for row in own_facts().transport_catalog.transports.values()
        for codec in row.codecs
    }
    assert bytes_per_minute == BYTES_PER_MINUTE
    assert {key: round(count / 10**6, 2) for key, count in bytes_per_minute.items()} == {
        ("webrtc", "opus"): 0.24,
        ("websocket", "pcm16"): 3.84,
        ("websocket", "g711"): 0.64,
        ("sip", "g711"): 0.6,
    }


def test_the_notes_say_what_is_left_out_or_put_in() -> None:
    notes = {
        (row.name, codec.name): codec.note for row in own_facts().transport_catalog.transports.values() for codec in row.codecs
    }
    assert f"{(32_000 // 8 * 60 + HEADERS * 60) / 10**6:.2f} MB" in notes["webrtc", "opus"]
    assert f"{24_000 * 2 * 60 / 10**6:.2f} MB before base64" in notes["websocket", "pcm16"]
    assert f"{8_000 * 60 / 10**6:.2f} MB before base64" in notes["websocket", "g711"]


DESCRIPTIONS = {
    "webrtc": (
        "browser and mobile clients",
        "50 to 100 ms",
        "higher",
        "the provider removes",
        "sideband connection by call_id",
    ),
    "websocket": ("servers and batch work", "100 to 300 ms", "lower", "your client must remove", "in the stream itself"),
    "sip": ("telephony and contact centres", "varies with the carrier", "highest", "the provider removes", "by call_id"),
}
"""Whom it suits, how long it takes, how hard it is to set up, who truncates, where usage is seen."""


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_every_transport_has_its_uses_and_requirements(name: str) -> None:
    row, (best_for, latency, setup, truncation, visibility) = own_facts().transport_catalog.transports[name], DESCRIPTIONS[name]
    assert (row.best_for, row.latency, row.setup) == (best_for, latency, setup)
    assert row.truncation.startswith(truncation)
    assert visibility in row.usage_visibility
    assert "no cost for network bandwidth or connections" in row.source


def test_there_are_three_transports() -> None:
    assert tuple(own_facts().transport_catalog.transports) == tuple(DESCRIPTIONS)


def test_the_requirements_of_every_transport_are_given() -> None:
    needs = {name: row.needs for name, row in own_facts().transport_catalog.transports.items()}
    assert "short-lived key" in needs["webrtc"]
    assert "your own server" in needs["websocket"]
    assert "a carrier, which bills its own minutes" in needs["sip"]


# --- calls of all lengths ---------------------------------------------------------------------------------------------

BY_HAND = 4000
"""Calls of a spread that are rounded up one by one."""


def one_by_one(mean: float, coefficient: float, cap: float, seconds: int) -> float:
    """Seconds that calls are billed on average: evenly many of a lognormal curve, each cut at the cap and rounded up."""
    sigma = sqrt(log(1 + coefficient**2))
    curve = NormalDist(log(mean) - sigma**2 / 2, sigma)
    durations = (min(exp(curve.inv_cdf((index + 0.5) / BY_HAND)), cap) * 60 for index in range(BY_HAND))
    return sum(ceil(round(duration, 6) / seconds) * seconds for duration in durations) / BY_HAND


@pytest.mark.parametrize(("minutes", "turns"), [(6, 20), (20, 20), (2, 10), (3, 4), (1, 1), (0.5, 2)])
@pytest.mark.parametrize("coefficient", [0.3, 0.8, 1.5])
@pytest.mark.parametrize("seconds", [60, 6])
def test_a_month_of_spread_calls_is_that_of_calls_rounded_up_one_by_one(
    minutes: float, turns: int, coefficient: float, seconds: int
) -> None:
    plan = Plan(minutes=minutes, turns=turns, transport="sip")
    own = ConnectionCosts(carrier_per_minute=Decimal("0.06"), carrier_increment=seconds)
    month = estimate_connection(
        plan, own, own_facts().transport_catalog, DAY, MonthlyCalls(Fraction(1000), LengthDistribution(coefficient), 60.0)
    ).per_month
    assert month is not None
    tenth_of_a_cent_a_second = one_by_one(minutes, coefficient, 60, seconds) * 10**9
    assert float(month) / 1000 == pytest.approx(tenth_of_a_cent_a_second, rel=0.002)


@pytest.mark.parametrize("cap", [60.0, 1440.0])
def test_steps_too_fine_to_add_up_are_half_a_step_more_than_the_time_itself(cap: float) -> None:
    """Where both can be told, at a second, they agree."""
    plan = Plan(minutes=6, turns=20)
    by_second = mean_billed_ms(plan, LengthDistribution(), 1000, 60)
    exactly = mean_billed_ms(plan, LengthDistribution(), 1, cap)
    assert float(mean_billed_ms(plan, LengthDistribution(), 7, cap) - exactly) == pytest.approx(3)
    if cap == 60:
        assert float(by_second) == pytest.approx(float(exactly) + 499.5, abs=1)


def test_spread_calls_send_as_much_as_they_last() -> None:
    """Six minutes on average, hardly any of them cut at a day: 1,000 × 3.6 MB × 9 cents a GB."""
    connection = estimate_connection(
        SIX,
        ConnectionCosts(egress_per_gb=Decimal("0.09")),
        own_facts().transport_catalog,
        DAY,
        MonthlyCalls(Fraction(1000), LengthDistribution(), 1440.0),
    )
    assert connection.per_month is not None
    assert float(connection.per_month) == pytest.approx(float(micro_dollars("1000 × 3.6 × 90")), rel=1e-6)


# --- in an estimate ---------------------------------------------------------------------------------------------------


def estimate_with(
    plan: Plan = SIX, volume: Volume | None = None, lengths: LengthDistribution | None = None, **costs: Any
) -> Estimate:
    return estimate(plan, SELECTION, own_facts(), volume, lengths, connection_costs=ConnectionCosts(**costs))


def connection_of(answer: Estimate) -> ConnectionEstimate:
    assert answer.connection is not None
    return answer.connection


def test_connection_costs_are_added_to_totals_without_changing_model_costs() -> None:
    plain, answer = estimate_with(), estimate_with(carrier_per_minute=Decimal("0.01"))
    assert answer.per_conversation == plain.per_conversation
    for scenario in ("best", "expected", "worst"):
        model, total = (getattr(amounts, scenario) for amounts in (answer.per_conversation, answer.total))
        assert total - model == micro_dollars("6 × 10000")
    assert answer.total_per_month is None


def test_a_monthly_total_is_the_sum_of_models_and_connection() -> None:
    """1,000 calls of six begun minutes, all alike, and $99 for the month."""
    volume = Volume(Decimal(1000), "month")
    answer = estimate_with(
        volume=volume,
        lengths=LengthDistribution(0),
        carrier_per_minute=Decimal("0.01"),
        platforms=("example-voice/agent-platform",),
    )
    assert answer.per_month is not None
    assert answer.total_per_month is not None
    difference = answer.total_per_month.expected - answer.per_month.expected
    assert difference == micro_dollars("1000 × 6 × 10000 + 1000 × 6 × 10000 + 99 × 1000000")


@pytest.mark.parametrize(("ends", "minutes"), [(True, 60), (False, 120)])
def test_the_carriers_month_ends_where_the_calls_do(ends: bool, minutes: int) -> None:
    """At OpenAI a session ends after 60 minutes; ten calls of two hours end there only if the plan says so."""
    answer = estimate(
        replace(SIX, calls_end_with_session=ends),
        SELECTION,
        own_facts(),
        Volume(Decimal(10), "month"),
        CallLengths(((120, 1),)),
        connection_costs=ConnectionCosts(carrier_per_minute=Decimal("0.01")),
    )
    assert connection_of(answer).per_month == micro_dollars(f"10 × {minutes} × 10000")


@pytest.mark.parametrize(
    ("plan", "session"),
    [({"minutes": 90, "turns": 90}, 60), ({"minutes": 45, "turns": 61, "first_speaker": "assistant"}, 30)],
    ids=["between two turns", "during a turn"],
)
def test_equal_calls_cost_the_same_by_carrier_in_a_month_as_each(plan: dict[str, Any], session: int) -> None:
    """All calls end with the session, wherever in a turn that is: a month of ten is ten times such a call."""
    ending = replace(SIX, **plan, session_minutes=session, calls_end_with_session=True)
    costs = ConnectionCosts(carrier_per_minute=Decimal("0.01"), carrier_increment=1, egress_per_gb=Decimal("0.1"))
    month = Volume(Decimal(10), "month")
    answer = estimate(ending, SELECTION, own_facts(), month, LengthDistribution(0), connection_costs=costs)
    connection = connection_of(answer)
    assert answer.call_mix is not None
    assert answer.call_mix.mean_minutes == session
    assert connection.per_month == 10 * connection.per_conversation
    assert answer.total_per_month == answer.total.scaled(Fraction(10))


def test_a_carrier_bills_short_calls_by_their_increments_and_no_unconnected_ones() -> None:
    """Of ten calls five reach nobody, one of 18 s is billed as a minute, and four last 6 minutes."""
    answer = estimate(
        replace(SIX, unconnected_share=Decimal("0.5"), short_share=Decimal("0.1")),
        SELECTION,
        own_facts(),
        Volume(Decimal(10), "month"),
        LengthDistribution(0),
        connection_costs=ConnectionCosts(carrier_per_minute=Decimal("0.01"), carrier_increment=60),
    )
    assert connection_of(answer).per_month == micro_dollars("1 × 10000 + 4 × 6 × 10000")


def test_without_a_transport_or_costs_there_is_no_connection() -> None:
    plain = Plan(minutes=6, turns=20)
    assert estimate_with(plain).connection is None
    assert estimate_with(plain).total == estimate_with(plain).per_conversation
    assert connection_of(estimate_with(plain, egress_per_gb=0)).transport.name == "webrtc"
    assert connection_of(estimate_with(plain, codec="opus")).codec.name == "opus"
    assert connection_of(estimate_with()).per_conversation == 0


def test_a_connection_states_its_assumptions() -> None:
    assumptions = connection_of(
        estimate_with(carrier_per_minute=Decimal("0.01"), carrier_increment=6, egress_per_gb=Decimal("0.09"))
    ).assumptions
    assert "your carrier rounds each call up to 6 s" in assumptions
    assert "over SIP your side sends the caller's audio all the time; received audio is assumed to be free" in assumptions
    ours = connection_of(estimate_with(carrier="twilio/voice-inbound-us-local"))
    assert any("is an example of what carriers charge: use your own carrier's rate" in text for text in ours.assumptions)
    assert any("may not apply on 2026-11-22" in text for text in ours.warnings)


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"carrier_per_minute": -1},
            "carrier_per_minute must be between 0 and 1,000 (dollars), not -1",
        ),
        ({"carrier_per_minute": Decimal("1e-11")}, "at most nine decimals, not 0.00000000001"),
        ({"carrier_per_minute": float("nan")}, "carrier_per_minute must be a finite number"),
        ({"egress_per_gb": 1001}, "egress_per_gb must be between 0 and 1,000 (dollars), not 1001"),
        ({"egress_per_gb": "dear"}, "egress_per_gb must be a number, not 'dear'"),
        ({"carrier_per_minute": 1, "carrier_increment": 0}, "carrier_increment must be between 1 and 3,600, not 0"),
        ({"carrier_per_minute": 1, "carrier_increment": 1.5}, "carrier_increment must be a whole number, not 1.5"),
        ({"carrier_increment": 6}, "carrier_increment applies to carrier_per_minute: give that, too"),
        (
            {"carrier": "a/b", "carrier_increment": 6},
            "carrier_increment applies to carrier_per_minute",
        ),
        ({"carrier": "a/b", "carrier_per_minute": 1}, "carrier cannot be combined with carrier_per_minute: give one"),
        ({"platforms": ("a/b", "c/d", "a/b")}, "platforms: a/b would be paid twice: name it once"),
        ({"carrier": "a/b", "platforms": ("a/b",)}, "platforms: a/b would be paid twice: name it once"),
    ],
)
def test_invalid_connection_costs_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        ConnectionCosts(**values)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("plan", "values", "message"),
    [
        ({}, {"carrier": "twilio/voice-inbound-us-locl"}, "unknown carrier 'twilio/voice-inbound-us-locl'; the nearest are"),
        ({}, {"platforms": ("example-voice/agent",)}, "unknown platform 'example-voice/agent'; the nearest is example-"),
        ({}, {"carrier": "openai/gpt-realtime"}, "are known, such as azure-communication-services/"),
        ({}, {"codec": "g711"}, "unknown codec 'g711' of WebRTC; known: opus; it is available over websocket or sip"),
        ({"transport": "sip"}, {"codec": "pcm16"}, "it is available over websocket"),
        ({"transport": "websocket"}, {"codec": "mp3"}, "unknown codec 'mp3' of WebSocket; known: g711, pcm16"),
    ],
)  # fmt: skip
def test_names_that_nobody_has_are_refused_with_those_that_there_are(
    plan: dict[str, Any], values: dict[str, Any], message: str
) -> None:
    with pytest.raises(UnknownName) as caught:
        estimate_with(Plan(minutes=6, turns=20, **plan), **values)
    assert message in str(caught.value)


def test_a_carrier_without_a_price_on_the_day_is_refused() -> None:
    with pytest.raises(NotAvailable, match="telnyx"):
        estimate_connection(
            SIX, ConnectionCosts(carrier="telnyx/sip-trunk-inbound-us"), own_facts().transport_catalog, DAY.replace(year=2024)
        )
