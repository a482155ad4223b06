"""Months with planted causes: each is named with its amount, alone and in pairs, and a clean month has none.

What a cause amounts to follows from the records: what the lost or repeated ones cost, and what the bill takes beyond that.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Literal

import pytest

from tests.answers.invoices.months import (
    AZURE,
    FIRST_DAY,
    FOCUS,
    OPENAI_COSTS,
    OPENAI_USAGE,
    BillStyle,
    Month,
    bill,
    cost_of,
    month,
    reconciled,
    twice,
    uncached,
    without_sessions,
    without_usage,
)
from tests.cases import long_but
from voicebill.answers.invoices.charge import Charge, ChargeCategory
from voicebill.answers.invoices.reconciliation import Reconciliation
from voicebill.answers.invoices.request import ReconcileRequest
from voicebill.billing.errors import InvalidInput
from voicebill.billing.price_book import PriceBook
from voicebill.billing.record import Record
from voicebill.facts import load_facts

DOLLAR = 10**12
NEARLY = Fraction(2, 100)
MIDDLE = date(2026, 9, 7)
PACIFIC = -14
"""UTC-7, in half hours."""


@pytest.fixture(scope="module")
def prices() -> PriceBook:
    return load_facts().prices


@pytest.fixture(scope="module")
def openai() -> Month:
    return month(days=10, calls=5)


@pytest.fixture(scope="module")
def azure() -> Month:
    return month(provider="azure", model="gpt-realtime-2", days=10, calls=5)


@pytest.fixture
def vendors(openai: Month, azure: Month) -> Mapping[str, Month]:
    return {"openai": openai, "azure": azure}


@dataclass(frozen=True)
class Export:
    """What a vendor's export is called, and whose it is."""

    provider: str
    style: BillStyle


EXPORTS = {
    "usage pages": Export("openai", OPENAI_USAGE),
    "costs pages": Export("openai", OPENAI_COSTS),
    "cost details": Export("azure", AZURE),
    "FOCUS": Export("azure", FOCUS),
}
WITH_MONEY = ["costs pages", "cost details", "FOCUS"]


def closes(answer: Reconciliation) -> bool:
    return answer.recorded + sum(total.amount for total in answer.causes) + answer.unexplained == answer.face


def amount_of(answer: Reconciliation, name: str) -> Fraction:
    """The sum of the causes with a name, also among candidates."""
    return sum((Fraction(total.amount) for total in answer.causes if name in total.cause.names), start=Fraction(0))


def assert_causes(answer: Reconciliation, planted: Mapping[str, Fraction | int]) -> None:
    """Each planted cause has its amount within 2%, and nothing else has more than 2% of the largest one."""
    assert closes(answer)
    for name, amount in planted.items():
        assert float(amount_of(answer, name)) == pytest.approx(float(amount), rel=float(NEARLY)), name
    least = NEARLY * max((abs(Fraction(amount)) for amount in planted.values()), default=Fraction(0))
    others = [total for total in answer.causes if not planted.keys() & set(total.cause.names)]
    assert [total.cause for total in others if abs(Fraction(total.amount)) > least] == []
    assert abs(Fraction(answer.unexplained)) <= least


def seconds_later(records: Sequence[Record]) -> list[Record]:
    """The records, a share of them again by another tool: some seconds later, with another session."""
    number = len(records)
    copies = twice(records, share=0.1)[number:]
    return [
        *records,
        *(
            replace(copy, session=f"trace-{copy.session}", time=copy.time + timedelta(seconds=4))
            for copy in copies
            if copy.time is not None
        ),
    ]


LOG_FAULTS: Mapping[str, Callable[[Sequence[Record]], list[Record]]] = {
    "sessions-missing": lambda records: without_sessions(records, share=0.1),
    "responses-without-usage": lambda records: without_usage(records, share=0.08),
    "duplicates": seconds_later,
    "cached-as-uncached": uncached,
}


def extra(cost: int, category: ChargeCategory, name: str) -> Charge:
    start = FIRST_DAY.replace(tzinfo=None)
    return Charge(
        source="bill",
        line_number=0,
        provider="azure",
        category=category,
        start=start,
        end=start + timedelta(days=1),
        meter_name=name,
        cost=Fraction(cost),
    )


def since_the_middle(ratio: Fraction, *meters: str) -> Callable[[date, str, str], Fraction]:
    return lambda day, meter, project: ratio if day >= MIDDLE and (not meters or meter in meters) else Fraction(1)


BILL_FAULTS: Mapping[str, Callable[[BillStyle], BillStyle]] = {
    "negotiated-rate": lambda style: replace(style, factor=lambda day, meter, project: Fraction(85, 100)),
    "price-change": lambda style: replace(style, list_factor=since_the_middle(Fraction(3, 4), "audio_out")),
    "tax": lambda style: replace(style, extra=(extra(3, "tax", "Tax"),)),
    "credits": lambda style: replace(style, extra=(extra(-2, "credit", "Credit"),)),
    "adjustments": lambda style: replace(style, extra=(extra(-1, "adjustment", "Refund"),)),
}


@pytest.mark.parametrize("export", EXPORTS)
def test_a_clean_month_has_no_difference(vendors: Mapping[str, Month], prices: PriceBook, export: str) -> None:
    records = vendors[EXPORTS[export].provider].records
    answer = reconciled(records, bill(records, prices, EXPORTS[export].style), prices)
    assert (answer.difference, answer.causes, answer.unexplained) == (0, (), 0)
    assert answer.recorded == cost_of(records, prices)


@pytest.mark.parametrize("export", EXPORTS)
@pytest.mark.parametrize("fault", LOG_FAULTS)
def test_a_fault_of_the_log(vendors: Mapping[str, Month], prices: PriceBook, export: str, fault: str) -> None:
    records = vendors[EXPORTS[export].provider].records
    kept = LOG_FAULTS[fault](records)
    answer = reconciled(kept, bill(records, prices, EXPORTS[export].style), prices)
    assert_causes(answer, {fault: cost_of(records, prices) - cost_of(kept, prices)})


@pytest.mark.parametrize("export", WITH_MONEY)
@pytest.mark.parametrize("fault", BILL_FAULTS)
def test_a_term_of_the_bill(vendors: Mapping[str, Month], prices: PriceBook, export: str, fault: str) -> None:
    records = vendors[EXPORTS[export].provider].records
    answer = reconciled(records, bill(records, prices, BILL_FAULTS[fault](EXPORTS[export].style)), prices)
    assert_causes(answer, {fault: answer.billed - cost_of(records, prices)})


@pytest.mark.parametrize("export", long_but(("FOCUS",), ["costs pages", "FOCUS"]))
@pytest.mark.parametrize("term", BILL_FAULTS)
@pytest.mark.parametrize("fault", LOG_FAULTS)
def test_a_fault_of_the_log_beside_a_term_of_the_bill(
    vendors: Mapping[str, Month], prices: PriceBook, export: str, fault: str, term: str
) -> None:
    """Sums that the log lacks are worth our price; the other prices hold for all that was billed.

    Money without quantities does not tell a price from usage that is missing on each day.
    """
    if (export, fault, term) == ("costs pages", "responses-without-usage", "price-change"):
        pytest.skip("cannot be told")
    records = vendors[EXPORTS[export].provider].records
    kept = LOG_FAULTS[fault](records)
    answer = reconciled(kept, bill(records, prices, BILL_FAULTS[term](EXPORTS[export].style)), prices)
    cost = cost_of(records, prices)
    assert_causes(answer, {fault: cost - cost_of(kept, prices), term: answer.billed - cost})


@pytest.mark.parametrize("export", ["usage pages", "costs pages", "FOCUS"])
def test_missing_and_repeated_responses_together(vendors: Mapping[str, Month], prices: PriceBook, export: str) -> None:
    """On a day with both, less is left of the difference than either; days with one of them show that both are there."""
    records = vendors[EXPORTS[export].provider].records
    kept = without_sessions(records, share=0.1)
    repeated = seconds_later(kept)
    answer = reconciled(repeated, bill(records, prices, EXPORTS[export].style), prices)
    missing, surplus = (cost_of(records, prices) - cost_of(kept, prices), cost_of(kept, prices) - cost_of(repeated, prices))
    assert_causes(answer, {"sessions-missing": missing, "duplicates": surplus})


@pytest.mark.parametrize("export", ["costs pages", "FOCUS"])
def test_missing_sessions_beside_responses_without_usage_are_candidates(
    vendors: Mapping[str, Month], prices: PriceBook, export: str
) -> None:
    """Without a number of responses, a bill does not tell the two apart on days with both: neither is named for the sum."""
    records = vendors[EXPORTS[export].provider].records
    kept = without_usage(without_sessions(records, share=0.1), share=0.08)
    answer = reconciled(kept, bill(records, prices, EXPORTS[export].style), prices)
    amounts = {total.cause.names: float(total.amount) for total in answer.causes}
    missing = cost_of(records, prices) - cost_of(kept, prices)
    assert amounts.keys() == {("sessions-missing", "responses-without-usage"), ("sessions-missing",)}
    assert sum(amounts.values()) == pytest.approx(float(missing), rel=float(NEARLY))


@pytest.mark.parametrize("calls", [3, 12])
@pytest.mark.parametrize(
    "style", [AZURE, OPENAI_COSTS, replace(OPENAI_COSTS, factor=BILL_FAULTS["negotiated-rate"](AZURE).factor)]
)
def test_days_of_another_time_zone_with_few_calls_and_many(prices: PriceBook, style: BillStyle, calls: int) -> None:
    """With three calls a day most days are the same in any time zone; where the bill has a discount, no sum is equal."""
    records = month(days=20, calls=calls).records
    shifted = replace(style, offset=PACIFIC)
    charges = [charge for charge in bill(records, prices, shifted) if charge.start and charge.start.month == FIRST_DAY.month]
    answer = reconciled(records, charges, prices)
    assert answer.days.offset == PACIFIC or (calls == 3 and answer.days.offset < 0)
    names = {name for total in answer.causes for name in total.cause.names}
    assert names == {"day-boundary"} | ({"negotiated-rate"} if style.factor(MIDDLE, "", "") != 1 else set())
    assert answer.unexplained == 0


def test_a_log_that_repeats_all_of_a_project_is_no_discount_of_half(openai: Month, prices: PriceBook) -> None:
    """The bill has only money: half of what the log has on each day."""
    copies = [
        replace(record, key=f"copy-{record.key}", time=record.time + timedelta(seconds=2))
        for record in openai.records
        if record.project == "helpdesk" and record.time
    ]
    answer = reconciled([*openai.records, *copies], bill(openai.records, prices, OPENAI_COSTS), prices)
    assert_causes(answer, {"duplicates": -cost_of(copies, prices)})


@pytest.mark.parametrize("account", ["project", "none"])
def test_projects_of_a_bill_in_money_that_are_not_compared(
    openai: Month, prices: PriceBook, account: Literal["project", "none"]
) -> None:
    """Two projects on the bill and none in the log: each has a part of the money, at the price of the whole."""
    kept = [replace(record, project=None) for record in openai.records]
    answer = reconciled(kept, bill(openai.records, prices, OPENAI_COSTS), prices, ReconcileRequest(account=account))
    assert (answer.difference, answer.causes) == (0, ())
    assert all(line.billed == line.recorded for line in answer.lines)


def test_amounts_in_whole_yen_are_rounded_by_less_than_a_cent(azure: Month, prices: PriceBook) -> None:
    """At 150 yen for a dollar; half a dollar a row would explain everything."""
    style = replace(AZURE, currency="JPY", per_dollar=Fraction(150), money=0, factor=lambda day, meter, project: Fraction(4, 5))
    answer = reconciled(azure.records, bill(azure.records, prices, style), prices)
    rounding = [Fraction(total.amount) for total in answer.causes if total.cause.names == ("rounding",)]
    assert abs(sum(rounding, start=Fraction(0))) < Fraction(answer.recorded) / 100


def test_a_row_of_0_says_nothing_of_the_exchange_rate(azure: Month, prices: PriceBook) -> None:
    """Azure's rows have their cost in dollars beside that in euros; of 0 and 0 no rate follows, and none is needed."""
    charges = [
        replace(charge, currency="EUR", cost=(charge.cost or 0) * Fraction(4, 5), dollars=charge.cost)
        for charge in bill(azure.records, prices, AZURE)
    ]
    free = replace(charges[0], line_number=0, cost=Fraction(0), dollars=Fraction(0), quantity=Fraction(0))
    answer = reconciled(azure.records, [*charges, free], prices)
    assert [total.cause.names for total in answer.causes] == [("currency",)]


def test_usage_that_is_free_is_not_rounded(openai: Month, prices: PriceBook) -> None:
    """All amounts are 0: they do not show to which decimal they are rounded."""
    charges = [replace(charge, cost=Fraction(0)) for charge in bill(openai.records, prices, AZURE)]
    answer = reconciled(openai.records, charges, prices)
    assert_causes(answer, {"negotiated-rate": -cost_of(openai.records, prices)})


@pytest.mark.parametrize("order", [1, -1])
def test_one_of_two_projects_that_is_billed_as_another_deployment(prices: PriceBook, order: int) -> None:
    """The log has no projects, so that both are in one line: whichever row of the bill comes first."""
    records = month(provider="azure", model="gpt-realtime-2.1", days=4, calls=4).records
    kept = [replace(record, project=None) for record in records]
    zoned = [record for record in records if record.project == "helpdesk"]
    others = [record for record in records if record.project != "helpdesk"]
    charges = [*bill(zoned, prices, replace(AZURE, deployment="data-zone")), *bill(others, prices, AZURE)]
    amount = sum((charge.cost or 0 for charge in charges), start=Fraction(0)) * 10**12 - cost_of(kept, prices)
    assert amount > 0
    assert_causes(reconciled(kept, charges[::order], prices), {"deployment": amount})


@pytest.mark.parametrize("style", [AZURE, OPENAI_COSTS])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_sessions_that_are_missing_on_few_days_are_no_time_zone(prices: PriceBook, style: BillStyle, seed: int) -> None:
    """Some offset always leaves less of four days' differences than UTC."""
    records = month(days=4, calls=8, seed=seed).records
    kept = without_sessions(records, 0.15, seed=seed + 50)
    assert reconciled(kept, bill(records, prices, style), prices).days.offset == 0


def test_an_uplift_on_three_daily_sums_is_no_time_zone(prices: PriceBook) -> None:
    """The one day between the first and the last fits any time zone by some factor."""
    records = month(days=3).records
    style = replace(OPENAI_COSTS, factor=lambda day, meter, project: Fraction(11, 10))
    answer = reconciled(records, sums_by_day(bill(records, prices, style)), prices)
    assert_causes(answer, {"regional-uplift": Fraction(cost_of(records, prices), 10)})


def test_ratios_of_prices_in_a_week_of_few_days(prices: PriceBook) -> None:
    """No meter of an account has three days; all of them share the ratio."""
    records = month(days=2, calls=2).records
    style = replace(OPENAI_COSTS, factor=lambda day, meter, project: Fraction(11, 10))
    assert_causes(
        reconciled(records, bill(records, prices, style), prices), {"regional-uplift": Fraction(cost_of(records, prices), 10)}
    )


def test_a_discount_that_ends_when_prices_rise(openai: Month, prices: PriceBook) -> None:
    """12% off, and from the middle 12.5% more: both periods are named, each by its ratio."""
    style = replace(
        OPENAI_COSTS, factor=lambda day, meter, project: Fraction(88, 100) * (Fraction(9, 8) if day >= MIDDLE else 1)
    )
    answer = reconciled(openai.records, bill(openai.records, prices, style), prices)
    details = {total.cause.detail for total in answer.causes}
    assert details == {"12% below our price", "1% below our price since 2026-09-07"}
    assert answer.unexplained == 0


def sums_by_day(charges: Sequence[Charge]) -> list[Charge]:
    """OpenAI's costs without line items."""
    by_day: dict[datetime, Fraction] = {}
    for charge in charges:
        assert charge.start is not None
        by_day[charge.start] = by_day.get(charge.start, Fraction(0)) + (charge.cost or 0)
    return [
        Charge(source="costs", line_number=0, provider="openai", start=day, end=day + timedelta(days=1), cost=cost)
        for day, cost in by_day.items()
    ]


@pytest.mark.parametrize(
    ("fault", "candidates"),
    [("sessions-missing", "transcription"), ("duplicates", "duplicates"), ("cached-as-uncached", "usage-not-billed")],
)
def test_sums_that_name_no_models(openai: Month, prices: PriceBook, fault: str, candidates: str) -> None:
    """They are compared with the cost of all models; what a sum cannot tell apart is named together."""
    kept = LOG_FAULTS[fault](openai.records)
    answer = reconciled(kept, sums_by_day(bill(openai.records, prices, OPENAI_COSTS)), prices)
    assert_causes(answer, {fault: cost_of(openai.records, prices) - cost_of(kept, prices)})
    assert any(candidates in total.cause.names for total in answer.causes)
    assert answer.recorded == cost_of(kept, prices)


def test_sums_that_name_no_models_show_time_zones_and_discounts(openai: Month, prices: PriceBook) -> None:
    shifted = bill(openai.records, prices, replace(OPENAI_COSTS, offset=PACIFIC))
    zoned = reconciled(openai.records, sums_by_day(shifted), prices)
    assert [total.cause.names for total in zoned.causes] == [("day-boundary",)]
    assert (zoned.days.offset < 0, zoned.unexplained) == (True, 0)
    style = BILL_FAULTS["negotiated-rate"](OPENAI_COSTS)
    answer = reconciled(openai.records, sums_by_day(bill(openai.records, prices, style)), prices)
    assert_causes(answer, {"negotiated-rate": -cost_of(openai.records, prices) * Fraction(15, 100)})


def test_quantities_in_whole_thousands(azure: Month, prices: PriceBook) -> None:
    """The file counts single tokens: that all of them end in 000 shows the step."""
    charges = [
        replace(charge, quantity=Fraction(1000 * round(charge.quantity * 1000)), unit="Tokens", cost=None)
        for charge in bill(azure.records, prices, AZURE)
        if charge.quantity is not None
    ]
    answer = reconciled(azure.records, charges, prices)
    assert {name for total in answer.causes for name in total.cause.names} <= {"rounding"}
    assert answer.unexplained == 0


def test_amounts_in_cents_without_quantities(openai: Month, prices: PriceBook) -> None:
    """Of many small amounts nothing is left on the bill."""
    answer = reconciled(openai.records, bill(openai.records, prices, replace(OPENAI_COSTS, money=2)), prices)
    assert_causes(answer, {"rounding": answer.difference})


def test_charges_of_a_month_each(azure: Month, prices: PriceBook) -> None:
    """Two charges for a meter, of the ten days from 1 September: all of its days are compared."""
    first = FIRST_DAY.replace(tzinfo=None)
    charges = [replace(charge, start=first, end=first + timedelta(days=10)) for charge in bill(azure.records, prices, AZURE)]
    kept = without_sessions(azure.records, share=0.1)
    answer = reconciled(kept, charges, prices)
    assert_causes(answer, {"sessions-missing": cost_of(azure.records, prices) - cost_of(kept, prices)})
    assert (answer.days.first, answer.days.last) == (date(2026, 9, 1), date(2026, 9, 10))


def test_a_model_that_is_not_in_the_log_is_worth_our_price_on_a_count(openai: Month, prices: PriceBook) -> None:
    other = month(model="gpt-realtime-mini-2025-12-15", days=10, calls=2, seed=5).records
    charges = bill([*openai.records, *other], prices, OPENAI_USAGE)
    assert_causes(reconciled(openai.records, charges, prices), {"other-models": cost_of(other, prices)})


def test_a_project_and_a_model_that_are_not_in_the_log(openai: Month, prices: PriceBook) -> None:
    """Either may be why: they are named together. A model that the log has can only be missing for its project."""
    mini = month(model="gpt-realtime-mini-2025-12-15", days=10, calls=2, seed=5).records
    same = month(days=10, calls=2, seed=6).records
    elsewhere = [replace(record, project="lab", key=f"lab-{record.key}-{record.model}") for record in [*mini, *same]]
    answer = reconciled(openai.records, bill([*openai.records, *elsewhere], prices, OPENAI_COSTS), prices)
    assert {total.cause.names: total.amount for total in answer.causes} == {
        ("other-models", "other-projects"): cost_of(mini, prices),
        ("other-projects",): cost_of(same, prices),
    }


def test_a_model_without_a_price_is_no_other_service(openai: Month, prices: PriceBook) -> None:
    items = [
        replace(extra(1, "usage", f"gpt-9-sunburst, {direction}"), provider="openai", model="gpt-9-sunburst", meter=meter)
        for direction, meter in (("input", "text_in"), ("output", "text_out"))
    ]
    tools = replace(extra(2, "usage", "web search tool calls"), provider="openai")
    answer = reconciled(openai.records, [*bill(openai.records, prices, OPENAI_COSTS), *items, tools], prices)
    assert_causes(answer, {"other-models": 2 * DOLLAR, "other-services": 2 * DOLLAR})


def test_a_bill_in_euros_without_a_rate_shows_a_discount_by_its_list_prices(azure: Month, prices: PriceBook) -> None:
    """Its list prices are ours times 0.86: so 15% less are a discount, and not another rate."""
    style = replace(FOCUS, currency="EUR", per_dollar=Fraction(86, 100), shows_rate=False)
    answer = reconciled(azure.records, bill(azure.records, prices, BILL_FAULTS["negotiated-rate"](style)), prices)
    cost = cost_of(azure.records, prices)
    discount = [Fraction(total.amount) for total in answer.causes if total.cause.names == ("negotiated-rate",)]
    assert [float(amount) for amount in discount] == [pytest.approx(float(-cost * Fraction(15, 100)))]
    assert closes(answer)


def test_a_bill_of_other_days_is_refused(openai: Month, prices: PriceBook) -> None:
    charges = bill(openai.records, prices, OPENAI_COSTS)
    with pytest.raises(InvalidInput, match="no charges on these days"):
        reconciled(openai.records, charges, prices, ReconcileRequest(since=date(2027, 1, 1)))
