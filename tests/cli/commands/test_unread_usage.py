"""Usage that was not read: the commands say it, end with exit code 3, and the ledger keeps it."""

import json
from pathlib import Path

from tests.cli.invoke import run

READ = (
    '{"type": "response.done", "response": {"id": "resp_1", "status": "completed", "usage": {"input_tokens": 55, '
    '"output_tokens": 0, "input_token_details": {"text_tokens": 55}}}}\n'
)
UNREAD = '{"message": "turn", "inputTokens": 789, "outputTokens": 32}\n'
ON = ("--model", "gpt-realtime", "--provider", "openai", "--deployment", "global", "--day", "2026-11-22")


def log(folder: Path, text: str) -> str:
    folder.mkdir(exist_ok=True)
    file = folder / "calls.jsonl"
    file.write_text(text)
    return str(file)


def test_an_incomplete_cost_says_so_and_exits_with_3_unless_that_is_accepted(tmp_path: Path) -> None:
    """55 text tokens at $4 a million are $0.00022; the second line's tokens are not in it."""
    file = log(tmp_path / "logs", READ + UNREAD)
    result = run("cost", file, *ON)
    assert result.exit_code == 3
    shown = " ".join(result.stdout.split())
    assert "1 record on 2026-11-22: $0.000220 + usage that was not read" in shown
    assert "incomplete: 1 item shows usage that was not read; it is" in shown
    assert "line 2: inputTokens 789, outputTokens 32" in shown
    accepted = run("cost", file, *ON, "--allow-unread", "--json")
    document = json.loads(accepted.stdout)
    assert (accepted.exit_code, document["status"], document["total"]["status"]) == (0, "incomplete", "incomplete")
    assert (document["total"]["low"], document["total"]["dollars"]) == ("0.00022", None)
    assert document["unread_usage"] == {
        "items": 1,
        "source": file,
        "line": 2,
        "counts": {"inputTokens": 789, "outputTokens": 32},
    }


def test_nothing_read_is_not_nothing_to_cost(tmp_path: Path) -> None:
    result = run("cost", log(tmp_path / "logs", UNREAD), "--format", "realtime")
    assert result.exit_code == 3
    assert "0 records: no usage was read, although the logs show some" in " ".join(result.stdout.split())


def test_a_ledger_keeps_what_was_not_read_until_the_log_is_read_completely(tmp_path: Path) -> None:
    ledger = ("--ledger", str(tmp_path / "ledger"))
    file = log(tmp_path / "logs", READ + "{}\n" + UNREAD)
    for _ in range(2):
        assert run("record", file, *ON, *ledger).exit_code == 3
    costed = run("cost", *ledger, "--json")
    assert (costed.exit_code, json.loads(costed.stdout)["unread_usage"]["items"]) == (3, 1)
    assert run("cost", *ledger, "--allow-unread").exit_code == 0
    other = log(tmp_path / "others", READ.replace("resp_1", "resp_2") + "{}\n" + UNREAD)
    recorded = run("record", other, *ON, *ledger, "--allow-unread", "--json")
    assert (recorded.exit_code, json.loads(recorded.stdout)["status"]) == (0, "incomplete")
    assert json.loads(run("cost", *ledger, "--json").stdout)["unread_usage"]["items"] == 2
    for text, folder in ((READ, "logs"), (READ.replace("resp_1", "resp_2"), "others")):
        assert run("record", log(tmp_path / folder, text + "{}\n"), *ON, *ledger).exit_code == 0
    assert run("cost", *ledger).exit_code == 0


def test_a_ledger_keeps_the_usage_of_a_file_of_no_known_format_until_it_is_read(tmp_path: Path) -> None:
    """A file is the same log as long as its first two lines are: here they are empty objects."""
    ledger = ("--ledger", str(tmp_path / "ledger"))
    files = [log(tmp_path / "logs", READ), log(tmp_path / "others", "{}\n{}\n" + UNREAD * 6)]
    assert run("record", *files, *ON, *ledger).exit_code == 3
    costed = run("cost", *ledger, "--json")
    assert (costed.exit_code, json.loads(costed.stdout)["unread_usage"]["items"]) == (3, 6)
    log(tmp_path / "others", "{}\n{}\n" + READ.replace("resp_1", "resp_2"))
    assert run("record", *files, *ON, *ledger).exit_code == 0
    assert run("cost", *ledger).exit_code == 0
