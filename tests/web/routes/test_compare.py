"""The comparison of alternatives: page, API and break-even chart; and the connection on the estimate page."""

import html
import json
import re
from decimal import Decimal
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.cli.invoke import answer
from tests.web.sites import SITE, in_form_words, read_report
from voicebill.answers.reports.comparison import ComparisonReport
from voicebill.answers.reports.estimate import EstimateReport
from voicebill.cli.app import app as command_line
from voicebill.web.status_reports import ProblemReport

SIX_MINUTES = "minutes=6&turns=20"
REALTIME = "openai/gpt-realtime-1.5"
PAIR = f"alternative=fast&alternative={REALTIME}"

# --- the alternatives -------------------------------------------------------------------------------------------------


def get_comparison(query: str = "") -> dict[str, Any]:
    answer = SITE.get(f"/api/compare?{SIX_MINUTES}&{query}")
    assert answer.status_code == 200, answer.text
    comparison: dict[str, Any] = answer.json()
    read_report(ComparisonReport, comparison)
    return comparison


def test_the_alternatives_are_those_of_the_command_line() -> None:
    words = ("compare", "--minutes", "6", "--turns", "20", "--day", "2026-11-22", "--break-even", "none", "--json")
    printed = json.loads(CliRunner().invoke(command_line, list(words)).stdout)
    comparison = get_comparison()
    assert {name: comparison[name] for name in ("offers", "alternatives", "partial_alternatives")} == {
        name: printed[name] for name in ("offers", "alternatives", "partial_alternatives")
    }
    assert comparison["break_even"] == []


def ranked_rows(page: str) -> list[str]:
    """The rows of all rankings of a page, each as HTML."""
    tables = re.findall(r'<table class="ranked">(.*?)</table>', page, re.DOTALL)
    return [row for table in tables for row in re.findall(r"<tr(?: class=\"own\")?>\n(.*?)</tr>", table, re.DOTALL)]


def test_the_page_has_each_stack_and_each_offer_once() -> None:
    page, shape = SITE.get(f"/compare?{SIX_MINUTES}").text, get_comparison()
    rows = [html.unescape(row) for row in ranked_rows(page)]
    alternatives = [*shape["alternatives"], *shape["partial_alternatives"]]
    offers = {row["name"] for row in alternatives if row["architecture"] in ("speech-to-speech", "agent")}
    stacks = [row["title"] for row in alternatives if row["name"] not in offers]
    for title in stacks:
        assert sum(f'<th scope="row">{title} <span' in row for row in rows) == 1, title
    counts = [re.search(r"<summary>(\d+) offers", row) for row in rows if "Your plan:" not in row]
    of_offers = len(counts) - len(stacks)
    assert sum(int(count[1]) - 1 for count in counts if count) + of_offers == len(offers)


def test_rows_that_cost_the_same_are_one_and_every_row_leads_to_its_estimate() -> None:
    page = SITE.get(f"/compare?{SIX_MINUTES}").text
    rows = [html.unescape(row) for row in ranked_rows(page)]
    same = next(row for row in rows if "gpt-4.1-nano, gpt-5-nano" in row)
    amounts = re.findall(r"</a> (\$[\d.]+) a call", same)
    assert len(amounts) == 2
    assert len(set(amounts)) == 1
    for row in rows[:12]:
        link = re.search(r'class="acts"><a href="(/[^"]*)"', row)
        assert link is not None
        shown = re.search(r'class="main">\$([\d.]+)<', row)
        assert shown is not None
        answer = SITE.get(link[1]).text
        figures = re.findall(r'(?:class="figure">|class="main">)\$([\d.]+)<', answer)
        assert any(abs(float(figure) - float(shown[1])) <= 0.0006 for figure in figures), link[1]


def test_the_plan_s_own_offer_is_pinned_and_tinted() -> None:
    page = SITE.get(f"/compare?{SIX_MINUTES}&pinned=model%3Dgpt-realtime-mini%26provider%3Dazure").text
    own = re.findall(r'<tr class="own">\n(.*?)</tr>', page, re.DOTALL)
    assert "<b>Your plan:</b> gpt-realtime-mini" in own[0]
    assert "Azure" in own[0]
    assert len(own) == 2  # its model's row, too
    assert len(ranked_rows(SITE.get(f"/compare?{SIX_MINUTES}&pinned=model%3Dnothing").text)) > 20
    assert "gpt-realtime-mini" in SITE.get("/?model=gpt-realtime-mini").text.partition('href="/compare?')[2][:60]


@pytest.mark.parametrize("provider", ["openai", "azure", "google", "xai"])
def test_a_provider_restricts_the_page_as_it_does_in_the_api(provider: str) -> None:
    page = SITE.get(f"/compare?{SIX_MINUTES}&provider={provider}").text
    offers = SITE.get(f"/api/compare?{SIX_MINUTES}&provider={provider}").json()["offers"]
    names = {row["offer"]["id"] for row in offers if row["per_conversation"]}
    sortable = page.partition('class="offers sortable"')[2].partition("</table>")[0]
    assert set(re.findall(r'data-value="([^"]+/[^"]+)"', sortable)) == names
    assert f'<option value="{provider}" selected>' in page
    assert 'href="/compare?minutes=6">Show all' in page


def test_an_unknown_provider_is_an_error_of_the_page() -> None:
    page = SITE.get("/compare?provider=azzure")
    assert page.status_code == 422
    assert "the nearest is azure" in page.text


def test_a_break_even_is_calculated_only_where_it_is_asked_for() -> None:
    plain = SITE.get(f"/compare?{SIX_MINUTES}").text
    assert "/chart/break-even" not in plain
    ask = f"/compare?{SIX_MINUTES}&break_even=minutes&alternative=openai/gpt-realtime-1.5&alternative="
    changing, constant = SITE.get(f"{ask}gpt-live-1.1").text, SITE.get(f"{ask}cheapest").text
    assert ("/chart/break-even" in changing) == ("cheaper below" in changing)
    assert "no order changes from" in constant
    assert "/chart/break-even" not in constant


def test_a_second_plan_stands_above_the_ranking_where_it_was_asked_for() -> None:
    page = SITE.get("/compare?against=support-bot").text
    assert 0 < page.index("the second plan</a>") < page.index('class="ranked"')
    assert page.count('id="f-against"') == 1


def test_months_are_omitted_for_long_plans() -> None:
    """400 turns in an hour, and 2,400 in the longest call of the month."""
    month = "conversations=9/day"
    short = SITE.get(f"/api/compare?{SIX_MINUTES}&{month}").json()
    long = SITE.get(f"/api/compare?minutes=60&turns=400&{month}").json()
    assert all(alternative["per_month"] for alternative in short["alternatives"])
    assert not any(alternative["per_month"] for alternative in (*long["alternatives"], *long["partial_alternatives"]))
    assert "Per month" not in SITE.get(f"/compare?minutes=60&turns=400&{month}").text


# --- break-even ------------------------------------------------------------------------------------------


def test_the_api_returns_the_values_between_which_the_break_even_lies() -> None:
    curves = get_comparison(f"break_even=speech&{PAIR}&range=5:100")["break_even"]
    assert [(curve["axis"], curve["from"], curve["to"], curve["values"]) for curve in curves] == [("speech", "5", "100", 96)]
    crossing = curves[0]["pairs"][0]["break_evens"][0]
    assert (crossing["below"], crossing["above"], crossing["cheaper_below"]) == ("12", "13", REALTIME)


def test_a_body_gives_the_same_result_as_the_address() -> None:
    body = {"minutes": 6, "turns": 20, "break_even": "speech", "alternative": ["fast", REALTIME], "range": "5:100"}
    assert SITE.post("/api/compare", json=body).json() == get_comparison(f"break_even=speech&{PAIR}&range=5:100")


def test_without_alternatives_the_cheapest_of_each_kind_are_compared() -> None:
    curve = get_comparison("break_even=turns")["break_even"][0]
    assert (curve["from"], curve["to"]) == ("1", "60")
    assert set(curve["points"][0]["dollars"]) == {
        next(alternative["name"] for alternative in get_comparison()["alternatives"] if alternative["architecture"] == kind)
        for kind in ("pipeline", "live", "speech-to-speech", "agent")
    }


def test_the_page_has_the_break_even_and_its_chart() -> None:
    page = html.unescape(SITE.get(f"/compare?{SIX_MINUTES}&break_even=speech&{PAIR}&range=5:100").text)
    assert "5 to 100 percent of the time with speech; 96 values evaluated" in page
    fast, realtime = "a pipeline with low latency", "gpt-realtime-1.5 at openai"
    assert f'{fast} and {realtime}</th><td class="left">between 12 and 13</td><td class="left">{realtime}</td>' in page
    assert re.search(
        r"/chart/break-even\.svg\?[^\"]*break_even=speech&alternative=fast%2Copenai%2Fgpt-realtime-1.5&range=5%3A100", page
    )
    assert '<option value="speech" selected>' in page
    assert 'name="range" value="5:100"' in page


def test_the_break_even_form_redirects_to_its_address() -> None:
    form = {"minutes": "6", "turns": "20", "break_even": "speech", "alternative": ["fast", REALTIME], "range": "5:100"}
    answer = SITE.post("/compare", data=form, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"].endswith("break_even=speech&alternative=fast%2Copenai%2Fgpt-realtime-1.5&range=5%3A100")


INVALID_QUERIES = [
    ("break_even=length", "break_even", "must be one of minutes, turns, speech, volume, not 'length'"),
    ("alternative=nobody", "alternative", "unknown stack or offer 'nobody'"),
    ("alternative=fast&alternative=openai/gpt-realtime-1.55", "alternative", f"the nearest are {REALTIME}"),
    ("break_even=minutes&range=60", "range", "'60' is not a range: write LOW:HIGH, such as 1:60"),
    ("break_even=minutes&range=60:1", "range", "a range of minutes must rise from a value above 0, not from 60 to 1"),
    ("break_even=minutes&range=a:b", "range", "'a' is not a duration"),
    ("break_even=speech&range=5:400", "range", "a range of speech goes up to 100, not to 400"),
    ("break_even=turns&range=1.2:1.8", "range", "no value of turns between 1.2 and 1.8 can be evaluated: widen the range"),
]


@pytest.mark.parametrize(("query", "field", "message"), INVALID_QUERIES)
def test_an_invalid_break_even_is_reported_at_its_field(query: str, field: str, message: str) -> None:
    problem = SITE.get(f"/api/compare?{SIX_MINUTES}&{query}")
    assert problem.status_code == 422
    read_report(ProblemReport, problem.json())
    assert problem.json()["errors"][0]["field"] == field
    assert message in problem.json()["detail"]


@pytest.mark.parametrize(("query", "message"), [(query, message) for query, _, message in INVALID_QUERIES])
def test_the_page_shows_the_comparison_despite_an_invalid_break_even(query: str, message: str) -> None:
    page = SITE.get(f"/compare?{SIX_MINUTES}&{query}")
    assert page.status_code == 200
    wrong = re.search(r'<p class="error" id="e-range">([^<]*)</p>', page.text)
    assert wrong is not None
    assert message in html.unescape(wrong[1])
    assert "/chart/break-even" not in page.text
    assert "Conversational agents" in page.text


@pytest.mark.parametrize(
    ("query", "field"), [("alternative=fast", "alternative"), ("alternative=fast&alternative=fast", "alternative")]
)
def test_one_alternative_has_no_break_even(query: str, field: str) -> None:
    problem = SITE.get(f"/api/compare?{SIX_MINUTES}&{query}").json()
    assert problem["errors"] == [{"field": field, "detail": "a break-even needs two different alternatives: name another"}]
    assert "A break-even needs two different alternatives." in SITE.get(f"/compare?{SIX_MINUTES}&{query}").text


def test_plans_with_too_many_turns_have_no_break_even() -> None:
    long = "minutes=25&turns=700"
    problem = SITE.get(f"/api/compare?{long}&break_even=minutes")
    assert problem.status_code == 422
    assert problem.json()["errors"][0]["field"] == "turns"
    assert "the break-even is limited to plans with 600 turns here" in problem.json()["detail"]
    assert SITE.get(f"/api/compare?{long}").status_code == 200
    assert "the break-even is limited to plans with 600 turns here" in SITE.get(f"/compare?{long}&break_even=minutes").text


# --- the chart --------------------------------------------------------------------------------------------------------


def test_the_break_even_chart_is_rendered_once_for_its_address() -> None:
    pytest.importorskip("lets_plot")
    path = f"/chart/break-even.svg?{SIX_MINUTES}&break_even=volume&{PAIR}&range=1:1000&width=480"
    first = SITE.get(path)
    assert (first.status_code, first.headers["content-type"]) == (200, "image/svg+xml")
    assert "Break-even" in first.text
    assert "dollars a month" in first.text
    assert SITE.get(path).content == first.content
    assert SITE.get(path.replace("1000", "2000")).content != first.content


@pytest.mark.parametrize(
    ("query", "message"),
    [*((query, message) for query, _, message in INVALID_QUERIES), ("alternative=fast", "two different alternatives")],
)
def test_an_invalid_break_even_has_no_chart(query: str, message: str) -> None:
    problem = SITE.get(f"/chart/break-even.svg?{SIX_MINUTES}&{query}")
    assert problem.status_code == 422
    assert message in problem.json()["detail"]


# --- the connection on the estimate page ------------------------------------------------------------------------------

CONNECTION = {
    "transport": "websocket",
    "codec": "g711",
    "carrier_per_minute": "0.005",
    "carrier_increment": "6",
    "egress_per_gb": "0.09",
    "platforms": "twilio/call-recording",
}


def get_estimate(**fields: str) -> dict[str, Any]:
    """An estimate of 6.5 minutes; the address and the same body give equal results."""
    estimate: dict[str, Any] = SITE.get("/api/estimate", params={"minutes": "6.5", "turns": "20", **fields}).json()
    assert SITE.post("/api/estimate", json={"minutes": 6.5, "turns": 20, **fields}).json() == estimate
    return estimate


def test_the_api_adds_connection_fees() -> None:
    """65 increments of six seconds at $0.005 per minute, 4.16 MB at nine cents per GB."""
    estimate = get_estimate(**CONNECTION)
    read_report(EstimateReport, estimate)
    connection = estimate["connection"]
    assert (connection["name"], connection["codec"], connection["bytes_sent"]) == ("websocket", "g711", 4_160_000)
    assert (connection["fees"][0]["billed_seconds"], connection["fees"][0]["dollars"], connection["egress"]) == (
        "390",
        "0.0325",
        "0.0003744",
    )
    model, total = (
        amounts["expected"] for amounts in (estimate["per_conversation"], estimate["total_with_connection"]["per_conversation"])
    )
    assert Decimal(total) == Decimal(model) + Decimal(connection["dollars"])


def test_a_body_may_have_numbers_and_lists() -> None:
    typed = {"carrier_per_minute": 0.005, "carrier_increment": 6, "egress_per_gb": 0.09, "platforms": ["twilio/call-recording"]}
    assert SITE.post("/api/estimate", json={"minutes": 6.5, "turns": 20, **CONNECTION, **typed}).json() == get_estimate(
        **CONNECTION
    )


def test_the_page_shows_the_connection_with_its_fees() -> None:
    page = html.unescape(SITE.get("/", params={"minutes": "6.5", "turns": "20", **CONNECTION}).text)
    assert "your/carrier: 390 s × $0.005/min" in page
    assert "twilio/call-recording" in page
    for name, value in CONNECTION.items():
        field = re.search(rf'<(?:input|select)[^>]*name="{name}".*?(?:>|</select>)', page, re.DOTALL)
        assert field is not None, name
        assert f'value="{value}"' in page[field.start() : field.start() + 900], name


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        ({"transport": "pigeon"}, "transport", "must be one of webrtc, websocket, sip"),
        ({"codec": "mp3"}, "codec", "unknown codec 'mp3' of WebRTC; known: opus"),
        ({"carrier": "nobody"}, "carrier", "unknown carrier 'nobody'"),
        ({"carrier_per_minute": "cheap"}, "carrier_per_minute", "'cheap' is not a number"),
        ({"carrier_per_minute": "2000"}, "carrier_per_minute", "must be between 0 and 1,000 (dollars), not 2000"),
        (
            {"carrier_per_minute": "1", "carrier": "twilio/call-recording"},
            "carrier",
            "cannot be combined with carrier_per_minute: give one",
        ),
        ({"carrier_increment": "6"}, "carrier_increment", "applies to carrier_per_minute: give that, too"),
        ({"carrier_increment": "0", "carrier_per_minute": "1"}, "carrier_increment", "must be between 1 and 3,600, not 0"),
        ({"egress_per_gb": "-1"}, "egress_per_gb", "cannot be negative: -1"),
        ({"platforms": "nobody/calls"}, "platforms", "unknown platform 'nobody/calls'"),
        ({"platforms": "twilio/call-recording, twilio/call-recording"}, "platforms", "would be paid twice: name it once"),
    ],
)
def test_an_invalid_connection_is_reported_at_its_field(fields: dict[str, str], field: str, message: str) -> None:
    problem = get_estimate(**fields)
    assert problem["errors"][0]["field"] == field
    assert message in problem["detail"]
    page = SITE.get("/", params={"minutes": "6", "turns": "20", **fields})
    assert page.status_code == 422
    assert in_form_words(message) in html.unescape(page.text)
    assert f'href="#f-{field}"' in page.text


def test_call_lengths_without_a_volume_are_compared_as_on_the_command_line() -> None:
    """Half of the calls reach nobody: that changes the average call, which is known without a volume."""
    plan = {"minutes": "1", "turns": "5", "call_length_cv": "1", "unconnected_share": "50%", "day": "2026-11-22"}
    compared = SITE.get("/api/compare", params=plan).json()
    printed = answer("compare", "--break-even=none", *(f"--{name.replace('_', '-')}={text}" for name, text in plan.items()))
    assert compared["offers"] == printed["offers"]
    assert compared["alternatives"] == printed["alternatives"]
