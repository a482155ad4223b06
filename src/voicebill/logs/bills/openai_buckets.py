"""Read OpenAI's own usage of an organization as charges without money: the same pages and exports as the log format reads.

A result gives one charge for each of its meters. Its model requests are on the first of them only, so that they add up.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from fractions import Fraction

from voicebill.answers.invoices.charge import Charge
from voicebill.billing.usage import Usage
from voicebill.facts.load import load_facts
from voicebill.logs.bills.bill_report import BillReport
from voicebill.logs.bills.repeated_charges import BucketCharges
from voicebill.logs.formats.openai_usage import NO_MODEL, UNDECIDED, UsageSum, usage_sums
from voicebill.logs.sources import NumberedLines

OTHER_USAGE = "usage in units other than tokens, seconds and characters"
OTHER_LINES = "JSON that is not usage of an organization"
NO_COUNTS = "sums without any count"
AMBIGUOUS = "counts that allow several readings: the one with the most tokens, and the most text, is taken"
CONTRADICTORY = "counts that contradict each other: most of them are believed"


def openai_usage_charges(bills: Sequence[NumberedLines], report: BillReport) -> Iterator[Charge]:
    """Yield the charges of OpenAI's usage, after all of it was read.

    Raises:
        UnreadableBill: nothing in a bill can be read.
    """
    buckets = BucketCharges(report)
    for lines in bills:
        buckets.start_file()
        with report.reading_file(lines.name):
            for usage_sum in usage_sums(lines, report.reading):
                report.rows += 1
                _add_sum(usage_sum, buckets, report)
    if report.reading.other_lines:
        report.skipped[OTHER_LINES] = report.reading.other_lines
    report.remarks.pop(UNDECIDED, None)  # of a bill, both readings are not priced: see AMBIGUOUS
    yield from buckets


def _add_sum(usage_sum: UsageSum, buckets: BucketCharges, report: BillReport) -> None:
    if usage_sum.kind == "other" or usage_sum.quantities:
        report.skipped[OTHER_USAGE] += 1
    usage = _usage(usage_sum, report)
    charges = _sum_charges(usage_sum, usage)
    if not charges:
        report.skipped[NO_COUNTS] += usage_sum.kind != "other" and not usage_sum.quantities
        return
    if usage_sum.model is None:
        report.remarks[NO_MODEL] += 1
    day = usage_sum.start.date() if usage_sum.start else None
    buckets.note_grouping(usage_sum.kind, day, usage_sum.grouping)
    size = sum(quantity for _, quantity in usage.items()) + (usage_sum.num_model_requests or 0)
    buckets.add(usage_sum.key, charges, Fraction(size))


def _usage(usage_sum: UsageSum, report: BillReport) -> Usage:
    """Return the usage of a sum. Of several readings it is the one without cached tokens in the others, and with most text."""
    usages = usage_sum.usage_candidates
    if usages[0].status == "inconsistent":
        report.remarks[CONTRADICTORY] += 1
    elif len(usages) > 1:
        report.remarks[AMBIGUOUS] += 1
        return max(usages, key=_total_and_text)
    return usages[0]


def _total_and_text(usage: Usage) -> tuple[int, int]:
    quantities = dict(usage.items())
    text = sum(quantity for meter, quantity in quantities.items() if meter.startswith("text"))
    return sum(quantities.values()), text


def _sum_charges(usage_sum: UsageSum, usage: Usage) -> list[Charge]:
    """Return the charges of a sum: of one without a quantity but with requests, one without a meter."""
    quantities: list[tuple[str, int | None]] = [(meter, quantity) for meter, quantity in usage.items() if quantity]
    if not quantities and usage_sum.num_model_requests and usage_sum.kind != "other":
        quantities = [("", None)]
    return [
        _meter_charge(usage_sum, meter, quantity, usage_sum.num_model_requests if index == 0 else None)
        for index, (meter, quantity) in enumerate(quantities)
    ]


def _meter_charge(usage_sum: UsageSum, meter: str, quantity: int | None, requests: int | None) -> Charge:
    accounts = {"project_id": usage_sum.project, "api_key_id": usage_sum.api_key, "user": usage_sum.user}
    return Charge(
        source=usage_sum.source,
        line_number=usage_sum.line_number,
        provider="openai",
        start=_without_zone(usage_sum.start),
        end=_without_zone(usage_sum.end),
        service=usage_sum.kind,
        model=usage_sum.model or "",
        meter=meter,
        tier=usage_sum.tier or "",
        quantity=None if quantity is None else Fraction(quantity),
        unit=load_facts().prices.meters[meter].unit if meter else "",
        requests=requests,
        accounts={field: name for field, name in accounts.items() if name},
    )


def _without_zone(time: datetime | None) -> datetime | None:
    return None if time is None else time.replace(tzinfo=None)
