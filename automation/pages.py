"""What the pages of automation share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.paginator import Page as PageOfRows
from django.core.paginator import Paginator
from django.db import models
from django.db.models import ProtectedError, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.http import url_has_allowed_host_and_scheme

from feedback.models import FeedbackType
from feedback.pages import ManagedTypePage
from feedback.protection import Use
from feedback.versions import delete_row

AT_ONCE = 25
HOMES = {  # what stands above a row's pages, by the name of its address
    "resources": "Feedback Resources",
    "automation": "Feedback Automation",
    "starts": "Triggers and Schedules",
}


def page_of(rows: QuerySet[Any], request: HttpRequest) -> PageOfRows[Any]:
    return Paginator(rows, AT_ONCE).get_page(request.GET.get("page"))


def back(request: HttpRequest, otherwise: str) -> HttpResponse:
    """To the page on which somebody pressed a button, if that is one of ours."""
    place = request.POST.get("next", "")
    ours = place.startswith("/") and url_has_allowed_host_and_scheme(place, allowed_hosts=None)
    return HttpResponseRedirect(place if ours else otherwise)


def address_of(name: str, feedback_type: FeedbackType, *args: Any) -> str:
    return reverse(name, args=[feedback_type.project.key, feedback_type.prefix, *args])


@dataclass(frozen=True)
class WayOut:
    """What can be done at once with a row that cannot be deleted: a button, and what it posts."""

    label: str
    name: str
    value: str
    address: str = ""  # of the page itself, where it is empty


class DeletePage(ManagedTypePage):
    """Asks first; what something else uses is not deleted, and the page lists what uses it."""

    template_name = "automation/delete.html"
    home = ""  # the name of the page to go to afterwards
    noun = ""
    instead = ""  # what to do with a row that something uses
    kept_for = ""  # the same for a row that nothing uses, but whose past is kept

    @cached_property
    def row(self) -> models.Model:
        raise NotImplementedError

    def users(self) -> list[Use]:
        raise NotImplementedError

    def records(self) -> list[Use]:
        """What is kept of the row's past, and named to nobody as a user of it."""
        return []

    def way_out(self) -> WayOut | None:
        return None

    def get_title(self) -> str:
        return f"Delete {self.noun} “{self.row}”"

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        users = context.setdefault("users", self.users())
        return super().get_context_data(
            row=self.row,
            restorable=hasattr(self.row, "version"),
            above=address_of(self.home, self.feedback_type),
            above_title=HOMES[self.home],
            records=self.records(),
            instead=self.instead if users else self.kept_for,
            way_out=self.way_out(),
            **context,
        )

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        users = self.users()
        if not users and not self.records():
            try:
                delete_row(self.row, actor=self.caller.name)
            except ProtectedError as error:
                users = [Use(name, "") for name in sorted({*map(str, error.protected_objects)})]
        if users or self.row.pk:
            return self.render_to_response(self.get_context_data(users=users), status=409)
        messages.success(request, f"{self.noun.capitalize()} “{self.row}” was deleted.")
        return redirect(address_of(self.home, self.feedback_type))
