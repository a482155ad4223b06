"""What is asked about: which model, sold how, on which day, under which rules; and what that leads to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from voicebill.answers.facts import Facts
from voicebill.billing.currency import Currency
from voicebill.billing.dated import known_range
from voicebill.billing.errors import InvalidInput, NotOffered, VoicebillError
from voicebill.billing.offers import Kind
from voicebill.billing.price_book import Found
from voicebill.conversation.rules import Ruling, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The model, how it is sold, the day, and the rules to count by."""

    model: str
    day: date
    provider: str = "openai"
    deployment: str = "global"
    region: str | None = None
    rules: str | None = None
    overrides: Mapping[str, Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if type(self.day) is not date:
            raise InvalidInput(f"day must be a date, such as date(2026, 11, 22), not {self.day!r}")
        for name in ("model", "provider", "deployment"):
            if not isinstance(getattr(self, name), str):
                raise InvalidInput(f"{name} must be text, not {getattr(self, name)!r}")


@dataclass(frozen=True, slots=True)
class Offered:
    """The offer and rules that an answer stands on, and the offer that transcribes the user's speech, if any does."""

    asked: Asked
    found: Found
    ruling: Ruling
    transcription: Found | None
    facts: Facts
    elsewhere: str | None = None

    @property
    def currency(self) -> Currency | None:
        """The currency in which amounts are told beside dollars, if one was stated for the day."""
        return self.facts.prices.currency(self.asked.day)

    @property
    def assumptions(self) -> list[str]:
        """What was assumed in finding the offers."""
        heard = self.transcription.assumptions if self.transcription else ()
        book, day = self.facts.prices, self.asked.day
        exchanged = [f"dollars are exchanged to {self.currency}"] if self.currency else []
        if book.currencies and not self.currency:
            exchanged = [f"no rate of another currency is stated for {day}: rates are known {known_range(book.currencies)}"]
        return [*self.found.assumptions, *heard, *([self.elsewhere] if self.elsewhere else []), *exchanged]

    @property
    def warnings(self) -> list[str]:
        """What is to be feared of the offers: shutdowns, doubtful places and dates."""
        heard = self.transcription.warnings if self.transcription else ()
        return [*self.found.warnings, *heard]


def offered(asked: Asked, transcription_model: str | None, facts: Facts) -> Offered:
    """Find the offers and the rules for a question.

    Raises:
        UnknownName: a name is unknown; the nearest are given.
        NotOffered: the model is not sold so on that day, or is not billed by the tokens of a conversation.
        Unpriced: its prices are known only in part.
    """
    found = _find(asked, asked.model, facts, "realtime")
    if found.offer.kind != "realtime":
        raise NotOffered(
            f"{found.offer.name} is a {found.offer.kind} model: only realtime models hold a conversation billed by tokens, "
            f"such as {', '.join(_models('realtime', asked, facts))}"
        )
    heard = None if transcription_model is None else _transcription(asked, transcription_model, facts)
    ruling = facts.ruling(found.offer, day=asked.day, rules=asked.rules, overrides=asked.overrides)
    return Offered(asked, found, ruling, heard, facts, _elsewhere(asked, heard))


def _find(asked: Asked, model: str, facts: Facts, kind: Kind) -> Found:
    return facts.prices.find(
        model,
        day=asked.day,
        provider=asked.provider,
        deployment=asked.deployment,
        region=asked.region,
        kind=kind,
    )


def _transcription(asked: Asked, model: str, facts: Facts) -> Found:
    """The transcription model as sold beside the voice model; a provider may sell it under the global deployment only."""
    try:
        heard = _find(asked, model, facts, "transcription")
    except VoicebillError:
        if asked.deployment == "global" and asked.region is None:
            raise
        heard = facts.prices.find(model, day=asked.day, provider=asked.provider, kind="transcription")
    if heard.offer.kind != "transcription":
        raise NotOffered(
            f"{heard.offer.name} is a {heard.offer.kind} model, not a transcription model such as "
            f"{', '.join(_models('transcription', asked, facts))}"
        )
    return heard


def _elsewhere(asked: Asked, heard: Found | None) -> str | None:
    if heard is None or heard.offer.deployment == asked.deployment:
        return None
    return f"{heard.offer.model} is not sold as {asked.deployment}; its {heard.offer.deployment} price is used"


def _models(kind: Kind, asked: Asked, facts: Facts) -> list[str]:
    offers = facts.prices.offers
    return sorted({o.model for o in offers if o.kind == kind and o.provider == asked.provider and o.row_on(asked.day)})
