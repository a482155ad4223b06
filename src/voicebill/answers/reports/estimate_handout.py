"""Build the document of an estimate: what a conversation and a month are expected to cost, and on what that is based."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date

from voicebill.answers.escaping import CsvCell
from voicebill.answers.estimates.costing import COST_COMPONENT_LABELS
from voicebill.answers.estimates.estimate import Estimate
from voicebill.answers.estimates.planning_range import AmountRange
from voicebill.answers.estimates.scenarios import Scenarios
from voicebill.answers.reports.estimate_text import (
    amount_rows,
    call_mix_lines,
    fee_rows,
    models_alone_text,
    plan_terms,
    planning_range_text,
    volume_text,
)
from voicebill.answers.reports.handout import (
    Handout,
    HandoutAmount,
    HandoutCell,
    HandoutSection,
    HandoutTable,
    note_sections,
)
from voicebill.answers.reports.report import decimal_text, package_version
from voicebill.billing.currency import Currency
from voicebill.billing.money import Amount, format_amount, format_dollars, format_exact, share_of
from voicebill.billing.price_book import Quote
from voicebill.conversation.script import DEFAULT_TRANSPORT

ESTIMATE_COLUMNS = (
    *("section", "item", "currency", "best", "expected", "worst", "planning_low", "planning_high"),
    *("offer", "provider", "model", "deployment", "region", "transport", "minutes", "turns", "conversations", "period"),
    *("contract", "day", "prices_checked", "prices_digest", "rules", "rules_digest", "issued"),
)
"""The columns of the CSV of an estimate."""


def estimate_handout(answer: Estimate, issued: date, *, link: str = "", exact: bool = False) -> Handout:
    """The document of an estimate that is issued on a day. `exact`: amounts for people have all their digits, too.

    >>> from decimal import Decimal
    >>> import voicebill
    >>> selection = voicebill.ModelSelection(model="gpt-realtime-1.5", day=date(2026, 11, 22))
    >>> answer = voicebill.estimate(voicebill.Plan(minutes=10, turns=20), selection, voicebill.load_facts())
    >>> estimate_handout(answer, date(2026, 11, 23)).sections[0].terms[0]
    ('Issued', '2026-11-23')
    """
    money = format_exact if exact else format_amount
    connection = answer.connection
    return Handout(
        title="Cost estimate",
        summary=_summary(answer, money),
        sections=(
            HandoutSection("What is estimated", terms=tuple(_terms(answer, issued))),
            HandoutSection(
                "Amounts in dollars",
                table=_scenario_table(amount_rows(answer, money), money),
                paragraphs=tuple(_paragraphs(answer, money)),
            ),
            *_currency_section(answer, money, exact=exact),
            HandoutSection("Cost breakdown of the expected conversation", table=_breakdown_table(answer, money)),
            *_connection_section(answer, money),
            *note_sections(
                ("Warnings", (*answer.warnings, *(connection.warnings if connection else ()))),
                ("Assumptions", (*answer.assumptions, *(connection.assumptions if connection else ()))),
                ("Sources of the prices", _sources(answer)),
            ),
        ),
        records=(ESTIMATE_COLUMNS, *_records(answer, issued)),
        version=package_version(),
        link=link,
    )


def _summary(answer: Estimate, money: Callable[[Amount], str]) -> str:
    """What the document says, in a sentence or two that a person can say."""
    month = answer.total_per_month
    text = f"A conversation is expected to cost {_scenario_text(answer.total, money)}."
    if month is None or answer.volume is None:
        return text
    return f"{text} At {volume_text(answer.volume)}, a month is expected to cost {_scenario_text(month, money)}."


def _scenario_text(costs: Scenarios, money: Callable[[Amount], str]) -> str:
    return f"{money(costs.expected)}, from {money(costs.best)} to {money(costs.worst)}"


def _quotes(answer: Estimate) -> list[Quote]:
    """The quotes of all that is paid for."""
    model, fees = answer.model, answer.connection.fees if answer.connection else ()
    return [model.quote, *([model.transcription] if model.transcription else []), *(fee.quote for fee in fees)]


def _terms(answer: Estimate, issued: date) -> Iterator[tuple[str, str]]:
    model, plan = answer.model, answer.plan
    quote, selection = model.quote, model.selection
    transport = model.facts.transport_catalog.transports[plan.transport or DEFAULT_TRANSPORT].title
    yield "Issued", issued.isoformat()
    yield "Model", quote.offer.name
    yield "Provider", quote.offer.provider
    yield "Deployment", quote.offer.deployment
    if quote.region:
        yield "Region", quote.region
    if quote.offer.tier != "standard":
        yield "Service tier", quote.offer.tier
    if model.transcription:
        yield "Transcription", f"{model.transcription.offer.id}, {model.transcription.offer.deployment}"
    yield "Transport", f"{transport}, {answer.connection.codec.name}" if answer.connection else transport
    yield from plan_terms(plan, answer.volume)
    if contract := _contract(answer):
        yield "Contract", contract
    prices, rules = model.facts.prices, model.effective_rules
    yield "Prices", f"of {selection.day}, checked {quote.rates.row.checked}, digest {prices.digest}"
    yield "Rules", f"{rules.name}, digest {rules.digest}"
    if selection.overrides:
        yield "Rules replaced", "; ".join(f"{name} = {value}" for name, value in selection.overrides.items())


def _contract(answer: Estimate) -> str:
    """The contract terms in the prices, such as a discount; empty without any."""
    prices, day = answer.model.facts.prices, answer.model.selection.day
    return "; ".join(dict.fromkeys(term for quote in _quotes(answer) for term in prices.contract_terms(quote.offer, day)))


def _paragraphs(answer: Estimate, money: Callable[[Amount], str]) -> Iterator[str]:
    if answer.planning_range:
        yield planning_range_text(answer, answer.planning_range, money)
    if lines := list(call_mix_lines(answer, money)):
        yield f"{' '.join(line.removesuffix('.') + '.' for line in lines)}"
    if text := models_alone_text(answer, money):
        yield text


def _dollars(amount: Amount, money: Callable[[Amount], str]) -> HandoutAmount:
    return HandoutAmount(format_dollars(amount), money(amount))


def _scenario_table(rows: Iterable[tuple[str, Scenarios]], money: Callable[[Amount], str]) -> HandoutTable:
    cells: Iterator[tuple[HandoutCell, ...]] = (
        (label, *(_dollars(amount, money) for amount in (costs.best, costs.expected, costs.worst))) for label, costs in rows
    )
    return HandoutTable(("", "best", "expected", "worst"), tuple(cells), main_columns=(2,))


def _currency_section(answer: Estimate, money: Callable[[Amount], str], *, exact: bool) -> Iterator[HandoutSection]:
    currency = answer.model.currency
    if currency is None:
        return
    rows: Iterator[tuple[HandoutCell, ...]] = (
        (label, *(_in_currency(amount, currency, exact=exact) for amount in (costs.best, costs.expected, costs.worst)))
        for label, costs in amount_rows(answer, money)
    )
    table = HandoutTable(("", "best", "expected", "worst"), tuple(rows), main_columns=(2,))
    yield HandoutSection(f"Amounts in {currency.code}", table=table)


def _in_currency(amount: Amount, currency: Currency, *, exact: bool) -> HandoutAmount:
    text = currency.format_exact(amount) if exact else currency.format_amount(amount)
    return HandoutAmount(currency.format_decimal(amount), text)


def _breakdown_table(answer: Estimate, money: Callable[[Amount], str]) -> HandoutTable:
    parts = [(COST_COMPONENT_LABELS[part.name], part.amount) for part in answer.breakdown]
    if answer.connection and answer.connection.has_fees:
        parts.append(("connection fees", answer.connection.per_conversation))
    rows: Iterator[tuple[HandoutCell, ...]] = (
        (label, _dollars(amount, money), f"{round(100 * share_of(amount, answer.total.expected))}%") for label, amount in parts
    )
    return HandoutTable(("", "expected", "share"), tuple(rows))


def _connection_section(answer: Estimate, money: Callable[[Amount], str]) -> Iterator[HandoutSection]:
    connection = answer.connection
    if connection is None or not connection.has_fees:
        return
    rows: list[tuple[HandoutCell, ...]] = [(label, _dollars(amount, money)) for label, amount in fee_rows(connection)]
    rows.append(("all fees per conversation", _dollars(connection.per_conversation, money)))
    if connection.per_month is not None:
        rows.append(("all fees per month", _dollars(connection.per_month, money)))
    yield HandoutSection("Connection fees, included in the amounts", table=HandoutTable(("", "amount"), tuple(rows)))


def _sources(answer: Estimate) -> Iterator[str]:
    for quote in _quotes(answer):
        yield f"{quote.offer.id}: {'; '.join(quote.rates.row.sources)}"


def _records(answer: Estimate, issued: date) -> Iterator[tuple[CsvCell, ...]]:
    """A row for every amount, exact, each with what it is the amount of."""
    shared = _shared_cells(answer, issued)
    ranges = {"per_conversation": answer.planning_range, "per_month": answer.monthly_planning_range}
    currency = answer.model.currency
    for item, costs in _named_amounts(answer):
        yield ("amounts", item, "USD", *_exact_cells(costs, ranges.get(item), format_dollars), *shared)
    if answer.connection and answer.connection.has_fees:
        for item, costs in _named_models_alone(answer):
            yield ("models alone", item, "USD", *_exact_cells(costs, None, format_dollars), *shared)
    if currency:
        for item, costs in _named_amounts(answer):
            yield ("amounts", item, currency.code, *_exact_cells(costs, ranges.get(item), currency.format_decimal), *shared)
    for part in answer.breakdown:
        yield ("breakdown", part.name, "USD", None, format_dollars(part.amount), None, None, None, *shared)
    for label, amount in fee_rows(answer.connection) if answer.connection else ():
        yield ("connection fees", label, "USD", None, format_dollars(amount), None, None, None, *shared)


def _named_amounts(answer: Estimate) -> Iterator[tuple[str, Scenarios]]:
    """The amounts with connection fees, by the name that they have in JSON."""
    amounts = {
        "per_conversation": answer.total,
        "per_minute": answer.total_per_minute,
        "mean_per_conversation": answer.total_mean,
        "per_month": answer.total_per_month,
        "per_year": answer.total_per_year,
    }
    return ((name, costs) for name, costs in amounts.items() if costs is not None)


def _named_models_alone(answer: Estimate) -> Iterator[tuple[str, Scenarios]]:
    """The same amounts without connection fees."""
    for name, _ in _named_amounts(answer):
        costs: Scenarios = getattr(answer, name)
        yield name, costs


def _exact_cells(costs: Scenarios, budget: AmountRange | None, exact: Callable[[Amount], str]) -> tuple[CsvCell, ...]:
    ends = (exact(budget.low), exact(budget.high)) if budget else (None, None)
    return (exact(costs.best), exact(costs.expected), exact(costs.worst), *ends)


def _shared_cells(answer: Estimate, issued: date) -> tuple[CsvCell, ...]:
    """What every row says of the estimate: what is sold, how much of it, and on which prices and rules."""
    model, plan, volume = answer.model, answer.plan, answer.volume
    offer, rules = model.quote.offer, model.effective_rules
    return (
        *(offer.id, offer.provider, offer.name, offer.deployment, model.quote.region, plan.transport or DEFAULT_TRANSPORT),
        *(str(plan.minutes), plan.turns),
        *((decimal_text(volume.conversations), volume.period) if volume else (None, None)),
        *(_contract(answer), model.selection.day.isoformat(), model.quote.rates.row.checked.isoformat()),
        *(model.facts.prices.digest, rules.name, rules.digest, issued.isoformat()),
    )
