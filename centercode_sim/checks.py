"""What is right by itself but contradicts something else, and what should not wait for a reader."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.template import TemplateSyntaxError
from django.template.loader import get_template


def contradictions(**options: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if "*" in settings.ALLOWED_HOSTS and not settings.DEBUG:
        found.append(
            Warning(
                "ALLOWED_HOSTS=* lets any host name pass for this site's.",
                hint="Name the hosts that people really use.",
                id="centercode_sim.W001",
            )
        )
    if settings.SECURE_SSL_REDIRECT and not settings.TRUSTED_PROXIES:
        found.append(
            Warning(
                "SECURE_SSL_REDIRECT without TRUSTED_PROXIES redirects for ever behind a proxy.",
                hint="Name your proxy's network in TRUSTED_PROXIES.",
                id="centercode_sim.W002",
            )
        )
    return found


def broken_templates(**options: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    home = settings.BASE_DIR / "templates"
    for path in sorted(path for path in home.rglob("*") if path.is_file()):
        try:
            get_template(str(path.relative_to(home)))
        except TemplateSyntaxError as error:
            found.append(Error(f"{path.name}: {error}", obj=str(path), id="centercode_sim.E001"))
    return found
