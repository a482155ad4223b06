"""Report a simulation: a scripted conversation, billed response by response."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from voicebill.answers.estimates.simulate import BilledResponse, BilledTranscription, Simulation
from voicebill.answers.reports.bill_lines import CurrencyScenariosReport, LineReport, ScenariosReport
from voicebill.answers.reports.provenance import (
    OfferReport,
    PricesReport,
    RulesReport,
    currency_values,
    provenance_values,
)
from voicebill.answers.reports.report import DayText, Dollars, Report, package_version
from voicebill.billing.money import format_dollars
from voicebill.billing.price_book import Quote
from voicebill.billing.usage import Usage
from voicebill.conversation.rules import Cache

TOKEN_METERS = (
    "text_in",
    "text_in_cached",
    "audio_in",
    "audio_in_cached",
    "image_in",
    "image_in_cached",
    "text_out",
    "audio_out",
)
"""The meters of a response that its report has, with 0 where nothing was counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseReport(Report):
    """One charged model call."""

    turn: int
    """Number of the turn; the first is 1."""
    kind: Literal["reply", "tool-call"]
    """`tool-call` if the output is a tool call."""
    status: Literal["completed", "cancelled"]
    """Status of the response, as the API reports it."""
    interrupted: bool
    """Whether the user interrupted the reply while it was played."""
    session: int
    """Number of the session; the first is 1."""
    dropped_items: int
    """Items that truncation dropped from the history before this response."""
    usage: Mapping[str, int]
    """Tokens by meter."""
    dollars: Dollars
    """Dollars of the response."""
    lines: tuple[LineReport, ...]
    """The bill of the response."""

    @classmethod
    def of(cls, billed_response: BilledResponse, quote: Quote) -> "ResponseReport":
        """A response with its bill."""
        response = billed_response.response
        return cls(
            turn=response.turn,
            kind=response.kind,
            status=response.status,
            interrupted=response.status == "cancelled" and bool(billed_response.usage.quantities),
            session=response.session,
            dropped_items=response.dropped,
            usage=_token_counts(billed_response.usage),
            dollars=format_dollars(billed_response.amount),
            lines=LineReport.all_of(billed_response.lines, quote),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscribedTurnReport(Report):
    """The transcription of one turn."""

    turn: int
    """Number of the turn; the first is 1."""
    usage: Mapping[str, int]
    """Quantity by meter."""
    dollars: Dollars
    """Dollars of the transcription."""
    lines: tuple[LineReport, ...]
    """The bill of the transcription."""

    @classmethod
    def of(cls, transcription: BilledTranscription, quote: Quote) -> "TranscribedTurnReport":
        """The transcription of a turn with its bill."""
        return cls(
            turn=transcription.turn,
            usage=dict(transcription.usage.items()),
            dollars=format_dollars(transcription.amount),
            lines=LineReport.all_of(transcription.lines, quote),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptionReport(Report):
    """The transcription of the user's speech."""

    offer: str
    """Id of the transcription model's offer."""
    turns: tuple[TranscribedTurnReport, ...]
    """The turns with speech."""
    dollars: Dollars
    """Dollars of all turns."""

    @classmethod
    def of(cls, answer: Simulation) -> "TranscriptionReport | None":
        """The transcription in a simulation; None without one."""
        quote = answer.model.transcription
        if quote is None:
            return None
        return cls(
            offer=quote.offer.id,
            turns=tuple(TranscribedTurnReport.of(transcription, quote) for transcription in answer.transcriptions),
            dollars=format_dollars(sum(transcription.amount for transcription in answer.transcriptions)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalReport(Report):
    """Total of the conversation."""

    dollars: Dollars
    """Dollars, transcription included."""
    usage: Mapping[str, int]
    """Tokens of the voice model by meter."""
    lines: tuple[LineReport, ...]
    """The bill, transcription included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationInCurrencyReport(Report):
    """The amounts of a simulation in another currency."""

    currency: str
    """Code of the currency, such as EUR."""
    per_dollar: str
    """Units of the currency per dollar."""
    since: str
    """First day of this exchange rate."""
    source: str
    """Source of the exchange rate."""
    scenarios: CurrencyScenariosReport
    """The conversation in the three cache scenarios."""

    @classmethod
    def of(cls, answer: Simulation) -> "SimulationInCurrencyReport | None":
        """The amounts of a simulation; None if no exchange rate is configured."""
        currency = answer.model.currency
        if currency is None:
            return None
        scenarios = CurrencyScenariosReport.of(answer.scenarios, currency)
        return cls(**currency_values(answer.model), scenarios=scenarios)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationReport(Report):
    """A scripted conversation, billed response by response."""

    voicebill: str
    """Version of voicebill."""
    responses: tuple[ResponseReport, ...]
    """The charged model calls, in order."""
    transcription: TranscriptionReport | None
    """The transcription of the user's speech; null without one."""
    total: TotalReport
    """Total of the conversation under the cache behaviour `cache`."""
    cache: Cache
    """Cache behaviour of the expected scenario."""
    scenarios: ScenariosReport
    """Dollars of the conversation in the three cache scenarios."""
    warnings: tuple[str, ...]
    """What may make the figures wrong."""
    assumptions: tuple[str, ...]
    """What was assumed."""
    in_currency: SimulationInCurrencyReport | None
    """The amounts in another currency; null unless an exchange rate is configured."""
    day: DayText
    """Day of the prices and rules."""
    currency: Literal["USD"]
    """Currency of all other amounts."""
    offer: OfferReport
    """The voice model's offer."""
    transcription_offer: OfferReport | None
    """The transcription model's offer; null without transcription."""
    prices: PricesReport
    """The prices in use."""
    rules: RulesReport
    """The rules in use."""

    @classmethod
    def of(cls, answer: Simulation) -> "SimulationReport":
        """A simulation."""
        return cls(
            voicebill=package_version(),
            responses=tuple(ResponseReport.of(response, answer.model.quote) for response in answer.responses),
            transcription=TranscriptionReport.of(answer),
            total=TotalReport(
                dollars=format_dollars(answer.total),
                usage=_token_counts(answer.usage),
                lines=(
                    *LineReport.all_of(answer.lines, answer.model.quote),
                    *LineReport.all_of(answer.transcription_lines, answer.model.transcription),
                ),
            ),
            cache=answer.conversation.expected.behaviour,
            scenarios=ScenariosReport.of(answer.scenarios),
            warnings=answer.warnings,
            assumptions=answer.assumptions,
            in_currency=SimulationInCurrencyReport.of(answer),
            **provenance_values(answer.model),
        )


def _token_counts(usage: Usage) -> dict[str, int]:
    return {meter: usage[meter] for meter in TOKEN_METERS}
