"""A project's rules as a text that people read, compare and keep with their code."""

from __future__ import annotations
