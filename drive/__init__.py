"""Drive voice packages against a scripted server, and cost what they log."""
