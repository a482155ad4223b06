"""The estimate: what a planned conversation will cost, where the money goes, and how sure that is."""

from dataclasses import dataclass
from fractions import Fraction

from voicebill.answers import caveats
from voicebill.answers.costing import (
    Conversation,
    Part,
    amount_of,
    conversation,
    lines_of,
    parts,
    transcription_lines,
    usage_under,
)
from voicebill.answers.facts import Facts
from voicebill.answers.offered import Asked, Offered, offered
from voicebill.answers.quantities import Volume
from voicebill.billing.bill import Line
from voicebill.billing.errors import InvalidInput
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


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a planned conversation costs. `lines` are the expected bill's; `parts` add up to it."""

    plan: Plan
    offered: Offered
    volume: Volume | None
    conversation: Conversation
    per_conversation: Scenarios
    lines: tuple[Line, ...]
    transcription_lines: tuple[Line, ...]
    parts: tuple[Part, ...]
    assumptions: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def per_minute(self) -> Scenarios:
        """Per minute of conversation, silence included."""
        return self.per_conversation.times(1 / Fraction(self.plan.minutes))

    @property
    def per_month(self) -> Scenarios | None:
        """At the stated volume of conversations, all of them average; None without one."""
        return None if self.volume is None else self.per_conversation.times(self.volume.per_month)

    @property
    def per_year(self) -> Scenarios | None:
        """At the stated volume of conversations, all of them average; None without one."""
        return None if self.volume is None else self.per_conversation.times(self.volume.per_year)


def estimate(plan: Plan, asked: Asked, facts: Facts, volume: Volume | None = None) -> Estimate:
    """What a planned conversation costs with a model on a day.

    >>> from datetime import date
    >>> from voicebill.facts import load
    >>> answer = estimate(Plan(minutes=10, turns=20), Asked(model="gpt-realtime-1.5", day=date(2026, 11, 22)), load())
    >>> answer.per_conversation.best <= answer.per_conversation.expected <= answer.per_conversation.worst
    True

    Raises:
        UnknownName: the model, provider, deployment, region or rule set is unknown.
        NotOffered: nothing was sold so on that day.
        Unpriced: the plan uses something that has no price.
        ContextOverflow: the provider would end the conversation with an error.
        InvalidInput: the volume is no Volume.
    """
    if volume is not None and not isinstance(volume, Volume):
        raise InvalidInput(f"volume must be a Volume, such as Volume(Decimal(30000), 'month'), not {volume!r}")
    sold = offered(asked, plan.transcription_model, facts)
    return priced(plan, sold, conversation(script(plan, sold.ruling.rules), sold), volume)


def priced(plan: Plan, sold: Offered, held: Conversation, volume: Volume | None) -> Estimate:
    """The estimate of a plan whose conversation has been run under the rules of an offer.

    Raises:
        Unpriced: the plan uses something that has no price there.
    """
    rates = sold.found.rates
    heard = transcription_lines(held, sold)
    lines = lines_of(usage_under(held.expected.behaviour, held), rates)
    beside = amount_of(heard)

    def costs(behaviour: Cache) -> Amount:
        return amount_of(lines_of(usage_under(behaviour, held), rates)) + beside

    return Estimate(
        plan=plan,
        offered=sold,
        volume=volume,
        conversation=held,
        per_conversation=Scenarios(costs("all"), amount_of(lines) + beside, costs("none")),
        lines=lines,
        transcription_lines=heard,
        parts=parts(held, sold),
        assumptions=tuple(caveats.assumptions(held, sold)),
        warnings=(*caveats.cautions(held, sold, lines, heard), *caveats.crowding(held)),
    )
