"""Define the commands, one module per command."""
