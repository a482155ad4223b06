"""Find out what would have saved most on recorded calls: changes of what they send, another model, another provider."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

from voicebill.answers.replay.script_changes import with_stable_prompt
from voicebill.answers.replay.target_replay import TargetReplay
from voicebill.answers.replay.targets import ChangeTarget, OfferTarget
from voicebill.answers.sensitivity.changes import (
    HALVE_PROMPT,
    KEEP_PROMPT_STABLE,
    MERGE_TOOL_CALLS,
    OTHER_DEPLOYMENT_TRADE_OFF,
    OTHER_MODEL_TRADE_OFF,
    OTHER_PROVIDER_TRADE_OFF,
    SHORT_HISTORY,
    SHORTEN_HISTORY,
    WRITE_TURNS,
)
from voicebill.billing.money import Amount
from voicebill.billing.offers import Offer
from voicebill.conversation import token_counting
from voicebill.conversation.plan import spread_evenly
from voicebill.conversation.rules import Rules
from voicebill.conversation.script import Script, ToolCall, Turn

TRIFLE = Fraction(1, 100)
"""A share of the cost of which nobody changes the provider."""
WRITTEN_SHARE = 4
"""One of so many spoken turns is written instead."""


class Saving(NamedTuple):
    """A change with what it would have saved on all calls, in picodollars, and its trade-off.

    `target` is where it was replayed. `dearer_calls` would have cost more, although all calls together cost less.
    """

    change: str
    saved: Amount
    trade_off: str
    target: str
    dearer_calls: int


def savings(
    changes: Iterable[TargetReplay], elsewhere: Iterable[TargetReplay], offer: Offer, *, changed: Amount
) -> tuple[Saving, ...]:
    """What changes would have saved, most first; less than nothing if they would have cost more, and none that changes nothing.

    `offer` is that of most calls; the replays elsewhere begin with the cheapest. `changed` is what all calls would have cost
    with their own models and the changes of the builder, with which all of them are replayed.
    """
    rows = [*_of_changes(changes), *_of_offers(elsewhere, offer, changed)]
    return tuple(sorted((row for row in rows if row.saved), key=lambda row: (-row.saved, row.change)))


def _of_changes(changes: Iterable[TargetReplay]) -> Iterator[Saving]:
    for row in changes:
        if isinstance(row.target, ChangeTarget):
            saved = row.recorded - row.amount
            yield Saving(row.target.name, saved, row.target.trade_off, row.target.name, row.dearer_calls)


def _of_offers(elsewhere: Iterable[TargetReplay], own: Offer, changed: Amount) -> Iterator[Saving]:
    """The cheapest other model and deployment of the provider, and the cheapest offer of another one.

    The latter must be cheaper by more than a trifle: some sell the same models at the same prices.
    """
    cheapest: dict[str, tuple[TargetReplay, str, str]] = {}
    for row in elsewhere:
        if isinstance(row.target, OfferTarget) and row.replays_all and not row.ending_soon:
            kind, change, trade_off = _difference(row.target.offer, own)
            cheapest.setdefault(kind, (row, change, trade_off))
    at_provider = [row.amount for kind, (row, _, _) in cheapest.items() if kind in ("model", "deployment")]
    for kind, (row, change, trade_off) in cheapest.items():
        saved = changed - row.amount
        is_trifle = kind == "provider" and row.amount > min([changed, *at_provider]) - changed * TRIFLE
        if kind and saved > 0 and not is_trifle:
            yield Saving(change, saved, trade_off, row.name, row.dearer_calls)


def _difference(offer: Offer, own: Offer) -> tuple[str, str, str]:
    """In what an offer differs, how that is called, and its trade-off; nothing for one that differs in several ways."""
    if offer.provider != own.provider:
        return "provider", f"use {offer.name} of {offer.provider}", OTHER_PROVIDER_TRADE_OFF
    if offer.model != own.model and offer.deployment == own.deployment:
        return "model", f"use {offer.model}", OTHER_MODEL_TRADE_OFF
    if offer.model == own.model and offer.deployment != own.deployment:
        return "deployment", f"deploy {offer.model} as {offer.deployment}", OTHER_DEPLOYMENT_TRADE_OFF
    return "", "", ""


def _halve_prompt(script: Script, rules: Rules) -> Script | None:  # noqa: ARG001 - as all changes
    if script.instructions_tokens < 2:
        return None
    turns = (
        turn if turn.instructions_tokens is None else replace(turn, instructions_tokens=turn.instructions_tokens // 2)
        for turn in script.turns
    )
    stable = script.stable_instructions_tokens
    return replace(
        script,
        instructions_tokens=script.instructions_tokens // 2,
        stable_instructions_tokens=None if stable is None else stable // 2,
        turns=tuple(turns),
    )


def _keep_prompt_stable(script: Script, rules: Rules) -> Script | None:  # noqa: ARG001
    if not script.instructions_change and all(turn.instructions_tokens is None for turn in script.turns):
        return None
    return with_stable_prompt(script)


def _shorten_history(script: Script, rules: Rules) -> Script | None:
    return replace(script, truncation=SHORT_HISTORY) if rules.supports_truncation else None


def _merge_tool_calls(script: Script, rules: Rules) -> Script | None:  # noqa: ARG001
    """The tool calls of a turn as one, with the arguments and results of all."""
    if all(len(turn.tool_calls) < 2 for turn in script.turns):
        return None
    return replace(script, turns=tuple(map(_with_one_tool_call, script.turns)))


def _with_one_tool_call(turn: Turn) -> Turn:
    calls = turn.tool_calls
    if len(calls) < 2:
        return turn
    merged = ToolCall(sum(call.arguments_tokens for call in calls), sum(call.result_tokens for call in calls))
    return replace(turn, tool_calls=(merged,))


def _write_turns(script: Script, rules: Rules) -> Script | None:
    """A quarter of the spoken turns in writing: the words of both sides as text."""
    spoken = [index for index, turn in enumerate(script.turns) if turn.user_audio_tokens and turn.reply_audio_tokens]
    if len(spoken) < WRITTEN_SHARE:
        return None
    marks = spread_evenly(len(spoken) // WRITTEN_SHARE, len(spoken))
    turns = list(script.turns)
    for index in (index for index, mark in zip(spoken, marks, strict=True) if mark):
        turns[index] = _written(turns[index], rules)
    return replace(script, turns=tuple(turns))


def _written(turn: Turn, rules: Rules) -> Turn:
    audio = turn.user_audio_tokens
    return replace(
        turn,
        user_audio_tokens=0,
        user_messages=1,
        user_transcript_tokens=None,
        user_text_tokens=turn.user_text_tokens + token_counting.user_transcript(turn, audio, rules),
        reply_audio_tokens=0,
        reply_text_tokens=token_counting.reply_text(turn, turn.reply_audio_tokens, rules)[1],
        reply_transcript_tokens=None,
        played_ms=None,
    )


REPLAYED_CHANGES: tuple[ChangeTarget, ...] = (
    ChangeTarget(*HALVE_PROMPT, _halve_prompt),
    ChangeTarget(*KEEP_PROMPT_STABLE, _keep_prompt_stable),
    ChangeTarget(*SHORTEN_HISTORY, _shorten_history),
    ChangeTarget(*MERGE_TOOL_CALLS, _merge_tool_calls),
    ChangeTarget(*WRITE_TURNS, _write_turns),
)
"""The changes that are tried on recorded calls."""
