"""How alternatives and their ranking look on a terminal."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal

from rich.console import Console
from rich.text import Text

from voicebill.answers.alternatives import DIFFERS, LABELS, Alternative, Alternatives
from voicebill.answers.compare import remarks
from voicebill.answers.crossings import UNITS, Flips, Pair
from voicebill.answers.facts import Facts
from voicebill.answers.stacks import SPOKEN
from voicebill.billing.money import Amount, shown
from voicebill.cli import screen

WIDTH = 9
"""Columns for a figure."""


def show(answer: Alternatives, day: date, facts: Facts, out: Console) -> None:
    """Print every way for people, the cheapest first; those that do less by themselves."""
    by = "its month" if answer.by_month else "the planned conversation"
    out.print(screen.heading(f"per conversation on {day}, the cheapest first by {by}"))
    out.print(_plan(answer))
    for title, ways in (("holds the conversation", answer.spoken), ("does less, or something else", answer.others)):
        if ways:
            out.print()
            _table(title, ways, answer, day, out)
    if answer.carried:
        for line in screen.way(answer.carried):
            out.print(line)
    notes = (
        *screen.notes("Cannot serve this plan", (_refused(each) for each in answer.refused)),
        *screen.notes("What differs in kind", _kinds((*answer.spoken, *answer.others))),
        *screen.notes("Mind", _warned(answer.spoken), style="yellow"),
        *screen.notes("Assumed", _assumed(answer)),
    )
    for note in notes:
        out.print(note)
    legend = "; ".join(_legend((*answer.spoken, *answer.others)))
    if legend:
        out.print()
        out.print(legend, style="dim")
    out.print()
    out.print(f"prices {facts.prices.digest}", style="dim")


def _plan(answer: Alternatives) -> str:
    """The plan in a line."""
    plan = answer.plan
    user, assistant = plan.talk
    prompt = screen.counted(plan.instructions_tokens + plan.tools_tokens, "token")
    tools = f"; {screen.counted(plan.tool_calls, 'tool call')}" if plan.tool_calls else ""
    month = f"; {answer.volume}" if answer.volume else ""
    return (
        f"{screen.counted(plan.minutes, 'minute')}, {screen.counted(plan.turns, 'turn')}; the user speaks {user:.0%} of the "
        f"time, the assistant {assistant:.0%}; prompt and tools of {prompt}{tools}{month}"
    )


def _assumed(answer: Alternatives) -> list[str]:
    """What the figures of the stacks rest on, and months; offers of one model are explained by their own estimates."""
    said = [each for way in answer.spoken if way.candidate is None for each in way.counted]
    if answer.by_month:
        said.append("months are over calls that differ in length; where a session ends, calls are cut there, and else nowhere")
    if any(way.candidate for way in answer.spoken):
        said.append("speech to speech: as voicebill estimate explains for each model")
    return list(dict.fromkeys(said))


def _legend(ways: Sequence[Alternative]) -> Iterator[str]:
    """What the words mean that stand beside the figures."""
    offers = [way.candidate for way in ways if way.candidate]
    if any(offer.unproven for offer in offers):
        yield ("unproven: the vendor lists a price, but its availability table does not name the model under that deployment")
    if any(offer.assumed for offer in offers):
        yield "history assumed: how the model treats history was not measured on it"
    if any(way.wait for way in ways):
        yield (
            "seconds: from the end of the user's speech to the first sound, a middle and a bad case, as others measured it; ~ "
            "where a part is assumed"
        )


def _table(title: str, ways: Sequence[Alternative], answer: Alternatives, day: date, out: Console) -> None:
    titles = ["best", "expected", "worst", *(["month"] if answer.volume else []), "times"]
    out.print(Text(f"{title:<35}" + "".join(f"{each:>{WIDTH}}" for each in titles), style="bold"))
    for way in ways:
        costs, ratio = way.per_conversation, answer.ratio(way)
        assert costs is not None
        figures = [shown(costs.best), shown(costs.expected), shown(costs.worst)]
        figures += [
            *([_rounded(way.per_month.expected)] if way.per_month else []),
            f"{float(ratio or 0):.2f}" if ratio else "-",
        ]
        out.print(f"{_label(way):<35}" + "".join(f"{figure:>{WIDTH}}" for figure in figures))
        out.print(screen.indented(Text(", ".join(_remarks(way, day)), style="dim")))


def _label(way: Alternative) -> str:
    if way.candidate is not None:
        return f"{way.candidate.offer.provider} {way.candidate.offer.model}"
    label = LABELS[way.architecture]
    name = way.name.removeprefix(f"{label}-").removesuffix(f"-{label}")
    return label if name == label else f"{label}: {name}"


def _remarks(way: Alternative, day: date) -> Iterator[str]:
    """How it is sold or made, and what to mind of it, in few words."""
    if way.candidate is not None:
        yield from remarks(way.candidate, day)
    else:
        yield way.models
        if way.ends:
            yield f"{'may have ended' if way.ends <= day else 'ends'} {way.ends}"
        if way.monthly:
            yield f"{shown(way.monthly)} a month beside"
        if way.architecture == "live":
            yield "hand-over to the backend assumed"
        if any(line.rate and line.rate.stands_in for leg in way.legs for line in leg.lines):
            yield "no cached price, priced as fresh"
    if way.wait:
        yield f"{'~' if way.wait.assumed else ''}{way.wait}"
    elif way.architecture in SPOKEN:
        yield "wait not known"


def _kinds(ways: Iterable[Alternative]) -> Iterator[str]:
    for architecture in dict.fromkeys(way.architecture for way in ways):
        yield f"{LABELS[architecture]}: {DIFFERS[architecture]}"


def _warned(ways: Iterable[Alternative]) -> list[str]:
    """What to fear of the stacks; offers of one model say it in their own line."""
    return list(dict.fromkeys(said for way in ways if way.candidate is None for said in way.warnings))


def _refused(way: Alternative) -> str:
    """Why something cannot serve the plan, named once."""
    said = str(way.refusal)
    return said if said.startswith(way.name) else f"{way.name}: {said}"


def _rounded(amount: Amount) -> str:
    return f"${round(amount / 10**12):,}"


def show_flips(found: Iterable[Flips], out: Console) -> None:
    """Print where the ranking flips, pair by pair."""
    for each in found:
        within = each.within
        out.print()
        out.print(
            screen.heading(
                f"Where the ranking flips: {within.low.normalize():,f} to {within.high.normalize():,f} {UNITS[within.axis]}"
            )
        )
        for pair in each.pairs:
            for line in _crossings(pair):
                out.print(screen.indented(line))
        for gap in each.gaps:
            out.print(screen.indented(Text(gap, style="dim")))


def _crossings(pair: Pair) -> Iterator[str]:
    if not pair.crossings:
        yield (
            f"{pair.first} and {pair.second}: nowhere; "
            + (f"{pair.cheaper} is cheaper throughout" if pair.cheaper else "the same")
        )
    for each in pair.crossings:
        yield (
            f"{pair.first} and {pair.second}: between {_at(each.below)} and {_at(each.above)}; "
            f"below {each.cheaper_below} is cheaper, above {each.cheaper_above}"
        )


def _at(value: Decimal) -> str:
    """A value of a range, to two decimals."""
    return f"{round(value, 2).normalize():,f}"


def show_pipelines(answer: Alternatives, count: int, out: Console) -> None:
    """Print the cheapest of all pipelines."""
    out.print()
    out.print(screen.heading(f"The {len(answer.spoken)} cheapest of {count:,} pipelines"))
    table = screen.table("", "best", "expected", "worst", "ends")
    for way in answer.spoken:
        assert way.per_conversation is not None
        costs = way.per_conversation
        table.add_row(way.models, shown(costs.best), shown(costs.expected), shown(costs.worst), str(way.ends or "-"))
    out.print(screen.indented(table))
