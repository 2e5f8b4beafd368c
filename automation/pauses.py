"""One switch holds everything that runs by itself; requests are kept, and drain in order later."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db.models import Q

from automation.models import Pause
from feedback.models import Project


def unpaused(path: str) -> Q:
    """Rows whose project, found along ``path``, is not paused."""
    paused = list(Pause.objects.values_list("project", flat=True))
    if None in paused:
        return Q(pk__in=[])
    return ~Q(**{f"{path}__in": paused}) if paused else Q()


def pause_over(project: Project | None) -> Pause | None:
    """What holds ``project``: its own pause, or that of everything."""
    over = Q(project=None) | Q(project=project) if project else Q(project=None)
    return Pause.objects.filter(over).select_related("by").first()


def pause(project: Project | None, by: User) -> None:
    Pause.objects.get_or_create(project=project, defaults={"by": by})


def go_on(project: Project | None) -> None:
    Pause.objects.filter(project=project).delete()
