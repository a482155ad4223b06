"""Price built stacks: each component is billed by its own meters."""

from dataclasses import dataclass
from datetime import date

from voicebill.answers.catalog.stacks import Role, Stack
from voicebill.answers.comparison.stack_usage import ConversationUsage, Usages
from voicebill.answers.connectivity.call_fees import call_fee
from voicebill.answers.estimates.costing import priced_lines, usage_amount
from voicebill.answers.estimates.scenarios import Scenarios
from voicebill.billing.bill import Line, round_to_increments
from voicebill.billing.money import Amount
from voicebill.billing.offers import Offer
from voicebill.billing.price_book import Quote
from voicebill.billing.usage import Usage, weighted_usage
from voicebill.conversation.rules import Rules


@dataclass(frozen=True, slots=True)
class StackComponent:
    """A model in a stack: its role, quote, counting rules, the day on which it ends, and whether that is within 90 days."""

    role: Role
    quote: Quote
    rules: Rules
    ends: date | None
    ending_soon: bool
    streams: int = 1
    as_backend: bool = False

    @property
    def offer(self) -> Offer:
        """The offer of the quote."""
        return self.quote.offer

    def usages(self, stack_usage: ConversationUsage) -> Usages:
        """Its usage for a conversation in the best, expected and worst cache scenario, rounded up as the vendor does.

        Raises:
            ContextOverflow: the conversation does not fit its context window.
        """
        rates = self.quote.rates
        if self.role == "llm":
            return stack_usage.llm(self.rules, as_backend=self.as_backend)
        if rates.row.increments:
            usage = weighted_usage(
                (round_to_increments(self._usage(call), rates), weight) for call, weight in stack_usage.single_calls()
            )
        else:
            usage = self._usage(stack_usage)
        return usage, usage, usage

    def _usage(self, stack_usage: ConversationUsage) -> Usage:
        """Its usage where that does not depend on a cache, before rounding."""
        rates = self.quote.rates
        if self.role == "transcriber":
            return stack_usage.transcription(rates, self.rules)
        if self.role == "tts":
            return stack_usage.speech(rates, self.rules)
        if self.role == "live":
            return stack_usage.live_session(rates, self.rules)
        return stack_usage.stream(self.streams)

    def costs(self, stack_usage: ConversationUsage) -> Scenarios:
        """Its costs for a conversation.

        Raises:
            Unpriced: it uses a meter that has no price.
            ContextOverflow: the conversation does not fit its context window.
        """
        usages = self.usages(stack_usage)
        if usages[0] is usages[2]:
            same_amount = self._amount(usages, 1)
            return Scenarios(same_amount, same_amount, same_amount)
        return Scenarios.of(self._amount(usages, index) for index in range(3))

    def _amount(self, usages: Usages, index: int) -> Amount:
        return usage_amount(usages[index], self.quote.rates)

    def lines(self, stack_usage: ConversationUsage) -> tuple[Line, ...]:
        """The lines of its expected bill."""
        return priced_lines(self.usages(stack_usage)[1], self.quote.rates)


@dataclass(frozen=True, slots=True)
class BuiltStack:
    """A stack with its components, and the quotes of fees per minute or per month."""

    stack: Stack
    components: tuple[StackComponent, ...]
    fees: tuple[Quote, ...] = ()

    def costs(self, stack_usage: ConversationUsage) -> Scenarios:
        """The costs of a conversation, fees per minute included."""
        sums = [component.costs(stack_usage) for component in self.components]
        fee_total = sum(call_fee(fee, ms).amount * weight for fee in self.fees for ms, weight in stack_usage.durations_ms)
        return Scenarios(
            sum(cost.best for cost in sums) + fee_total,
            sum(cost.expected for cost in sums) + fee_total,
            sum(cost.worst for cost in sums) + fee_total,
        )

    @property
    def fixed_monthly_fee(self) -> Amount:
        """Fees per month, independent of the number of conversations, in picodollars."""
        return sum(call_fee(fee, 0).monthly_fee for fee in self.fees)

    @property
    def ends(self) -> date | None:
        """The earliest day on which one of its models ends."""
        return min((component.ends for component in self.components if component.ends), default=None)

    @property
    def ending_soon(self) -> bool:
        """Whether one of its models ends within 90 days."""
        return any(component.ending_soon for component in self.components)
