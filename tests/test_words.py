"""The words of this package are those of its field: docs/glossary.md says which, and these tests hold it."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.syntax import syntax_tree

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "voicebill"
MODULES = sorted(PACKAGE.rglob("*.py"))
ALL_CODE = [
    *MODULES,
    *sorted((ROOT / "tests").rglob("*.py")),
    *sorted((ROOT / "benchmarks").glob("*.py")),
    *sorted((ROOT / "drive").glob("*.py")),
    ROOT / "conftest.py",
]

VAGUE_WORDS = frozenset(
    [
        "said",
        "told",
        "held",
        "sold",
        "found",
        "heard",
        "way",
        "ways",
        "talk",
        "beside",
        "each",
        "whole",
        "known",
        "given",
        "stated",
        "asked",
        "wanted",
        "seldom",
        "apart",
        "together",
    ]
)
"""Words that do not tell what a name holds: the type's name, or the field's term, does."""

VAGUE_BUT_MEANT: dict[str, str] = {}
"""Names that keep such a word, each with its reason."""

SHARED_TOP_LEVEL: dict[str, str] = {
    "NAME": "every log format declares it: the protocol of logs/read.py",
    "ABOUT": "every log format declares it: the protocol of logs/read.py",
    "matches": "every log format declares it: the protocol of logs/read.py",
    "read": "every log format declares it: the protocol of logs/read.py",
    "routes": "every page declares it: what web/app.py puts together",
}
"""Public top-level names that stand in more than one module, each with its reason."""

MAX_EXCEPTION_SHARE = 0.01
"""The share of names that may be exceptions."""


def bound_names(tree: ast.AST) -> Iterator[str]:
    """Every name that code binds: variables, parameters, functions, classes, aliases, captured patterns and errors."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.arg(arg=name):
                yield name
            case ast.alias(asname=str(name)):
                yield name
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name
            case ast.Attribute(attr=name, ctx=ast.Store()):
                yield name
            case _:
                pass


def words(name: str) -> set[str]:
    """The words that a name is made of: snake_case, CamelCase and SCREAMING_CASE alike."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)}


def vague(names: Iterator[str]) -> list[str]:
    """The names that hold a vague word. A test's own name is a sentence, and may."""
    return [name for name in names if not name.startswith("test_") and words(name) & VAGUE_WORDS]


def names_of(file: Path) -> Iterator[str]:
    return bound_names(syntax_tree(file))


def public_top_level(tree: ast.Module) -> Iterator[str]:
    """The public names that a module defines itself."""
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names = [name]
            case ast.Assign(targets=targets):
                names = [target.id for target in targets if isinstance(target, ast.Name)]
            case ast.AnnAssign(target=ast.Name(id=name)):
                names = [name]
            case _:
                names = []
        yield from (name for name in names if not name.startswith("_"))


def test_no_name_is_made_of_words_that_say_nothing() -> None:
    total, exceptions = 0, defaultdict(list)
    for file in ALL_CODE:
        names = list(names_of(file))
        total += len(names)
        for name in vague(iter(names)):
            exceptions[name].append(file.relative_to(ROOT).as_posix())
    unexplained = {name: files for name, files in exceptions.items() if name not in VAGUE_BUT_MEANT}
    assert not unexplained
    assert set(VAGUE_BUT_MEANT) == set(exceptions), "an exception that nothing needs any more"
    assert sum(len(files) for files in exceptions.values()) <= MAX_EXCEPTION_SHARE * total


def test_a_public_name_means_one_thing() -> None:
    homes = defaultdict(list)
    for file in MODULES:
        for name in set(public_top_level(syntax_tree(file))):
            homes[name].append(file.relative_to(PACKAGE).as_posix())
    shared = {name: files for name, files in homes.items() if len(files) > 1}
    assert {name: files for name, files in shared.items() if name not in SHARED_TOP_LEVEL} == {}
    assert set(SHARED_TOP_LEVEL) == set(shared), "an exception that nothing needs any more"
    assert len(shared) <= MAX_EXCEPTION_SHARE * len(homes)


def test_no_class_is_named_by_a_participle() -> None:
    participles = re.compile(
        r"^_?(?:Asked|Offered|Wanted|Told|Held|Carried|Counted|Billed|Heard|Priced|Placed|Costed|Listed|Weighed|Taken|Refused|Scripted|Found|Sold|Given|Stated|Settled)$"
    )
    classes = {node.name for file in ALL_CODE for node in ast.walk(syntax_tree(file)) if isinstance(node, ast.ClassDef)}
    assert not {name for name in classes if participles.match(name)}


RENAMED_PHRASES = (
    r"\bMind\b(?! Map)",
    r"\bAssumed$",
    r"Where it goes",
    r"[Tt]he way there",
    r"\baltogether\b",
    r"(?i)\bholds? the conversation\b",
    r"(?i)does less, or something else",
    r"(?i)differs in kind",
    r"\bAnswers after\b",
    r"wait not known",
    r"history assumed",
    r"\bunproven\b",
    r"Refused at most",
    r"Or: answered",
    r"spread blindly",
    r"(?:Prompt|Reasoning|Arguments|Result|Tool schemas), tokens",
    r"Nobody speaks",
    r"Heard of these",
    r"Replies broken off",
    r"take[s]? for granted",
    r"Pays from",
    r"did cost",
    r"and what is unpriced",
    r"he rounds a call up",
    r"ranking flips",
    r"--(?:flip|between|levers|page|look|picture|plot|rule|length-spread|refused|minutes-over|request-is|keep-turns|fee|carrier-seconds|ptus|use|reuse|warm|carry|heard-share)\b(?!-)",
)
"""What people used to read, before it was said plainly."""

READ_BY_PEOPLE = sorted(
    file
    for pattern in ("README.md", "CONTRIBUTING.md", "docs/**/*.md", "src/**/*.html", "src/**/*.js", "src/**/*.toml")
    for file in ROOT.glob(pattern)
    if file.name != "glossary.md"
)


def strings(tree: ast.AST) -> Iterator[str]:
    """Every text in code, docstrings too."""
    return (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))


@cache
def texts_read_by_people() -> dict[Path, list[str]]:
    """The pages as they are, and of code its texts."""
    pages = {file: [file.read_text(encoding="utf-8")] for file in READ_BY_PEOPLE}
    return pages | {file: list(strings(syntax_tree(file))) for file in MODULES}


@pytest.mark.parametrize("phrase", RENAMED_PHRASES)
def test_a_renamed_phrase_is_nowhere_to_be_read(phrase: str) -> None:
    pattern = re.compile(phrase, re.MULTILINE)
    remaining = [
        f"{file.relative_to(ROOT)}: {text[max(0, match.start() - 30) : match.end() + 30]!r}"
        for file, parts in texts_read_by_people().items()
        for text in parts
        for match in pattern.finditer(text)
    ]
    assert not remaining


def test_the_checks_see_what_they_are_for() -> None:
    guilty = ast.parse("class Told: ...\ndef f(held): \n for each in held: x = [said for said in y]\nimport a as ways")
    assert sorted(vague(bound_names(guilty))) == ["Told", "each", "held", "said", "ways"]
    assert list(public_top_level(ast.parse("A = 1\nb: int = 2\n_c = 3\ndef d(): ...\nclass E: ..."))) == ["A", "b", "d", "E"]
