"""The ledger: every response of a conversation with its tokens, its dollars, and what made it so."""

from collections.abc import Iterator
from dataclasses import dataclass

from voicebill.answers.costing import CountedConversation, priced_lines, total_amount
from voicebill.answers.model_selection import ResolvedModel
from voicebill.billing.money import Amount
from voicebill.billing.usage import Usage
from voicebill.conversation.cache import usage_from_tokens
from voicebill.conversation.context import Response, fixed_tokens


@dataclass(frozen=True, slots=True)
class ResponseCost:
    """One response under the expected cache behaviour. `reached`: what the conversation has cost by then, without the
    transcription of what the user says.
    """

    response: Response
    usage: Usage
    amount: Amount
    cumulative: Amount
    reasons: tuple[str, ...]


def response_costs(conversation: CountedConversation, model: ResolvedModel) -> Iterator[ResponseCost]:
    """The responses of a conversation in order, each priced by itself; their amounts add up to the voice model's bill.

    Raises:
        Unpriced: something that was used has no price there.
    """
    cumulative: Amount = 0
    previous: Response | None = None
    for response, hit in zip(conversation.responses, conversation.hits, strict=True):
        usage = usage_from_tokens(response.input, hit, response.text_out, response.audio_out)
        amount = total_amount(priced_lines(usage, model.quote.rates))
        cumulative += amount
        yield ResponseCost(response, usage, amount, cumulative, tuple(_reasons(response, previous, conversation)))
        previous = response


def _reasons(response: Response, previous: Response | None, conversation: CountedConversation) -> Iterator[str]:
    """What shaped a response's bill, in the order in which it happened."""
    if not sum(response.input):
        yield "cancelled before any output: nothing is billed"
        return
    if response.kind == "tool-call":
        yield "a tool call is a response of its own, and reads everything"
    if previous is not None and response.session > previous.session:
        yield f"session {response.session} starts cold"
    elif previous is None and not conversation.script.warm_cache:
        yield "the first response: nothing is in the cache yet"
    elif previous is None:
        yield "another session has just used the same instructions"
    elif response.dropped:
        yield f"the history no longer fits: {response.dropped:,} items are dropped, and what is kept is read anew"
    else:
        yield from _cache_reasons(response, conversation)
    if response.status == "cancelled":
        yield "the user breaks in: all that was generated is billed, heard or not"


def _cache_reasons(response: Response, conversation: CountedConversation) -> Iterator[str]:
    """Why so much was found in the cache, and no more."""
    common, fixed = sum(response.common_prefix), fixed_tokens(conversation.script, conversation.rules)
    if conversation.expected.behaviour == "prefix":
        numerator, denominator = conversation.expected.reuse_share
        shrunk_note = (
            "an older reply has shrunk to its transcript; " if response.common_prefix != response.previously_seen else ""
        )
        hit_note = (
            f"{100 * numerator / denominator:.4g}% of the {common:,} tokens {'before it' if shrunk_note else 'in common'}"
        )
        yield f"{shrunk_note}{hit_note} are found, in blocks of {conversation.expected.block_tokens}"
    elif conversation.expected.behaviour == "all":
        blocks = conversation.expected.block_tokens
        yield f"all {sum(response.previously_seen):,} tokens read before are in the cache, in blocks of {blocks}"
    elif fixed:
        yield "nothing is found in the cache"
