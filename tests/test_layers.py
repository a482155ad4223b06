"""The middle thinks: billing, conversation and answers know no clock, no file, no network and no chance."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "voicebill"
THINKING = sorted(file for folder in ("billing", "conversation", "answers") for file in (PACKAGE / folder).rglob("*.py"))

ALLOWED = {
    "bisect",
    "calendar",
    "collections",
    "dataclasses",
    "datetime",
    "decimal",
    "difflib",
    "fractions",
    "functools",
    "hashlib",
    "itertools",
    "math",
    "operator",
    "re",
    "typing",
    "voicebill",
}
CLOCKS = {"today", "now", "utcnow", "fromtimestamp", "time", "perf_counter", "monotonic"}
FILES = {"open", "print", "input", "exec", "eval", "__import__"}


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def called(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.func.attr
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id


@pytest.mark.parametrize("file", THINKING, ids=lambda file: file.relative_to(PACKAGE).as_posix())
def test_a_thinking_module_imports_and_calls_nothing_from_outside(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    assert {module.partition(".")[0] for module in imported(tree)} <= ALLOWED
    assert not {module for module in imported(tree) if module.startswith("voicebill.facts")}
    assert not set(called(tree)) & (CLOCKS | FILES)


def test_the_check_sees_what_it_is_for() -> None:
    guilty = ast.parse("import random\nfrom datetime import date\ndate.today()\nopen('x')")
    assert "random" in set(imported(guilty))
    assert {"today", "open"} <= set(called(guilty))


def test_the_clock_is_read_in_one_place() -> None:
    read = {
        (file.relative_to(PACKAGE).as_posix(), node.func.attr)
        for file in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCKS
    }
    how_long = ("web/guard.py", "perf_counter")  # for the log alone
    assert read - {how_long} == {("cli/options.py", "now")}
