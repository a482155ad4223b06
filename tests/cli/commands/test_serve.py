"""`voicebill serve`: what it starts, and what it refuses."""

import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner, Result

from voicebill.cli.app import app


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["serve", *words])


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the server would have been started with."""
    seen: dict[str, Any] = {}

    def start(site: object, **settings: object) -> None:
        seen.update(settings, app=site)

    monkeypatch.setattr("uvicorn.run", start)
    monkeypatch.setattr("voicebill.cli.commands.serve.require_free_port", lambda _host, _port: None)
    return seen


def test_it_listens_on_this_machine_alone_unless_told_otherwise(started: dict[str, Any]) -> None:
    result = run()
    assert result.exit_code == 0, result.output
    assert "voicebill at http://127.0.0.1:8000/ (stop with Ctrl-C)" in result.stdout
    assert (started["host"], started["port"], started["access_log"]) == ("127.0.0.1", 8000, False)
    assert TestClient(started["app"], base_url="http://127.0.0.1:8000").get("/healthz").json()["status"] == "ok"
    assert run("--host", "0.0.0.0", "--port", "8080").exit_code == 0
    assert (started["host"], started["port"]) == ("0.0.0.0", 8080)


def test_it_serves_ones_own_prices_and_rules_under_a_prefix(started: dict[str, Any], tmp_path: Path) -> None:
    contract = tmp_path / "contract.toml"
    contract.write_text(
        'checked = 2026-11-01\nsources = ["ours"]\n[[adjustments]]\nname = "d"\ndiscount_percent = 50\nsince = 2026-01-01\n',
        encoding="utf-8",
    )
    query = "/api/estimate?minutes=10&turns=20&day=2026-11-22"
    assert run().exit_code == 0
    list_price = TestClient(started["app"], base_url="http://127.0.0.1:8000").get(query).json()
    assert run("--prices", str(contract), "--prefix", "/bill", "--at-once", "3", "--log").exit_code == 0
    site = TestClient(started["app"], base_url="http://127.0.0.1:8000")
    contract_price = site.get(f"/bill{query}").json()
    assert float(contract_price["per_conversation"]["expected"]) * 2 == pytest.approx(
        float(list_price["per_conversation"]["expected"])
    )
    assert "d: prices × 0.5 (ours)" in contract_price["prices"]["contract"]
    page = site.get("/bill/").text
    assert not [text for text in ("discount_percent", str(contract)) if text in page]


def test_what_cannot_be_served_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "--prefix must begin with a slash and not end with one" in run("--prefix", "bill").stderr
    assert "unknown rule set 'rules.txt'" in run("--rules", "rules.txt").stderr
    assert "there is no file nowhere.toml" in run("--prices", "nowhere.toml").stderr
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    missing = run()
    assert (missing.exit_code, "pip install 'voicebill[web]'" in missing.stderr) == (2, True)


@pytest.mark.parametrize("host", ["foo..bar", f"{'a' * 70}.example", "999.1.1.1", "192.0.2.1"])
@pytest.mark.parametrize("words", [("serve", "--port", "8790"), ("mcp", "--http", "8790")])
def test_what_is_no_address_of_this_machine_is_refused(host: str, words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*words, "--host", host])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: --host is no ")


def test_an_address_without_a_port_is_refused_for_agents() -> None:
    result = CliRunner().invoke(app, ["mcp", "--host", "127.0.0.1"])
    assert (result.exit_code, result.stderr) == (2, "Error: --host applies to --http only: give a port, too\n")


def test_a_port_in_use_is_refused_before_the_server_says_that_it_runs() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        for option, command in (("--port", ("serve",)), ("--http", ("mcp",))):
            result = CliRunner().invoke(app, [*command, option, port])
            assert (result.exit_code, result.stdout) == (2, "")
            assert (
                result.stderr
                == f"Error: {option} {port} is in use at 127.0.0.1: name another port, or stop the server that uses it\n"
            )
    elsewhere = run("--host", "192.0.2.1")
    assert (elsewhere.exit_code, elsewhere.stdout) == (2, "")
    assert "Error: --host is no address of this machine: '192.0.2.1'" in elsewhere.stderr
    assert CliRunner().invoke(app, ["mcp", "--http", "70000"]).exit_code == 2
