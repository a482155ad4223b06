"""The command line: one file per command."""

from voicebill.cli.app import app, main

__all__ = ["app", "main"]
