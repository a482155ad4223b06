"""Compare offers and alternatives for the same conversation, with their break-even."""
