"""What a request asks: its fields read into a question, bounded, and what is wrong with them at each field."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from voicebill.answers.facts import Facts
from voicebill.answers.lengths import LONGEST_MINUTES, LONGEST_TIMES
from voicebill.answers.quantities import share
from voicebill.answers.question import Question, fault_of, question_from
from voicebill.answers.tables import Fault, where
from voicebill.billing.errors import VoicebillError
from voicebill.conversation.plan import Plan
from voicebill.web.site import Bounds, Site

PAGE_FIELDS = (
    *("discount", "embed", "sort", "against"),
    *("flip", "one", "two", "range"),
    *("prices_digest", "rules_digest", "look", "width", "v"),
)
"""Fields of an address that are no part of a question."""


MAY_BE_EMPTY = ("minutes", "turns", "conversations", "user_share", "assistant_share", "instructions_tokens")
"""Fields that the form starts with a value for: taken out, they are not that value."""


MOST_FIELDS, MOST_CHARACTERS, MOST_IMAGES, MOST_ERRORS = 100, 200, 50, 20


class Refused(Exception):
    """A request that cannot be answered; each error names its field, or none."""

    def __init__(self, status: int, title: str, errors: list[tuple[str | None, str]]) -> None:
        super().__init__("; ".join(text for _, text in errors))
        self.status = status
        self.title = title
        self.errors = errors

    @property
    def problem(self) -> dict[str, Any]:
        """The refusal as problem+json (RFC 9457), with its errors field by field."""
        return {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": str(self),
            "errors": [{"field": name, "detail": text} for name, text in self.errors],
        }


@dataclass(frozen=True, slots=True)
class Asking:
    """A question with the facts that answer it; a discount in per cent is in those facts already."""

    question: Question
    facts: Facts
    discount: Decimal


def fields_of(query: str, bounds: Bounds) -> dict[str, str]:
    """The fields of a query, empty ones left out unless that means something; of a field that is there twice, the last.

    Raises:
        Refused: it is too long, or holds a discount, which must be in no address.
    """
    if len(query) > bounds.query_bytes:
        raise Refused(414, "Too long", [(None, f"an address holds at most {bounds.query_bytes:,} bytes")])
    fields = _pairs(query)
    if "discount" in fields:
        raise Refused(422, "Wrong input", [("discount", "must not be in an address, where logs keep it: send it in a body")])
    return fields


def _pairs(query: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=100, errors="strict")
    except ValueError:
        raise Refused(422, "Wrong input", [(None, "the fields cannot be read: too many of them, or no UTF-8")]) from None
    return {name: value.strip() for name, value in pairs if value.strip() or name in MAY_BE_EMPTY}


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a submitted form."""
    body = await request.body()
    try:
        return _pairs(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise Refused(422, "Wrong input", [(None, "the form is no UTF-8")]) from None


async def body_of(request: Request) -> object:
    """The JSON body of a request, numbers exactly as written.

    Raises:
        Refused: it is not JSON, or says that it is something else.
    """
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refused(415, "Not JSON", [(None, f"the body must be application/json, not {kind[:60]}")])
    try:
        return json.loads(await request.body(), parse_float=Decimal, parse_constant=_no_number)
    except RecursionError:
        raise Refused(422, "Wrong input", [(None, "the body is nested too deeply")]) from None
    except ValueError as error:  # UnicodeDecodeError is one, too
        raise Refused(422, "Wrong input", [(None, f"the body is not JSON: {error}")]) from None


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is not a JSON number")


def asking(table: object, site: Site) -> Asking:
    """Read a question from fields or a body, within the site's bounds.

    Raises:
        Refused: it cannot be meant, or is more than the site answers; every error names its field.
    """
    faults: list[Fault] = []
    percent = Decimal(0)
    if isinstance(table, Mapping):
        _refuse_bulk(table)
        percent = _discount(table, faults)
        table = {name: value for name, value in table.items() if name not in PAGE_FIELDS and value != ""}
    question = question_from(table, today=site.calendar(), faults=faults)
    if question is not None and not faults:
        faults += _too_much(question, site)
    if question is None or faults:
        raise Refused(422, "Wrong input", fault_errors(faults))
    if question.asked.rules is None and site.rules is not None:
        question = replace(question, asked=replace(question.asked, rules=site.rules))
    return Asking(question, site.discounted(percent) if percent else site.facts, percent)


def refused(error: VoicebillError, plan: Plan | None = None) -> Refused:
    """An answer that cannot be given, as a refusal."""
    name, text = _error(fault_of(error))
    if plan is not None and plan.transcription_model and name in ("model", None) and plan.transcription_model in text[:80]:
        name = "transcription_model"
    return Refused(422, "No answer", [(name, text)])


def _discount(table: Mapping[str, object], faults: list[Fault]) -> Decimal:
    said = str(table.get("discount", "") or "").strip()
    if not said:
        return Decimal(0)
    try:
        return share(said if said.endswith("%") else f"{said}%") * 100
    except VoicebillError as error:
        faults.append(Fault(("discount",), f"discount: {error}"))
        return Decimal(0)


def _refuse_bulk(table: Mapping[str, object]) -> None:
    """Refuse a table that no person would write, before anything looks at it closely."""
    if len(table) > MOST_FIELDS:
        raise Refused(422, "Wrong input", [(None, f"a question has at most {MOST_FIELDS} fields, not {len(table):,}")])
    for name, value in table.items():
        long = isinstance(value, str) and len(value) > MOST_CHARACTERS and name not in PAGE_FIELDS
        if long or len(name) > MOST_CHARACTERS:
            raise Refused(422, "Wrong input", [(name[:MOST_CHARACTERS], f"has more than {MOST_CHARACTERS} characters")])


def _too_much(question: Question, site: Site) -> list[Fault]:
    """What a site that answers many does not count for one; the command line has no such bounds."""
    plan, bounds = question.plan, site.bounds
    pace = plan.turns / float(plan.minutes)
    longest = longest_turns(question, site.facts)
    if plan.images > MOST_IMAGES:
        return [Fault(("images",), f"images: at most {MOST_IMAGES} are counted here")]
    if plan.turns + plan.tool_calls > bounds.turns:
        name = "turns" if plan.turns > bounds.turns else "tool_calls"
        return [
            Fault(
                (name,), f"{name}: at most {bounds.turns:,} turns and tool calls are counted here; the command line counts more"
            )
        ]
    if pace > bounds.turns_a_minute:
        return [
            Fault(("turns",), f"turns: {pace:,.0f} a minute are more than people can take: at most {bounds.turns_a_minute}")
        ]
    if longest > bounds.longest_turns:
        return [
            Fault(
                ("turns",),
                f"turns: the longest calls of a month would have {longest:,.0f} turns; at most {bounds.longest_turns:,} are "
                "counted here: take fewer turns, or shorter sessions",
            )
        ]
    return []


def fault_errors(faults: Iterable[Fault]) -> list[tuple[str | None, str]]:
    """Faults of a table as errors, each with its field."""
    return [_error(fault) for fault in islice(faults, MOST_ERRORS)]


def longest_turns(question: Question, facts: Facts) -> float:
    """Turns and tool calls of the longest call of a month, with whichever provider: as population would cut it."""
    plan, overrides = question.plan, question.asked.overrides
    goes_on = min(float(LONGEST_MINUTES), LONGEST_TIMES * float(plan.minutes))
    if plan.session_minutes is not None:
        sessions = {plan.session_minutes}
    elif "session_minutes" in overrides:
        sessions = {int(str(overrides["session_minutes"]))}
    else:
        used = (question.asked.rules or facts.rules.default, facts.rules.default)
        rows = (row for known in facts.rules.sets if known.name in used for row in known.rows)
        concerned = (row for row in rows if not row.kinds or "realtime" in row.kinds)
        sessions = {int(str(row.value)) for row in concerned if row.parameter == "session_minutes"}
    longest = max(min(each, LONGEST_MINUTES) if plan.minutes <= each else goes_on for each in sessions)
    return (plan.turns + plan.tool_calls) / float(plan.minutes) * longest


def _error(fault: Fault) -> tuple[str | None, str]:
    """A fault as the name of its field and its text, which does not repeat the name."""
    if not fault.path:
        return None, fault.text
    name = str(fault.path[0])
    place = where(tuple(fault.path)) if len(fault.path) > 1 else ""
    text = fault.text.removeprefix(f"{name}: ")
    return name, f"{place}: {text}" if place and not text.startswith("turn ") else text
