"""What a comparison shows: one kind, one provider, and a pipeline whose parts are named."""

import json
from datetime import date

import pytest
from typer.testing import CliRunner

from tests.web.sites import client
from voicebill.answers.comparison.alternatives import Alternatives, alternatives
from voicebill.answers.comparison.choices import LABELS, ComparisonChoices
from voicebill.answers.comparison.compare import available_offers, compare
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.billing.errors import InvalidInput
from voicebill.cli.app import app
from voicebill.conversation.plan import Plan
from voicebill.facts import load_facts

DAY = date(2026, 11, 28)
PLAN = Plan(minutes=10, turns=20)
SELECTION = ModelSelection(model="any", day=DAY)


def compared(choices: ComparisonChoices) -> Alternatives:
    facts = load_facts()
    answer = compare(PLAN, available_offers(facts.prices, DAY), SELECTION, facts)
    return alternatives(answer, PLAN, SELECTION, facts, stacks=choices.stacks(facts.stacks)).of_kind(choices.kind)


@pytest.mark.parametrize("kind", LABELS)
def test_only_alternatives_of_a_kind_are_shown(kind: str) -> None:
    """There is at least one of each, and together they are all."""
    answer = compared(ComparisonChoices(kind=kind))  # type: ignore[arg-type]
    rows = (*answer.conversational, *answer.partial, *answer.not_possible)
    assert {row.architecture for row in rows} == {kind}


def test_kinds_are_a_partition() -> None:
    every = compared(ComparisonChoices())
    by_kind = [compared(ComparisonChoices(kind=kind)) for kind in LABELS]  # type: ignore[arg-type]
    assert sorted(row.name for answer in by_kind for row in answer.conversational) == sorted(
        row.name for row in every.conversational
    )


def test_a_kind_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InvalidInput, match="kind must be one of speech-to-speech"):
        ComparisonChoices(kind="telepathy")  # type: ignore[arg-type]


def test_a_pipeline_has_the_named_parts_and_the_cheapest_others() -> None:
    own = compared(ComparisonChoices(stt="gpt-realtime-whisper", llm="gpt-4.1-mini")).find("own")
    assert own is not None
    assert [component.quote.offer.model for component in own.components][:2] == ["gpt-realtime-whisper", "gpt-4.1-mini"]
    cheapest = compared(ComparisonChoices()).find("cheapest")
    assert cheapest is not None
    assert own.components[2].quote.offer.model == cheapest.components[2].quote.offer.model
    assert compared(ComparisonChoices()).find("own") is None


def test_a_part_that_nobody_sells_is_said() -> None:
    (own,) = [row for row in compared(ComparisonChoices(tts="parrot")).not_possible if row.name == "own"]
    assert own.reason == "no speech model named parrot is available on 2026-11-28"


@pytest.mark.parametrize("kind", LABELS)
def test_every_face_shows_one_kind(kind: str) -> None:
    """The page too, where no offer is of the kind."""
    fields = {"minutes": "6", "turns": "20", "day": DAY.isoformat(), "kind": kind}
    site = client(today=lambda: DAY)
    page, shape = site.get("/compare", params=fields), site.get("/api/compare", params=fields).json()
    assert page.status_code == 200
    listed = [*shape["alternatives"], *shape["partial_alternatives"]]
    assert {row["architecture"] for row in listed} == {kind}
    assert bool(shape["offers"]) == (kind in ("speech-to-speech", "agent"))
    words = [word for name, value in fields.items() for word in (f"--{name}", value)]
    document = json.loads(CliRunner().invoke(app, ["compare", *words, "--break-even", "none", "--json"]).stdout)
    assert [row["name"] for row in document["alternatives"]] == [row["name"] for row in shape["alternatives"]]
    assert [row["offer"]["id"] for row in document["offers"]] == [row["offer"]["id"] for row in shape["offers"]]
