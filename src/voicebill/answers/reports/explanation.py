"""Report why recorded calls cost what they did: many calls summed, or one call response by response."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from voicebill.answers.reports.report import (
    Dollars,
    Ratio,
    Report,
    decimal_text,
    format_decimal,
    package_version,
)
from voicebill.answers.sessions.cache_losses import CacheLoss, LossCause
from voicebill.answers.sessions.carried_costs import CarriedKind
from voicebill.answers.sessions.explained_response import ExplainedResponse, PartAmounts
from voicebill.answers.sessions.log_explanation import CallSummary, CauseCost, LogExplanation, UnusableCalls
from voicebill.answers.sessions.session_explanation import SessionExplanation
from voicebill.answers.sessions.waste import Waste, WasteKind
from voicebill.billing.money import format_dollars
from voicebill.conversation.history import Tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class TokensReport(Report):
    """Tokens by modality."""

    text: int
    """Text tokens."""
    audio: int
    """Audio tokens."""
    image: int
    """Image tokens."""

    @classmethod
    def of(cls, tokens: Tokens) -> "TokensReport":
        """Tokens of an input."""
        return cls(text=tokens.text, audio=tokens.audio, image=tokens.image)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartDollarsReport(Report):
    """Dollars of responses by part."""

    new: Dollars
    """Input that no response had read before."""
    resent: Dollars
    """Input that was sent again and not taken from the cache."""
    cached: Dollars
    """Input from the cache."""
    written: Dollars
    """Input that was written to the cache, where the provider bills that."""
    output: Dollars
    """Output."""

    @classmethod
    def of(cls, parts: PartAmounts) -> "PartDollarsReport":
        """The parts of an amount."""
        return cls(**{name: format_dollars(amount) for name, amount in parts._asdict().items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class WasteReport(Report):
    """What was paid for nothing."""

    kind: WasteKind
    """Kind of waste."""
    cases: int
    """Number of responses, messages or calls."""
    low_dollars: Dollars
    """Dollars at least."""
    high_dollars: Dollars
    """Dollars at most; the log may leave open how much of an interrupted reply was played."""

    @classmethod
    def of(cls, waste: Waste) -> "WasteReport":
        """One kind of waste."""
        low, high = format_dollars(waste.low), format_dollars(waste.high)
        return cls(kind=waste.kind, cases=waste.cases, low_dollars=low, high_dollars=high)


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseReport(Report):
    """What a cause has cost in all explained calls."""

    cause: LossCause
    """Why input was sent again without the cache."""
    calls: int
    """Calls in which it occurred."""
    responses: int
    """Responses in which it occurred."""
    tokens: TokensReport
    """Tokens that were not taken from the cache because of it."""
    dollars: Dollars
    """What the calls would have cost less without it."""

    @classmethod
    def of(cls, entry: CauseCost) -> "CauseReport":
        """One cause."""
        return cls(
            cause=entry.cause,
            calls=entry.calls,
            responses=entry.responses,
            tokens=TokensReport.of(entry.tokens),
            dollars=format_dollars(entry.amount),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DearCallReport(Report):
    """One of the dearest calls."""

    session: str
    """Name of its session."""
    tenant: str | None
    """Customer, if the log names one."""
    dollars: Dollars
    """What it cost."""
    responses: int
    """Number of its responses."""
    minutes: Ratio | None
    """Minutes from its first event to its last record; null if the log gives no times."""
    cause: LossCause | None
    """Cause that cost most of it; null without one."""
    cause_dollars: Dollars
    """What it would have cost less without that cause."""

    @classmethod
    def of(cls, call: CallSummary) -> "DearCallReport":
        """A call in one line."""
        return cls(
            session=call.session,
            tenant=call.tenant,
            dollars=format_dollars(call.amount),
            responses=call.responses,
            minutes=None if call.minutes is None else format_decimal(Fraction(call.minutes)),
            cause=call.cause,
            cause_dollars=format_dollars(call.lost),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UnusableCallsReport(Report):
    """Calls that are not explained, for one reason."""

    reason: str
    """Why."""
    calls: int
    """Number of such calls."""
    examples: tuple[str, ...]
    """Names of the first ones."""

    @classmethod
    def of(cls, entry: UnusableCalls) -> "UnusableCallsReport":
        """Calls with one reason."""
        return cls(reason=entry.reason, calls=entry.calls, examples=entry.names)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsualCacheReport(Report):
    """What the cache usually has in this log, by which losses are measured."""

    share: Ratio | None
    """Share of the common prefix with the response before; null if that of the rules is taken."""
    starts_warm: bool
    """Whether first responses usually have their prompt from the cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogExplanationReport(Report):
    """Why the calls of a log cost what they did."""

    voicebill: str
    """Version of voicebill."""
    calls: int
    """Calls in the log: sessions of which a record matches the query."""
    explained_calls: int
    """Calls that are explained: all figures below are of them, unless it says otherwise."""
    responses: int
    """Responses of these calls."""
    dollars: Dollars
    """What they cost, transcriptions included."""
    expected_dollars: Dollars
    """What they would have cost with the cached tokens that the rules expect."""
    parts: PartDollarsReport
    """Dollars of their responses by part."""
    causes: tuple[CauseReport, ...]
    """Why input was sent again without the cache, the most expensive cause first."""
    carried: Mapping[CarriedKind, Dollars]
    """What the prompt, speech, replies and tools cost in the responses after the first one that read or wrote them."""
    waste: tuple[WasteReport, ...]
    """What was paid for nothing, in all calls."""
    dearest: tuple[DearCallReport, ...]
    """The dearest calls."""
    unexplained: tuple[UnusableCallsReport, ...]
    """Calls that are not explained, by reason."""
    unexplained_dollars: Dollars
    """What these cost, as far as it is known."""
    unpriced_calls: int
    """Calls of which a part has no known price."""
    usual_cache: Mapping[str, UsualCacheReport]
    """What the cache usually has, by model."""
    records_without_session: int
    """Records that belong to no call."""
    warnings: tuple[str, ...]
    """What to know about how the log was read."""

    @classmethod
    def of(cls, answer: LogExplanation) -> "LogExplanationReport":
        """The explanation of a log."""
        return cls(
            voicebill=package_version(),
            calls=answer.calls,
            explained_calls=answer.explained,
            responses=answer.responses,
            dollars=format_dollars(answer.amount),
            expected_dollars=format_dollars(answer.expected),
            parts=PartDollarsReport.of(answer.parts),
            causes=tuple(map(CauseReport.of, answer.causes)),
            carried={kind: format_dollars(round(amount)) for kind, amount in answer.carried.items()},
            waste=tuple(map(WasteReport.of, answer.waste)),
            dearest=tuple(map(DearCallReport.of, answer.dearest)),
            unexplained=tuple(map(UnusableCallsReport.of, answer.unusable)),
            unexplained_dollars=format_dollars(answer.other_amount),
            unpriced_calls=answer.unpriced,
            usual_cache={
                model: UsualCacheReport(
                    share=None if usual.share is None else decimal_text(usual.share), starts_warm=usual.starts_warm
                )
                for model, usual in answer.usual.items()
            },
            records_without_session=answer.records_without_session,
            warnings=answer.warnings,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheLossReport(Report):
    """Input of a response that was sent again without the cache, and why."""

    cause: LossCause
    """Why."""
    tokens: TokensReport
    """Tokens."""
    dollars: Dollars
    """What they cost more than from the cache."""

    @classmethod
    def all_of(cls, response: ExplainedResponse) -> "tuple[CacheLossReport, ...]":
        """The losses of a response."""
        pairs: zip[tuple[CacheLoss, object]] = zip(response.use.losses, response.losses, strict=True)
        return tuple(
            cls(cause=loss.cause, tokens=TokensReport.of(loss.tokens), dollars=format_dollars(priced.amount))  # type: ignore[attr-defined]
            for loss, priced in pairs
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedResponseReport(Report):
    """One response of a call."""

    turn: int
    """Number of its turn in the reconstructed script; the first is 1."""
    kind: Literal["reply", "tool-call"]
    """`tool-call` if the output is a tool call."""
    status: str | None
    """How it ended, as the log says."""
    new: TokensReport
    """Input that no response had read before."""
    resent: TokensReport
    """Input that was sent again and not taken from the cache."""
    cached: TokensReport
    """Input from the cache."""
    written: int
    """Text tokens that were written to the cache."""
    expected_cached: TokensReport
    """Input that the rules expect from the cache."""
    output: TokensReport
    """Output."""
    dollars: Dollars
    """What it cost."""
    parts: PartDollarsReport
    """The same by part."""
    expected_dollars: Dollars
    """What it would have cost with the cached tokens that the rules expect."""
    losses: tuple[CacheLossReport, ...]
    """What was not taken from the cache, and why."""

    @classmethod
    def of(cls, response: ExplainedResponse) -> "ExplainedResponseReport":
        """A response."""
        record, simulated = response.pair.record, response.pair.simulated
        return cls(
            turn=simulated.turn,
            kind=simulated.kind,
            status=record.outcome,
            new=TokensReport.of(response.parts.new),
            resent=TokensReport.of(response.parts.resent),
            cached=TokensReport.of(response.parts.cached),
            written=response.parts.written.text,
            expected_cached=TokensReport.of(response.use.expected),
            output=TokensReport(text=record.tokens.text_out, audio=record.tokens.audio_out, image=0),
            dollars=format_dollars(response.amounts.total),
            parts=PartDollarsReport.of(response.amounts),
            expected_dollars=format_dollars(response.expected),
            losses=CacheLossReport.all_of(response),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedReport(Report):
    """What something in the input cost in later responses."""

    kind: CarriedKind
    """What it is."""
    turn: int | None
    """Turn of a single reply; null for all of the kind."""
    dollars: Dollars
    """Dollars, a statistic: cached tokens are spread evenly over the history."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenQuantityReport(Report):
    """A quantity that the log leaves open."""

    turn: int
    """Number of the turn."""
    quantity: str
    """Field of the turn in a script."""
    low: int
    """The least that it can be."""
    high: int
    """The most that it can be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallExplanationReport(Report):
    """Why one call cost what it did."""

    voicebill: str
    """Version of voicebill."""
    session: str
    """Name of the session."""
    tenant: str | None
    """Customer, if the log names one."""
    offer: str
    """Id of the offer that its first response is priced by."""
    history: str
    """History policy of the model."""
    rules: str
    """Name of the rule set."""
    rules_digest: str
    """Digest of the rules."""
    dollars: Dollars
    """What the call cost, transcriptions included."""
    expected_dollars: Dollars
    """What it would have cost with the cached tokens that the rules expect."""
    parts: PartDollarsReport
    """Dollars of its responses by part."""
    error: Ratio
    """Share of the recorded input tokens by which the reconstructed script differs."""
    responses: tuple[ExplainedResponseReport, ...]
    """Its responses in order."""
    carried: tuple[CarriedReport, ...]
    """What the prompt, speech, replies and tools cost in later responses; single replies follow, the dearest first."""
    waste: tuple[WasteReport, ...]
    """What was paid for nothing."""
    open_quantities: tuple[OpenQuantityReport, ...]
    """What the log leaves open; the script has one of the possible values."""
    warnings: tuple[str, ...]
    """What to know about how the log was read."""

    @classmethod
    def of(cls, answer: SessionExplanation) -> "CallExplanationReport":
        """The explanation of a call."""
        quote, rules = answer.model.quote, answer.model.rules
        assert quote is not None
        assert rules is not None
        return cls(
            voicebill=package_version(),
            session=answer.session.name,
            tenant=answer.session.tenant,
            offer=quote.offer.id,
            history=answer.rules.history,
            rules=rules.name,
            rules_digest=rules.digest,
            dollars=format_dollars(answer.amount),
            expected_dollars=format_dollars(answer.expected),
            parts=PartDollarsReport.of(answer.parts),
            error=format_decimal(answer.reconstruction.error),
            responses=tuple(map(ExplainedResponseReport.of, answer.responses)),
            carried=tuple(
                CarriedReport(kind=entry.kind, turn=entry.turn, dollars=format_dollars(round(entry.amount)))
                for entry in answer.carried
            ),
            waste=tuple(map(WasteReport.of, answer.waste)),
            open_quantities=tuple(
                OpenQuantityReport(turn=entry.turn, quantity=entry.quantity, low=entry.low, high=entry.high)
                for entry in answer.reconstruction.intervals
            ),
            warnings=answer.warnings,
        )


ExplanationReport = LogExplanationReport | CallExplanationReport
"""The JSON of an explanation: that of many calls, or of one."""
