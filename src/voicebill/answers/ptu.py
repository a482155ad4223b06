"""Provisioned throughput: how many units (PTUs) a load of model calls needs, what they cost, and when that pays.

Sized by the vendor's formula. Beside it stands the same load pay as you go, the use from which units are cheaper, and
what spills over where fewer are bought than the busiest hour needs.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate

from voicebill.answers import quantities
from voicebill.answers.facts import Facts
from voicebill.answers.quantities import DAYS_PER_YEAR, MONTHS_PER_YEAR
from voicebill.billing.checks import exact, share
from voicebill.billing.errors import InvalidInput, NotOffered, UnknownName, VoicebillError
from voicebill.billing.money import PICODOLLARS_PER_DOLLAR, Amount, picodollars, quoted
from voicebill.billing.price_book import Found
from voicebill.billing.provisioned import DEPLOYMENTS, HourlyPrice, Provisioned, Steps, Throughput

PROVIDER = "azure"
HOURS_PER_YEAR = 24 * DAYS_PER_YEAR
HOURS_PER_MONTH = Fraction(HOURS_PER_YEAR, MONTHS_PER_YEAR)
"""730: the twelfth part of 365 days."""
PAY_AS_YOU_GO = "pay as you go"
A_DAY, A_WEEK = 24, 168
MOST_A_MINUTE, MOST_TOKENS = 10**9, 10**8


@dataclass(frozen=True, slots=True)
class PtuAsked:
    """A load of calls to a text model, and how its units are bought.

    `calls_per_minute` are model calls in the busiest hour, tokens those of an average call, `cache_rate` the share of the
    prompt that is found in the cache. `profile` is the load hour by hour, over a day (24 numbers) or a week (168), in
    any unit: its busiest hour is `calls_per_minute`; without that, they are calls a minute. No profile: the same load around
    the clock. `ptus`: units that are bought, if not those that the busiest hour needs.

    Raises:
        InvalidInput: a number is negative, nothing, no number, or more than anybody has.
        UnknownName: there is no such deployment.
    """

    model: str
    day: date
    prompt_tokens: Decimal
    response_tokens: Decimal
    calls_per_minute: Decimal | None = None
    cache_rate: Decimal = Decimal(0)
    profile: tuple[Decimal, ...] = ()
    deployment: str = "global"
    region: str | None = None
    ptus: int | None = None

    def __post_init__(self) -> None:
        for name in ("prompt_tokens", "response_tokens"):
            object.__setattr__(self, name, _bounded(name, getattr(self, name), MOST_TOKENS))
        if self.prompt_tokens + self.response_tokens == 0:
            raise InvalidInput("a call without tokens takes nothing: prompt_tokens and response_tokens are both 0")
        object.__setattr__(self, "cache_rate", share("cache_rate", self.cache_rate))
        object.__setattr__(self, "profile", tuple(_bounded("profile", each, MOST_A_MINUTE) for each in self.profile))
        if self.profile and len(self.profile) not in (A_DAY, A_WEEK):
            raise InvalidInput(f"profile holds 24 numbers, an hour each, or 168 for a week, not {len(self.profile)}")
        if self.profile and not any(self.profile):
            raise InvalidInput("profile holds no load: each of its hours is 0")
        if self.calls_per_minute is None and not self.profile:
            raise InvalidInput("calls_per_minute is missing: how many model calls there are in the busiest minute")
        if self.calls_per_minute is not None:
            peak = _bounded("calls_per_minute", self.calls_per_minute, MOST_A_MINUTE)
            if not peak:
                raise InvalidInput("calls_per_minute must be more than 0")
            object.__setattr__(self, "calls_per_minute", peak)
        object.__setattr__(self, "deployment", self.deployment.strip().lower())
        if self.deployment not in DEPLOYMENTS:
            raise UnknownName("deployment", self.deployment, DEPLOYMENTS)
        object.__setattr__(self, "region", (self.region or "").strip().lower() or None)

    @property
    def hours(self) -> tuple[Fraction, ...]:
        """Calls a minute, hour by hour; one number for a load that is always the same."""
        if not self.profile:
            return (Fraction(self.calls_per_minute or 0),)
        busiest = max(self.profile)
        peak = busiest if self.calls_per_minute is None else self.calls_per_minute
        return tuple(Fraction(each) * Fraction(peak) / Fraction(busiest) for each in self.profile)

    @property
    def peak(self) -> Fraction:
        """Calls a minute in the busiest hour."""
        return max(self.hours)

    @property
    def average(self) -> Fraction:
        """Calls a minute over all hours."""
        return sum(self.hours, Fraction(0)) / len(self.hours)


def _bounded(name: str, value: Decimal, most: int) -> Decimal:
    number = exact(name, value)
    if number < 0:
        raise InvalidInput(f"{name} cannot be negative: {number}")
    if number > most:
        raise InvalidInput(f"{name} must be at most {most:,}, not {number:,}")
    return number


def profile(said: str) -> tuple[Decimal, ...]:
    """A load by the hour as people write it: numbers with commas, blanks or line breaks between them.

    >>> len(profile("0,0,0,0,0,0,2,5,9,10,10,9,8,9,10,9,7,4,2,1,1,0,0,0"))
    24

    Raises:
        InvalidInput: one of them is no number, or there are not as many as a day or a week has hours.
    """
    words = [word for word in re.split(r"[\s,;]+", said.strip()) if word]
    if len(words) not in (A_DAY, A_WEEK):
        raise InvalidInput(f"a load by the hour has 24 numbers, or 168 for a week, with commas between them, not {len(words)}")
    return tuple(quantities.number(word) for word in words)


def more_than_none(said: str) -> Decimal:
    """A number above 0.

    Raises:
        InvalidInput: it is not.
    """
    number = quantities.number(said)
    if not number:
        raise InvalidInput("must be more than 0")
    return number


@dataclass(frozen=True, slots=True)
class Commitment:
    """A way to buy units: what each costs, spread over the hours of its term."""

    name: str
    label: str
    per_ptu_hour: Fraction
    checked: date
    source: str


@dataclass(frozen=True, slots=True)
class Held:
    """So many units over the whole load, an average hour of it. `spilled` None: what does not fit has no known price."""

    ptus: int
    provisioned: Amount
    spilled: Amount | None
    spilled_share: Fraction
    """Of all calls."""

    @property
    def per_hour(self) -> Amount | None:
        """Picodollars an hour, on average; None where a part of it has no price."""
        return None if self.spilled is None else self.provisioned + self.spilled


@dataclass(frozen=True, slots=True)
class Choice:
    """A commitment with the units that are bought, and with those that would be cheapest (0: none).

    `break_even` are the calls a minute that the units must serve, on average around the clock, to cost as much as pay as you
    go: None where they cannot serve so many, or the load has not so many, or there is nothing to compare with.
    """

    commitment: Commitment
    held: Held
    break_even: Fraction | None
    cheapest: Held | None


@dataclass(frozen=True, slots=True)
class Ptu:
    """The answer. `needed` are the units for the busiest hour, `bought` those that are asked about.

    `per_call` is the pay-as-you-go price of a call, None where `missing` says why there is none.
    """

    asked: PtuAsked
    throughput: Throughput
    steps: Steps
    hourly: HourlyPrice
    needed: int
    bought: int
    choices: tuple[Choice, ...]
    found: Found | None
    missing: str
    per_call: Amount | None
    digest: str
    assumptions: tuple[str, ...] = field(default=())
    warnings: tuple[str, ...] = field(default=())

    @property
    def normalized(self) -> Fraction:
        """What a call takes of the units, in input tokens."""
        asked = self.asked
        tokens = (Fraction(asked.prompt_tokens), Fraction(asked.response_tokens), Fraction(asked.cache_rate))
        return self.throughput.normalized(*tokens)

    @property
    def normalized_tpm(self) -> Fraction:
        """What the busiest minute takes."""
        return self.asked.peak * self.normalized

    @property
    def raw(self) -> Fraction:
        """Units for the busiest hour, before they are rounded up to what can be deployed."""
        return self.normalized_tpm / self.throughput.input_tpm_per_ptu

    @property
    def at_peak(self) -> Fraction:
        """The share of the bought units that the busiest hour uses."""
        return min(Fraction(1), self.raw / self.bought)

    @property
    def on_average(self) -> Fraction:
        """The share of the bought units that is used over all hours."""
        every, most = self.throughput.input_tpm_per_ptu, Fraction(self.bought)
        used = [min(each * self.normalized / every, most) for each in self.asked.hours]
        return sum(used, Fraction(0)) / len(self.asked.hours) / self.bought

    @property
    def served(self) -> Fraction | None:
        """Calls a minute that the bought units serve at most; None where calls take nothing of them."""
        return self.bought * self.throughput.input_tpm_per_ptu / self.normalized if self.normalized else None

    def as_you_go(self, calls_per_minute: Fraction) -> Amount | None:
        """What calls cost in an hour, pay as you go."""
        return None if self.per_call is None else calls_per_minute * 60 * self.per_call


def ptu(asked: PtuAsked, facts: Facts) -> Ptu:
    """How many units a load needs, what they cost under every commitment, and when they are cheaper than pay as you go.

    >>> from voicebill.facts import load
    >>> load_of_calls = dict(calls_per_minute=Decimal(1000), prompt_tokens=Decimal(200), response_tokens=Decimal(20))
    >>> asked = PtuAsked("gpt-5.2", date(2026, 11, 22), deployment="data-zone", cache_rate=Decimal("0.5"), **load_of_calls)
    >>> answer = ptu(asked, load())
    >>> answer.needed, round(float(answer.raw), 2), int(answer.normalized_tpm)
    (80, 76.47, 260000)

    Raises:
        UnknownName: the model or the region is unknown.
        NotOffered: the model has no row in the vendor's sizing tables, or nothing was sold so on that day.
        InvalidInput: so many units cannot be deployed.
    """
    row = _throughput(asked, facts)
    steps = row.steps(asked.deployment)
    if asked.ptus is not None:
        steps.refuse_others(asked.ptus, f"{row.model} ({asked.deployment})")
    hourly = _hourly(asked, facts)
    found, missing = _pay_as_you_go(asked, hourly, facts)
    per_call = None if found is None else _per_call(asked, found)
    if found is not None and per_call is None:
        missing = f"{found.offer.id} has no price for text tokens that a call uses"
    load = _Load(asked, row, per_call)
    needed = steps.rounded_up(max(load.units))
    bought = needed if asked.ptus is None else asked.ptus
    commitments = tuple(_commitments(hourly, facts.provisioned, asked.day))
    return Ptu(
        asked=asked,
        throughput=row,
        steps=steps,
        hourly=hourly,
        needed=needed,
        bought=bought,
        choices=tuple(load.choice(each, bought, steps) for each in commitments),
        found=found,
        missing=missing,
        per_call=load.per_call,
        digest=facts.provisioned.digest,
        assumptions=tuple(_assumptions(asked, row, hourly, found, facts)),
        warnings=tuple(_warnings(asked, row, found, load.spills(bought), facts)),
    )


class _Load:
    """The load in units, hour by hour, and what any number of units makes of it."""

    def __init__(self, asked: PtuAsked, row: Throughput, per_call: Amount | None) -> None:
        tokens = (Fraction(asked.prompt_tokens), Fraction(asked.response_tokens), Fraction(asked.cache_rate))
        self.peak, self.average, self.per_call = asked.peak, asked.average, per_call
        self.each = row.normalized(*tokens) / row.input_tpm_per_ptu
        self.units = sorted(calls * self.each for calls in asked.hours)
        self._above = [*accumulate(reversed(self.units), initial=Fraction(0))][::-1]
        """By position: the sum of the units from there on."""

    def spills(self, ptus: int) -> Fraction:
        """Calls a minute that do not fit, on average."""
        if not ptus:
            return self.average
        first = bisect_right(self.units, ptus)
        over = self._above[first] - ptus * (len(self.units) - first)
        return over / len(self.units) / self.each if over else Fraction(0)

    def held(self, ptus: int, commitment: Commitment) -> Held:
        """What so many units cost over the load, with what spills over."""
        calls = self.spills(ptus)
        spilled = Fraction(0) if not calls else None if self.per_call is None else calls * 60 * self.per_call
        return Held(ptus, ptus * commitment.per_ptu_hour, spilled, calls / self.average)

    def choice(self, commitment: Commitment, bought: int, steps: Steps) -> Choice:
        """A commitment with the bought units and the cheapest ones."""
        held = self.held(bought, commitment)
        if self.per_call is None:
            return Choice(commitment, held, None, None)
        return Choice(commitment, held, self._break_even(held), self._cheapest(commitment, steps))

    def _break_even(self, held: Held) -> Fraction | None:
        if not self.per_call:
            return None
        calls = Fraction(held.provisioned) / (60 * self.per_call)
        most = min(self.peak, held.ptus / self.each) if self.each else self.peak
        return calls if calls <= most else None

    def _cheapest(self, commitment: Commitment, steps: Steps) -> Held:
        """The cheapest number of units, none among them.

        Cost is convex in the units and bends only where an hour just fits, so that the numbers beside those are enough.
        """
        tried = {0, steps.fewest}
        for units in set(self.units):
            above = steps.rounded_up(units)
            tried |= {above, max(steps.fewest, above - steps.increment)}
        every = (self.held(ptus, commitment) for ptus in sorted(tried))
        return min(every, key=_dearness)


def _dearness(held: Held) -> tuple[bool, Fraction]:
    """The cheapest first; what has no known price last, and never as if it were free."""
    return held.per_hour is None, Fraction(held.per_hour or 0)


def _throughput(asked: PtuAsked, facts: Facts) -> Throughput:
    """The model's row in the sizing tables; a dated name is that of its model."""
    known = facts.provisioned
    name = asked.model.strip()
    if name.lower() not in {model.lower() for model in known.models}:
        try:
            offers = facts.prices.named(name)
        except UnknownName:
            raise UnknownName("model", name, known.models, remedy="provisioned throughput is sized for text models") from None
        name = next((offer.model for offer in offers if offer.model in known.models), "")
        if not name:
            raise NotOffered(_not_sized(asked, offers[0].kind, facts))
    return known.throughput(name, asked.day)


def _not_sized(asked: PtuAsked, kind: str, facts: Facts) -> str:
    checked = max(row.checked for row in facts.provisioned.throughputs)
    sized = ", ".join(_alive(asked, facts))
    if kind == "text":
        return f"Microsoft's sizing tables of {checked} have no row for {asked.model}; sized are {sized}"
    return (
        f"{asked.model} cannot be sized: Microsoft's provisioned tables of {checked} list no realtime or audio model. What can "
        f"be provisioned is the text model of a pipeline (speech to text, a text model, text to speech), such as {sized}"
    )


def _alive(asked: PtuAsked, facts: Facts) -> Iterator[str]:
    """The sized models that have a price and that some source, if any, still lets live on the day."""
    for model in facts.provisioned.models:
        offers = [offer for offer in facts.prices.offers if (offer.provider, offer.model) == (PROVIDER, model)]
        ends = [end for offer in offers for end in facts.prices.ends(offer)]
        days = [day.first for end in ends for day in end.days]
        if offers and max(days, default=date.max) > asked.day:
            yield model


def _hourly(asked: PtuAsked, facts: Facts) -> HourlyPrice:
    hourly = facts.provisioned.hourly(asked.deployment, asked.region, asked.day)
    known = {name for row in facts.provisioned.hours for name in row.regions}
    known |= {name for offer in facts.prices.offers if offer.provider == PROVIDER for name in offer.regions}
    if asked.region is not None and asked.region not in known:
        raise UnknownName("region", asked.region, known)
    return hourly


def _commitments(hourly: HourlyPrice, known: Provisioned, day: date) -> Iterator[Commitment]:
    yield Commitment("hourly", "by the hour", Fraction(hourly.per_hour), hourly.checked, hourly.source)
    for name, label, months in (("month", "reserved for a month", 1), ("year", "reserved for a year", MONTHS_PER_YEAR)):
        row = known.reserved(months, day)
        if row is not None:
            each = picodollars(row.dollars) / (HOURS_PER_MONTH * months)
            yield Commitment(name, label, each, row.checked, row.source)


def _pay_as_you_go(asked: PtuAsked, hourly: HourlyPrice, facts: Facts) -> tuple[Found | None, str]:
    """The text model's prices under the same deployment, or why there are none."""
    if hourly.no_pay_as_you_go:
        return None, hourly.no_pay_as_you_go
    try:
        facts.prices.named(asked.model, PROVIDER)
    except UnknownName:
        return None, f"no source gives a pay-as-you-go price of {asked.model} at {PROVIDER}"
    try:
        return facts.prices.find(asked.model, day=asked.day, provider=PROVIDER, deployment=asked.deployment), ""
    except VoicebillError as error:
        return None, str(error)


def _per_call(asked: PtuAsked, found: Found) -> Amount | None:
    """What a call costs, exactly: cached tokens at their rate."""
    prompt, cached = Fraction(asked.prompt_tokens), Fraction(asked.cache_rate)
    counts = {
        "text_in": prompt * (1 - cached),
        "text_in_cached": prompt * cached,
        "text_out": Fraction(asked.response_tokens),
    }
    amount = Fraction(0)
    for meter, tokens in counts.items():
        rate = found.rates[meter]
        if rate is None and tokens:
            return None
        amount += 0 if rate is None else tokens * Fraction(rate.picodollars, rate.per)
    return amount


def _assumptions(asked: PtuAsked, row: Throughput, hourly: HourlyPrice, found: Found | None, facts: Facts) -> Iterator[str]:
    if asked.region is None and hourly.assumed:
        others = {each for each in facts.provisioned.hours if each.deployment == asked.deployment and not each.assumed}
        elsewhere = sorted({f"{quoted(each.dollars)} in {each.place}" for each in others})
        yield f"no region is named: a unit's hour is {quoted(hourly.dollars)}, as in {hourly.place}; {', '.join(elsewhere)}"
    if asked.region is not None and hourly.note:
        yield f"{hourly.place}: {hourly.note}"
    yield f"a month has {HOURS_PER_MONTH} hours and a year {HOURS_PER_YEAR:,}, and units are paid for in all of them"
    if asked.profile:
        which = "every day is alike" if len(asked.profile) == A_DAY else "every week is alike"
        yield f"{which}; within an hour the load is even, and calls that do not fit are sent pay as you go, whole"
    else:
        yield (
            f"the load is the same around the clock: {float(asked.peak):,.10g} calls a minute; units pay much less where "
            "nights are quiet (state the load by the hour), and bursts within a minute may spill where the average fits"
        )
    checked = f"units of {row.model} were sized by the vendor's table of {row.checked}"
    yield f"{checked}, their hours priced by a list of {hourly.checked}: both are assumed unchanged since"
    yield from () if found is None else found.assumptions


def _warnings(asked: PtuAsked, row: Throughput, found: Found | None, spills: Fraction, facts: Facts) -> Iterator[str]:
    if row.most_prompt_tokens is not None and asked.prompt_tokens > row.most_prompt_tokens:
        yield f"{row.model}: {row.note}; a prompt of {asked.prompt_tokens:,} tokens is not served by units"
    told = tuple(_ending(asked, facts) if found is None else found.warnings)
    yield from told
    end = None if found is None or told else facts.prices.soonest_end(found.offer)
    if end is not None and asked.day < end < asked.day + timedelta(days=365):
        yield (
            f"{row.model} may end on {end}, by the soonest source: before a year that is reserved from {asked.day} is over; "
            "whether a reservation serves another model then is for the contract to say"
        )
    cached = None if found is None else found.rates["text_in_cached"]
    if found is not None and cached is not None and cached.stands_in and asked.cache_rate:
        yield f"{found.offer.name} has no price for cached text: pay as you go it is priced as fresh"
    if found is None and spills:
        yield f"{_percent(spills / asked.average)} of the calls do not fit, and what they cost pay as you go is not known"
    if found is not None and facts.prices.contract(found.offer, asked.day):
        yield "your contract's prices and discounts are applied to pay as you go alone, not to units"
    doubts = {
        f"reservation prices are those of {each.checked}: {each.note}"
        for each in facts.provisioned.reservations
        if each.note and each == facts.provisioned.reserved(each.months, asked.day)
    }
    yield from sorted(doubts)


def _ending(asked: PtuAsked, facts: Facts) -> Sequence[str]:
    """What is known of the model's end where it has no pay-as-you-go price under this deployment."""
    try:
        return facts.prices.find(asked.model, day=asked.day, provider=PROVIDER).warnings
    except VoicebillError:
        return ()


def _percent(part: Fraction) -> str:
    return f"{float(100 * part):.0f}%"


def cheapest_way(answer: Ptu) -> str:
    """The cheapest of all ways to pay for the load, in a sentence; nothing where there is nothing to compare with."""
    alone = answer.as_you_go(answer.asked.average)
    ways = [(choice.cheapest, choice.commitment.label) for choice in answer.choices if choice.cheapest is not None]
    if alone is None or not ways:
        return ""
    held, label = min(ways, key=lambda way: _dearness(way[0]))
    if not held.ptus or held.per_hour is None:
        return "Cheapest: pay as you go alone; no number of PTUs costs less."
    saved = 1 - Fraction(held.per_hour) / Fraction(alone)
    return f"Cheapest: {held.ptus:,} PTUs {label}, {_percent(saved)} below pay as you go alone."


def monthly(answer: Ptu) -> Iterator[tuple[float, str, float]]:
    """Points of a picture: an average load in calls a minute, a way to pay, and dollars a month, spilled calls among them."""
    served = answer.asked.peak if answer.served is None else min(answer.served, answer.asked.peak)
    for calls in (Fraction(0), served, answer.asked.peak):
        over = answer.as_you_go(calls - served if calls > served else Fraction(0))
        for choice in answer.choices:
            if over is not None:
                yield float(calls), choice.commitment.label, _dollars(choice.held.provisioned + over)
        alone = answer.as_you_go(calls)
        if alone is not None:
            yield float(calls), PAY_AS_YOU_GO, _dollars(alone)


def _dollars(per_hour: Amount) -> float:
    return float(per_hour * HOURS_PER_MONTH / PICODOLLARS_PER_DOLLAR)
