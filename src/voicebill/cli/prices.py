"""`voicebill prices`: the price book, one of its offers with history and sources, or a check of a file."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, get_args

import typer
from rich.console import Console

from voicebill.answers.shape import offer_shape
from voicebill.billing.errors import InvalidInput
from voicebill.billing.meters import Meter
from voicebill.billing.money import quoted
from voicebill.billing.offers import Kind, Offer, PriceRow, Rates
from voicebill.billing.price_book import PriceBook
from voicebill.cli import screen
from voicebill.cli.options import OnDay, option, today, word
from voicebill.facts import check, load

KINDS: tuple[str, ...] = get_args(Kind)
SHOW = "What is shown"


def prices_command(
    name: Annotated[
        str | None,
        typer.Argument(help="A model: its offers with their history and sources.", metavar="[MODEL]", show_default=False),
    ] = None,
    *,
    provider: Annotated[str | None, option("--provider", "Only this provider's offers.", SHOW, metavar="NAME")] = None,
    kind: Annotated[
        str, option("--kind", f"One of {', '.join(KINDS)}. (default: realtime)", SHOW, word(*KINDS), "NAME")
    ] = "realtime",
    day: OnDay = None,
    check_file: Annotated[
        Path | None, option("--check", "Read a TOML file of prices or rules, and report every fault.", SHOW, metavar="FILE")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.", rich_help_panel=SHOW)] = False,
) -> None:
    """The price book: what is sold on a day, one model's whole history, or a check of your own file.

    \b
        voicebill prices
        voicebill prices gpt-realtime-mini --provider azure
        voicebill prices --check my-prices.toml
    """  # noqa: D301 - \b is Typer's mark for lines that stay as they are
    if check_file is not None:
        if name is not None:
            raise InvalidInput(f"a check needs no model: leave {name!r} out")
        known = load()
        found = check(check_file)
        offers, sets = len(found.prices.offers) - len(known.prices.offers), len(found.rules.sets) - len(known.rules.sets)
        book = found.prices
        own = {name: len(getattr(book, name)) for name in ("negotiated", "adjustments", "currencies")}
        own["stacks"] = len(found.stacks) - len(known.stacks)
        if as_json:
            screen.as_json({"file": str(check_file), "faults": [], "offers": offers, "rule_sets": sets, **own})
        else:
            counted = ", ".join(f"{what} {many}" for what, many in {"offers": offers, "rule sets": sets, **own}.items())
            typer.echo(f"{check_file} has no faults: {counted}")
        return
    book, on = load().prices, day or today()
    offers_shown = book.named(name, provider) if name else _sold(book, kind, provider, on)
    if as_json:
        screen.as_json({"digest": book.digest, "currency": "USD", "offers": [offer_shape(offer) for offer in offers_shown]})
    elif name:
        _show_history(offers_shown, book, day, screen.console())
    elif not offers_shown:
        typer.echo(f"no {kind} model{f' of {provider}' if provider else ''} has a price on {on}")
    else:
        _show_list(offers_shown, kind, on, book.meters, screen.console())


def _sold(book: PriceBook, kind: str, provider: str | None, day: date) -> tuple[Offer, ...]:
    if provider is not None and provider not in {offer.provider for offer in book.offers}:
        book.named("", provider)
    return tuple(
        offer
        for offer in book.offers
        if offer.kind == kind and provider in (None, offer.provider) and offer.tier == "standard" and offer.row_on(day)
    )


def _show_list(offers: Iterable[Offer], kind: str, day: date, meters: Mapping[str, Meter], out: Console) -> None:
    out.print(screen.heading(f"{kind} offers on {day}"))
    out.print("dollars per 1M tokens: in/cached/out; per minute and per 1M characters where said so", style="dim")
    named = ""
    for offer in sorted(offers, key=lambda each: (each.provider, each.model, each.version or "", each.id)):
        if (name := f"{offer.provider}/{offer.name}") != named:
            out.print()
            out.print(screen.heading(name))
            named = name
        row = offer.row_on(day)
        assert row is not None
        out.print(screen.indented(f"{_where(offer):<22}  {'  '.join(_priced(offer, row, meters))}"))
    out.print()
    out.print("One model with its history and sources: voicebill prices MODEL", style="dim")
    out.print(f"Other kinds: --kind {', '.join(other for other in KINDS if other != kind)}", style="dim")


def _where(offer: Offer) -> str:
    if offer.deployment != "regional" or not offer.regions:
        return offer.deployment
    others = len(offer.regions) - 1
    return f"{offer.deployment} {offer.regions[0]}{f' +{others}' if others else ''}"


def _priced(offer: Offer, row: PriceRow, meters: Mapping[str, Meter]) -> Iterable[str]:
    """A row's prices in few words: token prices together by modality, others with their unit."""
    told: set[str] = set()
    for modality in ("text", "audio", "image"):
        names = [f"{modality}_in", f"{modality}_in_cached", f"{modality}_out"]
        if any(name in row.prices for name in names):
            told.update(names)
            prices = (row.prices.get(name) for name in names[: 2 if modality == "image" else 3])
            yield f"{modality} " + "/".join("-" if price is None else _short(price) for price in prices)
    for name, price in row.prices.items():
        if name not in told:
            yield f"{meters[name].label} {quoted(price)}{meters[name].price_unit}"
    if Rates.of(offer, row, meters).incomplete:
        yield "(incomplete)"
    if row.disputes:
        yield "(disputed)"


def _short(price: Decimal) -> str:
    return quoted(price)[1:].removesuffix(".00")


def _show_history(offers: Iterable[Offer], book: PriceBook, day: date | None, out: Console) -> None:
    for offer in offers:
        out.print(screen.heading(f"{offer.id}  ({offer.kind}{', an example, not for sale here' if offer.example else ''})"))
        if offer.regions:
            out.print(screen.indented(f"listed in {', '.join(offer.regions)}"))
        for row in offer.rows:
            out.print()
            ends = f" until {row.until}" if row.until else ""
            holds = f"; in force on {day}" if day and row is offer.row_on(day) else ""
            out.print(screen.indented(f"since {row.since}{ends}, checked {row.checked}{holds}"))
            _show_row(row, offer, book.meters, out)
        for fact in _around(offer, book):
            out.print(screen.indented(fact))
        out.print()


def _show_row(row: PriceRow, offer: Offer, meters: Mapping[str, Meter], out: Console) -> None:
    shape = screen.table("meter", "price", "on the invoice" if offer.vendor_meters else "")
    shape.columns[-1].justify = "left"
    shape.columns[-1].no_wrap = False
    for name, price in row.prices.items():
        vendor, counted_in = offer.vendor_meters.get(name, ("", ""))
        invoice = f"{vendor} ({counted_in})" if vendor else ""
        shape.add_row(meters[name].label, f"{quoted(price)}{meters[name].price_unit}", invoice)
    out.print(screen.indented(screen.indented(shape)))
    for note in (*([f"note: {row.note}"] if row.note else []), *(f"source: {source}" for source in row.sources)):
        out.print(screen.indented(screen.indented(note)), style="dim")
    for name, disputes in row.disputes.items():
        for dispute in disputes:
            said = f"disputed: {meters[name].label} {quoted(dispute.price)} according to {dispute.source}"
            out.print(screen.indented(screen.indented(said)), style="dim")


def _around(offer: Offer, book: PriceBook) -> Iterable[str]:
    for end in book.ends(offer):
        rivals = ", ".join(f"{day} according to {source}" for day, source in end.disputed)
        disputed = f" (disputed: {rivals})" if rivals else ""
        instead = f", replaced by {end.replacement}" if end.replacement else ""
        yield f"ends {end.shutdown}{disputed}{instead}; source: {end.source}, checked {end.checked}"
    for charge in book.surcharges:
        if charge.provider == offer.provider and offer.model in charge.models:
            yield f"{charge.name}: × {charge.factor}; {charge.note}; source: {charge.source}"
    for place in book.availability:
        if place.provider == offer.provider and offer.model in place.models:
            where = f" in {', '.join(place.regions)}" if place.regions else ""
            yield f"can be deployed as {place.deployment}{where}; {place.note}; source: {place.source}"
