"""Estimate a conversation, from a plan or a script, turn by turn."""
