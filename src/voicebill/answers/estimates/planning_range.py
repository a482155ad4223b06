"""Estimate a range for budgets: the cache scenarios and the uncertain rules of the model together.

Best and worst vary the cache alone. The rules are uncertain, too: each that has a range in the rule set is set to the ends
of its range, one at a time, and the changes are combined as independent of each other. Changes are factors, so they are
combined as the root of the sum of their squared logarithms; the range is never below zero, and always contains best and
worst.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache
from math import exp, log, sqrt

from voicebill.answers.estimates.counted_calls import expected_usage_of_plan
from voicebill.answers.estimates.model_selection import ResolvedModel
from voicebill.answers.estimates.scenarios import Scenarios, expected_cost
from voicebill.billing.errors import VoicebillError
from voicebill.billing.money import Amount
from voicebill.conversation.plan import Plan
from voicebill.conversation.rules import EffectiveRules, ParameterValue

VARIED_BY_SCENARIOS = frozenset({"cache_reuse_share", "cache_reuse_share_without_speech"})
"""Rules that the best and the worst scenario vary already."""


RULE_LABELS = {
    "history": "history policy",
    "vad_silence_ms": "silence before commit",
    "reasoning_tokens_per_response": "reasoning per response",
    "tools_billed_share": "billed share of tool schemas",
    "stable_instructions_share": "stable share of changing instructions",
    "silence_in_history": "silence in the history",
    "transcript_output": "billed transcripts",
    "session_time": "billed time of a session",
    "bills_silence": "billed silence",
    "reply_text_per_audio_token": "text of a reply",
    "user_transcript_tokens_per_second": "text of the user's speech",
}
"""Uncertain rules as people read them."""


UNUSED_WITHOUT = {"tools_billed_share": "tools_tokens", "stable_instructions_share": "instructions_change"}
"""Rules that change nothing in a plan in which a field is 0. Most plans are such, and need not be counted with their ends."""


@dataclass(frozen=True, slots=True)
class RuleEffect:
    """The expected amount of a conversation if an uncertain rule has another value."""

    parameter: str
    value: ParameterValue
    amount: Amount


@dataclass(frozen=True, slots=True)
class AmountRange:
    """A low and a high amount."""

    low: Amount
    high: Amount

    def plus(self, amount: Amount) -> "AmountRange":
        """The range with an amount added to both ends."""
        return AmountRange(self.low + amount, self.high + amount)


@dataclass(frozen=True)
class RuleUncertainty:
    """The effects of the uncertain rules on a conversation, and the expected amount that they change."""

    expected: Amount
    effects: tuple[RuleEffect, ...]

    @property
    def parameters(self) -> tuple[str, ...]:
        """The uncertain rules whose value changes the amount."""
        return tuple(dict.fromkeys(effect.parameter for effect in self.effects))

    @property
    def labels(self) -> tuple[str, ...]:
        """The same rules as people read them."""
        return tuple(RULE_LABELS.get(parameter, parameter) for parameter in self.parameters)

    @cached_property
    def _factors(self) -> tuple[list[Fraction], list[Fraction]]:
        """The factors by which each rule lowers and raises the amount at most."""
        down, up = [], []
        for parameter in self.parameters:
            amounts = [effect.amount for effect in self.effects if effect.parameter == parameter]
            least, most = min(amounts), max(amounts)
            up += [most / Fraction(self.expected)] if most > self.expected else []
            down += [self.expected / Fraction(least)] if 0 < least < self.expected else []
        return down, up

    def planning_range(self, costs: Scenarios) -> AmountRange:
        """The planning range of the costs of a conversation, a month or a year: the rules change them alike."""
        expected = costs.expected
        if not expected:
            return AmountRange(costs.best, costs.worst)
        down, up = self._factors
        low = round(expected / _combined([expected / Fraction(costs.best), *down] if costs.best else down))
        high = round(expected * _combined([costs.worst / Fraction(expected), *up]))
        return AmountRange(min(low, costs.best), max(high, costs.worst))  # roots of floats may miss them by picodollars


def rule_uncertainty(plan: Plan, model: ResolvedModel, per_conversation: Scenarios) -> RuleUncertainty:
    """The effects of the uncertain rules on a plan whose costs are known.

    Raises:
        Unpriced: the plan uses a meter that has no price in this offer.
    """
    expected = per_conversation.expected
    if not expected:
        return RuleUncertainty(expected, ())
    return RuleUncertainty(expected, tuple(effect for effect in rule_effects(plan, model) if effect.amount != expected))


def rule_effects(plan: Plan, model: ResolvedModel) -> Iterator[RuleEffect]:
    """The expected amounts with each uncertain rule that a plan uses, at the ends of its range that differ from its value."""
    for row in model.effective_rules.rows.values():
        if row.range is None or row.parameter in VARIED_BY_SCENARIOS or _is_unused(row.parameter, plan):
            continue
        for value in row.range:
            if value != row.value:
                changed = replace(model, effective_rules=_with_rule(model.effective_rules, row.parameter, value))
                try:
                    yield RuleEffect(row.parameter, value, expected_cost(expected_usage_of_plan(plan, changed), changed))
                except VoicebillError:
                    continue


@lru_cache(maxsize=256)
def _with_rule(rules: EffectiveRules, parameter: str, value: ParameterValue) -> EffectiveRules:
    return rules.override({parameter: value})


def _is_unused(parameter: str, plan: Plan) -> bool:
    field = UNUSED_WITHOUT.get(parameter)
    return field is not None and not getattr(plan, field)


def _combined(factors: Iterable[Fraction]) -> Fraction:
    return Fraction(exp(sqrt(sum(log(factor) ** 2 for factor in factors))))
