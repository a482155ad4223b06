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
class ImpliedCharges:
    """The charges without a quantity of a day, an account, a model and a meter, beside what was recorded of them.

    They are several if the bill has more fields than are compared, such as projects that the log does not have. `quantity` is
    what their money buys at our prices, `weight` the money, and `tolerance` by how much rounding changes the ratio.
    """

    charges: Sequence[PlacedCharge]
    quantity: Fraction
    weight: int
    recorded: int
    tolerance: Fraction

    @property
    def day(self) -> date | None:
        """Their day."""
        return self.charges[0].day

    @property
    def ratio(self) -> Fraction:
        """What the money buys at our price, over what was recorded."""
        return self.quantity / self.recorded

    @property
    def groups(self) -> tuple[GroupKey, ...]:
        """The groups whose charges may share a ratio with these, the smallest one first."""
        charge = self.charges[0]
        number = charge.model.number
        return (charge.account, number, charge.meter), (charge.account, number), (number, charge.meter), (number,), ()

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
    implied: dict[RecordedQuantityKey, list[PlacedCharge]] = defaultdict(list)
    rest = []
    for charge in charges:
        if charge.is_implied and charge.quantity and charge.dollars:
            implied[charge.day, charge.account, charge.model.number, charge.meter].append(charge)
        else:
            rest.append(charge)
    entries = [_implied(members, recorded.get(key, 0), money_step) for key, members in implied.items()]
    return [*rest, *_freed(entries)]


def _implied(charges: Sequence[PlacedCharge], recorded: int, money_step: Fraction) -> ImpliedCharges:
    quantity = sum((Fraction(charge.quantity) for charge in charges), start=Fraction(0))
    weight = abs(sum(charge.dollars or 0 for charge in charges))
    share = money_step * sum(charge.rows for charge in charges) / 2 / (weight or 1) + Fraction(1, 10**6)
    return ImpliedCharges(charges, quantity, weight, recorded, abs(share * quantity / (recorded or 1)))


def _is_of_meter(group: GroupKey) -> bool:
    """Whether the charges of a group are of one meter."""
    return bool(group) and isinstance(group[-1], str) and len(group) > 1


def _freed(entries: Sequence[ImpliedCharges]) -> Iterator[PlacedCharge]:
    """The charges with quantities; one of no common ratio has that of the nearest day before it, or after."""
    by_group: dict[GroupKey, list[ImpliedCharges]] = defaultdict(list)
    for entry in entries:
        for group in entry.groups if entry.recorded > 0 else ():
            by_group[group].append(entry)
    ratios = {group: _common_ratios(members) for group, members in by_group.items()}
    shared: dict[tuple[GroupKey, date | None], Counter[Fraction]] = defaultdict(Counter)
    for entry in entries:
        ratio = next((ratio for group in entry.groups for ratio in ratios.get(group, ()) if entry.has_ratio(ratio)), None)
        if ratio is not None:
            for group in entry.groups:
                shared[group, entry.day][ratio] += 1
    days: dict[GroupKey, dict[date | None, Fraction]] = defaultdict(dict)
    for (group, day), counts in shared.items():
        ratio, count = max(counts.items(), key=lambda item: (item[1], item[0] == 1))
        if count >= MIN_RATIO_METERS or _is_of_meter(group):
            days[group][day] = ratio
    for entry in entries:
        ratio = _price_ratio(entry, [days[group] for group in entry.groups])
        yield from (replace(charge, quantity=Fraction(charge.quantity) / ratio) for charge in entry.charges)


def _price_ratio(entry: ImpliedCharges, ratios: Sequence[Mapping[date | None, Fraction]]) -> Fraction:
    """The ratio of the bill's prices to ours, by the ratios of days in the groups that charges belong to.

    Where rounding explains the difference to the ratio of the day, it is their own: then the quantity is what was recorded.
    """
    day = entry.day
    if any(day in days and entry.has_ratio(days[day]) for days in ratios):
        return entry.ratio
    return next((_nearest(days, day) for days in ratios if days), Fraction(1))


def _common_ratios(entries: Sequence[ImpliedCharges]) -> list[Fraction]:
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


def _candidates(entries: Sequence[ImpliedCharges]) -> Iterable[Fraction]:
    """Our own price, the ratio of the sums, and the ratio that most days have, in four decimals."""
    exact = sum((entry.quantity for entry in entries), start=Fraction(0)) / sum(entry.recorded for entry in entries)
    counts: Counter[Fraction] = Counter()
    for entry in entries:
        counts[round(entry.ratio, 4)] += entry.weight
    candidates = (Fraction(1), round(exact, 4), exact, *(ratio for ratio, _ in counts.most_common(2)))
    return [ratio for ratio in candidates if ratio > 0]


def _is_common(members: Sequence[ImpliedCharges], total: int, ratio: Fraction) -> bool:
    if ratio == 1:
        return bool(members)
    is_exact = all(entry.tolerance <= EXACT_RATIO for entry in members)
    share = MIN_EXACT_SHARE if is_exact else MIN_ROUNDED_SHARE
    return len(members) >= MIN_RATIO_DAYS and sum(entry.weight for entry in members) >= share * total


def _nearest(ratios: Mapping[date | None, Fraction], day: date | None) -> Fraction:
    """The ratio of a day, else of the last one before it, else of the first one after it; 1 without any."""
    days = sorted(entry for entry in ratios if entry is not None)
    if day is None or not days:
        return Fraction(1)
    before = [entry for entry in days if entry <= day]
    return ratios[before[-1] if before else days[0]]
