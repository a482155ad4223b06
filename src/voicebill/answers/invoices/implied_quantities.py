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

MIN_RATIO_DAYS = 3
MIN_RATIO_METERS = 2
"""A ratio of so many meters on a day is that of others, too, which were not recorded on that day."""
MIN_EXACT_SHARE = Fraction(1, 4)
"""A ratio of prices holds for this share of the money of a meter, if the amounts are exact."""
MIN_ROUNDED_SHARE = Fraction(9, 10)
"""The same for rounded amounts, whose ratios may be equal by chance."""
EXACT_RATIO = Fraction(1, 10_000)
"""Ratios of amounts that are rounded by less than this share tell prices from quantities on each day."""
MAX_RATIOS = 3

GroupKey = tuple[int | str | None, ...]
"""What the charges of a group have in common: account, model and meter, or less."""
RecordedQuantityKey = tuple[date | None, str | None, int | str, str]
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
        """Whether rounding explains the difference to a ratio; never if nothing was recorded."""
        return self.recorded > 0 and abs(self.ratio - ratio) <= self.tolerance


def imply_quantities(
    charges: Sequence[PlacedCharge], recorded: Mapping[RecordedQuantityKey, int], money_step: Fraction
) -> list[PlacedCharge]:
    """The charges, those without a quantity with one that is freed from the ratio of the bill's prices to ours.

    A ratio is looked for in each meter of an account first, then in all accounts, all meters of a model, and all of the bill:
    a meter of few days says little alone.
    """
    entries, rest = [], []
    for charge in charges:
        quantity = recorded.get((charge.day, charge.account, charge.model.number, charge.meter), 0)
        if charge.is_implied and charge.quantity and charge.dollars:
            entries.append(ImpliedCharge(charge, quantity, _tolerance(charge, quantity, money_step)))
        else:
            rest.append(charge)
    return [*rest, *_freed(entries)]


def _tolerance(charge: PlacedCharge, quantity: int, money_step: Fraction) -> Fraction:
    share = money_step * charge.rows / 2 / abs(charge.dollars or 1) + Fraction(1, 10**6)
    return abs(share * Fraction(charge.quantity) / (quantity or 1))


def _groups(charge: PlacedCharge) -> tuple[GroupKey, ...]:
    """The groups whose charges may share a ratio with a charge, the smallest one first."""
    number = charge.model.number
    return (charge.account, number, charge.meter), (charge.account, number), (number, charge.meter), (number,), ()


def _is_of_meter(group: GroupKey) -> bool:
    """Whether the charges of a group are of one meter."""
    return bool(group) and isinstance(group[-1], str) and len(group) > 1


def _freed(entries: Sequence[ImpliedCharge]) -> Iterator[PlacedCharge]:
    """The charges with quantities; one of no common ratio has that of the nearest day before it, or after."""
    by_group: dict[GroupKey, list[ImpliedCharge]] = defaultdict(list)
    for entry in entries:
        for group in _groups(entry.charge) if entry.recorded > 0 else ():
            by_group[group].append(entry)
    ratios = {group: _common_ratios(members) for group, members in by_group.items()}
    shared: dict[tuple[GroupKey, date | None], Counter[Fraction]] = defaultdict(Counter)
    for entry in entries:
        groups = _groups(entry.charge)
        ratio = next((ratio for group in groups for ratio in ratios.get(group, ()) if entry.has_ratio(ratio)), None)
        if ratio is not None:
            for group in groups:
                shared[group, entry.charge.day][ratio] += 1
    days: dict[GroupKey, dict[date | None, Fraction]] = defaultdict(dict)
    for (group, day), counts in shared.items():
        ratio, count = max(counts.items(), key=lambda item: (item[1], item[0] == 1))
        if count >= MIN_RATIO_METERS or _is_of_meter(group):
            days[group][day] = ratio
    for entry in entries:
        yield _with_quantity(entry, [days[group] for group in _groups(entry.charge)])


def _with_quantity(entry: ImpliedCharge, ratios: Sequence[Mapping[date | None, Fraction]]) -> PlacedCharge:
    """A charge with its quantity, by the ratios of days in the groups that it belongs to."""
    day = entry.charge.day
    ratio = next((days[day] for days in ratios if day in days and entry.has_ratio(days[day])), None)
    if ratio is not None:
        return replace(entry.charge, quantity=entry.recorded)
    nearest = next((_nearest(days, day) for days in ratios if days), Fraction(1))
    return replace(entry.charge, quantity=Fraction(entry.charge.quantity) / nearest)


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
    is_exact = all(entry.tolerance <= EXACT_RATIO for entry in members)
    share = MIN_EXACT_SHARE if is_exact else MIN_ROUNDED_SHARE
    return len(members) >= min(MIN_RATIO_DAYS, 3) and sum(entry.weight for entry in members) >= share * total


def _nearest(ratios: Mapping[date | None, Fraction], day: date | None) -> Fraction:
    """The ratio of a day, else of the last one before it, else of the first one after it; 1 without any."""
    days = sorted(entry for entry in ratios if entry is not None)
    if day is None or not days:
        return Fraction(1)
    before = [entry for entry in days if entry <= day]
    return ratios[before[-1] if before else days[0]]
