"""Tell quantities from prices where a bill has money only, such as OpenAI's costs.

What an amount buys at our prices is more or less than what was recorded, because of the quantity or because of the price. A
ratio that days share exactly is one of prices: missing usage leaves another gap on each day.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

from voicebill.answers.invoices.placed_charges import PlacedCharge

MIN_DAYS = 3
MIN_EXACT_SHARE = Fraction(1, 4)
"""A ratio of prices holds for this share of the money of a meter, if the amounts are exact."""
MIN_ROUNDED_SHARE = Fraction(9, 10)
"""The same for rounded amounts, whose ratios may be equal by chance."""
EXACT = Fraction(1, 10_000)
"""Ratios of amounts that are rounded by less than this share tell prices from quantities on each day."""
MAX_RATIOS = 3

QuantityKey = tuple[date | None, str | None, int | str, str]
"""A day of the bill, an account, a model and a meter."""


@dataclass(frozen=True, slots=True)
class ImpliedCharge:
    """A charge without a quantity beside the recorded quantity; `tolerance` is by how much rounding changes the ratio."""

    charge: PlacedCharge
    recorded: int
    tolerance: Fraction

    @property
    def ratio(self) -> Fraction:
        """What the money buys at our price, over what was recorded."""
        return Fraction(self.charge.quantity) / self.recorded

    @property
    def weight(self) -> int:
        """Its money."""
        return abs(self.charge.dollars or 0)

    def has_ratio(self, ratio: Fraction) -> bool:
        """Whether rounding explains the difference to a ratio."""
        return abs(self.ratio - ratio) <= self.tolerance


def imply_quantities(
    charges: Sequence[PlacedCharge], recorded: Mapping[QuantityKey, int], money_step: Fraction
) -> list[PlacedCharge]:
    """The charges, those without a quantity with one that is freed from the ratio of the bill's prices to ours."""
    by_meter: dict[tuple[str | None, int | str, str], list[ImpliedCharge]] = defaultdict(list)
    rest = []
    for charge in charges:
        quantity = recorded.get((charge.day, charge.account, charge.model.number, charge.meter), 0)
        if not charge.is_implied or not quantity or not charge.quantity or not charge.dollars:
            rest.append(charge)
            continue
        tolerance = (
            (money_step * charge.rows / 2 / abs(charge.dollars) + Fraction(1, 10**6)) * Fraction(charge.quantity) / quantity
        )
        by_meter[charge.account, charge.model.number, charge.meter].append(ImpliedCharge(charge, quantity, abs(tolerance)))
    return [*rest, *(charge for entries in by_meter.values() for charge in _freed(entries))]


def _freed(entries: Sequence[ImpliedCharge]) -> Iterator[PlacedCharge]:
    """The charges of a meter with quantities; a day of no common ratio has that of the nearest day before it, or after."""
    ratios = _common_ratios(entries)
    days = {entry.charge.day: ratio for entry in entries for ratio in ratios if entry.has_ratio(ratio)}
    for entry in entries:
        ratio = days.get(entry.charge.day) or _nearest(days, entry.charge.day)
        quantity = Fraction(entry.charge.quantity) / ratio
        yield replace(entry.charge, quantity=entry.recorded if entry.has_ratio(ratio) else quantity)


def _common_ratios(entries: Sequence[ImpliedCharge]) -> list[Fraction]:
    """The ratios that many days share, the one of most money first."""
    total = sum(entry.weight for entry in entries)
    ratios: list[Fraction] = []
    rest = list(entries)
    while rest and len(ratios) < MAX_RATIOS:
        ratio, members = max(
            ((ratio, [entry for entry in rest if entry.has_ratio(ratio)]) for ratio in _candidates(rest)),
            key=lambda candidate: (sum(entry.weight for entry in candidate[1]), candidate[0] == 1),
        )
        if not _is_common(members, total, ratio):
            break
        ratios.append(ratio)
        rest = [entry for entry in rest if not entry.has_ratio(ratio)]
    return ratios


def _candidates(entries: Sequence[ImpliedCharge]) -> Iterable[Fraction]:
    """Our own price, the ratio of the sums, and the ratio that most days have, in four decimals."""
    exact = Fraction(sum(Fraction(entry.charge.quantity) for entry in entries), sum(entry.recorded for entry in entries))
    counts: Counter[Fraction] = Counter()
    for entry in entries:
        counts[round(entry.ratio, 4)] += entry.weight
    return (Fraction(1), round(exact, 4), exact, *(ratio for ratio, _ in counts.most_common(2)))


def _is_common(members: Sequence[ImpliedCharge], total: int, ratio: Fraction) -> bool:
    if ratio == 1:
        return bool(members)
    is_exact = all(entry.tolerance <= EXACT for entry in members)
    share = MIN_EXACT_SHARE if is_exact else MIN_ROUNDED_SHARE
    return len(members) >= min(MIN_DAYS, 3) and sum(entry.weight for entry in members) >= share * total


def _nearest(ratios: Mapping[date | None, Fraction], day: date | None) -> Fraction:
    """The ratio of the last day before another one, or of the first one after it; 1 without any."""
    days = sorted(entry for entry in ratios if entry is not None)
    if day is None or not days:
        return Fraction(1)
    before = [entry for entry in days if entry < day]
    return ratios[before[-1] if before else days[0]]
