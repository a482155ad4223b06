"""Say what was paid for nothing: speech that nobody heard, failed and repeated responses, silence, paused time."""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Literal, NamedTuple, get_args

from voicebill.answers.sessions.explained_response import ExplainedResponse
from voicebill.answers.sessions.reconstruction import Reconstruction
from voicebill.answers.sessions.recorded_models import RecordedModels
from voicebill.answers.sessions.recorded_session import RecordedResponse
from voicebill.answers.sessions.token_prices import TokenPrices
from voicebill.billing.money import Amount
from voicebill.conversation.rules import Rules
from voicebill.conversation.script import Turn

WasteKind = Literal["unheard-speech", "failed", "repeated", "unconnected", "padding", "idle"]
WASTE_KINDS: tuple[WasteKind, ...] = get_args(WasteKind)
WASTE_TEXTS: dict[WasteKind, str] = {
    "unheard-speech": "speech after an interruption, which nobody heard",
    "failed": "responses that failed or were incomplete",
    "repeated": "responses without anything new to answer",
    "unconnected": "calls without a response",
    "padding": "silence that turn detection commits with speech",
    "idle": "paused time of a live session",
}


class Waste(NamedTuple):
    """What was paid for nothing, in picodollars: at least `low`, at most `high`. `cases` is the number of responses."""

    kind: WasteKind
    cases: int
    low: Amount
    high: Amount


def waste_of_responses(
    reconstruction: Reconstruction, responses: Sequence[ExplainedResponse], prices: Sequence[TokenPrices], rules: Rules
) -> Iterator[Waste]:
    """The waste of each response of a conversation."""
    turns = reconstruction.script.turns
    open_plays = {interval.turn: interval for interval in reconstruction.intervals if interval.quantity == "played_ms"}
    begun = 0
    for response, price in zip(responses, prices, strict=True):
        record, number = response.pair.record, response.pair.place.turn
        turn = turns[number - 1]
        is_reply = response.pair.simulated.kind == "reply"
        if record.outcome in ("failed", "incomplete"):
            yield Waste("failed", 1, response.amounts.total, response.amounts.total)
        elif is_reply and turn.played_ms is not None:
            interval = open_plays.get(number)
            plays = (interval.low, interval.high) if interval else (turn.played_ms, turn.played_ms)
            low, high = (_unheard(record, played, price, rules) for played in reversed(plays))
            yield Waste("unheard-speech", 1, low, high)
        elif is_reply and _answers_nothing(turns, number):
            yield Waste("repeated", 1, response.amounts.total, response.amounts.total)
        if number > begun and turn.user_audio_tokens:
            padding = min(turn.user_audio_tokens, turn.user_messages * rules.padding_tokens) * price.audio_in
            yield Waste("padding", turn.user_messages, padding, padding)
        begun = number


def _unheard(record: RecordedResponse, played_ms: int, price: TokenPrices, rules: Rules) -> Fraction:
    """What the part of a reply cost that was not played: its audio, and as much of its text."""
    tokens = record.tokens
    unheard = Fraction(max(0, tokens.audio_out - played_ms // rules.reply_audio_ms_per_token))
    share = unheard / tokens.audio_out if tokens.audio_out else 0
    return unheard * price.audio_out + share * tokens.text_out * price.text_out


def _answers_nothing(turns: Sequence[Turn], number: int) -> bool:
    """Whether a reply followed the one before without anything new from the user, a tool or other instructions."""
    if number == 1:
        return False
    turn, before = turns[number - 1], turns[number - 2]
    brings = (turn.user_audio_tokens, turn.user_text_tokens, turn.image_tokens, turn.tool_calls, turn.instructions_tokens)
    return not any(brings) and not before.cancelled


def idle_waste(records: Sequence[RecordedResponse], models: RecordedModels) -> Iterator[Waste]:
    """The paused time that records of a session bill."""
    for record in records:
        if not record.other:
            continue
        paused = dict(record.other).get("standby_ms", 0)
        rates = models.of(record).rates
        rate = None if rates is None else rates["standby_ms"]
        if paused and rate is not None:
            amount = rate.amount(paused)
            yield Waste("idle", 1, amount, amount)


def total_waste(entries: Iterable[Waste]) -> Iterator[Waste]:
    """The sum of each kind of waste that occurs, in the order of the kinds."""
    all_entries = list(entries)
    for kind in WASTE_KINDS:
        of_kind = [entry for entry in all_entries if entry.kind == kind]
        if of_kind:
            yield Waste(
                kind,
                sum(entry.cases for entry in of_kind),
                sum((entry.low for entry in of_kind), 0),
                sum((entry.high for entry in of_kind), 0),
            )
