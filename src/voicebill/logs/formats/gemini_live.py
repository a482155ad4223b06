"""Read raw messages of Gemini's Live API, as the wire or an SDK has them: bare, or wrapped with time, tenant and session.

A message with `usageMetadata` reports one generation: the whole context as its prompt, and what was generated. Every one is
billed, so each is a record, and they are summed. A message names neither a response nor its model: the model is that of the
session's `setup`, wherever it is in the log, or of an envelope.

The counts of the modalities may not add up to the count of the prompt or of the response: then the usage is a range. A modality
that a list leaves out has no tokens; without a list, the split is ambiguous. Thoughts are counted apart from the response,
and billed as text; results of tools are counted apart from the prompt, and are text where no list says otherwise. The total may
or may not include either. Video frames are images.

Answers of `generateContent` have the same usage, a model and an identifier: of a streamed one, the last counts.

Sources, read 2026-11-28: the types of Google's SDK for Python (`LiveServerMessage`, `UsageMetadata`, `ModalityTokenCount`);
pipecat 1.14.0, livekit-plugins-google, pydantic-ai and LiteLLM 1.110.2, which read these messages; and usage of live sessions
in public issues: per turn, with prompt tokens in no modality and totals without thoughts (pydantic-ai #7269, llmgateway #3315).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import msgspec
from msgspec import Raw, Struct

from voicebill.billing.record import Record
from voicebill.billing.usage import Usage
from voicebill.logs.counts import TokenCounts, possible_usages
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.documents import Document, decode_document, documents, matching_documents
from voicebill.logs.envelope import Envelope, RecordContext, Time, first_text, unwrap
from voicebill.logs.formats.realtime_events import Count
from voicebill.logs.formats.realtime_sessions import NameHistory
from voicebill.logs.keys import response_key
from voicebill.logs.providers import GOOGLE, normalize_provider, split_model_name
from voicebill.logs.report import ReadReport, first_time
from voicebill.logs.sources import NumberedLines

NAME = "gemini-live"
ABOUT = "raw messages of Gemini's Live API with the usage of every turn, bare or wrapped"

MAX_WAITING_TURNS = 100_000
"""At most so many turns of a session wait for the message that names its model."""
MODALITIES = {"TEXT": "text", "AUDIO": "audio", "IMAGE": "image", "VIDEO": "image"}
"""The modalities that are priced. Tokens of another one, such as `DOCUMENT`, are of none that is reported."""


class ModalityCount(Struct, gc=False):
    """The tokens of one modality."""

    modality: str | int | None = None
    token_count: Count | None = None

    @property
    def name(self) -> str | None:
        """The modality as prices name it: from `AUDIO`, `MediaModality.AUDIO` or `audio`."""
        return MODALITIES.get(str(self.modality).rpartition(".")[2].upper())


ModalityCounts = list[ModalityCount] | None


def _tokens(details: ModalityCounts, modality: str) -> int | None:
    """Return the tokens of a modality: 0 if the list leaves it out, None without a list."""
    if not details:
        return None
    return sum(entry.token_count or 0 for entry in details if entry.name == modality)


def _plus(count: int | None, more: int | None) -> int | None:
    return more if count is None else count + (more or 0)


class TurnUsage(Envelope, gc=False):
    """`usageMetadata`: the counts of one generation."""

    prompt_token_count: Count | None = None
    cached_content_token_count: Count | None = None
    response_token_count: Count | None = None
    candidates_token_count: Count | None = None
    tool_use_prompt_token_count: Count | None = None
    thoughts_token_count: Count | None = None
    total_token_count: Count | None = None
    prompt_tokens_details: ModalityCounts = None
    cache_tokens_details: ModalityCounts = None
    response_tokens_details: ModalityCounts = None
    candidates_tokens_details: ModalityCounts = None
    tool_use_prompt_tokens_details: ModalityCounts = None

    @property
    def has_counts(self) -> bool:
        """Whether any count is reported."""
        counts = (self.prompt_token_count, self._response, self.total_token_count, self.thoughts_token_count)
        return any(count is not None for count in counts) or bool(self.prompt_tokens_details or self._response_details)

    @property
    def _response(self) -> int | None:
        """The tokens of the response: Vertex AI and `generateContent` name it by its candidates."""
        return self.candidates_token_count if self.response_token_count is None else self.response_token_count

    @property
    def _response_details(self) -> ModalityCounts:
        return self.response_tokens_details or self.candidates_tokens_details

    @property
    def usages(self) -> tuple[Usage, ...]:
        """Every usage that the counts allow."""
        usages = [usage for output, total in self._outputs_and_totals for usage in possible_usages(self._counts(output, total))]
        distinct = {tuple(sorted(usage.items())): usage for usage in usages}
        if len(distinct) > 1 and all(usage.status == "exact" for usage in usages):
            return tuple(replace(usage, status="ambiguous") for usage in distinct.values())
        worst = next((usage.status for usage in usages if usage.status == "inconsistent"), usages[0].status)
        return tuple(replace(usage, status=worst) for usage in distinct.values())

    @property
    def _outputs_and_totals(self) -> list[tuple[int | None, int | None]]:
        """The output, thoughts included, and the total to compare with it, in every way to understand the total.

        The total may leave out thoughts and the results of tools. One that cannot be explained contradicts the other counts.
        A response that is not reported has no tokens if the total agrees: zeros are left out.
        """
        thoughts, tools, total = self.thoughts_token_count or 0, self.tool_use_prompt_token_count or 0, self.total_token_count
        response, prompt = self._response, self.prompt_token_count
        if response is None and self._response_details:
            response = sum(entry.token_count or 0 for entry in self._response_details)
        output = _plus(response, self.thoughts_token_count)
        if total is None or prompt is None:
            return [(output, total)]
        totals = sorted({total, total + thoughts, total + tools, total + thoughts + tools})
        if response is not None:
            is_explained = prompt + tools + response + thoughts in totals
            return [(output, None if is_explained else total)]
        outputs = [complete - prompt - tools for complete in totals if complete - prompt - tools >= thoughts]
        if thoughts in outputs:
            return [(thoughts, None)]
        return [(possible, None) for possible in outputs] or [(None, total)]

    def _counts(self, output: int | None, total: int | None) -> TokenCounts:
        """Return the counts in voicebill's names, with the results of tools in the input and thoughts in the output."""
        tools, tool_details = self.tool_use_prompt_token_count, self.tool_use_prompt_tokens_details
        details, outputs = self.prompt_tokens_details, self._response_details
        text_tools = _tokens(tool_details, "text") if tool_details else tools
        has_list = bool(details)
        return TokenCounts(
            total=total,
            input=_plus(self.prompt_token_count, tools) if self.prompt_token_count is not None else None,
            output=output,
            text_in=_plus(_tokens(details, "text"), text_tools) if has_list else None,
            audio_in=_plus(_tokens(details, "audio"), _tokens(tool_details, "audio")) if has_list else None,
            image_in=_plus(_tokens(details, "image"), _tokens(tool_details, "image")) if has_list else None,
            cached=self.cached_content_token_count,
            text_cached=_tokens(self.cache_tokens_details, "text"),
            audio_cached=_tokens(self.cache_tokens_details, "audio"),
            image_cached=_tokens(self.cache_tokens_details, "image"),
            text_out=_plus(_tokens(outputs, "text"), self.thoughts_token_count) if outputs else None,
            audio_out=_tokens(outputs, "audio") if outputs else None,
            reasoning=None if outputs else self.thoughts_token_count,
        )


SERVER_CONTENT = re.compile(
    rb'\{\s*"(?:model_?turn|turn_?complete|generation_?complete|interrupted|(?:in|out)put_?transcription)"', re.IGNORECASE
)
"""How the content of a server's message begins."""


class SessionSetup(Struct, gc=False):
    """The first message of a client, without its instructions."""

    model: str | None = None


class SetupAnswer(Struct, gc=False):
    """The answer to it, which may name the session."""

    session_id: str | None = None
    camel_session_id: str | None = msgspec.field(default=None, name="sessionId")


class LiveMessage(TurnUsage, gc=False):
    """A message of a server or a client, usage alone, or an envelope around one of these. Content is not decoded."""

    usage_metadata: TurnUsage | None = None
    setup: SessionSetup | str | None = None
    setup_complete: SetupAnswer | None = None
    camel_setup_complete: SetupAnswer | None = msgspec.field(default=None, name="setupComplete")
    server_content: Raw = Raw(b"")
    camel_server_content: Raw = msgspec.field(default=Raw(b""), name="serverContent")
    response_id: str | None = None
    model_version: str | None = None
    model: str | None = None
    model_name: str | None = None
    provider: str | None = None
    event: "LiveMessage | str | float | list[Raw] | None" = None
    data: "LiveMessage | str | float | list[Raw] | None" = None
    payload: "LiveMessage | str | float | list[Raw] | None" = None
    message: "LiveMessage | str | float | list[Raw] | None" = None
    body: "LiveMessage | str | float | list[Raw] | None" = None
    msg: "LiveMessage | str | float | list[Raw] | None" = None
    response: "LiveMessage | str | float | list[Raw] | None" = None

    @property
    def inside(self) -> "LiveMessage | None":
        """The message in this envelope, or None."""
        contents = (self.event, self.data, self.payload, self.message, self.body, self.msg, self.response)
        return next((content for content in contents if isinstance(content, LiveMessage)), None)

    @property
    def usage(self) -> TurnUsage | None:
        """The usage in the message, which may be all of it; None without any, or with a line of it alone."""
        if self.usage_metadata is not None:
            return self.usage_metadata if self.usage_metadata.has_counts else None
        return self if self.prompt_token_count is not None and self.total_token_count is not None else None

    @property
    def is_content(self) -> bool:
        """Whether it is what a server says, as most messages of a session are."""
        content = bytes(self.server_content) or bytes(self.camel_server_content)
        return SERVER_CONTENT.match(content) is not None

    @property
    def setup_model(self) -> str | None:
        """The model that a client sets up."""
        return self.setup.model if isinstance(self.setup, SessionSetup) else None

    @property
    def own_session(self) -> str | None:
        """The session that the answer to a setup names."""
        answer = self.setup_complete or self.camel_setup_complete or SetupAnswer()
        return answer.session_id or answer.camel_session_id


_decoder = msgspec.json.Decoder(LiveMessage)
_KEYWORDS = (
    *("usageMetadata", "usage_metadata", "prompt_token_count", "promptTokenCount"),
    *("setupComplete", "setup_complete", "serverContent", "server_content", '"setup"'),
)
MESSAGE = re.compile(
    rb'"(?:setup_?complete|server_?content|session_?resumption_?update|go_?away|realtime_?input|client_?content'
    rb'|tool_?call(?:_?cancellation)?|tool_?response)"\s*:\s*\\?["{]',
    re.IGNORECASE,
)
"""The name of a message without usage."""


def matches(sample: Sequence[bytes]) -> bool:
    """Return whether the first documents contain usage as only Gemini reports it, or messages of the Live API."""
    return any(_is_message(unwrap(line)[-1]) for line in matching_documents(sample, _decoder, _KEYWORDS, any_case=True))


def _is_message(message: LiveMessage) -> bool:
    is_answer = message.setup_complete is not None or message.camel_setup_complete is not None
    return message.usage is not None or is_answer or message.is_content or "gemini" in (message.setup_model or "")


def read(logs: Iterable[NumberedLines], defaults: LogDefaults, report: ReadReport) -> Iterator[Record]:
    """Yield the records of all sources, as soon as the model of their session is known."""
    reader = TurnReader(defaults, report)
    for lines in logs:
        reader.start_source()
        for document in documents(lines, report):
            message = decode_document(document, _decoder, report, any_case=True)
            if message is not None:
                yield from reader.add(document, unwrap(message))
    yield from reader.finish()


USAGE_NAME = re.compile(rb"usage_?[mM]etadata")
"""With this, a message without a known count has usage all the same."""


@dataclass(slots=True)
class LiveApiSession:
    """What is known about a session while its log is read."""

    name: str | None
    models: NameHistory = field(default_factory=NameHistory)
    waiting: list[Record] = field(default_factory=list)
    has_usage: bool = False
    has_messages: bool = False


class TurnReader:
    """Read messages in order, and keep the models of sessions between them."""

    def __init__(self, defaults: LogDefaults, report: ReadReport) -> None:
        self._defaults = defaults
        self._report = report
        self._named: dict[str, LiveApiSession] = {}
        self._unnamed: list[LiveApiSession] = []

    def start_source(self) -> None:
        """Begin a source: its messages without a session do not belong to the source before."""
        self._unnamed.append(LiveApiSession(None))

    def add(self, document: Document, layers: list[LiveMessage]) -> Iterator[Record]:
        """Yield the records that are final with a message."""
        context = RecordContext(document, self._defaults, self._report, tuple(reversed(layers)))
        message, usage = layers[-1], layers[-1].usage
        session = self._session(context.session, message)
        if message.setup_model and session.models.add(first_time(self._report, _times(layers)), message.setup_model):
            yield from self._release(session)
        if usage is None:
            if USAGE_NAME.search(document.content):
                context.report_uncounted(possible_usages(TokenCounts()))
            if _is_message(message) or message.setup is not None or MESSAGE.search(document.content):
                session.has_messages = True
            else:
                self._report.add_other_line(document.source, document.line_number, document.content)
            return
        session.has_usage = True
        record = self._record(usage, session, context, layers)
        if record.model and (_own_model(layers) or session.models):
            yield record
            return
        session.waiting.append(record)
        if len(session.waiting) > MAX_WAITING_TURNS:
            yield from self._release(session)

    def finish(self) -> Iterator[Record]:
        """Yield the records whose model was not named, and count the sessions without usage."""
        for session in (*self._named.values(), *self._unnamed):
            yield from self._release(session)
            self._report.sessions_without_usage += session.has_messages and not session.has_usage

    def _session(self, name: str | None, message: LiveMessage) -> LiveApiSession:
        if name is not None:
            return self._named.setdefault(name, LiveApiSession(name))
        session = self._unnamed[-1]
        if message.own_session is not None:
            session.name = message.own_session
        elif message.setup_model and session.name is not None:
            self._unnamed.append(LiveApiSession(None))
        return self._unnamed[-1]

    def _record(
        self, usage: TurnUsage, session: LiveApiSession, context: RecordContext, layers: Sequence[LiveMessage]
    ) -> Record:
        message = layers[-1]
        time = first_time(self._report, _times(layers))
        model = _own_model(layers) or session.models.at(time)
        context.report_uncounted(usage.usages)
        return context.record(
            response_key(message.response_id) if message.response_id else context.document.key,
            usage.usages,
            provider=first_text(*(normalize_provider(layer.provider) for layer in layers)) or GOOGLE,
            model=model,
            session=context.session or session.name,
        )

    def _release(self, session: LiveApiSession) -> Iterator[Record]:
        """Yield the waiting records with their session's model; without one, they keep the default."""
        waiting, session.waiting = session.waiting, []
        for record in waiting:
            model = split_model_name(session.models.at(record.time), None)[1]
            yield replace(record, model=model or record.model)


def _own_model(layers: Sequence[LiveMessage]) -> str | None:
    """Return the model that the message names, or else its envelopes from the inside out."""
    return first_text(*(name for layer in reversed(layers) for name in (layer.model_version, layer.model, layer.model_name)))


def _times(layers: Sequence[LiveMessage]) -> Iterator[Time]:
    for layer in reversed(layers):
        yield from layer.times
