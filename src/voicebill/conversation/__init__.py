"""How talk becomes usage: rules, plan, script, counting, context, cache. Measured, hence parameters."""
