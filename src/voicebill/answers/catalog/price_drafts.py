"""Write what a comparison finds as rows to review, in the form of a facts file.

Prices that differ become contracted prices, which a price file may have for an offer of the price book, so that the file can be
used beside it as it is. Above each are, as comments, the lines by which the price book itself would be changed. What is new is
there as a whole offer, commented out: what a name stands for is read from its words, and is to be checked.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal

from voicebill.answers.catalog.price_comparison import PriceComparison
from voicebill.answers.catalog.price_findings import GoneEntry, NewEntry, PriceDifference
from voicebill.answers.catalog.price_tables import PriceTableName, PublishedPriceTable
from voicebill.answers.escaping import json_text, visible_text
from voicebill.billing.money import format_price
from voicebill.billing.offers import DEFAULT_DEPLOYMENT, Offer

TableDifference = tuple[PublishedPriceTable, PriceDifference]
TableEntry = tuple[PublishedPriceTable, NewEntry]


def price_drafts(comparison: PriceComparison) -> str:
    """The rows to review as TOML, which `load_facts` accepts."""
    return "\n".join([*_heading(comparison), *_changed_prices(comparison), *_new_offers(comparison), *_gone(comparison), ""])


def _heading(comparison: PriceComparison) -> Iterator[str]:
    yield f"# Rows to review: the price book on {comparison.day} and other price tables."
    for item in comparison.tables:
        yield _comment(f"{item.table.title}: {', '.join(item.table.files)}")
    yield "# The contracted rows can be used as they are, beside the price book: voicebill estimate --prices FILE"


def _comment(text: str) -> str:
    return f"# {visible_text(text)}"


def _string(text: str) -> str:
    return json_text(visible_text(text))


def _usd(prices: Mapping[str, Decimal]) -> str:
    return f"usd = {{ {', '.join(f'{meter} = {price:f}' for meter, price in prices.items())} }}"


def _source(table: PublishedPriceTable, listed_as: str) -> str:
    return f"{table.title} ({', '.join(table.files)}): {listed_as}"


def _changed_prices(comparison: PriceComparison) -> Iterator[str]:
    """Yield the lines about each offer with another price."""
    by_offer: dict[str, list[TableDifference]] = defaultdict(list)
    for item in comparison.tables:
        for difference in item.differences:
            by_offer[difference.offer.id].append((item.table, difference))
    for group in by_offer.values():
        yield ""
        for table, difference in group:
            yield _comment(_difference_text(table, difference, comparison))
        changes = [(table, item) for table, item in group if item.reason in ("price-differs", "starts-later")]
        if changes:
            yield from _contracted_rows(group[0][1].offer, changes, comparison.day)


def _difference_text(table: PublishedPriceTable, difference: PriceDifference, comparison: PriceComparison) -> str:
    meter = comparison.book.meters[difference.meter]
    regions = f" in {', '.join(difference.regions)}" if difference.regions else ""
    since = f" since {difference.since}" if difference.since else ""
    return (
        f"{difference.offer.id}: {meter.label} {format_price(difference.theirs)}{meter.price_unit}{since}{regions}, not "
        f"{format_price(difference.ours)} ({difference.reason}; {table.title}, {difference.listed_as})"
    )


def _contracted_rows(offer: Offer, changes: Sequence[TableDifference], day: date) -> Iterator[str]:
    """Yield contracted prices from each day on which one changes; of two tables, the first decides about a meter."""
    starts = sorted({item.since or day for _, item in changes})
    rows = [(start, _prices_at(changes, start, day)) for start in starts]
    sources = list(dict.fromkeys(_source(table, item.listed_as) for table, item in changes))
    for start, prices in rows:
        yield _comment(f'For the price book: end the row since {changes[0][1].row.since} with until = "{start}", and add')
        yield "# [[offers.prices]]"
        yield f'# since = "{start}"'
        yield f"# {_usd({**changes[0][1].row.unit_prices, **prices})}"
    yield "[[contracted]]"
    yield f"offer = {_string(offer.id)}"
    for index, (start, prices) in enumerate(rows):
        yield "[[contracted.prices]]"
        yield f'since = "{start}"'
        if index + 1 < len(rows):
            yield f'until = "{rows[index + 1][0]}"'
        yield _usd(prices)
        yield f"checked = {day}"
        yield from _certainty([item.since for _, item in changes if item.meter in prices], {table.name for table, _ in changes})
        yield f"sources = [{', '.join(map(_string, sources))}]"


def _prices_at(changes: Iterable[TableDifference], start: date, day: date) -> dict[str, Decimal]:
    """The changed prices in effect on a day, by meter: those that began last, of the first table that has any."""
    chosen: dict[str, tuple[PublishedPriceTable, date, Decimal]] = {}
    for table, item in changes:
        since = item.since or day
        earlier = chosen.get(item.meter)
        if since <= start and (earlier is None or (earlier[0] is table and earlier[1] < since)):
            chosen[item.meter] = (table, since, item.theirs)
    return {meter: price for meter, (_, _, price) in chosen.items()}


def _new_offers(comparison: PriceComparison) -> Iterator[str]:
    """Yield a draft of each new offer, and a line about everything else that is new."""
    entries = [(item.table, entry) for item in comparison.tables for entry in item.new]
    drafts: dict[tuple[object, ...], list[TableEntry]] = defaultdict(list)
    for table, entry in entries:
        if entry.offer is None and entry.unit_prices:
            key = (table.name, entry.provider, entry.model, entry.deployment, entry.zone, entry.tier, entry.regions)
            drafts[key].append((table, entry))
    for group in drafts.values():
        yield ""
        yield from (f"# {line}" for line in _offer_draft(group, comparison.day))
    others = [(table, entry) for table, entry in entries if entry.offer is not None or not entry.unit_prices]
    if others:
        yield ""
    for table, entry in others:
        yield _comment(_entry_text(table, entry))


def _offer_draft(group: Sequence[TableEntry], day: date) -> Iterator[str]:
    """Yield the lines of an offer as a facts file has them."""
    table, first = group[0]
    yield "[[offers]]"
    yield f"provider = {_string(first.provider)}"
    yield f"model = {_string(first.model)}"
    yield f'kind = "{first.kind}"'
    if first.deployment != DEFAULT_DEPLOYMENT:
        yield f'deployment = "{first.deployment}"'
    for name, value in (("zone", first.zone), ("tier", "" if first.tier == "standard" else first.tier)):
        if value:
            yield f"{name} = {_string(value)}"
    if first.regions:
        yield f"regions = [{', '.join(map(_string, first.regions))}]"
    by_meter = {meter: entry for _, entry in reversed(group) for meter in entry.unit_prices}
    if first.unit:
        yield "[offers.vendor_meters]"
        for meter, entry in by_meter.items():
            yield f"{meter} = {{ name = {_string(entry.listed_as)}, unit = {_string(entry.unit)} }}"
    yield "[[offers.prices]]"
    yield f'since = "{min((entry.since for _, entry in group if entry.since), default=day)}"'
    yield _usd({meter: entry.unit_prices[meter] for meter, entry in by_meter.items()})
    yield f"checked = {day}"
    yield from _certainty([first.since], {table.name})
    yield f"sources = [{_string(_source(table, first.listed_as))}]"


def _certainty(starts: Iterable[date | None], tables: set[PriceTableName]) -> Iterator[str]:
    """Yield the confidence of prices that are not from the vendor's own list, and a note on a first day that is not known."""
    if tables != {"azure-retail"}:
        yield 'confidence = "medium"'
    if None in set(starts):
        yield 'note = "since is the day of the comparison: the table gives no first day"'


def _entry_text(table: PublishedPriceTable, entry: NewEntry) -> str:
    owner = entry.offer.id if entry.offer else f"{entry.provider}/{entry.model}"
    prices = ", ".join(f"{meter} = {price:f}" for meter, price in entry.unit_prices.items())
    listed = f"{format_price(entry.dollars)} for {entry.unit}" if entry.dollars is not None else ""
    regions = f" in {', '.join(entry.regions)}" if entry.regions else ""
    since = f" since {entry.since}" if entry.since else ""
    return f"{owner}: {prices or listed}{since}{regions} ({entry.reason}; {table.title}, {entry.listed_as})"


def _gone(comparison: PriceComparison) -> Iterator[str]:
    """Yield a line about every offer that a table does not have."""
    entries: list[tuple[PublishedPriceTable, GoneEntry]] = [
        (item.table, entry) for item in comparison.tables for entry in item.gone
    ]
    if entries:
        yield ""
    for table, entry in entries:
        what = "" if entry.reason == "not-in-table" else f" {', '.join(entry.meters)}"
        yield _comment(f"{entry.offer.id}{what}: not in {table.title}; the row since {entry.row.since} may have ended")
