"""Test that replayed calls cost what the same conversation would be estimated at, and that every difference adds up."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.answers.sessions.recorded import CHANGING_PROMPT, GOLDEN, PARAMETERS, LogKind, case_session, logged_sessions
from tests.calls.call import calls
from tests.calls.example import EXAMPLE
from voicebill.answers.catalog.facts import Facts
from voicebill.answers.comparison.compare import available_offers
from voicebill.answers.estimates.counted_conversation import run_conversation
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.answers.estimates.scenarios import conversation_costs
from voicebill.answers.recorded.query import CostQuery
from voicebill.answers.replay import replayed_call, rule_steps
from voicebill.answers.replay.carried_cache import RecordedHit, carried_hits
from voicebill.answers.replay.recorded_call import RecordedCall, StepBook, recorded_call
from voicebill.answers.replay.replay import Replay, replay
from voicebill.answers.replay.request import ReplayRequest, replay_request
from voicebill.answers.replay.savings import REPLAYED_CHANGES
from voicebill.answers.replay.script_changes import NO_CHANGES, ScriptChanges
from voicebill.answers.replay.targets import NO_TIMES, OfferTarget, Replayed
from voicebill.answers.sessions.recorded_models import RecordedModels
from voicebill.answers.sessions.recorded_session import (
    RecordedResponse,
    RecordedSession,
    TokenQuantities,
    sessions_of_records,
)
from voicebill.billing.errors import InvalidInput, UnknownName, VoicebillError
from voicebill.billing.money import Amount
from voicebill.billing.offers import Offer
from voicebill.conversation.cache import CacheRule, cache_rule, usage
from voicebill.conversation.context import Response, responses
from voicebill.conversation.history import Tokens
from voicebill.conversation.plan import Plan, script
from voicebill.conversation.rules import ParameterValue, Rules
from voicebill.conversation.script import Script, ToolCall, Truncation, Turn
from voicebill.facts import load_facts
from voicebill.logs.read import read_log

DAY = date(2026, 11, 22)
ANY = ModelSelection(model="any", day=DAY)
SOURCES = ("gpt-realtime-1.5", "gpt-realtime", "gpt-realtime-2.1")


@cache
def facts() -> Facts:
    """Those of voicebill."""
    return load_facts()


@cache
def models() -> RecordedModels:
    """Prices and rules of the recorded models."""
    return RecordedModels(facts(), CostQuery())


@cache
def example_sessions() -> tuple[RecordedSession, ...]:
    """The first calls of the example log."""
    return tuple(islice(sessions_of_records(read_log(EXAMPLE)), 30))


def rules_of(model: str) -> Rules:
    """The rules of a model at OpenAI."""
    return facts().rules_for(facts().prices.quote(model, day=DAY).offer, day=DAY, rules=None).rules


@cache
def targets() -> tuple[OfferTarget, ...]:
    """Every offer of the day that can be estimated."""
    return tuple(_estimated(available_offers(facts().prices, DAY)))


def _estimated(offers: Iterable[Offer]) -> Iterator[OfferTarget]:
    for offer in offers:
        try:
            yield OfferTarget(offer, ANY, facts())
        except VoicebillError:
            continue


def log_of(conversation: Script, model: str, *, with_times: bool = True) -> RecordedSession:
    """The session that a log shows of a conversation: tokens only, cached as the rules expect, and times."""
    rules = rules_of(model)
    cache = cache_rule("prefix", rules)
    records, time_ms = [], 1_700_000_000_000
    ends = [time_ms := time_ms + turn_ms(turn, rules) for turn in conversation.turns]
    for number, row in enumerate(responses(conversation, rules)):
        tokens = TokenQuantities(**dict(usage(row, cache).items()))
        time = ends[row.turn - 1] if with_times else None
        key = f"resp_{number}"
        records.append(
            RecordedResponse(key, "response", "exact", "openai", model, None, None, None, DAY, time, "completed", tokens)
        )
    return RecordedSession("s", 1_700_000_000_000 if with_times else None, tuple(records))


def turn_ms(turn: Turn, rules: Rules) -> int:
    """The length of a turn."""
    user_ms = turn.user_audio_ms or turn.user_audio_tokens * rules.user_audio_ms_per_token
    reply_ms = turn.reply_audio_ms or turn.reply_audio_tokens * rules.reply_audio_ms_per_token
    return user_ms + reply_ms + turn.silence_ms


def call_of(session: RecordedSession, changes: ScriptChanges = NO_CHANGES) -> RecordedCall:
    """A call that can be replayed."""
    steps = StepBook(changes)
    call = recorded_call(session, models(), changes, steps)
    assert isinstance(call, RecordedCall), call
    return call


def replayed(call: RecordedCall, target: OfferTarget) -> Replayed:
    """A call with an offer, the steps of which add up."""
    result = target.replay(call)
    assert isinstance(result, Replayed), result
    assert sum(result.steps.values()) == result.amount - call.amount
    assert result.low <= result.amount <= result.high
    return result


def simulated(conversation: Script, target: OfferTarget) -> Amount:
    """What `voicebill simulate` expects of a conversation with an offer."""
    return conversation_costs(run_conversation(conversation, target.model), target.model).expected


@st.composite
def conversations(draw: st.DrawFn) -> Script:
    """Conversations in milliseconds that every provider counts as whole tokens, with tool calls and silence."""
    turns = []
    for _ in range(draw(st.integers(3, 9))):
        calls_tool = draw(st.booleans())
        tool_call = ToolCall(draw(st.integers(15, 60)), draw(st.integers(20, 300)))
        turns.append(
            Turn(
                user_audio_ms=400 * draw(st.integers(3, 40)),
                reply_audio_ms=400 * draw(st.integers(3, 60)),
                silence_ms=400 * draw(st.integers(0, 20)),
                tool_calls=(tool_call,) if calls_tool else (),
            )
        )
    return Script(instructions_tokens=draw(st.integers(700, 4000)), turns=tuple(turns))


@settings(max_examples=25, deadline=None)
@given(conversation=conversations(), model=st.sampled_from(("gpt-realtime-1.5", "gpt-realtime")))
def test_a_call_costs_elsewhere_what_its_conversation_is_simulated_at(conversation: Script, model: str) -> None:
    """From a log of tokens alone, with every offer, of which some count 25 tokens a second, bill silence, or minutes."""
    call = call_of(log_of(conversation, model))
    assert call.reconstruction.error == 0
    for target in targets():
        reasons = target.rules.reasoning_tokens_per_response if target.rules.is_reasoning_model else 0
        turns = tuple(replace(turn, reasoning_tokens=reasons) for turn in conversation.turns)
        assert replayed(call, target).amount == simulated(replace(conversation, turns=turns), target), target.name


@pytest.mark.parametrize("model", SOURCES)
@pytest.mark.parametrize("plan", [Plan(minutes=5, turns=12, instructions_tokens=1200), Plan(minutes=3, turns=9, tool_calls=3)])
def test_a_log_made_of_a_plan_costs_what_its_script_is_estimated_at(model: str, plan: Plan) -> None:
    """With every offer of OpenAI and Azure that reasons if the model does.

    Usage alone does not tell reasoning from a tool's arguments, so that the framing of another provider is off by a trifle.
    """
    source = rules_of(model)
    conversation = script(plan, source)
    call = call_of(log_of(conversation, model))
    compared = 0
    for target in targets():
        rules = target.rules
        if target.offer.provider in ("openai", "azure") and (rules.is_reasoning_model or not source.is_reasoning_model):
            turns = conversation.turns
            if not source.is_reasoning_model:
                turns = tuple(replace(turn, reasoning_tokens=rules.reasoning_tokens_per_response) for turn in turns)
            expected = Fraction(simulated(replace(conversation, turns=turns), target))
            tolerance = Fraction(1, 10_000) if source.is_reasoning_model and plan.tool_calls else Fraction(0)
            assert abs(replayed(call, target).amount - expected) <= tolerance * expected, target.name
            compared += 1
    assert compared >= 5


@pytest.mark.parametrize("case", [GOLDEN, CHANGING_PROMPT], ids=["golden", "changing prompt"])
def test_a_recorded_session_costs_with_its_own_model_what_it_cost(case: dict[str, object]) -> None:
    """With the cached tokens that were recorded, though the rules expect others."""
    session = case_session(case)
    call = call_of(session)
    offer = facts().prices.quote(str(case["model"]), day=DAY).offer
    assert call.reconstruction.error == 0
    assert replayed(call, OfferTarget(offer, ANY, facts())).amount == call.amount


@pytest.mark.parametrize("log", ["raw", "usage"])
@pytest.mark.parametrize("policy", PARAMETERS)
def test_generated_calls_cost_with_their_own_model_what_they_cost(policy: str, log: LogKind, tmp_path: Path) -> None:
    """Within the stated error of each, which is none for most: with lost caches, changed prompts and deleted items, too."""
    steps, seen = StepBook(NO_CHANGES), 0
    for fault in (None, "prompt-changed", "truncation", "deletion", "pause", "eviction"):
        for session in logged_sessions(calls(PARAMETERS[policy], 8, 7, fault), log, tmp_path).values():
            call = recorded_call(session, models(), NO_CHANGES, steps)
            if isinstance(call, RecordedCall):
                amounts = call.amounts_by(call.rules)
                assert not isinstance(amounts, str)
                assert abs(Fraction(amounts.steps["reconstruction"])) <= call.reconstruction.error * Fraction(call.amount)
                seen += 1
    assert seen > 40


def test_steps_add_up_with_every_offer_and_stack() -> None:
    answer = replayed_example(stacks=("all",), models=("gpt-realtime-2.1-mini", "gemini-3.8-live", "grok-voice-3.0"))
    assert len(answer.targets) > 10
    for row in answer.targets:
        assert sum(amount for _, amount in row.steps) == row.amount - row.recorded, row.name
        assert row.low <= row.amount <= row.high
    assert {row.kind for row in answer.targets} == {"offer", "stack"}


def replayed_example(changes: ScriptChanges = NO_CHANGES, *, savings: bool = False, **request: Any) -> Replay:
    """The first calls of the example log."""
    return replay(ReplayRequest(selection=ANY, changes=changes, with_savings=savings, **request), models(), example_sessions)


def test_a_smaller_prompt_costs_less_and_the_step_says_how_much() -> None:
    changed = replayed_example(
        ScriptChanges.of({"instructions_tokens": "300"}), models=("gpt-realtime-1.5",), provider="openai"
    )
    (row,) = changed.targets
    assert row.amount < row.recorded
    assert dict(row.steps)["changes"] < 0


def test_changes_that_set_the_cache_replace_what_was_recorded() -> None:
    without = replayed_example(ScriptChanges.of({"cache": "none"}), models=("gpt-realtime-1.5",), provider="openai")
    full = replayed_example(ScriptChanges.of({"cache": "all"}), models=("gpt-realtime-1.5",), provider="openai")
    assert full.targets[0].amount < full.recorded < without.targets[0].amount


def test_a_truncation_is_replayed_on_the_real_calls() -> None:
    request = replay_request({"post_instructions_tokens": 1000, "retention_ratio": Decimal("0.5")}, today=DAY)
    assert request.changes.truncation == Truncation("auto", Decimal("0.5"), 1000)
    row = replay(
        ReplayRequest(selection=ANY, models=("gpt-realtime-1.5",), provider="openai", changes=request.changes),
        models(),
        example_sessions,
    ).targets[0]
    assert row.amount != row.recorded


def test_minutes_are_not_guessed_where_the_log_gives_no_times() -> None:
    conversation = script(Plan(minutes=4, turns=8), rules_of("gpt-realtime-1.5"))
    call = call_of(log_of(conversation, "gpt-realtime-1.5", with_times=False))
    by_name = {target.name: target.replay(call) for target in targets()}
    assert by_name["xai/grok-voice-3.0"] == NO_TIMES
    assert by_name["google/gemini-3.8-live"] == NO_TIMES
    assert isinstance(by_name["openai/gpt-realtime-2.1"], Replayed)
    session = log_of(conversation, "gpt-realtime-1.5", with_times=False)
    answer = replay(ReplayRequest(selection=ANY), models(), lambda: [session])
    assert ("xai/grok-voice-3.0", NO_TIMES) in {(entry.name, entry.reason) for entry in answer.impossible}


def test_what_the_log_leaves_open_is_a_range(tmp_path: Path) -> None:
    """From usage alone, how much of an interruption the user spoke: another provider counts it by the duration."""
    sessions = list(logged_sessions(calls(PARAMETERS["last-assistant-audio"], 20, 5), "usage", tmp_path).values())
    answer = replay(ReplayRequest(selection=ANY, models=("gemini-3.8-live",)), models(), lambda: sessions)
    assert answer.open_calls > 0
    (row,) = answer.targets
    assert row.low < row.amount < row.high or row.low < row.high


def test_calls_get_dearer_although_all_of_them_get_cheaper() -> None:
    answer = replayed_example(models=("gpt-realtime-2.1",), provider="openai")
    (row,) = answer.targets
    assert row.amount < row.recorded
    extras = [call.extra for call in row.dearer_examples]
    assert extras == sorted(extras, reverse=True)
    assert sum(extras) <= row.dearer_by


def test_savings_are_sorted_and_name_what_they_cost_in_behaviour() -> None:
    answer = replayed_example(savings=True)
    saved = [entry.saved for entry in answer.savings]
    assert saved == sorted(saved, reverse=True)
    assert all(entry.trade_off for entry in answer.savings)
    changes = {entry.change for entry in answer.savings}
    assert {"halve the prompt", "answer a quarter of the turns in writing", "use gpt-realtime-2.1-mini"} <= changes


def test_a_sessions_transcription_is_carried_over_where_the_provider_sells_it() -> None:
    session = log_of(script(Plan(minutes=4, turns=8), rules_of("gpt-realtime-1.5")), "gpt-realtime-1.5")
    tokens = TokenQuantities(audio_in=900, text_out=300)
    records = (
        *session.records,
        RecordedResponse(
            "t", "transcription", "exact", "openai", "gpt-4o-transcribe", None, None, None, DAY, None, None, tokens
        ),
        RecordedResponse("o", "out-of-band", "exact", "openai", "gpt-realtime-1.5", None, None, None, DAY, None, None, tokens),
    )
    call = call_of(RecordedSession("s", session.started_ms, records))
    by_name = {target.name: replayed(call, target) for target in targets()}
    assert by_name["openai/gpt-realtime-1.5"].amount == call.amount
    by_minute = by_name["xai/grok-voice-3.0"]
    assert by_minute.steps["transcription"] == 0
    assert by_minute.steps["not_carried_over"] == -call.amounts["out-of-band"] - call.amounts["transcription"]
    assert by_minute.dropped == {"gpt-4o-transcribe"}
    agent = by_name["elevenlabs/eleven-agents"]
    assert agent.steps["transcription"] == -call.amounts["transcription"]
    assert not agent.dropped
    assert by_name["openai/gpt-realtime-2.1"].steps["transcription"] == 0


def test_every_call_that_cannot_be_replayed_is_counted_with_its_reason() -> None:
    lost = RecordedSession("lost", None, ())
    answer = replay(ReplayRequest(selection=ANY), models(), lambda: [*example_sessions()[:3], lost])
    assert (answer.calls, answer.usable) == (4, 3)
    assert [(entry.reason, entry.calls, entry.names) for entry in answer.left_out] == [("no response has tokens", 1, ("lost",))]
    with pytest.raises(InvalidInput, match="nothing to replay in the log: none of 1 calls can be reconstructed"):
        replay(ReplayRequest(selection=ANY), models(), lambda: [lost])
    with pytest.raises(InvalidInput, match="it shows no calls"):
        replay(ReplayRequest(selection=ANY), models(), list)


def test_unknown_names_are_refused() -> None:
    for request in (
        ReplayRequest(selection=ANY, models=("gpt-realtime-9",)),
        ReplayRequest(selection=ANY, provider="nobody"),
        ReplayRequest(selection=ANY, stacks=("nothing",)),
    ):
        with pytest.raises(UnknownName):
            replay(request, models(), example_sessions)


def test_what_is_changed_is_no_error_of_the_scripts() -> None:
    """The error of the scripts is that without any change, whatever is changed."""
    own: dict[str, Any] = {"models": ("gpt-realtime-1.5",), "provider": "openai"}
    errors = [
        dict(replayed_example(ScriptChanges.of(settings), **own).targets[0].steps).get("reconstruction", 0)
        for settings in ({}, {"cache": "none"}, {"instructions_tokens": "300"}, {"prefix_reuse": "1"})
    ]
    assert errors == [errors[0]] * len(errors)
    dearer = replayed_example(ScriptChanges.of({"cache": "none"}), **own).targets[0]
    assert dearer.dearer_calls == dearer.calls


def test_reasoning_is_that_of_the_change_with_models_that_reason() -> None:
    amounts = [
        replayed_example(ScriptChanges.of({"reasoning_tokens": tokens}), models=("gpt-realtime-2.1",), provider="openai")
        .targets[0]
        .amount
        for tokens in ("0", "60", "500")
    ]
    assert amounts == sorted(set(amounts))
    unchanged = replayed_example(models=("gpt-realtime-2.1",), provider="openai").targets[0].amount
    assert amounts[1] == unchanged


def test_a_session_ends_at_the_shorter_of_both_limits_and_that_is_a_matter_of_the_history() -> None:
    rules = rules_of("gpt-realtime-1.5")
    long_call = log_of(script(Plan(minutes=45, turns=40), rules), "gpt-realtime-1.5")
    target = next(row for row in targets() if row.name == "azure/gpt-realtime-1.5-2026-02-23")
    by_limit = {}
    for minutes in (None, "10", "30"):
        changes = NO_CHANGES if minutes is None else ScriptChanges.of({"session_minutes": minutes})
        by_limit[minutes] = replayed(call_of(long_call, changes), target)
    assert by_limit[None].amount == by_limit["30"].amount != by_limit["10"].amount
    assert by_limit[None].steps["history"] != 0
    assert by_limit[None].steps["counting"] == 0


def test_what_is_found_in_the_cache_is_in_the_common_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    """A recorded response may have found more than its prefix by a block; else none finds more, and all find whole blocks."""
    carried = carried_hits
    seen = 0

    def check(rows: Sequence[Response], rule: CacheRule, hits: Sequence[RecordedHit] | None, fixed: int) -> list[Tokens]:
        nonlocal seen
        all_tokens = carried(rows, rule, hits, fixed)
        for row, hit, tokens in zip(rows, hits or (), all_tokens, strict=True):
            if all(map(int.__le__, hit.recorded, hit.common_prefix)) and any(row.common_prefix):
                assert all(map(int.__le__, tokens, row.common_prefix))
                assert all(count % rule.block_tokens == 0 for count in tokens[:2])
                seen += 1
        return all_tokens

    monkeypatch.setattr(replayed_call, "carried_hits", check)
    replayed_example(models=("gpt-realtime-2.1", "gpt-4.1"))
    assert seen > 100


@pytest.mark.parametrize("overrides", [{}, {"input_limit_tokens": 2000}, {"compression_trigger_tokens": 2500}], ids=str)
def test_calls_that_share_a_simulation_cost_what_they_would_by_themselves(
    monkeypatch: pytest.MonkeyPatch, overrides: dict[str, ParameterValue]
) -> None:
    """The rules that are left out of the key of a simulation make no difference, nor limits that no input reaches."""
    request = ReplayRequest(selection=replace(ANY, overrides=overrides))
    shared = replay(request, models(), example_sessions)
    monkeypatch.setattr(rule_steps, "simulation_key", lambda rules, features: (rules, features))
    monkeypatch.setattr(replayed_call.ReplayedCall, "_fits", lambda *_: False)
    separate = replay(request, models(), example_sessions)
    assert [(row.name, row.amount, row.steps) for row in shared.targets] == [
        (row.name, row.amount, row.steps) for row in separate.targets
    ]


def test_a_call_of_several_models_is_left_out() -> None:
    session = log_of(script(Plan(minutes=4, turns=8), rules_of("gpt-realtime-1.5")), "gpt-realtime-1.5")
    first, second, *others = session.records
    mixed = replace(session, records=(first, second._replace(model="gpt-realtime-mini"), *others))
    answer = replay(ReplayRequest(selection=ANY), models(), lambda: [session, mixed])
    assert [entry.reason for entry in answer.left_out] == ["its responses are of several models, or at several prices"]


def test_offers_by_the_minute_have_no_range_where_the_log_gives_the_times(tmp_path: Path) -> None:
    sessions = list(logged_sessions(calls(PARAMETERS["last-assistant-audio"], 20, 5), "usage", tmp_path).values())
    answer = replay(ReplayRequest(selection=ANY, models=("grok-voice-3.0",)), models(), lambda: sessions)
    assert answer.open_calls > 0
    assert answer.targets[0].high - answer.targets[0].low <= answer.targets[0].amount / 100


def test_savings_are_measured_from_the_calls_with_the_changes() -> None:
    """With a smaller prompt already, another model saves what it costs less than that."""
    changes = ScriptChanges.of({"instructions_tokens": "300"})
    answer = replayed_example(changes, savings=True)
    assert answer.changed < answer.recorded
    saving = next(entry for entry in answer.savings if entry.change == "use gpt-realtime-2.1-mini")
    target = answer.target(saving.target)
    assert target is not None
    assert saving.saved == answer.changed - target.amount


def test_written_turns_are_not_transcribed() -> None:
    session = log_of(script(Plan(minutes=4, turns=8), rules_of("gpt-realtime-1.5")), "gpt-realtime-1.5")
    spoken = TokenQuantities(audio_in=900, text_out=300)
    record = RecordedResponse(
        "t", "transcription", "exact", "openai", "gpt-4o-transcribe", None, None, None, DAY, None, None, spoken
    )
    call = call_of(replace(session, records=(*session.records, record)))
    written = next(change for change in REPLAYED_CHANGES if "in writing" in change.name)
    result = written.replay(call)
    assert isinstance(result, Replayed)
    assert -0.35 < result.steps["transcription"] / call.amounts["transcription"] < -0.15


def test_an_unknown_transcription_model_is_refused_and_stacks_without_calls_are_named() -> None:
    with pytest.raises(UnknownName, match="foo") as refusal:
        replayed_example(ScriptChanges.of({"transcription_model": "foo"}))
    assert refusal.value.field == "script"
    with pytest.raises(InvalidInput, match="it shows no calls"):
        replay(ReplayRequest(selection=ANY, stacks=("best",)), models(), list)
