"""What people ask about realtime voice and its price, answered with figures that are computed when the page is read."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from fastapi import APIRouter, Request, Response

from voicebill.answers.alternatives import alternatives
from voicebill.answers.estimate import Estimate, estimate
from voicebill.answers.ledger import ledger
from voicebill.answers.offered import Asked
from voicebill.answers.quantities import Volume
from voicebill.answers.question import DEFAULT_MODEL
from voicebill.answers.transport import Codec
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
    transports: tuple[tuple[str, tuple[str, ...]], ...]


def lesson(site: Site, day: date) -> Lesson:
    """Every figure of the page on a day."""
    book = site.facts.prices
    plain = estimate(PLAN, Asked(model=DEFAULT_MODEL, day=day), site.facts)
    coming = (row for row in book.lifecycle if row.shutdown.first > day and row.provider == "openai")
    return Lesson(
        rates=tuple(_rates(site, day)),
        figures=_told(plain) | _counted(plain) | _varied(plain, site) | _otherwise(plain, site),
        ends=tuple(
            ("-".join(filter(None, (row.model, row.version))), str(row.shutdown), row.replacement or "none named", row.source)
            for row in sorted(coming, key=lambda row: (row.shutdown.first, row.model))
        ),
        sources=tuple(plain.offered.found.rates.row.sources),
        transports=tuple(_transports(site)),
    )


def _transports(site: Site) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What is to be told of the ways to the model, each in one row with a cell for each way."""
    rows = site.facts.transports
    yield "suits", tuple(row.best_for for row in rows)
    yield "delay on the way", tuple(row.latency for row in rows)
    yield "effort", tuple(row.setup for row in rows)
    yield "needs", tuple(row.needs for row in rows)
    yield "data a minute, each way", tuple("; ".join(map(_weight, row.codecs)) for row in rows)
    yield "an interrupted answer", tuple(row.truncates for row in rows)
    yield "usage is seen", tuple(row.usage_seen for row in rows)


def _weight(codec: Codec) -> str:
    return f"{codec.name}: {codec.bytes_per_minute / 10**6:.2f} MB ({codec.note})"


def _otherwise(plain: Estimate, site: Site) -> dict[str, str]:
    """The same conversation built in other ways."""
    asked = replace(plain.offered.asked, provider="openai")
    wanted = {"pipeline": "cheapest", "durable": "lives-a-year", "live": "gpt-live-1.1"}
    stacks = [stack for stack in site.facts.stacks if stack.name in wanted.values()]
    built = alternatives(None, PLAN, asked, site.facts, stacks=stacks)
    ways = {key: built.named(name) for key, name in wanted.items()}
    return {
        key: shown(way.per_conversation.expected) if way and way.per_conversation else "nothing yet"
        for key, way in ways.items()
    }


def _told(plain: Estimate) -> dict[str, str]:
    """What the conversation itself costs."""
    each, minute = plain.per_conversation, plain.per_minute
    return {
        "model": plain.offered.found.offer.name,
        "day": plain.offered.asked.day.isoformat(),
        "conversation": shown(each.expected),
        "minute": shown(minute.expected),
        "minute_best": shown(minute.best),
        "minute_worst": shown(minute.worst),
        "first_turn": shown(_turn(plain, 1)),
        "last_turn": shown(_turn(plain, PLAN.turns)),
        "cached_times": _cheaper(plain.offered.found.rates),
        "turns_tokens": f"{_read(plain):,}",
    }


def _counted(plain: Estimate) -> dict[str, str]:
    """How speech becomes tokens, by the rules in use."""
    rules = plain.offered.ruling.rules
    text_a_second = rules.reply_text_per_audio_token * 1000 / rules.reply_audio_ms_per_token
    return {
        "user_tokens": f"{1000 / rules.user_audio_ms_per_token:g}",
        "reply_tokens": f"{1000 / rules.reply_audio_ms_per_token:g}",
        "reply_text": f"{text_a_second:.1f}",
        "reply_base": f"{rules.reply_text_base.normalize():f}",
        "prefix_ms": str(rules.vad_prefix_ms),
        "silence_ms": str(rules.vad_silence_ms),
        "padding": str(rules.padding_tokens),
        "block": str(rules.cache_block_tokens),
    }


def _varied(plain: Estimate, site: Site) -> dict[str, str]:
    """The same conversation with one thing changed, each by a run of its own."""
    asked = plain.offered.asked

    def run(plan: Plan = PLAN, **question: str) -> Estimate:
        return estimate(plan, replace(asked, **question), site.facts)  # type: ignore[arg-type]

    slow = replace(PLAN, minutes=20, user_share=Decimal("0.2"), assistant_share=Decimal("0.2"))
    found = {
        "ten_turns": run(replace(PLAN, turns=10)),
        "forty_turns": run(replace(PLAN, turns=40)),
        "silent": run(slow),
        "broken": run(replace(PLAN, interrupted_share=Decimal("0.3"))),
        "azure": run(provider="azure"),
        "zone": run(provider="azure", deployment="data-zone"),
        "mini": run(model="gpt-realtime-mini"),
        "page": run(rules="page-2026-06"),
    }
    month = estimate(PLAN, asked, site.facts, Volume(Decimal(1000), "month")).population
    return {name: shown(answer.per_conversation.expected) for name, answer in found.items()} | {
        "zone_times": _times(found["zone"], found["azure"]),
        "mini_times": _times(plain, found["mini"]),
        "page_times": _times(plain, found["page"]),
        "month_surcharge": f"{float(month.surcharge):.0%}" if month else "",
    }


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
