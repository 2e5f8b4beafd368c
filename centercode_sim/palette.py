"""What Ctrl+K finds: a few tickets and projects, of those that the person may see."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.models import User
from django.db.models import Q
from django.http import HttpRequest
from unfold.dataclasses import SearchResult

from feedback.models import REF, Project, Ticket

TICKETS, PROJECTS = 7, 3


def palette(request: HttpRequest, term: str) -> list[SearchResult]:
    user = cast("User", request.user)
    projects = Project.objects.visible_to(user).filter(
        Q(name__icontains=term) | Q(key__icontains=term)
    )
    return [
        SearchResult(
            title=ticket.ref,
            description=f"{ticket.summary} ({ticket.project})",
            link=ticket.get_absolute_url(),
            icon="confirmation_number",
        )
        for ticket in tickets(user, term)
    ] + [
        SearchResult(
            title=project.name,
            description="Project home",
            link=project.get_absolute_url(),
            icon="folder",
        )
        for project in projects[:PROJECTS]
    ]


def tickets(user: User, term: str) -> list[Ticket]:
    seen = Ticket.objects.visible_to(user).select_related("feedback_type__project")
    if REF.fullmatch(term):
        return list(seen.with_ref(term)[:TICKETS])
    return list(seen.filter(summary__icontains=term)[:TICKETS])
