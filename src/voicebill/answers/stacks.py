"""Stacks: which models together make an agent, as rows of wishes; on a day they are built of what is sold then."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from voicebill.billing.errors import InvalidInput
from voicebill.billing.offers import Kind

Architecture = Literal["speech-to-speech", "live", "pipeline", "text", "transcription", "translation"]
"""How an agent is built: speech to speech, a live model with a backend, a pipeline; or a partial alternative."""

Role = Literal["transcriber", "llm", "tts", "live", "translator"]

ROLES: Mapping[Architecture, tuple[Role, ...]] = {
    "live": ("live", "llm"),
    "pipeline": ("transcriber", "llm", "tts"),
    "text": ("llm",),
    "transcription": ("transcriber",),
    "translation": ("translator",),
}
"""Who sits in a stack, in the order in which the words pass."""

ROLE_KINDS: Mapping[Role, Kind] = {
    "transcriber": "transcription",
    "llm": "text",
    "tts": "speech",
    "live": "live",
    "translator": "translation",
}

CONVERSATIONAL: frozenset[Architecture] = frozenset({"speech-to-speech", "live", "pipeline"})
"""Architectures of conversational agents; the others are partial alternatives."""

INTERACTIVE_TIERS = ("standard", "priority")
"""Service tiers that answer while somebody waits: batch takes up to a day, flex may be refused."""


@dataclass(frozen=True, slots=True)
class Stack:
    """What a stack is to be built of. Empty lists: any model; of those that are left the cheapest is taken.

    A model that may have ended is taken only where it is named.

    `min_lifetime_days`: no model in it may end sooner. `streams` is how many sessions a translation needs. `fees` are ids of
    offers that are paid for the minutes of every call beside the models.
    """

    name: str
    title: str
    architecture: Architecture
    models: Mapping[Role, tuple[str, ...]]
    provider: str | None = None
    deployment: str | None = None
    tier: str = "standard"
    min_lifetime_days: int = 0
    streams: int = 1
    fees: tuple[str, ...] = ()
    note: str = ""
    sources: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.architecture not in ROLES:
            raise InvalidInput(f"a stack's architecture is one of {', '.join(ROLES)}, not {self.architecture!r}")
        for role in self.models:
            if role not in ROLES[self.architecture]:
                roles = ", ".join(ROLES[self.architecture])
                raise InvalidInput(f"a {self.architecture} stack has no {role}: its components are {roles}")


def restrict_stacks(stacks: Iterable[Stack], provider: str | None, deployment: str | None) -> list[Stack]:
    """Stacks that are to be built of what one provider sells, or under one deployment; those that wish for another go."""
    return [
        replace(stack, provider=provider or stack.provider, deployment=deployment or stack.deployment)
        for stack in stacks
        if provider in (None, stack.provider or provider) and deployment in (None, stack.deployment or deployment)
    ]
