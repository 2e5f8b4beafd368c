from __future__ import annotations

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from access.callers import Caller


def caller_of(request: Request) -> Caller:
    """The key's caller, or the person's who is signed in."""
    return getattr(request.auth, "caller", None) or Caller.of(request.user)


class KnownCaller(BasePermission):
    """Somebody that is known; what they may do is asked of each row."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return bool(caller_of(request).name)
