"""Choose what a comparison shows: one kind of alternative, those that end soon, and a pipeline of one's own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from voicebill.answers.catalog.stacks import Architecture, Role, Stack
from voicebill.billing.validation import validate

LABELS: Mapping[str, str] = {
    "speech-to-speech": "speech to speech",
    "agent": "bundled agent",
    "live": "live",
    "pipeline": "pipeline",
    "text": "text chat",
    "transcription": "transcription",
    "translation": "translation",
}
"""The kinds of alternatives, by architecture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonChoices:
    """What is compared: `kind` is the only architecture that is shown (None: all).

    `include_ending` ranks models that end within 90 days with the others; `stt`, `llm` and `tts` are the models of a pipeline
    of one's own.
    """

    include_ending: bool = False
    kind: Architecture | None = None
    stt: str | None = None
    llm: str | None = None
    tts: str | None = None

    def __post_init__(self) -> None:
        validate(self)

    def stacks(self, stacks: Iterable[Stack]) -> list[Stack]:
        """The stacks, and after them the pipeline of one's own, if a part of it is named."""
        parts: Mapping[Role, str | None] = {"transcriber": self.stt, "llm": self.llm, "tts": self.tts}
        models: dict[Role, tuple[str, ...]] = {role: (name,) for role, name in parts.items() if name}
        own = [Stack("own", "your pipeline", "pipeline", models)] if models else []
        return [*stacks, *own]
