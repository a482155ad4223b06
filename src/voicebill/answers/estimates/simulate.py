"""Simulate a scripted conversation and bill it response by response."""

from dataclasses import dataclass
from typing import ClassVar

from voicebill.answers.answer import Answer
from voicebill.answers.catalog.facts import Facts
from voicebill.answers.estimates import caveats
from voicebill.answers.estimates.costing import price_transcription, priced_lines, total_amount
from voicebill.answers.estimates.counted_conversation import CountedConversation, run_conversation
from voicebill.answers.estimates.model_selection import ModelSelection, ResolvedModel, resolve_model
from voicebill.answers.estimates.scenarios import Scenarios, conversation_costs
from voicebill.billing.bill import Line
from voicebill.billing.money import Amount
from voicebill.billing.usage import Usage, total_usage
from voicebill.conversation.cache import usage
from voicebill.conversation.context import Response
from voicebill.conversation.script import Script


@dataclass(frozen=True, slots=True)
class PricedUsage:
    """A usage with its priced lines."""

    usage: Usage
    lines: tuple[Line, ...]

    @property
    def amount(self) -> Amount:
        """Picodollars."""
        return total_amount(self.lines)


@dataclass(frozen=True, slots=True)
class BilledResponse(PricedUsage):
    """A response with its priced usage."""

    response: Response


@dataclass(frozen=True, slots=True)
class BilledTranscription(PricedUsage):
    """The transcription of one turn of the user, with its priced usage."""

    turn: int


@dataclass(frozen=True, slots=True)
class Simulation(Answer):
    """A conversation's responses in order under the expected cache behaviour, and its total in all three cache scenarios."""

    REPORT: ClassVar = "simulation:SimulationReport"

    script: Script
    model: ResolvedModel
    conversation: CountedConversation
    responses: tuple[BilledResponse, ...]
    transcriptions: tuple[BilledTranscription, ...]
    usage: Usage
    lines: tuple[Line, ...]
    transcription_lines: tuple[Line, ...]
    total: Amount
    scenarios: Scenarios
    assumptions: tuple[str, ...]
    warnings: tuple[str, ...]


def simulate(script: Script, selection: ModelSelection, facts: Facts) -> Simulation:
    """Bill a scripted conversation response by response.

    Raises:
        UnknownName: the model, provider, deployment, region or rule set is unknown.
        NotAvailable: no such offer is available on that day.
        Unpriced: the script uses a meter that has no price.
        ContextOverflow: the provider would end the conversation with an error.
    """
    model = resolve_model(selection, script.transcription_model, facts)
    conversation = run_conversation(script, model)
    rates = model.quote.rates
    responses = []
    for response in conversation.responses:
        response_usage = usage(response, conversation.expected)
        responses.append(BilledResponse(response_usage, priced_lines(response_usage, rates), response))
    voice_usage = total_usage(item.usage for item in responses)
    lines = priced_lines(voice_usage, rates)
    transcription_lines = price_transcription(conversation, model)
    total = total_amount(lines) + total_amount(transcription_lines)
    return Simulation(
        script=script,
        model=model,
        conversation=conversation,
        responses=tuple(responses),
        transcriptions=tuple(_billed_transcriptions(conversation, model)),
        usage=voice_usage,
        lines=lines,
        transcription_lines=transcription_lines,
        total=total,
        scenarios=conversation_costs(conversation, model),
        assumptions=tuple(caveats.assumptions(conversation, model)),
        warnings=tuple(caveats.warnings(conversation, model, lines, transcription_lines)),
    )


def _billed_transcriptions(conversation: CountedConversation, model: ResolvedModel) -> list[BilledTranscription]:
    if model.transcription is None:
        return []
    rates = model.transcription.rates
    return [
        BilledTranscription(turn_usage, priced_lines(turn_usage, rates), turn)
        for turn, turn_usage in enumerate(conversation.transcription_usages, start=1)
        if any(turn_usage.items())
    ]
