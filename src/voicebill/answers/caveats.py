"""What an answer takes for granted, and what whoever asked should know before relying on it."""

from collections.abc import Iterable, Iterator

from voicebill.answers.costing import Conversation
from voicebill.answers.offered import Offered
from voicebill.billing.bill import Line, warnings
from voicebill.conversation.rules import Ruling
from voicebill.conversation.script import Truncation


def assumptions(of: Conversation, offered: Offered) -> list[str]:
    """What the figures rest on, in the order in which it matters."""
    said = (*_cache(of), *_uncounted(of), *weak_rules(of, offered.ruling), *_transport(of), *offered.assumptions)
    return list(dict.fromkeys(said))  # what holds for the voice and the transcription model is said once


def cautions(of: Conversation, offered: Offered, lines: Iterable[Line], heard: Iterable[Line]) -> list[str]:
    """What may make the bill another one: shutdowns, disputed prices, cuts, new sessions, replies that are too long."""
    said = [*offered.warnings, *warnings(lines, offered.found.rates)]
    if offered.transcription is not None:
        said += warnings(heard, offered.transcription.rates)
    return [*said, *_ignored(of, offered), *_limits(of), *_replies(of), *_reasoning(of, offered)]


def _cache(of: Conversation) -> Iterator[str]:
    rule = of.expected
    if rule.behaviour == "prefix":
        over, under = rule.share
        yield (
            f"expected: {100 * over / under:.4g}% of what the input has in common with the previous one, from its start, is "
            "found in the cache; best: all that was read before, wherever it stands; worst: nothing"
        )
    else:
        kept = {"all": "all that was read before is found in the cache", "none": "nothing is found in the cache"}
        yield f"expected: {kept[rule.behaviour]}"
    if of.script.warm:
        yield "the first response finds its instructions in the cache, because another session has just used them"


def _uncounted(of: Conversation) -> Iterator[str]:
    stated = of.script.instructions_tokens + of.script.tools_tokens
    if stated and not of.rules.counts_instructions:
        yield f"these rules count no instructions and tools: the {stated:,} tokens stated are left out"


def weak_rules(of: Conversation, ruling: Ruling) -> Iterator[str]:
    """Rules that move this bill and are not well established."""
    weighty = ["history"]
    if of.expected.behaviour == "prefix" and of.script.reuse is None:
        weighty.append("cache_reuse_share")
    largest = max((sum(response.input) for response in of.responses), default=0)
    for parameter in ("input_limit_tokens", "context_tokens"):
        limits = [int(str(value)) for value in (ruling.rows[parameter].value, *ruling.rows[parameter].disputed) if value]
        if any(2 * largest > limit for limit in limits):
            weighty.append(parameter)
    for row in (ruling.rows[parameter] for parameter in weighty):
        if row.evidence == "assumed":
            yield f"{row.parameter} is {row.value}: assumed, {row.basis}"
        if row.disputed:
            others = " or ".join(str(value) for value in row.disputed)
            yield f"{row.parameter} is {row.value}, disputed ({others}): {row.basis}"


def _transport(of: Conversation) -> Iterator[str]:
    if of.script.transport == "websocket" and any(turn.heard_ms is not None for turn in of.script.turns):
        yield "over WebSocket the client truncates interrupted replies; if it does not, unheard speech stays in the history"
    if of.script.transport == "sip":
        yield "over SIP the carrier bills its own minutes, which are no part of what the model costs"


def _ignored(of: Conversation, offered: Offered) -> Iterator[str]:
    if of.script.truncation != Truncation() and not of.rules.truncation_honoured:
        yield f"{offered.found.offer.provider} accepts a truncation setting for {offered.found.offer.model} and ignores it"


def _limits(of: Conversation) -> Iterator[str]:
    cuts = [response for response in of.responses if response.dropped]
    if cuts:
        dropped = sum(response.dropped for response in cuts)
        times = "once" if len(cuts) == 1 else f"{len(cuts):,} times"
        yield (
            f"from turn {cuts[0].turn} on the history no longer fits: it is cut {times}, {dropped:,} items are forgotten, "
            "and what is kept is read once at the full rate"
        )
    sessions = max((response.session for response in of.responses), default=1)
    if sessions > 1:
        carried = of.script.carry or of.rules.session_carry
        with_what = "with the transcripts so far" if carried == "text" else "with nothing of what was said"
        yield f"the conversation is longer than a session: {sessions} are needed, each starting cold {with_what}"


def _replies(of: Conversation) -> Iterator[str]:
    most = of.rules.max_output_tokens
    long = [response for response in of.responses if most and response.text_out + response.audio_out > most]
    if long:
        worst = max(long, key=lambda response: response.text_out + response.audio_out)
        yield (
            f"the reply of turn {worst.turn} has {worst.text_out + worst.audio_out:,} tokens, more than the {most:,} that the "
            f"model gives in one response: it would be cut off ({len(long)} such {'reply' if len(long) == 1 else 'replies'})"
        )


def _reasoning(of: Conversation, offered: Offered) -> Iterator[str]:
    stated = any(turn.reasoning_tokens for turn in of.script.turns)
    if stated and not of.rules.reasons:
        yield f"{offered.found.offer.model} is not known to reason; the stated reasoning tokens are billed all the same"
    if of.rules.reasons and not stated:
        yield (
            f"{offered.found.offer.model} reasons before it answers, billed as text output; no reasoning tokens are counted "
            "here because none were stated"
        )


def crowding(of: Conversation) -> Iterator[str]:
    """What a plan asks of its turns that people cannot do: replies of nothing, and less silence than turn detection takes."""
    empty = sum(response.kind == "reply" and not (response.audio_out or response.text_out) for response in of.responses)
    if empty:
        yield f"{empty:,} of the replies are empty: the assistant's share of the time leaves nothing for them"
    padding_ms = of.rules.padding_tokens * of.rules.user_audio_ms_per_token
    heard = sum(turn.user_audio_tokens > 0 for turn in of.script.turns)
    if padding_ms * heard and not any(turn.silence_ms for turn in of.script.turns):
        yield (
            f"turn detection adds {padding_ms / 1000:g} s of silence to each of {heard:,} turns, "
            f"{padding_ms * heard / 1000:,.0f} s in all: more than the silence that the plan leaves"
        )
