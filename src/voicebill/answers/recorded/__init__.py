"""Calculate what recorded usage cost, by group and by session."""
