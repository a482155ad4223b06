"""The estimate: what a planned conversation will cost, where the money goes, and how sure that is."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from voicebill.answers import caveats
from voicebill.answers.costing import (
    Conversation,
    Part,
    conversation,
    lines_of,
    parts,
    transcription_lines,
    usage_under,
)
from voicebill.answers.facts import Facts
from voicebill.answers.offered import Asked, Offered, offered
from voicebill.answers.population import Lengths, Population, Spread, population
from voicebill.answers.quantities import Volume
from voicebill.answers.scenarios import Scenarios, scenarios
from voicebill.billing.bill import Line
from voicebill.billing.errors import InvalidInput
from voicebill.conversation.plan import Plan, script


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a planned conversation costs. `lines` are the expected bill's; `parts` add up to it."""

    plan: Plan
    offered: Offered
    volume: Volume | None
    population: Population | None
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
        """At the stated volume, over all lengths if their spread was stated, else all average; None without a volume."""
        return None if self.volume is None else self._over_all_lengths.times(self.volume.per_month)

    @property
    def per_year(self) -> Scenarios | None:
        """At the stated volume, as `per_month`."""
        return None if self.volume is None else self._over_all_lengths.times(self.volume.per_year)

    @property
    def _over_all_lengths(self) -> Scenarios:
        return self.per_conversation if self.population is None else self.population.mean


def estimate(
    plan: Plan, asked: Asked, facts: Facts, volume: Volume | None = None, lengths: Spread | Lengths | None = None
) -> Estimate:
    """What a planned conversation costs with a model on a day; `lengths`: how calls differ, for months and years.

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
    return priced(plan, sold, conversation(script(plan, sold.ruling.rules), sold), volume, lengths)


def priced(
    plan: Plan, sold: Offered, held: Conversation, volume: Volume | None, lengths: Spread | Lengths | None = None
) -> Estimate:
    """The estimate of a plan whose conversation has been run under the rules of an offer.

    Raises:
        Unpriced: the plan uses something that has no price there.
    """
    rates = sold.found.rates
    heard = transcription_lines(held, sold)
    lines = lines_of(usage_under(held.expected.behaviour, held), rates)
    return Estimate(
        plan=plan,
        offered=sold,
        volume=volume,
        population=None if lengths is None else population(plan, lengths, sold),
        conversation=held,
        per_conversation=scenarios(held, sold),
        lines=lines,
        transcription_lines=heard,
        parts=parts(held, sold),
        assumptions=(*caveats.assumptions(held, sold), *_all_alike(volume, lengths)),
        warnings=(*caveats.cautions(held, sold, lines, heard), *caveats.crowding(held)),
    )


def _all_alike(volume: Volume | None, lengths: Spread | Lengths | None) -> Iterator[str]:
    if volume is not None and lengths is None:
        yield "months and years: every call is the average call; calls that differ in length cost more (state their spread)"
