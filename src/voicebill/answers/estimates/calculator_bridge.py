"""Explain the difference between the web calculator of June 2026 and voicebill, step by step.

One group of rules after another is set from the calculator's to the recorded values, and the estimate is re-run. The order
of the steps is fixed, since the effect of each depends on those before it; they add up to the difference.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from voicebill.answers.catalog.facts import Facts
from voicebill.answers.estimates.estimate import estimate
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.billing.money import Amount
from voicebill.billing.offers import Offer
from voicebill.conversation.plan import Plan
from voicebill.conversation.rules import HISTORY_SWITCHES, PARAMETERS

CALCULATOR_RULES = "web-calculator-2026-06"

STEPS: Mapping[str, tuple[str, ...]] = {
    "the prompt and the tools are counted": (
        "counts_instructions",
        "tools_billed_share",
        "tools_extra_tokens",
        "stable_instructions_share",
    ),
    "turn detection commits more than the speech": ("vad_prefix_ms", "vad_silence_ms"),
    "more text is billed with audio": ("reply_text_base", "reply_text_per_audio_token"),
    "reasoning is billed": ("reasoning_tokens_per_response",),
    "history items have framing tokens": (
        "conversation_tokens",
        "user_audio_item_tokens",
        "user_text_item_tokens",
        "image_item_tokens",
        "assistant_item_tokens",
        "transcript_item_tokens",
        "truncated_item_tokens",
        "tool_call_item_tokens",
        "tool_result_item_tokens",
    ),
    "replies become transcripts in the history": ("history", *HISTORY_SWITCHES),
    "only whole blocks are cached": ("cache_block_tokens", "cache_minimum_tokens"),
    "only a share of the common prefix is cached": (
        "expected_cache",
        "cache_reuse_share",
        "cache_reuse_share_without_speech",
    ),
    "contexts and sessions are limited": ("context_tokens", "input_limit_tokens", "session_minutes"),
}
LAST_STEP = "turns differ in length"


def is_counted(offer: Offer, facts: Facts) -> bool:
    """Whether the calculator's rules describe an offer."""
    return facts.rule_set_for(offer, CALCULATOR_RULES) is not None


@dataclass(frozen=True, slots=True)
class BridgeStep:
    """One difference between the two methods, and its change of the expected amount of a conversation, in picodollars."""

    label: str
    delta: Amount


@dataclass(frozen=True, slots=True)
class CalculatorBridge:
    """The expected amount by the web calculator's arithmetic, the steps to voicebill's amount, and that amount."""

    calculator: Amount
    steps: tuple[BridgeStep, ...]
    voicebill: Amount


def bridge(plan: Plan, selection: ModelSelection, facts: Facts) -> CalculatorBridge:
    """Both expected amounts of a plan, and the steps between them.

    Raises:
        ContextOverflow: under the recorded rules the provider would end the conversation with an error.
    """
    recorded = estimate(plan, selection, facts)
    values = {parameter: row.value for parameter, row in recorded.model.effective_rules.rows.items()}
    calculator_selection = replace(selection, rules=CALCULATOR_RULES, overrides={})
    first = before = estimate(plan, calculator_selection, facts).per_conversation.expected
    applied: set[str] = set()
    steps = []
    for label, parameters in (*STEPS.items(), (LAST_STEP, PARAMETERS)):
        applied.update(parameters)
        overrides = {parameter: values[parameter] for parameter in PARAMETERS if parameter in applied}
        after = estimate(plan, replace(calculator_selection, overrides=overrides), facts).per_conversation.expected
        steps.append(BridgeStep(label, after - before))
        before = after
    return CalculatorBridge(first, tuple(steps), recorded.per_conversation.expected)
