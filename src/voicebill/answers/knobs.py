"""Knobs: how far each assumption moves the figure when it is moved from its low to its high end, by re-runs alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction

from voicebill.answers.facts import Facts
from voicebill.answers.lengths import Spread
from voicebill.answers.offered import Asked, offered
from voicebill.answers.population import calls, over_all_lengths
from voicebill.answers.scenarios import costs
from voicebill.billing.errors import VoicebillError
from voicebill.billing.money import Amount
from voicebill.conversation.plan import Plan, at_length
from voicebill.conversation.rules import Value
from voicebill.conversation.script import Truncation


@dataclass(frozen=True, slots=True)
class End:
    """One end of a knob: what is changed in the plan, which rules are set, or how call lengths spread."""

    label: str
    plan: Callable[[Plan], Plan] = lambda plan: plan
    rules: Mapping[str, Value] = field(default_factory=dict)
    spread: Spread | None = None


@dataclass(frozen=True, slots=True)
class Knob:
    """An assumption with a low and a high end, and why these."""

    name: str
    label: str
    low: End
    high: End
    basis: str


def _times(name: str, factor: str) -> Callable[[Plan], Plan]:
    return lambda plan: replace(plan, **{name: max(1, round(getattr(plan, name) * Decimal(factor)))})


def _turns(factor: str) -> Callable[[Plan], Plan]:
    """More or fewer turns, as large a share of them in writing as before."""

    def change(plan: Plan) -> Plan:
        turns = max(1, round(plan.turns * Decimal(factor)))
        return replace(at_length(plan, turns, plan.minutes), tool_calls=plan.tool_calls)

    return change


def _talk(factor: str) -> Callable[[Plan], Plan]:
    def change(plan: Plan) -> Plan:
        user, assistant = (share * Decimal(factor) for share in plan.talk)
        room = max(Decimal(1), user + assistant)
        return replace(plan, user_share=user / room, assistant_share=assistant / room, silence_share=None)

    return change


def _with(**changes: object) -> Callable[[Plan], Plan]:
    return lambda plan: replace(plan, **changes)  # type: ignore[arg-type]


KNOBS: tuple[Knob, ...] = (
    Knob(
        "reuse",
        "found in the cache",
        End("50%", _with(cache="prefix", reuse=Decimal("0.5"))),
        End("100%", _with(cache="prefix", reuse=Decimal(1))),
        "one recorded response in seven missed wholly, and some sessions never did",
    ),
    Knob(
        "turns",
        "turns",
        End("-25%", _turns("0.75")),
        End("+33%", _turns("1.3333")),
        "assumed",
    ),
    Knob("talk", "speech of both sides", End("-25%", _talk("0.75")), End("+25%", _talk("1.25")), "assumed"),
    Knob(
        "prompt",
        "prompt",
        End("-50%", _times("instructions_tokens", "0.5")),
        End("+100%", _times("instructions_tokens", "2")),
        "assumed",
    ),
    Knob(
        "text",
        "text beside speech",
        End("3 a second", rules={"reply_text_base": 0, "reply_text_per_audio_token": Decimal("0.15")}),
        End("+20%", rules={"reply_text_per_audio_token": Decimal("0.269")}),
        "the original calculator's figure, and the spread of 50 recorded replies",
    ),
    Knob(
        "interruptions",
        "replies broken off",
        End("none", _with(interrupted_share=Decimal(0))),
        End("30%", _with(interrupted_share=Decimal("0.3"))),
        "assumed",
    ),
    Knob(
        "padding",
        "silence to commit",
        End("200 ms", rules={"vad_silence_ms": 200}),
        End("800 ms", rules={"vad_silence_ms": 800}),
        "a quick setting, and that of a recorded session",
    ),
    Knob(
        "spread",
        "spread of lengths",
        End("none", spread=Spread(0)),
        End("1.0", spread=Spread(1)),
        "all calls alike, and as far apart as call centres see",
    ),
    Knob(
        "truncation",
        "history kept",
        End("4,000 x 0.8", _with(truncation=Truncation("auto", Decimal("0.8"), 4000))),
        End("all that fits", _with(truncation=Truncation())),
        "a tight setting, and the API's own",
    ),
)


@dataclass(frozen=True, slots=True)
class Effect:
    """What a knob's two ends add to the expected amount of a conversation; None where the provider refuses to go on."""

    knob: Knob
    low: Amount | None
    high: Amount | None

    @property
    def swing(self) -> Fraction:
        """How far the figure moves in all."""
        reached = [Fraction(0), *(Fraction(end) for end in (self.low, self.high) if end is not None)]
        return max(reached) - min(reached)


def effects(plan: Plan, asked: Asked, facts: Facts) -> tuple[Effect, ...]:
    """Every knob's effect on the plan's expected amount, the widest swing first.

    Raises:
        VoicebillError: the plan itself cannot be estimated.
    """
    base = expected(plan, asked, facts, End("as planned"))

    def added(end: End) -> Amount | None:
        try:
            return expected(plan, asked, facts, end) - base
        except VoicebillError:
            return None

    found = [Effect(knob, added(knob.low), added(knob.high)) for knob in KNOBS]
    return tuple(sorted(found, key=lambda effect: effect.swing, reverse=True))


def expected(plan: Plan, asked: Asked, facts: Facts, end: End) -> Amount:
    """The expected amount of a conversation with one end of a knob: a plain run.

    Raises:
        VoicebillError: it cannot be estimated so.
    """
    sold = offered(replace(asked, overrides={**asked.overrides, **end.rules}), plan.transcription_model, facts)
    changed = end.plan(plan)
    if end.spread is not None:
        return over_all_lengths(calls(changed, end.spread, sold), sold).expected
    return costs(changed, sold).expected
