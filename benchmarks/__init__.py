"""Measurements beside peers, and what they measure on. `make bench` runs them."""
