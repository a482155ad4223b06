"""Hold what exists on a day: facts, stacks, transports and latencies."""
