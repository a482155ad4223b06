"""State the assumptions and warnings of a PTU sizing."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from fractions import Fraction

from voicebill.answers.capacity.caveats import assumed_lengths, busy_hour_assumptions
from voicebill.answers.catalog.facts import Facts
from voicebill.answers.estimates.caveats import cut_calls
from voicebill.answers.parsing.quantities import format_percent
from voicebill.answers.provisioned.commitments import Commitment
from voicebill.answers.provisioned.request import PtuRequest
from voicebill.billing.errors import VoicebillError
from voicebill.billing.money import format_price
from voicebill.billing.price_book import Quote, price_warnings
from voicebill.billing.provisioned_throughput import PROVIDER, HourlyPrice, Throughput
from voicebill.billing.validation import Number
from voicebill.conversation.call_lengths import LengthDistribution
from voicebill.conversation.volume import HOURS_PER_DAY, HOURS_PER_MONTH, HOURS_PER_YEAR


def ptu_assumptions(
    request: PtuRequest, row: Throughput, hourly: HourlyPrice, quote: Quote | None, facts: Facts
) -> Iterator[str]:
    """What was assumed where nothing was given."""
    yield from plan_assumptions(request)
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
        yield from _assumed_week(request)
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
    yield from (row.on_units for row in facts.mechanics if row.on_units)


def plan_assumptions(request: PtuRequest) -> Iterator[str]:
    """How the load is derived from a plan: each number that is not given, with its sum."""
    load = request.plan_load
    if load is None:
        return
    requests, traffic = format_mean(load.requests), load.traffic
    yield (
        f"{load.realtime_model} is not sized: no realtime model has PTUs. Sized is the text model of a pipeline (STT, LLM, "
        "TTS) that holds the conversations of the plan"
    )
    if load.is_model_assumed:
        yield f"the text model is {load.model}: assumed; name the one of your pipeline"
    if traffic is not None and request.calls_per_minute == load.calls_per_minute:
        yield (
            f"{format_mean(request.peak)} model calls a minute at the peak: {requests} in a conversation × "
            f"{format_mean(traffic.calls_per_minute)} conversations a minute in the busy hour"
        )
        yield from busy_hour_assumptions(traffic, load.targets)
    if request.prompt_tokens == load.mean_prompt_tokens:
        yield (
            f"{format_mean(request.prompt_tokens)} prompt tokens a model call: {format_mean(load.prompt_tokens)} in a "
            f"conversation ÷ {requests} model calls, each of which reads the prompt, the tools and the history as text"
        )
        if load.image_tokens:
            images = format_mean(load.image_tokens)
            yield f"images are {images} of the prompt tokens in a conversation: counted and priced as text"
    if request.response_tokens == load.mean_response_tokens:
        yield (
            f"{format_mean(request.response_tokens)} response tokens a model call: {format_mean(load.response_tokens)} in "
            f"a conversation ÷ {requests} model calls"
        )
    if request.cache_rate == load.cache_rate:
        yield (
            f"{format_percent(float(request.cache_rate))} of the prompt is cached: {format_mean(load.cached_tokens)} of "
            f"{format_mean(load.prompt_tokens)} tokens in a conversation repeat what the model call before read, as expected "
            "for pay as you go; it was not measured on units"
        )
    if load.lengths is None:
        yield assumed_lengths(LengthDistribution())


def _assumed_week(request: PtuRequest) -> Iterator[str]:
    """The hours in which the calls of a plan are assumed to come, unless a profile is given."""
    load = request.plan_load
    if load is None or load.days_per_week is None or request.profile != load.week:
        return
    yield (
        f"conversations come in {load.hours_per_day} hours of a day, evenly but for the busiest, "
        f"on {float(load.days_per_week):.3g} days of an average week: assumed; state the load by the hour if you know it"
    )


def format_mean(number: Number | Fraction) -> str:
    """A mean with six digits; a large one without decimals.

    >>> format_mean(Fraction(425, 11)), format_mean(Fraction(1_234_567, 2)), format_mean(20)
    ('38.6364', '617,284', '20')
    """
    return f"{float(number):,.6g}" if number < 1000 else f"{round(number):,}"


def free_units(commitments: Iterable[Commitment]) -> Iterator[str]:
    """Warnings that units cost $0, which no vendor lists."""
    for commitment in commitments:
        if not commitment.per_ptu_hour:
            yield f"units {commitment.label} cost $0 by your prices: check them, unless they are free for you"


def ptu_warnings(
    request: PtuRequest, row: Throughput, quote: Quote | None, spillover_calls: Fraction, facts: Facts
) -> Iterator[str]:
    """What may make the sizing wrong, or change its cost."""
    if request.plan_load is not None:
        yield from cut_calls(request.plan_load.calls)
    if row.max_prompt_tokens is not None and request.prompt_tokens > row.max_prompt_tokens:
        yield f"{row.model}: {row.note}; a prompt of {request.prompt_tokens:,} tokens is not served by units"
    on_prices = () if quote is None else tuple(price_warnings(quote.rates))
    warnings = tuple(_shutdown_warnings(request, facts) if quote is None else quote.warnings)
    yield from warnings
    end = None if quote is None or set(warnings) - set(on_prices) else facts.prices.shutdown_day(quote.offer)
    if end is not None and request.day < end < request.day + timedelta(days=365):
        yield (
            f"{row.model} ends on {end}: before a year that is reserved from {request.day} is over; "
            "whether a reservation serves another model then is for the contract to say"
        )
    cached = None if quote is None else quote.rates["text_in_cached"]
    if quote is not None and cached is not None and cached.is_fallback and request.cache_rate:
        yield f"{quote.offer.name} has no price for cached text: pay as you go it is priced as uncached"
    if quote is None and spillover_calls:
        share = format_percent(float(spillover_calls / request.average))
        yield f"{share} of the calls spill over, at an unknown pay-as-you-go price"
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
