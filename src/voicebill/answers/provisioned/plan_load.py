"""Count the load that planned conversations put on the text model of a pipeline (STT, LLM, TTS), in the busy hour.

Each reply and each tool call is a request to the text model, whose prompt is the instructions, the tools and the whole history
as text. The conversations are those whose cost a comparison calculates, the busy hour is that of a capacity plan.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from itertools import repeat
from math import ceil

from voicebill.answers.capacity.targets import CapacityTargets
from voicebill.answers.capacity.traffic import BusyHourTraffic, busy_hour_traffic
from voicebill.answers.catalog.facts import Facts
from voicebill.answers.comparison.alternatives import speech_rules
from voicebill.answers.comparison.stack_builder import component_rules
from voicebill.answers.comparison.stack_usage import StackUsage, count_all_lengths
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.answers.parsing.quantities import format_percent, pluralize
from voicebill.billing.errors import InvalidInput, VoicebillError
from voicebill.billing.provisioned_throughput import PROVIDER
from voicebill.billing.usage import Usage
from voicebill.conversation.call_lengths import CallLengths, LengthDistribution
from voicebill.conversation.call_population import CallPopulation, call_population, session_cap
from voicebill.conversation.plan import Plan
from voicebill.conversation.rules import Rules
from voicebill.conversation.volume import DAYS_PER_YEAR, HOURS_PER_DAY, MONTHS_PER_YEAR, Volume

DEFAULT_TEXT_MODEL = "gpt-5.2"
"""The text model of a plan's pipeline, unless another is named: that of Microsoft's example, which can answer at once."""

DAYS_PER_WEEK = 7
FIRST_BUSINESS_HOUR, BUSINESS_HOURS = 9, 8
"""Calls are assumed to come in the hours of a business day, unless so many cannot hold them."""

SHOWN, SHAPE = Context(prec=6), Context(prec=12)
"""Derived numbers have six digits, so that what is shown is what is calculated with; the shape of a week has more."""

CACHED_INPUT = ("text_in_cached", "image_in_cached")
IMAGE_INPUT = ("image_in", "image_in_cached")
INPUT = ("text_in", "text_in_cached", "text_in_cache_write", *IMAGE_INPUT)


@dataclass(frozen=True, slots=True)
class PlanLoad:
    """The load of the text model of a pipeline that holds the conversations of a plan.

    `model` is that text model, and `realtime_model` the plan's own, which is not counted. `requests` and tokens are those of a
    conversation, averaged over `calls` of all lengths (`lengths`; None: assumed); `prompt_tokens` include
    `cached_tokens` and `image_tokens`. `traffic` is None if the number of conversations is not known.
    """

    plan: Plan
    model: str
    is_model_assumed: bool
    realtime_model: str
    volume: Volume | None
    targets: CapacityTargets
    lengths: LengthDistribution | CallLengths | None
    calls: CallPopulation
    traffic: BusyHourTraffic | None
    requests: Fraction
    prompt_tokens: Fraction
    cached_tokens: Fraction
    image_tokens: Fraction
    response_tokens: Fraction

    @property
    def summary(self) -> str:
        """The plan in a few words: "10 minutes, 20 turns, 30,000 a month"."""
        minutes = f"{float(self.plan.minutes):,.4g} minute{'' if self.plan.minutes == 1 else 's'}"
        turns = pluralize(self.plan.turns, "turn")
        if self.targets.calls_per_hour is not None:
            return f"{minutes}, {turns}, {self.targets.calls_per_hour:,} in the busy hour"
        return ", ".join((minutes, turns, *([f"{self.volume.conversations:,} a {self.volume.period}"] if self.volume else [])))

    @property
    def calls_per_minute(self) -> Decimal | None:
        """Requests per minute in the busy hour; None if the number of conversations is not known."""
        return None if self.traffic is None else _rounded(self.traffic.calls_per_minute * self.requests)

    @property
    def mean_prompt_tokens(self) -> Decimal:
        """Prompt tokens of an average request."""
        return _rounded(self.prompt_tokens / self.requests)

    @property
    def mean_response_tokens(self) -> Decimal:
        """Response tokens of an average request."""
        return _rounded(self.response_tokens / self.requests)

    @property
    def cache_rate(self) -> Decimal:
        """The cached share of the prompt."""
        return _rounded(self.cached_tokens / self.prompt_tokens) if self.prompt_tokens else Decimal(0)

    @property
    def days_per_week(self) -> Fraction | None:
        """The days of an average week on which calls come; None if no volume is known."""
        if self.traffic is None or self.traffic.volume is None:
            return None
        if self.traffic.days is None:
            return Fraction(DAYS_PER_WEEK)
        days = Fraction(self.traffic.days) * MONTHS_PER_YEAR * DAYS_PER_WEEK / DAYS_PER_YEAR
        return min(days, Fraction(DAYS_PER_WEEK))

    @property
    def hours_per_day(self) -> int | None:
        """The hours of a day in which calls come; None if no volume is known.

        Raises:
            InvalidInput: the busiest hour would have fewer calls than the others.
        """
        if self.traffic is None or self.traffic.busy_hour_share is None:
            return None
        share = Fraction(self.traffic.busy_hour_share)
        if share * HOURS_PER_DAY < 1:
            raise InvalidInput(
                f"must be at least 4.17%, a 24th of the day, not {format_percent(float(share))}: no hour has more calls than "
                "the busiest",
                field="busy_hour_share",
            )
        return max(BUSINESS_HOURS, ceil(1 / share))

    @property
    def week(self) -> tuple[Decimal, ...]:
        """Conversations by the hour of a week, in percent of those of a day; empty if no volume is known.

        The busiest hour has its share of the day, and the other hours the rest, evenly. A part of a day's calls comes on the
        last day if calls do not come on whole days of an average week, so that the week has as many calls as on average.
        """
        days, hours = self.days_per_week, self.hours_per_day
        if days is None or hours is None or self.traffic is None or self.traffic.busy_hour_share is None:
            return ()
        busiest = Fraction(self.traffic.busy_hour_share) * 100
        others = repeat((100 - busiest) / (hours - 1), hours - 2)
        first = min(FIRST_BUSINESS_HOUR, HOURS_PER_DAY - hours)
        day = [*repeat(Fraction(0), first), (100 - busiest) / (hours - 1), busiest, *others]
        day += repeat(Fraction(0), HOURS_PER_DAY - len(day))
        return tuple(_rounded(part * calls, SHAPE) for part in _parts_of_days(days) for calls in day)


def _parts_of_days(days: Fraction) -> Iterator[Fraction]:
    """The part of a day's calls that comes on each day of a week.

    >>> [str(part) for part in _parts_of_days(Fraction(21, 4))]
    ['1', '1', '1', '1', '1', '1/4', '0']
    """
    for day in range(DAYS_PER_WEEK):
        yield min(Fraction(1), max(Fraction(0), days - day))


def _rounded(number: Fraction, digits: Context = SHOWN) -> Decimal:
    return digits.divide(Decimal(number.numerator), Decimal(number.denominator)).normalize()


def count_plan_load(
    plan: Plan,
    volume: Volume | None,
    model: str | None,
    selection: ModelSelection,
    facts: Facts,
    *,
    lengths: LengthDistribution | CallLengths | None = None,
    targets: CapacityTargets | None = None,
    needs_traffic: bool = True,
) -> PlanLoad:
    """Count the load of a text model (None: the default one) from a plan and a volume, or the calls per hour of the targets.

    `selection` gives the day and the rules; its model holds the conversations of the plan, and is not counted. Without
    `needs_traffic` there may be no volume.

    Raises:
        InvalidInput: there is no volume, the volume is per hour, or there are too many calls.
        ContextOverflow: the conversation does not fit the context of the text model, and may not be truncated.
        UnknownName: the rule set is unknown.
    """
    targets = targets or CapacityTargets()
    speech, rules = speech_rules(selection, facts), _text_model_rules(model or DEFAULT_TEXT_MODEL, selection, facts)
    calls = call_population(plan, lengths or LengthDistribution(), session_cap(plan, plan.session_minutes))
    StackUsage(plan, speech).llm(rules, as_backend=False)
    stack_usage, usages = count_all_lengths(
        calls, lambda calls: StackUsage(plan, speech, calls), lambda usage: usage.llm(rules, as_backend=False)
    )
    expected, total = usages[1], stack_usage.total_weight
    has_calls = volume is not None or targets.calls_per_hour is not None
    calls = stack_usage.calls or calls
    return PlanLoad(
        plan=plan,
        model=model or DEFAULT_TEXT_MODEL,
        is_model_assumed=model is None,
        realtime_model=selection.model,
        volume=volume,
        targets=targets,
        lengths=lengths,
        calls=calls,
        traffic=busy_hour_traffic(Fraction(calls.mean_minutes), volume, targets) if needs_traffic or has_calls else None,
        requests=Fraction(stack_usage.llm_requests(rules), total),
        prompt_tokens=Fraction(_sum(expected, INPUT), total),
        cached_tokens=Fraction(_sum(expected, CACHED_INPUT), total),
        image_tokens=Fraction(_sum(expected, IMAGE_INPUT), total),
        response_tokens=Fraction(expected["text_out"], total),
    )


def _sum(usage: Usage, meters: tuple[str, ...]) -> int:
    return sum(usage[meter] for meter in meters)


def _text_model_rules(model: str, selection: ModelSelection, facts: Facts) -> Rules:
    """The rules of a text model, Azure's if it sells the model; of one without prices, those of no model in particular."""
    try:
        offers = facts.prices.offers_named(model)
    except VoicebillError:
        offers = ()
    text_offers = sorted((offer for offer in offers if offer.kind == "text"), key=lambda offer: offer.provider != PROVIDER)
    return component_rules(text_offers[0], selection, facts) if text_offers else speech_rules(selection, facts)
