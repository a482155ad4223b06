"""The simulation: a scripted conversation billed response by response."""

from dataclasses import dataclass

from voicebill.answers import caveats
from voicebill.answers.costing import Conversation, amount_of, conversation, lines_of, transcription_lines
from voicebill.answers.facts import Facts
from voicebill.answers.offered import Asked, Offered, offered
from voicebill.answers.scenarios import Scenarios, scenarios
from voicebill.billing.bill import Line
from voicebill.billing.money import Amount
from voicebill.billing.usage import Usage, total_usage
from voicebill.conversation.cache import usage
from voicebill.conversation.context import Response
from voicebill.conversation.script import Script


@dataclass(frozen=True, slots=True)
class Priced:
    """Something that was used, with its lines."""

    usage: Usage
    lines: tuple[Line, ...]

    @property
    def amount(self) -> Amount:
        """Picodollars."""
        return amount_of(self.lines)


@dataclass(frozen=True, slots=True)
class Billed(Priced):
    """One response, priced."""

    response: Response


@dataclass(frozen=True, slots=True)
class Heard(Priced):
    """The transcription of the user's speech of one turn, priced."""

    turn: int


@dataclass(frozen=True, slots=True)
class Simulation:
    """A conversation's responses in order under its cache behaviour, and its total under all three."""

    script: Script
    offered: Offered
    conversation: Conversation
    responses: tuple[Billed, ...]
    transcriptions: tuple[Heard, ...]
    usage: Usage
    lines: tuple[Line, ...]
    transcription_lines: tuple[Line, ...]
    total: Amount
    scenarios: Scenarios
    assumptions: tuple[str, ...]
    warnings: tuple[str, ...]


def simulate(script: Script, asked: Asked, facts: Facts) -> Simulation:
    """Bill a scripted conversation response by response.

    Raises:
        UnknownName: the model, provider, deployment, region or rule set is unknown.
        NotOffered: nothing was sold so on that day.
        Unpriced: the script uses something that has no price.
        ContextOverflow: the provider would end the conversation with an error.
    """
    sold = offered(asked, script.transcription_model, facts)
    held = conversation(script, sold)
    rates = sold.found.rates
    billed = []
    for response in held.responses:
        used = usage(response, held.expected)
        billed.append(Billed(used, lines_of(used, rates), response))
    whole = total_usage(each.usage for each in billed)
    lines = lines_of(whole, rates)
    heard_lines = transcription_lines(held, sold)
    total = amount_of(lines) + amount_of(heard_lines)
    return Simulation(
        script=script,
        offered=sold,
        conversation=held,
        responses=tuple(billed),
        transcriptions=tuple(_transcriptions(held, sold)),
        usage=whole,
        lines=lines,
        transcription_lines=heard_lines,
        total=total,
        scenarios=scenarios(held, sold),
        assumptions=tuple(caveats.assumptions(held, sold)),
        warnings=tuple(caveats.cautions(held, sold, lines, heard_lines)),
    )


def _transcriptions(held: Conversation, sold: Offered) -> list[Heard]:
    if sold.transcription is None:
        return []
    rates = sold.transcription.rates
    return [Heard(used, lines_of(used, rates), turn) for turn, used in enumerate(held.heard, start=1) if any(used.items())]
