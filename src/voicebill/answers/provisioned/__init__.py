"""Size provisioned throughput (PTUs) for a load of model calls."""
