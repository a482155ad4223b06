"""Place the prices of an offer over time: a step at every day on which a price changed."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from voicebill.billing.meters import Meter
from voicebill.billing.money import format_price
from voicebill.billing.offers import Offer, PriceRow
from voicebill.charts.inline.axes import Scale, Tick, dollar_axis, down_ticks, labelled_ticks, percent
from voicebill.charts.inline.columns import Target
from voicebill.charts.inline.lines import ChartLine, LinesChart, line_ends, line_point

METER_STYLES = ("strong", "dashed", "dotted")
"""As many meters are drawn; these are the styles of their lines, the dearest first."""

MONTHS_BETWEEN_TICKS = (1, 2, 3, 6, 12, 24, 60)
MAX_TICKS = 7


def price_steps(offer: Offer, meters: Mapping[str, Meter], day: date) -> LinesChart | None:
    """The list prices of an offer until a day, of its dearest meters with the same unit; None if they never changed.

    Prices that end before the next ones begin are drawn until these; a day that is known to the month or the year is its first.
    """
    rows = [row for row in offer.rows if row.since.first <= day]
    names = _main_meters(rows, meters)
    if len(rows) < 2 or not names:
        return None
    last_day = min(rows[-1].until.first if rows[-1].until else day, day)
    days = [*(row.since.first.toordinal() for row in rows), max(last_day, rows[-1].since.first).toordinal() + 1]
    scale = Scale(days[0], days[-1])
    prices = [[float(row.unit_prices[name]) for row in rows] for name in names]
    up, ticks, step = dollar_axis(price for line in prices for price in line)
    lines = [
        ChartLine(meters[name].label, style, tuple(line))
        for name, style, line in zip(names, METER_STYLES, prices, strict=False)
    ]
    return LinesChart(
        title="Price history",
        unit=f"list price in dollars per {meters[names[0]].price_basis}",
        axis="",
        about=f"Lines: the list prices of {offer.id} from {rows[0].since} to {day}; the table below has the figures",
        lines=tuple((line, _step_points(line.dollars, days, scale, up)) for line in lines),
        band="",
        dots=tuple((scale.across(start), up.down(price)) for start, price in zip(days[:-1], lines[0].dollars, strict=True)),
        ends=line_ends(lines, up, lambda price: format_price(Decimal(str(price)))),
        targets=tuple(_targets(rows, names, days, scale, meters)),
        down=down_ticks(up, ticks, step),
        across=_month_ticks(scale),
        marked=None,
    )


def _main_meters(rows: Sequence[PriceRow], meters: Mapping[str, Meter]) -> list[str]:
    """The meters that all rows have and whose prices have the unit of the dearest one, the dearest first."""
    names = [name for name in meters if all(name in row.unit_prices for row in rows)] if rows else []
    names.sort(key=lambda name: -max(row.unit_prices[name] for row in rows))
    return [name for name in names if meters[name].price_unit == meters[names[0]].price_unit][: len(METER_STYLES)]


def _step_points(dollars: Sequence[float], days: Sequence[int], scale: Scale, up: Scale) -> str:
    corners = ((edge, price) for index, price in enumerate(dollars) for edge in days[index : index + 2])
    return " ".join(line_point(scale.share(edge), 1 - up.share(price)) for edge, price in corners)


def _targets(
    rows: Sequence[PriceRow], names: Sequence[str], days: Sequence[int], scale: Scale, meters: Mapping[str, Meter]
) -> list[Target]:
    """A strip for the time of each price row."""
    shares = [scale.share(edge) for edge in days]
    return [
        Target(
            percent(shares[index]),
            percent(shares[index + 1] - shares[index]),
            "\n".join(
                [f"since {row.since}", *(f"{meters[name].label} {format_price(row.unit_prices[name])}" for name in names)]
            ),
        )
        for index, row in enumerate(rows)
    ]


def _month_ticks(scale: Scale) -> tuple[Tick, ...]:
    """The first days of some months within a scale of days.

    >>> [tick.label for tick in _month_ticks(Scale(date(2025, 11, 20).toordinal(), date(2026, 11, 28).toordinal()))]
    ['2026-01', '2026-03', '2026-05', '2026-07', '2026-09', '2026-11']
    """
    first, last = (date.fromordinal(round(end)) for end in (scale.low, scale.high))
    months = range(first.year * 12 + first.month, last.year * 12 + last.month)
    between = next((step for step in MONTHS_BETWEEN_TICKS if len(months) / step <= MAX_TICKS), MONTHS_BETWEEN_TICKS[-1])
    starts = [date(month // 12, month % 12 + 1, 1) for month in months if month % between == 0]
    labels = [(scale.across(start.toordinal()), f"{start:%Y-%m}") for start in starts]
    return labelled_ticks(labels, range(1, len(labels) + 1))
