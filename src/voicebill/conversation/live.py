"""A conversation with a live model: billed by the second while it lasts, with a text model behind it for what needs thought.

The live model talks by itself, and hands some turns to its backend, which is sent the conversation so far in writing.
"""

from collections.abc import Iterable, Iterator

from voicebill.billing.usage import Usage
from voicebill.conversation.context import Response
from voicebill.conversation.history import Tokens
from voicebill.conversation.plan import evenly
from voicebill.conversation.rules import Rules
from voicebill.conversation.script import Script


def session(lasts_ms: int, *, standby_ms: int = 0, create_ms: int = 0) -> Usage:
    """Milliseconds of a session from its start to its end, silence and waiting among them.

    `standby_ms` of them are paused. A session that is shorter than what its creation bills (`create_ms`) costs that.

    >>> dict(session(90_000, standby_ms=30_000, create_ms=15_000).items())
    {'session_ms': 60000, 'standby_ms': 30000}
    >>> session(9_000, create_ms=15_000)["session_ms"]
    15000
    """
    standby = min(standby_ms, lasts_ms)
    return Usage({"session_ms": max(lasts_ms - standby, create_ms - standby), "standby_ms": standby})


def delegated_turns(script: Script, rules: Rules) -> frozenset[int]:
    """The turns, from 1, that the backend answers: all with tool calls, and a share of the others, evenly."""
    others = [number for number, turn in enumerate(script.turns, start=1) if not turn.tool_calls and not turn.cancelled]
    marks = evenly(round(rules.delegated_share * len(others)), len(others)) if others else []
    chosen = {number for number, mark in zip(others, marks, strict=True) if mark}
    return frozenset(chosen | {number for number, turn in enumerate(script.turns, start=1) if turn.tool_calls})


def delegated(read: Iterable[Response], turns: frozenset[int]) -> Iterator[Response]:
    """The responses of the turns that the backend answers.

    What it has in common with its previous response is what every response between them has.
    """
    common: Tokens | None = None
    known: Tokens | None = None
    for response in read:
        common = response.common if common is None else min(common, response.common, key=sum)
        known = response.known if known is None else min(known, response.known, key=sum)
        if response.turn in turns:
            yield response._replace(common=common, known=known)
            common = known = None
