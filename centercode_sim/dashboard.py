"""The overview: each project's state, and what came in last."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from access.callers import Caller
from access.rules import Right, seen
from automation.models import Delivery, ExternalListener
from automation.reasons import DeliveryStatus
from feedback.models import Project, Status, Ticket

DAYS, LATEST, PER_PAGE = 14, 10, 24


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    caller = Caller.of(request.user)
    projects = seen(Project, caller).filter(archived=False)
    page = Paginator(projects, PER_PAGE).get_page(request.GET.get("page"))
    managed = Project.objects.giving(caller, Right.MANAGE)
    context |= {
        "page_obj": page,
        "cards": cards(caller, list(page), set(managed.values_list("pk", flat=True))),
        "days": DAYS,
        "runs_community": caller.runs_community,
        "manages": caller.runs_community or managed.exists(),
        "latest": latest(caller),
    }
    return context


def cards(caller: Caller, projects: list[Project], managed: set[int]) -> list[dict[str, Any]]:
    keys = [project.pk for project in projects]
    open_tickets = _counted(
        seen(Ticket, caller)
        .filter(feedback_type__project__in=keys)
        .exclude(status__category=Status.Category.DONE),
        "feedback_type__project",
    )
    own = managed.intersection(keys)
    listeners = _counted(ExternalListener.objects.filter(project__in=own), "project")
    outcomes: dict[int, dict[str, int]] = defaultdict(dict)
    since = timezone.now() - timedelta(days=DAYS)
    recent = Delivery.objects.filter(project__in=own, received_at__gte=since).order_by()
    for row in recent.values("project", "status").annotate(count=Count("pk")):
        outcomes[row["project"]][row["status"]] = row["count"]
    return [
        {
            "project": project,
            "open": open_tickets.get(project.pk, 0),
            "manages": project.pk in managed,
            "listeners": listeners.get(project.pk, 0),
            "outcomes": [
                (status, status.label, outcomes[project.pk][status])
                for status in DeliveryStatus
                if status in outcomes[project.pk]
            ],
        }
        for project in projects
    ]


def latest(caller: Caller) -> list[Delivery]:
    deliveries = seen(Delivery, caller).exclude(status=DeliveryStatus.REFUSED)
    return list(deliveries.select_related("listener", "project").defer("body", "headers")[:LATEST])


def _counted(rows: QuerySet[Any], name: str) -> dict[int, int]:
    return {
        row[name]: row["count"] for row in rows.order_by().values(name).annotate(count=Count("pk"))
    }
