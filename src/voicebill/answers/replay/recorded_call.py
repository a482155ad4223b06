"""Prepare a recorded call for being replayed: its script, what it cost, how long it lasted, and what else was billed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from voicebill.answers.replay.replay_steps import StepName
from voicebill.answers.replay.replayed_call import (
    ReplayedCall,
    SimulatedTokens,
    TokenCost,
    recorded_hits,
    script_variants,
)
from voicebill.answers.replay.rule_steps import RuleSteps
from voicebill.answers.replay.script_changes import ScriptChanges
from voicebill.answers.sessions.reconstruction import Reconstruction, UnusableSession
from voicebill.answers.sessions.recorded_models import RecordedModels
from voicebill.answers.sessions.recorded_session import RecordedResponse, RecordedSession, TokenQuantities
from voicebill.answers.sessions.session_explanation import reconstruct_recorded
from voicebill.billing.errors import VoicebillError
from voicebill.billing.money import Amount
from voicebill.billing.price_book import Quote
from voicebill.billing.record import RecordKind
from voicebill.conversation.rules import Rules
from voicebill.conversation.script import ConversationSettings, Script


class StepBook:
    """The steps between rules, for calls with the same changes. Rules that are equal should be the same object."""

    def __init__(self, changes: ScriptChanges) -> None:
        self._settings = changes.settings_of_cache
        self._reasoning_tokens = changes.reasoning_tokens
        self._steps: dict[tuple[int, int], RuleSteps] = {}
        self._unchanged: dict[int, RuleSteps] = {}
        self._prices: dict[int, tuple[Quote, TokenCost]] = {}

    def between(self, source: Rules, target: Rules) -> RuleSteps:
        """The steps from the rules of a recorded model to those of a target, for calls with the changes."""
        steps = self._steps.get((id(source), id(target)))
        if steps is None:  # it keeps both rules, so that their places in memory stay theirs
            steps = RuleSteps(source, target, self._settings, self._reasoning_tokens)
            self._steps[id(source), id(target)] = steps
        return steps

    def unchanged(self, rules: Rules) -> RuleSteps:
        """The steps from the rules of a recorded model to themselves, for calls as they were."""
        steps = self._unchanged.get(id(rules))
        if steps is None:
            steps = self._unchanged[id(rules)] = RuleSteps(rules, rules, ConversationSettings())
        return steps

    def prices(self, quote: Quote) -> TokenCost:
        """The prices of a recorded model by token meter; cache writes without a price cost as much as uncached text."""
        prices = self._prices.get(id(quote))
        if prices is None:
            prices = self._prices[id(quote)] = quote, TokenCost.of(quote.rates).with_writes_as_input()
        return prices[1]


class RuleAmounts(NamedTuple):
    """The steps of a call at its own prices, what it costs after them, and its tokens by the rules of the target."""

    steps: Mapping[StepName, Amount]
    amount: Amount
    tokens: TokenQuantities


@dataclass(frozen=True)
class RecordedCall:
    """A reconstructed call. Amounts in picodollars: `amounts` by kind of record, `amount` of all.

    `replay` is the call with the changes of the builder, `variants` are the same with what the log leaves open at either end.
    `prices` are those of its responses.
    """

    reconstruction: Reconstruction
    quote: Quote
    rules: Rules
    amounts: Mapping[RecordKind, Amount]
    prices: TokenCost
    unchanged: ReplayedCall
    replay: ReplayedCall
    variants: tuple[ReplayedCall, ...]
    steps: StepBook
    models: RecordedModels
    _rule_amounts: dict[RuleSteps, RuleAmounts | str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def session(self) -> RecordedSession:
        """The recorded session."""
        return self.reconstruction.session

    @cached_property
    def amount(self) -> Amount:
        """What was billed under its name."""
        return sum(self.amounts.values())

    @cached_property
    def has_times(self) -> bool:
        """Whether the log gives the times of its responses: without them, its silence is not known."""
        return all(pair.record.time_ms is not None for pair in self.reconstruction.responses)

    @cached_property
    def _records(self) -> dict[RecordKind, list[RecordedResponse]]:
        records: dict[RecordKind, list[RecordedResponse]] = {}
        for record in self.session.records:
            records.setdefault(record.kind, []).append(record)
        return records

    def records(self, kind: RecordKind) -> list[RecordedResponse]:
        """Its records of a kind."""
        return self._records.get(kind, [])

    def recorded_amount(self, record: RecordedResponse) -> Amount:
        """What one of its records cost."""
        return self.models.amount(record) or 0

    def changed(self, change: Callable[[Script, Rules], Script | None]) -> ReplayedCall | None:
        """The call with another change of its script; None where that does not apply."""
        script = change(self.replay.script, self.rules)
        return None if script is None else ReplayedCall(script, self.replay.hits)

    def steps_to(self, target: Rules) -> RuleSteps:
        """The steps from the rules of its model to those of a target."""
        return self.steps.between(self.rules, target)

    def own_tokens(self, call: ReplayedCall) -> SimulatedTokens | str:
        """The tokens of the call, or of it with a change, by its own rules; why there are none, as a clause."""
        own = self.steps_to(self.rules)
        return call.tokens(own, own.target)

    def amounts_by(self, target: Rules) -> RuleAmounts | str:
        """The steps to the rules of a target, which offers with the same rules share; why there are none, as a clause."""
        steps = self.steps_to(target)
        amounts = self._rule_amounts.get(steps)
        if amounts is None:
            amounts = self._rule_amounts[steps] = self._amounts_after(steps)
        return amounts

    def _amounts_after(self, steps: RuleSteps) -> RuleAmounts | str:
        unchanged_steps = self.steps.unchanged(self.rules)
        stages = [
            self.unchanged.tokens(unchanged_steps, unchanged_steps.target),
            self.own_tokens(self.replay),
            *(self.replay.tokens(steps, stage) for stage in (steps.counting, steps.history, steps.target)),
        ]
        tokens: list[SimulatedTokens] = []
        for stage in stages:
            if isinstance(stage, str):
                return stage
            tokens.append(stage)
        unchanged, changed, counting, history, target = (self.prices.amount(stage.quantities) for stage in tokens)
        text_out = self.prices.prices[TokenQuantities._fields.index("text_out")]
        reasoning = (tokens[2].reasoning - tokens[1].reasoning) * text_out
        amounts: dict[StepName, Amount] = {
            "reconstruction": unchanged - self.amounts.get("response", 0),
            "changes": changed - unchanged,
            "counting": counting - changed - reasoning,
            "reasoning": reasoning,
            "history": history - counting,
            "cache": target - history,
        }
        return RuleAmounts(amounts, target, tokens[-1].quantities)


def recorded_call(
    session: RecordedSession, models: RecordedModels, changes: ScriptChanges, steps: StepBook
) -> RecordedCall | UnusableSession:
    """Reconstruct a session for being replayed with some changes; unusable, too, if a part of it has no known price.

    The responses of a call that is replayed have the same offer, at the same prices.
    """
    reconstruction = reconstruct_recorded(session, models)
    if isinstance(reconstruction, UnusableSession):
        return reconstruction
    amounts: dict[RecordKind, Amount] = {}
    for record in session.records:
        amount = models.amount(record)
        if amount is None:
            return UnusableSession(session, "a part of it has no known price")
        amounts[record.kind] = amounts.get(record.kind, 0) + amount
    first, *others = (models.of(pair.record) for pair in reconstruction.responses)
    assert first.rules is not None
    assert first.quote is not None
    if any(other.quote is None or other.quote.rates.row is not first.quote.rates.row for other in others):
        return UnusableSession(session, "its responses are of several models, or at several prices")
    rules = first.rules.rules
    hits = recorded_hits(reconstruction, rules)
    simulated = [pair.simulated for pair in reconstruction.responses]
    unchanged = ReplayedCall(reconstruction.script, hits, (steps.unchanged(rules), simulated))
    replay, variants = unchanged, script_variants(reconstruction, rules)
    if changes:
        try:
            carried = None if changes.sets_cache else hits
            replay = ReplayedCall(changes.apply(reconstruction.script), carried)
            variants = tuple(map(changes.apply, variants))
        except VoicebillError as error:
            return UnusableSession(session, f"the changes do not fit it: {error.message}")
    return RecordedCall(
        reconstruction=reconstruction,
        quote=first.quote,
        rules=rules,
        amounts=amounts,
        prices=steps.prices(first.quote),
        unchanged=unchanged,
        replay=replay,
        variants=tuple(ReplayedCall(script, replay.hits) for script in variants),
        steps=steps,
        models=models,
    )
