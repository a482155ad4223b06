"""Painted charts, the downloads: no text is clipped at any width, and every bar has its label."""

import re
from dataclasses import replace
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest
from playwright.sync_api import Page

from tests.cases import DAY, long_but
from voicebill.answers.comparison.alternatives import alternatives
from voicebill.answers.comparison.break_even import SweepRange, break_even
from voicebill.answers.comparison.compare import available_offers, compare
from voicebill.answers.estimates.estimate import estimate
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.answers.reports.chart_data import offer_ranges, tornado
from voicebill.answers.sensitivity.sensitivity import sensitivity
from voicebill.charts import draw
from voicebill.charts.themes import THEMES
from voicebill.conversation.plan import Plan
from voicebill.facts import load_facts

pytest.importorskip("lets_plot")

SELECTION = ModelSelection(model="gpt-realtime-1.5", day=DAY)
PLAN = Plan(minutes=10, turns=20, tool_calls=3, images=2, transcription_model="gpt-4o-transcribe")

CLIPPED_TEXTS = """() => [...document.querySelectorAll('text')].filter(text => {
  const edge = document.querySelector('svg').getBoundingClientRect(), box = text.getBoundingClientRect()
  return box.width && (box.left < edge.left || box.right > edge.right || box.top < edge.top || box.bottom > edge.bottom)
}).map(text => text.textContent.trim())"""


@pytest.mark.parametrize("width", long_but((320, 1200), [320, 390, 480, 640, 900, 1200]))
def test_no_text_of_a_picture_is_clipped_and_every_bar_has_its_label(empty_page: Page, width: int) -> None:
    theme, facts = replace(THEMES["light"], width=width), load_facts()
    answer, swings = estimate(PLAN, SELECTION, facts), sensitivity(PLAN, SELECTION, facts)
    comparison = compare(PLAN, available_offers(facts.prices, DAY), SELECTION, facts)
    spoken = replace(PLAN, images=0)
    offers = facts.prices.offers_named("gpt-realtime-1.5", "azure", "realtime")
    everything = alternatives(compare(spoken, offers, SELECTION, facts), spoken, SELECTION, facts)
    longest = sorted(everything.conversational, key=lambda alternative: -len(alternative.name))[:3]
    curve = break_even(longest, spoken, SweepRange("minutes", Decimal(5), Decimal(30)))
    pictures = {
        "turns": (draw.turns_chart(answer, theme), ()),
        "cumulative": (draw.cumulative_chart(answer, theme), ()),
        "lengths": (draw.lengths_chart(answer, theme), ()),
        "sensitivity": (draw.sensitivity_chart(swings, answer.model, theme), tornado(swings)),
        "offers": (draw.offers_chart(comparison, theme), offer_ranges(comparison)),
        "break-even": (draw.break_even_chart(curve, DAY, "0123456789ab", theme), ()),
    }
    for name, (picture, bars) in pictures.items():
        svg = draw.render(picture, "svg").decode()
        empty_page.set_content(svg)
        assert empty_page.evaluate(CLIPPED_TEXTS) == [], name
        shown = re.sub(r"\s", "", "".join(ET.fromstring(svg).itertext()))
        assert [bar.label for bar in bars if re.sub(r"\s", "", bar.label) not in shown] == [], name


def test_the_check_of_clipped_texts_sees_what_it_is_for(empty_page: Page) -> None:
    empty_page.set_content('<svg width="40" height="40"><text y="20">in</text><text x="30" y="20">too long</text></svg>')
    assert empty_page.evaluate(CLIPPED_TEXTS) == ["too long"]
