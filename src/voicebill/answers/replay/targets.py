"""Replay calls elsewhere: with another offer, with a stack, or with a change of what they send; each difference in steps."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple, Protocol

from voicebill.answers.catalog.facts import Facts
from voicebill.answers.comparison.compare import select_offer
from voicebill.answers.comparison.stack_pricing import BuiltStack
from voicebill.answers.comparison.stack_usage import CallUsage
from voicebill.answers.connectivity.call_fees import call_fee
from voicebill.answers.estimates.counted_calls import usage_of_session
from voicebill.answers.estimates.model_selection import ModelSelection, resolve_model
from voicebill.answers.replay.recorded_call import RecordedCall
from voicebill.answers.replay.replay_steps import StepName
from voicebill.answers.replay.replayed_call import ReplayedCall, TokenCost
from voicebill.answers.replay.rule_steps import RuleSteps
from voicebill.answers.sessions.recorded_session import RecordedResponse, TokenQuantities
from voicebill.billing.bill import price_quantities, price_usage
from voicebill.billing.errors import ContextOverflow, VoicebillError
from voicebill.billing.money import Amount
from voicebill.billing.offers import Offer, Rates
from voicebill.billing.price_book import Quote
from voicebill.conversation.context import duration_ms
from voicebill.conversation.pipeline import turn_transcription_usage
from voicebill.conversation.rules import Rules
from voicebill.conversation.script import Script, Turn
from voicebill.conversation.session_meters import SessionMeters, sum_meters, turn_meters

NO_TIMES = "the log gives no times, and minutes or silence are billed"


class Replayed(NamedTuple):
    """What a call would cost in picodollars, at least and at most what the log leaves open, and the steps from what it cost.

    `dropped` are transcription models that the provider does not sell: without them, speech is not transcribed.
    """

    amount: Amount
    low: Amount
    high: Amount
    steps: Mapping[StepName, Amount]
    dropped: frozenset[str] = frozenset()


class ReplayTarget(Protocol):
    """Where calls are replayed."""

    @property
    def name(self) -> str:
        """The id of an offer, or the name of a stack or a change."""
        ...

    def replay(self, call: RecordedCall) -> Replayed | str:
        """Replay a call; why it cannot be, as a clause."""
        ...


class OfferTarget:
    """An offer on a day. `transcription_model` is the one that all calls use instead of their own."""

    def __init__(self, offer: Offer, selection: ModelSelection, facts: Facts, transcription_model: str | None = None) -> None:
        self.offer = offer
        self.selection = select_offer(offer, selection, facts)
        self.facts = facts
        self.transcription_model = transcription_model
        self.model = resolve_model(self.selection, transcription_model, facts)
        self.rules = self.model.effective_rules.rules
        self.cost = TokenCost.of(self.model.quote.rates)
        self.bills_tokens = self.rates.bills_tokens
        self._quotes: dict[str, Quote | None] = {}

    @property
    def name(self) -> str:
        """The id of the offer."""
        return self.offer.id

    @property
    def rates(self) -> Rates:
        """Its rates on the day."""
        return self.model.quote.rates

    @cached_property
    def needs_times(self) -> bool:
        """Whether what it bills depends on how long nobody spoke."""
        billed = {name for name, _ in self.model.session_meters}
        return self.rules.bills_silence or ("session_ms" in billed and self.rules.session_time == "connected")

    def replay(self, call: RecordedCall) -> Replayed | str:
        """Replay a call with the offer; why it cannot be, as a clause."""
        if self.needs_times and not call.has_times:
            return NO_TIMES
        by_rules = call.amounts_by(self.rules if self.bills_tokens else call.rules)
        if isinstance(by_rules, str):
            return by_rules
        missing = self.cost.missing(by_rules.tokens)
        if missing is not None:
            return f"it has no known price for {missing}"
        steps = call.steps_to(self.rules)
        tokens = self.cost.amount(by_rules.tokens)
        exact, rounded = self._time(call.replay.converted(steps))
        transcription, dropped, lost = self._transcription(call)
        outside, is_carried = self._out_of_band(call)
        recorded_outside = call.amounts.get("out-of-band", 0)
        amounts: dict[StepName, Amount] = {
            **by_rules.steps,
            "rates": tokens - by_rules.amount + (outside - recorded_outside if is_carried else 0),
            "time": exact - call.amounts.get("session", 0),
            "rounding": rounded - exact,
            "transcription": transcription + lost - call.amounts.get("transcription", 0),
            "not_carried_over": -lost - (0 if is_carried else recorded_outside),
        }
        ends = [tokens + rounded, *self._variants(call, steps)]
        extra = transcription + outside
        return Replayed(tokens + rounded + extra, min(ends) + extra, max(ends) + extra, amounts, dropped)

    def _variants(self, call: RecordedCall, steps: RuleSteps) -> Iterable[Amount]:
        for variant in call.variants:
            time = self._time(variant.converted(steps))[1]
            tokens = variant.tokens(steps, steps.target) if self.bills_tokens else None
            if not isinstance(tokens, str):
                yield time + (0 if tokens is None else self.cost.amount(tokens.quantities))

    def _time(self, script: Script) -> tuple[Amount, Amount]:
        """The amount of what is billed in addition to tokens, exactly and as the vendor rounds it up."""
        billed = self.model.session_meters
        if not billed:
            return 0, 0
        meters = sum_meters(turn_meters(turn, self.rules) for turn in script.turns)
        return self._meter_amount(meters, [(name, 1) for name, _ in billed]), self._meter_amount(meters, billed)

    def _meter_amount(self, meters: SessionMeters, billed: Iterable[tuple[str, int]]) -> Amount:
        amount = price_usage(usage_of_session(meters, billed), self.rates)
        assert amount is not None
        return amount

    def _transcription(self, call: RecordedCall) -> tuple[Amount, frozenset[str], Amount]:
        """What transcription costs, the models that the provider does not sell, and what was paid for these."""
        if self.transcription_model is not None:
            return self._transcribed_anew(call), frozenset(), 0
        amount: Amount = 0
        lost: Amount = 0
        dropped = set()
        for record in call.records("transcription"):
            quote = self._transcription_quote(record.model or "")
            price = None if quote is None else price_quantities(_quantities(record), quote.rates)
            if price is not None:
                amount += price
            elif not self._transcribes_itself:
                dropped.add(record.model or "")
                lost += call.recorded_amount(record)
        return amount, frozenset(dropped), lost

    @property
    def _transcribes_itself(self) -> bool:
        """Whether the model transcribes speech itself, or its price includes that."""
        return self.offer.kind == "agent" or self.rules.transcript_output == "both"

    def _transcribed_anew(self, call: RecordedCall) -> Amount:
        quote, by_time = self.model.transcription, self.model.transcribed_by == "time"
        if quote is None:
            return 0
        usages = (turn_transcription_usage(turn, call.rules, by_time=by_time) for turn in call.replay.script.turns)
        return sum(price_usage(usage, quote.rates) or 0 for usage in usages)

    def _transcription_quote(self, name: str) -> Quote | None:
        """The quote of the same transcription model at the provider; None if it does not sell or need that."""
        if name not in self._quotes:
            try:
                self._quotes[name] = resolve_model(self.selection, name, self.facts).transcription
            except VoicebillError:
                self._quotes[name] = None
        return self._quotes[name]

    def _out_of_band(self, call: RecordedCall) -> tuple[Amount, bool]:
        """What out-of-band responses cost with the same tokens, and whether they can be billed so."""
        records = call.records("out-of-band")
        if not self.bills_tokens or any(self.cost.missing(record.tokens) for record in records):
            return 0, not records
        return sum(self.cost.amount(record.tokens) for record in records), True


def _quantities(record: RecordedResponse) -> Iterable[tuple[str, int]]:
    tokens = ((name, count) for name, count in zip(TokenQuantities._fields, record.tokens, strict=True) if count)
    return (*tokens, *record.other)


class StackTarget:
    """A stack of models; `rules` convert speech to words for all of them."""

    def __init__(self, built_stack: BuiltStack, rules: Rules) -> None:
        self.stack = built_stack
        self.rules = rules

    @property
    def name(self) -> str:
        """The name of the stack."""
        return self.stack.stack.name

    @property
    def needs_times(self) -> bool:
        """Whether what it bills depends on how long nobody spoke."""
        by_time = any(component.role in ("live", "translator") for component in self.stack.components)
        return by_time or bool(self.stack.fees) or any(component.rules.bills_silence for component in self.stack.components)

    def replay(self, call: RecordedCall) -> Replayed | str:
        """Replay a call with the stack; why it cannot be, as a clause."""
        if self.needs_times and not call.has_times:
            return NO_TIMES
        own = call.amounts_by(call.rules)
        if isinstance(own, str):
            return own
        conversion = call.steps_to(self.rules)
        parts = self._parts(call.replay, conversion)
        if isinstance(parts, str):
            return parts
        amount = sum(parts.values())
        ends = [amount]
        for variant in call.variants:
            of_variant = self._parts(variant, conversion)
            if not isinstance(of_variant, str):
                ends.append(sum(of_variant.values()))
        amounts: dict[StepName, Amount] = {
            "reconstruction": own.steps["reconstruction"],
            "changes": own.steps["changes"],
            "model": -own.amount,
            **parts,
            "time": -call.amounts.get("session", 0),
            "transcription": -call.amounts.get("transcription", 0),
            "not_carried_over": -call.amounts.get("out-of-band", 0),
        }
        return Replayed(amount, min(ends), max(ends), amounts)

    def _parts(self, call: ReplayedCall, conversion: RuleSteps) -> dict[StepName, Amount] | str:
        """The cost of each component; why there is none, as a clause."""
        script = call.converted(conversion)
        lasts_ms = sum(duration_ms(turn, self.rules) for turn in script.turns)
        usage = CallUsage(script, self.rules, lasts_ms)
        parts: dict[StepName, Amount] = {}
        try:
            for component in self.stack.components:
                parts[component.role] = parts.get(component.role, 0) + component.costs(usage).expected
        except ContextOverflow:
            return "it does not fit the context of the text model"
        except VoicebillError as error:
            return error.message
        if self.stack.fees:
            parts["fees"] = sum(call_fee(fee, lasts_ms).amount for fee in self.stack.fees)
        return parts


@dataclass(frozen=True)
class ChangeTarget:
    """A change of what calls send, with the models that they had; `trade_off` is what it costs in behaviour.

    `change` returns the changed script of a call and takes the rules of its model, or None where it does not apply.
    """

    name: str
    trade_off: str
    change: Callable[[Script, Rules], Script | None]

    def replay(self, call: RecordedCall) -> Replayed | str:
        """Replay a call with the change; where that does not apply, it costs what it did."""
        changed = call.changed(self.change)
        if changed is None:
            return Replayed(call.amount, call.amount, call.amount, {})
        before, after = call.own_tokens(call.replay), call.own_tokens(changed)
        if isinstance(before, str) or isinstance(after, str):
            return before if isinstance(before, str) else str(after)
        tokens = call.prices.amount(after.quantities) - call.prices.amount(before.quantities)
        transcription = call.amounts.get("transcription", 0) * (_user_audio_ratio(changed.script, call.replay.script) - 1)
        amount = call.amount + tokens + transcription
        return Replayed(amount, amount, amount, {"changes": tokens, "transcription": transcription})


def _user_audio_ratio(script: Script, other: Script) -> Fraction:
    """How much the user speaks in a script, as a ratio to another one."""
    spoken, before = sum(map(_user_audio, script.turns)), sum(map(_user_audio, other.turns))
    return Fraction(spoken, before) if before else Fraction(1)


def _user_audio(turn: Turn) -> int:
    return turn.user_audio_tokens
