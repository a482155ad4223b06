"""Best, expected and worst: what a conversation costs under each cache behaviour."""

from dataclasses import dataclass
from fractions import Fraction

from voicebill.answers.costing import Conversation, amount_of, behaviours, lines_of, transcription_lines, usage_under, used
from voicebill.answers.offered import Offered
from voicebill.billing.money import Amount
from voicebill.conversation.plan import Plan


@dataclass(frozen=True, slots=True)
class Scenarios:
    """An amount of picodollars under the cache behaviours `all` (best), the expected one, and `none` (worst)."""

    best: Amount
    expected: Amount
    worst: Amount

    def times(self, factor: Fraction) -> "Scenarios":
        """The amounts multiplied, still exact."""
        return Scenarios(self.best * factor, self.expected * factor, self.worst * factor)

    def plus(self, amount: Amount) -> "Scenarios":
        """The amounts with the same amount added to each."""
        return Scenarios(self.best + amount, self.expected + amount, self.worst + amount)


def costs(plan: Plan, sold: Offered) -> Scenarios:
    """The three amounts of a plan with an offer that has been found already, and nothing else: for many plans in a row.

    Raises:
        Unpriced: the plan uses something that has no price there.
        ContextOverflow: the provider would end the conversation with an error.
    """
    voice, heard = used(plan, sold)
    beside = amount_of(lines_of(heard, sold.transcription.rates)) if sold.transcription else 0
    best, expected, worst = (amount_of(lines_of(usage, sold.found.rates)) + beside for usage in voice)
    return Scenarios(best, expected, worst)


def scenarios(held: Conversation, sold: Offered) -> Scenarios:
    """The three amounts of a conversation that has been run."""
    beside = amount_of(transcription_lines(held, sold))
    amounts = (amount_of(lines_of(usage_under(each, held), sold.found.rates)) + beside for each in behaviours(held))
    return Scenarios(*amounts)
