"""A month of calls, as a vendor counted them, with the log that somebody kept of them and the bill that the vendor wrote."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

from voicebill.answers.invoices.charge import Charge
from voicebill.answers.invoices.reconcile import reconcile
from voicebill.answers.invoices.reconciliation import Reconciliation
from voicebill.answers.invoices.repeated_usage import repeated_records
from voicebill.answers.invoices.request import ReconcileRequest
from voicebill.answers.recorded.python_engine import PythonEngine
from voicebill.answers.recorded.query import CostQuery
from voicebill.billing.price_book import PriceBook
from voicebill.billing.record import Record
from voicebill.billing.usage import Usage

FIRST_DAY = datetime(2026, 9, 1, tzinfo=UTC)
PICODOLLARS = 10**12
PROJECTS = ("helpdesk", "bookings")


@dataclass(frozen=True)
class Month:
    """The calls of a month at a vendor, in full."""

    records: tuple[Record, ...]
    provider: str
    days: int


def month(
    *,
    provider: str = "openai",
    model: str = "gpt-realtime-2025-08-28",
    deployment: str = "global",
    days: int = 30,
    calls: int = 12,
    seed: int = 1,
) -> Month:
    """So many calls a day of about eight responses, at any hour, of two projects."""
    chance = random.Random(seed)
    records: list[Record] = []
    for number in range(days * calls):
        day, call = divmod(number, calls)
        start = FIRST_DAY + timedelta(days=day, seconds=chance.randrange(86_400))
        project = PROJECTS[call % len(PROJECTS)]
        history = 0
        for turn in range(chance.randrange(4, 13)):
            cached = history // 128 * 128 if turn and chance.random() < 0.9 else 0
            listened, spoken, text = chance.randrange(20, 120), chance.randrange(60, 400), chance.randrange(20, 90)
            usage = Usage.tokens(
                text_in=620 if not cached else 40,
                text_in_cached=580 if cached else 0,
                audio_in=listened + history - cached,
                audio_in_cached=cached,
                text_out=text,
                audio_out=spoken,
            )
            history += listened + spoken
            records.append(
                Record(
                    key=f"resp_{number}_{turn}",
                    kind="response",
                    usage_candidates=(usage,),
                    source="calls.jsonl",
                    line_number=len(records) + 1,
                    provider=provider,
                    model=model,
                    deployment=deployment,
                    session=f"sess_{number}",
                    project=project,
                    time=start + timedelta(seconds=20 * turn),
                )
            )
    return Month(tuple(records), provider, days)


@dataclass(frozen=True)
class BillStyle:
    """What a vendor's export has.

    `by` of the prices: `factor` on the cost of a meter of an offer on a day, and `list_factor` on its list price. `offset` are
    half hours by which its days are ahead of UTC. `money` is the number of decimals of an amount.
    """

    has_requests: bool = False
    has_quantities: bool = True
    has_list_price: bool = False
    has_money: bool = True
    currency: str = "USD"
    per_dollar: Fraction = Fraction(1)
    shows_rate: bool = True
    money: int | None = None
    offset: int = 0
    factor: Callable[[date, str, str], Fraction] = lambda day, meter, project: Fraction(1)
    list_factor: Callable[[date, str, str], Fraction] = lambda day, meter, project: Fraction(1)
    deployment: str = ""
    names_projects: bool = True
    extra: tuple[Charge, ...] = field(default=())


OPENAI_USAGE = BillStyle(has_requests=True, has_money=False)
OPENAI_COSTS = BillStyle(has_quantities=False)
AZURE = BillStyle()
FOCUS = BillStyle(has_list_price=True)


def bill(records: Iterable[Record], prices: PriceBook, style: BillStyle, name: str = "bill") -> list[Charge]:
    """The charges of a month: one a day, project, model and meter."""
    sums: dict[tuple[date, str, str, str], int] = defaultdict(int)
    requests: dict[tuple[date, str, str], int] = defaultdict(int)
    skus = {}
    for record in records:
        assert record.time is not None
        day = (record.time + timedelta(minutes=30 * style.offset)).date()
        project, model = record.project or "", record.model or ""
        skus[model] = record
        requests[day, project, model] += 1
        for meter, quantity in record.usage.items():
            sums[day, project, model, meter] += quantity
    charges = []
    for number, ((day, project, model, meter), quantity) in enumerate(sorted(sums.items()), start=1):
        count = requests.pop((day, project, model), None) if style.has_requests else None
        place = (name, number, day, project)
        charges.append(_charge(place, skus[model], (meter, quantity, count), prices, style))
    return [*charges, *style.extra]


def _charge(
    place: tuple[str, int, date, str],
    record: Record,
    metered: tuple[str, int, int | None],
    prices: PriceBook,
    style: BillStyle,
) -> Charge:
    name, number, day, project = place
    meter, quantity, requests = metered
    deployment = style.deployment or record.deployment or "global"
    quote = prices.quote(record.model or "", day=day, provider=record.provider or "", deployment=deployment)
    rate = quote.rates[meter]
    assert rate is not None
    unit_price = Fraction(rate.picodollars * 1_000_000, rate.per * PICODOLLARS)
    cost = quantity * unit_price / 1_000_000 * style.factor(day, meter, project) * style.list_factor(day, meter, project)
    has_vendor_name = bool(quote.offer.vendor_meters)
    return Charge(
        source=name,
        line_number=number,
        provider=record.provider or "",
        start=datetime.combine(day, datetime.min.time()),
        end=datetime.combine(day, datetime.min.time()) + timedelta(days=1),
        meter_name=quote.offer.vendor_meters[meter][0] if has_vendor_name else "",
        model="" if has_vendor_name else record.model or "",
        meter="" if has_vendor_name else meter,
        quantity=Fraction(quantity, 1_000_000) if style.has_quantities else None,
        unit="1M" if style.has_quantities else "",
        cost=_rounded(cost * style.per_dollar, style.money) if style.has_money else None,
        currency=style.currency,
        per_dollar=style.per_dollar if style.currency != "USD" and style.shows_rate else None,
        list_unit_price=unit_price * style.list_factor(day, meter, project) * style.per_dollar
        if style.has_list_price
        else None,
        requests=requests,
        accounts={"project": project} if style.names_projects else {},
    )


def _rounded(cost: Fraction, decimals: int | None) -> Fraction:
    if decimals is None:
        return cost
    value = Decimal(cost.numerator) / Decimal(cost.denominator)
    return Fraction(value.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_EVEN))


AS_IT_IS = ReconcileRequest()


def reconciled(
    kept: Sequence[Record], charges: Sequence[Charge], prices: PriceBook, request: ReconcileRequest = AS_IT_IS
) -> Reconciliation:
    """The bill beside the log that was kept."""
    return reconcile(PythonEngine(kept), CostQuery(), charges, prices, request, find_repeated=repeated_records(kept))


def sessions(records: Iterable[Record]) -> Iterator[tuple[str, list[Record]]]:
    """The records by session."""
    by_session: dict[str, list[Record]] = {}
    for record in records:
        by_session.setdefault(record.session or "", []).append(record)
    yield from by_session.items()


def without_sessions(records: Sequence[Record], share: float, seed: int = 2) -> list[Record]:
    """The records without a share of the sessions."""
    chance = random.Random(seed)
    return [record for _, entries in sessions(records) if chance.random() >= share for record in entries]


def without_usage(records: Sequence[Record], share: float, seed: int = 3) -> list[Record]:
    """The records, a share of them without their usage."""
    chance = random.Random(seed)
    return [
        replace(record, usage_candidates=(Usage(status="missing"),)) if chance.random() < share else record
        for record in records
    ]


def twice(records: Sequence[Record], share: float, seed: int = 4) -> list[Record]:
    """The records, a share of them again under other identifiers."""
    chance = random.Random(seed)
    return [*records, *(replace(record, key=f"copy-{record.key}") for record in records if chance.random() < share)]


def uncached(records: Sequence[Record]) -> list[Record]:
    """The records, with cached input counted as uncached."""
    return [replace(record, usage_candidates=(_all_uncached(record.usage),)) for record in records]


def _all_uncached(usage: Usage) -> Usage:
    quantities: dict[str, int] = defaultdict(int)
    for meter, quantity in usage.items():
        quantities[meter.removesuffix("_cached")] += quantity
    return Usage(quantities)


def cost_of(records: Iterable[Record], prices: PriceBook) -> int | Fraction:
    """What records cost, in picodollars."""
    total: int | Fraction = 0
    for record in records:
        assert record.day is not None
        quote = prices.quote(
            record.model or "", day=record.day, provider=record.provider or "", deployment=record.deployment or "global"
        )
        for meter, quantity in record.usage.items():
            rate = quote.rates[meter]
            assert rate is not None
            total += rate.amount(quantity)
    return total
