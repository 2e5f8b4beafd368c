"""Tickets and links as CSV, in and out."""

from __future__ import annotations
