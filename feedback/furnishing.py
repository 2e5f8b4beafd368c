"""What a new project comes with."""

from __future__ import annotations

from django.db import transaction

from feedback.models import (
    FeedbackType,
    Project,
    Status,
    Team,
    Workflow,
)

COMMENTS, LINKS, DATA = "comments", "links", "custom_data"  # as events name what gathers around
DEFAULT_TEAMS = (
    ("Project Managers", Team.Kind.PROJECT_MANAGER),
    ("Beta Support", Team.Kind.SUPPORT),
    ("Participants", Team.Kind.PARTICIPANT),
)
DEFAULT_STATUSES = (
    ("New", Status.Category.NEW),
    ("Open", Status.Category.OPEN),
    ("In Progress", Status.Category.OPEN),
    ("Logged to Jira", Status.Category.OPEN),
    ("Fixed", Status.Category.DONE),
    ("Closed", Status.Category.DONE),
)
DEFAULT_TYPES = (("Bugs", "BUG"), ("Suggestions", "SUG"))


@transaction.atomic
def furnish_project(project: Project) -> None:
    """Give a new project the teams, workflow and feedback types that every project begins with."""
    Team.objects.bulk_create(
        Team(project=project, name=name, kind=kind) for name, kind in DEFAULT_TEAMS
    )
    workflow = Workflow.objects.create(project=project, name="Default")
    Status.objects.bulk_create(
        Status(workflow=workflow, name=name, category=category, order=order)
        for order, (name, category) in enumerate(DEFAULT_STATUSES)
    )
    FeedbackType.objects.bulk_create(
        FeedbackType(project=project, name=name, prefix=prefix, default_workflow=workflow)
        for name, prefix in DEFAULT_TYPES
    )


def create_project(key: str, name: str) -> Project:
    with transaction.atomic():
        project = Project(key=key.lower(), name=name)
        project.full_clean()
        project.save()
        furnish_project(project)
    return project
