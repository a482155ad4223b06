"""Read price tables that others publish, as they were saved."""
