"""Seeded fuzzing of all inputs: a second or so of each fuzzer here, and long in `make test-long`."""

import re
from random import Random
from typing import Any

import pytest

from tests.fuzz.commands import DECLARED, FILE_OPTIONS, NOT_INVENTED, options_of
from tests.fuzz.fuzzer import Failed, Fuzzer
from tests.fuzz.registry import FUZZERS
from tests.fuzz.requests import methods_by_path
from tests.fuzz.values import KIND_TEXTS, is_read, right_texts
from voicebill.answers.parameters import kinds
from voicebill.cli.app import COMMANDS, load_command
from voicebill.cli.options.inputs import option_name

FIRST_SEED = 20_261_128
SHORT: dict[str, int] = {"commands": 30, "requests": 100, "logs": 4, "readers": 300, "files": 30}
"""The number of inputs of the short runs: about a second each."""
LONG: dict[str, int] = {"commands": 190, "requests": 650, "logs": 32, "readers": 2_100, "files": 320}
"""The number of inputs of the long runs: some ten to twenty seconds each."""

EVERY_FUZZER = pytest.mark.parametrize("name", FUZZERS)


def run(name: str, cases: int, first_seed: int) -> None:
    """Check inputs; a tenth of them at least must be answered, so that answers are tested."""
    fuzzer = FUZZERS[name]
    fuzzer.outcomes.clear()
    for seed in range(first_seed, first_seed + cases):
        fuzzer.try_seed(seed)
    assert sum(fuzzer.outcomes[word] for word in fuzzer.answered) >= cases / 10, fuzzer.outcomes


@EVERY_FUZZER
def test_what_must_always_hold_holds(name: str) -> None:
    run(name, SHORT[name], FIRST_SEED)


@pytest.mark.long
@EVERY_FUZZER
def test_what_must_always_hold_holds_for_long(name: str) -> None:
    run(name, LONG[name], FIRST_SEED + 10**6)


@EVERY_FUZZER
def test_a_seed_always_makes_the_same_input(name: str) -> None:
    make = FUZZERS[name].make
    assert all(make(Random(seed)) == make(Random(seed)) for seed in range(20))


def test_a_failure_has_its_seed_and_the_smallest_input() -> None:
    """Of all inputs with a 7 in them, the smallest is the 7 alone."""

    def check(case: dict[str, Any]) -> str:
        assert 7 not in case["numbers"], "has a 7"
        return "answered"

    fuzzer = Fuzzer("sevens", lambda random: {"numbers": [random.randrange(10) for _ in range(50)]}, check, ("answered",))
    with pytest.raises(Failed, match=r"python -m tests.fuzz sevens --seed 3 --cases 1\n.*\n\{'numbers': \[7\]\}") as caught:
        fuzzer.try_seed(3)
    assert re.search(r"AssertionError, .*test_fuzzers.py, line \d+: has a 7", str(caught.value))


def test_every_option_of_every_command_is_invented_or_belongs_to_a_file() -> None:
    assert set(COMMANDS) - set(DECLARED) == {"serve", "mcp"}
    for command in DECLARED:
        options = {parameter.opts[0] for parameter in load_command(command).params}
        invented = {parameter.opts[0] for parameter in options_of(command)}
        assert options - invented <= FILE_OPTIONS | NOT_INVENTED
        assert {option_name(name) for name in DECLARED[command]} <= invented, command


def test_every_kind_of_input_has_right_texts() -> None:
    """A new kind needs some; a new input of a known kind needs nothing."""
    assert set(KIND_TEXTS) == {kind.name for kind in vars(kinds).values() if isinstance(kind, kinds.InputKind)} | {"choice"}
    for inputs in DECLARED.values():
        for row in inputs.values():
            assert row.kind is kinds.FLAG or any(is_read(row, text) for text in right_texts(row)), row.name


def test_requests_reach_every_route() -> None:
    paths = methods_by_path()
    assert {"/", "/api/estimate", "/api/cost", "/chart/{name}.{kind}", "/static/{name}", "/healthz"} <= set(paths)
    assert paths["/api/compare"] == ("GET", "POST")
