"""What the pages of automation share."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Page as PageOfRows
from django.core.paginator import Paginator
from django.db import models
from django.db.models import ProtectedError, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import cached_property

from feedback.models import FeedbackType
from feedback.pages import ManagedTypePage

AT_ONCE = 25


def page_of(rows: QuerySet[Any], request: HttpRequest) -> PageOfRows[Any]:
    return Paginator(rows, AT_ONCE).get_page(request.GET.get("page"))


def address_of(name: str, feedback_type: FeedbackType, *args: Any) -> str:
    return reverse(name, args=[feedback_type.project.key, feedback_type.prefix, *args])


class DeletePage(ManagedTypePage):
    """Asks first; what something else uses is not deleted, and the page lists what uses it."""

    template_name = "automation/delete.html"
    home = ""  # the name of the page to go to afterwards
    noun = ""
    instead = ""

    @cached_property
    def row(self) -> models.Model:
        raise NotImplementedError

    def users(self) -> list[str]:
        raise NotImplementedError

    def get_title(self) -> str:
        return f"Delete {self.noun} “{self.row}”"

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        context.setdefault("users", self.users())
        return super().get_context_data(row=self.row, instead=self.instead, **context)

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        users = self.users()
        if not users:
            try:
                self.row.delete()
            except ProtectedError as error:
                users = sorted({str(each) for each in error.protected_objects})
        if users:
            return self.render_to_response(self.get_context_data(users=users), status=409)
        messages.success(request, f"{self.noun.capitalize()} “{self.row}” was deleted.")
        return redirect(address_of(self.home, self.feedback_type))
