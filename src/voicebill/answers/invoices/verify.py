"""Compare what other tools say that recorded calls cost with what they cost, and sum the differences by their cause.

A cause is found by recomputation: the one mistake with which our prices give the tool's amount to the last digit that the tool
writes. If several do, they are named together; if none does, all amounts of the tool and model are tested for a constant ratio,
and then for two mistakes at once.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from typing import ClassVar

from voicebill.answers.answer import Answer
from voicebill.answers.invoices.cost_mistakes import (
    AGREES,
    FACTOR_CAUSES,
    NO_PRICE,
    NOT_EXPLAINED,
    TRANSCRIPTION_LEFT_OUT,
    UNCOUNTED,
    USAGE_MISSING,
    WITHIN_RANGE,
    ZERO,
    CostCause,
    OtherRates,
    RatedUsage,
    Recomputation,
    double_mistakes,
    single_mistakes,
)
from voicebill.answers.invoices.other_rates import other_rates_on
from voicebill.answers.recorded.filters import fields_of
from voicebill.answers.recorded.price_table import PriceTable, build_price_table
from voicebill.answers.recorded.python_engine import PythonEngine, RecordAmount, deduplicate
from voicebill.answers.recorded.query import CostQuery
from voicebill.billing.errors import InvalidInput
from voicebill.billing.money import PICODOLLARS_PER_DOLLAR, Amount
from voicebill.billing.offers import Rates
from voicebill.billing.price_book import PriceBook, Quote
from voicebill.billing.record import Record, ReportedCost
from voicebill.conversation.work import check_work

MAX_DIGITS = 12
MIN_DIGITS = 4
MIN_AMOUNTS_FOR_DIGITS = 5
"""Fewer amounts do not show how many decimals a tool writes: it is taken to write at least four."""
RELATIVE_ROUNDING = 10**12
"""Sums of binary numbers are exact to one in so many."""
MIN_EVIDENCE = 20
"""A mistake must change an amount by at least so many times the rounding: a smaller change may be met by chance."""
MIN_RECORDS_OF_RATIO = 3
MAX_DOUBLE_SEARCHES = 300
"""Amounts of a tool and model for which all pairs of mistakes are tried; for the rest, those that were right before."""
MAX_EXAMPLES = 3
LARGEST_DIFFERENCES = 3
MAX_READINGS = 8

FORMATS_WITH_COST = ("litellm", "langfuse", "langsmith", "otel", "datadog", "vapi", "retell")
"""The log formats in which tools write what a call cost."""

Causes = tuple[tuple[CostCause, ...], ...]
"""The explanations of a difference, any of which may be right: each is a cause, or two at once."""


def causes_text(causes: Causes) -> str:
    """Explanations for people: those that are all possible are joined with "or"."""
    return "; or ".join(" and ".join(cause.text for cause in group) for group in causes)


@dataclass(frozen=True, slots=True)
class ComparedCost:
    """An amount of a tool beside ours, in picodollars, for one record or for several that the amount covers.

    `low` and `high` are None without a price. `causes` are empty until the difference is explained.
    """

    records: tuple[Record, ...]
    tool: str
    model: str
    reported: int
    low: Amount | None
    high: Amount | None
    causes: Causes = ()

    @property
    def ours(self) -> Amount | None:
        """Our amount: of a range, the amount in it that is nearest to the tool's."""
        if self.low is None or self.high is None:
            return None
        return min(max(self.reported, self.low), self.high)

    @property
    def difference(self) -> Amount:
        """What the tool says beyond our amount; all of it without a price."""
        return self.reported - (self.ours or 0)

    @property
    def size_of_difference(self) -> Fraction:
        """The difference without its sign."""
        return abs(Fraction(self.difference))

    @property
    def text(self) -> str:
        """The explanation for people."""
        return causes_text(self.causes)

    @property
    def place(self) -> str:
        """Where it was read: a file and a line."""
        record = self.records[0]
        return f"{record.source}:{record.line_number}"


@dataclass(frozen=True, slots=True)
class CauseTotal:
    """The sums of the amounts with the same explanation."""

    causes: Causes
    amounts: int
    records: int
    calls: int
    ours: Amount
    reported: int
    examples: tuple[str, ...]

    @property
    def difference(self) -> Amount:
        """What the tools say beyond ours."""
        return self.reported - self.ours

    @property
    def text(self) -> str:
        """The explanation for people."""
        return causes_text(self.causes)


@dataclass(frozen=True, slots=True)
class ToolTotal:
    """The sums of a tool's amounts, and how many decimals it writes."""

    tool: str
    amounts: int
    ours: Amount
    reported: int
    digits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification(Answer):
    """What other tools say that calls cost, beside what they cost."""

    REPORT: ClassVar[str] = "verification:VerificationReport"

    query: CostQuery
    tools: tuple[ToolTotal, ...]
    causes: tuple[CauseTotal, ...]
    """By explanation, the largest difference first; what agrees comes last."""
    largest: tuple[ComparedCost, ...]
    """The largest differences of single amounts."""
    records_without_cost: int
    """Matching records that no amount covers: they are in no sum."""
    range_amounts: int
    """Amounts beside which ours is a range."""
    cut_amounts: int = 0
    """Amounts that also cover records which the filter leaves out: they are in no sum."""
    warnings: tuple[str, ...] = ()

    @property
    def amounts(self) -> int:
        """The number of amounts that are compared."""
        return sum(cause.amounts for cause in self.causes)

    @property
    def ours(self) -> Amount:
        """The sum of ours, without those that have no price."""
        return sum((cause.ours for cause in self.causes), 0)

    @property
    def reported(self) -> int:
        """The sum of the tools' amounts."""
        return sum(cause.reported for cause in self.causes)

    @property
    def difference(self) -> Amount:
        """What the tools say beyond ours: the sum of the differences by cause."""
        return self.reported - self.ours

    @property
    def ratio(self) -> Fraction | None:
        """The difference in relation to ours; None if ours is nothing."""
        return Fraction(self.difference) / Fraction(self.ours) if self.ours else None

    def exceeds(self, tolerance: Fraction) -> bool:
        """Whether the totals differ by more than a share of ours."""
        return abs(Fraction(self.difference)) > tolerance * self.ours


def verify(
    records: Iterable[Record], query: CostQuery, prices: PriceBook, *, tools: Mapping[str, str] | None = None
) -> Verification:
    """Compare the amounts that records carry from other tools with what the records cost.

    `tools` names the tool of each source, as `ReadReport.sources` does after the records are read. Of records with the same
    key one counts, and has the amount that any of them carries.

    Raises:
        InvalidInput: no record carries an amount, or none that matches the query; or the query selects parts of records.
    """
    if "meter" in fields_of(query.where):
        raise InvalidInput("compares whole records: it cannot select by meter", field="where")
    notes: dict[str, tuple[ReportedCost, str]] = {}
    unique_records = deduplicate(_noting_costs(records, notes))
    if not notes:
        raise InvalidInput(
            f"no record has the amount of another tool; logs of these formats may have some: {', '.join(FORMATS_WITH_COST)}"
        )
    counted_query = PythonEngine(unique_records.values()).count(query)
    price_table = build_price_table(counted_query.overview().names, prices)
    amounts = counted_query.record_amounts(price_table)
    compared, cut = _compared_costs(amounts, notes, unique_records, price_table, tools or {})
    if not compared:
        raise InvalidInput("no record with the amount of another tool matches", field="where")
    explained = _Explainer(compared, amounts, price_table, prices).explained()
    covered = {record.key for cost in explained for record in cost.records}
    return Verification(
        query=query,
        tools=tuple(_tool_totals(explained)),
        causes=tuple(_cause_totals(explained)),
        largest=tuple(sorted(explained, key=lambda cost: -cost.size_of_difference)[:LARGEST_DIFFERENCES]),
        records_without_cost=sum(key not in covered for key in amounts),
        range_amounts=sum(cost.low != cost.high for cost in explained),
        cut_amounts=cut,
    )


def _noting_costs(records: Iterable[Record], notes: dict[str, tuple[ReportedCost, str]]) -> Iterator[Record]:
    """Yield records, and note the amounts that they carry by key, with the source."""
    for record in records:
        if record.reported_cost is not None:
            notes[record.key] = record.reported_cost, record.source
        yield record


def _compared_costs(
    amounts: Mapping[str, RecordAmount],
    notes: Mapping[str, tuple[ReportedCost, str]],
    records: Mapping[str, Record],
    price_table: PriceTable,
    tools: Mapping[str, str],
) -> tuple[list[ComparedCost], int]:
    """The amounts of tools beside ours, and the number of those that the query cuts."""
    compared: list[ComparedCost] = []
    cut = 0
    for key, (reported, source) in notes.items():
        keys = [key, *(name for name in reported.covers if name in records)]
        parts = [amounts[name] for name in keys if name in amounts]
        if not parts:
            continue
        if len(parts) < len(keys):
            cut += 1
            continue
        is_unpriced = any(part.is_unpriced for part in parts)
        first = replace(parts[0].record, reported_cost=reported)
        compared.append(
            ComparedCost(
                (first, *(part.record for part in parts[1:])),
                tools.get(source, source),
                first.model or "",
                reported.amount,
                None if is_unpriced else price_table.amount(sum(part.low for part in parts)),
                None if is_unpriced else price_table.amount(sum(part.high for part in parts)),
            )
        )
    return compared, cut


def decimals_of_tool(amounts: Sequence[int]) -> int:
    """How many decimals of a dollar a tool writes: the most that any of its amounts has, in picodollars.

    >>> decimals_of_tool([12_300_000_000, 500_000_000_000])
    4
    >>> decimals_of_tool([12_345_000_000])
    6
    """
    digits = max((MAX_DIGITS - _trailing_zeros(amount) for amount in amounts if amount), default=MAX_DIGITS)
    return digits if len(amounts) >= MIN_AMOUNTS_FOR_DIGITS else max(digits, MIN_DIGITS)


def _trailing_zeros(amount: int) -> int:
    text = str(amount)
    return min(len(text) - len(text.rstrip("0")), MAX_DIGITS)


@dataclass(slots=True)
class _Group:
    """The amounts of a tool for a model: the searches for two mistakes, and the pairs that explained some of them."""

    searches: int = 0
    pairs: dict[tuple[CostCause, ...], None] = field(default_factory=dict)


class _Explainer:
    """Explain the amounts of tools one by one, and those that remain by tool and model."""

    def __init__(
        self, costs: Sequence[ComparedCost], amounts: Mapping[str, RecordAmount], price_table: PriceTable, prices: PriceBook
    ) -> None:
        self._costs = costs
        self._amounts = amounts
        self._price_table = price_table
        self._prices = prices
        by_tool: dict[str, list[int]] = {}
        for cost in costs:
            by_tool.setdefault(cost.tool, []).append(cost.reported)
        self._tolerances: dict[str, int] = {
            tool: max(1, PICODOLLARS_PER_DOLLAR // 10 ** decimals_of_tool(reported) // 2) for tool, reported in by_tool.items()
        }
        self._groups: dict[tuple[str, str], _Group] = {}
        self._other_rates: dict[tuple[str, date, frozenset[str]], tuple[OtherRates, ...]] = {}
        self._voices = self._voice_rates()

    def explained(self) -> list[ComparedCost]:
        """All amounts with their causes."""
        costs = [replace(cost, causes=self._plain_causes(cost)) for cost in self._costs]
        ratios = self._constant_ratios([cost for cost in costs if not cost.causes])
        costs = [cost if cost.causes else replace(cost, causes=self._first_causes(cost, ratios)) for cost in costs]
        rest = self._constant_ratios([cost for cost in costs if not cost.causes])
        return [cost if cost.causes else replace(cost, causes=self._last_causes(cost, rest)) for cost in costs]

    def _plain_causes(self, cost: ComparedCost) -> Causes:
        """The causes that need no recomputation: agreement, nothing to compare with, or an amount of $0."""
        low, high = cost.low, cost.high
        if low is None or high is None:
            return ((NO_PRICE,),)
        if self._matches(cost, low) or self._matches(cost, high):
            return ((AGREES,),)
        if low < cost.reported < high:
            return ((WITHIN_RANGE,),)
        if all(record.status == "missing" for record in cost.records):
            return ((USAGE_MISSING,),)
        if cost.reported == 0:
            return ((TRANSCRIPTION_LEFT_OUT if cost.records[0].kind == "transcription" else ZERO,),)
        return ()

    def _matches(self, cost: ComparedCost, amount: Amount) -> bool:
        tolerance = max(self._tolerances[cost.tool], round(amount) // RELATIVE_ROUNDING)
        return -tolerance <= cost.reported - amount <= tolerance

    def _first_causes(self, cost: ComparedCost, ratios: Mapping[tuple[str, str], CostCause]) -> Causes:
        """The single mistakes that explain an amount, and a ratio that all amounts of the tool and model have as well."""
        causes = self._single_causes(cost)
        ratio = ratios.get((cost.tool, cost.model))
        is_factor = any(cause in FACTOR_CAUSES for group in causes for cause in group)
        return causes if ratio is None or is_factor else (*causes, (ratio,))

    def _single_causes(self, cost: ComparedCost) -> Causes:
        check_work()
        causes = self._matching(cost, single_mistakes(self._other_rates_of(cost))) if self._has_evidence(cost) else ()
        return causes or (((UNCOUNTED,),) if _covers_more(cost) else ())

    def _has_evidence(self, cost: ComparedCost) -> bool:
        return cost.size_of_difference >= MIN_EVIDENCE * self._tolerances[cost.tool]

    def _matching(self, cost: ComparedCost, recomputations: Iterable[Recomputation]) -> Causes:
        """The causes whose recomputation gives the tool's amount; of those that change the same quantities alike, the first."""
        readings = list(self._readings(cost))
        causes: dict[tuple[CostCause, ...], None] = {}
        seen: set[object] = set()
        for recomputation in recomputations:
            for usages in readings:
                amount = recomputation.amount(usages)
                if amount is None or not self._matches(cost, amount):
                    continue
                change = _change(recomputation, usages)
                if change is not None and change not in seen:
                    seen.add(change)
                    causes[recomputation.causes] = None
        return tuple(causes)

    def _readings(self, cost: ComparedCost) -> Iterator[Sequence[RatedUsage]]:
        """The usages of the records of an amount: one reading of each record, or every reading of one record."""
        first, *others = cost.records
        rates = [self._rates_of(record) for record in cost.records]
        reasoning = first.reported_cost.reasoning_tokens if first.reported_cost is not None else 0
        for usage in first.usage_candidates[:MAX_READINGS]:
            usages = [(usage, first, reasoning), *((record.usage, record, 0) for record in others)]
            yield [
                RatedUsage(part.quantities, part_rates, record.kind, tokens)
                for (part, record, tokens), part_rates in zip(usages, rates, strict=True)
                if part_rates is not None
            ]

    def _quote_of(self, record: Record) -> Quote | None:
        period = self._amounts[record.key].period
        return self._price_table.periods[period].quote if period >= 0 else None

    def _rates_of(self, record: Record) -> Rates | None:
        quote = self._quote_of(record)
        return quote.rates if quote is not None else None

    def _voice_rates(self) -> dict[tuple[str | None, str], Rates]:
        """The rates of the voice model of each session that has one."""
        voices: dict[tuple[str | None, str], Rates] = {}
        for amount in self._amounts.values():
            record = amount.record
            if record.kind == "response" and record.session is not None and (rates := self._rates_of(record)) is not None:
                voices.setdefault((record.tenant, record.session), rates)
        return voices

    def _other_rates_of(self, cost: ComparedCost) -> tuple[OtherRates, ...]:
        """The rates that the tool may have used for the first record of an amount, or for the transcriptions in it."""
        record = cost.records[0]
        quote = self._quote_of(record)
        if quote is None or record.day is None:
            return ()
        meters = frozenset(meter for usage in record.usage_candidates for meter in usage.quantities)
        key = quote.offer.id, record.day, meters
        if key not in self._other_rates:
            self._other_rates[key] = other_rates_on(record.day, quote, meters, self._prices)
        voices = tuple(self._voices_of_transcriptions(cost))
        names = {other.rates.offer.id for other in voices}
        return (*(other for other in self._other_rates[key] if other.rates.offer.id not in names), *voices)

    def _voices_of_transcriptions(self, cost: ComparedCost) -> Iterator[OtherRates]:
        for record in cost.records:
            rates = self._rates_of(record)
            voice = self._voices.get((record.tenant, record.session or ""))
            if record.kind == "transcription" and rates is not None and voice is not None and voice.offer != rates.offer:
                cause = CostCause("transcription-as-voice", f"transcription at the price of the voice model {voice.offer.name}")
                yield OtherRates(cause, rates.offer.id, voice)
                return

    def _constant_ratios(self, costs: Sequence[ComparedCost]) -> dict[tuple[str, str], CostCause]:
        """The ratio of the amounts to ours by tool and model, where it is constant."""
        groups: dict[tuple[str, str], list[ComparedCost]] = {}
        for cost in costs:
            groups.setdefault((cost.tool, cost.model), []).append(cost)
        ratios = ((key, self._constant_ratio(group)) for key, group in groups.items())
        return {key: cause for key, cause in ratios if cause is not None}

    def _constant_ratio(self, costs: Sequence[ComparedCost]) -> CostCause | None:
        if len(costs) < MIN_RECORDS_OF_RATIO or any(cost.low != cost.high or not cost.low for cost in costs):
            return None
        largest = max(costs, key=lambda cost: cost.low or 0)
        ratio = Fraction(largest.reported) / Fraction(largest.low or 1)
        tolerance = 2 * self._tolerances[largest.tool]
        if any(abs(cost.reported - ratio * Fraction(cost.low or 0)) > tolerance for cost in costs):
            return None
        if len({cost.low for cost in costs}) < MIN_RECORDS_OF_RATIO:
            return None
        return CostCause("constant-ratio", f"{float(ratio):.6g} times ours: a markup, a discount or another currency")

    def _last_causes(self, cost: ComparedCost, ratios: Mapping[tuple[str, str], CostCause]) -> Causes:
        ratio = ratios.get((cost.tool, cost.model))
        if ratio is not None:
            return ((ratio,),)
        return (self._double_causes(cost) if self._has_evidence(cost) else ()) or ((NOT_EXPLAINED,),)

    def _double_causes(self, cost: ComparedCost) -> Causes:
        check_work()
        group = self._groups.setdefault((cost.tool, cost.model), _Group())
        pairs: Iterable[Recomputation] = double_mistakes(self._other_rates_of(cost))
        group.searches += 1
        if group.searches > MAX_DOUBLE_SEARCHES:
            pairs = (pair for pair in pairs if pair.causes in group.pairs) if group.pairs else ()
        causes = self._matching(cost, pairs)
        group.pairs.update(dict.fromkeys(causes))
        return causes


def _covers_more(cost: ComparedCost) -> bool:
    reported = cost.records[0].reported_cost
    return reported is not None and reported.has_uncounted and cost.difference > 0


def _change(recomputation: Recomputation, usages: Sequence[RatedUsage]) -> object:
    """What a recomputation changes of usages, so that equal changes count once; None if one of its mistakes changes nothing."""
    before = [dict(usage.quantities) for usage in usages]
    for count in range(len(recomputation.mistakes)):
        partial = recomputation._replace(mistakes=recomputation.mistakes[: count + 1])
        after = [{meter: quantity for meter, quantity in partial.quantities(usage).items() if quantity} for usage in usages]
        if after == before:
            return None
        before = after
    quantities = tuple(tuple(sorted(changed.items())) for changed in before)
    return quantities, tuple(other.cause for other in recomputation.other_rates), recomputation.factor


def _tool_totals(costs: Sequence[ComparedCost]) -> Iterator[ToolTotal]:
    tools: dict[str, list[ComparedCost]] = {}
    for cost in costs:
        tools.setdefault(cost.tool, []).append(cost)
    for tool, entries in sorted(tools.items()):
        reported = [cost.reported for cost in entries]
        ours = sum((cost.ours or 0 for cost in entries), 0)
        yield ToolTotal(tool, len(entries), ours, sum(reported), decimals_of_tool(reported))


def _cause_totals(costs: Sequence[ComparedCost]) -> list[CauseTotal]:
    groups: dict[Causes, list[ComparedCost]] = {}
    for cost in costs:
        groups.setdefault(cost.causes, []).append(cost)
    totals = [_cause_total(causes, entries) for causes, entries in groups.items()]
    return sorted(totals, key=lambda total: (_is_agreement(total), -abs(Fraction(total.difference)), total.text))


def _is_agreement(total: CauseTotal) -> bool:
    return total.causes in (((AGREES,),), ((WITHIN_RANGE,),))


def _cause_total(causes: Causes, costs: Sequence[ComparedCost]) -> CauseTotal:
    records = [record for cost in costs for record in cost.records]
    sessions = {(record.tenant, record.session) for record in records if record.session is not None}
    examples = dict.fromkeys(cost.place for cost in sorted(costs, key=lambda cost: -cost.size_of_difference)[:MAX_EXAMPLES])
    return CauseTotal(
        causes,
        len(costs),
        len(records),
        len(sessions),
        sum((cost.ours or 0 for cost in costs), 0),
        sum(cost.reported for cost in costs),
        tuple(examples),
    )
