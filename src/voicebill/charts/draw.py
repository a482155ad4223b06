"""One function for each picture; each gives an SVG or PNG, with a title, units and a line that says what it rests on."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from voicebill.answers.compare import Comparison
from voicebill.answers.estimate import Estimate
from voicebill.answers.knobs import Effect
from voicebill.answers.offered import Offered
from voicebill.answers.pictures import (
    KINDS,
    TRANSCRIPTION,
    BandRow,
    BarRow,
    by_length,
    cumulative,
    per_turn,
    side_by_side,
    tornado,
)
from voicebill.billing.errors import InvalidInput, VoicebillError

WIDTH, HEIGHT = 900, 480
INK, SOFT, PALE = "#1f3b57", "#5b8db8", "#cfe0ee"
FILLS = ("#16324f", "#7a5195", "#3f7cac", "#8c8c8c", "#a6cbe3", "#f2c57c", "#dedede")
"""From dark to light, so that they stay apart in grey; the cache and the transcription, which are cheap, are the lightest."""


class MissingPlot(VoicebillError, ImportError):
    """Drawing needs an optional part of the package."""


def turns(answer: Estimate) -> Any:  # noqa: ANN401 - lets-plot's plot
    """Cost per turn, stacked by what it is for."""
    lp, rows = _lets_plot(), per_turn(answer)
    known = dict.fromkeys((*KINDS.values(), TRANSCRIPTION))
    kinds = [kind for kind in known if any(row.kind == kind for row in rows)]
    data = {
        "turn": [row.turn for row in rows],
        "for": [row.kind for row in rows],
        "dollars": [row.dollars for row in rows],
    }
    fills = dict(zip(known, FILLS, strict=True))
    plot = (
        lp.ggplot(data, lp.aes("turn", "dollars", fill=lp.as_discrete("for", levels=kinds[::-1])))
        + lp.geom_bar(stat="identity", width=0.85, tooltips=lp.layer_tooltips().line("@for").line("@dollars"))
        + lp.scale_fill_manual(values=[fills[kind] for kind in kinds[::-1]], name="")
        + lp.labs(x="turn", y="dollars a turn, expected")
    )
    return _dressed(lp, plot, "What each turn costs", answer.offered)


def growing(answer: Estimate) -> Any:  # noqa: ANN401 - lets-plot's plot
    """Cumulative cost with the band from best to worst."""
    return _band(cumulative(answer), "turn", "dollars so far", "What the conversation has cost by each turn", answer.offered)


def lengths(answer: Estimate) -> Any:  # noqa: ANN401 - lets-plot's plot
    """Cost against the length of the call."""
    return _band(by_length(answer), "minutes", "dollars a conversation", "What calls of other lengths cost", answer.offered)


def knobs(moved: Sequence[Effect], sold: Offered) -> Any:  # noqa: ANN401 - lets-plot's plot
    """The tornado: what each assumption moves."""
    lp, rows = _lets_plot(), tornado(moved)
    plot = _bars(lp, rows, "dollars added to a conversation, expected") + lp.geom_vline(xintercept=0, color=INK, size=0.6)
    return _dressed(lp, plot, "What each assumption moves", sold)


def offers(answer: Comparison) -> Any:  # noqa: ANN401 - lets-plot's plot
    """Every offer from best to worst, the expected amount marked."""
    lp, rows = _lets_plot(), side_by_side(answer)
    marks = {"label": [row.label for row in rows], "mark": [row.mark for row in rows]}
    plot = _bars(lp, rows, "dollars a conversation: best to worst, expected marked")
    plot += lp.geom_point(lp.aes("mark", "label"), data=marks, color=INK, size=3)
    cheapest = next(candidate.answer for candidate in answer.candidates if candidate.answer)
    drawn = _dressed(lp, plot, "One plan, every offer", cheapest.offered, named=False)
    return drawn + lp.ggsize(WIDTH, max(HEIGHT, 120 + 22 * len(rows)))


def save(plot: Any, file: Path) -> None:  # noqa: ANN401 - lets-plot's plot
    """Write a picture as SVG or PNG, by the file's ending.

    Raises:
        InvalidInput: the ending is another, or the file cannot be written.
    """
    lp = _lets_plot()
    kind = file.suffix.lower()
    if kind not in (".svg", ".png"):
        raise InvalidInput(f"a picture is a .svg or a .png file, not {file}")
    try:
        if kind == ".svg":
            file.write_text(steady(plot.to_svg()), encoding="utf-8")
        else:
            file.parent.stat()
            lp.ggsave(plot, file.name, path=str(file.parent), scale=2)
    except OSError as error:
        raise InvalidInput(f"{file} cannot be written: {error.strerror}") from None


def steady(svg: str) -> str:
    """An SVG with its generated ids numbered in order, so that the same picture is the same text.

    >>> steady('<g id="xK9fQ2aa"/><use href="#xK9fQ2aa"/>')
    '<g id="i0"/><use href="#i0"/>'
    """
    for number, generated in enumerate(dict.fromkeys(re.findall(r'\bid="([^"]+)"', svg))):
        svg = re.sub(rf"(?<![\w-]){re.escape(generated)}(?![\w-])", f"i{number}", svg)
    return svg


def _band(rows: Sequence[BandRow], x: str, y: str, title: str, sold: Offered) -> Any:  # noqa: ANN401 - lets-plot's plot
    lp = _lets_plot()
    data = {
        "at": [row.at for row in rows],
        "best": [row.best for row in rows],
        "expected": [row.expected for row in rows],
        "worst": [row.worst for row in rows],
    }
    plot = (
        lp.ggplot(data, lp.aes("at"))
        + lp.geom_ribbon(lp.aes(ymin="best", ymax="worst"), fill=PALE, alpha=0.9, size=0)
        + lp.geom_line(lp.aes(y="worst"), color=SOFT, size=0.7, linetype="dashed")
        + lp.geom_line(lp.aes(y="best"), color=SOFT, size=0.7, linetype="dotted")
        + lp.geom_line(lp.aes(y="expected"), color=INK, size=1.4)
        + lp.labs(x=x, y=f"{y}: best (dotted), expected, worst (dashed)")
        + lp.expand_limits(y=0)
    )
    return _dressed(lp, plot, title, sold)


def _bars(lp: Any, rows: Sequence[BarRow], x: str) -> Any:  # noqa: ANN401 - lets-plot and its plot
    labels = [row.label for row in rows]
    data = {"label": labels, "low": [row.low for row in rows], "high": [row.high for row in rows]}
    return (
        lp.ggplot(data)
        + lp.geom_segment(lp.aes(x="low", xend="high", y="label", yend="label"), color=SOFT, size=8)
        + lp.scale_y_discrete(limits=labels[::-1], expand=[0, 0.6])
        + lp.expand_limits(x=0)
        + lp.labs(x=x, y="")
    )


def _dressed(lp: Any, plot: Any, title: str, sold: Offered, *, named: bool = True) -> Any:  # noqa: ANN401 - lets-plot and its plot
    offer, ruling = sold.found.offer, sold.ruling
    what = f"{offer.name} at {offer.provider}, " if named else ""
    source = f"voicebill: {what}{sold.asked.day}; rules {ruling.name} ({ruling.digest}), prices {sold.facts.prices.digest}"
    theme = lp.theme(
        plot_title=lp.element_text(size=18, face="bold", color="#1a1a1a"),
        plot_caption=lp.element_text(size=11, color="#595959"),
        axis_text=lp.element_text(size=12, color="#333333"),
        axis_title=lp.element_text(size=13, color="#333333"),
        legend_text=lp.element_text(size=12, color="#333333"),
        panel_grid_minor="blank",
        plot_margin=[14, 18, 10, 12],
        plot_background=lp.element_rect(fill="white", color="white"),
    )
    return plot + lp.ggtitle(title) + lp.labs(caption=source) + lp.theme_minimal() + theme + lp.ggsize(WIDTH, HEIGHT)


def _lets_plot() -> Any:  # noqa: ANN401 - an optional module
    try:
        import lets_plot  # noqa: PLC0415 - an optional part
    except ImportError:
        raise MissingPlot("pictures need the extra 'plot': pip install 'voicebill[plot]'") from None
    return lets_plot
