"""Name the charts of an estimate; `draw` has their functions, and is imported only where a chart is drawn."""

ESTIMATE_CHARTS = ("turns", "cumulative", "lengths")
SENSITIVITY_CHART = "sensitivity"
"""The chart of an estimate's sensitivity, which is calculated from the plan."""
