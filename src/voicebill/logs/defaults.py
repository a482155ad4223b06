"""Hold the values that are taken where a log does not give its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from secrets import token_bytes

from voicebill.billing.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class LogDefaults:
    """The values to take where a log gives none. A value in the log always takes precedence; its model may be an alias."""

    provider: str | None = None
    model: str | None = None
    transcription_model: str | None = None
    deployment: str | None = None
    region: str | None = None
    tier: str | None = None
    tenant: str | None = None
    project: str | None = None
    day: date | None = None
    alias: Mapping[str, str] = field(default_factory=dict)
    """Models by the names that logs use for them, in lower case. Unlike a default, they replace what a log says."""
    column: Mapping[str, str] = field(default_factory=dict)
    """The names under which logs give the tenant, session, project, model or time, by field. They precede the usual names."""
    prompt_key: bytes = field(default_factory=lambda: token_bytes(16), repr=False, compare=False)
    """The key of the fingerprints that tell prompts apart: a ledger's own, or a new one, so that they reveal nothing."""

    def with_model(self, record: Record) -> Record:
        """Return a record with the model that its name stands for."""
        model = self.alias.get((record.model or "").lower())
        return record if model is None else replace(record, model=model)
