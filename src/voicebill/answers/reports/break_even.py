"""Report break-even: where the cheaper of two alternatives changes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from voicebill.answers.comparison.break_even import UNITS, Axis, BreakEven, BreakEvenCurve, PairComparison
from voicebill.answers.reports.report import Dollars, Report, decimal_text, dollars_or_null


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEvenReport(Report):
    """A break-even between two neighbouring values, where the cheaper alternative changes."""

    below: str
    """The value below the break-even, in the axis's unit."""
    above: str
    """The value above the break-even."""
    estimate: str
    """The interpolated break-even."""
    cheaper_below: str
    """Name of the alternative that is cheaper below it."""
    cheaper_above: str
    """Name of the alternative that is cheaper above it."""

    @classmethod
    def of(cls, crossing: BreakEven) -> "BreakEvenReport":
        """A break-even."""
        return cls(
            below=decimal_text(crossing.below),
            above=decimal_text(crossing.above),
            estimate=decimal_text(crossing.estimate),
            cheaper_below=crossing.cheaper_below,
            cheaper_above=crossing.cheaper_above,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PairComparisonReport(Report):
    """Two alternatives over the range."""

    first: str
    """Name of the first."""
    second: str
    """Name of the second."""
    break_evens: tuple[BreakEvenReport, ...]
    """Their break-evens; empty if one is cheaper throughout, or if they always cost the same."""
    cheaper_throughout: str | None
    """Name of the one that is cheaper over the whole range; null if none is."""

    @classmethod
    def of(cls, pair: PairComparison) -> "PairComparisonReport":
        """A pair of alternatives."""
        return cls(
            first=pair.first,
            second=pair.second,
            break_evens=tuple(BreakEvenReport.of(crossing) for crossing in pair.break_evens),
            cheaper_throughout=pair.cheaper,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepPointReport(Report):
    """Expected cost of the alternatives at one value."""

    value: str
    """The value, in the axis's unit."""
    dollars: Mapping[str, Dollars | None]
    """Expected dollars by alternative; null where an alternative cannot serve it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEvenCurveReport(Report):
    """Break-even over a range of the axis."""

    axis: Axis
    """What is varied."""
    unit: str
    """Unit of the values."""
    from_: str = field(metadata={"alias": "from"})
    """Lowest value."""
    to: str
    """Highest value."""
    values: int
    """Number of values."""
    pairs: tuple[PairComparisonReport, ...]
    """Every pair of alternatives."""
    missing: tuple[str, ...]
    """Why the cost of an alternative is missing at some values."""
    points: tuple[SweepPointReport, ...]
    """The cost at every value."""

    @classmethod
    def of(cls, curve: BreakEvenCurve) -> "BreakEvenCurveReport":
        """The break-even over one range."""
        return cls(
            axis=curve.sweep_range.axis,
            unit=UNITS[curve.sweep_range.axis],
            from_=decimal_text(curve.sweep_range.low),
            to=decimal_text(curve.sweep_range.high),
            values=len(curve.points),
            pairs=tuple(PairComparisonReport.of(pair) for pair in curve.pairs),
            missing=curve.missing,
            points=tuple(
                SweepPointReport(
                    value=decimal_text(point.value),
                    dollars={name: dollars_or_null(amount) for name, amount in zip(curve.names, point.amounts, strict=True)},
                )
                for point in curve.points
            ),
        )
