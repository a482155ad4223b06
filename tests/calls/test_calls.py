"""Check that generated calls are what their hidden parameters say, and that both logs show them."""

import gzip
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from fractions import Fraction
from itertools import pairwise
from math import sqrt
from pathlib import Path
from statistics import mean, pstdev

import pytest

from tests.calls.call import LOSING_ALL, Call, calls
from tests.calls.example import EXAMPLE, FAULTS, example_calls, example_lines
from tests.calls.logs import raw_lines, usage_lines
from tests.calls.parameters import MODELS, OTHER_MODELS, Fault, HiddenParameters
from tests.conversation.literal import ReferenceContext
from voicebill.answers.recorded.cost import cost
from voicebill.answers.recorded.python_engine import PythonEngine
from voicebill.answers.recorded.query import CostQuery
from voicebill.billing.record import Record
from voicebill.conversation.history import Tokens
from voicebill.facts import load_facts
from voicebill.logs.read import read_log

VARIED = HiddenParameters(typed_share=0.1, split_share=0.2, interrupted_share=0.3, tool_calls_per_turn=0.6, greets=True)
"""Calls with everything in them that calls can have."""
MODEL_NAMES = tuple(MODELS.values())
LOGS = ("raw", "usage")


def with_model(parameters: HiddenParameters, model: str) -> HiddenParameters:
    """The parameters with another model, on a day on which it was sold."""
    return replace(parameters, model=model, day=date(2026, 11, 20) if model == "gpt-realtime-2.1" else parameters.day)


def logged(made: Iterable[Call], log: str, folder: Path) -> list[Record]:
    """The records that a log of calls contains, as they are read from a file, without responses that have no usage."""
    file = folder / f"{log}.jsonl"
    with file.open("w") as lines:
        lines.writelines(raw_lines(made) if log == "raw" else usage_lines(made))
    return [record for record in read_log(file) if record.status != "missing"]


def quantities(call: Call, index: int) -> dict[str, int]:
    """The quantities of a response by meter, without those that are zero."""
    entry = call.responses[index]
    uncached = Tokens(*(tokens - hit for tokens, hit in zip(entry.response.input, entry.cached, strict=True)))
    by_meter = {
        "text_in": uncached.text,
        "text_in_cached": entry.cached.text,
        "audio_in": uncached.audio,
        "audio_in_cached": entry.cached.audio,
        "text_out": entry.response.text_out,
        "audio_out": entry.response.audio_out,
    }
    return {meter: quantity for meter, quantity in by_meter.items() if quantity}


@pytest.mark.parametrize("fault", [None, "another-model"])
@pytest.mark.parametrize("log", LOGS)
@pytest.mark.parametrize("model", MODEL_NAMES)
def test_a_log_has_the_usage_and_the_model_of_every_response(model: str, log: str, fault: Fault | None, tmp_path: Path) -> None:
    made = calls(with_model(VARIED, model), 20, 1, fault)
    records = logged(made, log, tmp_path)
    truth = [
        (call.session, entry.model, entry.outcome, quantities(call, index))
        for call in made
        for index, entry in enumerate(call.responses)
    ]
    assert truth == [
        (record.session, record.model, record.outcome, {meter: count for meter, count in record.usage.items() if count})
        for record in records
    ]


@pytest.mark.parametrize("fault", [None, *(fault for fault in FAULTS if fault), "tools-changed", "truncation", "another-model"])
@pytest.mark.parametrize("model", MODEL_NAMES)
def test_every_response_reads_what_the_literal_definition_says(model: str, fault: Fault | None) -> None:
    for call in calls(with_model(VARIED, model), 8, 2, fault):
        if call.script is None:
            continue
        truth = ReferenceContext(call.script, call.rules).responses()
        actual = [entry.response for entry in call.responses]
        assert [tuple(entry.input) for entry in actual] == [entry.input for entry in truth]
        assert [tuple(entry.common_prefix) for entry in actual] == [entry.common_prefix for entry in truth]


@pytest.mark.parametrize("model", MODEL_NAMES)
def test_raw_events_say_what_was_new_before_every_response(model: str, tmp_path: Path) -> None:
    """The committed audio lasts less than a token longer than what is billed, for every message."""
    made = calls(with_model(VARIED, model), 30, 3)
    records = iter(logged(made, "raw", tmp_path))
    for call in made:
        interrupted = None
        for before, entry in pairwise((None, *call.responses)):
            assert entry is not None
            turn, details = call.turns[entry.response.turn - 1], next(records).details
            assert details is not None
            begins = before is None or before.response.turn != entry.response.turn
            messages = turn.user_messages if begins and turn.user_audio_tokens else 0
            assert details.tool_calls == (entry.response.kind == "tool-call")
            assert details.reply_messages == (entry.response.kind == "reply")
            if call.rules.is_reasoning_model:
                assert details.reasoning_tokens == turn.reasoning_tokens
            if details.user_messages is None:  # the greeting: no user has sent anything
                assert before is None
                assert not turn.user_audio_tokens
            else:
                assert details.user_messages == messages
                assert details.text_messages == (begins and turn.user_text_tokens > 0)
                assert details.tool_results == (not begins)
                assert details.deleted_items == 0
                assert details.played_ms == (interrupted if begins else None)
                assert details.user_audio_ms is not None
                billed_ms = 100 * turn.user_audio_tokens if messages else 0
                assert billed_ms <= details.user_audio_ms < billed_ms + 100 * max(1, messages)
            interrupted = turn.played_ms
    assert next(records, None) is None


@pytest.mark.parametrize("model", MODEL_NAMES)
def test_both_logs_cost_what_the_calls_cost(model: str, tmp_path: Path) -> None:
    """Quantity times list price, summed here by hand."""
    made = calls(with_model(VARIED, model), 30, 4)
    prices = load_facts().prices
    list_prices = prices.quote(model, day=made[0].parameters.day).offer.rows[0].unit_prices
    dollars = sum(
        count * Fraction(list_prices[meter]) / 1_000_000
        for call in made
        for index in range(len(call.responses))
        for meter, count in quantities(call, index).items()
    )
    for log in LOGS:
        total = cost(PythonEngine(logged(made, log, tmp_path)), CostQuery(calls=False), prices).total
        assert total.low is not None
        assert total.low == total.high
        assert Fraction(total.low) / 10**12 == dollars


def test_the_same_seed_gives_the_same_calls() -> None:
    made = calls(VARIED, 5, 6)
    assert calls(VARIED, 5, 6) == made
    assert list(raw_lines(calls(VARIED, 5, 6))) == list(raw_lines(made))
    assert [call.script for call in calls(VARIED, 5, 7)] != [call.script for call in made]


def is_near(values: Iterable[float], expected: float, bias: float = 0.0) -> bool:
    """Whether the mean of independent values is within three standard errors of what is expected, and a systematic error."""
    sample = list(values)
    return abs(mean(sample) - expected) <= 3 * pstdev(sample) / sqrt(len(sample)) + bias


def test_many_calls_have_the_hidden_minutes_and_turns() -> None:
    """Rounding to whole turns adds nothing on average; at least one turn adds less than 1% where ten are usual."""
    parameters = HiddenParameters(unconnected_share=0.1)
    made = calls(parameters, 1500, 8)
    connected = [call for call in made if call.script is not None]
    assert is_near([call.script is None for call in made], 0.1)
    assert is_near([call.minutes for call in connected], 5.0, bias=0.05)
    assert is_near([len(call.turns) for call in connected], 10.0, bias=0.1)
    lengths = [len(call.turns) for call in connected]
    assert pstdev(lengths) / mean(lengths) == pytest.approx(0.6, rel=0.1)


def test_many_turns_have_the_hidden_shares() -> None:
    """Of 30 s a turn: 30% speech and 40% replies; a message has 8 tokens of padding (800 ms), which are silence."""
    parameters = HiddenParameters(split_share=0.1)
    rules = parameters.rules
    turns = [turn for call in calls(parameters, 700, 9) for turn in call.turns]
    assert rules.padding_tokens == 8
    assert is_near([(turn.user_audio_tokens - 8 * turn.user_messages) / 10 for turn in turns], 9.0)
    replies = [turn.reply_audio_tokens / 20 if turn.played_ms is None else turn.played_ms / 1000 for turn in turns]
    assert is_near(replies, 12.0)
    silence = [turn.silence_ms / 1000 + 0.8 * turn.user_messages for turn in turns]
    assert is_near(silence, 9.0, bias=0.2)
    assert is_near([turn.user_messages - 1 for turn in turns], 0.1)
    assert is_near([len(turn.tool_calls) for turn in turns], 0.2)
    assert is_near([turn.played_ms is not None for turn in turns], 0.12)
    shares = [turn.played_ms / 50 / turn.reply_audio_tokens for turn in turns if turn.played_ms is not None]
    assert is_near(shares, 0.5, bias=0.01)
    tool_calls = [call for turn in turns for call in turn.tool_calls]
    assert is_near([call.arguments_tokens for call in tool_calls], 25.0)
    assert is_near([call.result_tokens for call in tool_calls], 90.0)
    extra_text = [
        (turn.reply_text_tokens or 0)
        - float(rules.reply_text_base + rules.reply_text_per_audio_token * turn.reply_audio_tokens)
        for turn in turns
    ]
    assert is_near(extra_text, 0.0)
    assert pstdev(extra_text) == pytest.approx(2.0, rel=0.1)


def test_typed_turns_and_greetings_are_as_frequent_as_they_should_be() -> None:
    made = [call for call in calls(HiddenParameters(typed_share=0.25, greets=True), 300, 10) if call.turns]
    assert all(not call.turns[0].user_audio_tokens and not call.turns[0].user_text_tokens for call in made)
    assert is_near([turn.user_text_tokens > 0 for call in made for turn in call.turns[1:]], 0.25)


def test_many_responses_have_the_hidden_share_of_their_prefix() -> None:
    """Whole blocks of 64 are 32 tokens too little on average for text and for audio, and half a block less in 10% of them."""
    parameters = HiddenParameters(reuse_share=0.8, warm_share=1.0)
    responses = [entry for call in calls(parameters, 300, 11) for entry in call.responses]
    assert all(tokens % 64 == 0 for entry in responses for tokens in entry.cached)
    assert all(
        hit <= tokens for entry in responses for hit, tokens in zip(entry.cached, entry.response.common_prefix, strict=True)
    )
    texts = [entry for entry in responses if entry.response.common_prefix.text]
    assert is_near([(entry.cached.text + 31.5 + 3.2) / entry.response.common_prefix.text for entry in texts], 0.8, bias=0.002)


def test_a_share_of_responses_misses_the_cache_and_a_share_of_calls_starts_cold() -> None:
    made = [call for call in calls(HiddenParameters(warm_share=0.7, miss_share=0.4), 500, 12) if call.turns]
    later = [entry for call in made for entry in call.responses[1:]]
    assert is_near([not any(entry.cached) for entry in later], 0.4)
    assert is_near([call.script is not None and call.script.warm_cache for call in made], 0.7)


@pytest.mark.parametrize("model", MODEL_NAMES)
def test_interruptions_end_as_cancelled_only_while_a_reply_is_generated(model: str) -> None:
    """A complete reply ends when its audio has been generated, three times as fast as it is played, or at the interruption."""
    made = calls(with_model(HiddenParameters(interrupted_share=0.4, cancelled_share=0.25), model), 200, 13)
    replies = [(call, entry) for call in made for entry in call.responses if entry.response.kind == "reply"]
    interrupted = []
    for call, entry in replies:
        turn = call.turns[entry.response.turn - 1]
        generated_ms = entry.ended_ms - entry.created_ms - 600
        complete_ms = round(50 * turn.reply_audio_tokens / 3)
        if turn.played_ms is None:
            assert (entry.outcome, generated_ms) == ("completed", complete_ms)
        else:
            interrupted.append(entry.outcome == "cancelled")
            assert generated_ms == (turn.played_ms if interrupted[-1] else min(turn.played_ms, complete_ms))
    assert is_near(interrupted, 0.25)


@pytest.mark.parametrize("fault", ["another-model", "pause", "cold-start", "eviction"])
@pytest.mark.parametrize("model", MODEL_NAMES)
def test_a_response_that_lost_all_has_nothing_cached_and_its_neighbours_have(model: str, fault: Fault) -> None:
    """All others find a block at least: they have a prompt of 900 tokens in common with the response before."""
    for call in calls(with_model(HiddenParameters(warm_share=1.0), model), 20, 14, fault):
        assert call.fault_response is not None
        hits = [any(entry.cached) for entry in call.responses]
        assert [index for index, hit in enumerate(hits) if not hit] == [call.fault_response]
        assert fault in LOSING_ALL
        models = [entry.model for entry in call.responses]
        changed = call.fault_response if fault == "another-model" else len(models)
        assert models == [model] * changed + [OTHER_MODELS[model]] * (len(models) - changed)


def test_a_pause_is_20_to_60_minutes_long() -> None:
    for call in calls(HiddenParameters(), 20, 15, "pause"):
        assert call.fault_response is not None
        before, entry = call.responses[call.fault_response - 1 : call.fault_response + 1]
        assert 20 * 60_000 <= entry.created_ms - before.ended_ms <= 61 * 60_000


@pytest.mark.parametrize("fault", ["prompt-changed", "tools-changed"])
def test_another_prompt_leaves_its_stable_beginning_cached(fault: Fault, tmp_path: Path) -> None:
    """Of 900 tokens of instructions, 128 to 450 stay; events show the other prompt from that response on."""
    made = calls(HiddenParameters(), 20, 16, fault)
    records = iter(logged(made, "raw", tmp_path))
    lengths = set()
    for call in made:
        assert call.script is not None
        assert call.fault_response is not None
        assert 128 <= (call.script.stable_instructions_tokens or 0) <= 450
        entry = call.responses[call.fault_response]
        assert tuple(entry.response.common_prefix) == (call.script.stable_instructions_tokens, 0, 0)
        lengths.add(call.turns[entry.response.turn - 1].instructions_tokens)
        prompts = [next(records).details for _ in call.responses]
        shown = [details.prompt for details in prompts if details is not None]
        assert [prompt == shown[0] for prompt in shown] == [index < call.fault_response for index in range(len(call.responses))]
    assert {900} < lengths <= {840, 900, 940, 1150}


def test_deleted_items_are_gone_from_the_input_and_named_in_events() -> None:
    """The names are those of the first or second item of the session, and of the one after it."""
    for call in calls(HiddenParameters(), 20, 17, "deletion"):
        assert call.fault_response is not None
        places = call.turns[call.responses[call.fault_response].response.turn - 1].deleted_items
        events = [json.loads(line)["event"] for line in raw_lines([call])]
        added = [event["item"]["id"] for event in events if event["type"] == "conversation.item.added"]
        deleted = [event["item_id"] for event in events if event["type"] == "conversation.item.deleted"]
        assert deleted == [added[place - 1] for place in places]


def test_truncation_drops_the_oldest_items_first_at_the_response_that_it_names() -> None:
    for call in calls(HiddenParameters(), 20, 18, "truncation"):
        assert call.fault_response is not None
        dropped = [entry.response.dropped for entry in call.responses]
        assert not any(dropped[: call.fault_response])
        assert dropped[call.fault_response] > 0
        assert call.responses[call.fault_response].cached.audio == 0


@pytest.mark.parametrize("fault", [None, "pause", "deletion"])
def test_the_events_of_a_call_are_in_order_and_begin_before_they_end(fault: Fault | None) -> None:
    for call in calls(VARIED, 20, 19, fault):
        lines = [json.loads(line) for line in raw_lines([call])]
        times = [line["time"] for line in lines]
        assert times == sorted(set(times))
        events = [line["event"] for line in lines]
        started = {event["item_id"]: event["audio_start_ms"] for event in events if event["type"].endswith("speech_started")}
        stopped = {event["item_id"]: event["audio_end_ms"] for event in events if event["type"].endswith("speech_stopped")}
        assert started.keys() == stopped.keys()
        assert all(started[item] < stopped[item] for item in started)
        assert list(started.values()) == sorted(started.values())


def test_who_interrupts_begins_to_speak_before_the_reply_ends_as_cancelled_and_is_cut() -> None:
    made = calls(HiddenParameters(interrupted_share=0.5, split_share=0.0), 20, 20)
    events = [json.loads(line)["event"] for line in raw_lines(made)]
    cancelled = [
        index
        for index, event in enumerate(events)
        if event["type"] == "response.done" and event["response"]["status"] == "cancelled"
    ]
    last = {call.session: f"resp_{call.session}_{len(call.responses) - 1}" for call in made}
    assert cancelled
    for index in cancelled:
        assert events[index + 1]["type"] == "conversation.item.truncated"
        if events[index]["response"]["id"] not in last.values():
            assert events[index - 1]["type"] == "input_audio_buffer.speech_started"


def test_the_example_is_what_the_generator_gives() -> None:
    assert gzip.decompress(EXAMPLE.read_bytes()) == "".join(example_lines()).encode()


def test_the_example_has_120_calls_of_five_days_with_faults_among_them_and_is_small() -> None:
    made = example_calls()
    assert len({call.session for call in made}) == len(made) == 120
    assert {call.start.date() for call in made} == {date(2026, 11, day) for day in range(16, 21)}
    assert {fault: sum(call.fault == fault for call in made) for fault in FAULTS} == FAULTS
    assert EXAMPLE.stat().st_size < 250_000
