"""Parse quantities as people type them."""
