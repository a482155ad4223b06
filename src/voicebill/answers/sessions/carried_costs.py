"""Say what something has cost in all the responses that read it again: the prompt, speech, replies, tools."""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, get_args

from voicebill.answers.sessions.explained_response import ExplainedResponse
from voicebill.answers.sessions.reconstruction import Reconstruction
from voicebill.answers.sessions.token_prices import TokenPrices
from voicebill.conversation.rules import Rules
from voicebill.conversation.script import Turn

CarriedKind = Literal["prompt", "user speech", "replies", "tools", "typed text and images"]
CARRIED_KINDS: tuple[CarriedKind, ...] = get_args(CarriedKind)


class CarriedCost(NamedTuple):
    """What something in the input has cost in later responses, in picodollars. `turn` is that of a single reply, else None.

    A statistic: within one response, the cached tokens of the history are spread evenly over it.
    """

    kind: CarriedKind
    turn: int | None
    amount: float


class _ReadPrices(NamedTuple):
    """What a text, an audio and an image token in the history cost on average in all responses from one on."""

    text: float
    audio: float
    image: float


def carried_costs(
    reconstruction: Reconstruction, responses: Sequence[ExplainedResponse], prices: Sequence[TokenPrices], rules: Rules
) -> Iterator[CarriedCost]:
    """What the prompt, speech, replies and tools cost in the responses after the one that read or wrote them first.

    The cache holds the beginning of the input, so the prompt comes first in it. In the history, cached and uncached tokens are
    spread over what is there.
    """
    prompts, later = _read_prices(reconstruction, responses, prices, rules)
    yield CarriedCost("prompt", None, prompts)
    sums: dict[CarriedKind, float] = dict.fromkeys(CARRIED_KINDS, 0.0)
    first: dict[int, int] = {}
    for index, response in enumerate(responses):
        first.setdefault(response.pair.place.turn, index)
    replies = []
    last_index = {response.pair.place.turn: index for index, response in enumerate(responses)}
    for number, turn in enumerate(reconstruction.script.turns, start=1):
        if number not in first:
            continue
        after_first, after_last = first[number] + 1, last_index[number] + 1
        sums["user speech"] += _cost(
            later, after_first, turn.user_messages * rules.user_audio_item_tokens, turn.user_audio_tokens
        )
        if turn.user_text_tokens or turn.image_tokens:
            typed_text = turn.user_text_tokens + rules.user_text_item_tokens if turn.user_text_tokens else 0
            sums["typed text and images"] += _cost(later, after_first, typed_text, 0, sum(turn.image_tokens))
        for offset, call in enumerate(turn.tool_calls, start=1):
            text = call.arguments_tokens + rules.tool_call_item_tokens + call.result_tokens + rules.tool_result_item_tokens
            sums["tools"] += _cost(later, first[number] + offset, text, 0)
        reply = _reply_cost(turn, later, after_last, rules)
        replies.append(CarriedCost("replies", number, reply))
        sums["replies"] += reply
    for kind in CARRIED_KINDS:
        if sums[kind]:
            yield CarriedCost(kind, None, sums[kind])
    yield from sorted((entry for entry in replies if entry.amount), key=lambda entry: -entry.amount)


def _read_prices(
    reconstruction: Reconstruction, responses: Sequence[ExplainedResponse], prices: Sequence[TokenPrices], rules: Rules
) -> tuple[float, list[_ReadPrices]]:
    """What the prompt cost in all responses but the first, and by response the sums of average prices from it to the end."""
    prompt_cost = 0.0
    averages = []
    prompt = reconstruction.script.instructions_tokens + rules.conversation_tokens
    changes = {
        number: turn.instructions_tokens + rules.conversation_tokens
        for number, turn in enumerate(reconstruction.script.turns, start=1)
        if turn.instructions_tokens is not None
    }
    for index, (response, price) in enumerate(zip(responses, prices, strict=True)):
        prompt = changes.get(response.pair.place.turn, prompt)
        tokens, cached = response.pair.record.tokens, response.use.cached
        text = tokens.text
        in_cache = min(prompt, cached.text)
        uncached_price = price.text_in_cache_write if tokens.text_in_cache_write else price.text_in
        own = float(in_cache * price.text_in_cached + (min(prompt, text) - in_cache) * uncached_price)
        if index:
            prompt_cost += own
        text_cost = cached.text * price.text_in_cached + (text - cached.text) * uncached_price
        audio_cost = cached.audio * price.audio_in_cached + tokens.audio_in * price.audio_in
        image_cost = cached.image * price.image_in_cached + tokens.image_in * price.image_in
        averages.append(
            _ReadPrices(
                _average(float(text_cost) - own, text - prompt),
                _average(float(audio_cost), tokens.audio),
                _average(float(image_cost), tokens.image),
            )
        )
    later = [_ReadPrices(0.0, 0.0, 0.0)]
    for average in reversed(averages):
        last = later[-1]
        later.append(_ReadPrices(last.text + average.text, last.audio + average.audio, last.image + average.image))
    return prompt_cost, later[::-1]


def _average(cost: float, tokens: int) -> float:
    return cost / tokens if tokens > 0 else 0.0


def _cost(later: Sequence[_ReadPrices], since: int, text: int, audio: int, image: int = 0) -> float:
    """What tokens cost in all responses from one on."""
    average = later[min(since, len(later) - 1)]
    return text * average.text + audio * average.audio + image * average.image


def _reply_cost(turn: Turn, later: Sequence[_ReadPrices], since: int, rules: Rules) -> float:
    """What a reply cost after it was spoken: in its newest form in the next turn, then in the older one."""
    text, audio = (turn.reply_text_tokens or 0) + rules.assistant_item_tokens, turn.reply_audio_tokens
    if turn.cancelled:
        return 0.0
    if turn.played_ms is not None:
        played = turn.played_ms // rules.reply_audio_ms_per_token if rules.truncated_reply == "audio" else 0
        return _cost(later, since, rules.truncated_item_tokens, played)
    transcript = (turn.reply_transcript_tokens or 0) + rules.assistant_item_tokens + rules.transcript_item_tokens
    as_transcript = (transcript, 0) if audio else (text, 0)
    newest = as_transcript if rules.newest_reply == "transcript" else (text, audio)
    older = as_transcript if rules.older_replies == "transcript" else (text, audio)
    return _cost(later, since, *newest) - _cost(later, since + 1, *newest) + _cost(later, since + 1, *older)
