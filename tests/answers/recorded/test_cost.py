"""What recorded usage cost, counted one by one: exact, a range, or unpriced, and never silently $0."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from tests.cases import DAY, case_name, cases, micro_dollars
from voicebill.answers.recorded.cost import cost
from voicebill.answers.recorded.filters import parse_filter
from voicebill.answers.recorded.python_engine import PythonEngine, deduplicate
from voicebill.answers.recorded.query import CostQuery
from voicebill.answers.recorded.result import Cost
from voicebill.billing.errors import InvalidInput, UnknownName
from voicebill.billing.record import Record
from voicebill.billing.usage import Usage
from voicebill.facts import load_facts


def record(uses: Mapping[str, int] | None = None, /, **more: Any) -> Record:
    """A response of gpt-realtime at OpenAI on the day of the cases; each of another key."""
    status = more.pop("status", "ambiguous" if "either" in more else "missing" if uses is None else "exact")
    readings = tuple(Usage(counts, status) for counts in more.pop("either", [uses or {}]))
    values = {"kind": "response", "model": "gpt-realtime", "provider": "openai", "deployment": "global", "day": DAY}
    record.made = getattr(record, "made", 0) + 1  # type: ignore[attr-defined]
    place = {"key": f"k{record.made}", "source": "a.jsonl", "line_number": 1}  # type: ignore[attr-defined]
    return Record(usage_candidates=readings, **{**place, **values, **more})


def cost_of(*records: Record, **query: Any) -> Cost:
    """The answer of the row path; a condition may be given as text."""
    where = query.pop("where", None)
    return cost(PythonEngine(records), CostQuery(where=parse_filter(where) if where else None, **query), load_facts().prices)


def micro(amount: int | Fraction | None) -> Any:
    """Picodollars as micro-dollars; a number that compares with every other."""
    return None if amount is None else Fraction(amount, 10**6)


def groups(answer: Cost) -> dict[tuple[object, ...], tuple[Any, Any]]:
    """By its keys, what each group cost in micro-dollars."""
    return {group.keys: (micro(group.low), micro(group.high)) for group in answer.groups}


@pytest.mark.parametrize("case", cases("costs.toml"), ids=case_name)
def test_the_cases_cost_their_sums(case: Mapping[str, Any]) -> None:
    records = [record(fields.pop("uses", None), **fields) for fields in map(dict, case["records"])]
    answer = cost_of(*records)
    assert answer.total.low == micro_dollars(case["low"])
    assert answer.total.high == micro_dollars(case.get("high", case["low"]))
    assert sum(line.low_amount for line in answer.lines) == answer.total.low
    assert sum(line.high_amount for line in answer.lines) == answer.total.high
    assert (answer.unpriced, answer.counts.records, answer.counts.unpriced) == ((), len(records), 0)


MIXED = (
    record({"audio_in": 100, "text_in": 10}, tenant="acme", turn=1),
    record({"audio_in": 200}, tenant="acme", turn=2, model="gpt-realtime-mini"),
    record({"audio_out": 50}, tenant="globex", turn=1, day=date(2026, 11, 21)),
    record(either=[{"text_in": 40}, {"audio_in": 40}], turn=3),
)
"""100 × 32 + 10 × 4 = 3,240; 200 × 10 = 2,000; 50 × 64 = 3,200; 40 × 4 = 160 to 40 × 32 = 1,280."""


def test_groups_are_ordered_by_what_they_cost_and_add_up() -> None:
    """Of tenants: acme 5,240, globex 3,200, nobody 160 to 1,280: 8,600 to 9,720 together."""
    answer = cost_of(*MIXED, by=("tenant",))
    assert list(groups(answer).items()) == [
        (("acme",), (5240, 5240)),
        (("globex",), (3200, 3200)),
        ((None,), (160, 1280)),
    ]
    assert (micro(answer.total.low), micro(answer.total.high)) == (8600, 9720)
    assert [group.records for group in answer.groups] == [2, 1, 1]


@pytest.mark.parametrize(
    "by",
    [
        "model",
        "offer",
        "day",
        "month",
        "hour",
        "half_hour",
        "tenant",
        "session",
        "turn",
        "meter",
        "status",
        "kind",
        "source",
        "outcome",
    ],
)
def test_whatever_they_are_grouped_by_the_total_is_the_same(by: str) -> None:
    """8,600 to 9,720, in groups by each field and by two."""
    for names in ((by,), ("provider", by)):
        answer = cost_of(*MIXED, by=names)
        assert sum(group.low or 0 for group in answer.groups) == answer.total.low
        assert sum(group.high or 0 for group in answer.groups) == answer.total.high


def test_days_and_turns_come_in_their_order() -> None:
    """Also where the first is the cheaper one; with `top` the dearest come first."""
    assert list(groups(cost_of(*MIXED, by=("day",)))) == [(date(2026, 11, 21),), (DAY,)]
    assert list(groups(cost_of(*MIXED, by=("turn",)))) == [(1,), (2,), (3,)]
    assert list(groups(cost_of(*MIXED, by=("day",), top=1))) == [(DAY,)]


def test_what_is_beyond_the_top_is_the_others() -> None:
    """Of 8,600 to 9,720 the dearest tenant has 5,240: 3,360 to 4,480 in two records are left."""
    answer = cost_of(*MIXED, by=("tenant",), top=1)
    assert groups(answer) == {("acme",): (5240, 5240)}
    assert answer.remainder is not None
    assert (answer.remainder.records, micro(answer.remainder.low), micro(answer.remainder.high)) == (2, 3360, 4480)
    assert cost_of(*MIXED, by=("tenant",), top=3).remainder is None


def test_a_question_for_a_meter_leaves_open_what_is_open() -> None:
    """40 tokens that may be text or audio: of audio in there are 0 to 40, beside 100 and 200: 5,200 to 6,480."""
    answer = cost_of(*MIXED, where="meter = audio_in")
    assert (micro(answer.total.low), micro(answer.total.high)) == (5200, 6480)
    assert answer.counts.records == 3


def test_conditions_choose_records() -> None:
    assert micro(cost_of(*MIXED, where="tenant = acme and turn < 2").total.low) == 3240
    assert micro(cost_of(*MIXED, where="not (tenant = acme or status = ambiguous)").total.low) == 3200
    assert micro(cost_of(*MIXED, since=DAY, where="status = exact").total.low) == 5240
    assert micro(cost_of(*MIXED, until=DAY).total.low) == 3200


def test_a_question_for_an_offer_counts_only_its_records() -> None:
    """An undated name is found under its snapshot; two of four records, on two days, and no others are counted."""
    answer = cost_of(*MIXED, where="offer = OpenAI/gpt-realtime-mini-2025-12-15")
    assert (micro(answer.total.low), answer.total.records, answer.counts.records) == (2000, 1, 1)
    assert cost_of(*MIXED, where="offer = openai/gpt-realtime-2025-08-28 and tenant = globex").first == date(2026, 11, 21)


# -- unpriced -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"model": "gpt-realtme"}, "unknown model 'gpt-realtme'; the nearest are gpt-realtime"),
        ({"model": None}, "the log names no model"),
        ({"provider": "nobody"}, "unknown provider 'nobody'"),
        ({"day": date(2025, 8, 27)}, "no price of gpt-realtime at openai is known for 2025-08-27"),
        ({"day": None}, "no day is known: give a day"),
        ({"model": "gpt-4o-realtime-preview-2024-10-01"}, "no price of gpt-4o-realtime-preview-2024-10-01 at openai is known"),
        ({"model": "whisper-1"}, "whisper-1 has no price for text in"),
        (
            {"model": "gpt-live-1", "day": date(2026, 11, 28)},
            "gpt-live-1 has no price for text in: its sessions are billed by time, and tokens are of a model behind it",
        ),
    ],
)
def test_what_has_no_price_stays_a_quantity(more: Mapping[str, Any], why: str) -> None:
    """Unknown, retired, not yet sold, of no day or of another meter: 70 tokens in, and no dollar; never $0."""
    answer = cost_of(record({"text_in": 70}, **more), by=("tenant",))
    ((line),) = answer.unpriced
    assert (line.meter, line.low, line.high) == ("text_in", 70, 70)
    assert line.reason.startswith(why)
    assert (answer.total.low, answer.total.high, answer.total.unpriced) == (None, None, 1)
    assert groups(answer) == {(None,): (None, None)}
    assert (answer.counts.billed, answer.counts.unpriced) == (0, 1)
    assert answer.per_call is None


def test_a_part_without_a_price_does_not_hide_the_rest() -> None:
    """100 audio tokens at $6 are priced, 5 images tokens have no price there: 600, one record unpriced in part."""
    answer = cost_of(record({"audio_in": 100, "image_in": 5}, model="gpt-4o-transcribe"), record({"text_in": 10}))
    assert micro(answer.total.low) == 600 + 40
    assert [(line.meter, line.low) for line in answer.unpriced] == [("image_in", 5)]
    assert (answer.counts.billed, answer.counts.unpriced, answer.total.unpriced) == (1, 1, 1)


def test_open_counts_without_a_price_are_a_range_of_quantities() -> None:
    """200 tokens of an unknown model, text or audio: 0 to 200 of either."""
    answer = cost_of(record(either=[{"text_in": 200}, {"audio_in": 200}], model="unheard-of"))
    assert [(line.meter, line.low, line.high) for line in answer.unpriced] == [("text_in", 0, 200), ("audio_in", 0, 200)]


def test_a_record_without_usage_is_counted_as_such() -> None:
    answer = cost_of(record(None), record({"text_in": 1}), by=("status",))
    assert (answer.counts.billed, answer.counts.without_usage, answer.counts.unpriced) == (1, 1, 0)
    assert groups(answer) == {("exact",): (4, 4), ("missing",): (0, 0)}


# -- what is doubtful ---------------------------------------------------------------------------------------------------


def test_a_disputed_price_gives_what_the_other_figure_would() -> None:
    """17 × 6 + 9 × 10 = 192 is used; at the other source's 2.50 it were 17 × 2.50 + 9 × 10 = 132.50."""
    answer = cost_of(record({"audio_in": 17, "text_out": 9}, model="gpt-4o-transcribe", kind="transcription"))
    assert (micro(answer.total.low), micro(answer.total.high)) == (192, 192)
    assert answer.total.disputed is not None
    assert [micro(amount) for amount in answer.total.disputed] == [Fraction("132.5"), 192]
    assert any("the price of audio in of gpt-4o-transcribe is disputed" in warning for warning in answer.warnings)


def test_what_is_taken_for_granted_is_said() -> None:
    """Two of three name no provider, one no deployment."""
    records = (
        record({"text_in": 1}),
        record({"text_in": 1}, provider=None),
        record({"text_in": 1}, provider="", deployment=None),
    )
    answer = cost_of(*records, provider="azure")
    assert answer.counts.unattributed == {"provider": 2, "deployment": 1}
    assert answer.assumptions[:2] == (
        "2 records name no provider: azure is taken (else give a provider)",
        "1 record names no deployment: global is taken (else give a deployment)",
    )
    assert {line.sku.provider for line in answer.unpriced} == set()
    assert {line.period.sku.provider for line in answer.lines} == {"openai", "azure"}


def test_names_are_compared_without_case() -> None:
    """In the log and in the question."""
    answer = cost_of(record({"text_in": 1}, model=" GPT-Realtime", provider="OpenAI", deployment="Global"), by=("model",))
    assert groups(answer) == {("gpt-realtime",): (4, 4)}
    assert micro(cost_of(record({"text_in": 1}, provider=None), provider="OpenAI").total.low) == 4


# -- sessions -----------------------------------------------------------------------------------------------------------


def call(at: int, tokens: int, minutes: int = 0, **more: Any) -> Record:
    started = datetime(2026, 11, 22, 10, tzinfo=UTC)
    return record(
        {"text_in": tokens}, session=f"s{at}", session_started_at=started, time=started + timedelta(minutes=minutes), **more
    )


def test_percentiles_are_by_nearest_rank() -> None:
    """Ten calls of 1 to 10 tokens at $4: the 10th percentile is the first, the 50th the fifth, the 90th the ninth."""
    answer = cost_of(*(call(at, at) for at in range(10, 0, -1)))
    assert answer.per_call is not None
    assert answer.per_call.sessions == 10
    assert {percent: micro(low) for percent, (low, _) in answer.per_call.percentiles.items()} == {10: 4, 50: 20, 90: 36, 99: 40}
    assert micro(answer.per_call.mean[0]) == 22
    assert (answer.per_call.timed, answer.per_call.per_minute) == (0, {})


def test_a_minute_of_a_call_is_taken_from_its_first_event_to_its_last() -> None:
    """40 tokens in 2 minutes, 30 in 3, and one of no length: 80 and 40 a minute."""
    answer = cost_of(call(1, 10, 1), call(1, 30, 2), call(2, 30, 3), call(3, 7, 0))
    assert answer.per_call is not None
    assert (answer.per_call.sessions, answer.per_call.timed) == (3, 2)
    assert answer.per_call.minutes == 5
    assert {percent: micro(low) for percent, (low, _) in answer.per_call.per_minute.items()} == {10: 40, 50: 40, 90: 80, 99: 80}


def test_calls_that_are_not_priced_as_a_whole_are_left_out() -> None:
    """One of three has a response of an unknown model; equal names at two tenants are two calls."""
    answer = cost_of(call(1, 10, tenant="a"), call(1, 20, tenant="b"), call(2, 5), call(2, 5, model="unheard-of"))
    assert answer.per_call is not None
    assert answer.per_call.sessions == 2
    assert micro(answer.per_call.percentiles[99][0]) == 80


def test_calls_with_open_counts_cost_a_range() -> None:
    """10 text tokens, and 10 that may be audio: 80 to 40 + 320."""
    answer = cost_of(
        call(1, 10), replace(call(1, 0), usage_candidates=record(either=[{"text_in": 10}, {"audio_in": 10}]).usage_candidates)
    )
    assert answer.per_call is not None
    assert [micro(amount) for amount in answer.per_call.mean] == [80, 360]


# -- shares -------------------------------------------------------------------------------------------------------------


def test_cache_hits_are_shares_of_the_input_that_is_known() -> None:
    """64 + 128 of 400 tokens in; output and seconds do not count."""
    response = record({"text_in": 136, "text_in_cached": 64, "audio_in": 72, "audio_in_cached": 128, "audio_out": 999})
    assert cost_of(response).cache_hit_share == Fraction(192, 400)
    seconds = record({"audio_ms": 9}, model="whisper-1")
    assert cost_of(response, seconds).cache_hit_share == Fraction(192, 400)
    assert cost_of(seconds).cache_hit_share is None


@pytest.mark.parametrize("model", ["gpt-4o-mini-transcribe", "gpt-4o-mini-tts", "whisper-1", None])
@pytest.mark.parametrize("provider", ["openai", "an unknown one"])
def test_cache_hits_are_a_share_of_what_models_that_reply_read(model: str | None, provider: str) -> None:
    """64 of 200 tokens, whatever is transcribed or read aloud beside them, with a price or without."""
    response = record({"text_in": 136, "text_in_cached": 64})
    other = record({"text_in": 100, "audio_in": 500}, model=model, provider=provider)
    assert cost_of(response, other).cache_hit_share == Fraction(64, 200)
    assert cost_of(other).cache_hit_share is None
    unpriced = record({"text_in": 136, "text_in_cached": 64}, model="a model without a price")
    assert cost_of(unpriced, other).cache_hit_share == Fraction(64, 200)
    assert cost_of(unpriced, record({"text_in": 10, "text_in_cached": 40})).cache_hit_share == Fraction(40, 50)


def test_cache_hits_are_known_where_only_their_modality_is_not() -> None:
    """60 of 200 were cached, text or audio: 30%, beside 64 of 200 of another response: 124 of 400."""
    open_split = record(either=[{"text_in": 140, "text_in_cached": 60}, {"audio_in": 140, "audio_in_cached": 60}])
    assert cost_of(open_split).cache_hit_share == Fraction(30, 100)
    response = record({"text_in": 136, "text_in_cached": 64})
    assert cost_of(response, open_split).cache_hit_share == Fraction(124, 400)


def test_cache_hits_are_not_known_where_none_is_reported() -> None:
    """No token of 200 is reported as cached: that may be none, or the log does not say which, and so it is not 0%."""
    assert cost_of(record({"text_in": 200, "audio_out": 9})).cache_hit_share_range is None
    unpriced = record({"text_in": 136, "text_in_cached": 64}, model="a model without a price")
    assert cost_of(record({"text_in": 200}), unpriced).cache_hit_share_range is None


def test_cache_hits_are_a_range_where_nobody_can_know_them() -> None:
    """From none to all of 100 tokens were cached: 0% to 100%, and no share in between is claimed."""
    answer = cost_of(record(either=[{"text_in": 100}, {"text_in_cached": 100}]))
    assert (answer.cache_hit_share, answer.cache_hit_share_range) == (None, (Fraction(0), Fraction(1)))


def test_the_share_of_what_was_read_before_is_one_of_cost() -> None:
    """Of 100 × 32 + 50 × 0.40 + 10 × 64 = 3,860, read before: 40 × 32 + 50 × 0.40 = 1,300."""
    uses = {"audio_in": 100, "audio_in_cached": 50, "audio_out": 10}
    response = record(uses, repeated_input={"audio_in": 40, "audio_in_cached": 50})
    assert cost_of(response).repeated_input_cost_share == Fraction(1300, 3860)
    assert cost_of(response, record(uses)).repeated_input_cost_share == Fraction(1300, 3860)
    assert cost_of(record(uses)).repeated_input_cost_share is None


# -- the same thing told twice -----------------------------------------------------------------------------------------


def test_each_thing_counts_once_as_it_is_known_best() -> None:
    """An exact count before a range, before a contradiction, before none; of equals the later."""
    exact, later = record({"text_in": 10}, key="k"), record({"text_in": 20}, key="k")
    none = record(None, key="k")
    assert micro(cost_of(exact, none).total.low) == micro(cost_of(none, exact).total.low) == 40
    assert micro(cost_of(exact, later).total.low) == 80
    assert deduplicate([exact, later, none]) == {"k": later}
    assert cost_of(exact, replace(exact, key="other")).counts.records == 2


# -- questions that cannot be meant ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"by": ("tenant", "Tenant")}, "by must name each field once, not tenant, tenant"),
        ({"by": ("model", "day", "hour", "tenant", "turn", "kind", "meter")}, "by must be at most 6 fields, not 7"),
        ({"top": 0}, "top must be 1 or more, not 0"),
        ({"since": DAY, "until": DAY}, r"until \(2026-11-22, exclusive\) must be after since \(2026-11-22\)"),
    ],
)
def test_a_question_that_cannot_be_meant_is_refused(query: Mapping[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        CostQuery(**query)


def test_an_unknown_field_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="unknown field 'tennant'; the nearest is tenant"):
        CostQuery(by=("tennant",))


def test_no_records_cost_nothing() -> None:
    """That is $0 and no line; and nothing was assumed."""
    answer = cost_of(by=("day",))
    assert (answer.total.low, answer.lines, answer.groups, answer.per_call, answer.assumptions) == (0, (), (), None, ())
    assert (answer.first, answer.last, answer.cache_hit_share, answer.repeated_input_cost_share) == (None, None, None, None)


# -- readings that cannot be meant ---------------------------------------------------------------------------------------


def test_a_text_model_is_never_read_as_audio() -> None:
    """1,000 tokens in and 100 out of unknown modality: gpt-4.1-mini is sold with text alone, so 1,000 × 0.40 + 100 × 1.60."""
    open_counts = [{"text_in": 1000, "text_out": 100}, {"audio_in": 1000, "audio_out": 100}]
    answer = cost_of(record(either=open_counts, model="gpt-4.1-mini"))
    assert (answer.counts.billed, answer.counts.unpriced, answer.unpriced) == (1, 0, ())
    assert [micro(answer.total.low), micro(answer.total.high)] == [560, 560]
