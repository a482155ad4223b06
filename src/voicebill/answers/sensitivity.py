"""Knobs: how far each assumption moves the figure when it is moved from its low to its high end, by re-runs alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction

from voicebill.answers.call_lengths import LengthDistribution
from voicebill.answers.call_mix import price_sampled_calls, sample_calls
from voicebill.answers.facts import Facts
from voicebill.answers.model_selection import ModelSelection, resolve_model
from voicebill.answers.scenarios import plan_costs
from voicebill.billing.errors import VoicebillError
from voicebill.billing.money import Amount
from voicebill.conversation.plan import Plan, with_length
from voicebill.conversation.rules import ParameterValue
from voicebill.conversation.script import Truncation


@dataclass(frozen=True, slots=True)
class ParameterEnd:
    """One end of a knob: what is changed in the plan, which rules are set, or how call lengths spread."""

    label: str
    change_plan: Callable[[Plan], Plan] = lambda plan: plan
    rules: Mapping[str, ParameterValue] = field(default_factory=dict)
    length_distribution: LengthDistribution | None = None


@dataclass(frozen=True, slots=True)
class SensitivityParameter:
    """An assumption with a low and a high end, and why these."""

    name: str
    label: str
    low: ParameterEnd
    high: ParameterEnd
    basis: str


def _scale_field(name: str, factor: str) -> Callable[[Plan], Plan]:
    return lambda plan: replace(plan, **{name: max(1, round(getattr(plan, name) * Decimal(factor)))})


def _scale_turns(factor: str) -> Callable[[Plan], Plan]:
    """More or fewer turns, as large a share of them in writing as before."""

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
        "one recorded response in seven missed wholly, and some sessions never did",
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
        ParameterEnd("-50%", _scale_field("instructions_tokens", "0.5")),
        ParameterEnd("+100%", _scale_field("instructions_tokens", "2")),
        "assumed",
    ),
    SensitivityParameter(
        "text",
        "text with audio",
        ParameterEnd("3 a second", rules={"reply_text_base": 0, "reply_text_per_audio_token": Decimal("0.15")}),
        ParameterEnd("+20%", rules={"reply_text_per_audio_token": Decimal("0.269")}),
        "the original calculator's figure, and the spread of 50 recorded replies",
    ),
    SensitivityParameter(
        "interruptions",
        "interrupted replies",
        ParameterEnd("none", _set_fields(interrupted_share=Decimal(0))),
        ParameterEnd("30%", _set_fields(interrupted_share=Decimal("0.3"))),
        "assumed",
    ),
    SensitivityParameter(
        "padding",
        "silence before commit",
        ParameterEnd("200 ms", rules={"vad_silence_ms": 200}),
        ParameterEnd("800 ms", rules={"vad_silence_ms": 800}),
        "a quick setting, and that of a recorded session",
    ),
    SensitivityParameter(
        "spread",
        "call length variation",
        ParameterEnd("none", length_distribution=LengthDistribution(0)),
        ParameterEnd("1.0", length_distribution=LengthDistribution(1)),
        "all calls alike, and as far apart as call centres see",
    ),
    SensitivityParameter(
        "truncation",
        "history kept",
        ParameterEnd("4,000 x 0.8", _set_fields(truncation=Truncation("auto", Decimal("0.8"), 4000))),
        ParameterEnd("all that fits", _set_fields(truncation=Truncation())),
        "a tight setting, and the API's own",
    ),
)


@dataclass(frozen=True, slots=True)
class Swing:
    """What a knob's two ends add to the expected amount of a conversation; None where the provider refuses to go on."""

    parameter: SensitivityParameter
    low: Amount | None
    high: Amount | None

    @property
    def width(self) -> Fraction:
        """How far the figure moves in all."""
        values = [Fraction(0), *(Fraction(end) for end in (self.low, self.high) if end is not None)]
        return max(values) - min(values)


def sensitivity(plan: Plan, selection: ModelSelection, facts: Facts) -> tuple[Swing, ...]:
    """Every knob's effect on the plan's expected amount, the widest swing first.

    Raises:
        VoicebillError: the plan itself cannot be estimated.
    """
    base = expected_amount(plan, selection, facts, ParameterEnd("as planned"))

    def delta(end: ParameterEnd) -> Amount | None:
        try:
            return expected_amount(plan, selection, facts, end) - base
        except VoicebillError:
            return None

    swings = [Swing(parameter, delta(parameter.low), delta(parameter.high)) for parameter in SENSITIVITY_PARAMETERS]
    return tuple(sorted(swings, key=lambda swing: swing.width, reverse=True))


def expected_amount(plan: Plan, selection: ModelSelection, facts: Facts, end: ParameterEnd) -> Amount:
    """The expected amount of a conversation with one end of a knob: a plain run.

    Raises:
        VoicebillError: it cannot be estimated so.
    """
    model = resolve_model(replace(selection, overrides={**selection.overrides, **end.rules}), plan.transcription_model, facts)
    changed = end.change_plan(plan)
    if end.length_distribution is not None:
        return price_sampled_calls(sample_calls(changed, end.length_distribution, model), model).expected
    return plan_costs(changed, model).expected
