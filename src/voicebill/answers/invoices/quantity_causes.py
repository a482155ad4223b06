"""Explain why a bill has other quantities than the log: cell by cell, by counts, and by requests where the bill has them."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from voicebill.answers.invoices.all_models import is_of_all_models
from voicebill.answers.invoices.causes import Cause, CauseName
from voicebill.answers.invoices.cells import BillDays, CellKey, MeterCell, ReconciledCell
from voicebill.answers.invoices.day_boundary import offset_text
from voicebill.answers.invoices.recorded_usage import EPOCH_DAY, SLOTS_PER_DAY, RepeatedSums
from voicebill.billing.meters import Meter
from voicebill.billing.money import Amount

MIN_SHIFT_SHARE = Fraction(1, 50)
"""Cached tokens on another meter are named from this share of the billed ones: less may be chance."""
MIN_SIGN_SHARE = Fraction(9, 10)
"""So much of the shifted tokens go the same way."""
MIN_DAYS_SHARE = Fraction(4, 5)
"""A log that counts otherwise does so on at least this share of the days."""
LIKELY_SPREAD, SPREAD_OF_ONE = 0.2, 1.5
"""What responses without usage cost is so near, as a share, to what as many usual ones cost: always, and if it is one only.

Responses of a call differ by more than their mean; of many, the sum differs less, by the square root of their number.
"""
MISSING_TEXTS: Mapping[CauseName, str] = {
    "sessions-missing": "more of every meter on the bill",
    "responses-without-usage": "as much as these responses usually have",
}
BY_REQUESTS = "more responses on the bill, and some in the log without usage, on the same days"
ONLY_SUMS = "the bill names no models"
MORE_OF_ALL_MODELS: tuple[CauseName, ...] = ("sessions-missing", "transcription", "other-models", "other-services", "tax")
LESS_OF_ALL_MODELS: tuple[CauseName, ...] = ("cached-as-uncached", "duplicates", "usage-not-billed", "credits")
CACHED_AS_UNCACHED = Cause(("cached-as-uncached",), "the log counts cached input as uncached")
UNCACHED_AS_CACHED = Cause(("cached-as-uncached",), "the bill counts as uncached what the log counts as cached")


@dataclass(frozen=True, slots=True)
class Steps:
    """The smallest steps of the bill's numbers: of quantities in a meter's units, of money in picodollars."""

    quantity: Fraction
    money: Fraction

    def quantity_tolerance(self, meter: MeterCell) -> Fraction:
        """By how much a quantity may be off because the rows of the bill are rounded."""
        if meter.is_implied:
            rate = Fraction(meter.rate.picodollars, meter.rate.per) if meter.rate and meter.rate.picodollars else Fraction(1)
            return max(self.money * meter.rows / 2 / rate, Fraction(meter.billed) / 10**6, Fraction(1, 2))
        return max(Fraction(1, 2), self.quantity * max(1, meter.rows) / 2 if self.quantity > 1 else Fraction(0))


@dataclass(frozen=True, slots=True)
class Coverage:
    """The first and the last day that were recorded, in UTC."""

    first: date | None
    last: date | None

    def lacks_part_of(self, day: date | None, offset: int) -> bool:
        """Whether a day of the bill has hours before or after what was recorded."""
        if day is None or offset == 0 or self.first is None or self.last is None:
            return False
        start = (day - EPOCH_DAY).days * SLOTS_PER_DAY - offset
        first = (self.first - EPOCH_DAY).days * SLOTS_PER_DAY
        end = ((self.last - EPOCH_DAY).days + 1) * SLOTS_PER_DAY
        return start < first or start + SLOTS_PER_DAY > end


@dataclass(frozen=True)
class QuantityQuestion:
    """What the causes are found in."""

    cells: Mapping[CellKey, ReconciledCell]
    days: BillDays
    coverage: Coverage
    steps: Steps
    meters: Mapping[str, Meter]
    sum_repeated: Callable[[], RepeatedSums]


def explain_quantities(question: QuantityQuestion) -> None:
    """Name the causes of all differences in quantities, in the cells."""
    rest = _Rest(question)
    rest.explain_day_boundary()
    rest.explain_repeated()
    rest.explain_cached()
    rest.explain_open_counts()
    rest.explain_missing()
    rest.explain_rounded()


class _Rest:
    """What is left of each difference while causes are taken off, in the meters' units."""

    def __init__(self, question: QuantityQuestion) -> None:
        self._question = question
        self._rest: dict[tuple[CellKey, str], Fraction] = {
            (key, name): Fraction(meter.difference)
            for key, cell in question.cells.items()
            for name, meter in cell.meters.items()
            if meter.rate is not None
        }

    def _cells(self) -> Iterator[tuple[CellKey, ReconciledCell, dict[str, Fraction]]]:
        """The cells with a difference, and what is left of it, by meter."""
        for key, cell in self._question.cells.items():
            rest = {name: self._rest[key, name] for name in cell.meters if (key, name) in self._rest}
            if any(abs(value) > self._tolerance(cell.meters[name]) for name, value in rest.items()):
                yield key, cell, rest

    def _tolerance(self, meter: MeterCell) -> Fraction:
        return self._question.steps.quantity_tolerance(meter)

    def _take(self, key: CellKey, cell: ReconciledCell, name: str, quantity: Fraction, cause: Cause) -> None:
        meter = cell.meters[name]
        self._rest[key, name] -= quantity
        meter.explain(cause, meter.value(quantity))

    def explain_day_boundary(self) -> None:
        """What is on other days because the bill's days begin at another hour, also where the log lacks those hours."""
        offset = self._question.days.offset
        if offset == 0:
            return
        cause = Cause(("day-boundary",), offset_text(offset))
        for cell in self._question.cells.values():
            for meter in cell.meters.values():
                meter.explain(cause, meter.value(meter.recorded) - meter.utc_amount)
        for key, cell, rest in list(self._cells()):
            if self._question.coverage.lacks_part_of(key.day, offset):
                for name, value in rest.items():
                    if value > 0:
                        self._take(key, cell, name, value, cause)

    def explain_repeated(self) -> None:
        """Responses that were recorded twice, where there is more in the log than on the bill."""
        if not any(sum(rest.values()) < 0 for _, _, rest in self._cells()):
            return
        repeated = self._repeated()
        cause = Cause(("duplicates",), "responses with the same usage at the same time, under other identifiers")
        entries = [
            (key, cell, {name: Fraction(repeated.get((key, name), 0)) for name in cell.meters if (key, name) in self._rest})
            for key, cell in self._question.cells.items()
        ]
        entries = [entry for entry in entries if any(entry[2].values())]
        are_all = self._fit_more(entries)
        for key, cell, quantities in entries:
            if are_all or _is_smaller({name: self._rest[key, name] for name in quantities}, quantities):
                for name, quantity in quantities.items():
                    if quantity:
                        self._take(key, cell, name, -quantity, cause)

    def _fit_more(self, entries: Sequence[tuple[CellKey, ReconciledCell, Mapping[str, Fraction]]]) -> bool:
        """Whether the bill is equal to the log in more cells without what was recorded twice than with it.

        Then it has none of it, also where sessions are missing as well.
        """
        equal = equal_without = 0
        for key, cell, quantities in entries:
            tolerances = {name: self._tolerance(cell.meters[name]) for name in quantities}
            rest = {name: self._rest[key, name] for name in quantities}
            equal += all(abs(rest[name]) <= tolerance for name, tolerance in tolerances.items())
            equal_without += all(abs(rest[name] + quantities[name]) <= tolerance for name, tolerance in tolerances.items())
        return equal_without > equal

    def _repeated(self) -> Mapping[tuple[CellKey, str], int]:
        sums: dict[tuple[CellKey, str], int] = defaultdict(int)
        has_accounts = any(key.account is not None for key in self._question.cells)
        for (day, account, model, meter), quantity in self._question.sum_repeated().items():
            key = CellKey(self._question.days.key_day(day), account if has_accounts else None, model)
            sums[key, meter] += quantity
        return sums

    def explain_cached(self) -> None:
        """Cached tokens that one side counts as uncached: the sum of both meters is the same, but for missing responses."""
        shifts: dict[tuple[str | None, int | str, str], list[tuple[CellKey, ReconciledCell, Fraction]]] = defaultdict(list)
        exact: Counter[tuple[str | None, int | str, str]] = Counter()
        for key, cell, rest in list(self._cells()):
            for cached, uncached in self._cached_pairs(rest):
                if _is_exact_shift(rest, cached, uncached, self._tolerance(cell.meters[uncached])):
                    exact[key.account, key.model, cached] += 1
                    self._move(key, cell, cached, uncached, rest[cached])
                elif shift := _shift(cell, rest, cached, uncached):
                    shifts[key.account, key.model, cached].append((key, cell, shift))
        billed = self._billed_by_group() if shifts else {}
        for group, entries in shifts.items():
            if _is_systematic([shift for _, _, shift in entries], billed[group], exact[group]):
                for key, cell, shift in entries:
                    self._move(key, cell, group[-1], self._uncached(group[-1]), shift)

    def _cached_pairs(self, rest: Mapping[str, Fraction]) -> Iterator[tuple[str, str]]:
        for name in rest:
            uncached = self._question.meters[name].uncached_meter if name in self._question.meters else None
            if uncached is not None and uncached in rest:
                yield name, uncached

    def _uncached(self, cached: str) -> str:
        uncached = self._question.meters[cached].uncached_meter
        assert uncached is not None
        return uncached

    def _billed_by_group(self) -> Mapping[tuple[str | None, int | str, str], list[Fraction]]:
        """By account, model and meter: the billed quantity of each cell."""
        billed: dict[tuple[str | None, int | str, str], list[Fraction]] = defaultdict(list)
        for key, cell in self._question.cells.items():
            for name, meter in cell.meters.items():
                billed[key.account, key.model, name].append(Fraction(meter.billed))
        return billed

    def _move(self, key: CellKey, cell: ReconciledCell, cached: str, uncached: str, shift: Fraction) -> None:
        cause = CACHED_AS_UNCACHED if shift > 0 else UNCACHED_AS_CACHED
        self._take(key, cell, cached, shift, cause)
        self._take(key, cell, uncached, -shift, cause)

    def explain_open_counts(self) -> None:
        """Counts that the log leaves open, as far as the bill is within the range."""
        cause = Cause(("open-counts",), "the bill says which of the possible counts it was")
        for key, cell, rest in list(self._cells()):
            for name, value in rest.items():
                width = cell.meters[name].recorded_high - cell.meters[name].recorded
                if width and value / width > 0:
                    self._take(key, cell, name, min(value, Fraction(width), key=abs), cause)

    def explain_missing(self) -> None:
        """What is on the bill and not in the log, and the reverse."""
        likely = self._likely_without_usage()
        for key, cell, rest in list(self._cells()):
            sign = self._sign_of_responses(cell, rest)
            cause = _missing_cause(cell, key, likely) if sign > 0 else _surplus_cause(cell) if sign < 0 else None
            if cause is not None:
                for name, value in rest.items():
                    self._take(key, cell, name, value, cause)

    def _sign_of_responses(self, cell: ReconciledCell, rest: Mapping[str, Fraction]) -> int:
        """1 if the bill has more of all that responses have, -1 if it has less, 0 if it is neither."""
        differences = {name: value for name, value in rest.items() if abs(value) > self._tolerance(cell.meters[name])}
        signs = {1 if value > 0 else -1 for value in differences.values()}
        return signs.pop() if len(signs) == 1 and self._is_of_responses(cell, differences) else 0

    def _is_of_responses(self, cell: ReconciledCell, differences: Mapping[str, Fraction]) -> bool:
        """Whether differences may be those of responses, which have input and output, and not of one meter only."""
        directions = {
            self._question.meters[name].direction for name, meter in cell.meters.items() if meter.billed or meter.recorded
        }
        return directions <= {self._question.meters[name].direction for name in differences}

    def _likely_without_usage(self) -> Mapping[tuple[str | None, int | str], bool]:
        """By account and model: whether what is missing is about what the responses without usage would have.

        It is not where something is missing on days that have no such responses: then sessions are missing as well.
        """
        missing: dict[tuple[str | None, int | str], Amount] = defaultdict(int)
        usual: dict[tuple[str | None, int | str], Amount] = defaultdict(int)
        counts: dict[tuple[str | None, int | str], list[int]] = defaultdict(lambda: [0, 0])
        for key, cell in self._question.cells.items():
            group = (key.account, key.model)
            counts[group][0] += cell.records
            counts[group][1] += cell.without_usage
            for name, meter in cell.meters.items():
                missing[group] += meter.value(self._rest.get((key, name), Fraction(0)))
                usual[group] += meter.value(meter.recorded)
        has_other_days = {
            (key.account, key.model)
            for key, cell, rest in self._cells()
            if not cell.without_usage and self._sign_of_responses(cell, rest) > 0
        }
        return {
            group: group not in has_other_days
            and 0 < without < records
            and _is_likely(_ratio(missing[group], usual[group], records, without), without)
            for group, (records, without) in counts.items()
        }

    def explain_rounded(self) -> None:
        """Differences within what rounded quantities leave, or rounded amounts where the bill has no quantities."""
        steps = self._question.steps
        for (key, name), value in list(self._rest.items()):
            cell = self._question.cells[key]
            meter = cell.meters[name]
            is_rounded = steps.money > 0 if meter.is_implied else steps.quantity > 1
            if value and is_rounded and abs(value) <= self._tolerance(meter):
                text = "amounts are rounded" if meter.is_implied else "quantities are rounded"
                self._take(key, cell, name, value, Cause(("rounding",), text))


def _ratio(missing: Amount, usual: Amount, records: int, without: int) -> Fraction:
    """How many times the cost of as many usual responses is missing."""
    return Fraction(missing) * (records - without) / (Fraction(usual) * without) if usual else Fraction(0)


def _is_likely(ratio: Fraction, without: int) -> bool:
    """Whether what is missing may be so many responses; `ratio` is to what as many usual ones cost."""
    return abs(float(ratio) - 1) <= LIKELY_SPREAD + SPREAD_OF_ONE / math.sqrt(without)


def _is_smaller(rest: Mapping[str, Fraction], quantities: Mapping[str, Fraction]) -> bool:
    """Whether differences get smaller when repeated quantities are taken off the recorded ones."""
    after = sum(abs(value + quantities[name]) for name, value in rest.items())
    return after < sum(abs(value) for value in rest.values())


def _is_exact_shift(rest: Mapping[str, Fraction], cached: str, uncached: str, tolerance: Fraction) -> bool:
    """Whether a cached meter has exactly as much more as its uncached meter has less, and nothing was put out besides."""
    return abs(rest[cached]) > tolerance and abs(rest[cached] + rest[uncached]) <= 2 * tolerance


def _is_systematic(shifts: Sequence[Fraction], billed: Sequence[Fraction], exact: int) -> bool:
    """Whether shifts are on almost all days, go the same way and are more than chance; `exact` counts days of exact ones."""
    size = sum((abs(shift) for shift in shifts), start=Fraction(0))
    is_everywhere = len(shifts) + exact >= MIN_DAYS_SHARE * sum(1 for quantity in billed if quantity)
    least = MIN_SHIFT_SHARE * sum(billed, start=Fraction(0)) * len(shifts) / len(billed)
    total = sum(shifts, start=Fraction(0))
    return is_everywhere and size >= least and abs(total) >= MIN_SIGN_SHARE * size


def _shift(cell: ReconciledCell, rest: Mapping[str, Fraction], cached: str, uncached: str) -> Fraction:
    """How many tokens one side counts as cached and the other does not, where responses are missing as well.

    The input of those is taken to be cached to the same share as that of the day.
    """
    billed = (Fraction(cell.meters[cached].billed), Fraction(cell.meters[uncached].billed))
    missing = rest[cached] + rest[uncached]
    return rest[cached] - missing * billed[0] / sum(billed) if sum(billed) else Fraction(0)


def _missing_cause(cell: ReconciledCell, key: CellKey, likely: Mapping[tuple[str | None, int | str], bool]) -> Cause | None:
    """Why there is more on the bill; None if the requests say that nothing is missing."""
    if is_of_all_models(cell.model):
        without: tuple[CauseName, ...] = ("responses-without-usage",) if cell.without_usage else ()
        return Cause((*without, *MORE_OF_ALL_MODELS), ONLY_SUMS)
    if cell.billed_requests is not None:
        names: list[CauseName] = ["sessions-missing"] if cell.billed_requests > cell.records else []
        names += ["responses-without-usage"] if cell.without_usage else []
        return Cause(tuple(names), BY_REQUESTS if len(names) > 1 else MISSING_TEXTS[names[0]]) if names else None
    if not cell.without_usage:
        return Cause(("sessions-missing",), MISSING_TEXTS["sessions-missing"])
    if likely.get((key.account, key.model)):
        return Cause(("responses-without-usage",), MISSING_TEXTS["responses-without-usage"])
    return Cause(("sessions-missing", "responses-without-usage"), "the bill has no number of responses that would tell")


def _surplus_cause(cell: ReconciledCell) -> Cause:
    """Why there is more in the log."""
    if is_of_all_models(cell.model):
        return Cause(LESS_OF_ALL_MODELS, ONLY_SUMS)
    if all(not meter.billed for meter in cell.meters.values()):
        return Cause(("usage-not-billed",), "nothing of it on the bill")
    return Cause(("duplicates", "usage-not-billed"), "less of every meter on the bill")
