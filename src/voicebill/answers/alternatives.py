"""The alternatives: every way to build the same agent, priced for one plan, whatever its meters count.

Realtime models, pipelines, live models, the same exchange typed, and streams. What holds the conversation stands apart from
what does less, so that the cheapest of all is not an answer to another question.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from itertools import islice

from voicebill.answers.builds import Build, Seat
from voicebill.answers.compare import Candidate, Comparison
from voicebill.answers.costing import amount_of
from voicebill.answers.estimate import Estimate, lengths_of
from voicebill.answers.facts import Facts
from voicebill.answers.latency import Wait, wait
from voicebill.answers.lengths import Lengths, Spread
from voicebill.answers.offered import Asked
from voicebill.answers.population import Limits, calls_of, mean_costs
from voicebill.answers.quantities import Volume
from voicebill.answers.scenarios import Scenarios, costs
from voicebill.answers.seating import Seating
from voicebill.answers.stack_caveats import stack_assumptions
from voicebill.answers.stacks import IN_TIME, SPOKEN, Architecture, Role, Stack
from voicebill.answers.talk import Talk
from voicebill.answers.tolls import Calls, Toll, mean_toll, toll
from voicebill.answers.transport import Carriage, Carried, carried
from voicebill.billing.bill import Line, warnings
from voicebill.billing.errors import VoicebillError
from voicebill.billing.money import Amount
from voicebill.billing.price_book import Found
from voicebill.conversation.plan import Plan
from voicebill.conversation.rules import Rules

LABELS: Mapping[Architecture, str] = {
    "speech-to-speech": "speech to speech",
    "live": "live",
    "pipeline": "pipeline",
    "text": "typed",
    "transcription": "transcript",
    "translation": "translation",
}

DIFFERS: Mapping[Architecture, str] = {
    "speech-to-speech": "one model hears and speaks, tone of voice included; its history is audio, sent again for every answer",
    "live": "listens while it speaks; billed by the second, silence too, however much is said; a text model thinks behind it",
    "pipeline": "three models in a row: tone of voice is lost in writing, each can be exchanged; its history is text",
    "text": "typed and read: nobody hears or speaks",
    "transcription": "only writes down what is said",
    "translation": "only says it again in another language; it holds no conversation of its own",
}
"""What differs in kind."""

ANY_PIPELINE = Stack("any", "any pipeline", "pipeline", {})

TIERS: Mapping[str, str] = {
    "batch": "answers within 24 hours",
    "flex": "slower, and now and then refused",
    "priority": "at the tier that answers sooner",
}


@dataclass(frozen=True, slots=True)
class Leg:
    """One model's part: what it does, what it was found as, and its lines of the expected bill."""

    role: Role | None
    found: Found
    lines: tuple[Line, ...]

    @property
    def amount(self) -> Amount:
        """What it is expected to cost for one conversation, in picodollars."""
        return amount_of(self.lines)


@dataclass(frozen=True, slots=True)
class Alternative:
    """One way to build the agent, with what the plan costs there, or why it cannot be.

    `name` is that of a stack, or an offer's id. `ends`: the soonest day on which one of its models ends by some source.
    `counted` is the part of its assumptions that says how it counts. `monthly` is what a month costs before the first
    conversation, and is part of `per_month`; `each` what a conversation is expected to cost on average over calls of all
    lengths, where months were asked for. `way` gives what another plan costs.
    """

    name: str
    title: str
    architecture: Architecture
    legs: tuple[Leg, ...]
    per_conversation: Scenarios | None
    per_month: Scenarios | None
    wait: Wait | None
    ends: date | None
    differs: str
    warnings: tuple[str, ...]
    assumptions: tuple[str, ...]
    counted: tuple[str, ...] = ()
    refusal: str | None = None
    candidate: Candidate | None = None
    monthly: Amount = 0
    each: Fraction = Fraction(0)
    way: Callable[[Plan], Scenarios] | None = field(default=None, compare=False, repr=False)

    @property
    def models(self) -> str:
        """The models in the order in which the words pass; of another seller than the first, with the seller."""
        first = self.legs[0].found.offer.provider if self.legs else ""
        return " → ".join(_called(leg.found, first) for leg in self.legs if leg.role or len(self.legs) == 1)

    def per_minute(self, plan: Plan) -> Scenarios:
        """Per minute of the conversation, silence included."""
        assert self.per_conversation is not None
        return self.per_conversation.times(1 / Fraction(plan.minutes))

    @property
    def goes_by(self) -> tuple[str, ...]:
        """Shorter names of a realtime offer: its model, dated and not."""
        return () if self.candidate is None else (self.candidate.offer.model, self.candidate.offer.name)

    @property
    def expected(self) -> Fraction:
        """The expected amount for one conversation, for sorting."""
        assert self.per_conversation is not None
        return Fraction(self.per_conversation.expected)


@dataclass(frozen=True, slots=True)
class Alternatives:
    """Every way, the cheapest first: those that hold the conversation, and those that do less.

    What counts is the expected amount of a month where a volume was stated (calls of all lengths, monthly fees), else of the
    planned conversation. `carried` is the way there and what is paid on it, the same for all that hold the conversation.
    """

    plan: Plan
    volume: Volume | None
    spoken: tuple[Alternative, ...]
    others: tuple[Alternative, ...]
    refused: tuple[Alternative, ...]
    carried: Carried | None = None

    @property
    def by_month(self) -> bool:
        """Whether months are ranked, and not the planned conversation."""
        return _months_known((*self.spoken, *self.others))

    def ratio(self, alternative: Alternative) -> Fraction | None:
        """How many times the cheapest way to hold the conversation it is expected to cost, by what is ranked."""
        if not self.spoken or alternative.per_conversation is None:
            return None
        least = _measure(self.spoken[0], by_month=self.by_month)
        return _measure(alternative, by_month=self.by_month) / least if least else None

    def named(self, name: str) -> Alternative | None:
        """The alternative of a name, among those that can be."""
        return next((each for each in (*self.spoken, *self.others) if each.name == name), None)

    @property
    def cheapest_of_each(self) -> tuple[Alternative, ...]:
        """The cheapest of each architecture that holds the conversation, cheapest first."""
        first: dict[Architecture, Alternative] = {}
        for each in self.spoken:
            first.setdefault(each.architecture, each)
        return tuple(first.values())


def alternatives(
    compared: Comparison | None,
    plan: Plan,
    asked: Asked,
    facts: Facts,
    volume: Volume | None = None,
    *,
    stacks: Iterable[Stack] | None = None,
    lengths: Spread | Lengths | None = None,
    carriage: Carriage | None = None,
) -> Alternatives:
    """The realtime offers that were compared, and every stack that has a name (or those given), for the same plan.

    `asked` gives day and rules. `volume`, `lengths` and `carriage` as for an estimate.

    >>> from voicebill.facts import load
    >>> found = alternatives(None, Plan(minutes=6, turns=20), Asked(model="any", day=date(2026, 11, 22)), load())
    >>> found.spoken[-1].name, found.spoken[-1].models
    ('gpt-live-1', 'gpt-live-1 → gpt-6-luna')
    """
    ground = _Ground(plan, asked, facts, volume, lengths)
    seating = Seating(facts, asked, ground.talk(plan))
    ways = [_realtime(each, facts) for each in (compared.candidates if compared else ())]
    for stack in facts.stacks if stacks is None else stacks:
        try:
            ways.append(_built(seating.build(stack), ground))
        except VoicebillError as error:
            ways.append(_refused(stack, str(error)))
    return replace(_sorted(plan, volume, ways), carried=_carried(ground, carriage or Carriage(), asked.day))


def _carried(ground: "_Ground", stated: Carriage, day: date) -> Carried | None:
    """The way there, where a transport is named or something is said of it."""
    if not (ground.plan.transport or stated.stated):
        return None
    month = Calls(ground.volume.per_month, ground.lengths, None) if ground.volume else None
    return carried(ground.plan, stated, ground.facts.ways, day, month)


def every_pipeline(
    plan: Plan, asked: Asked, facts: Facts, top: int, volume: Volume | None = None, *, wishes: Stack = ANY_PIPELINE
) -> tuple[Alternatives, int]:
    """The cheapest pipelines of all that meet some wishes on the day, for the planned conversation, and how many there are.

    Of pipelines of the same models, sold in other ways or by others, only the cheapest is among them.
    """
    ground = _Ground(plan, asked, facts, volume, None)
    seating = Seating(facts, asked, ground.talk(plan))
    found = sorted(seating.every_pipeline(wishes), key=_first_of_pipelines)
    ways = []
    for seats in islice(_of_other_models(seats for _, seats in found), top):
        name = " → ".join(seat.offer.id for seat in seats)
        ways.append(_built(Build(Stack(name, "a pipeline", "pipeline", {}), seats), ground))
    return _sorted(plan, volume, ways), len(found)


def _of_other_models(pipelines: Iterable[tuple[Seat, ...]]) -> Iterator[tuple[Seat, ...]]:
    seen = set()
    for seats in pipelines:
        models = tuple((seat.offer.model, seat.offer.tier) for seat in seats)
        if models not in seen:
            seen.add(models)
            yield seats


def _first_of_pipelines(pipeline: tuple[Scenarios, tuple[Seat, ...]]) -> tuple[Amount, int, bool, str]:
    """The cheapest first; of equals those of one seller, and OpenAI's own before others'."""
    amounts, seats = pipeline
    sellers = {seat.offer.provider for seat in seats}
    return amounts.expected, len(sellers), sellers != {"openai"}, seats[0].offer.id


def talk_rules(asked: Asked, facts: Facts) -> Rules:
    """The rules by which talk becomes tokens, whatever model is asked."""
    ruling = facts.rules.ruling(asked.rules, models=(), provider="", day=asked.day)
    return ruling.override(asked.overrides).rules


class _Ground:
    """What all alternatives of a question share: the plan, the volume, and conversations of plans, each counted once."""

    def __init__(self, plan: Plan, asked: Asked, facts: Facts, volume: Volume | None, lengths: Spread | Lengths | None) -> None:
        self.plan = plan
        self.facts = facts
        self.volume = volume
        self.lengths = lengths_of(volume, lengths) if volume else None
        self.rules = talk_rules(asked, facts)
        self.kept: dict[Plan, Talk] = {}

    def talk(self, plan: Plan) -> Talk:
        """The conversation of a plan."""
        if plan not in self.kept:
            self.kept[plan] = Talk(plan, self.rules)
        return self.kept[plan]

    def average(self, build: Build) -> Scenarios:
        """What a conversation costs on average over calls of all lengths; nothing ends them, since no session does.

        What is taken for minutes moves in steps, so that the few calls that stand for all others do not stand for it.
        """
        if self.volume is None or self.lengths is None:
            return build.costs(self.talk(self.plan))
        models = replace(build, fees=())
        held = calls_of(self.plan, self.lengths, Limits(0, cuts=False), lambda each: models.costs(self.talk(each)))
        calls = Calls(self.volume.per_month, self.lengths, None)
        return mean_costs(held).plus(sum((mean_toll(fee, self.plan, calls) for fee in build.fees), start=Fraction(0)))


def _sorted(plan: Plan, volume: Volume | None, ways: Iterable[Alternative]) -> Alternatives:
    known = [each for each in ways if each.per_conversation]
    by_month = _months_known(known)
    able = sorted(known, key=lambda each: _measure(each, by_month=by_month))
    return Alternatives(
        plan=plan,
        volume=volume,
        spoken=tuple(each for each in able if each.architecture in SPOKEN),
        others=tuple(each for each in able if each.architecture not in SPOKEN),
        refused=tuple(each for each in ways if not each.per_conversation),
    )


def _months_known(ways: Iterable[Alternative]) -> bool:
    found = list(ways)
    return bool(found) and all(each.per_month for each in found)


def _measure(each: Alternative, *, by_month: bool) -> Fraction:
    """What ways are ranked by."""
    return Fraction(each.per_month.expected) if by_month and each.per_month else each.expected


def _realtime(candidate: Candidate, facts: Facts) -> Alternative:
    offer, answer = candidate.offer, candidate.answer
    legs: list[Leg] = []
    if answer is not None:
        sold = answer.offered
        legs.append(Leg(None, sold.found, answer.lines))
        if sold.transcription is not None:
            legs.append(Leg("hears", sold.transcription, answer.transcription_lines))
    return Alternative(
        name=offer.id,
        title=f"{offer.name} at {offer.provider}",
        architecture="speech-to-speech",
        legs=tuple(legs),
        per_conversation=answer.per_conversation if answer else None,
        per_month=answer.per_month if answer else None,
        wait=wait([("speech-to-speech", offer.model)], facts.latencies),
        ends=candidate.ends,
        differs=DIFFERS["speech-to-speech"],
        warnings=answer.warnings if answer else (),
        assumptions=answer.assumptions if answer else (),
        refusal=candidate.refusal,
        candidate=candidate,
        each=_each(answer) if answer else Fraction(0),
        way=None if answer is None else lambda plan: costs(plan, answer.offered),
    )


def _each(answer: Estimate) -> Fraction:
    return Fraction((answer.population.mean if answer.population else answer.per_conversation).expected)


def _built(build: Build, ground: _Ground) -> Alternative:
    stack, talk, volume = build.stack, ground.talk(ground.plan), ground.volume
    average = ground.average(build)
    legs = [Leg(seat.role, seat.found, seat.lines(talk)) for seat in build.seats]
    legs += [_fee(toll(fee, talk.lasts_ms)) for fee in build.fees]
    parts: list[tuple[str, str]] = [(seat.role, seat.offer.model) for seat in build.seats]
    if stack.architecture == "live":
        parts = [("live", build.seats[0].offer.model)]
    counted = tuple(stack_assumptions(build, talk))
    waits = wait(parts, ground.facts.latencies) if stack.architecture in (*SPOKEN, "text") and stack.tier in IN_TIME else None
    return Alternative(
        name=stack.name,
        title=stack.title,
        architecture=stack.architecture,
        legs=tuple(legs),
        per_conversation=build.costs(talk),
        per_month=average.times(volume.per_month).plus(build.monthly) if volume else None,
        wait=waits,
        ends=build.ends,
        differs=f"{DIFFERS[stack.architecture]}{'; ' + TIERS[stack.tier] if stack.tier in TIERS else ''}",
        warnings=tuple(
            dict.fromkeys(said for leg in legs for said in (*leg.found.warnings, *warnings(leg.lines, leg.found.rates)))
        ),
        assumptions=tuple(dict.fromkeys(said for said in (*counted, *_found(legs), stack.note) if said)),
        counted=counted,
        monthly=build.monthly,
        each=Fraction(average.expected),
        way=lambda varied: build.costs(ground.talk(varied)),
    )


def _fee(taken: Toll) -> Leg:
    return Leg(None, taken.found, (taken.line,) if taken.line else ())


def _refused(stack: Stack, why: str) -> Alternative:
    return Alternative(stack.name, stack.title, stack.architecture, (), None, None, None, None, "", (), (), refusal=why)


def _found(legs: Iterable[Leg]) -> Iterator[str]:
    for leg in legs:
        yield from leg.found.assumptions


def _called(found: Found, beside: str) -> str:
    offer = found.offer
    seller = "" if offer.provider == beside else f"{offer.provider} "
    return f"{seller}{offer.model}{'' if offer.tier == 'standard' else f' ({offer.tier})'}"
