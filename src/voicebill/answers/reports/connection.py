"""Report the connection between the caller and the model: transport, bytes, and fees."""

from dataclasses import dataclass
from decimal import Decimal

from voicebill.answers.connectivity.call_fees import CallFee
from voicebill.answers.connectivity.transport import ConnectionEstimate
from voicebill.answers.estimates.scenarios import Scenarios
from voicebill.answers.reports.bill_lines import LineReport, ScenariosReport
from voicebill.answers.reports.report import Dollars, Report, decimal_text, dollars_or_null
from voicebill.billing.money import format_dollars


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFeeReport(Report):
    """The fee of a carrier or platform."""

    offer: str
    """Id of the carrier's or platform's offer."""
    billed_seconds: str | None
    """Seconds that are billed for one conversation, rounded up as the vendor does; null if the fee is per month only."""
    dollars: Dollars
    """Dollars for one conversation; 0 if the fee is per month only."""
    monthly_fee: Dollars
    """Dollars per month that are due whatever the number of conversations; 0 if there is no such fee."""
    per_month: Dollars | None
    """Dollars per month: for all conversations, of all lengths, and the monthly fee; null without a volume."""
    lines: tuple[LineReport, ...]
    """The line of the bill for one conversation; empty if the fee is per month only."""

    @classmethod
    def of(cls, fee: CallFee) -> "CallFeeReport":
        """The fee of one carrier or platform."""
        return cls(
            offer=fee.quote.offer.id,
            billed_seconds=decimal_text(Decimal(fee.line.quantity) / 1000) if fee.line else None,
            dollars=format_dollars(fee.amount),
            monthly_fee=format_dollars(fee.monthly_fee),
            per_month=dollars_or_null(fee.per_month),
            lines=LineReport.all_of([fee.line], fee.quote) if fee.line else (),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalWithConnectionReport(Report):
    """Model cost plus connection fees."""

    per_conversation: ScenariosReport
    """Dollars per conversation."""
    mean_per_conversation: ScenariosReport | None
    """Mean dollars per conversation, over calls of all lengths; `per_month` is the volume times it, plus monthly fees. Null
    without a volume."""
    per_month: ScenariosReport | None
    """Dollars per month; null without a volume."""

    @classmethod
    def of(cls, total: Scenarios, mean: Scenarios | None, per_month: Scenarios | None) -> "TotalWithConnectionReport":
        """Amounts that include connection fees."""
        return cls(
            per_conversation=ScenariosReport.of(total),
            mean_per_conversation=ScenariosReport.or_null(mean),
            per_month=ScenariosReport.or_null(per_month),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MillisecondsReport(Report):
    """A range of milliseconds."""

    low: int
    """Fewest milliseconds."""
    high: int
    """Most milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionReport(Report):
    """The connection between the caller and the model."""

    name: str
    """Name of the transport: webrtc, websocket or sip."""
    title: str
    """Name of the transport as people read it."""
    codec: str
    """Audio codec."""
    bytes_sent: int
    """Bytes that your side sends in one conversation."""
    bytes_received: int
    """Bytes that your side receives in one conversation."""
    latency_ms: MillisecondsReport | None
    """Latency that the transport adds; null if it depends on the carrier."""
    best_for: str
    """What the transport is best for."""
    setup: str
    """Effort to set it up."""
    needs: str
    """What it needs."""
    truncation: str
    """Who removes the audio that an interrupted caller did not hear from the history."""
    usage_visibility: str
    """Where the usage can be read."""
    egress: Dollars | None
    """Dollars for the bytes sent in one conversation; null if no price per GB is given."""
    egress_per_month: Dollars | None
    """Dollars per month for the bytes sent, over calls of all lengths; null without a price per GB or a volume."""
    fees: tuple[CallFeeReport, ...]
    """Fees of carriers and platforms."""
    dollars: Dollars
    """Dollars for one conversation: egress and fees."""
    mean_per_conversation: Dollars | None
    """Mean dollars of a conversation, over calls of all lengths, without monthly fees; null without a volume."""
    per_month: Dollars | None
    """Dollars per month: egress and fees, over calls of all lengths; null without a volume."""
    assumptions: tuple[str, ...]
    """What was assumed."""
    warnings: tuple[str, ...]
    """What may make the figures wrong."""
    source: str
    """Source of what is said about the transport."""

    @classmethod
    def of(cls, connection: ConnectionEstimate) -> "ConnectionReport":
        """The connection of a planned conversation."""
        row = connection.transport
        latency = None if row.low_ms is None or row.high_ms is None else MillisecondsReport(low=row.low_ms, high=row.high_ms)
        return cls(
            name=row.name,
            title=row.title,
            codec=connection.codec.name,
            bytes_sent=connection.bytes_sent,
            bytes_received=connection.bytes_received,
            latency_ms=latency,
            best_for=row.best_for,
            setup=row.setup,
            needs=row.needs,
            truncation=row.truncation,
            usage_visibility=row.usage_visibility,
            egress=dollars_or_null(connection.egress),
            egress_per_month=dollars_or_null(connection.egress_per_month),
            fees=tuple(CallFeeReport.of(fee) for fee in connection.fees),
            dollars=format_dollars(connection.per_conversation),
            mean_per_conversation=dollars_or_null(connection.mean_per_conversation),
            per_month=dollars_or_null(connection.per_month),
            assumptions=connection.assumptions,
            warnings=connection.warnings,
            source=row.source,
        )
