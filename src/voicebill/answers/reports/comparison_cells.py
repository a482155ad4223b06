"""Describe parts of comparisons in words and figures, for the tables of the command line and of the page."""

from collections.abc import Iterator
from itertools import accumulate, islice

from voicebill.answers.catalog.stacks import CONVERSATIONAL
from voicebill.answers.comparison.alternatives import Alternative
from voicebill.answers.estimates.calculator_bridge import BridgeStep, CalculatorBridge
from voicebill.billing.money import Amount


def latency_text(alternative: Alternative) -> str:
    """The response latency, marked with ~ where it is partly assumed; "unknown", or empty where nobody waits for a reply."""
    if alternative.latency:
        return f"{'~' if alternative.latency.is_assumed else ''}{alternative.latency}"
    return "unknown" if alternative.architecture in CONVERSATIONAL else ""


def bridge_subtotals(bridge: CalculatorBridge) -> Iterator[tuple[BridgeStep, Amount]]:
    """The steps from the calculator's amount to voicebill's, each with the amount that it leads to.

    >>> bridge = CalculatorBridge(calculator=10, steps=(BridgeStep("prompt", 5), BridgeStep("cache", -2)), voicebill=13)
    >>> [subtotal for _, subtotal in bridge_subtotals(bridge)]
    [15, 13]
    """
    subtotals = accumulate((step.delta for step in bridge.steps), initial=bridge.calculator)
    return zip(bridge.steps, islice(subtotals, 1, None), strict=True)
