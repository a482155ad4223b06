"""Rules on the page: each with its evidence, of which nothing is lost where it is folded."""

import re
from html import unescape

import pytest

from tests.cases import DAY
from tests.web.sites import SITE
from voicebill.answers.estimates.model_selection import resolve_rules
from voicebill.conversation.rules import EffectiveRules
from voicebill.facts import load_facts
from voicebill.web.routes.rules import MAX_START, rule_evidence, split_basis


def rules_of(model: str, provider: str) -> EffectiveRules:
    return resolve_rules(model, provider, DAY, load_facts(), rules=None, overrides={})[1]


def text_of(page: str) -> str:
    """The text of a page as people read it."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", page)))


@pytest.mark.parametrize(
    ("model", "provider"), [("gpt-realtime-1.5", "openai"), ("gpt-realtime-2.1", "azure"), ("grok-voice-3.0", "xai")]
)
def test_every_rule_has_its_value_its_evidence_and_its_sources(model: str, provider: str) -> None:
    page = SITE.get("/rules", params={"model": model, "provider": provider}).text
    rows = [row for row in re.findall(r"<tr>.*?</tr>", page, re.DOTALL) if 'scope="row"' in row]
    rules = rules_of(model, provider).rows
    assert len(rows) == len(rules)
    sources = re.findall(r'<li id="source-(\d+)">(.*?)</li>', page)
    assert [int(number) for number, _ in sources] == list(range(1, len(sources) + 1))
    for html_row, (name, rule) in zip(rows, rules.items(), strict=True):
        row = text_of(html_row).replace("… ", " ")
        assert row.startswith(name)
        assert rule.value_text in row
        assert rule.evidence in row
        assert re.sub(r"\s+", " ", rule.basis) in row
        if rule.sample_size is not None:
            assert f"n = {rule.sample_size:,}" in row
        if rule.range is not None:
            assert f"range {rule.range_text}" in row
        if rule.disputed:
            assert f"disputed: {rule.disputed_text}" in row
        numbers = re.findall(r'href="#source-(\d+)"', html_row)
        assert [text_of(dict(sources)[number]) for number in numbers] == [_with_hosts(source) for source in rule.sources]


def _with_hosts(source: str) -> str:
    """A source in whose place of each address its host is shown."""
    return re.sub(r"https?://(?:www\.)?([^/\s]+)[^\s,;()]*", r"\1", source)


def test_a_long_basis_is_split_between_words() -> None:
    long = "a measurement of many responses in several sessions, of which all were exact"
    start, rest = split_basis(long)
    assert f"{start} {rest}" == long
    assert len(start) <= MAX_START
    assert split_basis("a" * 200) == ("a" * 200, "")
    assert split_basis("short") == ("short", "")


def test_sources_are_numbered_once() -> None:
    evidence, sources = rule_evidence(rules_of("gpt-realtime-1.5", "openai"))
    assert len(set(sources)) == len(sources)
    for rule in evidence:
        assert [sources[number - 1] for number in rule.sources] == list(rule.row.sources)


def test_a_page_of_rules_keeps_the_plan_of_the_reader() -> None:
    page = unescape(SITE.get("/rules", params={"plan": "minutes=7"}).text)
    assert 'href="/prices/openai/gpt-realtime-1.5?plan=minutes%3D7"' in page
