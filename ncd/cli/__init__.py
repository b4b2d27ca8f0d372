"""The command ``ncd``: one file a command; each parses, calls the library, prints."""

from __future__ import annotations

from ncd.cli.app import main

__all__ = ["main"]
