"""Read the envelope that loggers put around usage: time, deployment and region, and the owners that it names."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from msgspec import Raw, Struct, field, json, to_builtins

from voicebill.billing.record import Record, RecordKind
from voicebill.billing.usage import Usage
from voicebill.conversation.work import check_work
from voicebill.logs.counts import no_usage
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.documents import Document
from voicebill.logs.owner_names import Owners, owners_in, owners_of_document, value_at
from voicebill.logs.providers import normalize_deployment, normalize_provider, normalize_region, split_model_name
from voicebill.logs.report import ReadReport, first_of, first_time, format_json_error
from voicebill.logs.time_meters import is_billed_by_minutes
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
    """The document, its envelopes from the outside in, and the defaults, from which a record is made.

    `path` leads to the object in the document that the record is made of, such as ("data", 3) in a page with many.
    """

    document: Document
    defaults: LogDefaults
    report: ReadReport
    envelopes: Sequence[Envelope] = ()
    path: Sequence[str | int] = ()

    @property
    def session(self) -> str | None:
        """The session that the document names, or None."""
        try:
            return self._owners().value("session")
        except UnicodeError:
            return None

    def report_uncounted(self, usages: Sequence[Usage]) -> None:
        """Report the usage that was not read of a document whose usage object has no known count, or only zeros."""
        if not any(usage.quantities for usage in usages):
            is_missing, document = usages[0].status == "missing", self.document
            self.report.add_unread_line(
                document.source, document.line_number, document.content, has_usage=is_missing, is_record=True
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
        owner_objects: Sequence[Mapping[str, Any]] | None = None,
    ) -> Record:
        """Return a record. Fields that neither the caller nor an envelope gives are taken from the defaults.

        `owner_objects` name the owners, the nearest first, if it is not the document. `part` is what the record was made of, if
        that is not the document as a unit. Without usage, or with zeros only, it is searched for counts. A model that is billed
        by time has no usage where only tokens were counted, and none of them.
        """
        check_work()
        defaults = self.defaults
        owners = self._reported_owners() if owner_objects is None else owners_in(owner_objects, defaults.column)
        provider, model = split_model_name(owners.value("model", model), normalize_provider(provider))
        model = model or (defaults.transcription_model if kind == "transcription" else defaults.model)
        if is_billed_by_minutes(model) and usages == (Usage(),):
            usages = no_usage()
        if not any(any(usage.quantities.values()) for usage in usages):
            self._report_unread(part)
        time = first_time(self.report, (owners.value("time"), *times, *self._times()))
        return Record(
            key=key,
            kind=kind,
            usage_candidates=usages,
            source=self.document.source,
            line_number=self.document.line_number,
            provider=provider or defaults.provider,
            model=model,
            deployment=first_of(
                deployment, *(normalize_deployment(envelope.deployment) for envelope in self.envelopes), defaults.deployment
            ),
            region=first_of(
                *(normalize_region(envelope.region, provider or defaults.provider) for envelope in self.envelopes),
                defaults.region,
            ),
            tier=defaults.tier,
            session=owners.value("session", session),
            tenant=owners.value("tenant", tenant) or defaults.tenant,
            project=owners.value("project") or defaults.project,
            time=time,
            day=None if time else defaults.day,
            outcome=outcome,
            cumulative=cumulative,
        )

    def _owners(self) -> Owners:
        return owners_of_document(self.document.content, self.path, self.defaults.column)

    def _reported_owners(self) -> Owners:
        """Return the owners that the document names. A name that is not UTF-8 is reported, and no owner is taken."""
        try:
            return self._owners()
        except UnicodeError as error:
            self.report.add_error(
                self.document.source, self.document.line_number, format_json_error(error, self.document.content)
            )
            return Owners({}, {})

    def _report_unread(self, part: object) -> None:
        """Report the counts of a record without usage: those of a part that was read, or of all of it as it was logged."""
        document = self.document
        if part is None:
            self.report.add_unread_line(document.source, document.line_number, document.content, is_record=True)
            return
        counts = counts_in(to_builtins(part, enc_hook=_decoded), any_name=True)
        if not counts and self.path:
            counts = counts_in(value_at(document.content, tuple(self.path)), any_name=True)
        if counts:
            self.report.add_unread_counts(document.source, document.line_number, counts)

    def _times(self) -> Iterable[object]:
        for envelope in self.envelopes:
            yield from envelope.times


def _decoded(value: Raw) -> object:
    """Return a value that a reader has left as JSON."""
    return json.decode(value) if bytes(value) else None
