"""The way to the model: what it carries and needs, how long that takes, and what carriers, networks and platforms take."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction

from voicebill.answers.tolls import Calls, Toll, mean_toll, paid_by_the_minute, toll
from voicebill.billing.checks import Number, exact, within
from voicebill.billing.dated import Day
from voicebill.billing.errors import InvalidInput, UnknownName
from voicebill.billing.money import PICODOLLARS_PER_DOLLAR, Amount
from voicebill.billing.offers import Offer, PriceRow, Rates
from voicebill.billing.price_book import Found, PriceBook
from voicebill.conversation.plan import Plan

BYTES_PER_GB = 10**9


@dataclass(frozen=True, slots=True)
class Codec:
    """How speech is written on the way: bytes a minute in one direction."""

    name: str
    bytes_per_minute: int
    note: str


@dataclass(frozen=True, slots=True)
class Transport:
    """A way to the model. The latency is the network's, in ms each turn, and None where it varies."""

    name: str
    title: str
    best_for: str
    setup: str
    needs: str
    truncates: str
    usage_seen: str
    low_ms: int | None
    high_ms: int | None
    codecs: tuple[Codec, ...]
    checked: date
    source: str

    @property
    def latency(self) -> str:
        """The latency in words."""
        return "varies with the carrier" if self.low_ms is None else f"{self.low_ms} to {self.high_ms} ms"


@dataclass(frozen=True, slots=True, kw_only=True)
class Carriage:
    """What is paid on the way beside the models; what is left out is not paid.

    `carrier` and `fees` are ids of offers, ours or your own; or the carrier is stated by `carrier_per_minute` (dollars) with
    `carrier_seconds`, to which its calls are rounded up (left out: whole minutes). `egress_per_gb`: dollars for 10^9 bytes
    that your side sends.

    Raises:
        InvalidInput: the carrier is said twice or only in part, somebody is to be paid twice, or a figure cannot be meant.
    """

    codec: str | None = None
    carrier: str | None = None
    carrier_per_minute: Number | None = None
    carrier_seconds: int | None = None
    egress_per_gb: Number | None = None
    fees: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if "" in (self.carrier, self.codec, *self.fees):
            raise InvalidInput("a carrier, codec or platform needs a name")
        if self.carrier is not None and self.carrier_per_minute is not None:
            raise InvalidInput("carrier and carrier_per_minute say the same thing: give one")
        for name in ("carrier_per_minute", "egress_per_gb"):
            if getattr(self, name) is not None:
                value = exact(name, getattr(self, name))
                object.__setattr__(self, name, value)
                if not 0 <= value <= 1000 or round(value, 9) != value:
                    raise InvalidInput(f"{name} must be dollars between 0 and 1,000 with at most nine decimals, not {value:f}")
        if self.carrier_seconds is not None:
            within("carrier_seconds", self.carrier_seconds, 1, 3600)
            if self.carrier_per_minute is None:
                raise InvalidInput("carrier_seconds says how a carrier stated by carrier_per_minute rounds: give that, too")
        paid = (self.carrier, *self.fees)
        twice = next((name for name in self.fees if paid.count(name) > 1), None)
        if twice is not None:
            raise InvalidInput(f"fees: {twice} would be paid twice: name it once")

    @property
    def rounded_to_seconds(self) -> int:
        """To how many seconds the stated carrier rounds each call up: a minute unless it is said otherwise."""
        return self.carrier_seconds or 60

    @property
    def stated(self) -> bool:
        """Whether anything is said of the way."""
        paid = self.carrier_per_minute is not None or self.egress_per_gb is not None
        return bool(self.codec or self.carrier or self.fees or paid)


@dataclass(frozen=True, slots=True)
class Carried:
    """The way of one planned conversation. Bytes are of the whole call, in each direction; amounts in picodollars.

    `egress` is None where no price of it was stated. `per_month` is over calls of all lengths, each rounded up by itself.
    """

    transport: Transport
    codec: Codec
    up_bytes: int
    down_bytes: int
    egress: Amount | None
    tolls: tuple[Toll, ...]
    per_conversation: Amount
    per_month: Amount | None
    assumptions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ways:
    """The transports there are, with the prices of those who are paid on them."""

    transports: Mapping[str, Transport]
    book: PriceBook = field(repr=False)


def carried(
    plan: Plan,
    stated: Carriage,
    ways: Ways,
    day: date,
    calls: Calls | None = None,
) -> Carried:
    """What the way of a planned conversation carries and costs.

    >>> from voicebill.facts import load
    >>> facts = load()
    >>> way = Carriage(carrier="twilio/voice-inbound-us-local")
    >>> found = carried(Plan(minutes=Decimal("6.5"), turns=20, transport="sip"), way, facts.ways, date(2026, 11, 22))
    >>> str(found.tolls[0].line), found.up_bytes
    ('telephone call 420 s × $0.0085/min = $0.059500', 3900000)

    Raises:
        UnknownName: the codec, carrier or platform is unknown.
        NotOffered: it has no price on the day.
        Unpriced: it is priced by something else than minutes and months.
    """
    row = ways.transports[plan.transport or "webrtc"]
    codec = _codec(row, stated.codec, ways)
    sent = round(Fraction(plan.minutes) * codec.bytes_per_minute)
    egress = None if stated.egress_per_gb is None else _egress(sent, stated.egress_per_gb)
    lasts_ms = round(Fraction(plan.minutes) * 60_000)
    tolls = tuple(toll(found, lasts_ms) for found in _takers(stated, ways.book, day))
    each = sum((taken.amount for taken in tolls), start=egress or 0)
    return Carried(
        transport=row,
        codec=codec,
        up_bytes=sent,
        down_bytes=sent,
        egress=egress,
        tolls=tolls,
        per_conversation=each,
        per_month=None if calls is None else _month(plan, stated, codec, tolls, calls),
        assumptions=tuple(_assumed(stated, row, tolls)),
        warnings=tuple(said for taken in tolls for said in taken.found.warnings),
    )


def _codec(row: Transport, name: str | None, ways: Ways) -> Codec:
    if name is None:
        return row.codecs[0]
    for codec in row.codecs:
        if codec.name == name.strip().lower():
            return codec
    others = [each.name for each in ways.transports.values() if name.strip().lower() in (known.name for known in each.codecs)]
    remedy = f"the transport that has it is {' or '.join(others)}" if others else ""
    raise UnknownName("codec", name, (codec.name for codec in row.codecs), of=f" of {row.title}", remedy=remedy)


def _egress(sent: int | Fraction, per_gb: Number) -> Amount:
    return Fraction(sent) * Fraction(per_gb) * PICODOLLARS_PER_DOLLAR / BYTES_PER_GB


def _takers(stated: Carriage, book: PriceBook, day: date) -> Iterator[Found]:
    if stated.carrier_per_minute is not None:
        yield _own_carrier(Decimal(stated.carrier_per_minute), stated.rounded_to_seconds, book, day)
    if stated.carrier:
        yield paid_by_the_minute(stated.carrier, book, day, what="carrier")
    for name in stated.fees:
        yield paid_by_the_minute(name, book, day, what="platform")


def _own_carrier(per_minute: Decimal, seconds: int, book: PriceBook, day: date) -> Found:
    since = Day.parse(day.isoformat())
    row = PriceRow(since, None, {"call_ms": per_minute}, day, ("stated",), increments={"call_ms": 1000 * seconds})
    offer = Offer("your", "carrier", None, "telephony", "global", (row,))
    return Found(Rates.of(offer, row, book.meters), None, (), ())


def _month(plan: Plan, stated: Carriage, codec: Codec, tolls: tuple[Toll, ...], calls: Calls) -> Amount:
    """What a month's calls cost on the way: each is rounded up by itself, so the mean of what is billed is taken."""
    egress = Fraction(0)
    if stated.egress_per_gb is not None:
        egress = Fraction(_egress(calls.mean_ms(plan) / 60_000 * codec.bytes_per_minute, stated.egress_per_gb))
    each = egress + sum(mean_toll(taken.found, plan, calls) for taken in tolls)
    return each * calls.per_month + sum(taken.monthly for taken in tolls)


def _assumed(stated: Carriage, row: Transport, tolls: tuple[Toll, ...]) -> Iterator[str]:
    for taken in tolls:
        yield from taken.found.assumptions
        if taken.found.offer.example:
            yield f"{taken.found.offer.id} is an example of what carriers charge: use your own carrier's rate for a decision"
    if stated.carrier_per_minute is not None:
        yield f"the stated carrier rounds each call up to {stated.rounded_to_seconds} s"
    if stated.egress_per_gb is not None:
        yield f"over {row.title} your side sends the caller's audio all the time; what it receives is taken to be free"
