"""Price the connection of a call: transport, carrier and platform fees."""
