"""Price conversations in the best, expected and worst cache scenario."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from voicebill.answers.estimates.costing import price_transcription, total_amount, usage_amount
from voicebill.answers.estimates.counted_calls import ScenarioUsage, usage_of_plan
from voicebill.answers.estimates.counted_conversation import CountedConversation, cache_scenarios, usage_for_cache
from voicebill.answers.estimates.model_selection import ResolvedModel
from voicebill.billing.money import Amount
from voicebill.billing.usage import Usage
from voicebill.billing.validation import Number
from voicebill.conversation.plan import Plan


@dataclass(frozen=True, slots=True)
class Scenarios:
    """An amount of picodollars in the best, the expected and the worst cache scenario."""

    best: Amount
    expected: Amount
    worst: Amount

    @classmethod
    def of(cls, amounts: Iterable[Amount]) -> "Scenarios":
        """The scenarios of the amounts under the cache behaviours `all`, the expected one, and `none`.

        The first is the best and the last the worst, unless prices of one's own make cached input dearer than uncached input.
        """
        reused, expected, fresh = amounts
        return cls(min(reused, expected, fresh), expected, max(reused, expected, fresh))

    def scaled(self, factor: Fraction) -> "Scenarios":
        """The amounts multiplied, still exact."""
        numerator, denominator = factor.numerator, factor.denominator
        return Scenarios(
            *(Fraction(amount.numerator * numerator, amount.denominator * denominator) for amount in self._amounts)
        )

    def divided_by(self, number: int) -> "Scenarios":
        """The amounts divided, still exact."""
        return self.scaled(Fraction(1, number))

    def per_minute(self, minutes: Number | Fraction) -> "Scenarios":
        """The amounts of a conversation divided by its minutes."""
        return self.scaled(1 / Fraction(minutes))

    def plus(self, amount: Amount) -> "Scenarios":
        """The amounts with the same amount added to each."""
        return Scenarios(self.best + amount, self.expected + amount, self.worst + amount) if amount else self

    @property
    def _amounts(self) -> tuple[Amount, Amount, Amount]:
        return self.best, self.expected, self.worst


def plan_costs(plan: Plan, model: ResolvedModel) -> Scenarios:
    """The three amounts of a plan with a resolved model, without responses or breakdown: fast enough for many plans.

    Raises:
        Unpriced: the plan uses a meter that has no price in this offer.
        ContextOverflow: the provider would end the conversation with an error.
    """
    return usage_costs(usage_of_plan(plan, model), model)


def expected_cost(expected_usage: tuple[Usage, Usage], model: ResolvedModel) -> Amount:
    """The amount of a usage with a resolved model: the voice model's, and the transcription's if speech is transcribed.

    Raises:
        Unpriced: the usage has a meter without a price in this offer.
    """
    voice, transcription = expected_usage
    amount = usage_amount(voice, model.quote.rates)
    return amount + usage_amount(transcription, model.transcription.rates) if model.transcription else amount


def usage_costs(scenario_usage: ScenarioUsage, model: ResolvedModel) -> Scenarios:
    """The three amounts of a usage with a resolved model, transcription included.

    Raises:
        Unpriced: it has a meter without a price in this offer.
    """
    voice, transcription = scenario_usage
    transcription_amount = usage_amount(transcription, model.transcription.rates) if model.transcription else 0
    return Scenarios.of(usage_amount(usage, model.quote.rates) + transcription_amount for usage in voice)


def conversation_costs(conversation: CountedConversation, model: ResolvedModel) -> Scenarios:
    """The three amounts of a counted conversation, transcription included."""
    transcription_amount = total_amount(price_transcription(conversation, model))
    best, _, worst = cache_scenarios(conversation)
    usages = usage_for_cache(best, conversation), conversation.expected_usage, usage_for_cache(worst, conversation)
    return Scenarios.of(usage_amount(usage, model.quote.rates) + transcription_amount for usage in usages)
