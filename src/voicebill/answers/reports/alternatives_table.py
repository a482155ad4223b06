"""Format alternatives as CSV rows or as a Markdown document, with the sources of their prices."""

from collections.abc import Iterator
from typing import NamedTuple

from voicebill.answers.comparison.alternatives import DESCRIPTIONS, NOT_COMPARED, Alternative, Alternatives
from voicebill.answers.comparison.choices import LABELS
from voicebill.answers.escaping import markdown_text
from voicebill.answers.reports.comparison_cells import latency_text
from voicebill.billing.money import Amount, format_amount, format_dollars

TITLES = (
    *("conversational", "architecture", "name", "models", "best", "expected", "worst", "connection", "expected_per_minute"),
    *("expected_mean", "expected_per_month", "latency_low_ms", "latency_high_ms", "ends", "ending_soon", "sources"),
)


LEGEND = (
    "Dollars per conversation, cheapest first. Best, expected and worst are cache scenarios; vs cheapest: ratio to the",
    "cheapest conversational agent of the first table. Response latency: from the end of the user's speech to the first sound,",
    "a typical and a slow case, as published by others; ~ marks figures that are partly assumed. Ends: the earliest day on",
    "which one of the models ends. The last column numbers the sources of the prices below.",
)
CONNECTION_LEGEND = "Amounts of conversational agents include connection fees."


class AlternativeRow(NamedTuple):
    """A row of the table: an alternative with its costs, latency, lifecycle and sources."""

    conversational: bool
    alternative: Alternative


def table_rows(answer: Alternatives) -> list[list[str]]:
    """A title row, and a row per alternative. Amounts are exact decimal strings in dollars.

    They include connection fees, which `connection` gives for one conversation.
    """
    return [list(TITLES), *(_row_cells(row, answer) for row in _rows(answer))]


def markdown(answer: Alternatives, heading: str) -> str:
    """A Markdown document with the alternatives, cheapest first, and the numbered sources of their prices."""
    sources: dict[str, int] = {}
    has_fees = answer.connection is not None and answer.connection.has_fees
    text = [f"# {markdown_text(heading)}", "", *LEGEND, *([CONNECTION_LEGEND] if has_fees else []), ""]
    for title, alternatives in _titled_groups(answer):
        text += [f"## {title}", "", *_table(alternatives, answer, sources), ""]
    text += ["## How they differ", ""]
    architectures = dict.fromkeys(alternative.architecture for alternative in (*answer.conversational, *answer.partial))
    text += [f"- **{LABELS[architecture]}**: {DESCRIPTIONS[architecture]}" for architecture in architectures]
    text.append(f"- {NOT_COMPARED}")
    warnings = answer.warnings_on_prices
    text += ["", "## Warnings", "", *(f"- {markdown_text(warning)}" for warning in warnings)] if warnings else []
    text += ["", "## Sources of the prices", ""]
    text += [f"{number}. {markdown_text(source)}" for source, number in sources.items()]
    return "\n".join(text) + "\n"


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


def _rows(answer: Alternatives) -> Iterator[AlternativeRow]:
    yield from (AlternativeRow(True, alternative) for alternative in answer.conversational)
    yield from (AlternativeRow(False, alternative) for alternative in answer.partial)


def _row_cells(row: AlternativeRow, answer: Alternatives) -> list[str]:
    alternative, costs = row.alternative, answer.total(row.alternative)
    mean, month = answer.total_mean(alternative), answer.total_per_month(alternative)
    assert costs is not None
    assert alternative.per_conversation is not None
    amounts: tuple[Amount | None, ...] = (
        *(costs.best, costs.expected, costs.worst, costs.expected - alternative.per_conversation.expected),
        costs.per_minute(answer.plan.minutes).expected,
        mean.expected if mean else None,
        month.expected if month else None,
    )
    return [
        *("yes" if row.conversational else "no", LABELS[alternative.architecture], alternative.name, alternative.models),
        *("" if amount is None else format_dollars(amount) for amount in amounts),
        *((str(alternative.latency.low_ms), str(alternative.latency.high_ms)) if alternative.latency else ("", "")),
        *(str(alternative.ends or ""), "yes" if alternative.ending_soon else "no", "; ".join(_sources(alternative))),
    ]


def _table(alternatives: tuple[Alternative, ...], answer: Alternatives, sources: dict[str, int]) -> Iterator[str]:
    yield "| | models | best | expected | worst | per minute | vs cheapest | response latency | ends | sources |"
    yield "|---|---|--:|--:|--:|--:|--:|---|---|---|"
    for alternative in alternatives:
        costs, ratio = answer.total(alternative), answer.ratio_to_cheapest(alternative)
        assert costs is not None
        for source in _sources(alternative):
            sources.setdefault(source, len(sources) + 1)
        yield _line(
            markdown_text(_label(alternative)),
            markdown_text(alternative.models),
            *(format_amount(costs.best), f"**{format_amount(costs.expected)}**", format_amount(costs.worst)),
            format_amount(costs.per_minute(answer.plan.minutes).expected),
            f"{float(ratio):.2f}" if ratio else "",
            markdown_text(latency_text(alternative)) if alternative.latency else "",
            markdown_text(str(alternative.ends or "")),
            ", ".join(str(sources[source]) for source in _sources(alternative)),
        )


def _label(alternative: Alternative) -> str:
    """The title of an alternative, with its architecture unless the title contains it."""
    label = LABELS[alternative.architecture]
    return alternative.title if label in alternative.title else f"{label}: {alternative.title}"


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _sources(alternative: Alternative) -> list[str]:
    return list(dict.fromkeys(source for component in alternative.components for source in component.quote.rates.row.sources))
