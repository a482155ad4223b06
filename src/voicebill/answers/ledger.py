"""The ledger: every response of a conversation with its tokens, its dollars, and what made it so."""

from collections.abc import Iterator
from dataclasses import dataclass

from voicebill.answers.costing import Conversation, amount_of, lines_of
from voicebill.answers.offered import Offered
from voicebill.billing.money import Amount
from voicebill.billing.usage import Usage
from voicebill.conversation.cache import charged
from voicebill.conversation.context import Response, fixed_tokens


@dataclass(frozen=True, slots=True)
class Entry:
    """One response under the expected cache behaviour. `reached`: what the conversation has cost by then, without the
    transcription of what the user says.
    """

    response: Response
    usage: Usage
    amount: Amount
    reached: Amount
    why: tuple[str, ...]


def ledger(held: Conversation, sold: Offered) -> Iterator[Entry]:
    """The responses of a conversation in order, each priced by itself; their amounts add up to the voice model's bill.

    Raises:
        Unpriced: something that was used has no price there.
    """
    reached: Amount = 0
    before: Response | None = None
    for response, hit in zip(held.responses, held.hits, strict=True):
        usage = charged(response.input, hit, response.text_out, response.audio_out)
        amount = amount_of(lines_of(usage, sold.found.rates))
        reached += amount
        yield Entry(response, usage, amount, reached, tuple(_why(response, before, held)))
        before = response


def _why(response: Response, before: Response | None, held: Conversation) -> Iterator[str]:
    """What shaped a response's bill, in the order in which it happened."""
    if not sum(response.input):
        yield "cancelled before any output: nothing is billed"
        return
    if response.kind == "tool-call":
        yield "a tool call is a response of its own, and reads everything"
    if before is not None and response.session > before.session:
        yield f"session {response.session} starts cold"
    elif before is None and not held.script.warm:
        yield "the first response: nothing is in the cache yet"
    elif before is None:
        yield "another session has just used the same instructions"
    elif response.dropped:
        yield f"the history no longer fits: {response.dropped:,} items are dropped, and what is kept is read anew"
    else:
        yield from _reused(response, held)
    if response.status == "cancelled":
        yield "the user breaks in: all that was generated is billed, heard or not"


def _reused(response: Response, held: Conversation) -> Iterator[str]:
    """Why so much was found in the cache, and no more."""
    common, fixed = sum(response.common), fixed_tokens(held.script, held.rules)
    if held.expected.behaviour == "prefix":
        over, under = held.expected.share
        shrunk = "an older reply has shrunk to its transcript; " if response.common != response.known else ""
        found = f"{100 * over / under:.4g}% of the {common:,} tokens {'before it' if shrunk else 'in common'}"
        yield f"{shrunk}{found} are found, in blocks of {held.expected.block}"
    elif held.expected.behaviour == "all":
        yield f"all {sum(response.known):,} tokens read before are in the cache, in blocks of {held.expected.block}"
    elif fixed:
        yield "nothing is found in the cache"
