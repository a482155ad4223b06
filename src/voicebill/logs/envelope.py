"""What stands around a usage: whose it is, when it was, and where. Loggers use the same few words for it everywhere."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from msgspec import Struct, field

from voicebill.billing.record import Record, RecordKind
from voicebill.billing.usage import Usage
from voicebill.logs.documents import Document
from voicebill.logs.providers import deployment_meant, region_meant
from voicebill.logs.told import Report, Told, first_of, first_time

Name = str | int | None
"""An identifier as people write it into their own logs."""
Time = str | int | float | None


class Envelope(Struct, gc=False):
    """The words that loggers commonly put around what they log."""

    time: Time = None
    timestamp: Time = None
    ts: Time = None
    at_timestamp: Time = field(default=None, name="@timestamp")
    received_at: Time = None
    created_at: Time = None
    tenant: Name = None
    tenant_id: Name = None
    customer: Name = None
    customer_id: Name = None
    session_id: Name = None
    call_id: Name = None
    deployment: str | None = None
    region: str | None = None

    @property
    def times(self) -> tuple[Time, ...]:
        """What it says of when it happened."""
        return (self.time, self.timestamp, self.ts, self.at_timestamp, self.received_at, self.created_at)


MOST_LAYERS = 4
"""Envelopes around envelopes are opened so deep."""

Layer = TypeVar("Layer", bound="Nested")


class Nested(Protocol):
    """Something that may lie in an envelope of its own kind."""

    @property
    def inside(self) -> Any:  # noqa: ANN401 - one of its own kind, or None
        """What it holds."""
        ...


def layers_of(line: Layer, *, whole: Callable[[Layer], bool] = lambda _line: False) -> list[Layer]:
    """Envelopes from the outside in, and last what they hold; what is `whole` is not looked into."""
    layers = [line]
    while len(layers) < MOST_LAYERS and not whole(layers[-1]) and (inside := layers[-1].inside) is not None:
        layers.append(inside)
    return layers


def text(*values: Name) -> str | None:
    """The first that says anything, as text."""
    return next((str(value) for value in values if value not in (None, "")), None)


@dataclass(frozen=True, slots=True)
class Around:
    """Where something was read, what its envelopes say from the outside in, and what was told beside the log."""

    document: Document
    told: Told
    report: Report
    envelopes: Sequence[Envelope] = ()

    @property
    def session(self) -> str | None:
        """The session that the envelopes name."""
        return next((found for each in self.envelopes if (found := text(each.session_id, each.call_id))), None)

    def record(
        self,
        key: str,
        found: tuple[Usage, ...],
        *,
        kind: RecordKind = "response",
        provider: str | None = None,
        model: str | None = None,
        deployment: str | None = None,
        session: str | None = None,
        tenant: str | None = None,
        times: Iterable[object] = (),
        outcome: str | None = None,
        cumulative: bool = False,
    ) -> Record:
        """A record of what a dialect has found; what neither it nor an envelope says is what was told."""
        told = self.told
        time = first_time(self.report, (*times, *self._times()))
        return Record(
            key=key,
            kind=kind,
            readings=found,
            source=self.document.source,
            ordinal=self.document.ordinal,
            provider=provider or told.provider,
            model=model or (told.transcription_model if kind == "transcription" else told.model),
            deployment=first_of(deployment, *(deployment_meant(each.deployment) for each in self.envelopes), told.deployment),
            region=first_of(*(region_meant(each.region, provider or told.provider) for each in self.envelopes), told.region),
            tier=told.tier,
            session=session or self.session,
            tenant=tenant or self._tenant() or told.tenant,
            time=time,
            day=None if time else told.day,
            outcome=outcome,
            cumulative=cumulative,
        )

    def _times(self) -> Iterable[object]:
        for each in self.envelopes:
            yield from each.times

    def _tenant(self) -> str | None:
        return next(
            (said for each in self.envelopes if (said := text(each.tenant, each.tenant_id, each.customer, each.customer_id))),
            None,
        )
