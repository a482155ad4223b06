"""Define the hidden parameters of generated calls."""

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Literal

from voicebill.conversation.rules import Rules
from voicebill.facts import load_facts

Fault = Literal["prompt-changed", "tools-changed", "truncation", "deletion", "another-model", "pause", "cold-start", "eviction"]
"""What can go wrong in a call. An eviction is a cache that has nothing, without a sign of why."""

MODELS = {
    "last-assistant-audio": "gpt-realtime-1.5",
    "transcripts": "gpt-realtime-2.1",
    "keep-all": "gpt-4o-realtime-preview",
}
"""A model of each history policy."""
OTHER_MODELS = {
    "gpt-realtime-1.5": "gpt-realtime-mini",
    "gpt-realtime-2.1": "gpt-realtime-2.1-mini",
    "gpt-4o-realtime-preview": "gpt-4o-mini-realtime-preview",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenParameters:
    """What calls are drawn from. Those with the name of a field of `Plan` mean the same.

    Of a call's time: `user_share` is speech without the padding that turn detection commits, `assistant_share` is speech that
    is played, and the rest is silence, of which the padding and the time to the first sound of a reply are parts.
    `length_cv`, `speech_variation` and `result_variation` are coefficients of variation: of the minutes of calls, of speech and
    silence by turn, and of results of tools. `text_noise` is the standard deviation of a reply's text around the rules' line.

    Users type `typed_share` of turns, and are answered in text. In `split_share` of spoken turns they pause, so that their
    speech becomes two messages. Of interrupted replies `cancelled_share` were still being generated, and end as cancelled; the
    others were complete, and only their sound was stopped. A reply's audio is generated `generation_speed` times as fast as it
    is played: at 1, a response ends when it has been played.

    Of responses, `miss_share` finds nothing in the cache; the others find `reuse_share` of the common prefix on average, with
    the standard deviation `reuse_spread` (none if the share is 1), in whole blocks; and in `short_share` of them it is a block
    less. `warm_share` of calls find their prompt in the cache of a call before. `unconnected_share` has no response.
    """

    model: str = "gpt-realtime-1.5"
    day: date = date(2026, 4, 20)
    mean_minutes: float = 5.0
    length_cv: float = 0.6
    turns_per_minute: float = 2.0
    user_share: float = 0.3
    assistant_share: float = 0.4
    speech_variation: float = 0.4
    instructions_tokens: int = 900
    tools_tokens: int = 150
    tool_calls_per_turn: float = 0.2
    arguments_tokens: float = 25.0
    result_tokens: float = 90.0
    result_variation: float = 0.4
    interrupted_share: float = 0.12
    played_share: float = 0.5
    cancelled_share: float = 0.5
    generation_speed: float = 3.0
    reasoning_tokens: float = 35.0
    text_noise: float = 2.0
    reuse_share: float = 0.9
    reuse_spread: float = 0.06
    short_share: float = 0.1
    miss_share: float = 0.0
    warm_share: float = 0.6
    unconnected_share: float = 0.05
    typed_share: float = 0.0
    split_share: float = 0.03
    greets: bool = False
    min_turns: int = 1

    @property
    def rules(self) -> Rules:
        """The rules of the model on the day."""
        return model_rules(self.model, self.day)


@cache
def model_rules(model: str, day: date) -> Rules:
    """The rules of OpenAI's model on a day."""
    facts = load_facts()
    return facts.rules_for(facts.prices.quote(model, day=day).offer, day=day).rules
