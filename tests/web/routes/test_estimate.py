"""The estimate on the page and in the API: equal dollars everywhere, and every error at its field."""

import csv
import html
import io
import json
import re
from decimal import Decimal
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from tests.cases import DAY
from tests.web.sites import SITE, client, read_report
from voicebill.answers.estimates.estimate import estimate
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.answers.reports.estimate import EstimateReport
from voicebill.billing.errors import VoicebillError
from voicebill.billing.money import format_amount, format_dollars
from voicebill.cli.app import app as command_line
from voicebill.conversation.plan import Plan
from voicebill.facts import load_facts
from voicebill.web.forms.fields import FORM_FIELDS


def figure(text: str) -> str:
    """The headline figure of a page."""
    match = re.search(r'<span class="figure">(.*?)</span>', text)
    assert match is not None, text
    return html.unescape(match[1])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    minutes=st.decimals(1, 40, places=1),
    turns=st.integers(1, 60),
    prompt=st.integers(0, 5000),
    share=st.integers(5, 50),
    tool_calls=st.integers(0, 3),
    model=st.sampled_from(["gpt-realtime-1.5", "gpt-realtime-mini", "gpt-realtime-2.1"]),
    provider=st.sampled_from(["openai", "azure"]),
)
def test_page_api_command_line_and_python_give_the_same_dollars(
    *, minutes: Decimal, turns: int, prompt: int, share: int, tool_calls: int, model: str, provider: str
) -> None:
    assume(turns + tool_calls <= 40 * minutes)  # the site rejects unrealistic plans
    fields = {
        "minutes": str(minutes),
        "turns": str(turns),
        "instructions_tokens": str(prompt),
        "user_share": f"{share}%",
        "assistant_share": "40%",
        "tool_calls": str(tool_calls),
        "model": model,
        "provider": provider,
    }
    plan = Plan(
        minutes=minutes,
        turns=turns,
        instructions_tokens=prompt,
        user_share=Decimal(share) / 100,
        assistant_share=Decimal("0.4"),
        tool_calls=tool_calls,
    )
    try:
        answer = estimate(plan, ModelSelection(model=model, provider=provider, day=DAY), load_facts())
    except VoicebillError:
        reject()
    expected = format_dollars(answer.per_conversation.expected)
    query = urlencode(fields)
    assert SITE.get(f"/api/estimate?{query}").json()["per_conversation"]["expected"] == expected
    assert SITE.post("/api/estimate", json=fields).json()["per_conversation"]["expected"] == expected
    assert figure(SITE.get(f"/answer?{query}").text) == format_amount(answer.per_conversation.expected)
    words = [word for name, value in fields.items() for word in (f"--{name.replace('_', '-')}", value)]
    printed = CliRunner().invoke(command_line, ["estimate", *words, "--day", str(DAY), "--json"]).stdout
    assert json.loads(printed)["per_conversation"]["expected"] == expected


def test_an_answer_has_the_documented_shape_and_nothing_else() -> None:
    query = "minutes=10&turns=20&conversations=1000/month&transcription_model=whisper-1&sensitivity=true"
    shape = SITE.get(f"/api/estimate?{query}").json()
    answer = read_report(EstimateReport, shape)
    assert answer.sensitivity
    assert answer.recommendations
    assert answer.call_mix is not None
    assert answer.voicebill == shape["voicebill"]


def test_numbers_are_read_as_people_type_them() -> None:
    typed = SITE.get("/answer?minutes=5%20min&turns=200&instructions_tokens=2k&user_share=45%25").text
    plain = SITE.get("/answer?minutes=5&turns=200&instructions_tokens=2000&user_share=0.45").text
    assert figure(typed) == figure(plain)


@pytest.mark.parametrize(
    ("query", "field", "message"),
    [
        ("minutes=abc", "minutes", "is not a duration"),
        ("minutes=-5", "minutes", "cannot be negative: -5"),
        ("turns=5000", "turns", "at most 1,000 turns and tool calls"),
        ("minutes=1&turns=500", "turns", "500 per minute are not realistic"),
        ("model=gpt-realtme", "model", "the nearest are gpt-realtime"),
        ("provider=azzure", "provider", "the nearest is azure"),
        ("deployment=orbit", "deployment", "unknown deployment"),
        ("day=2020-01-01", "model", "prices are known from"),
        ("day=soon", "day", "must be a day such as"),
        ("conversations=500/moon", "conversations", "unknown period 'moon'"),
        ("user_share=80%25&assistant_share=80%25", "user_share", "must add up to at most 1"),
        ("colour=red", "colour", "unknown key 'colour'"),
        ("prefix_reuse=150", "prefix_reuse", "'150' is more than 100%"),
        ("rules=page", "rules", "unknown rule set 'page'"),
        ("transcription_model=whisper-2", "transcription_model", "unknown model 'whisper-2'"),
        ("instructions_tokens=40000", "instructions_tokens", "leave no room"),
        ("instructions_tokens=10.000", "instructions_tokens", "may mean two numbers"),
        ("conversations=10.000/month", "conversations", "may mean two numbers: write 10,000/month or 10/month"),
        ("post_instructions_tokens=100", "turns", "one message of"),
        ("tool_calls=990", "tool_calls", "at most 1,000 turns and tool calls"),
    ],
)
def test_invalid_input_is_reported_at_its_field_on_the_page_and_in_the_api(query: str, field: str | None, message: str) -> None:
    page = SITE.get(f"/?{query}")
    assert page.status_code == 422
    assert message in html.unescape(page.text)
    assert '<span class="figure">' not in page.text
    assert "No answer" in page.text
    if field in FORM_FIELDS:
        at_field = re.search(rf'<p class="error" id="e-{field}">(.+?)</p>', page.text)
        assert at_field is not None
        assert message in html.unescape(at_field[1])
    fields = dict(pair.split("=") for pair in query.replace("%25", "%").split("&"))
    problem = SITE.get(f"/api/estimate?{urlencode({'minutes': '10', 'turns': '20'} | fields)}")
    assert problem.status_code == 422
    assert problem.headers["content-type"] == "application/problem+json"
    assert any(error["field"] == field and message in error["detail"] for error in problem.json()["errors"])


@pytest.mark.parametrize("path", ["/api/estimate", "/api/compare", "/api/capacity", "/api/ptu", "/api/rules", "/api/prices"])
def test_a_repeated_field_of_an_address_is_an_error_at_that_field(path: str) -> None:
    problem = SITE.get(f"{path}?minutes=10&turns=20&minutes=12")
    assert problem.status_code == 422
    assert problem.json()["errors"] == [{"field": "minutes", "detail": "is given more than once: give it once"}]


def test_the_detail_of_a_problem_names_every_field() -> None:
    problem = SITE.get("/api/estimate?minutes=-5&turns=1.5").json()
    assert problem["detail"] == "minutes: cannot be negative: -5; turns: must be a whole number, not '1.5'"
    too_many = SITE.get("/api/estimate?minutes=1&turns=500").json()
    assert too_many["errors"][0]["detail"].startswith("500 per minute are not realistic")
    assert too_many["detail"].startswith("turns: 500 per minute are not realistic")
    unknown = SITE.get("/api/estimate?minutes=10&turns=20&minuts=3").json()
    assert unknown["detail"].startswith("unknown key 'minuts'")


def test_alternatives_may_be_repeated_in_an_address() -> None:
    plan = "/api/compare?minutes=10&turns=20&break_even=minutes&"
    repeated = SITE.get(plan + "alternative=fast&alternative=openai/gpt-realtime-1.5")
    assert repeated.status_code == 200
    assert repeated.json() == SITE.get(plan + "alternative=fast,openai/gpt-realtime-1.5").json()


def test_the_sensitivity_may_be_requested_in_the_body_or_the_address_and_only_once() -> None:
    plan = {"minutes": 10, "turns": 20}
    in_address = SITE.post("/api/estimate?sensitivity=true", json=plan).json()
    assert in_address["sensitivity"]
    assert SITE.post("/api/estimate", json=plan | {"sensitivity": True}).json() == in_address
    assert "sensitivity" not in SITE.post("/api/estimate", json=plan | {"sensitivity": False}).json()
    for address, sensitivity, message in (
        ("/api/estimate", 7, "must be true or false, not 7"),
        ("/api/estimate?sensitivity=true", True, "is in the address and in the body: give it once"),
    ):
        problem = SITE.post(address, json=plan | {"sensitivity": sensitivity})
        assert problem.status_code == 422
        assert problem.json()["errors"] == [{"field": "sensitivity", "detail": message}]
    earlier_name = SITE.post("/api/estimate", json=plan | {"levers": True})
    assert earlier_name.status_code == 422
    assert "it is now 'sensitivity'" in earlier_name.json()["detail"]


def test_what_was_valid_stays_in_the_form() -> None:
    page = SITE.get("/?minutes=abc&turns=33&tool_calls=4").text
    assert 'id="f-turns" value="33"' in page
    assert 'id="f-minutes" value="abc"' in page
    assert re.search(r"<details open>\s*<summary>Tools and greeting</summary>", page)


def test_the_form_without_a_script_becomes_an_address_and_back() -> None:
    sent = SITE.post("/", data={"minutes": "7", "turns": "20", "tool_calls": "2", "day": ""}, follow_redirects=False)
    assert sent.status_code == 303
    assert sent.headers["location"] == "/?minutes=7&tool_calls=2"
    assert figure(SITE.get(sent.headers["location"]).text) == figure(SITE.get("/answer?minutes=7&tool_calls=2").text)


def test_a_discount_changes_the_figure_and_is_in_no_address() -> None:
    undiscounted, discounted = (
        SITE.post("/answer", data={"minutes": "10"}),
        SITE.post("/", data={"minutes": "10", "discount": "25"}),
    )
    assert "'lots' is not a share" in html.unescape(SITE.post("/", data={"discount": "lots"}).text)
    for path in ("/", "/chart/turns.svg", "/api/estimate", "/export.csv"):
        assert "must not be in an address" in SITE.get(f"{path}?discount=90").text
    assert "With a discount of 25%" in SITE.post("/compare", data={"discount": "25"}).text
    assert discounted.status_code == 200
    figures = [Decimal(figure(page.text).removeprefix("$")) for page in (discounted, undiscounted)]
    assert figures[0] / figures[1] == pytest.approx(Decimal("0.75"), abs=Decimal("0.01"))
    assert "With a discount of 25%" in discounted.text
    assert not re.search(r'(href|src|srcset|action)="[^"]*discount', discounted.text)
    assert "no-store" in discounted.headers["cache-control"]


def test_an_emptied_field_does_not_get_its_initial_value() -> None:
    assert "how many turns does it have?" in SITE.get("/?turns=").text
    without = SITE.get("/?conversations=").text
    assert "a month" not in without.partition('id="answer"')[2]
    assert 'id="f-conversations" value=""' in without
    assert "conversations=" in SITE.post("/", data={"conversations": ""}, follow_redirects=False).headers["location"]


def test_an_unticked_checkbox_and_a_selected_choice_are_shown_as_given() -> None:
    page = SITE.get("/?warm_cache=false&transport=webrtc").text
    assert not re.search(r'name="warm_cache"[^>]*checked', page)
    assert page.count(">webrtc</option>") == 1
    assert re.search(r'name="warm_cache"[^>]*checked', SITE.get("/?warm_cache=true").text)


def test_the_explanation_includes_the_discount() -> None:
    undiscounted, discounted = (SITE.post("/why", data={"discount": percent}).text for percent in ("0", "50"))
    totals = [Decimal(re.findall(r"<td>\$([\d.]+)</td><td class=\"left\">", page)[19]) for page in (discounted, undiscounted)]
    assert totals[0] / totals[1] == pytest.approx(Decimal("0.5"), abs=Decimal("0.01"))


def test_a_permalink_fixes_day_prices_and_rules_and_reports_changes() -> None:
    page = SITE.get("/?minutes=7").text
    link = html.unescape(re.search(r'href="([^"]+)" rel="bookmark"', page)[1])  # type: ignore[index]
    assert f"day={DAY}" in link
    assert load_facts().prices.digest in link
    assert "have changed since" not in SITE.get(link).text
    assert figure(SITE.get(link).text) == figure(page)
    older = SITE.get(link.replace(load_facts().prices.digest, "0123456789ab")).text
    assert "prices have changed since this link was created: from 0123456789ab" in older


def test_the_export_adds_up_to_the_expected_amount() -> None:
    query = "minutes=6&turns=9&tool_calls=2&transcription_model=gpt-4o-transcribe"
    saved = SITE.get(f"/export.csv?{query}")
    assert saved.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(saved.text)))
    expected = SITE.get(f"/api/estimate?{query}").json()["per_conversation"]["expected"]
    assert sum(Decimal(row["dollars"]) for row in rows) == Decimal(expected)
    assert sum(row["kind"] == "tool-call" for row in rows) == 2


def test_the_explanation_is_on_the_page() -> None:
    page = SITE.get("/?minutes=5&turns=8&tool_calls=1").text
    assert "first response: nothing is cached yet" in page
    assert "Sensitivity" in page
    assert "use gpt-realtime-2.1-mini" in page
    assert SITE.get("/why?minutes=5&turns=8&tool_calls=1").text.strip() in page


def test_an_embedded_page_has_form_and_result_and_may_be_in_a_frame() -> None:
    page = SITE.get("/?embed=1")
    assert "<nav" not in page.text
    assert "frame-ancestors *" in page.headers["content-security-policy"]
    assert "frame-ancestors 'self'" in SITE.get("/").headers["content-security-policy"]


def test_amounts_in_another_currency_are_on_the_page(tmp_path: object) -> None:
    euro = client(facts=load_facts("docs/examples/contract-in-euro.toml"))
    assert "EUR" in euro.get("/answer").text
    assert "EUR" not in SITE.get("/answer").text


@pytest.mark.parametrize("path", ["/api/estimate", "/api/capacity", "/api/compare", "/api/ptu", "/api/simulate"])
def test_an_empty_text_in_a_body_is_an_error_and_null_is_left_out(path: str) -> None:
    errors = SITE.post(path, json={"minutes": 10, "turns": 20, "model": "", "region": ""}).json()["errors"]
    assert [error["field"] for error in errors] == ["model", "region"]
    plan = {"minutes": 10, "turns": 20, "day": DAY.isoformat()}
    assert SITE.post("/api/estimate", json=plan | {"model": None}).json() == SITE.post("/api/estimate", json=plan).json()
