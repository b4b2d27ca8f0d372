"""Benchmarks: one script a question. Each prints a table and writes JSON with versions and machine."""
