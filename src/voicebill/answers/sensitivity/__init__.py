"""Find what changes a cost most, and recommend cheaper settings."""
