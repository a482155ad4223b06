"""A voice model whose provider bills cache writes: a price file of one's own, and an estimate with it."""

from pathlib import Path

from tests.cases import DAY
from voicebill.answers.estimates.estimate import Estimate, estimate
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.conversation.plan import Plan
from voicebill.facts import load_facts

PRICES = """
provider = "openai"
checked = 2026-11-01
sources = ["an invented price list"]

[[offers]]
model = "parrot-live"
kind = "realtime"
[[offers.prices]]
since = "2026-01-01"
[offers.prices.usd]
text_in = 4
text_in_cached = 0.4
text_in_cache_write = 5
audio_in = 32
audio_in_cached = 0.4
image_in = 5
image_in_cached = 0.5
text_out = 16
audio_out = 64
"""

PLAN = Plan(minutes=10, turns=20, instructions_tokens=1000, text_turns=2, tool_calls=2, images=1)


def estimate_with_cache_writes(folder: Path, plan: Plan = PLAN, minimum_tokens: int = 0) -> Estimate:
    """The estimate of a plan for a model that bills cache writes in inputs of at least so many tokens."""
    file = folder / "parrot.toml"
    file.write_text(PRICES, encoding="utf-8")
    overrides = {"cache_writes": True, "cache_minimum_tokens": minimum_tokens}
    selection = ModelSelection(model="parrot-live", provider="openai", day=DAY, overrides=overrides)
    return estimate(plan, selection, load_facts(file))
