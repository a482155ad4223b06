"""Plan capacity: concurrent calls in the busy hour, the quota they use, and how many calls are blocked.

Concurrent calls depend only on calls per hour and their mean length (erlangs); tokens and requests per minute on the planned
conversation, in which every response reads the whole context again.
"""

from dataclasses import replace

from voicebill.answers.capacity import erlang
from voicebill.answers.capacity.caveats import capacity_assumptions, capacity_warnings
from voicebill.answers.capacity.demand import call_demand
from voicebill.answers.capacity.quota_usage import average_load_of, limit_usages, quota_counting_of, required_quotas
from voicebill.answers.capacity.result import Capacity
from voicebill.answers.capacity.targets import CapacityTargets
from voicebill.answers.capacity.traffic import busy_hour_traffic, erlang_c_queue
from voicebill.answers.catalog.facts import Facts
from voicebill.answers.estimates.counted_conversation import count_plan
from voicebill.answers.estimates.model_selection import ModelSelection, resolve_model
from voicebill.conversation.call_lengths import CallLengths, LengthDistribution
from voicebill.conversation.plan import Plan
from voicebill.conversation.volume import Volume, require_volume


def plan_capacity(
    plan: Plan,
    selection: ModelSelection,
    facts: Facts,
    volume: Volume | None,
    targets: CapacityTargets | None = None,
    *,
    lengths: LengthDistribution | CallLengths | None = None,
) -> Capacity:
    """Plan how many calls of a plan are held at once in the busy hour, and how much quota they need.

    `lengths` are the lengths of calls (None: lognormal with the assumed coefficient of variation).

    >>> from datetime import date
    >>> from decimal import Decimal
    >>> from voicebill.facts import load_facts
    >>> azure = ModelSelection(model="gpt-realtime", provider="azure", day=date(2026, 11, 22))
    >>> answer = plan_capacity(Plan(minutes=6, turns=20), azure, load_facts(), Volume(Decimal(30_000), "month"))
    >>> round(answer.traffic.erlangs, 2), answer.channels, answer.needed.binding_limit
    (23.12, 34, 'tokens')

    Raises:
        UnknownName: the model, provider, deployment, region, rule set or quota tier is unknown.
        NotAvailable: the model has no price on the day.
        ContextOverflow: the provider would end the conversation with an error.
        InvalidInput: neither a volume nor calls per hour are given, the volume is not a Volume, or the load is too large to
            be counted.
    """
    require_volume(volume)
    targets = targets or CapacityTargets()
    model = resolve_model(selection, plan.transcription_model, facts)
    offer, day = model.quote.offer, selection.day
    quota, counting_rule = facts.quotas.find(offer, day, targets.tier), facts.quotas.counting_rule(offer.provider, day)
    quota_counting = quota_counting_of(targets, counting_rule)
    average_load = average_load_of(plan, lengths or LengthDistribution(), model, quota_counting)
    traffic = busy_hour_traffic(average_load.minutes, volume, targets)
    conversation = count_plan(plan, model)
    channels = erlang.channels_for_blocking(traffic.erlangs, float(targets.blocking_probability))
    blocking = erlang.erlang_b(traffic.erlangs, channels)
    limits = tuple(limit_usages(traffic.after_blocking(blocking), average_load, channels, quota, targets))
    needed = required_quotas(traffic, channels, limits, float(targets.blocking_probability))
    tier = (targets.tier or quota.tiers[0]) if quota else None
    answer = Capacity(
        plan=plan,
        model=model,
        conversation=conversation,
        targets=targets,
        traffic=traffic,
        channels=channels,
        blocking_probability=blocking,
        queue=erlang_c_queue(traffic, targets.service_level),
        demand=call_demand(conversation, quota_counting),
        average_load=average_load,
        quota_counting=quota_counting,
        counting_rule=counting_rule,
        quota=quota,
        tier=tier,
        limits=limits,
        needed=needed,
        assumptions=(),
        warnings=(),
    )
    return replace(
        answer,
        assumptions=tuple(capacity_assumptions(answer, has_lengths=lengths is not None)),
        warnings=tuple(capacity_warnings(answer, volume)),
    )
