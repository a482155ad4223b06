"""Give every answer its JSON, without importing the reports that define it."""

from collections.abc import Callable
from importlib import import_module
from typing import Any, ClassVar, Protocol


class JsonDocument(Protocol):
    """What can be printed as JSON: a report."""

    def to_dict(self) -> dict[str, Any]:
        """The JSON object, as plain Python values."""
        ...

    def to_json(self) -> str:
        """The JSON object as text."""
        ...

    def to_compact_json(self) -> str:
        """The JSON object as text, without spaces."""
        ...


class Answer:
    """An answer to a question, such as an estimate, with its JSON.

    The JSON of an answer is declared in `answers/reports`, on the floor above all answers. So an answer does not import its
    report: it names it in `REPORT`, and the report is imported when the JSON is first asked for.

    >>> from datetime import date
    >>> import voicebill
    >>> selection = voicebill.ModelSelection(model="gpt-realtime-1.5", day=date(2026, 11, 22))
    >>> answer = voicebill.estimate(voicebill.Plan(minutes=10, turns=20), selection, voicebill.load_facts())
    >>> answer.to_dict()["per_conversation"]["expected"]
    '0.832852'
    """

    __slots__ = ()

    REPORT: ClassVar[str]
    """The report's class, as `module:name` of a module in `answers/reports`."""

    @property
    def report(self) -> JsonDocument:
        """The answer as `--json` and the HTTP API give it."""
        module, _, name = self.REPORT.partition(":")
        build: Callable[[Answer], JsonDocument] = getattr(import_module(f"voicebill.answers.reports.{module}"), name).of
        return build(self)

    def to_dict(self) -> dict[str, Any]:
        """The answer's JSON object, as dict, list, str, int, float, bool and None."""
        return self.report.to_dict()

    def to_json(self) -> str:
        """The answer's JSON object as text, as `--json` prints it."""
        return self.report.to_json()

    def to_compact_json(self) -> str:
        """The answer's JSON object as text, without spaces."""
        return self.report.to_compact_json()
