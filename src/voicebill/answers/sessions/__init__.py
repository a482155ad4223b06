"""Reconstruct recorded sessions: explain what each cost and why, and fit a plan to them."""
