"""Define the JSON models of the OpenAPI document."""
