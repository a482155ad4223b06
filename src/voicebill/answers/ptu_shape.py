"""The shape of a sizing of provisioned throughput: the same in Python, `--json` and HTTP.

Dollars, units before rounding and shares are decimal strings, tokens a minute whole numbers.
"""

from decimal import Decimal
from fractions import Fraction

from voicebill.answers.ptu import HOURS_PER_MONTH, HOURS_PER_YEAR, Choice, Held, Ptu
from voicebill.answers.shape import Shape
from voicebill.billing.money import Amount, dollars


def ptu_shape(answer: Ptu) -> Shape:
    """Units, their prices by commitment with the use from which they pay, the same load pay as you go, and what it rests on."""
    asked, row = answer.asked, answer.throughput
    return {
        "model": row.model,
        "deployment": asked.deployment,
        "region": asked.region,
        "day": asked.day.isoformat(),
        "currency": "USD",
        "load": {
            "calls_per_minute": plain(asked.peak),
            "average_calls_per_minute": plain(asked.average),
            "prompt_tokens": plain(Fraction(asked.prompt_tokens)),
            "response_tokens": plain(Fraction(asked.response_tokens)),
            "cache_rate": plain(Fraction(asked.cache_rate)),
            "profile": [plain(each) for each in asked.hours] if asked.profile else None,
        },
        "input_tpm": round(asked.peak * Fraction(asked.prompt_tokens)),
        "output_tpm": round(asked.peak * Fraction(asked.response_tokens)),
        "normalized_tpm": round(answer.normalized_tpm),
        "raw_ptus": plain(answer.raw),
        "ptus": answer.needed,
        "bought_ptus": answer.bought,
        "utilization": {"at_peak": plain(answer.at_peak), "average": plain(answer.on_average)},
        "serves": {
            "input_tpm_per_ptu": row.input_tpm_per_ptu,
            "output_to_input_ratio": row.output_ratio,
            "minimum": answer.steps.fewest,
            "increment": answer.steps.increment,
            "calls_per_minute": None if answer.served is None else plain(answer.served),
            "checked": row.checked.isoformat(),
            "source": row.source,
        },
        "prices": [_choice(choice, answer) for choice in answer.choices],
        "pay_as_you_go": _as_you_go(answer),
        "pay_as_you_go_missing": answer.missing or None,
        "hours": {"month": int(HOURS_PER_MONTH), "year": HOURS_PER_YEAR},
        "digest": answer.digest,
        "warnings": list(answer.warnings),
        "assumptions": list(answer.assumptions),
    }


def _as_you_go(answer: Ptu) -> Shape | None:
    if answer.found is None or answer.per_call is None:
        return None
    row = answer.found.rates.row
    return {
        "offer": answer.found.offer.id,
        "call": dollars(answer.per_call),
        "hour_at_peak": dollars(answer.asked.peak * 60 * answer.per_call),
        **_terms(answer.as_you_go(answer.asked.average)),
        "since": str(row.since),
        "checked": row.checked.isoformat(),
        "sources": list(row.sources),
    }


def plain(number: Fraction) -> str:
    """A number as a plain decimal string, rounded half even to four decimals.

    >>> plain(Fraction(1300, 17)), plain(Fraction(1, 2))
    ('76.4706', '0.5')
    """
    return format(Decimal(round(number * 10_000)).scaleb(-4).normalize(), "f")


def _choice(choice: Choice, answer: Ptu) -> Shape:
    bought, calls = choice.commitment, choice.break_even
    return {
        "commitment": bought.name,
        "label": bought.label,
        "per_ptu": _terms(bought.per_ptu_hour),
        **_terms(choice.held.provisioned),
        "break_even": None
        if calls is None
        else {"calls_per_minute": plain(calls), "share_of_peak": plain(calls / answer.asked.peak)},
        "with_spill": _held(choice.held),
        "cheapest": None if choice.cheapest is None else _held(choice.cheapest),
        "checked": bought.checked.isoformat(),
        "source": bought.source,
    }


def _held(held: Held) -> Shape:
    return {
        "ptus": held.ptus,
        "spilled_share": plain(held.spilled_share),
        "provisioned": _terms(held.provisioned),
        "spilled": _terms(held.spilled),
        "total": _terms(held.per_hour),
    }


def _terms(per_hour: Amount | None) -> dict[str, str | None]:
    """An average hour, a month of 730 and a year of 8,760 of them."""
    hours = {"hour": Fraction(1), "month": HOURS_PER_MONTH, "year": Fraction(HOURS_PER_YEAR)}
    return {name: None if per_hour is None else dollars(per_hour * count) for name, count in hours.items()}
