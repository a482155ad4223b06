"""Declare and validate what can be asked, for every interface."""
