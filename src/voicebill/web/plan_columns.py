"""Compare the plan of the first page with other plans in columns: another model, provider, architecture or plan.

A column is a text in the address: changes to the plan (`model=gpt-realtime-mini`), an architecture (`stack=cheapest`), or a
whole plan of its own (`?minutes=5&turns=8`), which keeps its values when the first plan changes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from voicebill.answers.catalog.stacks import CONVERSATIONAL
from voicebill.answers.comparison.alternatives import alternatives
from voicebill.answers.comparison.choices import LABELS
from voicebill.answers.comparison.model_choices import ModelChoices
from voicebill.answers.estimates.estimate import Estimate
from voicebill.answers.estimates.scenarios import Scenarios
from voicebill.answers.parameters.read_inputs import join_field_errors
from voicebill.billing.errors import VoicebillError
from voicebill.facts.example_plans import EXAMPLE_PLANS
from voicebill.web.bound_answers import answer_estimate
from voicebill.web.forms.fields import FORM_FIELDS, plan_query_string, query_string, with_defaults
from voicebill.web.forms.form import form_day
from voicebill.web.forms.model_choices import Choices, deployment_label, grouped_models, provider_label, with_available_offer
from voicebill.web.forms.presets import MODEL_FIELDS, preset, preset_queries
from voicebill.web.forms.requests import MAX_COLUMNS, BoundRequest, bind_request, problem_from, read_query, split_repeated
from voicebill.web.site import Site
from voicebill.web.status_reports import Problem

STACK = "stack"
"""The key of a column that is an architecture."""

MAX_DIFFERENCES = 6
"""A column names at most so many differences from the first plan."""

FIELDS_OF_FIRST_PLAN = frozenset(("compare", "embed", "discount"))
"""Fields of the page that a whole plan in a column does not have."""


@dataclass(frozen=True, slots=True)
class ColumnCosts:
    """The amounts of a column, connection fees included; None for the month without a volume."""

    per_conversation: Scenarios
    per_month: Scenarios | None


@dataclass(frozen=True, slots=True)
class PlanColumn:
    """A column: its title, what it differs in, its costs or why it has none.

    `text` is the column in an address, `query` that of its plan in place of the first one (empty for an architecture),
    `rest_query` that of the page without it. `ratio` compares the expected cost with that of the first plan.
    """

    title: str
    text: str
    differences: tuple[str, ...]
    costs: ColumnCosts | None
    ratio: Fraction | None
    query: str
    rest_query: str
    problem: str = ""

    @property
    def change(self) -> str:
        """The expected cost compared with the first plan.

        >>> PlanColumn("", "", (), None, Fraction(13, 40), "", "").change
        '68% less'
        """
        return "" if self.ratio is None else change_text(self.ratio)


def change_text(ratio: Fraction) -> str:
    """How a cost compares with another one, from their ratio.

    >>> change_text(Fraction(1)), change_text(Fraction(3))
    ('about the same', '3.0 times as much')
    """
    if ratio >= 2:
        return f"{float(ratio):.1f} times as much"
    percent = round(100 * float(ratio - 1))
    return "about the same" if not percent else f"{abs(percent)}% {'more' if percent > 0 else 'less'}"


def column_texts(fields: Mapping[str, str]) -> list[str]:
    """The columns in a form's fields, in order, each once.

    Raises:
        Problem: there are more than are shown.
    """
    texts = list(dict.fromkeys(filter(None, split_repeated("compare", fields.get("compare", "")))))
    if len(texts) > MAX_COLUMNS:
        message = f"at most {MAX_COLUMNS} plans can be compared with this one here, not {len(texts)}; Compare has all offers"
        raise Problem(422, "Too many", [("compare", message)])
    return texts


def with_columns(fields: Mapping[str, str], texts: Sequence[str]) -> dict[str, str]:
    """The fields of a form with other columns."""
    others = {name: value for name, value in fields.items() if name != "compare"}
    return others | ({"compare": "\n".join(texts)} if texts else {})


class _FirstPlan(NamedTuple):
    """The plan with which the columns are compared."""

    bound: BoundRequest
    answer: Estimate
    fields: Mapping[str, str]
    site: Site


def plan_columns(bound: BoundRequest, answer: Estimate, fields: Mapping[str, str], site: Site) -> Iterator[PlanColumn]:
    """The columns next to an answer; one that cannot be estimated says why."""
    texts = column_texts(fields)
    for text in texts:
        rest_query = query_string(with_columns(fields, [other for other in texts if other != text]))
        try:
            yield _column(_FirstPlan(bound, answer, fields, site), text, rest_query)
        except Problem as problem:
            yield PlanColumn(_plain_title(text), text, (), None, None, "", rest_query, join_field_errors(problem.errors))


def _column(first: _FirstPlan, text: str, rest_query: str) -> PlanColumn:
    fields, site = first.fields, first.site
    if text.startswith("?"):
        own = with_defaults(read_query(text[1:], site.limits))
        page_fields = {name: fields[name] for name in FIELDS_OF_FIRST_PLAN if name in fields}
        changed = {name: value for name, value in own.items() if name not in FIELDS_OF_FIRST_PLAN} | page_fields
    else:
        read_query(text, site.limits)  # refuses what no address may contain
        changes = dict(parse_qsl(text, keep_blank_values=True))
        if not changes or "=" not in text:
            raise Problem(422, "Invalid input", [("compare", f"must be changes such as turns=10, not {text[:60]!r}")])
        if STACK in changes:
            return _stack_column(first, changes[STACK], text, rest_query)
        changed = {name: value for name, value in (dict(fields) | changes).items() if value}
    changed, _ = with_available_offer(changed, site.model_choices(form_day(changed, site)))
    other = answer_estimate(bind_request(changed, site))
    title = _title(fields, changed, text)
    differences = tuple(row for row in _differences(fields, changed) if row.partition(": ")[2] not in title)
    return PlanColumn(
        title=title,
        text=text,
        differences=differences[:MAX_DIFFERENCES] + (("and more",) if len(differences) > MAX_DIFFERENCES else ()),
        costs=ColumnCosts(other.total, other.total_per_month),
        ratio=_ratio(other.total, first.answer.total),
        query=query_string(changed),
        rest_query=rest_query,
    )


def _stack_column(first: _FirstPlan, name: str, text: str, rest_query: str) -> PlanColumn:
    request, facts = first.bound.request, first.bound.facts
    stacks = [stack for stack in facts.stacks if stack.name == name]
    if not stacks:
        names = ", ".join(stack.name for stack in facts.stacks)
        raise Problem(422, "Invalid input", [(None, f"unknown architecture {name[:60]!r}: known are {names}")])
    try:
        compared = alternatives(
            None,
            request.plan,
            request.selection,
            facts,
            request.volume,
            stacks=stacks,
            lengths=request.lengths,
            connection_costs=request.connection_costs,
        )
    except VoicebillError as error:
        raise problem_from(error) from None
    alternative = compared.find(name)
    costs = compared.total(alternative) if alternative else None
    if alternative is None or costs is None:
        reason = compared.not_possible[0].reason if compared.not_possible else None
        raise Problem(422, "No answer", [(None, reason or "it cannot hold this conversation")])
    return PlanColumn(
        title=alternative.title,
        text=text,
        differences=(f"{LABELS[alternative.architecture]}: {alternative.models}",),
        costs=ColumnCosts(costs, compared.total_per_month(alternative)),
        ratio=_ratio(costs, first.answer.total),
        query="",
        rest_query=rest_query,
    )


def _ratio(costs: Scenarios, first: Scenarios) -> Fraction | None:
    return Fraction(costs.expected) / Fraction(first.expected) if first.expected else None


def _title(fields: Mapping[str, str], changed: Mapping[str, str], text: str) -> str:
    """What a column is called: the model and how it is sold where they differ, an example plan's name, or its differences."""
    parts = []
    if changed.get("model") != fields.get("model"):
        parts.append(changed.get("model", ""))
    if changed.get("provider") != fields.get("provider"):
        parts.append(provider_label(changed.get("provider", "")))
    if changed.get("deployment") != fields.get("deployment"):
        parts.append(deployment_label(changed.get("deployment", "")))
    if parts and not text.startswith("?"):
        return ", ".join(parts)
    without_model = plan_query_string(changed, without=MODEL_FIELDS)
    for name in EXAMPLE_PLANS if text.startswith("?") else ():
        if without_model == preset(name).query:
            return preset(name).label
    return _plain_title(text) if text.startswith("?") else next(iter(_differences(fields, changed)), "this plan")


def _plain_title(text: str) -> str:
    return "kept plan" if text.startswith("?") else text.replace("&", ", ").replace("=", " ")


def _differences(fields: Mapping[str, str], changed: Mapping[str, str]) -> Iterator[str]:
    """What a changed plan differs in, in the form's words."""
    for name, field in FORM_FIELDS.items():
        old, new = fields.get(name, ""), changed.get(name, "")
        if old != new and name not in FIELDS_OF_FIRST_PLAN:
            labels = dict(field.all_choices) | {"": field.placeholder or "none"}
            yield f"{field.label}: {labels.get(new, new) or 'none'}"


def column_choices(fields: Mapping[str, str], choices: ModelChoices, site: Site) -> list[tuple[str, Choices]]:
    """What can be added as a column, in groups: models, providers and deployments, architectures, plans."""
    model, provider, deployment = (fields.get(name, "") for name in ("model", "provider", "deployment"))
    stacks = tuple(
        (urlencode({STACK: stack.name}), f"{stack.title} ({LABELS[stack.architecture]})")
        for stack in site.facts.stacks
        if stack.architecture in CONVERSATIONAL
    )
    pinned_plan = f"?{plan_query_string(fields)}"
    plans = (
        (pinned_plan, "Keep this plan here, then change the form"),
        *((f"?{query}", f"Example: {preset(name).label}") for name, query in preset_queries(fields).items()),
    )
    groups = (
        ("Another model", _other_models(model, choices)),
        ("Another provider or deployment", _other_offers(model, provider, deployment, choices)),
        ("Another plan", plans),
        ("Another architecture", stacks),
    )
    return [(title, options) for title, options in groups if options]


@lru_cache(maxsize=64)
def _other_models(model: str, choices: ModelChoices) -> Choices:
    labels = (choice for _, group in grouped_models(choices) for choice in group)
    return tuple((urlencode({"model": name}), label) for name, label in labels if name != model)


@lru_cache(maxsize=64)
def _other_offers(model: str, provider: str, deployment: str, choices: ModelChoices) -> Choices:
    return tuple(
        (urlencode({"provider": seller, "deployment": form}), f"{provider_label(seller)}, {deployment_label(form)}")
        for seller in choices.providers(model)
        for form in choices.deployments(model, seller)
        if (seller, form) != (provider, deployment) and form != "regional"
    )
