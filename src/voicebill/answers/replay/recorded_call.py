"""Prepare a recorded call for being replayed: its script, what it cost, how long it lasted, and what else was billed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from voicebill.answers.replay.replayed_call import ReplayedCall, TokenCost, recorded_hits, script_variants
from voicebill.answers.replay.rule_steps import RuleSteps
from voicebill.answers.replay.script_changes import ScriptChanges
from voicebill.answers.sessions.reconstruction import Reconstruction, UnusableSession
from voicebill.answers.sessions.recorded_models import RecordedModel, RecordedModels
from voicebill.answers.sessions.recorded_session import RecordedResponse, RecordedSession
from voicebill.answers.sessions.session_explanation import reconstruct_recorded
from voicebill.billing.errors import VoicebillError
from voicebill.billing.money import Amount
from voicebill.billing.record import RecordKind
from voicebill.conversation.rules import Rules
from voicebill.conversation.script import Script


class StepBook:
    """The steps between rules, for calls with the same changes. Rules that are equal should be the same object."""

    def __init__(self, changes: ScriptChanges) -> None:
        self.settings = changes.settings_of_cache
        self._steps: dict[tuple[int, int], RuleSteps] = {}

    def between(self, source: Rules, target: Rules) -> RuleSteps:
        """The steps from the rules of a recorded model to those of a target."""
        steps = self._steps.get((id(source), id(target)))
        if steps is None:  # it keeps both rules, so that their places in memory stay theirs
            steps = self._steps[id(source), id(target)] = RuleSteps(source, target, self.settings)
        return steps


@dataclass(frozen=True)
class RecordedCall:
    """A reconstructed call. Amounts in picodollars: `amounts` by kind of record, `amount` of all.

    `replay` is the call with the changes of the builder, `variants` are the same with what the log leaves open at either end.
    `prices` are those of its first response.
    """

    reconstruction: Reconstruction
    model: RecordedModel
    rules: Rules
    amounts: dict[RecordKind, Amount]
    prices: TokenCost
    unchanged: ReplayedCall
    replay: ReplayedCall
    variants: tuple[ReplayedCall, ...]
    shared: dict[RuleSteps, object] = field(default_factory=dict, compare=False, repr=False)
    """What offers with the same rules share."""

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

    def changed(self, change: Callable[[Script, Rules], Script | None]) -> ReplayedCall | None:
        """The call with another change of its script; None where that does not apply."""
        script = change(self.replay.script, self.rules)
        return None if script is None else ReplayedCall(script, self.replay.hits)


def recorded_call(
    session: RecordedSession, models: RecordedModels, changes: ScriptChanges, steps: StepBook
) -> RecordedCall | UnusableSession:
    """Reconstruct a session for being replayed with some changes; unusable, too, if a part of it has no known price."""
    reconstruction = reconstruct_recorded(session, models)
    if isinstance(reconstruction, UnusableSession):
        return reconstruction
    model = models.of(reconstruction.responses[0].record)
    amounts: dict[RecordKind, Amount] = {}
    for record in session.records:
        amount = models.amount(record)
        if amount is None:
            return UnusableSession(session, "a part of it has no known price")
        amounts[record.kind] = amounts.get(record.kind, 0) + amount
    assert model.rules is not None
    assert model.rates is not None
    rules = model.rules.rules
    hits = recorded_hits(reconstruction, rules)
    simulated = [pair.simulated for pair in reconstruction.responses]
    unchanged = ReplayedCall(reconstruction.script, hits, (steps.between(rules, rules), simulated))
    replay, variants = unchanged, script_variants(reconstruction)
    if changes:
        try:
            carried = None if changes.sets_cache else hits
            replay = ReplayedCall(changes.apply(reconstruction.script), carried)
            variants = tuple(map(changes.apply, variants))
        except VoicebillError as error:
            return UnusableSession(session, f"the changes do not fit it: {error.message}")
    return RecordedCall(
        reconstruction,
        model,
        rules,
        amounts,
        TokenCost.of(model.rates).with_writes_as_input(),
        unchanged,
        replay,
        tuple(ReplayedCall(script, replay.hits) for script in variants),
    )
