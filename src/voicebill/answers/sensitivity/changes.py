"""Describe the changes that make conversations cheaper: what they are, and what each costs in behaviour."""

from decimal import Decimal
from typing import NamedTuple

from voicebill.conversation.script import Truncation


class DescribedChange(NamedTuple):
    """A change, and its trade-off."""

    change: str
    trade_off: str


HALVE_PROMPT = DescribedChange("halve the prompt", "fewer instructions; move what is rarely needed into tools")
HALVE_TOOL_CALLS = DescribedChange("halve the tool calls", "fetch more per call, or provide less information")
MERGE_TOOL_CALLS = DescribedChange(
    "merge the tool calls of a turn into one", "one tool must fetch what several did, before their results are known"
)
WRITE_TURNS = DescribedChange("answer a quarter of the turns in writing", "the user reads and types in these turns")
SHORTEN_HISTORY = DescribedChange("cut the history to 4,000 tokens, keeping 0.8", "older turns are forgotten")
SHORT_HISTORY = Truncation("auto", Decimal("0.8"), 4000)
KEEP_PROMPT_STABLE = DescribedChange(
    "keep instructions and tools unchanged within a session", "variable content moves to the end of the conversation"
)
OTHER_MODEL_TRADE_OFF = "voice and judgement differ: test it"
OTHER_DEPLOYMENT_TRADE_OFF = "data may be processed elsewhere"
OTHER_PROVIDER_TRADE_OFF = "another API, other voices and another place of processing: test it"
