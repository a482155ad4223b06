"""Test the replay of recorded calls."""
