"""Define the shapes that LiveKit's agents log, and their usage: metrics, sums by model, summaries and session reports.

Details that a plugin does not know are logged as 0: if they do not add up to the total, they count as absent. Usage with
tokens is charged by tokens; seconds and characters count only without tokens, except for voice models that are billed by the
minute of their sessions. Tokens of a chat model are text: images are not reported separately. Agents in JavaScript write the
same names in camel case, and durations in milliseconds.

`UsageSummary` is the sum of a session over all models of a kind, which it does not name: the models are defaults.

Sources: livekit-agents 1.8.9's metrics/base.py, metrics/usage.py, metrics/usage_collector.py, metrics/utils.py, voice/events.py
and voice/report.py; agents-js 1.9.0's metrics/base.ts, metrics/usage_collector.ts, metrics/utils.ts and voice/report.ts; and
utils of their versions 0.12 and 1.0, whose messages differ. Read 2026-11-28.
"""

import re
from dataclasses import replace
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from voicebill.billing.record import RecordKind
from voicebill.billing.usage import Usage
from voicebill.logs.counts import TokenCounts, no_usage, possible_usages
from voicebill.logs.envelope import Envelope, Name
from voicebill.logs.formats.realtime_events import Count, InputDetails, OutputDetails, Seconds
from voicebill.logs.providers import split_model_name
from voicebill.logs.time_meters import conversation_time_meters

Milliseconds = Annotated[float, Meta(ge=0, le=10**12)]

SUM_TYPES = {"llm_usage": "llm", "stt_usage": "stt", "tts_usage": "tts"}
SINGLE_TYPES = {"realtime_model_metrics": "realtime", "llm_metrics": "chat", "stt_metrics": "stt", "tts_metrics": "tts"}
LOGGED_TYPES = {
    "RealtimeModel metrics": "realtime_model_metrics",
    "LLM metrics": "llm_metrics",
    "STT metrics": "stt_metrics",
    "TTS metrics": "tts_metrics",
}
"""What the messages end with in which an agent's own logger prints single metrics, and their types."""
LOGGED_COUNT = re.compile(r"\b(\w+)=(\d+(?:\.\d+)?)(?=[,\s)]|$)")
"""A count in the text of a message: `LLM metrics: ttft=0.42, input_tokens=55`, as agents 1.0 print it, or a summary."""
SESSION_USAGE_UPDATED = "session_usage_updated"
"""The event with a session's sums so far, which is logged repeatedly."""
USAGE_EVENTS = tuple(f'"{name}"'.encode() for name in (SESSION_USAGE_UPDATED, "metrics_collected"))
"""The only events in a session report that carry usage."""


def _milliseconds(seconds: float | None, milliseconds: float | None) -> int | None:
    if seconds is not None:
        return round(seconds * 1000)
    return None if milliseconds is None else round(milliseconds)


def first_count(*counts: int | None) -> int | None:
    """Return the first count that was reported."""
    return next((count for count in counts if count is not None), None)


class ModelMetadata(Struct, gc=False):
    """The model and provider of metrics."""

    model_name: str | None = None
    model_provider: str | None = None


class Metrics(Envelope, gc=False):
    """A sum or single metrics, with the fields of all kinds."""

    type: str | None = None
    provider: str | None = None
    model: str | None = None
    metadata: ModelMetadata | None = None
    request_id: Name = None
    cancelled: bool | None = None
    input_tokens: Count | None = None
    input_cached_tokens: Count | None = None
    input_text_tokens: Count | None = None
    input_cached_text_tokens: Count | None = None
    input_audio_tokens: Count | None = None
    input_cached_audio_tokens: Count | None = None
    input_image_tokens: Count | None = None
    input_cached_image_tokens: Count | None = None
    output_tokens: Count | None = None
    output_text_tokens: Count | None = None
    output_audio_tokens: Count | None = None
    output_reasoning_tokens: Count | None = None
    input_token_details: InputDetails | None = None
    output_token_details: OutputDetails | None = None
    prompt_tokens: Count | None = None
    prompt_cached_tokens: Count | None = None
    completion_tokens: Count | None = None
    total_tokens: Count | None = None
    audio_duration: Seconds | None = None
    session_duration: Seconds | None = None
    duration: Seconds | None = None
    audio_duration_ms: Milliseconds | None = None
    session_duration_ms: Milliseconds | None = None
    duration_ms: Milliseconds | None = None
    characters_count: Count | None = None

    @property
    def part(self) -> str | None:
        """The part of the agent that was measured; None if nothing in it is charged."""
        parts = {**SUM_TYPES, **SINGLE_TYPES}
        if self.type is not None:
            return parts.get(self.type)
        if not self.provider or not self.model:
            return None
        if self.characters_count is not None:
            return "tts"
        if self.audio_ms is not None:
            return "stt"
        return None if self.input_tokens is None and self.output_tokens is None and self.session_duration is None else "llm"

    @property
    def audio_ms(self) -> int | None:
        """The milliseconds of audio: agents in Python log seconds, those in JavaScript milliseconds."""
        return _milliseconds(self.audio_duration, self.audio_duration_ms)

    @property
    def session_ms(self) -> int | None:
        """The milliseconds of the session."""
        return _milliseconds(self.session_duration, self.session_duration_ms)

    @property
    def is_of_connection(self) -> bool:
        """Whether these are the metrics of a connection, or of a live session since it last reported: nothing was used."""
        quantities = (self.input_tokens, self.output_tokens, self.prompt_tokens, self.completion_tokens)
        has_usage = any((*quantities, self.characters_count, self.audio_ms, self.session_ms))
        return self.type in SINGLE_TYPES and _milliseconds(self.duration, self.duration_ms) == 0 and not has_usage

    @property
    def is_distinctive(self) -> bool:
        """Whether only LiveKit writes documents like this: its types occur nowhere else, and its reports have none."""
        return (
            self.type in SUM_TYPES
            or self.type in SINGLE_TYPES
            or (self.type is None and self.input_cached_text_tokens is not None)
        )


class UsageSummary(Metrics, gc=False):
    """The usage of a session over all models of a kind."""

    llm_prompt_tokens: Count | None = None
    llm_prompt_cached_tokens: Count | None = None
    llm_input_text_tokens: Count | None = None
    llm_input_cached_text_tokens: Count | None = None
    llm_input_audio_tokens: Count | None = None
    llm_input_cached_audio_tokens: Count | None = None
    llm_input_image_tokens: Count | None = None
    llm_input_cached_image_tokens: Count | None = None
    llm_completion_tokens: Count | None = None
    llm_output_text_tokens: Count | None = None
    llm_output_audio_tokens: Count | None = None
    stt_audio_duration: Seconds | None = None
    stt_audio_duration_ms: Milliseconds | None = None
    stt_input_tokens: Count | None = None
    stt_input_audio_tokens: Count | None = None
    stt_output_tokens: Count | None = None
    tts_characters_count: Count | None = None

    @property
    def summary_parts(self) -> list[Metrics]:
        """The usage of the chat or voice model, of speech-to-text and of text-to-speech, of those that were used."""
        parts = (
            Metrics(
                type="llm_usage",
                input_tokens=self.llm_prompt_tokens,
                input_cached_tokens=self.llm_prompt_cached_tokens,
                input_text_tokens=self._text(
                    self.llm_input_text_tokens,
                    self.llm_prompt_tokens,
                    self.llm_input_audio_tokens,
                    self.llm_input_image_tokens,
                ),
                input_cached_text_tokens=self.llm_input_cached_text_tokens,
                input_audio_tokens=self.llm_input_audio_tokens,
                input_cached_audio_tokens=self.llm_input_cached_audio_tokens,
                input_image_tokens=self.llm_input_image_tokens,
                input_cached_image_tokens=self.llm_input_cached_image_tokens,
                output_tokens=self.llm_completion_tokens,
                output_text_tokens=self._text(
                    self.llm_output_text_tokens, self.llm_completion_tokens, self.llm_output_audio_tokens
                ),
                output_audio_tokens=self.llm_output_audio_tokens,
            ),
            Metrics(
                type="stt_usage",
                input_tokens=self.stt_input_tokens,
                input_audio_tokens=self.stt_input_audio_tokens,
                output_tokens=self.stt_output_tokens,
                audio_duration=self.stt_audio_duration,
                audio_duration_ms=self.stt_audio_duration_ms,
            ),
            Metrics(type="tts_usage", characters_count=self.tts_characters_count),
        )
        return [part for part in parts if part.input_tokens or part.output_tokens or part.audio_ms or part.characters_count]

    @property
    def is_summary(self) -> bool:
        """Whether this is a summary, even of a session that used nothing."""
        return self.llm_prompt_tokens is not None and self.llm_completion_tokens is not None

    @staticmethod
    def _text(text: int | None, total: int | None, audio: int | None, image: int | None = None) -> int | None:
        """Return the tokens of text. Agents before 1.2 count those of audio, and what remains is text."""
        if text is not None or not audio or total is None:
            return text
        return max(total - audio - (image or 0), 0)


class SessionUsage(UsageSummary, gc=False):
    """A session's usage: one sum per model, or its summary."""

    model_usage: list[Metrics] | None = None


class LoggedCounts(Struct, gc=False):
    """The counts in the text of a message of an agent's own logger."""

    input_tokens: Count | None = None
    cached_input_tokens: Count | None = None
    output_tokens: Count | None = None
    total_tokens: Count | None = None
    audio_duration: Seconds | None = None


class LiveKitLine(SessionUsage, gc=False):
    """A document: metrics, an event that carries them, or a session report."""

    job_id: Name = None
    room_id: Name = None
    message: str | dict[str, msgspec.Raw] | None = None
    msg: str | dict[str, msgspec.Raw] | None = None
    model_name: str | None = None
    model_provider: str | None = None
    cached_input_tokens: Count | None = None
    tokens_per_second: float | None = None
    ttft: float | None = None
    ttfb: float | None = None
    metrics: Metrics | None = None
    usage: list[Metrics] | SessionUsage | None = None
    events: list[msgspec.Raw] | None = None
    chat_history: msgspec.Raw = msgspec.Raw(b"")
    event: "LiveKitLine | str | None" = None
    data: "LiveKitLine | str | None" = None
    payload: "LiveKitLine | str | None" = None

    @property
    def inside(self) -> "LiveKitLine | None":
        """The document in this envelope, or None."""
        return next((content for content in (self.event, self.data, self.payload) if isinstance(content, LiveKitLine)), None)

    @property
    def is_report(self) -> bool:
        """Whether this is a session report, by the fields at its beginning."""
        has_content = self.events is not None or bool(bytes(self.chat_history))
        return self.job_id is not None and self.room_id is not None and has_content

    @property
    def logged(self) -> Metrics | None:
        """The metrics in a line of the agent's own logger, which has them beside its message; None if it is no such line."""
        if self.type is not None:
            return None
        for text in (self.message, self.msg):
            name, _, details = text.partition(":") if isinstance(text, str) else ("", "", "")
            kind = next((kind for ending, kind in LOGGED_TYPES.items() if name.rstrip().endswith(ending)), None)
            if kind is not None:
                counts = dict(LOGGED_COUNT.findall(details))
                return self._logged_metrics(kind, msgspec.convert(counts, LoggedCounts, strict=False) if counts else self)
        kind = self._logged_type
        return self._logged_metrics(kind, self) if kind is not None else None

    @property
    def _logged_type(self) -> str | None:
        """The type of metrics whose message was in front of the JSON, as a logger for terminals prints them."""
        if self.tokens_per_second is not None:
            if self.cached_input_tokens is not None:
                return "realtime_model_metrics"
            return "llm_metrics" if self.ttft is not None and self.prompt_tokens is not None else None
        if self.audio_duration is None or self.provider is not None:
            return None
        if self.ttfb is not None:
            return "tts_metrics"
        return "stt_metrics" if self.input_audio_tokens is not None else None

    def _logged_metrics(self, kind: str, counts: "LoggedCounts | LiveKitLine") -> Metrics:
        fields = {name: getattr(self, name) for name in Metrics.__struct_fields__}
        fields |= {name: value for name in LoggedCounts.__struct_fields__ if (value := getattr(counts, name, None)) is not None}
        cached = fields.pop("cached_input_tokens", None)
        names = {"type": kind, "metadata": ModelMetadata(self.model_name, self.model_provider)}
        if kind == "llm_metrics":
            prompt, completion = fields["prompt_tokens"], fields["completion_tokens"]
            fields["prompt_tokens"] = fields["input_tokens"] if prompt is None else prompt
            fields["completion_tokens"] = fields["output_tokens"] if completion is None else completion
            fields["prompt_cached_tokens"] = first_count(fields["prompt_cached_tokens"], cached)
        else:
            fields["input_cached_tokens"] = first_count(cached, fields["input_cached_tokens"])
        return Metrics(**{**fields, **names})

    @property
    def sums(self) -> list[Metrics]:
        """The sums in the document."""
        inside = self.usage.model_usage if isinstance(self.usage, SessionUsage) else self.usage
        return [*(inside or ()), *(self.model_usage or ())]

    @property
    def summary(self) -> UsageSummary | None:
        """The summary in the document, or None."""
        places: list[UsageSummary | None] = [self, self.usage if isinstance(self.usage, SessionUsage) else None]
        for text in (self.message, self.msg):
            if isinstance(text, str) and "UsageSummary(" in text:
                counts = dict(LOGGED_COUNT.findall(text.partition("UsageSummary(")[2]))
                places.append(msgspec.convert(counts, UsageSummary, strict=False))
        return next((place for place in places if place is not None and place.is_summary), None)


def kind_and_usages(metrics: Metrics) -> tuple[RecordKind, tuple[Usage, ...]]:
    """Return the kind of record that metrics are, and the usages that their counts allow."""
    part = metrics.part
    if part == "stt":
        return "transcription", _stt_usages(metrics)
    if part == "tts":
        return "response", _tts_usages(metrics)
    if part == "chat":
        return "response", _chat_usages(metrics)
    has_details = metrics.input_token_details is not None or metrics.output_token_details is not None
    counts = _realtime_counts(metrics) if part == "realtime" and has_details else _sum_counts(metrics)
    if metrics.session_ms and not counts.input and not counts.output:
        return "session", (Usage({"session_ms": metrics.session_ms}),)
    if counts.input is None and counts.output is None:
        return "response", no_usage()
    usages = possible_usages(counts)
    model = split_model_name(metrics.model or (metrics.metadata.model_name if metrics.metadata else None), None)[1]
    if metrics.session_ms and conversation_time_meters(model):
        time = Usage({"session_ms": metrics.session_ms})
        usages = tuple(replace(usage + time, status=usage.status) for usage in usages)
    return "response", usages


def _stt_usages(metrics: Metrics) -> tuple[Usage, ...]:
    """Return the usage of speech-to-text: audio tokens in and text tokens out, or seconds of audio."""
    input_tokens, output_tokens = metrics.input_tokens or 0, metrics.output_tokens or 0
    if input_tokens or output_tokens:
        audio = metrics.input_audio_tokens or input_tokens
        return possible_usages(
            TokenCounts(
                input=input_tokens,
                audio_in=audio,
                text_in=max(input_tokens - audio, 0),
                output=output_tokens,
                text_out=output_tokens,
            )
        )
    return no_usage() if metrics.audio_ms is None else (Usage({"audio_ms": metrics.audio_ms}),)


def _tts_usages(metrics: Metrics) -> tuple[Usage, ...]:
    """Return the usage of text-to-speech: text tokens in and audio tokens out, or spoken characters."""
    if metrics.input_tokens or metrics.output_tokens:
        return (Usage({"text_in": metrics.input_tokens or 0, "audio_out": metrics.output_tokens or 0}),)
    if metrics.characters_count is None:
        return no_usage()
    return (Usage({"characters_in": metrics.characters_count}),)


def _chat_usages(metrics: Metrics) -> tuple[Usage, ...]:
    if metrics.prompt_tokens is None and metrics.completion_tokens is None:
        return no_usage()
    return possible_usages(
        TokenCounts(
            total=metrics.total_tokens,
            input=metrics.prompt_tokens,
            text_in=metrics.prompt_tokens,
            cached=metrics.prompt_cached_tokens,
            output=metrics.completion_tokens,
            text_out=metrics.completion_tokens,
        )
    )


def _realtime_counts(metrics: Metrics) -> TokenCounts:
    input_details = metrics.input_token_details or InputDetails()
    cached = input_details.cached_tokens_details
    output_details = metrics.output_token_details or OutputDetails()
    return TokenCounts(
        total=metrics.total_tokens,
        input=metrics.input_tokens,
        output=metrics.output_tokens,
        text_in=input_details.text_tokens,
        audio_in=input_details.audio_tokens,
        image_in=input_details.image_tokens,
        cached=input_details.cached_tokens,
        text_cached=cached.text_tokens if cached else None,
        audio_cached=cached.audio_tokens if cached else None,
        image_cached=cached.image_tokens if cached else None,
        text_out=output_details.text_tokens,
        audio_out=output_details.audio_tokens,
    )


def _sum_counts(metrics: Metrics) -> TokenCounts:
    return TokenCounts(
        input=metrics.input_tokens,
        output=metrics.output_tokens,
        text_in=metrics.input_text_tokens,
        audio_in=metrics.input_audio_tokens,
        image_in=metrics.input_image_tokens,
        cached=metrics.input_cached_tokens,
        text_cached=metrics.input_cached_text_tokens,
        audio_cached=metrics.input_cached_audio_tokens,
        image_cached=metrics.input_cached_image_tokens,
        text_out=metrics.output_text_tokens,
        audio_out=metrics.output_audio_tokens,
        reasoning=metrics.output_reasoning_tokens,
    )
