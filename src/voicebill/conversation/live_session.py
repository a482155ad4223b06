"""Compute the usage of a conversation with a live model, which is billed per second of the session.

The live model delegates some turns to a text model (its backend), which is sent the conversation so far as text.
"""

from collections.abc import Iterable, Iterator

from voicebill.billing.usage import Usage
from voicebill.conversation.context import Response
from voicebill.conversation.history import Tokens
from voicebill.conversation.plan import spread_evenly
from voicebill.conversation.rules import Rules
from voicebill.conversation.script import Script


def session_usage(lasts_ms: int, *, standby_ms: int = 0, creation_ms: int = 0) -> Usage:
    """Milliseconds of a session from start to end, silence included.

    For `standby_ms` of them the session is paused. A session is billed for at least `creation_ms`.

    >>> dict(session_usage(90_000, standby_ms=30_000, creation_ms=15_000).items())
    {'session_ms': 60000, 'standby_ms': 30000}
    >>> session_usage(9_000, creation_ms=15_000)["session_ms"]
    15000
    """
    standby = min(standby_ms, lasts_ms)
    return Usage({"session_ms": max(lasts_ms - standby, creation_ms - standby), "standby_ms": standby})


def backend_turns(script: Script, rules: Rules) -> frozenset[int]:
    """The turns, counted from 1, that the backend answers: all turns with tool calls, and an even share of the others."""
    others = [number for number, turn in enumerate(script.turns, start=1) if not turn.tool_calls and not turn.cancelled]
    marks = spread_evenly(*rules.delegated_share.as_integer_ratio(), len(others))
    selected = {number for number, mark in zip(others, marks, strict=True) if mark}
    return frozenset(selected | {number for number, turn in enumerate(script.turns, start=1) if turn.tool_calls})


def backend_responses(responses: Iterable[Response], turns: frozenset[int]) -> Iterator[Response]:
    """The responses of the turns that the backend answers.

    The common prefix with the backend's previous response is the shortest one among all responses since then.
    """
    common_prefix: Tokens | None = None
    previously_seen: Tokens | None = None
    for response in responses:
        common_prefix = response.common_prefix if common_prefix is None else min(common_prefix, response.common_prefix, key=sum)
        previously_seen = (
            response.previously_seen if previously_seen is None else min(previously_seen, response.previously_seen, key=sum)
        )
        if response.turn in turns:
            yield response._replace(common_prefix=common_prefix, previously_seen=previously_seen)
            common_prefix = previously_seen = None
