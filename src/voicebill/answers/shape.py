"""The one shape of an answer: what Python, `--json` and HTTP share.

Dollars are exact decimal strings, to the picodollar; what has no price is null. Names are stable.
"""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from decimal import Decimal
from fractions import Fraction
from typing import Any

from voicebill.answers.advice import Advice, CheapestTruncation
from voicebill.answers.bridge import Bridge
from voicebill.answers.compare import Comparison
from voicebill.answers.costing import PART_LABELS, Conversation
from voicebill.answers.estimate import Estimate
from voicebill.answers.knobs import Effect
from voicebill.answers.lengths import Spread
from voicebill.answers.offered import Offered
from voicebill.answers.population import Population
from voicebill.answers.scenarios import Scenarios
from voicebill.answers.simulate import Billed, Heard, Simulation
from voicebill.answers.transport import Carried
from voicebill.billing.bill import Line
from voicebill.billing.money import Amount, dollars
from voicebill.billing.offers import Offer, PriceRow
from voicebill.billing.price_book import Found
from voicebill.billing.usage import Usage
from voicebill.conversation.plan import Plan
from voicebill.conversation.rules import RuleRow, Ruling
from voicebill.conversation.script import Setup, Truncation

Shape = dict[str, Any]

TOKEN_METERS = (
    "text_in",
    "text_in_cached",
    "audio_in",
    "audio_in_cached",
    "image_in",
    "image_in_cached",
    "text_out",
    "audio_out",
)


def estimate_shape(answer: Estimate) -> Shape:
    """An estimate: amounts per conversation, minute, month and year, the expected bill's lines, and what they rest on."""
    return {
        "per_conversation": scenarios_shape(answer.per_conversation),
        "per_minute": scenarios_shape(answer.per_minute),
        "per_month": scenarios_shape(answer.per_month) if answer.per_month else None,
        "per_year": scenarios_shape(answer.per_year) if answer.per_year else None,
        "population": _population(answer.population) if answer.population else None,
        "lines": [
            *line_shapes(answer.lines, answer.offered.found),
            *line_shapes(answer.transcription_lines, answer.offered.transcription),
        ],
        "where": [
            {"part": part.name, "label": PART_LABELS[part.name], "dollars": dollars(part.amount)} for part in answer.parts
        ],
        "warnings": list(answer.warnings),
        "assumptions": list(answer.assumptions),
        "plan": plan_shape(answer.plan, answer.conversation) | {"conversations": str(answer.volume) if answer.volume else None},
        "responses": len(answer.conversation.responses),
        "transport": carried_shape(answer.way) if answer.way else None,
        "altogether": {
            "per_conversation": scenarios_shape(answer.altogether),
            "per_month": scenarios_shape(month) if (month := answer.altogether_per_month) else None,
        },
        "in_currency": _exchanged(
            answer.offered,
            {
                "per_conversation": answer.per_conversation,
                "per_minute": answer.per_minute,
                "per_month": answer.per_month,
                "per_year": answer.per_year,
            },
        ),
        **stands_on(answer.offered),
    }


def simulation_shape(answer: Simulation) -> Shape:
    """A simulation: every response with its usage and lines, transcription beside them, and the total of everything."""
    return {
        "responses": [_billed(billed, answer.offered.found) for billed in answer.responses],
        "transcription": _transcription(answer),
        "total": {
            "dollars": dollars(answer.total),
            "usage": _usage(answer.usage),
            "lines": [
                *line_shapes(answer.lines, answer.offered.found),
                *line_shapes(answer.transcription_lines, answer.offered.transcription),
            ],
        },
        "cache": answer.conversation.expected.behaviour,
        "scenarios": scenarios_shape(answer.scenarios),
        "warnings": list(answer.warnings),
        "assumptions": list(answer.assumptions),
        "in_currency": _exchanged(answer.offered, {"scenarios": answer.scenarios}),
        **stands_on(answer.offered),
    }


def comparison_shape(answer: Comparison) -> Shape:
    """A comparison: the offers, the cheapest first, with their amounts and what to mind of each."""
    return {
        "offers": [
            {
                "offer": _offer(candidate.offer, candidate.answer.offered.found if candidate.answer else None),
                "per_conversation": scenarios_shape(candidate.answer.per_conversation) if candidate.answer else None,
                "per_minute": scenarios_shape(candidate.answer.per_minute) if candidate.answer else None,
                "per_month": scenarios_shape(month) if candidate.answer and (month := candidate.answer.per_month) else None,
                "in_currency": _exchanged(
                    candidate.answer.offered,
                    {"per_conversation": candidate.answer.per_conversation, "per_month": candidate.answer.per_month},
                )
                if candidate.answer
                else None,
                "times_cheapest": ratio_text(answer.ratio(candidate)),
                "ends": candidate.ends.isoformat() if candidate.ends else None,
                "availability_unproven": candidate.unproven,
                "history_assumed": candidate.assumed,
                "warnings": list(candidate.answer.warnings) if candidate.answer else [],
                "refusal": candidate.refusal,
            }
            for candidate in answer.candidates
        ]
    }


def carried_shape(way: Carried) -> Shape:
    """The way of a conversation: bytes in each direction, what it needs, how long it takes, and what is paid on it."""
    row = way.transport
    return {
        "name": row.name,
        "title": row.title,
        "codec": way.codec.name,
        "bytes_up": way.up_bytes,
        "bytes_down": way.down_bytes,
        "latency_ms": None if row.low_ms is None or row.high_ms is None else {"low": row.low_ms, "high": row.high_ms},
        "best_for": row.best_for,
        "setup": row.setup,
        "needs": row.needs,
        "truncates": row.truncates,
        "usage_seen": row.usage_seen,
        "egress": _amount(way.egress),
        "tolls": [
            {
                "offer": toll.found.offer.id,
                "billed_seconds": decimal_text(Decimal(toll.line.quantity) / 1000) if toll.line else None,
                "dollars": _amount(toll.line.amount) if toll.line else "0",
                "per_month": dollars(toll.monthly),
                "lines": line_shapes([toll.line], toll.found) if toll.line else [],
            }
            for toll in way.tolls
        ],
        "dollars": dollars(way.per_conversation),
        "per_month": _amount(way.per_month),
        "assumptions": list(way.assumptions),
        "warnings": list(way.warnings),
        "source": row.source,
    }


def levers_shape(effects: Iterable[Effect], advised: Iterable[Advice]) -> Shape:
    """What each assumption moves, and what would make the plan cheaper, in dollars of a conversation's expected amount."""
    return {
        "knobs": [
            {
                "name": effect.knob.name,
                "label": effect.knob.label,
                "low": {"at": effect.knob.low.label, "adds": _amount(effect.low)},
                "high": {"at": effect.knob.high.label, "adds": _amount(effect.high)},
                "basis": effect.knob.basis,
            }
            for effect in effects
        ],
        "advice": [
            {"change": each.change, "saves": dollars(each.saves), "at_the_cost_of": each.at_the_cost_of} for each in advised
        ],
    }


def truncation_shape(found: CheapestTruncation) -> Shape:
    """The cheapest truncation setting that remembers enough."""
    return {
        "truncation": _truncation(found.truncation),
        "expected": dollars(found.expected),
        "remembered_turns": found.remembered_turns,
    }


def bridge_shape(answer: Bridge) -> Shape:
    """The original calculator's figure, what each difference adds, and ours."""
    return {
        "page": dollars(answer.page),
        "steps": [{"label": step.label, "adds": dollars(step.adds)} for step in answer.steps],
        "ours": dollars(answer.ours),
    }


def _population(answer: Population) -> Shape:
    lengths = answer.lengths
    return {
        "spread": decimal_text(lengths.coefficient) if isinstance(lengths, Spread) else None,
        "mean": scenarios_shape(answer.mean),
        "mean_minutes": round(answer.mean_minutes, 2),
        "surcharge": ratio_text(answer.surcharge),
        "cap_minutes": round(answer.cap.minutes, 2) if answer.cap else None,
        "cap_by": answer.cap.by if answer.cap else None,
        "percentiles": [
            {"percent": each.percent, "minutes": round(each.minutes, 2), "dollars": dollars(each.amount)}
            for each in answer.percentiles
        ],
    }


def _exchanged(sold: Offered, amounts: Mapping[str, Scenarios | None]) -> Shape | None:
    """Amounts in the currency that was stated for the day, with its rate."""
    currency = sold.currency
    if currency is None:
        return None
    return {
        "currency": currency.code,
        "per_dollar": decimal_text(currency.per_dollar),
        "since": str(currency.since),
        "source": currency.source,
        **{
            name: {each: currency.plain(getattr(found, each)) for each in ("best", "expected", "worst")} if found else None
            for name, found in amounts.items()
        },
    }


def ratio_text(ratio: Fraction | None) -> str | None:
    """A ratio with four decimals, as a plain decimal string."""
    return None if ratio is None else format(Decimal(round(ratio * 10_000)) / 10_000, "f")


def offer_shape(offer: Offer) -> Shape:
    """An offer with its whole history of prices, their sources and disputes."""
    return {**_offer(offer), "kind": offer.kind, "example": offer.example, "prices": [_price_row(row) for row in offer.rows]}


def rule_shape(row: RuleRow) -> Shape:
    """A parameter's value with what speaks for it."""
    return {
        "value": decimal_text(row.value),
        "evidence": row.evidence,
        "basis": row.basis,
        "disputed": [decimal_text(value) for value in row.disputed],
    }


def rules_shape(ruling: Ruling) -> Shape:
    """The rules that an answer used, each with its evidence."""
    return {
        "name": ruling.name,
        "digest": ruling.digest,
        "evidence": {parameter: rule_shape(row) for parameter, row in ruling.rows.items()},
    }


def stands_on(offered: Offered) -> Shape:
    """The day, the offers, the prices and the rules of an answer."""
    return {
        "day": offered.asked.day.isoformat(),
        "currency": "USD",
        "offer": _offer(offered.found.offer, offered.found),
        "transcription_offer": _offer(offered.transcription.offer, offered.transcription) if offered.transcription else None,
        "prices": {
            "digest": offered.facts.prices.digest,
            "since": str(offered.found.rates.row.since),
            "checked": offered.found.rates.row.checked.isoformat(),
            "sources": list(offered.found.rates.row.sources),
            "contract": offered.facts.prices.contract(offered.found.offer, offered.asked.day),
        },
        "rules": rules_shape(offered.ruling),
    }


def _offer(offer: Offer, found: Found | None = None) -> Shape:
    return {
        "id": offer.id,
        "provider": offer.provider,
        "model": offer.model,
        "version": offer.version,
        "deployment": offer.deployment,
        "region": found.region if found else None,
        "tier": offer.tier,
    } | ({} if found else {"regions": list(offer.regions)})


def _price_row(row: PriceRow) -> Shape:
    return {
        "since": str(row.since),
        "until": str(row.until) if row.until else None,
        "usd": {meter: format(price.normalize(), "f") for meter, price in row.prices.items()},
        "disputed": [
            {"meter": meter, "usd": format(dispute.price.normalize(), "f"), "source": dispute.source}
            for meter, disputes in row.disputes.items()
            for dispute in disputes
        ],
        "checked": row.checked.isoformat(),
        "confidence": row.confidence,
        "sources": list(row.sources),
        "note": row.note,
    }


def scenarios_shape(amounts: Scenarios) -> Shape:
    """Best, expected and worst, in dollars."""
    return {"best": dollars(amounts.best), "expected": dollars(amounts.expected), "worst": dollars(amounts.worst)}


def line_shapes(lines: Iterable[Line], found: Found | None) -> list[Shape]:
    """Lines of a bill: quantity, rate and amount, with what they stand on."""
    return [
        {
            "offer": found.offer.id if found else None,
            "meter": line.meter.name,
            "label": line.meter.label,
            "unit": line.meter.unit,
            "quantity": line.quantity,
            "rate": str(line.rate) if line.rate else None,
            "usd": dollars(line.rate.price * 10**12) if line.rate else None,
            "per": line.meter.priced_per,
            "dollars": _amount(line.amount),
            "sources": list(found.rates.row.sources) if found else [],
        }
        for line in lines
    ]


def _amount(amount: Amount | None) -> str | None:
    return None if amount is None else dollars(amount)


def _usage(usage: Usage) -> Shape:
    return {meter: usage[meter] for meter in TOKEN_METERS}


def _billed(billed: Billed, found: Found) -> Shape:
    return {
        "turn": billed.response.turn,
        "kind": billed.response.kind,
        "status": billed.response.status,
        "interrupted": billed.response.status == "cancelled" and bool(billed.usage.quantities),
        "session": billed.response.session,
        "dropped_items": billed.response.dropped,
        "usage": _usage(billed.usage),
        "dollars": dollars(billed.amount),
        "lines": line_shapes(billed.lines, found),
    }


def _transcription(answer: Simulation) -> Shape | None:
    found = answer.offered.transcription
    if found is None:
        return None
    return {
        "offer": found.offer.id,
        "turns": [_heard(heard, found) for heard in answer.transcriptions],
        "dollars": dollars(sum(heard.amount for heard in answer.transcriptions)),
    }


def _heard(heard: Heard, found: Found) -> Shape:
    return {
        "turn": heard.turn,
        "usage": dict(heard.usage.items()),
        "dollars": dollars(heard.amount),
        "lines": line_shapes(heard.lines, found),
    }


def plan_shape(plan: Plan, held: Conversation) -> Shape:
    """A plan with what it left open filled in."""
    said = {
        each.name: decimal_text(getattr(plan, each.name))
        for each in (*fields(Setup), *fields(Plan))
        if each.name != "truncation"
    }
    user, assistant = plan.talk
    filled = {
        "user_share": decimal_text(user),
        "assistant_share": decimal_text(assistant),
        "silence_share": decimal_text(plan.silence),
        "cache": held.expected.behaviour,
        "reuse": decimal_text(held.rules.cache_reuse_share if plan.reuse is None else plan.reuse),
        "truncation": _truncation(plan.truncation),
        "transport": plan.transport or "webrtc",
    }
    return {**said, **filled}


def _truncation(setting: Truncation) -> Shape:
    return {
        "mode": setting.mode,
        "retention_ratio": decimal_text(setting.retention_ratio),
        "post_instructions_tokens": setting.post_instructions_tokens,
    }


def decimal_text(value: object) -> object:
    """Decimals as plain numbers in a string, so that nothing is lost on the way through JSON."""
    return format(value.normalize(), "f") if isinstance(value, Decimal) else value
