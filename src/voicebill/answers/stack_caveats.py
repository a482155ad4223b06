"""What a stack's figures rest on beside prices: how its models count, and what their caches are taken to find."""

from collections.abc import Iterator

from voicebill.answers.builds import Build, Seat
from voicebill.answers.talk import Talk
from voicebill.conversation.rules import Rules


def stack_assumptions(build: Build, talk: Talk) -> Iterator[str]:
    """What a stack's figures rest on, in the order in which the words pass."""
    rules, roles = talk.rules, {seat.role: seat for seat in build.seats}
    if "answers" in roles:
        yield from _answering(roles["answers"], rules)
    if "hears" in roles and roles["hears"].rules.hears_silence and roles["hears"].found.rates["audio_ms"]:
        yield f"{roles['hears'].offer.model} is billed for all the time of the conversation, silence too"
    if "speaks" in roles:
        yield from _speaking(roles["speaks"], rules)
    if build.stack.architecture == "live" and talk.plan.transport in (None, "webrtc"):
        yield f"creating the session bills {roles['talks'].rules.create_ms / 1000:g} s, which the running session is credited"


def _answering(seat: Seat, rules: Rules) -> Iterator[str]:
    yield f"what is said comes to {rules.user_transcript_tokens_per_second.normalize():f} text tokens a second"
    if seat.as_backend:
        yield (
            f"the live model hands {rules.delegated_share:.0%} of the turns without tool calls to its backend (assumed), and "
            "all with them; each time the backend is sent the conversation so far in writing"
        )
    least, block = seat.rules.cache_minimum_tokens, seat.rules.cache_block_tokens
    steps = f"in steps of {block}" if block > 1 else "to the token"
    cached = seat.found.rates["text_in_cached"]
    if cached is not None and not cached.stands_in:
        found = f"{seat.rules.cache_reuse_share:.0%}"
        yield f"{seat.offer.model}: of {least:,} tokens in common and more {found} are found in the cache, {steps}"
    if seat.rules.cache_writes:
        yield f"{seat.offer.model}: what is not found is billed as written to the cache, in prompts of {least:,} tokens on"


def _speaking(seat: Seat, rules: Rules) -> Iterator[str]:
    rates = seat.found.rates
    if seat.offer.kind == "realtime":
        yield f"{seat.offer.model} reads each reply out as one message; it is no speech model, and may change words"
    elif rates["characters_in"] is not None:
        yield f"{rules.characters_per_token.normalize():f} characters a token of speech"
