"""Model how a conversation becomes usage: rules, plan, script, token counting, context, cache."""
