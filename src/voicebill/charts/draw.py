"""One function for each picture; each gives an SVG or PNG, with a title, units and a line that says what it rests on."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

from voicebill.answers.comparison.break_even import UNITS, BreakEvenCurve
from voicebill.answers.comparison.compare import Comparison, split_by_ending
from voicebill.answers.escaping import chart_text
from voicebill.answers.estimates.estimate import Estimate
from voicebill.answers.estimates.model_selection import ResolvedModel
from voicebill.answers.provisioned.result import PtuSizing
from voicebill.answers.recorded.result import Cost
from voicebill.answers.replay.replay import Replay
from voicebill.answers.reports.chart_data import (
    METER_LABELS,
    PAY_AS_YOU_GO,
    TRANSCRIPTION,
    BandRow,
    BarRow,
    break_even_points,
    bridge_bars,
    cost_bars,
    cost_by_length,
    cumulative_costs,
    explanation_bars,
    fit_bars,
    is_time_series,
    monthly_points,
    offer_ranges,
    sweep_points,
    tornado,
    turn_costs,
)
from voicebill.answers.sensitivity.sensitivity import Swing
from voicebill.answers.sessions.fit import Fit
from voicebill.answers.sessions.log_explanation import LogExplanation
from voicebill.answers.sessions.session_explanation import SessionExplanation
from voicebill.billing.errors import InvalidInput, NotAvailable, VoicebillError
from voicebill.billing.money import format_amount
from voicebill.charts.kinds import ESTIMATE_CHARTS
from voicebill.charts.themes import THEMES, Theme
from voicebill.extras import import_extra

LIGHT_THEME = THEMES["light"]
LINE_TYPES = ["solid", "dashed", "dotdash", "longdash", "dotted", "twodash"]
"""Lines are told apart by more than their colour."""

COMPACT_WIDTH = 560
"""Below so many pixels titles are smaller, and legends have two columns."""

FONT_SETTINGS = Path("/etc/fonts/fonts.conf")
"""Where a Linux system says which fonts it has."""


class MissingFont(VoicebillError, LookupError):
    """A machine without a font, such as a small container, cannot draw a PNG."""


def turns_chart(answer: Estimate, theme: Theme = LIGHT_THEME) -> Any:  # noqa: ANN401 - lets-plot's plot
    """Cost per turn, stacked by what it is for."""
    lp, rows = _lets_plot(), turn_costs(answer)
    all_kinds = dict.fromkeys((*METER_LABELS.values(), TRANSCRIPTION))
    kinds = [kind for kind in all_kinds if any(row.kind == kind for row in rows)]
    data = {
        "turn": [row.turn for row in rows],
        "for": [row.kind for row in rows],
        "dollars": [row.dollars for row in rows],
    }
    fills = dict(zip(all_kinds, theme.fills, strict=True))
    plot = (
        lp.ggplot(data, lp.aes("turn", "dollars", fill=lp.as_discrete("for", levels=kinds[::-1])))
        + lp.geom_bar(
            stat="identity", width=0.85, color=theme.paper, tooltips=lp.layer_tooltips().line("@for").line("@dollars")
        )
        + lp.scale_fill_manual(values=[fills[kind] for kind in kinds], breaks=kinds, name="")
        + lp.labs(x="turn", y="dollars a turn, expected")
        + lp.theme(panel_grid_major_x="blank")
    )
    if theme.width < COMPACT_WIDTH:
        plot += lp.guides(fill=lp.guide_legend(ncol=2))
    return _apply_theme(lp, plot, "What each turn costs", _provenance(answer.model), theme)


def cumulative_chart(answer: Estimate, theme: Theme = LIGHT_THEME) -> Any:  # noqa: ANN401 - lets-plot's plot
    """Cumulative cost with the band from best to worst."""
    return _band(
        cumulative_costs(answer), ("turn", "dollars so far"), "What the conversation has cost by each turn", answer.model, theme
    )


def lengths_chart(answer: Estimate, theme: Theme = LIGHT_THEME) -> Any:  # noqa: ANN401 - lets-plot's plot
    """Cost against the length of the call."""
    return _band(
        cost_by_length(answer), ("minutes", "dollars a conversation"), "What calls of other lengths cost", answer.model, theme
    )


def sensitivity_chart(swings: Sequence[Swing], model: ResolvedModel, theme: Theme = LIGHT_THEME) -> Any:  # noqa: ANN401 - lets-plot's plot
    """The tornado: what each assumption moves."""
    lp, rows = _lets_plot(), tornado(swings)
    plot = _bars(lp, rows, "dollars added to a conversation, expected", theme)
    plot += lp.geom_vline(xintercept=0, color=theme.line, size=0.6)
    return _apply_theme(lp, plot, "Sensitivity", _provenance(model), theme, rows=len(rows))


def offers_chart(answer: Comparison, theme: Theme = LIGHT_THEME) -> Any:  # noqa: ANN401 - lets-plot's plot
    """Every offer from best to worst, the expected amount marked.

    Raises:
        NotAvailable: none of them can be estimated.
    """
    lp, rows = _lets_plot(), offer_ranges(answer)
    estimates = [offer_estimate.answer for offer_estimate in answer.candidates if offer_estimate.answer]
    if not estimates:
        reason = answer.candidates[0].reason if answer.candidates else "there is none on this day"
        raise NotAvailable(f"no offer can be drawn: {reason}")
    marks = {"label": [row.label for row in rows], "mark": [row.mark for row in rows]}
    plot = _bars(lp, rows, "dollars a conversation", theme)
    plot += lp.geom_point(lp.aes("mark", "label"), data=marks, color=theme.line, size=3)
    _, ending = split_by_ending((row for row in answer.candidates if row.answer), include_ending=answer.include_ending)
    ending_note = "; below: models that end within 90 days" if ending else ""
    return _apply_theme(
        lp,
        plot,
        "One plan, every offer",
        _provenance(estimates[0].model, with_offer=False),
        theme,
        subtitle=f"from best to worst, expected marked{ending_note}",
        rows=len(rows),
    )


def break_even_chart(curve: BreakEvenCurve, day: date, digest: str, theme: Theme = LIGHT_THEME) -> Any:  # noqa: ANN401 - lets-plot's plot
    """Some ways along a range, expected, with a mark where the order of two of them changes; `digest` is that of the prices."""
    lp, rows, marks = _lets_plot(), sweep_points(curve), break_even_points(curve)
    data = {
        "at": [row.value for row in rows],
        "dollars": [row.dollars for row in rows],
        "way": [row.alternative for row in rows],
    }
    colours = (theme.line, theme.fills[1], theme.fills[2], theme.fills[5], theme.fills[3], theme.fills[4])
    plot = (
        lp.ggplot(data, lp.aes("at", "dollars", color=lp.as_discrete("way", levels=list(curve.names))))
        + lp.geom_line(lp.aes(linetype=lp.as_discrete("way", levels=list(curve.names))), size=1.3)
        + lp.scale_color_manual(values=list(colours[: len(curve.names)]), breaks=list(curve.names), name="")
        + lp.scale_linetype_manual(values=LINE_TYPES[: len(curve.names)], breaks=list(curve.names), name="")
        + lp.labs(
            x=_axis_title(UNITS[curve.sweep_range.axis], theme),
            y="dollars a month" if curve.sweep_range.axis == "volume" else "dollars a conversation",
        )
        + lp.expand_limits(y=0)
    )
    if marks:
        points = {"at": [mark.value for mark in marks], "dollars": [mark.dollars for mark in marks]}
        plot += lp.geom_vline(lp.aes(xintercept="at"), data=points, color=theme.soft, linetype="dotted", inherit_aes=False)
        plot += lp.geom_point(lp.aes("at", "dollars"), data=points, color=theme.ink, size=4, inherit_aes=False)
    if theme.is_narrow:
        plot += lp.guides(color=lp.guide_legend(ncol=1), linetype=lp.guide_legend(ncol=1))
    positions = ", ".join(f"{mark.value:,.4g}" for mark in marks)
    subtitle = f"the order changes at about {positions}" if marks else "the order never changes"
    return _apply_theme(lp, plot, "Break-even", f"voicebill: {day}; prices {digest}", theme, subtitle=subtitle)


def costs_chart(answer: Cost, theme: Theme = LIGHT_THEME) -> Any:  # noqa: ANN401 - lets-plot's plot
    """What conversations cost: by day or another time from left to right, by anything else the dearest first."""
    lp, rows = _lets_plot(), cost_bars(answer)
    over_time = is_time_series(answer)
    grouping = f"by {', '.join(answer.query.by)}" if answer.query.by else "by what was counted"
    labels = [row.label for row in rows]
    if over_time:
        data = {"label": labels, "low": [row.mark for row in rows], "high": [row.high for row in rows]}
        plot = lp.ggplot(data, lp.aes("label"))
        for side, fill in (("high", theme.pale), ("low", theme.soft)):
            plot += lp.geom_bar(lp.aes(y=side), stat="identity", width=0.85, fill=fill, color=theme.paper)
        plot += lp.labs(x=answer.query.by[0], y="dollars") + lp.scale_x_discrete(limits=labels)
        plot += lp.theme(panel_grid_major_x="blank")
    else:
        plot = _bars(lp, [row._replace(low=row.mark) for row in rows], "dollars", replace(theme, soft=theme.pale))
        exact = {"label": labels, "none": [0.0] * len(rows), "low": [row.mark for row in rows]}
        ends = lp.aes(x="none", xend="low", y="label", yend="label")
        plot += lp.geom_segment(ends, data=exact, color=theme.soft, size=8)
    days = f"{answer.first} to {answer.last}; " if answer.first != answer.last else f"{answer.first}; "
    counts = f"{answer.counts.billed:,} records billed, {answer.counts.unpriced:,} unpriced"
    source = f"voicebill: {days}{counts}; prices {answer.prices.digest}"
    hidden_count = len(answer.groups) - len(rows) if answer.query.by else 0
    which = "the last" if over_time else "the dearest"
    subtitle_parts = [f"{which} {len(rows)} of {len(answer.groups):,}"] if hidden_count > 0 else []
    subtitle_parts += ["pale: what open counts may add"] if any(row.mark < row.high for row in rows) else []
    subtitle = "; ".join(subtitle_parts)
    return _apply_theme(
        lp, plot, f"Actual cost, {grouping}", source, theme, subtitle=subtitle, rows=0 if over_time else len(rows)
    )


def explanation_chart(answer: LogExplanation | SessionExplanation, theme: Theme = LIGHT_THEME) -> Any:  # noqa: ANN401 - lets-plot's plot
    """What calls cost by part, and what each cause of a cache loss has cost of it."""
    lp, rows = _lets_plot(), explanation_bars(answer)
    if not rows:
        raise InvalidInput("there is nothing to draw: no call is explained")
    calls = f"{answer.explained:,} calls" if isinstance(answer, LogExplanation) else f"call {answer.session.name}"
    source = f"voicebill: recorded usage at published prices, {format_amount(answer.amount)} in all"
    plot = _bars(lp, rows, "dollars", theme)
    return _apply_theme(lp, plot, f"What {calls} cost", source, theme, rows=len(rows))


def fit_chart(answer: Fit, theme: Theme = LIGHT_THEME) -> Any:  # noqa: ANN401 - lets-plot's plot
    """The fitted parameters with their intervals, as multiples of the defaults that they replace."""
    lp, rows = _lets_plot(), fit_bars(answer)
    if not rows:
        raise InvalidInput("there is nothing to draw: no plan is fitted")
    marks = {"label": [row.label for row in rows], "mark": [row.mark for row in rows]}
    plot = _bars(lp, rows, "times the default", theme)
    plot += lp.geom_vline(xintercept=1, color=theme.text, linetype="dashed")
    plot += lp.geom_point(lp.aes("mark", "label"), data=marks, color=theme.line, size=3)
    source = f"voicebill: fitted to {answer.calls:,} calls of {answer.model}"
    subtitle = "99% intervals, values marked"
    return _apply_theme(
        lp, plot, "What the calls show instead of the defaults", source, theme, subtitle=subtitle, rows=len(rows)
    )


def replay_chart(answer: Replay, theme: Theme = LIGHT_THEME) -> Any:  # noqa: ANN401 - lets-plot's plot
    """The bridge from what was paid to what the calls would have cost with the cheapest offer or stack."""
    lp, row = _lets_plot(), answer.target(None)
    if row is None:
        raise InvalidInput("there is nothing to draw: the calls cannot be replayed with any offer")
    rows = bridge_bars(row)
    marks = {"label": [bar.label for bar in rows], "mark": [bar.mark for bar in rows]}
    plot = _bars(lp, rows, "dollars", theme)
    plot += lp.geom_point(lp.aes("mark", "label"), data=marks, color=theme.line, size=3)
    source = f"voicebill: {row.calls:,} recorded calls, replayed by prices and rules of {answer.request.day}"
    return _apply_theme(lp, plot, f"From what was paid to {row.name}", source, theme, rows=len(rows))


def ptu_costs_chart(answer: PtuSizing, theme: Theme = LIGHT_THEME) -> Any:  # noqa: ANN401 - lets-plot's plot
    """A month at each average load: units by commitment, and pay as you go."""
    lp, points = _lets_plot(), list(monthly_points(answer))
    labels = [PAY_AS_YOU_GO, *(commitment_option.commitment.label for commitment_option in answer.options)]
    if not points:
        raise InvalidInput(f"there is nothing to draw: {answer.missing_reason}")
    data = {name: list(column) for name, column in zip(("calls", "way", "dollars"), zip(*points, strict=True), strict=True)}
    colors = (theme.line, theme.fills[3], theme.soft, theme.fills[1])
    plot = (
        lp.ggplot(data, lp.aes("calls", "dollars", color=lp.as_discrete("way", levels=labels), linetype="way"))
        + lp.geom_line(size=1.2)
        + lp.scale_color_manual(values=list(colors), breaks=labels, name="")
        + lp.scale_linetype_manual(values=["solid", "dotted", "dashed", "longdash"], breaks=labels, name="")
        + lp.labs(x=_axis_title("calls a minute on average, around the clock", theme), y="dollars a month")
        + lp.expand_limits(y=0)
    )
    if theme.width < COMPACT_WIDTH:
        plot += lp.guides(color=lp.guide_legend(ncol=2))
    model = answer.throughput.model
    title = f"A month of {answer.bought:,} PTUs, and pay as you go"
    source = f"voicebill: {model} at azure ({answer.request.deployment}), {answer.request.day}; provisioned {answer.digest}"
    return _apply_theme(lp, plot, title, source, theme)


def save(plot: Any, file: Path) -> None:  # noqa: ANN401 - lets-plot's plot
    """Write a picture as SVG or PNG, by the file's ending.

    Raises:
        InvalidInput: the ending is another, or the file cannot be written.
        MissingFont: this machine has no font for a PNG.
    """
    kind = file.suffix.lower()
    if kind not in (".svg", ".png"):
        raise InvalidInput(f"a picture is a .svg or a .png file, not {file}")
    try:
        file.write_bytes(render(plot, kind.removeprefix(".")))
    except OSError as error:
        raise InvalidInput(f"{file} cannot be written: {error.strerror}") from None


def render(plot: Any, kind: str) -> bytes:  # noqa: ANN401 - lets-plot's plot
    """A picture as the bytes of an SVG or a PNG.

    Raises:
        MissingFont: this machine has no font for a PNG.
    """
    return normalize_svg_ids(plot.to_svg()).encode() if kind == "svg" else to_png(plot)


def to_png(plot: Any) -> bytes:  # noqa: ANN401 - lets-plot's plot
    """A picture as PNG, two pixels for each of its own.

    lets-plot's fontconfig looks for its settings where it was built, and complains; the environment of this process names those
    of the system from then on. Of a missing font only a text of lets-plot tells.

    Raises:
        MissingFont: this machine has no font.
    """
    if FONT_SETTINGS.is_file():
        os.environ.setdefault("FONTCONFIG_PATH", str(FONT_SETTINGS.parent))
    out = BytesIO()
    try:
        plot.to_png(out, scale=2)
    except ValueError as error:
        if "FontManager" not in str(error):
            raise
        message = "a PNG needs a font, and this machine has none: install one, such as DejaVu, or take the .svg"
        raise MissingFont(message) from None
    return out.getvalue()


def normalize_svg_ids(svg: str) -> str:
    """An SVG with its generated ids numbered in order, so that the same picture is the same text.

    >>> normalize_svg_ids('<g id="xK9fQ2aa"/><use href="#xK9fQ2aa"/>')
    '<g id="i0"/><use href="#i0"/>'
    """
    for number, old_id in enumerate(dict.fromkeys(re.findall(r'\bid="([^"]+)"', svg))):
        svg = re.sub(rf"(?<![\w-]){re.escape(old_id)}(?![\w-])", f"i{number}", svg)
    return svg


def _band(rows: Sequence[BandRow], axes: tuple[str, str], title: str, model: ResolvedModel, theme: Theme) -> Any:  # noqa: ANN401 - lets-plot's plot
    lp = _lets_plot()
    data = {
        "at": [row.value for row in rows],
        "best": [row.best for row in rows],
        "expected": [row.expected for row in rows],
        "worst": [row.worst for row in rows],
    }
    plot = (
        lp.ggplot(data, lp.aes("at"))
        + lp.geom_ribbon(lp.aes(ymin="best", ymax="worst"), fill=theme.pale, alpha=0.9, size=0)
        + lp.geom_line(lp.aes(y="worst"), color=theme.soft, size=0.7, linetype="dashed")
        + lp.geom_line(lp.aes(y="best"), color=theme.soft, size=0.7, linetype="dotted")
        + lp.geom_line(lp.aes(y="expected"), color=theme.line, size=1.4)
        + lp.labs(x=axes[0], y=axes[1])
        + lp.expand_limits(y=0)
    )
    return _apply_theme(lp, plot, title, _provenance(model), theme, subtitle="best (dotted), expected, worst (dashed)")


def _bars(lp: Any, rows: Sequence[BarRow], x: str, theme: Theme) -> Any:  # noqa: ANN401 - lets-plot and its plot
    labels = [row.label for row in rows]
    shown_labels = [_wrapped(label, theme.width * BAR_LABEL_SHARE, theme.axis_text_size) for label in labels]
    data = {"label": labels, "low": [row.low for row in rows], "high": [row.high for row in rows]}
    return (
        lp.ggplot(data)
        + lp.geom_segment(lp.aes(x="low", xend="high", y="label", yend="label"), color=theme.soft, size=8)
        + lp.scale_y_discrete(limits=labels[::-1], labels=shown_labels[::-1], expand=[0, 0.6])
        + lp.expand_limits(x=0)
        + lp.labs(x=_axis_title(x, theme), y="")
    )


def _apply_theme(
    lp: Any,  # noqa: ANN401 - lets-plot
    plot: Any,  # noqa: ANN401 - lets-plot's plot
    title: str,
    source: str,
    theme: Theme,
    *,
    subtitle: str = "",
    rows: int = 0,
) -> Any:  # noqa: ANN401 - lets-plot's plot
    title_size = 15 if theme.width < COMPACT_WIDTH else 18
    plot_theme = lp.theme(
        text=lp.element_text(color=theme.text),
        plot_title=lp.element_text(size=title_size, face="bold", color=theme.ink, margin=[0, 0, 8, 0]),
        plot_subtitle=lp.element_text(size=AXIS_TITLE_SIZE, color=theme.text),
        plot_caption=lp.element_text(size=SOURCE_SIZE, color=theme.text, hjust=0, margin=[10, 0, 0, 0]),
        axis_text=lp.element_text(size=theme.axis_text_size, color=theme.text),
        axis_title=lp.element_text(size=AXIS_TITLE_SIZE, color=theme.text),
        legend_text=lp.element_text(size=11 if theme.width < COMPACT_WIDTH else 12, color=theme.text),
        legend_position="bottom" if theme.is_narrow else "right",
        legend_background="blank",
        panel_grid_major=lp.element_line(color=theme.grid),
        panel_grid_minor="blank",
        panel_background=lp.element_rect(fill=theme.paper, color=theme.paper),
        plot_title_position="plot",
        plot_caption_position="plot",
        plot_margin=[14, 18, 12, 12],
        plot_background=lp.element_rect(fill=theme.paper, color=theme.paper),
    )
    height = max(theme.height, 130 + (NARROW_ROW_HEIGHT if theme.is_narrow else 24) * rows)
    room = theme.width - 30
    labels = lp.labs(
        title=_wrapped(title, room, title_size, per_em=BOLD_CHARACTER_EM),
        subtitle=_wrapped(subtitle, room, AXIS_TITLE_SIZE) or None,
        caption=_wrapped(source, room, SOURCE_SIZE),
    )
    return plot + labels + lp.theme_minimal() + plot_theme + lp.ggsize(theme.width, height)


def _provenance(model: ResolvedModel, *, with_offer: bool = True) -> str:
    """What an answer stands on."""
    offer, effective_rules = model.quote.offer, model.effective_rules
    offer_text = f"{offer.name} at {offer.provider}, " if with_offer else ""
    facts = f"rules {effective_rules.name} ({effective_rules.digest}), prices {model.facts.prices.digest}"
    return f"voicebill: {offer_text}{model.selection.day}; {facts}"


CHARACTER_EM = 0.56
"""The width of a character on average, as a share of the size of its font; lets-plot measures no text."""

BOLD_CHARACTER_EM = 0.62
AXIS_TITLE_SIZE = 13
SOURCE_SIZE = 11

BAR_LABEL_SHARE = 0.42
"""The share of the width that the labels of bars take at most."""

NARROW_ROW_HEIGHT = 38
"""Pixels for a row whose label has three lines: lets-plot omits labels that overlap."""


def _wrapped(text: str, pixels: float, size: float, *, per_em: float = CHARACTER_EM) -> str:
    """A text in lines that have room in so many pixels, divided at spaces and before slashes.

    >>> _wrapped("What the conversation has cost by each turn", 290, 15).splitlines()
    ['What the conversation has cost by', 'each turn']
    >>> _wrapped("azure/gpt-realtime/data-zone", 130, 10).splitlines()
    ['azure/gpt-realtime', '/data-zone']
    """
    characters = max(int(pixels / (size * per_em)), 8)
    lines = [""]
    for piece in re.findall(r"[ /]?[^ /]*", text):
        if len(lines[-1]) + len(piece) > characters and lines[-1]:
            lines.append("")
        lines[-1] += piece if lines[-1] else piece.lstrip(" ")
    return "\n".join(lines)


def _axis_title(text: str, theme: Theme) -> str:
    """The title of a horizontal axis, which is below the area and narrower than the chart."""
    return _wrapped(text, theme.width * (1 - BAR_LABEL_SHARE) - 40, AXIS_TITLE_SIZE)


class _LetsPlot:
    """The functions of lets-plot, to which texts are passed without what lets-plot would take for markup."""

    def __init__(self, module: Any) -> None:  # noqa: ANN401 - an optional module
        self._module = module

    def __getattr__(self, name: str) -> Callable[..., Any]:
        function = getattr(self._module, name)
        return lambda *values, **settings: function(*_plain_texts(values), **_plain_texts(settings))


def _plain_texts(value: Any) -> Any:  # noqa: ANN401 - any argument of lets-plot
    match value:
        case str():
            return chart_text(value)
        case dict():
            return {key: _plain_texts(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain_texts(item) for item in value]
        case _:
            return value


def _lets_plot() -> Any:  # noqa: ANN401 - an optional module
    return _LetsPlot(import_extra("plot", "drawing charts", "lets_plot"))


ESTIMATE_FUNCTIONS: Mapping[str, Callable[[Estimate, Theme], Any]] = dict(
    zip(ESTIMATE_CHARTS, (turns_chart, cumulative_chart, lengths_chart), strict=True)
)
"""The function of each chart of an estimate."""
