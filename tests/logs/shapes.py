"""The same log in other shapes: behind a logger's prefix, in envelopes, with names in another case, over more or fewer lines.

The shapes of envelopes are those of `voicebill.logs.wrapped_lines`.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

Wrapper = Callable[[str], str]
"""Puts something around a line of JSON."""

TIME = "2026-11-24T10:15:30.123456+00:00"
MILLISECONDS = 1795515330123


def _loguru(line: str) -> str:
    time = {"repr": TIME, "timestamp": MILLISECONDS / 1000}
    return json.dumps({"text": f"{line}\n", "record": {"extra": {}, "level": {"name": "INFO"}, "message": line, "time": time}})


def _docker(line: str) -> str:
    return json.dumps({"log": f"{line}\n", "stream": "stdout", "time": TIME})


def _cloudwatch(line: str) -> str:
    return json.dumps({"logStreamName": "voice", "timestamp": MILLISECONDS, "message": line, "eventId": "3"})


def _otlp(line: str) -> str:
    log_record = {"timeUnixNano": str(MILLISECONDS * 10**6), "severityText": "INFO", "body": {"stringValue": line}}
    scope = {"scope": {"name": "agent"}, "logRecords": [log_record]}
    return json.dumps({"resourceLogs": [{"resource": {"attributes": []}, "scopeLogs": [scope]}]})


WRAPPERS: Mapping[str, Wrapper] = {
    "time and level": lambda line: f"2026-11-24 10:15:30,123 INFO [agent] event: {line}",
    "level": lambda line: f"DEBUG:voice.agent:{line}",
    "server-sent event": lambda line: f"data: {line}",
    "color": lambda line: f"\x1b[32m10:15:30\x1b[0m INFO {line}",
    "Docker": _docker,
    "Docker around a prefix": lambda line: _docker(f"INFO {line}"),
    "CloudWatch": _cloudwatch,
    "CloudWatch around Docker": lambda line: _cloudwatch(_docker(line)),
    "journald": lambda line: json.dumps({"__REALTIME_TIMESTAMP": str(MILLISECONDS * 1000), "_PID": "7", "MESSAGE": line}),
    "Google Cloud, text": lambda line: json.dumps({"timestamp": TIME, "severity": "INFO", "textPayload": line}),
    "Google Cloud, object": lambda line: json.dumps({"timestamp": TIME, "jsonPayload": json.loads(line)}),
    "loguru": _loguru,
    "structlog": lambda line: json.dumps({"event": "usage", "data": json.loads(line), "level": "info", "timestamp": TIME}),
    "OpenTelemetry's logs": _otlp,
}


def documents_of(content: bytes) -> list[Any]:
    """Return the JSON documents of a log: one over all its lines, or one per line. Lines that are none are left out."""
    try:
        return [json.loads(content)]
    except ValueError:
        pass
    documents: list[Any] = []
    for line in content.splitlines():
        try:
            documents.append(json.loads(line))
        except ValueError:
            continue
    return documents


def json_lines(documents: list[Any]) -> str:
    """Return documents, one per line."""
    return "\n".join(json.dumps(document) for document in documents)


def wrapped(documents: list[Any], wrapper: Wrapper) -> str:
    """Return documents, one per line, with something around each."""
    return "\n".join(wrapper(json.dumps(document)) for document in documents)


def camel_case(name: str) -> str:
    """Return a name in camel case, if it is one word or more in snake case.

    >>> camel_case("input_token_details"), camel_case("gen_ai.usage.input_tokens"), camel_case("startTime")
    ('inputTokenDetails', 'gen_ai.usage.input_tokens', 'startTime')
    """
    return re.sub(r"(?<=[a-z0-9])_([a-z])", lambda match: match[1].upper(), name) if name.isidentifier() else name


def snake_case(name: str) -> str:
    """Return a name in snake case, if it is in camel case."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower() if name.isidentifier() else name


def renamed(value: Any, rename: Callable[[str], str]) -> Any:
    """Return JSON with all names changed."""
    if isinstance(value, dict):
        return {rename(name): renamed(inner, rename) for name, inner in value.items()}
    return [renamed(item, rename) for item in value] if isinstance(value, list) else value
