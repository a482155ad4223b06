"""Inline charts in a browser: no label is clipped or on another at any width, series differ in grey, and texts stay texts."""

import re
from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
from markupsafe import escape
from playwright.sync_api import Page

from tests.cases import DAY, long_but
from tests.web.sites import SITE
from voicebill.answers.recorded.cost import cost
from voicebill.answers.recorded.python_engine import PythonEngine
from voicebill.answers.recorded.query import CostQuery
from voicebill.answers.reports.chart_data import MAX_TIME_BARS, BandRow, BarRow
from voicebill.billing.record import Record
from voicebill.billing.usage import Usage
from voicebill.charts.inline.axes import Scale, number_ticks
from voicebill.charts.inline.columns import ChartColumn, ColumnsChart, ColumnSeries, columns_chart
from voicebill.charts.inline.cost_charts import cost_columns
from voicebill.charts.inline.estimate_charts import KINDS_BY_STYLE, scenario_lines
from voicebill.charts.inline.lines import LinesChart, lines_chart
from voicebill.charts.inline.spans import SpansChart, amount_spans
from voicebill.facts import load_facts
from voicebill.web.pages import Pages
from voicebill.web.site import Site

WIDTHS = (300, 320, 390, 640, 1280)
QUERIES = (
    "",
    "turns=1&minutes=1",
    "turns=1000&minutes=1000",
    "minutes=90&turns=60&session_minutes=20",
    "turns=40&images=9&minutes=30&transcription_model=gpt-4o-transcribe&tool_calls=5",
    "model=gpt-realtime-mini&minutes=2&turns=3",
)
HOSTILE = '<img src=x onerror="alert(1)">\u202e\x1b[2J"\'&'
MAX_CHART_BYTES = 25_000

FAULTS = """() => {
  const faults = []
  for (const figure of document.querySelectorAll('figure.plot')) {
    const edge = figure.getBoundingClientRect()
    const texts = [...figure.querySelectorAll('text, .plot-title, .keys li, .label, .value, .plot-axis, figcaption a')]
      .map(text => [text.textContent.trim(), text.getBoundingClientRect()])
      .filter(([text, box]) => text && box.width)
    if (texts.length < 5) faults.push('few texts')
    for (const [text, box] of texts)
      if (box.left < edge.left || box.right > edge.right || box.top < edge.top || box.bottom > edge.bottom)
        faults.push(`${text} is outside of its chart`)
    texts.forEach(([one, a], index) => texts.slice(index + 1).forEach(([other, b]) => {
      if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 0.5 &&
          Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 0.5) faults.push(`${one} is on ${other}`)
    }))
  }
  return faults
}"""


@pytest.fixture(scope="module")
def pages() -> Pages:
    return Pages(Site(today=lambda: DAY, facts=load_facts()))


def render_chart(pages: Pages, macro: str, chart: ColumnsChart | LinesChart | SpansChart, name: str = "sample") -> str:
    """A chart as the template writes it."""
    template = f"{{% from '_charts.html' import {macro} with context %}}{{{{ {macro}(chart, name) }}}}"
    return pages.templates.from_string(template).render(chart=chart, name=name)


def columns_of(dollars: float, count: int = 30) -> ColumnsChart:
    """Columns of all kinds of usage."""
    series = [ColumnSeries(kind, style) for style, kind in enumerate(KINDS_BY_STYLE)]
    columns = [ChartColumn(day, day + 1, f"day {day}", (dollars,) * len(series)) for day in range(count)]
    ticks = number_ticks(Scale(0, count), 0, count - 1, integers_only=True)
    return columns_chart(columns, series, ticks, title="Costs", unit="dollars a day", axis="day", about="Costs by day")


def lines_of(best: float, expected: float, worst: float) -> LinesChart:
    """Lines of three hours."""
    rows = [BandRow(hour, best * hour, expected * hour, worst * hour) for hour in range(1, 4)]
    scale = Scale(0, 3)
    return lines_chart(
        [row.value for row in rows],
        scenario_lines(rows),
        scale,
        number_ticks(scale, 0, 3),
        title="Load",
        unit="dollars",
        axis="hour",
        about="Load by hour",
        value_name="hour {}",
        band=(0, 2),
    )


def spans_of(dollars: float) -> SpansChart:
    """Rows of amounts with long labels."""
    rows = [
        BarRow(f"azure/gpt-realtime-1.5/data-zone-standard/rank-{rank}", 0.0, dollars * rank * 3, dollars * rank)
        for rank in range(1, 8)
    ]
    return amount_spans(rows, title="Offers", unit="dollars a conversation", about="Offers by cost")


def show_charts(page: Page, pages: Pages, width: int, *charts: str) -> None:
    """Fill an empty page with charts alone."""
    page.set_viewport_size({"width": width, "height": 800})
    css = pages.files["voicebill.css"].decode()
    page.set_content(f"<!doctype html><style>{css}</style><main>{''.join(charts)}</main>")


@pytest.mark.parametrize("query", long_but(QUERIES[:2], QUERIES))
def test_no_label_of_the_page_is_clipped_or_on_another(page: Page, address: str, query: str) -> None:
    page.goto(f"{address}/?{query}")
    assert page.locator("figure.plot").count() == 4
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate(FAULTS) == [], width


@pytest.mark.parametrize("by", long_but(("", "hour"), ["", "day", "hour", "meter", "session,turn", "offer,hour,session"]))
def test_no_label_of_the_cost_of_a_log_is_clipped_or_on_another(page: Page, address: str, by: str) -> None:
    page.goto(f"{address}/cost?sample=support-day&by={by}")
    assert page.locator("figure.plot").count() == 1
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate(FAULTS) == [], width


@pytest.mark.parametrize("field", ["day", "hour", "month"])
def test_no_label_of_many_times_is_clipped_or_on_another(empty_page: Page, pages: Pages, field: str) -> None:
    """120 days, hours or months, the most that are drawn."""
    start = datetime(2026, 10, 1, tzinfo=UTC)
    step = {"day": timedelta(days=1), "hour": timedelta(hours=1), "month": timedelta(days=30)}[field]
    records = [
        Record(
            key=f"{number}",
            kind="response",
            usage_candidates=(Usage.tokens(audio_out=100 * (number % 9 + 1)),),
            source="log",
            line_number=1,
            model="gpt-realtime-1.5",
            day=(start + number * step).date(),
            time=start + number * step,
        )
        for number in range(MAX_TIME_BARS)
    ]
    answer = cost(PythonEngine(records), CostQuery(by=(field,)), load_facts().prices)
    chart = cost_columns(answer)
    assert chart is not None
    page = empty_page
    show_charts(page, pages, 1280, render_chart(pages, "columns", chart))
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate(FAULTS) == [], width


@pytest.mark.parametrize("dollars", long_but((0.0, 9_876_543.0), [0.0, 0.000003, 0.4, 77.0, 12_345.0, 9_876_543.0]))
def test_no_label_of_tiny_and_huge_amounts_is_clipped_or_on_another(empty_page: Page, pages: Pages, dollars: float) -> None:
    charts = (
        render_chart(pages, "columns", columns_of(dollars)),
        render_chart(pages, "lines", lines_of(dollars, dollars, dollars), "same"),
        render_chart(pages, "lines", lines_of(dollars / 3, dollars, dollars * 3), "different"),
        render_chart(pages, "spans", spans_of(dollars), "amounts"),
    )
    page = empty_page
    show_charts(page, pages, 1280, *charts)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate(FAULTS) == [], width


def test_the_check_sees_labels_that_are_clipped_or_on_another(empty_page: Page, pages: Pages) -> None:
    chart = render_chart(pages, "lines", lines_of(1, 1, 1))
    one_height = re.sub(r'(<text class="(?:strong|dotted|dashed)" x="100%" y=")[^"]+', r"\g<1>50%", chart)
    for faulty in (one_height, chart.replace('x="100%"', 'x="130%"')):
        show_charts(empty_page, pages, 390, faulty)
        assert empty_page.evaluate(FAULTS) != []


def test_a_chart_is_at_most_50_millimetres_high_on_paper(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 800, "height": 900})
    page.goto(address)
    page.emulate_media(media="print")
    heights = page.locator("figure.plot").evaluate_all("figures => figures.map(figure => figure.offsetHeight)")
    assert 0 < max(heights) <= 50 / 25.4 * 96


@pytest.mark.parametrize("query", QUERIES)
def test_a_chart_is_small_and_names_its_marks_once(query: str) -> None:
    text = SITE.get(f"/?{query}").text
    figures = re.findall(r'<figure class="plot">.*?</figure>', text, re.DOTALL)
    assert len(figures) == 4
    assert max(len(figure.encode()) for figure in figures) < MAX_CHART_BYTES
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\(#([^)]+)\)", text)) <= set(ids)
    assert "style=" not in "".join(figures)


def lightness(colour: str) -> float:
    """The lightness L* of a colour, from 0 to 100."""
    digits = colour.lstrip("#")
    channels = [int(digit * 2, 16) for digit in digits] if len(digits) == 3 else list(bytes.fromhex(digits))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (channel / 255 for channel in channels)]
    luminance = sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    return 116 * luminance ** (1 / 3) - 16 if luminance > 0.008856 else 903.3 * luminance


def test_lightness_is_that_of_grey() -> None:
    assert (lightness("#000"), lightness("#ffffff")) == pytest.approx((0, 100), abs=0.01)
    assert lightness("#777777") == pytest.approx(50, abs=0.6)


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
def test_series_differ_by_20_of_lightness_or_by_their_pattern(empty_page: Page, pages: Pages, scheme: str) -> None:
    chart = render_chart(pages, "columns", columns_of(1.0))
    patterns = dict(re.findall(r'<rect class="c(\d)"[^>]*/>(?:<path class="p\d" d="([^"]+)"/>)?', chart))
    assert len(patterns) == len(KINDS_BY_STYLE)
    page = empty_page
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    show_charts(page, pages, 640, chart)
    if scheme == "print":
        page.emulate_media(media="print")

    def colour(name: str) -> str:
        return str(page.evaluate(f"getComputedStyle(document.documentElement).getPropertyValue('--{name}').trim()"))

    for style, pattern in patterns.items():
        if pattern:
            assert abs(lightness(colour(f"c{style}")) - lightness(colour(f"p{style}"))) >= 15, f"pattern {style} cannot be seen"
    for one, other in combinations(patterns, 2):
        difference = abs(lightness(colour(f"c{one}")) - lightness(colour(f"c{other}")))
        assert difference >= 20 or patterns[one] != patterns[other], f"{one} and {other}"


def test_without_colours_of_its_own_a_chart_is_drawn_in_the_systems(empty_page: Page, pages: Pages) -> None:
    chart = render_chart(pages, "columns", columns_of(1.0))
    page = empty_page
    page.emulate_media(forced_colors="active")
    show_charts(page, pages, 640, chart)
    fills = page.locator("pattern rect").evaluate_all("rects => rects.map(rect => getComputedStyle(rect).fill)")
    patterns = page.locator("pattern").evaluate_all("all => all.map(one => one.querySelector('path')?.getAttribute('d') ?? '')")
    looks = list(zip(fills, patterns, strict=True))
    assert len(set(looks)) == len(looks) == len(KINDS_BY_STYLE)


def test_hostile_labels_are_texts(empty_page: Page, pages: Pages) -> None:
    series = [ColumnSeries(HOSTILE, 0), ColumnSeries(f"{HOSTILE}2", 1)]
    columns = columns_chart(
        [ChartColumn(0, 1, HOSTILE, (1.0, 2.0))], series, (), title=HOSTILE, unit=HOSTILE, axis=HOSTILE, about=HOSTILE
    )
    spans = amount_spans([BarRow(HOSTILE, 0.0, 3.0, 2.0)], title=HOSTILE, unit=HOSTILE, about=HOSTILE)
    charts = render_chart(pages, "columns", columns) + render_chart(pages, "spans", spans, "amounts")
    assert "\u202e" not in charts
    assert "\x1b" not in charts
    page = empty_page
    show_charts(page, pages, 640, charts)
    assert page.locator("img").count() == 0
    assert page.locator("[onerror]").count() == 0
    assert page.locator(".spans .label").inner_text() == HOSTILE.replace("\u202e", "\\u202e").replace("\x1b", "\\x1b")
    assert str(escape("<img src=x")) in charts


def test_a_row_is_read_as_text(empty_page: Page, pages: Pages) -> None:
    page = empty_page
    show_charts(page, pages, 640, render_chart(pages, "spans", spans_of(1.0)))
    row = page.get_by_role("listitem").filter(has_text="rank-2")
    assert row.get_by_role("img").get_attribute("aria-label") == "$2.00 to $6.00"
    bar, track = row.locator("rect.open").bounding_box(), row.locator("svg").bounding_box()
    assert bar is not None
    assert track is not None
    assert bar["width"] / track["width"] == pytest.approx(4 / 21, abs=0.005)
