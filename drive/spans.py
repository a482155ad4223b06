"""Collect OpenTelemetry spans, as an OTLP collector or OpenTelemetry's console exporter writes them."""

import base64
import json
from collections.abc import Iterable
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

IDS = ("traceId", "spanId", "parentSpanId")


def memory_provider() -> tuple[TracerProvider, InMemorySpanExporter]:
    """Return a provider that keeps its spans, and where it keeps them."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider, exporter


def otlp_lines(spans: Iterable[ReadableSpan]) -> list[str]:
    """Return a line of OTLP JSON for each export of a span, as a collector's file exporter writes it."""
    return [otlp_json(encode_spans([span]).SerializeToString()) for span in spans]


def otlp_json(body: bytes) -> str:
    """Return a request of OTLP in its JSON, in which identifiers are hexadecimal."""
    request = ExportTraceServiceRequest()
    request.ParseFromString(body)
    return json.dumps(_with_hex_ids(MessageToDict(request)))


def _with_hex_ids(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: base64.b64decode(item).hex() if name in IDS else _with_hex_ids(item) for name, item in value.items()}
    return [_with_hex_ids(item) for item in value] if isinstance(value, list) else value
