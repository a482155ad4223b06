"""Recompute an amount with the mistakes that tools make when they price realtime usage.

Each mistake is an exact computation: a usage whose quantities are counted differently, other prices, or a factor. What a tool
says is explained by a mistake only if that gives its amount to the last digit that it writes.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from typing import NamedTuple

from voicebill.billing.bill import price_quantities
from voicebill.billing.money import Amount
from voicebill.billing.offers import Rates
from voicebill.billing.record import RecordKind

Quantities = Mapping[str, int]


class CostCause(NamedTuple):
    """Why two amounts differ: a stable code, and a text for people."""

    code: str
    text: str


class RatedUsage(NamedTuple):
    """The quantities of one record in one reading of its counts, with the rates that we price it at."""

    quantities: Quantities
    rates: Rates
    kind: RecordKind
    reasoning_tokens: int = 0


class UsageMistake(NamedTuple):
    """A mistake in the quantities of a record."""

    cause: CostCause
    recount: Callable[[RatedUsage], Quantities]


class OtherRates(NamedTuple):
    """Rates that a tool may have used for the usage of an offer instead of ours."""

    cause: CostCause
    offer_id: str
    rates: Rates


class Recomputation(NamedTuple):
    """An amount as a tool computes it with up to two mistakes."""

    causes: tuple[CostCause, ...]
    mistakes: tuple[UsageMistake, ...] = ()
    other_rates: tuple[OtherRates, ...] = ()
    factor: Fraction = Fraction(1)

    def quantities(self, usage: RatedUsage) -> Quantities:
        """The quantities of a record as the mistakes count them, one after the other."""
        for mistake in self.mistakes:
            usage = usage._replace(quantities=mistake.recount(usage))
        return usage.quantities

    def amount(self, usages: Iterable[RatedUsage]) -> Amount | None:
        """The amount of records in picodollars; None if a quantity has no price."""
        total: Amount = 0
        for usage in usages:
            rates = next((other.rates for other in self.other_rates if other.offer_id == usage.rates.offer.id), usage.rates)
            amount = _price(self.quantities(usage), rates)
            if amount is None:
                return None
            total += amount
        return total * self.factor if self.factor != 1 else total


def _price(quantities: Quantities, rates: Rates) -> Amount | None:
    increments = rates.row.increments
    if not increments:
        return price_quantities(quantities.items(), rates)
    return price_quantities(
        (
            (meter, -(-quantity // increments.get(meter, 1)) * increments.get(meter, 1))
            for meter, quantity in quantities.items()
        ),
        rates,
    )


def _move(usage: RatedUsage, moves: Mapping[str, str]) -> Quantities:
    """Count the quantities of some meters with other meters."""
    quantities: dict[str, int] = {}
    for meter, quantity in usage.quantities.items():
        target = moves.get(meter, meter)
        quantities[target] = quantities.get(target, 0) + quantity
    return quantities


def _moving(**moves: str) -> Callable[[RatedUsage], Quantities]:
    return lambda usage: _move(usage, moves)


def _uncached_meters(usage: RatedUsage) -> dict[str, str]:
    meters = usage.rates.meters
    return {name: uncached for name in usage.quantities if (uncached := meters[name].uncached_meter) is not None}


def _cached_as_uncached(usage: RatedUsage) -> Quantities:
    return _move(usage, _uncached_meters(usage))


def _cached_added(usage: RatedUsage) -> Quantities:
    quantities = dict(usage.quantities)
    for cached, uncached in _uncached_meters(usage).items():
        quantities[uncached] = quantities.get(uncached, 0) + usage.quantities[cached]
    return quantities


def _cached_left_out(usage: RatedUsage) -> Quantities:
    cached = _uncached_meters(usage)
    return {meter: quantity for meter, quantity in usage.quantities.items() if meter not in cached}


def _reasoning_twice(usage: RatedUsage) -> Quantities:
    if not usage.reasoning_tokens:
        return usage.quantities
    return {**usage.quantities, "text_out": usage.quantities.get("text_out", 0) + usage.reasoning_tokens}


def _only(direction: str) -> Callable[[RatedUsage], Quantities]:
    def recount(usage: RatedUsage) -> Quantities:
        meters = usage.rates.meters
        return {name: quantity for name, quantity in usage.quantities.items() if meters[name].direction == direction}

    return recount


def _without_transcription(usage: RatedUsage) -> Quantities:
    return {} if usage.kind == "transcription" else usage.quantities


AGREES = CostCause("agrees", "agrees within rounding")
WITHIN_RANGE = CostCause("within-range", "agrees: within the range that the log leaves open")
NO_PRICE = CostCause("no-price", "no price here")
USAGE_MISSING = CostCause("no-usage", "no usage in the log")
ZERO = CostCause("zero", "$0, and there is a price")
TRANSCRIPTION_LEFT_OUT = CostCause("transcription-left-out", "transcription left out")
UNCOUNTED = CostCause("uncounted-charges", "covers charges whose usage is not in the log")
NOT_EXPLAINED = CostCause("not-explained", "not explained")

USAGE_MISTAKES: tuple[UsageMistake, ...] = (
    UsageMistake(CostCause("cached-as-uncached", "cached tokens at the uncached rate"), _cached_as_uncached),
    UsageMistake(CostCause("cached-added", "cached tokens added to the input instead of taken out"), _cached_added),
    UsageMistake(CostCause("cached-left-out", "cached tokens left out"), _cached_left_out),
    UsageMistake(
        CostCause("cached-audio-as-text", "cached audio at the cached text rate"), _moving(audio_in_cached="text_in_cached")
    ),
    UsageMistake(
        CostCause("audio-as-text", "audio at text rates"),
        _moving(audio_in="text_in", audio_in_cached="text_in_cached", audio_out="text_out"),
    ),
    UsageMistake(
        CostCause("audio-input-as-text", "audio input at text rates"),
        _moving(audio_in="text_in", audio_in_cached="text_in_cached"),
    ),
    UsageMistake(CostCause("audio-output-as-text", "audio output at the text rate"), _moving(audio_out="text_out")),
    UsageMistake(CostCause("reasoning-twice", "reasoning billed twice"), _reasoning_twice),
    UsageMistake(
        CostCause("images-as-text", "images at the text rate"), _moving(image_in="text_in", image_in_cached="text_in_cached")
    ),
    UsageMistake(CostCause("output-only", "output only"), _only("out")),
    UsageMistake(CostCause("input-only", "input only"), _only("in")),
    UsageMistake(TRANSCRIPTION_LEFT_OUT, _without_transcription),
)

FACTORS: tuple[tuple[CostCause, Fraction], ...] = (
    (CostCause("factor-100", "100 times too much, as cents are taken for dollars"), Fraction(100)),
    (CostCause("factor-0.01", "a hundredth, as dollars are taken for cents"), Fraction(1, 100)),
    (CostCause("factor-1000", "1,000 times too much"), Fraction(1000)),
    (CostCause("factor-0.001", "a thousandth"), Fraction(1, 1000)),
)
FACTOR_CAUSES = frozenset(cause for cause, _ in FACTORS)


def single_mistakes(other_rates: Iterable[OtherRates]) -> Iterator[Recomputation]:
    """Every recomputation with one mistake."""
    for cause, factor in FACTORS:
        yield Recomputation((cause,), factor=factor)
    for mistake in USAGE_MISTAKES:
        yield Recomputation((mistake.cause,), (mistake,))
    for other in other_rates:
        yield Recomputation((other.cause,), other_rates=(other,))


def double_mistakes(other_rates: Iterable[OtherRates]) -> Iterator[Recomputation]:
    """Every recomputation with two mistakes: of quantities both, or of one with other rates."""
    for index, mistake in enumerate(USAGE_MISTAKES):
        for second in USAGE_MISTAKES[index + 1 :]:
            yield Recomputation((mistake.cause, second.cause), (mistake, second))
    for other in other_rates:
        for mistake in USAGE_MISTAKES:
            yield Recomputation((mistake.cause, other.cause), (mistake,), (other,))
