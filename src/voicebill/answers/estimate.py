"""The estimate: what a planned conversation will cost, where the money goes, and how sure that is."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from voicebill.answers import caveats
from voicebill.answers.costing import (
    Conversation,
    Part,
    Used,
    conversation,
    lines_of,
    parts,
    transcription_lines,
    usage_under,
)
from voicebill.answers.facts import Facts
from voicebill.answers.lengths import Lengths, Spread
from voicebill.answers.offered import Asked, Offered, offered
from voicebill.answers.population import Calls as Held
from voicebill.answers.population import Population, calls, population
from voicebill.answers.quantities import Volume
from voicebill.answers.scenarios import Scenarios, scenarios
from voicebill.answers.tolls import Calls
from voicebill.answers.transport import Carriage, Carried, carried
from voicebill.billing.bill import Line
from voicebill.billing.errors import InvalidInput
from voicebill.conversation.plan import Plan, script


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a planned conversation costs. `lines` are the expected bill's; `parts` add up to it.

    `way` is how the conversation reaches the model, and what others than the models' sellers take for that, where a transport
    was named or something is paid on it.
    """

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
    way: Carried | None = None

    @property
    def altogether(self) -> Scenarios:
        """Per conversation, with what is paid on the way."""
        return self.per_conversation.plus(self.way.per_conversation if self.way else 0)

    @property
    def altogether_per_month(self) -> Scenarios | None:
        """Per month, with what is paid on the way; None without a volume."""
        return self.per_month.plus(self.way.per_month or 0) if self.per_month and self.way else self.per_month

    @property
    def per_minute(self) -> Scenarios:
        """Per minute of conversation, silence included."""
        return self.per_conversation.times(1 / Fraction(self.plan.minutes))

    @property
    def per_month(self) -> Scenarios | None:
        """At the stated volume, over calls of all lengths; None without a volume."""
        return None if self.volume is None else self._over_all_lengths.times(self.volume.per_month)

    @property
    def per_year(self) -> Scenarios | None:
        """At the stated volume, as `per_month`."""
        return None if self.volume is None else self._over_all_lengths.times(self.volume.per_year)

    @property
    def _over_all_lengths(self) -> Scenarios:
        return self.per_conversation if self.population is None else self.population.mean


def estimate(
    plan: Plan,
    asked: Asked,
    facts: Facts,
    volume: Volume | None = None,
    lengths: Spread | Lengths | None = None,
    *,
    carriage: Carriage | None = None,
) -> Estimate:
    """What a planned conversation costs with a model on a day.

    `lengths` says how calls differ, for months and years; where a volume is given without it, a spread is assumed.
    `carriage` is what is paid on the way beside the models: carrier, bandwidth, platforms.

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
    differing = lengths_of(volume, lengths)
    over = None if differing is None else calls(plan, differing, sold)
    held = conversation(script(plan, sold.ruling.rules), sold)
    answer = priced(plan, sold, held, volume, over, stated=lengths is not None)
    stated = carriage or Carriage()
    return replace(answer, way=_way(answer, stated, differing)) if plan.transport or stated.stated else answer


def _way(answer: Estimate, stated: Carriage, lengths: Spread | Lengths | None) -> Carried:
    cap = answer.population.cap if answer.population else None
    month = Calls(answer.volume.per_month, lengths, cap.minutes if cap else None) if answer.volume else None
    return carried(answer.plan, stated, answer.offered.facts.ways, answer.offered.asked.day, month)


def lengths_of(volume: Volume | None, lengths: Spread | Lengths | None) -> Spread | Lengths | None:
    """How calls differ in length: as stated, else by the assumed spread where months are asked for."""
    return Spread() if lengths is None and volume is not None else lengths


def priced(
    plan: Plan, sold: Offered, held: Conversation, volume: Volume | None, over: Held[Used] | None, *, stated: bool
) -> Estimate:
    """The estimate of a plan whose conversation has been run under the rules of an offer, and so have calls of all lengths.

    `stated`: how the calls differ in length was not assumed.

    Raises:
        Unpriced: the plan uses something that has no price there.
    """
    rates = sold.found.rates
    heard = transcription_lines(held, sold)
    lines = lines_of(usage_under(held.expected.behaviour, held), rates)
    each = scenarios(held, sold)
    found = None if over is None else population(over, each, sold)
    return Estimate(
        plan=plan,
        offered=sold,
        volume=volume,
        population=found,
        conversation=held,
        per_conversation=each,
        lines=lines,
        transcription_lines=heard,
        parts=parts(held, sold),
        assumptions=(*caveats.assumptions(held, sold), *_spread(found, stated=stated)),
        warnings=(*caveats.cautions(held, sold, lines, heard), *caveats.crowding(held), *_ended(found, plan)),
    )


def _spread(found: Population | None, *, stated: bool) -> Iterator[str]:
    if found is not None and not stated and isinstance(found.lengths, Spread):
        yield (
            f"months and years: call lengths spread by {found.lengths.coefficient} (standard deviation over mean), assumed: "
            "lognormal as in call centres, how wide differs by business; state yours, or give your calls' lengths"
        )


def _ended(found: Population | None, plan: Plan) -> Iterator[str]:
    spread = found is not None and isinstance(found.lengths, Spread)
    if found is not None and spread and found.cap and found.mean_minutes < 0.97 * float(plan.minutes):
        yield (
            f"calls are cut at {found.cap.minutes:.4g} minutes, so in months and years they last {found.mean_minutes:.1f} "
            f"minutes on average and not {plan.minutes}: state a smaller spread, longer sessions, or your calls' lengths"
        )
    if found is not None and found.cap and found.cap.by == "context":
        yield (
            f"calls of more than {found.cap.minutes:.1f} minutes fill the context and end with the provider's error: in months "
            "and years they are counted as so long"
        )
