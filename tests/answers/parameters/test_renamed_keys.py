"""A file or an address with a key of an earlier version is refused, with the key of today."""

from pathlib import Path

import pytest

from tests.cases import DAY
from tests.web.sites import SITE
from voicebill.answers.parameters.capacity_schema import parse_targets
from voicebill.answers.parameters.request import parse_estimate_request
from voicebill.answers.parameters.script_schema import parse_script
from voicebill.answers.parameters.table_schema import Issue
from voicebill.billing.errors import InvalidInput
from voicebill.conversation.rules import PARAMETERS, RENAMED_PARAMETERS, parse_parameter
from voicebill.facts import load_facts
from voicebill.facts.files import InvalidFile


@pytest.mark.parametrize(
    ("key", "renamed"),
    [
        ("reuse", "prefix_reuse"),
        ("warm", "warm_cache"),
        ("carry", "session_carryover"),
        ("heard_share", "played_share"),
        ("length_spread", "call_length_cv"),
        ("carrier_seconds", "carrier_increment"),
        ("fees", "platforms"),
    ],
)
def test_an_earlier_key_of_a_plan_is_refused_with_the_new_one(key: str, renamed: str) -> None:
    issues: list[Issue] = []
    parse_estimate_request({"minutes": 6, "turns": 20, key: 1}, today=DAY, issues=issues)
    assert [issue.text for issue in issues] == [f"unknown key {key!r}: it is now {renamed!r}"]


def test_an_earlier_key_of_a_script_is_refused_with_the_new_one() -> None:
    issues: list[Issue] = []
    parse_script({"model": "gpt-realtime", "turns": [{"user_seconds": 1, "heard_seconds": 1}]}, issues)
    assert "unknown key 'heard_seconds': it is now 'played_seconds'" in [issue.text for issue in issues]


def test_an_earlier_key_of_a_capacity_question_is_refused_with_the_new_one() -> None:
    issues: list[Issue] = []
    parse_targets({"calls_per_hour": 200, "minutes_over": "1%"}, issues)
    assert [issue.text for issue in issues] == ["unknown key 'minutes_over': it is now 'exceedance'"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[negotiated]]\nname = 'own'\n", "unknown key 'negotiated': it is now 'contracted'"),
        ("[[adjustments]]\nname = 'own'\npercent_off = 5\n", "unknown key 'percent_off': it is now 'discount_percent'"),
    ],
)
def test_an_earlier_key_of_a_price_file_is_refused_with_the_new_one(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "own.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidFile) as caught:
        load_facts(file)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("path", "field", "renamed"),
    [
        ("/api/estimate?minutes=6&turns=20&reuse=0.5", "reuse", "prefix_reuse"),
        ("/api/compare?minutes=6&turns=20&flip=minutes", "flip", "break_even"),
        ("/api/compare?minutes=6&turns=20&one=fast", "one", "alternative"),
        ("/api/estimate?minutes=6&turns=20&levers=true", "levers", "sensitivity"),
        ("/api/capacity?minutes=6&turns=20&request_is=session", "request_is", "request_unit"),
        ("/api/ptu?model=gpt-5.2&calls_per_minute=9&prompt=9&response_tokens=9", "prompt", "prompt_tokens"),
    ],
)
def test_an_earlier_field_of_an_address_is_refused_with_the_new_one(path: str, field: str, renamed: str) -> None:
    answer = SITE.get(path)
    assert answer.status_code == 422
    assert any(error["field"] == field and renamed in error["detail"] for error in answer.json()["errors"])


@pytest.mark.parametrize("key", ["look", "flip", "one", "two", "levers"])
def test_a_plan_is_not_sent_to_a_key_that_only_addresses_have(key: str) -> None:
    issues: list[Issue] = []
    parse_estimate_request({"minutes": 6, "turns": 20, key: 1}, today=DAY, issues=issues)
    assert issues
    assert "it is now" not in issues[0].text


@pytest.mark.parametrize(("name", "renamed"), RENAMED_PARAMETERS.items())
def test_an_earlier_rule_is_refused_with_the_new_name(name: str, renamed: str) -> None:
    assert renamed in PARAMETERS
    with pytest.raises(InvalidInput, match=f"unknown rule '{name}': it is now '{renamed}'"):
        parse_parameter(name, 1)
