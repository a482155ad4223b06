"""What people ask, and the one shape of the answers."""
