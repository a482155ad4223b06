"""What people ask about realtime voice and its price, answered with figures that are computed when the page is read."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from fastapi import APIRouter, Request, Response

from voicebill.answers.estimate import Estimate, estimate
from voicebill.answers.ledger import ledger
from voicebill.answers.offered import Asked
from voicebill.answers.quantities import Volume
from voicebill.answers.question import DEFAULT_MODEL
from voicebill.billing.errors import VoicebillError
from voicebill.billing.money import Amount, quoted, shown
from voicebill.billing.offers import Rates
from voicebill.conversation.plan import Plan
from voicebill.web.fields import models
from voicebill.web.pages import Pages
from voicebill.web.reply import worked
from voicebill.web.site import Site

PLAN = Plan(minutes=10, turns=20)
"""The conversation that the figures of the page are about: ten minutes, twenty turns, a prompt of 1,000 tokens."""

METERS = ("audio_in", "audio_in_cached", "audio_out", "text_in", "text_in_cached", "text_out")


@dataclass(frozen=True, slots=True)
class Lesson:
    """The figures of the page, as they are shown."""

    rates: tuple[tuple[str, tuple[str, ...], str], ...]
    figures: dict[str, str]
    ends: tuple[tuple[str, str, str, str], ...]
    sources: tuple[str, ...]


def lesson(site: Site, day: date) -> Lesson:
    """Every figure of the page on a day."""
    book = site.facts.prices
    asked = Asked(model=DEFAULT_MODEL, day=day)

    def run(plan: Plan = PLAN, question: Asked = asked, volume: Volume | None = None) -> Estimate:
        return estimate(plan, question, site.facts, volume)

    plain = run()
    half, double = run(replace(PLAN, turns=10)), run(replace(PLAN, turns=40))
    silent = run(replace(PLAN, minutes=20, user_share=Decimal("0.2"), assistant_share=Decimal("0.2")))
    broken = run(replace(PLAN, interrupted_share=Decimal("0.3")))
    azure = run(question=replace(asked, provider="azure"))
    zone = run(question=replace(asked, provider="azure", deployment="data-zone"))
    mini = run(question=replace(asked, model="gpt-realtime-mini"))
    page = run(question=replace(asked, rules="page-2026-06"))
    month = run(volume=Volume(Decimal(1000), "month"))
    rates = plain.offered.found.rates
    last, first = _turn(plain, 20), _turn(plain, 1)
    figures = {
        "conversation": shown(plain.per_conversation.expected),
        "best": shown(plain.per_conversation.best),
        "worst": shown(plain.per_conversation.worst),
        "minute": shown(plain.per_minute.expected),
        "minute_best": shown(plain.per_minute.best),
        "minute_worst": shown(plain.per_minute.worst),
        "ten_turns": shown(half.per_conversation.expected),
        "forty_turns": shown(double.per_conversation.expected),
        "silent": shown(silent.per_conversation.expected),
        "broken": shown(broken.per_conversation.expected),
        "azure": shown(azure.per_conversation.expected),
        "zone": shown(zone.per_conversation.expected),
        "zone_times": _times(zone, azure),
        "mini": shown(mini.per_conversation.expected),
        "mini_times": _times(plain, mini),
        "page": shown(page.per_conversation.expected),
        "page_times": _times(plain, page),
        "first_turn": shown(first),
        "last_turn": shown(last),
        "month_surcharge": f"{float(month.population.surcharge):.0%}" if month.population else "",
        "cached_times": _cheaper(rates),
        "model": plain.offered.found.offer.name,
        "day": day.isoformat(),
        "turns_tokens": f"{_read(plain):,}",
    }
    return Lesson(
        rates=tuple(_rates(site, day)),
        figures=figures,
        ends=tuple(
            (
                f"{row.model}{f'-{row.version}' if row.version else ''}",
                str(row.shutdown),
                row.replacement or "none named",
                row.source,
            )
            for row in sorted(book.lifecycle, key=lambda row: (row.shutdown.first, row.model))
            if row.shutdown.first > day and row.provider == "openai"
        ),
        sources=tuple(rates.row.sources),
    )


def _times(dear: Estimate, cheap: Estimate) -> str:
    return f"{float(Fraction(dear.per_conversation.expected) / Fraction(cheap.per_conversation.expected)):.2f}"


def _cheaper(rates: Rates) -> str:
    fresh, found = rates["audio_in"], rates["audio_in_cached"]
    return f"{float(fresh.price / found.price):.0f}" if fresh and found else ""


def _turn(answer: Estimate, turn: int) -> Amount:
    """What one turn is expected to cost."""
    return sum(entry.amount for entry in ledger(answer.conversation, answer.offered) if entry.response.turn == turn)


def _read(answer: Estimate) -> int:
    """Tokens that all responses together read."""
    return sum(sum(response.input) for response in answer.conversation.responses)


def _rates(site: Site, day: date) -> list[tuple[str, tuple[str, ...], str]]:
    """The day's rates of OpenAI's realtime models: audio and text, in, cached and out, per million tokens."""
    found = []
    for model in models(site.facts.prices, day):
        try:
            sold = site.facts.prices.find(model, day=day)
        except VoicebillError:
            continue
        prices = sold.rates.row.prices
        told = tuple(quoted(prices[meter]) if meter in prices else "-" for meter in METERS)
        found.append((model, told, sold.offer.id))
    return found


def routes(site: Site, pages: Pages) -> APIRouter:
    """The page."""
    router = APIRouter()
    kept = lru_cache(maxsize=4)(lambda day: lesson(site, day))

    @router.get("/learn", include_in_schema=False)
    async def learn(request: Request) -> Response:
        day = site.calendar()
        found = await worked(site, lambda: kept(day))
        return pages.page(request, "learn.html", {"lesson": found, "is": found.figures})

    return router
