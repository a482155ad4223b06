"""State the assumptions and warnings of a capacity plan."""

from collections.abc import Iterator

from voicebill.answers.capacity.result import Capacity
from voicebill.answers.capacity.targets import ASSUMED_BUSY_SHARE, ASSUMED_DAYS, CapacityTargets
from voicebill.answers.capacity.traffic import BusyHourTraffic
from voicebill.answers.estimates import caveats
from voicebill.answers.parsing.quantities import format_percent
from voicebill.billing.quotas import tiers
from voicebill.conversation.call_lengths import LengthDistribution
from voicebill.conversation.volume import Volume


def capacity_assumptions(answer: Capacity, *, has_lengths: bool) -> Iterator[str]:
    """What was assumed where nothing was given."""
    yield from busy_hour_assumptions(answer.traffic, answer.targets)
    yield (
        "calls begin at random and without regard to each other; those blocked do not try again. How many are blocked depends "
        "on the mean length of calls alone, however lengths differ; how many wait, and how long, is for exponential lengths"
    )
    if not has_lengths and isinstance(answer.average_load.calls.lengths, LengthDistribution):
        yield assumed_lengths(answer.average_load.calls.lengths)
    yield from _counting_assumptions(answer)
    if (
        answer.quota
        and answer.targets.tier is None
        and len(tiers(answer.model.facts.quotas.quotas_of(answer.model.quote.offer, answer.model.selection.day))) > 1
    ):
        yield f"the quota is that of {answer.tier}, the lowest: assumed"
    yield from caveats.uncertain_rules(answer.conversation, answer.model.effective_rules)


def busy_hour_assumptions(traffic: BusyHourTraffic, targets: CapacityTargets) -> Iterator[str]:
    """What was assumed of the busy hour of a volume."""
    if traffic.volume and targets.days is None and traffic.days is not None:
        yield f"calls come on {ASSUMED_DAYS} days a month, the business days of a month: assumed"
    if traffic.volume and targets.busy_hour_share is None:
        busy_percent = format_percent(float(ASSUMED_BUSY_SHARE))
        yield f"{busy_percent} of a day's calls fall into its busiest hour: assumed, a planner's rule of thumb"


def assumed_lengths(lengths: LengthDistribution) -> str:
    """What was assumed of the lengths of calls."""
    return (
        f"call lengths have a coefficient of variation of {lengths.coefficient}, assumed: "
        "lognormal as in call centres, and different in each business; set your own, or give your calls' lengths"
    )


def _counting_assumptions(answer: Capacity) -> Iterator[str]:
    counting_rule, quota_counting, reserved = (
        answer.counting_rule,
        answer.quota_counting,
        answer.quota_counting.reserved_output_tokens,
    )
    cached = "count" if quota_counting.cached_tokens else "do not count"
    rule_basis = (
        f"{counting_rule.evidence}, {counting_rule.basis}" if counting_rule else "assumed, nothing is known of this provider"
    )
    cached_basis = rule_basis if answer.targets.cached_tokens is None else "as stated"
    request_basis = rule_basis if answer.targets.request_unit is None else "as stated"
    cached_text = f"cached tokens {cached} towards the limit"
    request_text = f"a request is a {quota_counting.request_unit}"
    if cached_basis == request_basis:
        yield f"{cached_text}, and {request_text}: {cached_basis}"
    else:
        yield from (f"{cached_text}: {cached_basis}", f"{request_text}: {request_basis}")
    if reserved is not None:
        yield f"of every response at least {reserved:,} output tokens count, as a limit on its output reserves them"
    elif counting_rule:
        yield (
            f"output counts as generated; {counting_rule.output}: set that limit near the length of replies, or count what "
            "it reserves"
        )


def capacity_warnings(answer: Capacity, volume: Volume | None) -> Iterator[str]:
    """What may make the plan wrong, or should be changed."""
    offer, day, quotas = answer.model.quote.offer, answer.model.selection.day, answer.model.facts.quotas
    if volume is not None and answer.targets.calls_per_hour is not None:
        yield f"calls_per_hour is taken as it is stated; conversations ({volume}) are not used"
    if answer.quota is None and not answer.needed:
        yield (f"{quotas.explain_missing(offer, day)}; set your own: quota_tokens, quota_requests and quota_sessions")
    if answer.quota is None and answer.targets.tier:
        yield f"{answer.targets.tier} says nothing: {quotas.explain_missing(offer, day)}"
    if answer.quota and answer.quota.note:
        yield answer.quota.note
    yield from caveats.cut_calls(answer.average_load.calls)
    if answer.needed and answer.needed.pooled is None:
        yield (
            f"a single call needs more {answer.needed.binding_limit} per minute than the quota allows: no number of "
            f"{answer.per}s is enough; shorten prompt and history, or ask for a larger quota"
        )
    if answer.needed and answer.needed.pooled and answer.needed.pooled > 1 and answer.counting_rule:
        yield answer.counting_rule.scope
    yield from (
        *caveats.warnings(answer.conversation, answer.model, (), ()),
        *caveats.feasibility_warnings(answer.conversation),
        *caveats.unused_fields(answer.plan),
    )
