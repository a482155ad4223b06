"""Explain what one recorded session cost: response by response, what it carried along, what the cache missed, the waste."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from voicebill.answers.answer import Answer
from voicebill.answers.sessions.cache_losses import LossCause, UsualCache, cache_uses
from voicebill.answers.sessions.carried_costs import CarriedCost, carried_costs
from voicebill.answers.sessions.explained_response import ExplainedResponse, PartAmounts, explain_response
from voicebill.answers.sessions.reconstruction import (
    Reconstruction,
    UnusableSession,
    conversation_responses,
    reconstruct,
)
from voicebill.answers.sessions.recorded_models import RecordedModel, RecordedModels
from voicebill.answers.sessions.recorded_session import RecordedSession
from voicebill.answers.sessions.token_prices import TokenPrices
from voicebill.answers.sessions.waste import Waste, idle_waste, total_waste, waste_of_responses
from voicebill.billing.money import Amount
from voicebill.conversation.rules import Rules


@dataclass(frozen=True)
class SessionExplanation(Answer):
    """Why a session cost what it did. Amounts in picodollars.

    `amount` is all that was billed under its name, with transcriptions and out-of-band responses. `expected` is what it would
    have been with the cached tokens that the rules expect.
    """

    REPORT: ClassVar = "explanation:CallExplanationReport"

    reconstruction: Reconstruction
    model: RecordedModel
    rules: Rules
    amount: Amount
    responses: tuple[ExplainedResponse, ...]
    carried: tuple[CarriedCost, ...]
    waste: tuple[Waste, ...]
    warnings: tuple[str, ...] = ()

    @property
    def session(self) -> RecordedSession:
        """The recorded session."""
        return self.reconstruction.session

    @property
    def parts(self) -> PartAmounts:
        """What its responses cost, by part."""
        return PartAmounts(*map(sum, zip(*(response.amounts for response in self.responses), strict=True)))

    @property
    def expected(self) -> Amount:
        """What it would have cost with the cached tokens that the rules expect."""
        return self.amount - sum(response.amounts.total - response.expected for response in self.responses)

    def lost(self, cause: LossCause) -> Amount:
        """What a cause has cost in all responses."""
        return sum((loss.amount for response in self.responses for loss in response.losses if loss.cause == cause), 0)


def explain_session(
    session: RecordedSession, models: RecordedModels, usual: Mapping[str, UsualCache] | None = None
) -> SessionExplanation | UnusableSession:
    """Explain a session, if it can be reconstructed within the tolerance and all of it has a price.

    `usual` is what the cache usually does in this log, by model.
    """
    reconstruction = reconstruct_recorded(session, models)
    if isinstance(reconstruction, UnusableSession):
        return reconstruction
    prices = _token_prices(reconstruction, models)
    amounts = [models.amount(record) for record in session.records]
    if isinstance(prices, str) or None in amounts:
        return UnusableSession(session, prices if isinstance(prices, str) else "a part of it has no known price")
    model = models.of(reconstruction.responses[0].record)
    assert model.rules is not None
    rules = model.rules.rules
    uses = cache_uses(reconstruction, rules, (usual or {}).get(reconstruction.responses[0].record.model or "", UsualCache()))
    responses = tuple(map(explain_response, reconstruction.responses, uses, prices))
    waste = [*waste_of_responses(reconstruction, responses, prices, rules), *idle_waste(session.records, models)]
    return SessionExplanation(
        reconstruction,
        model,
        rules,
        sum((amount for amount in amounts if amount is not None), 0),
        responses,
        tuple(carried_costs(reconstruction, responses, prices, rules)),
        tuple(total_waste(waste)),
    )


def reconstruct_recorded(session: RecordedSession, models: RecordedModels) -> Reconstruction | UnusableSession:
    """Reconstruct a session by the rules of its model; unusable, too, if its script differs by more than the tolerance."""
    recorded = conversation_responses(session)
    if not recorded:
        return UnusableSession(session, "no response has tokens")
    model = models.of(recorded[0])
    if model.rules is None:
        return UnusableSession(session, model.reason or "the rules of its model are not known")
    reconstruction = reconstruct(session, model.rules.rules)
    if isinstance(reconstruction, UnusableSession) or reconstruction.is_usable:
        return reconstruction
    percent = f"{float(100 * reconstruction.error):.1f}%"
    return UnusableSession(session, f"its script differs from the recorded input by {percent} of the tokens")


def _token_prices(reconstruction: Reconstruction, models: RecordedModels) -> Sequence[TokenPrices] | str:
    """The prices of each response; why there are none, as a clause."""
    prices = []
    for pair in reconstruction.responses:
        model = models.of(pair.record)
        if model.token_prices is None:
            return model.reason or "a response has no known price"
        unpriced = model.unpriced_meter(pair.record.tokens)
        if unpriced is not None:
            return f"there is no known price for {unpriced.label}"
        prices.append(model.token_prices)
    return prices
