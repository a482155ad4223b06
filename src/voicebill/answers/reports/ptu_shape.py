"""Build the JSON of a PTU sizing, the same for Python, `--json` and HTTP.

Dollars, PTUs before rounding, and shares are decimal strings; tokens per minute are whole numbers.
"""

from decimal import Decimal
from fractions import Fraction

from voicebill.answers.parsing.quantities import format_percent
from voicebill.answers.provisioned.commitments import CommitmentOption, PtuMix, cost_order
from voicebill.answers.provisioned.result import PtuSizing
from voicebill.answers.reports.shape import Shape
from voicebill.billing.money import Amount, format_dollars
from voicebill.conversation.volume import HOURS_PER_MONTH, HOURS_PER_YEAR


def ptu_shape(answer: PtuSizing) -> Shape:
    """A PTU sizing as JSON: PTUs, their prices and break-even utilization by commitment, and the same load pay as you go."""
    request, row = answer.request, answer.throughput
    return {
        "model": row.model,
        "deployment": request.deployment,
        "region": request.region,
        "day": request.day.isoformat(),
        "currency": "USD",
        "load": {
            "calls_per_minute": format_decimal(request.peak),
            "average_calls_per_minute": format_decimal(request.average),
            "prompt_tokens": format_decimal(Fraction(request.prompt_tokens)),
            "response_tokens": format_decimal(Fraction(request.response_tokens)),
            "cache_rate": format_decimal(Fraction(request.cache_rate)),
            "profile": [format_decimal(calls) for calls in request.hours] if request.profile else None,
        },
        "input_tpm": round(request.input_tpm),
        "output_tpm": round(request.output_tpm),
        "normalized_tpm": round(answer.normalized_tpm),
        "raw_ptus": format_decimal(answer.raw_ptus),
        "ptus": answer.needed,
        "bought_ptus": answer.bought,
        "utilization": {
            "peak": format_decimal(answer.peak_utilization),
            "average": format_decimal(answer.average_utilization),
        },
        "throughput": {
            "input_tpm_per_ptu": row.input_tpm_per_ptu,
            "output_to_input_ratio": row.output_ratio,
            "minimum": answer.increments.minimum_deployable,
            "increment": answer.increments.increment,
            "max_calls_per_minute": None
            if answer.max_calls_per_minute is None
            else format_decimal(answer.max_calls_per_minute),
            "checked": row.checked.isoformat(),
            "source": row.source,
        },
        "prices": [_option(option) for option in answer.options],
        "pay_as_you_go": _pay_as_you_go(answer),
        "pay_as_you_go_missing": answer.missing_reason or None,
        "hours": {"month": int(HOURS_PER_MONTH), "year": HOURS_PER_YEAR},
        "digest": answer.digest,
        "warnings": list(answer.warnings),
        "assumptions": list(answer.assumptions),
    }


def _pay_as_you_go(answer: PtuSizing) -> Shape | None:
    if answer.quote is None or answer.per_call is None:
        return None
    row = answer.quote.rates.row
    return {
        "offer": answer.quote.offer.id,
        "call": format_dollars(answer.per_call),
        "hour_at_peak": format_dollars(answer.request.peak * 60 * answer.per_call),
        **_terms(answer.pay_as_you_go_cost(answer.request.average)),
        "since": str(row.since),
        "checked": row.checked.isoformat(),
        "sources": list(row.sources),
    }


def format_decimal(number: Fraction) -> str:
    """A number as a plain decimal string, rounded half even to four decimals.

    >>> format_decimal(Fraction(1300, 17)), format_decimal(Fraction(1, 2))
    ('76.4706', '0.5')
    """
    return format(Decimal(round(number * 10_000)).scaleb(-4).normalize(), "f")


def _option(option: CommitmentOption) -> Shape:
    commitment, calls, utilization = option.commitment, option.break_even, option.break_even_utilization
    return {
        "commitment": commitment.name,
        "label": commitment.label,
        "per_ptu": _terms(commitment.per_ptu_hour),
        **_terms(option.mix.provisioned),
        "break_even": None
        if calls is None or utilization is None
        else {"calls_per_minute": format_decimal(calls), "share_of_peak": format_decimal(utilization)},
        "with_spillover": _mix(option.mix),
        "cheapest": None if option.cheapest_mix is None else _mix(option.cheapest_mix),
        "checked": commitment.checked.isoformat(),
        "source": commitment.source,
    }


def _mix(mix: PtuMix) -> Shape:
    return {
        "ptus": mix.ptus,
        "spillover_share": format_decimal(mix.spillover_share),
        "provisioned": _terms(mix.provisioned),
        "spillover": _terms(mix.spillover),
        "total": _terms(mix.per_hour),
    }


def _terms(per_hour: Amount | None) -> dict[str, str | None]:
    if per_hour is None:
        return dict.fromkeys(TERM_HOURS)
    return {term: format_dollars(amount) for term, amount in amounts_by_term(per_hour).items()}


TERM_HOURS = {"hour": Fraction(1), "month": HOURS_PER_MONTH, "year": Fraction(HOURS_PER_YEAR)}
"""The hours of each term for which costs are given."""


def amounts_by_term(per_hour: Amount) -> dict[str, Amount]:
    """The amounts per hour, per month of 730 hours and per year of 8,760 hours."""
    return {term: per_hour * hours for term, hours in TERM_HOURS.items()}


def cheapest_option_text(answer: PtuSizing) -> str:
    """A sentence on the cheapest mix of PTUs and pay as you go for the load; empty without a pay-as-you-go price."""
    pay_as_you_go = answer.pay_as_you_go_cost(answer.request.average)
    mixes = [(option.cheapest_mix, option.commitment.label) for option in answer.options if option.cheapest_mix is not None]
    if pay_as_you_go is None or not mixes:
        return ""
    mix, label = min(mixes, key=lambda pair: cost_order(pair[0]))
    if not mix.ptus or mix.per_hour is None:
        return "Cheapest: pay as you go alone; no number of PTUs costs less."
    saved = 1 - Fraction(mix.per_hour) / Fraction(pay_as_you_go)
    return f"Cheapest: {mix.ptus:,} PTUs {label}, {format_percent(float(saved))} below pay as you go alone."
