"""Quotas: dated rows with their source, by tier; what is not published is absent, and said so."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.cases import DAY, case_file
from voicebill.billing.errors import UnknownName
from voicebill.billing.offers import Offer
from voicebill.billing.quotas import tiers
from voicebill.facts import load_facts
from voicebill.facts.files import InvalidFile


def offer(model: str, provider: str = "azure", day: date = DAY, deployment: str = "global") -> Offer:
    return load_facts().prices.quote(model, day=day, provider=provider, deployment=deployment).offer


@pytest.mark.parametrize(
    ("model", "day", "tier", "tokens", "requests"),
    [
        ("gpt-realtime", DAY, None, 100_000, 200),
        ("gpt-realtime-2025-08-28", DAY, "tier-5", 100_000, 200),
        ("gpt-realtime", DAY, "tier-6", 150_000, 300),
        ("gpt-realtime", date(2026, 2, 17), None, 100_000, 100),
        ("gpt-realtime", date(2026, 2, 18), "tier-1", 100_000, 200),
        ("gpt-4o-realtime-preview", date(2026, 3, 1), "tier-1", 6_000, 36),
        ("gpt-4o-realtime-preview", date(2025, 8, 1), "default", 800_000, 1_000),
    ],
)
def test_quotas_are_those_of_the_vendors_tables_on_their_days(
    model: str, day: date, tier: str | None, tokens: int, requests: int
) -> None:
    quota = load_facts().quotas.find(offer(model, day=day), day, tier)
    assert quota is not None
    assert (quota.tokens_per_minute, quota.requests_per_minute, quota.sessions) == (tokens, requests, None)


@pytest.mark.parametrize(
    ("named", "message"),
    [
        (("gpt-realtime-mini",), "for 2026-11-22; figures are known from 2026-02-17 until 2026-02-18"),
        (("gpt-realtime-1.5",), "no quota of gpt-realtime-1.5-2026-02-23 at azure is published for 2026-11-22"),
        (("gpt-realtime", "azure", DAY, "data-zone"), "at azure as data-zone is published"),
        (("gpt-realtime", "openai"), "at openai is published"),
    ],
)
def test_what_nobody_publishes_is_absent_and_said_so(named: tuple[Any, ...], message: str) -> None:
    model_offer = offer(*named)
    assert load_facts().quotas.find(model_offer, DAY) is None
    explanation = load_facts().quotas.explain_missing(model_offer, DAY)
    assert message in explanation
    assert explanation.endswith("is published for 2026-11-22") or "; figures are known from" in explanation


def test_openai_has_the_collected_quotas_and_no_others() -> None:
    collected = case_file("collected_quotas.toml")["rows"]
    limits = ("tokens_per_minute", "requests_per_minute", "sessions", "audio_minutes_per_minute")
    rows = [row for row in load_facts().quotas.rows if row.provider == "openai"]
    assert [(*row.models, *row.tiers, str(row.since), *(getattr(row, limit) for limit in limits)) for row in rows] == [
        (case["model"], case["tier"], case["since"], *(case.get(limit) for limit in limits)) for case in collected
    ]
    assert all("your own limits page decides" in row.note for row in rows)


def test_a_quota_of_2025_is_none_of_today_and_a_tier_without_a_figure_is_unknown() -> None:
    """The page of 2025 gives tiers 1 and 5: 40,000 tokens and 200 requests a minute, 15 million and 20,000."""
    preview = offer("gpt-4o-realtime-preview", "openai", date(2025, 8, 1))
    lowest = load_facts().quotas.find(preview, date(2025, 8, 1))
    assert lowest is not None
    assert (lowest.tiers, lowest.tokens_per_minute) == (("tier-1",), 40_000)
    with pytest.raises(UnknownName, match="unknown quota tier 'tier-3' of gpt-4o-realtime-preview"):
        load_facts().quotas.find(preview, date(2025, 8, 1), "tier-3")
    assert load_facts().quotas.find(preview, date(2025, 12, 31)) == lowest
    assert load_facts().quotas.find(preview, date(2026, 1, 1)) is None


def test_an_unknown_tier_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match="unknown quota tier 'tier-7' of gpt-realtime-2025-08-28; the nearest are tier-"):
        load_facts().quotas.find(offer("gpt-realtime"), DAY, "tier-7")
    assert tiers(load_facts().quotas.quotas_of(offer("gpt-realtime"), DAY)) == [f"tier-{number}" for number in range(1, 7)]


@pytest.mark.parametrize("provider", ["openai", "azure"])
def test_how_limits_are_counted_is_known_with_evidence(provider: str) -> None:
    rule = load_facts().quotas.counting_rule(provider, DAY)
    assert rule is not None
    assert (rule.cached_tokens, rule.request_unit) == (True, "response")
    assert rule.source
    assert load_facts().quotas.counting_rule("nobody", DAY) is None


OWN = """
provider = "azure"
checked = 2026-11-22
sources = ["our portal"]
[[quotas]]
models = ["gpt-realtime-1.5"]
tiers = ["ours"]
since = "2026-11-01"
tokens_per_minute = 500_000
sessions = 40
"""


def test_quotas_of_ones_own_stand_beside_ours(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(OWN, encoding="utf-8")
    quota = load_facts(file).quotas.find(offer("gpt-realtime-1.5"), DAY)
    assert quota is not None
    assert (quota.tokens_per_minute, quota.requests_per_minute, quota.sessions) == (500_000, None, 40)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "tokens_per_minute = 500_000\nsessions = 40",
            "",
            "a quota needs tokens_per_minute, requests_per_minute, sessions or audio_minutes_per_minute",
        ),
        ("500_000", "0", "must be more than 0"),
        ("500_000", '"many"', "must be a number"),
        ('tiers = ["ours"]', "", "'tiers' is missing"),
        ('since = "2026-11-01"', 'since = "2026-11-01"\nuntil = "2026-10-01"', "is not after since"),
        ('["gpt-realtime-1.5"]\ntiers = ["ours"]', '["gpt-realtime"]\ntiers = ["tier-6"]', "overlap"),
        ("sessions = 40", "calls = 40", "unknown key 'calls'"),
    ],
)
def test_a_faulty_quota_is_refused_with_its_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    file = tmp_path / "own.toml"
    file.write_text(OWN.replace(old, new), encoding="utf-8")
    with pytest.raises(InvalidFile, match="own") as caught:
        load_facts(file)
    assert message in str(caught.value)
