"""Algorithms of our own, compiled: plain functions on arrays, one source for CPU and GPU."""
