"""Carry over what the cache did in a recorded call: each response finds as much more or less as it did than was expected."""

from collections.abc import Sequence
from dataclasses import dataclass

from voicebill.conversation.cache import CacheRule, cached_tokens
from voicebill.conversation.context import Response
from voicebill.conversation.history import NOTHING, Tokens


@dataclass(frozen=True, slots=True)
class RecordedHit:
    """What a recorded response found in the cache, and what the rules of its model expect.

    A response that found something where nothing was expected had the prompt of another session: then the prompt, of `fixed`
    tokens, is what it could find.
    """

    turn: int
    recorded: Tokens
    expected: Tokens
    common_prefix: Tokens
    fixed: int

    def carry(self, expected: Tokens, response: Response, rule: CacheRule, fixed: int) -> Tokens:
        """What a replayed response finds, of which the other rules expect `expected`, and whose prompt has `fixed` tokens."""
        if self.recorded == self.expected:
            return expected
        before, now = self.expected, expected
        if now == before and response.common_prefix == self.common_prefix:
            return Tokens(*map(min, self.recorded, response.input))
        if any(before):
            limits = Tokens(*map(_limit, self.recorded, self.common_prefix, response.common_prefix, response.input))
        elif any(now):
            return now
        else:
            before, now, limits = Tokens(self.fixed), Tokens(fixed), response.input
        hit = Tokens(*(_in_blocks(*row, rule.block_tokens) for row in zip(self.recorded, before, now, limits, strict=True)))
        return hit if sum(hit) >= rule.minimum_tokens else NOTHING


def _limit(recorded: int, prefix_before: int, prefix_now: int, all_tokens: int) -> int:
    """The most that can be found: the common prefix, unless the recorded response found more than that."""
    if not prefix_now:
        return 0
    return prefix_now if recorded <= prefix_before else all_tokens


def _in_blocks(recorded: int, before: int, now: int, limit: int, block: int) -> int:
    """Less than expected is less by the same share, more is more by as many tokens, in whole blocks of the cache."""
    if recorded < before:
        tokens = now * recorded // before
    elif before and not now:
        tokens = 0
    else:
        tokens = max(now, min(limit, now + recorded - before))
    return tokens - tokens % block


def carried_hits(
    responses: Sequence[Response], rule: CacheRule, hits: Sequence[RecordedHit] | None, fixed: int
) -> list[Tokens]:
    """What replayed responses find in a cache under a rule; `hits` are those recorded (None: the rule alone decides).

    Where the number of responses of a turn differs from the recorded one, they take the first ones of the turn.
    """
    expected = [cached_tokens(response, rule) for response in responses]
    if hits is None or rule.behaviour == "none":
        return expected
    if len(hits) != len(responses):
        hits = _by_turn(responses, hits)
    return [hit.carry(tokens, response, rule, fixed) for hit, tokens, response in zip(hits, expected, responses, strict=True)]


def _by_turn(responses: Sequence[Response], hits: Sequence[RecordedHit]) -> list[RecordedHit]:
    by_turn: dict[int, list[RecordedHit]] = {}
    for hit in reversed(hits):
        by_turn.setdefault(hit.turn, []).append(hit)
    as_expected = RecordedHit(0, NOTHING, NOTHING, NOTHING, 0)
    return [_next(by_turn.get(response.turn, []), as_expected) for response in responses]


def _next(hits: list[RecordedHit], otherwise: RecordedHit) -> RecordedHit:
    return hits.pop() if hits else otherwise
