"""Estimate the connection to the model: transport, codec, bytes, and the fees of carriers, networks and platforms."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Annotated

from voicebill.answers.catalog.transports import BYTES_PER_MB, Codec, TransportCatalog, TransportProfile
from voicebill.answers.connectivity.call_fees import CallFee, MonthlyCalls, call_fee, monthly_call_fee, per_minute_quote
from voicebill.billing.errors import InvalidInput, UnknownName
from voicebill.billing.money import PICODOLLARS_PER_DOLLAR, Amount
from voicebill.billing.offers import Offer, PriceRow, Rates
from voicebill.billing.price_book import PriceBook, Quote
from voicebill.billing.validation import Between, Number, validate
from voicebill.billing.validity import PartialDate
from voicebill.conversation.plan import Plan
from voicebill.conversation.script import DEFAULT_TRANSPORT

BYTES_PER_GB = 10**9


DEFAULT_INCREMENT_SECONDS = 60

DollarsPerUnit = Annotated[Number, Between(0, 1000, text="1,000 (dollars)")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionCosts:
    """Fees in addition to the models; what is omitted costs nothing.

    `carrier` and `platforms` are ids of offers, ours or your own; or the carrier is given by `carrier_per_minute` (dollars)
    with `carrier_increment`, to which its calls are rounded up (default: whole minutes). `egress_per_gb`: dollars for
    10^9 bytes that your side sends. `concurrent_calls`: the calls at the same time that a platform must allow.

    Raises:
        InvalidInput: the carrier is given twice or only in part, an offer would be paid twice, or a figure is out of range.
    """

    codec: str | None = None
    carrier: str | None = None
    carrier_per_minute: DollarsPerUnit | None = None
    carrier_increment: Annotated[int | None, Between(1, 3600)] = None
    egress_per_gb: DollarsPerUnit | None = None
    platforms: tuple[str, ...] = ()
    concurrent_calls: Annotated[int | None, Between(1, 1_000_000)] = None

    def __post_init__(self) -> None:
        validate(self)
        for name in ("carrier", "codec", "platforms"):
            value = getattr(self, name)
            if value == "" or (isinstance(value, tuple) and "" in value):
                raise InvalidInput("must be a name", field=name)
        if self.carrier is not None and self.carrier_per_minute is not None:
            raise InvalidInput(
                "cannot be combined with carrier_per_minute: give one", field="carrier", mentions=("carrier_per_minute",)
            )
        for name in ("carrier_per_minute", "egress_per_gb"):
            value = getattr(self, name)
            if value is not None and round(value, 9) != value:
                raise InvalidInput(f"must have at most nine decimals, not {value:f}", field=name)
        if self.carrier_increment is not None and self.carrier_per_minute is None:
            raise InvalidInput(
                "applies to carrier_per_minute: give that, too", field="carrier_increment", mentions=("carrier_per_minute",)
            )
        if self.concurrent_calls is not None and not self.platforms:
            raise InvalidInput("applies to platforms: name one", field="concurrent_calls", mentions=("platforms",))
        payees = (self.carrier, *self.platforms)
        duplicate = next((name for name in self.platforms if payees.count(name) > 1), None)
        if duplicate is not None:
            raise InvalidInput(f"{duplicate} would be paid twice: name it once").at("platforms")

    @property
    def increment_seconds(self) -> int:
        """The billing increment of the carrier given by `carrier_per_minute`, in seconds."""
        return self.carrier_increment or DEFAULT_INCREMENT_SECONDS

    @property
    def is_specified(self) -> bool:
        """Whether any field is given."""
        has_rates = self.carrier_per_minute is not None or self.egress_per_gb is not None
        return bool(self.codec or self.carrier or self.platforms or has_rates)


@dataclass(frozen=True, slots=True)
class ConnectionEstimate:
    """The connection of a planned conversation. Bytes are per call and direction; amounts are in picodollars.

    `egress` is None without a price for it. `egress_per_month` and the fees' `per_month` are over calls of all lengths, each
    rounded up separately; `per_month` is their sum, and `mean_per_conversation` the mean of a call without `monthly_fees`. They
    are None without a number of calls.
    """

    transport: TransportProfile
    codec: Codec
    bytes_sent: int
    bytes_received: int
    egress: Amount | None
    fees: tuple[CallFee, ...]
    per_conversation: Amount
    egress_per_month: Amount | None
    per_month: Amount | None
    mean_per_conversation: Amount | None
    assumptions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def monthly_fees(self) -> Amount:
        """Fees per month, independent of the number of calls."""
        return sum(fee.monthly_fee for fee in self.fees)

    @property
    def has_fees(self) -> bool:
        """Whether anything is paid for the connection."""
        return bool(self.fees) or self.egress is not None

    @property
    def megabytes_sent(self) -> float:
        """Megabytes (10^6 bytes) per call in one direction."""
        return self.bytes_sent / BYTES_PER_MB


def estimate_connection(
    plan: Plan,
    connection_costs: ConnectionCosts,
    catalog: TransportCatalog,
    day: date,
    monthly_calls: MonthlyCalls | None = None,
    *,
    minutes: Fraction | None = None,
) -> ConnectionEstimate:
    """Estimate the connection of a planned conversation; `minutes` is how long it lasts, if it ends before the plan does.

    >>> from voicebill.facts import load_facts
    >>> facts = load_facts()
    >>> connection_costs = ConnectionCosts(carrier="twilio/voice-inbound-us-local")
    >>> plan = Plan(minutes=Decimal("6.5"), turns=20, transport="sip")
    >>> answer = estimate_connection(plan, connection_costs, facts.transport_catalog, date(2026, 11, 22))
    >>> str(answer.fees[0].line), answer.bytes_sent
    ('telephone call 420 s × $0.0085/min = $0.059500', 3900000)

    Raises:
        UnknownName: the codec, carrier or platform is unknown.
        NotAvailable: it has no price on the day.
        Unpriced: it has prices for other meters than minutes and months.
    """
    transport = catalog.transports[plan.transport or DEFAULT_TRANSPORT]
    codec = _codec(transport, connection_costs.codec, catalog)
    minutes = Fraction(plan.minutes) if minutes is None else minutes
    bytes_sent = round(minutes * codec.bytes_per_minute)
    egress = None if connection_costs.egress_per_gb is None else _egress(bytes_sent, connection_costs.egress_per_gb)
    duration_ms = round(minutes * 60_000)
    concurrent_calls = connection_costs.concurrent_calls
    fees = tuple(call_fee(quote, duration_ms, concurrent_calls) for quote in _fee_quotes(connection_costs, catalog.book, day))
    if monthly_calls is not None:
        fees = tuple(monthly_call_fee(fee, plan, monthly_calls) for fee in fees)
    egress_per_month = _monthly_egress(plan, connection_costs, codec, monthly_calls)
    per_conversation = sum((fee.amount for fee in fees), start=egress or 0)
    monthly_fees = sum(fee.monthly_fee for fee in fees)
    per_month = None if monthly_calls is None else sum((fee.per_month or 0 for fee in fees), start=egress_per_month or 0)
    mean = None if monthly_calls is None or per_month is None else Fraction(per_month - monthly_fees) / monthly_calls.per_month
    return ConnectionEstimate(
        transport=transport,
        codec=codec,
        bytes_sent=bytes_sent,
        bytes_received=bytes_sent,
        egress=egress,
        fees=fees,
        per_conversation=per_conversation,
        egress_per_month=egress_per_month,
        per_month=per_month,
        mean_per_conversation=mean,
        assumptions=tuple(_assumptions(connection_costs, transport, fees)),
        warnings=tuple(text for fee in fees for text in fee.quote.warnings),
    )


def _codec(transport: TransportProfile, name: str | None, catalog: TransportCatalog) -> Codec:
    if name is None:
        return transport.codecs[0]
    for codec in transport.codecs:
        if codec.name == name.strip().lower():
            return codec
    others = [
        other.name
        for other in catalog.transports.values()
        if name.strip().lower() in (other_codec.name for other_codec in other.codecs)
    ]
    remedy = f"it is available over {' or '.join(others)}" if others else ""
    raise UnknownName(
        "codec", name, (codec.name for codec in transport.codecs), context=f" of {transport.title}", remedy=remedy
    )


def _egress(bytes_sent: int | Fraction, per_gb: Number) -> Amount:
    return Fraction(bytes_sent) * Fraction(per_gb) * PICODOLLARS_PER_DOLLAR / BYTES_PER_GB


def _fee_quotes(connection_costs: ConnectionCosts, book: PriceBook, day: date) -> Iterator[Quote]:
    if connection_costs.carrier_per_minute is not None:
        yield _custom_carrier_quote(Decimal(connection_costs.carrier_per_minute), connection_costs.increment_seconds, book, day)
    if connection_costs.carrier:
        yield per_minute_quote(connection_costs.carrier, book, day, what="carrier")
    for name in connection_costs.platforms:
        yield per_minute_quote(name, book, day, what="platform")


def _custom_carrier_quote(per_minute: Decimal, increment_seconds: int, book: PriceBook, day: date) -> Quote:
    since = PartialDate.parse(day.isoformat())
    row = PriceRow(since, None, {"call_ms": per_minute}, day, ("stated",), increments={"call_ms": 1000 * increment_seconds})
    offer = Offer("your", "carrier", None, "telephony", "global", (row,))
    return Quote(Rates.from_row(offer, row, book.meters), None, (), ())


def _monthly_egress(
    plan: Plan, connection_costs: ConnectionCosts, codec: Codec, monthly_calls: MonthlyCalls | None
) -> Amount | None:
    """The cost of the bytes sent per month, over calls of all lengths; None without a price or a number of calls."""
    if connection_costs.egress_per_gb is None or monthly_calls is None:
        return None
    mean_bytes = monthly_calls.mean_ms(plan) / 60_000 * codec.bytes_per_minute
    return _egress(mean_bytes, connection_costs.egress_per_gb) * monthly_calls.per_month


def _included(fee: CallFee, concurrent_calls: int | None) -> Iterator[str]:
    """What a platform's month includes, and what more calls at the same time cost."""
    offer, row = fee.quote.offer, fee.quote.rates.row
    if "call_ms" in row.included:
        minutes = row.included["call_ms"] / 60_000
        yield f"a month of {offer.id} includes {minutes:,.4g} minutes: a call is shown at the price of the next ones"
    rate = fee.quote.rates["concurrent_calls"]
    if rate is not None and concurrent_calls is None:
        yield (
            f"{offer.id} also charges {rate} beyond {row.included.get('concurrent_calls', 0):,} calls at the same time: give "
            "concurrent_calls to count it"
        )


def _assumptions(connection_costs: ConnectionCosts, transport: TransportProfile, fees: tuple[CallFee, ...]) -> Iterator[str]:
    for fee in fees:
        yield from fee.quote.assumptions
        yield from _included(fee, connection_costs.concurrent_calls)
        if fee.quote.offer.example:
            yield f"{fee.quote.offer.id} is an example of what carriers charge: use your own carrier's rate for a decision"
    if connection_costs.carrier_per_minute is not None:
        yield f"your carrier rounds each call up to {connection_costs.increment_seconds} s"
    if connection_costs.egress_per_gb is not None:
        yield f"over {transport.title} your side sends the caller's audio all the time; received audio is assumed to be free"
