"""Hold the values that are taken where a log does not give its own."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class LogDefaults:
    """The values to take where a log gives none. A value in the log always takes precedence."""

    provider: str | None = None
    model: str | None = None
    transcription_model: str | None = None
    deployment: str | None = None
    region: str | None = None
    tier: str | None = None
    tenant: str | None = None
    day: date | None = None
