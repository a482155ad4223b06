"""Mutated logs in commands: both engines, the ledger and the API give the same amounts, and nothing is a traceback."""

import csv
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from tests.fuzz.commands import DECLARED, flags_of, invoke, is_sendable, random_options, words_of
from tests.fuzz.fuzzer import Case, Fuzzer
from tests.fuzz.invariants import read_answer
from tests.logs.fuzz import CORPUS, FORMAT_NAMES, RECOGNISED_OF, check_reading, make_log
from tests.web.sites import SITE
from voicebill.answers.parameters.inputs import LOG_INPUTS, LOG_QUERY
from voicebill.cli.options.inputs import option_name

QUERY_OPTIONS = frozenset(map(option_name, LOG_QUERY))
LEDGER_DEFAULTS = frozenset(("--provider", "--deployment", "--region"))
"""Defaults that a question to a ledger may state, too."""
AMOUNTS = ("records", "days", "total", "groups", "remainder", "lines", "unpriced", "per_call", "cache_hit_share")
"""What a ledger gives as the logs do; its warnings are of another kind."""


def make_logs(random: Random) -> Case:
    """Return one or two logs with the options of their cost."""
    oddness = random.choice((0.0, 0.0, 0.0, 0.05, 0.3))
    options = random_options(random, "cost", oddness=oddness)
    options.pop("--format", None)
    logs = [_random_log(random) for _ in range(random.choice((1, 1, 2)))]
    if random.random() < 0.1:
        logs.append(logs[0])
    return {"options": options, "logs": logs}


def _random_log(random: Random) -> bytes:
    """A sample as it is, or what the fuzzer of the readers makes of one."""
    if random.random() < 0.2:
        return random.choice(sorted(CORPUS.iterdir())).read_bytes()
    return make_log(random.getrandbits(40), random.choice(FORMAT_NAMES))


def check_logs(case: Case) -> str:
    """Cost the logs with both engines, then record them, and cost the ledger."""
    with TemporaryDirectory(prefix="voicebill-fuzz-") as folder:
        files = []
        for number, content in enumerate(case["logs"]):
            file = Path(folder) / f"{number}.log"
            file.write_bytes(content)
            files.append(str(file))
        return _check_files(files, case["options"], Path(folder))


def _check_files(files: Sequence[str], options: Mapping[str, str], folder: Path) -> str:
    words = words_of(options, flags_of("cost"))
    result = invoke("cost", [*words, "--", *files])
    answer = read_answer("cost", result.stdout) if result.exit_code != 2 else None
    fields = {name: options[option_name(name)] for name in LOG_INPUTS if option_name(name) in options}
    if len(files) == 1 and len(fields) == len(options) and "source" not in f"{fields.get('by')} {fields.get('where')}":
        check_upload(Path(files[0]).read_bytes(), fields, answer)
    charges, statement = folder / "focus.csv", folder / "statement.csv"
    handed_on = ("--focus-version=1.3", f"--out={charges}", f"--statement={statement}", "--markup=0%")
    by_rows = invoke("cost", [*words, *handed_on, "--engine=python", "--", *files])
    assert by_rows.exit_code == result.exit_code, "the engines end otherwise"
    if answer is None:
        assert by_rows.stderr == result.stderr, "the engines refuse otherwise"
        return "refused"
    assert_equal(read_answer("cost", by_rows.stdout), answer, list(answer))
    for file, column in ((charges, "BilledCost"), (statement, "dollars")):
        check_charges(file, column, answer)
    check_ledger(files, options, str(folder / "ledger"), answer)
    return "answered" if result.exit_code == 0 else "incomplete"


def check_charges(file: Path, column: str, answer: Mapping[str, Any]) -> None:
    """The charges of a file add up to the lower end of the cost, but for what is rounded in the twelfth decimal of each."""
    with file.open(newline="", encoding="utf-8") as stream:
        amounts = [Decimal(row[column]) for row in csv.DictReader(stream)]
    total = Decimal(answer["total"]["low"] or 0)
    assert abs(sum(amounts) - total) <= len(amounts) * Decimal("1e-12"), f"{file.name} adds up to {sum(amounts)}, not {total}"


def check_upload(log: bytes, fields: Mapping[str, str], answer: Mapping[str, Any] | None) -> None:
    """The API costs a log that is sent to it as the command does."""
    if not is_sendable(fields) or not log or log.startswith(b"PAR1"):  # the site reads no Parquet
        return
    response = SITE.post("/api/cost", params=dict(fields), content=log)
    if response.status_code == 200 and answer is not None:
        assert_equal(read_answer("cost", response.content), answer, AMOUNTS)
    else:
        assert (response.status_code, answer) == (422, None), f"only one of them answers: {response.text[:400]}"


def check_ledger(files: Sequence[str], options: Mapping[str, str], ledger: str, answer: Mapping[str, Any]) -> None:
    """A ledger in which the logs are recorded, and once more, costs what the logs cost.

    They are recorded by one command, as they are costed: the events of a session may be in several of them.
    """
    defaults = {name: text for name, text in options.items() if name[2:].replace("-", "_") in DECLARED["record"]}
    words = ["--ledger", ledger, *words_of(defaults, flags_of("record")), "--", *files]
    query = {name: text for name, text in options.items() if name in QUERY_OPTIONS | LEDGER_DEFAULTS | {"--calls"}}
    read_answer("record", invoke("record", words).stdout)
    summary = read_answer("record", invoke("record", words).stdout)
    assert (summary["added"], summary["corrected"], summary["skipped"]) == (0, 0, 0), f"the ledger changes: {summary}"
    counted = invoke("cost", ["--ledger", ledger, *words_of(query, flags_of("cost"))])
    if counted.exit_code == 2:
        assert answer["records"]["all"] == 0 or "nothing has been recorded" in counted.stderr, counted.stderr
        return
    assert_equal(read_answer("cost", counted.stdout), answer, AMOUNTS)


def assert_equal(document: Mapping[str, Any], other: Mapping[str, Any], names: Sequence[str]) -> None:
    """Two answers are equal in some keys."""
    for name in names:
        assert document[name] == other[name], f"they differ in {name}: {_short(document[name])}, not {_short(other[name])}"


def _short(value: Any) -> str:
    return json.dumps(value)[:400]


def make_reading(random: Random) -> Case:
    """Return a log with its format."""
    log_format = random.choice(FORMAT_NAMES)
    return {
        "format": log_format,
        "log": make_log(random.getrandbits(40), log_format),
        "recognise": random.randrange(RECOGNISED_OF) == 0,
    }


def check_read(case: Case) -> str:
    """Read a log, as `tests.logs.fuzz` does for one reader."""
    check_reading(case["log"], case["format"], recognise=case["recognise"])
    return "read"


LOGS = Fuzzer("logs", make_logs, check_logs, ("answered", "incomplete"), ("options", "logs"))
READERS = Fuzzer("readers", make_reading, check_read, ("read",), ("format", "log", "recognise"))
