"""Read forms and queries: their fields, example plans and errors."""
