"""Records as logs might hold them, likely and unlikely ones, and the questions that can be asked of them."""

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from random import Random

from hypothesis import strategies as st

from voicebill.answers.cost import CostAsked
from voicebill.answers.where import FIELDS, Both, Compared, Condition, Either, Not, OneOf, Value
from voicebill.billing.record import KINDS, Record, RecordKind
from voicebill.billing.usage import Status, Usage

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
"""
"""Prices of one's own: a discount that begins in between, and a model whose vendor counts in steps."""

LISTED = ("gpt-realtime", "GPT-Realtime-Mini", "gpt-4o-realtime-preview", "gpt-4o-realtime-preview-2024-10-01", "gpt-4.1-mini")
UNLISTED = ("gpt-realtme", "gemini-live", "a|b", " gpt-realtime ", "")
HEARERS = ("whisper-1", "gpt-4o-transcribe", "gpt-realtime-whisper")
SECONDS = ("gpt-live-1", "stepper")
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
STATUSES: tuple[Status, ...] = ("exact", "exact", "exact", "bounded", "bounded", "inconsistent", "none")

quantities = st.one_of(st.integers(1, 300), st.sampled_from([59_999, 60_000, 60_001, 10**9, 10**12]))


def usages(meters: tuple[str, ...], least: int = 0) -> st.SearchStrategy[dict[str, int]]:
    """Quantities of some meters."""
    return st.dictionaries(st.sampled_from(meters), quantities, min_size=least, max_size=4)


@st.composite
def records(draw: st.DrawFn) -> Record:
    """A record of any kind, as far as a log may say anything of it."""
    kind = draw(st.sampled_from(KINDS))
    status: Status = draw(st.sampled_from(STATUSES))
    seconds = ("session_ms", "call_ms", "audio_in", "audio_out")
    models, meters = {
        "transcription": (HEARERS, ("audio_ms", "audio_in", "text_out")),
        "session": (SECONDS, seconds),
    }.get(kind, ((*LISTED, *UNLISTED, "stepper"), TOKENS))
    if status == "none":
        found: list[dict[str, int]] = [{}]
    elif status == "bounded":
        found = draw(st.lists(usages(meters, 1), min_size=1, max_size=4, unique_by=lambda each: tuple(sorted(each.items()))))
    else:
        found = [draw(usages(meters))]
    moment = draw(st.none() | moments)
    known = status == "exact" and draw(st.booleans())
    return Record(
        key=draw(st.sampled_from(["k1", "k2", "k'3"]) | st.uuids().map(str)),
        kind=kind,
        readings=tuple(Usage(each, status) for each in found),
        source=draw(st.sampled_from(["a.jsonl", "b's.csv"])),
        ordinal=draw(st.integers(1, 9)),
        provider=draw(st.sampled_from([None, "openai", "OpenAI", "azure", "nobody"])),
        model=draw(st.none() | st.sampled_from(models)),
        deployment=draw(st.sampled_from([None, None, "global", "Data-Zone", "regional"])),
        region=draw(st.sampled_from([None, None, "eastus", "SwedenCentral", "nowhere"])),
        tier=draw(st.sampled_from([None, None, "standard", "priority"])),
        session=draw(st.sampled_from([None, "s1", "s2", "s'3"])),
        turn=draw(st.none() | st.integers(1, 12)),
        tenant=draw(st.none() | st.sampled_from(TENANTS)),
        time=moment,
        day=None if moment else draw(st.none() | st.sampled_from(DAYS)),
        began=draw(st.none() | moments) if moment else None,
        outcome=draw(st.sampled_from([None, "completed", "cancelled"])),
        reread={meter: draw(st.integers(0, quantity)) for meter, quantity in found[0].items()} if known else None,
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

VALUES: dict[str, tuple[Value, ...]] = {
    "provider": ("openai", "azure"),
    "model": ("gpt-realtime", "stepper", "a/b", ""),
    "offer": ("openai/gpt-realtime-2025-08-28", "openai/stepper", "openai/gpt-4o-realtime-preview-2024-10-01"),
    "deployment": ("global", "data-zone"),
    "region": ("eastus", "nowhere"),
    "tier": ("standard", "priority"),
    "tenant": TENANTS,
    "session": ("s1", "s'3"),
    "meter": ("audio_in", "text_out", "session_ms"),
    "kind": ("response", "transcription"),
    "status": ("exact", "bounded", "none"),
    "outcome": ("completed",),
    "source": ("b's.csv",),
    "month": ("2024-10", "2026-11"),
    "day": DAYS,
    "hour": ("2026-11-22T14",),
    "turn": (1, 5),
}


@st.composite
def compared(draw: st.DrawFn) -> Condition:
    """A field compared with a value, or with some."""
    name = draw(st.sampled_from(FIELDS))
    values = st.sampled_from(VALUES[name])
    if draw(st.booleans()):
        return Compared(name, draw(st.sampled_from(["=", "!=", "<", "<=", ">", ">="])), draw(values))
    return OneOf(name, tuple(draw(st.lists(values, min_size=1, max_size=3))))


conditions: st.SearchStrategy[Condition] = st.recursive(
    compared(),
    lambda inner: st.builds(Not, inner) | st.builds(Both, inner, inner) | st.builds(Either, inner, inner),
    max_leaves=4,
)


@st.composite
def questions(draw: st.DrawFn) -> CostAsked:
    """Anything that can be asked."""
    since = draw(st.none() | st.sampled_from(DAYS))
    until = draw(st.none() | st.sampled_from(DAYS))
    return CostAsked(
        by=tuple(draw(st.lists(st.sampled_from(FIELDS), max_size=3, unique=True))),
        where=draw(st.none() | conditions),
        since=since,
        until=None if until and since and until <= since else until,
        top=draw(st.none() | st.integers(1, 3)),
        provider=draw(st.sampled_from(["openai", "openai", "Azure"])),
        deployment=draw(st.sampled_from(["global", "global", "Data-Zone"])),
        region=draw(st.sampled_from(["", "", "eastus"])),
    )


def contract(folder: Path) -> Path:
    """A file with prices of one's own."""
    file = folder / "contract.toml"
    file.write_text(CONTRACT, encoding="utf-8")
    return file


def many(count: int, seed: int = 5) -> list[Record]:
    """Records of some thousand calls on a few days, each of another key: always the same ones."""
    chance = Random(seed)
    return [_made(chance, at) for at in range(count)]


def _made(chance: Random, at: int) -> Record:
    start = datetime(2026, 11, chance.choice((8, 9, 10, 11)), tzinfo=UTC) + timedelta(seconds=chance.randrange(80_000))
    sorts: tuple[tuple[RecordKind, str, tuple[str, ...]], ...] = (
        ("response", chance.choice(LISTED), TOKENS),
        ("response", chance.choice(UNLISTED), TOKENS),
        ("transcription", chance.choice(HEARERS), ("audio_ms", "audio_in", "text_out")),
        ("session", chance.choice(SECONDS), ("session_ms", "audio_in")),
    )
    kind, model, meters = chance.choice(sorts)
    status = chance.choice(STATUSES)
    amounts = [
        {meter: chance.randrange(1, 5000) for meter in chance.sample(meters, chance.randrange(1, len(meters) + 1))}
        for _ in range(chance.randrange(1, 4) if status == "bounded" else 1)
    ]
    return Record(
        key=f"r{at}",
        kind=kind,
        readings=tuple(Usage({} if status == "none" else each, status) for each in amounts),
        source=f"{at % 3}.jsonl",
        ordinal=at,
        provider=chance.choice((None, "openai", "openai", "azure")),
        model=model,
        deployment=chance.choice((None, "global", "data-zone")),
        region=chance.choice((None, None, "eastus")),
        session=chance.choice((None, f"s{at % 700}")),
        turn=chance.choice((None, at % 9)),
        tenant=chance.choice((None, *TENANTS)),
        time=start if chance.random() < 0.9 else None,
        began=start - timedelta(seconds=chance.randrange(600)),
        outcome=chance.choice((None, "completed", "cancelled")),
        reread={meter: quantity // 2 for meter, quantity in amounts[0].items()} if status == "exact" else None,
    )
