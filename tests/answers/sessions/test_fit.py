"""Check that a fit finds the parameters that calls were drawn from, and that its plan forecasts later calls."""

from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path
from statistics import median

import pytest

import voicebill
from tests.answers.sessions.hidden_truth import hidden_truth
from tests.answers.sessions.recorded import PARAMETERS as RECORDED_PARAMETERS
from tests.answers.sessions.recorded import LogKind, logged_sessions
from tests.calls.call import calls
from tests.calls.parameters import HiddenParameters
from tests.cases import long_but
from voicebill.answers.sessions.fit import MIN_CALLS, Fit, fit
from voicebill.answers.sessions.recorded_models import RecordedModels
from voicebill.answers.sessions.recorded_session import RecordedSession


def simple(parameters: HiddenParameters) -> HiddenParameters:
    """Parameters whose true values are easily worked out: no block is missing, and a reply is played once it is generated."""
    return replace(parameters, short_share=0.0, split_share=0.0, generation_speed=1e6)


PARAMETERS = {policy: simple(parameters) for policy, parameters in RECORDED_PARAMETERS.items()}
LOGS: list[LogKind] = ["raw", "usage"]
CALLS = 200
SEEDS = range(3)
MANY_SEEDS = range(15)
MAX_MISSES = 2
TOLERANCE = 1e-9
PLAYED = {"assistant_share", "silence_share", "played_share"}
REASONING = {"reasoning_tokens", "arguments_tokens", "result_tokens", "reply_text_per_audio_token", "reply_text_base"}


@pytest.fixture(scope="module")
def models() -> RecordedModels:
    return RecordedModels(voicebill.load_facts(), voicebill.CostQuery())


def recorded(parameters: HiddenParameters, count: int, seed: int, log: LogKind, folder: Path) -> list[RecordedSession]:
    """The sessions in a log of generated calls."""
    return list(logged_sessions(calls(parameters, count, seed), log, folder).values())


def misses(answer: Fit, truth: dict[str, float]) -> list[str]:
    """The parameters of which the interval does not have the truth."""
    return [
        entry.name
        for entry in answer.parameters
        if entry.name in truth
        and entry.low is not None
        and entry.high is not None
        and not entry.low - TOLERANCE <= truth[entry.name] <= entry.high + TOLERANCE
    ]


@pytest.mark.parametrize("log", LOGS)
@pytest.mark.parametrize("policy", long_but(("transcripts",), PARAMETERS))
def test_the_intervals_have_the_parameters_of_the_calls(
    policy: str, log: LogKind, models: RecordedModels, tmp_path: Path
) -> None:
    """Of 20 parameters in three runs, 99% intervals may miss one or two."""
    truth = hidden_truth(PARAMETERS[policy])
    missing = []
    for seed in SEEDS:
        sessions = recorded(PARAMETERS[policy], CALLS, seed, log, tmp_path)
        missing += misses(fit(lambda sessions=sessions: sessions, models), truth)  # type: ignore[misc]
    assert len(missing) <= 2, missing


@pytest.mark.long
@pytest.mark.parametrize("log", LOGS)
@pytest.mark.parametrize("policy", PARAMETERS)
def test_each_interval_has_its_parameter_in_most_of_many_runs(
    policy: str, log: LogKind, models: RecordedModels, tmp_path: Path
) -> None:
    """Of 15 runs of 200 calls, all but two for each parameter that the log determines: 99% intervals rarely miss one."""
    truth = hidden_truth(PARAMETERS[policy])
    missing: Counter[str] = Counter()
    for seed in MANY_SEEDS:
        sessions = recorded(PARAMETERS[policy], CALLS, seed, log, tmp_path)
        missing.update(misses(fit(lambda sessions=sessions: sessions, models), truth))  # type: ignore[misc]
    assert {name: count for name, count in missing.items() if count > MAX_MISSES} == {}


@pytest.mark.long
def test_the_next_two_thousand_calls_are_forecast_from_two_thousand(models: RecordedModels, tmp_path: Path) -> None:
    """The error of the sum is below 5% at the median of runs."""
    errors = []
    for seed in range(3):
        sessions = recorded(PARAMETERS["last-assistant-audio"], 4000, seed, "usage", tmp_path)
        test = fit(lambda sessions=sessions: sessions, models).backtest  # type: ignore[misc]
        assert test is not None
        errors.append(abs(test.error))
    assert median(errors) < 0.05, errors


@pytest.mark.parametrize("policy", long_but(("transcripts", "keep-all"), PARAMETERS))
def test_without_events_what_was_played_is_not_known(policy: str, models: RecordedModels, tmp_path: Path) -> None:
    """Nor is reasoning, on a model that reasons; all other parameters of the calls have values."""
    sessions = recorded(PARAMETERS[policy], CALLS, 4, "usage", tmp_path)
    answer = fit(lambda: sessions, models)
    open_names = {entry.name for entry in answer.parameters if entry.value is None}
    expected = PLAYED | (REASONING if policy == "transcripts" else set())
    assert open_names & set(hidden_truth(PARAMETERS[policy])) == expected
    assert all(answer.parameter(name).note for name in expected)


def test_the_lengths_are_those_of_the_calls(models: RecordedModels, tmp_path: Path) -> None:
    """A call lasts until its last reply was played; from raw events, the sum is exact but for interrupted last replies."""
    made = [call for call in calls(PARAMETERS["last-assistant-audio"], 60, 2) if call.script is not None]
    sessions = list(logged_sessions(made, "raw", tmp_path).values())
    lengths = fit(lambda: sessions, models).lengths
    assert lengths is not None
    assert sum(count for _, count in lengths.counts) == len(made)
    assert lengths.mean_minutes == pytest.approx(sum(call.minutes for call in made) / len(made), rel=0.01)


def test_the_plan_has_what_the_calls_show(models: RecordedModels, tmp_path: Path) -> None:
    """Calls of ten turns in five minutes with two tool calls; prompt and tools are 900 + 76% of 150 tokens."""
    parameters = simple(HiddenParameters(length_cv=0.0, interrupted_share=0.0, warm_share=1.0, unconnected_share=0.0))
    sessions = recorded(parameters, 80, 1, "raw", tmp_path)
    answer = fit(lambda: sessions, models)
    plan, selection = answer.plan, answer.selection
    assert plan is not None
    assert selection is not None
    assert (plan.turns, plan.tool_calls, plan.instructions_tokens, plan.warm_cache) == (10, 2, 1014, True)
    assert plan.interrupted_share == 0
    assert float(plan.minutes) == pytest.approx(5, abs=0.1)
    assert selection.model == "gpt-realtime-1.5"
    assert set(selection.overrides) == {"reply_text_base", "reply_text_per_audio_token"}


def test_a_model_that_speaks_first_has_a_greeting(models: RecordedModels, tmp_path: Path) -> None:
    """The greeting is not one of the ten turns."""
    parameters = simple(HiddenParameters(length_cv=0.0, greets=True))
    sessions = recorded(parameters, 60, 1, "raw", tmp_path)
    plan = fit(lambda: sessions, models).plan
    assert plan is not None
    assert (plan.first_speaker, plan.turns) == ("assistant", 10)


def test_typed_turns_are_counted(models: RecordedModels, tmp_path: Path) -> None:
    """Their share and their replies are those of the calls; what the user typed is not seen in a first turn.

    A token or so of it may be taken for the transcript to which the reply before shrank.
    """
    parameters = simple(HiddenParameters(length_cv=0.0, typed_share=0.3, unconnected_share=0.0))
    made = calls(parameters, 60, 1)
    answer = fit(lambda: logged_sessions(made, "raw", tmp_path).values(), models)
    turns = [list(call.script.turns) for call in made if call.script is not None]
    typed = [turn for call in turns for turn in call if turn.user_text_tokens]
    later = [turn.user_text_tokens for call in turns for turn in call[1:] if turn.user_text_tokens]
    assert answer.parameter("typed_share").value == pytest.approx(len(typed) / 600)
    assert answer.parameter("text_turn_user_tokens").value == pytest.approx(sum(later) / len(later), rel=0.01)
    replies = sum(turn.reply_text_tokens or 0 for turn in typed)
    assert answer.parameter("text_turn_reply_tokens").value == pytest.approx(replies / len(typed))


def test_too_few_calls_keep_all_defaults(models: RecordedModels, tmp_path: Path) -> None:
    """One call fewer than are needed gives no plan and says so; without any call it is said, too."""
    parameters = replace(PARAMETERS["keep-all"], unconnected_share=0.0)
    sessions = recorded(parameters, MIN_CALLS - 1, 1, "raw", tmp_path)
    answer = fit(lambda: sessions, models)
    assert (answer.plan, answer.parameters, answer.backtest) == (None, (), None)
    assert answer.warnings == (
        "too few calls of gpt-4o-realtime-preview for a plan: 29, and 30 are needed; all defaults are kept",
    )
    assert fit(list, models).warnings == ("no call can be used: 30 calls of one model are needed",)
    one_more = recorded(parameters, MIN_CALLS, 1, "raw", tmp_path)
    assert fit(lambda: one_more, models).plan is not None


def test_of_several_models_the_one_with_most_calls_is_fitted(models: RecordedModels, tmp_path: Path) -> None:
    """Forty calls of one model and 35 of another: the latter are counted, and nothing of them is in the plan."""
    first = replace(PARAMETERS["last-assistant-audio"], unconnected_share=0.0)
    second = replace(PARAMETERS["transcripts"], unconnected_share=0.0, instructions_tokens=5000)
    made = [*calls(first, 40, 1), *calls(second, 35, 2)]
    sessions = list(logged_sessions(made, "raw", tmp_path).values())
    answer = fit(lambda: sessions, models)
    assert (answer.model, answer.calls, answer.other_models) == ("gpt-realtime-1.5", 40, (("gpt-realtime-2.1", 35),))
    assert answer.plan is not None
    assert answer.plan.instructions_tokens == 1014


def test_calls_without_usage_are_unconnected(models: RecordedModels, tmp_path: Path) -> None:
    """Ten of 110; Wilson's 99% interval is 4% to 19%. A log without such calls does not say how many there were."""
    parameters = replace(PARAMETERS["last-assistant-audio"], unconnected_share=0.0)
    sessions = recorded(parameters, 100, 1, "raw", tmp_path)
    entry = fit(lambda: sessions, models, without_usage=10).parameter("unconnected_share")
    assert entry.value == pytest.approx(10 / 110)
    assert (round(entry.low or 0, 2), round(entry.high or 0, 2)) == (0.04, 0.19)
    assert fit(lambda: sessions, models).parameter("unconnected_share").value is None


def test_a_call_that_cannot_be_used_is_counted_with_its_reason(models: RecordedModels, tmp_path: Path) -> None:
    sessions = recorded(PARAMETERS["last-assistant-audio"], 60, 1, "raw", tmp_path)
    untimed = replace(
        sessions[0], name="untimed", records=tuple(record._replace(time_ms=None) for record in sessions[0].records)
    )
    answer = fit(lambda: [*sessions, untimed], models)
    assert answer.calls == len(sessions)
    assert answer.unusable == (("its responses have no times", 1, ("untimed",)),)


def test_a_pause_is_not_time_of_the_call(models: RecordedModels, tmp_path: Path) -> None:
    """Half an hour of silence in each of these calls counts as five minutes."""
    parameters = replace(PARAMETERS["keep-all"], unconnected_share=0.0, day=date(2026, 4, 20))
    made = calls(parameters, 40, 1)
    pause_ms = 35 * 60_000
    paused = [
        replace(
            call, responses=(*call.responses[:-1], replace(call.responses[-1], ended_ms=call.responses[-1].ended_ms + pause_ms))
        )
        for call in made
        if len(call.responses) > 3
    ]
    plain, with_pause = (
        fit(lambda log=log: logged_sessions(log, "raw", tmp_path).values(), models)  # type: ignore[misc]
        for log in ([call for call in made if len(call.responses) > 3], paused)
    )
    longer = (with_pause.parameter("minutes").value or 0) - (plain.parameter("minutes").value or 0)
    assert 4 < longer < 5
    assert any("pauses count as 5 minutes at most" in text for text in with_pause.warnings)
