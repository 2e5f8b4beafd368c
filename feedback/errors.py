from __future__ import annotations


class BrokenFilter(Exception):
    """A saved filter that can no longer be understood; the message says why."""
