"""Price counted conversations. Every estimate, simulation and comparison is computed here.

Quantities are summed first and multiplied by their rate once, so that totals do not depend on the level of detail.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from voicebill.answers.estimates.counted_conversation import CountedConversation, sum_tokens, usage_of_responses
from voicebill.answers.estimates.model_selection import ResolvedModel
from voicebill.billing.bill import Line, bill, price_quantities, sum_lines
from voicebill.billing.errors import Unpriced
from voicebill.billing.money import Amount
from voicebill.billing.offers import Rates
from voicebill.billing.usage import Usage, total_usage
from voicebill.conversation.cache import cache_write_tokens
from voicebill.conversation.context import fixed_tokens

CostComponentName = Literal[
    "fresh_audio_in",
    "instructions",
    "reread_history",
    "cached_history",
    "cache_writes",
    "assistant_audio",
    "text",
    "reasoning",
    "images",
    "tool_rounds",
    "session",
    "messages",
    "transcription",
]


COST_COMPONENT_LABELS: dict[CostComponentName, str] = {
    "fresh_audio_in": "user audio, first read",
    "instructions": "prompt and tools, uncached",
    "reread_history": "history, re-read uncached",
    "cached_history": "prompt and history, cached",
    "cache_writes": "text, written to the cache",
    "assistant_audio": "assistant audio",
    "text": "text, typed or with audio",
    "reasoning": "reasoning",
    "images": "images, first read",
    "tool_rounds": "tool rounds",
    "session": "time of the session and its audio",
    "messages": "typed messages",
    "transcription": "transcription of the user's speech",
}


@dataclass(frozen=True, slots=True)
class CostComponent:
    """One part of the cost breakdown; the components of a conversation add up to its expected amount."""

    name: CostComponentName
    amount: Amount


def priced_lines(usage: Usage, rates: Rates) -> tuple[Line, ...]:
    """The lines of a bill, all with a price. Tokens that a price per minute includes have none.

    Raises:
        Unpriced: a meter has no price in this offer; a total without it would be too low.
    """
    lines = tuple(line for line in bill(usage, rates) if line.rate or line.meter.name not in rates.included_meters)
    for line in lines:
        if line.rate is None:
            raise Unpriced(
                f"{rates.offer.name} has no price for {line.meter.label} on that day "
                f"({line.meter.format_quantity(line.quantity)} would be used): it cannot be estimated"
            )
    return lines


def usage_amount(usage: Usage, rates: Rates) -> Amount:
    """The sum of `priced_lines` in picodollars. Only where a quantity has no price are there lines to look at.

    Raises:
        Unpriced: a meter has no price in this offer; a total without it would be too low.
    """
    amount = price_quantities(usage.items(), rates)
    return total_amount(priced_lines(usage, rates)) if amount is None else amount


def total_amount(lines: Iterable[Line]) -> Amount:
    """The sum of lines in picodollars; all of them must have a price."""
    amount = sum_lines(lines)
    assert amount is not None
    return amount


def price_transcription(conversation: CountedConversation, model: ResolvedModel) -> tuple[Line, ...]:
    """The transcription model's lines for a conversation; none without transcription."""
    if model.transcription is None:
        return ()
    return priced_lines(total_usage(conversation.transcription_usages), model.transcription.rates)


def cost_components(conversation: CountedConversation, model: ResolvedModel) -> tuple[CostComponent, ...]:
    """The cost breakdown under the expected cache behaviour, largest first, without components that cost nothing.

    Where cache writes are billed, they are all text that is not cached: of the prompt, the history and what is new.
    """
    rates, rule = model.quote.rates, conversation.expected
    responses_with_hits = list(zip(conversation.responses, conversation.hits, strict=True))
    replies = [pair for pair in responses_with_hits if pair[0].kind == "reply"]
    rounds = [pair for pair in responses_with_hits if pair[0].kind == "tool-call"]
    usage = usage_of_responses(replies, rule) if rounds else conversation.expected_usage
    fixed = fixed_tokens(conversation.settings, conversation.rules)
    without_writes = replies
    if rule.bills_writes:
        without_writes = [(response, hit) for response, hit in replies if not cache_write_tokens(response, hit, rule)]
    prompt = sum(max(0, fixed - hit.text) for response, hit in without_writes if response.input.text)
    unseen_text = sum(response.unseen.text for response, _ in without_writes)
    reasoning = sum(response.reasoning for response, _ in replies)
    unseen = sum_tokens(response.unseen for response, _ in replies)
    session = conversation.session_usage
    quantities: dict[CostComponentName, dict[str, int]] = {
        "fresh_audio_in": {"audio_in": unseen.audio},
        "reread_history": {
            "text_in": usage["text_in"] - unseen_text - prompt,
            "audio_in": usage["audio_in"] - unseen.audio,
            "image_in": usage["image_in"] - unseen.image,
        },
        "cached_history": {meter: usage[meter] for meter in ("text_in_cached", "audio_in_cached", "image_in_cached")},
        "cache_writes": {"text_in_cache_write": usage["text_in_cache_write"]},
        "assistant_audio": {"audio_out": usage["audio_out"]},
        "instructions": {"text_in": prompt},
        "text": {"text_in": unseen_text, "text_out": usage["text_out"] - reasoning},
        "reasoning": {"text_out": reasoning},
        "images": {"image_in": unseen.image},
        "tool_rounds": dict(usage_of_responses(rounds, rule).items()) if rounds else {},
        "session": {name: quantity for name, quantity in session.items() if name != "messages"},
        "messages": {"messages": session["messages"]},
    }
    components = [
        CostComponent(name, usage_amount(Usage(counts), rates)) for name, counts in quantities.items() if any(counts.values())
    ]
    components.append(CostComponent("transcription", total_amount(price_transcription(conversation, model))))
    return tuple(
        sorted(
            (component for component in components if component.amount), key=lambda component: component.amount, reverse=True
        )
    )
