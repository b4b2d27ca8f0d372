"""Streams: changes found as they happen, with a bound on false alarms."""
