"""Explain what many recorded calls cost: the sums, the dearest calls, and what their cost had for causes."""

import operator
from bisect import insort
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice
from typing import ClassVar, NamedTuple

from voicebill.answers.answer import Answer
from voicebill.answers.parameters.inputs import DEAREST_CALLS
from voicebill.answers.sessions.cache_losses import LOSS_CAUSES, LossCause, UsualCache
from voicebill.answers.sessions.carried_costs import CARRIED_KINDS, CarriedKind
from voicebill.answers.sessions.explained_response import PartAmounts
from voicebill.answers.sessions.reconstruction import UnusableSession, conversation_responses
from voicebill.answers.sessions.recorded_models import RecordedModels
from voicebill.answers.sessions.recorded_session import RecordedSession
from voicebill.answers.sessions.session_explanation import SessionExplanation, explain_session
from voicebill.answers.sessions.usual_cache import usual_caches
from voicebill.answers.sessions.waste import Waste, idle_waste, total_waste
from voicebill.billing.errors import InvalidInput
from voicebill.billing.money import Amount
from voicebill.conversation.history import NOTHING, Tokens

SAMPLED_SESSIONS = 400
"""From so many sessions it is found out what the cache usually does."""
MAX_LISTED_REASONS = 20
NO_AMOUNTS = PartAmounts(*[0] * 5)
NAMES_PER_REASON = 3


class CallSummary(NamedTuple):
    """One call: what it cost in picodollars, and the cause that cost most of it, with its extra cost.

    That replies shrink is the model's way, and only named as the cause where there is no other.
    """

    amount: Amount
    session: str
    tenant: str | None
    responses: int
    minutes: float | None
    cause: LossCause | None
    lost: Amount


class CauseCost(NamedTuple):
    """What a cause has cost: in how many calls and responses, how many tokens, and how much in picodollars.

    The amount is what the calls would have cost less if the cache had had what it usually has.
    """

    cause: LossCause
    calls: int
    responses: int
    tokens: Tokens
    amount: Amount


class UnusableCalls(NamedTuple):
    """Calls that are not explained for one reason, with the names of the first ones, and what is known of their cost."""

    reason: str
    calls: int
    names: tuple[str, ...]


@dataclass(frozen=True)
class LogExplanation(Answer):
    """Why the calls of a log cost what they did. Amounts in picodollars.

    `amount` and all parts are of the calls that are explained; `other_amount` is that of the calls that are not, as far as it
    is known, and `unpriced` of them have no known price. `records_without_session` are in no call.
    """

    REPORT: ClassVar = "explanation:LogExplanationReport"

    calls: int
    explained: int
    responses: int
    amount: Amount
    parts: PartAmounts
    expected: Amount
    causes: tuple[CauseCost, ...]
    carried: Mapping[CarriedKind, float]
    waste: tuple[Waste, ...]
    dearest: tuple[CallSummary, ...]
    unusable: tuple[UnusableCalls, ...]
    other_amount: Amount
    unpriced: int
    usual: Mapping[str, UsualCache]
    records_without_session: int = 0
    warnings: tuple[str, ...] = ()


class CauseShare(NamedTuple):
    """What a cause has cost in one call: in how many responses, how many tokens, and how much in picodollars."""

    responses: int
    tokens: Tokens
    amount: Amount


NO_LOSS = CauseShare(0, NOTHING, 0)


class ExplainedCall(NamedTuple):
    """What the explanation of a log has of a call that is explained."""

    summary: CallSummary
    parts: PartAmounts
    expected: Amount
    causes: Mapping[LossCause, CauseShare]
    carried: tuple[tuple[CarriedKind, float], ...]
    waste: tuple[Waste, ...]


class UnexplainedCall(NamedTuple):
    """A call that is not explained, the reason as a clause, and its cost as far as that is known."""

    name: str
    reason: str
    amount: Amount
    is_unpriced: bool
    waste: tuple[Waste, ...]


def explain_recorded(
    session: RecordedSession, models: RecordedModels, usual: Mapping[str, UsualCache]
) -> ExplainedCall | UnexplainedCall:
    """Explain one call of a log; `usual` is what the cache usually does in it, by model."""
    explanation = explain_session(session, models, usual)
    if isinstance(explanation, UnusableSession):
        return _unexplained(session, explanation.reason, models)
    return ExplainedCall(
        summarize_call(explanation),
        explanation.parts,
        explanation.expected,
        _causes(explanation),
        tuple((entry.kind, entry.amount) for entry in explanation.carried if entry.turn is None),
        explanation.waste,
    )


def explain_calls(
    sessions: Iterable[RecordedSession], models: RecordedModels, usual: Mapping[str, UsualCache]
) -> list[ExplainedCall | UnexplainedCall]:
    """Explain calls in their order, such as those of a part of a log in a process of its own."""
    return [explain_recorded(session, models, usual) for session in sessions]


def _causes(explanation: SessionExplanation) -> dict[LossCause, CauseShare]:
    causes: dict[LossCause, CauseShare] = {}
    for response in explanation.responses:
        for loss, priced in zip(response.use.losses, response.losses, strict=True):
            causes[loss.cause] = _added(causes.get(loss.cause, NO_LOSS), CauseShare(1, loss.tokens, priced.amount))
    return causes


def _added(one: CauseShare, other: CauseShare) -> CauseShare:
    (text, audio, image), (other_text, other_audio, other_image) = one.tokens, other.tokens
    tokens = Tokens(text + other_text, audio + other_audio, image + other_image)
    return CauseShare(one.responses + other.responses, tokens, one.amount + other.amount)


def _unexplained(session: RecordedSession, reason: str, models: RecordedModels) -> UnexplainedCall:
    amounts = [models.amount(record) for record in session.records]
    amount = sum((amount for amount in amounts if amount is not None), 0)
    is_unconnected = not conversation_responses(session) and None not in amounts
    waste = [Waste("unconnected", 1, amount, amount)] if is_unconnected else []
    waste += idle_waste(session.records, models)
    return UnexplainedCall(session.name, reason, amount, None in amounts, tuple(waste))


@dataclass
class _Tally:
    """The sums over the calls so far."""

    top: int
    calls: int = 0
    explained: int = 0
    responses: int = 0
    amount: Amount = 0
    parts: PartAmounts = NO_AMOUNTS
    expected: Amount = 0
    cause_calls: Counter[LossCause] = field(default_factory=Counter)
    causes: dict[LossCause, CauseShare] = field(default_factory=dict)
    carried: dict[CarriedKind, float] = field(default_factory=lambda: dict.fromkeys(CARRIED_KINDS, 0.0))
    waste: list[Waste] = field(default_factory=list)
    dearest: list[tuple[Fraction, int, CallSummary]] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    reason_names: dict[str, list[str]] = field(default_factory=dict)
    other_amount: Amount = 0
    unpriced: int = 0

    def add(self, call: ExplainedCall | UnexplainedCall) -> None:
        """Add a call."""
        self.calls += 1
        if isinstance(call, ExplainedCall):
            self._add_explained(call)
        else:
            self._add_unexplained(call)
        if call.waste:
            self.waste = list(total_waste([*self.waste, *call.waste]))

    def _add_explained(self, call: ExplainedCall) -> None:
        self.explained += 1
        self.responses += call.summary.responses
        self.amount += call.summary.amount
        self.expected += call.expected
        self.parts = PartAmounts(*map(operator.add, self.parts, call.parts))
        for cause, cause_sum in call.causes.items():
            self.cause_calls[cause] += 1
            self.causes[cause] = _added(self.causes.get(cause, NO_LOSS), cause_sum)
        for kind, amount in call.carried:
            self.carried[kind] += amount
        insort(self.dearest, (-Fraction(call.summary.amount), self.calls, call.summary))
        del self.dearest[self.top :]

    def _add_unexplained(self, call: UnexplainedCall) -> None:
        self.other_amount += call.amount
        self.unpriced += call.is_unpriced
        is_listed = call.reason in self.reasons or len(self.reasons) < MAX_LISTED_REASONS
        reason = call.reason if is_listed else "other reasons"
        self.reasons[reason] += 1
        names = self.reason_names.setdefault(reason, [])
        if len(names) < NAMES_PER_REASON:
            names.append(call.name)


def summarize_call(explanation: SessionExplanation) -> CallSummary:
    """A call in one line: its cost, its length, and the cause that cost most."""
    lost = {cause: explanation.lost(cause) for cause in LOSS_CAUSES}
    faults = [name for name in LOSS_CAUSES if name != "reply-shrank" and lost[name]]
    causes: list[LossCause] = [*faults] or ["reply-shrank"]
    cause = max(causes, key=lambda name: lost[name])
    records = [record.time_ms for record in explanation.session.records if record.time_ms is not None]
    start = explanation.session.started_ms
    minutes = None if start is None or not records else max(0, max(records) - start) / 60_000
    return CallSummary(
        explanation.amount,
        explanation.session.name,
        explanation.session.tenant,
        len(explanation.responses),
        minutes,
        cause if lost[cause] else None,
        lost[cause],
    )


def explain_call(
    name: str, sessions: Callable[[str | None], Iterable[RecordedSession]], models: RecordedModels
) -> SessionExplanation:
    """Explain the call of a session's name; `sessions` gives those of a name, or all.

    Raises:
        InvalidInput: there is no such call, or calls of several tenants have the name; or it cannot be explained.
    """
    named = list(sessions(name))
    if not named:
        raise InvalidInput(
            f"no call is named {name!r}: names are those of sessions in the log", field="session", is_sentence=True
        )
    if len(named) > 1:
        tenants = ", ".join(session.tenant or "none" for session in named)
        raise InvalidInput(
            f"{len(named)} calls are named {name!r}, of the tenants {tenants}: select one with where, such as "
            f"'tenant = {tenants.split(', ')[0]}'",
            field="session",
            is_sentence=True,
        )
    explanation = explain_session(named[0], models, usual_caches(islice(sessions(None), SAMPLED_SESSIONS), models))
    if isinstance(explanation, UnusableSession):
        raise InvalidInput(f"the call {name} cannot be explained: {explanation.reason}", field="session", is_sentence=True)
    return explanation


def explain_log(
    sessions: Callable[[], Iterable[RecordedSession]],
    models: RecordedModels,
    *,
    dearest: int = DEAREST_CALLS,
    records_without_session: int = 0,
    on_call: Callable[[int], None] | None = None,
) -> LogExplanation:
    """Explain the calls of a log; `sessions` gives them anew at every call.

    `dearest`: how many of the dearest calls are listed. `on_call` is called with the number of calls so far.
    """
    usual = usual_caches(islice(sessions(), SAMPLED_SESSIONS), models)
    calls = (explain_recorded(session, models, usual) for session in sessions())
    return sum_explanations(calls, usual, dearest=dearest, records_without_session=records_without_session, on_call=on_call)


def sum_explanations(
    calls: Iterable[ExplainedCall | UnexplainedCall],
    usual: Mapping[str, UsualCache],
    *,
    dearest: int = DEAREST_CALLS,
    records_without_session: int = 0,
    on_call: Callable[[int], None] | None = None,
) -> LogExplanation:
    """The explanation of a log from those of its calls, in their order, with what its cache usually does."""
    tally = _Tally(dearest)
    for call in calls:
        tally.add(call)
        if on_call is not None:
            on_call(tally.calls)
    causes = (
        CauseCost(cause, tally.cause_calls[cause], *tally.causes[cause]) for cause in LOSS_CAUSES if cause in tally.causes
    )
    return LogExplanation(
        tally.calls,
        tally.explained,
        tally.responses,
        tally.amount,
        tally.parts,
        tally.expected,
        tuple(sorted(causes, key=lambda entry: -entry.amount)),
        tally.carried,
        tuple(tally.waste),
        tuple(call for _, _, call in tally.dearest),
        tuple(UnusableCalls(reason, count, tuple(tally.reason_names[reason])) for reason, count in tally.reasons.most_common()),
        tally.other_amount,
        tally.unpriced,
        usual,
        records_without_session,
    )
