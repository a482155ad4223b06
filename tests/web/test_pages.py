"""The other pages and the rest of the API."""

import html
import re
from importlib.resources import files
from pathlib import Path

import pytest

from tests.cases import DAY
from tests.fonts import needs_font, uses_fontconfig
from tests.web.sites import SITE, client, read_report
from voicebill.answers.catalog.stacks import CONVERSATIONAL
from voicebill.answers.comparison.compare import available_offers, compare
from voicebill.answers.estimates.estimate import estimate
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.answers.estimates.simulate import simulate
from voicebill.answers.reports.comparison import ComparisonReport
from voicebill.answers.reports.prices import PriceListReport
from voicebill.answers.reports.rules import ModelRulesReport
from voicebill.answers.reports.simulation import SimulationReport
from voicebill.billing.money import format_amount
from voicebill.conversation.plan import Plan
from voicebill.conversation.script import Script, Turn
from voicebill.facts import load_facts
from voicebill.facts.example_plans import EXAMPLE_PLANS
from voicebill.web.forms.presets import preset
from voicebill.web.status_reports import HealthReport, ProblemReport

SELECTION = ModelSelection(model="gpt-realtime-1.5", day=DAY)


def test_the_comparison_is_that_of_the_command_line() -> None:
    shape = SITE.get("/api/compare?minutes=10&turns=20").json()
    read_report(ComparisonReport, shape)
    expected = compare(
        Plan(minutes=10, turns=20),
        available_offers(load_facts().prices, DAY),
        ModelSelection(model="any", day=DAY),
        load_facts(),
    )
    assert _without_ratio(shape["offers"]) == _without_ratio(expected.to_dict()["offers"])
    assert SITE.post("/api/compare", json={"minutes": 10, "turns": 20}).json() == shape


def _without_ratio(offers: list[dict[str, object]]) -> list[dict[str, object]]:
    """Offers without their ratio, which the API gives to the cheapest of all alternatives."""
    return [{key: value for key, value in offer.items() if key != "ratio_to_cheapest"} for offer in offers]


@pytest.mark.parametrize("order", ["offer", "best", "expected", "worst", "month", "ends"])
def test_the_comparison_can_be_sorted_without_a_script(order: str) -> None:
    page = SITE.get(f"/compare?sort={order}").text
    assert page.count('aria-sort="ascending"') == 1
    offers = re.findall(r'<th scope="row" data-value="([^"]+)"', page)
    assert len(offers) == len(set(offers)) > 20
    groups = page.partition('class="offers sortable"')[2].partition("</table>")[0].split("These end within 90 days")
    assert len(groups) == 2
    if order == "offer":
        for group in groups:
            offers = re.findall(r'<th scope="row" data-value="([^"]+)"', group)
            assert offers == sorted(offers)


def test_two_plans_are_compared() -> None:
    named = SITE.get("/compare?against=support-bot").text
    assert "the second" in named
    linked = SITE.get("/compare", params={"against": f"https://example.test/?{preset('support-bot').query}"}).text
    figures = [re.findall(r"<td>(-?\$[^<]+)</td>", page) for page in (named, linked)]
    assert figures[0] == figures[1]
    assert "must be a link to a plan" in html.unescape(SITE.get("/compare?against=nothing").text)
    for half_typed in ("http://[x", "http://]", "//[::1"):
        assert "is no address: Invalid IPv6 URL" in html.unescape(SITE.get("/compare", params={"against": half_typed}).text)
    for against in ("Support bot", "http://127.0.0.1:8000/", "http://127.0.0.1:8000/compare?minutes=5"):
        assert "the second" in SITE.get("/compare", params={"against": against}).text
    wrong = SITE.get("/compare", params={"against": "?minutes=x"})
    assert wrong.status_code == 200
    assert "minutes: &#39;x&#39; is not a duration" in wrong.text
    assert "table class" in wrong.text


def test_months_are_omitted_if_calls_are_too_long() -> None:
    page = SITE.get("/compare?turns=400&minutes=60").text
    assert "Months are omitted" in page
    assert "Per month" not in page
    assert SITE.get("/api/compare?turns=400&minutes=60&conversations=9/day").json()["offers"][0]["per_month"] is None


def test_the_bridge_ends_at_the_expected_cost() -> None:
    page = SITE.get("/compare").text
    assert "the calculator of June 2026" in page
    assert "For openai/gpt-realtime-1.5, step by step" in page
    subtotals = re.findall(r"<td>(\$[\d.]+)</td></tr>", page.split('id="bridge"')[1])
    assert subtotals[-1] == format_amount(
        estimate(Plan(minutes=10, turns=20), SELECTION, load_facts()).per_conversation.expected
    )


def test_a_script_has_the_same_bill_as_in_python() -> None:
    body = {
        "model": "gpt-realtime",
        "turns": [{"user_seconds": 6, "reply_seconds": 9.5}, {"user_seconds": 4, "reply_seconds": 8}],
    }
    shape = SITE.post("/api/simulate", json=body).json()
    read_report(SimulationReport, shape)
    turns = (Turn(user_audio_ms=6000, reply_audio_ms=9500), Turn(user_audio_ms=4000, reply_audio_ms=8000))
    expected = simulate(Script(turns=turns), ModelSelection(model="gpt-realtime", day=DAY), load_facts()).to_dict()
    assert shape["total"] == expected["total"]


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({"turns": [{"user_seconds": 6}]}, "turns", "no reply"),
        ({"model": "gpt-realtime", "turns": []}, None, "at least one turn"),
        ({"turns": [{"user_seconds": 6, "reply_seconds": 5}]}, "model", "no model"),
        ({"model": "gpt-realtime", "turns": [{"reply_seconds": 5}] * 1001}, "turns", "at most 1,000"),
        (
            {"model": "gpt-realtime", "instructions_file": "/etc/passwd", "turns": [{"reply_seconds": 5}]},
            "instructions_file",
            "cannot be named here",
        ),
    ],
)
def test_an_invalid_script_is_reported_at_its_field(body: dict[str, object], field: str | None, message: str) -> None:
    problem = SITE.post("/api/simulate", json=body)
    assert problem.status_code == 422
    read_report(ProblemReport, problem.json())
    assert message in problem.json()["detail"]
    assert problem.json()["errors"][0]["field"] == field


def test_every_offer_has_a_page_with_sources() -> None:
    for offer in load_facts().prices.offers:
        page = SITE.get(f"/prices/{offer.id}")
        assert page.status_code == 200, offer.id
        assert ">Sources</h2>" in page.text
    assert "Disputed" in SITE.get("/prices/openai/gpt-4o-transcribe").text
    assert "on the invoice" in SITE.get("/prices/azure/gpt-realtime-2-2026-05-06").text


def test_the_contract_of_a_site_is_on_its_price_pages() -> None:
    contract_site = client(facts=load_facts("docs/examples/contract-in-euro.toml"))
    assert "(by contract)" in contract_site.get("/prices").text
    offer = contract_site.get("/prices/openai/gpt-realtime-1.5").text
    assert "Under this site's own contract" in offer
    assert "in force on" in offer
    assert "by contract" not in SITE.get("/prices").text


def test_no_template_lists_architectures() -> None:
    for file in (files("voicebill.web") / "templates").iterdir():
        code = " ".join(re.findall(r"\{[%{].*?[%}]\}", file.read_text(encoding="utf-8")))
        assert not set(re.findall(r"'([\w-]+)'", code)) & CONVERSATIONAL, file.name


def test_the_api_returns_prices_and_rules() -> None:
    price_list = SITE.get("/api/prices?model=gpt-realtime-mini&provider=azure").json()
    assert {offer.provider for offer in read_report(PriceListReport, price_list).offers} == {"azure"}
    assert read_report(PriceListReport, SITE.get("/api/prices").json()).day == DAY.isoformat()
    read_report(ModelRulesReport, SITE.get("/api/rules?model=gpt-realtime").json())
    read_report(HealthReport, SITE.get("/healthz").json())
    for query, field in (
        ("model=gpt-realtme", "model"),
        ("provider=azur", "provider"),
        ("kind=x", "kind"),
        ("colour=1", "colour"),
    ):
        problem = SITE.get(f"/api/prices?{query}")
        assert problem.status_code == 422
        assert problem.json()["errors"][0]["field"] == field
    for query in (
        "model=voip-participant&provider=azure-communication-services",
        "day=soon",
        "rules=page",
        "colour=1",
        "provider=azur",
    ):
        assert SITE.get(f"/api/rules?{query}").status_code == 422


def test_pages_report_invalid_input() -> None:
    for path in ("/prices?kind=x", "/rules?model=voip-participant&provider=azure-communication-services", "/rules?day=soon"):
        page = SITE.get(path)
        assert page.status_code == 422
        assert 'role="alert"' in page.text


@pytest.mark.parametrize("use", EXAMPLE_PLANS)
def test_every_example_plan_is_a_valid_link(use: str) -> None:
    example = preset(use)
    assert example.description.endswith(".")
    assert SITE.get(f"/answer?{example.query}").status_code == 200


def test_the_figures_of_the_faq_are_calculated() -> None:
    page = SITE.get("/learn").text
    plain = estimate(Plan(minutes=10, turns=20), ModelSelection(model="gpt-realtime-1.5", day=DAY), load_facts())
    assert format_amount(plain.per_minute.expected) in page
    assert "$32.00" in page
    assert "2027-01-20" in page
    for question in ("Does silence cost", "Can I reserve capacity", "Is Azure cheaper", "When does my model end"):
        assert question in page


def test_a_site_may_have_another_default_rule_set() -> None:
    simpler = client(rules="web-calculator-2026-06")
    assert "web-calculator-2026-06" in simpler.get("/answer").text
    assert simpler.get("/api/estimate?minutes=10&turns=20").json()["rules"]["name"] == "web-calculator-2026-06"


@pytest.mark.parametrize("name", ["turns", "cumulative", "lengths", "sensitivity", "offers"])
def test_every_chart_is_rendered_once_for_its_address(name: str) -> None:
    first = SITE.get(f"/chart/{name}.svg?minutes=3&turns=4&width=480&theme=dark")
    assert first.status_code == 200
    assert first.headers["content-type"] == "image/svg+xml"
    assert "sandbox" in first.headers["content-security-policy"]
    assert SITE.get(f"/chart/{name}.svg?minutes=3&turns=4&width=480&theme=dark").content == first.content


@needs_font
def test_charts_are_png_too() -> None:
    assert SITE.get("/chart/turns.png?minutes=3&turns=4").content.startswith(b"\x89PNG")


@uses_fontconfig
def test_a_png_without_a_font_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that paints says so to the one that serves, and paints SVGs as ever."""
    (tmp_path / "fonts.conf").write_text("<fontconfig></fontconfig>", encoding="utf-8")
    monkeypatch.setenv("FONTCONFIG_FILE", str(tmp_path / "fonts.conf"))
    with client() as site:
        refused = site.get("/chart/turns.png?minutes=3&turns=4")
        assert (refused.status_code, refused.json()["title"]) == (503, "No chart")
        assert "a PNG needs a font, and this machine has none" in refused.text
        assert site.get("/chart/turns.svg?minutes=3&turns=4").status_code == 200


def test_charts_reject_invalid_fields() -> None:
    for query in ("width=9", "width=%C2%B2", "width=x", "width=99999999", "theme=neon", "minutes=x"):
        assert SITE.get(f"/chart/turns.svg?{query}").status_code == 422
