"""Define problems, and the JSON of them and of the site's status."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from starlette.responses import Response

from voicebill.answers.escaping import json_text
from voicebill.answers.parameters.read_inputs import join_field_errors
from voicebill.answers.reports.report import Report
from voicebill.billing.errors import VoicebillError


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldErrorReport(Report):
    """An error and its field."""

    field: str | None
    """Name of the field; null if the error concerns the whole request."""
    detail: str
    """What is wrong, and what is possible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemReport(Report):
    """A problem (RFC 9457)."""

    type: str
    """Always about:blank: the status says what kind of problem it is."""
    title: str
    """The problem in a few words."""
    status: int
    """The HTTP status."""
    detail: str
    """All errors in one sentence."""
    errors: tuple[FieldErrorReport, ...]
    """The errors by field."""

    @classmethod
    def of(cls, status: int, title: str, detail: str, errors: Iterable[tuple[str | None, str]]) -> "ProblemReport":
        """A problem with its errors: pairs of a field (None: the whole request) and what is wrong."""
        return cls(
            type="about:blank",
            title=title,
            status=status,
            detail=detail,
            errors=tuple(FieldErrorReport(field=name, detail=text) for name, text in errors),
        )


class Problem(Exception):
    """A request that has no result; each error has the name of its field, or None. `sources` are what was raised for each."""

    def __init__(
        self,
        status: int,
        title: str,
        errors: Sequence[tuple[str | None, str]],
        sources: Sequence[VoicebillError | None] = (),
    ) -> None:
        super().__init__(join_field_errors(errors))
        self.status = status
        self.title = title
        self.errors = list(errors)
        self.sources = list(sources) or [None] * len(self.errors)

    def in_words(self, labels: Mapping[str, str]) -> "Problem":
        """The problem in the words of a form, whose fields have labels."""
        quoted = {name: f"“{label}”" for name, label in labels.items()}
        errors = [
            (name, _in_words(name, source.message_with(quoted) if source else text, quoted))
            for (name, text), source in zip(self.errors, self.sources, strict=True)
        ]
        return Problem(self.status, self.title, errors, self.sources)

    @property
    def report(self) -> ProblemReport:
        """The problem as problem+json (RFC 9457), with errors by field."""
        return ProblemReport.of(self.status, self.title, str(self), self.errors)


def _in_words(name: str | None, text: str, labels: Mapping[str, str]) -> str:
    """A text at a field that reads as a sentence: one that goes on with the field's value begins with its label."""
    return f"{labels.get(name or '', name)} {text}" if name and text.startswith("(") else text


def program_response(problem: Problem) -> Response:
    """A problem for a program."""
    return Response(
        json_text(problem.report.to_dict()),
        status_code=problem.status,
        media_type="application/problem+json",
        headers={"cache-control": "no-store"},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReport(Report):
    """Status of the site, and the prices and rules that it uses."""

    voicebill: str
    """Version of voicebill."""
    status: Literal["ok"]
    """Always ok: a site that cannot answer does not answer this either."""
    prices: str
    """Digest of the price book."""
    rules: tuple[str, ...]
    """Names of the rule sets."""
