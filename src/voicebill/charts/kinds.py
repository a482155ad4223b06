"""Name the charts of estimates and comparisons, the default first. `draw` has their functions; it is imported to draw only."""

ESTIMATE_CHARTS = ("turns", "cumulative", "lengths")
SENSITIVITY_CHART = "sensitivity"
"""The chart of an estimate's sensitivity, which is calculated from the plan."""
COMPARISON_CHARTS = ("offers", "break-even")
