"""Plan capacity: calls in the busy hour, concurrent calls, and the quota they need."""
