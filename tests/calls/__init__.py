"""Generate recorded calls whose truth is known: hidden parameters, scripts, usage, and the logs that show them."""
