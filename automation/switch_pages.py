"""The switches that hold what runs by itself: a project's pause, and a listener that holds.

Each is a button; whoever comes by its address, as after signing in, gets to a page that has it.
"""

from __future__ import annotations

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.functional import cached_property

from access.rules import Right
from automation.listener_pages import listeners_of
from automation.models import ExternalListener, Pause
from automation.pages import address_of, back
from automation.pauses import go_on, pause, pause_over
from automation.wake import wake, wake_outbox
from feedback.models import Project
from feedback.pages import CommunityPage, ManagedTypePage, ProjectPage

ON = "Execution is paused: requests are kept, and nothing runs by itself until you let it go on."
OFF = "It goes on: what waits is worked off in its order."
STILL = (
    "The project is no longer paused by itself, but everything still is, by {by}: what waits is "
    "worked off once a community manager lets everything go on."
)
SOME_STILL = "It goes on, but for projects that are paused by themselves: {names}."


class PausePage(ProjectPage):
    """Pauses a project, or lets it go on."""

    http_method_names = ["get", "post"]

    def projects(self) -> QuerySet[Project]:
        return Project.objects.giving(self.caller, Right.MANAGE)

    def get(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        return redirect(self.project)

    def post(self, request: HttpRequest, **kwargs: object) -> HttpResponse:
        if request.POST.get("paused") == "on":
            pause(self.project, self.person)
            messages.warning(request, ON)
        else:
            go_on(self.project)
            self._tell()
        return back(request, self.project.get_absolute_url())

    def _tell(self) -> None:
        if above := pause_over(self.project):
            messages.warning(self.request, STILL.format(by=above.by))
        else:
            _wake_all()
            messages.success(self.request, OFF)


class PauseAllPage(CommunityPage):
    """The same for every project."""

    http_method_names = ["get", "post"]

    def get(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        return redirect("community")

    def post(self, request: HttpRequest, **kwargs: object) -> HttpResponse:
        if request.POST.get("paused") == "on":
            pause(None, self.person)
            messages.warning(request, ON)
        else:
            go_on(None)
            _wake_all()
            own = Pause.objects.exclude(project=None).values_list("project__name", flat=True)
            names = ", ".join(own.order_by("project__name"))
            messages.success(request, SOME_STILL.format(names=names) if names else OFF)
        return redirect("community")


class ListenerGoOnPage(ManagedTypePage):
    """Lets a listener that holds go on."""

    http_method_names = ["get", "post"]

    @cached_property
    def listener(self) -> ExternalListener:
        return get_object_or_404(listeners_of(self.feedback_type), pk=self.kwargs["pk"])

    def get(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        assert self.listener  # or 404
        return redirect(address_of("automation", self.feedback_type))

    def post(self, request: HttpRequest, **kwargs: object) -> HttpResponse:
        listener = self.listener
        listener.held_at, listener.counted_from = None, timezone.now()
        listener.save(update_fields=["held_at", "counted_from"])
        wake()
        messages.success(request, f"External listener “{listener}” goes on.")
        return redirect(address_of("automation", self.feedback_type))


def _wake_all() -> None:
    wake()
    wake_outbox()
