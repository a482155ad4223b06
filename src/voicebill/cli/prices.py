"""`voicebill prices`: the price book, one of its offers with history and sources, or a check of a file."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from voicebill.answers.shape import offer_shape
from voicebill.billing.money import quoted
from voicebill.billing.offers import Offer, PriceRow
from voicebill.billing.price_book import PriceBook
from voicebill.cli import screen
from voicebill.cli.options import OnDay, option, today, word
from voicebill.facts import check, load

KINDS = ("realtime", "live", "translation", "transcription", "speech", "text", "audio-chat", "telephony")
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
        known = load()
        found = check(check_file)
        offers, sets = len(found.prices.offers) - len(known.prices.offers), len(found.rules.sets) - len(known.rules.sets)
        typer.echo(f"{check_file} has no faults: offers {offers}, rule sets {sets}")
        return
    book, on = load().prices, day or today()
    offers_shown = book.named(name, provider) if name else _sold(book, kind, provider, on)
    if as_json:
        screen.as_json({"digest": book.digest, "currency": "USD", "offers": [offer_shape(offer) for offer in offers_shown]})
    elif name:
        _show_history(offers_shown, book, screen.console())
    else:
        _show_list(offers_shown, kind, on, screen.console())


def _sold(book: PriceBook, kind: str, provider: str | None, day: date) -> tuple[Offer, ...]:
    if provider is not None and provider not in {offer.provider for offer in book.offers}:
        book.named("", provider)
    return tuple(
        offer
        for offer in book.offers
        if offer.kind == kind and provider in (None, offer.provider) and offer.tier == "standard" and offer.row_on(day)
    )


def _show_list(offers: Iterable[Offer], kind: str, day: date, out: Console) -> None:
    offers = tuple(offers)
    meters = load().prices.meters
    out.print(screen.heading(f"{kind} offers on {day}, in dollars"))
    out.print()
    columns = [name for name in meters if any(name in row.prices for offer in offers if (row := offer.row_on(day)))]
    if len(columns) > 1:
        out.print("text, audio and image in / cached / out, per 1M tokens", style="dim")
        _show_token_list(offers, day, out)
    else:
        shape = screen.table("offer", "price")
        for offer in offers:
            row = offer.row_on(day)
            assert row is not None
            shape.add_row(offer.id, ", ".join(_priced(row)))
        out.print(shape)
    out.print()
    out.print(
        "One model with its history and sources: voicebill prices MODEL. Other kinds: --kind " + ", ".join(KINDS[1:]),
        style="dim",
    )


def _show_token_list(offers: Iterable[Offer], day: date, out: Console) -> None:
    shape = screen.table("offer", "text", "audio", "image")
    for offer in offers:
        row = offer.row_on(day)
        assert row is not None
        shape.add_row(offer.id, *(_modality(row, modality) for modality in ("text", "audio", "image")))
    out.print(shape)


def _modality(row: PriceRow, modality: str) -> str:
    names = (f"{modality}_in", f"{modality}_in_cached", f"{modality}_out")
    prices = [row.prices.get(name) for name in names if name != "image_out"]
    if all(price is None for price in prices):
        return "-"
    return "/".join("-" if price is None else quoted(price)[1:].removesuffix(".00") for price in prices)


def _priced(row: PriceRow) -> Iterable[str]:
    meters = load().prices.meters
    for name, price in row.prices.items():
        yield f"{meters[name].label} {quoted(price)}{meters[name].price_unit}"


def _show_history(offers: Iterable[Offer], book: PriceBook, out: Console) -> None:
    for offer in offers:
        out.print(screen.heading(f"{offer.id}  ({offer.kind}{', an example, not for sale here' if offer.example else ''})"))
        if offer.regions:
            out.print(screen.indented(f"listed in {', '.join(offer.regions)}"))
        for row in offer.rows:
            out.print()
            out.print(screen.indented(f"since {row.since}{f' until {row.until}' if row.until else ''}, checked {row.checked}"))
            _show_row(row, offer, out)
        for fact in _around(offer, book):
            out.print(screen.indented(fact))
        out.print()


def _show_row(row: PriceRow, offer: Offer, out: Console) -> None:
    meters = load().prices.meters
    shape = screen.table("meter", "price", "disputed", "on the invoice" if offer.vendor_meters else "", left=1)
    shape.columns[-1].justify = "left"
    shape.columns[-1].no_wrap = False
    for name, price in row.prices.items():
        unit = meters[name].price_unit
        rivals = ", ".join(quoted(dispute.price) for dispute in row.disputes.get(name, ()))
        vendor, counted_in = offer.vendor_meters.get(name, ("", ""))
        shape.add_row(meters[name].label, f"{quoted(price)}{unit}", rivals, f"{vendor} ({counted_in})" if vendor else "")
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
