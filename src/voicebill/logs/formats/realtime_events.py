"""Define the types of Realtime events and of the envelopes around them: only what is needed, and no conversation text.

Sources: openai-python 3.54.0's types, read 2026-11-22; preview-era logs. The settings of Azure Voice Live: the types of
azure-ai-voicelive 1.3.1 (`ResponseSession`, `Response`, `AzureVoiceType`, `TurnDetectionType`), read 2026-11-28.
"""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from voicebill.logs.counts import MAX_COUNT, TokenCounts
from voicebill.logs.envelope import Envelope, Name

Count = Annotated[int, Meta(ge=0, le=MAX_COUNT)]
Seconds = Annotated[float, Meta(ge=0, le=10**9)]


class ModalityTokens(Struct, gc=False):
    """Tokens by modality."""

    text_tokens: Count | None = None
    audio_tokens: Count | None = None
    image_tokens: Count | None = None


class InputDetails(ModalityTokens, gc=False):
    """The parts of the input, and their cached tokens."""

    cached_tokens: Count | None = None
    cached_tokens_details: ModalityTokens | None = None


class OutputDetails(ModalityTokens, gc=False):
    """The parts of the output."""

    reasoning_tokens: Count | None = None


class EventUsage(Struct, gc=False):
    """`usage` of responses, transcriptions and live sessions."""

    total_tokens: Count | None = None
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    input_token_details: InputDetails | None = None
    output_token_details: OutputDetails | None = None
    input_tokens_details: InputDetails | None = None
    output_tokens_details: OutputDetails | None = None
    seconds: Seconds | None = None
    active_seconds: Seconds | None = None
    paused_seconds: Seconds | None = None

    @property
    def counts(self) -> TokenCounts:
        """The counts, without their nesting."""
        input_details = self.input_token_details or self.input_tokens_details or InputDetails()
        cached = input_details.cached_tokens_details or ModalityTokens()
        output_details = self.output_token_details or self.output_tokens_details or OutputDetails()
        return TokenCounts(
            self.total_tokens,
            self.input_tokens,
            self.output_tokens,
            input_details.text_tokens,
            input_details.audio_tokens,
            input_details.image_tokens,
            input_details.cached_tokens,
            cached.text_tokens,
            cached.audio_tokens,
            cached.image_tokens,
            output_details.text_tokens,
            output_details.audio_tokens,
            output_details.reasoning_tokens,
        )


class EventItem(Struct, gc=False):
    """An item of the conversation. Of its content only the types are looked at."""

    type: str | None = None
    role: str | None = None
    id: str | None = None
    content: Raw = Raw(b"")


def _has_azure_type(setting: object) -> bool:
    """Return whether a setting is an object of one of Azure's own types, such as `azure_semantic_vad`."""
    return isinstance(setting, dict) and str(setting.get("type")).lower().startswith("azure")


def _is_voice_live_voice(voice: object) -> bool:
    """Return whether a voice is Azure's, by its name, or is given with its type: OpenAI's API takes a name or an id."""
    return voice.lower().endswith("neural") if isinstance(voice, str) else isinstance(voice, dict) and "type" in voice


class EventResponse(Struct, gc=False):
    """A response, without its content."""

    id: str | None = None
    status: str | None = None
    conversation_id: str | UnsetType | None = UNSET
    conversation: Any = None
    """In a request: "auto" or "none"."""
    model: str | None = None
    usage: EventUsage | None = None
    output: list[EventItem] | None = None
    voice: Any = None
    instructions: Raw = Raw(b"")
    tools: Raw = Raw(b"")

    @property
    def is_voice_live(self) -> bool:
        """Whether it spoke with a voice that only Azure Voice Live has."""
        return _is_voice_live_voice(self.voice)


class ModelReference(Struct, gc=False):
    """An object that names a model."""

    model: str | None = None


class AudioInput(Struct, gc=False):
    """The audio input of a session, with its transcription settings."""

    transcription: ModelReference | None = None


class Audio(Struct, gc=False):
    """The audio settings of a session."""

    input: AudioInput | None = None


class EventSession(Struct, gc=False):
    """A session's settings. Instructions and tools are kept only until their fingerprint is made."""

    id: str | None = None
    model: str | None = None
    audio: Audio | None = None
    input_audio_transcription: ModelReference | None = None
    voice: Any = None
    turn_detection: Any = None
    input_audio_noise_reduction: Any = None
    input_audio_echo_cancellation: Raw = Raw(b"")
    input_audio_sampling_rate: Raw = Raw(b"")
    output_audio_timestamp_types: Raw = Raw(b"")
    animation: Raw = Raw(b"")
    avatar: Raw = Raw(b"")
    interim_response: Raw = Raw(b"")
    instructions: Raw = Raw(b"")
    tools: Raw = Raw(b"")

    @property
    def is_voice_live(self) -> bool:
        """Whether these are settings that only Azure Voice Live has: fields of its own, even if null, or Azure's types."""
        own_fields = (
            *(self.input_audio_echo_cancellation, self.input_audio_sampling_rate, self.output_audio_timestamp_types),
            *(self.animation, self.avatar, self.interim_response),
        )
        return (
            any(bytes(value) for value in own_fields)
            or any(_has_azure_type(setting) for setting in (self.turn_detection, self.input_audio_noise_reduction))
            or _is_voice_live_voice(self.voice)
            or (self.transcription_model or "").lower().startswith("azure-")
        )

    @property
    def transcription_model(self) -> str | None:
        """The transcription model, from the current field or the beta's."""
        nested = self.audio.input.transcription if self.audio and self.audio.input else None
        transcription = nested or self.input_audio_transcription
        return transcription.model if transcription else None


class WrappedEvent(Envelope, gc=False):
    """A line: an event, or an envelope with the time and the owner of an event in it.

    For an event without usage little more than its type is kept.
    """

    session_id: Name = None
    call_id: Name = None
    conversation_id: Name = None
    type: str | None = None
    event_id: str | None = None
    response: EventResponse | None = None
    session: EventSession | Name = None
    usage: EventUsage | None = None
    item: EventItem | None = None
    conversation: Raw = Raw(b"")
    item_id: str | None = None
    content_index: int | None = None
    audio_start_ms: float | None = None
    audio_end_ms: float | None = None
    event: "WrappedEvent | str | None" = None
    data: "WrappedEvent | str | None" = None
    payload: "WrappedEvent | str | None" = None
    message: "WrappedEvent | str | None" = None
    body: "WrappedEvent | str | None" = None
    msg: "WrappedEvent | str | None" = None
    provider: str | None = None
    model: str | None = None
    transcription_model: str | None = None

    @property
    def is_event(self) -> bool:
        """Whether this is an event rather than an envelope."""
        return (
            self.response is not None
            or self.usage is not None
            or self.item is not None
            or isinstance(self.session, EventSession)
        )

    @property
    def has_no_content(self) -> bool:
        """Whether none of an envelope's content fields is set. This is checked for nearly every line."""
        return (
            self.event is None
            and self.data is None
            and self.payload is None
            and self.message is None
            and self.body is None
            and self.msg is None
        )

    @property
    def inside(self) -> "WrappedEvent | str | None":
        """The content of the envelope: the first field that is an object or the JSON text of one, or None."""
        for content in (self.event, self.data, self.payload, self.message, self.body, self.msg):
            if content is not None and (type(content) is not str or content[:1] == "{" or content.lstrip()[:1] == "{"):
                return content
        return None
