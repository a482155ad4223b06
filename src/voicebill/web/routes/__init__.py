"""Serve pages and their API, one file per page."""
