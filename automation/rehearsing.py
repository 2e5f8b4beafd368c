"""What fails in a rehearsal is told to who asked for it: it is no news for the operator."""

from __future__ import annotations

from contextvars import ContextVar
from logging import LogRecord

rehearsing = ContextVar("rehearsing", default=False)


def unless_rehearsing(record: LogRecord) -> bool:
    """A filter for loggers of what a rehearsal does too."""
    return not rehearsing.get()
