"""Measure the four charts of the estimate page as inline SVG, and painted by lets-plot as they are downloaded.

Both start from the same answer; what calculates it and its sensitivity is not measured. Painted charts are not cached here.
"""

import gzip
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial

from jinja2 import Template

from voicebill import ModelSelection, Plan, estimate, load_facts
from voicebill.answers.estimates.estimate import Estimate
from voicebill.answers.sensitivity.sensitivity import Swing, sensitivity
from voicebill.charts import draw
from voicebill.charts.inline.estimate_charts import estimate_charts
from voicebill.web.pages import Pages
from voicebill.web.site import Site

ROUNDS = 30
DAY = date(2026, 11, 28)
SELECTION = ModelSelection(model="gpt-realtime-1.5", day=DAY)
PLANS = {"20 turns": Plan(minutes=10, turns=20), "1,000 turns": Plan(minutes=1000, turns=1000)}

TEMPLATE = """{% from '_charts.html' import columns, lines, spans with context %}
{{ columns(charts.turns, 'turns') }}{{ lines(charts.cumulative, 'cumulative') }}
{{ lines(charts.lengths, 'lengths') }}{{ spans(charts.sensitivity, 'sensitivity') }}"""


def main() -> None:
    """Run the benchmark and print the results."""
    facts = load_facts()
    template = Pages(Site(today=lambda: DAY, facts=facts)).templates.from_string(TEMPLATE)
    for name, plan in PLANS.items():
        answer, swings = estimate(plan, SELECTION, facts), sensitivity(plan, SELECTION, facts)

        measure(f"{name}: four charts as inline SVG", partial(write_charts, template, answer, swings))
        measure(f"{name}: four painted charts", partial(paint_charts, answer, swings))


def write_charts(template: Template, answer: Estimate, swings: Sequence[Swing]) -> list[bytes]:
    """The charts as a part of the page."""
    return [template.render(charts=estimate_charts(answer, swings)).encode()]


def paint_charts(answer: Estimate, swings: Sequence[Swing]) -> list[bytes]:
    """The charts as four files."""
    plots = [function(answer, draw.LIGHT_THEME) for function in draw.ESTIMATE_FUNCTIONS.values()]
    return [draw.render(plot, "svg") for plot in (*plots, draw.sensitivity_chart(swings, answer.model))]


def measure(name: str, make: Callable[[], list[bytes]]) -> None:
    """Print the median time of making documents, and their size."""
    documents, times = make(), []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        make()
        times.append(time.perf_counter() - start)
    size, compressed = (sum(map(len, files)) / 1024 for files in (documents, [gzip.compress(file) for file in documents]))
    print(f"{name:<45} {statistics.median(times) * 1e3:8.1f} ms {size:8.1f} KiB {compressed:8.1f} KiB with gzip")


if __name__ == "__main__":
    main()
