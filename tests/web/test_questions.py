"""The questions below the calculator: their figures are those of the plan of the page."""

import html
import re

import pytest

from tests.cases import DAY
from tests.web.sites import SITE, client
from voicebill.answers.comparison.alternatives import alternatives
from voicebill.answers.estimates.estimate import Estimate, estimate
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.answers.estimates.response_breakdown import response_costs
from voicebill.billing.money import format_amount
from voicebill.conversation.plan import Plan
from voicebill.conversation.work import counted_steps
from voicebill.facts import load_facts
from voicebill.web.forms.fields import with_defaults
from voicebill.web.forms.requests import bind_request
from voicebill.web.questions import plan_figures
from voicebill.web.site import Site


def questions(query: str) -> list[str]:
    """The questions with their answers, as text."""
    page = SITE.get(f"/why?{query}")
    assert page.status_code == 200, page.text
    section = page.text.partition('<div class="asked">')[2].partition("</section>")[0]
    return [html.unescape(re.sub(r"\s+", " ", re.sub("<[^>]*>", "", part))).strip() for part in section.split("<h3>")[1:]]


def answer_for(plan: Plan, model: str = "gpt-realtime-1.5", **selection: str) -> Estimate:
    return estimate(plan, ModelSelection(model=model, day=DAY, **selection), load_facts())  # type: ignore[arg-type]


def test_four_questions_are_answered_with_the_figures_of_the_plan() -> None:
    minute, cache, bill, others = questions("minutes=6&turns=12&instructions_tokens=2500")
    answer = answer_for(Plan(minutes=6, turns=12, instructions_tokens=2500))
    costs = list(response_costs(answer.conversation, answer.model))
    assert minute.startswith("What does a minute cost, and why do later turns cost more?")
    for amount in (answer.per_minute.expected, costs[0].amount, costs[-1].amount):
        assert format_amount(amount) in minute
    assert f"{sum(costs[-1].response.input):,} in the last" in minute
    for amount in (answer.per_conversation.best, answer.per_conversation.expected, answer.per_conversation.worst):
        assert format_amount(amount) in cache
    speech = sum(part.amount for part in answer.breakdown if part.name in ("fresh_audio_in", "assistant_audio"))
    assert format_amount(speech) in bill
    assert f"{round(100 * speech / answer.per_conversation.expected)}% of" in bill
    small = answer_for(Plan(minutes=6, turns=12, instructions_tokens=2500), "gpt-realtime-2.1-mini")
    assert f"gpt-realtime-2.1-mini costs {format_amount(small.per_conversation.expected)}" in others
    assert f"Azure costs {format_amount(answer.per_conversation.expected)}, about the same" in others


def test_the_pipeline_is_priced_for_the_plan() -> None:
    """The form's plan is the one for which the cheapest models are chosen, so the comparison has the same pipeline."""
    selection = ModelSelection(model="any", day=DAY)
    facts = load_facts()
    cheapest = [stack for stack in facts.stacks if stack.name == "cheapest"]
    compared = alternatives(None, Plan(minutes=10, turns=20), selection, facts, stacks=cheapest).find("cheapest")
    assert compared is not None
    assert compared.per_conversation is not None
    assert f"costs {format_amount(compared.per_conversation.expected)}" in questions("")[3].partition("A pipeline")[2]
    assert questions("")[3] != questions("minutes=20")[3]


def test_the_models_of_the_pipeline_are_chosen_once() -> None:
    site = Site(today=lambda: DAY, facts=load_facts())
    bound = bind_request(with_defaults({}), site)
    answer = estimate(bound.request.plan, bound.request.selection, bound.facts)
    costs = list(response_costs(answer.conversation, answer.model))
    steps: list[int] = []
    with counted_steps(steps.append):
        plan_figures(bound, answer, costs, (), site)
        first = sum(steps)
        steps.clear()
        plan_figures(bound, answer, costs, (), site)
    assert 0 < sum(steps) < first
    assert sum(steps) <= 3 * bound.request.plan.turns, "the same model elsewhere, and the text model of the pipeline"


@pytest.mark.parametrize(
    ("query", "question", "words"),
    [
        ("minutes=1&turns=1", 0, "With a further turn, the conversation so far is read again"),
        ("minutes=1&turns=1", 1, "nothing is read a second time"),
        ("model=ultravox-realtime&provider=ultravox", 0, "billed by the length of the call"),
        ("model=ultravox-realtime&provider=ultravox", 1, "billed by its length, not by what is read"),
        ("model=ultravox-realtime&provider=ultravox", 2, "not billed by the tokens of its speech"),
        ("model=eleven_realtime_v1_mini&provider=elevenlabs", 0, "the length of the call alone costs $0.8"),
        ("model=gemini-3.8-live&provider=google", 1, "has no lower price for input that it reads again"),
        ("cache=none", 1, "In this plan nothing is cached"),
        ("text_turns=20&user_share=0&assistant_share=0", 2, "not billed by the tokens of its speech"),
        ("model=gpt-realtime-2.1-mini", 3, "No cheaper model of this provider is recommended"),
    ],
)
def test_a_plan_without_a_figure_has_a_sentence_instead(query: str, question: int, words: str) -> None:
    answers = questions(query)
    assert len(answers) == 4
    assert words in answers[question]


def test_typed_words_need_no_pipeline_and_agents_have_no_other_seller() -> None:
    assert "pipeline of speech" not in questions("text_turns=20&user_share=0&assistant_share=0")[3]
    assert "The same model at" not in questions("model=voice-agent&provider=assemblyai")[3]


def test_a_discount_applies_to_all_figures() -> None:
    fields = {"minutes": "10", "turns": "20"}
    full, half = (
        SITE.post("/why", data=fields | extra).text.partition('<div class="asked">')[2] for extra in ({}, {"discount": "50"})
    )
    amounts = [[float(text) for text in re.findall(r"<b>\$([\d.]+)</b>", text)] for text in (full, half)]
    assert len(amounts[0]) == len(amounts[1]) > 8
    assert [2 * amount for amount in amounts[1]] == pytest.approx(amounts[0], rel=0.01)


def test_the_links_lead_to_sections_of_the_page_of_questions_with_the_plan() -> None:
    section = SITE.get("/?minutes=7").text.partition('<div class="asked">')[2].partition("</section>")[0]
    without_bridge = SITE.get("/why?model=gemini-3.8-live&provider=google").text
    links = re.findall(r'href="/learn\?plan=minutes%3D7#([\w-]+)"', section) + re.findall(r"#(own-calculation)", without_bridge)
    assert links == ["later-turns", "cache", "three-models", "questions", "own-calculation"]
    learn = SITE.get("/learn").text
    assert all(f'id="{anchor}"' in learn for anchor in links)


def test_a_site_under_a_path_links_within_it() -> None:
    section = client(prefix="/voice").get("/voice/why").text.partition('<div class="asked">')[2]
    assert set(re.findall(r'href="(/[^/]*)/', section)) == {"/voice"}
