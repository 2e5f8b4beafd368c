"""What Ctrl+K finds: a few tickets and projects, of those that the person may see."""

from __future__ import annotations

from django.db.models import Q
from django.http import HttpRequest
from unfold.dataclasses import SearchResult

from access.callers import Caller
from access.rules import seen
from feedback.models import REF, Project, Ticket

TICKETS, PROJECTS = 7, 3


def palette(request: HttpRequest, term: str) -> list[SearchResult]:
    caller = Caller.of(request.user)
    projects = seen(Project, caller).filter(Q(name__icontains=term) | Q(key__icontains=term))
    return [
        SearchResult(
            title=ticket.ref,
            description=f"{ticket.summary} ({ticket.project})",
            link=ticket.get_absolute_url(),
            icon="confirmation_number",
        )
        for ticket in tickets(caller, term)
    ] + [
        SearchResult(
            title=project.name,
            description="Project home",
            link=project.get_absolute_url(),
            icon="folder",
        )
        for project in projects[:PROJECTS]
    ]


def tickets(caller: Caller, term: str) -> list[Ticket]:
    shown = seen(Ticket, caller).select_related("feedback_type__project")
    if REF.fullmatch(term):
        return list(shown.filter(pk__in=Ticket.objects.with_ref(term).values("pk"))[:TICKETS])
    return list(shown.filter(summary__icontains=term)[:TICKETS])
