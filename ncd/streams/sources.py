"""Where units come from."""

from __future__ import annotations

from ncd.streams.follow import Position, follow, read_chunks

__all__ = ["Position", "follow", "read_chunks"]
