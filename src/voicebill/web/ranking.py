"""Rank the alternatives for a plan in rows: one for each model with its offers, one for each architecture."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

from voicebill.answers.catalog.stacks import CONVERSATIONAL
from voicebill.answers.comparison.alternatives import Alternative, Alternatives
from voicebill.answers.comparison.choices import LABELS
from voicebill.answers.comparison.compare import OfferEstimate
from voicebill.answers.comparison.model_choices import ModelChoices
from voicebill.answers.estimates.scenarios import Scenarios
from voicebill.billing.money import Amount
from voicebill.billing.offers import Offer
from voicebill.web.forms.fields import query_string
from voicebill.web.forms.model_choices import deployment_label, provider_label
from voicebill.web.plan_columns import STACK, with_columns

MAX_ROW_NAMES = 2
"""A row of models with equal amounts names so many of them; the others are among its offers."""


@dataclass(frozen=True, slots=True)
class OfferRow:
    """An offer of a row: how it is sold, its amounts with connection fees, and the query that estimates it alone."""

    estimate: OfferEstimate
    form: str
    total: Scenarios
    per_month: Scenarios | None
    query: str


@dataclass(frozen=True, slots=True)
class RankedRow:
    """A row: models with equal amounts and their offers, or an architecture.

    The amounts, with connection fees, are those of its cheapest offer. `best`, `expected` and `worst` are their positions in
    percent of the picture. `query` is that of the calculator with the row's offer, or next to the row's architecture; None if
    there it cannot be shown.
    `is_own` marks the row of the plan's own offer.
    """

    alternative: Alternative
    names: tuple[str, ...]
    kind: str
    provider: str
    form: str
    offers: tuple[OfferRow, ...]
    total: Scenarios
    per_month: Scenarios | None
    mean: Scenarios | None
    monthly_fee: Amount
    ratio: Fraction | None
    query: str | None
    is_own: bool
    best: float = 0
    expected: float = 0
    worst: float = 0

    @property
    def title(self) -> str:
        """The names of the row, the further ones by their number."""
        further = len(self.names) - MAX_ROW_NAMES
        return ", ".join(self.names[:MAX_ROW_NAMES]) + (f" and {further} more" if further > 0 else "")


def offer_fields(offer: Offer, choices: ModelChoices) -> dict[str, str]:
    """The fields of a form that select an offer."""
    versions = {other.version for other in choices.offers(offer.model, offer.provider)}
    fields = {
        "model": offer.model if len(versions) == 1 else offer.name,
        "provider": offer.provider,
        "deployment": offer.deployment,
    }
    return fields | ({"region": offer.regions[0]} if offer.deployment == "regional" and offer.regions else {})


def offer_form(offer: Offer) -> str:
    """How an offer is sold: its deployment and region, and its version if it has one."""
    region = f" {offer.regions[0]}" if offer.deployment == "regional" and offer.regions else ""
    return ", ".join(filter(None, (f"{deployment_label(offer.deployment)}{region}", offer.version)))


class Ranking:
    """Builds the rows of a comparison for the fields of a form."""

    def __init__(
        self, alternatives: Alternatives, fields: Mapping[str, str], choices: ModelChoices, own_offer: str | None
    ) -> None:
        self.alternatives, self.fields, self.choices, self.own_offer = alternatives, fields, choices, own_offer

    def rows(self, ranked: Iterable[Alternative]) -> tuple[RankedRow, ...]:
        """The rows of some of the alternatives in their order, the cheapest offer of each model first."""
        by_model: dict[tuple[str, str], list[Alternative]] = {}
        for alternative in ranked:
            offer = alternative.candidate.offer if alternative.candidate else None
            seller = offer.provider if offer and alternative.architecture == "agent" else ""  # agents are not sold by others
            by_model.setdefault((seller, offer.model if offer else f"{STACK}={alternative.name}"), []).append(alternative)
        rows = [self._row(sorted(offers, key=_preference)) for offers in by_model.values()]
        position = {alternative.name: index for index, alternative in enumerate(self.alternatives.conversational)}
        rows.sort(key=lambda row: position.get(row.alternative.name, len(position)))
        return tuple(_drawn(list(_merged(rows)), self._greatest))

    def own_row(self, own: Alternative | None) -> RankedRow | None:
        """The row of the plan's own offer alone, which a filter may leave out of the alternatives; None without it."""
        return None if own is None else next(_drawn([self._row([own])], self._greatest))

    @cached_property
    def _greatest(self) -> Fraction:
        """The amount at the end of the picture: a fifth more than the greatest expected one; a dearer worst runs to the end."""
        totals = filter(None, map(self.alternatives.total, self.alternatives.conversational or self.alternatives.partial))
        return Fraction(max((total.expected for total in totals), default=0)) * Fraction(6, 5)

    def _row(self, offers: Sequence[Alternative]) -> RankedRow:
        first, all_alternatives = offers[0], self.alternatives
        offer = first.candidate.offer if first.candidate else None
        total = all_alternatives.total(first)
        assert total is not None
        offer_rows = tuple(
            self._offer_row(alternative, alternative.candidate) for alternative in offers if alternative.candidate
        )
        return RankedRow(
            alternative=first,
            names=(offer.model if offer else first.title,),
            kind=LABELS[first.architecture],
            provider=provider_label(offer.provider) if offer else first.models,
            form=offer_form(offer) if offer else "",
            offers=offer_rows,
            total=total,
            per_month=all_alternatives.total_per_month(first),
            mean=all_alternatives.total_mean(first),
            monthly_fee=all_alternatives.monthly_fee(first),
            ratio=all_alternatives.ratio_to_cheapest(first),
            query=offer_rows[0].query if offer_rows else self._stack_query(first),
            is_own=self.own_offer in [alternative.name for alternative in offers],
        )

    def _offer_row(self, alternative: Alternative, estimate: OfferEstimate) -> OfferRow:
        total = self.alternatives.total(alternative)
        assert total is not None
        query = query_string({**self.fields, "region": "", **offer_fields(estimate.offer, self.choices)})
        form = f"{provider_label(estimate.offer.provider)}, {offer_form(estimate.offer)}"
        return OfferRow(estimate, form, total, self.alternatives.total_per_month(alternative), query)

    def _stack_query(self, alternative: Alternative) -> str | None:
        if alternative.architecture not in CONVERSATIONAL or alternative.name == "own":
            return None
        return query_string(with_columns(self.fields, [f"{STACK}={alternative.name}"]))


def _preference(alternative: Alternative) -> tuple[bool, bool, Fraction]:
    """Offers that last and whose availability is confirmed come first, then the cheapest."""
    unconfirmed = alternative.candidate is not None and alternative.candidate.availability_unconfirmed
    return alternative.ending_soon, unconfirmed, alternative.expected


def _merged(rows: Iterable[RankedRow]) -> Iterator[RankedRow]:
    """Rows in order; those of one provider with equal amounts are one row."""
    kept: RankedRow | None = None
    for row in rows:
        if kept and row.offers and kept.offers and _amounts(row) == _amounts(kept):
            kept = replace(
                kept, names=(*kept.names, *row.names), offers=(*kept.offers, *row.offers), is_own=kept.is_own or row.is_own
            )
            continue
        if kept:
            yield kept
        kept = row
    if kept:
        yield kept


def _amounts(row: RankedRow) -> tuple[object, ...]:
    return row.provider, row.kind, row.total, row.per_month, row.alternative.ending_soon


def _drawn(rows: Iterable[RankedRow], greatest: Fraction) -> Iterator[RankedRow]:
    """Rows with their positions in one picture that ends at an amount."""
    for row in rows:
        amounts = (row.total.best, row.total.expected, row.total.worst)
        positions = (min(round(100 * float(amount / greatest), 2), 100.0) if greatest else 0.0 for amount in amounts)
        best, expected, worst = positions
        yield replace(row, best=best, expected=expected, worst=worst)
