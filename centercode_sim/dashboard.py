"""The overview: each project's state, and what came in last."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import Any, cast

from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from automation.models import Delivery, ExternalListener
from automation.reasons import DeliveryStatus
from feedback.models import Project, Status, Ticket

DAYS, LATEST, PER_PAGE = 14, 10, 24


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    user = cast("User", request.user)
    projects = Project.objects.visible_to(user).filter(archived=False)
    page = Paginator(projects, PER_PAGE).get_page(request.GET.get("page"))
    managed = Project.objects.managed_by(user)
    context |= {
        "page_obj": page,
        "cards": cards(user, list(page), set(managed.values_list("pk", flat=True))),
        "days": DAYS,
        "manages": user.is_superuser or managed.exists(),
        "latest": latest(user, managed),
    }
    return context


def cards(user: User, projects: list[Project], managed: set[int]) -> list[dict[str, Any]]:
    keys = [project.pk for project in projects]
    open_tickets = _counted(
        Ticket.objects.visible_to(user)
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


def latest(user: User, managed: QuerySet[Project]) -> list[Delivery]:
    deliveries = Delivery.objects.exclude(status=DeliveryStatus.REFUSED)
    if not user.is_superuser:
        deliveries = deliveries.filter(project__in=managed)
    return list(deliveries.select_related("listener", "project").defer("body", "headers")[:LATEST])


def _counted(rows: QuerySet[Any], name: str) -> dict[int, int]:
    return {
        row[name]: row["count"] for row in rows.order_by().values(name).annotate(count=Count("pk"))
    }
