"""Print the comparison of the price book with other price tables."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from textwrap import shorten
from typing import Any

from rich.console import Console

from voicebill.answers.catalog.price_comparison import PriceComparison, TableComparison
from voicebill.answers.catalog.price_findings import GoneEntry, NewEntry, PriceAgreement, PriceDifference
from voicebill.answers.reports.report import format_decimal
from voicebill.billing.meters import Meter
from voicebill.billing.money import format_price
from voicebill.cli.display import terminal

MAX_MALFORMED = 5
"""At most so many entries that cannot be read are named; all are in the JSON."""
SOURCE_WIDTH = 60
"""Of a source of ours so many characters are shown; the JSON has all sources."""


def print_price_comparison(comparison: PriceComparison, out: Console) -> None:
    """Print a section for each table: what differs, what is new, what is gone, and how much agrees."""
    for index, item in enumerate(comparison.tables):
        if index:
            out.print()
        out.print(terminal.heading(f"The price book on {comparison.day} and {item.table.title}"))
        out.print(", ".join(item.table.files), style="dim")
        out.print()
        out.print(_summary(item))
        for part in _sections(item, comparison.book.meters):
            out.print(part)


def _summary(item: TableComparison) -> str:
    counts = {"agree": item.agreements, "differ": len(item.differences), "new": len(item.new), "gone": len(item.gone)}
    return ", ".join(f"{label} {count}" for label, count in counts.items())


def _sections(item: TableComparison, meters: Mapping[str, Meter]) -> Iterator[Any]:
    if item.differences:
        yield from ("", terminal.heading("Differs"), terminal.indent(_differences_table(item.differences, meters)))
    if item.new:
        yield from ("", terminal.heading("New in the table"), terminal.indent(_new_table(item.new, meters)))
    if item.gone:
        yield from ("", terminal.heading("Not in the table"), terminal.indent(_gone_table(item.gone, meters)))
    yield from terminal.notes("Notes", _notes(item, meters))


def _differences_table(differences: Iterable[PriceDifference], meters: Mapping[str, Meter]) -> terminal.DataTable:
    table = terminal.table("meter", "ours", "since", "theirs", "since", "ratio", "reason", "listed as", wrapped=(7,))
    offer_id = ""
    for item in sorted(differences, key=lambda item: item.offer.id):
        if item.offer.id != offer_id:
            offer_id = item.offer.id
            table.add_section(f"{offer_id}; ours: {shorten(item.row.sources[0], SOURCE_WIDTH, placeholder='...')}")
        table.add_row(
            f"  {meters[item.meter].label}",
            _price_text(item.meter, item.ours, meters),
            str(item.row.since),
            _price_text(item.meter, item.theirs, meters),
            _or_dash(item.since),
            "-" if item.ratio is None else format_decimal(item.ratio),
            item.reason,
            _listed_text(item.listed_as, item.unit, item.regions),
        )
    return table


def _new_table(entries: Iterable[NewEntry], meters: Mapping[str, Meter]) -> terminal.DataTable:
    table = terminal.table("listed as", "since", "reason", "prices", wrapped=(3,))
    for entry in entries:
        prices = ", ".join(
            f"{meters[meter].label} {_price_text(meter, price, meters)}" for meter, price in entry.unit_prices.items()
        )
        listed = "" if entry.dollars is None else f"{format_price(entry.dollars)} for {entry.unit}"
        regions = f" in {_region_text(entry.regions)}" if entry.regions else ""
        table.add_row(entry.listed_as, _or_dash(entry.since), entry.reason, f"{prices or listed}{regions}")
    return table


def _gone_table(entries: Iterable[GoneEntry], meters: Mapping[str, Meter]) -> terminal.DataTable:
    table = terminal.table("offer", "our row since", "reason", "meters", wrapped=(3,))
    for entry in entries:
        names = "all" if entry.reason == "not-in-table" else "; ".join(meters[name].label for name in entry.meters)
        table.add_row(entry.offer.id, str(entry.row.since), entry.reason, names)
    return table


def _notes(item: TableComparison, meters: Mapping[str, Meter]) -> Iterator[str]:
    yield from map(_disputed_text, _by_offer(item.disputed, meters).items())
    yield from item.warnings
    if item.skipped:
        yield f"not compared: {', '.join(f'{reason} {count:,}' for reason, count in item.skipped.items())}"
    malformed = item.table.malformed
    if malformed:
        more = f"; and {len(malformed) - MAX_MALFORMED:,} more" if len(malformed) > MAX_MALFORMED else ""
        yield f"cannot be read: {'; '.join(malformed[:MAX_MALFORMED])}{more}"


def _by_offer(agreements: Iterable[PriceAgreement], meters: Mapping[str, Meter]) -> Mapping[str, list[str]]:
    labels: dict[str, list[str]] = {}
    for agreement in agreements:
        labels.setdefault(agreement.offer.id, []).append(meters[agreement.meter].label)
    return labels


def _disputed_text(labels: tuple[str, Sequence[str]]) -> str:
    return f"{labels[0]}: {', '.join(labels[1])} as another source has it, which our row lists as disputed"


def _price_text(meter: str, price: Decimal, meters: Mapping[str, Meter]) -> str:
    return f"{format_price(price)}{meters[meter].price_unit}"


def _listed_text(name: str, unit: str, regions: Sequence[str]) -> str:
    return f"{name}{f' ({unit})' if unit else ''}{f', {_region_text(regions)}' if regions else ''}"


def _region_text(regions: Sequence[str]) -> str:
    return f"{regions[0]} +{len(regions) - 1}" if len(regions) > 1 else regions[0]


def _or_dash(value: object) -> str:
    return "-" if value is None else str(value)
