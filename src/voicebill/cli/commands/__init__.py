"""Define the commands, one file per command."""
