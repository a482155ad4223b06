"""Define stacks: requirements on the models of an agent, from which it is built with the offers available on a day."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from voicebill.billing.errors import InvalidInput
from voicebill.billing.offers import Kind

Architecture = Literal["speech-to-speech", "agent", "live", "pipeline", "text", "transcription", "translation"]
"""How an agent is built: speech to speech, a whole agent of one seller, a live model with a backend, a pipeline; or in part."""

Role = Literal["transcriber", "llm", "tts", "live", "translator"]

ROLES: Mapping[Architecture, tuple[Role, ...]] = {
    "live": ("live", "llm"),
    "pipeline": ("transcriber", "llm", "tts"),
    "text": ("llm",),
    "transcription": ("transcriber",),
    "translation": ("translator",),
}
"""Roles of the components of a stack, in the order of processing."""

ROLE_KINDS: Mapping[Role, Kind] = {
    "transcriber": "transcription",
    "llm": "text",
    "tts": "speech",
    "live": "live",
    "translator": "translation",
}

CONVERSATIONAL: frozenset[Architecture] = frozenset({"speech-to-speech", "agent", "live", "pipeline"})
"""Architectures of conversational agents; the others are partial alternatives."""

INTERACTIVE_TIERS = ("standard", "priority")
"""Service tiers for interactive use: batch takes up to a day, and flex may be unavailable."""


@dataclass(frozen=True, slots=True)
class Stack:
    """Requirements on the models of a stack. For each role the cheapest matching model is used; without names, of all models.

    A model that has ended is never used; one that ends within 90 days only where no other matches.

    `min_lifetime_days`: no model in it may end sooner. `streams` is the number of sessions that a translation needs. `fees`
    are ids of carrier or platform offers that are paid in addition to the models.
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
    """Stacks restricted to a provider and a deployment (None: any), without those that require another."""
    return [
        replace(stack, provider=provider or stack.provider, deployment=deployment or stack.deployment)
        for stack in stacks
        if provider in (None, stack.provider or provider) and deployment in (None, stack.deployment or deployment)
    ]
