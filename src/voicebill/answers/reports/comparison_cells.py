"""Describe parts of comparisons in words and figures, for the tables of the command line and of the page."""

from collections.abc import Iterator
from itertools import accumulate, islice

from voicebill.answers.catalog.stacks import CONVERSATIONAL
from voicebill.answers.comparison.alternatives import Alternative, Alternatives
from voicebill.answers.estimates.calculator_bridge import BridgeStep, CalculatorBridge
from voicebill.billing.money import Amount


def latency_text(alternative: Alternative) -> str:
    """The response latency, marked with ~ where it is partly assumed; "unknown", or empty where nobody waits for a reply."""
    if alternative.latency:
        return f"{'~' if alternative.latency.is_assumed else ''}{alternative.latency}"
    return "unknown" if alternative.architecture in CONVERSATIONAL else ""


def assumption_notes(answer: Alternatives) -> list[str]:
    """The assumptions of the stacks and of monthly amounts; those of offers are part of their own estimates."""
    assumptions = [
        assumption
        for alternative in answer.conversational
        if alternative.candidate is None
        for assumption in alternative.counting_assumptions
    ]
    if answer.by_month:
        mixed = ", with the unconnected and the short calls" if answer.plan.full_share < 1 else ""
        assumptions.append(f"monthly amounts are over calls of different lengths{mixed}, the same calls for every alternative")
    if answer.plan.calls_end_with_session and answer.plan.session_minutes:
        assumptions.append(f"calls end after {answer.plan.session_minutes} minutes, at every alternative alike")
    if any(alternative.candidate for alternative in answer.conversational):
        assumptions.append("speech to speech: as voicebill estimate explains for each model")
    return list(dict.fromkeys(assumptions))


def impossible_text(alternative: Alternative) -> str:
    """The reason why an alternative is not possible, with its name."""
    reason = str(alternative.reason)
    return reason if reason.startswith(alternative.name) else f"{alternative.name}: {reason}"


def bridge_subtotals(bridge: CalculatorBridge) -> Iterator[tuple[BridgeStep, Amount]]:
    """The steps from the calculator's amount to voicebill's, each with the amount that it leads to.

    >>> bridge = CalculatorBridge(calculator=10, steps=(BridgeStep("prompt", 5), BridgeStep("cache", -2)), voicebill=13)
    >>> [subtotal for _, subtotal in bridge_subtotals(bridge)]
    [15, 13]
    """
    subtotals = accumulate((step.delta for step in bridge.steps), initial=bridge.calculator)
    return zip(bridge.steps, islice(subtotals, 1, None), strict=True)
