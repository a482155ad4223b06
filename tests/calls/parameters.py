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
    """What calls are drawn from. Shares of time are of the connected time; `length_cv` is that of the minutes.

    `reuse_share` is the mean share of the common prefix that is cached. `silence_variation` and `speech_variation` are
    coefficients of variation by turn, `text_noise` is the standard deviation of a reply's text around the rules' line.
    """

    model: str = "gpt-realtime-1.5"
    day: date = date(2026, 4, 20)
    mean_minutes: float = 5.0
    length_cv: float = 0.6
    turns_per_minute: float = 2.0
    user_share: float = 0.35
    assistant_share: float = 0.4
    speech_variation: float = 0.4
    instructions_tokens: int = 900
    tools_tokens: int = 150
    tool_calls_per_turn: float = 0.2
    arguments_tokens: float = 25.0
    result_tokens: float = 90.0
    interrupted_share: float = 0.12
    played_share: float = 0.5
    reasoning_tokens: float = 35.0
    text_noise: float = 2.0
    reuse_share: float = 0.9
    warm_share: float = 0.6
    unconnected_share: float = 0.05
    typed_share: float = 0.0
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
