"""Parse the line items of OpenAI's costs: which model and which meter a cost is for, where the name says so.

A line item is `<tier> | <model> <modality>, <direction>`, of which all but the model may be absent, such as
"gpt-5.5-2026-04-23, input", "gpt-audio-mini-2025-12-15 audio, input", "gpt-image-2.5-sunburst text, cached input",
"whisper-1, audio" and "priority | gpt-5.6-sol, output, long context". Without a modality it is text. Others name a tool, such
as "web search tool calls".

Source, read 2026-11-29: line items in public exports and in public code that reads them.
"""

import re
from typing import NamedTuple

from voicebill.billing.recent_texts import cache_while_reading
from voicebill.facts.load import load_facts

TIERS_IN_LINE_ITEMS = {
    "batch": "batch",
    "flex": "flex",
    "priority": "priority",
    "scale": "scale",
    "standard": "standard",
    "default": "standard",
}
TOKEN_MODALITIES = ("text", "audio", "image")
MODEL_NAME = re.compile(r"(?=.*[\d-])[\w.:/-]+")
"""The first word of a line item is a model only if it looks like one: "web" does not."""
UNCACHED_WORDS = frozenset({"input", "inputs", "output", "outputs"})
CACHE_WORDS = frozenset({"cached", "cache", "read", "reads", "write", "writes"})
CONTEXT_WORDS = frozenset({"long", "short", "context"})
LINE_ITEM_WORDS = frozenset({*TOKEN_MODALITIES, *UNCACHED_WORDS, *CACHE_WORDS, *CONTEXT_WORDS, "token", "tokens", "characters"})


class LineItem(NamedTuple):
    """What a line item says; empty where it does not say it. `qualifier` is the length of context that has its own price."""

    model: str = ""
    meter: str = ""
    tier: str = ""
    qualifier: str = ""


@cache_while_reading(4096)
def parse_line_item(text: str) -> LineItem:
    """Return what a line item says.

    >>> parse_line_item("gpt-audio-mini-2025-12-15 audio, cached input")
    LineItem(model='gpt-audio-mini-2025-12-15', meter='audio_in_cached', tier='', qualifier='')
    >>> parse_line_item("priority | gpt-5.6-sol, output, long context")
    LineItem(model='gpt-5.6-sol', meter='text_out', tier='priority', qualifier='long context')
    >>> parse_line_item("web search tool calls")
    LineItem(model='', meter='', tier='', qualifier='')
    """
    prefix, bar, rest = text.rpartition("|")
    tier = TIERS_IN_LINE_ITEMS.get(prefix.strip().lower(), "")
    model, *others = re.split(r"[\s,]+", rest.strip())
    words = frozenset(map(str.lower, filter(None, others)))
    if (bar and not tier) or not MODEL_NAME.fullmatch(model) or not words <= LINE_ITEM_WORDS:
        return LineItem()
    qualifier = " ".join(word for word in ("long", "short", "context") if word in words)
    return LineItem(model, _meter(words), tier, qualifier)


def _meter(words: frozenset[str]) -> str:
    """Return the meter that the words behind a model say; empty if they say none, or one that is not priced here."""
    modalities = [modality for modality in TOKEN_MODALITIES if modality in words] or ["text"]
    meter = _suffix(words)
    if not meter and "audio" in words:
        name = "audio_ms"  # the audio of a model that is billed by its length
    elif not meter and "characters" in words:
        name = "characters_in"
    else:
        name = f"{modalities[0]}{meter}" if meter and len(modalities) == 1 else ""
    return name if name in load_facts().prices.meters else ""


def _suffix(words: frozenset[str]) -> str:
    """Return how the name of a meter of tokens ends: its direction and state in the cache."""
    if words & {"output", "outputs"}:
        return "_out"
    if words & {"write", "writes"}:
        return "_in_cache_write"
    if words & CACHE_WORDS:
        return "_in_cached"
    return "_in" if words & {"input", "inputs"} else ""
