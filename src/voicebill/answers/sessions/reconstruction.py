"""Reconstruct a recorded session as a script, and check it: simulated, the script must give the recorded input counts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from voicebill.answers.sessions.recorded_session import RecordedResponse, RecordedSession
from voicebill.answers.sessions.turn_inference import MAX_SILENCE_MS, Interval, ScriptPlace, TurnInference
from voicebill.billing.errors import VoicebillError
from voicebill.conversation.context import Response, responses
from voicebill.conversation.rules import Rules
from voicebill.conversation.script import MAX_TURNS, Script, Turn

TOLERANCE = Fraction(1, 50)
"""A script of which more than this share of the input tokens differs from the recorded ones is not used for conclusions."""
MAX_SESSION_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class ReconstructedResponse:
    """A recorded response, its place in the script, and the response that the simulated script has there."""

    record: RecordedResponse
    place: ScriptPlace
    simulated: Response

    @property
    def error_tokens(self) -> int:
        """Input tokens by which the simulated response differs from the recorded one, over all modalities."""
        recorded = self.record.tokens
        text, audio, image = self.simulated.input
        return abs(text - recorded.text) + abs(audio - recorded.audio) + abs(image - recorded.image)


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """A recorded session as a script, with the responses of both beside one another.

    `error` is the share of the recorded input tokens by which the simulated ones differ, or that other instructions had to
    explain although nothing shows them. `intervals` are quantities that the
    log leaves open: the script has one of the values that they may have.
    """

    session: RecordedSession
    script: Script
    responses: tuple[ReconstructedResponse, ...]
    error: Fraction
    intervals: tuple[Interval, ...]

    @property
    def is_usable(self) -> bool:
        """Whether the script is close enough to the recorded session."""
        return self.error <= TOLERANCE


@dataclass(frozen=True, slots=True)
class UnusableSession:
    """A session that cannot be reconstructed, and the reason as a clause, such as "no response has tokens"."""

    session: RecordedSession
    reason: str


def conversation_responses(session: RecordedSession) -> list[RecordedResponse]:
    """The responses of a session that are part of its conversation and read or wrote anything."""
    return [record for record in session.records if record.kind == "response" and any(record.tokens)]


def reconstruct(session: RecordedSession, rules: Rules) -> Reconstruction | UnusableSession:
    """Reconstruct a session as a script under the rules of its model, and simulate that to check it.

    A session is unusable without responses, if its counts contradict each other or leave its usage open, and if no script has
    such counts. One whose script differs by more than `TOLERANCE` is returned with its error.
    """
    recorded = conversation_responses(session)
    reason = _obstacle(recorded)
    if reason is not None:
        return UnusableSession(session, reason)
    inference = TurnInference(rules)
    try:
        inference.run(recorded)
        turns = tuple(_with_silence(inference.turns, inference.places, recorded, session.started_ms, rules))
        script = Script(
            instructions_tokens=max(0, inference.prompt_tokens - rules.conversation_tokens),
            turns=turns,
            session_minutes=MAX_SESSION_MINUTES,
        )
        simulated = [response for response in responses(script, rules) if any(response.input) or response.status == "completed"]
    except VoicebillError as error:
        return UnusableSession(session, f"no script has such counts: {error}")
    if len(simulated) != len(recorded):
        return UnusableSession(session, "no script has such counts: the number of responses differs")
    pairs = tuple(
        ReconstructedResponse(record, place, response)
        for record, place, response in zip(recorded, inference.places, simulated, strict=True)
    )
    total = sum(record.tokens.text + record.tokens.audio + record.tokens.image for record in recorded)
    share = Fraction(sum(pair.error_tokens for pair in pairs) + inference.unexplained_tokens, max(1, total))
    return Reconstruction(session, script, pairs, share, tuple(inference.intervals))


def _obstacle(recorded: Sequence[RecordedResponse]) -> str | None:
    """Why responses cannot be reconstructed, whatever their counts; None if they can."""
    if not recorded:
        return "no response has tokens"
    if len(recorded) > MAX_TURNS:
        return f"it has more than {MAX_TURNS:,} responses"
    if any(record.status != "exact" for record in recorded):
        return "the counts of a response do not determine its usage"
    return None


def _with_silence(
    turns: Sequence[Mapping[str, Any]],
    places: Sequence[ScriptPlace],
    recorded: Sequence[RecordedResponse],
    started_ms: int | None,
    rules: Rules,
) -> Iterator[Turn]:
    """The turns of some fields, with the silence between their responses: the time since the turn before, less their speech."""
    ends = {place.turn: record.time_ms for place, record in zip(places, recorded, strict=True) if record.time_ms is not None}
    speech = [_speech_ms(turn, rules) for turn in turns]
    room_ms = MAX_SESSION_MINUTES * 60_000 - sum(speech) - 1
    before = started_ms
    for number, (turn, speech_ms) in enumerate(zip(turns, speech, strict=True), start=1):
        end = ends.get(number)
        silence = 0
        if end is not None and before is not None:
            silence = max(0, min(end - before - speech_ms, MAX_SILENCE_MS, room_ms))
        room_ms -= silence
        before = before if end is None else end
        yield Turn(**turn, silence_ms=silence)


def _speech_ms(turn: Mapping[str, Any], rules: Rules) -> int:
    """The duration of a turn's speech: what the user committed, and what was played."""
    user_ms: int = turn.get("user_audio_tokens", 0) * rules.user_audio_ms_per_token
    played_ms: int | None = turn.get("played_ms")
    return user_ms + (turn.get("reply_audio_tokens", 0) * rules.reply_audio_ms_per_token if played_ms is None else played_ms)
