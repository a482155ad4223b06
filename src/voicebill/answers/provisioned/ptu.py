"""Size provisioned throughput: how many PTUs a load of model calls needs, what they cost, and when they pay off.

PTUs are sized by the vendor's formula, and compared with pay as you go for the same load: the break-even, and what spills over
if fewer PTUs are bought than the busiest hour needs.
"""

from collections.abc import Iterator
from datetime import date
from fractions import Fraction

from voicebill.answers.catalog.facts import Facts
from voicebill.answers.provisioned.caveats import free_units, ptu_assumptions, ptu_warnings
from voicebill.answers.provisioned.commitments import PtuLoad, commitments_on
from voicebill.answers.provisioned.request import PtuRequest
from voicebill.answers.provisioned.result import PtuSizing
from voicebill.billing.errors import NotAvailable, UnknownName, VoicebillError
from voicebill.billing.money import Amount
from voicebill.billing.price_book import Quote
from voicebill.billing.provisioned_throughput import PROVIDER, HourlyPrice, Throughput


def size_ptus(request: PtuRequest, facts: Facts) -> PtuSizing:
    """Size the PTUs of a load: their number, their cost with every commitment, and their break-even with pay as you go.

    >>> from decimal import Decimal
    >>> from voicebill.facts import load_facts
    >>> load_of_calls = dict(calls_per_minute=Decimal(1000), prompt_tokens=Decimal(200), response_tokens=Decimal(20))
    >>> request = PtuRequest("gpt-5.2", date(2026, 11, 22), deployment="data-zone", cache_rate=Decimal("0.5"), **load_of_calls)
    >>> answer = size_ptus(request, load_facts())
    >>> answer.needed, round(float(answer.raw_ptus), 2), int(answer.normalized_tpm)
    (80, 76.47, 260000)

    Raises:
        UnknownName: the model or the region is unknown.
        NotAvailable: the model has no row in the vendor's sizing tables, or no price on the day.
        InvalidInput: that number of PTUs cannot be deployed.
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
    load = PtuLoad(request, row, per_call)
    needed = increments.round_up(max(load.units))
    bought = needed if request.ptus is None else request.ptus
    commitments = tuple(commitments_on(hourly, facts.provisioned, request.day))
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
        per_call=per_call,
        digest=facts.provisioned.digest,
        assumptions=tuple(ptu_assumptions(request, row, hourly, quote, facts)),
        warnings=(*free_units(commitments), *ptu_warnings(request, row, quote, load.spillover_calls(bought), facts)),
    )


def _throughput(request: PtuRequest, facts: Facts) -> Throughput:
    """The model's row in the sizing tables; a dated name is resolved to its model."""
    provisioned = facts.provisioned
    name = request.model.strip()
    if name.lower() not in {model.lower() for model in provisioned.models}:
        try:
            offers = facts.prices.offers_named(name)
        except UnknownName:
            raise UnknownName(
                "model", name, available_models(facts, request.day), remedy="provisioned throughput is sized for text models"
            ) from None
        name = next((offer.model for offer in offers if offer.model in provisioned.models), "")
        if not name:
            raise NotAvailable(_not_sized_text(request, offers[0].kind, facts), field="model", is_sentence=True)
    return provisioned.throughput(name, request.day)


def _not_sized_text(request: PtuRequest, kind: str, facts: Facts) -> str:
    checked = max(row.checked for row in facts.provisioned.throughputs)
    sized = ", ".join(available_models(facts, request.day))
    if kind == "text":
        return f"Microsoft's sizing tables of {checked} have no row for {request.model}; sized are {sized}"
    return (
        f"{request.model} cannot be sized: Microsoft's provisioned tables of {checked} list no realtime or audio model. "
        f"What can be provisioned is the text model of a pipeline (STT, LLM, TTS), such as {sized}. Voice sessions with a "
        "model of your own (Azure Voice Live, bring your own model) run on PTU deployments, too (Microsoft's page of "
        "2025-09-26)"
    )


def available_models(facts: Facts, day: date) -> Iterator[str]:
    """The sized models that are listed in the price book and have not ended on a day."""
    book = facts.prices
    for model in facts.provisioned.models:
        offers = [offer for offer in book.offers if (offer.provider, offer.model) == (PROVIDER, model)]
        if any(not book.is_shut_down(offer, day) for offer in offers):
            yield model


def _hourly(request: PtuRequest, facts: Facts) -> HourlyPrice:
    hourly = facts.provisioned.hourly_price(request.deployment, request.region, request.day)
    regions = {name for row in facts.provisioned.hourly_prices for name in row.regions}
    regions |= {name for offer in facts.prices.offers if offer.provider == PROVIDER for name in offer.regions}
    if request.region is not None and request.region not in regions:
        raise UnknownName("region", request.region, regions)
    return hourly


def _pay_as_you_go(request: PtuRequest, hourly: HourlyPrice, facts: Facts) -> tuple[Quote | None, str]:
    """The text model's prices in the same deployment, or the reason why there are none."""
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
    """The exact price of a call in picodollars, with cached tokens at their rate; None if a price is missing."""
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
