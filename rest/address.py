from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def site_address(request: HttpRequest) -> str:
    """Scheme and host under which people and programs reach this installation."""
    return settings.SITE_URL or request.build_absolute_uri("/").rstrip("/")


def absolute(path: str) -> str:
    """``path`` where no request is at hand: with SITE_URL before it, if that is set."""
    return f"{settings.SITE_URL}{path}"
