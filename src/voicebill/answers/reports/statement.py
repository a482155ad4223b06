"""Build the statement of what tenants are charged: a document for people who know nothing of tokens."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from voicebill.answers.escaping import CsvCell
from voicebill.answers.invoices.chargeback import NO_MARKUP, Markup
from voicebill.answers.invoices.usage_charges import UsageCharge
from voicebill.answers.parsing.quantities import format_exact_percent, pluralize
from voicebill.answers.recorded.filters import FieldValue
from voicebill.answers.reports.handout import Handout, HandoutAmount, HandoutCell, HandoutSection, HandoutTable, note_sections
from voicebill.answers.reports.report import package_version
from voicebill.billing.meters import Meter
from voicebill.billing.money import (
    Amount,
    column_decimals,
    format_dollars,
    format_exact,
    format_in_column,
    format_price,
)
from voicebill.billing.offers import Offer

STATEMENT_RECORD_COLUMNS = ("tenant", "first_day", "last_day", "model", "meter", "quantity", "unit", "unit_price", "dollars")
STATEMENT_BASIS = "Computed from recorded usage and the prices of the models' providers."
NO_TENANT = "without a name"
LEAST_SHOWN = Fraction(10**10)
"""Picodollars."""

METER_WORDS: Mapping[str, str] = {
    "text_in": "instructions and text read",
    "text_in_cached": "instructions and text read again",
    "text_in_cache_write": "instructions and text stored to be read again",
    "audio_in": "speech heard",
    "audio_in_cached": "earlier speech of the call, gone over again",
    "image_in": "pictures seen",
    "image_in_cached": "earlier pictures, gone over again",
    "text_out": "text written",
    "audio_out": "speech spoken",
    "audio_ms": "speech heard",
    "audio_out_ms": "speech spoken",
    "messages": "messages typed",
    "session_ms": "time in calls",
    "standby_ms": "time on standby",
    "call_ms": "time on the telephone",
    "characters_in": "characters read aloud",
    "concurrent_calls": "calls at the same time, a month",
    "months": "months",
}
"""What each meter counts, in words of everyday; another one has its label."""

TOKEN_NOTE = (
    "The models count speech and text in tokens: small pieces, of which a second of speech has ten to twenty, and a word of "
    "text one or two. During a call a model goes over what was said before each answer; what it goes over again costs less."
)


@dataclass(frozen=True, slots=True)
class StatementLine:
    """What one meter of an offer was used for at one price: `price` in dollars per price unit, the amount in picodollars."""

    offer: Offer
    meter: Meter
    price: Fraction
    quantity: int
    amount: Amount


@dataclass(frozen=True, slots=True)
class ServiceFee:
    """A markup that is a line of its own: its share of the cost, and the amount in picodollars."""

    share: Fraction
    amount: Amount


def statement_handout(
    charges: Sequence[UsageCharge],
    calls: Mapping[FieldValue, int],
    *,
    markup: Markup = NO_MARKUP,
    issuer: str = "",
    shows_markup: bool = False,
) -> Handout:
    """The document of charges by tenant, a section for each; its records are the lines. `calls` are those of each tenant.

    `shows_markup`: the lines are at the vendors' prices, and the markup is a line of its own; else the prices include it.
    """
    by_tenant: dict[FieldValue, list[UsageCharge]] = defaultdict(list)
    for charge in charges:
        by_tenant[charge.owners.get("tenant")].append(charge)
    tenants = sorted(by_tenant, key=lambda tenant: (tenant is None, str(tenant)))
    sections = []
    records: list[tuple[CsvCell, ...]] = [STATEMENT_RECORD_COLUMNS]
    for tenant in tenants:
        share = markup.share_of(tenant)
        lines = list(_statement_lines(by_tenant[tenant], Fraction(0) if shows_markup else share))
        fee = ServiceFee(share, sum_amounts(lines) * share) if shows_markup and share else None
        terms = (("period", _period(by_tenant[tenant])), *_call_terms(calls.get(tenant, 0)))
        sections.append(_section(_tenant_name(tenant), terms, lines, fee))
        records += _records(tenant, by_tenant[tenant], lines, fee)
    total = sum((markup.charge(charge.cost, charge.owners.get("tenant")) for charge in charges), Fraction(0))
    return Handout(
        title=f"Statement of voice usage{f' from {issuer}' if issuer else ''}",
        summary=_summary(charges, tenants, total),
        sections=(*sections, *note_sections(("Notes", _notes(charges)))),
        records=tuple(records),
        version=package_version(),
        basis=STATEMENT_BASIS,
    )


def _summary(charges: Sequence[UsageCharge], tenants: Sequence[FieldValue], total: Amount) -> str:
    if not charges:
        return "Nothing was used that has a price."
    whom = _tenant_name(tenants[0]) if len(tenants) == 1 else pluralize(len(tenants), "customer")
    return f"{whom}, {_period(charges)}: {_format_cents(total)}."


def _section(
    title: str, terms: Sequence[tuple[str, str]], lines: Sequence[StatementLine], fee: ServiceFee | None
) -> HandoutSection:
    total = sum_amounts(lines) + (fee.amount if fee else 0)
    decimals = max(2, column_decimals(line.amount for line in lines))
    rows = [_row(line, decimals) for line in lines]
    if fee is not None:
        rows.append((f"Service fee {format_exact_percent(float(fee.share))}", "", "", _amount(fee.amount, decimals)))
    rows.append(("Total", "", "", _amount(total, decimals)))
    table = HandoutTable(("used", "quantity", "unit price", "amount"), tuple(rows), main_columns=(3,))
    return HandoutSection(title, terms=(*terms, ("total", _format_cents(total))), table=table)


def sum_amounts(lines: Iterable[StatementLine]) -> Fraction:
    """The sum of lines in picodollars."""
    return sum((Fraction(line.amount) for line in lines), Fraction(0))


def _call_terms(calls: int) -> Iterator[tuple[str, str]]:
    if calls:
        yield "calls", f"{calls:,}"


def _row(line: StatementLine, decimals: int) -> tuple[HandoutCell, ...]:
    is_transcribed = line.offer.kind == "transcription" and line.meter.modality == "audio"
    words = "speech written down" if is_transcribed else METER_WORDS.get(line.meter.name, line.meter.label)
    return f"{line.offer.name}: {words}", _format_quantity(line), _format_unit_price(line), _amount(line.amount, decimals)


def _statement_lines(charges: Iterable[UsageCharge], share: Fraction) -> Iterator[StatementLine]:
    """The charges of all days, one line for each offer, meter and price; the prices include a share."""
    quantities: dict[tuple[str, str, Fraction], int] = defaultdict(int)
    examples: dict[tuple[str, str, Fraction], UsageCharge] = {}
    for charge in charges:
        key = (charge.offer.id, charge.meter.name, charge.rate.price)
        quantities[key] += charge.quantity
        examples[key] = charge
    for key, charge in examples.items():
        amount = charge.rate.amount(quantities[key]) * (1 + share)
        yield StatementLine(charge.offer, charge.meter, charge.rate.price * (1 + share), quantities[key], amount)


def _format_quantity(line: StatementLine) -> str:
    if line.meter.unit == "ms":
        return f"{line.quantity / 60_000:,.1f} minutes"
    return f"{line.quantity:,} {line.meter.unit}{'' if line.quantity == 1 else 's'}"


def _format_unit_price(line: StatementLine) -> str:
    basis = {"1M tokens": "million tokens", "1M characters": "million characters"}.get(line.meter.price_basis)
    return f"{format_price(line.price)} a {basis or line.meter.price_basis}"


def _amount(amount: Amount, decimals: int) -> HandoutAmount:
    return HandoutAmount(format_dollars(amount), format_in_column(amount, decimals))


def _format_cents(amount: Amount) -> str:
    return (
        format_exact(round(Fraction(amount) / LEAST_SHOWN) * LEAST_SHOWN) if amount >= LEAST_SHOWN or not amount else "<$0.01"
    )


def _period(charges: Sequence[UsageCharge]) -> str:
    first, last = min(charge.day for charge in charges), max(charge.day for charge in charges)
    return f"{first}" if first == last else f"{first} to {last}"


def _tenant_name(tenant: FieldValue) -> str:
    return f"Customer {NO_TENANT}" if tenant is None else str(tenant)


def _records(
    tenant: FieldValue, charges: Sequence[UsageCharge], lines: Iterable[StatementLine], fee: ServiceFee | None
) -> Iterator[tuple[CsvCell, ...]]:
    days = (str(min(charge.day for charge in charges)), str(max(charge.day for charge in charges)))
    name = None if tenant is None else str(tenant)
    for line in lines:
        price = format_price(line.price).removeprefix("$")
        quantities = (line.quantity, line.meter.unit, f"{price} per {line.meter.price_basis}", format_dollars(line.amount))
        yield (name, *days, line.offer.name, line.meter.name, *quantities)
    if fee is not None:
        yield (name, *days, None, "service fee", None, None, None, format_dollars(fee.amount))


def _notes(charges: Sequence[UsageCharge]) -> Iterator[str]:
    if any(charge.meter.unit == "token" for charge in charges):
        yield TOKEN_NOTE
    if any(charge.is_lowest for charge in charges):
        yield "Some records can be read in more than one sense: the lowest reading is charged."
