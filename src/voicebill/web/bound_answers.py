"""Calculate the answers of requests; errors become problems with their fields."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from voicebill.answers.capacity.capacity import plan_capacity
from voicebill.answers.capacity.result import Capacity
from voicebill.answers.capacity.targets import CapacityTargets
from voicebill.answers.catalog.stacks import restrict_stacks
from voicebill.answers.comparison.alternatives import Alternatives, alternatives
from voicebill.answers.comparison.break_even import (
    AXES,
    BreakEvenCurve,
    break_even,
    count_swept_turns,
    default_range,
    parse_range,
    select_alternatives,
)
from voicebill.answers.comparison.choices import ComparisonChoices
from voicebill.answers.comparison.compare import Comparison, available_offers_matching, compare
from voicebill.answers.estimates.estimate import Estimate, estimate
from voicebill.answers.parameters.inputs import COMPARISON
from voicebill.answers.parameters.read_inputs import InvalidInputs, read_inputs, split_inputs
from voicebill.answers.parameters.request import EstimateRequest
from voicebill.answers.sensitivity.recommendations import Recommendation, recommendations
from voicebill.answers.sensitivity.sensitivity import Swing, sensitivity
from voicebill.billing.errors import VoicebillError
from voicebill.billing.offers import Offer
from voicebill.conversation.call_lengths import CallLengths, LengthDistribution, longest_call_turns
from voicebill.conversation.volume import Volume
from voicebill.web.forms.compare_link import with_pinned_offer
from voicebill.web.forms.form import page_fields
from voicebill.web.forms.requests import BoundRequest, bind_request, problem_from
from voicebill.web.site import Site
from voicebill.web.status_reports import Problem

BREAK_EVEN_FIELDS = ("break_even", "alternative", "range")
"""Fields of the break-even: axis, alternatives (default: the cheapest of each kind), and range of the axis."""

MAX_TURNS_FOR_MONTH = 2_000
"""Months are calculated for every offer if the longest call has at most so many turns."""

MAX_ALTERNATIVES = 12
"""The break-even is calculated for at most so many alternatives."""

MAX_TURNS_FOR_BREAK_EVEN = 600
"""The break-even is calculated for plans with at most so many turns."""


def answer_estimate(bound: BoundRequest) -> Estimate:
    """The estimate for a request.

    Raises:
        Problem: there is no estimate.
    """
    estimate_request = bound.request
    try:
        return estimate(
            estimate_request.plan,
            estimate_request.selection,
            bound.facts,
            estimate_request.volume,
            estimate_request.lengths,
            connection_costs=estimate_request.connection_costs,
        )
    except VoicebillError as error:
        raise problem_from(error) from None


def link_pins(bound: BoundRequest, answer: Estimate) -> dict[str, str]:
    """The fields by which a link stands for an estimate for ever: its day, and the digests of its prices and rules."""
    return {
        "day": answer.model.selection.day.isoformat(),
        "prices_digest": bound.facts.prices.digest,
        "rules_digest": answer.model.effective_rules.digest,
    }


def changes_since(values: Mapping[str, str], pins: Mapping[str, str]) -> Iterator[str]:
    """Changes of prices and rules since a link was created."""
    for name, label in (("prices_digest", "prices"), ("rules_digest", "rules")):
        if values.get(name) and values[name] != pins[name]:
            yield f"{label} have changed since this link was created: from {values[name][:16]} to {pins[name]}"


def sensitivity_and_recommendations(bound: BoundRequest) -> tuple[tuple[Swing, ...], tuple[Recommendation, ...]]:
    """Sensitivity and recommendations of a plan.

    Raises:
        Problem: the plan itself cannot be estimated.
    """
    plan, selection = bound.request.plan, bound.request.selection
    try:
        return sensitivity(plan, selection, bound.facts), recommendations(plan, selection, bound.facts)
    except VoicebillError as error:
        raise problem_from(error) from None


def answer_capacity(bound: BoundRequest, targets: CapacityTargets) -> Capacity:
    """The capacity plan for a request.

    Raises:
        Problem: there is no result.
    """
    estimate_request = bound.request
    try:
        return plan_capacity(
            estimate_request.plan,
            estimate_request.selection,
            bound.facts,
            estimate_request.volume,
            targets,
            lengths=estimate_request.lengths,
        )
    except VoicebillError as error:
        raise problem_from(error) from None


NO_CHOICES = ComparisonChoices()


@dataclass(frozen=True, slots=True)
class ComparisonFilter:
    """Restricts a comparison to a model, a provider or a deployment; `choices` are its other inputs."""

    model: str | None = None
    provider: str | None = None
    deployment: str | None = None
    choices: ComparisonChoices = NO_CHOICES


NO_FILTER = ComparisonFilter()


def parse_comparison_filter(table: object) -> ComparisonFilter:
    """The filter of an API request: the fields that it contains explicitly.

    Raises:
        Problem: a field is invalid.
    """
    fields = table if isinstance(table, Mapping) else {}
    values = {name: fields.get(name) for name in ("model", "provider", "deployment")}
    return ComparisonFilter(
        **{name: value.strip().lower() for name, value in values.items() if isinstance(value, str) and value.strip()},
        choices=parse_choices(fields),
    )


def bind_comparison(values: Mapping[str, str], site: Site) -> tuple[BoundRequest, ComparisonFilter]:
    """The plan and the filter of an address of the page: a model, a provider and a deployment restrict the comparison there.

    Raises:
        Problem: a field is invalid.
    """
    fields, _ = page_fields(with_pinned_offer(values), site)
    return bind_request(fields, site), parse_comparison_filter(values)


def parse_choices(fields: Mapping[str, object]) -> ComparisonChoices:
    """The inputs of a comparison.

    Raises:
        Problem: a field is invalid.
    """
    try:
        return ComparisonChoices(**read_inputs(split_inputs(fields, COMPARISON)[0], COMPARISON))
    except InvalidInputs as error:
        raise Problem(422, "Invalid input", error.field_errors) from None


def compare_offers(bound: BoundRequest, offer_filter: ComparisonFilter = NO_FILTER) -> Comparison:
    """Estimates of the plan for every realtime offer available on the day that matches the filter.

    Raises:
        Problem: there is no offer, or no result.
    """
    estimate_request = bound.request
    try:
        offers = _matching_offers(bound, offer_filter)
        volume, lengths = _comparable_volume(estimate_request)
        return compare(
            estimate_request.plan,
            offers,
            estimate_request.selection,
            bound.facts,
            volume,
            lengths=lengths,
            include_ending=offer_filter.choices.include_ending,
        )
    except VoicebillError as error:
        raise problem_from(error) from None


def _comparable_volume(estimate_request: EstimateRequest) -> tuple[Volume | None, LengthDistribution | CallLengths | None]:
    """The volume and the call lengths, unless the longest calls of a month would take too long to count for every offer."""
    longest_turns = longest_call_turns(estimate_request.plan, estimate_request.lengths)
    return (None, None) if longest_turns > MAX_TURNS_FOR_MONTH else (estimate_request.volume, estimate_request.lengths)


def _matching_offers(bound: BoundRequest, offer_filter: ComparisonFilter) -> list[Offer]:
    book, day = bound.facts.prices, bound.request.selection.day
    return available_offers_matching(
        book, day, [offer_filter.model] if offer_filter.model else (), offer_filter.provider, offer_filter.deployment
    )


def compare_alternatives(bound: BoundRequest, answer: Comparison, offer_filter: ComparisonFilter = NO_FILTER) -> Alternatives:
    """All alternatives for the plan, including the compared realtime offers; only these if the filter names a model.

    Raises:
        Problem: the connection's fields are invalid.
    """
    estimate_request, plan = bound.request, bound.request.plan
    volume, lengths = _comparable_volume(estimate_request)
    stacks = [] if offer_filter.model else restrict_stacks(bound.facts.stacks, offer_filter.provider, offer_filter.deployment)
    try:
        return alternatives(
            answer,
            plan,
            estimate_request.selection,
            bound.facts,
            volume,
            stacks=offer_filter.choices.stacks(stacks),
            lengths=lengths,
            connection_costs=estimate_request.connection_costs,
            include_ending=offer_filter.choices.include_ending,
        ).of_kind(offer_filter.choices.kind)
    except VoicebillError as error:
        raise problem_from(error) from None


def alternative_names(values: Mapping[str, str]) -> list[str]:
    """Names of the alternatives of the break-even."""
    return [name.strip() for name in values.get("alternative", "").split(",") if name.strip()]


def break_even_curve(values: Mapping[str, str], alternatives: Alternatives, max_steps: int) -> BreakEvenCurve | None:
    """Break-even of the alternatives over the range; None if there are fewer than two alternatives.

    Raises:
        Problem: an alternative or the range is invalid, or the plan has too many turns to be varied here.
    """
    axis = next((option for option in AXES if option == values.get("break_even", AXES[0])), None)
    if axis is None:
        raise Problem(
            422, "Invalid input", [("break_even", f"must be one of {', '.join(AXES)}, not {values['break_even'][:40]!r}")]
        )
    if alternatives.plan.turns > MAX_TURNS_FOR_BREAK_EVEN:
        message = (
            f"the break-even is limited to plans with {MAX_TURNS_FOR_BREAK_EVEN} turns here; the command line has no such limit"
        )
        raise Problem(422, "Too long", [("turns", message)])
    names = alternative_names(values)
    if len(names) > MAX_ALTERNATIVES:
        raise Problem(422, "Too long", [("alternative", f"at most {MAX_ALTERNATIVES} are possible here, not {len(names)}")])
    try:
        selected = select_alternatives(alternatives, names)
    except VoicebillError as error:
        raise Problem(422, "Invalid input", [("alternative", str(error))]) from None
    try:
        if len({alternative.name for alternative in selected}) < 2:
            return None
        sweep_range = (
            parse_range(axis, values["range"])
            if values.get("range")
            else default_range(axis, alternatives.plan, alternatives.volume)
        )
        steps = len(selected) * count_swept_turns(alternatives.plan, sweep_range)
        if steps > max_steps:
            message = (
                f"the break-even would count {steps:,} turns over this range; at most {max_steps:,} are possible here: "
                "narrow it, or reduce the turns"
            )
            raise Problem(422, "Too long", [("range", message)])
        return break_even(selected, alternatives.plan, sweep_range)
    except VoicebillError as error:
        raise Problem(422, "Invalid input", [("range", str(error))]) from None
