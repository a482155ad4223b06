"""Derive the assumptions of a stack: how its models count usage, and which share of input is cached."""

from collections.abc import Iterator

from voicebill.answers.comparison.stack_pricing import BuiltStack, StackComponent
from voicebill.answers.comparison.stack_usage import StackUsage
from voicebill.conversation.cache import cache_rule
from voicebill.conversation.plan import Plan
from voicebill.conversation.rules import Rules
from voicebill.conversation.script import DEFAULT_TRANSPORT


def stack_assumptions(built_stack: BuiltStack, stack_usage: StackUsage) -> Iterator[str]:
    """The assumptions of a stack, in the order LLM, transcriber, TTS, live session."""
    rules, roles = stack_usage.rules, {component.role: component for component in built_stack.components}
    if "llm" in roles:
        yield from _llm_assumptions(roles["llm"], rules, stack_usage.plan)
    if "transcriber" in roles and roles["transcriber"].rules.bills_silence and roles["transcriber"].quote.rates["audio_ms"]:
        yield f"{roles['transcriber'].offer.model} is billed for the whole conversation, including silence"
    if "tts" in roles:
        yield from _speech_assumptions(roles["tts"], rules)
    if built_stack.stack.architecture == "live" and (stack_usage.plan.transport or DEFAULT_TRANSPORT) == "webrtc":
        creation_seconds = roles["live"].rules.session_creation_ms / 1000
        yield f"creating the session bills {creation_seconds:g} s, which are credited to the running session"


def _llm_assumptions(component: StackComponent, rules: Rules, plan: Plan) -> Iterator[str]:
    yield f"speech is transcribed at {rules.user_transcript_tokens_per_second.normalize():f} text tokens per second"
    if component.as_backend:
        yield (
            f"the live model delegates {rules.delegated_share:.0%} of the turns without tool calls (assumed) and all turns "
            "with tool calls to its backend, which receives the conversation so far as text each time"
        )
    least, block = component.rules.cache_minimum_tokens, component.rules.cache_block_tokens
    steps = f"in steps of {block}" if block > 1 else "to the token"
    cached_rate, cache = component.quote.rates["text_in_cached"], plan.cache or component.rules.expected_cache
    if cached_rate is not None and not cached_rate.is_fallback and cache != "none":
        rule = cache_rule(cache, component.rules, plan.prefix_reuse)
        reuse_share = rule.percent(has_speech=False) if cache == "prefix" else "100%"
        yield f"{component.offer.model}: {reuse_share} of a common prefix of at least {least:,} tokens is cached, {steps}"
    if component.rules.cache_writes:
        yield f"{component.offer.model}: uncached input is billed as cache writes in prompts of at least {least:,} tokens"


def _speech_assumptions(component: StackComponent, rules: Rules) -> Iterator[str]:
    rates = component.quote.rates
    if component.offer.kind == "realtime":
        yield f"{component.offer.model} reads each reply aloud as one message; it is not a speech model, and may change words"
    elif rates["characters_in"] is not None:
        yield f"{rules.characters_per_token.normalize():f} characters per token of speech"
