"""The frame of all pages, for those about the API; without a menu for who is signed out."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest


def shell(request: HttpRequest) -> dict[str, Any]:
    known = bool(request.user.is_active)
    return admin.site.each_context(request) | {"is_nav_sidebar_enabled": known}
