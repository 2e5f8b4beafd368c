"""A call to an address that people typed: to public hosts only, within limits of time and size."""

from __future__ import annotations

from automation.safe_http.calls import Answer, call
from automation.safe_http.targets import METHODS, MOST_SENT, CallFailed, check_headers, target_of

__all__ = [
    "METHODS",
    "MOST_SENT",
    "Answer",
    "CallFailed",
    "call",
    "check_headers",
    "target_of",
]
