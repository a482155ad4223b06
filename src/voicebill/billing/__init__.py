"""Model the price list and the bill: money, meters, usage, dated facts, offers and rates, bill lines."""
