"""The comparison: one plan against every offer that can serve it, each priced as its own estimate would be."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

from voicebill.answers.costing import Conversation, Used, conversation
from voicebill.answers.estimate import Estimate, lengths_of, priced
from voicebill.answers.facts import Facts
from voicebill.answers.lengths import Lengths, Spread
from voicebill.answers.offered import Asked, Offered, offered
from voicebill.answers.population import Calls, calls
from voicebill.answers.quantities import Volume
from voicebill.billing.errors import InvalidInput, NotOffered, VoicebillError
from voicebill.billing.offers import Offer
from voicebill.billing.price_book import PriceBook
from voicebill.conversation.plan import Plan, script
from voicebill.conversation.rules import Rules

Counted = tuple[Rules, bool]
"""What a conversation's counts depend on: the rules, and whether transcription is billed by time."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An offer with what the plan costs there, or why it cannot serve it.

    `ends` is the soonest day that a source gives for the model's end. `unproven`: the vendor lists a price, but its
    availability table does not name the model under this deployment. `assumed`: what becomes of history was not measured
    on this model.
    """

    offer: Offer
    answer: Estimate | None
    refusal: str | None
    ends: date | None
    unproven: bool
    assumed: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """Candidates, the cheapest first by their expected amount, those that cannot serve the plan last."""

    plan: Plan
    candidates: tuple[Candidate, ...]

    def ratio(self, candidate: Candidate) -> Fraction | None:
        """How many times the cheapest a candidate is expected to cost."""
        least = self.candidates[0].answer
        if candidate.answer is None or least is None or not least.per_conversation.expected:
            return None
        return Fraction(candidate.answer.per_conversation.expected) / Fraction(least.per_conversation.expected)


def compare(
    plan: Plan,
    offers: Iterable[Offer],
    asked: Asked,
    facts: Facts,
    volume: Volume | None = None,
    *,
    lengths: Spread | Lengths | None = None,
) -> Comparison:
    """What a plan costs with each of some offers, on the day and under the rules that are asked about.

    `volume` and `lengths` as for an estimate.

    >>> from voicebill.facts import load
    >>> facts, day = load(), date(2026, 11, 22)
    >>> found = compare(Plan(minutes=10, turns=20), alive(facts.prices, day), Asked(model="any", day=day), facts)
    >>> found.candidates[0].offer.model
    'gpt-realtime-2.1-mini'

    Raises:
        InvalidInput: there is no offer to compare.
    """
    shared = _Shared(plan, volume, lengths)
    candidates = [_candidate(shared, offer, asked, facts) for offer in offers]
    if not candidates:
        raise InvalidInput("there is no offer to compare: no realtime model that was named has a price on that day")
    return Comparison(plan, tuple(sorted(candidates, key=_dearness)))


def alive(book: PriceBook, day: date) -> tuple[Offer, ...]:
    """Every realtime offer with prices on a day, except those that by every source have ended."""
    return tuple(
        offer
        for offer in book.offers
        if offer.kind == "realtime"
        and offer.tier == "standard"
        and not offer.example
        and book.priced(offer, day)
        and not book.ended(offer, day)
    )


def alive_and_wanted(
    book: PriceBook, day: date, models: Iterable[str] = (), provider: str | None = None, deployment: str | None = None
) -> list[Offer]:
    """The realtime offers alive on a day that go by some names (empty: all), of a provider and deployment (None: any).

    Raises:
        UnknownName: no offer goes by a name.
        NotOffered: what was named has ended by that day.
    """
    named = [offer for name in models for offer in book.named(name, provider, "realtime")]
    ids = {offer.id for offer in named}
    found = [
        offer
        for offer in alive(book, day)
        if (not named or offer.id in ids) and provider in (None, offer.provider) and deployment in (None, offer.deployment)
    ]
    over = [end for offer in named for end in book.ends(offer) if book.ended(offer, day)]
    if not found and over:
        last = max(over, key=lambda end: end.shutdown.first)
        instead = f"; the vendor names {last.replacement} instead" if last.replacement else ""
        raise NotOffered(f"{last.model} was shut down by {last.provider} on {last.shutdown}, before {day}{instead}")
    return found


class _Shared:
    """What offers under the same rules share: the conversation that was run, and calls of all lengths."""

    def __init__(self, plan: Plan, volume: Volume | None, lengths: Spread | Lengths | None) -> None:
        self.plan = plan
        self.volume = volume
        self.stated = lengths is not None
        self.lengths = lengths_of(volume, lengths)
        self.held: dict[Counted, tuple[Conversation, Calls[Used] | None]] = {}

    def estimate(self, sold: Offered) -> Estimate:
        """The estimate of the plan with an offer."""
        by_time = sold.transcription is not None and sold.transcription.rates["audio_ms"] is not None
        counted = (sold.ruling.rules, by_time)
        if counted not in self.held:
            over = None if self.lengths is None else calls(self.plan, self.lengths, sold)
            self.held[counted] = conversation(script(self.plan, sold.ruling.rules), sold), over
        held, over = self.held[counted]
        return priced(self.plan, sold, held, self.volume, over, stated=self.stated)


def _candidate(shared: _Shared, offer: Offer, asked: Asked, facts: Facts) -> Candidate:
    region = offer.regions[0] if offer.deployment == "regional" and offer.regions else None
    question = replace(asked, model=offer.name, provider=offer.provider, deployment=offer.deployment, region=region)
    book = facts.prices
    ends = [day.first for row in book.ends(offer) for day in row.days]
    ruling = facts.ruling(offer, day=asked.day, rules=asked.rules, overrides=asked.overrides)
    answer, refusal = None, None
    try:
        answer = shared.estimate(offered(question, shared.plan.transcription_model, facts))
    except VoicebillError as error:
        refusal = str(error)
    return Candidate(
        offer=offer,
        answer=answer,
        refusal=refusal,
        ends=min(ends, default=None),
        unproven=book.unproven(offer),
        assumed=ruling.rows["history"].evidence == "assumed",
    )


def _dearness(candidate: Candidate) -> tuple[bool, Fraction, str]:
    if candidate.answer is None:
        return True, Fraction(0), candidate.offer.id
    return False, Fraction(candidate.answer.per_conversation.expected), candidate.offer.id


def remarks(candidate: Candidate, day: date) -> Iterator[str]:
    """How an offer is sold, and what to mind of it, in few words."""
    offer = candidate.offer
    yield " ".join(filter(None, (offer.version, offer.deployment, *offer.regions[: offer.deployment == "regional"])))
    if candidate.ends:
        yield f"{'may have ended' if candidate.ends <= day else 'ends'} {candidate.ends}"
    if candidate.unproven:
        yield "unproven"
    if candidate.assumed:
        yield "history assumed"
    answer = candidate.answer
    currency = answer.offered.currency if answer else None
    if answer and currency:
        month = f", {currency.shown(answer.per_month.expected)} a month" if answer.per_month else ""
        yield f"{currency.shown(answer.per_conversation.expected)}{month}"
    calls = answer.population if answer else None
    if answer and calls and calls.cap and calls.mean_minutes < 0.98 * float(answer.plan.minutes):
        yield f"in months calls are cut at {calls.cap.minutes:.4g} minutes"
    if answer and any(line.rate and line.rate.stands_in for line in answer.lines):
        yield "no cached price, priced as fresh"
    if answer and answer.conversation.rules.reasons and not answer.plan.reasoning_tokens:
        yield "reasoning not counted"
