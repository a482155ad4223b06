"""Replay the calls of a log with other offers, stacks and changes: what the same calls would have cost, and why."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from itertools import islice
from typing import ClassVar, NamedTuple

from voicebill.answers.answer import Answer
from voicebill.answers.catalog.facts import Facts
from voicebill.answers.catalog.stacks import Stack
from voicebill.answers.comparison.alternatives import speech_rules
from voicebill.answers.comparison.compare import available_offers_matching
from voicebill.answers.comparison.stack_builder import StackBuilder
from voicebill.answers.comparison.stack_usage import CallUsage
from voicebill.answers.replay.recorded_call import RecordedCall, StepBook, recorded_call
from voicebill.answers.replay.replay_steps import REPLAY_STEPS
from voicebill.answers.replay.replay_sums import ReplaySums, TargetSums
from voicebill.answers.replay.request import ReplayRequest
from voicebill.answers.replay.savings import REPLAYED_CHANGES, Saving, savings
from voicebill.answers.replay.script_changes import ScriptChanges
from voicebill.answers.replay.target_replay import TargetReplay
from voicebill.answers.replay.targets import OfferTarget, ReplayTarget, StackTarget
from voicebill.answers.sessions.log_explanation import SAMPLED_SESSIONS, UnusableCalls
from voicebill.answers.sessions.reconstruction import UnusableSession
from voicebill.answers.sessions.recorded_models import RecordedModels
from voicebill.answers.sessions.recorded_session import RecordedSession
from voicebill.billing.errors import InvalidInput, UnknownName, Unpriced, VoicebillError
from voicebill.billing.money import Amount
from voicebill.conversation.context import duration_ms
from voicebill.conversation.rules import Rules

ALL_STACKS = "all"
NO_CALLS = "no call can be replayed"
CONFIDENCE = 1.96
"""Standard errors on either side of 95 of 100 samples."""


class ImpossibleTarget(NamedTuple):
    """An offer or a stack with which no call can be replayed, and why; in a list, the shorter reason."""

    name: str
    reason: str
    short_reason: str


@dataclass(frozen=True)
class Replayer:
    """Replays calls, one after another: the same code for one log, for parts of one in several processes, and in Spark."""

    models: RecordedModels
    changes: ScriptChanges
    targets: tuple[ReplayTarget, ...]

    def replay(self, sessions: Iterable[RecordedSession], on_call: Callable[[int], None] | None = None) -> ReplaySums:
        """Replay sessions and sum them up. `on_call` is called with the number of calls so far."""
        sums = ReplaySums({target.name: TargetSums() for target in self.targets})
        steps = StepBook(self.changes)
        for session in sessions:
            sums.calls += 1
            call = recorded_call(session, self.models, self.changes, steps)
            if isinstance(call, UnusableSession):
                amounts = (self.models.amount(record) for record in session.records)
                sums.other_amount += sum(amount for amount in amounts if amount is not None)
                sums.left_out.add(call.reason, session)
            else:
                self._add(call, sums)
            if on_call is not None:
                on_call(sums.calls)
        return sums

    def _add(self, call: RecordedCall, sums: ReplaySums) -> None:
        sums.usable += 1
        sums.recorded += call.amount
        sums.open_calls += bool(call.variants)
        sums.changed += call.amount + _difference_of_changes(call)
        sums.offers[call.quote.offer.id] += 1
        for target in self.targets:
            replayed, of_target = target.replay(call), sums.targets[target.name]
            if isinstance(replayed, str):
                of_target.left_out.add(replayed, call.session)
            else:
                of_target.add(call.session, call.amount, replayed)


def _difference_of_changes(call: RecordedCall) -> Amount:
    """What the changes of the builder add to the cost of a call with its own model."""
    if call.replay is call.unchanged:
        return 0
    amounts = call.amounts_by(call.rules)
    return 0 if isinstance(amounts, str) else amounts.steps["changes"]


class Sample(NamedTuple):
    """A random sample of the calls of a log: how many there are, and how many were taken."""

    calls: int
    taken: int


@dataclass(frozen=True)
class Replay(Answer):
    """What recorded calls would have cost elsewhere. Amounts in picodollars.

    `recorded` is what the `usable` of all `calls` cost, and `changed` what they would have cost with their own models and the
    changes of the builder; the others are `left_out` by reason, and cost `other_amount` as far as
    it is known. `offers` are those of the recorded calls, the commonest first. `targets` begin with the cheapest; those that
    end within 90 days, and those that replay fewer calls, follow. Of `open_calls` the log leaves something open.
    """

    REPORT: ClassVar = "replay:ReplayReport"

    request: ReplayRequest
    calls: int
    usable: int
    recorded: Amount
    changed: Amount
    other_amount: Amount
    offers: tuple[tuple[str, int], ...]
    targets: tuple[TargetReplay, ...]
    savings: tuple[Saving, ...]
    impossible: tuple[ImpossibleTarget, ...]
    left_out: tuple[UnusableCalls, ...]
    open_calls: int
    sample: Sample | None = None
    records_without_session: int = 0
    warnings: tuple[str, ...] = ()

    @property
    def assumptions(self) -> tuple[str, ...]:
        """Assumptions of the figures."""
        changes = self.request.changes
        notes = [
            f"prices and rules of {self.request.day}",
            "speech keeps its duration, typed text, prompts and tools keep their tokens; tool schemas count as prompt",
            "each response finds as much more or less in the cache than expected as the recorded one did"
            if not changes.sets_cache
            else "the cache finds what the changes say, not what it found in the recorded calls",
            "users and models behave as they did: nobody speaks more or less, and no tool is called more often",
            "quantities that a month includes without charge are not deducted",
        ]
        if self.open_calls:
            notes.append(
                f"the log of {self.open_calls:,} calls does not say how much of an interruption was the user's speech: a range "
                "has both ends"
            )
        if self.sample is not None:
            notes.append(
                "the sample is chosen by the names of the calls: the same each time; ± is the error in 95 of 100 samples"
            )
        return tuple(notes)

    def target(self, name: str | None) -> TargetReplay | None:
        """The replay with a target (None: the cheapest); None if there is none."""
        return next((row for row in self.targets if name in (None, row.name)), None)


@dataclass(frozen=True)
class PreparedReplay:
    """A replayer with all targets of a request, and those that are not possible."""

    request: ReplayRequest
    replayer: Replayer
    impossible: tuple[ImpossibleTarget, ...] = ()
    facts: Facts = field(repr=False, kw_only=True)

    def answer(self, sums: ReplaySums, *, sample: Sample | None = None, records_without_session: int = 0) -> Replay:
        """The answer of the sums of all calls.

        Raises:
            InvalidInput: there is no call that can be replayed.
        """
        if not sums.usable:
            raise InvalidInput(_nothing_to_replay(sums, sample), field="sample" if sample else None, is_sentence=True)
        rows = [row for target in self.replayer.targets if (row := self._row(target, sums, sample)) is not None]
        elsewhere = sorted((row for row in rows if row.kind != "change"), key=_sort_key)
        changes = [row for row in rows if row.kind == "change"]
        empty = [target.name for target in self.replayer.targets if not sums.targets[target.name].calls]
        reasons = {name: "; ".join(entry.reason for entry in sums.targets[name].left_out.entries()[:2]) for name in empty}
        return Replay(
            request=self.request,
            calls=sums.calls,
            usable=sums.usable,
            recorded=sums.recorded,
            changed=sums.changed,
            other_amount=sums.other_amount,
            offers=tuple(sorted(sums.offers.items(), key=lambda item: (-item[1], item[0]))),
            targets=tuple(elsewhere),
            savings=self._savings(changes, elsewhere, sums) if self.request.with_savings else (),
            impossible=(*self.impossible, *(ImpossibleTarget(name, text, text) for name, text in reasons.items())),
            left_out=sums.left_out.entries(),
            open_calls=sums.open_calls,
            sample=sample,
            records_without_session=records_without_session,
        )

    def _row(self, target: ReplayTarget, sums: ReplaySums, sample: Sample | None) -> TargetReplay | None:
        of_target = sums.targets[target.name]
        if not of_target.calls:
            return None
        ends, ending_soon = self._end(target)
        error = None if sample is None else of_target.ratio_error(sample.taken / max(1, sample.calls))
        return TargetReplay(
            target=target,
            calls=of_target.calls,
            recorded=of_target.recorded,
            amount=of_target.amount,
            low=of_target.low,
            high=of_target.high,
            p50=of_target.percentile(50),
            p90=of_target.percentile(90),
            steps=tuple((name, of_target.steps[name]) for name in REPLAY_STEPS if of_target.steps.get(name)),
            dearer_calls=of_target.dearer,
            dearer_by=of_target.dearer_by,
            dearer_examples=tuple(of_target.examples),
            left_out=of_target.left_out.entries(),
            dropped=tuple(sorted(of_target.dropped.items())),
            ends=ends,
            ending_soon=ending_soon,
            recorded_calls=sums.offers[target.name],
            sampling_error=None if error is None else CONFIDENCE * error,
        )

    def _savings(self, changes: list[TargetReplay], elsewhere: list[TargetReplay], sums: ReplaySums) -> tuple[Saving, ...]:
        name = min(sums.offers, key=lambda offer: (-sums.offers[offer], offer))
        own = next(offer for offer in self.facts.prices.offers if offer.id == name)
        return savings(changes, elsewhere, own, changed=sums.changed)

    def _end(self, target: ReplayTarget) -> tuple[date | None, bool]:
        """The day on which a target ends, and whether that is within 90 days."""
        if isinstance(target, OfferTarget):
            book = self.facts.prices
            return book.shutdown_day(target.offer), book.is_ending_soon(target.offer, self.request.day)
        if isinstance(target, StackTarget):
            return target.stack.ends, target.stack.ending_soon
        return None, False


def _impossible(name: str, error: VoicebillError) -> ImpossibleTarget:
    is_unknown = isinstance(error, Unpriced) and error.field == "overrides"
    return ImpossibleTarget(name, str(error), "how a conversation becomes tokens is not known" if is_unknown else str(error))


def _nothing_to_replay(sums: ReplaySums, sample: Sample | None) -> str:
    """Say why no call is replayed."""
    if sample is not None and not sums.calls and sample.calls:
        return f"the sample of {sample.calls:,} calls is empty: take more of them"
    reasons = "; ".join(f"{entry.reason} ({entry.calls:,})" for entry in sums.left_out.entries()[:3])
    reason = f"none of {sums.calls:,} calls can be reconstructed: {reasons}" if sums.calls else "it shows no calls"
    return f"there is nothing to replay in the log: {reason}"


def _sort_key(row: TargetReplay) -> tuple[bool, bool, Fraction, str]:
    return not row.replays_all, row.ending_soon, row.ratio or Fraction(0), row.name


def prepare_replay(
    request: ReplayRequest, models: RecordedModels, sessions: Callable[[], Iterable[RecordedSession]]
) -> PreparedReplay:
    """Resolve the targets of a request. The models of stacks are the cheapest for a typical one of the first calls.

    Raises:
        UnknownName: there is no model, provider, deployment or stack of a name.
        InvalidInput: there is nothing to replay calls with.
    """
    facts, transcription = models.facts, request.changes.settings.get("transcription_model")
    if transcription is not None:
        _require_transcription_model(transcription, facts)
    candidates: list[OfferTarget | StackTarget | ImpossibleTarget] = []
    if request.replays_offers:
        candidates += _offer_targets(request, facts)
    if request.stacks:
        candidates += _stack_targets(request, models, sessions)
    targets = [target for target in candidates if not isinstance(target, ImpossibleTarget)]
    impossible = tuple(target for target in candidates if isinstance(target, ImpossibleTarget))
    if not candidates:
        raise InvalidInput(f"there is no offer to replay calls with: no selected realtime model has a price on {request.day}")
    changes = REPLAYED_CHANGES if request.with_savings else ()
    replayer = Replayer(models, request.changes, (*targets, *changes))
    return PreparedReplay(request, replayer, impossible, facts=facts)


def _require_transcription_model(name: str, facts: Facts) -> None:
    """Refuse a transcription model that nobody sells.

    Raises:
        UnknownName: it is one.
    """
    try:
        facts.prices.offers_named(name, None, "transcription")
    except VoicebillError as error:
        error.field = "script"
        raise


def _offer_targets(request: ReplayRequest, facts: Facts) -> Iterator[OfferTarget | ImpossibleTarget]:
    """The offers of a request. Equal rules are one object, by which offers share what calls are replayed to."""
    all_rules: dict[Rules, Rules] = {}
    transcription = request.changes.settings.get("transcription_model")
    for offer in available_offers_matching(facts.prices, request.day, request.models, request.provider, request.deployment):
        try:
            target = OfferTarget(offer, request.selection, facts, transcription)
        except VoicebillError as error:
            yield _impossible(offer.id, error)
            continue
        target.rules = all_rules.setdefault(target.rules, target.rules)
        yield target


def _stack_targets(
    request: ReplayRequest, models: RecordedModels, sessions: Callable[[], Iterable[RecordedSession]]
) -> Iterator[StackTarget | ImpossibleTarget]:
    """The stacks of a request, built for a typical call."""
    facts = models.facts
    stacks, rules = list(_stacks(request.stacks, facts)), speech_rules(request.selection, facts)
    call = _typical_call(sessions(), models, request.changes)
    if call is None:
        yield from (ImpossibleTarget(stack.name, NO_CALLS, NO_CALLS) for stack in stacks)
        return
    script = call.replay.converted(call.steps_to(rules))
    usage = CallUsage(script, rules, sum(duration_ms(turn, rules) for turn in script.turns))
    builder = StackBuilder(facts, request.selection, usage)
    for stack in stacks:
        try:
            yield StackTarget(builder.build(stack), rules)
        except VoicebillError as error:
            yield _impossible(stack.name, error)


def _stacks(names: Iterable[str], facts: Facts) -> Iterator[Stack]:
    """The stacks of some names, or all.

    Raises:
        UnknownName: there is no stack of a name.
    """
    stacks = {stack.name: stack for stack in facts.stacks}
    for name in dict.fromkeys(names):
        if name == ALL_STACKS:
            yield from stacks.values()
        elif name in stacks:
            yield stacks[name]
        else:
            raise UnknownName("stack", name, (ALL_STACKS, *stacks), field="stack")


def _typical_call(sessions: Iterable[RecordedSession], models: RecordedModels, changes: ScriptChanges) -> RecordedCall | None:
    """The call of the median cost among the first ones that can be replayed; None if there is none."""
    steps = StepBook(changes)
    replayable = (recorded_call(session, models, changes, steps) for session in sessions)
    calls = list(islice((call for call in replayable if isinstance(call, RecordedCall)), SAMPLED_SESSIONS))
    calls.sort(key=lambda call: (Fraction(call.amount), call.session.name))
    return calls[len(calls) // 2] if calls else None


def replay(
    request: ReplayRequest,
    models: RecordedModels,
    sessions: Callable[[], Iterable[RecordedSession]],
    *,
    on_call: Callable[[int], None] | None = None,
) -> Replay:
    """Replay the calls of a log; `sessions` gives them anew at every call, `on_call` is called with their number so far.

    Raises:
        UnknownName: there is no model, provider, deployment or stack of a name.
        InvalidInput: there is nothing to replay calls with, or no call that can be replayed.
    """
    prepared = prepare_replay(request, models, sessions)
    return prepared.answer(prepared.replayer.replay(sessions(), on_call))
