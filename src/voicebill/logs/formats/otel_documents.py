"""Define the shapes of OpenTelemetry's spans, log records and metrics: OTLP JSON, and what SDKs print.

Sources: opentelemetry-proto's JSON mapping, and its field names in snake case, which protobuf's `json_format` keeps on demand;
the console exporters of opentelemetry-sdk in Python and of @opentelemetry/sdk-trace, read 2026-11-22 and 2026-11-28.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from voicebill.logs.envelope import Time

Attributes = Mapping[str, object]

MAX_VALUE_DEPTH = 8
"""Values in values are taken to this depth."""


class AttributeValue(Struct, gc=False):
    """A value in OTLP; integers may be written as text."""

    stringValue: str | None = None  # noqa: N815 - OTLP's name
    intValue: int | str | None = None  # noqa: N815
    doubleValue: float | str | None = None  # noqa: N815
    boolValue: bool | None = None  # noqa: N815
    arrayValue: "AttributeArray | None" = None  # noqa: N815
    kvlistValue: "AttributeMap | None" = None  # noqa: N815
    string_value: str | None = None
    int_value: int | str | None = None
    double_value: float | str | None = None
    bool_value: bool | None = None
    array_value: "AttributeArray | None" = None
    kvlist_value: "AttributeMap | None" = None

    def plain(self, depth: int = 0) -> object:
        """Return the value as JSON would have it."""
        if depth > MAX_VALUE_DEPTH:
            return None
        if (array := self.arrayValue or self.array_value) is not None:
            return [value.plain(depth + 1) for value in array.values or ()]
        if (mapping := self.kvlistValue or self.kvlist_value) is not None:
            return plain_attributes(mapping.values, depth + 1)
        values = (self.stringValue, self.intValue, self.doubleValue, self.boolValue)
        snake_values = (self.string_value, self.int_value, self.double_value, self.bool_value)
        return next((value for value in (*values, *snake_values) if value is not None), None)


class AttributeArray(Struct, gc=False):
    """A list of values."""

    values: list[AttributeValue] | None = None


class Attribute(Struct, gc=False):
    """A key and its value."""

    key: str | None = None
    value: AttributeValue | None = None


class AttributeMap(Struct, gc=False):
    """A value with names for its parts."""

    values: list[Attribute] | None = None


AttributeList = list[Attribute] | dict[str, Any] | None
"""Attributes as OTLP lists them, or as a map."""


def plain_attributes(attributes: AttributeList, depth: int = 0) -> dict[str, object]:
    """Return attributes by name."""
    if isinstance(attributes, list):
        return {attribute.key or "": attribute.value.plain(depth) if attribute.value else None for attribute in attributes}
    return attributes or {}


class Context(Struct, gc=False):
    """The context of a span, as SDKs print it."""

    trace_id: str | None = None
    span_id: str | None = None
    spanId: str | None = None  # noqa: N815 - as JavaScript's SDK writes it


class SpanEvent(Struct, gc=False):
    """Something that happened during a span."""

    attributes: AttributeList = None


class Span(Struct, gc=False):
    """A span, as OTLP or as dumps with one span per line write it; a log record has its span's identifiers."""

    traceId: str | None = None  # noqa: N815 - OTLP's name
    spanId: str | None = None  # noqa: N815
    parentSpanId: str | None = None  # noqa: N815
    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    parent_id: str | None = None
    id: str | int | None = None
    parentId: str | int | None = None  # noqa: N815
    parentSpanContext: Context | str | None = None  # noqa: N815
    context: Context | None = None
    endTimeUnixNano: int | str | None = None  # noqa: N815
    end_time_unix_nano: int | str | None = None
    end_time: Time | list[int] = None
    endTime: Time | list[int] = None  # noqa: N815
    startTimeUnixNano: int | str | None = None  # noqa: N815
    start_time_unix_nano: int | str | None = None
    start_time: Time | list[int] = None
    startTime: Time | list[int] = None  # noqa: N815
    timeUnixNano: int | str | None = None  # noqa: N815
    time_unix_nano: int | str | None = None
    observedTimeUnixNano: int | str | None = None  # noqa: N815
    observed_time_unix_nano: int | str | None = None
    timestamp: Time | list[int] = None
    attributes: AttributeList = None
    events: list[SpanEvent] | str | None = None
    resource: Any = None
    scope: Any = None

    @property
    def ids(self) -> tuple[str, str, str]:
        """The identifiers of its trace, of the span and of its parent; empty if not logged."""
        context = self.context or Context()
        parent = self.parentSpanContext if isinstance(self.parentSpanContext, Context) else Context()
        return (
            self.traceId or self.trace_id or context.trace_id or "",
            self.spanId or self.span_id or context.span_id or str(self.id or ""),
            self.parentSpanId or self.parent_span_id or self.parent_id or parent.spanId or str(self.parentId or ""),
        )

    @property
    def times(self) -> tuple[object, ...]:
        """The end of the span, or else its start."""
        end_times = (self.endTimeUnixNano, self.end_time_unix_nano, self.end_time, self.endTime)
        start_times = (self.startTimeUnixNano, self.start_time_unix_nano, self.start_time, self.startTime)
        log_times = (self.timeUnixNano, self.time_unix_nano, self.timestamp)
        times = (*end_times, *start_times, *log_times, self.observedTimeUnixNano, self.observed_time_unix_nano)
        return tuple(time[0] if isinstance(time, list) and time else time for time in times)

    @property
    def all_attributes(self) -> dict[str, object]:
        """All attributes of the span; of its events too, where the span has none of that name."""
        attributes = plain_attributes(self.attributes)
        if not self.events or isinstance(self.events, str):
            return attributes
        events = [plain_attributes(event.attributes) for event in self.events]
        return {**{key: value for event in events for key, value in event.items()}, **attributes}

    @property
    def owner_objects(self) -> tuple[Attributes, ...]:
        """What may name its owners: its attributes, then those of its instrumentation and its service."""
        return (self.all_attributes, {"scope": self.scope}, {"resource": self.resource})


class LogRecord(Span, gc=False):
    """A log record of OTLP: its attributes, and a body of any shape."""

    body: AttributeValue | None = None


class DataPoint(Struct, gc=False):
    """A value of a metric, for one set of attributes: the sum of a histogram, or a number."""

    attributes: AttributeList = None
    startTimeUnixNano: int | str | None = None  # noqa: N815 - OTLP's name
    start_time_unix_nano: int | str | None = None
    timeUnixNano: int | str | None = None  # noqa: N815
    time_unix_nano: int | str | None = None
    sum: float | None = None
    asInt: int | str | None = None  # noqa: N815
    asDouble: float | None = None  # noqa: N815
    as_int: int | str | None = None
    as_double: float | None = None
    value: float | None = None

    @property
    def number(self) -> float | None:
        """The value; None if there is none."""
        integer = self.as_int if self.asInt is None else self.asInt
        if isinstance(integer, str):
            return int(integer) if integer.isascii() and integer.isdigit() and len(integer) < 20 else None
        values = (self.sum, integer, self.asDouble, self.as_double, self.value)
        return next((value for value in values if value is not None), None)

    @property
    def start(self) -> str:
        """The beginning of what it counts; empty if not logged."""
        return str(self.startTimeUnixNano or self.start_time_unix_nano or "")

    @property
    def end(self) -> str:
        """The end of what it counts; empty if not logged."""
        return str(self.timeUnixNano or self.time_unix_nano or "")


class MetricPoints(Struct, gc=False):
    """The values of a metric, and whether they are cumulative."""

    dataPoints: list[DataPoint] | None = None  # noqa: N815 - OTLP's name
    data_points: list[DataPoint] | None = None
    aggregationTemporality: int | str | None = None  # noqa: N815
    aggregation_temporality: int | str | None = None

    @property
    def is_cumulative(self) -> bool | None:
        """Whether a value counts from the start on, or only since the value before; None if that is not logged."""
        temporality = self.aggregationTemporality or self.aggregation_temporality
        if temporality in (2, "AGGREGATION_TEMPORALITY_CUMULATIVE"):
            return True
        return False if temporality in (1, "AGGREGATION_TEMPORALITY_DELTA") else None


class MetricStream(Struct, gc=False):
    """A metric. Gauges are not read: they do not count."""

    name: str | None = None
    unit: str | None = None
    histogram: MetricPoints | None = None
    exponentialHistogram: MetricPoints | None = None  # noqa: N815 - OTLP's name
    exponential_histogram: MetricPoints | None = None
    sum: MetricPoints | None = None
    data: MetricPoints | None = None

    @property
    def points(self) -> MetricPoints:
        """Its values."""
        points = self.histogram or self.exponentialHistogram or self.exponential_histogram
        return points or self.sum or self.data or MetricPoints()


class Description(Struct, gc=False):
    """What describes a service or an instrumentation."""

    attributes: AttributeList = None


class Scope(Struct, gc=False):
    """What one instrumentation emitted."""

    scope: Description | None = None
    spans: list[Span] | None = None
    logRecords: list[LogRecord] | None = None  # noqa: N815 - OTLP's name
    log_records: list[LogRecord] | None = None
    metrics: list[MetricStream] | None = None


class Resource(Struct, gc=False):
    """What one service emitted; older exports use `instrumentationLibrarySpans`."""

    resource: Description | None = None
    scopeSpans: list[Scope] | None = None  # noqa: N815 - OTLP's name
    scope_spans: list[Scope] | None = None
    instrumentationLibrarySpans: list[Scope] | None = None  # noqa: N815
    scopeLogs: list[Scope] | None = None  # noqa: N815
    scope_logs: list[Scope] | None = None
    scopeMetrics: list[Scope] | None = None  # noqa: N815
    scope_metrics: list[Scope] | None = None

    @property
    def scopes(self) -> Iterator[Scope]:
        """Yield what each instrumentation emitted."""
        yield from self.scopeSpans or self.scope_spans or self.instrumentationLibrarySpans or ()
        yield from self.scopeLogs or self.scope_logs or ()
        yield from self.scopeMetrics or self.scope_metrics or ()


def _described(description: Description | None) -> Attributes:
    return {"attributes": plain_attributes(description.attributes)} if description else {}


class OtelLine(Span, gc=False):
    """A document: one span or log record, or many of them, or metrics."""

    resourceSpans: list[Resource] | None = None  # noqa: N815 - OTLP's name
    resource_spans: list[Resource] | None = None
    resourceLogs: list[Resource] | None = None  # noqa: N815
    resource_logs: list[Resource] | None = None
    resourceMetrics: list[Resource] | None = None  # noqa: N815
    resource_metrics: list[Resource] | None = None
    spans: list[Span] | None = None
    severity_number: int | str | None = None
    body: Any = None

    @property
    def resources(self) -> Iterator[Resource]:
        """Yield what each service emitted."""
        yield from self.resourceSpans or self.resource_spans or ()
        yield from self.resourceLogs or self.resource_logs or ()
        yield from self.resourceMetrics or self.resource_metrics or ()

    @property
    def described_scopes(self) -> Iterator[tuple[Resource, Scope]]:
        """Yield what each instrumentation emitted, with the service."""
        yield from ((resource, scope) for resource in self.resources for scope in resource.scopes)

    @property
    def is_log_record(self) -> bool:
        """Whether the document is a log record as Python's SDK prints it."""
        return self.severity_number is not None

    @property
    def all_spans(self) -> Iterator[Span]:
        """Yield every span in the document."""
        for resource, scope in self.described_scopes:
            for span in scope.spans or ():
                span.resource, span.scope = _described(resource.resource), _described(scope.scope)
                yield span
        yield from self.spans or ()
        if self.attributes is not None and not self.is_log_record:
            yield self

    @property
    def all_log_records(self) -> Iterator[tuple[Span, object]]:
        """Yield every log record in the document, and its body."""
        for resource, scope in self.described_scopes:
            for log_record in scope.logRecords or scope.log_records or ():
                log_record.resource, log_record.scope = _described(resource.resource), _described(scope.scope)
                yield log_record, log_record.body.plain() if log_record.body else None
        if self.is_log_record:
            yield self, self.body

    @property
    def all_metrics(self) -> Iterator[tuple[Attributes, MetricStream]]:
        """Yield every metric in the document, and the attributes of its service."""
        for resource in self.resources:
            service = plain_attributes(resource.resource.attributes if resource.resource else None)
            for scope in resource.scopes:
                for metric in scope.metrics or ():
                    yield service, metric
