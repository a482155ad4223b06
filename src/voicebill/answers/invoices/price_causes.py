"""Explain why a bill has other prices than the price book, from the ratios of what was charged to what it costs by our prices.

A ratio that is the same for all meters and days is a discount or an uplift; one that differs by meter is a price that
changed, in particular if the price book has that price in another of its rows. Where the bill shows its own list price, both
are told apart by it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

from voicebill.answers.invoices.causes import Cause, CauseName
from voicebill.answers.invoices.cells import CellKey, MeterCell, ReconciledCell
from voicebill.billing.money import Amount
from voicebill.billing.offers import Offer
from voicebill.billing.price_book import PriceBook

RATIO_DIGITS, COARSE_DIGITS = 4, 2
MIN_PRICED_METERS = 2
"""A ratio of fewer meters on a day is that of a meter's price."""
MAX_CANDIDATES = 3
"""So many of the most frequent ratios are tried."""
RATIO_TOLERANCE = Fraction(1, 5000)
"""Ratios that differ by less are equal: the money of a bill is rounded."""
MIN_EXPLAINED = Fraction(97, 100)
"""A cause that holds for all prices explains this share of the money that differs."""
EXACT_SHARE = Fraction(1, 10**9)
"""The money of exports is often computed with floating-point numbers."""


@dataclass(slots=True)
class PricedCell:
    """What a meter's billed quantity costs by our price (`expected`) and what was charged (`dollars`), in picodollars.

    `tolerance` is by how much rounding may change it. `factor` and `other_row` are of a price of another of our rows.
    """

    key: CellKey
    meter: str
    cell: MeterCell
    expected: Amount
    dollars: Amount
    tolerance: Fraction

    @property
    def differs(self) -> bool:
        """Whether rounding does not explain the difference."""
        return abs(Fraction(self.dollars - self.expected)) > self.tolerance + RATIO_TOLERANCE / 100 * abs(
            Fraction(self.expected)
        )

    @property
    def ratio(self) -> Fraction:
        """What was charged, over what our price is."""
        return Fraction(self.dollars) / Fraction(self.expected)

    def has_ratio(self, ratio: Fraction) -> bool:
        """Whether what was charged is so many times our price."""
        return abs(self.dollars - ratio * self.expected) <= self.tolerance + RATIO_TOLERANCE * abs(Fraction(self.expected))


@dataclass(frozen=True, slots=True)
class OtherPrice:
    """Another price of a meter in the price book, as a ratio to the one in effect."""

    ratio: Fraction
    since: str


def explain_prices(cells: Mapping[CellKey, ReconciledCell], prices: PriceBook, money_step: Fraction) -> None:
    """Name the causes of all differences in prices, in the cells."""
    groups: dict[tuple[str | None, int | str], list[tuple[CellKey, str, MeterCell]]] = defaultdict(list)
    for key, cell in cells.items():
        for name, meter in cell.meters.items():
            if meter.unpriced and meter.rate is None:
                meter.explain(Cause(("unpriced",), cell.model.label), meter.unexplained)
            elif meter.dollars is not None and meter.rate is not None:
                _explain_deployment(cell, meter)
                groups[key.account, key.model].append((key, name, meter))
    for entries in groups.values():
        _explain_group(entries, prices, money_step)


def _explain_deployment(cell: ReconciledCell, meter: MeterCell) -> None:
    """The difference between the price of the offer that the bill names and of the one that was recorded."""
    amount = meter.at_offer - meter.value(meter.billed)
    if not amount or meter.offer is None or meter.offer in cell.model.offers:
        return
    own = cell.model.offers[0]
    name: CauseName = "service-tier" if meter.offer.tier != own.tier else "deployment"
    terms = (_terms(own, name), _terms(meter.offer, name))
    meter.explain(Cause((name,), f"recorded as {terms[0]}, billed as {terms[1]}"), amount)


def _terms(offer: Offer, name: CauseName) -> str:
    if name == "service-tier":
        return offer.tier
    region = offer.regions[0] if offer.deployment == "regional" and len(offer.regions) == 1 else offer.zone
    return f"{offer.deployment} {region}".strip()


def _explain_group(entries: Sequence[tuple[CellKey, str, MeterCell]], prices: PriceBook, money_step: Fraction) -> None:
    """Explain the prices of a model in an account: list prices first, if the bill has them, then what was taken for them.

    The bill's list prices are no measure of prices of a contract.
    """
    with_list = [entry for entry in entries if entry[2].listed is not None and not _is_contracted(entry, prices)]
    listed = {id(entry) for entry in with_list}
    without_list = [entry for entry in entries if id(entry) not in listed]
    exact = [_priced(entry, _expected(entry[2]), entry[2].listed or 0, Fraction(0)) for entry in with_list]
    _explain_ratios(exact, prices, _list_names)
    _explain_ratios(
        [_priced(entry, entry[2].listed or 0, _charged(entry[2]), money_step) for entry in with_list], prices, _discount_names
    )
    _explain_ratios(
        [_priced(entry, _expected(entry[2]), _charged(entry[2]), money_step) for entry in without_list], prices, _any_names
    )
    _explain_rounding(entries, money_step)


def _is_contracted(entry: tuple[CellKey, str, MeterCell], prices: PriceBook) -> bool:
    """Whether our price is one of a contract, not the offer's own."""
    key, name, meter = entry
    if meter.offer is None or not (prices.contracted or prices.adjustments):
        return False
    day = key.day or date.max
    own, used = meter.offer.row_on(day), prices.price_row(meter.offer, day)
    return own is not None and used is not None and own.unit_prices.get(name) != used.unit_prices.get(name)


def _expected(meter: MeterCell) -> Amount:
    return meter.at_offer


def _charged(meter: MeterCell) -> Amount:
    return meter.dollars or 0


def _priced(entry: tuple[CellKey, str, MeterCell], expected: Amount, dollars: Amount, money_step: Fraction) -> PricedCell:
    key, name, meter = entry
    return PricedCell(key, name, meter, expected, dollars, _tolerance(meter, money_step, expected))


def _tolerance(meter: MeterCell, money_step: Fraction, amount: Amount) -> Fraction:
    return money_step * meter.rows / 2 + meter.rows + EXACT_SHARE * abs(Fraction(amount))


NameRatio = Callable[[Fraction, PriceBook, Offer | None, bool], tuple[CauseName, ...]]
"""Name what a ratio may be due to, by the prices, an offer, and whether it began on a later day."""


def _explain_ratios(cells: Sequence[PricedCell], prices: PriceBook, names: NameRatio) -> None:
    """Explain ratios: one for all meters; or prices of other rows; or both; or one for each meter."""
    priced = [cell for cell in cells if cell.expected]
    differing = [cell for cell in priced if cell.differs]
    if not differing:
        return
    others = {id(cell): _other_prices(cell, prices) for cell in differing}
    matches_rows = _holds_for_most(differing, lambda cell: _other_price(cell, others[id(cell)], Fraction(1)) is not None)
    common = _common_ratio(differing, {})
    affected = priced if _holds_for_most(priced, lambda cell: cell.has_ratio(common)) else differing
    is_of_all_meters = {cell.meter for cell in affected} == {cell.meter for cell in priced}
    is_common = is_of_all_meters and _holds_for_most(affected, lambda cell: cell.has_ratio(common))
    if is_common and (len({cell.meter for cell in affected}) > 1 or not matches_rows):
        _explain_common(priced, affected, common, prices, names, also=("price-change",) if matches_rows else ())
    elif matches_rows:
        _explain_rows(differing, others, Fraction(1))
    else:
        _explain_combined(priced, differing, others, prices, names)


def _holds_for_most(cells: Sequence[PricedCell], holds: Callable[[PricedCell], bool]) -> bool:
    return _explained(cells, holds) >= MIN_EXPLAINED * _explained(cells, lambda _: True)


def _explained(cells: Iterable[PricedCell], holds: Callable[[PricedCell], bool]) -> Fraction:
    return sum((abs(Fraction(cell.expected)) for cell in cells if holds(cell)), start=Fraction(0))


def _explain_common(
    cells: Sequence[PricedCell],
    affected: Sequence[PricedCell],
    ratio: Fraction,
    prices: PriceBook,
    names: NameRatio,
    *,
    also: tuple[CauseName, ...],
) -> None:
    since = _since(cells, affected)
    cause_names = tuple(dict.fromkeys((*names(ratio, prices, affected[0].cell.offer, since is not None), *also)))
    cause = Cause(cause_names, _ratio_text(ratio, since))
    for cell in affected:
        if cell.has_ratio(ratio):
            cell.cell.explain(cause, (ratio - 1) * cell.expected)


def _explain_rows(
    differing: Sequence[PricedCell], others: Mapping[int, Sequence[OtherPrice]], common: Fraction
) -> list[PricedCell]:
    """Explain cells by prices of other rows, after a common ratio; the cells that no row explains."""
    rest = []
    for cell in differing:
        other = _other_price(cell, others[id(cell)], common)
        if other is None:
            rest.append(cell)
            continue
        cause = Cause(("price-change",), f"billed at the price of the row since {other.since}")
        cell.cell.explain(cause, (other.ratio - 1) * cell.expected)
    return rest


def _explain_combined(
    cells: Sequence[PricedCell],
    differing: Sequence[PricedCell],
    others: Mapping[int, Sequence[OtherPrice]],
    prices: PriceBook,
    names: NameRatio,
) -> None:
    """Explain cells by a common ratio on top of prices of other rows; else by a ratio for each meter."""
    common = _common_ratio(differing, others)
    is_of_all_meters = {cell.meter for cell in differing} == {cell.meter for cell in cells}
    if common != 1 and is_of_all_meters and _holds_for_most(differing, lambda cell: _has_common(cell, common, others)):
        since = _since(cells, differing)
        cause = Cause(names(common, prices, differing[0].cell.offer, since is not None), _ratio_text(common, since))
        for cell in differing:
            other = None if cell.has_ratio(common) else _other_price(cell, others[id(cell)], common)
            factor = Fraction(1) if other is None else other.ratio
            if other is not None:
                text = f"billed at the price of the row since {other.since}"
                cell.cell.explain(Cause(("price-change",), text), (factor - 1) * cell.expected)
            if _has_common(cell, common, others):
                cell.cell.explain(cause, factor * (common - 1) * cell.expected)
        return
    _explain_days(cells, prices, names)


def _explain_days(cells: Sequence[PricedCell], prices: PriceBook, names: NameRatio) -> None:
    """Explain cells by the ratio that most meters share on a day, and the rest by a ratio for each meter."""
    ratios = _day_ratios(cells)
    for ratio in sorted(set(ratios.values())):
        affected = [cell for cell in cells if ratios[cell.key.day] == ratio]
        if ratio != 1:
            since = _since(cells, affected)
            cause = Cause(names(ratio, prices, affected[0].cell.offer, since is not None), _ratio_text(ratio, since))
            for cell in affected:
                cell.cell.explain(cause, (ratio - 1) * cell.expected)
    rest = [replace(cell, expected=ratios[cell.key.day] * cell.expected) for cell in cells]
    _explain_meters(rest, [cell for cell in rest if cell.differs])


def _day_ratios(cells: Sequence[PricedCell]) -> Mapping[date | None, Fraction]:
    """By day the ratio that more than half of its meters share, and at least two; else 1."""
    by_day: dict[date | None, list[PricedCell]] = defaultdict(list)
    for cell in cells:
        by_day[cell.key.day].append(cell)
    candidates = [Fraction(1), *_frequent_ratios([cell for cell in cells if cell.differs], {})]
    ratios = {}
    for day, entries in by_day.items():
        counts = {ratio: sum(cell.has_ratio(ratio) for cell in entries) for ratio in candidates}
        most = max(candidates, key=lambda ratio: counts[ratio])
        ratios[day] = most if counts[most] >= MIN_PRICED_METERS and 2 * counts[most] > len(entries) else Fraction(1)
    return ratios


def _explain_meters(cells: Sequence[PricedCell], differing: Sequence[PricedCell]) -> None:
    """Explain the cells of each meter whose ratio is the same on all its days: a price that this price book does not have.

    A common ratio of the other meters, and of the days before, was a discount or an uplift and is left to those.
    """
    by_meter: dict[str, list[PricedCell]] = defaultdict(list)
    for cell in differing:
        by_meter[cell.meter].append(cell)
    for name, entries in by_meter.items():
        ratio = _common_ratio(entries, {})
        if not all(cell.has_ratio(ratio) for cell in entries):
            continue
        since = _since([cell for cell in cells if cell.meter == name], entries)
        cause = Cause(("price-change",), f"{name} at {_ratio_text(ratio, since)}, which the price book does not have")
        for cell in entries:
            cell.cell.explain(cause, (ratio - 1) * cell.expected)


def _explain_rounding(entries: Iterable[tuple[CellKey, str, MeterCell]], money_step: Fraction) -> None:
    """What is left within the steps of the bill's money."""
    cause = Cause(("rounding",), "amounts are rounded")
    for _, _, meter in entries:
        rest = Fraction(_charged(meter)) - meter.at_offer - _price_parts(meter)
        if rest and abs(rest) <= _tolerance(meter, money_step, meter.at_offer):
            meter.explain(cause, rest)


PRICE_CAUSES = frozenset({"price-change", "negotiated-rate", "regional-uplift"})


def _price_parts(meter: MeterCell) -> Amount:
    return sum((amount for cause, amount in meter.parts if PRICE_CAUSES.intersection(cause.names)), start=0)


def _common_ratio(cells: Sequence[PricedCell], others: Mapping[int, Sequence[OtherPrice]]) -> Fraction:
    """The ratio that holds for most money: that of the sums, or of most cells, after prices of other rows if there are any."""
    dollars = sum((Fraction(cell.dollars) for cell in cells), start=Fraction(0))
    total = dollars / sum((Fraction(cell.expected) for cell in cells), start=Fraction(0))
    most = _frequent_ratios(cells, others)
    candidates = [round(total, COARSE_DIGITS), round(total, RATIO_DIGITS), *most, total]
    return max(candidates, key=lambda ratio: _explained(cells, lambda cell: _has_common(cell, ratio, others)))


def _frequent_ratios(cells: Sequence[PricedCell], others: Mapping[int, Sequence[OtherPrice]]) -> list[Fraction]:
    """The ratios of most money, rounded to percents, which discounts are given in, and more finely."""
    ratios = []
    for digits in (COARSE_DIGITS, RATIO_DIGITS):
        weights: dict[Fraction, Fraction] = defaultdict(Fraction)
        for cell in cells:
            for factor in (Fraction(1), *(other.ratio for other in others.get(id(cell), ()) if other.ratio)):
                weights[round(cell.ratio / factor, digits)] += abs(Fraction(cell.expected))
        ratios += sorted(weights, key=lambda ratio: (-weights[ratio], abs(ratio - 1)))[:MAX_CANDIDATES]
    return ratios


def _has_common(cell: PricedCell, common: Fraction, others: Mapping[int, Sequence[OtherPrice]]) -> bool:
    return cell.has_ratio(common) or _other_price(cell, others.get(id(cell), ()), common) is not None


def _other_prices(cell: PricedCell, prices: PriceBook) -> list[OtherPrice]:
    """The prices of a meter in the other rows of its offer."""
    offer = cell.cell.offer
    day = cell.key.day
    row = None if offer is None or day is None else prices.price_row(offer, day)
    price = None if row is None else row.unit_prices.get(cell.meter)
    if offer is None or not price:
        return []
    rows = (other for other in (*offer.rows, *prices.contracted.get(offer.id, ())) if cell.meter in other.unit_prices)
    ratios = ((Fraction(other.unit_prices[cell.meter]) / Fraction(price), str(other.since)) for other in rows)
    return [OtherPrice(ratio, since) for ratio, since in ratios if ratio != 1]


def _other_price(cell: PricedCell, others: Sequence[OtherPrice], common: Fraction) -> OtherPrice | None:
    return next((other for other in others if cell.has_ratio(other.ratio * common)), None)


def _since(cells: Sequence[PricedCell], differing: Sequence[PricedCell]) -> date | None:
    """The first day of a difference, if prices were as ours before it."""
    first = min((cell.key.day for cell in differing if cell.key.day), default=None)
    affected = {id(cell) for cell in differing}
    equal = [cell.key.day for cell in cells if cell.key.day and id(cell) not in affected]
    return first if first and equal and max(equal) < first else None


def _ratio_text(ratio: Fraction, since: date | None) -> str:
    percent = float(100 * (ratio - 1))
    text = f"{abs(percent):.4g}% {'above' if percent > 0 else 'below'} our price"
    return f"{text} since {since}" if since else text


def _surcharge_names(ratio: Fraction, prices: PriceBook, offer: Offer | None) -> tuple[CauseName, ...]:
    factors = _surcharge_factors(prices, offer)
    return ("regional-uplift",) if any(abs(ratio - factor) <= RATIO_TOLERANCE for factor in factors) else ()


def _surcharge_factors(prices: PriceBook, offer: Offer | None) -> Iterator[Fraction]:
    for surcharge in prices.surcharges:
        if surcharge.factor is not None and offer is not None and surcharge.provider == offer.provider:
            yield Fraction(surcharge.factor)


def _any_names(ratio: Fraction, prices: PriceBook, offer: Offer | None, is_later: bool) -> tuple[CauseName, ...]:  # noqa: FBT001
    if ratio < 1:
        return ("negotiated-rate", "price-change") if is_later else ("negotiated-rate",)
    return _surcharge_names(ratio, prices, offer) or ("regional-uplift", "price-change")


def _list_names(ratio: Fraction, prices: PriceBook, offer: Offer | None, is_later: bool) -> tuple[CauseName, ...]:  # noqa: ARG001, FBT001
    return _surcharge_names(ratio, prices, offer) or ("price-change",)


def _discount_names(ratio: Fraction, prices: PriceBook, offer: Offer | None, is_later: bool) -> tuple[CauseName, ...]:  # noqa: ARG001, FBT001
    if ratio < 1:
        return ("negotiated-rate",)
    return _surcharge_names(ratio, prices, offer) or ("regional-uplift", "negotiated-rate")
