"""Best, expected and worst: what a conversation costs under each cache behaviour."""

from dataclasses import dataclass
from fractions import Fraction

from voicebill.answers.costing import Conversation, amount_of, conversation, lines_of, transcription_lines, usage_under
from voicebill.answers.offered import Offered
from voicebill.billing.money import Amount
from voicebill.conversation.plan import Plan, script
from voicebill.conversation.rules import Cache


@dataclass(frozen=True, slots=True)
class Scenarios:
    """An amount of picodollars under the cache behaviours `all` (best), the expected one, and `none` (worst)."""

    best: Amount
    expected: Amount
    worst: Amount

    def times(self, factor: Fraction) -> "Scenarios":
        """The amounts multiplied, still exact."""
        return Scenarios(self.best * factor, self.expected * factor, self.worst * factor)


def costs(plan: Plan, sold: Offered) -> Scenarios:
    """The three amounts of a plan with an offer that has been found already, and nothing else: for many plans in a row.

    Raises:
        Unpriced: the plan uses something that has no price there.
        ContextOverflow: the provider would end the conversation with an error.
    """
    held = conversation(script(plan, sold.ruling.rules), sold)
    return scenarios(held, sold)


def scenarios(held: Conversation, sold: Offered) -> Scenarios:
    """The three amounts of a conversation that has been run."""
    beside = amount_of(transcription_lines(held, sold))
    amounts = (amount_of(lines_of(usage_under(each, held), sold.found.rates)) + beside for each in behaviours(held))
    return Scenarios(*amounts)


def behaviours(held: Conversation) -> tuple[Cache, Cache, Cache]:
    """The cache behaviours behind best, expected and worst."""
    return "all", held.expected.behaviour, "none"
