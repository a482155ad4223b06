"""The shapes of Realtime events, and of the envelopes that loggers put around them: only what is needed, nothing that was said.

Sources: openai-python 3.54.0's types, read 2026-11-22; preview-era logs.
"""

from typing import Annotated

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from voicebill.logs.counts import MOST, Counts
from voicebill.logs.envelope import Envelope, Name

Count = Annotated[int, Meta(ge=0, le=MOST)]


class Split(Struct, gc=False):
    """Tokens by modality."""

    text_tokens: Count | None = None
    audio_tokens: Count | None = None
    image_tokens: Count | None = None


class InputDetails(Split, gc=False):
    """The parts of the input, and which of them were cached."""

    cached_tokens: Count | None = None
    cached_tokens_details: Split | None = None


class OutputDetails(Split, gc=False):
    """The parts of the output."""

    reasoning_tokens: Count | None = None


class EventUsage(Struct, gc=False):
    """`usage` as responses, transcriptions and live sessions carry it."""

    total_tokens: Count | None = None
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    input_token_details: InputDetails | None = None
    output_token_details: OutputDetails | None = None
    input_tokens_details: InputDetails | None = None
    output_tokens_details: OutputDetails | None = None
    seconds: Annotated[float, Meta(ge=0, le=10**9)] | None = None

    @property
    def counts(self) -> Counts:
        """Its counts, without their nesting."""
        given = self.input_token_details or self.input_tokens_details or InputDetails()
        cached = given.cached_tokens_details or Split()
        made = self.output_token_details or self.output_tokens_details or OutputDetails()
        return Counts(
            self.total_tokens,
            self.input_tokens,
            self.output_tokens,
            given.text_tokens,
            given.audio_tokens,
            given.image_tokens,
            given.cached_tokens,
            cached.text_tokens,
            cached.audio_tokens,
            cached.image_tokens,
            made.text_tokens,
            made.audio_tokens,
            made.reasoning_tokens,
        )


class Item(Struct, gc=False):
    """An item of the conversation, without its content."""

    type: str | None = None
    role: str | None = None


class Response(Struct, gc=False):
    """A response, without its content."""

    id: str | None = None
    status: str | None = None
    conversation_id: str | UnsetType | None = UNSET
    model: str | None = None
    usage: EventUsage | None = None
    output: list[Item] | None = None


class Named(Struct, gc=False):
    """Something that names a model."""

    model: str | None = None


class AudioInput(Struct, gc=False):
    """How the user is heard."""

    transcription: Named | None = None


class Audio(Struct, gc=False):
    """The audio side of a session."""

    input: AudioInput | None = None


class Session(Struct, gc=False):
    """A session's settings, without its instructions."""

    id: str | None = None
    model: str | None = None
    audio: Audio | None = None
    input_audio_transcription: Named | None = None

    @property
    def transcription_model(self) -> str | None:
        """The model that hears the user, in today's place or in the beta's."""
        nested = self.audio.input.transcription if self.audio and self.audio.input else None
        heard = nested or self.input_audio_transcription
        return heard.model if heard else None


class Wrapped(Envelope, gc=False):
    """A line: an event itself, or one inside an envelope that says when and whose it is.

    Of an event without usage little more than its type is kept.
    """

    type: str | None = None
    event_id: str | None = None
    response: Response | None = None
    session: Session | Name = None
    usage: EventUsage | None = None
    item: Item | None = None
    conversation: Raw = Raw(b"")
    item_id: str | None = None
    content_index: int | None = None
    event: "Wrapped | str | None" = None
    data: "Wrapped | str | None" = None
    payload: "Wrapped | str | None" = None
    message: "Wrapped | str | None" = None
    body: "Wrapped | str | None" = None
    msg: "Wrapped | str | None" = None
    provider: str | None = None
    model: str | None = None
    transcription_model: str | None = None

    @property
    def is_event(self) -> bool:
        """Whether it carries something itself, and so is no envelope, whatever it holds."""
        return self.response is not None or self.usage is not None or self.item is not None or isinstance(self.session, Session)

    @property
    def holds_nothing(self) -> bool:
        """Whether nothing stands where an envelope holds what it holds: asked of nearly every line."""
        return (
            self.event is None
            and self.data is None
            and self.payload is None
            and self.message is None
            and self.body is None
            and self.msg is None
        )

    @property
    def inside(self) -> "Wrapped | str | None":
        """What the envelope holds: the first of its fields that is an object, or the text of one; None where none is."""
        for each in (self.event, self.data, self.payload, self.message, self.body, self.msg):
            if each is not None and (type(each) is not str or each[:1] == "{" or each.lstrip()[:1] == "{"):
                return each
        return None
