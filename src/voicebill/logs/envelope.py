"""Read the envelope that loggers put around usage: tenant, session, time, deployment and region."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from msgspec import Struct, field, to_builtins

from voicebill.billing.record import Record, RecordKind
from voicebill.billing.usage import Usage
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.documents import Document
from voicebill.logs.providers import normalize_deployment, normalize_region, split_model_name
from voicebill.logs.report import ReadReport, first_of, first_time
from voicebill.logs.unread_usage import counts_in

Name = str | int | None
"""An identifier in a log: text or a number."""
Time = str | int | float | None


class Envelope(Struct, gc=False):
    """The fields that loggers commonly put around what they log."""

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
        """The fields with a time, in order of preference."""
        return (self.time, self.timestamp, self.ts, self.at_timestamp, self.received_at, self.created_at)


MAX_LAYERS = 4
"""Nested envelopes are opened to this depth."""

Layer = TypeVar("Layer", bound="NestedEnvelope")


class NestedEnvelope(Protocol):
    """A document that may contain another one of its own kind."""

    @property
    def inside(self) -> Any:  # noqa: ANN401 - one of its own kind, or None
        """The document in this envelope, or None."""
        ...


def unwrap(line: Layer, *, is_leaf: Callable[[Layer], bool] = lambda _line: False) -> list[Layer]:
    """Return the envelopes from the outside in, and last their content. A document that `is_leaf` accepts is not opened."""
    layers = [line]
    while len(layers) < MAX_LAYERS and not is_leaf(layers[-1]) and (inside := layers[-1].inside) is not None:
        layers.append(inside)
    return layers


def first_text(*values: Name) -> str | None:
    """Return the first value that is not empty, as text."""
    return next((str(value) for value in values if value not in (None, "")), None)


@dataclass(frozen=True, slots=True)
class RecordContext:
    """The document, its envelopes from the outside in, and the defaults, from which a record is made."""

    document: Document
    defaults: LogDefaults
    report: ReadReport
    envelopes: Sequence[Envelope] = ()

    @property
    def session(self) -> str | None:
        """The session that the envelopes name, or None."""
        return next(
            (session for envelope in self.envelopes if (session := first_text(envelope.session_id, envelope.call_id))), None
        )

    def record(
        self,
        key: str,
        usages: tuple[Usage, ...],
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
        part: object = None,
    ) -> Record:
        """Return a record. Fields that neither the caller nor an envelope gives are taken from the defaults.

        `part` is what the record was made of, if that is not the document as a unit. Without usage, it is searched for counts.
        """
        defaults = self.defaults
        provider, model = split_model_name(model, provider)
        if usages[0].status == "missing":
            self._report_unread(part)
        time = first_time(self.report, (*times, *self._times()))
        return Record(
            key=key,
            kind=kind,
            usage_candidates=usages,
            source=self.document.source,
            line_number=self.document.line_number,
            provider=provider or defaults.provider,
            model=model or (defaults.transcription_model if kind == "transcription" else defaults.model),
            deployment=first_of(
                deployment, *(normalize_deployment(envelope.deployment) for envelope in self.envelopes), defaults.deployment
            ),
            region=first_of(
                *(normalize_region(envelope.region, provider or defaults.provider) for envelope in self.envelopes),
                defaults.region,
            ),
            tier=defaults.tier,
            session=session or self.session,
            tenant=tenant or self._tenant() or defaults.tenant,
            time=time,
            day=None if time else defaults.day,
            outcome=outcome,
            cumulative=cumulative,
        )

    def _report_unread(self, part: object) -> None:
        document = self.document
        if part is None:
            self.report.add_unread_line(document.source, document.line_number, document.content)
        elif counts := counts_in(to_builtins(part)):
            self.report.add_unread_counts(document.source, document.line_number, counts)

    def _times(self) -> Iterable[object]:
        for envelope in self.envelopes:
            yield from envelope.times

    def _tenant(self) -> str | None:
        return next(
            (
                tenant
                for envelope in self.envelopes
                if (tenant := first_text(envelope.tenant, envelope.tenant_id, envelope.customer, envelope.customer_id))
            ),
            None,
        )
