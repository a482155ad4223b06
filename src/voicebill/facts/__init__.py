"""Load dated, sourced facts (prices, rules, stacks, quotas) from TOML files."""

from voicebill.facts.load import load_facts

__all__ = ["load_facts"]
