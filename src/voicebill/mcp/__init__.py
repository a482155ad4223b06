"""Serve voicebill to agents over the Model Context Protocol."""

from voicebill.extras import require_extra

require_extra("mcp", "serving agents", "mcp", "duckdb")
