"""Compare a bill that has only sums, such as OpenAI's costs without line items, with the cost of all models of its provider.

That cost is a meter of its own, for all models together: it is counted in picodollars at our prices, and each costs one.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from fractions import Fraction

from voicebill.answers.invoices.billed_models import BilledModel
from voicebill.answers.invoices.recorded_usage import RecordedQuantity, RecordedUsage, RepeatedSums
from voicebill.billing.meters import Meter
from voicebill.billing.money import PICODOLLARS_PER_DOLLAR
from voicebill.billing.offers import Offer, Rate
from voicebill.billing.recent_texts import cache_while_reading

COST_METER = Meter("cost", "cost", "call", PICODOLLARS_PER_DOLLAR, "", "session", "")
COST_RATE = Rate(COST_METER, 1, 1)


@cache_while_reading(256)
def all_models_offer(provider: str) -> Offer:
    """What stands for all offers of a provider."""
    return Offer(provider, "all models", None, "realtime", "global", ())


@cache_while_reading(256)
def all_models_of(provider: str) -> BilledModel:
    """What stands for all models of a provider."""
    name = f"{provider}/all models"
    return BilledModel(name, name, provider, (all_models_offer(provider),), ("all models",))


def is_of_all_models(model: BilledModel) -> bool:
    """Whether it stands for all models of its provider."""
    return model == all_models_of(model.provider)


def sum_models(rows: Iterable[RecordedQuantity]) -> Iterator[RecordedQuantity]:
    """Recorded usage with its cost as the only meter, in whole picodollars; usage without a price is left out."""
    for row in rows:
        model = all_models_of(row.model.provider)
        if not row.meter:
            yield replace(row, model=model, offer=None)
        elif row.amount is not None:
            low = round(row.amount)
            high = round(Fraction(row.amount) * row.high / row.low) if row.low else low
            yield replace(
                row, model=model, offer=all_models_offer(model.provider), meter=COST_METER.name, low=low, high=high, amount=low
            )


def sum_repeated_models(repeated: RepeatedSums, recorded: RecordedUsage) -> RepeatedSums:
    """What was recorded twice, in picodollars of all models; `recorded` is by model."""
    sums: dict[tuple[date, str | None, int | str, str], int] = {}
    for (day, account, number, meter), quantity in repeated.items():
        model = recorded.models.get(number)
        rate = recorded.rate(model, meter, day) if model else None
        if model and rate:
            key = (day, account, all_models_of(model.provider).number, COST_METER.name)
            sums[key] = sums.get(key, 0) + round(rate.amount(quantity))
    return sums
