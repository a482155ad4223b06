"""Recognise what is not a usage log although it looks like one: invoices, and reports of spend without usage.

They have amounts, and quantities in a vendor's own units: read as a log, they would give too little or nothing. As logs they
are refused by name; as bills they are read by `voicebill.logs.bills`, which recognises them by the same columns.

Sources, read 2026-11-28: Microsoft's pages about cost and usage details files (EA 2024-08-01, MCA 2023-12-01-preview, FOCUS
1.2-preview) and public code that reads such exports; openai-python 3.57.0's types of the costs endpoint and public code that
reads the dashboard's cost export; LiteLLM 1.110.2's tables of daily spend.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import msgspec

from voicebill.logs.audio import LONG_LINE_BYTES, without_audio
from voicebill.logs.delimited import DELIMITERS, split_cells
from voicebill.logs.documents import sample_documents
from voicebill.logs.unread_usage import meaning_of, snake_case


class Invoice(NamedTuple):
    """A kind of invoice, and the names of its columns, without capitals and separators: one of each group is there.

    `name` is for people; `bill_format` is the name of its format as a bill.
    """

    name: str
    bill_format: str
    groups: tuple[frozenset[str], ...]


FOCUS, AZURE_COSTS_EXPORT, OPENAI_COSTS_EXPORT = "focus", "azure-costs", "openai-costs"
"""The names of the formats of bills that are no logs."""
AZURE_METERS = frozenset({"metername", "meterid", "metercategory", "metersubcategory", "meterdetails"})
AZURE_COSTS = frozenset(
    {
        *(
            "costinbillingcurrency",
            "costinpricingcurrency",
            "costinusd",
            "paygcostinbillingcurrency",
            "pretaxcost",
            "extendedcost",
            "cost",
        ),
        *("effectiveprice", "resourcerate", "unitprice", "unitofmeasure", "quantity", "consumedquantity", "usagequantity"),
    }
)
FOCUS_COSTS = frozenset({"billedcost", "effectivecost", "listcost", "contractedcost"})
FOCUS_CHARGES = frozenset({"chargeperiodstart", "chargeperiodend", "chargecategory", "skumeter", "skupriceid"})
INVOICES = (
    Invoice("a FOCUS cost export", FOCUS, (FOCUS_COSTS, FOCUS_CHARGES)),
    Invoice("an Azure cost export", AZURE_COSTS_EXPORT, (AZURE_METERS, AZURE_COSTS)),
    Invoice(
        "an export of OpenAI's costs",
        OPENAI_COSTS_EXPORT,
        (frozenset({"amountvalue"}), frozenset({"lineitem", "amountcurrency"})),
    ),
)
OPENAI_COSTS = "organization.costs.result"
"""The type of the results of OpenAI's costs endpoint."""
INVOICE_WORDS = (b"organization.costs", b"meter", b"chargeperiod", b"charge_period")
"""A document without any of these is no invoice: it is not decoded."""
INVOICE_REMEDY = "it is not a usage log and is not costed; voicebill reconcile compares it with one"
CONTAINERS = ("data", "results", "result", "value", "properties")
"""The fields in which pages of an API carry their results."""
MAX_SEARCHED = 400
"""At most so many objects of a page are looked at."""
MAX_TITLE_LINES = 3
"""Exported tables may have lines above their header."""
MAX_NAME_WORDS = 5
"""The name of a column has at most so many words: a sentence with commas is no header."""
SPEND = re.compile(r"(^|_)(costs?|spend|charges?|amount)(_|$)")
QUANTITIES = re.compile(r"(^|_)(tokens?|seconds?|minutes?|durations?|characters?)(_|$)")


def invoice_refusal(sample: Sequence[bytes], column_names: Iterable[str] = ()) -> str | None:
    """Return which invoice a source is, and that it is not costed, if its first lines or its columns say that it is one.

    >>> invoice_refusal([b"Date,MeterName,Quantity,UnitOfMeasure,CostInBillingCurrency"])
    'an Azure cost export, an invoice: it is not a usage log and is not costed; voicebill reconcile compares it with one'
    """
    invoice = recognise_invoice(sample, column_names)
    return f"{invoice.name}, an invoice: {INVOICE_REMEDY}" if invoice else None


def recognise_invoice(sample: Sequence[bytes], column_names: Iterable[str] = ()) -> Invoice | None:
    """Return which invoice a source is by its first lines or, of a Parquet file, by its columns; None if it is none."""
    for names in (*map(_bare_names, (tuple(column_names), *_headers(sample))), *_field_names(sample)):
        for invoice in INVOICES:
            if all(names & group for group in invoice.groups):
                return invoice
    return None


def spend_refusal(sample: Sequence[bytes]) -> str | None:
    """Return that a table has amounts but nothing that could be costed, if its header says so.

    >>> spend_refusal([b"Date,Team,Spend ($),Requests"])
    'a report of spend without tokens, seconds or characters: there is no usage in it to cost'
    """
    for header in _headers(sample):
        names = [snake_case(name) for name in header]
        has_usage = any(QUANTITIES.search(name) or meaning_of(name) == "count" for name in names)
        is_header = len(names) > 1 and all(len(name.split()) <= MAX_NAME_WORDS for name in header)
        if is_header and any(map(SPEND.search, names)) and not has_usage:
            return "a report of spend without tokens, seconds or characters: there is no usage in it to cost"
    return None


def _headers(sample: Sequence[bytes]) -> Iterator[list[str]]:
    """Yield the cells of the first lines by every delimiter, as any of these lines may be a header."""
    for line in sample[:MAX_TITLE_LINES]:
        if line.lstrip()[:1] not in (b"{", b"["):
            yield from (split_cells(line, delimiter) for delimiter in DELIMITERS)


def _bare_names(names: Iterable[str]) -> frozenset[str]:
    return frozenset(map(bare_name, names))


def bare_name(name: str) -> str:
    """Return the name of a column without capitals and separators.

    >>> bare_name("x_BilledCostInUsd"), bare_name("Meter Sub-category")
    ('xbilledcostinusd', 'metersubcategory')
    """
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _field_names(sample: Sequence[bytes]) -> Iterator[frozenset[str]]:
    """Yield the names of the fields of the first document and of the first one with costs, and of the results in them."""
    text = b"".join(without_audio(line) if len(line) > LONG_LINE_BYTES else line for line in sample).lower()
    if not any(word in text for word in INVOICE_WORDS):
        return
    contents = sample_documents(sample)
    with_costs = (content for content in contents if OPENAI_COSTS.encode() in content)
    try:
        waiting = [msgspec.json.decode(content) for content in (*contents[:1], *islice(with_costs, 1))]
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return
    for _ in range(MAX_SEARCHED):
        if not waiting:
            return
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value[:MAX_SEARCHED]
        elif isinstance(value, dict):
            yield _bare_names([*value, *(("amount_value", "line_item") if value.get("object") == OPENAI_COSTS else ())])
            waiting += (value[name] for name in CONTAINERS if name in value)
