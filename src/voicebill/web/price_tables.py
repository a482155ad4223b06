"""Arrange offers as tables: a column for each meter, and a row for each model with the terms that change all of its prices."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import get_args

from voicebill.answers.comparison.model_choices import USUAL_PROVIDERS
from voicebill.billing.meters import Meter, Unit
from voicebill.billing.offers import DEPLOYMENTS, Kind, Offer, PriceRow
from voicebill.billing.price_book import Lifecycle, PriceBook
from voicebill.web.forms.model_choices import deployment_label, provider_label

MODALITY_ORDER = ("audio", "text", "image")
"""The modalities whose columns come first, in this order."""

MAX_OPEN_ROWS = 24
"""Providers are open in a list while they have at most so many rows in all; the first one always is."""

HALF = Decimal("0.5")


@dataclass(frozen=True, slots=True)
class OfferListing:
    """An offer with its prices, shutdown dates and contract terms on a day."""

    offer: Offer
    row: PriceRow | None
    ends: str
    has_ended: bool
    lifecycle: tuple[Lifecycle, ...]
    contract: tuple[str, ...] = ()

    @classmethod
    def of(cls, offer: Offer, book: PriceBook, day: date) -> "OfferListing":
        """An offer on a day."""
        end = book.shutdown_of(offer)
        return cls(
            offer,
            book.price_row(offer, day),
            end.day_text if end else "",
            book.is_shut_down(offer, day),
            tuple(book.lifecycle_of(offer)),
            tuple(book.contract_terms(offer, day)),
        )

    @property
    def last_row(self) -> PriceRow:
        """The prices on the day, or without any the last list prices."""
        return self.row or self.offer.rows[-1]

    @property
    def terms(self) -> str:
        """How the model is deployed and at which service tier, where that is not the usual one.

        >>> OfferListing(Offer("azure", "x", None, "text", "data-zone", (), zone="eu", tier="batch"), None, "", False, ()).terms
        'Data Zone, batch'
        """
        offer = self.offer
        deployment = "" if offer.deployment == "global" else deployment_label(offer.deployment)
        return ", ".join(filter(None, (deployment, "" if offer.tier == "standard" else offer.tier)))

    @property
    def place(self) -> str:
        """The data zone or the first region to which the prices apply, if they differ by place."""
        offer = self.offer
        if offer.zone:
            return offer.zone.upper()
        return offer.regions[0] if offer.deployment == "regional" and offer.regions else ""


@dataclass(frozen=True, slots=True)
class PriceVariant:
    """Offers of a model under other terms, whose prices are all changed by one percentage; empty: they are the same."""

    terms: str
    change: str
    listings: tuple[OfferListing, ...]


@dataclass(slots=True)
class PriceLine:
    """A row of a table: an offer, and others of its model whose prices follow from its own.

    `versions` are the offers with the same terms and the same prices, the one of the row first.
    """

    listing: OfferListing
    versions: list[OfferListing] = field(default_factory=list)
    others: list[tuple[str, OfferListing]] = field(default_factory=list)

    def takes(self, listing: OfferListing) -> bool:
        """Take an offer of the same model into the row, if its prices follow from those of the row."""
        factor = price_factor(self.listing.last_row, listing.last_row)
        has_same_terms = (listing.terms, listing.place) == (self.listing.terms, self.listing.place)
        is_other_version = all(listing.offer.version != version.offer.version for version in self.versions)
        if factor is None or has_same_terms != is_other_version or (has_same_terms and factor != 1):
            return False
        if has_same_terms:
            self.versions.append(listing)
        else:
            self.others.append((change_percent(factor), listing))
        return True

    @property
    def variants(self) -> tuple[PriceVariant, ...]:
        """The other terms, those with the same change under one heading."""
        by_terms: dict[tuple[str, str], list[OfferListing]] = {}
        for change, listing in self.others:
            by_terms.setdefault((listing.terms or deployment_label(listing.offer.deployment), change), []).append(listing)
        return tuple(PriceVariant(terms, change, tuple(listings)) for (terms, change), listings in by_terms.items())

    def item_label(self, listing: OfferListing) -> str:
        """What tells an offer from others under the same terms: its place, and its version if the row has several."""
        version = listing.offer.version if len(self.versions) > 1 else None
        return " ".join(filter(None, (listing.place, version)))


@dataclass(frozen=True, slots=True)
class ProviderPrices:
    """The rows of a provider."""

    provider: str
    lines: tuple[PriceLine, ...]
    is_open: bool

    @property
    def label(self) -> str:
        """The provider's name."""
        return provider_label(self.provider)


@dataclass(frozen=True, slots=True)
class KindPrices:
    """The offers of a kind that are sold, by provider, and those that are not sold any more, with the columns of both."""

    kind: Kind
    columns: tuple[Meter, ...]
    providers: tuple[ProviderPrices, ...]
    ended_columns: tuple[Meter, ...]
    ended: tuple[ProviderPrices, ...]
    ended_count: int


def price_tables(
    offers: Iterable[Offer], book: PriceBook, day: date, *, kinds: Sequence[Kind], all_open: bool = False
) -> tuple[KindPrices, ...]:
    """The tables of offers on a day, one for each kind that occurs, in the order of the kinds."""
    listings = [OfferListing.of(offer, book, day) for offer in offers]

    def table(kind: Kind) -> KindPrices:
        of_kind = [listing for listing in listings if listing.offer.kind == kind]
        available = [listing for listing in of_kind if listing.row is not None and not listing.has_ended]
        ended = [listing for listing in of_kind if listing.row is None or listing.has_ended]
        return KindPrices(
            kind,
            meter_columns((listing.last_row for listing in available), book.meters),
            tuple(_by_provider(available, all_open=all_open)),
            meter_columns((listing.last_row for listing in ended), book.meters),
            tuple(_by_provider(ended, all_open=True)),
            len(ended),
        )

    present = {listing.offer.kind for listing in listings}
    return tuple(table(kind) for kind in kinds if kind in present)


def meter_columns(rows: Iterable[PriceRow], meters: Mapping[str, Meter]) -> tuple[Meter, ...]:
    """The meters that some prices have: tokens first, and of these audio, each with input, cached input and output."""
    units, order = get_args(Unit), list(meters)

    def sort_key(meter: Meter) -> tuple[int, int, bool, int]:
        modality = MODALITY_ORDER.index(meter.modality) if meter.modality in MODALITY_ORDER else len(MODALITY_ORDER)
        return units.index(meter.unit), modality, meter.direction != "in", order.index(meter.name)

    return tuple(sorted((meters[name] for name in {name for row in rows for name in row.unit_prices}), key=sort_key))


def unit_headings(columns: Iterable[Meter]) -> tuple[tuple[str, int], ...]:
    """What the prices of columns are for, each with the number of columns that it is above.

    >>> audio = Meter("audio_in", "audio in", "token", 1_000_000, "/M", "in", "audio")
    >>> unit_headings([audio, audio, Meter("call_ms", "telephone call", "ms", 60_000, "/min", "session", "telephone")])
    (('$ per 1M tokens', 2), ('$ per minute', 1))
    """
    by_basis = groupby(columns, key=lambda meter: meter.price_basis)
    return tuple((f"$ per {basis}", len(list(group))) for basis, group in by_basis)


def price_factor(base: PriceRow, other: PriceRow) -> Decimal | None:
    """The factor by which all prices of a row differ from those of the first one, but for rounding; None if there is none.

    The rows must have the same meters, billing increments and included quantities, and no prices of zero.
    """
    if any(getattr(base, name) != getattr(other, name) for name in ("increments", "included", "free")):
        return None
    if base.unit_prices.keys() != other.unit_prices.keys() or not all(base.unit_prices.values()):
        return None
    dearest = max(base.unit_prices, key=lambda name: base.unit_prices[name])
    factor = other.unit_prices[dearest] / base.unit_prices[dearest]
    follows = all(_is_rounded(price * factor, other.unit_prices[name]) for name, price in base.unit_prices.items())
    return factor if follows else None


def _is_rounded(exact: Decimal, price: Decimal) -> bool:
    """Whether a price is an exact one, rounded at its last decimal; whole dollars are not taken for rounded."""
    exponent = price.as_tuple().exponent
    assert isinstance(exponent, int)
    return abs(exact - price) <= (HALF.scaleb(exponent) if exponent < -1 else Decimal("1e-12"))


def change_percent(factor: Decimal) -> str:
    """A factor on prices as a change in percent; empty if there is none.

    >>> change_percent(Decimal("1.1")), change_percent(Decimal("0.5")), change_percent(Decimal("1.125"))
    ('+10%', '−50%', '+12.5%')
    """
    percent = round((factor - 1) * 100, 1).normalize()
    return "" if factor == 1 else f"{'+' if percent > 0 else '−'}{abs(percent):f}%"


def provider_order(provider: str) -> tuple[int, str]:
    """OpenAI and Azure first, then the others by name."""
    is_usual = provider in USUAL_PROVIDERS
    return USUAL_PROVIDERS.index(provider) if is_usual else len(USUAL_PROVIDERS), provider.casefold()


def _by_provider(listings: Sequence[OfferListing], *, all_open: bool) -> Iterator[ProviderPrices]:
    by_provider: dict[str, list[OfferListing]] = {}
    for listing in listings:
        by_provider.setdefault(listing.offer.provider, []).append(listing)
    row_count = 0
    for provider in sorted(by_provider, key=provider_order):
        lines = tuple(price_lines(by_provider[provider]))
        row_count += len(lines)
        yield ProviderPrices(provider, lines, all_open or row_count == len(lines) or row_count <= MAX_OPEN_ROWS)


def price_lines(listings: Iterable[OfferListing]) -> list[PriceLine]:
    """The rows of a provider's offers: the newest model first, previews last."""
    by_model: dict[str, list[PriceLine]] = {}
    newest_versions_first = sorted(listings, key=lambda listing: listing.offer.version or "", reverse=True)
    for listing in sorted(newest_versions_first, key=_variant_order):
        lines = by_model.setdefault(listing.offer.model, [])
        if not any(line.takes(listing) for line in lines):
            lines.append(PriceLine(listing, [listing]))
    return sorted((line for _, lines in sorted(by_model.items()) for line in lines), key=_newest_first)


def _newest_first(line: PriceLine) -> tuple[bool, int]:
    newest = max(version.offer.rows[0].since.first for version in line.versions)
    return "preview" in line.listing.offer.model, -newest.toordinal()


def _variant_order(listing: OfferListing) -> tuple[bool, int, int]:
    """The usual tier and deployment first, and of these what has been sold for the shortest time."""
    offer = listing.offer
    deployment = DEPLOYMENTS.index(offer.deployment) if offer.deployment in DEPLOYMENTS else len(DEPLOYMENTS)
    return offer.tier != "standard", deployment, -offer.rows[0].since.first.toordinal()
