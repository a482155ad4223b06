"""Calculate the traffic of the busy hour, and the channels where calls wait."""

from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from voicebill.answers.capacity import erlang
from voicebill.answers.capacity.targets import ASSUMED_BUSY_SHARE, ASSUMED_DAYS, CapacityTargets, ServiceLevel
from voicebill.billing.errors import InvalidInput
from voicebill.conversation.volume import MONTHS_PER_YEAR, Volume


@dataclass(frozen=True, slots=True)
class BusyHourTraffic:
    """The traffic of the busy hour. `volume`, `busy_hour_share` and `days` are None if calls per hour were given."""

    calls_per_hour: Fraction
    minutes: Fraction
    volume: Volume | None
    busy_hour_share: Decimal | None
    days: Decimal | None

    @property
    def erlangs(self) -> float:
        """Concurrent calls on average, if none is blocked."""
        return float(self.calls_per_hour * self.minutes / 60)

    @property
    def calls_per_minute(self) -> Fraction:
        """Calls that begin per minute."""
        return self.calls_per_hour / 60

    def after_blocking(self, blocking: float) -> "BusyHourTraffic":
        """The traffic without the calls that are blocked."""
        return replace(self, calls_per_hour=self.calls_per_hour * (1 - Fraction(blocking)))


@dataclass(frozen=True, slots=True)
class ErlangCQueue:
    """Channels where calls wait (Erlang C): the share that waits, the mean wait, and the share answered in time."""

    channels: int
    wait_probability: float
    mean_wait_seconds: float
    service_level: float


def busy_hour_traffic(minutes: Fraction, volume: Volume | None, targets: CapacityTargets) -> BusyHourTraffic:
    """Traffic of the busy hour, from calls per hour or from a volume; `minutes` is the mean length of a call.

    Raises:
        InvalidInput: neither is given, the volume is per hour, or the traffic is too large to be counted.
    """
    traffic = _traffic(minutes, volume, targets)
    if traffic.erlangs > erlang.MAX_ERLANGS:
        name = "conversations" if traffic.volume else "calls_per_hour"
        raise InvalidInput(
            f"must be fewer: {traffic.erlangs:,.4g} concurrent calls are more than {erlang.MAX_ERLANGS:,}",
            field=name,
        )
    return traffic


def _traffic(minutes: Fraction, volume: Volume | None, targets: CapacityTargets) -> BusyHourTraffic:
    if targets.calls_per_hour is not None:
        return BusyHourTraffic(Fraction(targets.calls_per_hour), minutes, None, None, None)
    if volume is None:
        raise InvalidInput(
            "is missing: how many calls are there? Give a volume, such as 30000/month, or calls_per_hour in the busy hour",
            field="conversations",
            mentions=("calls_per_hour",),
        )
    if volume.period == "hour":
        raise InvalidInput(
            f"({volume}) has no busy hour: give calls_per_hour, or a volume per day, week, month or year",
            field="conversations",
            mentions=("calls_per_hour",),
        )
    busy_hour_share = Decimal(targets.busy_hour_share or ASSUMED_BUSY_SHARE)
    days = Decimal(targets.days or ASSUMED_DAYS)
    calls_per_day = (
        Fraction(volume.conversations) if volume.period == "day" else volume.per_year / (MONTHS_PER_YEAR * Fraction(days))
    )
    return BusyHourTraffic(
        calls_per_day * Fraction(busy_hour_share), minutes, volume, busy_hour_share, None if volume.period == "day" else days
    )


def erlang_c_queue(traffic: BusyHourTraffic, service_level: ServiceLevel) -> ErlangCQueue:
    """The channels with which calls are answered at the service level, and how long calls wait."""
    load, seconds = traffic.erlangs, float(traffic.minutes * 60)
    channels = erlang.channels_for_service_level(load, seconds, float(service_level.share), float(service_level.seconds))
    return ErlangCQueue(
        channels=channels,
        wait_probability=erlang.erlang_c(load, channels),
        mean_wait_seconds=erlang.mean_wait(load, channels, seconds),
        service_level=erlang.service_level(load, channels, seconds, float(service_level.seconds)),
    )
