"""Every example in the README and the docs is executed: console sessions as they are shown, and Python as doctests."""

import doctest
import shlex
from tempfile import mkdtemp

import pytest
from sybil import Document, Example, Region, Sybil
from sybil.parsers.markdown.lexers import FencedCodeBlockLexer
from typer.testing import CliRunner

from voicebill.cli import app

EMPTY_HOME = mkdtemp(prefix="voicebill-tests-")
PLAIN = {"FORCE_COLOR": None, "NO_COLOR": None, "COLUMNS": None, "TERM": "dumb", "VOICEBILL_HOME": EMPTY_HOME}
"""A terminal like any other, whatever the tests run in, and no contract of one's own."""


class Session:
    """The fenced blocks of a language, each run as a whole: examples do not lean on each other."""

    language: str

    def __call__(self, document: Document) -> list[Region]:
        """The sessions of a document."""
        regions = list(FencedCodeBlockLexer(self.language)(document))
        for region in regions:
            region.parsed = str(region.lexemes["source"])
            region.evaluator = self.evaluate
        return regions

    def evaluate(self, example: Example) -> str | None:
        """Run a block; say what differs from what it shows."""
        raise NotImplementedError


class PythonSession(Session):
    """A block of `>>>` examples."""

    language = "python"

    def evaluate(self, example: Example) -> str | None:
        """Run the examples as one doctest."""
        test = doctest.DocTestParser().get_doctest(str(example.parsed), {}, example.path, example.path, example.line)
        said: list[str] = []
        doctest.DocTestRunner(verbose=False).run(test, out=said.append)
        return "".join(said) or None


class ConsoleSession(Session):
    """A block of `$ voicebill …` commands, each with the output that it must give."""

    language = "console"

    def evaluate(self, example: Example) -> str | None:
        """Run the commands; say what differs."""
        for shown in str(example.parsed).split("$ ")[1:]:
            command, _, expected = shown.replace("\\\n", " ").partition("\n")
            words = shlex.split(command, comments=True)
            if words[:1] != ["voicebill"]:
                return f"only voicebill's own commands are executed, not {command!r}"
            result = CliRunner(env=PLAIN).invoke(app, words[1:])
            if printed(result.output) != printed(expected):
                return f"{command}\nprinted:\n{printed(result.output)}\nand not:\n{printed(expected)}"
        return None


def printed(text: str) -> str:
    """An output without what cannot be seen."""
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


pytest_collect_file = Sybil(
    parsers=[ConsoleSession(), PythonSession()],
    patterns=["README.md", "docs/*.md", "CONTRIBUTING.md"],
).pytest()


@pytest.fixture(autouse=True)
def _plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Output is the same whatever terminal the tests run in."""
    for name in ("FORCE_COLOR", "NO_COLOR", "COLUMNS", "TERMINAL_WIDTH", "_TYPER_FORCE_DISABLE_TERMINAL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("VOICEBILL_HOME", EMPTY_HOME)
