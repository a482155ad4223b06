"""Interpret the attributes of calls of a model, as OpenTelemetry's conventions and their dialects name them.

Totals include their parts, and cached counts are parts of the input. In Langfuse's usage maps, which are one attribute, the
meaning differs: see `langfuse_usage`. A span may have its counts in several dialects: then the most certain reading is taken.

Sources, read 2026-11-22 and 2026-11-28: OpenTelemetry's GenAI registry; the tracing modules of livekit-agents 1.8.9,
pipecat 1.14.0 and pydantic-ai 2.68.0; openinference-semantic-conventions 0.1.42 and OpenInference's instrumentation of the
Agents SDK's realtime sessions, 2.6.0; Traceloop's opentelemetry-semantic-conventions-ai 0.5.1 and its instrumentation of
OpenAI's realtime connections, 0.62.4; openlit 1.45.0; the AI SDK 6.0.326; langfuse 5.0.4, and Langfuse's ingestion of OTLP.
"""

from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

from voicebill.billing.recent_texts import cache_while_reading
from voicebill.billing.record import RecordKind
from voicebill.billing.usage import Status, Usage
from voicebill.logs.counts import MAX_COUNT, TokenCounts, possible_usages
from voicebill.logs.formats.langfuse_usage import usages_from_details
from voicebill.logs.formats.otel_documents import Attributes
from voicebill.logs.report import ReadReport
from voicebill.logs.reported_costs import first_reported_cost, total_of_costs
from voicebill.logs.unread_usage import snake_case, split_camel_case

USAGE_PREFIXES = (
    "gen_ai.usage.",
    "gen_ai.usage.details.",
    "llm.usage.",
    "llm.token_count.",
    "ai.usage.",
    "gen_ai.aggregated_usage.",
    "gen_ai.aggregated_usage.details.",
)
"""Where attributes with counts are: OpenTelemetry's, Pydantic AI's, Traceloop's, OpenInference's, and the AI SDK's."""

COUNT_ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "total": ("total_tokens", "total"),
    "input": ("input_tokens", "prompt_tokens", "prompt"),
    "output": ("output_tokens", "completion_tokens", "completion"),
    "text_in": ("text.input_tokens", "input_text_tokens", "input_token_details.text_tokens"),
    "audio_in": (
        "audio.input_tokens",
        "input_audio_tokens",
        "input_token_details.audio_tokens",
        "prompt_tokens_details.audio_tokens",
        "prompt_details.audio",
    ),
    "image_in": ("image.input_tokens", "input_image_tokens", "input_token_details.image_tokens"),
    "cached": (
        "cache_read.input_tokens",
        "cache_read_input_tokens",
        "input_cached_tokens",
        "cached_tokens",
        "cached_input_tokens",
        "cache_read_tokens",
        "input_token_details.cached_tokens",
        "input_token_details.cache_read_tokens",
        "input_tokens_details.cached_tokens",
        "prompt_tokens_details.cached_tokens",
        "prompt_details.cache_read",
        "prompt_details.cache_input",
    ),
    "text_cached": (
        "text.cache_read.input_tokens",
        "input_cached_text_tokens",
        "cached_text_tokens",
        "input_token_details.cached_tokens_details.text_tokens",
    ),
    "audio_cached": (
        "audio.cache_read.input_tokens",
        "input_cached_audio_tokens",
        "cached_audio_tokens",
        "cache_audio_read_tokens",
        "input_token_details.cached_tokens_details.audio_tokens",
    ),
    "image_cached": (
        "image.cache_read.input_tokens",
        "input_cached_image_tokens",
        "cached_image_tokens",
        "input_token_details.cached_tokens_details.image_tokens",
    ),
    "text_out": ("text.output_tokens", "output_text_tokens", "output_token_details.text_tokens"),
    "audio_out": (
        "audio.output_tokens",
        "output_audio_tokens",
        "output_token_details.audio_tokens",
        "completion_tokens_details.audio_tokens",
        "completion_details.audio",
    ),
    "reasoning": (
        "reasoning.output_tokens",
        "reasoning_tokens",
        "output_reasoning_tokens",
        "reasoning_output_tokens",
        "output_token_details.reasoning_tokens",
        "completion_details.reasoning",
    ),
}
"""The names that follow such a prefix, in snake case, the current name first."""

USAGE_MAPS = ("langfuse.observation.usage_details", "gen_ai.usage")
"""Langfuse's usage map, as JSON in a text or as an object; the second name is that of its first SDK for OTLP."""
TTS_METRICS = "lk.tts_metrics"
"""LiveKit's metrics of a text-to-speech request, as JSON in a text."""
NESTED_ROOTS = frozenset(
    {"gen_ai", "llm", "ai", "langfuse", "openinference", "session", "server", "traceloop", "metrics", "lk"}
)
"""Attributes under these names may be objects in objects, as some stores of spans export them."""
MAX_ATTRIBUTE_DEPTH = 6

MODEL_ATTRIBUTES = (
    "gen_ai.response.model",
    "langfuse.observation.model.name",
    "llm.response.model_name",
    "llm.model_name",
    "gen_ai.request.model",
    "llm.request.model_name",
    "ai.model.id",
)
PROVIDER_ATTRIBUTES = ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "ai.model.provider")
HOST_ATTRIBUTE = "server.address"

SPEECH_TO_TEXT = frozenset({"stt", "speech_to_text"})
SPEECH_QUANTITIES = {"stt": "metrics.audio_seconds", "tts": "metrics.character_count"}
"""The attribute with the seconds or characters of speech, by operation, as Pipecat writes them."""

COST_ATTRIBUTES = (
    *("operation.cost", "gen_ai.usage.cost", "gen_ai.usage.total_cost", "llm.cost.total", "llm.usage.total_cost"),
    "gen_ai.cost.total_cost",
)
"""What a call cost in dollars, as Pydantic AI, openlit, OpenInference and Traceloop's users name it."""
COST_MAPS = ("langfuse.observation.cost_details", "gen_ai.usage.cost_details")
"""Costs by kind of usage, as JSON in a text or as an object."""

CALLS = {
    "gen_ai.operation.name": frozenset(
        {
            *("chat", "generate_content", "text_completion", "completion", "realtime", "llm_response"),
            *("stt", "tts", "speech_to_text", "text_to_speech", "audio"),
        }
    ),
    "openinference.span.kind": frozenset({"llm"}),
    "langfuse.observation.type": frozenset({"generation"}),
    "llm.request.type": frozenset({"chat", "completion"}),
    "ai.operationId": frozenset(
        {
            *("ai.generatetext.dogenerate", "ai.streamtext.dostream"),
            *("ai.generateobject.dogenerate", "ai.streamobject.dostream"),
        }
    ),
}
"""The values with which an attribute says that a span is a call of a model, in lower case."""
SUMS = {
    "gen_ai.operation.name": frozenset({"invoke_agent", "create_agent", "invoke_workflow"}),
    "openinference.span.kind": frozenset({"agent", "chain"}),
    "langfuse.observation.type": frozenset({"agent", "chain"}),
    "traceloop.span.kind": frozenset({"workflow", "task", "agent"}),
}
"""The values of spans that contain the charged calls: their usage is a sum."""
OTHERS = {
    "gen_ai.operation.name": frozenset({"execute_tool", "embeddings", "retrieval"}),
    "openinference.span.kind": frozenset({"tool", "embedding", "retriever", "reranker", "guardrail", "evaluator"}),
    "langfuse.observation.type": frozenset({"tool", "embedding", "retriever", "guardrail", "evaluator", "event"}),
    "llm.request.type": frozenset({"embedding", "rerank"}),
    "traceloop.span.kind": frozenset({"tool"}),
}
"""The values of spans that are neither."""

SpanRole = Literal["call", "sum", "other", ""]
SPAN_ROLES: tuple[tuple[SpanRole, Mapping[str, frozenset[str]]], ...] = (("sum", SUMS), ("other", OTHERS), ("call", CALLS))
STATUS_ORDER: tuple[Status, ...] = ("exact", "ambiguous", "inconsistent", "missing")

_decode = msgspec.json.decode


def flat_attributes(attributes: Attributes) -> Attributes:
    """Return attributes by their names with dots, also where they are objects in objects.

    >>> flat_attributes({"llm": {"token_count": {"prompt": 12}}, "retries": 0})
    {'llm.token_count.prompt': 12, 'retries': 0}
    """
    if not any(isinstance(attributes.get(root), dict) for root in NESTED_ROOTS):
        return attributes
    flat: dict[str, object] = {}
    for name, value in attributes.items():
        flat.update(_flatten(name, value, 0) if name in NESTED_ROOTS else ((name, value),))
    return flat


def _flatten(name: str, value: object, depth: int) -> Iterator[tuple[str, object]]:
    if not isinstance(value, dict) or depth == MAX_ATTRIBUTE_DEPTH or name in USAGE_MAPS[:1]:
        yield name, value
        return
    for key, inner in value.items():
        yield from _flatten(f"{name}.{key}", inner, depth + 1)


def role_of(attributes: Attributes) -> SpanRole:
    """Return whether a span is a call of a model, contains calls, or is something else; empty if it does not say.

    >>> role_of({"gen_ai.operation.name": "generate_content"}), role_of({"openinference.span.kind": "AGENT"}), role_of({})
    ('call', 'sum', '')
    """
    for role, values in SPAN_ROLES:
        for name, names in values.items():
            value = attributes.get(name)
            if isinstance(value, str) and value.lower() in names:
                return role
    return ""


def kind_of(attributes: Attributes) -> RecordKind:
    """Return what a call is billed as."""
    return "transcription" if text_of(attributes, "gen_ai.operation.name") in SPEECH_TO_TEXT else "response"


def text_of(attributes: Attributes, *names: str) -> str | None:
    """Return the first of the attributes that is a text with a value."""
    for name in names:
        text = attributes.get(name)
        if isinstance(text, str) and text and text != "unknown":
            return text
    return None


def model_of(attributes: Attributes) -> str | None:
    """Return the model that the attributes name, or None. LiveKit names one it does not know `unknown`."""
    return text_of(attributes, *MODEL_ATTRIBUTES) or text_of(_tts_metrics(attributes), "model_name")


def provider_of(attributes: Attributes) -> str | None:
    """Return what the attributes call the provider, or None."""
    return text_of(attributes, *PROVIDER_ATTRIBUTES) or text_of(_tts_metrics(attributes), "model_provider")


def usages_of(attributes: Attributes, report: ReadReport) -> tuple[Usage, ...] | None:
    """Return every usage that the attributes of a span allow, in the most certain of its dialects; None without a count.

    Raises:
        ValueError: a value is not a count.
    """
    counts = counts_from_attributes(attributes)
    readings = [possible_usages(counts)] if counts is not None else []
    readings += [usages for usages in (_usages_from_map(attributes, report), _speech_usages(attributes)) if usages is not None]
    readings = [usages for usages in readings if usages[0].status != "missing"]
    return min(readings, key=_uncertainty, default=None)


def _uncertainty(usages: tuple[Usage, ...]) -> tuple[bool, int]:
    """Sort what counts nothing last: what an instrumentation does not know it may write as 0."""
    return not usages[0].quantities, STATUS_ORDER.index(usages[0].status)


def reported_cost_of(attributes: Attributes) -> int | None:
    """Return what the attributes say that a call cost, in picodollars; None without an amount.

    >>> reported_cost_of({"operation.cost": 0.0042}), reported_cost_of({"langfuse.observation.cost_details": '{"total": 0.5}'})
    (4200000000, 500000000000)
    """
    amount = first_reported_cost(*(attributes.get(name) for name in COST_ATTRIBUTES))
    totals = (total_of_costs(_object(attributes.get(name))) for name in COST_MAPS if name in attributes)
    return amount if amount is not None else next((total for total in totals if total is not None), None)


def reasoning_of(attributes: Attributes) -> int:
    """Return the tokens of reasoning among a span's attributes; 0 if they are not counted, or not countable."""
    try:
        counts = counts_from_attributes(attributes)
    except ValueError:
        return 0
    return (counts.reasoning or 0) if counts is not None else 0


def counts_from_attributes(attributes: Attributes) -> TokenCounts | None:
    """Return the counts among a span's attributes, or None if there are none.

    >>> answer = counts_from_attributes({"gen_ai.usage.input_tokens": "12", "gen_ai.usage.completion_tokens": 3})
    >>> answer.input, answer.output, answer.total
    (12, 3, None)
    >>> answer = counts_from_attributes({"llm.token_count.prompt": 12, "llm.token_count.prompt_details.audio": 5})
    >>> answer.input, answer.audio_in
    (12, 5)

    Raises:
        ValueError: a value is not a count.
    """
    names = _usage_attributes(attributes)
    if not names:
        return None
    values = {}
    for count, suffixes in COUNT_ATTRIBUTES.items():
        for suffix in suffixes:
            if suffix in names:
                values[count] = _parse_count(names[suffix], attributes[names[suffix]])
                break
    if "audio_out" not in values and (name := names.get("details.audio_tokens")):
        values["audio_out"] = _parse_count(name, attributes[name])
    return TokenCounts(**values) if values else None


def _usage_attributes(attributes: Attributes) -> dict[str, str]:
    """Return the names of the attributes with counts, by what follows their prefix in snake case; the first prefix counts."""
    names: dict[str, tuple[int, str]] = {}
    for name, value in attributes.items():
        for rank, suffix in _usage_suffixes(name) if value is not None else ():
            if suffix not in names or rank < names[suffix][0]:
                names[suffix] = (rank, name)
    return {suffix: name for suffix, (_, name) in names.items()}


@cache_while_reading(4096)
def _usage_suffixes(name: str) -> tuple[tuple[int, str], ...]:
    """Return what follows each prefix that the name of an attribute has, with the prefix's rank."""
    return tuple(
        (rank, split_camel_case(name.removeprefix(prefix)))
        for rank, prefix in enumerate(USAGE_PREFIXES)
        if name.startswith(prefix)
    )


def _parse_count(name: str, value: object) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_COUNT:
        raise ValueError(f"{name} is not a whole number from 0 to {MAX_COUNT:,}")
    return value


def _usages_from_map(attributes: Attributes, report: ReadReport) -> tuple[Usage, ...] | None:
    for name in USAGE_MAPS:
        details = _object(attributes.get(name))
        if not details:
            continue
        if any(isinstance(value, dict) for value in details.values()):
            flat = {f"{USAGE_PREFIXES[0]}{key}": value for key, value in _flatten_all(details)}
            counts = counts_from_attributes(flat)
            return None if counts is None else possible_usages(counts)
        numbers = {key: value for key, value in details.items() if value is None or isinstance(value, int | float | str)}
        return usages_from_details(numbers, report)
    return None


def _flatten_all(details: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for key, value in details.items():
        yield from _flatten(key, value, 0)


def _speech_usages(attributes: Attributes) -> tuple[Usage, ...] | None:
    """Return the usage of speech-to-text by seconds, or of text-to-speech by tokens or characters; None for other spans."""
    if metrics := _tts_metrics(attributes):
        tokens_in, tokens_out = (_parse_count(name, metrics.get(name) or 0) for name in ("input_tokens", "output_tokens"))
        if tokens_in or tokens_out:
            return (Usage({"text_in": tokens_in, "audio_out": tokens_out}),)
        characters = metrics.get("characters_count")
        return None if characters is None else (Usage({"characters_in": _parse_count("characters_count", characters)}),)
    operation = text_of(attributes, "gen_ai.operation.name") or ""
    quantity = attributes.get(SPEECH_QUANTITIES.get(operation, ""))
    if isinstance(quantity, str) and quantity.isascii() and quantity.isdigit() and len(quantity) < 16:
        quantity = int(quantity)
    if not isinstance(quantity, int | float) or isinstance(quantity, bool) or not 0 <= quantity <= 10**9:
        return None
    return (Usage({"audio_ms": round(quantity * 1000)} if operation == "stt" else {"characters_in": round(quantity)}),)


def _tts_metrics(attributes: Attributes) -> dict[str, object]:
    """Return LiveKit's metrics of a text-to-speech request with their names in snake case; empty for other spans."""
    if TTS_METRICS not in attributes:
        return {}
    metrics = _object(attributes[TTS_METRICS])
    names = _object(metrics.get("metadata"))
    return {snake_case(name): value for name, value in (*metrics.items(), *names.items())}


def _object(value: object) -> dict[str, object]:
    """Return an object, also one that is JSON in a text; empty for anything else."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = _decode(value)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}
