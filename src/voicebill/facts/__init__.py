"""Load dated, sourced facts (prices, rules, stacks, quotas) from TOML files."""

from voicebill.facts.load import check_facts, load_facts

__all__ = ["check_facts", "load_facts"]
