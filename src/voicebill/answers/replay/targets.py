"""Replay calls elsewhere: with another offer, with a stack, or with a change of what they send; each difference in steps."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple, Protocol, get_args

from voicebill.answers.catalog.facts import Facts
from voicebill.answers.comparison.compare import select_offer
from voicebill.answers.comparison.stack_pricing import BuiltStack
from voicebill.answers.comparison.stack_usage import CallUsage
from voicebill.answers.connectivity.call_fees import call_fee
from voicebill.answers.estimates.costing import usage_of_session
from voicebill.answers.estimates.model_selection import ModelSelection, resolve_model
from voicebill.answers.replay.recorded_call import RecordedCall, StepBook
from voicebill.answers.replay.replayed_call import ReplayedCall, SimulatedTokens, TokenCost
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
from voicebill.conversation.script import Script
from voicebill.conversation.session_meters import SessionMeters, sum_meters, turn_meters

StepName = Literal[
    "reconstruction",
    "changes",
    "counting",
    "reasoning",
    "history",
    "cache",
    "rates",
    "time",
    "rounding",
    "model",
    "transcriber",
    "llm",
    "tts",
    "live",
    "translator",
    "fees",
    "transcription",
    "not_carried_over",
]
"""A step from what calls cost to what they would cost, in the order of the steps."""
REPLAY_STEPS: tuple[StepName, ...] = get_args(StepName)
NO_TIMES = "the log gives no times, and it bills silence or minutes"


class Replayed(NamedTuple):
    """What a call would cost in picodollars, at least and at most what the log leaves open, and the steps from what it cost."""

    amount: Amount
    low: Amount
    high: Amount
    steps: Mapping[StepName, Amount]


class ReplayTarget(Protocol):
    """Where calls are replayed."""

    @property
    def name(self) -> str:
        """The id of an offer, or the name of a stack or a change."""
        ...

    def replay(self, call: RecordedCall, steps: StepBook) -> Replayed | str:
        """Replay a call; why it cannot be, as a clause."""
        ...


class _RuleAmounts(NamedTuple):
    """The steps of a call at its own prices, what it costs after them, and its tokens by the rules of the target."""

    steps: Mapping[StepName, Amount]
    amount: Amount
    tokens: TokenQuantities


def _amounts(call: RecordedCall, target: Rules, steps: StepBook) -> _RuleAmounts | str:
    """The steps of a call, which offers with the same rules share."""
    between = steps.between(call.rules, target)
    amounts = call.shared.get(between)
    if amounts is None:
        amounts = call.shared[between] = rule_amounts(call, between, steps.between(call.rules, call.rules))
    return amounts  # type: ignore[return-value] # nothing else is put there


def rule_amounts(call: RecordedCall, steps: RuleSteps, own: RuleSteps) -> _RuleAmounts | str:
    """The steps of a call from its own rules to those of a target; why there are none, as a clause."""
    prices = call.prices
    stages = [
        call.unchanged.target(own),
        call.replay.target(own),
        call.replay.counting(steps),
        call.replay.history(steps),
        call.replay.target(steps),
    ]
    tokens: list[SimulatedTokens] = []
    for stage in stages:
        if isinstance(stage, str):
            return stage
        tokens.append(stage)
    unchanged, changed, counting, history, target = (prices.amount(stage.quantities) for stage in tokens)
    text_out = prices.prices[TokenQuantities._fields.index("text_out")]
    reasoning = (tokens[2].reasoning - tokens[1].reasoning) * text_out
    amounts: dict[StepName, Amount] = {
        "reconstruction": unchanged - call.amounts.get("response", 0),
        "changes": changed - unchanged,
        "counting": counting - changed - reasoning,
        "reasoning": reasoning,
        "history": history - counting,
        "cache": target - history,
    }
    return _RuleAmounts(amounts, target, tokens[4].quantities)


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
        self._transcription: dict[str, Quote | None] = {}

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

    def replay(self, call: RecordedCall, steps: StepBook) -> Replayed | str:
        """Replay a call with the offer; why it cannot be, as a clause."""
        if self.needs_times and not call.has_times:
            return NO_TIMES
        by_rules = _amounts(call, self.rules if self.bills_tokens else call.rules, steps)
        if isinstance(by_rules, str):
            return by_rules
        missing = self.cost.missing(by_rules.tokens)
        if missing is not None:
            return f"it has no known price for {missing}"
        conversion = steps.between(call.rules, self.rules)
        tokens = self.cost.amount(by_rules.tokens)
        exact, rounded = self._time(call.replay.converted(conversion))
        transcription = self._transcription_amount(call)
        outside, is_carried = self._out_of_band(call)
        recorded_outside = call.amounts.get("out-of-band", 0)
        amounts: dict[StepName, Amount] = {
            **by_rules.steps,
            "rates": tokens - by_rules.amount + (outside - recorded_outside if is_carried else 0),
            "time": exact - call.amounts.get("session", 0),
            "rounding": rounded - exact,
            "transcription": transcription - call.amounts.get("transcription", 0),
            "not_carried_over": 0 if is_carried else -recorded_outside,
        }
        ends = [tokens + rounded, *self._variants(call, conversion)]
        extra = transcription + outside
        return Replayed(tokens + rounded + extra, min(ends) + extra, max(ends) + extra, amounts)

    def _variants(self, call: RecordedCall, steps: RuleSteps) -> Iterable[Amount]:
        for variant in call.variants:
            time = self._time(variant.converted(steps))[1]
            tokens = variant.target(steps) if self.bills_tokens else None
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

    def _transcription_amount(self, call: RecordedCall) -> Amount:
        if self.transcription_model is not None:
            return self._transcribed_anew(call)
        amounts = (self._transcribed(record) for record in call.records("transcription"))
        return sum(amount for amount in amounts if amount is not None)

    def _transcribed_anew(self, call: RecordedCall) -> Amount:
        quote, by_time = self.model.transcription, self.model.transcribed_by == "time"
        if quote is None:
            return 0
        usages = (turn_transcription_usage(turn, call.rules, by_time=by_time) for turn in call.replay.script.turns)
        return sum(price_usage(usage, quote.rates) or 0 for usage in usages)

    def _transcribed(self, record: RecordedResponse) -> Amount | None:
        """What a transcription costs with the same model at the provider; None if it does not sell or need that."""
        name = record.model or ""
        if name not in self._transcription:
            try:
                self._transcription[name] = resolve_model(self.selection, name, self.facts).transcription
            except VoicebillError:
                self._transcription[name] = None
        quote = self._transcription[name]
        return None if quote is None else price_quantities(_quantities(record), quote.rates)

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

    def replay(self, call: RecordedCall, steps: StepBook) -> Replayed | str:
        """Replay a call with the stack; why it cannot be, as a clause."""
        if self.needs_times and not call.has_times:
            return NO_TIMES
        own = _amounts(call, call.rules, steps)
        if isinstance(own, str):
            return own
        conversion = steps.between(call.rules, self.rules)
        try:
            parts = self._parts(call.replay, conversion)
            ends = [sum(self._parts(variant, conversion).values()) for variant in call.variants]
        except ContextOverflow:
            return "it does not fit the context of the text model"
        except VoicebillError as error:
            return error.message
        amount = sum(parts.values())
        amounts: dict[StepName, Amount] = {
            "reconstruction": own.steps["reconstruction"],
            "changes": own.steps["changes"],
            "model": -own.amount,
            **parts,
            "time": -call.amounts.get("session", 0),
            "transcription": -call.amounts.get("transcription", 0),
            "not_carried_over": -call.amounts.get("out-of-band", 0),
        }
        return Replayed(amount, min([amount, *ends]), max([amount, *ends]), amounts)

    def _parts(self, call: ReplayedCall, conversion: RuleSteps) -> dict[StepName, Amount]:
        """The cost of each component."""
        script = call.converted(conversion)
        lasts_ms = sum(duration_ms(turn, self.rules) for turn in script.turns)
        usage = CallUsage(script, self.rules, lasts_ms)
        parts: dict[StepName, Amount] = {}
        for component in self.stack.components:
            parts[component.role] = parts.get(component.role, 0) + component.costs(usage).expected
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

    def replay(self, call: RecordedCall, steps: StepBook) -> Replayed | str:
        """Replay a call with the change; where that does not apply, it costs what it did."""
        own = steps.between(call.rules, call.rules)
        changed = call.changed(self.change)
        before = call.replay.target(own)
        after = before if changed is None else changed.target(own)
        if isinstance(before, str) or isinstance(after, str):
            return before if isinstance(before, str) else str(after)
        difference = call.prices.amount(after.quantities) - call.prices.amount(before.quantities)
        amount = call.amount + difference
        return Replayed(amount, amount, amount, {"changes": difference})
