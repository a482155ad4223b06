"""What an estimate is told of the way to the model: as options, in a saved plan, and what is said to wrong input."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.cases import FOLDER
from voicebill.answers.parameters.inputs import CONNECTION_COSTS
from voicebill.answers.parameters.plan_schema import PLAN_SCHEMA
from voicebill.cli.app import app

SIX = ("--minutes", "6.5", "--turns", "20", "--day", "2026-11-22")
OWN = ("--prices", str(FOLDER / "own_stacks.toml"))


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["estimate", *words])


def answer(*words: str) -> dict[str, Any]:
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


CONNECTION_OPTIONS = (
    "--transport",
    "websocket",
    "--codec",
    "g711",
    "--carrier-per-minute",
    "0.005",
    "--carrier-increment",
    "6",
)
FEE_OPTIONS = ("--egress-per-gb", "0.09", "--platforms", "example-voice/agent-platform", *OWN)


def test_every_option_reaches_the_way() -> None:
    """65 steps of 6 s at $0.005 a minute; seven begun minutes at $0.01; 6.5 × 0.64 MB = 4.16 MB at $0.09 a GB."""
    connection = answer(*SIX, *CONNECTION_OPTIONS, *FEE_OPTIONS)["connection"]
    assert (connection["name"], connection["codec"], connection["bytes_sent"]) == ("websocket", "g711", 4_160_000)
    assert [(fee["offer"], fee["billed_seconds"], fee["dollars"], fee["monthly_fee"]) for fee in connection["fees"]] == [
        ("your/carrier", "390", "0.0325", "0"),
        ("example-voice/agent-platform", "420", "0.07", "99"),
    ]
    assert (connection["egress"], connection["dollars"]) == ("0.0003744", "0.1028744")


def test_the_way_is_shown_with_who_is_paid_for_the_call_and_for_the_month() -> None:
    output = " ".join(
        run(*SIX, *CONNECTION_OPTIONS, *FEE_OPTIONS, "--conversations", "1000/month", "--call-length-cv", "0").stdout.split()
    )
    for text in (
        "Connection: WebSocket, g711 4.2 MB in each direction; latency 100 to 300 ms",
        "your/carrier: 390 s × $0.005/min $0.0325",
        "example-voice/agent-platform: 420 s × $0.01/min $0.0700",
        "example-voice/agent-platform, a month $99.0000",
        "outgoing bandwidth $0.0004",
        "connection fees $0.1029",
    ):
        assert text in output
    assert re.search(r"per month: 1,000 × \$[\d.]+ \+ \$99\.0 ", output)


def test_a_carrier_by_its_id_rounds_as_he_does() -> None:
    """6.5 minutes: seven begun ones; 65 steps of six seconds."""
    by_minute = answer(*SIX, "--carrier", "twilio/voice-inbound-us-local")["connection"]["fees"][0]
    by_steps = answer(*SIX, "--carrier", "telnyx/sip-trunk-inbound-us")["connection"]["fees"][0]
    assert (by_minute["billed_seconds"], by_minute["dollars"]) == ("420", "0.0595")
    assert (by_steps["billed_seconds"], by_steps["dollars"]) == ("390", "0.0208")


def test_a_saved_plan_says_the_same_as_the_options(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        'minutes = 6.5\nturns = 20\nday = 2026-11-22\ntransport = "websocket"\ncodec = "g711"\ncarrier_per_minute = 0.005\n'
        'carrier_increment = 6\negress_per_gb = "0.09"\nplatforms = ["example-voice/agent-platform"]\n',
        encoding="utf-8",
    )
    assert answer("--plan", str(file), *OWN) == answer(*SIX, *CONNECTION_OPTIONS, *FEE_OPTIONS)
    overridden = answer("--plan", str(file), *OWN, "--carrier-per-minute", "0.01", "--platforms", "twilio/call-recording")
    assert [fee["offer"] for fee in overridden["connection"]["fees"]] == ["your/carrier", "twilio/call-recording"]
    assert overridden["connection"]["fees"][0]["dollars"] == "0.065"


def test_a_saved_plan_may_say_all_that_is_paid_on_the_way() -> None:
    assert set(CONNECTION_COSTS) <= set(PLAN_SCHEMA)
    assert set(CONNECTION_COSTS) == {
        "codec",
        "carrier",
        "carrier_per_minute",
        "carrier_increment",
        "egress_per_gb",
        "platforms",
        "concurrent_calls",
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--transport pigeon", "--transport must be one of webrtc, websocket, sip, not 'pigeon'"),
        ("--carrier twilio", "unknown carrier 'twilio'; the nearest are twilio/call-recording"),
        ("--carrier openai/gpt-realtime-1.5", "add your own as an offer of kind telephony in a price file"),
        ("--carrier-per-minute cheap", "--carrier-per-minute: 'cheap' is not a number"),
        ("--carrier-per-minute -1", "--carrier-per-minute cannot be negative: -1"),
        ("--carrier-per-minute 2000", "--carrier-per-minute must be between 0 and 1,000 (dollars), not 2000"),
        ("--carrier-per-minute 0.00000000001", "--carrier-per-minute must have at most nine decimals, not 0.00000000001"),
        (
            "--carrier-per-minute 0.01 --carrier twilio/voice-inbound-us-local",
            "--carrier cannot be combined with --carrier-per-minute: give one",
        ),
        ("--carrier-increment 6", "--carrier-increment applies to --carrier-per-minute: give that, too"),
        (
            "--carrier-increment 6 --carrier twilio/voice-inbound-us-local",
            "--carrier-increment applies to --carrier-per-minute",
        ),
        ("--carrier-increment 0 --carrier-per-minute 0.01", "--carrier-increment must be between 1 and 3,600, not 0"),
        ("--carrier-increment 1.5 --carrier-per-minute 0.01", "--carrier-increment must be a whole number, not '1.5'"),
        ("--egress-per-gb much", "--egress-per-gb: 'much' is not a number"),
        ("--egress-per-gb -1", "--egress-per-gb cannot be negative: -1"),
        ("--egress-per-gb 1001", "--egress-per-gb must be between 0 and 1,000 (dollars), not 1001"),
        ("--codec g711", "unknown codec 'g711' of WebRTC; known: opus; it is available over websocket or sip"),
        ("--codec mp3 --transport websocket", "unknown codec 'mp3' of WebSocket; known: g711, pcm16"),
        (
            "--platforms nobody/calls",
            "vapi/platform; add your own as an offer of kind platform in a price file",
        ),
        (
            "--platforms twilio/call-recording,twilio/call-recording",
            "--platforms: twilio/call-recording would be paid twice",
        ),
    ],
)
def test_a_way_that_cannot_be_is_refused_in_one_sentence(words: str, message: str) -> None:
    result = run(*SIX, *words.split())
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert message in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("carrier_per_minut = 1", "line 3: unknown key 'carrier_per_minut'; the nearest is 'carrier_per_minute'"),
        ('carrier_per_minute = "cheap"', "line 3: carrier_per_minute: 'cheap' is not a number"),
        ("carrier_increment = 1.5", "line 3: carrier_increment must be a whole number, not 1.5"),
        ("platforms = 5", "line 3: platforms must be a list of names, not 5"),
        ("carrier = 5", "line 3: carrier must be"),
        ("carrier_increment = 6", "line 3: carrier_increment applies to carrier_per_minute"),
    ],
)
def test_a_saved_plan_with_a_faulty_way_is_refused(tmp_path: Path, row: str, message: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(f"minutes = 6\nturns = 20\n{row}\n", encoding="utf-8")
    result = run("--plan", str(file), "--day", "2026-11-22")
    assert result.exit_code == 2, result.output
    assert message in " ".join(result.stderr.split())


def test_a_carrier_without_sip_is_warned_of_in_estimates_and_comparisons() -> None:
    words = (*SIX, "--carrier-per-minute", "0.01")
    warning = "carrier_per_minute: phone carriers bill only calls over SIP"
    assert any(text.startswith(warning) for text in answer(*words)["warnings"])
    assert not any("phone carriers" in text for text in answer(*words, "--transport", "sip")["warnings"])
    comparison = json.loads(CliRunner().invoke(app, ["compare", *words, "--json"]).stdout)
    assert any(text.startswith(warning) for text in comparison["connection"]["warnings"])
