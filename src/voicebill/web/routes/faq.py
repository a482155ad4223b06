"""Calculate the figures of the page of frequently asked questions."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from fastapi import APIRouter, Request, Response

from voicebill.answers.catalog.transports import Codec
from voicebill.answers.comparison.alternatives import alternatives
from voicebill.answers.estimates.estimate import Estimate, estimate
from voicebill.answers.estimates.model_selection import DEFAULT_MODEL, ModelSelection
from voicebill.answers.estimates.response_breakdown import response_costs
from voicebill.billing.errors import VoicebillError
from voicebill.billing.money import Amount, format_amount, format_price
from voicebill.billing.offers import Rates
from voicebill.conversation.plan import Plan
from voicebill.conversation.script import Truncation
from voicebill.conversation.volume import Volume
from voicebill.web.pages import Pages
from voicebill.web.responses import run_in_threads
from voicebill.web.site import USUAL_PLAN, Site

RATE_METERS = ("audio_in", "audio_in_cached", "audio_out", "text_in", "text_in_cached", "text_out")


@dataclass(frozen=True, slots=True)
class FaqFigures:
    """The figures of the page, formatted.

    A row of `rates` is a model, its prices and its offer; a row of `shutdowns` a model, a day, the replacement and the source.
    """

    rates: tuple[tuple[str, tuple[str, ...], str], ...]
    figures: dict[str, str]
    shutdowns: tuple[tuple[str, str, str, str], ...]
    sources: tuple[str, ...]
    transports: tuple[tuple[str, tuple[str, ...]], ...]


def faq_figures(site: Site, day: date) -> FaqFigures:
    """All figures of the page on a day."""
    book = site.facts.prices
    baseline = estimate(USUAL_PLAN, ModelSelection(model=DEFAULT_MODEL, day=day), site.facts)
    upcoming = (row for row in book.lifecycle if row.shutdown.first > day and row.provider == "openai")
    return FaqFigures(
        rates=tuple(_rates(site, day)),
        figures=_cost_figures(baseline)
        | _token_figures(baseline)
        | _variation_figures(baseline, site)
        | _alternative_figures(baseline, site),
        shutdowns=tuple(
            (
                "-".join(filter(None, (row.model, row.version))),
                str(row.shutdown),
                row.replacement or "not announced",
                row.source,
            )
            for row in sorted(upcoming, key=lambda row: (row.shutdown.first, row.model))
        ),
        sources=tuple(baseline.model.quote.rates.row.sources),
        transports=tuple(_transports(site)),
    )


def _transports(site: Site) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The rows of the table of transports: a label and one cell for each transport."""
    rows = site.facts.transports
    yield "suited to", tuple(row.best_for for row in rows)
    yield "latency", tuple(row.latency for row in rows)
    yield "set-up effort", tuple(row.setup for row in rows)
    yield "requires", tuple(row.needs for row in rows)
    yield "data per minute in each direction", tuple("; ".join(map(_format_codec, row.codecs)) for row in rows)
    yield "interrupted reply", tuple(row.truncation for row in rows)
    yield "where usage is visible", tuple(row.usage_visibility for row in rows)


def _format_codec(codec: Codec) -> str:
    return f"{codec.name}: {codec.megabytes_per_minute:.2f} MB ({codec.note})"


def _alternative_figures(baseline: Estimate, site: Site) -> dict[str, str]:
    """Expected cost of the same conversation with other architectures."""
    selection = replace(baseline.model.selection, provider="openai")
    stack_names = {"pipeline": "cheapest", "durable": "supported-a-year", "live": "gpt-live-1.1"}
    stacks = [stack for stack in site.facts.stacks if stack.name in stack_names.values()]
    comparison = alternatives(None, USUAL_PLAN, selection, site.facts, stacks=stacks)
    selected = {key: comparison.find(name) for key, name in stack_names.items()}
    return {
        key: format_amount(alternative.per_conversation.expected)
        if alternative and alternative.per_conversation
        else "(not available)"
        for key, alternative in selected.items()
    }


def _cost_figures(baseline: Estimate) -> dict[str, str]:
    """Cost of the conversation itself."""
    per_conversation, per_minute = baseline.per_conversation, baseline.per_minute
    return {
        "model": baseline.model.quote.offer.name,
        "day": baseline.model.selection.day.isoformat(),
        "conversation": format_amount(per_conversation.expected),
        "minute": format_amount(per_minute.expected),
        "minute_best": format_amount(per_minute.best),
        "minute_worst": format_amount(per_minute.worst),
        "first_turn": format_amount(_turn_cost(baseline, 1)),
        "last_turn": format_amount(_turn_cost(baseline, USUAL_PLAN.turns)),
        "cached_times": _cache_discount_ratio(baseline.model.quote.rates),
        "turns_tokens": f"{_input_tokens(baseline):,}",
        "best": format_amount(per_conversation.best),
        "worst": format_amount(per_conversation.worst),
        "cached_share": f"{sum(map(sum, baseline.conversation.hits)) / _input_tokens(baseline):.0%}",
    }


def _token_figures(baseline: Estimate) -> dict[str, str]:
    """How speech becomes tokens under the rules in use."""
    rules = baseline.model.effective_rules.rules
    return {
        "user_tokens": f"{rules.user_tokens_per_second:g}",
        "reply_tokens": f"{rules.reply_tokens_per_second:g}",
        "reply_text": f"{rules.reply_text_tokens_per_second:.1f}",
        "reply_base": f"{rules.reply_text_base.normalize():f}",
        "prefix_ms": str(rules.vad_prefix_ms),
        "silence_ms": str(rules.vad_silence_ms),
        "padding": str(rules.padding_tokens),
        "block": str(rules.cache_block_tokens),
    }


def _variation_figures(baseline: Estimate, site: Site) -> dict[str, str]:
    """Expected cost of the same conversation with one change each."""
    selection = baseline.model.selection

    def run(plan: Plan = USUAL_PLAN, **changes: str) -> Estimate:
        return estimate(plan, replace(selection, **changes), site.facts)  # type: ignore[arg-type]

    mostly_silent = replace(USUAL_PLAN, minutes=20, user_share=Decimal("0.2"), assistant_share=Decimal("0.2"))
    long_prompt, every_turn = replace(USUAL_PLAN, instructions_tokens=5000), Decimal(1)
    hour = replace(USUAL_PLAN, minutes=60, turns=120)
    estimates = {
        "ten_turns": run(replace(USUAL_PLAN, turns=10)),
        "forty_turns": run(replace(USUAL_PLAN, turns=40)),
        "silent": run(mostly_silent),
        "broken": run(replace(USUAL_PLAN, interrupted_share=Decimal("0.3"))),
        "azure": run(provider="azure"),
        "zone": run(provider="azure", deployment="data-zone"),
        "mini": run(model="gpt-realtime-mini"),
        "newer_mini": run(model="gpt-realtime-2.1-mini"),
        "changing_prompt": run(replace(USUAL_PLAN, instructions_change=every_turn)),
        "long_prompt": run(long_prompt),
        "long_changing_prompt": run(replace(long_prompt, instructions_change=every_turn)),
        "tool_calls": run(replace(USUAL_PLAN, tool_calls=5)),
        "hour": run(hour),
        "hour_cut": run(replace(hour, truncation=Truncation("auto", Decimal("0.8"), 4000))),
        "page": run(rules="web-calculator-2026-06"),
    }
    call_mix = estimate(USUAL_PLAN, selection, site.facts, Volume(Decimal(1000), "month")).call_mix
    return {name: format_amount(answer.per_conversation.expected) for name, answer in estimates.items()} | {
        "zone_times": _cost_ratio(estimates["zone"], estimates["azure"]),
        "mini_times": _cost_ratio(baseline, estimates["mini"]),
        "page_times": _cost_ratio(baseline, estimates["page"]),
        "month_surcharge": f"{float(call_mix.length_uplift):.0%}" if call_mix else "",
    }


def _cost_ratio(numerator: Estimate, denominator: Estimate) -> str:
    return f"{float(Fraction(numerator.per_conversation.expected) / Fraction(denominator.per_conversation.expected)):.2f}"


def _cache_discount_ratio(rates: Rates) -> str:
    uncached, cached = rates["audio_in"], rates["audio_in_cached"]
    return f"{float(uncached.price / cached.price):.0f}" if uncached and cached else ""


def _turn_cost(answer: Estimate, turn: int) -> Amount:
    """Expected cost of one turn."""
    return sum(
        response_cost.amount
        for response_cost in response_costs(answer.conversation, answer.model)
        if response_cost.response.turn == turn
    )


def _input_tokens(answer: Estimate) -> int:
    """Input tokens of all responses together."""
    return sum(sum(response.input) for response in answer.conversation.responses)


def _rates(site: Site, day: date) -> list[tuple[str, tuple[str, ...], str]]:
    """The day's rates of OpenAI's realtime models: audio and text, in, cached and out, per million tokens."""
    rows = []
    for model in site.model_choices(day).models:
        try:
            quote = site.facts.prices.quote(model, day=day)
        except VoicebillError:
            continue
        prices = quote.rates.row.unit_prices
        if "audio_in" not in prices:  # a text model, which another provider sells with speech around it
            continue
        cells = tuple(format_price(prices[meter]) if meter in prices else "-" for meter in RATE_METERS)
        rows.append((model, cells, quote.offer.id))
    return rows


def routes(site: Site, pages: Pages) -> APIRouter:
    """The route of the page."""
    router = APIRouter()
    cached_figures = lru_cache(maxsize=4)(lambda day: faq_figures(site, day))

    @router.get("/learn", include_in_schema=False)
    async def learn(request: Request) -> Response:
        day = site.today()
        figures = await run_in_threads(site, lambda: cached_figures(day))
        return pages.page(request, "learn.html", {"faq": figures, "figures": figures.figures})

    return router
