"""Parse the fields of requests, check the site's limits, and report errors by field."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import islice
from urllib.parse import parse_qsl

from starlette.requests import Request

from voicebill.answers.catalog.facts import Facts
from voicebill.answers.parameters.inputs import COMPARISON
from voicebill.answers.parameters.read_inputs import field_error
from voicebill.answers.parameters.renamed_keys import replacement_for
from voicebill.answers.parameters.request import EstimateRequest, parse_estimate_request
from voicebill.answers.parameters.table_schema import Issue
from voicebill.answers.parsing.quantities import parse_share
from voicebill.billing.errors import VoicebillError
from voicebill.billing.validation import parse_exact
from voicebill.conversation.call_lengths import CallLengths, longest_call_turns
from voicebill.web.site import Limits, Site
from voicebill.web.status_reports import Problem

PAGE_FIELDS = (
    *("discount", "embed", "plan", "compare", "add", "pinned", "sort", "against"),
    *("break_even", "alternative", "range"),
    *COMPARISON,
    *("prices_digest", "rules_digest", "theme", "width", "v"),
)
"""Fields of an address that are not part of a plan."""

ADDRESS_FIELDS = (*PAGE_FIELDS, "sensitivity")
"""Fields of requests that no schema of a plan contains."""

REPEATABLE_FIELDS = {"alternative": ",", "compare": "\n"}
"""Fields that may be repeated, with the character by which their values are joined, which may also be written so."""

MAX_COLUMNS = 2
"""So many other plans can be compared with the plan of the first page."""

EXPLICIT_WHEN_EMPTY = ("minutes", "turns", "conversations", "user_share", "assistant_share", "instructions_tokens")
"""Fields with an initial value in the form: if the user empties one, it is sent empty, and does not get that value."""

MAX_CALL_LENGTHS = 2_000

MAX_REQUEST_FIELDS, MAX_FIELD_CHARACTERS, MAX_REQUEST_IMAGES, MAX_REPORTED_ERRORS = 100, 200, 50, 20


@dataclass(frozen=True, slots=True)
class BoundRequest:
    """A request with its facts; the prices of the facts include the discount, which is in percent.

    `max_steps` is the work that it may take, in responses of conversations.
    """

    request: EstimateRequest
    facts: Facts
    discount: Decimal
    max_steps: int


def read_query(query: str, limits: Limits) -> dict[str, str]:
    """Parse a query into fields; empty fields are omitted unless they are in `EXPLICIT_WHEN_EMPTY`.

    Raises:
        Problem: the query is too long, repeats a field, or contains a discount, which no address may contain.
    """
    if len(query) > limits.query_bytes:
        raise Problem(414, "Too long", [(None, f"an address may have at most {limits.query_bytes:,} bytes")])
    pairs = _split_pairs(query)
    counts = Counter(name for name, _ in pairs if name not in REPEATABLE_FIELDS)
    repeated = [name[:MAX_FIELD_CHARACTERS] for name, count in counts.items() if count > 1]
    if repeated:
        errors = [(name, "is given more than once: give it once") for name in repeated[:MAX_REPORTED_ERRORS]]
        raise Problem(422, "Invalid input", errors)
    fields = _join_pairs(pairs)
    if "discount" in fields:
        raise Problem(
            422, "Invalid input", [("discount", "must not be in an address, because logs store addresses: send it in a body")]
        )
    return fields


def _split_pairs(query: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_REQUEST_FIELDS, errors="strict")
    except ValueError:
        message = f"the fields cannot be read: there are more than {MAX_REQUEST_FIELDS}, or they are not UTF-8"
        raise Problem(422, "Invalid input", [(None, message)]) from None


def _join_pairs(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The fields of pairs; the last value counts, except for fields that may be repeated."""
    values = {name: value.strip() for name, value in pairs if value.strip() or name in EXPLICIT_WHEN_EMPTY}
    repeated = {name: [value.strip() for key, value in pairs if key == name and value.strip()] for name in REPEATABLE_FIELDS}
    joined = {name: REPEATABLE_FIELDS[name].join(items) for name, items in repeated.items() if items}
    return values | joined


def split_repeated(name: str, value: str) -> list[str]:
    """The values of a field that may be repeated; of any other field, its one value."""
    return value.split(REPEATABLE_FIELDS[name]) if name in REPEATABLE_FIELDS else [value]


def _with_volume(values: dict[str, str]) -> dict[str, str]:
    """The fields with a volume in one: a form has a number and a period, which says nothing beside a volume with its own."""
    period = values.pop("period", "")
    number = values.get("conversations", "")
    return values | {"conversations": f"{number}/{period}"} if number and period and "/" not in number else values


async def read_form(request: Request) -> dict[str, str]:
    """Parse a submitted form into fields."""
    body = await request.body()
    try:
        return _with_volume(_join_pairs(_split_pairs(body.decode("utf-8"))))
    except UnicodeDecodeError:
        raise Problem(422, "Invalid input", [(None, "the form is not UTF-8")]) from None


async def read_json(request: Request) -> object:
    """Parse a JSON body; numbers keep their exact decimal value.

    Raises:
        Problem: the body is not JSON, or has another content type.
    """
    media_type = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Problem(415, "Not JSON", [(None, f"the body must be application/json, not {media_type[:60]}")])
    try:
        table: object = json.loads(await request.body(), parse_float=parse_exact, parse_constant=_reject_constant)
    except RecursionError:
        raise Problem(422, "Invalid input", [(None, "the body is nested too deeply")]) from None
    except ValueError as error:  # includes UnicodeDecodeError
        raise Problem(422, "Invalid input", [(None, f"the body is not JSON: {error}")]) from None
    empty = [str(name) for name, value in table.items() if value == ""] if isinstance(table, Mapping) else []
    if empty:
        message = "must not be empty: leave it out for its default"
        raise Problem(422, "Invalid input", [(name[:MAX_FIELD_CHARACTERS], message) for name in empty[:MAX_REPORTED_ERRORS]])
    return table


def _reject_constant(name: str) -> object:
    raise ValueError(f"{name} is not a JSON number")


def bind_request(table: object, site: Site) -> BoundRequest:
    """Parse a request from fields or a JSON body, and check the site's limits.

    Raises:
        Problem: the request is invalid or exceeds a limit; every error names its field.
    """
    issues: list[Issue] = []
    percent = Decimal(0)
    if isinstance(table, Mapping):
        reject_oversized(table)
        percent = _parse_discount(table, issues)
        table = {name: value for name, value in table.items() if name not in PAGE_FIELDS and value not in ("", None)}
        renamed = {name: new for name in table if (new := replacement_for(str(name), ADDRESS_FIELDS))}
        issues += [Issue((str(name),), f"unknown key {name!r}: it is now {new!r}") for name, new in renamed.items()]
        table = {name: value for name, value in table.items() if name not in renamed}
    estimate_request = parse_estimate_request(table, today=site.today(), issues=issues)
    if estimate_request is not None and not issues:
        issues += _limit_issues(estimate_request, site)
    if estimate_request is None or issues:
        raise issue_problem(issues)
    if estimate_request.selection.rules is None and site.rules is not None:
        estimate_request = replace(estimate_request, selection=replace(estimate_request.selection, rules=site.rules))
    return BoundRequest(
        estimate_request, site.facts_with_discount(percent) if percent else site.facts, percent, site.limits.steps
    )


def problem_from(error: VoicebillError) -> Problem:
    """The problem for an error, at its field."""
    return Problem(422, "No answer", [(error.field, error.message)], [error])


def _parse_discount(table: Mapping[str, object], issues: list[Issue]) -> Decimal:
    text = str(table.get("discount", "") or "").strip()
    if not text:
        return Decimal(0)
    try:
        return parse_share(text if text.endswith("%") else f"{text}%") * 100
    except VoicebillError as error:
        issues.append(Issue.of(error.at("discount")))
        return Decimal(0)


def reject_oversized(table: Mapping[str, object], *, max_characters: int = MAX_FIELD_CHARACTERS) -> None:
    """Reject oversized input before it is parsed."""
    if len(table) > MAX_REQUEST_FIELDS:
        raise Problem(
            422, "Invalid input", [(None, f"a request may have at most {MAX_REQUEST_FIELDS} fields, not {len(table):,}")]
        )
    for name, value in table.items():
        limit = MAX_FIELD_CHARACTERS if len(name) > MAX_FIELD_CHARACTERS else max_characters
        if len(name) > limit or (isinstance(value, str) and len(value) > limit and name not in PAGE_FIELDS):
            raise Problem(422, "Invalid input", [(name[:MAX_FIELD_CHARACTERS], f"has more than {limit:,} characters")])


def _limit_issues(estimate_request: EstimateRequest, site: Site) -> list[Issue]:
    """Limits of the site, which serves many users; the command line has no such limits."""
    plan, limits = estimate_request.plan, site.limits
    turns_per_minute = plan.turns / float(plan.minutes)
    longest_turns = longest_call_turns(plan, estimate_request.lengths)
    if isinstance(estimate_request.lengths, CallLengths) and len(estimate_request.lengths.counts) > MAX_CALL_LENGTHS:
        text = f"at most {MAX_CALL_LENGTHS:,} different lengths are possible here; the command line has no limit"
        return [_limit_issue("call_lengths", text)]
    if plan.image_count > MAX_REQUEST_IMAGES:
        return [_limit_issue("images", f"at most {MAX_REQUEST_IMAGES} are possible here; the command line has no limit")]
    if plan.turns + plan.tool_calls > limits.turns:
        name = "turns" if plan.turns > limits.turns else "tool_calls"
        text = f"at most {limits.turns:,} turns and tool calls are possible here; the command line has no limit"
        return [_limit_issue(name, text)]
    if turns_per_minute > limits.turns_per_minute:
        text = f"{turns_per_minute:,.0f} per minute are not realistic: at most {limits.turns_per_minute} are possible"
        return [_limit_issue("turns", text)]
    if longest_turns > limits.longest_call_turns:
        text = (
            f"the longest calls of a month would have {longest_turns:,.0f} turns; at most "
            f"{limits.longest_call_turns:,} are possible here: reduce the turns"
        )
        return [_limit_issue("turns", text)]
    return []


def _limit_issue(name: str, text: str) -> Issue:
    return Issue((name,), f"{name}: {text}", text)


def issue_problem(issues: Sequence[Issue]) -> Problem:
    """The problem of invalid fields."""
    errors = issue_errors(issues)
    sources = [issue.error if len(issue.path) == 1 and issue.message else None for issue in issues[: len(errors)]]
    return Problem(422, "Invalid input", errors, sources)


def issue_errors(issues: Iterable[Issue]) -> list[tuple[str | None, str]]:
    """The errors of issues, each with its field."""
    return [field_error(issue) for issue in islice(issues, MAX_REPORTED_ERRORS)]
