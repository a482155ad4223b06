"""One declaration per output: every answer has its JSON, and a report is what it declares."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import voicebill
from tests.answers.invoices.months import FOCUS, bill, month, reconciled
from tests.answers.sessions.recorded import GOLDEN, case_session
from tests.cases import DAY
from voicebill.answers.answer import Answer
from voicebill.answers.reports import estimate, plan, report
from voicebill.answers.reports.report import Report, left_out

REPORTS = Path(report.__file__).parent
EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
PLAN = voicebill.Plan(minutes=6, turns=20)
SELECTION = voicebill.ModelSelection(model="gpt-realtime-1.5", day=DAY)


def costed_records() -> Iterator[voicebill.Record]:
    """The records of a log with other tools' amounts."""
    return voicebill.read_log(EXAMPLES / "litellm-spend.jsonl")


def answers() -> Iterator[Answer]:
    """Every kind of answer that Python callers get."""
    yield voicebill.estimate(PLAN, SELECTION, voicebill.load_facts())
    turns = (voicebill.Turn(user_audio_ms=6000, reply_audio_ms=9500),)
    yield voicebill.simulate(voicebill.Script(turns=turns), SELECTION, voicebill.load_facts())
    comparison = voicebill.compare(
        PLAN, voicebill.available_offers(voicebill.load_facts().prices, DAY), SELECTION, voicebill.load_facts()
    )
    yield comparison
    yield voicebill.alternatives(comparison, PLAN, SELECTION, voicebill.load_facts())
    targets = voicebill.CapacityTargets(calls_per_hour=200)
    yield voicebill.plan_capacity(PLAN, SELECTION, voicebill.load_facts(), None, targets)
    request = voicebill.PtuRequest(
        model="gpt-5.2", day=DAY, calls_per_minute=Decimal(1000), prompt_tokens=Decimal(200), response_tokens=Decimal(20)
    )
    yield voicebill.size_ptus(request, voicebill.load_facts())
    models = voicebill.RecordedModels(voicebill.load_facts(), voicebill.CostQuery())
    session = case_session(GOLDEN)
    yield voicebill.explain_log(lambda: [session], models)
    yield voicebill.fit(lambda: [session], models)
    yield voicebill.replay(voicebill.ReplayRequest(selection=SELECTION), models, lambda: [session])
    yield voicebill.explain_call(session.name, lambda _: [session], models)
    yield voicebill.verify(costed_records(), voicebill.CostQuery(), voicebill.load_facts().prices)
    records, prices = month(days=1, calls=1).records, voicebill.load_facts().prices
    yield reconciled(records, bill(records, prices, FOCUS), prices)
    yield voicebill.cost(voicebill.PythonEngine([]), voicebill.CostQuery(), voicebill.load_facts().prices)


@cache
def all_answers() -> dict[str, Answer]:
    return {type(answer).__name__: answer for answer in answers()}


@pytest.mark.parametrize("name", [answer.__name__ for answer in Answer.__subclasses__()])
def test_every_answer_has_its_json(name: str) -> None:
    answer = all_answers()[name]
    document = answer.to_dict()
    assert next(iter(document)) == "voicebill"
    assert document["voicebill"] == voicebill.__version__
    assert json.loads(answer.to_json()) == document
    assert_plain(document)


def assert_plain(value: object) -> None:
    """JSON values only, and no report or tuple is left."""
    if type(value) is dict:
        for key, item in value.items():
            assert type(key) is str
            assert_plain(item)
    elif type(value) is list:
        for item in value:
            assert_plain(item)
    else:
        assert value is None or type(value) in (str, int, float, bool)


def test_every_answer_names_a_report() -> None:
    """Those above are all that there are."""
    assert set(all_answers()) == {answer.__name__ for answer in Answer.__subclasses__()}
    for answer in Answer.__subclasses__():
        module, _, name = answer.REPORT.partition(":")
        assert issubclass(getattr(import_module(f"voicebill.answers.reports.{module}"), name), Report)


def report_classes() -> Iterator[tuple[str, ast.ClassDef]]:
    for file in sorted(REPORTS.glob("*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "Report" for base in node.bases):
                yield file.stem, node


@pytest.mark.parametrize(("module", "node"), [pytest.param(*pair, id=pair[1].name) for pair in report_classes()])
def test_every_field_has_a_docstring(module: str, node: ast.ClassDef) -> None:
    """Below it, as a sentence; fields are the class's own, since pydantic reads the docstrings of these only."""
    kind = getattr(import_module(f"voicebill.answers.reports.{module}"), node.name)
    described = {
        first.target.id: second.value.value
        for first, second in zip(node.body, node.body[1:], strict=False)
        if isinstance(first, ast.AnnAssign)
        and isinstance(first.target, ast.Name)
        and isinstance(second, ast.Expr)
        and isinstance(second.value, ast.Constant)
    }
    assert is_dataclass(kind)
    assert [item.name for item in fields(kind)] == list(described)
    assert all(isinstance(text, str) and text.endswith(".") for text in described.values())


def test_the_plan_in_a_report_has_every_field_of_a_plan() -> None:
    names = {item.name for item in fields(plan.PlanReport)}
    assert names == {item.name for item in fields(voicebill.Plan)} | {"conversations"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Example(Report):
    from_: str = field(metadata={"alias": "from"})
    note: str | None
    extra: str | None = field(default_factory=left_out)


@pytest.mark.parametrize(
    ("extra", "expected"),
    [({}, {"from": "1", "note": None}), ({"extra": None}, {"from": "1", "note": None, "extra": None})],
)
def test_a_field_is_left_out_unless_it_is_given(extra: dict[str, Any], expected: dict[str, Any]) -> None:
    """All others are null where there is no value."""
    assert Example(from_="1", note=None, **extra).to_dict() == expected


def test_an_estimate_has_its_sensitivity_on_request() -> None:
    answer = voicebill.estimate(PLAN, SELECTION, voicebill.load_facts())
    assert "sensitivity" not in answer.to_dict()
    document = estimate.EstimateReport.of(answer).with_sensitivity(answer, [], []).to_dict()
    assert (document["sensitivity"], document["recommendations"]) == ([], [])
    assert "conversations" in document["plan"]
    assert document["day"] == date(2026, 11, 22).isoformat()


def test_reports_are_imported_only_for_json() -> None:
    """They are many classes, and starting the command line does not wait for them."""
    code = "import sys, voicebill.cli; print('voicebill.answers.reports.report' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


def test_the_rules_of_two_models_are_two_texts_in_compact_json() -> None:
    """The text of rules is written once for each of them, and never for others."""
    selections = [voicebill.ModelSelection(model=name, day=DAY) for name in ("gpt-realtime-1.5", "gpt-realtime-2.1")]
    plan_of_calls = voicebill.Plan(minutes=2, turns=4)
    reports = [voicebill.estimate(plan_of_calls, selection, voicebill.load_facts()).report for selection in selections]
    for document in (*reports, *reports):
        assert json.loads(document.to_compact_json()) == document.to_dict()
