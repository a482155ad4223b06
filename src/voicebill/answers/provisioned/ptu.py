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

from voicebill.answers.catalog.facts import Facts
from voicebill.answers.parsing import quantities
from voicebill.billing.errors import InvalidInput, NotAvailable, UnknownName, VoicebillError
from voicebill.billing.money import PICODOLLARS_PER_DOLLAR, Amount, format_price, picodollars
from voicebill.billing.price_book import Quote
from voicebill.billing.provisioned_throughput import DEPLOYMENTS, HourlyPrice, ProvisionedThroughput, PtuIncrements, Throughput
from voicebill.billing.validation import to_decimal, to_share
from voicebill.conversation.volume import DAYS_PER_YEAR, MONTHS_PER_YEAR

PROVIDER = "azure"
HOURS_PER_YEAR = 24 * DAYS_PER_YEAR
HOURS_PER_MONTH = Fraction(HOURS_PER_YEAR, MONTHS_PER_YEAR)
"""730: the twelfth part of 365 days."""
PAY_AS_YOU_GO = "pay as you go"
HOURS_PER_DAY, HOURS_PER_WEEK = 24, 168
MAX_CALLS_PER_MINUTE, MAX_TOKENS_PER_CALL = 10**9, 10**8


@dataclass(frozen=True, slots=True)
class PtuRequest:
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
            object.__setattr__(self, name, _require_at_most(name, getattr(self, name), MAX_TOKENS_PER_CALL))
        if self.prompt_tokens + self.response_tokens == 0:
            raise InvalidInput("a call without tokens takes nothing: prompt_tokens and response_tokens are both 0")
        object.__setattr__(self, "cache_rate", to_share("cache_rate", self.cache_rate))
        object.__setattr__(
            self, "profile", tuple(_require_at_most("profile", calls, MAX_CALLS_PER_MINUTE) for calls in self.profile)
        )
        if self.profile and len(self.profile) not in (HOURS_PER_DAY, HOURS_PER_WEEK):
            raise InvalidInput(f"profile holds 24 numbers, an hour each, or 168 for a week, not {len(self.profile)}")
        if self.profile and not any(self.profile):
            raise InvalidInput("profile holds no load: each of its hours is 0")
        if self.calls_per_minute is None and not self.profile:
            raise InvalidInput("calls_per_minute is missing: how many model calls there are in the busiest minute")
        if self.calls_per_minute is not None:
            peak = _require_at_most("calls_per_minute", self.calls_per_minute, MAX_CALLS_PER_MINUTE)
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
        return tuple(Fraction(calls) * Fraction(peak) / Fraction(busiest) for calls in self.profile)

    @property
    def peak(self) -> Fraction:
        """Calls a minute in the busiest hour."""
        return max(self.hours)

    @property
    def average(self) -> Fraction:
        """Calls a minute over all hours."""
        return sum(self.hours, Fraction(0)) / len(self.hours)


def _require_at_most(name: str, value: Decimal, maximum: int) -> Decimal:
    number = to_decimal(name, value)
    if number < 0:
        raise InvalidInput(f"{name} cannot be negative: {number}")
    if number > maximum:
        raise InvalidInput(f"{name} must be at most {maximum:,}, not {number:,}")
    return number


def parse_load_profile(text: str) -> tuple[Decimal, ...]:
    """A load by the hour as people write it: numbers with commas, blanks or line breaks between them.

    >>> len(parse_load_profile("0,0,0,0,0,0,2,5,9,10,10,9,8,9,10,9,7,4,2,1,1,0,0,0"))
    24

    Raises:
        InvalidInput: one of them is no number, or there are not as many as a day or a week has hours.
    """
    words = [word for word in re.split(r"[\s,;]+", text.strip()) if word]
    if len(words) not in (HOURS_PER_DAY, HOURS_PER_WEEK):
        raise InvalidInput(f"a load by the hour has 24 numbers, or 168 for a week, with commas between them, not {len(words)}")
    return tuple(quantities.parse_number(word) for word in words)


def parse_positive_number(text: str) -> Decimal:
    """A number above 0.

    Raises:
        InvalidInput: it is not.
    """
    number = quantities.parse_number(text)
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
class PtuMix:
    """So many units over the whole load, an average hour of it. `spilled` None: what does not fit has no known price."""

    ptus: int
    provisioned: Amount
    spillover: Amount | None
    spillover_share: Fraction
    """Of all calls."""

    @property
    def per_hour(self) -> Amount | None:
        """Picodollars an hour, on average; None where a part of it has no price."""
        return None if self.spillover is None else self.provisioned + self.spillover


@dataclass(frozen=True, slots=True)
class CommitmentOption:
    """A commitment with the units that are bought, and with those that would be cheapest (0: none).

    `break_even` are the calls a minute that the units must serve, on average around the clock, to cost as much as pay as you
    go: None where they cannot serve so many, or the load has not so many, or there is nothing to compare with.
    """

    commitment: Commitment
    mix: PtuMix
    break_even: Fraction | None
    cheapest_mix: PtuMix | None


@dataclass(frozen=True, slots=True)
class PtuSizing:
    """The answer. `needed` are the units for the busiest hour, `bought` those that are asked about.

    `per_call` is the pay-as-you-go price of a call, None where `missing` says why there is none.
    """

    request: PtuRequest
    throughput: Throughput
    increments: PtuIncrements
    hourly: HourlyPrice
    needed: int
    bought: int
    options: tuple[CommitmentOption, ...]
    quote: Quote | None
    missing_reason: str
    per_call: Amount | None
    digest: str
    assumptions: tuple[str, ...] = field(default=())
    warnings: tuple[str, ...] = field(default=())

    @property
    def normalized_tokens(self) -> Fraction:
        """What a call takes of the units, in input tokens."""
        request = self.request
        tokens = (Fraction(request.prompt_tokens), Fraction(request.response_tokens), Fraction(request.cache_rate))
        return self.throughput.normalized_tokens(*tokens)

    @property
    def normalized_tpm(self) -> Fraction:
        """What the busiest minute takes."""
        return self.request.peak * self.normalized_tokens

    @property
    def raw_ptus(self) -> Fraction:
        """Units for the busiest hour, before they are rounded up to what can be deployed."""
        return self.normalized_tpm / self.throughput.input_tpm_per_ptu

    @property
    def peak_utilization(self) -> Fraction:
        """The share of the bought units that the busiest hour uses."""
        return min(Fraction(1), self.raw_ptus / self.bought)

    @property
    def average_utilization(self) -> Fraction:
        """The share of the bought units that is used over all hours."""
        tpm_per_ptu, bought_ptus = self.throughput.input_tpm_per_ptu, Fraction(self.bought)
        used = [min(calls * self.normalized_tokens / tpm_per_ptu, bought_ptus) for calls in self.request.hours]
        return sum(used, Fraction(0)) / len(self.request.hours) / self.bought

    @property
    def max_calls_per_minute(self) -> Fraction | None:
        """Calls a minute that the bought units serve at most; None where calls take nothing of them."""
        return self.bought * self.throughput.input_tpm_per_ptu / self.normalized_tokens if self.normalized_tokens else None

    def pay_as_you_go_cost(self, calls_per_minute: Fraction) -> Amount | None:
        """What calls cost in an hour, pay as you go."""
        return None if self.per_call is None else calls_per_minute * 60 * self.per_call


def size_ptus(request: PtuRequest, facts: Facts) -> PtuSizing:
    """How many units a load needs, what they cost under every commitment, and when they are cheaper than pay as you go.

    >>> from voicebill.facts import load_facts
    >>> load_of_calls = dict(calls_per_minute=Decimal(1000), prompt_tokens=Decimal(200), response_tokens=Decimal(20))
    >>> request = PtuRequest("gpt-5.2", date(2026, 11, 22), deployment="data-zone", cache_rate=Decimal("0.5"), **load_of_calls)
    >>> answer = size_ptus(request, load_facts())
    >>> answer.needed, round(float(answer.raw_ptus), 2), int(answer.normalized_tpm)
    (80, 76.47, 260000)

    Raises:
        UnknownName: the model or the region is unknown.
        NotOffered: the model has no row in the vendor's sizing tables, or nothing was sold so on that day.
        InvalidInput: so many units cannot be deployed.
    """
    row = _throughput(request, facts)
    increments = row.increments(request.deployment)
    if request.ptus is not None:
        increments.validate(request.ptus, f"{row.model} ({request.deployment})")
    hourly = _hourly(request, facts)
    quote, missing_reason = _pay_as_you_go(request, hourly, facts)
    per_call = None if quote is None else _per_call(request, quote)
    if quote is not None and per_call is None:
        missing_reason = f"{quote.offer.id} has no price for text tokens that a call uses"
    load = _Load(request, row, per_call)
    needed = increments.round_up(max(load.units))
    bought = needed if request.ptus is None else request.ptus
    commitments = tuple(_commitments(hourly, facts.provisioned, request.day))
    return PtuSizing(
        request=request,
        throughput=row,
        increments=increments,
        hourly=hourly,
        needed=needed,
        bought=bought,
        options=tuple(load.option(commitment, bought, increments) for commitment in commitments),
        quote=quote,
        missing_reason=missing_reason,
        per_call=load.per_call,
        digest=facts.provisioned.digest,
        assumptions=tuple(_assumptions(request, row, hourly, quote, facts)),
        warnings=tuple(_warnings(request, row, quote, load.spillover_calls(bought), facts)),
    )


class _Load:
    """The load in units, hour by hour, and what any number of units makes of it."""

    def __init__(self, request: PtuRequest, row: Throughput, per_call: Amount | None) -> None:
        tokens = (Fraction(request.prompt_tokens), Fraction(request.response_tokens), Fraction(request.cache_rate))
        self.peak, self.average, self.per_call = request.peak, request.average, per_call
        self.ptus_per_call = row.normalized_tokens(*tokens) / row.input_tpm_per_ptu
        self.units = sorted(calls * self.ptus_per_call for calls in request.hours)
        self._sums_above = [*accumulate(reversed(self.units), initial=Fraction(0))][::-1]
        """By position: the sum of the units from there on."""

    def spillover_calls(self, ptus: int) -> Fraction:
        """Calls a minute that do not fit, on average."""
        if not ptus:
            return self.average
        first = bisect_right(self.units, ptus)
        excess = self._sums_above[first] - ptus * (len(self.units) - first)
        return excess / len(self.units) / self.ptus_per_call if excess else Fraction(0)

    def mix(self, ptus: int, commitment: Commitment) -> PtuMix:
        """What so many units cost over the load, with what spills over."""
        calls = self.spillover_calls(ptus)
        spillover = Fraction(0) if not calls else None if self.per_call is None else calls * 60 * self.per_call
        return PtuMix(ptus, ptus * commitment.per_ptu_hour, spillover, calls / self.average)

    def option(self, commitment: Commitment, bought: int, increments: PtuIncrements) -> CommitmentOption:
        """A commitment with the bought units and the cheapest ones."""
        mix = self.mix(bought, commitment)
        if self.per_call is None:
            return CommitmentOption(commitment, mix, None, None)
        return CommitmentOption(commitment, mix, self._break_even(mix), self._cheapest(commitment, increments))

    def _break_even(self, mix: PtuMix) -> Fraction | None:
        if not self.per_call:
            return None
        calls = Fraction(mix.provisioned) / (60 * self.per_call)
        max_calls = min(self.peak, mix.ptus / self.ptus_per_call) if self.ptus_per_call else self.peak
        return calls if calls <= max_calls else None

    def _cheapest(self, commitment: Commitment, increments: PtuIncrements) -> PtuMix:
        """The cheapest number of units, none among them.

        Cost is convex in the units and bends only where an hour just fits, so that the numbers beside those are enough.
        """
        candidates = {0, increments.minimum_deployable}
        for units in set(self.units):
            above = increments.round_up(units)
            candidates |= {above, max(increments.minimum_deployable, above - increments.increment)}
        mixes = (self.mix(ptus, commitment) for ptus in sorted(candidates))
        return min(mixes, key=_cost_key)


def _cost_key(mix: PtuMix) -> tuple[bool, Fraction]:
    """The cheapest first; what has no known price last, and never as if it were free."""
    return mix.per_hour is None, Fraction(mix.per_hour or 0)


def _throughput(request: PtuRequest, facts: Facts) -> Throughput:
    """The model's row in the sizing tables; a dated name is that of its model."""
    provisioned = facts.provisioned
    name = request.model.strip()
    if name.lower() not in {model.lower() for model in provisioned.models}:
        try:
            offers = facts.prices.offers_named(name)
        except UnknownName:
            raise UnknownName(
                "model", name, provisioned.models, remedy="provisioned throughput is sized for text models"
            ) from None
        name = next((offer.model for offer in offers if offer.model in provisioned.models), "")
        if not name:
            raise NotAvailable(_not_sized_text(request, offers[0].kind, facts))
    return provisioned.throughput(name, request.day)


def _not_sized_text(request: PtuRequest, kind: str, facts: Facts) -> str:
    checked = max(row.checked for row in facts.provisioned.throughputs)
    sized = ", ".join(_available_models(request, facts))
    if kind == "text":
        return f"Microsoft's sizing tables of {checked} have no row for {request.model}; sized are {sized}"
    return (
        f"{request.model} cannot be sized: Microsoft's provisioned tables of {checked} list no realtime or audio model. "
        f"What can be provisioned is the text model of a pipeline (STT, LLM, TTS), such as {sized}"
    )


def _available_models(request: PtuRequest, facts: Facts) -> Iterator[str]:
    """The sized models that have a price and that some source, if any, still lets live on the day."""
    for model in facts.provisioned.models:
        offers = [offer for offer in facts.prices.offers if (offer.provider, offer.model) == (PROVIDER, model)]
        ends = [end for offer in offers for end in facts.prices.lifecycle_of(offer)]
        days = [day.first for end in ends for day in end.days]
        if offers and max(days, default=date.max) > request.day:
            yield model


def _hourly(request: PtuRequest, facts: Facts) -> HourlyPrice:
    hourly = facts.provisioned.hourly_price(request.deployment, request.region, request.day)
    regions = {name for row in facts.provisioned.hourly_prices for name in row.regions}
    regions |= {name for offer in facts.prices.offers if offer.provider == PROVIDER for name in offer.regions}
    if request.region is not None and request.region not in regions:
        raise UnknownName("region", request.region, regions)
    return hourly


def _commitments(hourly: HourlyPrice, provisioned: ProvisionedThroughput, day: date) -> Iterator[Commitment]:
    yield Commitment("hourly", "by the hour", Fraction(hourly.per_hour), hourly.checked, hourly.source)
    for name, label, months in (("month", "reserved for a month", 1), ("year", "reserved for a year", MONTHS_PER_YEAR)):
        row = provisioned.reservation(months, day)
        if row is not None:
            per_hour = picodollars(row.dollars) / (HOURS_PER_MONTH * months)
            yield Commitment(name, label, per_hour, row.checked, row.source)


def _pay_as_you_go(request: PtuRequest, hourly: HourlyPrice, facts: Facts) -> tuple[Quote | None, str]:
    """The text model's prices under the same deployment, or why there are none."""
    if hourly.no_pay_as_you_go:
        return None, hourly.no_pay_as_you_go
    try:
        facts.prices.offers_named(request.model, PROVIDER)
    except UnknownName:
        return None, f"no source gives a pay-as-you-go price of {request.model} at {PROVIDER}"
    try:
        return facts.prices.quote(request.model, day=request.day, provider=PROVIDER, deployment=request.deployment), ""
    except VoicebillError as error:
        return None, str(error)


def _per_call(request: PtuRequest, quote: Quote) -> Amount | None:
    """What a call costs, exactly: cached tokens at their rate."""
    prompt, cached = Fraction(request.prompt_tokens), Fraction(request.cache_rate)
    counts = {
        "text_in": prompt * (1 - cached),
        "text_in_cached": prompt * cached,
        "text_out": Fraction(request.response_tokens),
    }
    amount = Fraction(0)
    for meter, tokens in counts.items():
        rate = quote.rates[meter]
        if rate is None and tokens:
            return None
        amount += 0 if rate is None else tokens * Fraction(rate.picodollars, rate.per)
    return amount


def _assumptions(request: PtuRequest, row: Throughput, hourly: HourlyPrice, quote: Quote | None, facts: Facts) -> Iterator[str]:
    if request.region is None and hourly.is_default:
        other_prices = {
            price
            for price in facts.provisioned.hourly_prices
            if price.deployment == request.deployment and not price.is_default
        }
        prices_elsewhere = sorted({f"{format_price(price.dollars)} in {price.place}" for price in other_prices})
        yield (
            f"no region is named: a unit costs {format_price(hourly.dollars)} per hour, as in {hourly.place}; "
            f"{', '.join(prices_elsewhere)}"
        )
    if request.region is not None and hourly.note:
        yield f"{hourly.place}: {hourly.note}"
    yield f"a month has {HOURS_PER_MONTH} hours and a year {HOURS_PER_YEAR:,}, and units are paid for in all of them"
    if request.profile:
        pattern = "every day is alike" if len(request.profile) == HOURS_PER_DAY else "every week is alike"
        yield f"{pattern}; within an hour the load is even, and calls that do not fit are sent pay as you go, whole"
    else:
        yield (
            f"the load is the same around the clock: {float(request.peak):,.10g} calls a minute; units pay much less where "
            "nights are quiet (state the load by the hour), and bursts within a minute may spill where the average fits"
        )
    checked = f"units of {row.model} were sized by the vendor's table of {row.checked}"
    yield f"{checked}, their hours priced by a list of {hourly.checked}: both are assumed unchanged since"
    yield from () if quote is None else quote.assumptions


def _warnings(
    request: PtuRequest, row: Throughput, quote: Quote | None, spillover_calls: Fraction, facts: Facts
) -> Iterator[str]:
    if row.max_prompt_tokens is not None and request.prompt_tokens > row.max_prompt_tokens:
        yield f"{row.model}: {row.note}; a prompt of {request.prompt_tokens:,} tokens is not served by units"
    shutdown_warnings = tuple(_shutdown_warnings(request, facts) if quote is None else quote.warnings)
    yield from shutdown_warnings
    end = None if quote is None or shutdown_warnings else facts.prices.earliest_shutdown(quote.offer)
    if end is not None and request.day < end < request.day + timedelta(days=365):
        yield (
            f"{row.model} may end on {end}, by the soonest source: before a year that is reserved from {request.day} is over; "
            "whether a reservation serves another model then is for the contract to say"
        )
    cached = None if quote is None else quote.rates["text_in_cached"]
    if quote is not None and cached is not None and cached.is_fallback and request.cache_rate:
        yield f"{quote.offer.name} has no price for cached text: pay as you go it is priced as uncached"
    if quote is None and spillover_calls:
        yield f"{_percent(spillover_calls / request.average)} of the calls spill over, at an unknown pay-as-you-go price"
    if quote is not None and facts.prices.contract_terms(quote.offer, request.day):
        yield "your contract's prices and discounts are applied to pay as you go alone, not to units"
    notes = {
        f"reservation prices are those of {reservation.checked}: {reservation.note}"
        for reservation in facts.provisioned.reservations
        if reservation.note and reservation == facts.provisioned.reservation(reservation.months, request.day)
    }
    yield from sorted(notes)


def _shutdown_warnings(request: PtuRequest, facts: Facts) -> Sequence[str]:
    """What is known of the model's end where it has no pay-as-you-go price under this deployment."""
    try:
        return facts.prices.quote(request.model, day=request.day, provider=PROVIDER).warnings
    except VoicebillError:
        return ()


def _percent(part: Fraction) -> str:
    return f"{float(100 * part):.0f}%"


def cheapest_option_text(answer: PtuSizing) -> str:
    """The cheapest of all ways to pay for the load, in a sentence; nothing where there is nothing to compare with."""
    pay_as_you_go = answer.pay_as_you_go_cost(answer.request.average)
    mixes = [(option.cheapest_mix, option.commitment.label) for option in answer.options if option.cheapest_mix is not None]
    if pay_as_you_go is None or not mixes:
        return ""
    mix, label = min(mixes, key=lambda pair: _cost_key(pair[0]))
    if not mix.ptus or mix.per_hour is None:
        return "Cheapest: pay as you go alone; no number of PTUs costs less."
    saved = 1 - Fraction(mix.per_hour) / Fraction(pay_as_you_go)
    return f"Cheapest: {mix.ptus:,} PTUs {label}, {_percent(saved)} below pay as you go alone."


def monthly_points(answer: PtuSizing) -> Iterator[tuple[float, str, float]]:
    """Points of a picture: an average load in calls a minute, a way to pay, and dollars a month, spilled calls among them."""
    max_calls = (
        answer.request.peak if answer.max_calls_per_minute is None else min(answer.max_calls_per_minute, answer.request.peak)
    )
    for calls in (Fraction(0), max_calls, answer.request.peak):
        spillover = answer.pay_as_you_go_cost(calls - max_calls if calls > max_calls else Fraction(0))
        for option in answer.options:
            if spillover is not None:
                yield float(calls), option.commitment.label, _dollars(option.mix.provisioned + spillover)
        pay_as_you_go = answer.pay_as_you_go_cost(calls)
        if pay_as_you_go is not None:
            yield float(calls), PAY_AS_YOU_GO, _dollars(pay_as_you_go)


def _dollars(per_hour: Amount) -> float:
    return float(per_hour * HOURS_PER_MONTH / PICODOLLARS_PER_DOLLAR)
