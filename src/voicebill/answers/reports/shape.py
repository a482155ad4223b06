"""Build the JSON of answers, the same for Python, `--json` and HTTP.

Dollars are decimal strings, exact to the picodollar; an amount without a price is null. Keys are stable.
"""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from decimal import Decimal
from fractions import Fraction
from typing import Any

from voicebill.answers.comparison.compare import Comparison
from voicebill.answers.connectivity.transport import ConnectionEstimate
from voicebill.answers.estimates.calculator_bridge import CalculatorBridge
from voicebill.answers.estimates.call_mix import CallMix
from voicebill.answers.estimates.costing import COST_COMPONENT_LABELS, CountedConversation
from voicebill.answers.estimates.estimate import Estimate
from voicebill.answers.estimates.model_selection import ResolvedModel
from voicebill.answers.estimates.scenarios import Scenarios
from voicebill.answers.estimates.simulate import BilledResponse, BilledTranscription, Simulation
from voicebill.answers.sensitivity.recommendations import CheapestTruncation, Recommendation
from voicebill.answers.sensitivity.sensitivity import Swing
from voicebill.billing.bill import Line
from voicebill.billing.money import Amount, format_dollars
from voicebill.billing.offers import Offer, PriceRow
from voicebill.billing.price_book import Quote
from voicebill.billing.usage import Usage
from voicebill.conversation.call_lengths import LengthDistribution
from voicebill.conversation.plan import Plan
from voicebill.conversation.rules import EffectiveRules, RuleRow
from voicebill.conversation.script import ConversationSettings, Truncation

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
    """An estimate as JSON: amounts per conversation, minute, month and year, the expected bill, and assumptions."""
    return {
        "per_conversation": scenarios_shape(answer.per_conversation),
        "per_minute": scenarios_shape(answer.per_minute),
        "per_month": scenarios_shape(answer.per_month) if answer.per_month else None,
        "per_year": scenarios_shape(answer.per_year) if answer.per_year else None,
        "call_mix": _call_mix(answer.call_mix) if answer.call_mix else None,
        "lines": [
            *line_shapes(answer.lines, answer.model.quote),
            *line_shapes(answer.transcription_lines, answer.model.transcription),
        ],
        "breakdown": [
            {"component": part.name, "label": COST_COMPONENT_LABELS[part.name], "dollars": format_dollars(part.amount)}
            for part in answer.breakdown
        ],
        "warnings": list(answer.warnings),
        "assumptions": list(answer.assumptions),
        "plan": plan_shape(answer.plan, answer.conversation) | {"conversations": str(answer.volume) if answer.volume else None},
        "responses": len(answer.conversation.responses),
        "connection": connection_shape(answer.connection) if answer.connection else None,
        "total_with_connection": {
            "per_conversation": scenarios_shape(answer.total),
            "per_month": scenarios_shape(month) if (month := answer.total_per_month) else None,
        },
        "in_currency": _in_currency(
            answer.model,
            {
                "per_conversation": answer.per_conversation,
                "per_minute": answer.per_minute,
                "per_month": answer.per_month,
                "per_year": answer.per_year,
            },
        ),
        **provenance_shape(answer.model),
    }


def simulation_shape(answer: Simulation) -> Shape:
    """A simulation as JSON: every response with its usage and lines, the transcription by turn, and the total of both."""
    return {
        "responses": [_billed_response(billed_response, answer.model.quote) for billed_response in answer.responses],
        "transcription": _transcription(answer),
        "total": {
            "dollars": format_dollars(answer.total),
            "usage": _usage(answer.usage),
            "lines": [
                *line_shapes(answer.lines, answer.model.quote),
                *line_shapes(answer.transcription_lines, answer.model.transcription),
            ],
        },
        "cache": answer.conversation.expected.behaviour,
        "scenarios": scenarios_shape(answer.scenarios),
        "warnings": list(answer.warnings),
        "assumptions": list(answer.assumptions),
        "in_currency": _in_currency(answer.model, {"scenarios": answer.scenarios}),
        **provenance_shape(answer.model),
    }


def comparison_shape(answer: Comparison) -> Shape:
    """A comparison of offers as JSON: each offer with its amounts and warnings, cheapest first."""
    return {
        "offers": [
            {
                "offer": _offer(candidate.offer, candidate.answer.model.quote if candidate.answer else None),
                "per_conversation": scenarios_shape(candidate.answer.per_conversation) if candidate.answer else None,
                "per_minute": scenarios_shape(candidate.answer.per_minute) if candidate.answer else None,
                "per_month": scenarios_shape(month) if candidate.answer and (month := candidate.answer.per_month) else None,
                "in_currency": _in_currency(
                    candidate.answer.model,
                    {"per_conversation": candidate.answer.per_conversation, "per_month": candidate.answer.per_month},
                )
                if candidate.answer
                else None,
                "ratio_to_cheapest": ratio_text(answer.ratio_to_cheapest(candidate)),
                "ends": candidate.ends.isoformat() if candidate.ends else None,
                "availability_unconfirmed": candidate.availability_unconfirmed,
                "history_assumed": candidate.history_assumed,
                "warnings": list(candidate.answer.warnings) if candidate.answer else [],
                "reason": candidate.reason,
            }
            for candidate in answer.candidates
        ]
    }


def connection_shape(connection: ConnectionEstimate) -> Shape:
    """A connection as JSON: bytes in each direction, requirements, latency, and fees."""
    row = connection.transport
    return {
        "name": row.name,
        "title": row.title,
        "codec": connection.codec.name,
        "bytes_sent": connection.bytes_sent,
        "bytes_received": connection.bytes_received,
        "latency_ms": None if row.low_ms is None or row.high_ms is None else {"low": row.low_ms, "high": row.high_ms},
        "best_for": row.best_for,
        "setup": row.setup,
        "needs": row.needs,
        "truncation": row.truncation,
        "usage_visibility": row.usage_visibility,
        "egress": _amount(connection.egress),
        "fees": [
            {
                "offer": fee.quote.offer.id,
                "billed_seconds": decimal_text(Decimal(fee.line.quantity) / 1000) if fee.line else None,
                "dollars": _amount(fee.line.amount) if fee.line else "0",
                "per_month": format_dollars(fee.monthly_fee),
                "lines": line_shapes([fee.line], fee.quote) if fee.line else [],
            }
            for fee in connection.fees
        ],
        "dollars": format_dollars(connection.per_conversation),
        "per_month": _amount(connection.per_month),
        "assumptions": list(connection.assumptions),
        "warnings": list(connection.warnings),
        "source": row.source,
    }


def sensitivity_shape(swings: Iterable[Swing], recommendations: Iterable[Recommendation]) -> Shape:
    """Sensitivity and recommendations as JSON, in dollars of the expected amount per conversation."""
    return {
        "sensitivity": [
            {
                "name": swing.parameter.name,
                "label": swing.parameter.label,
                "low": {"value": swing.parameter.low.label, "delta": _amount(swing.low)},
                "high": {"value": swing.parameter.high.label, "delta": _amount(swing.high)},
                "basis": swing.parameter.basis,
            }
            for swing in swings
        ],
        "recommendations": [
            {
                "change": recommendation.change,
                "savings": format_dollars(recommendation.savings),
                "trade_off": recommendation.trade_off,
            }
            for recommendation in recommendations
        ],
    }


def truncation_shape(cheapest: CheapestTruncation) -> Shape:
    """The cheapest truncation setting that remembers enough turns, as JSON."""
    return {
        "truncation": _truncation(cheapest.truncation),
        "expected": format_dollars(cheapest.expected),
        "remembered_turns": cheapest.remembered_turns,
    }


def bridge_shape(answer: CalculatorBridge) -> Shape:
    """A calculator bridge as JSON: the web calculator's amount, the change by each step, and voicebill's amount."""
    return {
        "calculator": format_dollars(answer.calculator),
        "steps": [{"label": step.label, "delta": format_dollars(step.delta)} for step in answer.steps],
        "voicebill": format_dollars(answer.voicebill),
    }


def _call_mix(answer: CallMix) -> Shape:
    lengths = answer.lengths
    return {
        "call_length_cv": decimal_text(lengths.coefficient) if isinstance(lengths, LengthDistribution) else None,
        "mean": scenarios_shape(answer.mean),
        "mean_minutes": round(answer.mean_minutes, 2),
        "length_uplift": ratio_text(answer.length_uplift),
        "cap_minutes": round(answer.cap.minutes, 2) if answer.cap else None,
        "cap_by": answer.cap.by if answer.cap else None,
        "percentiles": [
            {
                "percent": percentile.percent,
                "minutes": round(percentile.minutes, 2),
                "dollars": format_dollars(percentile.amount),
            }
            for percentile in answer.percentiles
        ],
    }


def _in_currency(model: ResolvedModel, amounts: Mapping[str, Scenarios | None]) -> Shape | None:
    """Amounts in the currency that the user's facts give for the day, with its exchange rate; None without a currency."""
    currency = model.currency
    if currency is None:
        return None
    return {
        "currency": currency.code,
        "per_dollar": decimal_text(currency.per_dollar),
        "since": str(currency.since),
        "source": currency.source,
        **{
            name: {
                scenario: currency.format_decimal(getattr(scenarios, scenario)) for scenario in ("best", "expected", "worst")
            }
            if scenarios
            else None
            for name, scenarios in amounts.items()
        },
    }


def ratio_text(ratio: Fraction | None) -> str | None:
    """A ratio as a plain decimal string, rounded to four decimals."""
    return None if ratio is None else format(Decimal(round(ratio * 10_000)) / 10_000, "f")


def offer_shape(offer: Offer) -> Shape:
    """An offer as JSON with its price history, sources and disputed prices."""
    return {**_offer(offer), "kind": offer.kind, "example": offer.example, "prices": [_price_row(row) for row in offer.rows]}


def rule_shape(row: RuleRow) -> Shape:
    """The value of a rule as JSON, with its evidence."""
    return {
        "value": decimal_text(row.value),
        "evidence": row.evidence,
        "basis": row.basis,
        "disputed": [decimal_text(value) for value in row.disputed],
    }


def rules_shape(rules: EffectiveRules) -> Shape:
    """The rules of an answer as JSON, each with its evidence."""
    return {
        "name": rules.name,
        "digest": rules.digest,
        "evidence": {parameter: rule_shape(row) for parameter, row in rules.rows.items()},
    }


def provenance_shape(model: ResolvedModel) -> Shape:
    """The day, the offers, the prices and the rules of an answer as JSON."""
    return {
        "day": model.selection.day.isoformat(),
        "currency": "USD",
        "offer": _offer(model.quote.offer, model.quote),
        "transcription_offer": _offer(model.transcription.offer, model.transcription) if model.transcription else None,
        "prices": {
            "digest": model.facts.prices.digest,
            "since": str(model.quote.rates.row.since),
            "checked": model.quote.rates.row.checked.isoformat(),
            "sources": list(model.quote.rates.row.sources),
            "contract": model.facts.prices.contract_terms(model.quote.offer, model.selection.day),
        },
        "rules": rules_shape(model.effective_rules),
    }


def _offer(offer: Offer, quote: Quote | None = None) -> Shape:
    return {
        "id": offer.id,
        "provider": offer.provider,
        "model": offer.model,
        "version": offer.version,
        "deployment": offer.deployment,
        "region": quote.region if quote else None,
        "tier": offer.tier,
    } | ({} if quote else {"regions": list(offer.regions)})


def _price_row(row: PriceRow) -> Shape:
    return {
        "since": str(row.since),
        "until": str(row.until) if row.until else None,
        "list_prices": {meter: format(price.normalize(), "f") for meter, price in row.unit_prices.items()},
        "disputed": [
            {"meter": meter, "list_price": format(dispute.price.normalize(), "f"), "source": dispute.source}
            for meter, disputes in row.disputes.items()
            for dispute in disputes
        ],
        "checked": row.checked.isoformat(),
        "confidence": row.confidence,
        "sources": list(row.sources),
        "note": row.note,
    }


def scenarios_shape(amounts: Scenarios) -> Shape:
    """The amounts of the three cache scenarios as JSON, in dollars."""
    return {
        "best": format_dollars(amounts.best),
        "expected": format_dollars(amounts.expected),
        "worst": format_dollars(amounts.worst),
    }


def line_shapes(lines: Iterable[Line], quote: Quote | None) -> list[Shape]:
    """Lines of a bill as JSON: quantity, rate and amount, with the sources of the price."""
    return [
        {
            "offer": quote.offer.id if quote else None,
            "meter": line.meter.name,
            "label": line.meter.label,
            "unit": line.meter.unit,
            "quantity": line.quantity,
            "rate": str(line.rate) if line.rate else None,
            "unit_price": format_dollars(line.rate.price * 10**12) if line.rate else None,
            "per": line.meter.priced_per,
            "dollars": _amount(line.amount),
            "sources": list(quote.rates.row.sources) if quote else [],
        }
        for line in lines
    ]


def _amount(amount: Amount | None) -> str | None:
    return None if amount is None else format_dollars(amount)


def _usage(usage: Usage) -> Shape:
    return {meter: usage[meter] for meter in TOKEN_METERS}


def _billed_response(billed_response: BilledResponse, quote: Quote) -> Shape:
    return {
        "turn": billed_response.response.turn,
        "kind": billed_response.response.kind,
        "status": billed_response.response.status,
        "interrupted": billed_response.response.status == "cancelled" and bool(billed_response.usage.quantities),
        "session": billed_response.response.session,
        "dropped_items": billed_response.response.dropped,
        "usage": _usage(billed_response.usage),
        "dollars": format_dollars(billed_response.amount),
        "lines": line_shapes(billed_response.lines, quote),
    }


def _transcription(answer: Simulation) -> Shape | None:
    quote = answer.model.transcription
    if quote is None:
        return None
    return {
        "offer": quote.offer.id,
        "turns": [_billed_transcription(transcription, quote) for transcription in answer.transcriptions],
        "dollars": format_dollars(sum(transcription.amount for transcription in answer.transcriptions)),
    }


def _billed_transcription(transcription: BilledTranscription, quote: Quote) -> Shape:
    return {
        "turn": transcription.turn,
        "usage": dict(transcription.usage.items()),
        "dollars": format_dollars(transcription.amount),
        "lines": line_shapes(transcription.lines, quote),
    }


def plan_shape(plan: Plan, conversation: CountedConversation) -> Shape:
    """A plan as JSON, with values for what it left open."""
    values = {
        field.name: decimal_text(getattr(plan, field.name))
        for field in (*fields(ConversationSettings), *fields(Plan))
        if field.name != "truncation"
    }
    user, assistant = plan.speech_shares
    filled = {
        "user_share": decimal_text(user),
        "assistant_share": decimal_text(assistant),
        "silence_share": decimal_text(plan.silence),
        "cache": conversation.expected.behaviour,
        "prefix_reuse": decimal_text(conversation.rules.cache_reuse_share if plan.prefix_reuse is None else plan.prefix_reuse),
        "truncation": _truncation(plan.truncation),
        "transport": plan.transport or "webrtc",
    }
    return {**values, **filled}


def _truncation(setting: Truncation) -> Shape:
    return {
        "mode": setting.mode,
        "retention_ratio": decimal_text(setting.retention_ratio),
        "post_instructions_tokens": setting.post_instructions_tokens,
    }


def decimal_text(value: object) -> object:
    """A decimal as a plain decimal string, so that JSON keeps all its digits; any other value unchanged."""
    return format(value.normalize(), "f") if isinstance(value, Decimal) else value
