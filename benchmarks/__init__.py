"""Measure voicebill and compare it with similar libraries. `make bench` runs these benchmarks."""
