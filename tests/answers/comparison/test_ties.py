"""What comes first where the price is equal: surer prices, OpenAI's own, the newest version, then the name."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tests.cases import DAY
from voicebill.answers.catalog.facts import Facts
from voicebill.answers.catalog.stacks import Stack
from voicebill.answers.comparison.alternatives import alternatives, cheapest_pipelines
from voicebill.answers.comparison.compare import available_offers_matching, compare
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.answers.sensitivity import recommendations
from voicebill.answers.sensitivity.recommendations import CHANGES
from voicebill.conversation.plan import Plan
from voicebill.facts import load_facts

PLAN = Plan(minutes=2, turns=4)
SELECTION = ModelSelection(model="any", day=DAY)


def offer(provider: str, model: str, *, dollars: str = "0.001", since: str = "2026-01-01", confidence: str = "high") -> str:
    """A text model with one price for all that it reads and writes."""
    return f"""
[[offers]]
provider = "{provider}"
model = "{model}"
kind = "text"
[[offers.prices]]
since = "{since}"
usd = {{ text_in = 0, text_out = {dollars} }}
confidence = "{confidence}"
"""


def facts_with(folder: Path, *offers: str) -> Facts:
    file = folder / "tie.toml"
    file.write_text('checked = 2026-11-22\nsources = ["invented for a test"]\n' + "".join(offers), encoding="utf-8")
    return load_facts(file)


@pytest.mark.parametrize("reverse", [False, True], ids=["as written", "the other way round"])
@pytest.mark.parametrize(
    ("offers", "first"),
    [
        # The cheaper one, whatever else
        (
            (offer("zeta", "tie-b", dollars="0.0009", confidence="low", since="2024-01-01"), offer("openai", "tie-a")),
            "zeta/tie-b",
        ),
        # A sure price, before OpenAI, newness and name
        ((offer("zeta", "tie-b", since="2024-01-01"), offer("openai", "tie-a", confidence="low")), "zeta/tie-b"),
        # OpenAI's own, before newness and name
        ((offer("openai", "tie-b", since="2024-01-01"), offer("alpha", "tie-a")), "openai/tie-b"),
        # The newest, before the name
        ((offer("zeta", "tie-b", since="2026-02-01"), offer("alpha", "tie-a", since="2026-01-31")), "zeta/tie-b"),
        # The name of its offer
        ((offer("zeta", "tie-b"), offer("alpha", "tie-c")), "alpha/tie-c"),
        ((offer("zeta", "tie-b"), offer("zeta", "tie-a")), "zeta/tie-a"),
    ],
    ids=["cheaper", "surer", "OpenAI's own", "newest", "provider", "model"],
)
def test_of_equal_offers_a_stack_takes_the_first_of_a_stated_order(
    tmp_path: Path, offers: tuple[str, str], first: str, *, reverse: bool
) -> None:
    facts = facts_with(tmp_path, *(reversed(offers) if reverse else offers))
    stack = Stack("own", "own", "text", {"llm": ("tie-a", "tie-b", "tie-c")})
    alternative = alternatives(None, PLAN, SELECTION, facts, stacks=[stack]).find("own")
    assert alternative is not None
    assert [component.quote.offer.id for component in alternative.components] == [first]


def parts(provider: str, suffix: str, *kinds: str) -> str:
    """Models of a pipeline, each at the same price whoever sells it."""
    usd = {
        "transcription": "audio_ms = 0.001",
        "text": "text_in = 0, text_out = 0.1",
        "speech": "characters_in = 1",
    }
    return "".join(
        f'[[offers]]\nprovider = "{provider}"\nmodel = "{kind}-{suffix}"\nkind = "{kind}"\n'
        f'[[offers.prices]]\nsince = "2026-01-01"\nusd = {{ {usd[kind]} }}\n'
        for kind in kinds
    )


ALL_KINDS = ("transcription", "text", "speech")


@pytest.mark.parametrize(
    ("offers", "first"),
    [
        # All of alpha's before one with a part of beta's
        ((parts("beta", "b", "text"), parts("alpha", "a", *ALL_KINDS)), ["alpha"] * 3),
        # All of OpenAI's before all of alpha's
        ((parts("alpha", "a", *ALL_KINDS), parts("openai", "b", *ALL_KINDS)), ["openai"] * 3),
        # Else by the name of the transcriber's offer
        ((parts("zeta", "b", *ALL_KINDS), parts("beta", "a", *ALL_KINDS)), ["beta"] * 3),
    ],
    ids=["one provider", "OpenAI's own", "name"],
)
def test_of_equal_pipelines_those_of_one_provider_and_openai_s_own_come_first(
    tmp_path: Path, offers: tuple[str, str], first: list[str]
) -> None:
    models = {role: (f"{kind}-a", f"{kind}-b") for role, kind in zip(("transcriber", "llm", "tts"), ALL_KINDS, strict=True)}
    requirements = Stack("any", "any", "pipeline", models)  # type: ignore[arg-type]
    ranked, _ = cheapest_pipelines(PLAN, SELECTION, facts_with(tmp_path, *offers), 1, requirements=requirements)
    (alternative,) = ranked.conversational
    assert [component.quote.offer.provider for component in alternative.components] == first


def test_equal_alternatives_keep_the_order_in_which_they_were_asked_for() -> None:
    """The same stack under three names."""
    stack = next(stack for stack in load_facts().stacks if stack.name == "fast")
    for names in (("c", "a", "b"), ("b", "c", "a")):
        answer = alternatives(None, PLAN, SELECTION, load_facts(), stacks=[replace(stack, name=name) for name in names])
        assert tuple(alternative.name for alternative in answer.conversational) == names


def test_equal_offers_are_listed_by_their_names() -> None:
    """Azure's global and OpenAI's gpt-realtime-1.5 cost the same: azure comes before openai, however they are given."""
    offers = [
        offer
        for offer in available_offers_matching(load_facts().prices, DAY, ["gpt-realtime-1.5"], deployment="global")
        if offer.provider in ("azure", "openai")
    ]
    for ordered_offers in (offers, offers[::-1]):
        candidates = compare(PLAN, ordered_offers, SELECTION, load_facts()).candidates
        assert len({candidate.answer.per_conversation.expected for candidate in candidates if candidate.answer}) == 1
        assert [candidate.offer.provider for candidate in candidates] == ["azure", "openai"]


def test_recommendations_of_equal_savings_keep_the_order_of_the_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Halving the prompt under three names saves the same."""
    (text, halve), *_ = CHANGES
    for names in (("c", "a", "b"), ("b", "c", "a")):
        monkeypatch.setattr(recommendations, "CHANGES", tuple((text._replace(change=name), halve) for name in names))
        selection = ModelSelection(model="gpt-realtime-1.5", day=date(2026, 11, 22))
        results = recommendations.recommendations(Plan(minutes=Decimal(2), turns=4), selection, load_facts())
        assert tuple(row.change for row in results if row.change in names) == names
