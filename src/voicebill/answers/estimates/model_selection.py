"""Resolve a model selection (model, provider, deployment, region, day, rules) to its prices and rules."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date
from typing import Any, Literal

from voicebill.answers.catalog.facts import Facts
from voicebill.billing.currency import Currency
from voicebill.billing.errors import InvalidInput, NotAvailable, Unpriced, VoicebillError
from voicebill.billing.offers import CONVERSATIONAL_KINDS, DEFAULT_DEPLOYMENT, DEFAULT_PROVIDER, PER_MINUTE_KINDS, Kind, Offer
from voicebill.billing.price_book import Quote
from voicebill.billing.validation import validate
from voicebill.billing.validity import describe_coverage
from voicebill.conversation.rules import EffectiveRules, ParameterValue
from voicebill.conversation.session_meters import SessionMeters

DEFAULT_MODEL = "gpt-realtime-1.5"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSelection:
    """A model, where and how it is deployed, the day of the prices, and the rules that count its tokens.

    `rules` names a rule set (None: the default one); `overrides` replaces single rules by name.
    """

    model: str
    day: date
    provider: str = DEFAULT_PROVIDER
    deployment: str = DEFAULT_DEPLOYMENT
    region: str | None = None
    rules: str | None = None
    overrides: Mapping[str, ParameterValue] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if type(self.day) is not date:
            raise InvalidInput(f"must be a date, such as date(2026, 11, 22), not {self.day!r}", field="day")
        validate(self)


SELECTION_FIELDS = tuple(row.name for row in fields(ModelSelection))


def select_model(values: Mapping[str, Any]) -> ModelSelection:
    """Select a model by its given fields; the others, and those that are None, have their defaults.

    >>> select_model({"model": None, "deployment": "data-zone", "day": date(2026, 11, 22)}).model
    'gpt-realtime-1.5'

    Raises:
        InvalidInput: a field is of the wrong type.
    """
    return ModelSelection(**{"model": DEFAULT_MODEL} | {name: value for name, value in values.items() if value is not None})


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """The quote and rules that an answer uses, and the quote of the transcription model (None: speech is not transcribed)."""

    selection: ModelSelection
    quote: Quote
    effective_rules: EffectiveRules
    transcription: Quote | None
    facts: Facts
    transcription_note: str | None = None

    @property
    def transcribed_by(self) -> Literal["time", "tokens"] | None:
        """The unit by which the transcription model bills speech; None without one."""
        if self.transcription is None:
            return None
        return "time" if self.transcription.rates["audio_ms"] is not None else "tokens"

    @property
    def session_meters(self) -> tuple[tuple[str, int], ...]:
        """What the offer bills in addition to tokens, each with the increment to which a call is rounded up."""
        row = self.quote.rates.row
        return tuple((name, row.increments.get(name, 1)) for name in SessionMeters._fields if name in row.unit_prices)

    @property
    def currency(self) -> Currency | None:
        """The currency in which amounts are shown in addition to dollars; None without an exchange rate on the day."""
        return self.facts.prices.currency(self.selection.day)

    @property
    def assumptions(self) -> list[str]:
        """Assumptions of the quotes, in the order in which they are shown."""
        transcription_assumptions = self.transcription.assumptions if self.transcription else ()
        book, day = self.facts.prices, self.selection.day
        currency_notes = [f"dollars are converted to {self.currency}"] if self.currency else []
        if book.currencies and not self.currency:
            currency_notes = [f"no exchange rate is known for {day}: rates are known {describe_coverage(book.currencies)}"]
        return [
            *self.quote.assumptions,
            *transcription_assumptions,
            *([self.transcription_note] if self.transcription_note else []),
            *currency_notes,
        ]

    @property
    def warnings(self) -> list[str]:
        """Warnings of the quotes: shutdowns, uncertain regions and dates."""
        transcription_warnings = self.transcription.warnings if self.transcription else ()
        return [*self.quote.warnings, *transcription_warnings]


def resolve_rules(
    model: str, provider: str, day: date, facts: Facts, *, rules: str | None, overrides: Mapping[str, ParameterValue]
) -> tuple[Offer, EffectiveRules]:
    """Find the offer and the rules of a model on a day, whatever its deployment.

    Raises:
        UnknownName: a name is unknown; the message lists the closest known ones.
        NotAvailable: the model is not available on that day, or takes no part in a conversation.
        InvalidInput: an override does not fit its parameter.
    """
    offer = facts.prices.quote(model, provider=seller_of(model, provider, facts), day=day, kind="realtime").offer
    if offer.kind in PER_MINUTE_KINDS:
        raise NotAvailable(
            f"{offer.name} is a {offer.kind} model: only models that take part in a conversation have rules",
            field="model",
            is_sentence=True,
        )
    return offer, facts.rules_for(offer, day=day, rules=rules, overrides=overrides)


def seller_of(model: str, provider: str, facts: Facts) -> str:
    """The provider of a model: that of the selection, unless it is the default one and only another sells the model.

    >>> from voicebill.facts import load_facts
    >>> seller_of("gemini-3.8-live", "openai", load_facts())
    'google'
    """
    sellers = facts.prices.sellers([facts.prices.model_of(model).strip()])
    return sellers[0] if provider == DEFAULT_PROVIDER and provider not in sellers and len(sellers) == 1 else provider


def resolve_model(selection: ModelSelection, transcription_model: str | None, facts: Facts) -> ResolvedModel:
    """Find the quotes and the rules for a model selection.

    Raises:
        UnknownName: a name is unknown; the message lists the closest known ones.
        NotAvailable: the model is not available in this form on that day, or is not a realtime model.
        Unpriced: its prices are known only in part.
    """
    seller = seller_of(selection.model, selection.provider, facts)
    if seller != selection.provider:
        selection = replace(selection, provider=seller)
    quote = _quote(selection, selection.model, facts, "realtime")
    if quote.offer.kind not in CONVERSATIONAL_KINDS:
        raise NotAvailable(
            f"{quote.offer.name} is a {quote.offer.kind} model, not a realtime model such as "
            f"{', '.join(_model_names('realtime', selection, facts))}",
            field="model",
            is_sentence=True,
        )
    effective_rules = facts.rules_for(quote.offer, day=selection.day, rules=selection.rules, overrides=selection.overrides)
    if quote.rates.bills_tokens and effective_rules.unknown:
        raise Unpriced(unknown_rules_text(quote.offer, effective_rules), field="overrides", is_sentence=True)
    transcription, note = None, None
    if transcription_model is not None:
        note = _transcribes_itself(quote.offer, transcription_model, effective_rules, facts)
        transcription = _transcription_quote(selection, transcription_model, facts) if note is None else None
    return ResolvedModel(
        selection, quote, effective_rules, transcription, facts, note or _transcription_note(selection, transcription)
    )


def _transcribes_itself(offer: Offer, model: str, effective_rules: EffectiveRules, facts: Facts) -> str | None:
    """Why a transcription model is not counted with an offer, although one is named: None if it is."""
    sellers = facts.prices.sellers([facts.prices.model_of(model)])
    if not sellers or offer.provider in sellers or not {DEFAULT_PROVIDER}.isdisjoint(facts.prices.sellers([offer.model])):
        return None
    if effective_rules.rules.transcript_output == "both":
        return f"{offer.model} transcribes the user's speech itself: {model} is not counted"
    if offer.kind == "agent":
        return f"the price of {offer.model} includes its transcription: {model} is not counted"
    return f"{offer.provider} does not sell {model}: transcription is not counted"


def unknown_rules_text(offer: Offer, effective_rules: EffectiveRules) -> str:
    """Say which rules must be known before a model can be estimated."""
    missing = ", ".join(f"{name} ({effective_rules.rows[name].basis})" for name in effective_rules.unknown)
    return (
        f"how a conversation with {offer.name} of {offer.provider} becomes tokens is not known, so it cannot be estimated: "
        f"give {missing}; with --set-rule NAME=VALUE, or as [[rules]] in a file with provider = {offer.provider!r}"
    )


def _quote(selection: ModelSelection, model: str, facts: Facts, kind: Kind) -> Quote:
    return facts.prices.quote(
        model,
        day=selection.day,
        provider=selection.provider,
        deployment=selection.deployment,
        region=selection.region,
        kind=kind,
    )


def _transcription_quote(selection: ModelSelection, model: str, facts: Facts) -> Quote:
    """The transcription model under the voice model's deployment, else under global, where some providers offer it only."""
    try:
        quote = _quote(selection, model, facts, "transcription")
    except VoicebillError:
        try:
            quote = facts.prices.quote(model, day=selection.day, provider=selection.provider, kind="transcription")
        except VoicebillError as error:
            error.field = "transcription_model"
            raise
    if quote.offer.kind != "transcription":
        raise NotAvailable(
            f"{quote.offer.name} is a {quote.offer.kind} model, not a transcription model such as "
            f"{', '.join(_model_names('transcription', selection, facts))}",
            field="transcription_model",
            is_sentence=True,
        )
    return quote


def _transcription_note(selection: ModelSelection, transcription: Quote | None) -> str | None:
    if transcription is None or transcription.offer.deployment == selection.deployment:
        return None
    return (
        f"{transcription.offer.model} is not available as {selection.deployment}; "
        f"its {transcription.offer.deployment} price is used"
    )


def _model_names(kind: Kind, selection: ModelSelection, facts: Facts) -> list[str]:
    return facts.prices.model_names(kind, selection.day, selection.provider)
