"""Render the page on providers: who bills what, how, since when, by which source, and what is not published.

`make docs` writes it to docs/providers.md.
"""

from collections.abc import Iterable, Iterator
from datetime import date

from voicebill.answers.catalog.facts import Facts
from voicebill.answers.catalog.mechanics import Mechanics, mechanics_of
from voicebill.answers.comparison.choices import LABELS
from voicebill.answers.comparison.compare import OfferEstimate, available_offers, compare
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.answers.estimates.planning_range import rule_uncertainty
from voicebill.billing.money import format_amount
from voicebill.billing.offers import Offer, Rates
from voicebill.conversation.plan import Plan

TYPICAL_CALL = Plan(minutes=10, turns=20)

HEAD = """# Providers

Computed by `make docs` from the files of prices and rules. Each provider is one file,
[as yours can be](parameters.md#a-provider-of-your-own): its offers, how its conversations become usage, when its models end,
and a line on how it bills.

A provider's models are estimated by its own rules only. What it does not publish is listed, and an offer that is billed by
tokens cannot be estimated while a rule that it needs is missing: give it with `--set-rule`, or in a file. Voices, quality and,
where nobody measured it, latency are not compared.

"""

BY_RESPONSES = "by tokens; each response reads the history again, part of it at a cached rate"
"""How OpenAI's and Azure's realtime models are billed."""


def providers_page(facts: Facts, day: date) -> str:
    """The page in Markdown."""
    return HEAD + "\n".join([*_comparison(facts, day), *_providers(facts, day)]).rstrip() + "\n"


def _comparison(facts: Facts, day: date) -> Iterator[str]:
    offers = available_offers(facts.prices, day)
    answer = compare(TYPICAL_CALL, offers, ModelSelection(model="any", day=day), facts)
    yield f"## One call on {day}"
    yield ""
    yield (
        f"{TYPICAL_CALL.minutes} minutes, {TYPICAL_CALL.turns} turns, {TYPICAL_CALL.instructions_tokens:,} tokens of prompt; "
        "user and assistant speak 40% of the time each. Of models that are sold in several versions, deployments and regions, "
        "the cheapest. The range is the planning range: of the cache and of rules that are not certain."
    )
    yield ""
    yield "| provider | model | kind | expected | range | how it bills |"
    yield "|---|---|---|---|---|---|"
    seen: set[tuple[str, str]] = set()
    for candidate in answer.candidates:
        key = (candidate.offer.provider, candidate.offer.model)
        if candidate.answer is not None and key not in seen:
            seen.add(key)
            yield _row(candidate)
    refused = [candidate for candidate in answer.candidates if candidate.answer is None and candidate.mechanics]
    if refused:
        yield ""
        yield "Not estimated, because how they count is not published:"
        yield ""
        for candidate in refused:
            yield f"- {candidate.offer.provider} {candidate.offer.model}"
    yield ""


def _row(candidate: OfferEstimate) -> str:
    assert candidate.answer is not None
    costs, model = candidate.answer.per_conversation, candidate.answer.model
    span = rule_uncertainty(TYPICAL_CALL, model, costs).planning_range(costs)
    same = format_amount(span.low) == format_amount(span.high)
    return _cells(
        candidate.offer.provider,
        f"`{candidate.offer.model}`",
        LABELS["agent" if candidate.offer.kind == "agent" else "speech-to-speech"],
        format_amount(costs.expected),
        "" if same else f"{format_amount(span.low)} to {format_amount(span.high)}",
        candidate.mechanics.billing if candidate.mechanics else BY_RESPONSES,
    )


def _providers(facts: Facts, day: date) -> Iterator[str]:
    for row in sorted(facts.mechanics, key=lambda row: (row.provider, row.title)):
        offers = [offer for offer in facts.prices.offers if mechanics_of(offer, facts.mechanics) is row]
        yield from _provider(row, offers, facts, day)


def _provider(row: Mechanics, offers: Iterable[Offer], facts: Facts, day: date) -> Iterator[str]:
    yield f"## {row.title}"
    yield ""
    yield f"`{row.provider}`: {row.billing}."
    yield ""
    yield "| offer | kind | prices | since | certainty |"
    yield "|---|---|---|---|---|"
    for offer in offers:
        price = offer.row_on(day) or offer.rows[-1]
        rates = Rates.from_row(offer, price, facts.prices.meters)
        prices = ", ".join(f"{rate.meter.label} {rate}" for rate in rates.by_meter.values() if not rate.is_fallback)
        disputes = "; disputed" if price.disputes else ""
        ends = facts.prices.shutdown_day(offer)
        until = f" until {price.until or ends}" if price.until or ends else ""
        yield _cells(f"`{offer.id}`", offer.kind, prices, f"{price.since}{until}", f"{price.confidence}{disputes}")
    yield ""
    yield f"- Logs report usage: {row.usage_reports}."
    if row.limits:
        yield f"- Limits: {row.limits}."
    if row.unpublished:
        yield f"- Not published: {'; '.join(row.unpublished)}."
    yield f"- Sources (checked {row.checked}): {row.source}."
    yield ""


def _cells(*cells: str) -> str:
    escaped = (cell.replace("|", r"\|") for cell in cells)
    return f"| {' | '.join(escaped)} |"
