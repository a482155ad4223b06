"""The middle thinks: billing, conversation and answers know no clock, no file, no network and no chance."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.syntax import syntax_tree

PACKAGE = Path(__file__).parents[1] / "src" / "voicebill"
CORE_FILES = sorted(file for folder in ("billing", "conversation", "answers") for file in (PACKAGE / folder).rglob("*.py"))

ALLOWED = {
    "abc",
    "bisect",
    "calendar",
    "collections",
    "contextlib",
    "dataclasses",
    "contextvars",
    "csv",
    "datetime",
    "decimal",
    "difflib",
    "enum",
    "fractions",
    "functools",
    "hashlib",
    "importlib",
    "inspect",
    "html",
    "io",
    "itertools",
    "json",
    "math",
    "operator",
    "re",
    "statistics",
    "types",
    "typing",
    "voicebill",
}
CLOCKS = {"today", "now", "utcnow", "fromtimestamp", "time", "perf_counter", "monotonic"}
FILES = {"open", "print", "input", "exec", "eval", "__import__"}


def imported_modules(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def called_names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.func.attr
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id


@pytest.mark.parametrize("file", CORE_FILES, ids=lambda file: file.relative_to(PACKAGE).as_posix())
def test_a_thinking_module_imports_and_calls_nothing_from_outside(file: Path) -> None:
    tree = syntax_tree(file)
    assert {module.partition(".")[0] for module in imported_modules(tree)} <= ALLOWED
    assert not {module for module in imported_modules(tree) if module.startswith("voicebill.facts")}
    assert not set(called_names(tree)) & (CLOCKS | FILES)


def test_the_check_sees_what_it_is_for() -> None:
    guilty = ast.parse("import random\nfrom datetime import date\ndate.today()\nopen('x')")
    assert "random" in set(imported_modules(guilty))
    assert {"today", "open"} <= set(called_names(guilty))


def test_the_clock_is_read_in_one_place() -> None:
    clock_reads = {
        (file.relative_to(PACKAGE).as_posix(), node.func.attr)
        for file in PACKAGE.rglob("*.py")
        for node in ast.walk(syntax_tree(file))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in CLOCKS
        and not (node.func.attr == "today" and ast.unparse(node.func.value) not in ("date", "datetime"))
    }
    durations = {("web/limits_middleware.py", "perf_counter"), ("web/connections.py", "time")}  # for the log, and for deadlines
    assert clock_reads - durations == {("cli/options/shared.py", "now")}


BARE = """
import sys
sys.modules.update(dict.fromkeys(("duckdb", "msgspec", "pyarrow", "pyspark", "lets_plot", "fastapi", "splintr")))
"""
"""An interpreter in which no extra can be imported."""


def run_bare(code: str) -> str:
    result = subprocess.run([sys.executable, "-W", "error", "-c", BARE + code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_without_any_extra_conversations_are_estimated_simulated_and_compared() -> None:
    """An estimate and a simulation in Python, and every command of that half on the command line."""
    code = """
from datetime import date
import voicebill
plan, asked = voicebill.Plan(minutes=1, turns=2), voicebill.ModelSelection(model="gpt-realtime", day=date(2026, 11, 22))
print(voicebill.estimate(plan, asked, voicebill.load_facts()).per_conversation.expected > 0)
from typer.testing import CliRunner
from voicebill.cli.app import app
minute = ["--minutes", "1", "--turns", "2", "--day", "2026-11-22"]
load = ["--calls-per-minute", "9", "--prompt-tokens", "9", "--response-tokens", "9", "--day", "2026-11-22"]
calls = ["capacity", *minute, "--calls-per-hour", "9"]
plans = [["estimate", "--model", "gpt-realtime", *minute], ["compare", *minute], calls]
asked = [*plans, ["prices"], ["rules"], ["cost", "--help"], ["ptu", "--model", "gpt-5.2", *load]]
print(*(CliRunner().invoke(app, each).exit_code for each in asked))
"""
    assert run_bare(code).split() == ["True", *"0000000"]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("voicebill.read_log", "reading logs needs the extra 'logs': pip install 'voicebill[logs]'"),
        ("voicebill.logs.report", "reading logs needs the extra 'logs': pip install 'voicebill[logs]'"),
        ("voicebill.DuckDBEngine", "costing logs needs the extra 'logs': pip install 'voicebill[logs]'"),
        ("voicebill.engines.in_spark", "costing logs needs the extra 'logs': pip install 'voicebill[logs]'"),
    ],
)
def test_what_needs_an_extra_says_which(target: str, message: str) -> None:
    """In Python, by name and by module."""
    home, _, name = target.rpartition(".")
    code = f"""
import importlib, voicebill
try:
    getattr(voicebill, {name!r}) if {home!r} == "voicebill" else importlib.import_module({target!r})
except voicebill.VoicebillError as error:
    print(error)
"""
    assert run_bare(code) == message


def test_the_command_line_says_which_extra_reading_logs_needs() -> None:
    """In a sentence, with the exit code of a wrong question."""
    code = """
from typer.testing import CliRunner
from voicebill.cli.app import app
result = CliRunner().invoke(app, ["cost", "a.jsonl"])
print(result.exit_code, result.output)
"""
    assert run_bare(code) == "2 Error: reading logs needs the extra 'logs': pip install 'voicebill[logs]'"


TESTS = Path(__file__).parent
TEST_FILES = sorted(TESTS.rglob("*.py"))


def imported_tests(tree: ast.AST) -> list[str]:
    """The test modules that a module imports, or imports from."""
    names = [
        *imported_modules(tree),
        *(f"{node.module}.{alias.name}" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names),
    ]
    return [name for name in names if any(part.startswith("test_") for part in name.split(".")) and name.startswith("tests.")]


@pytest.mark.parametrize("file", TEST_FILES, ids=lambda file: file.relative_to(TESTS).as_posix())
def test_tests_share_helpers_and_not_each_other(file: Path) -> None:
    """What several test modules use is in a module beside them: a test module can then be moved, split or run by itself."""
    assert imported_tests(syntax_tree(file)) == []


def test_the_check_of_shared_helpers_sees_what_it_is_for() -> None:
    guilty = "from tests.a.test_b import C\nfrom tests.a import test_d\nimport tests.test_e\nfrom tests.cases import DAY"
    assert imported_tests(ast.parse(guilty)) == ["tests.a.test_b", "tests.test_e", "tests.a.test_b.C", "tests.a.test_d"]


HEAVY = {
    *("load_facts", "resolve_model", "rules_for", "create_app"),
    *("estimate", "simulate", "compare", "alternatives", "plan_capacity", "size_ptus", "cost", "break_even", "sweep"),
    *("sensitivity", "recommendations", "available_offers", "plan_costs", "run_conversation", "count_population"),
}
"""Functions that read files or calculate an answer."""

CALCULATED_AT_IMPORT = {
    "tests/conversation/scripts.py": {"rules_of"},  # three rows of rules, used by most tests of the folder
}


def calls_at_import(tree: ast.Module) -> set[str]:
    """The functions that importing a module calls, as its own heavy ones; what a lambda or a function calls, it does not."""
    own = {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and (HEAVY & set(called_names(node)) or node.name in HEAVY)
    }

    def visit(node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for part in (*node.decorator_list, *node.args.defaults, *(part for part in node.args.kw_defaults if part)):
                yield from visit(part)
        elif not isinstance(node, ast.Lambda):
            if isinstance(node, ast.Call):
                yield node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            for child in ast.iter_child_nodes(node):
                yield from visit(child)

    return set(visit(tree)) & (HEAVY | own)


@pytest.mark.parametrize(
    "file",
    [*TEST_FILES, *sorted(PACKAGE.rglob("*.py"))],
    ids=lambda file: file.relative_to(PACKAGE.parents[1]).as_posix(),
)
def test_nothing_is_calculated_at_import(file: Path) -> None:
    """Collecting tests and starting the command line read no facts and run no estimates: a function does, once it is called."""
    name = file.relative_to(PACKAGE.parents[1]).as_posix()
    assert calls_at_import(syntax_tree(file)) == CALCULATED_AT_IMPORT.get(name, set())


@pytest.mark.parametrize(
    ("code", "calls"),
    [
        ("FACTS = load_facts()", {"load_facts"}),
        ("BOOK = facts.load_facts().prices", {"load_facts"}),
        ("def of(x):\n    return estimate(x)\nA = of(1)", {"of"}),
        ("@pytest.mark.parametrize('x', [compare(1)])\ndef test(x): ...", {"compare"}),
        ("def of(x=load_facts()): ...", {"load_facts"}),
        ("class A:\n    facts = load_facts()", {"load_facts"}),
        ("def of():\n    return load_facts()\nLAZY = lambda: of()", set()),
    ],
)
def test_the_check_of_imports_sees_what_it_is_for(code: str, calls: set[str]) -> None:
    assert calls_at_import(ast.parse(code)) == calls
