"""A scripted conversation, billed: the one path that every answer takes from a script to money.

Quantities are summed first and multiplied by their rate once, so that whatever the grain, the sum is the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from voicebill.answers.offered import Offered
from voicebill.billing.bill import Line, bill, total
from voicebill.billing.errors import Unpriced
from voicebill.billing.money import Amount
from voicebill.billing.offers import Rates
from voicebill.billing.usage import Usage, total_usage
from voicebill.conversation import counting
from voicebill.conversation.cache import CacheRule, cache_rule, cached, charged, written
from voicebill.conversation.context import Response, fixed_tokens, responses
from voicebill.conversation.history import NOTHING, Tokens
from voicebill.conversation.pipeline import hearing
from voicebill.conversation.plain import plain
from voicebill.conversation.plan import Plan, script
from voicebill.conversation.rules import Cache, Rules
from voicebill.conversation.script import Script

PartName = Literal[
    "fresh_audio_in",
    "instructions",
    "reread_history",
    "cached_history",
    "assistant_audio",
    "text",
    "reasoning",
    "images",
    "tool_rounds",
    "transcription",
]

PART_LABELS: dict[PartName, str] = {
    "fresh_audio_in": "user's speech, read for the first time",
    "instructions": "prompt and tools, read at the full rate",
    "reread_history": "history, read again at the full rate",
    "cached_history": "prompt and history, from the cache",
    "assistant_audio": "assistant's speech",
    "text": "text, typed or beside speech",
    "reasoning": "reasoning",
    "images": "images, read for the first time",
    "tool_rounds": "tool rounds",
    "transcription": "transcription of the user's speech",
}


@dataclass(frozen=True, slots=True)
class Part:
    """One of the places where the money goes; the parts add up to the whole."""

    name: PartName
    amount: Amount


class Totals(NamedTuple):
    """What some responses read, found in the cache or not, and wrote."""

    read: Tokens
    text_out: int
    audio_out: int


@dataclass(frozen=True, slots=True)
class Conversation:
    """A script run through the context: its responses, and what the transcription model was given, turn by turn.

    `hits` is what each response finds in the cache under the expected behaviour, `totals` what all of them read and wrote.
    """

    script: Script
    rules: Rules
    expected: CacheRule
    responses: tuple[Response, ...]
    hits: tuple[Tokens, ...]
    totals: Totals
    heard: tuple[Usage, ...]

    def rule(self, behaviour: Cache) -> CacheRule:
        """A cache behaviour with this conversation's own numbers."""
        return cache_rule(behaviour, self.rules, self.script.reuse)


def conversation(script: Script, offered: Offered) -> Conversation:
    """Run a script through the context of the model that is offered.

    Raises:
        ContextOverflow: the provider would answer with an error.
    """
    rules = offered.ruling.rules
    by_time = offered.transcription is not None and offered.transcription.rates["audio_ms"] is not None
    heard = tuple(hearing(turn, rules, by_time=by_time) for turn in script.turns) if offered.transcription else ()
    return held_of(script, rules, tuple(responses(script, rules)), heard)


def held_of(script: Script, rules: Rules, read: tuple[Response, ...], heard: tuple[Usage, ...] = ()) -> Conversation:
    """A script with the responses that it had, what they found in the cache, and what was transcribed beside them."""
    expected = cache_rule(script.cache or rules.expected_cache, rules, script.reuse)
    hits = tuple(cached(response, expected) for response in read)
    return Conversation(script, rules, expected, read, hits, _totals(read), heard)


class Used(NamedTuple):
    """What a whole conversation uses under the best, the expected and the worst cache behaviour, and for transcription."""

    voice: tuple[Usage, Usage, Usage]
    heard: Usage


def used(plan: Plan, offered: Offered) -> Used:
    """What a plan uses, and nothing else: in one loop where it is plain, else by its responses.

    Raises:
        ContextOverflow: the provider would answer with an error.
    """
    rules = offered.ruling.rules
    expected = cache_rule(plan.cache or rules.expected_cache, rules, plan.reuse)
    counts = plain(plan, rules, cache_rule("all", rules, plan.reuse), expected)
    if counts is None:
        held = conversation(script(plan, rules), offered)
        best, usual, worst = (usage_under(behaviour, held) for behaviour in behaviours(held))
        return Used((best, usual, worst), total_usage(held.heard))
    hits = (counts.best, counts.expected, NOTHING)
    best, usual, worst = (charged(counts.read, hit, counts.text_out, counts.audio_out) for hit in hits)
    return Used((best, usual, worst), _heard_of(counts.said, offered))


def _heard_of(said: Iterable[int], offered: Offered) -> Usage:
    """What the transcription of so many committed audio tokens, turn by turn, uses."""
    if offered.transcription is None:
        return Usage()
    rules, tokens = offered.ruling.rules, list(said)
    if offered.transcription.rates["audio_ms"] is not None:
        return Usage({"audio_ms": sum(tokens) * rules.user_audio_ms_per_token})
    return Usage.tokens(audio_in=sum(tokens), text_out=sum(counting.transcript_of(audio, rules) for audio in tokens if audio))


def behaviours(held: Conversation) -> tuple[Cache, Cache, Cache]:
    """The cache behaviours behind best, expected and worst."""
    return "all", held.expected.behaviour, "none"


def usage_under(behaviour: Cache, of: Conversation) -> Usage:
    """The voice model's usage of a whole conversation under a cache behaviour."""
    rule = of.rule(behaviour)
    if behaviour == of.expected.behaviour:
        hits = of.hits
    elif behaviour == "none" and not rule.writes:
        hits = ()
    else:
        hits = tuple(cached(response, rule) for response in of.responses)
    stored = sum(written(*each, rule) for each in zip(of.responses, hits, strict=True)) if rule.writes else 0
    return _usage(of.totals, hits, stored)


def _usage(totals: Totals, hits: Iterable[Tokens], stored: int = 0) -> Usage:
    return charged(totals.read, _sum(hits), totals.text_out, totals.audio_out, stored)


def _totals(of: Iterable[Response]) -> Totals:
    text = audio = image = text_out = audio_out = 0
    for response in of:
        read = response.input
        text += read[0]
        audio += read[1]
        image += read[2]
        text_out += response.text_out
        audio_out += response.audio_out
    return Totals(Tokens(text, audio, image), text_out, audio_out)


def _sum(tokens: Iterable[Tokens]) -> Tokens:
    text = audio = image = 0
    for each in tokens:
        text += each[0]
        audio += each[1]
        image += each[2]
    return Tokens(text, audio, image)


def lines_of(usage: Usage, rates: Rates) -> tuple[Line, ...]:
    """The bill's lines, each of them priced.

    Raises:
        Unpriced: a meter has no price in this offer; an estimate without it would look cheaper than it is.
    """
    lines = tuple(bill(usage, rates))
    for line in lines:
        if line.rate is None:
            raise Unpriced(
                f"{rates.offer.name} has no price for {line.meter.label} on that day "
                f"({line.meter.counted(line.quantity)} would be used): it cannot be estimated"
            )
    return lines


def amount_of(lines: Iterable[Line]) -> Amount:
    """The sum of lines that are all priced, in picodollars."""
    amount = total(lines)
    assert amount is not None
    return amount


def transcription_lines(of: Conversation, offered: Offered) -> tuple[Line, ...]:
    """The transcription model's lines for the whole conversation."""
    if offered.transcription is None:
        return ()
    return lines_of(total_usage(of.heard), offered.transcription.rates)


def parts(of: Conversation, offered: Offered) -> tuple[Part, ...]:
    """Where the money goes under the expected cache behaviour, dearest first; what costs nothing is left out."""
    rates = offered.found.rates
    read = list(zip(of.responses, of.hits, strict=True))
    replies = [each for each in read if each[0].kind == "reply"]
    rounds = [each for each in read if each[0].kind == "tool-call"]
    usage = _apart(replies)
    fixed = fixed_tokens(of.script, of.rules)
    prompt = sum(max(0, fixed - hit.text) for response, hit in replies if response.input.text)
    reasoning = sum(response.reasoning for response, _ in replies)
    first = _sum(response.new for response, _ in replies)
    amounts: dict[PartName, Usage] = {
        "fresh_audio_in": Usage.tokens(audio_in=first.audio),
        "reread_history": Usage.tokens(
            text_in=usage["text_in"] - first.text - prompt,
            audio_in=usage["audio_in"] - first.audio,
            image_in=usage["image_in"] - first.image,
        ),
        "cached_history": Usage.tokens(
            text_in_cached=usage["text_in_cached"],
            audio_in_cached=usage["audio_in_cached"],
            image_in_cached=usage["image_in_cached"],
        ),
        "assistant_audio": Usage.tokens(audio_out=usage["audio_out"]),
        "instructions": Usage.tokens(text_in=prompt),
        "text": Usage.tokens(text_in=first.text, text_out=usage["text_out"] - reasoning),
        "reasoning": Usage.tokens(text_out=reasoning),
        "images": Usage.tokens(image_in=first.image),
        "tool_rounds": _apart(rounds),
    }
    found = [Part(name, amount_of(lines_of(part, rates))) for name, part in amounts.items()]
    found.append(Part("transcription", amount_of(transcription_lines(of, offered))))
    return tuple(sorted((part for part in found if part.amount), key=lambda part: part.amount, reverse=True))


def _apart(read: Iterable[tuple[Response, Tokens]]) -> Usage:
    """The usage of some of the responses, each with what it finds in the cache."""
    pairs = list(read)
    return _usage(_totals(response for response, _ in pairs), (hit for _, hit in pairs))
