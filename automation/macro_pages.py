from __future__ import annotations

from copy import copy
from typing import Any

from django.contrib import messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.functional import cached_property

from automation.actions.base import TypeRows
from automation.forms import MacroForm
from automation.macros import describe_macro
from automation.models import Macro
from automation.pages import DeletePage, address_of, page_of
from feedback.models import FeedbackType
from feedback.pages import ManagedTypePage


def macros_of(feedback_type: FeedbackType) -> QuerySet[Macro]:
    return Macro.objects.filter(feedback_type=feedback_type).select_related(
        "feedback_type__project", "feedback_type__default_workflow"
    )


class ResourcesPage(ManagedTypePage):
    title = "Feedback Resources"
    template_name = "automation/resources.html"

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        macros = macros_of(self.feedback_type).prefetch_related("actions")
        shown = page_of(macros.annotate(used=Count("listeners")).order_by("name"), self.request)
        known = TypeRows(self.feedback_type)
        filters = self.feedback_type.saved_filters.annotate(used=Count("listeners")).order_by(
            "name"
        )
        return super().get_context_data(
            page_obj=shown,
            macros=[(macro, describe_macro(macro, known)) for macro in shown],
            filters=filters[:10],
            **context,
        )


class MacroAddPage(ManagedTypePage):
    title = "Create a Macro"
    template_name = "automation/macro.html"

    @cached_property
    def macro(self) -> Macro:
        return Macro(feedback_type=self.feedback_type)

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        context.setdefault("form", MacroForm(instance=self.macro))
        return super().get_context_data(macro=self.macro, **context)

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        form = MacroForm(request.POST, instance=copy(self.macro))
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(form=form))
        messages.success(request, self.saved_message(form.save()))
        return redirect(address_of("resources", self.feedback_type))

    def saved_message(self, macro: Macro) -> str:
        return (
            f"Macro “{macro}” was created. Next, let something run it: "
            "Feedback Automation → Create an External Listener."
        )


class MacroPage(MacroAddPage):
    @cached_property
    def macro(self) -> Macro:
        return get_object_or_404(macros_of(self.feedback_type), pk=self.kwargs["pk"])

    def get_title(self) -> str:
        return str(self.macro)

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return super().get_context_data(listeners=list(self.macro.listeners.all()[:20]), **context)

    def saved_message(self, macro: Macro) -> str:
        return f"Macro “{macro}” was saved."


def users_of_macro(macro: Macro) -> list[str]:
    users = [f"Listener “{listener}”" for listener in macro.listeners.all()]
    runs = macro.executions.count()
    return users + ([f"The record of its runs on tickets ({runs})"] if runs else [])


class MacroDeletePage(DeletePage):
    home = "resources"
    noun = "macro"
    instead = (
        "Let those use another macro first, or archive this one: it is then no longer offered."
    )

    @cached_property
    def row(self) -> Macro:
        return get_object_or_404(macros_of(self.feedback_type), pk=self.kwargs["pk"])

    def users(self) -> list[str]:
        return users_of_macro(self.row)
