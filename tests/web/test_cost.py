"""A usage log dropped onto the page or sent to the API: read in memory, costed as on the command line, kept nowhere."""

import gzip
import json

import pytest

from tests.web.sites import SITE, client
from voicebill.web.shapes import Cost
from voicebill.web.site import Bounds

RESPONSE = {
    "id": "resp_1",
    "status": "completed",
    "usage": {
        "total_tokens": 253,
        "input_tokens": 132,
        "output_tokens": 121,
        "input_token_details": {
            "text_tokens": 119,
            "audio_tokens": 13,
            "cached_tokens": 64,
            "cached_tokens_details": {"text_tokens": 64, "audio_tokens": 0},
        },
        "output_token_details": {"text_tokens": 30, "audio_tokens": 91},
    },
}
LINE = {"type": "response.done", "response": RESPONSE}
LOG = json.dumps(LINE).encode() + b"\n"
ASKED = {"model": "gpt-realtime", "day": "2026-11-22"}
SUM = 55 * 4 + 64 * 0.40 + 13 * 32 + 30 * 16 + 91 * 64


def test_the_api_costs_a_log_as_its_sum_says() -> None:
    """55 × 4 + 64 × 0.40 + 13 × 32 + 30 × 16 + 91 × 64 = 6,965.6 millionths of a dollar."""
    shape = SITE.post("/api/cost", params=ASKED, content=LOG).json()
    assert shape["total"]["dollars"] == "0.0069656" == f"{SUM / 1e6:.7f}"
    assert Cost.model_validate(shape).records.billed == 1


def test_groups_and_conditions_are_those_of_the_command_line() -> None:
    shape = SITE.post(
        "/api/cost", params=ASKED | {"by": "meter", "where": "meter in (audio_in, audio_out)", "top": "1"}, content=LOG
    )
    answer = Cost.model_validate(shape.json())
    assert [group.keys for group in answer.groups] == [{"meter": "audio_out"}]
    assert answer.others is not None
    assert answer.others.dollars == "0.000416"


@pytest.mark.parametrize("packed", [LOG, gzip.compress(LOG)])
def test_the_page_takes_a_file_and_shows_its_bill(packed: bytes) -> None:
    page = SITE.post("/cost", data=ASKED | {"by": "model"}, files={"log": ("usage.jsonl", packed)})
    assert page.status_code == 200
    assert '<span class="figure">$0.0070</span>' in page.text
    assert "gpt-realtime" in page.text
    assert page.headers["cache-control"] == "no-store"


def test_a_day_by_day_answer_has_its_picture_inside_the_page() -> None:
    """The picture stands under no address, since the log is kept nowhere; the policy of that page alone allows it."""
    lines = [LINE | {"time": f"2026-11-{day}T10:00:00Z", "response": RESPONSE | {"id": f"resp_{day}"}} for day in (20, 21)]
    log = b"\n".join(json.dumps(line).encode() for line in lines)
    page = SITE.post("/cost", data={"model": "gpt-realtime", "by": "day"}, files={"log": ("usage.jsonl", log)})
    assert "data:image/svg+xml;base64," in page.text
    assert "img-src 'self' data:" in page.headers["content-security-policy"]
    assert "data:" not in SITE.get("/cost").headers["content-security-policy"]


def test_names_from_a_log_are_text_on_the_page() -> None:
    line = json.dumps(LINE | {"tenant": "<script>alert(1)</script>"}).encode()
    page = SITE.post("/cost", data=ASKED | {"by": "tenant"}, files={"log": ("<b>.jsonl", line)})
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text


@pytest.mark.parametrize(
    ("asked", "log", "status", "field", "said"),
    [
        ({}, b"", 422, "log", "is empty"),
        ({}, b"hello\n", 422, None, "is not recognised as any of realtime"),
        ({}, gzip.compress(LOG)[:40], 422, "log", "cannot be decompressed"),
        ({"by": "modle"}, LOG, 422, "by", "unknown field 'modle'; the nearest is model"),
        ({"where": "turn = three"}, LOG, 422, "where", "turn is compared with a whole number"),
        ({"since": "2026-11"}, LOG, 422, "since", "'2026-11' is not a day"),
        ({"day": "yesterday"}, LOG, 422, "day", "is not a date"),
        ({"top": "3"}, LOG, 422, "top", "needs groups"),
        ({"format": "realtme"}, LOG, 422, None, "unknown format 'realtme'; the nearest is realtime"),
        ({"colour": "red"}, LOG, 422, "colour", "is none of"),
    ],
)
def test_wrong_input_is_said_at_its_field(asked: dict[str, str], log: bytes, status: int, field: str | None, said: str) -> None:
    problem = SITE.post("/api/cost", params=asked, content=log)
    assert problem.status_code == status
    assert [error for error in problem.json()["errors"] if error["field"] == field and said in error["detail"]]


def test_what_has_no_price_is_shown_as_quantities() -> None:
    """An unknown model is unpriced with its 91 tokens spoken, and never $0."""
    shape = SITE.post("/api/cost", params={"model": "gpt-realtme", "day": "2026-11-22"}, content=LOG).json()
    assert shape["total"]["status"] == "unpriced"
    assert shape["total"]["dollars"] is None
    assert {(each["meter"], each["quantities"][0]) for each in shape["unpriced"]} >= {("audio_out", 91)}
    page = SITE.post("/cost", data={"model": "gpt-realtme", "day": "2026-11-22"}, files={"log": ("usage.jsonl", LOG)})
    assert '<span class="figure">unpriced</span>' in page.text


def test_a_log_is_bounded_packed_unpacked_and_in_records() -> None:
    small = client(bounds=Bounds(log_bytes=2_000, log_unpacked_bytes=3_000, log_records=2))
    assert small.post("/api/cost", content=b"x" * 2_001).status_code == 413
    bomb = small.post("/api/cost", content=gzip.compress(b"0" * 10_000))
    assert (bomb.status_code, bomb.json()["errors"][0]["detail"]) == (
        413,
        "holds more than 3,000 bytes: the command line reads logs of any size",
    )
    lines = b"\n".join(json.dumps({"type": "response.done", "response": {"id": f"r{at}"}}).encode() for at in range(3))
    assert "more than 2 records" in small.post("/api/cost", content=lines).text
    assert small.post("/cost", files={"log": ("a.jsonl", b"x" * 2_001)}).status_code == 413


def test_a_form_without_a_file_says_so() -> None:
    assert "choose a file" in SITE.post("/cost", data={"by": "day"}, files={"other": ("", b"")}).text
    assert SITE.post("/cost", data={"by": "day"}).status_code == 415
    broken = SITE.post("/cost", content=b"nonsense", headers={"content-type": "multipart/form-data"})
    assert broken.status_code == 422
