from __future__ import annotations

from copy import copy
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.functional import cached_property

from automation.actions.fields import TypeRows
from automation.forms import MacroForm
from automation.macro_users import (
    OF_FILTERS,
    OF_MACROS,
    count_users,
    records_of_macro,
    users_of_macro,
)
from automation.macros import archive_macro, describe_macro
from automation.models import Macro
from automation.pages import DeletePage, WayOut, address_of, page_of
from automation.preview import (
    offered_variables,
    payload_variables,
    preview,
    recorded_for,
    request_for,
    text_field,
    ticket_for,
)
from feedback.models import FeedbackType
from feedback.pages import ManagedTypePage
from feedback.protection import Use
from feedback.versions import overtaken

PREVIEWED = ("field", "text", "ticket", "request", "name")


def macros_of(feedback_type: FeedbackType) -> QuerySet[Macro]:
    return Macro.objects.filter(feedback_type=feedback_type).select_related(
        "feedback_type__project", "feedback_type__default_workflow"
    )


class ResourcesPage(ManagedTypePage):
    title = "Feedback Resources"
    template_name = "automation/resources.html"

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        macros = macros_of(self.feedback_type).prefetch_related("actions")
        shown = page_of(macros.order_by("name"), self.request)
        used = count_users(shown, OF_MACROS)
        known = TypeRows(self.feedback_type)
        filters = self.feedback_type.saved_filters.order_by("name")[:10]
        narrowed = count_users(filters, OF_FILTERS)
        return super().get_context_data(
            page_obj=shown,
            macros=[(macro, describe_macro(macro, known), used.get(macro.pk)) for macro in shown],
            filters=[(saved, narrowed.get(saved.pk)) for saved in filters],
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
        return super().get_context_data(
            macro=self.macro,
            variables=offered_variables(self.feedback_type),
            newest=self.feedback_type.tickets.order_by("-pk").first(),
            recorded=recorded_for(self.feedback_type),
            **context,
        )

    @transaction.atomic
    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        form = MacroForm(request.POST, instance=copy(self.macro))
        if problem := overtaken(self.macro, request.POST.get("seen", "")):
            form.full_clean()
            form.add_error(None, problem)
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(form=form))
        messages.success(request, self.saved_message(form.save(actor=self.caller.name)))
        return redirect(address_of("resources", self.feedback_type))

    def saved_message(self, macro: Macro) -> str:
        return (
            f"Macro “{macro}” was created. Next, let something run it: an external listener "
            "(Feedback Automation → Create an External Listener), a trigger or a schedule; or run "
            "it yourself, on a ticket or on a list of them."
        )


class TextPreviewView(ManagedTypePage):
    """What a text of the page becomes on a ticket, by POST alone: ``text`` or ``problem``."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        given = {name: request.POST.get(name, "").strip() for name in PREVIEWED}
        try:
            return JsonResponse(self._filled(**given))
        except ValidationError as error:
            asks = "payload" in given["text"] and not given["request"]
            hint = ["No request is chosen: choose one below the parts."] if asks else []
            return JsonResponse({"problem": " ".join(error.messages + hint)})

    def _filled(self, field: str, text: str, ticket: str, request: str, name: str) -> Any:
        on = ticket_for(self.feedback_type, ticket)
        delivery = request_for(self.feedback_type, request)
        starts = delivery.listener if delivery else self.caller.name
        actor = f"{starts} → {name[:100] or 'the macro'}"
        filled = preview(
            text_field(field, self.feedback_type), text, on, actor=actor, delivery=delivery
        )
        return {"text": filled, "ticket": on.ref}


class VariablesView(ManagedTypePage):
    """The variables that a recorded request, named by ``request``, adds to those of all texts."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            delivery = request_for(self.feedback_type, request.GET.get("request", ""))
        except ValidationError as error:
            return JsonResponse({"variables": [], "problem": " ".join(error.messages)})
        return JsonResponse({"variables": payload_variables(delivery)})


class MacroPage(MacroAddPage):
    @cached_property
    def macro(self) -> Macro:
        return get_object_or_404(macros_of(self.feedback_type), pk=self.kwargs["pk"])

    def get_title(self) -> str:
        return str(self.macro)

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return super().get_context_data(users=users_of_macro(self.macro), **context)

    def saved_message(self, macro: Macro) -> str:
        return f"Macro “{macro}” was saved."


class MacroDeletePage(DeletePage):
    home = "resources"
    noun = "macro"
    instead = "Let those use another macro first, or archive this one: it is then not offered."
    kept_for = "It ran, and the record stays: archive it instead, so that it is no longer offered."

    @cached_property
    def row(self) -> Macro:
        return get_object_or_404(macros_of(self.feedback_type), pk=self.kwargs["pk"])

    def users(self) -> list[Use]:
        return users_of_macro(self.row)

    def records(self) -> list[Use]:
        return records_of_macro(self.row)

    def way_out(self) -> WayOut | None:
        return None if self.row.archived else WayOut("Archive it", "archived", "on")

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        if "archived" not in request.POST:
            return super().post(request, **kwargs)
        archive_macro(self.row, actor=self.caller.name)
        messages.success(request, f"Macro “{self.row}” is archived: it is no longer offered.")
        return redirect(self.row)
