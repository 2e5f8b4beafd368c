"""What holds a project, for pages that do not know of it."""

from __future__ import annotations

from django import template

from automation import pauses

register = template.Library()
register.simple_tag(pauses.pause_over)
