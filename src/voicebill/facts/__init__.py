"""What is true, and since when: dated, sourced rows in TOML, and the loader that turns them into values."""

from voicebill.facts.load import check, load

__all__ = ["check", "load"]
