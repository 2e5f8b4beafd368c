"""Who may see and do what: the one place that decides it, for pages, REST, files and search."""

from __future__ import annotations
