"""Macros, listeners and filters that were deleted: who did, what they were, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from automation.pages import page_of
from automation.restoring import remake_listener, remake_macro
from feedback.models import Version
from feedback.numbers import row_id
from feedback.pages import ManagedTypePage
from feedback.saved_filters import remake_filter
from feedback.versions import deleted_from

REMADE_BY: dict[str, Callable[..., Any]] = {
    "automation.macro": remake_macro,
    "automation.externallistener": remake_listener,
    "feedback.savedfilter": remake_filter,
}


@dataclass(frozen=True)
class Deleted:
    version: Version

    @property
    def title(self) -> str:
        noun = apps.get_model(self.version.kind)._meta.verbose_name
        return f"{str(noun).capitalize()} “{self.version.content['name']}”"


class DeletedPage(ManagedTypePage):
    """By POST one of them is made anew, checked as if somebody entered it now."""

    title = "Deleted"
    template_name = "automation/deleted.html"

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        pk = row_id(request.POST.get("restore", ""))
        version = get_object_or_404(deleted_from(self.feedback_type), pk=pk)
        remake = REMADE_BY[version.kind]
        title = Deleted(version).title
        try:
            row = remake(self.feedback_type, version, actor=self.caller.name)
        except ValidationError as error:
            why = " ".join(error.messages)
            messages.error(request, f"{title} does not fit any more. {why}")
            return redirect(request.path)
        messages.success(request, f"{title} is there again; enter its secrets anew, if it had any.")
        return redirect(row)

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        page: Any = page_of(deleted_from(self.feedback_type), self.request)
        return super().get_context_data(
            page_obj=page, deleted=[Deleted(version) for version in page], **context
        )
