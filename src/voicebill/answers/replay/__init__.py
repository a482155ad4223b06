"""Replay recorded calls: what the same calls would have cost elsewhere, or with a change, and why."""
