"""The figures of the report that the library began with, as scripts."""
