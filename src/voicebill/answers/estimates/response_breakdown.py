"""Price every response of a conversation, and explain its cost."""

from collections.abc import Iterator
from dataclasses import dataclass

from voicebill.answers.estimates.costing import usage_amount
from voicebill.answers.estimates.counted_conversation import CountedConversation
from voicebill.answers.estimates.model_selection import ResolvedModel
from voicebill.billing.money import Amount
from voicebill.billing.usage import Usage
from voicebill.conversation.cache import usage
from voicebill.conversation.context import Response, fixed_tokens


@dataclass(frozen=True, slots=True)
class ResponseCost:
    """The cost of one response under the expected cache behaviour.

    `cumulative` is the cost of the conversation up to and including this response, without transcription of the user's speech.
    """

    response: Response
    usage: Usage
    amount: Amount
    cumulative: Amount
    reasons: tuple[str, ...]


def response_costs(conversation: CountedConversation, model: ResolvedModel) -> Iterator[ResponseCost]:
    """The responses of a conversation in order, each priced separately; their amounts add up to the voice model's bill.

    Raises:
        Unpriced: a meter that is used has no price in this offer.
    """
    cumulative: Amount = 0
    previous: Response | None = None
    for response in conversation.responses:
        billed = usage(response, conversation.expected)
        amount = usage_amount(billed, model.quote.rates)
        cumulative += amount
        yield ResponseCost(response, billed, amount, cumulative, tuple(_reasons(response, previous, conversation)))
        previous = response


def _reasons(response: Response, previous: Response | None, conversation: CountedConversation) -> Iterator[str]:
    """What determined the cost of a response, in chronological order."""
    if not sum(response.input):
        yield "cancelled before any output: nothing is billed"
        return
    if response.kind == "tool-call":
        yield "a tool call is a separate response that reads the whole input"
    if previous is not None and response.session > previous.session:
        yield f"session {response.session} starts with a cold cache"
    elif previous is None and not conversation.settings.warm_cache:
        yield "first response: nothing is cached yet"
    elif previous is None:
        yield "another session has just used the same instructions"
    elif response.dropped:
        yield f"the history no longer fits: {response.dropped:,} items are dropped, and the remaining history is read again"
    else:
        yield from _cache_reasons(response, conversation)
    if response.status == "cancelled":
        yield "the user interrupts: all generated tokens are billed, played or not"


def _cache_reasons(response: Response, conversation: CountedConversation) -> Iterator[str]:
    """What determined the cached tokens of a response."""
    common, fixed = sum(response.common_prefix), fixed_tokens(conversation.settings, conversation.rules)
    if conversation.expected.behaviour == "prefix":
        reuse_percent = conversation.expected.percent(has_speech=response.input.audio > 0)
        shrunk_note = (
            "an older reply has shrunk to its transcript; " if response.common_prefix != response.previously_seen else ""
        )
        hit_note = f"{reuse_percent} of the {common:,} tokens {'before it' if shrunk_note else 'in common'}"
        yield f"{shrunk_note}{hit_note} are cached, in blocks of {conversation.expected.block_tokens}"
    elif conversation.expected.behaviour == "all":
        blocks = conversation.expected.block_tokens
        yield f"all {sum(response.previously_seen):,} repeated tokens are cached, in blocks of {blocks}"
    elif fixed:
        yield "nothing is cached"
