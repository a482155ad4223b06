"""Run every example of the README and the docs: console sessions with the output shown, and Python as doctests."""

import atexit
import doctest
import gc
import ipaddress
import os
import shlex
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from tempfile import mkdtemp

import hypothesis
import pytest
from sybil import Document, Example, Region, Sybil
from sybil.parsers.markdown.lexers import FencedCodeBlockLexer
from typer.testing import CliRunner

from voicebill.billing.errors import VoicebillError
from voicebill.cli.app import app
from voicebill.facts.load import prepare_facts
from voicebill.facts.prepared import read_prepared

hypothesis.settings.register_profile("voicebill", deadline=None)  # a timing is never a test
hypothesis.settings.load_profile("voicebill")

EMPTY_HOME = mkdtemp(prefix="voicebill-tests-")
PLAIN_TERMINAL = {"FORCE_COLOR": None, "NO_COLOR": None, "COLUMNS": None, "TERM": "dumb", "VOICEBILL_HOME": EMPTY_HOME}
"""A plain terminal, whatever the tests run in, and no price file of the user's own."""

SLOW_FILES = (
    *("web/test_every_page", "web/test_browser", "sessions/test_fit", "test_drive", "fuzz/test_fuzzers", "web/test_openapi"),
    *(
        "engines/test_",
        "web/test_live_pages",
        "web/test_calculator",
        "web/test_usage_logs",
        "web/test_chart_renderer",
        "cli/test_closed_output",
    ),
    *(
        "sessions/test_cache_losses",
        "test_ended_models",
        "web/test_inline_charts",
        "web/test_pages",
        "web/test_comparison_page",
    ),
    *("web/test_price_pages", "web/test_embedding", "web/test_memory", "web/test_work", "web/routes/test_co", "test_reconcile"),
    *("cli/commands/test_replay", "cli/commands/test_explain", "cli/test_startup", "cli/display/test_narrow", "logs/test_fuzz"),
    *("mcp/test_server", "test_escaping", "test_layers", "test_conformance", "test_generated_logs"),
)
"""Files whose tests take longest. They start first, so that no core waits for one of them at the end."""

# At interpreter exit DuckDB's binding lists objects that other libraries still reference on standard error; no test needs it.
atexit.register(os.dup2, os.open(os.devnull, os.O_WRONLY), 2)


class Session:
    """The fenced blocks of a language. Each block runs on its own: no example depends on another block."""

    language: str

    def __call__(self, document: Document) -> list[Region]:
        """Return a region for each block of a document."""
        regions = list(FencedCodeBlockLexer(self.language)(document))
        for region in regions:
            region.parsed = str(region.lexemes["source"])
            region.evaluator = self.evaluate
        return regions

    def evaluate(self, example: Example) -> str | None:
        """Run a block. Return what differs from the output shown, or None."""
        raise NotImplementedError


class PythonSession(Session):
    """A block of `>>>` examples."""

    language = "python"

    def evaluate(self, example: Example) -> str | None:
        """Run the examples as one doctest. Return its failures, or None."""
        test = doctest.DocTestParser().get_doctest(str(example.parsed), {}, example.path, example.path, example.line)
        output: list[str] = []
        doctest.DocTestRunner(verbose=False).run(test, out=output.append)
        return "".join(output) or None


class ConsoleSession(Session):
    """A block of `$ voicebill …` commands, each followed by the output that it must print.

    A last line `...` in the expected output stands for any further lines, at least one.
    """

    language = "console"

    def evaluate(self, example: Example) -> str | None:
        """Run the commands. Return the first output that differs, or None."""
        for block in str(example.parsed).split("$ ")[1:]:
            command, _, expected = block.replace("\\\n", " ").partition("\n")
            words = shlex.split(command, comments=True)
            if words[:1] != ["voicebill"]:
                return f"only commands of voicebill are executed, not {command!r}"
            result = CliRunner(env=PLAIN_TERMINAL).invoke(app, words[1:])
            if not is_shown_output(visible_text(result.output), visible_text(expected)):
                return f"{command}\nprinted:\n{visible_text(result.output)}\ninstead of:\n{visible_text(expected)}"
        return None


def is_shown_output(output: str, expected: str) -> bool:
    """Whether an output is the expected one, or continues it where a last line `...` stands for further lines."""
    beginning, shortened, rest = f"{expected}\n".partition("\n...\n")
    return output == expected if not shortened else not rest.strip() and output.startswith(f"{beginning}\n")


def visible_text(text: str) -> str:
    """Return an output without trailing spaces and without empty lines around it."""
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


pytest_collect_file = Sybil(
    parsers=[ConsoleSession(), PythonSession()],
    patterns=["README.md", "docs/*.md", "CONTRIBUTING.md"],
).pytest()


def pytest_configure(config: pytest.Config) -> None:
    """Prepare facts that have changed since the installation prepared them: else every command of a test reads all files."""
    if not hasattr(config, "workerinput") and read_prepared() is None:
        with suppress(VoicebillError, OSError):  # the tests say what is wrong with a file
            prepare_facts()


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Check that each test has a unique identifier, let pytest-randomly shuffle, and put slow files first.

    pytest-xdist runs only one of several tests with the same identifier.
    """
    repeated = [name for name, count in Counter(item.nodeid for item in items).items() if count > 1]
    if repeated:
        raise pytest.UsageError(f"several tests have the identifier {repeated[0]}; only one of them would run")
    yield
    items.sort(key=lambda item: next((rank for rank, name in enumerate(SLOW_FILES) if name in item.nodeid), len(SLOW_FILES)))


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    """Collect without garbage collection, which takes a quarter of the time and finds next to nothing."""
    gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Keep what is imported and collected out of every later garbage collection: it stays until the end anyway.

    Later collections are seldom: as often as by default, they would take a seventh of all time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Report at the end how many tests were skipped and why, with the command that installs what is missing."""
    reasons = Counter(
        report.longrepr[2].removeprefix("Skipped: ")
        for report in terminalreporter.getreports("skipped")
        if isinstance(report.longrepr, tuple)
    )
    for reason, count in reasons.most_common():
        terminalreporter.write_line(f"skipped {count} {'test' if count == 1 else 'tests'}: {reason}")


@pytest.fixture(autouse=True)
def _plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the output independent of the terminal that the tests run in."""
    for name in ("FORCE_COLOR", "NO_COLOR", "COLUMNS", "TERMINAL_WIDTH", "_TYPER_FORCE_DISABLE_TERMINAL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("VOICEBILL_HOME", EMPTY_HOME)


_look_up = socket.getaddrinfo


def look_up_here(host: str | bytes | None, port: int | str | None, *args: int, **options: int) -> object:
    """Look up an address, or this machine; a name that would be looked up elsewhere fails the test, in its own process."""
    name = host.decode() if isinstance(host, bytes) else host or "localhost"
    name.encode("idna")  # a name that is none is refused as ever, without being looked up
    is_numeric = bool((args[3] if len(args) > 3 else options.get("flags", 0)) & socket.AI_NUMERICHOST)
    assert name.lower() == "localhost" or is_numeric or is_address(name), f"{name} may be looked up beyond this machine"
    return _look_up(host, port, *args, **options)


def is_address(name: str) -> bool:
    """Whether a name is the number of a machine."""
    with suppress(ValueError):
        return bool(ipaddress.ip_address(name))
    return False


@pytest.fixture(autouse=True, scope="session")
def _nothing_is_looked_up() -> Iterator[None]:
    """Fail a test that looks up another machine, for which it would wait for seconds where there is no network."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", look_up_here)
        yield
