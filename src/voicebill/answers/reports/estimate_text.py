"""Describe an estimate in words: its amounts, its planning range, its calls of different lengths, its fees and its plan.

`money` writes an amount, with three significant digits or with all.
"""

from collections.abc import Callable, Iterator

from voicebill.answers.connectivity.transport import ConnectionEstimate
from voicebill.answers.estimates.call_mix import CallMix
from voicebill.answers.estimates.estimate import Estimate
from voicebill.answers.estimates.planning_range import AmountRange
from voicebill.answers.estimates.scenarios import Scenarios
from voicebill.answers.parameters.changed_inputs import changed_inputs
from voicebill.answers.parameters.inputs import PLAN
from voicebill.answers.parsing.quantities import format_exact_percent, format_monthly_calls, format_number, pluralize
from voicebill.billing.money import Amount
from voicebill.conversation.call_lengths import LengthDistribution
from voicebill.conversation.plan import Plan
from voicebill.conversation.volume import DEFAULT_PERIOD, Volume

Money = Callable[[Amount], str]

TERMS_OF_THEIR_OWN = frozenset(
    ("user_share", "assistant_share", "instructions_tokens", "tools_tokens", "transport", "transcription_model")
)
"""Inputs of a plan that are described with others, or by what answers them."""


def amount_rows(answer: Estimate, money: Money) -> list[tuple[str, Scenarios]]:
    """The amounts that an estimate leads with, connection fees included, each with its label."""
    rows = [("per conversation", answer.total), ("per minute", answer.total_per_minute)]
    mean, month, year = answer.total_mean, answer.total_per_month, answer.total_per_year
    if answer.volume and mean and month and year:
        monthly_fees = answer.connection.monthly_fees if answer.connection else 0
        fees = f" + {money(monthly_fees)}" if monthly_fees else ""
        calls = format_monthly_calls(answer.volume)
        monthly = f"per month: {calls} × {money(mean.expected)}{fees}"
        rows += [("a call on average", mean), (monthly, month), ("per year", year)]
    return rows


def planning_range_text(answer: Estimate, planning_range: AmountRange, money: Money) -> str:
    """A sentence on the range for budgets and on what it varies."""
    month, uncertainty = answer.monthly_planning_range, answer.rule_uncertainty
    monthly = f", {_range_text(month, money)} per month" if month else ""
    rules = ", ".join(uncertainty.labels) if uncertainty else ""
    return (
        f"Planning range: {_range_text(planning_range, money)} per conversation{monthly}. Best and worst vary the cache only; "
        f"the planning range also varies the uncertain rules{f': {rules}' if rules else ', of which none changes this cost'}."
    )


def _range_text(amounts: AmountRange, money: Money) -> str:
    return f"{money(amounts.low)} to {money(amounts.high)}"


def models_alone_text(answer: Estimate, money: Money) -> str:
    """A sentence on the amounts without connection fees; empty if there are none."""
    if not (answer.connection and answer.connection.has_fees):
        return ""
    month = f", {money(answer.per_month.expected)} per month" if answer.per_month else ""
    return (
        "These amounts include connection fees. The models alone are expected to cost "
        f"{money(answer.per_conversation.expected)} per conversation{month}."
    )


def call_mix_lines(answer: Estimate, money: Money) -> Iterator[str]:
    """Sentences on calls of different lengths: their mean length and cost, and percentiles; none if all calls are alike."""
    call_mix = answer.call_mix
    if call_mix is None or (call_mix.lengths == LengthDistribution(0) and answer.plan.full_share == 1):
        return
    lengths_text = (
        f"coefficient of variation {call_mix.lengths.coefficient}"
        if isinstance(call_mix.lengths, LengthDistribution)
        else "as counted"
    )
    cap = f", at most {call_mix.cap.minutes:.4g} minutes" if call_mix.cap else ""
    reconnections = call_mix.mean_reconnections
    sessions = f", with {reconnections:.2g} reconnections each," if round(reconnections, 3) else ""
    alone = " without connection fees" if answer.connection and answer.connection.has_fees else ""
    yield (
        f"Calls of different lengths ({lengths_text}{cap}) last {call_mix.mean_minutes:.1f} minutes on average{sessions} and "
        f"cost {money(call_mix.mean.expected)}{alone}, {float(call_mix.length_uplift):+.1%} compared with the "
        "planned call."
    )
    if short_calls := _short_calls_text(answer.plan, call_mix, money):
        yield short_calls
    others = "Of the other calls, " if answer.plan.full_share < 1 else ""
    yield others + "; ".join(
        f"{percentile.percent}% last at most {percentile.minutes:.1f} minutes ({money(percentile.amount)})"
        for percentile in call_mix.percentiles
    )


def _short_calls_text(plan: Plan, call_mix: CallMix, money: Money) -> str:
    """A sentence on calls that reach nobody or end after the first turn; empty if there are none."""
    parts = []
    if plan.unconnected_share:
        parts.append(f"{format_exact_percent(plan.unconnected_share)} of the calls reach nobody and cost nothing")
    if call_mix.short_call is not None:
        amount = money(call_mix.short_call)
        parts.append(f"{format_exact_percent(plan.short_share)} end after the first turn and cost {amount} each")
    return f"{'; '.join(parts)}: {'both' if len(parts) > 1 else 'they'} are part of the mean." if parts else ""


def fee_rows(connection: ConnectionEstimate) -> Iterator[tuple[str, Amount]]:
    """The fees of a connection: of each carrier and platform the amount per call and that per month, and the bandwidth."""
    for fee in connection.fees:
        offer_id = fee.quote.offer.id
        if fee.line is not None:
            yield f"{offer_id}: {fee.line.meter.format_quantity(fee.line.quantity)} × {fee.line.rate}", fee.line.amount or 0
        if fee.line is None or fee.monthly_fee:
            yield f"{offer_id}, a month", fee.monthly_fee
    if connection.egress is not None:
        yield "outgoing bandwidth", connection.egress


def plan_terms(plan: Plan, volume: Volume | None) -> Iterator[tuple[str, str]]:
    """A plan and its volume as terms: its length, speech and prompt, what else differs from the defaults, and the volume."""
    user, assistant = plan.speech_shares
    yield "Conversation", f"{pluralize(plan.minutes, 'minute')}, {pluralize(plan.turns, 'turn')}"
    yield "Speech", f"user {user:.0%}, assistant {assistant:.0%}, silence {plan.silence:.0%} of the time"
    yield "Prompt", f"{pluralize(plan.instructions_tokens, 'token')}; tools: {pluralize(plan.tools_tokens, 'token')}"
    for name, text in changed_inputs(Plan(minutes=plan.minutes, turns=plan.turns), plan).items():
        if name not in TERMS_OF_THEIR_OWN:
            yield PLAN[name].label, {"true": "yes", "false": "no", "": "none"}.get(text, text)
    yield "Volume", volume_text(volume)


def volume_text(volume: Volume | None) -> str:
    """A volume in words, with its month if it is of another period; without one, what is missing.

    >>> from decimal import Decimal
    >>> volume_text(Volume(Decimal(30_000), "month")), volume_text(Volume(Decimal(50), "day"))
    ('30,000 conversations a month', '50 conversations a day (1,520.8 a month)')
    """
    if volume is None:
        return "not given, so nothing is stated by month or year"
    month = "" if volume.period == DEFAULT_PERIOD else f" ({format_number(volume.per_month)} a month)"
    article = "an" if volume.period == "hour" else "a"
    return f"{pluralize(volume.conversations, 'conversation')} {article} {volume.period}{month}"
