"""Define `voicebill prices`: the price book, the history of one model, the check of a file, or a comparison of tables."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, get_args

import typer
from rich.console import Console
from rich.table import Table

from voicebill.answers.catalog.price_list import listed_offers
from voicebill.billing.errors import InvalidInput
from voicebill.billing.meters import Meter
from voicebill.billing.money import format_price
from voicebill.billing.offers import Kind, Offer, PriceRow, Rates
from voicebill.billing.price_book import PriceBook
from voicebill.cli.display import terminal
from voicebill.cli.display.plain_lines import print_line
from voicebill.cli.options.inputs import DAY_OPTION, ENDED_OPTION
from voicebill.cli.options.shared import PricesOption, choice_parser, home_files, option, today
from voicebill.facts import load_facts

KIND_CHOICES: tuple[str, ...] = get_args(Kind)
DEFAULT_KIND: Kind = "realtime"
DISPLAY_PANEL = "Selection"
COMPARISON_PANEL = "Other price tables"
TABLES = "Azure's retail prices, litellm's, or those of genai-prices"


def prices_command(
    name: Annotated[
        str | None,
        typer.Argument(help="A model: its offers with their history and sources.", metavar="[MODEL]", show_default=False),
    ] = None,
    *,
    provider: Annotated[str | None, option("--provider", "Only this provider's offers.", DISPLAY_PANEL, metavar="NAME")] = None,
    kind: Annotated[
        str | None,
        option(
            "--kind",
            f"One of {', '.join(KIND_CHOICES)}. (default: {DEFAULT_KIND}; with a model, all kinds)",
            DISPLAY_PANEL,
            choice_parser(*KIND_CHOICES),
            "NAME",
        ),
    ] = None,
    day: DAY_OPTION = None,
    ended: ENDED_OPTION = False,
    prices: PricesOption = None,
    file_to_check: Annotated[
        Path | None,
        option("--check", "Check a TOML file of prices or rules, and report every fault.", DISPLAY_PANEL, metavar="FILE"),
    ] = None,
    against: Annotated[
        list[Path] | None,
        option("--against", f"Compare with a saved price table: {TABLES}. Repeatable.", COMPARISON_PANEL, metavar="FILE"),
    ] = None,
    out_file: Annotated[
        Path | None,
        option("--out", "Write what --against finds as rows to review, a .toml file.", COMPARISON_PANEL, metavar="FILE"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.", rich_help_panel=DISPLAY_PANEL)] = False,
) -> None:
    """Show the price book of a day, the history of one model, check your own file, or compare with other price tables.

    \b
        voicebill prices
        voicebill prices gpt-realtime-mini --provider azure
        voicebill prices --check my-prices.toml
        voicebill prices --against azure-retail-prices.json
    """  # noqa: D301 - \b is Typer's mark for lines that stay as they are
    if against:
        _require_comparison_only(out_file, model=name, kind=kind, ended=ended, check=file_to_check)
        _compare_tables(against, out_file, provider, prices, day or today(), as_json=as_json)
        return
    if out_file is not None:
        raise InvalidInput("--out has the rows of a comparison: give --against, too")
    if file_to_check is not None:
        if name is not None:
            raise InvalidInput(f"a check needs no model: leave {name!r} out")
        _check_file(file_to_check, day or today(), as_json=as_json)
        return
    book, effective_day = load_facts(*home_files(), *(prices or ())).prices, day or today()
    listed_kind = kind or DEFAULT_KIND
    if name:
        offers_shown = tuple(offer for offer in book.offers_named(name, provider) if kind in (None, offer.kind))
    else:
        listed = listed_offers(book, effective_day, listed_kind, provider, ended=ended)
        offers_shown = tuple(offer for offer in listed if offer.tier == "standard")
    if as_json:
        from voicebill.answers.reports.prices import PriceListReport  # noqa: PLC0415 - only for JSON: reports cost start-up time

        terminal.print_json(PriceListReport.of(book, offers_shown, effective_day))
    elif name and not offers_shown:
        print_line(f"{name} is not sold as a {kind} model")
    elif name:
        _print_history(offers_shown, book, day, terminal.console())
    elif not offers_shown:
        print_line(f"no {listed_kind} model{f' of {provider}' if provider else ''} is sold on {effective_day}")
    else:
        _print_list(offers_shown, listed_kind, effective_day, book, terminal.console())


def _require_comparison_only(out_file: Path | None, **options: object) -> None:
    """Refuse what a comparison with other price tables does not take, and a file of rows that is not TOML.

    Raises:
        InvalidInput: there is such an option, or such a file.
    """
    others = [name for name, value in options.items() if value]
    if others:
        raise InvalidInput(f"a comparison with other price tables takes no {' and no '.join(others)}: leave it out")
    if out_file is not None and out_file.suffix.lower() != ".toml":
        raise InvalidInput(f"--out writes .toml here, not {out_file.name}")


def _compare_tables(
    files: Sequence[Path],
    out_file: Path | None,
    provider: str | None,
    prices: Sequence[Path] | None,
    day: date,
    *,
    as_json: bool,
) -> None:
    """Print what other price tables say about the prices of a day, and write the rows to review.

    Raises:
        UnreadableFile: a file cannot be read, or written.
        InvalidInput: a file is no price table.
    """
    from voicebill.answers.catalog.price_comparison import compare_price_tables  # noqa: PLC0415 - only for comparisons
    from voicebill.answers.catalog.price_drafts import price_drafts  # noqa: PLC0415
    from voicebill.facts.price_tables.read import read_price_tables  # noqa: PLC0415

    book = load_facts(*home_files(), *(prices or ())).prices
    comparison = compare_price_tables(book, read_price_tables(files), day, provider)
    if out_file is not None:
        from voicebill.cli.display.table_files import write_text  # noqa: PLC0415

        write_text(price_drafts(comparison), out_file)
    if as_json:
        from voicebill.answers.reports.price_comparison import PriceComparisonReport  # noqa: PLC0415

        terminal.print_json(PriceComparisonReport.of(comparison))
    else:
        from voicebill.cli.display.price_comparison import print_price_comparison  # noqa: PLC0415

        print_price_comparison(comparison, terminal.console())


def _check_file(file: Path, day: date, *, as_json: bool) -> None:
    """Print what a file of facts adds, and which of its offers cannot be estimated.

    Raises:
        InvalidFile: it has errors.
    """
    built_in = load_facts()
    checked = load_facts(file)
    offers, sets = (
        len(checked.prices.offers) - len(built_in.prices.offers),
        len(checked.rules.sets) - len(built_in.rules.sets),
    )
    book = checked.prices
    own_counts = {name: len(getattr(book, name)) for name in ("contracted", "adjustments", "currencies")}
    own_counts["stacks"] = len(checked.stacks) - len(built_in.stacks)
    own_counts["aliases"] = len(book.model_aliases)
    own_offers = [offer for offer in book.offers if offer not in built_in.prices.offers]
    missing = checked.missing_rules(own_offers, day)
    if as_json:
        from voicebill.answers.reports.prices import PriceFileReport  # noqa: PLC0415 - only for JSON: reports cost start-up time
        from voicebill.answers.reports.report import package_version  # noqa: PLC0415

        terminal.print_json(
            PriceFileReport(
                voicebill=package_version(),
                file=str(file),
                faults=(),
                offers=offers,
                rule_sets=sets,
                missing_rules=missing,
                **own_counts,
            )
        )
    else:
        counts = {"offers": offers, "rule sets": sets, **own_counts}
        summary = ", ".join(f"{label} {count}" for label, count in counts.items())
        print_line(f"{file} has no faults: {summary}")
        for offer_id, names in missing.items():
            print_line(
                f"{offer_id} cannot be estimated until the file has the rules {', '.join(names)}; its logs can be costed"
            )


def _print_list(offers: Iterable[Offer], kind: str, day: date, book: PriceBook, out: Console) -> None:
    out.print(terminal.heading(f"{kind} offers on {day}"))
    out.print("dollars per 1M tokens: in/cached/out; per minute and per 1M characters where stated", style="dim")
    previous_title = ""
    for offer in sorted(offers, key=lambda item: (item.provider, item.model, item.version or "", item.id)):
        if (title := f"{offer.provider}/{offer.name}") != previous_title:
            out.print()
            out.print(terminal.heading(title))
            previous_title = title
        row = offer.row_on(day) or book.price_row(offer, day)
        texts = list(_price_texts(offer, row, book.meters)) if row else ["no price on this day"]
        if end := book.shutdown_of(offer):
            texts.append(f"{'ended' if book.is_shut_down(offer, day) else 'ends'} {end.day_text}")
        out.print(terminal.indent(_list_entry(_location(offer), texts, out)))
    out.print()
    out.print("One model with its history and sources: voicebill prices MODEL", style="dim")
    out.print(f"Other kinds: --kind {', '.join(other for other in KIND_CHOICES if other != kind)}", style="dim")


def _list_entry(location: str, texts: Sequence[str], out: Console) -> Table:
    """The place of an offer with its prices, none of which is cut: beside it, or on a narrow terminal below it."""
    entry = Table.grid(padding=(0, 2))
    if out.width < terminal.NARROW:
        for text in (location, *(f"  {text}" for text in texts)):
            entry.add_row(text)
    else:
        entry.add_column(min_width=22)
        entry.add_column(overflow="fold")
        entry.add_row(location, "  ".join(texts))
    return entry


def _location(offer: Offer) -> str:
    if offer.deployment != "regional" or not offer.regions:
        return f"{offer.deployment} {offer.zone}".rstrip()
    other_regions = len(offer.regions) - 1
    return f"{offer.deployment} {offer.regions[0]}{f' +{other_regions}' if other_regions else ''}"


def _price_texts(offer: Offer, row: PriceRow, meters: Mapping[str, Meter]) -> Iterable[str]:
    """Short texts of a row's prices: token prices together by modality, others with their unit."""
    grouped: set[str] = set()
    for modality in ("text", "audio", "image"):
        names = [f"{modality}_in", f"{modality}_in_cached", f"{modality}_out"]
        if any(name in row.unit_prices for name in names):
            grouped.update(names)
            prices = (row.unit_prices.get(name) for name in names[: 2 if modality == "image" else 3])
            yield f"{modality} " + "/".join("-" if price is None else _format_short(price) for price in prices)
    for name, price in row.unit_prices.items():
        if name not in grouped:
            yield f"{meters[name].label} {format_price(price)}{meters[name].price_unit}"
    if Rates.from_row(offer, row, meters).is_incomplete:
        yield "(incomplete)"
    if row.disputes:
        yield "(disputed)"


def _format_short(price: Decimal) -> str:
    return format_price(price)[1:].removesuffix(".00")


def _print_history(offers: Iterable[Offer], book: PriceBook, day: date | None, out: Console) -> None:
    for offer in offers:
        out.print(terminal.heading(f"{offer.id}  ({offer.kind}{', an example, not for sale here' if offer.example else ''})"))
        if offer.regions:
            out.print(terminal.indent(f"listed in {', '.join(offer.regions)}"))
        for row in offer.rows:
            out.print()
            ends = f" until {row.until}" if row.until else ""
            in_force = f"; in force on {day}" if day and row is offer.row_on(day) else ""
            out.print(terminal.indent(f"since {row.since}{ends}, checked {row.checked}{in_force}"))
            _print_row(row, offer, book.meters, out)
        for fact in _related_facts(offer, book):
            out.print(terminal.indent(fact))
        out.print()


def _print_row(row: PriceRow, offer: Offer, meters: Mapping[str, Meter], out: Console) -> None:
    table = terminal.table("meter", "price", "on the invoice" if offer.vendor_meters else "", wrapped=(2,))
    for name, price in row.unit_prices.items():
        vendor, vendor_unit = offer.vendor_meters.get(name, ("", ""))
        invoice = f"{vendor} ({vendor_unit})" if vendor else ""
        table.add_row(meters[name].label, f"{format_price(price)}{meters[name].price_unit}", invoice)
    out.print(terminal.indent(terminal.indent(table)))
    for note in (*([f"note: {row.note}"] if row.note else []), *(f"source: {source}" for source in row.sources)):
        out.print(terminal.indent(terminal.indent(note)), style="dim")
    for name, disputes in row.disputes.items():
        for dispute in disputes:
            text = f"disputed: {meters[name].label} {format_price(dispute.price)} according to {dispute.source}"
            out.print(terminal.indent(terminal.indent(text)), style="dim")


def _related_facts(offer: Offer, book: PriceBook) -> Iterable[str]:
    for end in book.lifecycle_of(offer):
        disputed_dates = ", ".join(f"{day} according to {source}" for day, source in end.disputed)
        disputed = f" (disputed: {disputed_dates})" if disputed_dates else ""
        replacement = f", replaced by {end.replacement}" if end.replacement else ""
        yield f"ends {end.when}{disputed}{replacement}; source: {end.source}, checked {end.checked}"
    for charge in book.surcharges:
        if charge.provider == offer.provider and offer.model in charge.models:
            yield f"{charge.name}: × {charge.factor}; {charge.note}; source: {charge.source}"
    for place in book.availability:
        if place.provider == offer.provider and offer.model in place.models:
            where = f" in {', '.join(place.regions)}" if place.regions else ""
            yield f"can be deployed as {place.deployment}{where}; {place.note}; source: {place.source}"
