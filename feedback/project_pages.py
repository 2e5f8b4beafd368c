from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.functional import cached_property
from django.views.generic import FormView

from access.rules import Right, seen
from feedback.forms import ProjectSettingsForm
from feedback.models import FeedbackType, Project, Status, Team, Ticket
from feedback.pages import ProjectPage


class ProjectHome(ProjectPage):
    template_name = "feedback/project_home.html"

    def get_title(self) -> str:
        return self.project.name

    @cached_property
    def types(self) -> QuerySet[FeedbackType]:
        """The feedback types with their tickets counted, as far as the person may see those."""
        theirs = Q(tickets__in=seen(Ticket, self.caller).values("pk"))
        still_open = ~Q(tickets__status__category=Status.Category.DONE)
        return self.project.feedback_types.filter(archived=False).annotate(
            open_tickets=Count("tickets", filter=theirs & still_open),
            all_tickets=Count("tickets", filter=theirs),
        )

    def is_new(self) -> bool:
        """Whether there is no ticket yet, and so perhaps nobody who knows what comes first."""
        return not any(kind.all_tickets for kind in self.types)  # type: ignore[attr-defined]

    def teams(self) -> QuerySet[Team]:
        return self.project.teams.filter(archived=False).annotate(people=Count("members"))


class ProjectSettings(ProjectPage, FormView):
    """*Basic Project Settings*."""

    title = "Basic Project Settings"
    template_name = "feedback/project_settings.html"
    form_class = ProjectSettingsForm

    def projects(self) -> QuerySet[Project]:
        return Project.objects.giving(self.caller, Right.MANAGE)

    def get_form_kwargs(self) -> dict[str, Any]:
        own = Project.objects.get(pk=self.project.pk)  # the page keeps the values before the form
        return super().get_form_kwargs() | {"instance": own}

    def form_valid(self, form: ProjectSettingsForm) -> HttpResponse:
        project = form.save()
        messages.success(self.request, "The project's settings are saved.")
        if project.key != form.key_before:
            messages.warning(
                self.request,
                "The project key changed, and with it the API Endpoint URL of every listener. "
                "Copy each one from Feedback Automation and paste it into its tracker.",
            )
        return redirect("project_settings", project.key)
