"""State the assumptions and warnings of a PTU sizing."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from fractions import Fraction

from voicebill.answers.catalog.facts import Facts
from voicebill.answers.parsing.quantities import format_percent
from voicebill.answers.provisioned.commitments import Commitment
from voicebill.answers.provisioned.request import PtuRequest
from voicebill.billing.errors import VoicebillError
from voicebill.billing.money import format_price
from voicebill.billing.price_book import Quote, price_warnings
from voicebill.billing.provisioned_throughput import PROVIDER, HourlyPrice, Throughput
from voicebill.conversation.volume import HOURS_PER_DAY, HOURS_PER_MONTH, HOURS_PER_YEAR


def ptu_assumptions(
    request: PtuRequest, row: Throughput, hourly: HourlyPrice, quote: Quote | None, facts: Facts
) -> Iterator[str]:
    """What was assumed where nothing was given."""
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
    yield from (row.on_units for row in facts.mechanics if row.on_units)


def free_units(commitments: Iterable[Commitment]) -> Iterator[str]:
    """Warnings that units cost $0, which no vendor lists."""
    for commitment in commitments:
        if not commitment.per_ptu_hour:
            yield f"units {commitment.label} cost $0 by your prices: check them, unless they are free for you"


def ptu_warnings(
    request: PtuRequest, row: Throughput, quote: Quote | None, spillover_calls: Fraction, facts: Facts
) -> Iterator[str]:
    """What may make the sizing wrong, or change its cost."""
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
