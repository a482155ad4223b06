"""Turn the usage lines of Pipecat's own loggers into JSON.

A processor prints what it used, without its model, and leaves out counts that are zero or not known. `MetricsLogObserver`
prints the same with the model, and leaves out only what is not known. Both are in one log if the observer is used, so each line
says who `logged` it. A live session's seconds are printed so far, rounded to a tenth, and its last ones after "session closed".

Sources: pipecat-ai 1.14.0's processors/metrics/frame_processor_metrics.py, observers/loggers/metrics_log_observer.py,
services/openai/realtime/llm.py and services/openai/live/llm.py, and 0.0.85's frame_processor_metrics.py, read 2026-11-28.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

USAGE_WORDS = re.compile(
    rb"(?:tion tokens|usage characters|usage audio seconds|live audio usage): \d|(?:TOKEN|TTS|STT) USAGE|: session closed \("
)
"""Without these, a line is none of Pipecat's usage: it is not decoded."""
MAX_PRINTED_LINE_BYTES = 4096

_BY_PROCESSOR = r"(?P<processor>\S+) "
_BY_LIVE_PROCESSOR = r"(?P<processor>[^\s:]+): "
_BY_OBSERVER = r"\[(?P<processor>[^\]]+)\] {title} USAGE(?: \((?P<model>[^)]*)\))?: "
_LINES: Mapping[str, tuple[str, re.Pattern[str]]] = {
    "tokens": (
        "processor",
        re.compile(_BY_PROCESSOR + r"(?P<counts>prompt tokens: \d+, completion tokens: \d+(?:, [a-z ]+ tokens: \d+)*)\s*$"),
    ),
    "observed tokens": (
        "observer",
        re.compile(_BY_OBSERVER.format(title="LLM TOKEN") + r"(?P<counts>prompt: \d+(?:, \w+: \d+)+) at [\d.]+s\s*$"),
    ),
    "characters": ("processor", re.compile(_BY_PROCESSOR + r"usage characters: (?P<characters_count>\d+)\s*$")),
    "observed characters": (
        "observer",
        re.compile(_BY_OBSERVER.format(title="TTS") + r"(?P<characters_count>\d+) characters at [\d.]+s\s*$"),
    ),
    "audio": ("processor", re.compile(_BY_PROCESSOR + r"usage audio seconds: (?P<audio_seconds>\d+(?:\.\d+)?)\s*$")),
    "observed audio": (
        "observer",
        re.compile(_BY_OBSERVER.format(title="STT") + r"(?P<audio_seconds>\d+(?:\.\d+)?)s audio at [\d.]+s\s*$"),
    ),
    "session": (
        "processor",
        re.compile(_BY_LIVE_PROCESSOR + r"live audio usage: (?P<session_seconds>\d+(?:\.\d+)?)s \(cumulative\)\s*$"),
    ),
    "end of session": ("processor", re.compile(_BY_LIVE_PROCESSOR + r"session closed (?P<closed>\(.*\))\s*$")),
}
_COUNT = re.compile(r"([a-z][a-z_ ]*): (\d{1,15})")
_COUNT_NAMES = {
    "prompt": "prompt_tokens",
    "completion": "completion_tokens",
    "total": "total_tokens",
    "cache_read": "cache_read_input_tokens",
    "cache_creation": "cache_creation_input_tokens",
    "reasoning": "reasoning_tokens",
    "input_audio": "input_audio_tokens",
    "output_audio": "output_audio_tokens",
    "cache_read_audio": "cache_read_input_audio_tokens",
}
"""The observer's names of counts."""


def pipecat_usage(line: bytes) -> tuple[bytes, bytes] | None:
    """Return the usage in a line of Pipecat's loggers as JSON, and the text in front of it; None if it has none.

    >>> pipecat_usage(b"DEBUG | LLM#0 prompt tokens: 417, completion tokens: 116")
    (b'{"logged":"processor","processor":"LLM#0","value":{"prompt_tokens":417,"completion_tokens":116}}', b'DEBUG | ')
    >>> pipecat_usage(b"[CartesiaTTSService#0] TTS USAGE (sonic-3): 45 characters at 1.204s")
    (b'{"logged":"observer","processor":"CartesiaTTSService#0","model":"sonic-3","characters_count":45}', b'')
    """
    if len(line) > MAX_PRINTED_LINE_BYTES or not USAGE_WORDS.search(line):
        return None
    text = line.decode(errors="replace")
    for logger, pattern in _LINES.values():
        if (match := pattern.search(text)) is not None:
            fields = {name: value for name, value in match.groupdict().items() if value is not None}
            return msgspec.json.encode({"logged": logger, **_usage(fields)}), text[: match.start()].encode()
    return None


def _usage(fields: dict[str, str]) -> dict[str, Any]:
    usage: dict[str, Any] = {name: fields[name] for name in ("processor", "model") if name in fields}
    if "counts" in fields:
        usage["value"] = _counts(fields["counts"], fields["processor"])
    if "characters_count" in fields:
        usage["characters_count"] = int(fields["characters_count"])
    if "audio_seconds" in fields:
        usage["value"] = {"audio_seconds": float(fields["audio_seconds"])}
    if "session_seconds" in fields:
        usage["session_seconds"] = float(fields["session_seconds"])
    if "closed" in fields:
        usage["is_closed"] = True
    return usage


def _counts(text: str, processor: str) -> dict[str, int]:
    """Return the counts of tokens. A realtime service knows all audio counts or none, so that one that is left out is 0.

    Only its cached audio may be unknown while the other counts are known.
    """
    counts = {_COUNT_NAMES.get(name, name.replace(" ", "_")): int(number) for name, number in _COUNT.findall(text)}
    audio = ("input_audio_tokens", "output_audio_tokens")
    if "total_tokens" not in counts and "Realtime" in processor and any(name in counts for name in audio):
        counts |= {name: 0 for name in audio if name not in counts}
    return counts
