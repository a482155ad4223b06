"""Read OpenAI's costs of an organization: pages of its costs API as JSON, and the dashboard's cost exports as CSV.

Each row is the cost of a day for one line item, project or key, or whatever the costs were grouped by. The same bucket in two
files or pages counts once. Line items of taxes and credits are such; other amounts below zero are adjustments.

| field | in the API | columns |
|---|---|---|
| start, end | start_time and end_time of the bucket | start_time, end_time, or start_time_iso, end_time_iso |
| meter_name | line_item | line_item |
| model, meter, tier, description | parsed from line_item | the same |
| cost, currency | amount.value, amount.currency | amount_value, amount_currency |
| quantity, unit | quantity, quantity_unit | quantity, quantity_unit |
| accounts | project_id, api_key_id, organization_id | also project_name, user_id, organization_name |

Sources, read 2026-11-29: openai-python's types of `organization/costs`, and public exports of the dashboard.
"""

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from datetime import datetime
from fractions import Fraction

from voicebill.answers.invoices.charge import Charge, ChargeCategory
from voicebill.logs.bills.bill_report import BillReport
from voicebill.logs.bills.bill_rows import BillRow, FieldColumns, bill_rows
from voicebill.logs.bills.bill_tables import category_by_name, category_by_sign
from voicebill.logs.bills.line_items import parse_line_item
from voicebill.logs.bills.repeated_charges import BucketCharges
from voicebill.logs.delimited import InvalidRow
from voicebill.logs.report import first_time
from voicebill.logs.sources import NumberedLines

OPENAI_COLUMNS: FieldColumns = {
    **{name: (name.replace("_", ""),) for name in ("start_time", "start_time_iso", "end_time", "end_time_iso")},
    "cost": ("amountvalue",),
    "currency": ("amountcurrency",),
    "line_item": ("lineitem",),
    "quantity": ("quantity",),
    "unit": ("quantityunit",),
    "project_id": ("projectid",),
    "project": ("projectname",),
    "api_key_id": ("apikeyid",),
    "user": ("userid",),
    "user_email": ("useremail",),
    "organization_id": ("organizationid",),
    "organization": ("organizationname",),
}
ACCOUNT_FIELDS = ("project_id", "project", "api_key_id", "user", "user_email", "organization_id", "organization")
GROUPING_FIELDS = ("line_item", "project_id", "api_key_id", "user")
EMPTY_DAYS = "days without costs"
NO_LINE_ITEM = "costs without a line item: group them by line item (group_by=line_item)"


def openai_cost_charges(bills: Sequence[NumberedLines], report: BillReport) -> Iterator[Charge]:
    """Yield the charges of OpenAI's costs, after all of them were read.

    Raises:
        UnreadableBill: nothing in a bill can be read.
    """
    buckets = BucketCharges(report)
    for lines in bills:
        buckets.start_file()
        ordinals: Counter[Hashable] = Counter()
        with report.reading_file(lines.name):
            for row in bill_rows(lines, OPENAI_COLUMNS, report):
                try:
                    _add_row(row, buckets, ordinals, report)
                except InvalidRow as error:
                    report.add_error(row.source, row.line_number, str(error))
                else:
                    report.rows += 1
    yield from buckets


def _add_row(row: BillRow, buckets: BucketCharges, ordinals: Counter[Hashable], report: BillReport) -> None:
    cost = row.number("cost")
    if cost is None and not row.document and not any(field in row.cells for field in ("line_item", "quantity")):
        report.skipped[EMPTY_DAYS] += 1
        return
    charge = _cost_charge(row, cost, report)
    key = _bucket_key(row, charge)
    ordinals[row.document, key] += 1
    buckets.note_grouping(
        "costs",
        charge.start.date() if charge.start else None,
        frozenset(field for field in GROUPING_FIELDS if field in row.cells),
    )
    buckets.add((key, ordinals[row.document, key]), [charge], charge.cost or Fraction(0))


def _bucket_key(row: BillRow, charge: Charge) -> Hashable:
    """Return what identifies a bucket and group. A project says whose it is: one export omits the organization."""
    place = (charge.start, charge.end) if charge.start else (row.source, row.line_number)
    owner = row.first_text("project_id", "organization_id")
    return (*place, charge.meter_name, charge.currency, owner, row.text("api_key_id"), row.text("user"))


def _cost_charge(row: BillRow, cost: Fraction | None, report: BillReport) -> Charge:
    if cost is None:
        raise InvalidRow("it has no amount")
    text = row.text("line_item")
    report.remarks.update([] if text else [NO_LINE_ITEM])
    line_item = parse_line_item(text)
    return Charge(
        source=row.source,
        line_number=row.line_number,
        provider="openai",
        category=_category(text, cost),
        start=_bucket_time(row, "start_time", report),
        end=_bucket_time(row, "end_time", report),
        meter_name=text,
        model=line_item.model,
        meter=line_item.meter,
        tier=line_item.tier,
        quantity=row.number("quantity"),
        unit=row.text("unit"),
        cost=cost,
        currency=row.text("currency").upper() or "USD",
        accounts={field: row.text(field) for field in ACCOUNT_FIELDS if field in row.cells},
        description=line_item.qualifier,
    )


def _bucket_time(row: BillRow, field: str, report: BillReport) -> datetime | None:
    moment = first_time(report.reading, (row.cells.get(field), row.cells.get(f"{field}_iso")))
    return moment.replace(tzinfo=None) if moment else None


def _category(line_item: str, cost: Fraction) -> ChargeCategory:
    if not line_item:
        return "usage"  # a sum of everything, which credits may bring below zero
    return category_by_sign(category_by_name(line_item, cost) or "usage", cost, None)
