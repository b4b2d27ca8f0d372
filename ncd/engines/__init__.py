"""Engines fill arrays of code lengths; they know nothing of distances."""
