"""Numbers that no decimal can hold are refused at their field, wherever a request has a number."""

from pathlib import Path

import pytest

from tests.web.sites import SITE
from voicebill.facts.files import InvalidFile, read_toml

UNREADABLE = ("1e99999999999999999999", "-1e99999999999999999999", "1e-99999999999999999999", "0.1e999999999999999999")
PLACES = (
    ("/api/estimate", '{"turns": 20, "minutes": %s}', "minutes"),
    ("/api/estimate", '{"turns": 20, "minutes": 10, "image_turns": [%s]}', "image_turns"),
    ("/api/estimate", '{"turns": 20, "minutes": 10, "conversations": %s}', "conversations"),
    ("/api/estimate", '{"turns": 20, "minutes": 10, "call_lengths": [[%s, 1]]}', "call_lengths"),
    ("/api/estimate", '{"turns": 20, "minutes": 10, "overrides": {"vad_silence_ms": %s}}', "overrides"),
    ("/api/estimate", '{"turns": 20, "minutes": 10, "discount": %s}', "discount"),
    ("/api/estimate", '{"turns": 20, "minutes": 10, "unknown": %s}', "unknown"),
    ("/api/compare", '{"turns": 20, "minutes": 10, "prefix_reuse": %s}', "prefix_reuse"),
    ("/api/capacity", '{"turns": 20, "minutes": 10, "conversations": 900, "blocking": %s}', "blocking"),
    ("/api/simulate", '{"turns": [{"user_audio_tokens": %s}]}', "turns"),
    ("/api/ptu", '{"model": "gpt-5.2", "prompt_tokens": 9, "response_tokens": 9, "calls_per_minute": %s}', "calls_per_minute"),
)


@pytest.mark.parametrize("number", UNREADABLE)
@pytest.mark.parametrize(("path", "body", "field"), PLACES, ids=[f"{path} {field}" for path, _, field in PLACES])
def test_a_number_beyond_all_decimals_is_refused_at_its_field(path: str, body: str, field: str, number: str) -> None:
    refused = SITE.post(path, content=body % number, headers={"content-type": "application/json"})
    assert refused.status_code == 422, refused.text
    assert any((error["field"] or "").startswith(field) for error in refused.json()["errors"]), refused.text


@pytest.mark.parametrize("number", [*UNREADABLE, "0x" + "f" * 5_000])
def test_such_a_number_in_an_address_is_refused(number: str) -> None:
    for name in ("minutes", "turns", "conversations", "call_length_cv", "user_share"):
        fields = {"minutes": "10", "turns": "20"} | {name: number[:150]}
        assert SITE.get("/api/estimate", params=fields).status_code == 422, name


def test_an_integer_of_a_file_that_cannot_be_written_out_is_refused(tmp_path: Path) -> None:
    """Python reads hexadecimal integers of any length, and refuses to write 4,301 digits; 5,000 of 16 are more."""
    file = tmp_path / "plan.toml"
    for text in (f"turns = 0x{'f' * 5_000}", f"list = [{{ turns = 0x{'f' * 5_000} }}]", f"turns = {'1' * 5_000}"):
        file.write_text(text)
        with pytest.raises(InvalidFile, match="not usable TOML"):
            read_toml(file)


def test_a_number_of_a_file_beyond_all_decimals_reaches_the_field(tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    file.write_text("minutes = 1e99999999999999999999")
    table, _ = read_toml(file)
    assert str(table["minutes"]) == "1E+999999"
