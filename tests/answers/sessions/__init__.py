"""Tests of recorded sessions: reconstructed, explained, fitted."""
