"""Derive the assumptions and warnings of an estimate."""

from collections.abc import Iterable, Iterator
from fractions import Fraction

from voicebill.answers.connectivity.transport import ConnectionCosts
from voicebill.answers.estimates.counted_conversation import CountedConversation
from voicebill.answers.estimates.model_selection import ResolvedModel
from voicebill.answers.estimates.planning_range import RuleUncertainty
from voicebill.billing.bill import Line, rate_warnings
from voicebill.billing.money import format_amount
from voicebill.billing.validation import default_of
from voicebill.conversation.call_population import CallPopulation
from voicebill.conversation.plan import Plan
from voicebill.conversation.rules import EffectiveRules
from voicebill.conversation.script import Truncation


def assumptions(conversation: CountedConversation, model: ResolvedModel) -> list[str]:
    """Assumptions behind the figures, the most important first."""
    notes = (
        *(_cache(conversation) if model.quote.rates.bills_tokens else ()),
        *_uncounted_instructions(conversation),
        *uncertain_rules(conversation, model.effective_rules),
        *_transport(conversation),
        *model.assumptions,
    )
    return list(dict.fromkeys(notes))  # a note that applies to the voice and the transcription model appears once


def warnings(
    conversation: CountedConversation, model: ResolvedModel, lines: Iterable[Line], transcription_lines: Iterable[Line]
) -> list[str]:
    """What may change the bill: shutdowns, disputed prices, truncation, further sessions, replies that are too long."""
    notes = [*model.warnings, *rate_warnings(lines, model.quote.rates)]
    if model.transcription is not None:
        notes += rate_warnings(transcription_lines, model.transcription.rates)
    return [
        *notes,
        *_transport_region(conversation, model),
        *_ignored_truncation(conversation, model),
        *_limits(conversation),
        *_long_replies(conversation),
        *_reasoning(conversation, model),
        *_unused_prefix_reuse(conversation),
    ]


def cut_calls(calls: CallPopulation, *, over: str = "") -> Iterator[str]:
    """The warning that calls are cut short, by the session or by a full context; `over` names the period it applies to."""
    if calls.cap is None or not round(calls.cut_share, 3):
        return
    reason = "with the session" if calls.cap.by == "session" else "with the provider's error, because the context is full"
    counted, full = f"{calls.mean_minutes:.1f}", f"{calls.full_mean_minutes:.1f}"
    difference = f", and only {counted} minutes a call are in the amounts, not {full}" if counted != full else ""
    yield (
        f"{over}{calls.cut_share:.1%} of the calls end after {calls.cap.minutes:.4g} minutes {reason}: they are lost from "
        f"then on{difference}"
    )


def _cache(conversation: CountedConversation) -> Iterator[str]:
    rule = conversation.expected
    if rule.behaviour == "prefix":
        has_speech = any(response.input.audio for response in conversation.responses)
        yield (
            f"expected: {rule.percent(has_speech=has_speech)} of the prefix in common with the previous input is cached; "
            "best: all repeated input; worst: none"
        )
    else:
        descriptions = {"all": "all repeated input is cached", "none": "no input is cached"}
        yield f"expected: {descriptions[rule.behaviour]}"
    if conversation.settings.warm_cache:
        yield "the instructions are cached for the first response, because another session has just used them"


def _uncounted_instructions(conversation: CountedConversation) -> Iterator[str]:
    tokens = conversation.settings.instructions_tokens + conversation.settings.tools_tokens
    if tokens and not conversation.rules.counts_instructions:
        yield f"these rules do not count instructions and tools: the {tokens:,} tokens given are left out"


def uncertain_rules(conversation: CountedConversation, effective_rules: EffectiveRules) -> Iterator[str]:
    """Assumed, reported or disputed rules that affect this bill."""
    for row in (effective_rules.rows[parameter] for parameter in _relevant_parameters(conversation, effective_rules)):
        if row.evidence in ("assumed", "reported"):
            low_to_high = "" if row.range is None or isinstance(row.value, str) else f" ({row.range[0]} to {row.range[1]})"
            yield f"{row.parameter} is {row.value}{low_to_high}: {row.evidence}, {row.basis}"
        if row.disputed:
            others = " or ".join(str(value) for value in row.disputed)
            yield f"{row.parameter} is {row.value}, disputed ({others}): {row.basis}"


def other_history(uncertainty: RuleUncertainty, effective_rules: EffectiveRules) -> Iterator[str]:
    """What the conversation would cost under the other history policy, where the model's is not measured."""
    for effect in uncertainty.effects:
        if effect.parameter == "history":
            yield (
                f"if history is {effect.value}, not {effective_rules.rules.history}, the conversation is expected to cost "
                f"{format_amount(effect.amount)}"
            )


def _relevant_parameters(conversation: CountedConversation, effective_rules: EffectiveRules) -> Iterator[str]:
    """The uncertain parameters that this conversation depends on."""
    settings, rules = conversation.settings, conversation.rules
    yield "history"
    if conversation.expected.behaviour == "prefix" and settings.prefix_reuse is None:
        has_speech = any(response.input.audio for response in conversation.responses)
        yield "cache_reuse_share" if has_speech else "cache_reuse_share_without_speech"
    if settings.instructions_change and settings.stable_instructions_tokens is None:
        yield "stable_instructions_share"
    if rules.reasoning_tokens_per_response in conversation.turn_facts.reasoning_tokens - {0}:
        yield "reasoning_tokens_per_response"
    if settings.session_minutes is None and any(response.session > 1 for response in conversation.responses):
        yield "session_minutes"
    largest = max((sum(response.input) for response in conversation.responses), default=0)
    for parameter in ("input_limit_tokens", "context_tokens"):
        row = effective_rules.rows[parameter]
        if any(value and 2 * largest > int(str(value)) for value in (row.value, *row.disputed)):
            yield parameter


def _transport(conversation: CountedConversation) -> Iterator[str]:
    if conversation.settings.transport == "websocket" and conversation.turn_facts.has_interruptions:
        yield "over WebSocket the client truncates interrupted replies; if it does not, unplayed speech stays in the history"
    if conversation.settings.transport == "sip":
        yield "over SIP the carrier bills its own minutes, which are not part of the model's cost"


def _transport_region(conversation: CountedConversation, model: ResolvedModel) -> Iterator[str]:
    transport, region, offer = conversation.settings.transport, model.quote.region, model.quote.offer
    if transport is None or region is None:
        return
    regions = model.facts.prices.transport_regions(offer, transport)
    if regions and region not in regions:
        title = model.facts.transport_catalog.transports[transport].title
        yield (
            f"{offer.provider} lists {title} for {offer.model} in {' and '.join(regions)} only: it may not be available "
            f"in {region}"
        )


def _ignored_truncation(conversation: CountedConversation, model: ResolvedModel) -> Iterator[str]:
    if conversation.settings.truncation != Truncation() and not conversation.rules.supports_truncation:
        yield f"{model.quote.offer.provider} accepts a truncation setting for {model.quote.offer.model} and ignores it"


def planned_call_cut(plan: Plan, minutes: Fraction) -> Iterator[str]:
    """The warning that the planned call itself ends with its session."""
    if minutes < plan.minutes:
        yield (
            f"the planned call ends after {float(minutes):.4g} minutes with the session: the amounts per conversation are "
            f"those of {float(minutes):.4g} minutes, not of {plan.minutes}"
        )


def _limits(conversation: CountedConversation) -> Iterator[str]:
    cuts = [response for response in conversation.responses if response.dropped]
    if cuts:
        dropped = sum(response.dropped for response in cuts)
        times = "once" if len(cuts) == 1 else f"{len(cuts):,} times"
        yield (
            f"from turn {cuts[0].turn} on the history no longer fits: it is truncated {times}, {dropped:,} items are "
            "dropped, and the remaining history is read once at the full rate"
        )
    if conversation.sessions > 1:
        with_what = "with the transcripts so far" if conversation.carries_text else "without history"
        yield f"the conversation is longer than a session: {conversation.sessions} are needed, each starting cold {with_what}"


def _long_replies(conversation: CountedConversation) -> Iterator[str]:
    limit = conversation.rules.max_output_tokens
    long = [response for response in conversation.responses if limit and response.text_out + response.audio_out > limit]
    if long:
        worst = max(long, key=lambda response: response.text_out + response.audio_out)
        yield (
            f"the reply of turn {worst.turn} has {worst.text_out + worst.audio_out:,} tokens, more than the model's maximum "
            f"of {limit:,} per response: it would be cut off ({len(long)} such {'reply' if len(long) == 1 else 'replies'})"
        )


def _reasoning(conversation: CountedConversation, model: ResolvedModel) -> Iterator[str]:
    has_reasoning_tokens = any(conversation.turn_facts.reasoning_tokens)
    if has_reasoning_tokens and not conversation.rules.is_reasoning_model:
        yield f"{model.quote.offer.model} is not known as a reasoning model; the given reasoning tokens are billed anyway"
    if conversation.rules.is_reasoning_model and not has_reasoning_tokens:
        yield (
            f"{model.quote.offer.model} reasons before it answers, billed as text output; no reasoning tokens are counted "
            "here because none are given"
        )


def _unused_prefix_reuse(conversation: CountedConversation) -> Iterator[str]:
    behaviour = conversation.expected.behaviour
    if conversation.settings.prefix_reuse is not None and behaviour != "prefix":
        yield f"prefix_reuse has no effect: with the cache behaviour {behaviour} no share of a prefix is used"


DEPENDENT_FIELDS = {
    "arguments_tokens": "tool_calls",
    "result_tokens": "tool_calls",
    "image_tiles": "image_count",
    "stable_instructions_tokens": "instructions_change",
    "text_turn_user_tokens": "text_turns",
    "text_turn_reply_tokens": "text_turns",
    "played_share": "interrupted_share",
}
"""Fields of a plan that describe something, by the attribute that says how much of it there is."""

AMOUNT_NAMES = {"image_count": "images"}
"""Attributes by the name of the input that sets them."""


def unused_fields(plan: Plan) -> Iterator[str]:
    """The warnings that a field has another value than its default, but describes something that the plan does not have."""
    for name, amount in DEPENDENT_FIELDS.items():
        if not getattr(plan, amount) and getattr(plan, name) != default_of(Plan, name):
            yield f"{name} has no effect: {AMOUNT_NAMES.get(amount, amount)} is 0"


def shares_without_month(plan: Plan) -> Iterator[str]:
    """The warnings that shares of a month's calls are given, but no month."""
    for name in ("unconnected_share", "short_share"):
        if getattr(plan, name):
            yield f"{name} has no effect: it is a share of a month's calls, and there are no conversations per month"


def carrier_without_sip(plan: Plan, connection_costs: ConnectionCosts) -> Iterator[str]:
    """The warning that a carrier's fee is counted for calls that reach the model without one."""
    fields = [name for name in ("carrier", "carrier_per_minute") if getattr(connection_costs, name) is not None]
    if fields and plan.transport != "sip":
        transport = f"the transport is {plan.transport}" if plan.transport else "no transport is given"
        yield (
            f"{fields[0]}: phone carriers bill only calls over SIP, but {transport}; the fee is counted all the same: "
            "give the transport sip, or omit the carrier"
        )


def feasibility_warnings(conversation: CountedConversation) -> Iterator[str]:
    """Plans that are not feasible: empty replies, and less silence than turn detection adds."""
    empty = sum(
        response.kind == "reply" and not (response.audio_out or response.text_out) for response in conversation.responses
    )
    if empty:
        yield f"{empty:,} of the replies are empty: the assistant's share of the time is too small for them"
    padding_ms = conversation.rules.padding_tokens * conversation.rules.user_audio_ms_per_token
    spoken_turns = conversation.turn_facts.spoken_turns
    if padding_ms * spoken_turns and not conversation.turn_facts.has_silence:
        yield (
            f"turn detection adds {padding_ms / 1000:g} s of silence to each of {spoken_turns:,} turns, "
            f"{padding_ms * spoken_turns / 1000:,.0f} s in all: more than the silence in the plan"
        )
