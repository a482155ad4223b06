"""Generate records as logs may contain them, likely and unlikely ones, and queries of them."""

from dataclasses import fields
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from random import Random

from hypothesis import strategies as st

from voicebill.answers.recorded.filters import FILTER_FIELDS, And, Condition, FieldComparison, FieldValue, In, Not, Or
from voicebill.answers.recorded.query import CostQuery
from voicebill.answers.recorded.result import Cost
from voicebill.billing.record import RECORD_KINDS, Record, RecordKind, ResponseDetails
from voicebill.billing.usage import Status, Usage

COMPARED_FIELDS = [field.name for field in fields(Cost) if field.name != "prices"]
"""What engines must agree on."""

CONTRACT = """
checked = 2026-11-01
sources = ["our contract"]

[[adjustments]]
name = "discount"
factor = 0.873
models = ["gpt-realtime"]
since = 2026-11-10

[[offers]]
provider = "openai"
model = "stepper"
kind = "live"
[[offers.prices]]
since = 2026-01-01
usd = { session_ms = 0.07, call_ms = 0.01, audio_in = 10, audio_out = 20 }
increments = { session_ms = 1000, call_ms = 60000 }

[[offers]]
provider = "openai"
model = "minutes"
kind = "realtime"
[[offers.prices]]
since = 2026-01-01
usd = { session_ms = 0.08 }

[[offers]]
provider = "openai"
model = "minutes-and-text"
kind = "realtime"
[[offers.prices]]
since = 2026-01-01
usd = { session_ms = 0.08, text_in = 1, text_out = 2 }
"""
"""A contract: a discount that begins within the period, a model whose vendor bills in increments, and minutes with tokens."""

LISTED_MODELS = (
    "gpt-realtime",
    "GPT-Realtime-Mini",
    "gpt-4o-realtime-preview",
    "gpt-4o-realtime-preview-2024-10-01",
    "gpt-4.1-mini",
)
UNLISTED_MODELS = ("gpt-realtme", "gemini-live", "a|b", " gpt-realtime ", "")
TRANSCRIPTION_MODELS = ("whisper-1", "gpt-4o-transcribe", "gpt-realtime-whisper")
SESSION_MODELS = ("gpt-live-1", "stepper", "minutes", "minutes-and-text")
DAYS = (
    *(date(2024, month, day) for month, day in ((9, 30), (10, 1), (10, 29), (10, 30))),
    *(date(2026, 1, day) for day in (12, 13)),
    *(date(2026, 11, day) for day in (9, 10, 22)),
)
TENANTS = (
    "acme",
    "Acme",
    "o'brien",
    'say "no"',
    "a|b",
    "two\nlines",
    "🦊",
    "%",
    "",
    "nul\0",
    "null",
    ":p0",
    "$p1",
    "; DROP TABLE usage",
)
TOKENS = ("text_in", "text_in_cached", "audio_in", "audio_in_cached", "image_in", "text_out", "audio_out")
STATUSES: tuple[Status, ...] = ("exact", "exact", "exact", "ambiguous", "ambiguous", "inconsistent", "missing")

quantities = st.one_of(st.integers(1, 300), st.sampled_from([59_999, 60_000, 60_001, 10**9, 10**12]))


def usages(meters: tuple[str, ...]) -> st.SearchStrategy[dict[str, int]]:
    """Generate quantities of some meters, or of none."""
    return st.dictionaries(st.sampled_from(meters), quantities, max_size=4)


counts = st.none() | st.integers(0, 5)
details = st.builds(
    ResponseDetails,
    user_messages=counts,
    user_audio_ms=st.none() | st.integers(0, 10**6),
    text_messages=counts,
    tool_results=counts,
    played_ms=counts,
    deleted_items=counts,
    tool_calls=counts,
    reply_messages=counts,
    reasoning_tokens=counts,
    prompt=st.sampled_from([None, "0123456789abcdef", "fedcba9876543210"]),
)


@st.composite
def records(draw: st.DrawFn) -> Record:
    """Generate a record of any kind, with any of the fields that a log may give."""
    kind = draw(st.sampled_from(RECORD_KINDS))
    status: Status = draw(st.sampled_from(STATUSES))
    session_meters = ("session_ms", "call_ms", "audio_in", "audio_out", "text_in", "text_out")
    models, meters = {
        "transcription": (TRANSCRIPTION_MODELS, ("audio_ms", "audio_in", "text_out")),
        "session": (SESSION_MODELS, session_meters),
    }.get(kind, ((*LISTED_MODELS, *UNLISTED_MODELS, "stepper"), TOKENS))
    if status == "missing":
        candidates: list[dict[str, int]] = [{}]
    elif status == "ambiguous" or (status == "inconsistent" and draw(st.booleans())):
        candidates = draw(
            st.lists(usages(meters), min_size=1, max_size=4, unique_by=lambda candidate: tuple(sorted(candidate.items())))
        )
    else:
        candidates = [draw(usages(meters))]
    moment = draw(st.none() | moments)
    has_repeated_input = status == "exact" and draw(st.booleans())
    return Record(
        key=draw(st.sampled_from(["k1", "k2", "k'3"]) | st.uuids().map(str)),
        kind=kind,
        usage_candidates=tuple(Usage(candidate, status) for candidate in candidates),
        source=draw(st.sampled_from(["a.jsonl", "b's.csv"])),
        line_number=draw(st.integers(1, 9)),
        provider=draw(st.sampled_from([None, "openai", "OpenAI", "azure", "nobody"])),
        model=draw(st.none() | st.sampled_from(models)),
        deployment=draw(st.sampled_from([None, None, "global", "Data-Zone", "regional"])),
        region=draw(st.sampled_from([None, None, "eastus", "SwedenCentral", "nowhere"])),
        tier=draw(st.sampled_from([None, None, "standard", "priority"])),
        session=draw(st.sampled_from([None, "s1", "s2", "s'3"])),
        turn=draw(st.none() | st.integers(1, 12)),
        tenant=draw(st.none() | st.sampled_from(TENANTS)),
        project=draw(st.none() | st.sampled_from(TENANTS)),
        time=moment,
        day=None if moment else draw(st.none() | st.sampled_from(DAYS)),
        session_started_at=draw(st.none() | moments) if moment else None,
        outcome=draw(st.sampled_from([None, "completed", "cancelled"])),
        repeated_input={meter: draw(st.integers(0, quantity)) for meter, quantity in candidates[0].items()}
        if has_repeated_input
        else None,
        details=draw(st.none() | details) if kind == "response" else None,
    )


moments = st.builds(
    lambda day, milliseconds, hours: (
        (datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(milliseconds=milliseconds))
        .replace(microsecond=milliseconds % 7 * 1111)
        .astimezone(timezone(timedelta(hours=hours)))
    ),
    st.sampled_from(DAYS),
    st.integers(0, 86_399_000),
    st.sampled_from([0, 0, 9, -8]),
)

VALUES: dict[str, tuple[FieldValue, ...]] = {
    "provider": ("openai", "azure"),
    "model": ("gpt-realtime", "stepper", "a/b", ""),
    "offer": ("openai/gpt-realtime-2025-08-28", "openai/stepper", "openai/gpt-4o-realtime-preview-2024-10-01"),
    "deployment": ("global", "data-zone"),
    "region": ("eastus", "nowhere"),
    "tier": ("standard", "priority"),
    "tenant": TENANTS,
    "project": TENANTS,
    "session": ("s1", "s'3"),
    "meter": ("audio_in", "text_out", "session_ms"),
    "kind": ("response", "transcription"),
    "status": ("exact", "ambiguous", "missing"),
    "outcome": ("completed",),
    "source": ("b's.csv",),
    "month": ("2024-10", "2026-11"),
    "day": DAYS,
    "hour": ("2026-11-22T14",),
    "half_hour": ("2026-11-22T14:30",),
    "turn": (1, 5),
}


@st.composite
def comparisons(draw: st.DrawFn) -> Condition:
    """Generate a comparison of a field with one or several values."""
    name = draw(st.sampled_from(FILTER_FIELDS))
    values = st.sampled_from(VALUES[name])
    if draw(st.booleans()):
        return FieldComparison(name, draw(st.sampled_from(["=", "!=", "<", "<=", ">", ">="])), draw(values))
    return In(name, tuple(draw(st.lists(values, min_size=1, max_size=3))))


conditions: st.SearchStrategy[Condition] = st.recursive(
    comparisons(),
    lambda inner: st.builds(Not, inner) | st.builds(And, inner, inner) | st.builds(Or, inner, inner),
    max_leaves=4,
)


@st.composite
def cost_queries(draw: st.DrawFn) -> CostQuery:
    """Generate any valid query."""
    since = draw(st.none() | st.sampled_from(DAYS))
    until = draw(st.none() | st.sampled_from(DAYS))
    by = tuple(draw(st.lists(st.sampled_from(FILTER_FIELDS), max_size=3, unique=True)))
    return CostQuery(
        by=by,
        where=draw(st.none() | conditions),
        since=since,
        until=None if until and since and until <= since else until,
        top=draw(st.none() | st.integers(1, 3)) if by else None,
        provider=draw(st.sampled_from(["openai", "openai", "Azure"])),
        deployment=draw(st.sampled_from(["global", "global", "Data-Zone"])),
        region=draw(st.sampled_from(["", "", "eastus"])),
    )


def contract(folder: Path) -> Path:
    """Write a file with contracted prices."""
    file = folder / "contract.toml"
    file.write_text(CONTRACT, encoding="utf-8")
    return file


def many_records(count: int, seed: int = 5) -> list[Record]:
    """Return the records of some thousand calls on a few days, each with its own key: always the same ones."""
    chance = Random(seed)
    return [_make_record(chance, index) for index in range(count)]


def _make_record(chance: Random, index: int) -> Record:
    start = datetime(2026, 11, chance.choice((8, 9, 10, 11)), tzinfo=UTC) + timedelta(seconds=chance.randrange(80_000))
    kinds: tuple[tuple[RecordKind, str, tuple[str, ...]], ...] = (
        ("response", chance.choice(LISTED_MODELS), TOKENS),
        ("response", chance.choice(UNLISTED_MODELS), TOKENS),
        ("transcription", chance.choice(TRANSCRIPTION_MODELS), ("audio_ms", "audio_in", "text_out")),
        ("session", chance.choice(SESSION_MODELS), ("session_ms", "audio_in")),
    )
    kind, model, meters = chance.choice(kinds)
    status = chance.choice(STATUSES)
    amounts = [
        {meter: chance.randrange(1, 5000) for meter in chance.sample(meters, chance.randrange(1, len(meters) + 1))}
        for _ in range(chance.randrange(1, 4) if status in ("ambiguous", "inconsistent") else 1)
    ]
    return Record(
        key=f"r{index}",
        kind=kind,
        usage_candidates=tuple(Usage({} if status == "missing" else candidate, status) for candidate in amounts),
        source=f"{index % 3}.jsonl",
        line_number=index,
        provider=chance.choice((None, "openai", "openai", "azure")),
        model=model,
        deployment=chance.choice((None, "global", "data-zone")),
        region=chance.choice((None, None, "eastus")),
        session=chance.choice((None, f"s{index % 700}")),
        turn=chance.choice((None, index % 9)),
        tenant=chance.choice((None, *TENANTS)),
        project=chance.choice((None, *TENANTS)),
        time=start if chance.random() < 0.9 else None,
        session_started_at=start - timedelta(seconds=chance.randrange(600)),
        outcome=chance.choice((None, "completed", "cancelled")),
        repeated_input={meter: quantity // 2 for meter, quantity in amounts[0].items()} if status == "exact" else None,
    )
