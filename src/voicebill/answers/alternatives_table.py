"""Alternatives as a table for documents and spreadsheets: a row for each way, with the sources of its prices."""

from collections.abc import Iterator
from typing import NamedTuple

from voicebill.answers.alternatives import DIFFERS, LABELS, Alternative, Alternatives
from voicebill.billing.money import Amount, dollars, shown

TITLES = (
    *("holds_the_conversation", "architecture", "name", "models", "best", "expected", "worst", "expected_per_minute"),
    *("expected_per_month", "wait_low_ms", "wait_high_ms", "ends", "sources"),
)


LEGEND = (
    "Dollars per conversation, the cheapest first. Best, expected and worst are what the cache may find; times: of the",
    "cheapest way that holds the conversation. Answers after: from the end of the user's speech to the first sound, a",
    "middle and a bad case, as others measured it; ~ where a part is assumed. Ends: the soonest day on which one of the",
    "models ends by some source. The last column numbers the sources of the prices, below.",
)


class Row(NamedTuple):
    """One way: whether it holds the conversation, and what is to be told of it."""

    spoken: bool
    way: Alternative


def cells(answer: Alternatives) -> list[list[str]]:
    """A title row, and a row for each way; dollars are exact decimal strings."""
    return [list(TITLES), *(_cells(row, answer) for row in _rows(answer))]


def markdown(answer: Alternatives, heading: str) -> str:
    """The ways as a table in Markdown, the cheapest first, with the sources of their prices numbered below."""
    sources: dict[str, int] = {}
    text = [f"# {heading}", "", *LEGEND, ""]
    for title, ways in (("Holds the conversation", answer.spoken), ("Does less, or something else", answer.others)):
        if ways:
            text += [f"## {title}", "", *_table(ways, answer, sources), ""]
    text += ["## What differs in kind", ""]
    met = dict.fromkeys(way.architecture for way in (*answer.spoken, *answer.others))
    text += [f"- **{LABELS[architecture]}**: {DIFFERS[architecture]}" for architecture in met]
    text += ["", "## Sources of the prices", ""]
    text += [f"{number}. {_plain(source)}" for source, number in sources.items()]
    return "\n".join(text) + "\n"


def _rows(answer: Alternatives) -> Iterator[Row]:
    yield from (Row(True, way) for way in answer.spoken)
    yield from (Row(False, way) for way in answer.others)


def _cells(row: Row, answer: Alternatives) -> list[str]:
    way, costs = row.way, row.way.per_conversation
    assert costs is not None
    amounts: tuple[Amount | None, ...] = (
        *(costs.best, costs.expected, costs.worst, way.per_minute(answer.plan).expected),
        way.per_month.expected if way.per_month else None,
    )
    return [
        *("yes" if row.spoken else "no", LABELS[way.architecture], way.name, way.models),
        *("" if amount is None else dollars(amount) for amount in amounts),
        *((str(way.wait.low_ms), str(way.wait.high_ms)) if way.wait else ("", "")),
        *(str(way.ends or ""), "; ".join(_sources(way))),
    ]


def _table(ways: tuple[Alternative, ...], answer: Alternatives, sources: dict[str, int]) -> Iterator[str]:
    yield "| | made of | best | expected | worst | a minute | times | answers after | ends | prices |"
    yield "|---|---|--:|--:|--:|--:|--:|---|---|---|"
    for way in ways:
        costs, ratio = way.per_conversation, answer.ratio(way)
        assert costs is not None
        for source in _sources(way):
            sources.setdefault(source, len(sources) + 1)
        yield _line(
            _named(way),
            way.models,
            *(shown(costs.best), f"**{shown(costs.expected)}**", shown(costs.worst)),
            shown(way.per_minute(answer.plan).expected),
            f"{float(ratio):.2f}" if ratio else "",
            f"{'~' if way.wait.assumed else ''}{way.wait}" if way.wait else "",
            str(way.ends or ""),
            ", ".join(str(sources[source]) for source in _sources(way)),
        )


def _named(way: Alternative) -> str:
    """A way by its title, with its architecture where the title does not say it."""
    label = LABELS[way.architecture]
    return way.title if label in way.title else f"{label}: {way.title}"


def _line(*said: str) -> str:
    return f"| {' | '.join(_plain(each) for each in said)} |"


def _sources(way: Alternative) -> list[str]:
    return list(dict.fromkeys(source for leg in way.legs for source in leg.found.rates.row.sources))


def _plain(source: str) -> str:
    """A name or a source as text, in a table too: an address is no link, since many stand in a sentence of others."""
    return source.replace("|", "\\|").replace("<", "&lt;")
