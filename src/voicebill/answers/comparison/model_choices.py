"""List the models that are sold on a day, with the providers and deployments of each."""

from collections.abc import Mapping
from datetime import date
from functools import cached_property

from voicebill.answers.comparison.compare import available_offers
from voicebill.billing.offers import DEPLOYMENTS, Offer
from voicebill.billing.price_book import PriceBook

USUAL_PROVIDERS = ("openai", "azure")
"""Their models come first in a form."""


class ModelChoices:
    """What can be selected on a day: models, and for each its providers, deployments and regions."""

    def __init__(self, book: PriceBook, day: date) -> None:
        self.book, self.day = book, day

    @cached_property
    def _offers(self) -> tuple[Offer, ...]:
        return available_offers(self.book, self.day)

    @cached_property
    def _offers_by_name(self) -> Mapping[str, tuple[Offer, ...]]:
        by_name: dict[str, list[Offer]] = {}
        for offer in self._offers:
            for name in {offer.model, offer.name, *offer.also_named}:
                by_name.setdefault(name.lower(), []).append(offer)
        return {name: tuple(offers) for name, offers in by_name.items()}

    def offers(self, model: str, provider: str | None = None) -> tuple[Offer, ...]:
        """The offers that a model's name, dated or undated, can refer to on the day."""
        named = self._offers_by_name.get(self.book.model_of(model).strip().lower(), ())
        return tuple(offer for offer in named if provider in (None, offer.provider))

    @cached_property
    def models(self) -> tuple[str, ...]:
        """Undated names of the models, OpenAI's and Azure's first, of those the newest and largest."""
        newest: dict[str, date] = {}
        for offer in self._offers:
            since = min(row.since.first for row in offer.rows)
            newest[offer.model] = max(newest.get(offer.model, since), since)
        usual = {offer.model for offer in self._offers if offer.provider in USUAL_PROVIDERS}
        return tuple(
            sorted(
                newest,
                key=lambda name: (name not in usual, "mini" in name, "preview" in name, -newest[name].toordinal(), name),
            )
        )

    def providers(self, model: str) -> tuple[str, ...]:
        """The providers of a model on the day, OpenAI and Azure first."""
        return _usual_first({offer.provider for offer in self.offers(model)})

    def deployments(self, model: str, provider: str) -> tuple[str, ...]:
        """The deployments of a model at a provider on the day."""
        names = {offer.deployment for offer in self.offers(model, provider)}
        return tuple(name for name in DEPLOYMENTS if name in names)

    def regions(self, model: str, provider: str, deployment: str) -> tuple[str, ...]:
        """The regions that have a price of a model; none if one price applies everywhere."""
        offers = (offer for offer in self.offers(model, provider) if offer.deployment == deployment)
        return tuple(sorted({region for offer in offers for region in offer.regions}))

    def ends(self, model: str) -> date | None:
        """The day within 90 days by which every offer of a model has ended; None if one lasts longer."""
        offers = self.offers(model)
        if not offers or not all(self.book.is_ending_soon(offer, self.day) for offer in offers):
            return None
        return max(end for offer in offers if (end := self.book.shutdown_day(offer)))

    @cached_property
    def all_providers(self) -> tuple[str, ...]:
        """The providers of all models, OpenAI and Azure first."""
        return _usual_first({offer.provider for offer in self._offers})

    def transcription_models(self, provider: str) -> tuple[str, ...]:
        """The transcription models of a provider on the day."""
        return tuple(self.book.model_names("transcription", self.day, provider))


def _usual_first(names: set[str]) -> tuple[str, ...]:
    return (*(name for name in USUAL_PROVIDERS if name in names), *sorted(names.difference(USUAL_PROVIDERS)))
