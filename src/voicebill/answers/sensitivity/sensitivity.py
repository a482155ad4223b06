"""Compute the sensitivity of an estimate: re-run it with each parameter at its low and its high end."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction

from voicebill.answers.catalog.facts import Facts
from voicebill.answers.estimates.call_mix import count_population, mean_costs
from voicebill.answers.estimates.model_selection import ModelSelection, ResolvedModel, resolve_model
from voicebill.answers.estimates.planning_range import RULE_LABELS
from voicebill.answers.estimates.scenarios import plan_costs
from voicebill.billing.errors import VoicebillError
from voicebill.billing.money import Amount
from voicebill.conversation.call_lengths import LengthDistribution
from voicebill.conversation.plan import Plan, with_length
from voicebill.conversation.rules import EffectiveRules, ParameterValue
from voicebill.conversation.script import Truncation


@dataclass(frozen=True, slots=True)
class ParameterEnd:
    """One end of a sensitivity parameter: a changed plan, overridden rules, or another distribution of call lengths."""

    label: str
    change_plan: Callable[[Plan], Plan] = lambda plan: plan
    rules: Mapping[str, ParameterValue] = field(default_factory=dict)
    length_distribution: LengthDistribution | None = None


@dataclass(frozen=True, slots=True)
class SensitivityParameter:
    """An assumption with a low and a high end; `basis` is the reason for these ends."""

    name: str
    label: str
    low: ParameterEnd
    high: ParameterEnd
    basis: str


def _scale_prompt(factor: str) -> Callable[[Plan], Plan]:
    """Change the size of the instructions; where they change, of what stays the same, too."""

    def change(plan: Plan) -> Plan:
        tokens = max(1, round(plan.instructions_tokens * Decimal(factor)))
        stable = plan.stable_instructions_tokens
        scaled = None if stable is None else min(tokens, round(stable * Decimal(factor)))
        return replace(plan, instructions_tokens=tokens, stable_instructions_tokens=scaled)

    return change


def _scale_turns(factor: str) -> Callable[[Plan], Plan]:
    """Change the number of turns; the share of text turns and the number of tool calls stay."""

    def change(plan: Plan) -> Plan:
        turns = max(1, round(plan.turns * Decimal(factor)))
        return replace(with_length(plan, turns, plan.minutes), tool_calls=plan.tool_calls)

    return change


def _scale_speech(factor: str) -> Callable[[Plan], Plan]:
    def change(plan: Plan) -> Plan:
        user, assistant = (share * Decimal(factor) for share in plan.speech_shares)
        divisor = max(Decimal(1), user + assistant)
        return replace(plan, user_share=user / divisor, assistant_share=assistant / divisor, silence_share=None)

    return change


def _set_fields(**changes: object) -> Callable[[Plan], Plan]:
    return lambda plan: replace(plan, **changes)  # type: ignore[arg-type]


SENSITIVITY_PARAMETERS: tuple[SensitivityParameter, ...] = (
    SensitivityParameter(
        "prefix_reuse",
        "prefix reuse",
        ParameterEnd("50%", _set_fields(cache="prefix", prefix_reuse=Decimal("0.5"))),
        ParameterEnd("100%", _set_fields(cache="prefix", prefix_reuse=Decimal(1))),
        "one recorded response in seven missed the cache entirely, and some sessions never did",
    ),
    SensitivityParameter(
        "turns",
        "turns",
        ParameterEnd("-25%", _scale_turns("0.75")),
        ParameterEnd("+33%", _scale_turns("1.3333")),
        "assumed",
    ),
    SensitivityParameter(
        "speech",
        "speech of both sides",
        ParameterEnd("-25%", _scale_speech("0.75")),
        ParameterEnd("+25%", _scale_speech("1.25")),
        "assumed",
    ),
    SensitivityParameter(
        "prompt",
        "prompt",
        ParameterEnd("-50%", _scale_prompt("0.5")),
        ParameterEnd("+100%", _scale_prompt("2")),
        "assumed",
    ),
    SensitivityParameter(
        "text",
        "text with audio",
        ParameterEnd("3 per second", rules={"reply_text_base": 0, "reply_text_per_audio_token": Decimal("0.15")}),
        ParameterEnd("+20%", rules={"reply_text_per_audio_token": Decimal("0.269")}),
        "the web calculator's figure, and the range of 50 recorded replies",
    ),
    SensitivityParameter(
        "interruptions",
        "interrupted replies",
        ParameterEnd("none", _set_fields(interrupted_share=Decimal(0))),
        ParameterEnd("30%", _set_fields(interrupted_share=Decimal("0.3"))),
        "assumed",
    ),
    SensitivityParameter(
        "image_turns",
        "turn of the images",
        ParameterEnd("last turn", lambda plan: replace(plan, images=0, image_turns=(plan.turns,) * plan.image_count)),
        ParameterEnd("first turn", lambda plan: replace(plan, images=0, image_turns=(1,) * plan.image_count)),
        "an image is part of the input of every response from its turn on",
    ),
    SensitivityParameter(
        "padding",
        "silence before commit",
        ParameterEnd("200 ms", rules={"vad_silence_ms": 200}),
        ParameterEnd("800 ms", rules={"vad_silence_ms": 800}),
        "a short setting, and that of a recorded session",
    ),
    SensitivityParameter(
        "spread",
        "call length variation",
        ParameterEnd("none", length_distribution=LengthDistribution(0)),
        ParameterEnd("1.0", length_distribution=LengthDistribution(1)),
        "all calls of the same length, and the variation seen in call centres",
    ),
    SensitivityParameter(
        "truncation",
        "history kept",
        ParameterEnd("4,000 x 0.8", _set_fields(truncation=Truncation("auto", Decimal("0.8"), 4000))),
        ParameterEnd("all that fits", _set_fields(truncation=Truncation())),
        "a low limit, and the API's default",
    ),
)


RULES_WITH_RANGE = ("reasoning_tokens_per_response", "tools_billed_share", "stable_instructions_share")
"""Uncertain rules that are parameters where the model's rules give a range; those above cover the others."""


def rule_parameters(effective_rules: EffectiveRules) -> Iterator[SensitivityParameter]:
    """The rules of a model whose value lies in a known range."""
    for name in RULES_WITH_RANGE:
        row = effective_rules.rows[name]
        if row.range is not None:
            low, high = (ParameterEnd(str(value), rules={name: value}) for value in row.range)
            yield SensitivityParameter(name, RULE_LABELS[name], low, high, row.basis)


@dataclass(frozen=True, slots=True)
class Swing:
    """Changes of the expected amount at the two ends of a parameter, in picodollars; None where no estimate is possible."""

    parameter: SensitivityParameter
    low: Amount | None
    high: Amount | None

    @property
    def width(self) -> Fraction:
        """The distance between the lowest and the highest change, the plan itself (0) included."""
        values = [Fraction(0), *(Fraction(end) for end in (self.low, self.high) if end is not None)]
        return max(values) - min(values)


def sensitivity(plan: Plan, selection: ModelSelection, facts: Facts) -> tuple[Swing, ...]:
    """The effect of every parameter on the plan's expected amount, the widest swing first.

    Raises:
        VoicebillError: the plan itself cannot be estimated.
    """
    model = resolve_model(selection, plan.transcription_model, facts)
    base = expected_amount(plan, model, ParameterEnd("as planned"))

    def delta(end: ParameterEnd) -> Amount | None:
        try:
            return expected_amount(plan, model, end) - base
        except VoicebillError:
            return None

    rules = model.effective_rules
    parameters = [row for row in SENSITIVITY_PARAMETERS if row.name != "image_turns" or plan.image_count]
    swings = [Swing(row, delta(row.low), delta(row.high)) for row in parameters]
    of_rules = [Swing(row, delta(row.low), delta(row.high)) for row in rule_parameters(rules)]
    swings += [swing for swing in of_rules if swing.width]
    return tuple(sorted(swings, key=lambda swing: swing.width, reverse=True))


def expected_amount(plan: Plan, model: ResolvedModel, end: ParameterEnd) -> Amount:
    """The expected amount of a conversation at one end of a parameter; unconnected and short calls are left out.

    Raises:
        VoicebillError: the changed plan cannot be estimated.
    """
    if end.rules:
        selection = replace(model.selection, overrides={**model.selection.overrides, **end.rules})
        model = resolve_model(selection, plan.transcription_model, model.facts)
    changed = end.change_plan(plan)
    if end.length_distribution is not None:
        changed = replace(changed, unconnected_share=0, short_share=0)
        return mean_costs(count_population(changed, end.length_distribution, model), model).expected
    return plan_costs(changed, model).expected
