"""Plivo, as a provider."""
