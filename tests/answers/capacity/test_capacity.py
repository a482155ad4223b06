"""Calls at once and quota: the sums written out, what must always hold, and what is said."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cases import DAY
from voicebill.answers.capacity.capacity import plan_capacity
from voicebill.answers.capacity.demand import call_demand
from voicebill.answers.capacity.erlang import channels_for_blocking, erlang_b
from voicebill.answers.capacity.result import Capacity
from voicebill.answers.capacity.targets import CapacityTargets, ServiceLevel
from voicebill.answers.estimates.counted_conversation import run_conversation
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.billing.errors import InvalidInput, UnknownName
from voicebill.conversation.call_lengths import CallLengths, LengthDistribution
from voicebill.conversation.plan import Plan, script
from voicebill.conversation.volume import Volume
from voicebill.facts import load_facts

AZURE = ModelSelection(model="gpt-realtime", provider="azure", day=DAY)
OPENAI = ModelSelection(model="gpt-realtime-1.5", day=DAY)
PLAN = Plan(minutes=6, turns=20)
SAME_LENGTH = LengthDistribution(0)


def capacity_of(
    selection: ModelSelection = AZURE,
    volume: str = "30000/month",
    plan: Plan = PLAN,
    lengths: LengthDistribution | CallLengths | None = SAME_LENGTH,
    **targets: Any,
) -> Capacity:
    """The capacity of a plan; every call is the plan's unless lengths are said to differ."""
    number, period = volume.split("/")
    call_volume = None if "calls_per_hour" in targets else Volume(Decimal(number), period)
    return plan_capacity(plan, selection, load_facts(), call_volume, CapacityTargets(**targets), lengths=lengths)


@pytest.mark.parametrize(
    ("volume", "targets", "calls"),
    [
        ("30000/month", {"days": 20, "busy_hour_share": Decimal("0.15")}, Fraction(30_000 * 15, 20 * 100)),
        ("30000/month", {}, Fraction(30_000 * 17, 22 * 100)),
        ("1000/day", {"busy_hour_share": Decimal("0.2")}, Fraction(200)),
        ("5200/week", {"days": 20, "busy_hour_share": Decimal("0.1")}, Fraction(5200 * 365, 7 * 12 * 20 * 10)),
        ("0/month", {"calls_per_hour": 90}, Fraction(90)),
    ],
)
def test_the_busy_hour_is_a_share_of_a_day_on_which_calls_come(volume: str, targets: dict[str, Any], calls: Fraction) -> None:
    traffic = capacity_of(volume=volume, **targets).traffic
    assert traffic.calls_per_hour == calls
    assert traffic.erlangs == pytest.approx(float(calls) * 6 / 60)


def test_two_hundred_calls_of_six_minutes_are_twenty_erlangs() -> None:
    """20 erlangs: 30 channels refuse 0.85%, 29 refuse 1.3%. Of 200 / 60 calls a minute 99.15% ask for what a call asks for."""
    answer = capacity_of(calls_per_hour=200)
    tokens, requests, sessions = answer.limits
    assert answer.traffic.erlangs == 20
    assert answer.channels == 30
    assert answer.blocking_probability == pytest.approx(0.0085, abs=0.0001)
    assert tokens.mean == pytest.approx((1 - answer.blocking_probability) * 200 / 60 * answer.demand.tokens.per_call)
    assert requests.mean == pytest.approx((1 - answer.blocking_probability) * 200 / 60 * 20)
    assert (tokens.worst, requests.worst) == (30 * answer.demand.tokens.heaviest, 30 * 4)
    assert sessions.mean == pytest.approx(20 * (1 - answer.blocking_probability))
    assert (sessions.worst, sessions.quota) == (30, None)


def test_one_deployment_and_as_many_as_it_takes() -> None:
    """A call asks for 50,055 tokens in 6 minutes: 100,000 a minute carry 11 on average, 9 in 99 of 100 minutes."""
    answer = capacity_of(calls_per_hour=200)
    needed, calls_per_quota = answer.needed, answer.limits[0].calls_per_quota
    assert needed is not None
    assert calls_per_quota is not None
    assert answer.demand.tokens.per_call == 50_055
    assert calls_per_quota.on_average == 100_000 * 6 // 50_055 == 11
    assert (needed.binding_limit, needed.calls_at_once) == ("tokens", 9)
    assert needed.blocking_with_one == erlang_b(20, 9)
    assert needed.pooled == ceil(30 / 9) == 4
    assert needed.partitioned is not None
    assert erlang_b(20 / needed.partitioned, 9) <= 0.01 < erlang_b(20 / (needed.partitioned - 1), 9)
    assert [step.calls_at_once for step in needed.steps] == [9, 18, 27, 36]
    assert needed.steps[-1].blocking_probability <= 0.01 < needed.steps[-2].blocking_probability


def test_limits_of_ones_own_replace_the_published_ones_one_by_one() -> None:
    answer = capacity_of(calls_per_hour=200, quota_tokens=1_000_000, quota_sessions=25)
    assert [(limit.quota, limit.is_override) for limit in answer.limits] == [(1_000_000, True), (200, False), (25, True)]
    assert answer.needed is not None
    assert (answer.needed.binding_limit, answer.needed.calls_at_once, answer.needed.pooled) == ("sessions", 25, 2)


def test_how_a_limit_counts_can_be_stated() -> None:
    default = capacity_of(calls_per_hour=200)
    free = capacity_of(calls_per_hour=200, cached_tokens=False)
    assert default.demand.tokens.per_call - free.demand.tokens.per_call == default.demand.cached_tokens > 0
    session = capacity_of(calls_per_hour=200, request_unit="session")
    assert session.demand.requests.per_call == 1
    assert session.limits[1].mean == pytest.approx(200 / 60 * (1 - session.blocking_probability))
    reserved = capacity_of(calls_per_hour=200, reserved_output_tokens=4096)
    assert reserved.demand.tokens.per_call > default.demand.tokens.per_call + 20 * 3500
    assert any("at least 4,096 output tokens count" in assumption for assumption in reserved.assumptions)


def test_where_nothing_is_published_nothing_is_invented() -> None:
    answer = capacity_of(OPENAI)
    assert answer.needed is None
    assert [limit.quota for limit in answer.limits] == [None, None, None]
    assert any("no quota of gpt-realtime-1.5 at openai is published" in warning for warning in answer.warnings)
    assert "no quota" not in " ".join(capacity_of(OPENAI, quota_tokens=100_000).warnings)
    assert any(
        "tier-2 says nothing" in warning for warning in capacity_of(OPENAI, tier="tier-2", quota_tokens=100_000).warnings
    )


def test_a_call_that_asks_for_more_than_a_quota_is_carried_by_no_number_of_them() -> None:
    answer = capacity_of(quota_tokens=5_000)
    assert answer.needed is not None
    assert (answer.needed.pooled, answer.needed.partitioned, answer.needed.blocking_with_one) == (None, None, 1)
    assert any("no number of deployments is enough" in warning for warning in answer.warnings)


def test_calls_of_two_lengths_ask_for_the_mean_of_what_they_ask_for() -> None:
    """As many of 4 minutes and of 8, of 13 and 27 turns: 6 minutes on average, and more tokens than the call of 6 has."""
    model, counting = capacity_of().model, capacity_of().quota_counting
    scripts = [script(PLAN, model.effective_rules.rules, turns) for turns in (13, 27)]
    demands = [call_demand(run_conversation(one, model), counting) for one in scripts]
    both = capacity_of(lengths=CallLengths(((4, 10), (8, 10))), calls_per_hour=90)
    assert both.traffic.erlangs == 9
    assert both.average_load.tokens.per_call == sum((demand.tokens.per_call for demand in demands), Fraction(0)) / 2
    assert both.average_load.tokens.squares == sum((demand.tokens.squares for demand in demands), Fraction(0)) / 2
    assert both.average_load.tokens.heaviest == demands[1].tokens.heaviest
    assert both.average_load.tokens.per_call > both.demand.tokens.per_call == capacity_of().demand.tokens.per_call
    assert both.channels == capacity_of(calls_per_hour=90).channels


def test_calls_that_reach_nobody_use_no_quota() -> None:
    """With half of the calls unconnected, a call asks for half of the tokens on average, and lasts half as long."""
    all_connected = capacity_of(calls_per_hour=90, lengths=LengthDistribution(0))
    half = replace(PLAN, unconnected_share=Decimal("0.5"))
    campaign = capacity_of(plan=half, calls_per_hour=90, lengths=LengthDistribution(0))
    assert campaign.average_load.tokens.per_call == all_connected.average_load.tokens.per_call / 2
    assert campaign.average_load.requests.per_call == all_connected.average_load.requests.per_call / 2
    assert campaign.traffic.erlangs == pytest.approx(all_connected.traffic.erlangs / 2)
    assert campaign.average_load.tokens.heaviest == all_connected.average_load.tokens.heaviest


def test_the_wider_lengths_spread_the_more_tokens_and_the_fewer_calls_a_quota_carries() -> None:
    spreads = [capacity_of(lengths=LengthDistribution(Decimal(width)), calls_per_hour=200) for width in ("0", "0.4", "0.8")]
    tokens = [answer.average_load.tokens.per_call for answer in spreads]
    calls_at_once = [answer.needed.calls_at_once for answer in spreads if answer.needed]
    assert tokens == sorted(tokens)
    assert calls_at_once == sorted(calls_at_once, reverse=True)
    assert [answer.channels for answer in spreads] == [30, 30, 30]
    assumed = capacity_of(lengths=None, calls_per_hour=200)
    assert assumed.limits == spreads[2].limits
    assert any("call lengths have a coefficient of variation of 0.8" in assumption for assumption in assumed.assumptions)
    assert not any("call lengths spread" in assumption for assumption in spreads[2].assumptions)


def test_calls_that_a_session_cuts_last_less_and_that_is_said() -> None:
    """Azure ends a session after 30 minutes: of 25 on average with a spread of 0.8 some 20 are left."""
    ending = Plan(minutes=25, turns=60, calls_end_with_session=True)
    cut = capacity_of(plan=ending, lengths=LengthDistribution(Decimal("0.8")), calls_per_hour=60)
    assert 19 < cut.traffic.minutes < 21
    assert cut.traffic.erlangs == pytest.approx(float(cut.traffic.minutes))
    assert any("of the calls end after 30 minutes with the session: they are lost" in warning for warning in cut.warnings)
    uncut = capacity_of(plan=Plan(minutes=25, turns=60), calls_per_hour=60)
    assert uncut.traffic.erlangs == 25
    assert not any("calls are cut" in warning for warning in uncut.warnings)


def test_what_was_assumed_is_said_and_what_was_stated_is_not() -> None:
    assumed = " ".join(capacity_of().assumptions)
    assert "22 days a month" in assumed
    assert "17% of a day's calls" in assumed
    assert "tier-1, the lowest" in assumed
    assumptions = " ".join(capacity_of(days=20, busy_hour_share=Decimal("0.1"), tier="tier-6").assumptions)
    assert not any(text in assumptions for text in ("days a month", "of a day's calls", "the lowest"))
    both = plan_capacity(PLAN, AZURE, load_facts(), Volume(Decimal(100), "day"), CapacityTargets(calls_per_hour=90))
    assert any("conversations (100/day) are not used" in text for text in both.warnings)


def test_room_where_calls_wait() -> None:
    """20 erlangs of 6 minutes: 25 channels answer 80% within 20 s; within a minute 24 do."""
    assert capacity_of(calls_per_hour=200).queue.channels == 25
    later = capacity_of(calls_per_hour=200, service_level=ServiceLevel(Decimal("0.8"), Decimal(60))).queue
    assert later.channels == 24
    assert later.service_level >= 0.8


@settings(max_examples=40, deadline=None)
@given(
    calls=st.integers(1, 20_000),
    minutes=st.integers(1, 30),
    turns=st.integers(1, 60),
    target=st.sampled_from([Decimal("0.001"), Decimal("0.01"), Decimal("0.1")]),
    tokens=st.integers(1_000, 10**7),
)
def test_more_calls_take_no_less(calls: int, minutes: int, turns: int, target: Decimal, tokens: int) -> None:
    plan = Plan(minutes=minutes, turns=turns)
    one = capacity_of(OPENAI, plan=plan, calls_per_hour=calls, blocking_probability=target, quota_tokens=tokens)
    two = capacity_of(OPENAI, plan=plan, calls_per_hour=calls + 50, blocking_probability=target, quota_tokens=tokens)
    assert one.needed is not None
    assert two.needed is not None
    assert one.channels <= two.channels
    assert one.channels == channels_for_blocking(one.traffic.erlangs, float(target))
    assert one.blocking_probability <= float(target) * (1 + 1e-9)
    for before, after in zip(one.limits, two.limits, strict=True):
        assert before.mean <= before.percentile + 1e-9
        assert before.mean <= after.mean
        assert before.calls_per_quota == after.calls_per_quota
    if one.needed.pooled is not None and one.needed.partitioned is not None:
        assert one.needed.pooled <= (two.needed.pooled or 0)
        assert one.needed.pooled <= one.needed.partitioned


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ({"calls_per_hour": -1}, "calls_per_hour must be more than 0"),
        ({"busy_hour_share": Decimal("1.5")}, r"busy_hour_share must be more than 0 and at most 1 \(100%\), not 1.5"),
        ({"days": 0}, "days must be more than 0 and at most 31, not 0"),
        ({"blocking_probability": 2}, "blocking_probability must be more than 0"),
        ({"exceedance": Decimal("0.6")}, "exceedance must be more than 0 and at most 0.5"),
        ({"quota_tokens": 0}, "quota_tokens must be between 1 and"),
        ({"quota_requests": 1.5}, "quota_requests must be a whole number"),
        ({"reserved_output_tokens": -4}, "reserved_output_tokens must be between 0"),
        ({"calls_per_hour": 9, "days": 5}, "calls_per_hour is the busy hour already"),
    ],
)
def test_what_cannot_be_meant_is_refused(targets: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        CapacityTargets(**targets)


def test_a_question_without_calls_is_refused() -> None:
    with pytest.raises(InvalidInput, match="conversations is missing: how many calls are there"):
        plan_capacity(PLAN, AZURE, load_facts(), None)
    with pytest.raises(InvalidInput, match=r"conversations \(10/hour\) has no busy hour"):
        capacity_of(volume="10/hour")
    with pytest.raises(InvalidInput, match=r"calls_per_hour must be fewer: .* concurrent calls are more than 10,000,000"):
        capacity_of(calls_per_hour=10**12)
    with pytest.raises(UnknownName, match="unknown quota tier"):
        capacity_of(tier="tier-9")
    with pytest.raises(InvalidInput, match="service_level must be less than 100%"):
        ServiceLevel(1, 20)
    with pytest.raises(InvalidInput, match="a day"):
        ServiceLevel(Decimal("0.8"), 100_000)


def test_the_shape_says_what_the_answer_says() -> None:
    answer = capacity_of()
    shape = answer.to_dict()
    assert shape["busy_hour"]["erlangs"] == pytest.approx(answer.traffic.erlangs, rel=1e-5)
    assert shape["quota_requirement"]["pooled"] == answer.needed.pooled  # type: ignore[union-attr]
    assert [row["quota"] for row in shape["limits"]] == [100_000, 200, None]
    assert sum(row["tokens"] for row in shape["planned_call"]["minutes"]) == shape["planned_call"]["tokens"] == 50_055
    assert shape["quota"]["tier"] == "tier-1"
    assert capacity_of(OPENAI).to_dict()["quota"] is None
    assert replace(answer, needed=None).to_dict()["quota_requirement"] is None


def test_each_way_of_counting_has_its_own_basis() -> None:
    def counting(**targets: Any) -> list[str]:
        texts = capacity_of(calls_per_hour=200, **targets).assumptions
        return [text for text in texts if "towards the limit" in text or "a request is a" in text]

    (published,) = counting()
    evidence = published.split(": ", 1)[1]
    assert counting(cached_tokens=True) == [
        "cached tokens count towards the limit: as stated",
        f"a request is a response: {evidence}",
    ]
    assert counting(request_unit="session") == [
        f"cached tokens count towards the limit: {evidence}",
        "a request is a session: as stated",
    ]
    assert counting(cached_tokens=False, request_unit="session") == [
        "cached tokens do not count towards the limit, and a request is a session: as stated"
    ]


@pytest.mark.parametrize("volume", ["30000/month", 30_000])
def test_a_volume_is_a_volume(volume: Any) -> None:
    with pytest.raises(InvalidInput, match="volume must be a Volume, such as") as error:
        plan_capacity(PLAN, AZURE, load_facts(), volume)
    assert error.value.field == "volume"
