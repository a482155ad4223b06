"""Define what answers contain: JSON, tables and chart data, for every interface."""
