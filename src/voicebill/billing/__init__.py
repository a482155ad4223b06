"""What the price list says: money, meters, usage, facts that change, offers and rates, the bill."""
