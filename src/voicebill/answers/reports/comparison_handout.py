"""Build the document of a comparison: all alternatives with their costs, terms of sale, lifecycle, sources and assumptions."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from voicebill.answers.catalog.facts import Facts
from voicebill.answers.comparison.alternatives import DESCRIPTIONS, NOT_COMPARED, Alternative, Alternatives
from voicebill.answers.comparison.choices import LABELS
from voicebill.answers.escaping import CsvCell
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.answers.estimates.scenarios import Scenarios
from voicebill.answers.parsing.quantities import pluralize
from voicebill.answers.reports.comparison_cells import assumption_notes, impossible_text, latency_text
from voicebill.answers.reports.estimate_text import fee_rows, plan_terms
from voicebill.answers.reports.handout import (
    Handout,
    HandoutAmount,
    HandoutCell,
    HandoutSection,
    HandoutTable,
    note_sections,
)
from voicebill.answers.reports.report import decimal_text, dollars_or_null, format_decimal, package_version
from voicebill.billing.money import Amount, format_amount, format_dollars, format_exact
from voicebill.conversation.script import DEFAULT_TRANSPORT

COMPARISON_COLUMNS = (
    *("conversational", "architecture", "name", "models", "provider", "deployment", "region"),
    *("best", "expected", "worst", "connection", "expected_per_minute", "expected_mean"),
    *("best_per_month", "expected_per_month", "worst_per_month", "vs_cheapest", "latency_low_ms", "latency_high_ms"),
    *("ends", "ending_soon", "minutes", "turns", "conversations", "period", "day", "prices_digest", "sources"),
)
"""The columns of the CSV of a comparison."""

LEGEND = (
    "Dollars, cheapest first. Best, expected and worst are cache scenarios; vs cheapest: ratio to the cheapest conversational "
    "agent of the first table. Response latency: from the end of the user's speech to the first sound, a typical and a slow "
    "case, as published by others; ~ marks figures that are partly assumed. Ends: the earliest day on which one of the models "
    "ends. The last column numbers the sources of the prices below."
)
CONNECTION_LEGEND = "Amounts of conversational agents include connection fees."
MONTH_LEGEND = "The amounts of a month are over calls of different lengths."


def comparison_handout(
    answer: Alternatives, selection: ModelSelection, facts: Facts, *, link: str = "", exact: bool = False
) -> Handout:
    """The document of a comparison. `exact`: amounts for people have all their digits, too."""
    plan, money = answer.plan, format_exact if exact else format_amount
    conversation = f"{pluralize(plan.minutes, 'minute')} and {pluralize(plan.turns, 'turn')}"
    sources: dict[str, int] = {}
    tables = [
        HandoutSection(title, table=_table(alternatives, answer, sources, money))
        for title, alternatives in _titled_groups(answer)
    ]
    architectures = dict.fromkeys(row.architecture for row in (*answer.conversational, *answer.partial))
    connection = answer.connection
    return Handout(
        title=f"One conversation of {conversation}, every way, on {selection.day}",
        summary=_cheapest_text(answer, money),
        sections=(
            HandoutSection(
                "What is compared",
                terms=tuple(_terms(answer, selection, facts, money)),
                paragraphs=(" ".join(_legend(answer)),),
            ),
            *tables,
            *note_sections(
                ("Not possible for this plan", map(impossible_text, answer.not_possible)),
                ("How they differ", (*(f"{LABELS[name]}: {DESCRIPTIONS[name]}" for name in architectures), NOT_COMPARED)),
                ("Warnings", (*answer.listed_warnings, *(connection.warnings if connection else ()))),
                ("Assumptions", (*assumption_notes(answer), *(connection.assumptions if connection else ()))),
            ),
            HandoutSection("Sources of the prices", notes=tuple(sources), is_numbered=True),
        ),
        records=(COMPARISON_COLUMNS, *_records(answer, selection, facts)),
        version=package_version(),
        link=link,
        is_wide=True,
    )


def _cheapest_text(answer: Alternatives, money: Callable[[Amount], str]) -> str:
    """What the document says, in a sentence that a person can say."""
    if not answer.conversational:
        return "No conversational agent is possible for this plan."
    cheapest = answer.conversational[0]
    costs, month = answer.total(cheapest), answer.total_per_month(cheapest)
    assert costs is not None
    monthly = f", {money(month.expected)} a month" if month else ""
    return (
        f"The cheapest conversational agent, {cheapest.title} ({cheapest.models}), is expected to cost "
        f"{money(costs.expected)} per conversation{monthly}."
    )


def _legend(answer: Alternatives) -> Iterator[str]:
    yield LEGEND
    if answer.connection is not None and answer.connection.has_fees:
        yield CONNECTION_LEGEND
    if answer.volume:
        yield MONTH_LEGEND


def _terms(
    answer: Alternatives, selection: ModelSelection, facts: Facts, money: Callable[[Amount], str]
) -> Iterator[tuple[str, str]]:
    yield from plan_terms(answer.plan, answer.volume)
    connection = answer.connection
    transport = facts.transport_catalog.transports[answer.plan.transport or DEFAULT_TRANSPORT].title
    yield "Transport", f"{transport}, {connection.codec.name}" if connection else transport
    if connection and connection.has_fees:
        yield "Connection fees", "; ".join(f"{label}: {money(amount)}" for label, amount in fee_rows(connection))
    if contract := _contract(answer, selection, facts):
        yield "Contract", contract
    yield "Prices", f"of {selection.day}, digest {facts.prices.digest}"
    yield "Rules", selection.rules or facts.rules.default
    if selection.overrides:
        yield "Rules replaced", "; ".join(f"{name} = {value}" for name, value in selection.overrides.items())


def _contract(answer: Alternatives, selection: ModelSelection, facts: Facts) -> str:
    """The contract terms in the prices of any alternative; empty without any."""
    offers = {
        component.quote.offer.id: component.quote.offer
        for row in (*answer.conversational, *answer.partial)
        for component in row.components
    }
    return "; ".join(
        dict.fromkeys(term for offer in offers.values() for term in facts.prices.contract_terms(offer, selection.day))
    )


def _titled_groups(answer: Alternatives) -> Iterator[tuple[str, tuple[Alternative, ...]]]:
    """The alternatives in their groups, each with its title: those that end within 90 days below the others."""
    for title, alternatives in (
        ("Conversational agents", answer.conversational),
        ("Partial alternatives", answer.partial),
    ):
        lasting, ending = answer.split_by_ending(alternatives)
        if lasting:
            yield title, lasting
        if ending:
            yield f"{title} that end within 90 days", ending


def _table(
    alternatives: tuple[Alternative, ...], answer: Alternatives, sources: dict[str, int], money: Callable[[Amount], str]
) -> HandoutTable:
    """The table of a group; `sources` gets the sources of its prices that it does not have yet, with their numbers."""
    by_month = answer.volume is not None
    amounts = ("best", "expected", "worst")
    monthly = tuple(f"{name} a month" for name in amounts) if by_month else ("per minute",)
    columns = ("", "models", "provider", "deployment", *amounts, *monthly, "vs cheapest", "response latency", "ends", "sources")
    count = len(columns)
    return HandoutTable(
        columns,
        tuple(tuple(_table_row(alternative, answer, sources, money)) for alternative in alternatives),
        text_columns=(1, 2, 3, count - 3, count - 2, count - 1),
        main_columns=(5, 8) if by_month else (5,),
    )


def _table_row(
    alternative: Alternative, answer: Alternatives, sources: dict[str, int], money: Callable[[Amount], str]
) -> Iterator[HandoutCell]:
    costs, ratio = answer.total(alternative), answer.ratio_to_cheapest(alternative)
    assert costs is not None
    for source in _sources(alternative):
        sources.setdefault(source, len(sources) + 1)
    place = _place(alternative)
    yield _label(alternative)
    yield from (alternative.models, place.provider, place.deployment)
    yield from _amount_cells(costs, money)
    if answer.volume is None:
        yield HandoutAmount(format_dollars(per_minute := costs.per_minute(answer.plan.minutes).expected), money(per_minute))
    elif month := answer.total_per_month(alternative):
        yield from _amount_cells(month, money)
    else:
        yield from ("", "", "")
    yield f"{float(ratio):.2f}" if ratio else ""
    yield latency_text(alternative) if alternative.latency else ""
    yield str(alternative.ends or "")
    yield ", ".join(str(sources[source]) for source in _sources(alternative))


def _amount_cells(costs: Scenarios, money: Callable[[Amount], str]) -> Iterator[HandoutAmount]:
    return (HandoutAmount(format_dollars(amount), money(amount)) for amount in (costs.best, costs.expected, costs.worst))


def _records(answer: Alternatives, selection: ModelSelection, facts: Facts) -> Iterator[tuple[CsvCell, ...]]:
    """A row for every alternative. Amounts are exact and include connection fees, of which `connection` is one call's."""
    shared = (
        *(str(answer.plan.minutes), answer.plan.turns),
        *((decimal_text(answer.volume.conversations), answer.volume.period) if answer.volume else (None, None)),
        *(selection.day.isoformat(), facts.prices.digest),
    )
    for rows, mark in ((answer.conversational, "yes"), (answer.partial, "no")):
        for alternative in rows:
            place, latency = _place(alternative), alternative.latency
            yield (
                *(mark, LABELS[alternative.architecture], alternative.name, alternative.models, *place),
                *(dollars_or_null(amount) for amount in _row_amounts(alternative, answer)),
                format_decimal(ratio) if (ratio := answer.ratio_to_cheapest(alternative)) else None,
                *((latency.low_ms, latency.high_ms) if latency else (None, None)),
                *(str(alternative.ends or ""), "yes" if alternative.ending_soon else "no"),
                *shared,
                "; ".join(_sources(alternative)),
            )


def _row_amounts(alternative: Alternative, answer: Alternatives) -> tuple[Amount | None, ...]:
    costs, mean, month = answer.total(alternative), answer.total_mean(alternative), answer.total_per_month(alternative)
    assert costs is not None
    assert alternative.per_conversation is not None
    return (
        *(costs.best, costs.expected, costs.worst, costs.expected - alternative.per_conversation.expected),
        costs.per_minute(answer.plan.minutes).expected,
        mean.expected if mean else None,
        *((month.best, month.expected, month.worst) if month else (None, None, None)),
    )


class _Place(NamedTuple):
    """Where an alternative's models are sold: in the order of processing, a name once where all have the same."""

    provider: str
    deployment: str
    region: str


def _place(alternative: Alternative) -> _Place:
    offers = [(component.quote.offer, component.quote.region) for component in alternative.model_components]
    return _Place(
        _in_order(offer.provider for offer, _ in offers),
        _in_order(offer.deployment for offer, _ in offers),
        _in_order(region or "" for _, region in offers),
    )


def _in_order(names: Iterable[str]) -> str:
    items = list(names)
    return items[0] if len(set(items)) == 1 else " → ".join(items)


def _label(alternative: Alternative) -> str:
    """The title of an alternative, with its architecture unless the title contains it."""
    label = LABELS[alternative.architecture]
    return alternative.title if label in alternative.title else f"{label}: {alternative.title}"


def _sources(alternative: Alternative) -> list[str]:
    return list(dict.fromkeys(source for component in alternative.components for source in component.quote.rates.row.sources))
