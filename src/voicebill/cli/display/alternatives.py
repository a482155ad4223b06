"""Print alternatives, their break-even, and pipelines on a terminal."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal

from rich.console import Console
from rich.text import Text

from voicebill.answers.catalog.facts import Facts
from voicebill.answers.comparison.alternatives import DESCRIPTIONS, NOT_COMPARED, Alternative, Alternatives
from voicebill.answers.comparison.break_even import UNITS, BreakEvenCurve, PairComparison
from voicebill.answers.comparison.choices import LABELS
from voicebill.answers.comparison.compare import offer_notes
from voicebill.answers.parsing.quantities import pluralize
from voicebill.answers.reports.comparison_cells import assumption_notes, impossible_text, latency_text
from voicebill.cli.display import terminal

ENDING_TITLE = "These end within 90 days"


def print_alternatives(answer: Alternatives, day: date, facts: Facts, out: Console) -> None:
    """Print all alternatives, cheapest first, with notes, warnings and assumptions; partial alternatives separately."""
    by = "monthly cost" if answer.by_month else "the planned conversation"
    fees = " with connection fees" if answer.connection and answer.connection.has_fees else ""
    out.print(terminal.heading(f"per conversation{fees} on {day}, the cheapest first by {by}"))
    out.print(_plan_line(answer))
    for title, alternatives in (
        ("Conversational agents", answer.conversational),
        ("Partial alternatives", answer.partial),
    ):
        if alternatives:
            out.print()
            _table(title, alternatives, answer, out)
    if answer.connection:
        for line in terminal.connection_section(answer.connection):
            out.print(line)
    notes = (
        *terminal.notes("Not possible for this plan", map(impossible_text, answer.not_possible)),
        *terminal.notes("How they differ", _differences((*answer.conversational, *answer.partial))),
        *terminal.notes("Warnings", answer.listed_warnings, style="yellow"),
        *terminal.notes("Assumptions", assumption_notes(answer)),
    )
    for note in notes:
        out.print(note)
    legend = "; ".join(_legend(answer))
    if legend:
        out.print()
        out.print(legend, style="dim")
    out.print()
    out.print(f"prices {facts.prices.digest}", style="dim")


def _plan_line(answer: Alternatives) -> str:
    """One line about the plan."""
    plan = answer.plan
    user, assistant = plan.speech_shares
    prompt = pluralize(plan.instructions_tokens + plan.tools_tokens, "token")
    tools = f"; {pluralize(plan.tool_calls, 'tool call')}" if plan.tool_calls else ""
    month = f"; {answer.volume}" if answer.volume else ""
    return (
        f"{pluralize(plan.minutes, 'minute')}, {pluralize(plan.turns, 'turn')}; "
        f"the user speaks {user:.0%} of the time, the assistant {assistant:.0%}; prompt and tools of {prompt}{tools}{month}"
    )


def _legend(answer: Alternatives) -> Iterator[str]:
    """Explanations of the terms in the tables."""
    alternatives = (*answer.conversational, *answer.partial)
    if any(answer.split_by_ending(alternatives)[1]):
        yield "--include-ending ranks those that end within 90 days with the others"
    offer_estimates = [alternative.candidate for alternative in alternatives if alternative.candidate]
    if any(offer_estimate.availability_unconfirmed for offer_estimate in offer_estimates):
        yield (
            "availability unconfirmed: the vendor lists a price, but its availability table does not name the model for that "
            "deployment"
        )
    if any(offer_estimate.history_assumed for offer_estimate in offer_estimates):
        yield "history not measured: how the model treats history was not measured on it"
    if any(alternative.latency for alternative in alternatives):
        yield (
            "seconds: response latency from the end of the user's speech to the first sound, a typical and a slow case, as "
            "published by others; ~ marks figures that are partly assumed"
        )


def _table(title: str, alternatives: Sequence[Alternative], answer: Alternatives, out: Console) -> None:
    table = terminal.table(title, "best", "expected", "worst", *(["per month"] if answer.volume else []), "vs cheapest")
    lasting, ending = answer.split_by_ending(alternatives)
    for alternative in (*lasting, *ending):
        if ending and alternative is ending[0]:
            table.add_section(ENDING_TITLE, "bold")
        costs, ratio = answer.total(alternative), answer.ratio_to_cheapest(alternative)
        assert costs is not None
        month: list[terminal.Cell] = []
        if answer.volume:
            total = answer.total_per_month(alternative)
            month = [terminal.AmountCell(total.expected) if total else ""]
        table.add_row(
            _label(alternative),
            *(terminal.AmountCell(amount) for amount in (costs.best, costs.expected, costs.worst)),
            *month,
            f"{float(ratio):.2f}" if ratio else "-",
        )
        table.add_section(f"  {', '.join((*_month_note(alternative, answer), *_notes(alternative)))}", "dim")
    out.print(table)


def _label(alternative: Alternative) -> str:
    if alternative.candidate is not None:
        return f"{alternative.candidate.offer.provider} {alternative.candidate.offer.model}"
    label = LABELS[alternative.architecture]
    name = alternative.name.removeprefix(f"{label}-").removesuffix(f"-{label}")
    return label if name == label else f"{label}: {name}"


def _month_note(alternative: Alternative, answer: Alternatives) -> Iterator[str]:
    """How its month is computed, if there is a volume."""
    mean = answer.total_mean(alternative)
    if mean and answer.volume:
        yield terminal.month_text(mean.expected, answer.volume, answer.monthly_fee(alternative))


def _notes(alternative: Alternative) -> Iterator[str]:
    """Short notes on an alternative: its terms of sale or its models, its end, fees and latency."""
    if alternative.candidate is not None:
        yield from offer_notes(alternative.candidate)
    else:
        yield alternative.models
        if alternative.ends:
            yield f"ends {alternative.ends}"
        if alternative.fixed_monthly_fee:
            yield f"plus {terminal.amount_text(alternative.fixed_monthly_fee)} per month"
        if alternative.architecture == "live":
            yield "hand-over to the backend assumed"
        if any(line.rate and line.rate.is_fallback for component in alternative.components for line in component.lines):
            yield "no cached price, priced as uncached"
    if text := latency_text(alternative):
        yield text if alternative.latency else f"latency {text}"


def _differences(alternatives: Iterable[Alternative]) -> Iterator[str]:
    for architecture in dict.fromkeys(alternative.architecture for alternative in alternatives):
        yield f"{LABELS[architecture]}: {DESCRIPTIONS[architecture]}"
    yield NOT_COMPARED


def print_break_even(curves: Iterable[BreakEvenCurve], out: Console) -> None:
    """Print the break-even points of each pair of alternatives, by axis."""
    for curve in curves:
        sweep_range = curve.sweep_range
        out.print()
        out.print(
            terminal.heading(
                f"Break-even: {sweep_range.low.normalize():,f} to {sweep_range.high.normalize():,f} {UNITS[sweep_range.axis]}"
            )
        )
        for pair in curve.pairs:
            for line in _break_even_lines(pair):
                out.print(terminal.indent(line))
        for gap in curve.missing:
            out.print(terminal.indent(Text(gap, style="dim")))


def _break_even_lines(pair: PairComparison) -> Iterator[str]:
    if not pair.break_evens:
        position = "first" if pair.cheaper == pair.first else "second"
        yield (
            f"{pair.first} and {pair.second}: nowhere; "
            + (f"the {position} is cheaper throughout" if pair.cheaper else "equal throughout")
        )
    for crossing in pair.break_evens:
        yield (
            f"{pair.first} and {pair.second}: between {_format_value(crossing.below)} and {_format_value(crossing.above)}; "
            f"below {crossing.cheaper_below} is cheaper, above {crossing.cheaper_above}"
        )


def _format_value(value: Decimal) -> str:
    """A value on an axis, rounded to two decimals."""
    return f"{round(value, 2).normalize():,f}"


def print_pipelines(answer: Alternatives, count: int, out: Console) -> None:
    """Print the cheapest of `count` pipelines."""
    out.print()
    out.print(terminal.heading(f"The {len(answer.conversational)} cheapest of {count:,} pipelines"))
    table = terminal.table("", "best", "expected", "worst", "ends")
    lasting, ending = answer.split_by_ending(answer.conversational)
    for alternative in (*lasting, *ending):
        if ending and alternative is ending[0]:
            table.add_section(ENDING_TITLE, "bold")
        costs = alternative.per_conversation
        assert costs is not None
        table.add_row(
            alternative.models,
            terminal.AmountCell(costs.best),
            terminal.AmountCell(costs.expected),
            terminal.AmountCell(costs.worst),
            str(alternative.ends or "-"),
        )
    out.print(terminal.indent(table))
    for note in terminal.notes("Warnings on the prices of these pipelines", answer.warnings_on_prices, style="yellow"):
        out.print(note)
