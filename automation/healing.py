"""Trouble with the database that may heal: whoever meets it tries again later."""

from __future__ import annotations

from django.db import InterfaceError, OperationalError, connection

HEALS = (OperationalError, InterfaceError)


def renew_connection() -> None:
    """One that broke is made anew by whoever needs it next; within a transaction none can be."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()
