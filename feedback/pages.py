"""The frame of our own pages inside the admin's shell."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.functional import cached_property
from django.views.generic import TemplateView

from access.callers import Caller
from access.rules import Right, may, may_make, seen
from feedback.models import FeedbackType, Project, Ticket


def stand_in(request: Any, project: Project | None, feedback_type: FeedbackType | None) -> None:
    """Let the menu know where a page belongs, which its address may not say."""
    request.place = (getattr(project, "key", ""), getattr(feedback_type, "prefix", ""))


class Page(LoginRequiredMixin, TemplateView):
    """A page for whoever is signed in. What the person may not see is a 404, never a hint."""

    title = ""

    @property
    def person(self) -> User:
        return cast("User", self.request.user)

    @cached_property
    def caller(self) -> Caller:
        return Caller.of(self.person)

    def get_title(self) -> str:
        return self.title

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        stand_in(self.request, context.get("project"), context.get("feedback_type"))
        shell = admin.site.each_context(self.request)
        return {
            **shell,
            "title": self.get_title(),
            "page": self,
            **super().get_context_data(**context),
        }


class CommunityPage(Page):
    """A page for community managers."""

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        if request.user.is_authenticated and not Caller.of(request.user).runs_community:
            raise PermissionDenied("Only community managers may see this page.")
        return super().dispatch(request, *args, **kwargs)


class ProjectPage(Page):
    """A page of the project whose key is in the address, for those whom ``projects`` lets in."""

    def projects(self) -> QuerySet[Project]:
        return seen(Project, self.caller)

    @cached_property
    def project(self) -> Project:
        return get_object_or_404(self.projects(), key=self.kwargs["project_key"])

    @cached_property
    def manages(self) -> bool:
        return may(self.caller, Right.MANAGE, self.project)

    @cached_property
    def insider(self) -> bool:
        """Sees every ticket and comment, and who and what is behind each change."""
        return may(self.caller, Right.INSIDE, self.project)

    @cached_property
    def contributes(self) -> bool:
        """May submit tickets."""
        return may_make(Ticket, self.caller, self.project)

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return super().get_context_data(project=self.project, manages=self.manages, **context)


class ManagedPage(ProjectPage):
    """The same, for those who manage the project only."""

    def projects(self) -> QuerySet[Project]:
        return Project.objects.giving(self.caller, Right.MANAGE)


class TypePage(ProjectPage):
    """A page of the feedback type whose prefix is in the address."""

    @cached_property
    def feedback_type(self) -> FeedbackType:
        types = self.project.feedback_types.select_related("project", "default_workflow")
        return get_object_or_404(types, prefix=self.kwargs["prefix"])

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return super().get_context_data(feedback_type=self.feedback_type, **context)


class ManagedTypePage(TypePage):
    """The same, for those who manage the project only."""

    def projects(self) -> QuerySet[Project]:
        return Project.objects.giving(self.caller, Right.MANAGE)
