"""The comparison of every way: the page, the API, the picture of the ranking, and the carrier on the estimate's page."""

import html
import json
import re
from decimal import Decimal
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.web.sites import SITE
from voicebill.cli import app as command_line
from voicebill.web.compare_shapes import Comparison
from voicebill.web.shapes import Estimate, Problem

SIX = "minutes=6&turns=20"
REALTIME = "openai/gpt-realtime-1.5"
TWO = f"one=fast&two={REALTIME}"

# --- the ways ---------------------------------------------------------------------------------------------------------


def asked(query: str = "") -> dict[str, Any]:
    answer = SITE.get(f"/api/compare?{SIX}&{query}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    Comparison.model_validate(found)
    return found


def test_every_way_is_the_command_lines() -> None:
    words = ("compare", "--minutes", "6", "--turns", "20", "--day", "2026-11-22", "--flip", "none", "--json")
    theirs = json.loads(CliRunner().invoke(command_line, list(words)).stdout)
    ours = asked()
    assert {name: ours[name] for name in ("offers", "alternatives", "others")} == {
        name: theirs[name] for name in ("offers", "alternatives", "others")
    }
    assert ours["flips"] == []


def test_the_page_has_a_row_for_each_stack_and_each_realtime_model() -> None:
    page, shape = SITE.get(f"/compare?{SIX}").text, asked()
    held, less = (re.findall(r"<tbody>(.*?)</tbody>", part, re.DOTALL)[0] for part in page.split('<table class="ways">')[1:3])
    spoken = [way for way in shape["alternatives"] if way["architecture"] != "speech-to-speech"]
    realtime = {re.sub(r" at .*", "", way["title"]) for way in shape["alternatives"] if way not in spoken}
    for way in spoken:
        assert way["title"] in html.unescape(held)
    assert held.count("<tr>") == len(spoken) + held.count("speech to speech")
    assert 1 <= held.count("speech to speech") <= len(realtime)
    assert less.count("<tr>") == len(shape["others"])


def test_months_are_left_out_of_the_ways_of_long_plans() -> None:
    """Five turns a minute for an hour: 300 in the call, and 1,800 in the longest of its month."""
    month = "conversations=9/day"
    short = SITE.get(f"/api/compare?{SIX}&{month}").json()
    long = SITE.get(f"/api/compare?minutes=60&turns=300&{month}").json()
    assert all(way["per_month"] for way in short["alternatives"])
    assert not any(way["per_month"] for way in (*long["alternatives"], *long["others"]))
    assert "Per month" not in SITE.get(f"/compare?minutes=60&turns=300&{month}").text


# --- where the ranking flips ------------------------------------------------------------------------------------------


def test_the_api_tells_between_which_values_the_order_changes() -> None:
    flips = asked(f"flip=talk&{TWO}&range=5:100")["flips"]
    assert [(each["along"], each["from"], each["to"], each["values"]) for each in flips] == [("talk", "5", "100", 96)]
    crossing = flips[0]["pairs"][0]["crossings"][0]
    assert (crossing["below"], crossing["above"], crossing["cheaper_below"]) == ("12", "13", REALTIME)


def test_a_body_asks_as_the_address_does() -> None:
    body = {"minutes": 6, "turns": 20, "flip": "talk", "one": "fast", "two": REALTIME, "range": "5:100"}
    assert SITE.post("/api/compare", json=body).json() == asked(f"flip=talk&{TWO}&range=5:100")


def test_an_axis_alone_looks_at_the_cheapest_of_each_kind() -> None:
    found = asked("flip=turns")["flips"][0]
    assert (found["from"], found["to"]) == ("1", "60")
    assert set(found["points"][0]["dollars"]) == {
        next(way["name"] for way in asked()["alternatives"] if way["architecture"] == kind)
        for kind in ("pipeline", "live", "speech-to-speech")
    }


def test_the_page_says_where_the_order_changes_and_draws_it() -> None:
    page = html.unescape(SITE.get(f"/compare?{SIX}&flip=talk&{TWO}&range=5:100").text)
    assert "5 to 100 per cent of the time in which anybody talks; 96 values looked at" in page
    assert f'fast and {REALTIME}</th><td class="left">between 12 and 13</td><td class="left">{REALTIME}</td>' in page
    assert re.search(r"/chart/flips\.svg\?[^\"]*flip=talk&one=fast&two=openai%2Fgpt-realtime-1\.5&range=5%3A100", page)
    assert '<option value="talk" selected>' in page
    assert 'name="range" value="5:100"' in page


def test_the_form_of_the_ranking_leads_to_its_address() -> None:
    form = {"minutes": "6", "turns": "20", "flip": "talk", "one": "fast", "two": REALTIME, "range": "5:100"}
    answer = SITE.post("/compare", data=form, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"].endswith("flip=talk&one=fast&two=openai%2Fgpt-realtime-1.5&range=5%3A100")


WRONG = [
    ("flip=length", "flip", "must be one of minutes, turns, talk, volume, not 'length'"),
    ("one=nobody", "one", "unknown stack or offer 'nobody'"),
    ("one=fast&two=openai/gpt-realtime-1.55", "two", f"the nearest are {REALTIME}"),
    ("flip=minutes&range=60", "range", "'60' is not a range: write LOW:HIGH, such as 1:60"),
    ("flip=minutes&range=60:1", "range", "a range of minutes rises from more than 0 to more than that, not from 60 to 1"),
    ("flip=minutes&range=a:b", "range", "'a' is not a duration"),
    ("flip=talk&range=5:400", "range", "a range of talk goes up to 100, not to 400"),
    ("flip=turns&range=1.2:1.8", "range", "no value of turns between 1.2 and 1.8 can be looked at: widen the range"),
]


@pytest.mark.parametrize(("query", "field", "said"), WRONG)
def test_a_ranking_that_cannot_be_is_refused_at_its_field(query: str, field: str, said: str) -> None:
    problem = SITE.get(f"/api/compare?{SIX}&{query}")
    assert problem.status_code == 422
    Problem.model_validate(problem.json())
    assert problem.json()["errors"][0]["field"] == field
    assert said in problem.json()["detail"]


@pytest.mark.parametrize(("query", "said"), [(query, said) for query, _, said in WRONG])
def test_on_the_page_the_rest_of_the_comparison_stands_all_the_same(query: str, said: str) -> None:
    page = SITE.get(f"/compare?{SIX}&{query}")
    assert page.status_code == 200
    wrong = re.search(r'<p class="error" id="e-range">([^<]*)</p>', page.text)
    assert wrong is not None
    assert said in html.unescape(wrong[1])
    assert "/chart/flips" not in page.text
    assert "Ways that hold the conversation" in page.text


@pytest.mark.parametrize(("query", "field"), [("one=fast", "two"), ("two=fast", "one"), ("one=fast&two=fast", "two")])
def test_one_way_alone_is_no_ranking(query: str, field: str) -> None:
    problem = SITE.get(f"/api/compare?{SIX}&{query}").json()
    assert problem["errors"] == [{"field": field, "detail": "a ranking needs two different ways: name another"}]
    assert "A ranking needs two different ways." in SITE.get(f"/compare?{SIX}&{query}").text


def test_plans_of_too_many_turns_are_compared_but_not_varied() -> None:
    long = "minutes=25&turns=700"
    problem = SITE.get(f"/api/compare?{long}&flip=minutes")
    assert problem.status_code == 422
    assert problem.json()["errors"][0]["field"] == "turns"
    assert "plans of at most 600 turns are varied here" in problem.json()["detail"]
    assert SITE.get(f"/api/compare?{long}").status_code == 200
    assert "plans of at most 600 turns are varied here" in SITE.get(f"/compare?{long}").text


# --- the picture ------------------------------------------------------------------------------------------------------


def test_the_picture_of_the_ranking_is_drawn_once_for_its_address() -> None:
    pytest.importorskip("lets_plot")
    path = f"/chart/flips.svg?{SIX}&flip=volume&{TWO}&range=1:1000&width=480"
    first = SITE.get(path)
    assert (first.status_code, first.headers["content-type"]) == (200, "image/svg+xml")
    assert "Where the ranking flips" in first.text
    assert "dollars a month" in first.text
    assert SITE.get(path).content == first.content
    assert SITE.get(path.replace("1000", "2000")).content != first.content


@pytest.mark.parametrize(("query", "said"), [*((query, said) for query, _, said in WRONG), ("one=fast", "two different ways")])
def test_a_ranking_that_cannot_be_is_not_drawn(query: str, said: str) -> None:
    problem = SITE.get(f"/chart/flips.svg?{SIX}&{query}")
    assert problem.status_code == 422
    assert said in problem.json()["detail"]


# --- the carrier on the page of the estimate --------------------------------------------------------------------------

WAY = {
    "transport": "websocket",
    "codec": "g711",
    "carrier_per_minute": "0.005",
    "carrier_seconds": "6",
    "egress_per_gb": "0.09",
    "fees": "twilio/call-recording",
}


def estimated(**fields: str) -> dict[str, Any]:
    """An estimate of 6.5 minutes by its address, which is that of the same body."""
    found: dict[str, Any] = SITE.get("/api/estimate", params={"minutes": "6.5", "turns": "20", **fields}).json()
    assert SITE.post("/api/estimate", json={"minutes": 6.5, "turns": 20, **fields}).json() == found
    return found


def test_the_api_takes_what_is_paid_on_the_way() -> None:
    """65 steps of six seconds at $0.005 a minute, 4.16 MB at nine cents a GB."""
    found = estimated(**WAY)
    Estimate.model_validate(found)
    way = found["transport"]
    assert (way["name"], way["codec"], way["bytes_up"]) == ("websocket", "g711", 4_160_000)
    assert (way["tolls"][0]["billed_seconds"], way["tolls"][0]["dollars"], way["egress"]) == ("390", "0.0325", "0.0003744")
    model, together = (each["expected"] for each in (found["per_conversation"], found["altogether"]["per_conversation"]))
    assert Decimal(together) == Decimal(model) + Decimal(way["dollars"])


def test_a_body_has_numbers_and_lists_too() -> None:
    typed = {"carrier_per_minute": 0.005, "carrier_seconds": 6, "egress_per_gb": 0.09, "fees": ["twilio/call-recording"]}
    assert SITE.post("/api/estimate", json={"minutes": 6.5, "turns": 20, **WAY, **typed}).json() == estimated(**WAY)


def test_the_page_shows_the_way_with_what_is_paid_on_it() -> None:
    page = html.unescape(SITE.get("/", params={"minutes": "6.5", "turns": "20", **WAY}).text)
    assert "your/carrier: 390 s × $0.005/min" in page
    assert "twilio/call-recording" in page
    for name, value in WAY.items():
        field = re.search(rf'<(?:input|select)[^>]*name="{name}".*?(?:>|</select>)', page, re.DOTALL)
        assert field is not None, name
        assert f'value="{value}"' in page[field.start() : field.start() + 900], name


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({"transport": "pigeon"}, "transport", "must be one of webrtc, websocket, sip"),
        ({"codec": "mp3"}, "codec", "unknown codec 'mp3' of WebRTC; known: opus"),
        ({"carrier": "nobody"}, "carrier", "unknown carrier 'nobody'"),
        ({"carrier_per_minute": "cheap"}, "carrier_per_minute", "'cheap' is not a number"),
        ({"carrier_per_minute": "2000"}, "carrier_per_minute", "must be dollars between 0 and 1,000"),
        ({"carrier_per_minute": "1", "carrier": "twilio/call-recording"}, "carrier", "say the same thing: give one"),
        ({"carrier_seconds": "6"}, "carrier_seconds", "says how a carrier stated by carrier_per_minute rounds"),
        ({"carrier_seconds": "0", "carrier_per_minute": "1"}, "carrier_seconds", "must be between 1 and 3,600, not 0"),
        ({"egress_per_gb": "-1"}, "egress_per_gb", "-1 is negative"),
        ({"fees": "nobody/calls"}, "fees", "unknown platform 'nobody/calls'"),
        ({"fees": "twilio/call-recording, twilio/call-recording"}, "fees", "would be paid twice: name it once"),
    ],
)
def test_a_way_that_cannot_be_is_refused_at_its_field(fields: dict[str, str], field: str, said: str) -> None:
    problem = estimated(**fields)
    assert problem["errors"][0]["field"] == field
    assert said in problem["detail"]
    page = SITE.get("/", params={"minutes": "6", "turns": "20", **fields})
    assert page.status_code == 422
    assert said in html.unescape(page.text)
    assert f'href="#f-{field}"' in page.text
