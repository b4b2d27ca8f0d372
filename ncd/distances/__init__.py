"""Distances: pure functions of code lengths."""
