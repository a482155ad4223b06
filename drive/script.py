"""The conversations that the scripted server holds, with the usage that it reports in each.

Usage is written by meters, each of which is a number of its own, and rendered into the vendor's counts, in which cached tokens
are part of the input and reasoning is part of the text. So what a conversation cost is known without reading a log.

Shapes: openai's types/realtime and types/live, version 3.57.0, read 2026-11-28.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Event = dict[str, Any]
Meters = Mapping[str, int]
Part = Literal["responses", "transcriptions", "seconds", "backend"]
"""What is billed in a conversation: the voice model, the model that transcribes, GPT-Live's time, and its backend."""


@dataclass(frozen=True, slots=True)
class UserSpeech:
    """What the user said, and what transcribing it took: tokens, or milliseconds under `audio_ms`."""

    text: str
    usage: Meters


@dataclass(frozen=True, slots=True)
class Step:
    """One response, and what the user said before it. A cancelled one is followed by the next step at once."""

    usage: Meters
    speech: UserSpeech | None = None
    ending: Literal["completed", "cancelled", "tool"] = "completed"
    reasoning: int = 0


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation over the Realtime API."""

    name: str
    model: str
    transcription_model: str
    steps: tuple[Step, ...]
    splits_cached: bool = True
    """Whether responses report how many of the cached tokens were text and audio: those of the preview did not."""


@dataclass(frozen=True, slots=True)
class LiveConversation:
    """A GPT-Live session: the seconds so far at each report, and the tokens of its backend."""

    name: str
    model: str
    seconds: tuple[int, ...]
    backend_model: str
    backend: Meters


@dataclass(frozen=True, slots=True)
class ReportedUsage:
    """What the server reported of one item: its part, its model and its usage."""

    part: Part
    model: str
    usage: Meters = field(default_factory=dict)


TOKENS = Conversation(
    name="tokens",
    model="gpt-realtime-1.5",
    transcription_model="gpt-4o-mini-transcribe",
    steps=(
        Step({"text_in": 417, "text_out": 19, "audio_out": 97}),
        Step(
            {"text_in": 37, "text_in_cached": 384, "audio_in": 29, "audio_in_cached": 64, "text_out": 23, "audio_out": 139},
            UserSpeech("Where is my parcel?", {"text_in": 5, "audio_in": 31, "text_out": 11}),
        ),
        Step(
            {"text_in": 61, "text_in_cached": 448, "audio_in": 43, "audio_in_cached": 192, "text_out": 27},
            UserSpeech("It is number twelve.", {"audio_in": 41, "text_out": 13}),
            "tool",
        ),
        Step({"text_in": 101, "text_in_cached": 512, "audio_in": 7, "audio_in_cached": 256, "text_out": 31, "audio_out": 173}),
        Step(
            {"text_in": 17, "text_in_cached": 640, "audio_in": 59, "audio_in_cached": 320, "text_out": 3, "audio_out": 53},
            UserSpeech("And when does it come?", {"audio_in": 47, "text_out": 15}),
            "cancelled",
        ),
        Step(
            {"text_in": 71, "text_in_cached": 704, "audio_in": 67, "audio_in_cached": 384, "text_out": 33, "audio_out": 179},
            UserSpeech("I mean, on which day?", {"audio_in": 53, "text_out": 17}),
        ),
    ),
)

SECONDS = Conversation(
    name="seconds",
    model="gpt-realtime-2.1",
    transcription_model="whisper-1",
    steps=(
        Step({"text_in": 283, "image_in": 337, "text_out": 89, "audio_out": 103}, reasoning=64),
        Step(
            {
                "text_in": 47,
                "text_in_cached": 256,
                "audio_in": 83,
                "audio_in_cached": 128,
                "image_in": 16,
                "image_in_cached": 320,
                "text_out": 107,
                "audio_out": 151,
            },
            UserSpeech("Is this the right plug?", {"audio_ms": 2300}),
            reasoning=79,
        ),
        Step(
            {"text_in": 53, "text_in_cached": 384, "audio_in": 13, "audio_in_cached": 320, "text_out": 41, "audio_out": 157},
            UserSpeech("Thank you.", {"audio_ms": 1450}),
        ),
    ),
)

UNSPLIT = Conversation(
    name="unsplit",
    model="gpt-realtime",
    transcription_model="gpt-4o-transcribe",
    splits_cached=False,
    steps=(
        Step({"text_in": 311, "text_out": 17, "audio_out": 89}),
        Step(
            {"text_in": 41, "text_in_cached": 256, "audio_in": 73, "audio_in_cached": 64, "text_out": 29, "audio_out": 127},
            UserSpeech("Are you open on Sunday?", {"audio_in": 37, "text_out": 19}),
        ),
    ),
)

LIVE = LiveConversation(
    name="live",
    model="gpt-live-1",
    seconds=(20, 45, 71),
    backend_model="gpt-5.4-mini",
    backend={"text_in": 613, "text_in_cached": 1024, "text_out": 211},
)

CONVERSATIONS = (TOKENS, SECONDS, UNSPLIT)


def response_usage(step: Step, *, splits_cached: bool = True) -> Event:
    """Return the usage of a response as `response.done` reports it."""
    count = {name: step.usage.get(name, 0) for name in ("text_in", "audio_in", "image_in")}
    cached = {name: step.usage.get(f"{name}_cached", 0) for name in count}
    text_out, audio_out = step.usage.get("text_out", 0), step.usage.get("audio_out", 0)
    output: Event = {"text_tokens": text_out, "audio_tokens": audio_out}
    if step.reasoning:
        output["reasoning_tokens"] = step.reasoning
    total_in = sum(count.values()) + sum(cached.values())
    split = {"text_tokens": cached["text_in"], "audio_tokens": cached["audio_in"], "image_tokens": cached["image_in"]}
    return {
        "total_tokens": total_in + text_out + audio_out,
        "input_tokens": total_in,
        "output_tokens": text_out + audio_out,
        "input_token_details": {
            "text_tokens": count["text_in"] + cached["text_in"],
            "audio_tokens": count["audio_in"] + cached["audio_in"],
            "image_tokens": count["image_in"] + cached["image_in"],
            "cached_tokens": sum(cached.values()),
            **({"cached_tokens_details": split} if splits_cached else {}),
        },
        "output_token_details": output,
    }


def transcription_usage(speech: UserSpeech) -> Event:
    """Return the usage of a transcription: its tokens, or its seconds."""
    if "audio_ms" in speech.usage:
        return {"type": "duration", "seconds": speech.usage["audio_ms"] / 1000}
    text_in, audio_in = speech.usage.get("text_in", 0), speech.usage["audio_in"]
    return {
        "type": "tokens",
        "total_tokens": text_in + audio_in + speech.usage["text_out"],
        "input_tokens": text_in + audio_in,
        "input_token_details": {"text_tokens": text_in, "audio_tokens": audio_in},
        "output_tokens": speech.usage["text_out"],
    }


def backend_usage(usage: Meters) -> Event:
    """Return the usage of a backend's response, as the Responses API reports it."""
    total_in = usage["text_in"] + usage["text_in_cached"]
    return {
        "input_tokens": total_in,
        "input_tokens_details": {"cached_tokens": usage["text_in_cached"], "cache_write_tokens": 0},
        "output_tokens": usage["text_out"],
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": total_in + usage["text_out"],
    }
