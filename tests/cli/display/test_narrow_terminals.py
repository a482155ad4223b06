"""Every table of every command on narrow terminals and in pipes: all names and figures are there, and no amount is cut."""

import io
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cases import long_but
from tests.cli.invoke import run
from voicebill.cli.display import terminal

ON = ("--day", "2026-11-22")
PLAN = ("--minutes", "6", "--turns", "20", *ON)
LONG_NAMES = """timestamp,tenant,session_id,provider,model,text_in,audio_out
2026-11-20T10:00:00Z,globex-insurance-claims-emea-0-5d1c7a90,0d9e6f2a-7c31-4b58-a1f4-93b7c2d8e610,openai,gpt-realtime-1.5,1000,900000
2026-11-21T10:00:00Z,globex-insurance-claims-emea-1-5d1c7a90,0d9e6f2a-7c31-4b58-a1f4-93b7c2d8e611,openai,gpt-realtime-1.5,2000,7
"""
COMMANDS = {
    "cost by two fields": ("cost", "LOG", "--by", "tenant,session"),
    "cost by meter, exact": ("cost", "LOG", "--by", "tenant,model,meter", "--exact"),
    "bill, unpriced usage and percentiles": ("cost", "docs/examples/support-day.jsonl"),
    "estimate with lines": ("estimate", *PLAN, "--lines", "--conversations", "30000/month"),
    "estimate with fees": (
        "estimate",
        *PLAN,
        "--transport",
        "sip",
        "--carrier-per-minute",
        "0.0085",
        "--egress-per-gb",
        "0.09",
    ),
    "sensitivity": ("estimate", *PLAN, "--tool-calls", "3", "--sensitivity"),
    "truncation": ("estimate", *PLAN, "--min-remembered-turns", "3"),
    "compare": ("compare", *PLAN),
    "calculator": ("compare", *PLAN, "--calculator", "--model", "gpt-realtime-1.5"),
    "break-even": ("compare", *PLAN, "--model", "gpt-realtime-1.5", "--stack", "gpt-live-1.1", "--break-even", "minutes"),
    "pipelines": ("compare", *PLAN, "--pipelines", "3"),
    "capacity": ("capacity", *PLAN, "--conversations", "30000/month"),
    "ptu": (
        "ptu",
        "--model",
        "gpt-4.1",
        *ON,
        "--calls-per-minute",
        "500",
        "--prompt-tokens",
        "3000",
        "--response-tokens",
        "200",
    ),
    "simulate": ("simulate", "docs/examples/support-call.toml"),
    "prices": ("prices", *ON),
    "history of a price": ("prices", "gpt-realtime-mini"),
    "rules": ("rules", "gpt-realtime", *ON),
}
FIGURE = re.compile(r"[+-]?\$\d[\d,.]*\d|\d[\d,.]*%|\d+(?:\.\d+)?/\d[\d./]*\d")
"""Amounts, shares and the prices in lists."""
RULES_AND_BARS = re.compile(r"[\s─·█▏]")


@pytest.fixture
def print_at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[tuple[str, ...], int | None], str]:
    """A function that gives what a command prints on a terminal of a width, or in a pipe."""
    monkeypatch.setenv("TERM", "xterm")
    log = tmp_path / "rows.csv"
    log.write_text(LONG_NAMES, encoding="utf-8")

    def print_command(words: tuple[str, ...], width: int | None) -> str:
        file = io.StringIO()

        def console(*, exact: bool = False) -> terminal.PlainConsole:
            terminal._EXACT.set(exact)
            return terminal.PlainConsole(file=file, width=width, force_terminal=True, color_system=None, highlight=False)

        with monkeypatch.context() as patch:
            if width is not None:
                patch.setattr(terminal, "console", console)
                patch.setattr(terminal, "_console_width", lambda: width)
            result = run(*(str(log) if word == "LOG" else word for word in words))
        assert result.exit_code == 0, result.output
        return result.stdout if width is None else file.getvalue()

    return print_command


@pytest.mark.parametrize("name", long_but(COMMANDS.keys() - {"pipelines"}, COMMANDS))
def test_nothing_is_lost_on_a_narrow_terminal(name: str, print_at: Callable[[tuple[str, ...], int | None], str]) -> None:
    """Compared with a terminal of 100 columns, where all fits: every figure, and every letter of every name."""
    words = COMMANDS[name]
    wide = print_at(words, 100)
    assert "$" in wide or words[0] in ("prices", "rules", "capacity")
    for width in (40, 60):
        narrow = print_at(words, width)
        assert max(len(line.rstrip()) for line in narrow.splitlines()) <= width
        assert Counter(FIGURE.findall(wide)) - Counter(FIGURE.findall(narrow)) == Counter()
        assert Counter(RULES_AND_BARS.sub("", wide)) - Counter(RULES_AND_BARS.sub("", narrow)) == Counter()
        assert "…" not in narrow


@pytest.mark.parametrize("name", long_but(COMMANDS.keys() - {"pipelines"}, COMMANDS))
def test_nothing_is_lost_in_a_pipe(name: str, print_at: Callable[[tuple[str, ...], int | None], str]) -> None:
    """A pipe has no width: names are on one line."""
    wide, piped = print_at(COMMANDS[name], 100), print_at(COMMANDS[name], None)
    assert Counter(FIGURE.findall(wide)) - Counter(FIGURE.findall(piped)) == Counter()
    assert Counter(RULES_AND_BARS.sub("", wide)) - Counter(RULES_AND_BARS.sub("", piped)) == Counter()
    assert "…" not in piped


def test_names_of_groups_are_on_one_line_in_a_pipe(print_at: Callable[[tuple[str, ...], int | None], str]) -> None:
    """Two tenants and sessions that differ in their last letters."""
    piped = print_at(COMMANDS["cost by two fields"], None)
    for row in LONG_NAMES.splitlines()[1:]:
        _, tenant, session, *_ = row.split(",")
        assert re.search(rf"{tenant} +{session} .*\$", piped)
