"""The switches that hold what runs by itself: a project's pause, and a listener that holds."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone

from access.rules import Right
from automation.listener_pages import listeners_of
from automation.pages import address_of
from automation.pauses import go_on, pause
from automation.wake import wake
from feedback.models import Project
from feedback.pages import CommunityPage, ManagedTypePage, ProjectPage

ON = "Execution is paused: requests are kept, and nothing runs by itself until you let it go on."
OFF = "It goes on: what waits is worked off in its order."


class PausePage(ProjectPage):
    """Pauses a project, or lets it go on, by POST alone."""

    http_method_names = ["post"]

    def projects(self) -> QuerySet[Project]:
        return Project.objects.giving(self.caller, Right.MANAGE)

    def post(self, request: HttpRequest, **kwargs: object) -> HttpResponse:
        if request.POST.get("paused") == "on":
            pause(self.project, self.person)
            messages.success(request, ON)
        else:
            go_on(self.project)
            wake()
            messages.success(request, OFF)
        return redirect(self.project)


class PauseAllPage(CommunityPage):
    """The same for every project."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, **kwargs: object) -> HttpResponse:
        if request.POST.get("paused") == "on":
            pause(None, self.person)
            messages.success(request, ON)
        else:
            go_on(None)
            wake()
            messages.success(request, OFF)
        return redirect("community")


class ListenerGoOnPage(ManagedTypePage):
    """Lets a listener that holds go on, by POST alone."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, **kwargs: object) -> HttpResponse:
        listener = get_object_or_404(listeners_of(self.feedback_type), pk=kwargs["pk"])
        listener.held_at, listener.counted_from = None, timezone.now()
        listener.save(update_fields=["held_at", "counted_from"])
        wake()
        messages.success(request, f"External listener “{listener}” goes on.")
        return redirect(address_of("automation", self.feedback_type))
